"""curl, as people use it."""

from .common import PAGE, PATH, Failure, Peer, every_pair, expect, run
from .openssl import GROUP


class Curl(Peer):
    name = "curl"
    client_programs = ("curl",)
    server_programs = None
    client_cells = staticmethod(every_pair)

    def client(self, place, port, cell):
        status, output = run(["curl", "-sv", "--max-time", "20", "--cacert", place.ca, "--tlsv1.3", "--tls13-ciphers", cell.suite,
                              "--curves", GROUP[cell.group][0], f"https://localhost:{port}{PATH}", "--resolve",
                              f"localhost:{port}:127.0.0.1"])
        if status != 0:
            raise Failure(f"curl exit {status}: {output.strip().splitlines()[-1][:200] if output.strip() else ''}")
        expect(PAGE.strip(), output, "the page")
        expect(rf"SSL connection using TLSv1\.3 / {cell.suite}", output, f"TLSv1.3 / {cell.suite}")
        expect(r"SSL certificate verify ok", output, "a verified chain")
