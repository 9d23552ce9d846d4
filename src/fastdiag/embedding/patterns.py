"""Pattern tables: the integers of a diagram from which its count follows for every N, B, T, E.

A pattern is a way in which nodes fall into epochs and parts into positions, up to what N, B, T, E can tell apart. A count
is the sum over patterns of (how many) x (a product of binomials and falling factorials); readers of one table put in
numbers or symbols.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from ..diagram.partition import set_partitions
from ..kernels.cyclic_rows import cyclic_rows, epoch_patterns
from ..kernels.kernel import plain
from ..kernels.levels import ShapeTables, level_rows
from ..kernels.reshuffle_rows import reshuffle_rows
from ..typing import IntArray
from .foresight import bell, check_levels, check_patterns
from .poset import Poset

INT64_NODES = 10  # a row sums to at most 2 (n + 1) Fubini(n)^2 < 2^63; beyond, the source runs on Python ints
PLAIN_NODES = 4  # up to here, for one diagram, the plain source is done before numba is imported
ROW_SPACE = 1 << 20  # entries that are asked for at a time

Shape: TypeAlias = tuple[int, ...]
"""Parts on each level, in descending order."""


Family: TypeAlias = Literal["one order", "fresh orders"]
"""One order of the rows, repeated (cyclic sampling); or a fresh order for every epoch (reshuffle; replacement)."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """A diagram's pattern table: counts[i] patterns of the kind index[i].

    One order, both bases: index rows are (m, shape, j): m whole epochs that hold nodes; the position levels of the parts,
    a shape of the catalog; how many of these levels lie before the cut of the partial epoch (0: all epochs are whole).

    Fresh orders: index rows are (parts P, key, last), numbers in the catalog: the shapes of the whole epochs that hold
    nodes, and the shape in the last, partial epoch (0: none). In the moment basis P is the number of parts; in the
    cumulant basis parts that share a row count once.
    """

    family: Family
    nodes: int
    index: IntArray
    counts: tuple[int, ...]


class Rows(NamedTuple):
    """Pattern tables of several diagrams, one after the other: lengths[i] entries, columns and counts."""

    lengths: IntArray
    columns: IntArray
    counts: IntArray


class Catalog(NamedTuple):
    """Shapes and keys (multisets of shapes) of at most n parts, numbered; what the kernels read."""

    shapes: tuple[Shape, ...]
    keys: tuple[tuple[Shape, ...], ...]
    tables: ShapeTables

    @property
    def levels(self) -> IntArray:
        """Number of levels of each shape."""
        return np.asarray(self.tables.levels)


@lru_cache(maxsize=16)
def catalog(n: int, keyed: bool = True) -> Catalog:
    """All shapes, with `keyed` keys too, of at most n parts; those that exceed n are never asked for, and point to 0."""
    shapes = tuple(sorted((s for size in range(n + 1) for s in _integer_partitions(size)), key=lambda s: (sum(s), s)))
    place = {shape: i for i, shape in enumerate(shapes)}
    keys: list[tuple[Shape, ...]] = [()]
    for shape in shapes[1:] if keyed else ():  # multisets: shapes in catalog order
        for key in list(keys):
            while sum(map(sum, key)) + sum(shape) <= n:
                key = (*key, shape)
                keys.append(key)
    keys = sorted(set(keys), key=lambda k: (sum(map(sum, k)), k))
    number = {key: i for i, key in enumerate(keys)}
    merge = np.array([[place.get(_descending(one + other), 0) for other in shapes] for one in shapes])
    grow = np.array([[place.get(_descending((*shape, c)), 0) if c else 0 for c in range(n + 1)] for shape in shapes])
    join = np.zeros((len(keys), len(shapes)), np.int64)
    for key in keys:
        for shape in shapes[1:]:
            more = tuple(sorted((*key, shape), key=place.__getitem__))
            join[number[key], place[shape]] = number.get(more, 0)
    starts = np.searchsorted([sum(shape) for shape in shapes], np.arange(n + 2))
    key_starts = np.searchsorted([sum(map(sum, key)) for key in keys], np.arange(n + 2))
    sizes = np.array([mask.bit_count() for mask in range(1 << n)])
    levels = np.array([len(shape) for shape in shapes])
    return Catalog(shapes, tuple(keys), ShapeTables(grow, merge, join, levels, starts, key_starts, sizes))


def _descending(sizes: Iterable[int]) -> Shape:
    return tuple(sorted(sizes, reverse=True))


def _integer_partitions(size: int, largest: int | None = None) -> Iterable[Shape]:
    if size == 0:
        yield ()
    for first in range(min(size, size if largest is None else largest), 0, -1):
        for rest in _integer_partitions(size - first, first):
            yield (first, *rest)


@lru_cache(maxsize=4096)
def level_shapes(poset: Poset) -> dict[Shape, int]:
    """How many strictly order-preserving surjections of the parts onto levels have each shape.

    One epoch has sum over shapes of (how many) C(T, levels) prod (ways to place a level) maps: B^size in the cumulant
    basis, where this is B^P times the strict order polynomial, and B (B-1) ... in the moment basis.
    """
    check_levels(poset)
    known = catalog(len(poset.part), False)
    out = level_tables(poset, np.arange(poset.parts)[None], len(poset.part) <= PLAIN_NODES)[0]
    return {shape: int(out[s]) for s, shape in enumerate(known.shapes) if out[s]}


def level_tables(poset: Poset, strings: Sequence[Sequence[int]] | IntArray, plain: bool = False) -> IntArray:
    """Dense tables (strings, shapes) of `level_shapes`, the parts merged by each growth string."""
    n = len(poset.part)
    known = catalog(n, False)
    below, part, merges, kind = _problem(poset, strings)
    out = np.zeros((len(merges), len(known.shapes)), kind)
    _run(level_rows, n, plain)(below, part, merges, tuple(known.tables), out)
    return out


@lru_cache(maxsize=4096)
def patterns(poset: Poset, family: Family, basis: str, partial: bool) -> Patterns:
    """The pattern table; `partial`: for spacetimes that end in a partial epoch.

    With fresh orders, cumulants sum over coarsenings of the parts: maps_cumulant = sum of maps_moment.
    """
    n = len(poset.part)
    merging = family == "fresh orders" and basis == "cumulant"
    check_patterns(poset, family, partial, bell(poset.parts) if merging else 1)
    shapes = len(catalog(n, False).shapes)
    strings: Sequence[Sequence[int]] = set_partitions(poset.parts) if merging else [range(poset.parts)]
    rows = pattern_rows(poset, family, partial, strings, n <= PLAIN_NODES)
    if family == "one order":
        rest, j = np.divmod(rows.columns, n + 1)
        index = np.stack([*np.divmod(rest, shapes), j], axis=1)
        return Patterns(family, n, index, tuple(rows.counts.tolist()))
    parts = np.repeat([max(string, default=-1) + 1 for string in strings], rows.lengths)
    totals: Counter[tuple[int, int]] = Counter()
    for parted, column, number in zip(parts.tolist(), rows.columns.tolist(), rows.counts.tolist(), strict=True):
        totals[parted, column] += number
    index = np.array([(P, *divmod(column, shapes)) for P, column in sorted(totals)], np.int64).reshape(-1, 3)
    return Patterns(family, n, index, tuple(totals[key] for key in sorted(totals)))


def pattern_rows(
    poset: Poset, family: Family, partial: bool, strings: Sequence[Sequence[int]] | IntArray, plain: bool = False
) -> Rows:
    """Pattern tables with the parts merged by each growth string; with fresh orders, in the moment basis.

    Columns: (m x shapes + shape)(n + 1) + j with one order, key x shapes + last with fresh orders.
    """
    n = len(poset.part)
    known = catalog(n, family == "fresh orders")
    below, part, merges, kind = _problem(poset, strings)
    tables = tuple(known.tables)  # numba is slow to tell the type of a NamedTuple
    arguments: tuple[Any, ...] = (partial, tables)
    if family == "one order":
        kernel, most = cyclic_rows, (n + 1) ** 2 * int(np.diff(known.tables.starts).max())
        sets = 1 << sum(mask.bit_count() for mask in poset.below)
        ways = np.zeros((sets, 1 << n if partial else 1, n + 1), kind)
        _run(epoch_patterns, n, plain)(below, partial, known.tables.sizes, ways)
        arguments = (partial, ways, _most_sequences(n, sets), tables)
    else:
        kernel, most = reshuffle_rows, len(known.keys) * len(known.shapes)
    space = min(max(ROW_SPACE, most), most * len(merges))
    lengths, columns, counts = np.zeros(len(merges), np.int64), np.zeros(space, np.int64), np.zeros(space, kind)
    found, done = [], 0
    while done < len(merges):
        more = _run(kernel, n, plain)(below, part, merges, done, *arguments, lengths[done:], columns, counts)
        used = int(lengths[done : done + more].sum())
        found.append((columns[:used].copy(), counts[:used].copy()))
        done += more
    columns, counts = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
    return Rows(lengths, columns, counts)


def _most_sequences(n: int, sets: int) -> int:
    """Most entries of all sequences of levels: a weak order each, or a set of relations and a shape each."""
    shapes = np.diff(catalog(n, False).tables.starts).tolist()
    return sum(comb(n, k) * min(fubini(k), sets * shapes[k]) for k in range(n + 1))


def fubini(n: int) -> int:
    """Weak orders of n items."""
    counts = [1]
    for size in range(1, n + 1):
        counts.append(sum(comb(size, k) * counts[size - k] for k in range(1, size + 1)))
    return counts[n]


def _problem(poset: Poset, strings: Any) -> tuple[IntArray, IntArray, IntArray, Any]:
    n = len(poset.part)
    merges = np.array(strings, np.int64).reshape(len(strings), poset.parts)
    kind = np.int64 if n <= INT64_NODES else object
    return np.array(poset.below, np.int64), np.array(poset.part, np.int64), merges, kind


def _run(kernel: Any, n: int, in_python: bool) -> Any:
    return plain(kernel) if in_python or n > INT64_NODES else kernel
