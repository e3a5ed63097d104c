"""`./dev xen`: boots the image under a real Xen in QEMU and prints the page that curl fetched from it.

run.py BUILD_FOLDER SITE_FOLDER
"""

import pathlib
import re
import sys
import tempfile
import time

from harness import guest, machine


def timeline(xen, fetched):
    print("\n   seconds  since QEMU began")
    for pattern, what in ((r"\(XEN\) Xen version", "Xen runs"), (r"about to get started", "dom0's kernel runs"),
                          (r"dom0 is ready", "dom0 is ready"), (r"limpid: entered", "the guest is entered")):
        when, _ = xen.wait_for(pattern, 1)
        print(f"{when:10.2f}  {what}")
    for _, text in xen.lines:
        match = re.search(guest.MILESTONE, text)
        if match:
            # The console's daemon is slow to pass it on; the guest's own clock is not.
            print(f"{when + int(match['us']) / 1e6:10.2f}  {match['what']}: {int(match['us']) / 1000:.1f} ms after entry, "
                  f"{match['calls']} hypercalls, {match['messages']} xenstore messages in {match['trips']} round trips")
    for moment, what in fetched:
        print(f"{moment:10.2f}  {what}")


def main():
    build, site = pathlib.Path(sys.argv[1]), sys.argv[2]
    machine.enter_or_exit()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        files = guest.pack(build / "limpid", site, folder, *guest.STATIC)
        files["limpid.elf"] = (build / "limpid.elf").read_bytes()
        print("booting Xen, dom0 and the guest in QEMU, about half a minute", flush=True)
        with machine.Machine(folder, files) as xen:
            try:
                xen.wait_for("dom0 is ready", 120)
                guest.create(xen)
                xen.wait_for(rf"serving at {machine.GUEST6}", 60)
                fetched = []
                for host in (machine.GUEST4, machine.GUEST6):
                    status, page = guest.fetch("/", folder / "cert.pem", host)
                    if status != 0:
                        raise machine.Broken(f"curl ended with {status}")
                    fetched.append((time.monotonic() - xen.began, f"curl has the page from {host}, verified"))
                xen.wait_for(r"first response", 30)
                print(page.decode(errors="replace"))
                timeline(xen, fetched)
                xen.dom0("xl shutdown -w limpid", 60)
            except machine.Broken as why:
                for when, text in xen.lines[-40:]:
                    print(f"{when:10.2f}  {text}")
                sys.exit(f"dev: {why}")


main()
