"""`limpid get` against `limpid serve`, `openssl s_server` and servers that misbehave."""

import hashlib
import os
import socket
import subprocess
import threading

import tool


class Scripted:
    """A TCP server that sends this to each of so many peers, whatever they say, and closes."""

    def __init__(self, *answers, wait=True, linger=False):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        self.answers, self.wait, self.linger, self.requests = answers, wait, linger, []
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self):
        for answer in self.answers:
            peer, _ = self.listener.accept()
            with peer:
                if self.wait:
                    self.requests.append(peer.recv(65536))
                peer.sendall(answer)
                if self.linger:
                    peer.recv(1)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.thread.join(5)

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"


class FromServe(tool.Folder):
    def setUp(self):
        super().setUp()
        server = tool.Serve(self.site, env=self.env)
        self.server = server.__enter__()
        self.addCleanup(server.__exit__)
        self.ca = self.root / "data/limpid/ca.pem"

    def get(self, *arguments):
        return tool.run("get", "--ca", self.ca, *arguments)

    def test_a_page_verified(self):
        result = self.get(self.server.url())
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "<h1>hello</h1>\n", ""))

    def test_several_urls_into_files_and_stdout(self):
        (self.site / "b").write_text("b\n")
        result = self.get(self.server.url(), self.server.url("/b"), "-o", self.root / "out")
        self.assertEqual((result.returncode, result.stdout), (0, "b\n"), result.stderr)
        self.assertEqual((self.root / "out").read_text(), "<h1>hello</h1>\n")

    def test_64_mib_arrive_right(self):
        content = os.urandom(1 << 20) * 64
        (self.site / "big").write_bytes(content)
        result = self.get(self.server.url("/big"), "-o", self.root / "out")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(hashlib.sha256((self.root / "out").read_bytes()).digest(), hashlib.sha256(content).digest())

    def test_head_only(self):
        result = self.get("-I", self.server.url())
        self.assertRegex(result.stdout, r"\AHTTP/1.1 200 OK\r?\n")
        self.assertNotIn("hello", result.stdout)

    def test_verbose_tells_the_handshake_in_words(self):
        result = self.get("-v", self.server.url())
        self.assertRegex(result.stderr, r"\* connected to 127.0.0.1:\d+ after \d+\.\d ms\n")
        self.assertRegex(result.stderr, r"\* certificate: CN=localhost, issued by CN=limpid local CA")
        self.assertRegex(result.stderr, r"\* valid for 127.0.0.1: CN=localhost <- CN=limpid local CA.*, which "
                                        + str(self.ca) + " says to trust\n")
        self.assertRegex(result.stderr, r"\* TLS 1.3, TLS_AES_128_GCM_SHA256, X25519, ecdsa_secp256r1_sha256, ALPN http/1.1, "
                                        r"handshake took \d+\.\d ms\n")
        self.assertRegex(result.stderr, r"\* answered after \d+\.\d ms\n")
        self.assertRegex(result.stderr, r"\* received 15 bytes of content after \d+\.\d ms\n")
        self.assertIn("> GET / HTTP/1.1\n", result.stderr)
        self.assertIn("< HTTP/1.1 200 OK\n", result.stderr)

    def test_an_error_page_is_an_answer(self):
        result = self.get(self.server.url("/none"))
        self.assertEqual(result.returncode, 0)
        self.assertIn("404", result.stdout)

    def test_who_is_not_trusted(self):
        peer = f"127.0.0.1:{self.server.port}"
        result = tool.run("get", self.server.url(), "-o", self.root / "out")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertEqual(result.stderr, f"limpid: cannot trust {peer}: the certificate's issuer is not known; "
                         "name its CA with --ca, or ask all the same with -k\n")
        self.assertFalse((self.root / "out").exists())
        result = tool.run("get", "-k", self.server.url())
        self.assertEqual((result.returncode, result.stdout), (0, "<h1>hello</h1>\n"))
        self.assertEqual(result.stderr, "limpid: warning: the server is not verified (-k): anybody could be answering\n")

    def test_another_name(self):
        port = self.server.port
        result = self.get(f"https://other.test:{port}/", "--resolve", f"other.test:{port}:127.0.0.1")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, f"limpid: cannot trust other.test:{port}: the certificate is for another name; "
                         "ask for a name that it is for, or all the same with -k\n")
        result = self.get(f"https://localhost:{port}/", "--resolve", f"localhost:{port}:127.0.0.1")
        self.assertEqual((result.returncode, result.stdout), (0, "<h1>hello</h1>\n"))


