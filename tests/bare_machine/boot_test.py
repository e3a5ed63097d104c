"""Boots the self-testing image in QEMU, by its PVH note, on a CPU with everything that QEMU can emulate and on one without
AES instructions; then provokes what the machine must catch, and counts the instructions that the boot image takes to its
first frame.
"""
# ctest: quick 300

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(os.environ["LIMPID_BUILD_DIR"])
IMAGE = BUILD / "tests" / "bare_machine" / "bare_machine.elf"
MOST_INSTRUCTIONS = 20_000_000
GOOD, PANIC = 33, 37  # 2 * platform::exit_good + 1, 2 * platform::exit_panic + 1

PROVOKED = {
    "null": "page fault",
    "write-code": "page fault",
    "write-constant": "page fault",
    "run-data": "page fault",
    "stack-overflow": "the stack is full",
    "stack-overrun": "a stack buffer was overrun",
    "abort": "abort: a checked access failed",
}


def boot(cpu, command_line="", seconds=120, options=()):
    """(exit status, what it printed); status None if it hangs."""
    command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", cpu, "-m", "128", "-display", "none", "-monitor", "none",
               "-nic", "none", "-no-reboot", "-serial", "none", "-debugcon", "stdio",
               "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-kernel", IMAGE, "-append", command_line, *options]
    try:
        run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             timeout=seconds, check=False)
    except subprocess.TimeoutExpired as expired:
        return None, (expired.stdout or b"").decode(errors="replace")
    return run.returncode, run.stdout.decode(errors="replace")


def first_frame():
    """(exit status, what it printed, instructions) from the first one to the first frame; none if there is no frame."""
    with tempfile.TemporaryDirectory() as scratch:
        site = pathlib.Path(scratch) / "site"
        site.mkdir()
        (site / "index.html").write_text("hello\n")
        for command in (["cert", "new", "--name", "guest.test", "--out", scratch],
                        ["image", site, "--cert", f"{scratch}/cert.pem", "--key", f"{scratch}/key.pem", "--dhcp", "--out",
                         scratch]):
            subprocess.run([BUILD / "limpid", *command], check=True, capture_output=True)
        status, printed = boot("max", "first-frame",
                               options=["-icount", "shift=0", "-initrd", f"{scratch}/site.module"])
    count = re.search(r"(\d+) instructions: the first frame", printed)
    return status, printed, count and int(count[1])


def main():
    if shutil.which("qemu-system-x86_64") is None:
        print("skipped: qemu-system-x86_64 is not installed")
        return 77
    if not IMAGE.exists():
        print("skipped: this build makes no images (sanitizers, fuzzing or another CPU)")
        return 77
    failed = []

    for cpu, expected in (("max", "AES-NI"), ("Nehalem,+rdrand", "portable kernels only")):
        print(f"--- {cpu}")
        status, printed = boot(cpu)
        print(printed, end="")
        if status != GOOD or expected not in printed or "WRONG" in printed:
            failed.append(f"{cpu}: exit status {status}, expected {GOOD}")

    for what, expected in PROVOKED.items():
        status, printed = boot("max", f"provoke {what}", 30)
        caught = status == PANIC and expected in printed
        print(f"{'caught' if caught else 'NOT CAUGHT'}: {what}: {printed.strip().splitlines()[0] if printed else ''}")
        if not caught:
            failed.append(f"{what}: exit status {status}, expected {PANIC} and '{expected}'")
    status, printed = boot("Nehalem", seconds=30)
    if status != PANIC or "no entropy" not in printed:
        failed.append(f"a CPU without RDRAND: exit status {status}: {printed}")

    status, printed, count = first_frame()
    print(printed, end="")
    if status != GOOD or count is None or count > MOST_INSTRUCTIONS:
        failed.append(f"first frame: exit status {status}, {count} instructions, expected at most {MOST_INSTRUCTIONS}")

    print("\n".join(failed) if failed else "the machine does what it should")
    return 1 if failed else 0


sys.exit(main())
