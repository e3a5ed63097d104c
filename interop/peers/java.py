"""Java's JSSE, both roles, by a program of our own. JSSE does not tell the group: it is given one only."""

from .common import HERE, OwnPeer, build


class Java(OwnPeer):
    name = "java"
    client_programs = server_programs = ("java", "javac")

    def prepare(self, place):
        self.classes = place.work / "java"
        build(["javac", "-d", self.classes, HERE / "JavaPeer.java"])

    def command(self):
        return ["java", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", self.classes, "JavaPeer"]
