"""What dom0 boots: an uncompressed kernel, and an initramfs with the toolstack and the guests' files."""

import gzip
import lzma
import pathlib
import re
import struct
import subprocess

MODULES = """net/ethernet/intel/e1000/e1000 xen/xen-privcmd xen/xen-evtchn xen/xen-gntdev xen/xen-gntalloc
    xen/xenfs/xenfs net/llc/llc net/802/stp net/bridge/bridge net/xen-netback/xen-netback""".split()
XEN_PROGRAMS = "xl xenstored xenconsoled xen-init-dom0 libxl-save-helper".split()
XENSTORE_PROGRAMS = "xenstore-exists xenstore-list xenstore-ls xenstore-read xenstore-rm xenstore-write".split()
HERE = pathlib.Path(__file__).parent


def hypervisor(root):
    """Unzipped it is a multiboot ELF that QEMU's -kernel takes."""
    return gzip.decompress(next((root / "boot").glob("xen-*.gz")).read_bytes())


def kernel(root):
    """The ELF inside of the bzImage: Xen need not unpack it, which saves seconds (boot protocol 2.08, payload fields)."""
    image = next((root / "boot").glob("vmlinuz-*")).read_bytes()
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    return lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(image[start : start + length])


class Archive:
    """A cpio archive as the kernel reads it ("newc", Documentation/driver-api/early-userspace/buffer-format)."""

    def __init__(self):
        self._parts = []
        self._inode = 0
        self._folders = set()

    def _add(self, name, mode, content=b""):
        self._inode += 1
        encoded = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
        self._parts += [head, bytes(-len(head) % 4), content, bytes(-len(content) % 4)]

    def folder(self, name):
        parent = str(pathlib.PurePosixPath(name).parent)
        if name in (".", "") or name in self._folders:
            return
        self.folder(parent)
        self._folders.add(name)
        self._add(name, 0o040755)

    def file(self, name, content, executable=False):
        self.folder(str(pathlib.PurePosixPath(name).parent))
        self._add(name, 0o100755 if executable else 0o100644, content)

    def link(self, name, target):
        self.folder(str(pathlib.PurePosixPath(name).parent))
        self._add(name, 0o120777, target.encode())

    def bytes(self):
        self._add("TRAILER!!!", 0)
        return b"".join(self._parts)


def _libraries(root, programs):
    """{name: file} of the shared libraries that programs need, and the libraries they need in turn."""
    places = [root / "usr/lib/x86_64-linux-gnu", root / "lib/x86_64-linux-gnu"]
    found = {}
    waiting = list(programs)
    while waiting:
        dynamic = subprocess.run(["readelf", "-dW", waiting.pop()], check=True, capture_output=True, text=True).stdout
        for name in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic):
            if name not in found:
                found[name] = next(place / name for place in places if (place / name).exists())
                waiting.append(found[name])
    return found


def initramfs(root, guest_files):
    """guest_files: {name: content}, put into /guest."""
    archive = Archive()
    for folder in "proc sys dev tmp run/xen var/log/xen/console var/lib/xen var/run/xen etc/xen".split():
        archive.folder(folder)
    archive.file("init", (HERE / "dom0_init.sh").read_bytes(), executable=True)
    archive.file("etc/xen/scripts/vif-bridge", (HERE / "dom0_vif.sh").read_bytes(), executable=True)
    archive.file("etc/xen/xl.conf", b"")
    archive.file("etc/udhcpd.conf", (HERE / "dom0_udhcpd.conf").read_bytes())
    archive.file("bin/busybox", (root / "bin/busybox").read_bytes(), executable=True)
    archive.link("bin/sh", "busybox")

    programs = [next((root / "usr/lib").glob(f"xen-4*/bin/{name}")) for name in XEN_PROGRAMS]
    programs += [root / "usr/bin" / name for name in XENSTORE_PROGRAMS]
    for program in programs:
        archive.file(f"usr/bin/{program.name}", program.read_bytes(), executable=True)
    libraries = _libraries(root, programs)
    # The dynamic loader, and what xl opens by name when a thread ends.
    libraries["libgcc_s.so.1"] = root / "lib/x86_64-linux-gnu/libgcc_s.so.1"
    for name, file in libraries.items():
        archive.file(f"lib/{name}", file.read_bytes(), executable=True)
    archive.file("lib64/ld-linux-x86-64.so.2", (root / "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2").read_bytes(), True)

    tree = next((root / "lib/modules").iterdir()) / "kernel"
    order = []
    for module in MODULES:
        file = next(tree / part / f"{module}.ko" for part in ("drivers", "") if (tree / part / f"{module}.ko").exists())
        archive.file(f"modules/{file.name}", file.read_bytes())
        order.append(file.name)
    archive.file("modules/order", "\n".join(order).encode() + b"\n")
    for name, content in guest_files.items():
        archive.file(f"guest/{name}", content)
    return archive.bytes()
