"""Counting maps for a whole list of diagrams, and many numbers of updates, at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import comb, factorial, perm, prod

import numpy as np

from ..diagram import Diagrams
from ..diagram.partition import moebius_from_bottom, set_partitions
from ..errors import InputError
from ..kernels.limbs import combine_rows, table_times_limbs
from ..kernels.patterns import order_polynomials
from ..spacetime import Spacetime
from ..typing import Basis, FloatArray, IntArray
from .counting import family_of, placements, positions
from .enumeration import check_basis
from .patterns import Family, catalog, tables
from .relations import Relations

CHUNK_ENTRIES = 1 << 23  # dense table entries that are held at a time
MOST_NODES = 8


@dataclass(frozen=True)
class MapCounts:
    """Exact counts of many diagrams: integer numerators over one denominator.

    Numerators are held as limbs and become Python ints where they are asked for.
    """

    limbs: IntArray
    """(diagrams, times, limbs) int64, in 0..2^width - 1, lowest first."""
    width: int
    """Bits to a limb."""
    denominator: int
    """Of all counts."""
    shape: tuple[int, ...]
    """(diagrams,), or (diagrams, times) where T was an array."""

    @cached_property
    def numerators(self) -> IntArray:
        """Python ints, an object array of the given shape."""
        total = np.zeros(self.limbs.shape[:2], object)
        for j in reversed(range(self.limbs.shape[2])):
            total = (total << self.width) + self.limbs[:, :, j].astype(object)
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
        return f"<exact map counts of shape {self.shape}, over the denominator {self.denominator}>"


def count_maps(
    diagrams: Diagrams, spacetime: Spacetime, basis: Basis = "cumulant", T: object | None = None
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

    Notes
    -----
    For each tree the pattern tables of all its partitions are made once, read with big integers split into limbs, and
    summed over coarsenings where the basis asks for it. No step depends on the size of N, B, T but through the number of
    limbs.

    Examples
    --------
    >>> import fastdiag as fd
    >>> counts = fd.count_maps(fd.diagrams(2), fd.Spacetime(N=4, B=2, E=3))
    >>> [fd.maps(D, fd.Spacetime(N=4, B=2, E=3)) for D in fd.diagrams(2)]
    [36, 144, 12, 60]
    >>> (counts.numerators // counts.denominator).tolist()
    [36, 144, 12, 60]
    """
    check_basis(basis)
    if diagrams.order > MOST_NODES:
        raise InputError(f"count_maps takes diagrams of order at most {MOST_NODES}, not {diagrams.order}; use maps")
    if T is not None and np.ndim(T) != 1:  # type: ignore[arg-type]
        raise InputError("T must be a 1-D array of numbers of updates")
    times = [spacetime] if T is None else [spacetime.with_updates(t) for t in np.asarray(T).tolist()]
    shape = (len(diagrams),) if T is None else (len(diagrams), len(times))
    groups: dict[tuple[Family, bool], list[int]] = {}
    for t, st in enumerate(times):
        groups.setdefault((family_of(st, basis), st.is_one_epoch), []).append(t)
    if len(groups) != 1:  # some T within an epoch, some beyond: read them all as several epochs
        families = {family_of(max(times, key=lambda st: st.T), basis)}
        one_epoch = False
    else:
        ((family, one_epoch),) = groups
        families = {family}
    (family,) = families
    reader = _reader(family, one_epoch, diagrams.order, times, spacetime)
    parts = [
        _of_tree(diagrams.trees[tree], strings, family, one_epoch, basis, reader)
        for tree, strings in _by_tree(diagrams)
    ]
    if not parts:
        return MapCounts(np.zeros((0, len(times), 1), np.int64), reader.width, reader.denominator, shape)
    limbs = np.concatenate(parts)
    limbs = limbs[np.argsort(np.argsort(diagrams.tree_index, kind="stable"), kind="stable")]
    return MapCounts(limbs, reader.width, reader.denominator, shape)


