"""The summary of a run: counts, reasons of skips, and what CI makes of them."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SUMMARY = pathlib.Path(__file__).parent / "summary.py"

CTEST = """<?xml version="1.0"?>
<testsuite name="(empty)">
  <testcase name="tls" status="run"><system-out/></testcase>
  <testcase name="tls/crashed" status="fail"><failure message=""/><system-out/></testcase>
  <testcase name="tool/serve" status="run"><system-out>skipped: only mentioned</system-out></testcase>
  <testcase name="interop/chromium" status="notrun">
    <skipped message="SKIP_RETURN_CODE=77"/><system-out>hi
skipped: chromium is not installed
</system-out></testcase>
  <testcase name="silent" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/><system-out/></testcase>
</testsuite>"""

GTEST = """<?xml version="1.0"?>
<testsuites><testsuite name="Client">
  <testcase name="Connects" status="run" classname="Client"/>
  <testcase name="Vectors" status="run" classname="Client">
    <skipped message="client_test.cpp:7&#x0A;no vectors here&#x0A;"/></testcase>
  <testcase name="DISABLED_Later" status="notrun" classname="Client"/>
</testsuite></testsuites>"""


def summarize(ci):
    with tempfile.TemporaryDirectory() as folder:
        results = pathlib.Path(folder)
        (results / "ctest-quick.xml").write_text(CTEST)
        (results / "gtest-tls.xml").write_text(GTEST)
        environment = dict(os.environ, CI="true" if ci else "")
        return subprocess.run([sys.executable, SUMMARY, results], env=environment, capture_output=True, text=True)


class Summary(unittest.TestCase):
    def test_counts_and_names(self):
        run = summarize(ci=False)
        lines = run.stdout.splitlines()
        self.assertEqual(lines[-1], "2 passed, 2 failed, 2 skipped")
        self.assertIn("skipped: tls/Client.Vectors: no vectors here", lines)
        self.assertIn("skipped: interop/chromium: chromium is not installed", lines)
        self.assertIn("failed: tls/crashed", lines)
        self.assertTrue(any(line.startswith("failed: silent: ") for line in lines))
        self.assertEqual(run.returncode, 1)

    def test_ci_fails_a_skip_that_is_not_allowed(self):
        run = summarize(ci=True)
        self.assertEqual(run.stdout.splitlines()[-1], "2 passed, 4 failed, 0 skipped")
        self.assertIn("failed: tls/Client.Vectors: skipped (no vectors here), which", run.stdout)


unittest.main()
