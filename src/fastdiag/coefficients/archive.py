"""NPZ archives of integer arrays that carry their own sha256.

An archive is a plain zip of plain .npy members, nothing compressed, no clock or machine in it: the same arrays give the
same bytes everywhere. It is laid out in one pass, so that arrays larger than the memory can be streamed into it: the
crc of a member follows its data, and the comment that ends the file tells the sha256 of every byte before it. All sizes
are in zip64 form, whatever they are, and every member begins at a multiple of 64 bytes. `np.load` opens it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import DataError, InputError
from ..typing import IntArray

COMMENT = "fastdiag table, sha256 of the bytes before this comment: "
ALIGN = 64
BLOCK = 1 << 20  # bytes written at a time

# Field by field as in PKWARE's APPNOTE, 4.3.7 to 4.3.16 and 4.5.3. The constants: version 45 (zip64), flag 8 (the crc
# follows the data), no compression, 1980-01-01 0:00, lengths in the zip64 field, made by Unix, a file of mode 644.
VERSION, FLAGS, STORED, TIME, DATE, IN_ZIP64 = 45, 8, 0, 0, 1 << 5 | 1, 0xFFFFFFFF
UNIX, MODE = 3 << 8, 0o100644 << 16
ZIP64, ALIGNMENT = 1, 0xD935
LOCAL, LOCAL_EXTRA, TRAILER = struct.Struct("<4s5H3I2H"), struct.Struct("<2H2Q3H"), struct.Struct("<4sI2Q")
ENTRY, ENTRY_EXTRA = struct.Struct("<4s6H3I5H2I"), struct.Struct("<2H3Q")
END, LOCATOR, OLD_END = struct.Struct("<4sQ2H2I4Q"), struct.Struct("<4sIQI"), struct.Struct("<4s4H2IH")


class Chunks(NamedTuple):
    """An array that is not in memory: its dtype, its shape, and its pieces along axis 0 in order."""

    dtype: npt.DTypeLike
    shape: tuple[int, ...]
    pieces: Iterable[IntArray]


def pack(file: BinaryIO, arrays: Mapping[str, IntArray | Chunks]) -> None:
    """Write the archive of these arrays, in this order, in one pass.

    Raises
    ------
    InputError : an array is not of integers, a name is no identifier, or pieces do not make up the shape
    """
    members = [(name, _checked(name, array)) for name, array in arrays.items()]
    if not members:
        raise InputError("there are no arrays to write; give one at least")
    out = _Tally(file)
    entries = [_write_member(out, name, array) for name, array in members]
    start = out.length
    out.write(b"".join(entries))
    end, count = out.length, len(entries)
    out.write(END.pack(b"PK\6\6", END.size - 12, UNIX | VERSION, VERSION, 0, 0, count, count, end - start, start))
    out.write(LOCATOR.pack(b"PK\6\7", 0, end, 1))
    out.write(OLD_END.pack(b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, IN_ZIP64, IN_ZIP64, len(COMMENT) + 64))
    out.write((COMMENT + out.sha256.hexdigest()).encode())


def unpack(data: memoryview, again: bool = False) -> dict[str, IntArray]:
    """The arrays of an archive, as views of its bytes; only the very layout that `pack` writes will do.

    `again`: its sha256 was right a moment ago, and is not taken once more.

    Raises
    ------
    DataError : its sha256 is wrong (nothing else was looked at then), or it holds something else than integer arrays
    """
    import hashlib

    end = len(data) - len(COMMENT) - 64
    if end < 0 or bytes(data[end:-64]) != COMMENT.encode():
        raise DataError("it does not end with the sha256 of a fastdiag table")
    if not again and hashlib.sha256(data[:end]).hexdigest().encode() != bytes(data[-64:]):
        raise DataError("its bytes differ from the sha256 recorded at its end")
    arrays: dict[str, IntArray] = {}
    try:
        for name, member in _members(data):
            if name in arrays:
                raise DataError(f"its member {name!r} stands there twice")
            arrays[name] = _array(name, member)
    except DataError:
        raise
    except Exception as error:  # whatever numpy or struct stumble over: somebody made these bytes by hand
        raise DataError(f"it is no table ({type(error).__name__}: {error})") from error
    return arrays


def _checked(name: str, array: IntArray | Chunks) -> Chunks:
    """The array as little-endian pieces."""
    if not (isinstance(name, str) and name.isascii() and name.isidentifier()):
        raise InputError(f"an array cannot be called {name!r}; use letters, digits and _")
    if not isinstance(array, tuple):
        array = np.asarray(array)
        array = Chunks(array.dtype, array.shape, [array])
    dtype, shape, pieces = array
    dtype, shape = np.dtype(dtype), tuple(int(n) for n in shape)
    if dtype.kind not in "iu":
        raise InputError(f"array {name!r} holds {dtype}, not integers; convert it, truth values to uint8")
    if min(shape, default=0) < 0:
        raise InputError(f"array {name!r} cannot have shape {shape}; give lengths from 0 on")
    return Chunks(dtype.newbyteorder("<"), shape, pieces)


class _Tally:
    """A file that is only ever appended to, with what was written so far: its length and its sha256."""

    def __init__(self, file: BinaryIO) -> None:
        import hashlib

        self.file, self.length, self.sha256 = file, 0, hashlib.sha256()

    def write(self, data: bytes | memoryview) -> None:
        self.file.write(data)
        self.sha256.update(data)
        self.length += len(data)


def _write_member(out: _Tally, name: str, array: Chunks) -> bytes:
    """Write one array; returns its entry in the archive's directory."""
    import zlib

    dtype = np.dtype(array.dtype)
    header = _npy_header(dtype, array.shape)
    size = len(header) + dtype.itemsize * math.prod(array.shape)
    file, offset = f"{name}.npy".encode(), out.length
    out.write(_local_header(file, size, offset))
    out.write(header)
    crc = zlib.crc32(header)
    for block in _blocks(name, array):
        crc = zlib.crc32(block, crc)
        out.write(block)
    out.write(TRAILER.pack(b"PK\7\x08", crc, size, size))
    fields = (UNIX | VERSION, VERSION, FLAGS, STORED, TIME, DATE, crc, IN_ZIP64, IN_ZIP64)
    lengths = (len(file), ENTRY_EXTRA.size, 0)
    entry = ENTRY.pack(b"PK\1\2", *fields, *lengths, 0, 0, MODE, IN_ZIP64)
    return entry + file + ENTRY_EXTRA.pack(ZIP64, ENTRY_EXTRA.size - 4, size, size, offset)


