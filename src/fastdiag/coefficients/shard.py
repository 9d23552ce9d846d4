"""The rows first to last of a table: computed anywhere, and labelled with what they are and the code that made them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..diagram.enumeration import Diagrams, on_tree, stream_diagrams
from ..diagram.orbits import coarser, value_class
from ..embedding.batch import nodes_of
from ..embedding.patterns import pattern_rows
from ..typing import IntArray
from .schema import OF_ROWS, Kind, kernel_columns, schema

LABEL = ("origin", "code")
"""Of a shard: schema, first and last row; sha256 of the sources that made it."""
COARSER = ("coarser_lengths", "coarser", "coarser_times")


@lru_cache(maxsize=16)
def offsets(order: int) -> tuple[int, ...]:
    """Number of diagrams on the trees before each tree, and of all."""
    counts: dict[int, int] = {}
    for shard in stream_diagrams(order, progress=False):
        trees, numbers = np.unique(shard.tree_index, return_counts=True)
        for tree, number in zip(trees.tolist(), numbers.tolist(), strict=True):
            counts[tree] = counts.get(tree, 0) + number
    return (0, *np.cumsum([counts[tree] for tree in sorted(counts)]).tolist())


def shard(kind: Kind, order: int, first: int, last: int) -> dict[str, IntArray]:
    """The rows first to last of a table; a pure function of small arguments, for any process on any machine."""
    pieces = [_on_one_tree(kind, ds, tree) for tree, ds in diagrams_of(order, first, last)]
    joined = {name: np.concatenate([piece[name] for piece in pieces]) for name in OF_ROWS}
    return {name: array.astype(width(name, array)) for name, array in joined.items()} | {
        "origin": origin(kind, order, first, last), "code": code()
    }


def diagrams_of(order: int, first: int, last: int) -> Iterator[tuple[int, Diagrams]]:
    """The diagrams of the rows first to last, tree by tree."""
    for tree, (low, high) in enumerate(pairwise(offsets(order))):
        if low < last and high > first:
            yield tree, on_tree(order, tree)[max(first - low, 0) : min(last, high) - low]


def origin(kind: Kind, order: int, first: int, last: int) -> IntArray:
    """What the rows first to last say of themselves."""
    return np.array([*schema(kind, order).tolist(), first, last], np.int64)


@cache
def code() -> IntArray:
    """sha256 of the sources of all rooms up to this one, (32,) uint8."""
    package = Path(__file__).parents[1]
    rooms = ("kernels", "diagram", "spacetime", "embedding", "coefficients")
    sources = [path for room in rooms for path in sorted((package / room).glob("*.py"))]
    return np.frombuffer(hashlib.sha256(b"".join(path.read_bytes() for path in sources)).digest(), np.uint8)


def _on_one_tree(kind: Kind, ds: Diagrams, tree: int) -> dict[str, IntArray]:
    order, parents, starts = ds.order, ds.trees[tree], offsets(ds.order)
    rows = pattern_rows(
        nodes_of(parents), "one order" if kind == "cyclic" else "fresh orders", True, ds.blocks[:, 1:].astype(np.int64) - 1
    )
    found = {
        "parents": ds.parents,
        "blocks": ds.blocks,
        "automorphisms": ds.automorphisms,
        "irreducible": ds.irreducible.astype(np.uint8),
        "value_class": value_class(ds.trees, tree, ds.blocks, starts),
        "lengths": rows.lengths,
        "columns": _numbers(kind, order)[rows.columns],
        "counts": rows.counts,
    }
    sums = coarser(parents, ds.blocks) if kind == "reshuffle" else (np.zeros(0, np.int32),) * 3
    found |= dict(zip(COARSER, (sums[0], sums[1] + starts[tree], sums[2]), strict=True))
    return found


@lru_cache(maxsize=4)
def _numbers(kind: Kind, n: int) -> IntArray:
    """The number in the file of each column of the kernels."""
    place = kernel_columns(kind, n)
    numbers = np.zeros(int(place.max()) + 1, np.int64)
    numbers[place] = np.arange(len(place))
    return numbers


def width(name: str, array: IntArray) -> np.dtype[np.generic]:
    """The smallest integers that hold an array; parents have -1."""
    return np.dtype(np.int8) if name in ("parents", "blocks") else np.min_scalar_type(int(array.max(initial=0)))
