"""A host on tap goes to a new process, or from one to the next, in the middle of downloads: nobody notices. And what happened to
it can be recorded and stepped again."""
# ctest: long 300

import hashlib
import os
import re
import socket
import subprocess
import threading
import time

import link
import tool

SIZE = 40 << 20


def setUpModule():
    link.alone()


class TakeOver(link.OnTap):
    def setUp(self):
        super().setUp()
        self.big = os.urandom(SIZE)
        (self.site / "big").write_bytes(self.big)
        self.control = self.root / "control"

    def start(self, *arguments):
        return self.serve("--control", self.control, *arguments)

    def test_downloads_go_on(self):
        tool.need("curl")
        with self.start() as first:
            curls = []
            for host in (self.tap.there4, f"[{self.tap.there6}]"):
                for scheme in ([], ["--tls-max", "1.3"]):
                    curls.append(subprocess.Popen(["curl", "-sSkg", "--limit-rate", "3M", *scheme, f"https://{host}:{first.port}/big"],
                                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE))
            readers = [Reader(curl.stdout) for curl in curls]
            with first.connect_tls() as idle:
                idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertEqual(tool.receive_response(idle)[0], 200)
                self.assertTrue(tool.eventually(lambda: all(reader.size > SIZE // 20 for reader in readers)))
                before = first
                for number in range(3):
                    link.sh(f"ping -c 1 -W 2 {self.tap.there4}")
                    next_one = self.start("--takeover")
                    next_one.__enter__()
                    self.addCleanup(next_one.__exit__)
                    self.assertEqual(before.process.wait(10), 0, before.stderr())
                    before = next_one
                    if number == 0:
                        self.assertTrue(all(reader.size < SIZE for reader in readers), "handed over in the middle")
                idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertEqual(tool.receive_response(idle)[0], 200, "a connection that was idle lives on")
            for curl, reader in zip(curls, readers):
                self.assertEqual(curl.wait(60), 0, curl.stderr.read())
                curl.stderr.close()
                reader.join()
                self.assertEqual((reader.size, reader.digest.digest()), (SIZE, hashlib.sha256(self.big).digest()))
            # New ones are served, too.
            self.assertEqual(link.curl(f"https://{self.tap.there4}:{first.port}/"), b"<h1>hello</h1>\n")

    def test_another_device_is_refused(self):
        other = link.Tap(1)
        self.addCleanup(other.delete)
        with self.start("--plain") as first:
            result = tool.run("serve", self.site, "--plain", "--control", self.control, "--takeover", "--net", other.net(), env=self.env)
            self.assertEqual(result.returncode, 1)
            self.assertRegex(result.stderr, r"\Alimpid: [^\n]+\n\Z")
            with first.connect() as peer:
                peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
                self.assertIn(b"hello", tool.receive_all(peer))


class Reader:
    """Digests a pipe in a thread of its own."""

    def __init__(self, pipe):
        self.pipe, self.size, self.digest = pipe, 0, hashlib.sha256()
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        while piece := self.pipe.read1(1 << 16):
            self.digest.update(piece)
            self.size += len(piece)
        self.pipe.close()

    def join(self):
        self.thread.join()


class Recorded(link.OnTap):
    def test_a_session_of_a_whole_host_replays(self):
        big = os.urandom(3_000_000)
        (self.site / "big").write_bytes(big)
        session = self.root / "session"
        with self.serve("--record", session) as server:
            self.assertEqual(link.curl(f"https://{self.tap.there4}:{server.port}/big"), big)
            self.assertEqual(link.curl(f"https://[{self.tap.there6}]:{server.port}/"), b"<h1>hello</h1>\n")
            link.sh(f"ping -c 2 -i 0.05 -s 4000 {self.tap.there4}")
        result = tool.run("replay", session, timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"\Areplayed \d+ events .*: every answer is the same, byte for byte\n\Z")

    def test_a_client_replays_too(self):
        session = self.root / "session"
        with socket.create_server((self.tap.here4, 0)) as listener:
            client = subprocess.Popen([tool.LIMPID, "get", f"http://{self.tap.here4}:{listener.getsockname()[1]}/", "--net", self.tap.net(),
                                       "--record", str(session)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            peer, (address, _) = listener.accept()
            self.assertEqual(address, self.tap.there4)
            with peer:
                while b"\r\n\r\n" not in peer.recv(65536):
                    pass
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
                stdout, stderr = client.communicate(timeout=20)
        self.assertEqual((client.returncode, stdout), (0, b"hello"), stderr)
        result = tool.run("replay", session)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_capture_of_our_own(self):
        file = self.root / "own.pcap"
        with self.serve("--plain", "--pcap", file) as server:
            self.assertEqual(link.curl(f"http://{self.tap.there4}:{server.port}/"), b"<h1>hello</h1>\n")
        self.judge(file)
        said = subprocess.run(["tcpdump", "-nn", "-r", file], capture_output=True, text=True).stdout
        self.assertIn("Flags [S.]", said)


if __name__ == "__main__":
    link.main()
