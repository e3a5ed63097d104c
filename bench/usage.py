"""What the kernel says that a process has used."""

import os
import pathlib
import re


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    """Bytes resident, page tables included."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return sum(int(n) for n in re.findall(r"^Vm(?:RSS|PTE):\s+(\d+) kB", status, re.M)) * 1024
