"""What the boot images are made of, by part, from their link maps: sizes.py BUILD_FOLDER.

Fails if something got in that is not on the list of what may.
"""

import collections
import pathlib
import re
import sys

SERVER = {"core", "crypto", "tcpip", "http", "stack", "tls", "xen_netfront_protocol", "sodium", "platform", "image"}
# image: link map, at most so many bytes, the parts that may be in it
IMAGES = {
    "limpid.elf": ("limpid_xen.map", 600_000, SERVER | {"asn1", "x509"}),
    "limpid-http.elf": ("limpid_xen_http.map", 172_000, SERVER),
}
# The members of libsodium that may: GMP is not in the image at all, and of libsodium nothing that keeps state.
SODIUM = set(
    "chacha20_ref stream_chacha20 onetimeauth_poly1305 poly1305_donna shorthash_siphash24_ref verify".split()
)


def contributions(link_map):
    """(part, member, bytes of the file) of every input section; what is zero at boot takes none."""
    text = link_map.read_text(errors="replace").split("Linker script and memory map", 1)[1]
    # A section's name that is long stands on a line of its own.
    for name, address, size, file in re.findall(
            r"^ (\.[^\s]+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S+)$", text, re.MULTILINE):
        if int(address, 16) == 0 or name.startswith((".bss", ".comment", ".note.GNU")):
            continue
        library = re.search(r"lib([a-z_0-9]+)\.a\((.*)\)", file)
        folder = re.search(r"xen_netfront/(platform|image)/", file)
        if library:
            yield library[1].removeprefix("limpid_"), library[2], int(size, 16)
        else:
            yield folder[1] if folder else file, pathlib.Path(file).name, int(size, 16)


def intruders(link_map, allowed):
    """What is in the image and must not be."""
    found = set()
    for part, member, _ in contributions(link_map):
        if part not in allowed or part == "sodium" and re.sub(r".*-(.*)\.o", r"\1", member) not in SODIUM:
            found.add(f"{part}: {member}")
    return sorted(found)


def parts(link_map):
    sizes = collections.Counter()
    for part, _, size in contributions(link_map):
        sizes[part] += size
    return sizes


def main():
    build = pathlib.Path(sys.argv[1])
    images = [image for image in IMAGES if (build / image).exists()]
    tables = [parts(build / IMAGES[image][0]) for image in images]
    files = [(build / image).stat().st_size for image in images]
    rows = [(part, [table[part] for table in tables]) for part in set().union(*tables)]
    rows.sort(key=lambda row: -max(row[1]))
    rows += [
        ("headers and alignment", [size - sum(table.values()) for size, table in zip(files, tables)]),
        ("the file", files),
        ("the aim, at most", [IMAGES[image][1] for image in images]),
    ]
    print(f"{'bytes':24}" + "".join(f"{image:>18}" for image in images))
    for name, row in rows:
        print(f"{name:24}" + "".join(f"{size:18,}" for size in row))
    for image, size, table in zip(images, files, tables):
        if size > IMAGES[image][1]:
            largest = ", ".join(f"{part} ({size:,})" for part, size in table.most_common(3))
            print(f"{image} is above the aim, most of all by {largest}; "
                  'ARCHITECTURE.md, "What the boot images weigh", says what was tried.')
    for image in images:
        for intruder in intruders(build / IMAGES[image][0], IMAGES[image][2]):
            sys.exit(f"{image}: {intruder} must not be in it")


if __name__ == "__main__":
    main()
