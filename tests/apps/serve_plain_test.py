"""`limpid serve --plain`: HTTP over sockets, as peers see it."""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time

import tool


class Plain(tool.Folder):
    def setUp(self):
        super().setUp()
        server = tool.Serve(self.site, "--plain", "--threads", "2")
        self.server = server.__enter__()
        self.addCleanup(server.__exit__)

    def ask(self, request, body=True):
        with self.server.connect() as peer:
            peer.sendall(request)
            return tool.receive_response(peer, body=body)

    def test_says_where_it_serves(self):
        self.assertEqual(self.server.ready, f"serving {self.site} at http://{self.server.host}:{self.server.port}/\n")

    def test_a_page(self):
        status, headers, body, rest = self.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertEqual((status, body, rest), (200, b"<h1>hello</h1>\n", b""))
        self.assertEqual(headers["content-type"], "text/html; charset=utf-8")

    def test_head_has_no_body(self):
        with self.server.connect() as peer:
            peer.sendall(b"HEAD /index.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            self.assertTrue(tool.receive_all(peer).endswith(b"\r\n\r\n"))

    def test_keep_alive_and_pipelining(self):
        with self.server.connect() as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 50)
            rest = b""
            for _ in range(50):
                status, _, body, rest = tool.receive_response(peer, rest)
                self.assertEqual((status, body), (200, b"<h1>hello</h1>\n"))
            self.assertEqual(rest, b"")

    def test_byte_by_byte(self):
        with self.server.connect() as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in b"GET / HTTP/1.1\r\nHost: a\r\n\r\n":
                peer.sendall(bytes([byte]))
            self.assertEqual(tool.receive_response(peer)[0], 200)

    def test_a_peer_that_finished_still_gets_its_answer(self):
        with self.server.connect() as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            peer.shutdown(socket.SHUT_WR)
            self.assertTrue(tool.receive_all(peer).endswith(b"<h1>hello</h1>\n"))

    def test_conditional(self):
        headers = self.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")[1]
        request = b"GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: %s\r\n\r\n" % headers["etag"].encode()
        self.assertEqual(self.ask(request, body=False)[0], 304)
        (self.site / "index.html").write_text("<h1>other</h1>\n")
        self.assertEqual(self.ask(request)[0], 200)

    def test_nothing_outside_the_folder(self):
        (self.root / "secret").write_text("secret")
        (self.site / "out").symlink_to("../secret")
        (self.site / "absolute").symlink_to(self.root / "secret")
        os.mkfifo(self.site / "pipe")
        for path in (b"/../secret", b"/%2e%2e/secret", b"/..%2fsecret", b"//secret", b"/out", b"/absolute", b"/pipe",
                     b"/x/../../secret", b"/" + str(self.root / "secret").encode()):
            status, _, body, _ = self.ask(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertIn(status, (400, 403, 404), path)
            self.assertNotIn(b"secret", body)

    def test_64_mib_arrive_right(self):
        content = os.urandom(1 << 20) * 64
        (self.site / "big").write_bytes(content)
        with self.server.connect() as peer:
            peer.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
            body = tool.receive_response(peer)[2]
        self.assertEqual(hashlib.sha256(body).digest(), hashlib.sha256(content).digest())

    def test_curl(self):
        tool.need("curl")
        fetched = subprocess.run(["curl", "-sS", self.server.url(), self.server.url("/index.html")], capture_output=True,
                                 check=True)
        self.assertEqual(fetched.stdout, b"<h1>hello</h1>\n" * 2)

    def test_sigusr1_prints_counters(self):
        self.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        self.server.process.send_signal(signal.SIGUSR1)
        self.assertRegex(self.server.process.stdout.readline(), r'^\{"connections":\d+,.*"requests":1,')


class Draining(tool.Folder):
    def test_sigterm_finishes_the_download_and_exits_0(self):
        content = os.urandom(1 << 20) * 16
        (self.site / "big").write_bytes(content)
        with tool.Serve(self.site, "--plain") as server, server.connect(receive_buffer=65536) as peer:
            idle = server.connect()
            peer.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
            first = peer.recv(1000)
            server.process.terminate()
            # It stops accepting at once.
            self.assertTrue(tool.eventually(lambda: self.refuses(server)))
            self.assertEqual(idle.recv(1), b"", "an idle connection ends")
            idle.close()
            body = tool.receive_response(peer, first)[2]
            self.assertEqual(tool.receive_all(peer), b"", "and ends behind the answer")
            peer.close()
            self.assertEqual(body, content)
            self.assertEqual(server.process.wait(10), 0)

    @staticmethod
    def refuses(server):
        try:
            server.connect().close()
        except ConnectionRefusedError:
            return True
        return False

    def test_sigint_with_nothing_to_do(self):
        with tool.Serve(self.site, "--plain") as server:
            server.process.send_signal(signal.SIGINT)
            self.assertEqual(server.process.wait(5), 0)
            self.assertEqual(server.stderr(), "")

    def test_a_second_signal_cuts_it_short(self):
        (self.site / "big").write_bytes(bytes(32 << 20))
        with tool.Serve(self.site, "--plain") as server, server.connect(receive_buffer=4096) as peer:
            peer.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
            peer.recv(100)
            server.process.terminate()
            time.sleep(0.2)
            self.assertIsNone(server.process.poll())
            server.process.terminate()
            self.assertEqual(server.process.wait(5), 0)


class Bounded(tool.Folder):
    def test_readers_that_stop_reading_hold_little(self):
        (self.site / "big").write_bytes(bytes(64 << 20))
        with tool.Serve(self.site, "--plain", "--threads", "1") as server:
            before = server.resident_kib()
            peers = [server.connect(receive_buffer=4096) for _ in range(50)]
            for peer in peers:
                peer.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
            time.sleep(1)
            grown = server.resident_kib() - before
            self.assertLess(grown, 50 * 160, "KiB for 50 connections")
            with server.connect() as other:
                other.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertEqual(tool.receive_response(other)[0], 200, "others are served meanwhile")
            for peer in peers:
                peer.close()
            self.assertTrue(tool.eventually(lambda: server.descriptors() < 20))

    def test_without_descriptors_idle_connections_make_room_and_it_says_so_once_a_second(self):
        if shutil.which("prlimit") is None:
            self.skipTest("prlimit is not installed")
        with tool.Serve(self.site, "--plain", "--threads", "1", limit_files=24) as server:
            start = time.monotonic()
            peers = [server.connect() for _ in range(40)]
            for peer in peers[35:]:  # the last ones are served although there is no room for all
                peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertEqual(tool.receive_response(peer)[0], 200)
            self.assertTrue(self.is_closed(peers[0]), "whoever came first and said nothing has made room")
            self.assertTrue(tool.eventually(lambda: "to make room" in server.stderr()))
            said = server.stderr().count("\n")
            self.assertLessEqual(said, 1 + int(time.monotonic() - start))
            self.assertRegex(server.stderr(), r"^limpid: closed \d+ connections to make room for others: out of descriptors; ")
            self.assertGreater(self.shed(server), 15)
            for peer in peers:
                peer.close()

    @staticmethod
    def shed(server):
        dropped = server.counters()["dropped"]
        return dropped["shed_idle"] + dropped["shed_waiting"]

    @staticmethod
    def is_closed(peer):
        try:
            return peer.recv(1) == b""
        except ConnectionResetError:
            return True

    def test_without_descriptors_for_files_idle_connections_make_room(self):
        if shutil.which("prlimit") is None:
            self.skipTest("prlimit is not installed")
        with tool.Serve(self.site, "--plain", "--threads", "1", limit_files=24) as server:
            peers = []
            while server.counters()["connections"] == len(peers) < 40:
                peers.append(server.connect())
                tool.eventually(lambda: server.counters()["accepted"] == len(peers))
            for peer in peers[-3:]:
                peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertEqual(tool.receive_response(peer)[0], 200)
            for peer in peers:
                peer.close()

    def test_the_memory_ceiling_holds_and_newcomers_are_served(self):
        with tool.Serve(self.site, "--plain", "--threads", "1", "--memory", "1M") as server:
            peers = [server.connect() for _ in range(600)]
            for peer in peers:  # heads that do not end: what was received of them is kept
                try:
                    peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 4000)
                except ConnectionError:
                    pass
            self.assertTrue(tool.eventually(lambda: self.shed(server) > 100))
            self.assertLessEqual(server.counters()["budgets"]["memory"], 1 << 20)
            self.assertTrue(tool.eventually(lambda: "to make room" in server.stderr()))
            self.assertRegex(server.stderr(), r"^limpid: closed \d+ connections .*: out of memory; raise --memory ")
            with server.connect() as peer:
                peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertEqual(tool.receive_response(peer)[0], 200)
            for peer in peers:
                peer.close()
            self.assertTrue(tool.eventually(lambda: server.counters()["connections"] == 0))
            self.assertEqual(server.counters()["budgets"]["memory"], 0)


if __name__ == "__main__":
    tool.main()
