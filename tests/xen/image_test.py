"""The boot images: what is in them, and that making one again gives the same bytes."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import sizes

BUILD = pathlib.Path(os.environ["LIMPID_BUILD_DIR"])


def commands(target):
    """The lines by which the build makes it."""
    return subprocess.run(
        ["ninja", "-C", BUILD, "-t", "commands", target], check=True, capture_output=True, text=True).stdout.splitlines()


class Image(unittest.TestCase):
    def test_only_what_may_is_in_it(self):
        for image, (link_map, _, allowed) in sizes.IMAGES.items():
            self.assertEqual(sizes.intruders(BUILD / link_map, allowed), [], image)

    def test_what_may_not_is_found(self):
        link_map = BUILD / sizes.IMAGES["limpid.elf"][0]
        self.assertIn("x509: key.cpp.o", sizes.intruders(link_map, sizes.SERVER))
        self.assertTrue(any(name.startswith("sodium") for name in sizes.intruders(link_map, set())))

    def test_made_again_it_is_the_same_bytes(self):
        *lines, link = commands("limpid.elf")
        compilations = [line for line in lines if " -c " in line]
        self.assertGreater(len(compilations), 100)
        with tempfile.TemporaryDirectory() as folder:
            def again(line, made):
                copy = pathlib.Path(folder, pathlib.Path(made).name)
                line = re.sub(r"-Map=\S+", f"-Map={copy}.map", line.replace(f" {made}", f" {copy}"))
                subprocess.run(line, shell=True, check=True, cwd=BUILD, env=os.environ | {"CCACHE_DISABLE": "1"})
                self.assertEqual(copy.read_bytes(), (BUILD / made).read_bytes(), made)

            for line in compilations[::40]:
                again(line, re.search(r" -o (\S+)", line)[1])
            again(link, "limpid.elf")


if not (BUILD / "limpid.elf").exists():
    print("skipped: there is no boot image, as libxen-dev is not installed or the build has sanitizers")
    sys.exit(77)
unittest.main()
