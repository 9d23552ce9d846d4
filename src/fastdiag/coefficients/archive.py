"""NPZ archives of integer arrays that carry their own sha256.

An archive is a zip of plain .npy members, nothing compressed, no clock or machine in it: the same arrays give the same
bytes everywhere. The comment that ends it tells the sha256 of every byte before those 64 digits. `np.load` opens it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BufferedRandom, BytesIO
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from ..errors import DataError, InputError
from ..typing import IntArray

COMMENT, DIGITS = b"fastdiag table, sha256 of the bytes before these digits: ", 64
LOCAL = 30  # bytes of the header before a member, without the member's name and the extra fields
DIRECTORY = 1 << 17  # bytes that are read of the list of members at the end; a table's has some 1,500
ALIGN = 64  # every member begins at a multiple of it, so that the arrays of a mapped file need no copies


class Chunks(NamedTuple):
    """An array that is not in memory: its dtype, its shape, and its pieces along axis 0 in order."""

    dtype: npt.DTypeLike
    shape: tuple[int, ...]
    pieces: Iterable[IntArray]


class Archive(dict[str, IntArray]):
    """The arrays of an archive, and the sha256 that it ends with."""

    digest = ""
    unchanged: Callable[[], None] | None = None
    """Raises if the file has changed since; of arrays that are not in memory."""

    def __getitem__(self, name: str) -> IntArray:
        if self.unchanged is not None:
            self.unchanged()
        return super().__getitem__(name)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)  # elsewhere there is no file


def pack(file: BufferedRandom, arrays: Mapping[str, IntArray | Chunks]) -> str:
    """Write the archive of these arrays, in this order, to an empty file, and give the sha256 that it ends with.

    Raises
    ------
    InputError : an array is not of integers, a name is no identifier, or pieces do not make up the shape
    """
    import hashlib
    from zipfile import ZipFile, ZipInfo

    if not arrays:
        raise InputError("there are no arrays to write; give one at least")
    with ZipFile(file, "w") as archive:
        archive.comment = COMMENT + bytes(DIGITS)
        for name, array in arrays.items():
            dtype, shape, blocks = _blocks(name, array)
            info = ZipInfo(f"{name}.npy")  # of 1980, stored
            info.create_system, info.external_attr = 3, 0o100644 << 16  # Unix, a file of mode 644
            padding = -(file.tell() + LOCAL + len(info.filename) + 6 + 20) % ALIGN  # the zip64 field takes 20
            info.extra = struct.pack(f"<3H{padding}x", 0xD935, 2 + padding, ALIGN)  # the field that zipalign writes
            with archive.open(info, "w", force_zip64=True) as member:
                member.write(_header(dtype, shape))
                for block in blocks:
                    member.write(block)
    file.truncate(file.seek(-DIGITS, 2))
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0, 2)
    file.write(digest.encode())
    return digest


def _header(dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> bytes:
    """What NumPy writes before an array; written here, so that no NumPy to come changes a sha256 that is known."""
    text = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (21 - len(str(shape[0]))) if shape else ""  # room to grow
    text += " " * (64 - (len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def _blocks(name: str, array: IntArray | Chunks) -> tuple[np.dtype[np.generic], tuple[int, ...], Iterator[memoryview]]:
    """Little-endian dtype, shape, and the pieces' bytes, which come only as long as they fit."""
    if not (isinstance(name, str) and name.isascii() and name.isidentifier()):
        raise InputError(f"an array cannot be called {name!r}; use letters, digits and _")
    if not isinstance(array, tuple):
        array = Chunks(np.asarray(array).dtype, np.shape(array), [array])
    dtype, shape, pieces = np.dtype(array[0]).newbyteorder("<"), tuple(map(int, array[1])), array[2]
    if dtype.kind not in "iu":
        raise InputError(f"array {name!r} holds {dtype}, not integers; convert it, truth values to uint8")
    if min(shape, default=0) < 0:
        raise InputError(f"array {name!r} cannot have shape {shape}; give lengths from 0 on")

    def blocks() -> Iterator[memoryview]:
        left = math.prod(shape) * dtype.itemsize
        for piece in map(np.asarray, pieces):
            left -= piece.nbytes
            fits = piece.dtype.newbyteorder("<") == dtype and piece.ndim == len(shape) and piece.shape[1:] == shape[1:]
            if not fits or left < 0:
                raise InputError(
                    f"array {name!r} of {dtype} and shape {shape} was given a piece of {piece.dtype} and shape "
                    f"{piece.shape}, which does not fit; give pieces along axis 0 that make up the shape"
                )
            yield np.ascontiguousarray(piece, dtype).data
        if left:
            raise InputError(f"the pieces of array {name!r} end {left} bytes short of its shape {shape}; give all of them")

    return dtype, shape, blocks()


