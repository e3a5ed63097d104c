"""What `limpid serve` tells: the access log, SIGUSR1's counters, complaints as JSON; and SIGHUP."""

import json
import os
import re
import signal
import ssl

import tool

COMBINED = re.compile(r'^127\.0\.0\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] '
                      r'"([^"]*)" (\d{3}) (\d+) "([^"]*)" "([^"]*)"$')


class AccessLog(tool.Folder):
    def ask(self, server, request):
        with server.connect() as peer:
            peer.sendall(request)
            return tool.receive_response(peer)[0]

    def lines(self, path, count):
        self.assertTrue(tool.eventually(lambda: path.exists() and path.read_bytes().count(b"\n") >= count))
        return path.read_text().splitlines()

    def test_combined(self):
        log = self.root / "access.log"
        with tool.Serve(self.site, "--plain", "--threads", "1", "--access-log", log) as server:
            self.ask(server, b"GET /?a=b HTTP/1.1\r\nHost: a\r\nReferer: http://r/\r\nUser-Agent: agent/1\r\n\r\n")
            self.ask(server, b"GET /none HTTP/1.0\r\n\r\n")
            self.ask(server, b"nonsense\r\n\r\n")
            lines = self.lines(log, 3)
        self.assertEqual(COMBINED.match(lines[0]).groups(), ("GET /?a=b HTTP/1.1", "200", "15", "http://r/", "agent/1"))
        self.assertEqual(COMBINED.match(lines[1]).groups()[:2], ("GET /none HTTP/1.0", "404"))
        self.assertEqual(COMBINED.match(lines[2]).groups()[:2], ("-", "400"))
        self.assertEqual(log.stat().st_mode & 0o777, 0o640)

    def test_no_request_forges_a_line_or_a_field(self):
        log = self.root / "access.log"
        hostile = b'" 200 9 "x\\" \t\x80\xff\xc2\x9b31m'
        with tool.Serve(self.site, "--plain", "--threads", "1", "--access-log", log) as server:
            self.ask(server, b'GET /"\\ HTTP/1.1\r\nHost: a\r\nUser-Agent: ' + hostile + b"\r\n\r\n")
            self.ask(server, b'GET /"x" HTTP/1.1\r\nHost: a\r\nReferer: ' + b'"' * 1000 + b"\r\n\r\n")
            self.ask(server, b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: a\rb\r\n\r\n")
            lines = self.lines(log, 3)
        self.assertEqual(len(lines), 3)
        self.assertTrue(all(COMBINED.match(line) and line.isascii() and line.isprintable() for line in lines), lines)
        self.assertEqual(COMBINED.match(lines[0])[5], r'\x22 200 9 \x22x\x5c\x22 \x09\x80\xff\xc2\x9b31m')

    def test_json(self):
        log = self.root / "access.log"
        with tool.Serve(self.site, "--plain", "--threads", "1", "--log", "json", "--access-log", log) as server:
            self.ask(server, b'GET /"\xff HTTP/1.1\r\nHost: a\r\n\r\n')
            self.ask(server, b'GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: "\xff\\\t\r\n\r\n')
            lines = [json.loads(line) for line in self.lines(log, 2)]
        self.assertEqual(lines[0]["status"], 400)
        self.assertEqual({name: lines[1][name] for name in ("method", "target", "version", "status", "bytes", "user_agent")},
                         {"method": "GET", "target": "/", "version": "HTTP/1.1", "status": 200, "bytes": 15,
                          "user_agent": '"\xff\\\t'.rstrip("\t")})
        self.assertRegex(lines[1]["peer"], r"^127\.0\.0\.1:\d+$")

    def test_standard_output(self):
        with tool.Serve(self.site, "--plain", "--access-log", "-") as server:
            self.ask(server, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertRegex(server.process.stdout.readline().strip(), COMBINED)
            self.assertEqual(server.counters()["requests"], 1)

    def test_is_not_served_itself(self):
        log = self.site / "access.log"
        (self.root / "link").symlink_to(self.site)
        for path in log, self.root / "link" / "access.log":
            result = tool.run("serve", self.site, "--plain", "--listen", "127.0.0.1:0", "--access-log", path)
            self.assertEqual(result.returncode, 1)
            self.assertEqual(result.stderr, f"limpid: the access log '{path}' would be served with '{self.site}'; "
                                            "write it elsewhere\n")
        self.assertFalse(log.exists())

    def test_a_pipe_that_nobody_reads_stops_nobody(self):
        with tool.Serve(self.site, "--plain", "--threads", "1", "--access-log", "-") as server, server.connect() as peer:
            request = b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: " + b"a" * 120 + b"\r\n\r\n"
            buffered = b""
            for _ in range(2500):
                peer.sendall(request)
                status, _, _, buffered = tool.receive_response(peer, buffered)
                self.assertEqual(status, 200)
            self.assertTrue(tool.eventually(lambda: "lines are lost so far" in server.stderr()))
            self.assertLessEqual(server.stderr().count("\n"), 3)

    def test_goes_on_in_a_new_file_after_sighup(self):
        log, old = self.root / "access.log", self.root / "old.log"
        with tool.Serve(self.site, "--plain", "--access-log", log) as server:
            self.ask(server, b"GET /1 HTTP/1.0\r\n\r\n")
            self.lines(log, 1)
            log.rename(old)
            server.process.send_signal(signal.SIGHUP)
            self.assertTrue(tool.eventually(log.exists))
            self.assertTrue(tool.eventually(lambda: log.stat().st_ino != old.stat().st_ino))
            server.counters()  # the signal before it was carried out
            self.ask(server, b"GET /2 HTTP/1.0\r\n\r\n")
            self.assertIn("GET /2 ", self.lines(log, 1)[0])
            self.assertEqual(len(self.lines(old, 1)), 1)

    def test_a_place_that_cannot_be_written(self):
        refused = tool.run("serve", self.site, "--plain", "--listen", "127.0.0.1:0", "--access-log", self.root / "no" / "log")
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, r"^limpid: cannot write the access log '.*': no such file or directory; .*\n$")


class Counters(tool.Folder):
    def test_what_sigusr1_prints(self):
        with tool.Serve(self.site, "--memory", "64M", "--threads", "2", env=self.env) as server:
            with server.connect_tls() as peer:
                peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\n\r\n")
                rest = tool.receive_response(peer)[3]
                tool.receive_response(peer, rest)
                with server.connect() as wrong:
                    wrong.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    tool.receive_all(wrong)
                self.assertTrue(tool.eventually(lambda: server.counters()["connections"] == 1))
                self.assertTrue(tool.eventually(lambda: server.counters()["idle"] == 1))
                now = server.counters()
        self.assertEqual((now["accepted"], now["handshakes"], now["requests"]), (2, 1, 2))
        self.assertEqual(now["answers"], {"2xx": 1, "4xx": 1})
        self.assertEqual(sum(now["tls_failures"].values()), 1)
        self.assertEqual(now["budgets"]["memory_limit"], 64 << 20)
        self.assertGreater(now["budgets"]["memory"], 500)
        self.assertEqual(set(now["dropped"]), {"refused_for_memory", "shed_waiting", "shed_idle", "stalled", "aborted",
                                               "reset_by_peer", "accept_pauses", "log_lines_lost"})

    def test_complaints_as_json(self):
        with tool.Serve(self.site, "--log", "json", env=self.env) as server, server.connect() as peer:
            peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
            tool.receive_all(peer)
            self.assertTrue(tool.eventually(lambda: server.stderr().endswith("}\n")))
            said = json.loads(server.stderr())
            self.assertRegex(said["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            self.assertRegex(said["message"], r"^TLS with 127\.0\.0\.1:\d+ failed: ")


class Reload(tool.Folder):
    def make(self, folder):
        made = tool.run("cert", "new", "--name", "localhost", "--out", self.root / folder)
        self.assertEqual(made.returncode, 0, made.stderr)
        return self.root / folder / "cert.pem", self.root / folder / "key.pem"

    def use(self, pair, names=("cert.pem", "key.pem")):
        for source, name in zip(pair, names):
            (self.root / (name + ".new")).write_bytes(source.read_bytes())
            os.rename(self.root / (name + ".new"), self.root / name)

    def shown(self, server):
        with server.connect_tls() as peer:
            return ssl.DER_cert_to_PEM_cert(peer.getpeercert(binary_form=True))

    def hup(self, server, words):
        before = server.stderr().count(words)
        server.process.send_signal(signal.SIGHUP)
        self.assertTrue(tool.eventually(lambda: server.stderr().count(words) > before), server.stderr())

    def test_new_pairs_are_taken_and_bad_ones_are_not(self):
        first, second, third = self.make("1"), self.make("2"), self.make("3")
        (self.site / "big").write_bytes(os.urandom(1 << 20) * 16)
        self.use(first)
        with tool.Serve(self.site, "--cert", self.root / "cert.pem", "--key", self.root / "key.pem") as server:
            self.assertEqual(self.shown(server), first[0].read_text())
            with server.connect_tls(receive_buffer=65536) as downloading, server.connect_tls() as idle:
                downloading.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
                begun = downloading.recv(1000)
                self.use(second)
                self.hup(server, "loaded the certificates again")
                self.assertEqual(self.shown(server), second[0].read_text())
                self.use(third[:1])  # the key is not its
                self.hup(server, "still serving the old certificates: the key in ")
                self.assertEqual(self.shown(server), second[0].read_text())
                (self.root / "cert.pem").write_text("nonsense")
                self.hup(server, "still serving the old certificates: ")
                (self.root / "key.pem").unlink()
                self.hup(server, "still serving the old certificates: ")
                self.assertEqual(self.shown(server), second[0].read_text())
                self.use(third)
                self.hup(server, "loaded the certificates again")
                self.assertEqual(self.shown(server), third[0].read_text())
                idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertEqual(tool.receive_response(idle)[0], 200)
                body = tool.receive_response(downloading, begun)[2]
                self.assertEqual(body, (self.site / "big").read_bytes())
            self.assertTrue(all(line.startswith("limpid: ") for line in server.stderr().splitlines()))

    def test_many_reloads_under_handshakes(self):
        pairs = [self.make("1"), self.make("2")]
        self.use(pairs[0])
        with tool.Serve(self.site, "--cert", self.root / "cert.pem", "--key", self.root / "key.pem") as server:
            for i in range(100):
                self.use(pairs[i % 2])
                server.process.send_signal(signal.SIGHUP)
                self.assertIn(self.shown(server), [pair[0].read_text() for pair in pairs])
            self.assertEqual(server.counters()["tls_failures"], {})


if __name__ == "__main__":
    tool.main()
