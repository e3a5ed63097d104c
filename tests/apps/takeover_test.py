"""`limpid serve --takeover`: a server is replaced while clients are served, and whatever goes wrong leaves one that serves."""

# ctest: long 240
import contextlib
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import threading
import time

import middle
import tool

SIZE = 24_000_000


class Client:
    """One connection at a certain point; `finish` goes on from there and checks what comes."""

    def __init__(self, server):
        self.peer = server.connect(receive_buffer=20_000)


class Idle(Client):
    def __init__(self, server):
        self.peer = server.connect_tls()
        self.ask()

    def ask(self):
        self.peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return tool.receive_response(self.peer)[::2][:2]

    def finish(self, big):
        return self.ask() == (200, b"<h1>hello</h1>\n")


class HalfARequest(Idle):
    def __init__(self, server):
        super().__init__(server)
        self.peer.sendall(b"GET / HTTP/1.1\r\nHo")

    def finish(self, big):
        self.peer.sendall(b"st: localhost\r\n\r\n")
        return tool.receive_response(self.peer)[0] == 200


class Download(Client):
    def __init__(self, server):
        self.peer = server.connect_tls(receive_buffer=20_000)
        self.peer.sendall(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.got = self.peer.recv(100_000)

    def more(self, n):
        while n > 0:
            piece = self.peer.recv(min(n, 65536))
            self.got += piece
            n -= len(piece)

    def finish(self, big):
        status, _, body, rest = tool.receive_response(self.peer, self.got)
        return (status, body, rest) == (200, big, b"") and Idle.ask(self) == (200, b"<h1>hello</h1>\n")


class Handshake(Client):
    """Has sent `part` of its first flight; or, if that is more than 1, all of it, and has not read the answer."""

    def __init__(self, server, part):
        super().__init__(server)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.handshake()
        hello = self.outgoing.read()
        cut = int(len(hello) * min(part, 1))
        self.peer.sendall(hello[:cut])
        self.rest = hello[cut:]

    def handshake(self):
        try:
            self.tls.do_handshake()
            return True
        except ssl.SSLWantReadError:
            return False

    def finish(self, big):
        self.peer.sendall(self.rest)
        while not self.handshake():
            self.incoming.write(self.peer.recv(65536))
        self.tls.write(b"GET / HTTP/1.0\r\n\r\n")
        self.peer.sendall(self.outgoing.read())
        answer = b""
        while True:
            try:
                piece = self.tls.read(65536)
                if not piece:
                    break
                answer += piece
            except ssl.SSLWantReadError:
                received = self.peer.recv(65536)
                if not received:
                    break
                self.incoming.write(received)
        return answer.endswith(b"<h1>hello</h1>\n")


class TakeOver(tool.Folder):
    def setUp(self):
        super().setUp()
        self.big = os.urandom(1 << 20) * (SIZE >> 20)
        (self.site / "big").write_bytes(self.big)
        self.control = self.root / "control"
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)

    def serve(self, *arguments, threads=2, **options):
        arguments = ("--threads", threads, *arguments)
        if "--control" not in arguments:
            arguments += ("--control", self.control)
        return self.stack.enter_context(tool.Serve(self.site, *arguments, env=self.env, **options))

    def command(self, old, *arguments, control=None):
        return [tool.LIMPID, "serve", str(self.site), "--listen", f"127.0.0.1:{old.port}", "--takeover", "--control",
                str(control or self.control), *map(str, arguments)]

    def take_over(self, old, *arguments, threads=2, control=None):
        new = self.serve("--takeover", "--control", control or self.control, *arguments, threads=threads,
                         listen=f"127.0.0.1:{old.port}")
        self.assertEqual(old.process.wait(20), 0, old.stderr())
        while not (line := new.process.stdout.readline()).startswith("took over"):
            self.assertRegex(line, r"\A(try|to trust)")
        self.assertRegex(line, r"\Atook over \d+ connections? from process \d+\n\Z")
        return new

    def fails(self, old, *arguments, control=None, words=""):
        result = subprocess.run(self.command(old, *arguments, control=control), capture_output=True, text=True, timeout=60,
                                env={**os.environ, **self.env})
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, r"\Alimpid: [^\n]+\n\Z")
        self.assertIn(words, result.stderr)
        self.assertEqual(result.stdout, "")

    def clients(self, server):
        made = [Idle(server), HalfARequest(server), Download(server), Download(server), Handshake(server, 0), Handshake(server, 0.5),
                Handshake(server, 2)]
        time.sleep(0.1)  # so that the server has read what they sent
        return made

    def finish(self, clients):
        for client in clients:
            self.assertTrue(client.finish(self.big), type(client).__name__)
            client.peer.close()


