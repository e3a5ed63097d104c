"""The boot image under a real Xen with a real Linux netback: HTTPS over IPv4 and IPv6, in the words of the other
frontends, many requests at once, 16 MiB each way, destroyed and created again, shut down; DHCP; and what it says when it
cannot serve.
"""
# ctest: long 600

import concurrent.futures
import os
import pathlib
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "apps"))
import conversation
import tool
from harness import guest, machine, packages

BUILD = pathlib.Path(os.environ["LIMPID_BUILD_DIR"])
SITE = pathlib.Path(os.environ["LIMPID_SOURCE_DIR"]) / "apps" / "example_site"
CREATIONS = 3
REQUESTS, CONCURRENCY = 200, 20

failed = []


def check(what, right):
    print(f"{'right' if right else 'WRONG'}: {what}", flush=True)
    if not right:
        failed.append(what)


def ended(xen, name, since):
    """Waits until a guest is gone, and says what its console's log and Xen's own show of it."""
    until = time.monotonic() + 60
    while xen.dom0(f"xl domid {name}")[0] == 0:
        if time.monotonic() > until:
            xen.dom0(f"xl destroy {name}")
        time.sleep(0.5)
    _, console = xen.dom0(f"cat /var/log/xen/console/guest-{name}.log 2>/dev/null")
    return console + "".join(text + "\n" for _, text in xen.lines[since:])


def main():
    reason = machine.missing()
    if not reason and not (BUILD / "limpid.elf").exists():
        reason = "this build makes no boot image: libxen-dev is not installed, or it is one with sanitizers"
    if reason:
        print(f"skipped: {reason}")
        return 77
    try:
        machine.enter_namespace()
    except packages.Unavailable as why:
        print(f"skipped: Debian's Xen cannot be fetched: {why}")
        return 77

    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        site = folder / "site"
        site.mkdir()
        page = (SITE / "index.html").read_bytes()
        (site / "index.html").write_bytes(page)
        conversation.prepare(site)
        large_site = folder / "large"
        large_site.mkdir()
        large = os.urandom(16 << 20)
        (large_site / "large.bin").write_bytes(large)
        files = guest.pack(BUILD / "limpid", site, folder, *guest.STATIC)
        files |= guest.pack_more(BUILD / "limpid", "large", large_site, folder, *guest.STATIC, "--test-services")
        files["limpid.elf"] = (BUILD / "limpid.elf").read_bytes()
        plain = files["main.xl"]
        files["damaged.module"] = files["site.module"][:-1] + b"\0"
        bad = {
            "nomodule": (dict(ramdisk=None), "no site: the configuration names no"),
            "damaged": (dict(ramdisk='"damaged.module"'), "its checksum is wrong"),
            "unknown": (dict(cmdline='"ip=10.77.0.3/24 colour=blue"'), "'colour=blue' is no parameter"),
            "noaddress": (dict(cmdline='""'), "no address to serve at"),
            "noentropy": (dict(cpuid='"host,rdrand=0,rdseed=0"'), "no entropy"),
            "small": (dict(memory="8"), "too little memory"),
        }
        for name, (settings, _) in bad.items():
            files[f"{name}.xl"] = guest.variant(plain, name, **settings)
        files["novif.xl"] = guest.variant(plain, "novif", vif=None)
        files["dhcp.xl"] = guest.variant(plain, "dhcp", cmdline='"dhcp"')
        certificate = folder / "cert.pem"

        with machine.Machine(folder, files) as xen:
            try:
                judge(xen, site, certificate, page, large, bad)
            except machine.Broken as why:
                failed.append(str(why))
            if failed:
                for when, text in xen.lines:
                    print(f"{when:10.2f}  {text}")
    print("\n".join(failed) if failed else "the image does what it should")
    return 1 if failed else 0


def over_sockets(site, certificate):
    """The conversation with `limpid serve`."""
    with tool.Serve(site, "--cert", certificate, "--key", certificate.with_name("key.pem")) as server:
        with server.connect_tls() as peer:
            return conversation.hold(peer)


def judge(xen, site, certificate, page, large, bad):
    xen.wait_for("dom0 is ready", 180)
    for creation in range(CREATIONS):
        since = len(xen.lines)
        guest.create(xen)
        xen.wait_for(rf"serving at {machine.GUEST6}", 90, since)
        for host in (machine.GUEST4, machine.GUEST6):
            check(f"guest {creation + 1}: HTTPS from {host}", guest.fetch("/", certificate, host) == (0, page))
        if creation + 1 < CREATIONS:
            xen.dom0("xl destroy limpid")

    check("plain HTTP leads to HTTPS", b"301" in guest.fetch("/")[1])
    with guest.connect(certificate) as peer:
        said = conversation.hold(peer)
    expected = over_sockets(site, certificate)
    check(f"the conversation that sockets have, {len(said)} bytes", said == expected)
    for ours, theirs in zip(said.split(b"\r\n"), expected.split(b"\r\n")):
        if ours != theirs:
            print(f"  guest: {ours[:200]}\n  sockets: {theirs[:200]}")
            break
    with concurrent.futures.ThreadPoolExecutor(CONCURRENCY) as pool:
        pages = list(pool.map(lambda _: guest.fetch("/", certificate), range(REQUESTS)))
    right = sum(1 for each in pages if each == (0, page))
    check(f"{REQUESTS} requests, {CONCURRENCY} at once: {right} answered", right == REQUESTS)
    status, said = xen.dom0("xl shutdown -w limpid", 60)
    check("xl shutdown", status == 0 and "reason code 0" in said)

    since = len(xen.lines)
    guest.create(xen, "large.xl", "large")
    xen.wait_for(rf"serving at {machine.GUEST6}", 90, since)
    check("16 MiB out, over TLS", guest.fetch("/large.bin", certificate, seconds=200) == (0, large))
    with guest.connect(port=7, seconds=200) as peer:
        check("16 MiB in and out again, of the echo service", guest.exchange(peer, large) == large)
    xen.dom0("xl destroy large")

    for name, (_, expected) in bad.items():
        since = len(xen.lines)
        guest.create(xen, f"{name}.xl", name)
        check(f"{name}: '{expected}'", expected in ended(xen, name, since))

    since = len(xen.lines)
    xen.dom0("udhcpd /etc/udhcpd.conf")
    guest.create(xen, "dhcp.xl", "dhcp")
    _, match = xen.wait_for(r"serving at (10\.77\.0\.1\d\d)", 90, since)
    check("DHCP", guest.fetch("/", certificate, options=["--connect-to",
                                                         f"{machine.GUEST4}:443:{match[1]}:443"]) == (0, page))
    since = len(xen.lines)
    guest.create(xen, "novif.xl", "novif")
    check("novif: 'no network'", "no network" in ended(xen, "novif", since))


if __name__ == "__main__":
    sys.exit(main())
