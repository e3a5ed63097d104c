"""TCP over a tap device: limpid beside Linux over veth, and bulk beside a sink that does nothing but acknowledge (tap_sink).

Everything is in network namespaces that go with this program: run as a program of its own, it prints its rows as JSON. The
load is the kernel's; with two cores it has one and the server the other. What else runs on the machine takes its share of
the first, so bulk stands beside the server's own price, too: what one second of its CPU time does."""

import collections
import ctypes
import dataclasses
import heapq
import json
import os
import pathlib
import random
import re
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import usage

TURNS = 5
SECONDS = 3
LOSSY_SECONDS = 15
DOWNLOAD = 256 << 20  # bytes
PLAIN, TLS = 8443, 8444
CLONE_NEWNET = 0x40000000
HERE, THERE = "10.9.0.1", "10.9.0.2"
os.environ["PATH"] += ":/usr/sbin:/sbin"

# What Linux answers with at ports 7, 9 and 19, as limpid's --test-services does.
LINUX_SERVICES = """
import socket, sys, threading
congestion = sys.argv[1]
def serve(port, body):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", port))
    listener.listen(64)
    while True:
        peer, _ = listener.accept()
        if congestion:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, congestion.encode())
        threading.Thread(target=guarded, args=(body, peer), daemon=True).start()
def guarded(body, peer):
    try:
        body(peer)
    except OSError:
        pass
    peer.close()
def echo(peer):
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while piece := peer.recv(1 << 18):
        peer.sendall(piece)
def discard(peer):
    room = bytearray(1 << 20)
    while peer.recv_into(room):
        pass
def chargen(peer):
    block = bytes(range(256)) * 4096
    while True:
        peer.sendall(block)
for port, body in ((7, echo), (9, discard), (19, chargen)):
    threading.Thread(target=serve, args=(port, body), daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
"""


def sh(command):
    return subprocess.run(command.split(), check=True, capture_output=True, text=True).stdout


