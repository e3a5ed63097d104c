"""mbedTLS 2.28, which has no TLS 1.3, by a client of our own: it must be told so."""

from .common import Peer, expect, run
from .wolfssl import build_with


class MbedTls(Peer):
    name = "mbedtls"
    client_programs = ("cc",)
    server_programs = None
    client_cells = staticmethod(list)

    def prepare(self, place):
        self.program = place.work / "mbedtls_client"
        build_with("mbedtls/ssl.h", "mbedtls_client.c", self.program, "-lmbedtls", "-lmbedx509", "-lmbedcrypto")

    def extra(self, place):
        def refused():
            with place.serve("p256") as server:
                _, output = run([self.program, str(server.port)])
                expect(r"fatal alert 70\b", output, "protocol_version")

        yield "TLS 1.2 gets protocol_version", refused
