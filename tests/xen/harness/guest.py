"""A guest of ours under the harness: its files, its life, and fetching from it."""

import functools
import json
import pathlib
import re
import socket
import ssl
import subprocess
import threading

from . import machine

MAC = "00:16:3e:4c:69:01"
MILESTONE = (r"(?P<guest>\w+)\| (?P<what>connected|first [\w ]+) after (?P<us>\d+) us, (?P<calls>\d+) hypercalls, "
             r"(?P<messages>\d+) xenstore messages in (?P<trips>\d+) round trips")


def pack(tool, site, folder, *settings):
    """Runs `limpid image` with a certificate of its own: the folder then holds cert.pem and the guest's files."""
    folder = pathlib.Path(folder)
    subprocess.run([tool, "cert", "new", "--name", "guest.test", "--ip", machine.GUEST4, "--ip", machine.GUEST6, "--out",
                    folder], check=True, capture_output=True)
    identity = [] if "--plain" in settings else ["--cert", folder / "cert.pem", "--key", folder / "key.pem"]
    subprocess.run([tool, "image", site, *identity, *settings, "--out", folder], check=True, capture_output=True)
    return {"site.module": (folder / "site.module").read_bytes(), "main.xl": configuration(folder)}


def pack_more(tool, name, site, folder, *settings):
    """Another guest's files, NAME.module and NAME.xl, with the identity that pack() made in the folder."""
    out = pathlib.Path(folder) / f"{name}.packed"
    subprocess.run([tool, "image", site, "--cert", folder / "cert.pem", "--key", folder / "key.pem", *settings, "--out",
                    out], check=True, capture_output=True)
    return {f"{name}.module": (out / "site.module").read_bytes(),
            f"{name}.xl": variant(configuration(out), name, ramdisk=f'"{name}.module"')}


STATIC = ("--ip", f"{machine.GUEST4}/24", "--ip6", f"{machine.GUEST6}/64")


def configuration(folder):
    """main.xl as it was written, with what this harness fixes for itself: a MAC, and that nothing starts by itself."""
    text = (pathlib.Path(folder) / "main.xl").read_text()
    text = text.replace("bridge=xenbr0", f"bridge=xenbr0,mac={MAC}").replace('"restart"', '"destroy"')
    return text.encode()


def variant(configuration_text, name, **settings):
    """The configuration with some settings replaced; None leaves one out."""
    text = configuration_text.decode()
    for key, value in {"name": f'"{name}"', **settings}.items():
        text = re.sub(rf"^{key} = .*\n", "", text, flags=re.MULTILINE)
        if value is not None:
            text += f"{key} = {value}\n"
    return text.encode()


def create(xen, file="main.xl", name="limpid"):
    """Has dom0 create the guest and follows its console. The console's log holds what came before."""
    xen.dom0("rm -f /var/log/xen/console/guest-*", 60)
    since = len(xen.lines)
    status, said = xen.dom0(f"cd /guest && xl create {file}", 120)
    if status != 0:
        raise machine.Broken(f"xl create: {said}")
    xen.wait_for(r"\(d\d+\) ", 30, since)
    xen.follow_console(name)


def report(xen, name="limpid"):
    """What the guest has counted."""
    since = len(xen.lines)
    status, said = xen.dom0(f"xl sysrq {name} r", 60)
    if status != 0:
        raise machine.Broken(f"xl sysrq: {said}")
    _, match = xen.wait_for(rf"{name}\| (\{{.*\}})$", 30, since)
    return json.loads(match[1])


def connect(certificate=None, host=machine.GUEST4, port=None, seconds=60):
    """A socket of this side, connected to the guest: with a certificate over TLS, verified."""
    plain = socket.create_connection((host, port or (443 if certificate else 80)), timeout=seconds)
    if not certificate:
        return plain
    return tls_context(certificate).wrap_socket(plain, server_hostname="guest.test")


@functools.cache
def tls_context(certificate):
    return ssl.create_default_context(cafile=certificate)


def exchange(peer, data):
    """Sends all of it while receiving until the other side ends: what came."""
    received = bytearray()

    def take():
        while piece := peer.recv(1 << 16):
            received.extend(piece)

    reader = threading.Thread(target=take)
    reader.start()
    peer.sendall(data)
    peer.shutdown(socket.SHUT_WR)
    reader.join()
    return bytes(received)


def fetch(path, certificate=None, host=machine.GUEST4, seconds=60, options=()):
    """(exit status of curl, body) of a page fetched from this side of the tap device; verified if it is HTTPS."""
    scheme = "https" if certificate else "http"
    where = f"[{host}]" if ":" in host else host
    trust = ["--cacert", certificate] if certificate else []
    run = subprocess.run(["curl", "--silent", "--show-error", "--globoff", "--max-time", str(seconds), *trust, *options,
                          f"{scheme}://{where}{path}"], capture_output=True, check=False)
    return run.returncode, run.stdout
