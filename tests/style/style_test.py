"""The habits of the code that a machine can check: form of the files, their length, and words that do not belong."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCES = (".cpp", ".hpp", ".h", ".S", ".ld")
SCRIPTS = (".py", ".sh", ".cmake", ".txt", ".json")
FOLDERS = ("limpid", "apps", "fuzz", "interop", "bench", "bindings", "tests", "cmake")
DATA = ("tests/purity/planted/",)

LONGEST_FILE = 700  # the habit is below 600
LONGEST_LINE = 140  # .clang-format wraps at 120; a comment or a text may go a little further
# Files that may be longer, each with its reason.
MAY_BE_LONGER = {}

FORBIDDEN = [
    (re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"), "a note to oneself: do it, or say plainly what is missing"),
    (re.compile(r"(?<![\w./$}])/(?:home|root|work|Users)/"), "a path of one machine"),
    (re.compile(r"^(<{7} |={7}$|>{7} )"), "a merge conflict"),
    (re.compile(r"[ \t]+$"), "trailing white space"),
]
FORBIDDEN_IN_SOURCES = [
    (re.compile(r"\t"), "a tab"),
    (re.compile(r"^\s*using namespace std\b"), "std stays a prefix"),
    (re.compile(r"\bNOLINT(?!(?:NEXTLINE|BEGIN|END)?\([\w.,-]+\))"), "NOLINT names the check that it silences"),
]


def files():
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.is_file() and path.suffix in SOURCES + SCRIPTS and not name.startswith(DATA):
                yield name, path


def complaints(name, path):
    text = path.read_text()
    lines = text.split("\n")
    is_source = path.suffix in SOURCES
    rules = FORBIDDEN + (FORBIDDEN_IN_SOURCES if is_source else [])
    is_this = path == pathlib.Path(__file__).resolve()
    for number, line in enumerate(lines, 1):
        for pattern, reason in rules:
            if pattern.search(line) and not is_this:
                yield f"{name}:{number}: {reason}"
        if is_source and len(line) > LONGEST_LINE:
            yield f"{name}:{number}: longer than {LONGEST_LINE} columns"
    if text and not text.endswith("\n"):
        yield f"{name}: no newline at its end"
    if path.suffix == ".hpp" and "#pragma once" not in lines:
        yield f"{name}: no #pragma once"
    if path.suffix in (".hpp", ".cpp") and len(lines) > MAY_BE_LONGER.get(name, LONGEST_FILE):
        yield f"{name}: {len(lines)} lines; one concept a file, at most {LONGEST_FILE} lines"
    if path.suffix in (".hpp", ".cpp") and not re.fullmatch(r"[a-z0-9_]+", path.stem):
        yield f"{name}: file names are snake_case"
    if name.startswith("limpid/") and path.suffix in (".hpp", ".cpp"):
        namespace = name.split("/")[1]
        wanted = "limpid" if namespace == "core" else f"limpid::{namespace}"
        opened = re.findall(r"^namespace ((?:\w+::)*\w+)", text, re.MULTILINE)
        if opened and not any(o == wanted or o.startswith(wanted + "::") or o == "std" for o in opened):
            yield f"{name}: opens {', '.join(sorted(set(opened)))}, not {wanted}"


def main():
    found = [complaint for name, path in files() for complaint in complaints(name, path)]
    print("\n".join(found) if found else "style: nothing to complain about")
    return 1 if found else 0


sys.exit(main())