def unpack(data: memoryview) -> Archive:
    """The arrays of an archive, read-only, as views of its bytes.

    Raises
    ------
    DataError : its sha256 is wrong (nothing else was looked at then), or it holds something else than integer arrays
    """
    import hashlib
    from zipfile import ZIP_STORED, ZipFile

    if bytes(data[-DIGITS - len(COMMENT) : -DIGITS]) != COMMENT:
        raise DataError("it does not end with the sha256 of a fastdiag table")
    arrays = Archive()
    arrays.digest = hashlib.sha256(data[:-DIGITS]).hexdigest()
    if arrays.digest.encode() != bytes(data[-DIGITS:]):
        raise DataError("its bytes differ from the sha256 recorded at its end")
    try:
        with ZipFile(cast(Any, _View(data))) as archive:
            for info in archive.infolist():
                if info.compress_type != ZIP_STORED or not info.filename.endswith(".npy"):
                    raise DataError(f"its member {info.filename!r} is not stored as an array of a table")
                if (name := info.filename[:-4]) in arrays:
                    raise DataError(f"its member {name!r} stands there twice")
                start = info.header_offset + LOCAL
                start += sum(struct.unpack_from("<2H", data, start - 4))  # the lengths of name and extra fields
                arrays[name] = _array(name, data[start : start + info.file_size])
    except DataError:
        raise
    except Exception as error:  # whatever numpy or zipfile stumble over: somebody made these bytes by hand
        raise DataError(f"it is no table ({type(error).__name__}: {str(error)[:200]})") from error
    return arrays


class _View:
    """Bytes as a file that zipfile finds the list of members in; a long one is refused before it is read."""

    def __init__(self, data: memoryview) -> None:
        self._data, self._place = data, 0

    def seek(self, offset: int, whence: int = 0) -> int:
        place = offset + (0, self._place, len(self._data))[whence]
        if place < 0:
            raise OSError("it is too short")
        self._place = place
        return place

    def tell(self) -> int:
        return self._place

    def read(self, size: int = -1) -> bytes:
        left = max(0, len(self._data) - self._place)
        size = left if size < 0 else min(size, left)
        if size > DIRECTORY:
            raise DataError(f"its list of members takes {size:,} bytes, a table's at most {DIRECTORY:,}")
        self._place += size
        return bytes(self._data[self._place - size : self._place])


def _array(name: str, data: memoryview) -> IntArray:
    """One member's array; what it says of itself is compared with its size before anything is made of it."""
    header = BytesIO(data[: 1 << 14])  # numpy reads no longer ones
    if np.lib.format.read_magic(header) != (1, 0):
        raise DataError(f"its member {name!r} is of another version of NumPy's format than a table's")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(header)
    size = len(data) - header.tell()
    if dtype.kind not in "iu" or dtype != dtype.newbyteorder("<") or fortran_order:
        raise DataError(f"its member {name!r} holds {dtype}, or in another order, not integers as in a table")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != size:
        raise DataError(f"its member {name!r} says shape {shape} of {dtype} but has {size} bytes of data")
    array = np.require(np.frombuffer(data, dtype, offset=header.tell()).reshape(shape), requirements="A")
    array.flags.writeable = False
    return array
