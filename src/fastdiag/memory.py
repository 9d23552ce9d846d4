"""How much memory can be had, and the refusal of what needs more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from .errors import TooLargeError

PROC, CGROUP = Path("/proc"), Path("/sys/fs/cgroup")
ALWAYS_FITS = 1 << 27  # bytes that are not worth a look
OF_THREADS = 72 << 20  # of the address space that each new thread takes: its stack, its share of malloc
UNLIMITED = 1 << 60  # version 1 of cgroups says so with a number above this


def require(asked: int, what: str, advice: str) -> None:
    """Raise TooLargeError if that many bytes cannot be had.

    Parameters
    ----------
    asked : bytes
    what : that needs them, as the subject of "need": "3 runs", "the coefficients"
    advice : what to do instead

    Examples
    --------
    >>> require(1 << 80, "so many numbers", "ask for fewer")
    Traceback (most recent call last):
    fastdiag.errors.TooLargeError: so many numbers need more memory than there is on any machine; ask for fewer
    """
    free = free_bytes() if asked > ALWAYS_FITS else None
    if asked >= UNLIMITED:
        raise TooLargeError(f"{what} need more memory than there is on any machine; {advice}")
    if free is not None and asked > free:
        raise TooLargeError(f"{what} need {size(asked)} of memory, and {size(free)} are free; {advice}")


def check_room(asked: int, folder: Path, what: str, advice: str) -> None:
    """Raise TooLargeError if the disk of a folder, which need not exist yet, has not that many bytes left."""
    import shutil  # with all that it can unpack

    try:
        folder = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.is_dir())
        free = shutil.disk_usage(folder).free
    except (OSError, StopIteration):  # one that does not tell
        return
    if asked > free:
        raise TooLargeError(f"{what} needs {size(asked)} of disk, and {size(free)} are free in {folder}; {advice}")


def size(count: int) -> str:
    """Bytes in words."""
    return f"{count / 2**30:,.1f} GiB"


def free_bytes() -> int | None:
    """Memory that can be had without swapping, in bytes; None where nothing tells.

    It is what is left of the machine, of the container (of cgroups, version 1 or 2, this one and those around it), and of
    the limits of the process on its address space and data (`ulimit -v`, `ulimit -d`), whichever is least.
    """
    found = [free for free in (_of_machine(), *_of_containers(), *_of_process()) if free is not None]
    return max(0, min(found)) if found else None


def _of_machine() -> int | None:
    found = _table(PROC / "meminfo").get("MemAvailable")  # what other programs hold as mere cache counts as free
    if found is not None:
        return found * 1024
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # not a POSIX system, or one that does not say
        return None


def _of_containers() -> Iterator[int | None]:
    """What is left of each limit that this process is under."""
    two = "memory.max", "memory.current", "inactive_file"
    one = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
    yield _left(CGROUP, *two)  # of a container that sees itself as the whole
    yield _left(CGROUP / "memory", *one)
    for line in _text(PROC / "self" / "cgroup").splitlines():
        number, _, place = line.partition(":")
        kinds, _, path = place.partition(":")
        inside = [part for part in path.split("/") if part not in ("", "..")]
        for depth in range(1, len(inside) + 1):
            folder = Path(*inside[:depth])
            if number == "0":
                yield _left(CGROUP / folder, *two)
                yield _left(CGROUP / "unified" / folder, *two)
            elif "memory" in kinds.split(","):
                yield _left(CGROUP / "memory" / folder, *one)


def _left(folder: Path, limit: str, used: str, cache: str) -> int | None:
    most, current = _text(folder / limit).strip(), _text(folder / used).strip()
    if not (most.isdigit() and current.isdigit()) or int(most) >= UNLIMITED:
        return None
    return max(0, int(most) - int(current) + _table(folder / "memory.stat").get(cache, 0))


def _of_process() -> Iterator[int | None]:
    try:
        import resource
    except ImportError:  # not a POSIX system
        return
    status = _table(PROC / "self" / "status")
    for name, used in (("RLIMIT_AS", "VmSize"), ("RLIMIT_DATA", "VmData")):
        most = resource.getrlimit(getattr(resource, name))[0]
        if most != resource.RLIM_INFINITY and used in status:
            yield most - status[used] * 1024 - OF_THREADS * (os.cpu_count() or 1)


def _table(path: Path) -> dict[str, int]:
    """Lines of a name and a number."""
    lines = (line.replace(":", " ").split() for line in _text(path).splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) > 1 and words[1].isdigit()}


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ""
