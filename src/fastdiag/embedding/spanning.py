"""Edges between epochs of one repeated order, where updates do not commute: a schedule and a rule with memory, resummed.

Swept at the same time, the updates of several epochs would come in the wrong order. But what an epoch does to an edge is
known beforehand: from its child's position to the end, from the beginning to its parent's position, or all of it. So such
an edge is a vector from where the first of its ends is met to where the second is, and nothing moves it in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations
from math import prod
from typing import TypeAlias

from ..spacetime.updates import Vector
from ..typing import Number
from .crossing import STILL, Crossing, Moves, Now, entries, identity, matrix_product, times_vector
from .edge_weights import EdgeWeights
from .order_ideals import Chain, Masks, TransferMatrix
from .poset import Poset, union
from .powers import Row
from .sweep import BatchSizes, Clock, Sweep

Span: TypeAlias = tuple[int, int] | None
"""Of an edge between epochs those of its child and its parent, among the swept ones, -1: the root; None: within one."""


def spanned(
    poset: Poset, edges: EdgeWeights, chain: Chain, whole: int, updates: int, rest: int, batches: BatchSizes
) -> Number:
    """The sum over maps of a chain of epochs, for each choice of these, of edges whose steps do not commute."""
    spans, m, last = _spans(poset, chain), len(chain.skipped) - 1, len(chain.late.states) - 1
    early, late = (replace(moves, live=_live(moves, spans)) for moves in (chain.early, chain.late))
    inside = [e for e, span in enumerate(spans) if span is None]
    waits = prod(edges.waits(e, (whole - m) * updates) for e in inside)
    total: Number = 0
    for chosen in combinations(range(whole), m):
        begins = (*(number * updates for number in chosen), whole * updates)
        some = Spanning.between(edges, spans, begins, updates, whole * updates + rest)
        row: Row = {0: waits}
        if rest:
            row = Sweep([early], some, batches).run(row, rest, some.clock(0, m + 1), rest == updates)
            row = {i: x for i, x in row.items() if chain.required & ~early.states[i // edges.codes] == 0}
        row = Sweep([late], some, batches).run(row, updates - rest, some.clock(rest, m), True)
        total = total + some.read(row, last, late.live[-1])
    return total


class Moment(tuple[Number, ...]):
    """The relative learning rates in the swept epochs, and at which position."""

    position: int


@dataclass(frozen=True, slots=True)
class Spanning(EdgeWeights):
    """The edges of a chain whose epochs are chosen."""

    spans: tuple[Span, ...] = ()
    lower: tuple[Sequence[Vector], ...] = ()
    """For each edge and position of its child, the vector that comes to the epoch of its parent."""
    upper: tuple[Sequence[Vector], ...] = ()
    """For each edge and position of its parent, what reads that vector."""
    begins: tuple[int, ...] = ()
    """The times at which the swept epochs begin."""

    @classmethod
    def between(
        cls, edges: EdgeWeights, spans: Sequence[Span], begins: tuple[int, ...], updates: int, T: int
    ) -> Spanning:
        """begins: of the whole epochs that hold groups, and of the partial one."""
        rates = edges.rates or ()
        lower, upper = [], []
        for e, span in enumerate(spans):
            below, above = list[Vector](), list[Vector]()
            if span is not None:
                begin, end = begins[span[0]], T if span[1] < 0 else begins[span[1]]
                passed = identity(len(edges.born))
                for t in range(end - 1, begin - 1, -1):
                    if t < begin + updates:
                        below.append(_scaled(times_vector(passed, edges.born), edges.waits(e, t + 1)))
                    passed = matrix_product(passed, edges.step(e, rates[t]))
                passed = identity(len(edges.born))
                for t in range(end, min(end + updates, T)):
                    above.append(_scaled(matrix_product((edges.reader(e),), passed)[0], edges.waits(e, T - t)))
                    passed = matrix_product(edges.step(e, rates[t]), passed)
            lower.append(below[::-1])
            upper.append(above)
        own = {field.name: getattr(edges, field.name) for field in fields(EdgeWeights)}
        return cls(**own, spans=tuple(spans), lower=tuple(lower), upper=tuple(upper), begins=begins)

    def clock(self, start: int, epochs: int) -> Clock:
        """Of a sweep of so many of the epochs, from a position on."""

        def at(position: int) -> Moment:
            now = Moment((self.rates or ())[begin + start + position] for begin in self.begins[:epochs])
            now.position = start + position
            return now

        return at

    def crossing(self, epochs: int, known: dict[int, Crossing], now: Now = None) -> Crossing:
        """One update of each of some epochs."""
        return _Meeting(self, epochs, now)


class _Meeting(Crossing):
    """An edge between epochs moves where its ends are met."""

    edges: Spanning
    now: Moment

    def _moved(self, edge: int, fate: int) -> Moves:
        span = self.edges.spans[edge]
        if span is None:
            return super()._moved(edge, fate)
        before, after = fate & 1, fate >> 1 & 1
        had_child, has_parent = _met(span, 0, [fate >> 2 >> i & 1 for i in range(self.epochs)])
        new_child, new_parent = after ^ has_parent ^ had_child, before ^ had_child ^ has_parent
        if not new_child and not new_parent:
            return entries(identity(len(self.edges.born))) if before else STILL
        position = self.now.position
        if new_parent and position >= len(self.edges.upper[edge]):
            return []  # the partial epoch has ended there: no row comes to this state
        row = self.edges.upper[edge][position] if new_parent else self.edges.lower[edge][position]
        column = tuple((x,) for x in (self.edges.lower[edge][position] if new_child else row))
        return entries(matrix_product((row,), column) if new_child and new_parent else (row,) if before else column)


def _spans(poset: Poset, chain: Chain) -> tuple[Span, ...]:
    found: list[Span] = []
    for ends in poset.ends:
        child, parent = (
            next((i for i, groups in enumerate(chain.sets) if group >= 0 and groups >> group & 1), -1) for group in ends
        )
        inside = child == parent or (parent < 0 and child == len(chain.sets) - 1)
        found.append(None if inside else (child, parent))
    return tuple(found)


def _live(moves: TransferMatrix, spans: Sequence[Span]) -> Masks:
    """Edges between epochs live where one of their ends has been met."""
    between, found = union(1 << e for e, span in enumerate(spans) if span is not None), []
    for live, passed in zip(moves.live, moves.crossing, strict=True):
        open_now = [e for e, span in enumerate(spans) if span is not None and sum(_met(span, e, passed)) == 1]
        found.append(live & ~between | union(1 << e for e in open_now))
    return tuple(found)


def _met(span: tuple[int, int], edge: int, passed: Sequence[int]) -> tuple[int, int]:
    """Whether an edge's child was met before, and its parent is now, from what passes over each of the swept epochs."""
    child, parent = span
    return passed[child] >> edge & 1, int(parent >= 0 and (parent >= len(passed) or not passed[parent] >> edge & 1))


def _scaled(vector: Vector, scale: int) -> Vector:
    return vector if scale == 1 else tuple(x * scale for x in vector)
