"""Sums over maps where an edge carries a sum of exponentials, contracted with tensors: any linear update rule.

The programme is that of `kernels.nested_sums`, read in NumPy, for many tuples of modes at a time: complex numbers, and
numbers with a root adjoined for edges whose two modes nearly meet. What is a product of k there is a pair here as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product as choices
from math import inf
from typing import TypeAlias

import numpy as np

from ..diagram import Diagram
from ..spacetime.updates import Update
from ..typing import FloatArray, IntArray
from .adjoined import ONE, Number, Pair, Ring, plus
from .modes import COMPLEX, REAL, WHOLE, Modes, recursion
from .programme import Programme

TUPLES = 1 << 17  # index tuples that are listed at a time
TOGETHER = 1 << 12  # tuples that are summed over at a time: some dozens of such arrays stay in the cache
OCTAVES = 4  # times of a curve that differ by up to 2^4 share their modes

MIXED = 3  # REAL or COMPLEX

Row: TypeAlias = dict[int, Number]
"""State -> its number; those that are not there are zero."""
Upper: TypeAlias = list[Row]


def mode_sums(
    diagram: Diagram, update: Update, values: FloatArray, start: int, rates: FloatArray, numbers: FloatArray,
    alike: IntArray, moves: Programme, updates: IntArray,
) -> FloatArray:
    """The contraction with the sums over maps, for each learning rate and time, (len(numbers), max(1, len(updates))).

    values: products of tensors (rows, n^(d-1)), from index `start` of the first edge on, symmetric under exchange of twins;
    alike: see `plan.twins`.
    If `updates` is not empty, the sums are those of one epoch of so many updates, ascending.
    """
    totals = np.zeros((len(numbers), max(1, len(updates))))
    rule, program, n = recursion(update), _Reader(moves), len(rates)
    at_root = [parent == 0 for parent in diagram.parents[1:]]
    together = max(1, TUPLES // max(1, values.size))
    for span, places in _spans(moves, updates):
        times = updates[places].tolist()
        for low in range(0, len(numbers), together):
            some = numbers[low : low + together]
            modes = rule.modes(np.outer(some, rates).ravel(), span)
            for index, weights in index_tuples(values, start, n, alike):
                which = np.repeat(np.arange(len(some)), len(weights))  # the learning rate
                index, weights = np.tile(index, len(some)) + n * which, np.tile(weights, len(some))
                for sums in _summed(modes, at_root, index, weights, which, program, times):
                    totals[low : low + len(some), places] += sums
    return totals


def _summed(
    modes: Modes, at_root: Sequence[bool], index: IntArray, weights: FloatArray, which: IntArray, program: _Reader,
    times: Sequence[int],
) -> Iterator[FloatArray]:
    """Sums over some tuples each, (learning rates, times). The same bits whatever the number of threads."""
    shards = list(_alike(modes, index))
    rates = int(which.max(initial=0)) + 1

    def work(shard: tuple[IntArray, IntArray, list[int]]) -> FloatArray:
        with np.errstate(all="ignore"):
            terms = _contributions(modes, at_root, *shard, index, weights, program, times)
            return np.stack([np.bincount(which[shard[0]], column, rates) for column in terms], axis=1)

    if len(shards) == 1:
        yield work(shards[0])
    else:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            yield from threads.map(work, shards)


def _spans(moves: Programme, updates: IntArray) -> list[tuple[float, slice]]:
    """Times that share their modes, and the longest of each."""
    if not len(updates):
        return [(inf if moves.forever else moves.whole * moves.epoch + moves.rest, slice(0, 1))]
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
    weights: FloatArray, program: _Reader, times: Sequence[int],
) -> Iterator[FloatArray]:
    """For each time, what each of some tuples of modes contributes."""
    real = COMPLEX not in kinds and MIXED not in kinds
    at = index[:, some]
    whole = sum(1 << e for e, kind in enumerate(kinds) if kind == WHOLE)
    ring = Ring(whole, [modes.z[places] for places in at])
    pairs: list[Pair] = []
    weight: Number = {0: weights[some] * (2.0 if COMPLEX in kinds else 1.0)}  # of each component of the sum over maps
    for e, (places, mode) in enumerate(zip(at, chosen, strict=True)):
        table = modes.outer if at_root[e] else modes.inner
        k, loss = modes.k[mode, places], modes.loss[mode, places]
        if kinds[e] == WHOLE:
            pairs.append(({0: k.real, 1 << e: 1.0}, {0: loss.real, 1 << e: -1.0}))
            factors = (table[0, places].real, table[1, places].real)
            weight = {mask | i << e: x * c for mask, x in weight.items() for i, c in enumerate(factors)}
        else:
            take = np.real if real or kinds[e] == REAL else np.asarray
            pairs.append(({0: take(k)}, {0: take(loss)}))
            weight = {mask: x * take(table[mode, places]) for mask, x in weight.items()}
    for maps in program.sums(ring, pairs, times):
        found = sum(weight[mask] * x for mask, x in maps.items())
        yield np.broadcast_to(np.real(found), some.shape)


class _Reader:
    """A programme, with its transfers as lists."""

    def __init__(self, moves: Programme) -> None:
        self.moves = moves
        self.transfers = []
        for t, size in enumerate(moves.sizes.tolist()):
            begin, visits = int(moves.state_begins[t]), int(moves.visits[t])
            steps = range(moves.step_begins[t], moves.step_begins[t + 1])
            self.transfers.append((
                moves.crossing[begin : begin + size, :visits].tolist(),
                [(*moves.ends[s].tolist(), moves.passing[s, :visits].tolist(), float(moves.gains[s])) for s in steps],
                moves.kept[begin : begin + size].tolist(),
                moves.goals[begin : begin + size].tolist(),
            ))

    def sums(self, ring: Ring, pairs: Sequence[Pair], times: Sequence[int]) -> Iterator[Number]:
        """The sum over maps; with times, for each of them, of one epoch."""
        factors = _Factors(ring, pairs)
        if times:
            yield from self._curve(factors, times)
        elif self.moves.fresh:
            yield self._fresh_orders(factors)
        else:
            yield self._one_order(factors)

    def _matrix(self, factors: _Factors, t: int) -> _Powers:
        crossing, steps, _, _ = self.transfers[t]
        upper: Upper = [{} for _ in crossing]
        for source, target, passing, gain in steps:
            product = factors.product(passing)[0]
            upper[source][target] = {mask: gain * x for mask, x in product.items()}
        return _Powers(factors.ring, [factors.product(masks) for masks in crossing], upper)

    def _curve(self, factors: _Factors, times: Sequence[int]) -> Iterator[Number]:
        matrix, row, before = self._matrix(factors, 0), {0: ONE[0]}, 0
        for t in times:
            row, before = matrix.after(row, t - before), t
            yield row.get(len(self.transfers[0][0]) - 1, {})

    def _one_order(self, factors: _Factors) -> Number:
        moves, ring = self.moves, factors.ring
        total: Number = {}
        for term, (early, late, m) in enumerate(moves.terms.tolist()):
            ways = ONE[0]
            if moves.whole > 0:  # h_(whole - m) as the corner of the power of a bidiagonal matrix
                diagonal = [ring.power(factors[mask], moves.epoch) for mask in moves.skipped[term, : m + 1].tolist()]
                upper: Upper = [{i + 1: ONE[0]} if i < m else {} for i in range(m + 1)]
                ways = _Powers(ring, diagonal, upper).after({0: ONE[0]}, moves.whole).get(m, {})
            row: Row = {0: ONE[0]}
            if moves.forever:
                row = self._matrix(factors, early).forever()
            elif moves.rest > 0:
                row = self._matrix(factors, early).after(row, moves.rest)
                row = {state: x for state, x in row.items() if self.transfers[early][2][state]}
            if moves.epoch > moves.rest:
                row = self._matrix(factors, late).after(row, moves.epoch - moves.rest)
            total = plus(total, ring.times(ways, row.get(len(self.transfers[late][0]) - 1, {})))
        return total

    def _fresh_orders(self, factors: _Factors) -> Number:
        moves, ring = self.moves, factors.ring
        masks = moves.skipped[0].tolist()
        total: Number = {}
        for term, weight in enumerate(moves.weights.tolist()):
            outer: Row = {0: ONE[0]}
            first = int(moves.terms[term, 0])
            inside = [self._matrix(factors, first + i) for i in range(len(masks))]
            for updates, times in ((moves.epoch, moves.whole), (moves.rest, 1)):
                if updates == 0 or times == 0:
                    continue
                upper: Upper = []
                for i, matrix in enumerate(inside):
                    row = matrix.after({0: ONE[0]}, updates)
                    _, _, kept, goals = self.transfers[first + i]
                    upper.append({goals[j]: {mask: kept[j] * x for mask, x in y.items()} for j, y in row.items() if j})
                diagonal = [ring.power(factors[mask], updates) for mask in masks]
                outer = _Powers(ring, diagonal, upper).after(outer, times)
            last = outer.get(len(masks) - 1, {})
            total = plus(total, {mask: weight * x for mask, x in last.items()})
        return total


class _Factors:
    """For each mask, the product of the k of its edges."""

    def __init__(self, ring: Ring, pairs: Sequence[Pair]) -> None:
        self.ring, self.pairs = ring, pairs
        self.known: dict[int, Pair] = {0: ONE}

    def __getitem__(self, mask: int) -> Pair:
        if mask not in self.known:
            last = mask.bit_length() - 1
            self.known[mask] = self.ring.multiplied(self[mask & ~(1 << last)], self.pairs[last])
        return self.known[mask]

    def product(self, masks: Sequence[int]) -> Pair:
        """The product over several masks."""
        return self.ring.product([self[mask] for mask in masks])


class _Powers:
    """An upper triangular matrix, and its squares as they are needed."""

    def __init__(self, ring: Ring, diagonal: list[Pair], upper: Upper) -> None:
        self.ring = ring
        self.squares = [(diagonal, upper)]

    def after(self, row: Row, times: int) -> Row:
        """row @ matrix^times."""
        for bit in range(times.bit_length()):
            if bit == len(self.squares):
                self.squares.append(self._squared(*self.squares[-1]))
            if times >> bit & 1:
                row = self._times(row, *self.squares[bit])
        return row

    def forever(self) -> Row:
        """The limit of infinitely many steps from the first state, which is stayed in for ever."""
        diagonal, upper = self.squares[0]
        row: Row = {0: ONE[0]}
        for j in range(1, len(diagonal)):
            total: Number = {}
            for i, x in row.items():
                if j in upper[i]:
                    total = plus(total, self.ring.times(x, upper[i][j]))
            if total:
                row[j] = self.ring.quotient(total, diagonal[j][1])
        return row

    def _times(self, row: Row, diagonal: list[Pair], upper: Upper) -> Row:
        ring = self.ring
        result: Row = {}
        for i, x in row.items():
            result[i] = plus(result[i], ring.times(x, diagonal[i][0])) if i in result else ring.times(x, diagonal[i][0])
            for j, y in upper[i].items():
                result[j] = plus(result[j], ring.times(x, y)) if j in result else ring.times(x, y)
        return result

    def _squared(self, diagonal: list[Pair], upper: Upper) -> tuple[list[Pair], Upper]:
        ring = self.ring
        square: Upper = []
        for i, entries in enumerate(upper):
            found: Row = {j: ring.times(x, plus(diagonal[i][0], diagonal[j][0])) for j, x in entries.items()}
            for k, x in entries.items():
                for j, y in upper[k].items():
                    found[j] = plus(found[j], ring.times(x, y)) if j in found else ring.times(x, y)
            square.append(found)
        return [ring.squared(pair) for pair in diagonal], square
