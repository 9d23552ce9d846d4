"""What a file of a table is called and holds; docs/tables.md explains it field by field."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np

from ..diagram.number_of_diagrams import count_diagrams
from ..embedding.patterns import catalog
from ..typing import IntArray

VERSION = 1
"""Of the meaning and the bytes of the files; what changes either counts it up. Files of two versions lie side by side."""
Kind: TypeAlias = Literal["cyclic", "reshuffle"]
KINDS: tuple[Kind, ...] = ("cyclic", "reshuffle")
"""What is stored; replacement is reshuffle with one update to an epoch."""

NAMES = (
    "schema", "shapes", "keys", "index", "parents", "blocks", "automorphisms", "irreducible", "value_class",
    "lengths", "columns", "counts", "coarser_lengths", "coarser", "coarser_times",
)
OF_ROWS = NAMES[4:]
"""Those that have something for each diagram."""
ROW_BYTES = 1 << 14  # that a row of order 9 or 10 may take: a few times what it does

KNOWN = {
    "cyclic-00.npz": (5_677, "e8944a74f29ff6892532dc0a60fdab01f79b29f5fa7cb18877703e44cc63dda4"),
    "cyclic-01.npz": (5_767, "e22e9fdda0fc8230a8cf839594ba9f088c723969bc8cd862e61c58c623f303e0"),
    "cyclic-02.npz": (5_823, "3543b0834dc1f5671e7cdfca4ce8f2aeacadf38996be5cea483fb2b7a0891c93"),
    "cyclic-03.npz": (6_608, "743146a7c7fa94261539fdbea228c55d616fffe79c7c819cbda6e13af996c225"),
    "cyclic-04.npz": (15_291, "8173032bbd1e3c53b6d0f5fc62acf7dce62fecf7fa45016f8826a86a061046a0"),
    "cyclic-05.npz": (192_376, "0edd3e57e14dba3d1552f5b38058bed6b666e2be2d29177a6d29af6c01770ddf"),
    "cyclic-06.npz": (2_347_980, "3fd28b1ccd506a63ac210834dc1571e9172c933ce29e80248f399d6539e22de0"),
    "cyclic-07.npz": (32_203_320, "8e1fed101fe2e62c79797d81c4a4110a7d97a14966ed9d125b09d69fd2ebfe14"),
    "cyclic-08.npz": (798_572_646, "29ecad9371d2f6b2cdf4357b84c6e0ef2122cc888c34d82b93b48d220b96e02a"),
    "reshuffle-00.npz": (5_678, "fc29d058a60abc8c4674f660951cea0e81fbfa565eb0eb8286217aebcf867bf0"),
    "reshuffle-01.npz": (5_790, "1b8eb23d3857a6b6343622f1ca5e1fbcb2ccd1c79d34589bed3f14fd0ef2e134"),
    "reshuffle-02.npz": (5_689, "e9374cb6c1f4258a5507733abf180a47ca7cf8e5b717eff8e9f6c5561bca0dcd"),
    "reshuffle-03.npz": (6_084, "9acd4515d60e6208608cbb98e0f972b42735c7039784bdff5a7f4480bf9a2032"),
    "reshuffle-04.npz": (10_904, "f76d20e58e044db20087110ffc70430ab13a7564e8c048d387d363784761176a"),
    "reshuffle-05.npz": (101_887, "c49d2d3167bdcb4aec7f1576d25609b4f75e3b2c7c3bf46c87b4aa37e5de1491"),
    "reshuffle-06.npz": (1_957_281, "77c712a01ae2c8cc901620b089ae023414465a5a61a12b2a1a380e189d305b06"),
    "reshuffle-07.npz": (36_961_372, "df0dea9c8870070b4fde1003c343273799491526ac4ce9d30ebe9b06cea78a09"),
    "reshuffle-08.npz": (1_219_989_122, "8f00e24842ad03e0313f7077efc309f3634a99da67e895f64d60489df1ab76c5"),
}
"""Size and sha256, as it stands at its end, of every file of version 1 up to order 8: a file is the table or it is not."""


def file_name(kind: Kind, order: int) -> str:
    """Of the NPZ file of an order; version 1 is not written out."""
    return f"{kind}-{order:02}{'' if VERSION == 1 else f'.v{VERSION}'}.npz"


def most_bytes(kind: Kind, order: int) -> int:
    """That a file of this order can have."""
    known = KNOWN.get(file_name(kind, order))
    return known[0] if known else count_diagrams(order) * ROW_BYTES + ROW_BYTES


@lru_cache(maxsize=32)
def file_catalog(kind: Kind, n: int) -> dict[str, IntArray]:
    """What the numbers of a file stand for, by the names of its arrays.

    Level sizes of each shape and shape numbers of each key, filled up with 0, and the meaning of each column: (m, shape, j)
    or (key, last), only those that a diagram of n edges can have.
    """
    known = catalog(n)
    place = {shape: i for i, shape in enumerate(known.shapes)}
    shapes = [[*shape, *(0,) * (n - len(shape))] for shape in known.shapes]
    keys: list[list[int]] = []
    index: list[tuple[int, ...]]
    if kind == "cyclic":
        index = [(m, s, j) for m in range(n + 1) for s, shape in enumerate(known.shapes) for j in range(len(shape) + 1)]
    else:
        keys = [[*map(place.__getitem__, key), *(0,) * (n - len(key))] for key in known.keys]
        sizes = [sum(map(sum, key)) for key in known.keys]
        index = [(k, s) for k, size in enumerate(sizes) for s, shape in enumerate(known.shapes) if size + sum(shape) <= n]
    return {
        "shapes": np.array(shapes, np.uint8).reshape(len(shapes), n),
        "keys": np.array(keys, np.uint8).reshape(len(keys), n),
        "index": np.array(index, np.uint16),
    }


def kernel_columns(kind: Kind, n: int) -> IntArray:
    """The number that each column of a file has in the kernels."""
    index, known = file_catalog(kind, n)["index"].astype(np.int64), catalog(n)
    number = index[:, 0] * len(known.shapes) + index[:, 1]
    return number * (n + 1) + index[:, 2] if kind == "cyclic" else number


def schema(kind: Kind, order: int) -> IntArray:
    """Version, kind and order, as a file says them."""
    return np.array([VERSION, KINDS.index(kind), order], np.int64)


def heading(kind: Kind, order: int) -> dict[str, IntArray]:
    """The arrays of a file that do not depend on its diagrams."""
    return {"schema": schema(kind, order), **file_catalog(kind, order)}


def row_starts(lengths: IntArray) -> IntArray:
    """Where the entries of each row begin in an array of entries, and where those of the last row end."""
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
