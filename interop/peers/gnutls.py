"""GnuTLS's gnutls-cli and gnutls-serv."""

from .common import PAGE, REQUEST, Peer, Server, every_pair, expect, talk

CIPHER = {"TLS_AES_128_GCM_SHA256": "AES-128-GCM", "TLS_AES_256_GCM_SHA384": "AES-256-GCM",
          "TLS_CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305"}
SIGNATURE = {"p256": "ECDSA-SECP256R1-SHA256", "p384": "ECDSA-SECP384R1-SHA384", "ed25519": "EdDSA-Ed25519",
             "rsa2048": r"RSA-PSS-RSAE-SHA(256|384|512)"}


def priority(cell):
    return f"NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+{CIPHER[cell.suite]}:-GROUP-ALL:+GROUP-{cell.group.upper()}"


def expect_description(output, cell):
    expect(rf"Description: \(TLS1\.3.*\)-\(ECDHE-{cell.group.upper()}\)-\({SIGNATURE[cell.key]}\)-\({CIPHER[cell.suite]}\)", output,
           f"{cell.group}, {SIGNATURE[cell.key]} and {CIPHER[cell.suite]}")


class GnuTls(Peer):
    name = "gnutls"
    client_programs = ("gnutls-cli",)
    server_programs = ("gnutls-serv",)
    client_cells = server_cells = staticmethod(every_pair)

    def client(self, place, port, cell):
        output = talk(["gnutls-cli", f"--port={port}", f"--x509cafile={place.ca}", f"--priority={priority(cell)}", "localhost"],
                      REQUEST, PAGE.encode())
        expect(PAGE.strip(), output, "the page")
        expect_description(output, cell)
        expect(r"Status: The certificate is trusted", output, "a trusted chain")

    def server(self, place, cell):
        cert, key = place.pair(cell.key)
        with Server(lambda port: ["gnutls-serv", "--http", f"--port={port}", f"--x509certfile={cert}", f"--x509keyfile={key}",
                                  f"--priority={priority(cell)}"], place.work) as server:
            # GnuTLS's page is its account of the connection.
            expect(rf"(?s){CIPHER[cell.suite]}", place.get(server.port), CIPHER[cell.suite])
            expect_description(server.output(), cell)
