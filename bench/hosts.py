"""What hosts hold, and how fast they are simulated: limpid beside Linux.

Idle connections are the kernel's to limpid over a tap device, and to a program that only accepts them over veth. Hosts
without a wire (limpid_bench_hosts) stand beside network namespaces, simulated ones (limpid_simulator) beside two of those
with frames as the simulator's: no larger than a wire's, and each with its checksum."""

import ctypes
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time

import tap

TURNS = 3
CONNECTIONS = 100_000
PER_ADDRESS = 20_000  # a pair of addresses has only so many ports
NAMESPACES = 400
SEEDS = 300

# Programs hold no more than so many each, since descriptors are limited.
ACCEPTING = """
import ctypes, os, signal, socket, sys
most, programs = int(sys.argv[1]), int(sys.argv[2])
listener = socket.socket()
listener.bind(("", 9))
listener.listen(1024)
print("ready", flush=True)
held = []
for _ in range(programs - 1):
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it goes with the first
        break
while len(held) < most:
    held.append(listener.accept())
signal.pause()
"""

HOLDING = """
import socket, struct, sys
here, there, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
held = []
for i in range(count):
    held.append(socket.socket())
    held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # they go at once, on both sides
    held[-1].bind((here, 10_000 + i))
    held[-1].settimeout(20)
    held[-1].connect((there, 9))
print("ready", flush=True)
sys.stdin.read()
"""


class Held:
    """So many connections to port 9."""

    def __init__(self, device, count, each):
        self.programs = []
        for n, begin in enumerate(range(0, count, each)):
            address = f"10.9.0.{10 + n}"
            tap.sh(f"ip addr add {address}/24 dev {device}")
            command = [sys.executable, "-c", HOLDING, address, tap.THERE, str(min(each, count - begin))]
            self.programs.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        for program in self.programs:
            if not program.stdout.readline():
                raise RuntimeError("not all idle connections could be made")
        time.sleep(0.2)

    def close(self):
        for program in self.programs:
            program.communicate()


def kernel_objects():
    """How many there are of each kind of the kernel's objects, and how large each is."""
    lines = pathlib.Path("/proc/slabinfo").read_text().splitlines()[2:]
    fields = [line.split() for line in lines]
    return {kind: (int(active), int(size)) for kind, active, _, size, *_ in fields}


def kernel_memory():
    """What it cannot give back; so that files which others open and close do not matter."""
    said = dict(re.findall(r"^(\w+):\s+(\d+) kB", pathlib.Path("/proc/meminfo").read_text(), re.M))
    return sum(int(said[kind]) for kind in ("SUnreclaim", "Percpu", "VmallocUsed")) * 1024


def ours_idle(limpid, site, count, each):
    server = tap.Limpid(limpid, site)
    try:
        tap.connect(9).close()
        before = server.peer.memory()
        held = Held("tap0", count, each)
        used = server.peer.memory() - before
        held.close()
        return used / count
    finally:
        server.close()


