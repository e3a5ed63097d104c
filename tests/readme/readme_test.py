#!/usr/bin/env python3
"""The README's program fetches a page from `limpid serve`, verified; and refuses a server that it has no reason to trust."""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(os.environ.get("LIMPID_BUILD_DIR", "build/release")).resolve()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


with tempfile.TemporaryDirectory() as folder:
    site = pathlib.Path(folder, "site")
    site.mkdir()
    (site / "index.html").write_text("the readme's page\n")
    environment = dict(os.environ, XDG_DATA_HOME=folder)
    port = free_port()
    server = subprocess.Popen([BUILD / "limpid", "serve", site, "--listen", f"127.0.0.1:{port}"], env=environment,
                              stdout=subprocess.PIPE, text=True)
    try:
        while "try:" not in (line := server.stdout.readline()):
            if not line:
                sys.exit("readme: serve ended early")
        example = [BUILD / "tests" / "readme" / "readme_example", "localhost", str(port)]
        trusting = dict(environment, SSL_CERT_FILE=f"{folder}/limpid/ca.pem")
        done = subprocess.run(example, env=trusting, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (done.returncode, done.stderr)
        assert done.stdout.endswith("\n\nthe readme's page\n"), done.stdout
        subprocess.run([BUILD / "limpid", "cert", "new", "--is-ca", "--name", "other", "--out", f"{folder}/other"], check=True,
                       stdout=subprocess.DEVNULL)
        distrusting = dict(environment, SSL_CERT_FILE=f"{folder}/other/cert.pem")
        done = subprocess.run(example, env=distrusting, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and done.stdout == "", (done.returncode, done.stdout, done.stderr)
        print("the README's program fetched the page, and refused an unknown CA")
    finally:
        server.terminate()
        server.wait(10)