def _local_header(file: bytes, size: int, offset: int) -> bytes:
    """What stands before a member of this size that begins at this offset; it ends at a multiple of ALIGN."""
    padding = -(offset + LOCAL.size + len(file) + LOCAL_EXTRA.size) % ALIGN
    lengths = (len(file), LOCAL_EXTRA.size + padding)
    local = LOCAL.pack(b"PK\3\4", VERSION, FLAGS, STORED, TIME, DATE, 0, IN_ZIP64, IN_ZIP64, *lengths)
    return local + file + LOCAL_EXTRA.pack(ZIP64, 16, size, size, ALIGNMENT, 2 + padding, ALIGN) + bytes(padding)


def _npy_header(dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> bytes:
    """Version 1.0. (numpy's own writer pads differently from release to release.)"""
    text = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(10 + len(text) + 1) % ALIGN) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text


def _blocks(name: str, array: Chunks) -> Iterator[memoryview]:
    """The array's bytes, at most BLOCK at a time."""
    dtype, shape = np.dtype(array.dtype), array.shape
    left = math.prod(shape) * dtype.itemsize
    for given in array.pieces:
        piece = np.asarray(given)
        left -= piece.nbytes
        if piece.dtype.newbyteorder("<") != dtype or piece.shape[1:] != shape[1:] or piece.ndim != len(shape) or left < 0:
            raise InputError(
                f"array {name!r} of {dtype} and shape {shape} was given a piece of {piece.dtype} and shape {piece.shape}, "
                "which does not fit; give pieces along axis 0 that make up the shape"
            )
        raw = np.ascontiguousarray(piece, dtype).reshape(-1).view(np.uint8).data
        for first in range(0, len(raw), BLOCK):
            yield raw[first : first + BLOCK]
    if left:
        raise InputError(f"the pieces of array {name!r} end {left} bytes short of its shape {shape}; give all of them")


def _members(data: memoryview) -> Iterator[tuple[str, memoryview]]:
    offset = 0
    while bytes(data[offset : offset + 4]) != b"PK\1\2":
        length = LOCAL.unpack_from(data, offset)[-2]
        file = bytes(data[offset + LOCAL.size : offset + LOCAL.size + length])
        size = LOCAL_EXTRA.unpack_from(data, offset + LOCAL.size + length)[2]
        header = _local_header(file, size, offset)
        start = offset + len(header)
        if bytes(data[offset:start]) != header or not file.endswith(b".npy") or start + size > len(data):
            raise DataError(f"its member at byte {offset} is not laid out as in a table")
        yield file[:-4].decode("ascii"), data[start : start + size]
        offset = start + size + TRAILER.size


def _array(name: str, data: memoryview) -> IntArray:
    """One member's array; what it says of itself is compared with its size before anything is made of it."""
    import io

    start = 10 + int.from_bytes(data[8:10], "little")
    shape, _, dtype = np.lib.format.read_array_header_1_0(io.BytesIO(data[8:start]))
    if dtype.kind not in "iu" or bytes(data[:start]) != _npy_header(dtype.newbyteorder("<"), shape):
        raise DataError(f"its member {name!r} holds {dtype}, or in another layout, not integers as in a table")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(data) - start:
        raise DataError(f"its member {name!r} says shape {shape} of {dtype} but has {len(data) - start} bytes of data")
    return np.frombuffer(data[start:], dtype).reshape(shape)
