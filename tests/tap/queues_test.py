"""A tap device of several queues, each with a host and a thread of its own, is one server: whatever comes to whichever queue is
answered, the whole goes to a new process in mid-download, is recorded and stepped again, and ends when it is told to."""
# ctest: long 300

import concurrent.futures
import os
import re
import signal
import socket
import ssl
import subprocess

import link
import tool

QUEUES = 2


def setUpModule():
    link.alone()


class Queues(link.OnTap):
    def setUp(self):
        tool.Folder.setUp(self)
        self.tap = link.Tap(queues=QUEUES)
        self.addCleanup(self.tap.delete)

    def fetch(self, server, host, path="/"):
        """By a connection of its own; the body."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection((host, server.port), timeout=20) as plain, context.wrap_socket(plain) as peer:
            peer.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            return tool.receive_response(peer)[2]

    def both(self, server):
        return (self.tap.there4, self.tap.there6)

    def test_every_queue_serves(self):
        big = os.urandom(3_000_000)
        (self.site / "big").write_bytes(big)
        capture = self.root / "own.pcap"
        with self.serve("--pcap", capture) as server:
            for address in ("", "-6 "):
                link.sh(f"ping {address}-c 3 -i 0.1 -W 2 {self.tap.there6 if address else self.tap.there4}")
            link.sh(f"ping -c 1 -W 2 -s 20000 {self.tap.there4}")  # in pieces
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                asked = [pool.submit(self.fetch, server, host) for host in self.both(server) for _ in range(100)]
                large = [pool.submit(self.fetch, server, host, "/big") for host in self.both(server) for _ in range(6)]
                for each in asked:
                    self.assertEqual(each.result(), b"<h1>hello</h1>\n")
                for each in large:
                    self.assertEqual(each.result(), big)
            counters = server.counters()
            queues = counters["tap"]["queues"]
            print(f"\n  {counters['tap']}", flush=True)
            self.assertEqual(len(queues), QUEUES)
            self.assertEqual(sum(queue["accepted"] for queue in queues), 212)
            for queue in queues:
                self.assertGreater(queue["accepted"], 20, "every queue has its part")
            # The device learns where a connection belongs: what it gives to another queue is a part of the frames.
            self.assertGreater(counters["host"]["passed_on"], 0)
            for reason in ("queue_misled", "queue_malformed", "not_passed_on"):
                self.assertNotIn(reason, counters["dropped"])
            # A port on which nobody listens is refused at once, whoever is asked.
            for _ in range(8):
                with self.assertRaises(ConnectionRefusedError):
                    socket.create_connection((self.tap.there4, 1), timeout=5)
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(server.process.wait(10), 0)
        self.judge(capture)

    def test_services_for_measuring(self):
        with self.serve("--plain", "--test-services") as server:
            sent = os.urandom(2_000_000)
            for host in self.both(server) * 4:
                with socket.create_connection((host, 7), timeout=20) as peer, concurrent.futures.ThreadPoolExecutor(1) as pool:
                    sending = pool.submit(peer.sendall, sent)
                    got = bytearray()
                    while len(got) < len(sent):
                        got += peer.recv(1 << 16) or self.fail("the echo ended early")
                    sending.result()
                    self.assertEqual(bytes(got), sent)

    def test_the_link_comes_and_goes(self):
        with self.serve() as server:
            self.fetch(server, self.tap.there4)
            link.sh(f"ip link set {self.tap.name} down")
            link.sh(f"ip link set {self.tap.name} up")
            for host in self.both(server) * 8:
                self.assertTrue(tool.eventually(lambda: self.served(server, host)), host)
            self.tap.delete()
            self.assertEqual(server.process.wait(10), 1)
            self.assertIn("was deleted", server.stderr())

    def served(self, server, host):
        try:
            return self.fetch(server, host) == b"<h1>hello</h1>\n"
        except OSError:
            return False

    def test_downloads_go_on_in_a_new_process(self):
        tool.need("curl")
        big = os.urandom(12 << 20)
        (self.site / "big").write_bytes(big)
        control = self.root / "control"
        recorded = self.root / "recorded"
        with self.serve("--control", control) as first:
            curls = [subprocess.Popen(["curl", "-sSkg", "--limit-rate", "3M", "-o", self.root / str(number),
                                       f"https://{host}:{first.port}/big"], stderr=subprocess.PIPE)
                     for number, host in enumerate([self.tap.there4, f"[{self.tap.there6}]"] * 4)]
            self.assertTrue(tool.eventually(lambda: all((self.root / str(i)).exists() and (self.root / str(i)).stat().st_size > 1 << 20
                                                        for i in range(8))))
            other = tool.run("serve", self.site, "--control", control, "--takeover", "--net",
                             self.tap.net().replace(f"queues={QUEUES}", "queues=3"), env=self.env)
            self.assertEqual(other.returncode, 1)
            self.assertRegex(other.stderr, r"\Alimpid: [^\n]+2 queues[^\n]+\n\Z")
            with self.serve("--control", control, "--takeover", "--record", recorded) as second:
                self.assertEqual(first.process.wait(10), 0, first.stderr())
                self.assertTrue(any((self.root / str(i)).stat().st_size < len(big) for i in range(8)), "in the middle")
                for number, curl in enumerate(curls):
                    self.assertEqual(curl.wait(60), 0, curl.stderr.read())
                    curl.stderr.close()
                    self.assertEqual((self.root / str(number)).read_bytes(), big)
                for host in self.both(second) * 4:
                    self.assertEqual(self.fetch(second, host), b"<h1>hello</h1>\n")
        result = tool.run("replay", recorded, timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, rf"\Areplayed \d+ events of {QUEUES} hosts: every answer is the same, byte for byte\n\Z")

    def test_a_device_that_cannot_be_had(self):
        net = self.tap.net()
        with self.serve("--plain"):
            result = tool.run("serve", self.site, "--plain", "--net", net, env=self.env)
            self.assertEqual(result.returncode, 1)
            self.assertRegex(result.stderr, r"\Alimpid: cannot open the tap device [^\n]*another process[^\n]*\n\Z")
        single = link.Tap(1)
        self.addCleanup(single.delete)
        result = tool.run("serve", self.site, "--plain", "--net", single.net("queues=2"), env=self.env)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"\Alimpid: cannot open the tap device [^\n]*multi_queue[^\n]*\n\Z")
        result = tool.run("serve", self.site, "--plain", "--net", re.sub(",queues=2", "", net), env=self.env)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"\Alimpid: cannot open the tap device [^\n]*queues=N[^\n]*\n\Z")


if __name__ == "__main__":
    link.main()
