#!/usr/bin/env python3
"""Plants faults in the pure libraries and asks whether their own tests notice.

Two kinds: the patches beside this script, each a mistake somebody could make, and mutants sampled by a seeded script
(a comparison turned, a constant moved, a condition negated, a statement dropped). Each is applied to a copy of the tree,
its library rebuilt and that folder's tests run. A mutant that no test notices has survived; survivors are listed in
survivors.txt with the reason why that is right, and any other survivor makes this script fail.

Usage: run.py [--sampled N] [--seed S] [--only REGEX] [--folder NAME]
"""

import argparse
import contextlib
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "build" / "mutants"
TREE = WORK / "tree"
BUILD = WORK / "build"
LIMIT = 60  # seconds for one test program, ten times what any takes; a mutant that hangs is caught

# What is turned into what. Each is a mistake that compiles.
MUTATIONS = [
    (r"(?<![<>=!-])<=(?!=|>)", "<"), (r"(?<![<>=!-])>=(?!=)", ">"),
    (r" < (?=[\w(])", " <= "), (r" > (?=[\w(])", " >= "),
    (r"==", "!="), (r"!=", "=="), (r"&&", "||"), (r"\|\|", "&&"),
    (r" \+ 1\b", " + 2"), (r" - 1\b", " - 0"), (r"\+=", "-="),
    (r"\breturn true;", "return false;"), (r"\breturn false;", "return true;"),
    (r"(?<=[ (,{])(\d{1,5})(?=[ ),;}])", lambda m: str(int(m.group(1)) + 1)),
    (r"\bif \((?!constexpr)", "if (!("),  # closed below
    (r"^\s+[\w.\->]+\(.*\);$", ""),       # drop a call
]


def shell(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options)


def prepare():
    if TREE.exists():
        shutil.rmtree(TREE)
    TREE.mkdir(parents=True)
    shared = ROOT.parent / "shared"
    if shared.exists() and not (WORK / "shared").exists():
        (WORK / "shared").symlink_to(shared)
    files = shell("git", "-C", str(ROOT), "ls-files").stdout.split("\n")
    for name in filter(None, files):
        source = ROOT / name
        if source.is_file():
            target = TREE / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)  # new, so that nothing built from a mutant of an earlier run is kept
    done = shell("cmake", "--preset", "release", "-S", str(TREE), "-B", str(BUILD), cwd=TREE)
    if done.returncode != 0:
        sys.exit(f"mutants: cmake failed\n{done.stdout[-2000:]}")


def folder_of(path):
    return pathlib.PurePath(path).parts[1]


def test_program(folder):
    return f"{folder}_tests"


