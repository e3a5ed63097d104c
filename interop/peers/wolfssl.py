"""wolfSSL, by a client of our own."""

from .common import HERE, PAGE, PATH, Failure, Peer, Skip, build, check_account, expect, run

CIPHER = {"TLS_AES_128_GCM_SHA256": "TLS13-AES128-GCM-SHA256", "TLS_AES_256_GCM_SHA384": "TLS13-AES256-GCM-SHA384",
          "TLS_CHACHA20_POLY1305_SHA256": "TLS13-CHACHA20-POLY1305-SHA256"}


def build_with(library_header, source, program, *libraries):
    """A C peer of this folder; Skip if the library is not installed."""
    if run(["cc", "-E", "-include", library_header, "-x", "c", "/dev/null", "-o", "/dev/null"])[0] != 0:
        raise Skip(f"{library_header} is not installed")
    build(["cc", "-O1", "-o", program, HERE / source, *libraries])


class WolfSsl(Peer):
    name = "wolfssl"
    client_programs = ("cc",)
    server_programs = None

    def prepare(self, place):
        self.program = place.work / "wolfssl_client"
        build_with("wolfssl/options.h", "wolfssl_client.c", self.program, "-lwolfssl")

    def client(self, place, port, cell):
        status, output = run([self.program, str(port), place.ca, CIPHER[cell.suite], cell.group, PATH])
        if status != 0:
            raise Failure(f"exit {status}: {output.strip()[-200:]}")
        check_account(output, cell)
        expect(PAGE.strip(), output, "the page")
