"""Python's ssl module. It can restrict neither suite nor group, so its only combinations are those of key types."""

import socket
import ssl

from .common import KEYS, PAGE, REQUEST, SUITES, Cell, Failure, Peer


class PythonSsl(Peer):
    name = "python"
    server_programs = None
    client_cells = staticmethod(lambda: [Cell(suite="default", group="default", key=key) for key in KEYS])

    def client(self, place, port, cell):
        context = ssl.create_default_context(cafile=str(place.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            with socket.create_connection(("127.0.0.1", port), 20) as raw:
                with context.wrap_socket(raw, server_hostname="localhost") as tls:
                    tls.sendall(REQUEST)
                    answer = b""
                    while piece := tls.recv(65536):
                        answer += piece
                    if tls.version() != "TLSv1.3" or tls.cipher()[0] not in SUITES:
                        raise Failure(f"peer reports {tls.version()} {tls.cipher()}")
                    if not answer.endswith(PAGE.encode()):
                        raise Failure("the page is wrong")
        except (OSError, ssl.SSLError) as error:
            raise Failure(str(error)) from None
