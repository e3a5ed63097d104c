"""The demonstration of ./dev demo: stock curl downloads a file while its server is replaced twice, once by another build.

    demo.py [--mib N] [--rate BYTES] LIMPID [OTHER_BUILD]

Exits 1 if anything is not as it should be."""

import argparse
import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import middle

WIDTH = 40


class Demo:
    def __init__(self, limpid, other, mib, rate):
        self.limpid, self.other, self.mib, self.rate = limpid, other, mib, rate
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="limpid-demo-"))
        self.site = self.folder / "site"
        self.site.mkdir()
        self.control = self.folder / "control"
        self.environment = {**os.environ, "XDG_DATA_HOME": str(self.folder / "data")}
        self.processes = []
        self.number = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        shutil.rmtree(self.folder)

    def step(self, text):
        self.number += 1
        print(f"\n {self.number}  {text}", flush=True)

    def say(self, text):
        print(f"      {text}", flush=True)

    def check(self, holds, text):
        if not holds:
            raise SystemExit(f"demo: it did not hold that {text}")
        self.say(f"\u2713 {text}")

    def start(self, limpid, *arguments):
        process = subprocess.Popen([limpid, "serve", str(self.site), *map(str, arguments)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=self.environment)
        self.processes.append(process)
        line = process.stdout.readline()
        found = re.search(r"at (https://localhost:(\d+)/|https://127.0.0.1:(\d+)/)", line)
        if not found:
            raise SystemExit(f"demo: a server did not start: {line}{process.stderr.read()}")
        return process, found[1]

    def make_file(self):
        digest = hashlib.sha256()
        block = os.urandom((1 << 20) - 8)
        with open(self.site / "big", "wb") as file:
            for n in range(self.mib):
                piece = n.to_bytes(8, "big") + block
                file.write(piece)
                digest.update(piece)
        return digest.hexdigest()

    def wait_until(self, curl, mib):
        """Draws how far the download is, until it has so much."""
        got = self.folder / "got"
        while curl.poll() is None:
            size = got.stat().st_size >> 20 if got.exists() else 0
            if sys.stdout.isatty():
                print(f"\r      {self.bar(size)}", end="", flush=True)
            if size >= mib:
                break
            time.sleep(0.02)
        size = got.stat().st_size >> 20
        print(f"{chr(13) if sys.stdout.isatty() else ''}      {self.bar(size)}", flush=True)
        return size

    def bar(self, mib):
        filled = WIDTH * mib // self.mib
        return f"curl [{'=' * filled}{' ' * (WIDTH - filled)}] {mib:5} of {self.mib} MiB"

    def replace(self, old, limpid, build, *arguments, control=None):
        begun = time.monotonic()
        new, _ = self.start(limpid, "--takeover", "--control", control or self.control, "--listen", self.listen, *arguments)
        while not (taken := new.stdout.readline().strip()).startswith("took over") and new.poll() is None:
            pass
        old.wait(20)
        self.say(f"process {old.pid}  ===  listeners, connections, sealed states  ==>  process {new.pid}, {build}")
        self.check(taken.startswith("took over ") and old.returncode == 0, f"it {taken}, in {time.monotonic() - begun:.2f} s")
        return new

    def run(self):
        begun = time.monotonic()
        self.step(f"A file of {self.mib} MiB, and a server for it.")
        wanted = self.make_file()
        server, url = self.start(self.limpid, "--listen", "127.0.0.1:0", "--control", self.control)
        self.listen = f"127.0.0.1:{url.split(':')[2].rstrip('/')}"
        self.say(f"{url}big by process {server.pid}")
        self.say(f"SHA-256 {wanted}")

        self.step("Stock curl downloads it, over one connection.")
        certificate = self.folder / "data/limpid/ca.pem"
        curl = subprocess.Popen(["curl", "-sS", "--limit-rate", self.rate, "--cacert", str(certificate), "-o", str(self.folder / "got"),
                                 url + "big"], stderr=subprocess.PIPE, text=True)
        self.processes.append(curl)
        self.wait_until(curl, self.mib // 4)

        self.step("The server is replaced, in mid-transfer, by " + ("another build, with sanitizers." if self.other else "another process."))
        # Somebody in between remembers what was handed over, for later.
        between = middle.Middle(self.folder / "between", self.control, keep=True)
        server = self.replace(server, self.other or self.limpid, "with AddressSanitizer" if self.other else "the same build",
                              control=self.folder / "between")
        reached = self.wait_until(curl, self.mib // 2)
        self.check(curl.poll() is None and reached < self.mib, "curl goes on")

        self.step("And once more; the new one records what it is told.")
        recording = self.folder / "recording"
        server = self.replace(server, self.limpid, "the first build again", "--record", recording)
        self.wait_until(curl, self.mib)

        self.step("The download is complete.")
        errors = curl.communicate(timeout=60)[1]
        self.check(curl.returncode == 0 and errors == "", "curl noticed nothing: exit status 0, no word")
        digest = hashlib.sha256()
        with open(self.folder / "got", "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
        self.check(digest.hexdigest() == wanted, f"SHA-256 {digest.hexdigest()}")

        self.step("The state that was handed over first is offered once more.")
        middle.Stale(self.folder / "stale", between.messages)
        again = subprocess.run([self.limpid, "serve", str(self.site), "--takeover", "--control", str(self.folder / "stale"),
                                "--listen", self.listen], capture_output=True, text=True, timeout=30, env=self.environment)
        between.close()
        self.say(again.stderr.strip())
        self.check(again.returncode == 1 and "resumed before" in again.stderr, "a stale snapshot is refused")

        self.step("The recorded part of the session is stepped again.")
        server.send_signal(signal.SIGTERM)
        server.wait(30)
        self.say(f"{recording.stat().st_size >> 20} MiB, sealed under recording.key")
        replayed = subprocess.run([self.limpid, "replay", str(recording)], capture_output=True, text=True, timeout=60)
        self.check(replayed.returncode == 0, (replayed.stdout or replayed.stderr).strip())
        print(f"\n    All of it in {time.monotonic() - begun:.0f} seconds.\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rate", default="64M")
    parser.add_argument("limpid")
    parser.add_argument("other", nargs="?")
    arguments = parser.parse_args()
    with Demo(arguments.limpid, arguments.other, arguments.mib, arguments.rate) as demo:
        demo.run()


if __name__ == "__main__":
    main()
