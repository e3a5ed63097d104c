"""Which bytes `limpid serve` answers with: ranges, compressed files, listings, hidden files, redirects."""

import os
import socket
import subprocess

import tool


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Files(tool.Folder):
    def setUp(self):
        super().setUp()
        self.content = os.urandom(300_000)
        (self.site / "data.bin").write_bytes(self.content)
        (self.site / "page.html").write_text("plain")
        (self.site / "page.html.gz").write_bytes(b"not really gzip")
        (self.site / "page.html.br").write_bytes(b"not really brotli")
        (self.site / ".git").mkdir()
        (self.site / ".git" / "config").write_text("secret")
        (self.site / ".well-known").mkdir()
        (self.site / ".well-known" / "acme").write_text("token")
        folder = self.site / "fold<er"
        folder.mkdir()
        (folder / "a&b.txt").write_text("x")
        (folder / ".hidden").write_text("secret")
        (folder / "sub").mkdir()
        (folder / "out").symlink_to(self.root)
        (folder / "in").symlink_to("a&b.txt")
        os.mkfifo(folder / "pipe")

    def ask(self, server, path, *fields, method="GET", body=True):
        with server.connect() as peer:
            lines = [f"{method} {path} HTTP/1.1", "Host: a", *fields, "", ""]
            peer.sendall("\r\n".join(lines).encode())
            return tool.receive_response(peer, body=body)[:3]

    def test_ranges(self):
        with tool.Serve(self.site, "--plain") as server:
            status, headers, body = self.ask(server, "/data.bin", "Range: bytes=1000-200999")
            self.assertEqual((status, headers["content-range"]), (206, "bytes 1000-200999/300000"))
            self.assertEqual(body, self.content[1000:201000])
            etag = headers["etag"]
            status, headers, body = self.ask(server, "/data.bin", "Range: bytes=-5", f"If-Range: {etag}")
            self.assertEqual((status, body), (206, self.content[-5:]))
            status, headers, body = self.ask(server, "/data.bin", "Range: bytes=0-9,100000-249999")
            self.assertEqual(status, 206)
            boundary = headers["content-type"].removeprefix("multipart/byteranges; boundary=").encode()
            parts = body.split(b"\r\n--" + boundary)
            self.assertEqual(parts[0], b"")
            self.assertTrue(parts[1].endswith(b"\r\n\r\n" + self.content[:10]))
            self.assertTrue(parts[2].endswith(b"\r\n\r\n" + self.content[100000:250000]))
            self.assertEqual(parts[3:], [b"--\r\n"])
            self.assertEqual(self.ask(server, "/data.bin", "Range: bytes=300000-")[0], 416)
            (self.site / "data.bin").write_bytes(b"another")
            status, _, body = self.ask(server, "/data.bin", "Range: bytes=-5", f"If-Range: {etag}")
            self.assertEqual((status, body), (200, b"another"))

    def test_curl_resumes_a_download(self):
        tool.need("curl")
        with tool.Serve(self.site, env=self.env) as server:
            part = self.root / "part"
            part.write_bytes(self.content[:123_456])
            subprocess.run(["curl", "-sSk", "-C", "-", "-o", part, server.url("/data.bin")], check=True)
            self.assertEqual(part.read_bytes(), self.content)
            ranges = subprocess.run(["curl", "-sSk", "-r", "5-9", server.url("/data.bin")], capture_output=True, check=True)
            self.assertEqual(ranges.stdout, self.content[5:10])

    def test_compressed_files(self):
        with tool.Serve(self.site, "--plain") as server:
            answers = [self.ask(server, "/page.html", *fields) for fields in
                       ([], ["Accept-Encoding: gzip"], ["Accept-Encoding: gzip, br"], ["Accept-Encoding: *;q=0"])]
            self.assertEqual([body for _, _, body in answers],
                             [b"plain", b"not really gzip", b"not really brotli", b"plain"])
            self.assertEqual([headers.get("content-encoding") for _, headers, _ in answers], [None, "gzip", "br", None])
            self.assertEqual({headers["vary"] for _, headers, _ in answers}, {"Accept-Encoding"})
            self.assertEqual({headers["content-type"] for _, headers, _ in answers}, {"text/html; charset=utf-8"})
            self.assertEqual(len({headers["etag"] for _, headers, _ in answers}), 3)
            (self.site / "page.html.br").unlink()
            self.assertEqual(self.ask(server, "/page.html", "Accept-Encoding: gzip, br")[2], b"not really gzip")

    def test_folders(self):
        with tool.Serve(self.site, "--plain") as server:
            self.assertEqual(self.ask(server, "/fold%3Cer/")[0], 404)
            status, headers, _ = self.ask(server, "/fold%3Cer")
            self.assertEqual((status, headers["location"]), (301, "/fold%3Cer/"))
        with tool.Serve(self.site, "--plain", "--index") as server:
            status, headers, body = self.ask(server, "/fold%3Cer/", "Accept-Encoding: gzip")
            self.assertEqual((status, headers["content-type"]), (200, "text/html; charset=utf-8"))
            text = body.decode()
            self.assertIn("<h1>/fold&lt;er/</h1>", text)
            self.assertIn('<a href="./sub/">sub/</a>', text)
            self.assertIn('<a href="./a&b.txt">a&amp;b.txt</a></td><td>1</td>', text)
            self.assertIn('<a href="./in">in</a></td><td>1</td>', text)
            for absent in ("hidden", "out", "pipe"):
                self.assertNotIn(absent, text)
            again = self.ask(server, "/fold%3Cer/", f"If-None-Match: {headers['etag']}")
            self.assertEqual(again[0], 304)
            self.assertEqual(self.ask(server, "/")[2], b"<h1>hello</h1>\n", "an index.html goes first")
            (self.site / "index.html").unlink()
            self.assertIn("data.bin", self.ask(server, "/")[2].decode())
            self.assertNotIn(".git", self.ask(server, "/")[2].decode())

    def test_a_large_folder_is_listed_in_part(self):
        for i in range(1200):
            (self.site / f"file{i}").touch()
        (self.site / "index.html").unlink()
        with tool.Serve(self.site, "--plain", "--index") as server:
            text = self.ask(server, "/")[2].decode()
            self.assertEqual(text.count("<tr>"), 1000)
            self.assertTrue(text.endswith("<p>There are more, which are not shown.</p>\n"))

    def test_dot_files_are_not_there(self):
        with tool.Serve(self.site, "--plain", "--index") as server:
            for path in ("/.git/config", "/.git/", "/%2egit/config", "/fold%3Cer/.hidden", "/x/../.git/config"):
                status, _, body = self.ask(server, path)
                self.assertEqual(status, 404, path)
                self.assertNotIn(b"secret", body)
            self.assertEqual(self.ask(server, "/.well-known/acme")[2], b"token")

    def test_methods_and_content(self):
        with tool.Serve(self.site, "--plain") as server:
            status, headers, _ = self.ask(server, "*", method="OPTIONS")
            self.assertEqual((status, headers["allow"]), (204, "GET, HEAD, OPTIONS"))
            self.assertNotIn("content-length", headers)
            self.assertEqual(self.ask(server, "/", method="DELETE")[0], 405)
            self.assertEqual(self.ask(server, "/", "Expect: 200-ok")[0], 417)
            self.assertEqual(self.ask(server, "/", "Content-Length: 10000000", method="POST")[0], 413)
            self.assertEqual(self.ask(server, "/", method="BREW")[0], 501)
            self.assertEqual(self.ask(server, "http://whoever/page.html")[2], b"plain")
            self.assertEqual(self.ask(server, "/")[1]["x-content-type-options"], "nosniff")

    def test_an_answer_is_seen_although_content_is_still_on_its_way(self):
        with tool.Serve(self.site, "--plain") as server, server.connect() as peer:
            peer.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
            try:
                for _ in range(100):
                    peer.sendall(bytes(65536))
            except (ConnectionError, TimeoutError) as error:
                self.fail(f"the server did not read on: {error}")
            self.assertEqual(tool.receive_response(peer)[0], 413)
            self.assertEqual(peer.recv(1), b"")

    def test_redirect_to_https(self):
        port = free_port()
        with tool.Serve(self.site, "--redirect", port, env=self.env) as server:
            def location(*lines):
                with socket.create_connection((server.host, port), 10) as peer:
                    peer.sendall("\r\n".join([*lines, "", ""]).encode())
                    status, headers, *_ = tool.receive_response(peer, body=not lines[0].startswith("HEAD"))
                    return status, headers.get("location")
            self.assertEqual(location("GET /a?b HTTP/1.1", "Host: example.org:80"),
                             (301, f"https://example.org:{server.port}/a?b"))
            self.assertEqual(location("POST /a HTTP/1.1", "Host: [::1]", "Content-Length: 0"),
                             (308, f"https://[::1]:{server.port}/a"))
            self.assertEqual(location("GET / HTTP/1.1", "Host: a/b"), (400, None))
            self.assertEqual(location("GET / HTTP/1.0"), (400, None))
            tool.need("curl")
            fetched = subprocess.run(["curl", "-sSLk", f"http://{server.host}:{port}/page.html"], capture_output=True, check=True)
            self.assertEqual(fetched.stdout, b"plain")
            busy = tool.run("serve", self.site, "--listen", "127.0.0.1:0", "--redirect", port, env=self.env)
            self.assertEqual(busy.returncode, 1)
            self.assertRegex(busy.stderr, r"^limpid: cannot listen .*\n$")


if __name__ == "__main__":
    tool.main()
