#!/usr/bin/env python3
# ctest: long 400
"""Other people's TLS against ours: every suite, group and key type that both sides have.

Servers: `limpid serve` against openssl s_client, gnutls-cli, curl, Python's ssl and headless Chromium.
Clients: `limpid get` against openssl s_server and gnutls-serv.

A cell passes only by what the *peer* reports of the connection: version, suite, group, signature, and the page itself.
Prints the matrix; exits 0 if no cell failed, 1 otherwise, 77 if no peer at all is installed.
Usage: matrix_test.py [LIMPID] [--without-chromium]
"""

import argparse
import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

SUITES = {  # RFC name -> GnuTLS cipher, GnuTLS's report
    "TLS_AES_128_GCM_SHA256": "AES-128-GCM",
    "TLS_AES_256_GCM_SHA384": "AES-256-GCM",
    "TLS_CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305",
}
GROUPS = {  # RFC name -> (OpenSSL option, OpenSSL's report, GnuTLS option, GnuTLS's report)
    "x25519": ("X25519", "X25519", "GROUP-X25519", "X25519"),
    "secp256r1": ("P-256", "ECDH, prime256v1", "GROUP-SECP256R1", "SECP256R1"),
    "secp384r1": ("P-384", "ECDH, secp384r1", "GROUP-SECP384R1", "SECP384R1"),
}
KEYS = {  # --key-type -> (OpenSSL's signature type, GnuTLS's report)
    "p256": ("ECDSA", "ECDSA-SECP256R1-SHA256"),
    "ed25519": ("ed25519", "EdDSA-Ed25519"),
    "p384": ("ECDSA", "ECDSA-SECP384R1-SHA384"),
    "rsa2048": ("RSA-PSS", "RSA-PSS-RSAE-SHA256"),
}
PAGE = "limpid interoperability page\n"


def combinations(key_type):
    """Suites with groups: all of them with a P-256 key; a key of another type is met with each suite and each group."""
    first_suite, first_group = next(iter(SUITES)), next(iter(GROUPS))
    return [(suite, group) for suite in SUITES for group in GROUPS
            if key_type == "p256" or suite == first_suite or group == first_group]


class Failure(Exception):
    """A cell's reason for failing, in one line."""


class Skip(Exception):
    """Why a cell does not exist."""


