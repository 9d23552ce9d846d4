"""Tables as files: found in `folders()`, believed when their sha256 is right, else built and kept in the user's cache."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import DataError, DataWarning
from ..files import cache_folder, folders, replacing
from ..typing import IntArray, PathLike
from .archive import Chunks, pack, unpack

__all__ = ["Chunks", "load", "read", "write"]

MAPPED = 1 << 30  # files from this size on are mapped, not read, into memory


def write(path: PathLike, arrays: Mapping[str, IntArray | Chunks]) -> None:
    """Keep integer arrays in one file, which appears complete or not at all.

    Parameters
    ----------
    path : the file, in a folder that exists; one that is there is replaced
    arrays : name -> array of integers (uint8 for truth values) of any shape, or `Chunks`; kept in this order

    Raises
    ------
    InputError : an array is not of integers, a name is no identifier, or pieces do not make up the shape
    DataError : the file cannot be written

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "squares.npz"
    >>> write(file, {"n": np.arange(4), "square": Chunks("int16", (4,), [np.array([k * k], "int16") for k in range(4)])})
    >>> read(file)["square"].tolist()
    [0, 1, 4, 9]
    """
    path = Path(path)
    try:
        with replacing(path) as file:
            pack(file, arrays)
    except DataError:  # the caller's, from a piece
        raise
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error}); make its folder writable, or choose another one") from error


def read(path: PathLike) -> dict[str, IntArray]:
    """The arrays of a file that `write` wrote, read-only; nothing in it is believed before its sha256 is right.

    Raises
    ------
    DataError : the file cannot be read, its bytes are not the ones written, or it holds something else than integer arrays

    Examples
    --------
    >>> read("nothing.npz")
    Traceback (most recent call last):
    fastdiag.errors.DataError: nothing.npz cannot be read: there is no such file; build the table, or look for the file
    """
    advice = "delete it, so that the table is built again, or restore it"
    try:
        with open(path, "rb") as file:
            data = _contents(file)
    except FileNotFoundError as error:
        raise DataError(f"{path} cannot be read: there is no such file; build the table, or look for the file") from error
    except PermissionError as error:
        raise DataError(f"{path} cannot be read: permission denied; make it readable, or delete it") from error
    except Exception as error:  # a folder, a broken disk, a path that is none
        raise DataError(f"{path} cannot be read: {error}; {advice}") from error
    try:
        return unpack(data)
    except DataError as error:
        raise DataError(f"{path} cannot be used: {error}; {advice}") from error


def load(
    name: str,
    check: Callable[[dict[str, IntArray]], object],
    build: Callable[[], Mapping[str, IntArray]],
    path: PathLike | None = None,
    make: Callable[[Path], None] | None = None,
) -> dict[str, IntArray]:
    """The arrays of a table: from the first file that is right, else built now and kept in the user's cache.

    Parameters
    ----------
    name : of the file
    check : raises DataError when the arrays it is given are not the table wanted
    build : makes the arrays
    path : a folder to look in first
    make : writes the file into a folder piece by piece; `build` is for where that folder cannot be written

    Returns
    -------
    name -> array, read-only. A file that is not right, or a cache that cannot be written, is told in a DataWarning.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write(folder / "squares.npz", {"square": np.array([0, 1, 4])})
    >>> load("squares.npz", check=lambda arrays: None, build=dict, path=folder)["square"].tolist()
    [0, 1, 4]
    """
    for folder in folders(path):
        file = folder / name
        if not os.path.isfile(file):
            continue
        try:
            arrays = read(file)
            check(arrays)
            return arrays
        except DataError as error:
            message = f"{file} is skipped, and the table rebuilt unless another folder holds it: {error}"
            warnings.warn(message, DataWarning, stacklevel=5)  # where the table is asked for
    built: Mapping[str, IntArray] | None = None
    try:
        folder = _made(cache_folder())
        if make is not None:
            make(folder)
            return read(folder / name)
        built = build()
        write(folder / name, built)
    except DataError as error:
        message = f"{name} was built but cannot be kept, so it is built again next time: {error}"
        warnings.warn(message, DataWarning, stacklevel=5)  # where the table is asked for
    return {key: _frozen(array) for key, array in (build() if built is None else built).items()}


def _made(folder: Path) -> Path:
    if not folder.is_absolute():  # without a home, the cache's name is a relative one
        raise DataError(f"the cache {folder} is in no home folder; set HOME")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"the cache {folder} cannot be made ({error}); make it, or a folder above it writable") from error
    return folder


def _frozen(array: IntArray) -> IntArray:
    frozen = np.asarray(array).view()
    frozen.flags.writeable = False
    return frozen


def _contents(file: BinaryIO) -> memoryview:
    """All bytes; those of a large file stay on the disk until they are looked at."""
    if os.fstat(file.fileno()).st_size < MAPPED:
        return memoryview(file.read())
    import mmap

    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
