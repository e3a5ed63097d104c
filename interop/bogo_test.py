#!/usr/bin/env python3
# ctest: long 900
"""BoringSSL's conformance suite, BoGo, against bogo_shim, with the exceptions of bogo_config.json.

$BOGO_RUNNER is its runner, built from google/boringssl at f51d8b099832 by `go test -c ./ssl/test/runner`; without it the
test is skipped. $BOGO_TESTS, shell patterns with semicolons between them, chooses among its tests.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent
CONFIG = SOURCE / "bogo_config.json"
BUILD = pathlib.Path(os.environ.get("LIMPID_BUILD_DIR", SOURCE.parent / "build" / "release"))


def run(runner, work, *options):
    """Counts by outcome, and what the runner printed."""
    results = pathlib.Path(work) / "results.json"
    results.unlink(missing_ok=True)
    done = subprocess.run(
        [runner, "-shim-path", BUILD / "interop" / "bogo_shim", "-shim-config", CONFIG, "-json-output", results,
         "-allow-unimplemented", "-pipe", "-num-workers", str(2 * (os.cpu_count() or 1)),
         "-test", os.environ.get("BOGO_TESTS", ""), *options],
        cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if not results.exists():
        sys.exit(f"bogo: the runner ended with {done.returncode}: {done.stdout[-2000:]}")
    return json.loads(results.read_text())["num_failures_by_type"], done.stdout


def main():
    runner = os.environ.get("BOGO_RUNNER")
    if not runner:
        print("skipped: BOGO_RUNNER does not name BoringSSL's test runner")
        sys.exit(77)
    for pattern, reason in json.loads(CONFIG.read_text())["DisabledTests"].items():
        if len(reason) < 10:
            sys.exit(f"bogo: {CONFIG.name} disables '{pattern}' without a reason")
    with tempfile.TemporaryDirectory() as work:
        counts, output = run(runner, work)
        # The runner does not count what it does not run: a flag that the shim does not know makes it skip everything.
        every, _ = run(runner, work, "-include-disabled", "-shim-extra-flags", "-only-to-be-counted")
    for failure in re.findall(r"^FAILED \(.*?(?=^(?:PASSED|FAILED|UNIMPLEMENTED)|\Z)", output, re.MULTILINE | re.DOTALL):
        print(failure.strip()[:2000])
    passed, failed, skipped = (counts.get(outcome, 0) for outcome in ("PASS", "FAIL", "SKIP"))
    disabled = sum(every.values()) - passed - failed - skipped
    print(f"bogo: {passed} passed, {failed} failed, {disabled} disabled with a reason, {skipped} about what the shim has no flag for")
    sys.exit(0 if passed and not failed else 1)


main()