class Namespace:
    """Another network namespace, held by a process."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo ready; read _"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.enter = ["nsenter", "-t", str(self.holder.pid), "-n"]
        self.sh("ip link set lo up")

    def sh(self, command):
        subprocess.run([*self.enter, *command.split()], check=True, capture_output=True)

    def take(self, device):
        sh(f"ip link set {device} netns {self.holder.pid}")

    def close(self):
        self.holder.stdin.close()
        self.holder.wait()
        self.holder.stdout.close()


class Peer:
    """A server process, pinned to the first core, that says in a line that it is ready."""

    def __init__(self, *command):
        self.process = subprocess.Popen(["taskset", "-c", "0", *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if not self.process.stdout.readline():
            raise RuntimeError(f"{command} did not start")

    def cpu_seconds(self):
        return usage.cpu_seconds(self.process.pid)

    def memory(self):
        return usage.memory(self.process.pid)

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


class Site:
    """What the web servers serve, and as whom."""

    def __init__(self, limpid, folder):
        self.root, self.pair = pathlib.Path(folder) / "site", pathlib.Path(folder) / "pair"
        self.root.mkdir()
        (self.root / "index.html").write_text("x" * 100)
        (self.root / "large").write_bytes(bytes(DOWNLOAD))
        subprocess.run([limpid, "cert", "new", "--ip", THERE, "--out", self.pair], check=True, capture_output=True)

    def tls(self):
        return "--cert", self.pair / "cert.pem", "--key", self.pair / "key.pem"


class Limpid:
    """limpid on a tap device; with a namespace, there and behind a bridge, so that the relay has whole frames to lose."""

    def __init__(self, limpid, site, namespace=None, web=("--plain",)):
        self.namespace = namespace
        run = namespace.sh if namespace else sh
        run("ip tuntap add dev tap0 mode tap")
        if namespace:
            run("ip link add bridge0 type bridge")
            run("ip link set tap0 master bridge0")
            run("ip link set far0 master bridge0")
            run("ip link set bridge0 up")
        else:
            run(f"ip addr add {HERE}/24 dev tap0")
        run("ip link set tap0 up")
        self.peer = Peer(*(namespace.enter if namespace else []), limpid, "serve", site.root, *web, "--test-services",
                         "--memory", "4G", "--net", f"tap:tap0,ip={THERE}/24")

    def close(self):
        self.peer.close()
        if self.namespace is None:
            sh("ip link del tap0")


class Sink:
    def __init__(self, program):
        sh("ip tuntap add dev tap0 mode tap")
        sh(f"ip addr add {HERE}/24 dev tap0")
        sh("ip link set tap0 up")
        self.peer = Peer(program, "tap0")

    def close(self):
        self.peer.close()
        sh("ip link del tap0")


class Linux:
    """Linux in a namespace of its own behind veth: the services above, and limpid on its sockets for HTTP."""

    def __init__(self, limpid, site):
        self.namespace = Namespace()
        sh("ip link add near0 type veth peer name far0")
        self.namespace.take("far0")
        sh(f"ip addr add {HERE}/24 dev near0")
        sh("ip link set near0 up")
        self.namespace.sh(f"ip addr add {THERE}/24 dev far0")
        self.namespace.sh("ip link set far0 up")
        self.services = Peer(*self.namespace.enter, sys.executable, "-c", LINUX_SERVICES, "")
        serve = [*self.namespace.enter, limpid, "serve", site.root, "--threads", "1", "--listen"]
        self.web = [Peer(*serve, f"{THERE}:{PLAIN}", "--plain"), Peer(*serve, f"{THERE}:{TLS}", *site.tls())]

    def close(self):
        self.services.close()
        for server in self.web:
            server.close()
        self.namespace.close()
        subprocess.run(["ip", "link", "del", "near0"], capture_output=True)


def connect(port):
    for _ in range(50):
        try:
            return socket.create_connection((THERE, port), 5)
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nobody answers at {THERE}:{port}")


def bulk_in(seconds=SECONDS):
    """Bytes a second into the server."""
    block = bytes(1 << 20)
    with connect(9) as peer:
        sent, start = 0, time.monotonic()
        while time.monotonic() - start < seconds:
            sent += peer.send(block)
        return sent / (time.monotonic() - start)


def bulk_out(seconds=SECONDS):
    room = bytearray(1 << 20)
    with connect(19) as peer:
        got, start = 0, time.monotonic()
        while time.monotonic() - start < seconds:
            got += peer.recv_into(room)
        return got / (time.monotonic() - start)


def round_trips():
    with connect(7) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        done, start = 0, time.monotonic()
        while time.monotonic() - start < SECONDS:
            peer.sendall(b"x")
            peer.recv(1)
            done += 1
        return done / (time.monotonic() - start)


def wrk(*options):
    connect(PLAIN).close()
    said = subprocess.run(["taskset", "-c", "1" if os.cpu_count() > 1 else "0", "wrk", "-t", "1", "-c", "32", "-d", f"{SECONDS}s", *options,
                           f"http://{THERE}:{PLAIN}/index.html"], capture_output=True, text=True).stdout
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])


def requests():
    return wrk()


def new_connections():
    return wrk("-H", "Connection: close")


def fetch(url, *options):
    """Bytes a second, of the median of as many downloads as there is time for."""
    rates, start = [], time.monotonic()
    while not rates or time.monotonic() - start < SECONDS:
        said = subprocess.run(["curl", "-sSf", "-o", "/dev/null", "-w", "%{size_download} %{speed_download}", *options, url],
                              check=True, capture_output=True, text=True).stdout.split()
        if int(said[0]) != DOWNLOAD:
            raise RuntimeError(f"{url}: {said[0]} bytes")
        rates.append(float(said[1]))
    return statistics.median(rates)


def download():
    connect(PLAIN).close()
    return fetch(f"http://{THERE}:{PLAIN}/large")


def download_tls():
    connect(TLS).close()
    return fetch(f"https://{THERE}:{TLS}/large", "-k")


class Relay:
    """Carries frames between two devices, late by `delay` seconds in each direction, and loses a share of them."""

    def __init__(self, namespace, devices, delay, loss, seed):
        code = f"import sys; sys.path.insert(0, {str(pathlib.Path(__file__).parent)!r}); import tap; tap.relay({devices!r}, {delay}, {loss}, {seed})"
        self.process = subprocess.Popen([*namespace.enter, sys.executable, "-c", code], stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def relay(devices, delay, loss, seed):
    dice = random.Random(seed)
    ends = []
    for device in devices:
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        end.bind((device, 0))
        ends.append(end)
    print("ready", flush=True)
    late, number = [], 0
    while True:
        wait = max(0, late[0][0] - time.monotonic()) if late else None
        for end in select.select(ends, [], [], wait)[0]:
            frame, address = end.recvfrom(70000)
            if address[2] == socket.PACKET_OUTGOING or dice.random() < loss:
                continue
            number += 1
            heapq.heappush(late, (time.monotonic() + delay, number, ends[1 - ends.index(end)], frame))
        while late and late[0][0] <= time.monotonic():
            _, _, end, frame = heapq.heappop(late)
            end.send(frame)


def goodput(limpid, site, seed):
    """Bytes a second out of the server, at 1 % loss each way and 50 ms there and back; limpid's if given, otherwise Linux's."""
    middle, far = Namespace(), Namespace()
    try:
        sh("ip link add near0 type veth peer name near1")
        sh("ip link add far0 type veth peer name far1")
        for device in ("near0", "far0"):  # frames as a wire has them
            sh(f"ethtool -K {device} tx off tso off gso off gro off")
        for device in ("near1", "far1"):
            middle.take(device)
            middle.sh(f"ethtool -K {device} gro off")
            middle.sh(f"ip link set {device} up")
        far.take("far0")
        far.sh("ip link set far0 up")
        sh(f"ip addr add {HERE}/24 dev near0")
        sh("ip link set near0 up")
        between = Relay(middle, ["near1", "far1"], 0.025, 0.01, seed)
        if limpid:
            server = Limpid(limpid, site, far)
        else:
            far.sh(f"ip addr add {THERE}/24 dev far0")
            server = Peer(*far.enter, sys.executable, "-c", LINUX_SERVICES, "cubic")
        try:
            return bulk_out(LOSSY_SECONDS)
        finally:
            server.close()
            between.close()
    finally:
        far.close()
        middle.close()
        subprocess.run(["ip", "link", "del", "near0"], capture_output=True)


def row(name, unit, ours, peers, peer_name, less_is_better=False):
    ours, peers = statistics.median(ours), statistics.median(peers)
    ratio = peers / ours if less_is_better else ours / peers
    return {"name": name, "unit": unit, "ours": ours, "peer": peers, "peer_name": peer_name, "ratio": ratio}


@dataclasses.dataclass
class Case:
    name: str
    measure: object
    unit: str
    beside: tuple = ("Linux",)
    ours: str = "limpid"


CASES = [
    Case("tap/bulk in", bulk_in, "bytes/s", ("sink", "Linux")),
    Case("tap/bulk out", bulk_out, "bytes/s", ("sink", "Linux")),
    Case("tap/round trips", round_trips, "per second"),
    Case("tap/requests", requests, "per second"),
    Case("tap/new connections", new_connections, "per second"),
    Case("tap/download", download, "bytes/s"),
    Case("tap/download, TLS", download_tls, "bytes/s", ours="limpid, TLS"),
]
PRICE = ", for a CPU second"  # of bulk beside the sink: what Linux does below a socket is nobody's CPU time
LOSSY = "tap/goodput at 1 % loss, 50 ms"
PEER_NAMES = {"sink": "ACK-only tap sink", "Linux": "Linux over veth"}


def wanted(name, names):
    return not names or any(part in name for part in names)


def rows(limpid, names):
    os.sched_setaffinity(0, range(1, os.cpu_count()) if os.cpu_count() > 1 else {0})
    cases = [case for case in CASES if wanted(case.name, names) and (case.measure not in (requests, new_connections) or shutil.which("wrk"))]
    with tempfile.TemporaryDirectory() as folder:
        site = Site(limpid, folder)
        makers = {"limpid": lambda: Limpid(limpid, site), "sink": lambda: Sink(pathlib.Path(limpid).parent / "bench/limpid_tap_sink"),
                  "Linux": lambda: Linux(limpid, site), "limpid, TLS": lambda: Limpid(limpid, site, web=("--listen", f":{TLS}", *site.tls()))}
        measured, price = collections.defaultdict(list), collections.defaultdict(list)
        for turn in range(TURNS):
            for maker in makers:
                todo = [case for case in cases if maker in (case.ours, *case.beside)]
                if not todo:
                    continue
                server = makers[maker]()
                try:
                    for case in todo:
                        print(f"{case.name}: {maker}, {turn + 1} of {TURNS}", file=sys.stderr, flush=True)
                        used, start = server.peer.cpu_seconds() if maker != "Linux" else 0, time.monotonic()
                        measured[case.name, maker].append(case.measure())
                        if "sink" in case.beside and maker != "Linux":
                            share = (server.peer.cpu_seconds() - used) / (time.monotonic() - start)
                            price[case.name, maker].append(measured[case.name, maker][-1] / max(share, 0.01))
                finally:
                    server.close()
        for case in cases:
            for maker in case.beside:
                yield row(case.name, case.unit, measured[case.name, case.ours], measured[case.name, maker], PEER_NAMES[maker])
            if "sink" in case.beside:
                yield row(case.name + PRICE, case.unit, price[case.name, case.ours], price[case.name, "sink"], PEER_NAMES["sink"])
        if wanted(LOSSY, names) and shutil.which("ethtool"):
            ours, peers = [], []
            for seed in range(TURNS):
                print(f"{LOSSY}: {seed + 1} of {TURNS}", file=sys.stderr, flush=True)
                ours.append(goodput(limpid, site, seed))
                peers.append(goodput(None, site, seed))
            yield row(LOSSY, "bytes/s", ours, peers, "Linux with CUBIC")


def run_apart(program, limpid, names, say):
    """The rows of a program as this one, run by itself; where there may be no namespaces or tap devices it says so and has none."""
    result = subprocess.run([sys.executable, program, str(limpid), *names], stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        say(f"bench: {pathlib.Path(program).name} left out what it had yet to measure")
    return [json.loads(line) for line in result.stdout.splitlines()]


def run(limpid, names, say):
    if not any(wanted(name, names) for name in (*(case.name for case in CASES), LOSSY)):
        return []
    return run_apart(__file__, limpid, names, say)


def alone():
    """In a network namespace of this program's own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        sys.exit(f"bench: may not make a network namespace: {os.strerror(ctypes.get_errno())}")
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        sys.exit("bench: may not open /dev/net/tun")
    sh("ip link set lo up")


def main():
    alone()
    for line in rows(sys.argv[1], sys.argv[2:]):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
