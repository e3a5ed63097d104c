"""A peer that takes an answer slowly gets all of it, also when the server closes behind it."""
# ctest: long 60

import time

import tool


class SlowReader(tool.Folder):
    def test_the_end_of_an_answer_is_not_cut_off(self):
        # What a socket takes at once, and what does not fit any more.
        sizes = [100_000, 1_000_000, 3_000_000]
        for size in sizes:
            (self.site / str(size)).write_bytes(bytes(range(256)) * (size // 256))
        with tool.Serve(self.site, "--plain") as plain, tool.Serve(self.site, env=self.env) as secure:
            peers = []
            for connect in (plain.connect, secure.connect_tls):
                for size in sizes:
                    peer = connect(receive_buffer=65536)
                    peer.sendall(b"GET /%d HTTP/1.0\r\n\r\n" % size)
                    peers.append((peer, size // 256 * 256))
            time.sleep(8)
            for peer, size in peers:
                self.assertEqual(len(tool.receive_response(peer)[2]), size)
                self.assertEqual(peer.recv(1), b"")
                peer.close()


if __name__ == "__main__":
    tool.main()
