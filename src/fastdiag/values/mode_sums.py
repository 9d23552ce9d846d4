"""Sums over maps where an edge carries a sum of exponentials, contracted with tensors: any linear update rule.

They are walked for many tuples of modes at a time: complex numbers, and numbers with a root adjoined for edges whose two
modes nearly meet.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product as choices
from typing import TypeAlias

import numpy as np

from ..diagram import Diagram
from ..embedding.edge_weights import EdgeWeights
from ..embedding.poset import Links, Poset
from ..embedding.sum_over_maps import epoch_curve, sum_over_maps
from ..spacetime import Spacetime
from ..spacetime.updates import Update
from ..typing import FloatArray, IntArray, Number
from .modes import COMPLEX, REAL, WHOLE, Modes, recursion
from .quadratic_extension import Element, Extension, Parts

TUPLES = 1 << 17  # index tuples that are listed at a time
TOGETHER = 1 << 12  # tuples that are summed over at a time: some dozens of such arrays stay in the cache
OCTAVES = 4  # times of a curve that differ by up to 2^4 share their modes

MIXED = 3  # REAL or COMPLEX

Sums: TypeAlias = Callable[[Sequence[Element]], Iterable[Number]]
"""From the factors of the edges to the sums over maps, one for each time."""


def mode_sums(
    diagram: Diagram, update: Update, spacetime: Spacetime, values: FloatArray, start: int, rates: FloatArray,
    numbers: FloatArray, alike: IntArray, updates: IntArray, links: Links = (),
) -> FloatArray:
    """The contraction with the sums over maps, for each learning rate and time, (len(numbers), max(1, len(updates))).

    values: products of tensors (rows, n^(d-1)), from index `start` of the first edge on, symmetric under exchange of twins;
    alike: see `plan.twins`.
    If `updates` is not empty, the sums are those of one epoch of so many updates, ascending.
    """
    totals = np.zeros((len(numbers), max(1, len(updates))))
    rule, poset, n = recursion(update), Poset.of(diagram, links), len(rates)
    at_root = [parent == 0 for parent in diagram.parents[1:]]
    together = max(1, TUPLES // max(1, values.size))
    for span, places in _spans(spacetime, updates):
        times = updates[places].tolist()

        def sums_over_maps(factors: Sequence[Element], times: Sequence[int] = times) -> Iterable[Number]:
            edges = EdgeWeights.powers(poset, factors)
            if times:
                return epoch_curve(poset, edges, spacetime, "cumulant", times)
            return [sum_over_maps(poset, edges, spacetime, "cumulant")]

        for low in range(0, len(numbers), together):
            some = numbers[low : low + together]
            modes = rule.modes(np.outer(some, rates).ravel(), span)
            for index, weights in index_tuples(values, start, n, alike):
                which = np.repeat(np.arange(len(some)), len(weights))  # the learning rate
                index, weights = np.tile(index, len(some)) + n * which, np.tile(weights, len(some))
                for sums in _summed(modes, at_root, index, weights, which, sums_over_maps):
                    totals[low : low + len(some), places] += sums
    return totals


def _summed(
    modes: Modes, at_root: Sequence[bool], index: IntArray, weights: FloatArray, which: IntArray, sums_over_maps: Sums
) -> Iterator[FloatArray]:
    """Sums over some tuples each, (learning rates, times). The same bits whatever the number of threads."""
    shards = list(_alike(modes, index))
    rates = int(which.max(initial=0)) + 1

    def work(shard: tuple[IntArray, IntArray, list[int]]) -> FloatArray:
        with np.errstate(all="ignore"):
            terms = _contributions(modes, at_root, *shard, index, weights, sums_over_maps)
            return np.stack([np.bincount(which[shard[0]], column, rates) for column in terms], axis=1)

    if len(shards) == 1:
        yield work(shards[0])
    else:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            yield from threads.map(work, shards)


def _spans(spacetime: Spacetime, updates: IntArray) -> list[tuple[float, slice]]:
    """Times that share their modes, and the longest of each."""
    if not len(updates):
        return [(spacetime.T, slice(0, 1))]
    octaves = [(int(t).bit_length() - 1) // OCTAVES for t in updates]
    cuts = [0, *(j for j in range(1, len(octaves)) if octaves[j] != octaves[j - 1]), len(octaves)]
    return [(int(updates[b - 1]), slice(a, b)) for a, b in zip(cuts, cuts[1:], strict=False)]


def index_tuples(values: FloatArray, start: int, n: int, alike: IntArray) -> Iterator[tuple[IntArray, FloatArray]]:
    """Index tuples (edges, some) and their values, zeros left out; of those that differ by an exchange of twins, one."""
    d = len(alike)
    rows = max(1, TUPLES // values.shape[1])
    for low in range(0, len(values), rows):
        flat = np.flatnonzero(values[low : low + rows])
        weights = values[low : low + rows].ravel()[flat]
        first, rest = np.divmod(flat, values.shape[1])
        inner = np.unravel_index(rest, (n,) * (d - 1)) if d > 1 else ()
        index = np.array([start + low + first, *inner][:d], np.int64).reshape(d, len(flat))
        keep = np.ones(len(flat), bool)
        run, same, orders = 1, np.ones(len(flat), np.int64), np.ones(len(flat))
        for e in range(1, d):
            if not alike[e]:
                run, same = 1, np.ones(len(flat), np.int64)
                continue
            run += 1
            keep &= index[e] >= index[e - 1]
            same = np.where(index[e] == index[e - 1], same + 1, 1)
            orders = orders * run / same
        yield index[:, keep], (weights * orders)[keep]


def _alike(modes: Modes, index: IntArray) -> Iterator[tuple[IntArray, IntArray, list[int]]]:
    """Tuples of modes by the kinds of their edges, some at a time: (which tuple, (edges, some) mode of it, kinds).

    Of conjugate tuples there is one, except in a few tuples of all kinds, which are summed over together: those are MIXED.
    """
    d, size = len(index), len(modes.k)
    kinds = modes.kinds
    if index.shape[1] * size**d <= TOGETHER:
        kinds = np.where(kinds == WHOLE, WHOLE, MIXED)
    codes = np.zeros(index.shape[1], np.int64)
    for e in range(d):
        codes = codes * 4 + kinds[index[e]]
    for code in np.unique(codes):
        pattern = [int(code) // 4**e % 4 for e in reversed(range(d))]
        first = pattern.index(COMPLEX) if COMPLEX in pattern else None
        options = [range(1 if kind == WHOLE or e == first else size) for e, kind in enumerate(pattern)]
        combinations = np.array(list(choices(*options)), np.int64).T
        some = np.flatnonzero(codes == code)
        step = max(1, TOGETHER // combinations.shape[1])
        for low in range(0, len(some), step):
            here = some[low : low + step]
            yield np.tile(here, combinations.shape[1]), np.repeat(combinations, len(here), axis=1), pattern


def _contributions(
    modes: Modes, at_root: Sequence[bool], some: IntArray, chosen: IntArray, kinds: Sequence[int], index: IntArray,
    weights: FloatArray, sums_over_maps: Sums,
) -> Iterator[FloatArray]:
    """For each time, what each of some tuples of modes contributes."""
    real = COMPLEX not in kinds and MIXED not in kinds
    at = index[:, some]
    whole = sum(1 << e for e, kind in enumerate(kinds) if kind == WHOLE)
    ring = Extension(whole, [modes.z[places] for places in at])
    factors: list[Element] = []
    weight: Parts = {0: weights[some] * (2.0 if COMPLEX in kinds else 1.0)}  # of each component of the sum over maps
    for e, (places, mode) in enumerate(zip(at, chosen, strict=True)):
        table = modes.outer if at_root[e] else modes.inner
        k, complement = modes.k[mode, places], modes.complement[mode, places]
        if kinds[e] == WHOLE:
            factors.append(ring.factor({0: k.real, 1 << e: 1.0}, {0: complement.real, 1 << e: -1.0}))
            both = (table[0, places].real, table[1, places].real)
            weight = {mask | i << e: x * c for mask, x in weight.items() for i, c in enumerate(both)}
        else:
            take = np.real if real or kinds[e] == REAL else np.asarray
            factors.append(ring.factor({0: take(k)}, {0: take(complement)}))
            weight = {mask: x * take(table[mode, places]) for mask, x in weight.items()}
    for maps in sums_over_maps(factors):
        parts = maps.parts if isinstance(maps, Element) else {0: float(maps)}
        found = sum(weight[mask] * x for mask, x in parts.items())
        yield np.broadcast_to(np.real(found), some.shape)
