#!/usr/bin/env python3
# ctest: long 900
"""The digests of 16 seeded exchanges are the committed ones, whatever built or runs them.

Builds tests/digests with g++ and clang at -O0 and -O2 (the build's own is one of the four), and runs each; the build's own
runs under qemu-x86_64 as a Nehalem too, which has no AES-NI.
`digests_test.py --update` writes digests.txt from the build's own program.
"""

import difflib
import os
import pathlib
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("LIMPID_BUILD_DIR", SOURCE / "build" / "release"))
EXPECTED = pathlib.Path(__file__).with_name("digests.txt")
VARIANTS = [("g++", "gcc", "-O0"), ("clang++-19", "clang-19", "-O0"), ("clang++-19", "clang-19", "-O2")]


def output(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"digests: {' '.join(map(str, command))} ended with {done.returncode}")
    return done.stdout


def compare(what, printed):
    if printed != EXPECTED.read_text():
        sys.stdout.writelines(difflib.unified_diff(EXPECTED.read_text().splitlines(True), printed.splitlines(True), "committed", what))
        sys.exit(f"digests: {what} differs from the committed digests")
    print(f"equal: {what}", flush=True)


own = BUILD / "tests" / "digests" / "digests"
if sys.argv[1:] == ["--update"]:
    EXPECTED.write_text(output(own))
    sys.exit(0)
compare("the build's own", output(own))

skipped = []
if shutil.which("qemu-x86_64"):
    compare("the build's own on a Nehalem", output("qemu-x86_64", "-cpu", "Nehalem", own))
else:
    skipped.append("qemu-x86_64 is not installed")
for cxx, cc, level in VARIANTS:
    if shutil.which(cxx) is None:
        skipped.append(f"{cxx} is not installed")
        continue
    folder = BUILD / "digests" / f"{cxx}{level}"
    subprocess.run(["cmake", "-S", SOURCE, "-B", folder, "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={cxx}", f"-DCMAKE_C_COMPILER={cc}",
                    f"-DLIMPID_OPTIMIZE={level}"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder, "--target", "digests"], check=True, stdout=subprocess.DEVNULL)
    compare(f"{cxx} {level}", output(folder / "tests" / "digests" / "digests"))
if skipped:
    print("skipped: " + "; ".join(skipped))
    sys.exit(77)
