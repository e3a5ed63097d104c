"""QEMU with Xen in it: starts it, follows what it prints, runs commands in its dom0."""

import os
import pathlib
import queue
import re
import socket
import subprocess
import sys
import threading
import time

from . import dom0, packages

HOST4, DOM0, GUEST4 = "10.77.0.2", "10.77.0.1", "10.77.0.3"
HOST6, GUEST6 = "fd77::2", "fd77::3"
XEN_OPTIONS = """console=com1 com1=115200,8n1 loglvl=warning guest_loglvl=all dom0_mem=384M,max:384M noreboot
    no-real-mode edd=off xsave=0"""


class Broken(Exception):
    """What was waited for did not happen."""


def missing():
    """Why this host cannot run it; empty if it can."""
    for program in ("qemu-system-x86_64", "ip", "unshare", "readelf", "curl"):
        if not any(os.access(pathlib.Path(place) / program, os.X_OK)
                   for place in os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/sbin"]):
            return f"{program} is not installed"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "/dev/net/tun is not there or not writable, so there can be no tap device"
    own = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*own, "true"], capture_output=True, check=False).returncode != 0:
        return "network namespaces are not allowed here"
    return ""


def enter_namespace():
    """Starts this program again in a network namespace of its own, with a tap device; returns in there."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if os.environ.get("LIMPID_XEN_NAMESPACE") != "yes":
        os.environ["LIMPID_XEN_NAMESPACE"] = "yes"
        packages.unpacked()  # there is no way out from in there
        own = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
        os.execvp("unshare", [*own, "--", sys.executable, *sys.argv])
    for command in ("link set lo up", "tuntap add tap0 mode tap", "link set tap0 up", f"addr add {HOST4}/24 dev tap0",
                    f"-6 addr add {HOST6}/64 dev tap0 nodad"):
        subprocess.run(["ip", *command.split()], check=True)


def enter_or_exit():
    """The same for whom a person has asked for it: ends with what is missing, if anything is."""
    reason = missing()
    if reason:
        sys.exit(f"dev: {reason}")
    try:
        enter_namespace()
    except packages.Unavailable as why:
        sys.exit(f"dev: cannot fetch Debian's Xen: {why}; is the network there?")


class Machine:
    """One QEMU. Every line that it prints is kept with the second at which it came."""

    def __init__(self, folder, guest_files):
        root = packages.unpacked()
        folder = pathlib.Path(folder)
        (folder / "xen").write_bytes(dom0.hypervisor(root))
        (folder / "vmlinux").write_bytes(dom0.kernel(root))
        (folder / "dom0.cpio").write_bytes(dom0.initramfs(root, guest_files))
        self.lines = []
        self._arrived = queue.Queue()
        self.began = time.monotonic()
        self._qemu = subprocess.Popen(
            ["nice", "-n", "10", "qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-cpu", "max,-smap",
             "-m", "1024", "-smp", "1", "-display", "none", "-vga", "none", "-no-reboot", "-monitor", "none",
             "-netdev", "tap,id=n,ifname=tap0,script=no,downscript=no", "-device", "e1000,netdev=n,romfile=",
             "-serial", "stdio", "-kernel", folder / "xen",
             "-initrd", f"{folder}/vmlinux console=hvc0 quiet loglevel=3,{folder}/dom0.cpio",
             "-append", " ".join(XEN_OPTIONS.split())],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        threading.Thread(target=self._follow, args=(self._qemu.stdout,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._qemu.kill()
        self._qemu.wait()

    def _follow(self, stream, prefix=""):
        for line in stream:
            text = prefix + line.decode(errors="replace").strip()
            entry = (time.monotonic() - self.began, text)
            self.lines.append(entry)
            self._arrived.put(entry)
        self._arrived.put(None)

    def wait_for(self, pattern, seconds, since=0):
        """(second, match) of the first line after `since` that matches."""
        until = time.monotonic() + seconds
        at = since
        while True:
            while at < len(self.lines):
                when, text = self.lines[at]
                match = re.search(pattern, text)
                if match:
                    return when, match
                at += 1
            if self._qemu.poll() is not None:
                raise Broken(f"QEMU ended while waiting for {pattern!r}")
            if time.monotonic() > until:
                raise Broken(f"no line like {pattern!r} within {seconds} s")
            try:
                self._arrived.get(timeout=0.2)
            except queue.Empty:
                pass

    @staticmethod
    def _connect(seconds):
        """To the shell in dom0, which may still be about to listen."""
        until = time.monotonic() + seconds
        while True:
            try:
                return socket.create_connection((DOM0, 7), timeout=seconds)
            except ConnectionRefusedError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def dom0(self, command, seconds=60):
        """Runs a line of shell in dom0: (exit status, what it printed)."""
        with self._connect(seconds) as connection:
            connection.settimeout(seconds)
            connection.sendall(f"( {command} ) 2>&1; status=$?; echo; echo \"exit $status\"\nexit\n".encode())
            said = b""
            try:
                while piece := connection.recv(65536):
                    said += piece
            except TimeoutError:
                raise Broken(f"dom0 took more than {seconds} s: {command}: {said.decode(errors='replace')}") from None
        text, _, status = said.decode(errors="replace").rstrip("\n").rpartition("\nexit ")
        if not status.strip().isdigit():
            raise Broken(f"dom0 broke off: {command}: {said.decode(errors='replace')}")
        return int(status), text.rstrip("\n")

    def follow_console(self, guest):
        """What a guest prints from now on shows up in `lines`, as `GUEST| text`."""
        connection = self._connect(60)
        log = f"/var/log/xen/console/guest-{guest}.log"
        connection.settimeout(None)
        connection.sendall(f"touch {log}; exec tail -f -s 1 {log}\n".encode())
        threading.Thread(target=self._follow, args=(connection.makefile("rb"), f"{guest}| "), daemon=True).start()
