"""`limpid serve --net tap:`: a host with no kernel below it answers ping and curl, over both families, and says what is wrong."""
# ctest: long 120

import pathlib
import re
import subprocess
import time

import link
import tool


def setUpModule():
    link.alone()


class Basic(link.OnTap):
    def ping(self, *arguments):
        result = subprocess.run(["ping", "-c", "5", "-i", "0.05", "-W", "3", *arguments], capture_output=True, text=True)
        self.assertRegex(result.stdout, r"5 packets transmitted, 5 received", arguments)

    def test_ping_and_curl_over_both_families(self):
        for program in ("ping", "curl"):
            tool.need(program)
        big = bytes(range(256)) * 4096
        (self.site / "big").write_bytes(big)
        capture = self.root / "capture"
        with link.Capture(self.tap, capture), self.serve() as server:
            self.ping(self.tap.there4)
            self.ping("-6", self.tap.there6)
            for size in (0, 1, 1472, 1473, 4000):
                self.ping("-s", str(size), self.tap.there4)
                self.ping("-6", "-s", str(size), self.tap.there6)
            for host in (self.tap.there4, f"[{self.tap.there6}]"):
                for options in ([], ["--http1.0", "--no-alpn"]):
                    self.assertEqual(link.curl(f"https://{host}:{server.port}/", *options), b"<h1>hello</h1>\n")
                self.assertEqual(link.curl(f"https://{host}:{server.port}/big"), big)
        self.judge(capture)

    def test_a_certificate_is_valid_for_its_addresses(self):
        tool.need("curl")
        with self.serve() as server:
            ca = self.root / "data/limpid/ca.pem"
            for host in (self.tap.there4, f"[{self.tap.there6}]"):
                result = subprocess.run(["curl", "-sSg", "--cacert", ca, f"https://{host}:{server.port}/"], capture_output=True)
                self.assertEqual(result.stdout, b"<h1>hello</h1>\n", result.stderr)

    def test_a_small_mtu_and_a_large_one(self):
        tool.need("curl")
        big = bytes(range(256)) * 4096
        (self.site / "big").write_bytes(big)
        for mtu in (1280, 9000):
            self.tap.delete()
            self.tap = link.Tap(mtu=mtu)
            with self.serve(net=(f"mtu={mtu}",)) as server:
                for host in (self.tap.there4, f"[{self.tap.there6}]"):
                    self.assertEqual(link.curl(f"https://{host}:{server.port}/big"), big)

    def test_serves_within_100_ms_of_the_link(self):
        with self.serve("--plain") as server:
            waits = []
            for _ in range(5):
                link.sh(f"ip link set {self.tap.name} down")
                time.sleep(0.3)
                link.sh(f"ip link set {self.tap.name} up")
                start = time.monotonic()
                with server.connect() as peer:
                    peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    self.assertIn(b"<h1>hello</h1>", tool.receive_all(peer))
                waits.append(time.monotonic() - start)
            print(f"\n  served after {', '.join(f'{wait * 1000:.0f}' for wait in waits)} ms", flush=True)
            self.assertLess(sorted(waits)[2], 0.1)

    def test_a_link_that_is_lost_and_comes_back(self):
        big = bytes(4 << 20)
        (self.site / "big").write_bytes(big)
        with self.serve("--plain") as server, server.connect(receive_buffer=20_000) as peer:
            peer.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
            got = peer.recv(10_000)
            link.sh(f"ip link set {self.tap.name} down")
            time.sleep(1)
            # The kernel drops the addresses of version 6 with the link, those of version 4 stay.
            link.sh(f"ip link set {self.tap.name} up")
            self.assertEqual(tool.receive_response(peer, got)[2], big)

    def test_a_device_that_is_deleted_is_told(self):
        with self.serve("--plain") as server:
            self.tap.delete()
            self.assertTrue(tool.eventually(lambda: server.process.poll() is not None))
            self.assertEqual(server.process.returncode, 1)
            self.assertRegex(server.stderr(), r"\Alimpid: [^\n]*tap0[^\n]*\n\Z")

    def test_counters(self):
        with self.serve("--plain") as server:
            with server.connect() as peer:
                peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
                tool.receive_all(peer)
            counters = server.counters()
        for name in ("connections", "budgets", "dropped"):
            self.assertIn(name, counters)
        self.assertIn("neighbours", counters["host"])


class BadInput(tool.Folder):
    def refused(self, net, status=1):
        result = tool.run("serve", self.site, "--plain", "--net", net)
        self.assertEqual(result.returncode, status, (net, result.stdout, result.stderr))
        self.assertRegex(result.stderr, r"\Alimpid: [^\n]+\n\Z")
        return result.stderr

    def test_what_does_not_parse(self):
        for wrong in ("ip=10.9.0.2", "ip=10.9.0.2/33", "ip=10.9.0.300/24", "ip6=10.9.0.2/24", "ip6=fd00::/129", "gateway=x",
                      "dns=300.1.1.1", "mac=02:00", "mtu=0", "mtu=99999999999", "nonsense=1", ""):
            net = "tap:tap0," + wrong
            result = tool.run("serve", self.site, "--plain", "--net", net)
            self.assertIn(result.returncode, (1, 2), (net, result.stdout))
            self.assertRegex(result.stderr, r"\Alimpid: [^\n]+\n\Z", net)

    def test_a_device_that_cannot_be_opened(self):
        self.assertIn("lo", self.refused("tap:lo,ip=10.9.0.2/24"))
        self.refused("tap:a-name-that-is-far-too-long,ip=10.9.0.2/24")

    def test_a_device_that_is_in_use(self):
        tap = link.Tap()
        self.addCleanup(tap.delete)
        with link.serve(self.site, tap, "--plain"):
            self.assertIn("tap0", self.refused(tap.net()))

    def test_an_address_that_is_taken(self):
        tap = link.Tap()
        self.addCleanup(tap.delete)
        # Static IPv6 addresses are looked for before they are used (RFC 4862).
        said = self.refused(f"tap:tap0,ip6={tap.here6}/64")
        self.assertIn("fd00:9::1", said)


if __name__ == "__main__":
    link.main()
