"""`limpid serve` beside nginx over loopback: the same files, certificate and cores, taking turns.

With two cores the server has one and the load (wrk) the other. Where the load is the slower of the two, the rate says more
about wrk, so each rate stands beside the server's own price: what one second of its CPU time does. Neither keeps files open
between requests. Debian's nginx package starts a server of its own, so `./dev bench` does not install it unasked.
"""

import contextlib
import os
import pathlib
import re
import resource
import shutil
import socket
import ssl
import statistics
import subprocess
import tempfile
import time

import usage

TURNS = 3
SECONDS = 4
IDLE_CONNECTIONS = 10_000

NGINX = """
daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 30000; pid {work}/nginx.pid; error_log {work}/nginx.log;
events {{ worker_connections 25000; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 600; types {{ text/plain txt; }}
  client_body_temp_path {work}/t1; proxy_temp_path {work}/t2; fastcgi_temp_path {work}/t3; uwsgi_temp_path {work}/t4;
  scgi_temp_path {work}/t5;
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096; root {work}/site; ssl_protocols TLSv1.3; ssl_session_tickets off;
    ssl_certificate {work}/pair/cert.pem; ssl_certificate_key {work}/pair/key.pem;
  }}
}}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """One of the two, pinned to the first core."""

    def __init__(self, command, port):
        self.port = port
        self.process = subprocess.Popen(["taskset", "-c", "0", *map(str, command)], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        for _ in range(300):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                return
            if self.process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended with status {self.process.returncode}")
            time.sleep(0.02)
        raise RuntimeError(f"{command[0]} never listened")

    def cpu_seconds(self):
        return usage.cpu_seconds(self.process.pid)

    def memory(self):
        return usage.memory(self.process.pid)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Stage:
    def __init__(self, limpid, work):
        self.limpid, self.work = limpid, work
        (work / "site").mkdir()
        (work / "site" / "1k.txt").write_bytes(b"x" * 1024)
        (work / "site" / "16m.txt").write_bytes(os.urandom(1 << 20) * 16)
        subprocess.run([limpid, "cert", "new", "--name", "localhost", "--ip", "127.0.0.1", "--out", work / "pair"], check=True,
                       stdout=subprocess.DEVNULL)

    def ours(self):
        port = free_port()
        return Server([self.limpid, "serve", self.work / "site", "--listen", f"127.0.0.1:{port}", "--cert",
                       self.work / "pair/cert.pem", "--key", self.work / "pair/key.pem", "--threads", "1", "--memory", "1G"], port)

    def nginx(self):
        port = free_port()
        (self.work / "nginx.conf").write_text(NGINX.format(work=self.work, port=port))
        return Server(["nginx", "-p", self.work, "-c", self.work / "nginx.conf"], port)


def wrk(server, path, connections, *options):
    """(requests per second, requests per second of the server's CPU time)"""
    before = server.cpu_seconds()
    core = str(os.cpu_count() - 1)
    output = subprocess.run(["taskset", "-c", core, "wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--timeout", "10s", *options,
                             f"https://127.0.0.1:{server.port}{path}"], check=True, capture_output=True, text=True).stdout
    used = server.cpu_seconds() - before
    if re.search(r"Non-2xx", output):
        raise RuntimeError(f"wrk got errors: {output}")
    requests = int(re.search(r"(\d+) requests in", output)[1])
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1]), requests / max(used, 0.01)


def idle_memory(server, count):
    """Bytes that `count` idle connections cost the server, handshakes done and a page fetched."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    before, held = server.memory(), []
    try:
        for i in range(count):
            # Another source address every 20,000: a pair of addresses has only so many ports.
            raw = socket.create_connection(("127.0.0.1", server.port), 20, source_address=(f"127.0.0.{2 + i // 20_000}", 0))
            held.append(context.wrap_socket(raw, suppress_ragged_eofs=True))
            held[-1].sendall(b"GET /1k.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
            if not held[-1].recv(4096).startswith(b"HTTP/1.1 200"):
                raise RuntimeError("no page")
        return server.memory() - before
    finally:
        for connection in held:
            connection.close()


CASES = [  # name, path, connections, wrk's options
    ("1 KiB on kept connections", "/1k.txt", 64, []),
    ("new connections", "/1k.txt", 32, ["-H", "Connection: close"]),
    ("16 MiB", "/16m.txt", 4, []),
]


def run(limpid, wanted, progress):
    """Rows as `./dev bench --json` has them."""
    missing = [program for program in ("nginx", "wrk", "taskset") if shutil.which(program) is None]
    names = [f"web/{name}{price}" for name, *_ in CASES for price in ("", ", for a CPU second")] + ["web/idle connection"]
    names = [name for name in names if not wanted or any(part in name for part in wanted)]
    if not names:
        return []
    if missing:
        progress(f"web: left out, since {', '.join(missing)} cannot be found; apt-get install nginx-light wrk util-linux")
        return []
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    rows = []
    with tempfile.TemporaryDirectory(prefix="limpid-bench-") as work:
        os.chmod(work, 0o755)
        stage = Stage(limpid, pathlib.Path(work))
        sides = {"ours": stage.ours, "peer": stage.nginx}
        for name, path, connections, options in CASES:
            rate, price = f"web/{name}", f"web/{name}, for a CPU second"
            if rate not in names and price not in names:
                continue
            found = {side: [] for side in sides}
            for turn in range(TURNS):
                for side, start in sides.items():
                    progress(f"{rate}: {side}, {turn + 1} of {TURNS}")
                    server = start()
                    try:
                        found[side].append(wrk(server, path, connections, *options))
                    finally:
                        server.stop()
            for which, row in enumerate((rate, price)):
                ours, peer = (statistics.median(turn[which] for turn in found[side]) for side in ("ours", "peer"))
                if row in names:
                    rows.append({"name": row, "unit": "requests/s", "ours": ours, "peer": peer, "peer_name": "nginx",
                                 "ratio": ours / peer})
        if "web/idle connection" in names:
            count = min(IDLE_CONNECTIONS, limit - 200)
            cost = {}
            for side, start in sides.items():
                progress(f"web/idle connection: {side}, {count} of them")
                server = start()
                try:
                    cost[side] = idle_memory(server, count) / count
                finally:
                    server.stop()
            rows.append({"name": "web/idle connection", "unit": "bytes", "ours": cost["ours"], "peer": cost["peer"],
                         "peer_name": "nginx", "ratio": cost["peer"] / cost["ours"]})
    return rows
