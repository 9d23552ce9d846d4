"""How much memory is free."""

from __future__ import annotations

import os
from pathlib import Path

PROC, CGROUP = Path("/proc"), Path("/sys/fs/cgroup")


def free_bytes() -> int | None:
    """Memory that can be had without swapping, in bytes: of the machine, or of the container; None where nothing tells."""
    found = [free for free in (_of_machine(), _of_container()) if free is not None]
    return min(found) if found else None


def _of_machine() -> int | None:
    try:
        for line in (PROC / "meminfo").read_text().splitlines():
            name, _, amount = line.partition(":")
            if name == "MemAvailable":  # what other programs hold as mere cache counts as free
                return int(amount.split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # not a POSIX system, or one that does not say
        return None


def _of_container() -> int | None:
    try:
        most = (CGROUP / "memory.max").read_text().strip()
        cache = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines()).get("inactive_file", 0)
        used = int((CGROUP / "memory.current").read_text()) - int(cache)
        return None if most == "max" else max(0, int(most) - used)
    except (OSError, ValueError):
        return None
