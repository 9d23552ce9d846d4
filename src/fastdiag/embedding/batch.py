"""Counting maps for a whole list of diagrams, and many numbers of updates, at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm, prod

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import decimal, instance, sequence, shown, whole
from ..diagram import Diagrams
from ..diagram.partition import coarser_ranks, growth_strings, ranks
from ..door import door
from ..errors import InputError
from ..kernels.limbs import combine_rows, limbs_times_factors, rows_times_limbs
from ..locks import cached_property
from ..markup import MOST_ENTRIES, html_table
from ..memory import require
from ..record import Record
from ..spacetime import Spacetime, check_spacetime
from ..typing import Basis, FloatArray, IntArray
from .counting import maps
from .embeddings import check_basis
from .patterns import Rows, level_tables, pattern_rows
from .poset import Poset
from .reading import Reading, limbs_of

CHUNK_STRINGS = 1 << 10  # partitions of one tree whose patterns are held at a time
MOST_NODES = 8
WIDTH = 16  # bits to a limb of counts one by one


@dataclass(frozen=True, eq=False)
class MapCounts(Record):
    """Exact counts of many diagrams: integer numerators over one denominator.

    Numerators are held as limbs and become Python ints where they are asked for.
    """

    limbs: IntArray
    """(diagrams, limbs, times) int64, lowest first; the sum of limb[j] 2^(width j) is the numerator."""
    width: int
    """Bits to a limb."""
    denominator: int
    """Of all counts."""
    shape: tuple[int, ...]
    """(diagrams,), or (diagrams, times) where T was an array."""

    @cached_property
    def numerators(self) -> IntArray:
        """Python ints, an object array of the given shape."""
        limbs = self.limbs.shape[1]
        require(
            len(self.limbs) * self.limbs.shape[2] * (104 + limbs * self.width // 4), f"{prod(self.shape):,} exact counts",
            "ask for fewer at a time",
        )
        total = np.zeros(self.limbs[:, 0].shape, object)
        step = 62 // self.width  # limbs to a machine word
        for start in reversed(range(0, self.limbs.shape[1], step)):
            word = np.zeros(total.shape, np.int64)
            for j in reversed(range(start, min(start + step, self.limbs.shape[1]))):
                word = (word << self.width) + self.limbs[:, j]
            total = (total << step * self.width) + word.astype(object)
        return total.reshape(self.shape)

    @cached_property
    def floats(self) -> FloatArray:
        """The counts as float64, correctly rounded but for a last bit."""
        return np.array(
            [numerator / self.denominator for numerator in self.numerators.ravel().tolist()], np.float64
        ).reshape(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<exact map counts of shape {self.shape}, over the denominator {decimal(self.denominator)}>"

    def _repr_html_(self) -> str:
        some = self.numerators.ravel()[:MOST_ENTRIES].tolist()
        left_out = f", ... {prod(self.shape) - len(some):,} more" if len(some) < prod(self.shape) else ""
        numbers = ", ".join(map(shown, some)) + left_out
        return html_table(repr(self), (), [("numerators", numbers), ("denominator", shown(self.denominator))])


@door
def count_maps(
    diagrams: Diagrams, spacetime: Spacetime, basis: Basis = "cumulant", T: ArrayLike | None = None
) -> MapCounts:
    """Expected numbers of maps of a whole list of diagrams; `maps` for each, at a small part of the cost.

    Parameters
    ----------
    diagrams : `fastdiag.diagrams(order)` or a part of it, of order at most 8
    spacetime : any sampling, partial epochs too
    basis : 'cumulant' or 'moment'
    T : numbers of updates instead of spacetime.T: a 1-D array

    Returns
    -------
    MapCounts : .numerators (object array of ints, (diagrams,) or (diagrams, len(T))) over one .denominator

    Raises
    ------
    InputError : order above 8 (use `maps` one by one), unknown basis, bad T
    TooLargeError : the counts do not fit into free memory

    Notes
    -----
    For each tree the pattern tables of all its partitions are made once and summed, with big integers split into limbs,
    to the few coefficients of the count as a polynomial in binomials of T; only the last step sees T. No step depends on
    the size of N, B, T but through the number of limbs.

    Examples
    --------
    >>> import fastdiag as fd
    >>> counts = fd.count_maps(fd.diagrams(2), fd.Spacetime(N=4, B=2, E=3))
    >>> [fd.maps(D, fd.Spacetime(N=4, B=2, E=3)) for D in fd.diagrams(2)]
    [36, 144, 12, 60]
    >>> (counts.numerators // counts.denominator).tolist()
    [36, 144, 12, 60]
    """
    check_spacetime(spacetime)
    basis = check_basis(basis)
    instance("diagrams", diagrams, Diagrams, "fastdiag.diagrams makes lists; maps takes one diagram")
    if diagrams.order > MOST_NODES:
        raise InputError(f"count_maps takes diagrams of order at most {MOST_NODES}, not {diagrams.order}; use maps")
    updates = [spacetime.finite("T")]
    if T is not None:
        updates = [whole("a number of updates", t, 1) for t in sequence("T", T, "numbers of updates")]
        if not updates:
            raise InputError("T is empty; give at least one number of updates")
    shape = (len(diagrams),) if T is None else (len(diagrams), len(updates))
    what, advice = f"{len(diagrams):,} diagrams at {len(updates):,} times", "ask for fewer at a time"
    require(64 * len(diagrams) * len(updates), what, advice)  # at least
    if spacetime.with_updates(max(updates)).is_ragged:
        return _one_by_one(diagrams, [spacetime.with_updates(t) for t in updates], basis, shape)
    reading = Reading.of(spacetime, updates, diagrams.order, basis)
    limbs = reading.worth.shape[-1] + len(reading.factors) + 2  # of a count
    require(16 * limbs * len(diagrams) * len(updates), what, advice)
    parts = [_of_tree(diagrams.trees[tree], strings, basis, reading) for tree, strings in _by_tree(diagrams)]
    values = np.concatenate(parts) if parts else np.zeros((0, reading.factors.shape[1], 1), np.int64)
    place = np.argsort(np.argsort(diagrams.tree_index, kind="stable"), kind="stable")
    if (place[1:] < place[:-1]).any():  # a list as `diagrams` makes it is in order already
        values = values[place]
    return MapCounts(_times_factors(values, reading), reading.width, reading.denominator, shape)


def _one_by_one(diagrams: Diagrams, times: Sequence[Spacetime], basis: Basis, shape: tuple[int, ...]) -> MapCounts:
    """Where batches differ in size there are no patterns."""
    counts = [[Fraction(maps(diagram, spacetime, basis)) for spacetime in times] for diagram in diagrams]
    below = lcm(*(x.denominator for row in counts for x in row))
    limbs = limbs_of([[int(x * below) for x in row] for row in counts], WIDTH, 1)
    return MapCounts(np.ascontiguousarray(np.moveaxis(limbs, 2, 1)), WIDTH, below, shape)


def read_rows(
    rows: Rows, parts: IntArray, reading: Reading, coarser: tuple[IntArray, IntArray, IntArray] | None
) -> IntArray:
    """Counts of stored pattern tables as limbs (rows, limbs, times); `coarser`: starts, rows and multiplicities to sum."""
    values = np.zeros((len(parts), reading.factors.shape[1], reading.worth.shape[2]), np.int64)
    kinds = np.minimum(parts, len(reading.worth) - 1)
    entries = [np.ascontiguousarray(array, np.int64) for array in rows]
    rows_times_limbs(*entries, kinds, reading.worth, reading.slots, reading.width, values)
    if coarser is not None:
        starts, others, times = (np.ascontiguousarray(array, np.int64) for array in coarser)
        summed = np.zeros_like(values)
        combine_rows(np.arange(len(values)), starts, others, times, values, reading.width, summed)
        values = summed
    return _times_factors(values, reading)


def _times_factors(values: IntArray, reading: Reading) -> IntArray:
    while values.shape[2] > 1 and not values[:, :, -1].any():
        values = values[:, :, :-1]
    limbs = np.empty((len(values), reading.room(values), reading.factors.shape[2]), np.int64)
    limbs_times_factors(np.ascontiguousarray(values), reading.factors, reading.width, limbs)
    return limbs


def _by_tree(diagrams: Diagrams) -> Iterator[tuple[int, IntArray]]:
    """The growth strings, over the nodes but the root, of the diagrams on each tree."""
    order = np.argsort(diagrams.tree_index, kind="stable")
    trees, starts = np.unique(diagrams.tree_index[order], return_index=True)
    for tree, rows in zip(trees.tolist(), np.split(order, starts[1:]), strict=False):
        labels = diagrams.blocks[rows, 1:].astype(np.int64)
        if diagrams.root_shares and diagrams.order:
            # numbered by first appearance again: the rank of each label's first place
            first = np.argmax(labels[:, :, None] == labels[:, None, :], axis=2)
            new = first == np.arange(labels.shape[1])
            labels = np.take_along_axis(np.cumsum(new, axis=1) - 1, first, axis=1)
        else:
            labels -= 1
        yield tree, labels


def _of_tree(parents: IntArray, strings: IntArray, basis: str, reading: Reading) -> IntArray:
    """What each factor of the counts of the diagrams on one tree is multiplied by, (strings, slots, limbs)."""
    rows, n = strings.shape
    native = basis == "moment" or reading.kind != "fresh orders"
    computed = strings if native else growth_strings(n).astype(np.int64)
    values = np.zeros((len(computed), reading.factors.shape[1], reading.worth.shape[2]), np.int64)
    kinds = np.minimum(computed.max(axis=1, initial=-1) + 1, len(reading.worth) - 1)
    poset = nodes_of(parents)
    for start in range(0, len(computed), CHUNK_STRINGS):
        chunk = slice(start, start + CHUNK_STRINGS)
        patterns = _rows(poset, computed[chunk], reading)
        rows_times_limbs(*patterns, kinds[chunk], reading.worth, reading.slots, reading.width, values[chunk])
    if not native:
        summed = np.zeros((rows, *values.shape[1:]), np.int64)
        starts, others = coarser_ranks(n)
        combine_rows(ranks(strings), starts, others, np.ones_like(others), values, reading.width, summed)
        values = summed
    return values


def nodes_of(parents: IntArray) -> Poset:
    """The nodes of a tree, each a part of its own."""
    n = len(parents) - 1
    below = [0] * n
    for child, parent in enumerate(parents.tolist()):
        if parent > 0:
            below[parent - 1] |= 1 << child - 1
    ends = tuple((child, parent - 1) for child, parent in enumerate(parents[1:].tolist()))
    return Poset(tuple(below), tuple(1 << v for v in range(n)), ends)


def _rows(poset: Poset, strings: IntArray, reading: Reading) -> Rows:
    """Pattern tables of partitions of one tree's nodes."""
    if reading.kind != "one epoch":
        return pattern_rows(poset, reading.kind, reading.partial, strings)
    table = level_tables(poset, strings)
    where, shapes = np.nonzero(table)
    return Rows(np.bincount(where, minlength=len(strings)), shapes, table[where, shapes])
