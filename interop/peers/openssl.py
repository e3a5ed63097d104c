"""OpenSSL's s_client and s_server."""

import re

from .common import GROUPS, KEYS, PAGE, REQUEST, Cell, Peer, Server, every_pair, expect, star, talk

GROUP = {"x25519": ("X25519", "X25519"), "secp256r1": ("P-256", "ECDH, prime256v1"), "secp384r1": ("P-384", "ECDH, secp384r1")}
TRACED_GROUP = {"x25519": "ecdh_x25519", "secp256r1": "secp256r1", "secp384r1": "secp384r1"}
SIGNATURE = {"p256": "ECDSA", "p384": "ECDSA", "ed25519": "ed25519", "rsa2048": "RSA-PSS"}
HASH = {"p256": "SHA256", "p384": "SHA384"}


class OpenSsl(Peer):
    name = "openssl"
    client_programs = server_programs = ("openssl",)
    client_cells = server_cells = staticmethod(every_pair)

    def client(self, place, port, cell, groups=None):
        option, report = GROUP[cell.group]
        output = talk(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-CAfile", place.ca,
                       "-verify_return_error", "-verify_hostname", "localhost", "-ciphersuites", cell.suite, "-groups",
                       groups or option, "-tls1_3", *(["-trace"] if groups else []), "-ign_eof"], REQUEST, PAGE.encode())
        expect(PAGE.strip(), output, "the page")
        expect(rf"New, TLSv1\.3, Cipher is {cell.suite}", output, f"TLSv1.3 and {cell.suite}")
        expect(rf"Server Temp Key: {re.escape(report)}", output, report)
        expect(rf"Peer signature type: {SIGNATURE[cell.key]}", output, SIGNATURE[cell.key])
        if cell.key in HASH:
            expect(rf"Peer signing digest: {HASH[cell.key]}", output, HASH[cell.key])
        expect(r"Verify return code: 0 \(ok\)", output, "a verified chain")
        if groups:
            expect(r"(?s)ServerHello.*ServerHello", output, "two server hellos")

    def server(self, place, cell):
        # -www answers with the server's own account of the connection, which travels through our client.
        with self.start(place, cell, "-www") as server:
            expect(rf"(?s)New, TLSv1\.3, Cipher is {cell.suite}", place.get(server.port), cell.suite)

    def start(self, place, cell, *page):
        cert, key = place.pair(cell.key)
        return Server(lambda port: ["openssl", "s_server", "-accept", str(port), "-cert", cert, "-key", key, "-ciphersuites",
                                    cell.suite, "-groups", GROUP[cell.group][0], "-tls1_3", *page], place.site)

    def extra(self, place):
        def retried(cell):
            with place.serve(cell.key) as server:
                self.client(place, server.port, cell, f"P-521:{GROUP[cell.group][0]}")

        for key in KEYS:
            for group in GROUPS:
                cell = Cell(group=group, key=key)
                yield f"HelloRetryRequest {group} {key}", lambda cell=cell: retried(cell)


class OpenSslFiles(OpenSsl):
    """s_server as a server of files, whose trace says what was agreed."""

    name = "openssl -WWW"
    client_programs = None
    server_cells = staticmethod(star)

    def server(self, place, cell):
        with self.start(place, cell, "-WWW", "-trace") as server:
            expect(PAGE.strip(), place.get(server.port), "the page")
            expect(rf"cipher_suite \{{0x13, 0x0[123]\}} {cell.suite}", server.output(), cell.suite)
            expect(rf"NamedGroup: {TRACED_GROUP[cell.group]}", server.output(), cell.group)

    def extra(self, place):
        return ()
