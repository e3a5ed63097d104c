#!/usr/bin/env python3
# ctest: long 600
"""Google's TCP scripts for packetdrill against packetdrill.so, with the exclusions of packetdrill_exclusions.json.

$PACKETDRILL is the program, built from google/packetdrill at 2c4001c (gtests/net/packetdrill), $PACKETDRILL_SCRIPTS the
folder of its TCP scripts (gtests/net/tcp); without them the test is skipped. $PACKETDRILL_TESTS, a regular expression,
chooses among the scripts.

What is taken out of a script: the commands in backquotes, which set up a Linux host (the sysctls that mean something
here become flags), and the blocks %{ }%, which look into Linux's tcp_info. PSH is compared nowhere: Linux sets it where
it cuts its own buffers, RFC 9293 wants it on the last buffered segment.
"""

import concurrent.futures
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("LIMPID_BUILD_DIR", SOURCE.parent / "build" / "release"))
LOCAL, GATEWAY, REMOTE = "192.168.0.2", "192.168.0.1", "192.0.2.1"
AT = r"(?m)^[ \t]*(?:\+?[0-9.~*]+(?:\.\.\.[0-9.+]+)?[ \t]*)?"
SETTINGS = [
    (r"tcp_ecn=[12]\b", "ecn=1"),
    (r"tcp_timestamps=0\b", "timestamps=0"),
    (r"tcp_sack=0\b", "sack=0"),
    (r"tcp_window_scaling=0\b", "window_scale=0"),
    (r"tcp_congestion_control=reno\b", "congestion=reno"),
]


def prepared(text):
    """A script as it can be run here, and the flags that say what its commands set up."""
    commands = " ".join(re.findall(r"`[^`]*`", text))
    flags = [flag for pattern, flag in SETTINGS if re.search(pattern, commands)]
    text = re.sub(AT + r"%\{.*?\}%", "", text, flags=re.DOTALL)
    text = re.sub(AT + r"`[^`]*`", "", text)
    text = re.sub(r"(>\s+(?:\[[^]]*\]\s+)?)([A-Z]*)P([A-Z]*\.?)", r"\1\2\3", text)
    return text, flags


def run(program, script, work):
    """What went wrong, or nothing. Some scripts were written for superframes as Linux makes them, some for segments."""
    text, flags = prepared(script.read_text())
    return run_with(program, script, text, flags, work) and run_with(program, script, text, [*flags, "superframes=0"], work)


def run_with(program, script, text, flags, work):
    copy = pathlib.Path(work) / "_".join(script.parts[-2:])
    copy.write_text(text)
    command = [program, f"--so_filename={BUILD}/interop/packetdrill.so", "--ip_version=ipv4", f"--local_ip={LOCAL}",
               f"--gateway_ip={GATEWAY}", "--netmask_ip=255.255.0.0", f"--remote_ip={REMOTE}",
               f"--so_flags={','.join([f'ip={LOCAL}/16', f'gateway={GATEWAY}', *flags])}", str(copy)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=60)
    except subprocess.TimeoutExpired:
        return "it does not end"
    return "" if done.returncode == 0 else done.stdout.strip() or f"exit {done.returncode}"


def main():
    program, scripts = os.environ.get("PACKETDRILL"), os.environ.get("PACKETDRILL_SCRIPTS")
    if not program or not scripts:
        print("skipped: PACKETDRILL and PACKETDRILL_SCRIPTS do not name packetdrill and its TCP scripts")
        sys.exit(77)
    excluded = json.loads((SOURCE / "packetdrill_exclusions.json").read_text())
    for pattern, reason in excluded.items():
        if len(reason) < 10:
            sys.exit(f"packetdrill: '{pattern}' is excluded without a reason")
    root = pathlib.Path(scripts)
    all_scripts = sorted(s for s in root.rglob("*.pkt") if re.search(os.environ.get("PACKETDRILL_TESTS", ""), str(s)))
    chosen, left_out = [], {}
    for script in all_scripts:
        name = str(script.relative_to(root))
        reason = next((r for p, r in excluded.items() if fnmatch.fnmatch(name, p)), None)
        if reason:
            left_out[name] = reason
        else:
            chosen.append(script)
    with tempfile.TemporaryDirectory() as work:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(lambda s: run(program, s, work), chosen))
    failed = 0
    for script, result in zip(chosen, results):
        if result:
            failed += 1
            print(f"FAILED {script.relative_to(root)}\n  " + result.replace("\n", "\n  "))
    for name, reason in left_out.items():
        print(f"excluded {name}: {reason}")
    print(f"packetdrill: {len(chosen) - failed} passed, {failed} failed, {len(left_out)} excluded with a reason")
    sys.exit(0 if chosen and not failed else 1)


main()
