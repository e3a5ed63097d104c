"""A small ./dev demo."""

import pathlib
import subprocess
import sys

import tool


class Demo(tool.Folder):
    def test_a_small_one(self):
        tool.need("curl")
        script = pathlib.Path(__file__).with_name("demo.py")
        shown = subprocess.run([sys.executable, script, "--mib", "48", "--rate", "16M", tool.LIMPID], capture_output=True, text=True,
                               timeout=100)
        self.assertEqual((shown.returncode, shown.stderr), (0, ""), shown.stdout)
        for words in ("curl goes on", "curl noticed nothing", "a stale snapshot is refused", "every answer is the same, byte for byte"):
            self.assertIn(words, shown.stdout)


if __name__ == "__main__":
    tool.main()
