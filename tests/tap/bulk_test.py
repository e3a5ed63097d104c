"""A gibibyte each way over a tap device, every byte right: a download over TLS, an upload through echo; and small pieces."""
# ctest: long 300

import hashlib
import os
import socket
import subprocess
import threading
import time

import link
import tool

GIB = (1 << 30) // (16 if tool.sanitized() else 1)


def setUpModule():
    link.alone()


class Bulk(link.OnTap):
    def setUp(self):
        super().setUp()
        digest, block = hashlib.sha256(), os.urandom((1 << 20) - 8)
        with open(self.site / "big", "wb") as file:
            for n in range(GIB >> 20):
                piece = n.to_bytes(8, "big") + block
                file.write(piece)
                digest.update(piece)
        self.digest = digest.hexdigest()

    def said(self, what, start):
        seconds = time.monotonic() - start
        print(f"\n  {what}: {GIB / seconds / 1e9:.2f} GB/s", flush=True)

    def download(self, url):
        start = time.monotonic()
        curl = subprocess.Popen(["curl", "-sSkg", url], stdout=subprocess.PIPE)
        digest, size = hashlib.sha256(), 0
        while piece := curl.stdout.read(1 << 20):
            digest.update(piece)
            size += len(piece)
        curl.stdout.close()
        self.assertEqual(curl.wait(), 0)
        self.assertEqual((size, digest.hexdigest()), (GIB, self.digest))
        self.said(url, start)

    def test_a_download(self):
        tool.need("curl")
        with self.serve() as server:
            self.download(f"https://[{self.tap.there6}]:{server.port}/big")

    def test_an_upload(self):
        # Discard finishes when it has read all of it.
        with self.serve("--plain", "--test-services"):
            start = time.monotonic()
            with socket.create_connection((self.tap.there4, 9)) as peer, open(self.site / "big", "rb") as file:
                self.assertEqual(peer.sendfile(file), GIB)
                peer.shutdown(socket.SHUT_WR)
                self.assertEqual(peer.recv(1), b"")
            self.said("up", start)

    def test_up_and_down_again(self):
        with self.serve("--plain", "--test-services"):
            start = time.monotonic()
            with socket.create_connection((self.tap.there4, 7)) as peer, open(self.site / "big", "rb") as file:
                def send():
                    peer.sendfile(file)
                    peer.shutdown(socket.SHUT_WR)
                sender = threading.Thread(target=send)
                sender.start()
                digest, size = hashlib.sha256(), 0
                while piece := peer.recv(1 << 20):
                    digest.update(piece)
                    size += len(piece)
                sender.join()
            self.assertEqual((size, digest.hexdigest()), (GIB, self.digest))
            self.said("up and down again", start)

    def test_small_pieces_back_and_forth(self):
        with self.serve("--plain", "--test-services"), socket.create_connection((self.tap.there4, 7)) as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for size in (1, 2, 1447, 1448, 1449, 5000, 65535, 65536, 1):
                for _ in range(20):
                    piece = os.urandom(size)
                    peer.sendall(piece)
                    got = b""
                    while len(got) < size:
                        got += peer.recv(size - len(got))
                    self.assertEqual(got, piece)


if __name__ == "__main__":
    link.main()
