#!/usr/bin/env python3
# ctest: long 900
"""Ten scripts of tlsfuzzer: each must find nothing. All talk to `limpid serve`, but the one that wants an echo to bogo_shim.

$TLSFUZZER is a checkout of tlsfuzzer/tlsfuzzer; tlslite-ng and ecdsa must be importable (PYTHONPATH says where they are).
Without it the test is skipped. Arguments choose among the scripts.
"""

import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

BUILD = pathlib.Path(os.environ.get("LIMPID_BUILD_DIR", pathlib.Path(__file__).resolve().parents[1] / "build" / "release"))
# A ClientHello may have 16 KiB; these are longer, to see whether lists of tens of thousands of schemes are taken.
TOO_LONG = [name.format(n) for name in ("tolerance {} methods", "tolerance {} methods with sig_alg_cert", "{} invalid schemes",
                                        "duplicated {} non-rsa schemes") for n in (8130, 23752, 32715)]
SCRIPTS = {  # name -> options
    "conversation": [],
    "ccs": [],
    "hrr": ["--cookie"],
    "keyupdate": [],
    "finished": [],
    "lengths": [],
    "record-padding": [],
    "zero-length-data": [],
    "unencrypted-alert": [],
    "signature-algorithms": [option for name in TOO_LONG for option in ("-e", name)],
}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, server):
    for _ in range(500):
        if server.poll() is not None:
            sys.exit(f"tlsfuzzer: limpid serve ended with {server.returncode}")
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
    sys.exit("tlsfuzzer: limpid serve never listened")


class Echo:
    """A TLS server that sends back as much as it is sent: a shim for each connection, which dials us and is told what our
    peer says."""

    def __init__(self, certificate, key):
        self.command = [BUILD / "interop" / "bogo_shim", "-server", "-cert-file", certificate, "-key-file", key, "-shim-id", "0"]
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            peer = self.listener.accept()[0]
            with socket.create_server(("127.0.0.1", 0)) as inner:
                process = subprocess.Popen([*self.command, "-port", str(inner.getsockname()[1])], stderr=subprocess.DEVNULL)
                shim = inner.accept()[0]
            shim.recv(8, socket.MSG_WAITALL)  # its id
            for source, sink in ((peer, shim), (shim, peer)):
                threading.Thread(target=self.carry, args=(source, sink), daemon=True).start()
            threading.Thread(target=process.wait, daemon=True).start()

    @staticmethod
    def carry(source, sink):
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def run(checkout, port, script, options):
    """What one script says in the end; whether it found nothing."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, [str(checkout), os.environ.get("PYTHONPATH")])))
    done = subprocess.run([sys.executable, checkout / "scripts" / f"test-tls13-{script}.py", "-h", "127.0.0.1", "-p", str(port), *options],
                          cwd=checkout, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    summary = dict(re.findall(r"^(TOTAL|SKIP|PASS|XFAIL|FAIL|XPASS): (\d+)$", done.stdout, re.MULTILINE))
    clean = done.returncode == 0 and summary.get("FAIL") == "0" and int(summary.get("PASS", 0)) > 0
    print(f"test-tls13-{script}: " + (", ".join(f"{count} {name}" for name, count in summary.items()) or "no summary"), flush=True)
    if not clean:
        print(done.stdout[-6000:])
    return clean


def main():
    if not os.environ.get("TLSFUZZER"):
        print("skipped: TLSFUZZER does not name a checkout of tlsfuzzer")
        sys.exit(77)
    checkout = pathlib.Path(os.environ["TLSFUZZER"]).resolve()
    chosen = sys.argv[1:] or list(SCRIPTS)
    with tempfile.TemporaryDirectory() as work:
        limpid = BUILD / "limpid"
        # The scripts ask for RSA by default.
        subprocess.run([limpid, "cert", "new", "--name", "localhost", "--key-type", "rsa2048", "--out", work], check=True,
                       stdout=subprocess.DEVNULL)
        (pathlib.Path(work) / "site").mkdir()
        (pathlib.Path(work) / "site" / "index.html").write_text("hello\n")
        port = free_port()
        with open(pathlib.Path(work) / "log", "wb") as log:
            server = subprocess.Popen([limpid, "serve", "site", "--listen", f"127.0.0.1:{port}", "--cert", "cert.pem", "--key", "key.pem"],
                                      cwd=work, stdout=log, stderr=log)
        try:
            wait_for(port, server)
            echo = Echo(pathlib.Path(work) / "cert.pem", pathlib.Path(work) / "key.pem")
            clean = [run(checkout, echo.port if script == "lengths" else port, script, SCRIPTS[script]) for script in chosen]
        finally:
            server.terminate()
            server.wait(10)
    sys.exit(0 if all(clean) else 1)


main()
