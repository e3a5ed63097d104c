"""Judges the pure archives of a build, and proves on planted violations that the judge would have noticed.

    check.py archives SOURCE_DIR BUILD_DIR
    check.py planted COMPILER FLAGS...
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import purity

PLANTED = pathlib.Path(__file__).parent / "planted"


def check_archives(source_dir, build_dir):
    archives = purity.built_archives(build_dir)
    failed = False
    for folder in purity.ROWS:
        sources = purity.folder_sources(source_dir, folder)
        found = purity.violations(folder, archives, sources)
        failed = failed or bool(found)
        print("\n".join(found) if found else f"{folder}: pure, {len(sources)} files")
        if folder not in archives and any(source.suffix in (".cpp", ".S") for source in sources):
            failed = True
            print(f"{folder}: has sources but no archive in {build_dir}")
    return failed


def check_planted(compiler):
    """Each file's first line is `// folder: what must be found`, or `// folder: pure`."""
    failed = False
    files = sorted(PLANTED.glob("*.cpp"))
    for source in files:
        folder, expected = source.read_text().splitlines()[0].removeprefix("// ").split(": ", 1)
        with tempfile.TemporaryDirectory() as scratch:
            compiled, archive = os.path.join(scratch, "planted.o"), os.path.join(scratch, "planted.a")
            subprocess.run([*compiler, "-w", "-c", source, "-o", compiled], check=True)
            subprocess.run(["ar", "rcsD", archive, compiled], check=True)
            found = purity.violations(folder, {folder: archive}, [source])
        good = not found if expected == "pure" else any(expected in violation for violation in found)
        failed = failed or not good
        print(f"{'caught' if found else 'passed'}: {source.name}" if good else
              f"NOT AS PLANTED: {source.name}: expected '{expected}', found {found}")
    print(f"{len(files)} planted files")
    return failed or len(files) == 0


if sys.argv[1] == "archives":
    sys.exit(check_archives(*sys.argv[2:]))
sys.exit(check_planted(sys.argv[2:]))