def linux_idle(count, each):
    """Of the kernel's memory alone, and of one of the two ends, what there is a whole number of for each of them."""
    far = tap.Namespace()
    try:
        tap.sh("ip link add near0 type veth peer name far0")
        far.take("far0")
        tap.sh(f"ip addr add {tap.HERE}/24 dev near0")
        tap.sh("ip link set near0 up")
        far.sh(f"ip addr add {tap.THERE}/24 dev far0")
        far.sh("ip link set far0 up")
        server = tap.Peer(*far.enter, sys.executable, "-c", ACCEPTING, each + 1, -(-count // each))
        try:
            tap.connect(9).close()
            before = kernel_objects()
            held = Held("near0", count, each)
            after = kernel_objects()
            held.close()
            return sum(size * round((n - before[kind][0]) / (2 * count)) for kind, (n, size) in after.items() if kind in before)
        finally:
            server.close()
    finally:
        far.close()
        subprocess.run(["ip", "link", "del", "near0"], capture_output=True)


def ours_host(build):
    said = subprocess.run([build / "bench/limpid_bench_hosts", "--benchmark_filter=idle_hosts", "--benchmark_format=json"], check=True,
                          capture_output=True, text=True).stdout
    return json.loads(said)["benchmarks"][0]["bytes_each"]


def linux_host():
    """A network namespace with one end of a veth pair, an address and a route."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    before, held = kernel_memory(), []
    try:
        for i in range(0, NAMESPACES, 2):
            for _ in range(2):
                if libc.unshare(tap.CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "unshare")
                held.append(os.open("/proc/self/ns/net", os.O_RDONLY))
            other = f"/proc/{os.getpid()}/fd/{held[-2]}"
            tap.sh(f"ip link add eth0 type veth peer name eth0 netns {other}")
            for n, end in enumerate(held[-2:]):
                libc.setns(end, tap.CLONE_NEWNET)
                tap.sh("ip link set lo up")
                tap.sh("ip link set eth0 up")
                tap.sh(f"ip addr add 10.0.0.{1 + n}/24 dev eth0")
        return (kernel_memory() - before) / NAMESPACES
    finally:
        libc.setns(home, tap.CLONE_NEWNET)
        for namespace in (*held, home):
            os.close(namespace)


def simulated(build):
    """(frames, virtual seconds), both a second."""
    said = subprocess.run([build / "tests/simulator/limpid_simulator", "--seeds", f"1-{SEEDS}"], check=True, capture_output=True, text=True).stdout
    frames, seconds, took = map(float, re.search(r"(\d+) frames, (\d+) virtual seconds in ([\d.]+) s", said).groups())
    return frames / took, seconds / took


def linux_frames(limpid, site):
    """Frames a second between two namespaces, both directions."""
    server = tap.Linux(limpid, site)
    try:
        tap.sh("ethtool -K near0 tx off tso off gso off gro off")
        server.namespace.sh("ethtool -K far0 tx off tso off gso off gro off")

        def frames():
            counted = json.loads(tap.sh("ip -s -json link show dev near0"))[0]["stats64"]
            return counted["rx"]["packets"] + counted["tx"]["packets"]

        before = frames()
        tap.bulk_out()
        return (frames() - before) / tap.SECONDS
    finally:
        server.close()


CONNECTION, HOST = "hosts/idle connection", "hosts/idle host"
FRAMES, VIRTUAL = "hosts/simulated frames", "hosts/virtual seconds"


def rows(limpid, names):
    build = pathlib.Path(limpid).parent
    os.sched_setaffinity(0, range(1, os.cpu_count()) if os.cpu_count() > 1 else {0})
    ours, peers = {}, {}

    def note(name, turn, measure, peer):
        if not tap.wanted(name, names):
            return
        print(f"{name}: {turn + 1} of {TURNS}", file=sys.stderr, flush=True)
        ours.setdefault(name, []).append(measure())
        peers.setdefault(name, []).append(peer())

    with tempfile.TemporaryDirectory() as folder:
        site = tap.Site(limpid, folder)
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        each = min(PER_ADDRESS, limit - 100)
        for turn in range(TURNS):
            note(CONNECTION, turn, lambda: ours_idle(limpid, site, CONNECTIONS, each), lambda: linux_idle(CONNECTIONS, each))
            note(HOST, turn, lambda: ours_host(build), linux_host)
            if any(tap.wanted(name, names) for name in (FRAMES, VIRTUAL)):
                frames, seconds = simulated(build)
                note(FRAMES, turn, lambda: frames, lambda: linux_frames(limpid, site))
                note(VIRTUAL, turn, lambda: seconds, lambda: 1)
    for name, unit, peer, less in ((CONNECTION, "bytes", "Linux's kernel alone", True), (HOST, "bytes", "Linux network namespace", True),
                                   (FRAMES, "per second", "Linux over veth, a frame a segment", False), (VIRTUAL, "per second", "the clock", False)):
        if name in ours:
            yield tap.row(name, unit, ours[name], peers[name], peer, less)


def run(limpid, names, say):
    if not any(tap.wanted(name, names) for name in (CONNECTION, HOST, FRAMES, VIRTUAL)):
        return []
    return tap.run_apart(__file__, limpid, names, say)


def main():
    tap.alone()
    for line in rows(sys.argv[1], sys.argv[2:]):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
