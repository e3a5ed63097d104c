"""`./dev xen --soak`: what the boot image must stand for long under a real Xen.

soak.py BUILD_FOLDER
"""

import concurrent.futures
import contextlib
import os
import pathlib
import resource
import socket
import sys
import tempfile
import time

from harness import guest, machine

REQUESTS, WARM_UP, IDLE, GREEDY = 2000, 50, 1000, 200
REQUEST = b"GET / HTTP/1.1\r\nHost: guest.test\r\n\r\n"
TIME_WAIT = 65  # seconds until what closed connections leave behind is gone

wrong = 0


def say(text):
    print(text, flush=True)


def check(what, right, figures=""):
    global wrong
    wrong += not right
    say(f"{'right' if right else 'WRONG'}: {what}{': ' if figures else ''}{figures}")


def answered(peer):
    """Asks for the page on a connection that stays; whether it came."""
    peer.sendall(REQUEST)
    return peer.recv(65536).startswith(b"HTTP/1.1 200")


class Guest:
    """A guest of its own, destroyed at the end."""

    def __init__(self, xen, certificate, name):
        self.xen, self.certificate, self.name = xen, certificate, name

    def __enter__(self):
        since = len(self.xen.lines)
        guest.create(self.xen, f"{self.name}.xl", self.name)
        self.xen.wait_for(rf"serving at {machine.GUEST6}", 120, since)
        return self

    def __exit__(self, *_):
        self.xen.dom0(f"xl destroy {self.name}")

    def report(self):
        return guest.report(self.xen, self.name)

    def connect(self, **options):
        return guest.connect(self.certificate, **options)

    def serves(self, host=machine.GUEST4):
        try:
            with self.connect(host=host) as peer:
                return answered(peer)
        except OSError as error:
            say(f"  {error}")
            return False

    def quiet(self):
        """Its report when no connection is left, TIME-WAIT records included."""
        for _ in range(TIME_WAIT // 5 + 4):
            report = self.report()
            if report["connections"] == 0 and "time_waits" not in report["host"]:
                break
            time.sleep(5)
        return report


def requests_in_turn(one):
    for _ in range(WARM_UP):
        one.serves()
    before, began = one.quiet(), time.monotonic()
    served = 0
    for i in range(REQUESTS):
        served += one.serves()
        if (i + 1) % 500 == 0:
            say(f"  {i + 1} requests, {time.monotonic() - began:.0f} s")
    took = time.monotonic() - began
    at_once = one.report()
    after = one.quiet()
    check(f"{REQUESTS} requests in turn, a handshake each", served == REQUESTS, f"{served} answered in {took:.0f} s")
    check("they leave free memory where it was", after["memory"]["free"] == before["memory"]["free"],
          f"{before['memory']['free']:,} bytes before, {after['memory']['free']:,} after")
    calls = {name: (at_once["hypercalls"][name] - before["hypercalls"][name]) / REQUESTS for name in at_once["hypercalls"]}
    check("hypercalls of each such request", calls["all"] < 12, ", ".join(f"{name} {n:.2f}" for name, n in calls.items()))


def detach_and_attach(one):
    for given in (f"mac={guest.MAC}", "mac=00:16:3e:4c:69:77", f"mac={guest.MAC}"):
        detached = one.xen.dom0(f"xl network-detach {one.name} 0", 120)[0]
        attached = one.xen.dom0(f"xl network-attach {one.name} bridge=xenbr0 {given}", 120)[0]
        began = time.monotonic()
        both = [one.serves(host) for host in (machine.GUEST4, machine.GUEST6)]
        check(f"network-detach, network-attach with {given}: service resumes", detached == attached == 0 and all(both),
              f"{time.monotonic() - began:.1f} s")
    report = one.report()
    check("all of its pages came back each time", "quarantined_pages" not in report["network"],
          f"{report['network']['connections']} connections of the device")


def another_device(xen):
    """A guest with a lease: attached with another MAC and MTU, it is another client of the DHCP server's."""
    xen.dom0("udhcpd /etc/udhcpd.conf")
    since = len(xen.lines)
    guest.create(xen, "dhcp.xl", "dhcp")

    def serving(pattern):
        return xen.wait_for(rf"dhcp\| {pattern} (10\.77\.0\.1\d\d)", 120, since)[1][1]

    def largest_segment(host):
        with guest.connect(host=host) as peer:
            return peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)

    first = serving("serving at")
    segments = [largest_segment(first)]
    for mac, mtu in (("00:16:3e:4c:69:77", 1400), ("00:16:3e:4c:69:78", 1500)):
        since = len(xen.lines)
        xen.dom0("xl network-detach dhcp 0", 120)
        attached = xen.dom0(f"xl network-attach dhcp bridge=xenbr0 mac={mac} mtu={mtu}", 120)[0]
        lost, second = serving("lost"), serving("serving at")
        segments.append(largest_segment(second))
        check(f"network-attach with {mac} and an MTU of {mtu}: a lease of its own", attached == 0 and lost == first != second,
              f"{first}, then {second}")
        first = second
    xen.dom0("xl destroy dhcp")
    timestamps = 12
    check("its largest segments are those of the MTU", [s + timestamps for s in segments] == [1460, 1360, 1460],
          f"{segments} bytes")


