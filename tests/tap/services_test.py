"""dnsmasq gives `limpid serve --net tap:...,dhcp` its address and answers the resolver of `limpid get`; radvd's prefix is used."""
# ctest: long 300

import contextlib
import http.server
import pathlib
import re
import socket
import subprocess
import threading
import time

import link
import tool


def setUpModule():
    link.alone()


class Process:
    """A daemon in the foreground, ended on leaving the block; `log` is what it said."""

    def __init__(self, *command, ready=None):
        self.command, self.ready, self.log = command, ready, ""

    def __enter__(self):
        tool.need(self.command[0])
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.thread = threading.Thread(target=self.read)
        self.thread.start()
        if self.ready and not tool.eventually(lambda: self.ready in self.log or self.process.poll() is not None):
            raise AssertionError(self.log)
        return self

    def read(self):
        for line in self.process.stdout:
            self.log += line

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
        self.thread.join()
        self.process.stdout.close()


class Web:
    """Python's server at the kernel's end, both families."""

    def __enter__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = f"{self.headers['Host']} from {self.client_address[0]}\n".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6

        self.server = Server(("::", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Services(link.OnTap):
    def dnsmasq(self, *more, lease="2m"):
        leases = self.root / "leases"
        return Process("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--user=root", "--group=root",
                       f"--interface={self.tap.name}", "--bind-interfaces", "--log-dhcp", "--log-queries", "--no-ping",
                       f"--dhcp-leasefile={leases}", "--dhcp-authoritative", "--pid-file",
                       f"--dhcp-range=10.9.0.77,10.9.0.77,255.255.255.0,{lease}",
                       f"--host-record=dual.test,{self.tap.here4},{self.tap.here6}", f"--host-record=four.test,{self.tap.here4}",
                       f"--host-record=six.test,{self.tap.here6}", "--cname=alias.test,dual.test", "--local=/test/", *more, ready="started")

    def up_and_served(self, server, host, seconds=15):
        def served():
            with contextlib.suppress(OSError, AssertionError):
                return b"hello" in link.curl(f"{server.scheme}://{host}:{server.port}/", timeout=1)
        return tool.eventually(served, seconds)

    def test_a_lease(self):
        tool.need("curl")
        capture = self.root / "capture"
        with self.dnsmasq() as dnsmasq, link.Capture(self.tap, capture), \
                self.serve("--plain", net=("dhcp",), static=False) as server:
            start = time.monotonic()
            self.assertTrue(self.up_and_served(server, "10.9.0.77"), dnsmasq.log)
            print(f"\n  served {time.monotonic() - start:.2f} s after the start", flush=True)
            for word in ("DHCPDISCOVER", "DHCPOFFER", "DHCPREQUEST", "DHCPACK"):
                self.assertIn(word, dnsmasq.log)
            self.assertRegex((self.root / "leases").read_text(), r"10\.9\.0\.77 \S+ ff:00:00:00:01:00:03:00:01:")
            # Renewed at half of its two minutes by unicast, and never without an address.
            before = dnsmasq.log.count("DHCPACK")
            self.assertTrue(tool.eventually(lambda: dnsmasq.log.count("DHCPACK") > before, 75))
            self.assertEqual(dnsmasq.log.count("DHCPDISCOVER"), 1)
            self.assertTrue(self.up_and_served(server, "10.9.0.77", 2))
        self.judge(capture)

    def test_a_lease_comes_when_the_server_does(self):
        with self.serve("--plain", net=("dhcp",), static=False) as server:
            time.sleep(2)
            with self.dnsmasq() as dnsmasq:
                self.assertTrue(self.up_and_served(server, "10.9.0.77"), dnsmasq.log)

    def test_another_network_behind_the_link(self):
        with self.serve("--plain", net=("dhcp",), static=False) as server:
            with self.dnsmasq():
                self.assertTrue(self.up_and_served(server, "10.9.0.77"))
            link.sh(f"ip link set {self.tap.name} down")
            link.sh(f"ip addr add 10.8.0.1/24 dev {self.tap.name}")
            link.sh(f"ip link set {self.tap.name} up")
            with self.dnsmasq("--dhcp-range=10.8.0.55,10.8.0.55,255.255.255.0,2m", "--dhcp-ignore-names") as dnsmasq:
                self.assertTrue(self.up_and_served(server, "10.9.0.77") or self.up_and_served(server, "10.8.0.55"), dnsmasq.log)

    def test_an_address_that_is_in_use_is_declined(self):
        # An announcement is defended once, and given up when whoever else has the address insists (RFC 5227, 2.4 (b)).
        claim = bytes.fromhex("ffffffffffff" "026666666666" "0806" "0001080006040001" "026666666666" "0a09004d" "000000000000" "0a09004d")
        with self.dnsmasq() as dnsmasq, \
                self.serve("--plain", net=("dhcp",), static=False) as server, socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind((self.tap.name, 0))
            self.assertTrue(tool.eventually(lambda: "DHCPACK" in dnsmasq.log), dnsmasq.log)

            def insist():
                raw.send(claim)
                time.sleep(0.3)
                return "DHCPDECLINE" in dnsmasq.log
            self.assertTrue(tool.eventually(insist, 10), dnsmasq.log)
            # After ten seconds it asks anew. (dnsmasq, told not to ping, may well offer the same again.)
            declined = dnsmasq.log.index("DHCPDECLINE")
            self.assertTrue(tool.eventually(lambda: "DHCPACK" in dnsmasq.log[declined:], 20), dnsmasq.log)
            self.assertTrue(self.up_and_served(server, "10.9.0.77"))

    def get(self, url, *net):
        result = tool.run("get", url, "--net", self.tap.net(*net), "--max-time", "10")
        return result.stdout if result.returncode == 0 else result.stderr

    def test_names(self):
        with self.dnsmasq() as dnsmasq, Web() as web:
            dns = f"dns={self.tap.here4}"
            self.assertEqual(self.get(f"http://four.test:{web.port}/", dns),
                             f"four.test:{web.port} from ::ffff:{self.tap.there4}\n", dnsmasq.log)
            self.assertEqual(self.get(f"http://six.test:{web.port}/", dns), f"six.test:{web.port} from {self.tap.there6}\n")
            for name in ("dual.test", "alias.test"):
                self.assertRegex(self.get(f"http://{name}:{web.port}/", dns), rf"\A{name}:{web.port} from ")
            # Over version 6 to the server of names, too.
            self.assertEqual(self.get(f"http://four.test:{web.port}/", f"dns={self.tap.here6}"),
                             f"four.test:{web.port} from ::ffff:{self.tap.there4}\n")
            self.assertRegex(self.get(f"http://missing.test:{web.port}/", dns), r"\Alimpid: [^\n]*missing\.test[^\n]*\n\Z")

    def test_names_by_the_server_of_the_lease(self):
        with self.dnsmasq(), Web() as web:
            result = tool.run("get", f"http://four.test:{web.port}/", "--net", self.tap.net("dhcp", static=False), "--max-time", "10")
            self.assertEqual(result.stdout, f"four.test:{web.port} from ::ffff:10.9.0.77\n", result.stderr)

    def test_an_answer_that_takes_tcp(self):
        many = [f"--host-record=many.test,10.9.0.{n}" for n in range(100, 180)]
        with self.dnsmasq(*many, f"--host-record=many.test,{self.tap.here4}") as dnsmasq, Web() as web, \
                link.Capture(self.tap, self.root / "capture", "port", "53"):
            # Only one of the many addresses is there; that the name was resolved is what matters.
            said = self.get(f"http://many.test:{web.port}/", f"dns={self.tap.here4}")
            self.assertNotIn("DNS", said, dnsmasq.log)
        seen = subprocess.run(["tcpdump", "-nn", "-r", self.root / "capture"], capture_output=True, text=True).stdout
        self.assertIn("Flags [S]", seen)

    def radvd(self):
        configuration = self.root / "radvd.conf"
        configuration.write_text(f"""interface {self.tap.name} {{ AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4;
            prefix fd00:99::/64 {{ AdvOnLink on; AdvAutonomous on; }}; RDNSS {self.tap.here6} {{ }}; }};\n""")
        return Process("radvd", "--nodaemon", "--config", str(configuration), "--logmethod", "stderr", "--pidfile", str(self.root / "pid"),
                       "--username", "root")

    def be_router(self):
        pathlib.Path(f"/proc/sys/net/ipv6/conf/{self.tap.name}/forwarding").write_text("1")
        link.sh(f"ip addr add fd00:99::1/64 dev {self.tap.name} nodad")

    def test_a_prefix(self):
        self.be_router()
        capture = self.root / "capture"
        with link.Capture(self.tap, capture), self.radvd() as radvd, \
                self.serve("--plain", net=("slaac",), static=False) as server:
            # Everybody on the link answers to a ping of all nodes; one of them is ours, with an address of the prefix.
            def found():
                subprocess.run(["ping", "-6", "-c", "1", "-W", "1", "-I", "fd00:99::1", f"ff02::1%{self.tap.name}"], capture_output=True)
                return self.addresses_of(capture)
            self.assertTrue(tool.eventually(found, 20), radvd.log)
            address = sorted(self.addresses_of(capture))[0]
            self.assertTrue(self.up_and_served(server, f"[{address}]"))
            # Private (RFC 7217): no trace of the hardware address.
            self.assertNotIn("ff:fe", address)
            link.sh(f"ip link set {self.tap.name} down")
            link.sh(f"ip link set {self.tap.name} up")
            self.assertTrue(self.up_and_served(server, f"[{address}]", 20), "and the same when the link is back")
        self.judge(capture)

    def addresses_of(self, capture):
        """Addresses of the prefix that somebody other than the kernel defended or announced."""
        text = subprocess.run(["tcpdump", "-nn", "-r", capture, "icmp6"], capture_output=True, text=True).stdout
        return set(re.findall(r"(fd00:99::?[0-9a-f:]*:[0-9a-f:]+)", text)) - {"fd00:99::1", "fd00:99::/64", "fd00:99::"}

    def test_a_router_and_its_names(self):
        self.be_router()
        link.sh("ip addr add fd00:77::1/128 dev lo")
        with self.dnsmasq("--host-record=far.test,fd00:77::1"), self.radvd(), Web() as web:
            result = tool.run("get", f"http://far.test:{web.port}/", "--net", f"tap:{self.tap.name},slaac", "--max-time", "15")
            self.assertRegex(result.stdout, rf"\Afar\.test:{web.port} from fd00:99:", result.stderr)


if __name__ == "__main__":
    link.main()
