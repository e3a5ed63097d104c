"""Two of Linux's own TCP/IP stacks in network namespaces, joined by a relay that harms what it carries, and captures at
both ends. Run with a role as its first argument it is one of the processes inside:

    linux_pair.py capture INTERFACE FILE         until SIGTERM
    linux_pair.py relay A B OPTIONS              frames of A to B and back; OPTIONS is JSON
    linux_pair.py plain INTERFACE                no checksums, segments or merges left to the device
    linux_pair.py serve | fetch ADDRESS SIZE     the application
"""

import contextlib
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import time

ETH_P_ALL = 3
SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33
PORT = 80


# ---- Inside ----------------------------------------------------------------------------------------------------------


def packet_socket(interface):
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    link.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    link.bind((interface, ETH_P_ALL))
    return link


def capture(interface, path):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    link = packet_socket(interface)
    link.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    with open(path, "wb", buffering=0) as file:
        file.write(struct.pack("=IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 1 << 18, 1))
        print("ready", flush=True)
        while True:
            frame, ancillary, _, _ = link.recvmsg(1 << 18, 64)
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            file.write(struct.pack("=IIII", seconds, nanoseconds, len(frame), len(frame)) + frame)


def plain(interface):
    """What `ethtool -K interface tx off tso off gso off gro off` does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for command in (0x17, 0x1F, 0x24, 0x2C):  # ETHTOOL_STXCSUM, _STSO, _SGSO, _SGRO
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            request = struct.pack("16sP", interface.encode(), ctypes.addressof(value))
            with contextlib.suppress(OSError):
                fcntl.ioctl(control, 0x8946, request)


def relay(a, b, options):
    """Each frame may be lost, doubled, held up or get a bit flipped: TCP's only, so that addresses are always resolved."""
    options = json.loads(options)
    links = [packet_socket(a), packet_socket(b)]
    dice = random.Random(options["seed"])
    held, serial = [], 0
    print("ready", flush=True)
    while True:
        wait = None if not held else max(0, held[0][0] - time.monotonic())
        for link in select.select(links, [], [], wait)[0]:
            frame, (_, _, kind, *_) = link.recvfrom(1 << 18)
            if kind == socket.PACKET_OUTGOING:
                continue
            is_tcp = (frame[12:14] == b"\x08\x00" and frame[23] == 6) or (frame[12:14] == b"\x86\xdd" and frame[20] == 6)
            harmed = is_tcp and dice.random() < options.get("harmed", 1)
            if harmed and dice.random() < options.get("loss", 0):
                continue
            if harmed and dice.random() < options.get("corruption", 0):
                at = dice.randrange(14, len(frame))
                frame = frame[:at] + bytes([frame[at] ^ 1 << dice.randrange(8)]) + frame[at + 1 :]
            late = options.get("delay", 0.005)
            if harmed and dice.random() < options.get("reordering", 0):
                late += dice.random() * 0.02
            for _ in range(2 if harmed and dice.random() < options.get("duplication", 0) else 1):
                heapq.heappush(held, (time.monotonic() + late, serial, links[1 - links.index(link)], frame))
                serial += 1
        while held and held[0][0] <= time.monotonic():
            _, _, link, frame = heapq.heappop(held)
            with contextlib.suppress(OSError):
                link.send(frame)


def serve():
    """Takes what is sent to its end, with a pause that fills the window, and answers."""
    listener = socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        taken = 0
        with connection:
            while piece := connection.recv(1 << 16):
                if taken < 300_000 <= taken + len(piece):
                    time.sleep(0.3)
                taken += len(piece)
            connection.sendall(bytes(range(256)) * 200)


def fetch(address, size):
    with socket.create_connection((address, PORT), timeout=60) as connection:
        connection.sendall((bytes(range(251)) * (size // 251 + 1))[:size])
        connection.shutdown(socket.SHUT_WR)
        got = 0
        while piece := connection.recv(1 << 16):
            got += len(piece)
    print(got, flush=True)


# ---- Outside ---------------------------------------------------------------------------------------------------------


class LinuxPair:
    """Namespaces a (10.9.0.1, fd00:9::1) and b (10.9.0.2, fd00:9::2), where `serve` runs. Without relay options they are
    joined directly; `offloads` leaves what the device may do on."""

    def __init__(self, folder, relay=None, offloads=False):
        self.folder, self.relay, self.offloads = folder, relay, offloads
        self.names = {side: f"limpid{os.getpid()}{side}" for side in ("a", "b", "r")}
        self.processes = []

    def __enter__(self):
        for side in self.names if self.relay else ("a", "b"):
            self.command("ip", "netns", "add", self.names[side])
        try:
            self.join()
        except BaseException:
            self.__exit__()
            raise
        return self

    def join(self):
        if self.relay:
            for side in ("a", "b"):
                self.command("ip", "link", "add", "v", "netns", self.names[side], "type", "veth", "peer", "name", side, "netns", self.names["r"])
                self.command("ip", "-n", self.names["r"], "link", "set", "dev", side, "up", "promisc", "on")
        else:
            self.command("ip", "link", "add", "v", "netns", self.names["a"], "type", "veth", "peer", "name", "v", "netns", self.names["b"])
        for number, side in enumerate(("a", "b"), 1):
            name = self.names[side]
            if not self.offloads:
                self.inside(side, "plain", "v").wait(10)
            self.command("ip", "-n", name, "address", "add", f"10.9.0.{number}/24", "dev", "v")
            self.command("ip", "-n", name, "address", "add", f"fd00:9::{number}/64", "dev", "v", "nodad")
            self.command("ip", "-n", name, "link", "set", "dev", "v", "up")
        if self.relay:
            self.start("r", "relay", "a", "b", json.dumps(self.relay))
        self.start("b", "serve")
        for side in ("a", "b"):
            self.start(side, "capture", "v", self.capture(side))

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(10)
            process.stdout.close()
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], capture_output=True)

    def capture(self, side):
        return os.path.join(self.folder, f"{side}.pcap")

    def fetch(self, address, size):
        """How much came back."""
        process = self.inside("a", "fetch", address, str(size))
        return int(process.communicate(timeout=100)[0] or 0)

    def start(self, side, *role):
        process = self.inside(side, *role)
        self.processes.append(process)
        if process.stdout.readline() != "ready\n":
            raise AssertionError(f"{role} did not start")

    def inside(self, side, *role):
        return subprocess.Popen(["ip", "netns", "exec", self.names[side], sys.executable, __file__, *role],
                                stdout=subprocess.PIPE, text=True)

    @staticmethod
    def command(*words):
        subprocess.run(words, check=True, capture_output=True)

    @staticmethod
    def is_possible():
        """Whether this process may make namespaces."""
        name = f"limpid{os.getpid()}"
        try:
            made = subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode == 0
        except FileNotFoundError:
            return False
        if made:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        return made


if __name__ == "__main__":
    ROLES = {"capture": capture, "relay": relay, "plain": plain, "serve": serve}
    if sys.argv[1] == "fetch":
        fetch(sys.argv[2], int(sys.argv[3]))
    else:
        ROLES[sys.argv[1]](*sys.argv[2:])