def expect(pattern, text, what):
    if not re.search(pattern, text):
        lines = [line for line in text.strip().splitlines() if line.strip()]
        raise Failure(f"peer did not report {what}; last lines: {' | '.join(lines[-4:])[:400]}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, process):
    for _ in range(500):
        if process.poll() is not None:
            raise Failure(f"server ended early with status {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.02)
    raise Failure("server never listened")


class Server:
    """A process that listens on a port of its own and is ended by its id."""

    def __init__(self, make_command, cwd):
        self.port = free_port()
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(make_command(self.port), cwd=cwd, stdin=subprocess.PIPE, stdout=self.log,
                                        stderr=subprocess.STDOUT)
        try:
            wait_for_port(self.port, self.process)
        except Failure as failure:
            raise Failure(f"{failure}: {self.output().strip()[-300:]}") from None

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


def run(command, stdin=b"", timeout=60, cwd=None):
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, cwd=cwd)
    return done.returncode, done.stdout.decode(errors="replace")


REQUEST = b"GET /page.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


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


class Matrix:
    def __init__(self, limpid, work):
        self.limpid = limpid
        self.work = work
        self.rows = []  # (direction, peer, cell, result)
        site = work / "site"
        site.mkdir()
        (site / "page.txt").write_text(PAGE)
        (site / "index.html").write_text(f"<!doctype html><title>limpid</title><p id=p>{PAGE}</p>")
        self.site = site
        self.keys = {}
        status, output = run([limpid, "cert", "new", "--is-ca", "--name", "limpid interop CA", "--out", str(work / "ca")])
        if status != 0:
            sys.exit(f"matrix: cert new --is-ca failed: {output}")
        self.ca = work / "ca" / "cert.pem"
        for key_type in KEYS:
            out = work / key_type
            status, output = run([limpid, "cert", "new", "--name", "localhost", "--ip", "127.0.0.1", "--key-type", key_type,
                                  "--ca", str(self.ca), "--ca-key", str(work / "ca" / "key.pem"), "--out", str(out)])
            if status != 0:
                sys.exit(f"matrix: cert new --key-type {key_type} failed: {output}")
            self.keys[key_type] = (out / "cert.pem", out / "key.pem")

    def cell(self, direction, peer, name, body):
        try:
            body()
            result = "pass"
        except Skip as skip:
            result = f"skipped: {skip}"
        except Failure as failure:
            result = f"FAIL: {failure}"
        except subprocess.TimeoutExpired:
            result = "FAIL: time-out"
        self.rows.append((direction, peer, name, result))
        print(f"  {direction:<6} {peer:<12} {name:<58} {result}", flush=True)

    def serve(self, key_type):
        cert, key = self.keys[key_type]
        return Server(lambda port: [self.limpid, "serve", str(self.site), "--listen", f"127.0.0.1:{port}", "--cert", str(cert),
                                    "--key", str(key), "--threads", "1"], self.work)

    # limpid serve against their clients

    def openssl_client(self, port, suite, group, key_type, hello_retry=False):
        option, report, _, _ = GROUPS[group]
        groups = f"P-521:{option}" if hello_retry else option
        output = talk(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-CAfile", str(self.ca),
                       "-verify_return_error", "-verify_hostname", "localhost", "-ciphersuites", suite, "-groups", groups,
                       "-tls1_3", *(["-trace"] if hello_retry else []), "-ign_eof"], REQUEST, PAGE.encode())
        expect(PAGE.strip(), output, "the page")
        expect(rf"New, TLSv1\.3, Cipher is {suite}", output, f"TLSv1.3 and {suite}")
        expect(rf"Server Temp Key: {re.escape(report)}", output, report)
        expect(rf"Peer signature type: {KEYS[key_type][0]}", output, KEYS[key_type][0])
        expect(r"Verify return code: 0 \(ok\)", output, "a verified chain")
        if hello_retry:
            expect(r"(?s)ServerHello.*ServerHello", output, "two server hellos")

    def gnutls_client(self, port, suite, group, key_type):
        _, _, option, report = GROUPS[group]
        priority = f"NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+{SUITES[suite]}:-GROUP-ALL:+{option}"
        output = talk(["gnutls-cli", f"--port={port}", f"--x509cafile={self.ca}", f"--priority={priority}", "localhost"], REQUEST,
                      PAGE.encode())
        expect(PAGE.strip(), output, "the page")
        expect(rf"Description: \(TLS1\.3.*\)-\(ECDHE-{report}\)-\({KEYS[key_type][1]}\)-\({SUITES[suite]}\)", output,
               f"{report}, {KEYS[key_type][1]} and {SUITES[suite]}")
        expect(r"Status: The certificate is trusted", output, "a trusted chain")

    def curl_client(self, port, suite, group, _):
        status, output = run(["curl", "-sv", "--max-time", "20", "--cacert", str(self.ca), "--tlsv1.3", "--tls13-ciphers", suite,
                              "--curves", GROUPS[group][0], f"https://localhost:{port}/page.txt", "--resolve",
                              f"localhost:{port}:127.0.0.1"])
        if status != 0:
            raise Failure(f"curl exit {status}: {output.strip().splitlines()[-1][:200] if output.strip() else ''}")
        expect(PAGE.strip(), output, "the page")
        expect(rf"SSL connection using TLSv1\.3 / {suite}", output, f"TLSv1.3 / {suite}")
        expect(r"SSL certificate verify ok", output, "a verified chain")

    def python_client(self, port, *_):
        context = ssl.create_default_context(cafile=str(self.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            with socket.create_connection(("127.0.0.1", port), 20) as raw:
                with context.wrap_socket(raw, server_hostname="localhost") as tls:
                    tls.sendall(REQUEST)
                    answer = b""
                    while piece := tls.recv(65536):
                        answer += piece
                    if tls.version() != "TLSv1.3" or tls.cipher()[0] not in SUITES:
                        raise Failure(f"peer reports {tls.version()} {tls.cipher()}")
                    if not answer.endswith(PAGE.encode()):
                        raise Failure("the page is wrong")
        except (OSError, ssl.SSLError) as error:
            raise Failure(str(error)) from None

    def chromium(self, port):
        der = ssl.PEM_cert_to_DER_cert(self.keys["p256"][0].read_text().split("-----END CERTIFICATE-----")[0] +
                                       "-----END CERTIFICATE-----\n")
        status, spki = run(["sh", "-c", "openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | base64 -w0"],
                           ssl.DER_cert_to_PEM_cert(der).encode())
        if status != 0:
            raise Failure("openssl could not give the certificate's public key")
        pin = base64.b64encode(hashlib.sha256(base64.b64decode(spki)).digest()).decode()
        profile = self.work / "chromium"
        log = self.work / "netlog.json"
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                   "--disable-background-networking", "--disable-component-update", "--disable-sync",
                   f"--user-data-dir={profile}", f"--ignore-certificate-errors-spki-list={pin}", f"--log-net-log={log}",
                   "--net-log-capture-mode=IncludeSensitive", "--dump-dom", f"https://localhost:{port}/"]
        _, output = run(command, timeout=120)
        expect(re.escape(PAGE.strip()), output, "the page")
        text = log.read_text()
        try:
            records = json.loads(text)
        except json.JSONDecodeError:
            records = json.loads(text.rstrip().rstrip(",") + "]}")
        for event in records["events"]:
            params = event.get("params", {})
            if "cipher_suite" in params and "version" in params:
                if params["version"] != "TLS 1.3":
                    raise Failure(f"peer reports {params['version']}")
                return
        raise Failure("peer's log shows no TLS connection")

    # limpid get against their servers

    def get(self, port, expected_page):
        status, output = run([self.limpid, "get", f"https://localhost:{port}/page.txt", "--ca", str(self.ca), "--resolve",
                              f"localhost:{port}:127.0.0.1", "--max-time", "20"], cwd=self.work)
        if status != 0:
            raise Failure(f"get exit {status}: {output.strip()[-200:]}")
        expect(expected_page, output, "the page")

    def openssl_server(self, suite, group, key_type, status_page):
        cert, key = self.keys[key_type]
        option, report, _, _ = GROUPS[group]
        page = ["-www"] if status_page else ["-WWW", "-trace"]
        with Server(lambda port: ["openssl", "s_server", "-accept", str(port), "-cert", str(cert), "-key", str(key),
                                  "-ciphersuites", suite, "-groups", option, "-tls1_3", *page], self.site) as server:
            if status_page:
                # -www answers with its own account of the connection, which travels through our client.
                self.get(server.port, rf"(?s)New, TLSv1\.3, Cipher is {suite}")
                return
            self.get(server.port, PAGE.strip())
            expect(rf"cipher_suite \{{0x13, 0x0[123]\}} {suite}", server.output(), suite)
            expect(r"NamedGroup: " + ("ecdh_x25519" if group == "x25519" else group), server.output(), report)

    def gnutls_server(self, suite, group, key_type):
        cert, key = self.keys[key_type]
        _, _, option, report = GROUPS[group]
        priority = f"NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+{SUITES[suite]}:-GROUP-ALL:+{option}"
        with Server(lambda port: ["gnutls-serv", "--http", f"--port={port}", f"--x509certfile={cert}", f"--x509keyfile={key}",
                                  f"--priority={priority}"], self.work) as server:
            # GnuTLS's page is its account of the connection.
            self.get(server.port, rf"(?s){SUITES[suite]}")
            expect(rf"Description: \(TLS1\.3.*\)-\(ECDHE-{report}\)-\({KEYS[key_type][1]}\)-\({SUITES[suite]}\)", server.output(),
                   f"{report}, {KEYS[key_type][1]} and {SUITES[suite]}")

    def go(self, with_chromium):
        clients = [("openssl", "openssl", self.openssl_client), ("gnutls", "gnutls-cli", self.gnutls_client),
                   ("curl", "curl", self.curl_client)]
        for key_type in KEYS:
            with self.serve(key_type) as server:
                for peer, program, client in clients:
                    if shutil.which(program) is None:
                        self.rows.append(("serve", peer, "", f"skipped: {program} is not installed"))
                        continue
                    for suite, group in combinations(key_type):
                        self.cell("serve", peer, f"{suite} {group} {key_type}",
                                  lambda: client(server.port, suite, group, key_type))
                if shutil.which("openssl"):
                    for group in GROUPS:
                        self.cell("serve", "openssl", f"HelloRetryRequest {group} {key_type}",
                                  lambda: self.openssl_client(server.port, "TLS_AES_128_GCM_SHA256", group, key_type, True))
                self.cell("serve", "python", f"default {key_type}", lambda: self.python_client(server.port))
                if key_type == "p256":
                    def chromium():
                        if not with_chromium:
                            raise Skip("not asked for")
                        if shutil.which("chromium") is None:
                            raise Skip("chromium is not installed")
                        self.chromium(server.port)
                    self.cell("serve", "chromium", f"default {key_type}", chromium)
                elif key_type == "ed25519" and with_chromium:
                    self.rows.append(("serve", "chromium", key_type, "skipped: Chromium offers no Ed25519 signatures"))
        for peer, program, function in [("openssl", "openssl", lambda s, g, k: self.openssl_server(s, g, k, True)),
                                        ("openssl -WWW", "openssl", lambda s, g, k: self.openssl_server(s, g, k, False)),
                                        ("gnutls", "gnutls-serv", self.gnutls_server)]:
            if shutil.which(program) is None:
                self.rows.append(("get", peer, "", f"skipped: {program} is not installed"))
                continue
            for key_type in KEYS:
                for suite, group in combinations(key_type):
                    self.cell("get", peer, f"{suite} {group} {key_type}", lambda: function(suite, group, key_type))

    def report(self):
        """The matrix: a row a peer and key type, a column a suite and group."""
        columns = [(suite, group) for suite in SUITES for group in GROUPS]
        short = {"TLS_AES_128_GCM_SHA256": "aes128", "TLS_AES_256_GCM_SHA384": "aes256", "TLS_CHACHA20_POLY1305_SHA256": "chacha"}
        print()
        print(f"{'':<28}" + "".join(f"{short[s] + '/' + g:>18}" for s, g in columns))
        for direction, peer, key_type in dict.fromkeys(
                (d, p, name.split()[-1]) for d, p, name, _ in self.rows if name.startswith("TLS_")):
            line = f"{direction} {peer} {key_type}"
            cells = []
            for suite, group in columns:
                result = next((r for d, p, n, r in self.rows if (d, p, n) == (direction, peer, f"{suite} {group} {key_type}")), "-")
                cells.append(result.split(":")[0])
            print(f"{line:<28}" + "".join(f"{c:>18}" for c in cells))
        for direction, peer, name, result in self.rows:
            if not name.startswith("TLS_"):
                print(f"{direction} {peer} {name}: {result}")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("limpid", nargs="?", default=os.environ.get("LIMPID_BUILD_DIR", "build/release") + "/limpid")
    arguments.add_argument("--without-chromium", action="store_true")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="limpid-interop-") as work:
        matrix = Matrix(str(pathlib.Path(options.limpid).resolve()), pathlib.Path(work))
        matrix.go(not options.without_chromium)
        matrix.report()
    failed = [row for row in matrix.rows if row[3].startswith("FAIL")]
    skipped = [row for row in matrix.rows if row[3].startswith("skipped")]
    passed = len(matrix.rows) - len(failed) - len(skipped)
    print(f"\ninterop cells: {passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed else 0 if passed else 77


if __name__ == "__main__":
    sys.exit(main())