class FromOthers(tool.Folder):
    def test_openssl_s_server(self):
        tool.need("openssl")
        self.assertEqual(tool.run("cert", "new", "--name", "localhost", "--out", self.root).returncode, 0)
        for options, expected in (
            ([], "TLS_AES_128_GCM_SHA256, X25519"),
            (["-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], "TLS_CHACHA20_POLY1305_SHA256, X25519"),
            (["-ciphersuites", "TLS_AES_256_GCM_SHA384", "-groups", "P-256"],
             "TLS_AES_256_GCM_SHA384, P-256, ecdsa_secp256r1_sha256, after a HelloRetryRequest"),
        ):
            with self.s_server("-www", *options) as port:
                result = tool.run("get", "-v", f"https://localhost:{port}/", "--ca", self.root / "cert.pem")
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn(expected, result.stderr)
                self.assertIn("<HTML>", result.stdout)

    def test_a_server_without_tls_13(self):
        tool.need("openssl")
        self.assertEqual(tool.run("cert", "new", "--name", "localhost", "--out", self.root).returncode, 0)
        with self.s_server("-www", "-tls1_2") as port:
            result = tool.run("get", f"https://localhost:{port}/", "--ca", self.root / "cert.pem")
        self.assertEqual((result.returncode, result.stderr), (1, f"limpid: localhost:{port} does not speak TLS 1.3; "
                                                                 "ask who runs that server to enable it\n"))

    def s_server(self, *options):
        test = self

        class Running:
            def __enter__(self):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", 0))
                    port = probe.getsockname()[1]
                self.process = subprocess.Popen(
                    ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", test.root / "cert.pem", "-key",
                     test.root / "key.pem", "-no_ign_eof", *options], stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                while b"ACCEPT" not in self.process.stdout.readline():
                    pass
                return port

            def __exit__(self, *_):
                self.process.terminate()
                self.process.wait()
                self.process.stdout.close()

        return Running()

    def test_redirects(self):
        done = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthere"

        def to(location):
            return b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 4\r\n\r\ngone" % location

        with Scripted(to(b"../x?y"), to(b"/z"), done) as server:
            result = tool.run("get", "-L", server.url("/a/b/c"))
            self.assertEqual((result.returncode, result.stdout), (0, "there"), result.stderr)
            targets = [request.split(b" ")[1] for request in server.requests]
            self.assertEqual(targets, [b"/a/b/c", b"/a/x?y", b"/z"])
        with Scripted(to(b"/z")) as server:
            self.assertEqual(tool.run("get", server.url()).stdout, "gone", "without -L the redirect is the answer")
        with Scripted(*[to(b"/again")] * 11) as server:
            result = tool.run("get", "-L", server.url())
            self.assertEqual(result.returncode, 1)
            self.assertEqual(result.stderr, "limpid: gave up after 10 redirects; the last one led to '/again'\n")

    def test_a_redirect_does_not_hand_credentials_to_another_server(self):
        done = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthere"
        redirect = b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
        fields = [b"Authorization: Basic c2VjcmV0", b"cookie: id=secret", b"Host: own.test", b"X-Own: yes"]
        with Scripted(done) as other, Scripted(redirect % b"/same", redirect % other.url().encode()) as server:
            arguments = [argument for field in fields for argument in ("-H", field.decode())]
            result = tool.run("get", "-L", server.url(), *arguments)
            self.assertEqual((result.returncode, result.stdout), (0, "there"), result.stderr)
        for request in server.requests:
            for field in fields:
                self.assertIn(field + b"\r\n", request)
        self.assertNotIn(b"secret", other.requests[0])
        self.assertNotIn(b"c2VjcmV0", other.requests[0])
        self.assertIn(b"Host: 127.0.0.1:%d\r\n" % other.port, other.requests[0])
        self.assertIn(b"X-Own: yes\r\n", other.requests[0])

    def test_what_is_sent(self):
        with Scripted(b"HTTP/1.0 200 OK\r\n\r\nuntil the end") as server:
            result = tool.run("get", server.url("/a b?c#d"), "-H", "X-Own: yes", "-H", "Accept: text/plain")
            self.assertEqual((result.returncode, result.stdout), (0, "until the end"))
            request = server.requests[0].decode()
            self.assertTrue(request.startswith(f"GET /a%20b?c HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"), request)
            self.assertIn("\r\nX-Own: yes\r\n", request)
            self.assertEqual(request.count("Accept:"), 1)

    def test_a_cut_answer_is_no_answer(self):
        with Scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") as server:
            result = tool.run("get", server.url(), "-o", self.root / "out")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"\Alimpid: cannot use the answer of 127.0.0.1:\d+: [^\n]+\n\Z")
        self.assertEqual([entry.name for entry in self.root.iterdir()], ["site"])

    def test_nothing_in_an_answer_controls_the_terminal(self):
        hostile = b"\x9b31m \xc2\x9b31m \xe2\x80\xae \xef\xbb\xbf \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \x80 caf\xc3\xa9 \xf0\x9f\x8d\x8f \xe2"
        with Scripted(b"HTTP/1.1 200 " + hostile + b"\r\nX-A: \t" + hostile + b"\r\nContent-Length: 0\r\n\r\n") as server:
            result = tool.run("get", "-v", server.url())
        shown = [line for line in result.stderr.split("\n") if line.startswith("< ")]
        harmless = "?31m ?31m ? ? ?? ??? ???? ? caf\u00e9 \U0001f34f ?"
        self.assertEqual(shown[:2], ["< HTTP/1.1 200 " + harmless, "< X-A: ?" + harmless])
        with Scripted(b"HTTP/1.1 302 Found\r\nLocation: ftp://\xc2\x9b31m/\r\nContent-Length: 0\r\n\r\n") as server:
            result = tool.run("get", "-L", server.url())
        self.assertEqual(result.stderr, "limpid: cannot follow a redirect to 'ftp://?31m/'; only http and https are understood\n")

    def test_a_killed_get_leaves_nothing(self):
        with Scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", linger=True) as server:
            process = subprocess.Popen([tool.LIMPID, "get", "-v", server.url(), "-o", self.root / "out"],
                                       stderr=subprocess.PIPE, text=True)
            while not (line := process.stderr.readline()).startswith("< Content-Length"):
                self.assertNotEqual(line, "", "it ended by itself")
            process.kill()
            process.wait()
            process.stderr.close()
        self.assertEqual([entry.name for entry in self.root.iterdir()], ["site"])

    def test_a_server_that_is_silent(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            port = silent.getsockname()[1]
            for scheme in ("http", "https"):
                result = tool.run("get", f"{scheme}://127.0.0.1:{port}/", "-k", "--max-time", "0.3")
                self.assertEqual(result.returncode, 1)
                self.assertTrue(result.stderr.endswith(f"limpid: gave up on 127.0.0.1:{port}: "
                                "the time allowed by --max-time is over; allow more\n"), result.stderr)

    def test_nobody_there(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
            result = tool.run("get", f"https://127.0.0.1:{port}/", "-k")
        self.assertEqual(result.returncode, 1)
        self.assertTrue(result.stderr.endswith(f"limpid: cannot connect to 127.0.0.1:{port}: connection refused; "
                        "nothing listens there; check the port and that the server runs\n"), result.stderr)

    def test_a_server_that_does_not_speak_tls(self):
        with Scripted(b"SSH-2.0-nonsense\r\n", wait=False) as server:
            result = tool.run("get", "-k", f"https://127.0.0.1:{server.port}/")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr.splitlines()[-1], r"\Alimpid: TLS with 127.0.0.1:\d+ failed: .*; check that")

    def test_a_ca_file_that_holds_none(self):
        (self.root / "empty.pem").write_text("nothing\n")
        result = tool.run("get", "--ca", self.root / "empty.pem", "https://127.0.0.1:1/")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, f"limpid: '{self.root}/empty.pem' holds no certificate; "
                         "name a PEM file with a CERTIFICATE block, or one in DER\n")


if __name__ == "__main__":
    tool.main()
