"""Runs the limpid tool as a process: build/release/limpid, or the one of LIMPID_BUILD_DIR in the environment."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ElementTree

SOURCE = pathlib.Path(__file__).resolve().parents[2]
LIMPID = str(pathlib.Path(os.environ.get("LIMPID_BUILD_DIR", SOURCE / "build/release")) / "limpid")


def run(*arguments, env=None, timeout=20, **options):
    """Runs the tool to its end. The result has .returncode, .stdout and .stderr (text)."""
    return subprocess.run([LIMPID, *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, **(env or {})}, **options)


def need(program):
    """Skips the test, by name, if an outside program is not installed."""
    if shutil.which(program) is None:
        raise unittest.SkipTest(f"{program} is not installed")


def sanitized():
    """Whether the tool was built with a sanitizer."""
    cache = pathlib.Path(LIMPID).parent / "CMakeCache.txt"
    return cache.exists() and re.search(r"^LIMPID_SANITIZE:\w+=.", cache.read_text(), re.MULTILINE) is not None


def unprivileged():
    """What to put in front of a command so that it may neither read everything nor use every port."""
    if os.geteuid() != 0:
        return []
    need("setpriv")
    return ["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]


class Serve:
    """`limpid serve` on a free port of the loopback, ended with SIGTERM on leaving the block."""

    def __init__(self, folder, *arguments, env=None, listen="127.0.0.1:0", limit_files=None):
        self.folder, self.arguments, self.listen, self.host = folder, arguments, listen, "127.0.0.1"
        self.env = {**os.environ, **(env or {})}
        self.limit_files = limit_files

    def __enter__(self):
        command = [LIMPID, "serve", str(self.folder), *(["--listen", self.listen] if self.listen else []),
                   *map(str, self.arguments)]
        if self.limit_files:
            command = ["prlimit", f"--nofile={self.limit_files}:{self.limit_files}", *command]
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=self.env)
        self.ready = self.process.stdout.readline()
        found = re.match(r"serving .* at (https?)://.*:(\d+)/$", self.ready)
        if not found:
            self.process.wait(10)
            raise AssertionError(f"not ready: {self.ready!r} {self.stderr()!r}")
        self.scheme, self.port = found[1], int(found[2])
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    @property
    def pid(self):
        return self.process.pid

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read()

    def url(self, path="/"):
        return f"{self.scheme}://{self.host}:{self.port}{path}"

    def connect(self, receive_buffer=None):
        peer = socket.socket()
        if receive_buffer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        peer.settimeout(20)
        peer.connect((self.host, self.port))
        return peer

    def connect_tls(self, receive_buffer=None):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(self.connect(receive_buffer), server_hostname="localhost")

    def counters(self):
        """What SIGUSR1 makes it print."""
        self.process.send_signal(signal.SIGUSR1)
        while not (line := self.process.stdout.readline()).startswith('{"connections"'):
            pass
        return json.loads(line)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident_kib(self):
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.pid}/status").read_text())[1])


def receive_all(peer):
    pieces = []
    while piece := peer.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def receive_response(peer, buffered=b"", body=True):
    """One response with Content-Length: (status, headers, body, what was received after it)."""
    while b"\r\n\r\n" not in buffered:
        piece = peer.recv(65536)
        if not piece:
            raise AssertionError(f"the connection ended inside a header: {buffered!r}")
        buffered += piece
    head, rest = buffered.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
    size = int(headers.get("content-length", 0)) if body else 0
    rest = bytearray(rest)
    while len(rest) < size:
        piece = peer.recv(65536)
        if not piece:
            raise AssertionError(f"the connection ended {size - len(rest)} bytes early")
        rest += piece
    return int(lines[0].split()[1]), headers, bytes(rest[:size]), bytes(rest[size:])


def eventually(condition, seconds=10):
    """Waits for something that another process does in its own time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class Folder(unittest.TestCase):
    """A test with a temporary folder of its own, self.root, and a data folder for the tool's CA."""

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="limpid-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.site = self.root / "site"
        self.site.mkdir()
        (self.site / "index.html").write_text("<h1>hello</h1>\n")
        self.env = {"XDG_DATA_HOME": str(self.root / "data")}


class _Cases(unittest.TextTestResult):
    """Remembers every case, in GoogleTest's XML, so that the summary of a run counts them one by one."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.suite = ElementTree.Element("testsuite")

    def _case(self, test, status="run"):
        script = pathlib.Path(sys.argv[0]).stem
        return ElementTree.SubElement(self.suite, "testcase", status=status, classname=f"{script}.{type(test).__name__}",
                                      name=getattr(test, "_testMethodName", str(test)))

    def addSuccess(self, test):
        super().addSuccess(test)
        self._case(test)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        ElementTree.SubElement(self._case(test), "failure")

    def addError(self, test, error):
        super().addError(test, error)
        ElementTree.SubElement(self._case(test), "failure")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        ElementTree.SubElement(self._case(test), "skipped", message=reason)


def main():
    """Runs the tests of the calling script."""
    if not os.access(LIMPID, os.X_OK):
        sys.exit(f"{LIMPID} is not there: build it first")
    program = unittest.main("__main__", exit=False, testRunner=unittest.TextTestRunner(verbosity=2, resultclass=_Cases))
    kind, _, path = os.environ.get("GTEST_OUTPUT", "").partition(":")
    if kind == "xml" and path:
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        ElementTree.ElementTree(program.result.suite).write(path)
    sys.exit(not program.result.wasSuccessful())
