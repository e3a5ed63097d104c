"""Go's crypto/tls, both roles, by a program of our own. It does not let suites be chosen for TLS 1.3."""

import os

from .common import GROUPS, HERE, KEYS, Cell, OwnPeer, build


def without_suites():
    return [Cell(group=group) for group in GROUPS] + [Cell(key=key) for key in KEYS[1:]]


class Go(OwnPeer):
    name = "go"
    client_programs = server_programs = ("go",)
    client_cells = server_cells = staticmethod(without_suites)

    def prepare(self, place):
        self.program = place.work / "go_peer"
        build(["go", "build", "-o", self.program, HERE / "go_peer.go"], cwd=place.work, env={**os.environ, "GO111MODULE": "off"})

    def command(self):
        return [self.program]
