"""Edges between epochs of one repeated order, where updates do not commute: a schedule and a rule with memory, resummed.

Swept at the same time, the updates of several epochs would come in the wrong order. But what an epoch does to an edge is
known beforehand: from its child's position to the end, from the beginning to its parent's position, or all of it. So such
an edge is a vector from where the first of its ends is met to where the second is, and nothing moves it in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from ..spacetime.updates import Vector
from .edge_weights import STILL, EdgeWeights, Moves, Now, identity, times, times_vector
from .order_ideals import Chain
from .poset import Poset, bits
from .powers import is_zero
from .sweep import Clock, Live


class Moment(tuple[object, ...]):
    """The relative learning rates in the swept epochs, and at which position."""

    position: int


@dataclass(frozen=True, slots=True)
class Spanning(EdgeWeights):
    """The edges of a chain whose epochs are chosen."""

    spans: tuple[tuple[int, int] | None, ...] = ()
    """For an edge between epochs, those of its child and its parent among the swept ones; -1: the root."""
    lower: tuple[Sequence[Vector], ...] = ()
    """For each edge and position of its child, the vector that comes to the epoch of its parent."""
    upper: tuple[Sequence[Vector], ...] = ()
    """For each edge and position of its parent, what reads that vector."""
    begins: tuple[int, ...] = ()
    """The times at which the swept epochs begin."""

    @classmethod
    def between(
        cls, edges: EdgeWeights, poset: Poset, chain: Chain, begins: tuple[int, ...], updates: int, T: int
    ) -> Spanning:
        """begins: of the whole epochs that hold groups, and of the partial one."""
        rates = edges.rates or ()
        spans, lower, upper = [], [], []
        for e, (low, high) in enumerate(poset.ends):
            child, parent = (_epoch(chain, group) for group in (low, high))
            inside = child == parent or (parent < 0 and child == len(chain.sets) - 1)
            spans.append(None if inside else (child, parent))
            below, above = list[Vector](), list[Vector]()
            if not inside:
                end = T if parent < 0 else begins[parent]
                passed = identity(len(edges.born))
                for t in range(end - 1, begins[child] - 1, -1):
                    if t < begins[child] + updates:
                        below.append(times_vector(passed, edges.born))
                    passed = times(passed, edges.step(e, rates[t]))
                passed = identity(len(edges.born))
                for t in range(end, min(end + updates, T)):
                    above.append(times((edges.reader(e),), passed)[0])
                    passed = times(edges.step(e, rates[t]), passed)
            lower.append(below[::-1])
            upper.append(above)
        own = {field.name: getattr(edges, field.name) for field in fields(EdgeWeights)} | {"known": {}}
        return cls(**own, spans=tuple(spans), lower=tuple(lower), upper=tuple(upper), begins=begins)

    def clock(self, start: int, epochs: int) -> Clock:
        """Of a sweep of so many of the epochs, from a position on."""

        def at(position: int) -> Moment:
            now = Moment((self.rates or ())[begin + start + position] for begin in self.begins[:epochs])
            now.position = start + position
            return now

        return at

    def live_among(self, poset: Poset, chain: Chain, inside: Live) -> Live:
        """Where one end of an edge between epochs has been met; edges within one as `inside` says."""

        def live(classes: int) -> int:
            here = [classes >> c & 1 for c in chain.home]
            mask = inside(classes)
            for e, span in enumerate(self.spans):
                low, high = poset.ends[e]
                if span is not None:
                    mask = mask & ~(1 << e) | (here[low] ^ (here[high] if high >= 0 else 0)) << e
            return mask

        return live

    def moved(self, edge: int, before: int, after: int, passed: int, now: Now) -> Moves:
        """As `EdgeWeights.moved`; of an edge between epochs, `passed` tells which of its ends have been met."""
        span = self.spans[edge]
        if span is None:
            return EdgeWeights.moved(self, edge, before, after, passed, now)
        position = now.position  # type: ignore[union-attr]
        had_child = passed >> span[0] & 1
        has_parent = int(span[1] >= 0 and not passed >> span[1] & 1)
        had_parent, has_child = before ^ had_child, after ^ has_parent
        if has_child == had_child and has_parent == had_parent:
            return [(j, j, 1) for j in range(len(self.born))] if before else STILL
        if has_parent > had_parent and position >= len(self.upper[edge]):
            return []  # the partial epoch has ended there: no row comes to this state
        child = self.lower[edge][position] if has_child > had_child else None
        parent = self.upper[edge][position] if has_parent > had_parent else None
        if child is not None and parent is not None:
            return [(0, 0, sum((a * b for a, b in zip(parent, child, strict=True)), 0))]
        vector = child if child is not None else parent or ()
        return [(j, 0, x) if before else (0, j, x) for j, x in enumerate(vector) if not is_zero(x)]


def _epoch(chain: Chain, group: int) -> int:
    """The swept epoch that holds a group; -1: the root's, which is none."""
    return next((i for i, groups in enumerate(chain.sets) if group >= 0 and groups >> group & 1), -1)


def live_in(chain: Chain, poset: Poset) -> Live:
    """Edges that lie within an epoch live from child to parent, others all the time; lambda-edges never."""
    last, everything = chain.sets[-1], 0
    inside = 0
    for e, (low, high) in enumerate(poset.ends):
        if low != high:
            everything |= 1 << e
            if last >> low & 1 if high < 0 else any(groups >> low & groups >> high & 1 for groups in chain.sets):
                inside |= 1 << e

    def live(classes: int) -> int:
        here = [classes >> c & 1 for c in chain.home]
        crossing = sum(1 << e for e in bits(inside) if here[poset.ends[e][0]] and not _placed(here, poset.ends[e][1]))
        return everything & ~inside | crossing

    return live


def _placed(here: Sequence[int], group: int) -> bool:
    return group >= 0 and bool(here[group])