class Replaced(TakeOver):
    def test_clients_notice_nothing(self):
        server = self.serve(threads=2)
        clients = self.clients(server)
        for threads in (1, 3, 2):
            server = self.take_over(server, threads=threads)
            for client in clients:
                if isinstance(client, Download):
                    client.more(3_000_000)
            self.finish([Idle(server)])
        self.finish(clients)
        self.assertEqual(server.stderr(), "")
        self.assertEqual(len(list((self.root / "control.claims").iterdir())), 3)

    def test_without_tls(self):
        server = self.serve("--plain")
        peer = server.connect(receive_buffer=20_000)
        peer.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        start = peer.recv(1000)
        self.take_over(server, "--plain")
        self.assertEqual(tool.receive_response(peer, start)[2], self.big)
        peer.close()

    def test_who_waits_to_be_accepted_is_not_turned_away(self):
        server = self.serve(threads=1)
        server.process.send_signal(signal.SIGSTOP)
        waiting = [server.connect() for _ in range(50)]
        starting = subprocess.Popen(self.command(server, "--threads", "4"), stdout=subprocess.PIPE, env={**os.environ, **self.env})
        time.sleep(0.2)
        server.process.send_signal(signal.SIGCONT)
        self.assertEqual(server.process.wait(20), 0)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        for peer in waiting:
            with context.wrap_socket(peer, server_hostname="localhost") as secure:
                secure.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertEqual(tool.receive_response(secure)[0], 200)
        starting.terminate()
        self.assertEqual(starting.wait(20), 0)
        starting.stdout.close()

    def test_a_thousand_connections(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        many = 1500
        if hard < many + 200:
            self.skipTest("not enough descriptors (ulimit -n)")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, many + 200), hard))
        server = self.serve("--plain", threads=2)
        peers = [server.connect() for _ in range(many)]
        for peer in peers:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        for peer in peers:
            self.assertEqual(tool.receive_response(peer)[0], 200)
        server = self.take_over(server, "--plain", threads=3)
        for peer in peers:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        for peer in peers:
            self.assertEqual(tool.receive_response(peer)[0], 200)
            peer.close()

    def test_the_control_socket_is_found_by_the_port(self):
        self.env["XDG_RUNTIME_DIR"] = str(self.root)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        arguments = [tool.LIMPID, "serve", str(self.site), "--plain", "--listen", f"127.0.0.1:{port}"]
        environment = {**os.environ, **self.env}
        old = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        old.stdout.readline()
        path = self.root / f"limpid-{port}.sock"
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        new = subprocess.Popen([*arguments, "--takeover"], stdout=subprocess.PIPE, text=True, env=environment)
        self.assertIn("serving", new.stdout.readline())
        self.assertEqual(old.wait(20), 0)
        self.assertTrue(path.is_socket())
        new.terminate()
        self.assertEqual(new.wait(20), 0)
        self.assertEqual([each.name for each in self.root.iterdir() if each.name.endswith(".sock")], [])
        old.stdout.close()
        new.stdout.close()

    def test_a_session_that_changes_servers_is_recorded_on_both_sides(self):
        first, second = self.root / "first", self.root / "second"
        server = self.serve("--record", first)
        clients = self.clients(server)
        server = self.take_over(server, "--record", second)
        self.finish(clients)
        server.process.terminate()
        server.process.wait(20)
        for file in (first, second):
            result = tool.run("replay", file)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertIn("every answer is the same, byte for byte", result.stdout)
        self.assertIn("goes on in another process", tool.run("replay", first, "--print").stdout)
        self.assertIn("Entropy", tool.run("replay", second, "--print").stdout)


