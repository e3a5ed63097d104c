"""Go's crypto/tls, both roles, by a program of our own. It does not let suites be chosen for TLS 1.3."""

import os

from .common import GROUPS, HERE, KEYS, PAGE, PATH, Cell, Failure, Peer, Server, build, check_account, expect, run


def without_suites():
    return [Cell(group=group) for group in GROUPS] + [Cell(key=key) for key in KEYS[1:]]


class Go(Peer):
    name = "go"
    client_programs = server_programs = ("go",)
    client_cells = server_cells = staticmethod(without_suites)

    def prepare(self, place):
        self.program = place.work / "go_peer"
        build(["go", "build", "-o", self.program, HERE / "go_peer.go"], cwd=place.work, env={**os.environ, "GO111MODULE": "off"})

    def client(self, place, port, cell):
        status, output = run([self.program, "client", str(port), place.ca, cell.group, PATH])
        if status != 0:
            raise Failure(f"exit {status}: {output.strip()[:300]}")
        check_account(output, cell)
        expect(PAGE.strip(), output, "the page")

    def server(self, place, cell):
        cert, key = place.pair(cell.key)
        with Server(lambda port: [self.program, "server", str(port), cert, key, cell.group], place.work) as server:
            check_account(place.get(server.port), cell)
