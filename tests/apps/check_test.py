"""`limpid check` over captures of Linux's own TCP: direct, with superframes, over a relay that harms; and over bad files."""
# ctest: long 120

import re

import linux_pair
import tool


class Check(tool.Folder):
    def judge(self, path):
        result = tool.run("check", path)
        return result.returncode, result.stdout.splitlines(), result.stderr

    def captured(self, **options):
        if not linux_pair.LinuxPair.is_possible():
            self.skipTest("this process may not make network namespaces")
        with linux_pair.LinuxPair(str(self.root), **options) as pair:
            self.assertEqual([pair.fetch(address, 400_000) for address in ("10.9.0.2", "fd00:9::2")], [51_200, 51_200])
            return [pair.capture(side) for side in ("a", "b")]

    def test_linux_is_right(self):
        harm = {"seed": 1, "loss": 0.03, "reordering": 0.05, "duplication": 0.02}
        for options in ({}, {"offloads": True}, {"relay": harm}):
            for path in self.captured(**options):
                status, lines, errors = self.judge(path)
                self.assertEqual((status, errors, len(lines)), (0, "", 1), lines[:5])
                self.assertRegex(lines[0], r"^\d+ frames, \d+ TCP segments of 2 connections.*: 0 violations$")

    def test_damage_is_found_and_named(self):
        for path in self.captured(relay={"seed": 2, "corruption": 0.05}):
            status, lines, _ = self.judge(path)
            self.assertEqual(status, 1)
            for line in lines[:-1]:
                self.assertRegex(line, r"^packet \d+: \w+")
            self.assertTrue(any(re.match(r"packet \d+: transport_checksum: ", line) for line in lines), lines[:5])

    def test_what_is_no_capture(self):
        (self.root / "text").write_text("no capture at all, only words in a file")
        for path in (self.root / "text", self.root / "absent", self.root):
            status, lines, errors = self.judge(path)
            self.assertEqual((status, lines), (1, []))
            self.assertRegex(errors, r"^limpid: cannot check '.*': .*; name a capture.*\n$")


if __name__ == "__main__":
    tool.main()
