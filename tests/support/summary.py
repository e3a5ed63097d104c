"""Counts what a run of the tests left in a results folder: ctest's JUnit files, and GoogleTest's for the programs
among them. Names every failure and every skip with its reason, and ends with `N passed, N failed, N skipped`.

With CI=true a skip is a failure unless tests/allowed_skips names it.
"""

import fnmatch
import os
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

ALLOWED_SKIPS = pathlib.Path(__file__).parent.parent / "allowed_skips"


def allowed_skips():
    """Lines of `pattern: reason`; a pattern is a shell pattern over test names."""
    patterns = []
    for line in ALLOWED_SKIPS.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            pattern, reason = line.split(": ", 1)
            if not reason.strip():
                sys.exit(f"{ALLOWED_SKIPS.name}: '{pattern}' has no reason")
            patterns.append(pattern)
    return patterns


def gtest_cases(file, program):
    """(name, 'passed' | 'failed' | 'skipped', reason) of every case that a GoogleTest program ran."""
    for case in ElementTree.parse(file).iter("testcase"):
        name = f"{program}/{case.get('classname')}.{case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None:
            yield name, "failed", ""
        elif skipped is not None:
            # GoogleTest writes "file:line" above what the test said.
            said = (skipped.get("message") or "").strip().splitlines()
            yield name, "skipped", " ".join(line for line in said if not re.fullmatch(r"\S+:\d+", line))
        elif case.get("status") == "run":
            yield name, "passed", ""


def ctest_case(case):
    output = case.findtext("system-out") or ""
    if case.find("failure") is not None or case.get("status") == "fail":
        return "failed", ""
    if case.find("skipped") is not None or case.get("status") == "notrun":
        reasons = re.findall(r"^skipped: (.*)$", output, re.MULTILINE)
        if not reasons:
            return "failed", "skipped without giving a reason, or its program is missing"
        return "skipped", "; ".join(reasons)
    return "passed", ""


def all_cases(results):
    for file in sorted(results.glob("ctest-*.xml")):
        for case in ElementTree.parse(file).iter("testcase"):
            name = case.get("name")
            outcome, reason = ctest_case(case)
            gtest_file = results / f"gtest-{name.replace('/', '.')}.xml"
            inner = list(gtest_cases(gtest_file, name)) if gtest_file.exists() else []
            yield from inner
            # A program that crashed, ran out of time or failed outside its cases counts as one failure.
            if not inner or (outcome == "failed" and not any(o == "failed" for _, o, _ in inner)):
                yield name, outcome, reason


def main():
    cases = list(all_cases(pathlib.Path(sys.argv[1])))
    if os.environ.get("CI") == "true":
        allowed = allowed_skips()
        cases = [
            (name, "failed", f"skipped ({reason}), which tests/allowed_skips does not allow")
            if outcome == "skipped" and not any(fnmatch.fnmatch(name, pattern) for pattern in allowed)
            else (name, outcome, reason)
            for name, outcome, reason in cases
        ]
    print()
    for wanted in ("skipped", "failed"):
        for name, outcome, reason in cases:
            if outcome == wanted:
                print(f"{wanted}: {name}" + (f": {reason}" if reason else ""))
    passed, failed, skipped = (sum(o == wanted for _, o, _ in cases) for wanted in ("passed", "failed", "skipped"))
    if not cases:
        print("no test has such a name")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or not cases else 0)


main()
