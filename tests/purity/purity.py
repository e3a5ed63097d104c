"""What makes a pure archive impure (ARCHITECTURE.md, "Purity"): finds every violation in archives and sources.

A violation is a string `folder: what is wrong: where`. The rules are facts about object code wherever they can be, so
that no macro, template or inline assembly slips past them.
"""

import pathlib
import re
import subprocess

# The folders of pure code, lowest first, and what each may use besides itself.
ROWS = {
    "core": [],
    "crypto": ["core"],
    "asn1": ["core"],
    "x509": ["core", "crypto", "asn1"],
    "tls": ["core", "crypto"],
    "tcpip": ["core", "crypto"],
    "http": ["core"],
    "xen_netfront/protocol": ["core"],
    "stack": ["core", "crypto", "asn1", "x509", "tls", "tcpip", "http"],
    "sim": ["core", "crypto", "tcpip", "xen_netfront/protocol"],
}

# Standard headers that neither allocate nor reach the system. (<cstdlib> is there for abort; what else it declares would
# show up as an undefined symbol.)
STANDARD_HEADERS = set(
    """algorithm array bit charconv compare concepts cstddef cstdint cstdlib cstring expected initializer_list
    iterator limits new numeric optional ranges span string_view tuple type_traits utility variant""".split()
)
FOLDER_HEADERS = {"crypto": {"immintrin.h", "sodium.h"}}

# What the compilers emit calls to, the checks of checked accesses, and the one allocator hook.
SYMBOLS = set(
    """memcpy memmove memset memcmp memchr strlen bcmp abort __stack_chk_fail
    limpid_allocate limpid_release _GLOBAL_OFFSET_TABLE_""".split()
)

# The functions of libsodium that are pure: no global state, no randomness, no need for sodium_init.
SODIUM_SYMBOLS = set(
    """crypto_stream_chacha20_ietf crypto_stream_chacha20_ietf_xor_ic crypto_onetimeauth_poly1305_init
    crypto_onetimeauth_poly1305_update crypto_onetimeauth_poly1305_final crypto_shorthash_siphash24""".split()
)

# Instructions whose result depends on more than registers and memory, or that leave the process.
INSTRUCTIONS = re.compile(
    r"^(?:(?:rep|repz|lock|bnd|notrack|data16) )*(rdtscp?|rdrand|rdseed|cpuid|xgetbv|rdpmc|rdpid|rdpkru|syscall|sysenter|"
    r"int|in[bwl]?|out[bwl]?|ins[bwl]|outs[bwl]|hlt|rdfsbase|rdgsbase|wrfsbase|wrgsbase|sgdt|sidt|str|sldt|smsw|rdsspq)\b"
)
CANARY = "%fs:0x28"


def _run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, errors="replace").stdout


def symbols(archive):
    """(names defined, {name undefined: object}, names resolved at load time) of an archive."""
    defined, undefined, indirect = set(), {}, set()
    member = ""
    for line in _run("nm", archive).splitlines():
        if line.endswith(":"):
            member = line[:-1]
        match = re.match(r"^[0-9a-f ]{16} (\w) (\S+)$", line)
        if not match:
            continue
        kind, name = match.groups()
        if kind in "Uwv":
            undefined[name] = member
        else:
            defined.add(name)
            if kind == "i":
                indirect.add(name)
    return defined, {name: where for name, where in undefined.items() if name not in defined}, indirect


def symbol_violations(folder, archives):
    """archives: {folder: path} of everything built. A symbol may come from the folder's own row only."""
    row = {name for used in ROWS[folder] if used in archives for name in symbols(archives[used])[0]}
    allowed = SYMBOLS | row | (SODIUM_SYMBOLS if folder == "crypto" else set())
    _, undefined, indirect = symbols(archives[folder])
    for name, where in sorted(undefined.items()):
        if name not in allowed:
            yield f"{folder}: undefined symbol {name}: {where}"
    for name in sorted(indirect):
        yield f"{folder}: symbol chosen at load time {name}: {archives[folder]}"


def section_violations(folder, archive):
    """Writable memory that lives as long as the process: .data, .bss, .tdata, .tbss, .init_array and their like."""
    member = ""
    for line in _run("readelf", "--sections", "--wide", archive).splitlines():
        if line.startswith("File: "):
            member = line[6:]
        match = re.match(r"^  \[ *\d+\] (\S+) +\S+ +[0-9a-f]{16} [0-9a-f]+ ([0-9a-f]+) [0-9a-f]{2} +([A-Za-z]*) ", line)
        if not match:
            continue
        name, size, flags = match.group(1), int(match.group(2), 16), match.group(3)
        # .data.rel.ro is written by the loader only.
        if "W" in flags and size > 0 and not re.match(r"^\.data\.rel\.ro(\.|$)", name):
            yield f"{folder}: state outside a value, section {name}: {member}"


def instruction_violations(folder, archive):
    member = function = ""
    found = set()
    for line in _run("objdump", "-d", "--no-show-raw-insn", archive).splitlines():
        if line.endswith(">:"):
            function = line[line.index("<") + 1 : -2]
        elif not line.startswith(" "):
            member = line.split(":")[0] if "file format" in line else member
        else:
            instruction = line.split("\t", 1)[-1].split("#")[0].strip()
            match = INSTRUCTIONS.match(instruction)
            if match:
                found.add(f"{folder}: instruction {match.group(1)} reads the world: {member}, {function}")
            elif "%fs:" in instruction.replace(CANARY, "") or "%gs:" in instruction:
                found.add(f"{folder}: instruction reads a segment that is not the canary: {member}, {function}")
    return sorted(found)


def include_violations(folder, sources):
    may_use = {folder, *ROWS[folder]}
    headers = STANDARD_HEADERS | FOLDER_HEADERS.get(folder, set())
    for source in sources:
        for number, line in enumerate(source.read_text().splitlines(), 1):
            match = re.match(r"^\s*#\s*(?:include|include_next|import)\b\s*(.*)$", line)
            if not match:
                continue
            what = match.group(1).split("//")[0].strip()
            own = re.match(r'^"limpid/(xen_netfront/protocol|[a-z0-9_]+)/[a-z0-9_/]+\.hpp"$', what)
            standard = re.match(r"^<([a-z0-9_./]+)>$", what)
            if not (own and own.group(1) in may_use or standard and standard.group(1) in headers):
                yield f"{folder}: include of {what}: {source}:{number}"


def violations(folder, archives, sources):
    """All that is wrong with one folder. Without an archive (only headers yet) the sources are judged alone."""
    found = list(include_violations(folder, sources))
    if folder in archives:
        found += symbol_violations(folder, archives)
        found += section_violations(folder, archives[folder])
        found += instruction_violations(folder, archives[folder])
    return found


def folder_sources(source_dir, folder):
    """Every file, whatever its name: nothing in a pure folder is exempt."""
    return sorted(path for path in (pathlib.Path(source_dir) / "limpid" / folder).rglob("*") if path.is_file())


def built_archives(build_dir):
    paths = {folder: pathlib.Path(build_dir) / "libraries" / f"liblimpid_{folder.replace('/', '_')}.a" for folder in ROWS}
    return {folder: path for folder, path in paths.items() if path.exists()}
