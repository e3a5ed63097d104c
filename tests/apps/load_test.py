"""Many peers at once, and peers that vanish: nothing of them stays behind."""
# ctest: long 240

import resource
import socket
import ssl
import struct
import time

import tool


def kill(peer):
    """Ends a connection as a killed process behind a broken link would: with RST, nothing said."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


class Load(tool.Folder):
    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 4096:
            self.skipTest(f"needs 4096 descriptors, may have {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
        made = tool.run("cert", "new", "--name", "localhost", "--out", self.root)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.arguments = ["--cert", self.root / "cert.pem", "--key", self.root / "key.pem", "--threads", "2"]
        self.context = ssl.create_default_context(cafile=self.root / "cert.pem")

    def wrap(self, peer):
        return self.context.wrap_socket(peer, server_hostname="localhost", do_handshake_on_connect=False)

    def test_2000_connections_at_once(self):
        with tool.Serve(self.site, *self.arguments) as server:
            peers = [self.wrap(server.connect()) for _ in range(2000)]
            for peer in peers:
                peer.do_handshake()
            for _ in range(2):  # all are there, none is busy
                for peer in peers:
                    peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                for peer in peers:
                    self.assertEqual(tool.receive_response(peer)[2], b"<h1>hello</h1>\n")
            now = server.counters()
            self.assertEqual((now["connections"], now["requests"]), (2000, 4000))
            print(f"\n  {now['budgets']['memory'] // 2000} bytes charged for an idle TLS connection", flush=True)
            self.assertLess(now["budgets"]["memory"], 2000 * 8192)
            for peer in peers:
                peer.close()
            self.assertTrue(tool.eventually(lambda: server.counters()["connections"] == 0))
            self.assertEqual(server.counters()["budgets"]["memory"], 0)

    def test_peers_killed_mid_handshake_and_mid_body_leave_nothing(self):
        (self.site / "big").write_bytes(bytes(8 << 20))
        with tool.Serve(self.site, *self.arguments) as server:
            self.kill_100(server)  # what is allocated once is there now
            before = server.descriptors(), server.resident_kib()
            for _ in range(3):
                self.kill_100(server)
            self.assertEqual(server.descriptors(), before[0])
            if not tool.sanitized():  # a sanitizer keeps what was freed
                self.assertLess(server.resident_kib() - before[1], 1024)
            with self.wrap(server.connect()) as peer:
                peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertEqual(tool.receive_response(peer)[0], 200)

    def kill_100(self, server):
        hello = ssl.MemoryBIO(), ssl.MemoryBIO()
        try:
            self.context.wrap_bio(*hello, server_hostname="localhost").do_handshake()
        except ssl.SSLWantReadError:
            pass
        hello = hello[1].read()
        peers = []
        for i in range(25):
            peer = server.connect()  # nothing said
            peers.append(peer)
            peer = server.connect()  # in the middle of a ClientHello
            peer.sendall(hello[: len(hello) * i // 25])
            peers.append(peer)
            peer = server.connect()  # with the server's flight under way
            peer.sendall(hello)
            if i % 2:
                peer.recv(1000)
            peers.append(peer)
            peer = self.wrap(server.connect(receive_buffer=65536))  # in the middle of a body
            peer.do_handshake()
            peer.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
            peer.recv(1 + 1000 * i)
            peers.append(peer)
        for peer in peers:
            kill(peer)
        self.assertTrue(tool.eventually(lambda: server.counters()["connections"] == 0))
        self.assertEqual(server.counters()["budgets"]["memory"], 0)

    def test_peers_that_say_nothing_are_given_up(self):
        with tool.Serve(self.site, *self.arguments) as server:
            start = time.monotonic()
            peers = [server.connect() for _ in range(10)]
            for peer in peers:
                peer.settimeout(60)
                try:
                    while peer.recv(1000):
                        pass
                except ConnectionResetError:
                    pass
            self.assertGreater(time.monotonic() - start, 5, "ten seconds are allowed for a handshake")
            for peer in peers:
                peer.close()
            self.assertTrue(tool.eventually(lambda: server.counters()["connections"] == 0))

    def test_readers_that_stop_reading_hold_little(self):
        (self.site / "big").write_bytes(bytes(64 << 20))
        with tool.Serve(self.site, *self.arguments) as server:
            peers = []
            for _ in range(100):
                peer = self.wrap(server.connect(receive_buffer=4096))
                peer.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
                peers.append(peer)
            time.sleep(1)
            charged = server.counters()["budgets"]["memory"]
            print(f"\n  {charged // 100} bytes charged for a reader that stopped", flush=True)
            self.assertLess(charged, 100 * 160 * 1024)
            for peer in peers:
                kill(peer)
            self.assertTrue(tool.eventually(lambda: server.counters()["budgets"]["memory"] == 0))


if __name__ == "__main__":
    tool.main()
