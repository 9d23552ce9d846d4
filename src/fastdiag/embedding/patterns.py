"""Pattern tables: the integers of a diagram from which its count follows for every N, B, T, E.

A pattern is a way in which nodes fall into epochs and parts into positions, up to what N, B, T, E can tell apart. A count
is the sum over patterns of (how many) x (a product of binomials and falling factorials); readers of one table put in
numbers or symbols.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from ..diagram.partition import moebius_from_bottom, set_partitions
from ..kernels.patterns import cyclic_tables, ideal_chains, reshuffle_tables
from ..typing import IntArray
from .relations import Relations

INT64_NODES = 10  # sums over coarsenings are at most Fubini(n) n! 2^(n-1) < 2^63; beyond, the source runs on Python ints

Shape: TypeAlias = tuple[int, ...]
"""Parts on each level of an epoch, in descending order."""


Family: TypeAlias = Literal["one order", "fresh orders"]
"""One order of the rows, repeated (cyclic sampling); or a fresh order for every epoch (reshuffle; replacement)."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """A diagram's pattern table: counts[i] patterns of the kind index[i].

    One order: index rows are (parts P, epoch levels m, position levels l, h). h = 0: all nodes lie in whole epochs;
    h >= 1: some lie in the last, partial epoch, their parts within the first h position levels.

    Fresh orders: index rows are (parts P, key, last), numbers in the catalog: the shapes of the whole epochs that hold
    nodes, and the shape in the last, partial epoch (0: none).
    """

    family: Family
    nodes: int
    index: IntArray
    counts: tuple[int, ...]


class Catalog(NamedTuple):
    """Shapes and keys (multisets of shapes) of at most n parts, numbered; what the reshuffle kernel reads."""

    shapes: tuple[Shape, ...]
    keys: tuple[tuple[Shape, ...], ...]
    grow: IntArray
    """grow[shape, c]: the shape with one more level of c parts."""
    join: IntArray
    """join[key, shape]: the key with one more epoch."""
    starts: IntArray
    """Shapes of c parts are numbered from starts[c] to starts[c + 1]."""


@lru_cache(maxsize=16)
def catalog(n: int) -> Catalog:
    """All shapes and keys of at most n parts; those that would exceed n are never asked for, and point to 0."""
    shapes = tuple(sorted((s for size in range(n + 1) for s in _integer_partitions(size)), key=lambda s: (sum(s), s)))
    place = {shape: i for i, shape in enumerate(shapes)}
    keys: list[tuple[Shape, ...]] = [()]
    for shape in shapes[1:]:  # multisets: shapes in catalog order
        for key in list(keys):
            while sum(map(sum, key)) + sum(shape) <= n:
                key = (*key, shape)
                keys.append(key)
    keys = sorted(set(keys), key=lambda k: (sum(map(sum, k)), k))
    number = {key: i for i, key in enumerate(keys)}
    grow = np.zeros((len(shapes), n + 1), np.int64)
    for shape in shapes:
        for c in range(1, n + 1):
            grow[place[shape], c] = place.get(tuple(sorted((*shape, c), reverse=True)), 0)
    join = np.zeros((len(keys), len(shapes)), np.int64)
    for key in keys:
        for shape in shapes[1:]:
            more = tuple(sorted((*key, shape), key=place.__getitem__))
            join[number[key], place[shape]] = number.get(more, 0)
    starts = np.searchsorted([sum(shape) for shape in shapes], np.arange(n + 2))
    return Catalog(shapes, tuple(keys), grow, join, starts)


def _integer_partitions(size: int, largest: int | None = None) -> Iterable[Shape]:
    if size == 0:
        yield ()
    for first in range(min(size, size if largest is None else largest), 0, -1):
        for rest in _integer_partitions(size - first, first):
            yield (first, *rest)


def level_counts(relations: Relations) -> list[int]:
    """a_l, l = 0..P: strictly order-preserving surjections of the parts onto l levels.

    The strict order polynomial is Omega(T) = sum_l a_l C(T, l); one epoch has B^P Omega(T) maps in the cumulant basis.
    """
    P = relations.parts
    chains = np.zeros((1 << P, P + 1, P + 1), object)
    ideal_chains.py_func(relations.part_relations(), 0, chains)
    return [int(a) for a in chains[-1, :, 0]]


@lru_cache(maxsize=4096)
def patterns(relations: Relations, family: Family, basis: str, partial: bool) -> Patterns:
    """The pattern table; `partial`: for spacetimes that end in a partial epoch.

    Cumulants are simple with one order, moments with fresh orders; the other basis sums over coarsenings of the parts:
    maps_cumulant = sum of maps_moment, and back with the Moebius function of the partition lattice.
    """
    strings: Sequence[Sequence[int]] = [range(relations.parts)]
    times = [1]
    if basis != ("cumulant" if family == "one order" else "moment"):
        strings = set_partitions(relations.parts)
        times = [1 if basis == "cumulant" else moebius_from_bottom(string) for string in strings]
    parts = [max(string, default=-1) + 1 for string in strings]
    table = tables(relations, family, partial, strings, times, parts, relations.parts + 1)
    index = np.argwhere(table != 0)
    return Patterns(family, len(relations.part), index, tuple(int(x) for x in table[tuple(index.T)]))


def tables(
    relations: Relations,
    family: Family,
    partial: bool,
    strings: Sequence[Sequence[int]] | IntArray,
    times: Sequence[int],
    targets: Sequence[int],
    size: int,
) -> IntArray:
    """Dense tables of coarsenings of the parts: times[r] x that of strings[r] is added to row targets[r] of `size`."""
    n = len(relations.part)
    compiled = n <= INT64_NODES
    kind = np.int64 if compiled else object

    def zeros(*shape: int) -> IntArray:
        return np.zeros(shape, kind)

    arguments: list[object] = [
        np.array(relations.below, np.int64), np.array(relations.part, np.int64),
        np.array(strings, np.int64).reshape(len(strings), -1), np.array(times, kind), np.array(targets, np.int64), partial,
    ]
    if family == "one order":
        kernel = cyclic_tables
        out = zeros(size, n + 1, n + 1, n + 1)
        arguments += [zeros(n), zeros(n), zeros(n), zeros(n)]
        arguments += [zeros(1 << n, n + 1, n + 1), zeros(1 << n, n + 1, n + 1)]
    else:
        kernel = reshuffle_tables
        known = catalog(n)
        keys, shapes = len(known.keys), len(known.shapes)
        out = zeros(size, keys, shapes)
        arguments += [known.grow, known.join, known.starts, zeros(n), zeros(n), zeros(n)]
        arguments += [zeros(1 << n, shapes), zeros(1 << n, shapes), zeros(1 << n, keys), zeros(keys)]
    (kernel if compiled else kernel.py_func)(*arguments, out)
    return out