def transfer_across_detach(one, large):
    with one.connect(seconds=200) as peer:
        peer.sendall(b"GET /large.bin HTTP/1.1\r\nHost: guest.test\r\nConnection: close\r\n\r\n")
        received = bytearray(peer.recv(65536))
        one.xen.dom0(f"xl network-detach {one.name} 0; xl network-attach {one.name} bridge=xenbr0 mac={guest.MAC}", 120)
        while piece := peer.recv(65536):
            received += piece
    check("a download goes on across network-detach and network-attach", received.endswith(large),
          f"{len(received):,} bytes")


def idle_connections(one):
    before, began = one.report(), time.monotonic()
    with contextlib.ExitStack() as held:
        peers = []
        # Several at once: the first must not have idled for too long before the last is there.
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            for peer in pool.map(lambda _: one.connect(), range(IDLE)):
                peers.append(held.enter_context(peer))
                if len(peers) % 250 == 0:
                    say(f"  {len(peers)} connections, {time.monotonic() - began:.0f} s")
        report = one.report()
        each = (before["memory"]["free"] - report["memory"]["free"]) // IDLE
        check(f"{IDLE} idle TLS connections", report["connections"] == IDLE,
              f"{each:,} bytes each, {report['memory']['free']:,} of {before['memory']['free']:,} bytes still free")
        check("another one is served beside them", one.serves())
        served = sum(answered(peer) for peer in peers)
        check("each of them is served", served == IDLE, f"{served}")
    report = one.quiet()
    check("their memory comes back", before["memory"]["free"] - report["memory"]["free"] < 1 << 18,
          f"{report['memory']['free']:,} bytes free")


def out_of_memory(one):
    """Clients that ask for more than they take, until all memory is lent out."""
    before = one.report()
    with contextlib.ExitStack() as held:
        for _ in range(GREEDY):
            try:
                plain = socket.socket()
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                plain.settimeout(60)
                plain.connect((machine.GUEST4, 443))
                peer = held.enter_context(guest.tls_context(one.certificate).wrap_socket(plain, server_hostname="guest.test"))
                peer.sendall(b"GET /large.bin HTTP/1.1\r\nHost: guest.test\r\n\r\n" * 3)
            except OSError:
                pass  # refused
        report = one.report()
        refused = (report["dropped"].get("shed", 0) + report["dropped"].get("no_memory", 0) + report["refused_for_memory"] +
                   report["aborted"])
        check(f"{GREEDY} clients that take nothing: memory is used up, and what it refuses is counted",
              refused > 0 and report["memory"]["used"] <= report["memory"]["limit"],
              f"{report['connections']} connections hold {report['memory']['used']:,} of {report['memory']['limit']:,} bytes, "
              f"{refused} were refused or given up")
        check("meanwhile others are served", all(one.serves() for _ in range(5)))
    report = one.quiet()
    check("afterwards memory is there again", before["memory"]["free"] - report["memory"]["free"] < 1 << 18,
          f"{report['memory']['free']:,} bytes free of {before['memory']['free']:,}")
    check("and it serves", one.serves())


def soak(xen, certificate, large):
    xen.wait_for("dom0 is ready", 240)
    another_device(xen)
    with Guest(xen, certificate, "m32") as one:
        requests_in_turn(one)
        detach_and_attach(one)
        transfer_across_detach(one, large)
        idle_connections(one)
    with Guest(xen, certificate, "m16") as one:
        check("it serves with memory=16", one.serves())
        out_of_memory(one)
        status, said = xen.dom0("xl shutdown -w m16", 120)
        check("xl shutdown", status == 0 and "reason code 0" in said)


def main():
    build = pathlib.Path(sys.argv[1])
    machine.enter_or_exit()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        site = folder / "site"
        site.mkdir()
        (site / "index.html").write_text("<h1>hello</h1>\n")
        large = os.urandom(1 << 20)
        (site / "large.bin").write_bytes(large)
        files = guest.pack(build / "limpid", site, folder, *guest.STATIC)
        files["limpid.elf"] = (build / "limpid.elf").read_bytes()
        for memory in (32, 16):
            files[f"m{memory}.xl"] = guest.variant(files["main.xl"], f"m{memory}", memory=memory)
        files["dhcp.xl"] = guest.variant(files["main.xl"], "dhcp", cmdline='"dhcp"')
        say("soaking the guest in QEMU, about five minutes with two idle cores")
        with machine.Machine(folder, files) as xen:
            try:
                soak(xen, folder / "cert.pem", large)
            except (machine.Broken, OSError) as why:
                for when, text in xen.lines[-40:]:
                    say(f"{when:10.2f}  {text}")
                check(str(why), False)
    say("the image stands it" if wrong == 0 else f"{wrong} of it went wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
