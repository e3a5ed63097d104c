#!/usr/bin/env python3
"""`--keylog FILE` of serve and get: the secrets of a connection, by which a recording of it can be read."""

import os
import pathlib
import tempfile
import unittest

import tool

LABELS = ["CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0",
          "EXPORTER_SECRET"]


class KeyLog(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.site = self.root / "site"
        self.site.mkdir()
        (self.site / "index.html").write_text("hello")
        self.env = {"XDG_DATA_HOME": str(self.root / "data")}
        self.ours, self.theirs = self.root / "serve.keys", self.root / "get.keys"

    def test_both_ends_tell_the_same(self):
        self.ours.write_text("# what was there stays\n")
        self.ours.chmod(0o600)
        with tool.Serve(self.site, "--keylog", self.ours, env=self.env) as server:
            for _ in range(2):
                got = tool.run("get", server.url(), "-k", "--keylog", self.theirs)
                self.assertEqual((got.returncode, got.stdout), (0, "hello"), got.stderr)
                self.assertIn(f"limpid: the keys of every connection go to '{self.theirs}'", got.stderr)
            self.assertIn(f"limpid: the keys of every connection go to '{self.ours}'", server.stderr())
        lines = self.theirs.read_text()
        self.assertEqual(self.ours.read_text(), "# what was there stays\n" + lines)
        self.assertEqual(self.theirs.stat().st_mode & 0o777, 0o600)
        self.assertEqual([line.split(" ")[0] for line in lines.splitlines()], LABELS * 2)
        for line in lines.splitlines():
            self.assertRegex(line, r"^[A-Z0-9_]+ [0-9a-f]{64} ([0-9a-f]{64}|[0-9a-f]{96})$")

    def refused(self, *arguments):
        result = tool.run(*arguments, env=self.env)
        self.assertEqual(result.returncode, 1, result.stderr)
        return result.stderr.strip().splitlines()[-1]

    def test_what_others_may_read_is_no_place_for_keys(self):
        self.ours.touch(0o644)
        os.chmod(self.ours, 0o644)
        serve = ["serve", self.site, "--listen", "127.0.0.1:0", "--keylog"]
        expected = f"limpid: will not write keys to '{self.ours}': others may open it; run: chmod 600 '{self.ours}'"
        self.assertEqual(self.refused(*serve, self.ours), expected)
        self.assertEqual(self.refused("get", "https://127.0.0.1:1/", "--keylog", self.ours), expected)
        self.assertIn("would be served with", self.refused(*serve, self.site / "keys"))
        self.assertIn("choose another file", self.refused(*serve, self.root / "missing" / "keys"))


if __name__ == "__main__":
    unittest.main()