def verdict(folder):
    """'caught', 'survived' or 'does not build' for the tree as it is now."""
    target = test_program(folder)
    if shell("cmake", "--build", str(BUILD), "--target", target).returncode != 0:
        return "does not build"
    program = next((BUILD / "tests").rglob(target))  # some folders have a CMakeLists.txt of their own
    process = subprocess.Popen([program, "--gtest_fail_fast"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)
    try:
        return "caught" if process.wait(LIMIT) != 0 else "survived"
    except subprocess.TimeoutExpired:
        return "caught"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # a death test's child may hang too
        process.wait()


def mutable_lines(path):
    """Line numbers of statements: no comments, preprocessor lines, signatures of templates or plain data. What stands
    in quotes is blotted out: other words for people to read are no fault."""
    for number, line in enumerate((TREE / path).read_text().split("\n")):
        code = line.split("//")[0].rstrip()
        if not code.strip() or code.lstrip().startswith(("#", "//", "template", "static_assert", "using", "namespace")):
            continue
        yield number, re.sub(r'"(?:[^"\\]|\\.)*"', lambda quoted: '"' + "." * (len(quoted[0]) - 2) + '"', code)


def sampled(count, seed, folder):
    dice = random.Random(seed)
    files = [str(p.relative_to(TREE)) for p in sorted((TREE / "limpid").rglob("*.[ch]pp"))]
    files = [f for f in files if (TREE / "tests" / folder_of(f)).is_dir() and (folder is None or folder_of(f) == folder)
             and folder_of(f) not in ("effects", "xen_netfront")]
    candidates = []
    for path in files:
        for number, code in mutable_lines(path):
            for which, (pattern, _) in enumerate(MUTATIONS):
                for match in re.finditer(pattern, code):
                    candidates.append((path, number, which, match.start()))
    dice.shuffle(candidates)
    used = set()
    for path, number, which, at in candidates:
        if (path, number) in used:
            continue
        used.add((path, number))
        line = (TREE / path).read_text().split("\n")[number]
        pattern, replacement = MUTATIONS[which]
        match = next((m for m in re.finditer(pattern, line) if m.start() == at), None)
        if match is None:
            continue
        if replacement == "if (!(":
            depth, end = 0, None
            for i in range(match.end() - 1, len(line)):
                depth += {"(": 1, ")": -1}.get(line[i], 0)
                if depth == 0:
                    end = i
                    break
            if end is None or ";" in line[match.end():end]:
                continue
            mutated = line[:match.start()] + "if (!(" + line[match.end():end] + "))" + line[end + 1:]
        else:
            mutated = line[:match.start()] + match.expand(replacement) if isinstance(replacement, str) else None
            mutated = (mutated if mutated is not None else line[:match.start()] + replacement(match)) + line[match.end():]
        if mutated != line:
            yield path, number, line, mutated
            count -= 1
        if count == 0:
            return


def known_survivors():
    """Lines `pattern | reason`: the pattern is a part of `path: mutated line`."""
    known = []
    for line in (HERE / "survivors.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            pattern, _, reason = line.partition(" | ")
            known.append((pattern.strip(), reason.strip()))
    return known


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--sampled", type=int, default=100)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--only", default="")
    arguments.add_argument("--folder")
    options = arguments.parse_args()

    prepare()
    known = known_survivors()
    caught, listed, survived, broken = 0, 0, [], 0

    def judge(label, folder, detail):
        nonlocal caught, listed
        started = time.monotonic()
        result = verdict(folder)
        if result == "caught":
            caught += 1
        elif result == "survived":
            reason = next((r for p, r in known if p in detail), None)
            if reason:
                listed += 1
                result = f"survived, listed: {reason}"
            else:
                survived.append(detail)
        print(f"{result:<16} {time.monotonic() - started:5.1f} s  {label}", flush=True)
        return result

    patches = [p for p in sorted(HERE.glob("*.patch")) if re.search(options.only, p.name)]
    folders = set()
    for patch in patches:
        folders.update(folder_of(m) for m in re.findall(r"^\+\+\+ b/(limpid/\S+)", patch.read_text(), re.M))
    mutants = list(sampled(options.sampled, options.seed, options.folder)) if not options.only and options.sampled else []
    folders.update(folder_of(path) for path, *_ in mutants)
    for folder in sorted(folders):
        if verdict(folder) != "survived":
            sys.exit(f"mutants: the tests of {folder} fail without any mutant; mend that first")
        print(f"sound            {folder}", flush=True)

    for patch in patches:
        text = patch.read_text()
        touched = re.findall(r"^\+\+\+ b/(\S+)", text, re.M)
        apply = shell("patch", "-p1", "--forward", "-i", str(patch), cwd=TREE)
        if apply.returncode != 0:
            print(f"does not apply          {patch.name}")
            broken += 1
        else:
            folder = next((folder_of(t) for t in touched if t.startswith("limpid/")), None)
            if judge(patch.name, folder, patch.name) == "does not build":
                broken += 1
        for name in touched:
            shutil.copy2(ROOT / name, TREE / name)
            (TREE / name).touch()
        for stray in [p for n in touched for p in (TREE / n).parent.glob("*.rej")] + [
                p for n in touched for p in (TREE / n).parent.glob("*.orig")]:
            stray.unlink()

    for path, number, line, mutated in mutants:
        file = TREE / path
        text = file.read_text()
        lines = text.split("\n")
        lines[number] = mutated
        file.write_text("\n".join(lines))
        detail = f"{path}: {mutated.strip() or '(dropped) ' + line.strip()}"
        judge(f"{path}:{number + 1}: {line.strip()}  ->  {mutated.strip() or '(dropped)'}", folder_of(path), detail)
        file.write_text(text)

    print(f"\nmutants: {caught} caught, {listed} listed survivors, {len(survived)} unlisted survivors, {broken} unusable patches")
    for detail in survived:
        print(f"  survived: {detail}")
    return 1 if survived or broken else 0


if __name__ == "__main__":
    sys.exit(main())