class GoesWrong(TakeOver):
    def test_a_file_in_the_place_of_the_control_socket_stays(self):
        notes = self.root / "notes.txt"
        notes.write_text("mine")
        done = tool.run("serve", self.site, "--plain", "--listen", "127.0.0.1:0", "--control", notes, env=self.env)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Alimpid: [^\n]*\n\Z")
        self.assertEqual(notes.read_text(), "mine")

    """The old server must go on, with every client."""

    def between(self, change, keep=False):
        path = self.root / f"middle{len(os.listdir(self.root))}"
        made = middle.Middle(path, self.control, change, keep)
        self.addCleanup(made.close)
        return path, made

    def test_the_new_side_is_killed_at_every_stage(self):
        server = self.serve()
        clients = self.clients(server)
        for stage, at in ((middle.OFFER, 0), (middle.KEYS, 0), (middle.LISTENER, 0), (middle.CONNECTION, 0),
                          (middle.CONNECTION, 4), (middle.ALL, 0)):
            new = []
            started = threading.Event()

            def change(kind, n, body):
                if (kind, n) == (stage, at):
                    started.wait(5)
                    new[0].kill()
                    new[0].wait()
                return body

            path, _ = self.between(change)
            new.append(subprocess.Popen(self.command(server, control=path), stdout=subprocess.DEVNULL, env={**os.environ, **self.env}))
            started.set()
            new[0].wait(20)
            self.assertEqual(new[0].returncode, -signal.SIGKILL)
            self.finish([Idle(server)])
            for client in clients:
                if isinstance(client, Download):
                    client.more(1_000_000)
        self.assertEqual(len(re.findall("a take-over came to nothing: it hung up; serving on\n", server.stderr())), 5)
        self.finish(clients)

    def test_the_new_side_falls_silent(self):
        # Between a connection and the next, for ever; the test has less patience and hangs up.
        server = self.serve()
        clients = self.clients(server)

        def change(kind, n, body):
            if (kind, n) == (middle.CONNECTION, 2):
                time.sleep(0.5)
                raise middle.Cut
            return body

        path, _ = self.between(change)
        self.fails(server, control=path, words="it hung up")
        self.finish(clients)

    def test_messages_are_truncated_or_altered(self):
        server = self.serve()
        clients = self.clients(server)
        altered = lambda body, at: body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]
        cases = [(middle.KEYS, lambda body: body[:-1], "does not parse"),
                 (middle.KEYS, lambda body: altered(body, 3), "does not open here"),
                 (middle.CONNECTION, lambda body: body[:-1], "does not parse"),
                 (middle.CONNECTION, lambda body: altered(body, len(body) // 2), "does not open here"),
                 (middle.CONNECTION, lambda body: altered(body, 3), "does not"),
                 (middle.CONNECTION, lambda body: body[:-20] + body[-19:] + b"x", "does not"),
                 (middle.ALL, lambda body: altered(body, 3), "does not parse"),
                 (middle.OFFER, lambda body: body[:-1], "does not parse"),
                 (middle.HELLO, lambda body: altered(body, 0), "hung up"),
                 (middle.HELLO, lambda body: altered(body, 13), "different versions"),
                 (middle.HELLO, lambda body: altered(body, 26), "the other on a tap device"),
                 (middle.HELLO, lambda body: altered(body, 27), "with TLS and the other without"),
                 (middle.OFFER, lambda body: altered(body, 3), "different versions")]
        for kind, change, words in cases:
            path, _ = self.between(lambda k, n, body: change(body) if (k, n) == (kind, 0) else body)
            self.fails(server, control=path, words=words)
            self.finish([Idle(server)])
        self.finish(clients)

    def test_the_old_side_is_killed(self):
        for stage, survives in ((middle.CONNECTION, False), (middle.RECEIVED, True)):
            server = self.serve()
            clients = [Idle(server), Download(server)]

            def change(kind, n, body):
                if kind == stage:
                    server.process.kill()
                    server.process.wait()
                    if not survives:
                        raise middle.Cut  # what it had sent behind this may be all that was needed
                return body

            path, _ = self.between(change)
            if not survives:
                self.fails(server, control=path, words="it hung up")
                continue
            new = self.serve("--takeover", "--control", path, listen=f"127.0.0.1:{server.port}")
            self.finish(clients)
            self.finish([Idle(new)])

    def test_the_new_side_is_killed_once_it_has_claimed(self):
        server = self.serve()
        lost = Idle(server)
        new = []

        def change(kind, n, body):
            if kind == middle.RUNNING:
                new[0].kill()
                new[0].wait()
                raise middle.Cut
            return body

        path, _ = self.between(change)
        new.append(subprocess.Popen(self.command(server, control=path), stdout=subprocess.DEVNULL, env={**os.environ, **self.env}))
        new[0].wait(20)
        self.assertTrue(tool.eventually(lambda: "died with the connections; new ones are served here" in server.stderr()))
        self.finish([Idle(server)])
        with self.assertRaises((OSError, AssertionError)):
            lost.ask()

    def test_a_stale_snapshot_is_refused(self):
        server = self.serve()
        client = Idle(server)
        path, between = self.between(None, keep=True)
        server = self.take_over(server, control=path)
        stale = middle.Stale(self.root / "stale", between.messages)
        self.fails(server, control=self.root / "stale", words="was resumed before; a second copy of a live connection is refused")
        stale.thread.join(20)
        self.finish([client, Idle(server)])

    def test_a_server_that_is_none(self):
        server = self.serve()
        self.fails(server, control=self.root / "absent", words="no such file")
        (self.root / "file").write_text("")
        self.fails(server, control=self.root / "file", words="connection refused")
        self.fails(server, control=self.root / ("long" * 40), words="too long")
        for number, answer in enumerate((b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x02\x00\xff\xff\xff\xff", b"\x03\x00\x00\x00\x00\x00")):
            path = self.root / f"other{number}"
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(path))
                listener.listen(1)

                def reply():
                    peer, _ = listener.accept()
                    peer.sendall(answer)
                    peer.recv(1000)
                    peer.close()

                thread = threading.Thread(target=reply)
                thread.start()
                self.fails(server, control=path, words="cannot take over from the server at")
                thread.join()
        self.finish([Idle(server)])

    def test_somebody_else_asks(self):
        server = self.serve()
        for words in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x01\x00\x00\x00\x00\x00", b"\x01\xff\xff\xff\xff\xff", os.urandom(1000)):
            with socket.socket(socket.AF_UNIX) as peer:
                peer.connect(str(self.control))
                peer.sendall(words)
                peer.shutdown(socket.SHUT_WR)
                with contextlib.suppress(OSError):
                    peer.recv(100)
            self.finish([Idle(server)])
        self.assertEqual(len(server.stderr().splitlines()), 5)
        if os.geteuid() == 0 and tool.shutil.which("setpriv"):
            os.chmod(self.root, 0o755)
            os.chmod(self.control, 0o666)
            script = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({str(self.control)!r}); print(s.recv(1))"
            subprocess.run([*tool.unprivileged(), "python3", "-c", script], capture_output=True, timeout=20)
            self.assertTrue(tool.eventually(lambda: "another user asked to take over" in server.stderr()))
        self.finish([Idle(server)])

    def test_options_that_do_not_fit(self):
        server = self.serve()
        clients = [Download(server) for _ in range(6)]
        self.fails(server, "--plain", words="one serves with TLS and the other without")
        self.fails(server, "--listen", "127.0.0.1:1", words="listens on other addresses")
        result = tool.run("serve", self.site, "--takeover", env={**self.env, "XDG_RUNTIME_DIR": ""})
        self.assertEqual(result.returncode, 1)
        self.assertIn("name the running server's socket with --control", result.stderr)
        self.fails(server, "--cert", self.root / "none", "--key", self.root / "none", words="no such file")
        result = tool.run("serve", self.site, "--listen", "127.0.0.1:0", "--control", self.control, env=self.env)
        self.assertEqual(result.returncode, 1)
        self.assertIn("a server listens there already", result.stderr)
        self.finish(clients)


if __name__ == "__main__":
    tool.main()
