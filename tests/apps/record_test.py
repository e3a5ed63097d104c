"""`serve --record`, `get --record` and `limpid replay`: a session that can be stepped again, byte for byte."""

import os
import pathlib
import re
import signal
import stat
import subprocess

import tool


class Record(tool.Folder):
    def setUp(self):
        super().setUp()
        self.big = os.urandom(700_000)
        (self.site / "big").write_bytes(self.big)
        self.file = self.root / "session"

    def replay(self, *arguments, status=0, file=None):
        result = tool.run("replay", file or self.file, *arguments)
        self.assertEqual(result.returncode, status, result.stderr)
        if status == 0:
            self.assertEqual(result.stderr, "")
        else:
            self.assertRegex(result.stderr, r"\Alimpid: [^\n]+\n\Z")
        return result.stdout if status == 0 else result.stderr

    def get(self, server, *paths, record=None):
        options = ["--ca", self.root / "data/limpid/ca.pem"] + (["--record", record] if record else [])
        for path in paths:
            target = self.root / "got"
            result = tool.run("get", server.url(path), "-o", target, *options)
            self.assertEqual(result.returncode, 0, result.stderr)
            yield target.read_bytes()

    def record(self, *arguments, threads=2):
        with tool.Serve(self.site, "--record", self.file, "--threads", threads, *arguments, env=self.env) as server:
            if server.scheme == "https":
                self.assertEqual(list(self.get(server, "/", "/big")), [b"<h1>hello</h1>\n", self.big])
                peer = server.connect_tls()
            else:
                peer = server.connect()
            peer.sendall(b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\nGET /big HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(tool.receive_response(peer)[0], 404)
            peer.close()  # in the middle of an answer

    def test_a_session_of_a_server_replays(self):
        self.record()
        self.assertRegex(self.replay(), r"\Areplayed \d+ events of 3 connections: every answer is the same, byte for byte\n\Z")
        for name in ("session", "session.key"):
            self.assertEqual(stat.S_IMODE((self.root / name).stat().st_mode), 0o600)
        self.assertEqual((self.root / "session.key").stat().st_size, 32)

        lines = self.replay("--print").splitlines()
        numbered = [line for line in lines if re.match(r" +\d+ +[\d.]+ s ", line)]
        self.assertEqual([int(line.split()[0]) for line in numbered], list(range(1, len(numbered) + 1)))
        text = "\n".join(lines)
        for words in ("Opened", "Reply CertificateSelected", "Reply Signed", "HandshakeDone TLS_", "RequestServed 200 to /big, 700000 bytes",
                      "RequestServed 404 to /nothing"):
            self.assertIn(words, text)

        # Any event can be stopped at.
        for n in (1, 2, len(numbered) // 2, len(numbered)):
            event, state = self.replay("--until", n).splitlines()
            self.assertEqual(event, numbered[n - 1])
            self.assertRegex(state, r"\Aserver: ")
        handshake = next(i for i, line in enumerate(numbered, 1) if "Reply CertificateSelected" in line)
        self.assertIn("TLS handshake, server in AwaitSignature", self.replay("--until", handshake))
        self.assertIn("name one of them", self.replay("--until", len(numbered) + 1, status=1))

    def test_a_session_of_a_client_replays(self):
        with tool.Serve(self.site, env=self.env) as server:
            self.assertEqual(list(self.get(server, "/big", record=self.file)), [self.big])
        self.assertRegex(self.replay(), r"\Areplayed \d+ events of 1 connection: ")
        self.assertIn("Reply PeerAccepted", self.replay("--print"))

    def test_without_tls(self):
        self.record("--plain")
        self.assertRegex(self.replay(), r"of 1 connection: ")

    def test_without_the_key_only_times_sizes_and_kinds_show(self):
        self.record()
        with_key = self.replay("--print")
        (self.root / "session.key").unlink()
        listing = self.replay("--print")
        self.assertIn("only times, sizes and kinds", listing.splitlines()[0])
        short = lambda text: [re.match(r".* bytes  \w+", line)[0] for line in text.splitlines() if re.match(r" *\d+ .*connection", line)]
        self.assertEqual([line for line in short(with_key)], short(listing))
        self.assertNotIn("/big", listing)

    def test_what_was_said_and_the_keys_are_not_in_the_clear(self):
        self.record()
        content = self.file.read_bytes()
        for secret in (b"hello", b"/nothing", self.big[:64], (self.root / "session.key").read_bytes()):
            self.assertNotIn(secret, content)

    def test_damage_is_told_in_one_line(self):
        self.record()
        whole = self.file.read_bytes()
        bad = self.root / "bad"
        (self.root / "bad.key").write_bytes((self.root / "session.key").read_bytes())
        for size in (1, 11, 12, 13, 40, 67, 68, 69, 100, 1000, len(whole) // 2, len(whole) - 1):
            bad.write_bytes(whole[:size])
            self.assertIn("it ends before the recording does", self.replay(status=1, file=bad))
        for at in (30, 60, 68, 69, 75, 85, 97, 100, 5000, len(whole) - 1):
            altered = bytearray(whole)
            altered[at] ^= 4
            bad.write_bytes(altered)
            self.assertRegex(self.replay(status=1, file=bad), "damaged|another recording's|ends before")
        for at, words in ((0, "not a recording"), (13, "another version"), (14, "machines unknown"), (19, "another version")):
            altered = bytearray(whole)
            altered[at] ^= 4
            bad.write_bytes(altered)
            self.assertIn(words, self.replay(status=1, file=bad))
        bad.write_bytes(whole + b"x")
        self.assertIn("damaged", self.replay(status=1, file=bad))
        bad.write_bytes(b"")
        self.assertIn("not a recording", self.replay(status=1, file=bad))
        bad.write_bytes(whole)
        (self.root / "bad.key").write_bytes(os.urandom(32))
        self.assertIn("the key is another recording's", self.replay(status=1, file=bad))
        (self.root / "bad.key").write_bytes(b"short")
        self.assertIn("32 bytes", self.replay(status=1, file=bad))
        self.assertIn("check", self.replay(status=1, file=self.root / "absent").replace("name a file", "check"))
        self.assertIn("is a directory", self.replay(status=1, file=self.site))

    def test_a_killed_server_leaves_what_it_was_told(self):
        with tool.Serve(self.site, "--plain", "--record", self.file, env=self.env) as server:
            peer = server.connect()
            peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(tool.receive_response(peer)[0], 200)
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
        found = re.search(r"it ends before the recording does.*; the (\d+) events before that replay the same", self.replay(status=1))
        self.assertGreaterEqual(int(found[1]), 3)
        self.assertIn("HTTP waits for a request", self.replay("--until", found[1]))

    def test_what_is_there_is_not_overwritten(self):
        self.file.write_text("precious")
        for arguments in (["serve", self.site, "--listen", "127.0.0.1:0"], ["get", "https://127.0.0.1:1/"]):
            result = tool.run(*arguments, "--record", self.file, env=self.env)
            self.assertEqual(result.returncode, 1)
            self.assertIn("there is something in it already", result.stderr)
        self.assertEqual(self.file.read_text(), "precious")
        result = tool.run("serve", self.site, "--record", self.site / "r", "--listen", "127.0.0.1:0", env=self.env)
        self.assertEqual(result.returncode, 1)
        self.assertIn("would be served", result.stderr)

    def test_another_key_of_that_name_is_not_replaced(self):
        key = self.root / "server.key"
        key.write_text("precious")
        refused = tool.run("serve", self.site, "--plain", "--listen", "127.0.0.1:0", "--record", self.root / "server")
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, r"\Alimpid: [^\n]*its key would replace[^\n]*\n\Z")
        self.assertEqual(key.read_text(), "precious")
        self.assertFalse((self.root / "server").exists())

    def test_a_full_disk_ends_the_recording_and_not_the_server(self):
        limit = 200_000
        command = ["prlimit", f"--fsize={limit}:{limit}", tool.LIMPID, "serve", self.site, "--plain", "--listen", "127.0.0.1:0",
                   "--record", self.file]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **self.env}) as process:
            port = re.search(r":(\d+)/$", process.stdout.readline())[1]
            for _ in range(2):
                got = subprocess.run([tool.LIMPID, "get", f"http://127.0.0.1:{port}/big"], capture_output=True, timeout=20)
                self.assertEqual(got.stdout, self.big)
            process.terminate()
            _, errors = process.communicate(timeout=20)
        self.assertRegex(errors, r"\Alimpid: recording to '[^']+' ends here: file too large; [^\n]+\n\Z")
        self.assertLessEqual(self.file.stat().st_size, limit)
        self.assertIn("it ends before the recording does", self.replay(status=1))


if __name__ == "__main__":
    tool.main()
