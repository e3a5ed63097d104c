"""A network namespace of the test's own, with the kernel's ends of tap devices in it and `limpid serve` at ours.

The kernel in that namespace is the other host: curl, ping and the sockets of the test use it as they are. All of it goes
with the process. What cannot be had here, a right or a program, skips the test and says so."""

import ctypes
import ipaddress
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "apps"))
import tool

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
os.environ["PATH"] += ":/usr/sbin:/sbin"  # where Debian has what is for administrators


def sh(command):
    result = subprocess.run(command.split(), capture_output=True, text=True, timeout=60)
    if result.returncode != 0:
        raise OSError(f"{command}: {result.stderr.strip()}")
    return result.stdout


def alone():
    """Moves this process into a network namespace of its own, before it has threads; skips if that is not allowed."""
    for program in ("ip", "tcpdump"):
        tool.need(program)
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET if uid == 0 else CLONE_NEWUSER | CLONE_NEWNET) != 0:
        raise unittest.SkipTest(f"may not make a network namespace: {os.strerror(ctypes.get_errno())}")
    if uid != 0:
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        raise unittest.SkipTest("may not open /dev/net/tun")
    try:
        sh("ip link set lo up")
        sh("ip tuntap add dev probe mode tap")
        sh("ip link del probe")
    except OSError as error:
        raise unittest.SkipTest(f"may not make a tap device: {error}")


def scapy():
    """scapy.all, perhaps of the system's Python although this is another one."""
    try:
        import scapy.all
    except ImportError:
        sys.path.append("/usr/lib/python3/dist-packages")
        try:
            import scapy.all
        except ImportError:
            raise unittest.SkipTest("scapy is not installed")
    scapy.all.conf.verb = 0
    return scapy.all


class Tap:
    """A tap device and its network: the kernel is .1 and ::1 there, limpid .2 and ::2."""

    def __init__(self, number=0, mtu=1500, addresses=True, queues=1):
        self.name, self.queues = f"tap{number}", queues
        self.here4, self.there4 = f"10.9.{number}.1", f"10.9.{number}.2"
        self.here6, self.there6 = (str(ipaddress.ip_address(f"fd00:9:{number}::{end}")) for end in (1, 2))
        sh(f"ip tuntap add dev {self.name} mode tap" + (" multi_queue" if queues > 1 else ""))
        for name, value in (("accept_ra", "0"), ("keep_addr_on_down", "1")):
            pathlib.Path(f"/proc/sys/net/ipv6/conf/{self.name}/{name}").write_text(value)
        sh(f"ip link set {self.name} mtu {mtu}")
        if addresses:
            sh(f"ip addr add {self.here4}/24 dev {self.name}")
            sh(f"ip addr add {self.here6}/64 dev {self.name} nodad")
        sh(f"ip link set {self.name} up")

    def net(self, *more, static=True):
        """The value of --net."""
        addresses = (f"ip={self.there4}/24", f"ip6={self.there6}/64") if static else ()
        queues = (f"queues={self.queues}",) if self.queues > 1 else ()
        return ",".join((f"tap:{self.name}", *addresses, *queues, *more))

    def mac(self):
        """limpid's hardware address, as the kernel learned it."""
        sh(f"ping -c 1 -W 2 {self.there4}")
        entry = json.loads(sh(f"ip -json neigh show {self.there4} dev {self.name}"))
        return entry[0]["lladdr"]

    def delete(self):
        subprocess.run(["ip", "link", "del", self.name], capture_output=True)


class Capture:
    """What passes on a tap device while the block runs, in `file`."""

    def __init__(self, tap, file, *expression):
        self.tap, self.file, self.expression = tap, file, expression

    def __enter__(self):
        self.process = subprocess.Popen(["tcpdump", "-i", self.tap.name, "-U", "-s", "0", "-B", "65536", "-w", str(self.file),
                                         *self.expression], stderr=subprocess.PIPE, text=True)
        while "listening on" not in (line := self.process.stderr.readline()):
            if not line:
                raise AssertionError("tcpdump did not start")
        return self

    def __exit__(self, *_):
        time.sleep(0.2)  # what is on its way into the file
        self.process.terminate()
        self.process.wait(10)
        self.process.stderr.close()


def serve(folder, tap, *arguments, net=(), static=True, **options):
    """`limpid serve` on the tap device, as tool.Serve."""
    options.setdefault("listen", None)
    server = tool.Serve(folder, "--net", tap.net(*net, static=static), *arguments, **options)
    server.host = tap.there4
    return server


def over_tap():
    """From now on tool.Serve serves over tap devices, one for each."""
    class Serve(tool.Serve):
        used = 0

        def __init__(self, folder, *arguments, listen=None, **options):
            if "--threads" in arguments:  # there is one
                at = arguments.index("--threads")
                arguments = arguments[:at] + arguments[at + 2:]
            number = Serve.used = Serve.used + 1
            self.tap = Tap(number)
            super().__init__(folder, "--net", self.tap.net(), *arguments, listen=None, **options)
            self.host = self.tap.there4

        def __exit__(self, *arguments):
            super().__exit__(*arguments)
            self.tap.delete()

    tool.Serve = Serve


def curl(url, *arguments, timeout=60):
    """The body."""
    result = subprocess.run(["curl", "-sSkg", "--max-time", str(timeout), *arguments, url], capture_output=True)
    if result.returncode != 0:
        raise AssertionError(f"curl {url}: {result.stderr.decode()}")
    return result.stdout


class OnTap(tool.Folder):
    """A test with a folder as tool.Folder's, and a tap device of its own, self.tap."""

    def setUp(self):
        super().setUp()
        self.tap = Tap()
        self.addCleanup(self.tap.delete)

    def serve(self, *arguments, **options):
        return serve(self.site, self.tap, *arguments, env=self.env, **options)

    def judge(self, capture):
        """No malformed frame is in it, says tcpdump, and the oracle finds nothing to blame."""
        text = subprocess.run(["tcpdump", "-nn", "-vv", "-r", str(capture)], capture_output=True, text=True,
                              errors="replace").stdout
        for word in ("[|", "bad cksum", "wrong", "invalid", "bad-", "truncated"):
            lines = [line for line in text.splitlines() if word in line and not from_kernel(line, self.tap)]
            self.assertEqual(lines[:3], [], word)
        verdict = tool.run("check", capture, timeout=120)
        self.assertEqual(verdict.returncode, 0, verdict.stdout + verdict.stderr)


def from_kernel(line, tap):
    """Whether tcpdump's line is about a packet of the kernel's own, whose checksum a real device would have finished."""
    return any(f"{address}." in line.split(" > ")[0] or f"{address} >" in line for address in (tap.here4, tap.here6))


def main():
    tool.main()
