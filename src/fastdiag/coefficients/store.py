"""Tables as files: found in `folders()`, believed when their sha256 is right, else built and kept in the user's cache."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..door import outside
from ..errors import DataError, DataWarning, TooLargeError
from ..files import cache_folder, folders, made, opened, replacing
from ..record import frozen
from ..typing import IntArray, PathLike
from .archive import Archive, Chunks, pack, unpack

__all__ = ["Archive", "Chunks", "load", "read_arrays", "write_arrays"]

MAPPED = 4 << 30  # files from this size on are mapped, not read, into memory: order 9


class WrongContentsError(DataError):
    """What was to be written is not what is known to be right; nothing is."""


def write_arrays(path: PathLike, arrays: Mapping[str, IntArray | Chunks], digest: str | None = None) -> None:
    """Keep integer arrays in one file, which appears complete or not at all.

    Parameters
    ----------
    path : the file, in a folder that exists; one that is there is replaced
    arrays : name -> array of integers (uint8 for truth values) of any shape, or `Chunks`; kept in this order
    digest : the sha256 that the file must end with

    Raises
    ------
    InputError : an array is not of integers, a name is no identifier, or pieces do not make up the shape
    WrongContentsError : the file would end with another sha256; nothing is written
    DataError : the file cannot be written

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "squares.npz"
    >>> squares = Chunks("int16", (4,), [np.array([k * k], "int16") for k in range(4)])
    >>> write_arrays(file, {"n": np.arange(4), "square": squares})
    >>> read_arrays(file)["square"].tolist()
    [0, 1, 4, 9]
    """
    path = Path(path)
    try:
        with replacing(path) as file:
            if pack(file, arrays) != digest and digest is not None:
                raise WrongContentsError(f"what was to become {path} is not the table of that name, so it is not kept")
    except DataError:  # also the caller's, from a piece
        raise
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error}); make its folder writable, or choose another one") from error


def read_arrays(path: PathLike, *, most: int | None = None, links: bool = True) -> Archive:
    """The arrays of a file that `write_arrays` wrote, read-only; nothing in it is believed before its sha256 is right.

    Parameters
    ----------
    path : the file; a pipe, a device or a folder is none
    most : bytes that it can have; of a longer one nothing is read
    links : whether it may be a symbolic link

    Raises
    ------
    DataError : the file cannot be read, is too long, its bytes are not the ones written, or it holds something else than
        integer arrays
    TooLargeError : there is no memory for it

    Examples
    --------
    >>> read_arrays("nothing.npz")
    Traceback (most recent call last):
    fastdiag.errors.DataError: nothing.npz cannot be read: there is no such file; build the table, or look for the file
    """
    advice = "delete it, so that the table is built again, or restore it"
    try:
        with opened(path, links=links) as file:
            size = os.fstat(file.fileno()).st_size
            if most is not None and size > most:
                raise DataError(f"it has {size:,} bytes, the table {most:,} at most")
            data, unchanged = _contents(file)
    except FileNotFoundError as error:
        raise DataError(f"{path} cannot be read: there is no such file; build the table, or look for the file") from error
    except PermissionError as error:
        raise DataError(f"{path} cannot be read: permission denied; make it readable, or delete it") from error
    except MemoryError as error:  # the file may be right: it is neither skipped nor built again
        raise TooLargeError(f"{path} does not fit into memory; free some, or ask for a table of a lower order") from error
    except Exception as error:  # a folder, a broken disk, a path that is none
        raise DataError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}; {advice}") from error
    try:
        arrays = unpack(data)
    except DataError as error:
        raise DataError(f"{path} cannot be used: {error}; {advice}") from error
    arrays.unchanged = unchanged
    return arrays


def load(
    name: str,
    check: Callable[[dict[str, IntArray]], object],
    build: Callable[[], Mapping[str, IntArray]],
    path: PathLike | None = None,
    make: Callable[[Path], None] | None = None,
    most: int | None = None,
) -> Mapping[str, IntArray]:
    """The arrays of a table: from the first file that is right, else built now and kept in the user's cache.

    Parameters
    ----------
    name : of the file
    check : raises DataError when the arrays it is given are not the table wanted
    build : makes the arrays
    path : a folder to look in first
    make : writes the file into a folder piece by piece; `build` is for where that folder cannot be written
    most : bytes that a file can have

    Returns
    -------
    name -> array, read-only. A file that is not right, or a cache that cannot be written, is told in a DataWarning.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_arrays(folder / "squares.npz", {"square": np.array([0, 1, 4])})
    >>> load("squares.npz", check=lambda arrays: None, build=dict, path=folder)["square"].tolist()
    [0, 1, 4]
    """
    for folder in folders(path):
        file = folder / name
        if os.path.isfile(file):
            try:
                return _checked(file, check, most)
            except DataError as error:
                message = f"{file} is skipped, and the table rebuilt unless another folder holds it: {error}"
                warnings.warn(message, DataWarning, stacklevel=outside())
    try:
        folder = made(cache_folder())
        if make is None:
            write_arrays(folder / name, build())
        else:
            make(folder)
        return _checked(folder / name, check, most)  # which another process may have replaced meanwhile
    except DataError as error:
        built = build()
        message = f"{name} was built but cannot be kept, so it is built again next time: {error}"
        warnings.warn(message, DataWarning, stacklevel=outside())
    return {key: frozen(np.asarray(array).view()) for key, array in built.items()}


def _checked(file: Path, check: Callable[[dict[str, IntArray]], object], most: int | None) -> Archive:
    arrays = read_arrays(file, most=most)
    check(arrays)
    return arrays


def _contents(file: BinaryIO) -> tuple[memoryview, Callable[[], None] | None]:
    """All bytes; those of a large file stay on the disk until they are looked at, and what tells that it has changed."""
    known = _stamp(file.fileno())
    if known[0] < MAPPED:
        return memoryview(file.read()), None
    import mmap
    import weakref

    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    kept = os.dup(file.fileno())  # the file itself, whatever its name stands for later
    weakref.finalize(mapped, os.close, kept)

    def unchanged() -> None:
        if _stamp(kept) != known:
            raise DataError("the file of a table was changed while the table was in use; ask for it again")

    return memoryview(mapped), unchanged


def _stamp(handle: int) -> tuple[int, int]:
    found = os.fstat(handle)
    return found.st_size, found.st_mtime_ns
