"""Node.js, both roles, by a script of our own."""

from .common import HERE, PAGE, PATH, Failure, Peer, Server, check_account, expect, run
from .openssl import GROUP


class Node(Peer):
    name = "node"
    client_programs = server_programs = ("node",)

    def client(self, place, port, cell):
        status, output = run(["node", HERE / "node_peer.js", "client", str(port), place.ca, cell.suite, GROUP[cell.group][0], PATH])
        if status != 0:
            raise Failure(f"exit {status}: {output.strip()[:300]}")
        check_account(output, cell)
        expect(PAGE.strip(), output, "the page")

    def server(self, place, cell):
        cert, key = place.pair(cell.key)
        with Server(lambda port: ["node", HERE / "node_peer.js", "server", str(port), cert, key, cell.suite,
                                  GROUP[cell.group][0]], place.work) as server:
            check_account(place.get(server.port), cell)
