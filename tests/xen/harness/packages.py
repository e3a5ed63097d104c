"""Debian's Xen, its tools and a kernel for dom0: fetched by apt-get, unpacked into a cache folder, never installed."""

import os
import pathlib
import shutil
import subprocess

# What dom0 runs, with every library that it needs, so that the host's own never matter.
PACKAGES = """xen-hypervisor-4.17-amd64 xen-utils-4.17 xen-utils-common xenstore-utils busybox-static libxenmisc4.17
    libxenstore4 libxentoollog1 libxenevtchn1 libxencall1 libxengnttab1 libxenforeignmemory1 libxendevicemodel1
    libxentoolcore1 libxenhypfs1 libc6 libgcc-s1 libyajl2 libuuid1 zlib1g libzstd1 liblzma5""".split()


class Unavailable(Exception):
    """The packages cannot be had; the message says why."""


def cache_folder():
    """$XDG_CACHE_HOME/limpid/xen, so that fresh clones and several builds share one download of 80 MB."""
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "limpid" / "xen"


def _apt(folder, *arguments):
    # The host's sources, but lists and archives of our own: no rights are needed, and apt's state stays as it is.
    options = [f"Dir::State::lists={folder}/lists", f"Dir::Cache={folder}/cache", "APT::Sandbox::User="]
    command = [arguments[0], "-q", *(word for option in options for word in ("-o", option)), *arguments[1:]]
    try:
        return subprocess.run(command, cwd=folder / "archives", check=True, capture_output=True, text=True,
                              timeout=300).stdout
    except FileNotFoundError:
        raise Unavailable("there is no apt-get") from None
    except subprocess.TimeoutExpired:
        raise Unavailable("apt-get took more than five minutes") from None
    except subprocess.CalledProcessError as failure:
        last = (failure.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise Unavailable(f"{' '.join(arguments[:2])} failed: {last}") from None


def _kernel_package(folder):
    """The package that the metapackage linux-image-amd64 depends on."""
    for line in _apt(folder, "apt-cache", "depends", "linux-image-amd64").splitlines():
        if "Depends: linux-image-" in line:
            return line.split()[-1]
    raise Unavailable("linux-image-amd64 names no kernel")


def unpacked():
    """The folder that all packages are unpacked in; fetches them first if it is not there."""
    final = cache_folder() / "root"
    if final.exists():
        return final
    folder = cache_folder() / f"new-{os.getpid()}"
    print(f"fetching Debian's Xen and a kernel into {final}, 80 MB, about half a minute", flush=True)
    try:
        for name in ("lists/partial", "cache/archives/partial", "archives", "root"):
            (folder / name).mkdir(parents=True)
        _apt(folder, "apt-get", "update")
        _apt(folder, "apt-get", "download", *PACKAGES, _kernel_package(folder))
        for package in sorted((folder / "archives").glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", package, folder / "root"], check=True)
        try:
            (folder / "root").rename(final)
        except OSError:  # somebody else was faster
            if not final.exists():
                raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return final
