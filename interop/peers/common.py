"""What every peer is judged by, and the processes that judge."""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
GROUPS = ["x25519", "secp256r1", "secp384r1"]
KEYS = ["p256", "p384", "ed25519", "rsa2048"]  # of `cert new --key-type`
PAGE = "limpid interoperability page\n"
PATH = "/page.txt"
REQUEST = f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
HERE = pathlib.Path(__file__).resolve().parent


class Failure(Exception):
    """A cell's reason for failing, in one line."""


class Skip(Exception):
    """Why a cell, or a whole peer, is not here."""


@dataclasses.dataclass(frozen=True)
class Cell:
    suite: str = SUITES[0]
    group: str = GROUPS[0]
    key: str = KEYS[0]

    def __str__(self):
        return f"{self.suite} {self.group} {self.key}"


def every_pair():
    """Every suite with every group; with another key type than the commonest, each suite and each group once."""
    return [Cell(suite, group, key) for key in KEYS for suite in SUITES for group in GROUPS
            if key == KEYS[0] or suite == SUITES[0] or group == GROUPS[0]]


def star():
    """Every suite, group and key type once, each with the commonest of the others."""
    cells = [Cell(suite=s) for s in SUITES] + [Cell(group=g) for g in GROUPS] + [Cell(key=k) for k in KEYS]
    return list(dict.fromkeys(cells))


class Place:
    """Where a matrix is run: the tool, its CA, a pair for each key type, and a site."""

    def __init__(self, limpid, work):
        self.limpid, self.work = limpid, work
        self.site = work / "site"
        self.site.mkdir()
        (self.site / PATH[1:]).write_text(PAGE)
        (self.site / "index.html").write_text(f"<!doctype html><title>limpid</title><p id=p>{PAGE}</p>")
        self.new_certificate("ca", "--is-ca", "--name", "limpid interop CA")
        self.ca = work / "ca" / "cert.pem"
        for key in KEYS:
            self.new_certificate(key, "--name", "localhost", "--ip", "127.0.0.1", "--key-type", key, "--ca", self.ca, "--ca-key",
                                 work / "ca" / "key.pem")

    def new_certificate(self, name, *options):
        status, output = run([self.limpid, "cert", "new", *options, "--out", self.work / name])
        if status != 0:
            raise SystemExit(f"matrix: cert new failed: {output}")

    def pair(self, key):
        return self.work / key / "cert.pem", self.work / key / "key.pem"

    def serve(self, key):
        """Our server, which leaves suite and group to the client."""
        cert, private = self.pair(key)
        return Server(lambda port: [self.limpid, "serve", self.site, "--listen", f"127.0.0.1:{port}", "--cert", cert, "--key",
                                    private, "--threads", "1"], self.work)

    def get(self, port):
        """What our client, which offers all it has, gets from their server."""
        status, output = run([self.limpid, "get", f"https://localhost:{port}{PATH}", "--ca", self.ca, "--resolve",
                              f"localhost:{port}:127.0.0.1", "--max-time", "20"], cwd=self.work)
        if status != 0:
            raise Failure(f"get exit {status}: {output.strip()[-200:]}")
        return output


class Peer:
    name = ""
    client_programs = ()  # without which it has no client
    server_programs = ()
    lacks = {}  # a suite, group or key type -> why the peer has no such cell
    client_cells = staticmethod(star)
    server_cells = staticmethod(star)

    def prepare(self, place):
        """Builds what the cells need; Skip says what is missing."""

    def client(self, place, port, cell):
        """Their client fetches the page from our server on `port`; raises Failure unless it reports the cell."""
        raise NotImplementedError

    def server(self, place, cell):
        """Our client fetches a page from their server; raises Failure unless it reports the cell."""
        raise NotImplementedError

    def extra(self, place):
        """Yields (name, function of no arguments) for cells that are no combination."""
        return ()


def need(programs):
    for program in programs:
        if shutil.which(program) is None:
            raise Skip(f"{program} is not installed")


def expect(pattern, text, what):
    if not re.search(pattern, text):
        lines = [line for line in text.strip().splitlines() if line.strip()]
        raise Failure(f"peer did not report {what}; last lines: {' | '.join(lines[-4:])[:400]}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(command, stdin=b"", timeout=60, cwd=None, env=None):
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, cwd=cwd,
                          env=env)
    return done.returncode, done.stdout.decode(errors="replace")


def build(command, cwd=None, env=None):
    status, output = run(command, timeout=300, cwd=cwd, env=env)
    if status != 0:
        raise Failure(f"{command[0]} could not build the peer: {' | '.join(output.strip().splitlines()[-3:])[:400]}")


def talk(command, request, until, timeout=30):
    """Runs an interactive client: sends the request, keeps its input open until `until` is seen, returns its output."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        os.set_blocking(process.stdout.fileno(), False)
        output, sent, end = b"", False, time.monotonic() + timeout
        while time.monotonic() < end:
            if not sent:
                process.stdin.write(request)
                process.stdin.flush()
                sent = True
            piece = process.stdout.read()
            if piece:
                output += piece
                continue
            if until in output and process.poll() is None:
                process.stdin.close()
                until = b"\0never"
            if process.poll() is not None:
                output += process.stdout.read() or b""
                break
            time.sleep(0.01)
        return output.decode(errors="replace")
    except BrokenPipeError:
        return output.decode(errors="replace")
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


class Server:
    """A process that listens on a port of its own and is ended by its id."""

    PATIENCE = 10  # seconds until it listens

    def __init__(self, make_command, cwd):
        self.port = free_port()
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(make_command(self.port), cwd=cwd, stdin=subprocess.PIPE, stdout=self.log,
                                        stderr=subprocess.STDOUT)
        try:
            self._wait()
        except Failure as failure:
            self.__exit__()
            raise Failure(f"{failure}: {self.output().strip()[-300:]}") from None

    def _wait(self):
        end = time.monotonic() + self.PATIENCE
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failure(f"server ended early with status {self.process.returncode}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return
            except OSError:
                time.sleep(0.02)
        raise Failure("server never listened")

    def output(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class OwnPeer(Peer):
    """A library behind a small program of this folder, which is run with

        client PORT CA SUITE GROUP PATH      fetches the page and prints it after its account of the connection
        server PORT CERT KEY SUITE GROUP     answers every request with its account of the connection

    The account is a line `account {...}` with version, suite and group; what a library does not tell is null in it.
    """

    def command(self):
        """What runs the program."""
        raise NotImplementedError

    def client(self, place, port, cell):
        status, output = run([*self.command(), "client", str(port), place.ca, cell.suite, cell.group, PATH])
        if status != 0:
            raise Failure(f"exit {status}: {output.strip()[:300]}")
        self.check_account(output, cell)
        expect(PAGE.strip(), output, "the page")

    def server(self, place, cell):
        pair = place.pair(cell.key)
        with Server(lambda port: [*self.command(), "server", str(port), *pair, cell.suite, cell.group], place.work) as server:
            self.check_account(place.get(server.port), cell)

    @staticmethod
    def check_account(text, cell):
        match = re.search(r"account (\{.*\})", text)
        if not match:
            raise Failure(f"no account from the peer: {' | '.join(text.strip().splitlines()[-4:])[:400]}")
        account = json.loads(match[1])
        if account["version"] != "TLSv1.3":
            raise Failure(f"peer reports {account['version']}")
        for what, expected in (("suite", cell.suite), ("group", cell.group)):
            if account[what] is not None and account[what].lower() != expected.lower():
                raise Failure(f"peer reports {what} {account[what]}")
