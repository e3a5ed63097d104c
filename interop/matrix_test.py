#!/usr/bin/env python3
# ctest: long 600
"""Other people's TLS against ours, both roles: every suite, group and key type that both sides have.

The peers are in interop/peers. OpenSSL, GnuTLS and curl try every suite with every group, the others every suite,
group and key type once.
A cell passes only by what the *peer* reports of the connection: version, suite, group, signature, and the page itself.
Prints the matrix; exits 0 if no cell failed, 1 otherwise, 77 if no peer at all is installed.
Usage: matrix_test.py [LIMPID] [--only PEER]... [--without PEER]...
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import peers
from peers.common import GROUPS, SUITES, Failure, Place, Skip, need

MARK = {"pass": "+", "FAIL": "X", "skipped": "-"}


class Matrix:
    def __init__(self, place):
        self.place = place
        self.rows = []  # (direction, peer, cell or name, result)

    def judge(self, direction, peer, cell, body):
        try:
            body()
            result = "pass"
        except Skip as skip:
            result = f"skipped: {skip}"
        except Failure as failure:
            result = f"FAIL: {failure}"
        except subprocess.TimeoutExpired:
            result = "FAIL: time-out"
        self.rows.append((direction, peer.name, cell, result))
        print(f"  {direction:<5} {peer.name:<13} {str(cell):<52} {result}", flush=True)

    def available(self, direction, peer, programs):
        if programs is None:
            return False
        try:
            need(programs)
            if not hasattr(peer, "prepared"):
                peer.prepare(self.place)
                peer.prepared = True
            return True
        except (Skip, Failure) as reason:
            kind = "skipped" if isinstance(reason, Skip) else "FAIL"
            self.rows.append((direction, peer.name, "", f"{kind}: {reason}"))
            return False

    def lacking(self, peer, cell):
        return next((peer.lacks[part] for part in (cell.suite, cell.group, cell.key) if part in peer.lacks), None)

    def cells(self, direction, peer, cells, run):
        for cell in cells:
            reason = self.lacking(peer, cell)
            if reason:
                self.rows.append((direction, peer.name, cell, f"skipped: {reason}"))
            else:
                self.judge(direction, peer, cell, lambda: run(cell))

    def try_peer(self, peer):
        if self.available("serve", peer, peer.client_programs):
            cells = peer.client_cells()
            for key in dict.fromkeys(cell.key for cell in cells):
                with self.place.serve(key) as server:
                    self.cells("serve", peer, [cell for cell in cells if cell.key == key],
                               lambda cell: peer.client(self.place, server.port, cell))
            for name, body in peer.extra(self.place):
                self.judge("serve", peer, name, body)
        if self.available("get", peer, peer.server_programs):
            self.cells("get", peer, peer.server_cells(), lambda cell: peer.server(self.place, cell))

    def draw(self):
        """A row a peer, role and key type; a column a suite; in it a mark for each group."""
        results = {(d, p, str(c)): r.split(":")[0] for d, p, c, r in self.rows}
        print(f"\n{'':<30}" + "".join(f"{s.removeprefix('TLS_'):>28}" for s in SUITES))
        print(f"{'':<30}" + f"{'x25519 p256 p384':>28}" * len(SUITES))
        combined = [(d, p, c) for d, p, c, _ in self.rows if not isinstance(c, str) and c.suite in SUITES]
        for direction, peer, key in dict.fromkeys((d, p, c.key) for d, p, c in combined):
            line = ""
            for suite in SUITES:
                marks = [MARK.get(results.get((direction, peer, f"{suite} {group} {key}")), ".") for group in GROUPS]
                line += f"{'    '.join(marks):>26}  "
            print(f"{direction + ' ' + peer + ' ' + key:<30}{line.rstrip()}")
        print("  + passed, X failed, - the peer has no such thing, . not tried")
        for direction, peer, cell, result in self.rows:
            if isinstance(cell, str) or cell.suite not in SUITES:
                print(f"{direction} {peer} {cell}: {result}")
        for reason in dict.fromkeys((p, r) for _, p, c, r in self.rows if r.startswith("skipped") and not isinstance(c, str)):
            print(f"{reason[0]}: {reason[1]}")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("limpid", nargs="?", default=os.environ.get("LIMPID_BUILD_DIR", "build/release") + "/limpid")
    arguments.add_argument("--only", action="append", default=[])
    arguments.add_argument("--without", action="append", default=[])
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="limpid-interop-") as work:
        matrix = Matrix(Place(str(pathlib.Path(options.limpid).resolve()), pathlib.Path(work)))
        for peer in peers.ALL:
            if peer.name not in options.without and (not options.only or peer.name in options.only):
                matrix.try_peer(peer)
        matrix.draw()
    results = [row[3].split(":")[0] for row in matrix.rows]
    failed, skipped, passed = results.count("FAIL"), results.count("skipped"), results.count("pass")
    print(f"\ninterop cells: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0 if passed else 77


if __name__ == "__main__":
    sys.exit(main())
