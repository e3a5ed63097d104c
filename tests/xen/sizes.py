"""What the boot images are made of, by part, from their link maps: sizes.py BUILD_FOLDER.

Fails if something got in that is neither ours nor on the list of what may.
"""

import collections
import pathlib
import re
import sys

IMAGES = {"limpid.elf": ("limpid_xen.map", 600_000), "limpid-http.elf": ("limpid_xen_http.map", 172_000)}
LIBRARIES = {"sodium"}  # besides our own; GMP is not among them


def parts(link_map):
    """{part: bytes of the file}; what is zero at boot takes none."""
    sizes = collections.Counter()
    text = link_map.read_text(errors="replace").split("Linker script and memory map", 1)[1]
    # A section's name that is long stands on a line of its own.
    for name, address, size, file in re.findall(
            r"^ (\.[^\s]+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S+)$", text, re.MULTILINE):
        if int(address, 16) == 0 or name.startswith((".bss", ".comment", ".note.GNU")):
            continue
        library = re.search(r"lib([a-z_0-9]+)\.a\(", file)
        folder = re.search(r"xen_netfront/(platform|image)/", file)
        part = library[1].removeprefix("limpid_") if library else folder[1] if folder else file
        if not folder and not (library and (library[1].startswith("limpid_") or library[1] in LIBRARIES)):
            sys.exit(f"{link_map.name}: {file} must not be in the image")
        sizes[part] += int(size, 16)
    return sizes


def main():
    build = pathlib.Path(sys.argv[1])
    tables, totals = {}, {}
    for image, (link_map, _) in IMAGES.items():
        if (build / image).exists():
            tables[image] = parts(build / link_map)
            totals[image] = (build / image).stat().st_size
    print(f"{'bytes':24}" + "".join(f"{image:>18}" for image in tables))
    for part in sorted(set().union(*tables.values()), key=lambda name: -max(table[name] for table in tables.values())):
        print(f"{part:24}" + "".join(f"{table[part]:18,}" for table in tables.values()))
    print(f"{'the file':24}" + "".join(f"{size:18,}" for size in totals.values()))
    print(f"{'the aim, at most':24}" + "".join(f"{IMAGES[image][1]:18,}" for image in totals))


main()
