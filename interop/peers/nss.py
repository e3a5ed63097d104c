"""NSS's tstclnt and selfserv."""

import functools

from .common import PAGE, REQUEST, Peer, Server, build, expect, run

SUITE = {"TLS_AES_128_GCM_SHA256": ":1301", "TLS_AES_256_GCM_SHA384": ":1302", "TLS_CHACHA20_POLY1305_SHA256": ":1303"}
GROUP = {"x25519": "x25519", "secp256r1": "P256", "secp384r1": "P384"}


CIPHER = {"TLS_AES_128_GCM_SHA256": "128-bit AES-GCM", "TLS_AES_256_GCM_SHA384": "256-bit AES-GCM",
          "TLS_CHACHA20_POLY1305_SHA256": "256-bit CHACHA20POLY1305"}
SIGNATURE = {"p256": "ecdsa_secp256r1_sha256", "p384": "ecdsa_secp384r1_sha384", "rsa2048": "rsa_pss_rsae_sha(256|384|512)"}
BITS = {"x25519": 255, "secp256r1": 256, "secp384r1": 384}  # of the key exchange


def expect_account(output, cell):
    expect(rf"SSL version 3\.4 using {CIPHER[cell.suite]}", output, f"TLS 1.3 and {CIPHER[cell.suite]}")
    expect(rf"Key Exchange: {BITS[cell.group]}-bit TLS 1.3", output, f"{BITS[cell.group]}-bit key exchange")


class Nss(Peer):
    name = "nss"
    client_programs = ("tstclnt", "certutil")
    server_programs = ("selfserv", "certutil", "pk12util", "openssl")
    lacks = {"ed25519": "NSS 3.87 has no Ed25519 in TLS"}

    def prepare(self, place):
        self.database = self.new_database(place, "nss")
        build(["certutil", "-A", "-d", self.database, "-n", "ca", "-t", "C,,", "-a", "-i", place.ca])
        (place.work / "nss-request").write_bytes(REQUEST)

    def new_database(self, place, name):
        (place.work / name).mkdir()
        database = f"sql:{place.work}/{name}"
        build(["certutil", "-N", "-d", database, "--empty-password"])
        return database

    @functools.cache
    def database_of(self, place, key_type):
        """With our pair as "server". Each has its own: NSS knows but one name for all certificates of a subject."""
        database, bundle = self.new_database(place, f"nss-{key_type}"), place.work / f"{key_type}.p12"
        cert, key = place.pair(key_type)
        build(["openssl", "pkcs12", "-export", "-in", cert, "-inkey", key, "-passout", "pass:", "-name", "server", "-out", bundle])
        build(["pk12util", "-i", bundle, "-d", database, "-W", ""])
        return database

    def client(self, place, port, cell):
        _, output = run(["tstclnt", "-4", "-h", "localhost", "-p", str(port), "-d", self.database, "-V", "tls1.3:tls1.3", "-c",
                         SUITE[cell.suite], "-I", GROUP[cell.group], "-A", place.work / "nss-request", "-v"])
        expect(PAGE.strip(), output, "the page")
        expect_account(output, cell)
        expect(rf"Signature Scheme: {SIGNATURE[cell.key]}", output, SIGNATURE[cell.key])

    def server(self, place, cell):
        database = self.database_of(place, cell.key)
        of_key = ["-n", "server"] if cell.key.startswith("rsa") else ["-n", "server", "-e", "server"]
        with Server(lambda port: ["selfserv", *of_key, "-p", str(port), "-d", database, "-V", "tls1.3:tls1.3", "-c",
                                  SUITE[cell.suite], "-I", GROUP[cell.group], "-v"], place.work) as server:
            expect(r"GET /page.txt", place.get(server.port), "our request, which it echoes")
            expect_account(server.output(), cell)
