"""No branch and no address depends on a secret: checks.cpp under valgrind, over the objects of this build and over those
that the other compiler makes of the same sources. And the proof that it would be noticed: a leak planted into the
code behind each check must be reported.
"""
# ctest: long 600

import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ["LIMPID_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["LIMPID_BUILD_DIR"])
PROGRAM = "tests/constant_time/constant_time_checks"
OBJECTS = "tests/constant_time/CMakeFiles/constant_time_checks.dir/**/*.o"

# The checks that see it, the file, the line behind which it is planted, and the secret whose low bit is branched on.
PLANTED = [
    ("sha256 sha384 sha512", "limpid/crypto/portable/sha2.cpp", "const Word t2 = ", "e"),
    ("hmac_sha256 hmac_sha384", "limpid/crypto/hmac.cpp", "byte ^= 0x36;", "block[0]"),
    ("hkdf_sha256 hkdf_sha384", "limpid/crypto/hkdf.cpp", "previous = next.finish(cpu);", "previous.bytes()[0]"),
    ("generator", "limpid/crypto/generator.cpp", "crypto_stream_chacha20_ietf(block", "block.bytes()[40]"),
    ("comparison", "tests/constant_time/checks.cpp", "const bool equal =", "equal"),
    ("keyed_hash", "limpid/crypto/keyed_hash.cpp", "crypto_shorthash_siphash24(", "hash[0]"),
    ("aes_128_gcm_portable", "limpid/crypto/portable/aes.cpp", "add_round_key(q, round_keys_[0]);", "q[0][0]"),
    ("aes_256_gcm_portable", "limpid/crypto/portable/ghash.cpp", "high ^= hash_.high;", "low"),
    ("aes_128_gcm_x86", "limpid/crypto/x86/aes_gcm.cpp", "const Block high = ", "_mm_cvtsi128_si32(low)"),
    ("aes_256_gcm_x86", "limpid/crypto/x86/aes_gcm.cpp", "Block even = load(key)", "_mm_cvtsi128_si32(even)"),
    ("chacha20_poly1305", "limpid/crypto/portable/chacha20_poly1305.cpp", "_poly1305_final(", "tag.bytes()[0]"),
    ("seal", "limpid/crypto/seal.cpp", "hkdf_expand(", "derived.bytes()[0]"),
    ("x25519", "limpid/crypto/x25519.cpp", "const int refused", "shared[0]"),
    ("p256 ecdsa_p256", "limpid/crypto/p256_point.cpp", "T found{};", "magnitude"),
    ("ecdsa_p256", "limpid/crypto/ecdsa.cpp", "const Number inverse = ", "inverse[0]"),
    ("ed25519", "limpid/crypto/ed25519.cpp", "copy(seed, secret_key", "seed[0]"),
    ("private_keys", "limpid/crypto/signature.cpp", "copy(scalar_or_seed", "scalar_or_seed[0]"),
]


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def run(*command, **options):
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


def must(*command, **options):
    done = run(*command, **options)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))}\n{done.stdout}")


def check(program, *names):
    return run("valgrind", "-q", "--error-limit=no", program, *names)


def report_lines(output):
    return [line for line in output.splitlines() if not line.startswith("==")]


def judge(program, compiler):
    """All checks over one build; what valgrind said is shown when one fails."""
    done = check(program)
    print(f"{compiler}:", *(report_lines(done.stdout) if done.returncode == 0 else [done.stdout]), sep="\n  ")
    return done.returncode == 0


def build_with(compiler):
    """The check program and the pure archives behind it, of the same sources by another compiler."""
    tree = BUILD / "constant_time" / compiler
    # valgrind reads clang's debug information only in this format.
    must("cmake", "-S", SOURCE, "-B", tree, "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={compiler}", "-DCMAKE_CXX_FLAGS=-gdwarf-4")
    must("cmake", "--build", tree, "--target", "constant_time_checks")
    return tree / PROGRAM


def planted_source(text, anchor, secret):
    at = text.find(anchor)
    if at < 0:
        sys.exit(f"nothing to plant behind: '{anchor}' is gone")
    end = text.index(";\n", at) + 2
    return text[:end] + f'if (({secret}) & 1) asm volatile("nop");\n' + text[end:]


def compile_command(file):
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        if entry["file"] == str(file):
            return shlex.split(entry["command"]), entry["directory"]
    sys.exit(f"{file} is not in compile_commands.json")


def plant(names, path, anchor, secret):
    """(the report, whether every one of the checks noticed)"""
    file = SOURCE / path
    command, directory = compile_command(file)
    with tempfile.TemporaryDirectory() as scratch:
        source, compiled, program = (os.path.join(scratch, name) for name in ("planted.cpp", "planted.o", "planted"))
        pathlib.Path(source).write_text(planted_source(file.read_text(), anchor, secret))
        command[command.index("-o") + 1] = compiled
        command[command.index(str(file))] = source
        must(*command, "-w", cwd=directory)
        compiler = command[1] if command[0].endswith("ccache") else command[0]
        # The planted object stands in for the library's: its symbols are there before the archive is searched.
        objects = [made for made in BUILD.glob(OBJECTS) if made.name != file.name + ".o"]
        archives = [BUILD / "libraries" / f"liblimpid_{name}.a" for name in ("crypto", "core")]
        must(compiler, "-o", program, compiled, *objects, *archives, "-lsodium")
        said = report_lines(check(program, *names.split()).stdout)
    unnoticed = [line for line in said if "LEAKS" not in line and "not run" not in line]
    if unnoticed or len(said) != len(names.split()):
        return f"NOT NOTICED: a branch on {secret} in {path}: {said}", False
    return f"noticed by {names.replace(' ', ', ')}: a branch on {secret} in {path}", True


def main():
    if not (BUILD / PROGRAM).exists():
        skip("this build has no constant_time_checks: it is instrumented, or valgrind was not there when it was made")
    cache = (BUILD / "CMakeCache.txt").read_text()
    compiler = os.path.basename(re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.MULTILINE)[1])
    other = "g++" if "clang" in compiler else "clang++-19"
    good = judge(BUILD / PROGRAM, compiler)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for report, noticed in pool.map(lambda planted: plant(*planted), PLANTED):
            print(report)
            good = good and noticed
    if shutil.which(other) is None:
        sys.exit(f"{other} is not installed: half of the objects were not checked")
    good = judge(build_with(other), other) and good
    sys.exit(0 if good else 1)


main()