@dataclass(frozen=True)
class _Reader:
    """What a pattern of each column is worth, for each number of parts and each time, as limbs."""

    basis: IntArray
    """(parts, columns, times, limbs)."""
    width: int
    denominator: int
    partial: bool


def _by_tree(diagrams: Diagrams) -> Iterator[tuple[int, IntArray]]:
    """The growth strings, over the nodes but the root, of the diagrams on each tree."""
    order = np.argsort(diagrams.tree_index, kind="stable")
    trees, starts = np.unique(diagrams.tree_index[order], return_index=True)
    for tree, rows in zip(trees.tolist(), np.split(order, starts[1:]), strict=True):
        labels = diagrams.blocks[rows, 1:].astype(np.int64)
        if diagrams.root_shares:
            # numbered by first appearance again: the rank of each label's first place
            first = np.argmax(labels[:, :, None] == labels[:, None, :], axis=2)
            new = first == np.arange(labels.shape[1])
            labels = np.take_along_axis(np.cumsum(new, axis=1) - 1, first, axis=1)
        else:
            labels -= 1
        yield tree, labels


def _of_tree(
    parents: IntArray, strings: IntArray, family: Family, one_epoch: bool, basis: str, reader: _Reader
) -> IntArray:
    """Limbs of the counts of the diagrams on one tree, (strings, times, limbs)."""
    rows, n = strings.shape
    native = basis == ("cumulant" if family == "one order" else "moment")
    computed = strings if native else np.array(set_partitions(n), np.int64).reshape(-1, n)
    values = np.zeros((len(computed), *reader.basis.shape[2:]), np.int64)
    kinds = computed.max(axis=1, initial=-1) + 1
    if one_epoch and family == "one order":
        table = np.zeros((len(computed), n + 1), np.int64)
        scratch = np.zeros(n, np.int64), np.zeros((1 << n, n + 1, 1), np.int64)
        order_polynomials(parents[1:].astype(np.int64) - 1, computed, *scratch, kinds, table)
        table_times_limbs(table, kinds, reader.basis, reader.width, values)
    else:
        below = [0] * n
        for child, parent in enumerate(parents.tolist()):
            if parent > 0:
                below[parent - 1] |= 1 << child - 1
        relations = Relations(tuple(below), tuple(range(n)))
        step = max(1, CHUNK_ENTRIES // reader.basis.shape[1])
        for start in range(0, len(computed), step):
            chunk = computed[start : start + step]
            ones, targets = [1] * len(chunk), range(len(chunk))
            table = tables(relations, family, reader.partial, chunk, ones, targets, len(chunk))
            if not reader.partial:
                table = table[..., :1]
            table_times_limbs(
                np.ascontiguousarray(table).reshape(len(chunk), -1), kinds[start : start + step], reader.basis,
                reader.width, values[start : start + step],
            )
    if native:
        return values
    starts, sources, weights = _coarsenings(n, basis)
    ranks = np.searchsorted(_codes(computed), _codes(strings))
    chosen = [np.arange(starts[rank], starts[rank + 1]) for rank in ranks]
    flat = np.concatenate(chosen)
    ends = np.cumsum([0, *map(len, chosen)])
    out = np.zeros((rows, *values.shape[1:]), np.int64)
    combine_rows(ends, sources[flat], weights[flat], values, reader.width, out)
    return out


def _codes(strings: IntArray) -> IntArray:
    """Growth strings as integers, in lexicographic order."""
    return np.asarray(strings @ (16 ** np.arange(strings.shape[1] - 1, -1, -1, dtype=np.int64)))


@lru_cache(maxsize=16)
def _coarsenings(n: int, basis: str) -> tuple[IntArray, IntArray, IntArray]:
    """For each partition of n nodes, in order: its coarsenings and their weights, row after row."""
    strings = set_partitions(n)
    rank = {string: i for i, string in enumerate(strings)}
    starts, sources, weights = [0], [], []
    for string in strings:
        for merge in set_partitions(max(string, default=-1) + 1):
            sources.append(rank[tuple(merge[block] for block in string)])
            weights.append(1 if basis == "cumulant" else moebius_from_bottom(merge))
        starts.append(len(sources))
    return np.array(starts), np.array(sources), np.array(weights)


def _reader(family: Family, one_epoch: bool, n: int, times: Sequence[Spacetime], st: Spacetime) -> _Reader:
    """The basis for a list of times, as limbs narrow enough for every sum to fit 62 bits."""
    B = st.B
    plans = []
    for time in times:
        if one_epoch:
            plans.append((0, time.finite("T"), time.finite("T")))
        else:
            plans.append((time.whole_epochs, time.updates_per_epoch, time.partial_updates))
    partial = any(rest for *_, rest in plans)
    if family == "one order" and one_epoch:
        partial = False
        columns = [[[B**P * comb(T, l) for _, T, _ in plans] for l in range(n + 1)] for P in range(n + 1)]
        denominator, heaviest = 1, _fubini(n)
    elif family == "one order":
        heights = n + 1 if partial else 1
        columns = [
            [
                [B**P * comb(whole, m) * positions(l, h, epoch, rest) for whole, epoch, rest in plans]
                for m in range(n + 1) for l in range(n + 1) for h in range(heights)
            ]
            for P in range(n + 1)
        ]
        denominator, heaviest = 1, _fubini(n) ** 2
    else:
        # in one epoch the number of rows drops out; take enough of them for every T
        N = max(T for _, T, _ in plans) * B if one_epoch else st.finite("N")
        columns, denominator = _fresh_orders(n, N, B, plans, partial)
        heaviest = _fubini(n) ** 2
    most = factorial(n) * heaviest  # signs and weights of coarsenings add at most a factor n!
    width = 32 if heaviest.bit_length() <= 29 and factorial(n).bit_length() <= 29 else 16
    assert most.bit_length() + width < 2 * 62  # both sums are bounded one after the other, each below 2^62
    largest = max((abs(x) for kind in columns for column in kind for x in column), default=0)
    limbs = (most * largest).bit_length() // width + 1
    packed = b"".join(x.to_bytes(limbs * width // 8, "little") for kind in columns for column in kind for x in column)
    unit = {16: "<u2", 32: "<u4"}[width]
    basis = np.frombuffer(packed, unit).astype(np.int64).reshape(n + 1, -1, len(times), limbs)
    return _Reader(basis, width, denominator, partial)


def _fresh_orders(
    n: int, N: int, B: int, plans: Sequence[tuple[int, int, int]], partial: bool
) -> tuple[list[list[list[int]]], int]:
    """Numerators of (parts, (key, last), time), and their denominator."""
    known = catalog(n)
    shared = perm(N, min(n, N))

    def scaled(shape: tuple[int, ...], updates: int) -> int:
        return placements(shape, B, updates) * (shared // perm(N, sum(shape))) if sum(shape) <= N else 0

    epoch = plans[0][1]
    inside = {shape: scaled(shape, epoch) for shape in known.shapes}
    fixed = [prod(inside[shape] for shape in key) * shared ** (n - len(key)) for key in known.keys]
    lasts = known.shapes if partial else known.shapes[:1]
    ending = {
        rest: [scaled(shape, rest) if shape else shared for shape in lasts] for rest in {rest for *_, rest in plans}
    }
    rows = []
    for key, ways in zip(known.keys, fixed, strict=True):
        chosen = {whole: ways * comb(whole, len(key)) for whole in {whole for whole, *_ in plans}}
        size = sum(map(sum, key))
        for s, last in enumerate(lasts):
            if size + sum(last) > n:
                rows.append([0] * len(plans))
            else:
                rows.append([chosen[whole] * ending[rest][s] for whole, _, rest in plans])
    return [[[perm(N, P) * x for x in row] for row in rows] for P in range(n + 1)], shared ** (n + 1)


def _fubini(n: int) -> int:
    """Weak orders of n items."""
    counts = [1]
    for size in range(1, n + 1):
        counts.append(sum(comb(size, k) * counts[size - k] for k in range(1, size + 1)))
    return counts[n]
