"""Reading many pattern tables at once: what a pattern is worth, apart from T, and the binomials of T that go with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from math import comb, factorial, inf, prod
from typing import Literal, TypeAlias

import numpy as np

from ..spacetime import Spacetime
from ..typing import IntArray
from .pattern_weights import slots as slots_of
from .patterns import catalog, fubini

Kind: TypeAlias = Literal["one epoch", "one order", "fresh orders"]


@dataclass(frozen=True, slots=True)
class Reading:
    """count = (1/denominator) sum over entries of a pattern row of number x worth[parts, c] x factors[slots[c], time]."""

    kind: Kind
    partial: bool
    """Whether some time ends in a partial epoch."""
    worth: IntArray
    """(parts or 1, columns, limbs): apart from T; one row where the columns tell the number of parts."""
    slots: IntArray
    """(columns,): which factor goes with a column."""
    factors: IntArray
    """(limbs, slots, times): binomials of T."""
    width: int
    """Bits to a limb."""
    denominator: int

    @classmethod
    def of(cls, spacetime: Spacetime, updates: Sequence[int], n: int, basis: str, stored: bool = False) -> Reading:
        """The reading of diagrams with n edges after each of some numbers of updates.

        `stored`: of tables made for several epochs, in which a single epoch is a partial one.
        """
        B, partial, denominator = int(spacetime.B), False, 1
        known = catalog(n)
        if not stored and (inf == spacetime.N or max(updates) <= spacetime.updates_per_epoch):
            kind: Kind = "one epoch"
            rows = [[slots_of(shape, B, basis) for shape in known.shapes]]
            slots = known.levels.tolist()
            factors = _of_values(updates, lambda T: [comb(T, l) for l in range(n + 1)])
        else:
            L = spacetime.updates_per_epoch
            epochs = [divmod(T, L) for T in updates]
            partial = any(rest for _, rest in epochs)
            if spacetime.sampling == "cyclic":
                kind = "one order"
                rows, slots, factors = _one_order(n, B, L, epochs, partial, basis)
            else:
                kind = "fresh orders"
                rows, slots, factors, denominator = _fresh_orders(n, spacetime.finite("N"), B, L, epochs, partial)
        if len(updates) == 1:  # nothing is shared between times: multiply now
            rows = [[x * int(factors[slot, 0]) for x, slot in zip(row, slots, strict=True)] for row in rows]
            slots, factors = [0] * len(slots), np.ones((1, 1), np.int64)
        # patterns of one diagram, and weights of its coarsenings, are bounded; so are all sums of limbs, by 2^62
        patterns = fubini(n) if kind == "one epoch" else 2 * (n + 1) * fubini(n) ** 2
        width = 24 if patterns.bit_length() + 24 <= 62 else 16
        worth = limbs_of(rows, width, patterns * factorial(n))
        largest = int(factors.max()).bit_length()
        whole = largest + width + len(factors).bit_length() <= 62  # then a factor needs no splitting
        binomials = factors[None].astype(np.int64) if whole else np.moveaxis(limbs_of(factors.tolist(), width, 1), 2, 0)
        assert patterns.bit_length() + width <= 62
        assert factorial(n).bit_length() + width <= 62
        assert whole or (len(binomials) * len(factors)).bit_length() + 2 * width <= 62
        return cls(kind, partial, worth, np.array(slots), np.ascontiguousarray(binomials), width, denominator)

    def room(self, values: IntArray) -> int:
        """Limbs that hold any sum of `values` (rows, slots, limbs) times factors."""
        top = max(abs(int(values[:, :, -1].max(initial=0))), abs(int(values[:, :, -1].min(initial=0)))) + 1
        factor = (int(self.factors.max(initial=0)) + 1) * self.factors.shape[1]
        bits = (top * factor).bit_length() + self.width * (values.shape[2] + len(self.factors) - 2)
        return int(bits // self.width + 1)


def _one_order(
    n: int, B: int, L: int, epochs: Sequence[tuple[int, int]], partial: bool, basis: str
) -> tuple[list[list[int]], list[int], IntArray]:
    """Columns (m, shape, j) of `cyclic_rows`; the slot is (m, levels, j), j only where some epoch is partial."""
    known = catalog(n)
    places = [(l, j) for l in range(n + 1) for j in range(l + 1 if partial else 1)]
    number = {place: i for i, place in enumerate(places)}
    choose = _of_values([whole for whole, _ in epochs], lambda whole: [comb(whole, m) for m in range(n + 1)])
    rests = [rest for _, rest in epochs]
    place = _of_values(rests, lambda rest: [comb(rest, j) * comb(L - rest, l - j) for l, j in places])
    factors = np.concatenate([_times(choose[m], place) for m in range(n + 1)])
    columns = [
        (m * len(places) + number.get((len(shape), j), 0), shape, (len(shape), j) in number)
        for m in range(n + 1) for shape in known.shapes for j in range(n + 1)
    ]
    # a stored table has columns that are worth nothing here: of partial epochs where there are none
    row = [slots_of(shape, B, basis) if counts else 0 for _, shape, counts in columns]
    return [row], [slot for slot, _, _ in columns], factors


def _fresh_orders(
    n: int, N: int, B: int, L: int, epochs: Sequence[tuple[int, int]], partial: bool
) -> tuple[list[list[int]], list[int], IntArray, int]:
    """Columns (key, last) of `reshuffle_rows`; the slot is (whole epochs, levels in the last one)."""
    known = catalog(n)
    # N^(P falling) / prod N^(R falling): a factor N - i stands below at most floor(n / (i+1)) - 1 times too often
    spare = [n // (i + 1) - 1 for i in range(min(n, N))]

    rows = cache(lambda powers: prod((N - i) ** p for i, p in enumerate(powers)))
    placed = {shape: slots_of(shape, B, "moment") for shape in known.shapes}
    inside = [prod(placed[shape] * comb(L, len(shape)) for shape in key) for key in known.keys]
    table = [[0] * (len(known.keys) * len(known.shapes)) for _ in range(n + 1)]
    for P, k, s, over in _worthy(n):
        if P <= N and (partial or s == 0):
            powers = tuple(e + (P > i) - over[i] for i, e in enumerate(spare))
            table[P][k * len(known.shapes) + s] = rows(powers) * inside[k] * placed[known.shapes[s]]
    pairs = [(m, j) for m in range(n + 1) for j in range(n + 1 - m if partial else 1)]
    number = {pair: i for i, pair in enumerate(pairs)}
    # those of more than n nodes are never met
    slots = [number.get((len(key), len(last)), 0) for key in known.keys for last in known.shapes]
    chosen, levels = (
        _of_values(numbers, lambda k: [comb(k, m) for m in range(n + 1)]) for numbers in zip(*epochs, strict=True)
    )
    factors = np.concatenate([_times(chosen[m], levels[: n + 1 - m if partial else 1]) for m in range(n + 1)])
    return table, slots, factors, prod((N - i) ** e for i, e in enumerate(spare))


def _of_values(values: Sequence[int], function: Callable[[int], list[int]]) -> IntArray:
    """function of each value as a column, computed once for equal values; int64 where it fits, else Python ints."""
    distinct = {value: i for i, value in enumerate(dict.fromkeys(values))}
    columns = [function(value) for value in distinct]
    kind = np.int64 if max(map(max, columns)) < 2**62 else object
    return np.array(columns, kind).T[:, [distinct[value] for value in values]]


def _times(row: IntArray, rows: IntArray) -> IntArray:
    """Row by rows, exactly."""
    if int(row.max()) * int(rows.max()) >= 2**62:
        return np.asarray(row.astype(object) * rows.astype(object))
    return np.asarray(row * rows)


@lru_cache(maxsize=16)
def _worthy(n: int) -> tuple[tuple[int, int, int, tuple[int, ...]], ...]:
    """(parts P, key, last) that some diagram of n edges can have, and for each i in how many epochs over i parts lie."""
    known = catalog(n)
    found = []
    for k, key in enumerate(known.keys):
        for s, last in enumerate(known.shapes):
            present = [sum(shape) for shape in (*key, last)]
            if sum(present) <= n:
                over = tuple(sum(i < R for R in present) for i in range(n))
                found += [(P, k, s, over) for P in range(max(present), sum(present) + 1)]
    return tuple(found)


def limbs_of(numbers: Sequence[Sequence[int]], width: int, times: int) -> IntArray:
    """Non-negative integers as limbs (rows, columns, limbs), with room for `times` the largest and a sign."""
    largest = max((x for row in numbers for x in row), default=0)
    count = (largest * times).bit_length() // width + 1
    packed = b"".join(x.to_bytes(count * width // 8, "little") for row in numbers for x in row)
    octets = np.frombuffer(packed, np.uint8).astype(np.int64).reshape(len(numbers), -1, count, width // 8)
    return np.asarray(octets @ (1 << 8 * np.arange(width // 8, dtype=np.int64)))
