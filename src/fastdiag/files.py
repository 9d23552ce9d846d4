"""Where data files are found, and how one is replaced as a whole."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedRandom
from pathlib import Path
from typing import BinaryIO

from .arguments import path as checked
from .errors import DataError, InputError
from .numerals import shown
from .typing import PathLike

PART = ".part"  # ends the name of a file that is still being written
MOST_BYTES = 1 << 20  # of a data file that is no table


def find(name: str) -> Path:
    """A data file, looked for in every one of `folders()`.

    Raises
    ------
    DataError : it is in none of them, or differs from the sha256 recorded beside it
    """
    searched = []
    for folder in folders():
        searched.append(folder)
        path = folder / name
        if os.path.isfile(path):
            _verify(path)
            return path
    raise DataError(
        f"{name} was not found in {', '.join(map(str, searched))}; reinstall fastdiag, "
        "or set FASTDIAG_DATA_DIR to a folder that holds it"
    )


def folders(path: PathLike | None = None) -> Iterator[Path]:
    """Where data files are looked for, first to last.

    `path` if given, FASTDIAG_DATA_DIR if set, the installed package's data, the repository's data/, the user's cache.
    """
    here = Path(__file__).resolve()
    chosen = [folder_of(folder) for folder in (path, os.environ.get("FASTDIAG_DATA_DIR")) if folder]
    yield from (*chosen, here.parent / "data", here.parents[2] / "data")
    with suppress(DataError):
        yield cache_folder()


def folder_of(path: PathLike) -> Path:
    """A folder as a Path, ~ for the home folder, or InputError if it is none."""
    try:
        return checked("a folder", path)
    except InputError as error:
        raise InputError(f"a folder is a text or a Path, not {shown(path)}: {error}") from None


def cache_folder() -> Path:
    """Where this user's built tables are kept; it need not exist yet.

    Raises
    ------
    DataError : this user has no home folder
    """
    from platformdirs import user_cache_dir

    try:
        folder = Path(user_cache_dir("fastdiag"))
    except (OSError, RuntimeError) as error:
        raise DataError(f"there is no folder for a cache ({error}); set HOME to a folder") from error
    if not folder.is_absolute():  # older platformdirs, without a home: a folder called ~ in the current one
        raise DataError(f"there is no folder for a cache (not {folder}); set HOME to a folder")
    return folder


def made(folder: Path) -> Path:
    """The folder, made with all above it if it was not there.

    Raises
    ------
    DataError : it cannot be made
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder} cannot be made ({error}); make it writable, or choose another directory") from error
    return folder


def opened(path: PathLike, *, links: bool = True) -> BinaryIO:
    """A file opened for reading, if it is a plain one: a pipe would wait for ever, a device never end.

    Raises
    ------
    OSError : it cannot be opened, or is a folder, a pipe, a socket, a device, or, unless `links`, a symbolic link
    """
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    handle = os.open(path, flags if links else flags | getattr(os, "O_NOFOLLOW", 0))
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(f"it is a {'directory' if stat.S_ISDIR(mode) else 'pipe or a device'}, no plain file")
        return open(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def contents(path: PathLike, most: int = MOST_BYTES) -> bytes:
    """All bytes of a plain file.

    Raises
    ------
    DataError : it cannot be read, or has more than `most` bytes; no more are read then
    """
    try:
        with opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(most + 1) if size <= most else b""
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}); restore it, or delete it") from error
    if max(size, len(data)) > most:
        raise DataError(f"{path} has {size:,} bytes, where at most {most:,} are expected; restore it, or delete it")
    return data


@contextmanager
def replacing(path: Path, mode: int = 0o644) -> Iterator[BufferedRandom]:
    """A file to write to that becomes `path` when all of it is on the disk, and vanishes if anything goes wrong.

    Whoever reads `path` meanwhile sees the old file or the new one, and no mixture; of several writers the last one stays.
    """
    import tempfile

    handle, part = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=PART, dir=path.parent)
    try:
        with open(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(OSError):  # some file systems know no modes
            os.chmod(part, mode)  # mkstemp's 0600 would hide a shared folder's files from the others
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(part)
        raise


def write(path: PathLike, content: bytes) -> None:
    """Put the content into a file of the user's: all of it or, if the disk is full, nothing, and the old file stays.

    A link is followed and a pipe or device written to; an old file's permissions stay.

    Raises
    ------
    DataError : no such folder, no permission, no room
    """
    target = Path(os.path.realpath(path))
    try:
        if str(path).startswith("/dev/") or (os.path.exists(path) and not target.is_file()):
            with open(path, "wb") as device:
                device.write(content)
            return
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        with replacing(target, mode) as file:
            file.write(content)
    except BrokenPipeError:  # a reader that has seen enough
        raise
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}; nothing was changed") from error


def _umask() -> int:
    found = os.umask(0o077)  # there is no way to ask without setting it
    os.umask(found)
    return found


def leftovers(folder: PathLike) -> list[Path]:
    """What killed writers left in a folder: files to delete, unless a writer is at work now."""
    return sorted(Path(folder).glob(f".*{PART}"))


def _verify(path: Path) -> None:
    import hashlib

    recorded = path.with_name(path.name + ".sha256")
    if not os.path.isfile(recorded):
        return
    digest = hashlib.sha256(contents(path)).hexdigest()
    if contents(recorded, 1000).split()[:1] != [digest.encode()]:
        raise DataError(f"{path} differs from the sha256 recorded beside it; reinstall fastdiag or restore the file")


def to_install(extra: str) -> str:
    """The command that installs an extra: by the package's name, or in a checkout, which no index need know."""
    root = Path(__file__).resolve().parents[2]
    if (root / "pyproject.toml").is_file():
        return f"pip install -e '{root}[{extra}]'"
    return f"pip install 'fastdiag[{extra}]'"
