"""Java's JSSE, both roles, by a program of our own. JSSE does not tell the group: it is given one only."""

from .common import HERE, PAGE, PATH, Failure, Peer, Server, build, check_account, expect, run


class Java(Peer):
    name = "java"
    client_programs = server_programs = ("java", "javac")

    def prepare(self, place):
        self.classes = place.work / "java"
        build(["javac", "-d", self.classes, HERE / "JavaPeer.java"])

    def command(self, cell, *arguments):
        return ["java", "-XX:TieredStopAtLevel=1", "-Xshare:auto", f"-Djdk.tls.namedGroups={cell.group}", "-cp", self.classes,
                "JavaPeer", *arguments]

    def client(self, place, port, cell):
        status, output = run(self.command(cell, "client", str(port), place.ca, cell.suite, PATH))
        if status != 0:
            raise Failure(f"exit {status}: {output.strip()[:300]}")
        check_account(output, cell)
        expect(PAGE.strip(), output, "the page")

    def server(self, place, cell):
        cert, key = place.pair(cell.key)
        with Server(lambda port: self.command(cell, "server", str(port), cert, key, cell.suite), place.work) as server:
            check_account(place.get(server.port), cell)
