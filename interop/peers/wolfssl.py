"""wolfSSL, by a client of our own."""

from .common import HERE, OwnPeer, Skip, build, run


def build_with(library_header, source, program, *libraries):
    """A C peer of this folder; Skip if the library is not installed."""
    if run(["cc", "-E", "-include", library_header, "-x", "c", "/dev/null", "-o", "/dev/null"])[0] != 0:
        raise Skip(f"{library_header} is not installed")
    build(["cc", "-O1", "-o", program, HERE / source, *libraries])


class WolfSsl(OwnPeer):
    name = "wolfssl"
    client_programs = ("cc",)
    server_programs = None

    def prepare(self, place):
        self.program = place.work / "wolfssl_client"
        build_with("wolfssl/options.h", "wolfssl_client.c", self.program, "-lwolfssl")

    def command(self):
        return [self.program]
