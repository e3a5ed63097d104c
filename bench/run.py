#!/usr/bin/env python3
"""./dev bench [--newest] [NAME...] [--json FILE]: what limpid_bench measures within a process, then servers over loopback (web.py),
hosts over tap devices (tap.py), and idle and simulated ones (hosts.py).

NAMEs are parts of benchmark names. A ratio above 1 means that limpid is better.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import hosts
import tap
import web


def main():
    arguments = argparse.ArgumentParser(prog="./dev bench")
    arguments.add_argument("names", nargs="*", metavar="NAME")
    arguments.add_argument("--json", metavar="FILE")
    arguments.add_argument("--build", default="build/release", help=argparse.SUPPRESS)
    arguments.add_argument("--launcher", default="", help=argparse.SUPPRESS)  # words in front of limpid_bench
    options = arguments.parse_args()
    build = pathlib.Path(options.build).resolve()

    with tempfile.NamedTemporaryFile() as file:
        status = subprocess.run([*options.launcher.split(), build / "bench/limpid_bench", *options.names, "--json", file.name]).returncode
        if status not in (0, 2):  # 2: none of its benchmarks has such a name
            return status
        rows = json.loads(file.read()) if status == 0 else []
    say = lambda line: print(line, file=sys.stderr, flush=True)
    more = [row for part in (web, tap, hosts) for row in part.run(build / "limpid", options.names, say)]
    for row in more:
        print(f"{row['name']:<44} {row['ours']:14.0f} {row['peer']:14.0f}  {row['unit']:<12} {row['ratio']:6.2f}  ({row['peer_name']})")
    rows += more
    if not rows:
        print("bench: no benchmark has such a name", file=sys.stderr)
        return 2
    if options.json:
        try:
            pathlib.Path(options.json).write_text(json.dumps(rows, indent=2) + "\n")
        except OSError as error:
            print(f"bench: cannot write {options.json}: {error.strerror}; name a file in a folder that you may write to", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
