"""No branch and no address depends on a secret: checks.cpp under valgrind, over the objects of this build and over those
that the other compiler makes of the same sources; and, for the instructions that valgrind does not know, in a build
with clang's MemorySanitizer. And the proof that it would be noticed: a leak planted into the code behind each check
must be reported.
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
    ("x25519", "limpid/crypto/x25519.cpp", "const Limb k_t = ", "k_t"),
    ("x25519 ed25519", "limpid/crypto/edwards25519.cpp", "const Limb index = ", "index"),
    ("x25519 ed25519", "limpid/crypto/scalar25519.cpp", "auto scalar = ", "scalar[0]"),
    ("p256 p256_x86 p384 ecdsa_p256 ecdsa_p256_x86 ecdsa_p384", "limpid/crypto/elliptic_curve.cpp", "T found{};",
     "magnitude"),
    ("rsa", "limpid/crypto/rsa.cpp", "const LongNumber difference = ", "difference[0]"),
    ("rsa", "limpid/crypto/rsa.cpp", "const LongNumber product = modulo_p", "product[0]"),
    ("rsa", "limpid/crypto/rsa.cpp", "const LongNumber r = ", "r[0]"),
    ("ecdsa_p256 ecdsa_p384", "limpid/crypto/ecdsa.cpp", "const Number inverse = ", "inverse[0]"),
    ("ed25519", "limpid/crypto/ed25519.cpp", "const Secret<64> expanded = ", "expanded.bytes()[0]"),
    ("ed25519", "limpid/crypto/ed25519.cpp", "const Limbs<4> s = ", "s[0]"),
    ("private_keys", "limpid/crypto/signature.cpp", "copy(scalar_or_seed", "scalar_or_seed[0]"),
]
# The same, for what valgrind cannot run. (MemorySanitizer does not follow what a sum carries into a bit that was known.)
PLANTED_FOR_MEMORY_SANITIZER = [
    ("sha256_x86 hmac_sha256_x86 hkdf_sha256_x86", "limpid/crypto/x86/sha256.cpp", "const Words sum = _mm_add",
     "_mm_cvtsi128_si32(sum)"),
    ("aes_128_gcm_vaes aes_256_gcm_vaes", "limpid/crypto/x86/vaes_gcm.cpp", "blocks = _mm512_xor_si512(blocks, keys",
     "_mm512_cvtsi512_si32(blocks)"),
    ("aes_128_gcm_vaes aes_256_gcm_vaes", "limpid/crypto/x86/vaes_gcm.cpp", "const Vector high =",
     "_mm512_cvtsi512_si32(high)"),
    ("chacha20_poly1305_x86", "limpid/crypto/x86/chacha20.cpp", "a = add(a, b);", "_mm512_cvtsi512_si32(a)"),
    ("chacha20_poly1305_x86", "limpid/crypto/x86/poly1305.cpp", "Vector limb = ", "_mm512_cvtsi512_si32(limb)"),
    ("chacha20_poly1305_x86", "limpid/crypto/x86/poly1305.cpp", "less.limb[2] += ", "less.limb[2]"),
    ("x25519_x86", "limpid/crypto/x86/x25519.cpp", "const Limb bit = ", "bit"),
    ("x25519_x86", "limpid/crypto/x86/x25519.cpp", "const Element x = ", "x.digit[0]"),
    ("rsa_x86", "limpid/crypto/x86/rsa_power.cpp", "const Vector entry = ", "_mm512_cvtsi512_si32(entry)"),
    ("rsa_x86", "limpid/crypto/x86/rsa_power.cpp", "const Limb factor = ", "factor"),
    ("rsa_x86", "limpid/crypto/x86/rsa_power.cpp", "Limb masks[table_size];", "index[k]"),
]


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def must(*command, **options):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))}\n{done.stdout}")


class Build:
    """A tree with the check program in it, and what must go before and with the program when it runs."""

    def __init__(self, name, tree, *checker, flags="", **environment):
        self.name, self.tree, self.checker, self.flags, self.environment = name, tree, checker, flags, environment

    @property
    def program(self):
        return self.tree / PROGRAM

    def check(self, program, *names, **environment):
        return subprocess.run([*self.checker, program, *names], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=os.environ | self.environment | environment)

    def judge(self):
        """All its checks; what the checker said is shown when one fails."""
        done = self.check(self.program)
        print(f"{self.name}:", *done.stdout.splitlines(), sep="\n  ")
        if done.returncode != 0:
            print(self.check(self.program, MSAN_OPTIONS="symbolize=1").stderr[:100_000])
        return done.returncode == 0

    def make(self, compiler):
        """The check program and the pure archives behind it, of the same sources by that compiler."""
        must("cmake", "-S", SOURCE, "-B", self.tree, "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={compiler}",
             f"-DCMAKE_CXX_FLAGS={self.flags}")
        must("cmake", "--build", self.tree, "--target", "constant_time_checks")

    def compile_command(self, file):
        for entry in json.loads((self.tree / "compile_commands.json").read_text()):
            if entry["file"] == str(file):
                return shlex.split(entry["command"]), entry["directory"]
        sys.exit(f"{file} is not in compile_commands.json")

    def plant(self, names, path, anchor, secret):
        """(the report, whether every one of the checks noticed)"""
        file = SOURCE / path
        command, directory = self.compile_command(file)
        with tempfile.TemporaryDirectory() as scratch:
            source, compiled, program = (os.path.join(scratch, name) for name in ("planted.cpp", "planted.o", "planted"))
            pathlib.Path(source).write_text(planted_source(file.read_text(), anchor, secret))
            command[command.index("-o") + 1] = compiled
            command[command.index(str(file))] = source
            must(*command, "-w", cwd=directory)
            compiler = command[1] if command[0].endswith("ccache") else command[0]
            # The planted object stands in for the library's: its symbols are there before the archive is searched.
            objects = [made for made in self.tree.glob(OBJECTS) if made.name != file.name + ".o"]
            archives = [self.tree / "libraries" / f"liblimpid_{name}.a" for name in ("crypto", "core")]
            must(compiler, *self.flags.split(), "-o", program, compiled, *objects, *archives, "-lsodium")
            said = self.check(program, *names.split()).stdout.splitlines()
        unnoticed = [line for line in said if "LEAKS" not in line and "not run" not in line]
        if unnoticed or len(said) != len(names.split()):
            return f"NOT NOTICED: a branch on {secret} in {path}: {said}", False
        return f"noticed by {names.replace(' ', ', ')}: a branch on {secret} in {path}", True

    def plant_all(self, planted):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            outcomes = list(pool.map(lambda one: self.plant(*one), planted))
        print(*(report for report, noticed in outcomes), sep="\n")
        return all(noticed for report, noticed in outcomes)


def planted_source(text, anchor, secret):
    at = text.find(anchor)
    if at < 0:
        sys.exit(f"nothing to plant behind: '{anchor}' is gone")
    end = text.index(";\n", at) + 2
    return text[:end] + f'if (({secret}) & 1) asm volatile("nop");\n' + text[end:]


def main():
    if not (BUILD / PROGRAM).exists():
        skip("this build has no constant_time_checks: it is instrumented, or valgrind was not there when it was made")
    cache = (BUILD / "CMakeCache.txt").read_text()
    compiler = os.path.basename(re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.MULTILINE)[1])
    other_compiler = "g++" if "clang" in compiler else "clang++-19"
    valgrind = ("valgrind", "-q", "--error-limit=no")
    this = Build(compiler, BUILD, *valgrind)
    # valgrind reads clang's debug information only in this format.
    other = Build(other_compiler, BUILD / "constant_time" / other_compiler, *valgrind, flags="-gdwarf-4")
    instrumented = Build("MemorySanitizer", BUILD / "constant_time" / "msan", MSAN_OPTIONS="symbolize=0",
                         flags="-fsanitize=memory -fsanitize-recover=memory -fno-sanitize-memory-param-retval")
    good = this.judge()
    good = this.plant_all(PLANTED) and good
    for missing in {other_compiler, "clang++-19"}:
        if shutil.which(missing) is None:
            sys.exit(f"{missing} is not installed: not everything was checked")
    other.make(other_compiler)
    good = other.judge() and good
    instrumented.make("clang++-19")
    good = instrumented.judge() and good
    good = instrumented.plant_all(PLANTED_FOR_MEMORY_SANITIZER) and good
    sys.exit(0 if good else 1)


main()
