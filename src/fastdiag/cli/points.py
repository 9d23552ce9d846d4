"""Data points from an NPZ file that somebody hands over: nothing in it is believed, every fault is named."""

from __future__ import annotations

import io
import struct
import zipfile
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FastdiagError, InputError
from ..landscapes import Logistic, breast_cancer, logistic, standardised, with_bias

MOST_BYTES = 1 << 28  # of an array
MOST_LISTED = 1 << 20  # bytes of the archive's list of files
END = b"PK\5\6"  # begins the record at a ZIP's end
END_BYTES = 22
COMMENT_BYTES = 1 << 16

ADVICE = "save one with numpy.savez(file, X=..., y=...)"


def landscape_of(data: Path | None, ridge: float) -> tuple[Logistic, str]:
    """Logistic regression from zero weights on a file's points, or on those that come along; and the data's name."""
    if data is None:
        return breast_cancer(ridge), "Breast Cancer Wisconsin (Diagnostic)"
    arrays = read_points(data)
    try:
        if arrays["X"].ndim != 2 or len(arrays["X"]) == 0:
            raise InputError(f"X must have shape (points, measurements), not {arrays['X'].shape}")
        return logistic(with_bias(standardised(arrays["X"])), arrays["y"], ridge=ridge), data.stem
    except FastdiagError as error:
        raise InputError(f"{data}: {error}") from None


def read_points(path: Path) -> dict[str, Any]:
    """The arrays X and y of an NPZ file.

    Raises
    ------
    InputError : no such file, empty, no NPZ, cut off, flipped bits, encrypted, arrays missing, too large or of objects
    """
    if not path.is_file():
        raise InputError(f"{path} is no plain file; {ADVICE}")
    found = {}
    try:
        _check_end(path)
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            for name in ("X", "y"):
                if f"{name}.npy" not in names:
                    held = ", ".join(sorted(names)[:10]) or "nothing"
                    raise InputError(f"it must be an NPZ file with arrays X and y, and holds {held}")
                found[name] = _array(archive, name)
    except InputError as error:
        raise InputError(f"{path} cannot be used: {error}") from None
    except Exception as error:  # whatever a damaged archive makes its reader raise
        raise InputError(f"{path} is no NPZ file, or damaged: {str(error) or type(error).__name__}; {ADVICE}") from None
    return found


def _check_end(path: Path) -> None:
    """Refuse what is no archive, or one whose list of files alone would fill the memory."""
    with path.open("rb") as file:
        start = file.read(len(b"\x93NUMPY"))
        if not start:
            raise InputError(f"it is empty; {ADVICE}")
        if start == b"\x93NUMPY":
            raise InputError(f"it is an NPY file, of one array, and no NPZ file; {ADVICE}")
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - END_BYTES - COMMENT_BYTES))
        tail = file.read()
    at = tail.rfind(END)
    if at < 0 or len(tail) - at < END_BYTES:
        raise InputError(f"it is no NPZ file, or cut off: the record at its end is missing; {ADVICE}")
    (listed,) = struct.unpack_from("<L", tail, at + 12)
    if listed > MOST_LISTED:
        raise InputError(f"its list of files has {listed:,} bytes, and an NPZ file of X and y has some hundred")


def _array(archive: zipfile.ZipFile, name: str) -> Any:
    """One array; its shape is compared with the bytes that are there before any memory is asked for."""
    member = archive.getinfo(f"{name}.npy")
    if member.flag_bits & 1:
        raise InputError(f"{name} is encrypted; save it without a password")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others unpack more than was asked for
        raise InputError(f"{name} is compressed in another way than NumPy's; save it with numpy.savez_compressed")
    if member.file_size > MOST_BYTES:
        raise InputError(f"{name} has {member.file_size:,} bytes, more than the {MOST_BYTES:,} that are taken")
    try:
        with archive.open(member) as packed:
            data = packed.read(member.file_size + 1)  # what a bomb says of its size is not believed
        file = io.BytesIO(data)
        version = np.lib.format.read_magic(file)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, columns_first, dtype = reader(file)
    except Exception as error:
        raise InputError(f"{name} is damaged: {str(error) or type(error).__name__}; save or copy the file again") from None
    if dtype.hasobject:
        raise InputError(f"{name} holds Python objects, which could run programs; save it as numbers")
    need, there = prod(shape) * dtype.itemsize, len(data) - file.tell()
    if need != there or min(shape, default=0) < 0:
        raise InputError(f"{name} is damaged: its shape {shape} takes {need:,} bytes, and {there:,} are there")
    return np.frombuffer(data, dtype, offset=file.tell()).reshape(shape, order="F" if columns_first else "C")
