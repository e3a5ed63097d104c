"""Node.js, both roles, by a script of our own."""

from .common import HERE, OwnPeer


class Node(OwnPeer):
    name = "node"
    client_programs = server_programs = ("node",)

    def command(self):
        return ["node", HERE / "node_peer.js"]
