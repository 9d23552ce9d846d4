"""What the edges of a diagram carry: each a vector that a linear recursion moves on, update by update.

It is born with the child, steps at every update that the edge passes over, and is read by the parent. That is any update
rule, un-resummed and resummed; k^(dt-1) is the recursion of one number. No eigenvalue is computed, so equal ones are no
exception and nothing cancels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeAlias

from ..spacetime.updates import Update, Vector
from ..typing import Number
from .poset import Poset
from .powers import Powers, cleared, denominator, is_approximate, is_zero

Steps: TypeAlias = tuple[Vector, ...]
"""A matrix, row by row."""
Moves: TypeAlias = list[tuple[int, int, Number]]
"""From, to, coefficient."""
Now: TypeAlias = tuple[Number, ...] | None
"""The relative learning rate in each of the epochs that are swept; None: it is 1 throughout."""
Crossing: TypeAlias = tuple[dict[int, list[tuple[int, Number]]], int]
"""From a code to codes and coefficients, these times a denominator, and that."""


@dataclass(frozen=True, slots=True)
class EdgeWeights:
    """The weights of all edges; the state of all vectors is a code, a digit for each live edge.

    All numbers are of one ring; for many choices of them at a time they are arrays.
    """

    steps: tuple[Steps, ...]
    """For each edge, what an update at the learning rate 1 does to its vector."""
    ends: tuple[tuple[int, int], ...]
    """Of `Poset`."""
    born: Vector = (1,)
    point: Vector = (1,)
    """What reads a vector at its parent."""
    seen: Vector = (1,)
    """What reads it at the root."""
    kicks: tuple[Steps, ...] | None = None
    """The part of each step that the learning rate multiplies, of weights that change with time; else None."""
    rates: Vector | None = None
    """c_0, c_1, ...: relative learning rates, which multiply what is born; None: all are 1."""
    readers: tuple[Vector, ...] | None = None
    """What reads each edge's vector at its end, where edges differ in that; None: `point` and `seen` do."""
    known: dict[tuple[int, int, tuple[int, ...]], Crossing] = field(default_factory=dict, compare=False)
    """Of `crossing`: many matrices have the same."""

    @classmethod
    def powers(cls, poset: Poset, k: Sequence[Number]) -> EdgeWeights:
        """k_e^(dt - 1)."""
        return cls(tuple(((x,),) for x in k), poset.ends)

    @classmethod
    def of(
        cls, poset: Poset, update: Update, rates: Vector | None = None, forces: Sequence[Number | Steps] | None = None,
        powers: Sequence[int] | None = None,
    ) -> EdgeWeights:
        """An update rule's weights w(time of the child, time of the parent); `rates`: those of its schedule.

        forces: resummed, eta times the curvature along each edge. An update then takes a state z to
        step z - c_t force push (point . z). Or matrices of one size in place of the numbers: then an edge's weight is one
        too, of which the entry (power, 0) is read.
        """
        rule, edges = update, poset.ends
        if forces is None:
            return cls((rule.step,) * len(edges), edges, rule.push, rule.point, rule.seen, rates=rates)
        matrices = [x if isinstance(x, tuple) else ((x,),) for x in forces]
        one = identity(max(map(len, matrices), default=1))
        pulled = tuple(tuple(-b * a for a in rule.point) for b in rule.push)
        kicks = tuple(_kronecker(pulled, matrix) for matrix in matrices)
        steps = tuple(_sum(_kronecker(rule.step, one), kick) for kick in kicks)
        changing, readers = None if rates is None else kicks, None
        if powers is not None:
            ends = [rule.seen if high < 0 else rule.point for _, high in edges]
            readers = tuple(_kronecker((end,), one[power : power + 1])[0] for end, power in zip(ends, powers, strict=True))
        born, point, seen = (_kronecker((v,), one[:1])[0] for v in (rule.push, rule.point, rule.seen))
        return cls(steps, edges, born, point, seen, changing, rates, readers)

    def on(self, poset: Poset) -> EdgeWeights:
        """The same weights on other edges, of which all carry the same."""
        return replace(self, steps=self.steps[:1] * len(poset.ends), ends=poset.ends, known={})

    @property
    def is_exact(self) -> bool:
        """Whether all numbers are ints and Fractions, whose digits may be many."""
        return all(isinstance(x, int | Fraction) for x in self._numbers())

    @property
    def is_approximate(self) -> bool:
        """Whether there are floats among them."""
        return any(map(is_approximate, self._numbers()))

    def _numbers(self) -> tuple[Number, ...]:
        return (*self.born, *self.point, *self.seen, *(x for step in self.steps for line in step for x in line))

    @property
    def codes(self) -> int:
        """Number of codes."""
        return int(len(self.born) ** len(self.ends))

    @property
    def commute(self) -> bool:
        """Whether steps at different learning rates do, of weights that change with time."""
        if self.kicks is None or len(self.born) == 1:
            return True
        pairs = zip(self.steps, self.kicks, strict=True)
        return not self.is_approximate and all(times(step, kick) == times(kick, step) for step, kick in pairs)

    def step(self, edge: int, rate: Number) -> Steps:
        """What an update at a relative learning rate does to an edge's vector."""
        if self.kicks is None:
            return self.steps[edge]
        return _sum(self.steps[edge], self.kicks[edge], rate - 1)

    def through(self, edge: int, passed: int, now: Now) -> Steps:
        """What one update of each of the swept epochs in the mask `passed` does to an edge's vector."""
        if self.kicks is None or now is None:
            return matrix_power(self.steps[edge], passed.bit_count())
        total: Steps | None = None
        for epoch, rate in enumerate(now):
            if passed >> epoch & 1:
                step = self.step(edge, rate)
                total = step if total is None else times(step, total)
        return identity(len(self.born)) if total is None else total

    def moved(self, edge: int, before: int, after: int, passed: int, now: Now) -> Moves:
        """(digit, next digit, coefficient): the edge over one update, live before and after it or not."""
        if before and after:
            if not passed and len(self.born) == 1:
                return STILL
            lines = self.through(edge, passed, now) if passed else identity(len(self.born))
            return [(j, i, x) for i, line in enumerate(lines) for j, x in enumerate(line) if not is_zero(x)]
        if before:
            ends = self.reader(edge)
            return STILL if ends == UNIT else [(j, 0, x) for j, x in enumerate(ends) if not is_zero(x)]
        if after:
            return STILL if self.born == UNIT else [(0, i, x) for i, x in enumerate(self.born) if not is_zero(x)]
        return STILL

    def reader(self, edge: int) -> Vector:
        """What reads an edge's vector at its end."""
        if self.readers is not None:
            return self.readers[edge]
        return self.seen if self.ends[edge][1] < 0 else self.point

    def joint(self, options: Sequence[Moves]) -> Moves:
        """(code, next code, coefficient) of all edges together."""
        found: Moves = STILL
        for edge, moves in enumerate(options):
            if moves is not STILL:
                base = len(self.born) ** edge
                found = [
                    (c + base * j, n + base * i, y if found is STILL else x * y) for c, n, x in found for j, i, y in moves
                ]
        return found

    def crossing(self, before: int, after: int, passed: tuple[int, ...], now: Now = None) -> Crossing:
        """One update: the edges that are live before and after it, and the swept epochs in which each passes over it."""
        key = before, after, passed
        if self.kicks is None and key in self.known:
            return self.known[key]
        moves = self.joint([self.moved(v, before >> v & 1, after >> v & 1, passed[v], now) for v in self])
        below = denominator(x for _, _, x in moves)
        lines: dict[int, list[tuple[int, Number]]] = {}
        for (code, then, _), x in zip(moves, cleared((x for _, _, x in moves), below), strict=True):
            lines.setdefault(code, []).append((then, x))
        if self.kicks is None:
            self.known[key] = lines, below
        return lines, below

    def codes_of(self, live: int) -> list[int]:
        """The codes of some live edges."""
        digits = range(len(self.born))
        return [c for c, _, _ in self.joint([[(j, 0, 1) for j in (digits if live >> v & 1 else (0,))] for v in self])]

    def read(self, row: dict[int, Number], state: int, live: int) -> Number:
        """What the root sees of a row's last state."""
        readings = self.joint([[(j, 0, x) for j, x in enumerate(self.reader(v))] if live >> v & 1 else STILL for v in self])
        base = state * self.codes
        return sum((row[base + c] * x for c, _, x in readings if base + c in row and not is_zero(x)), 0)

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.ends)))


STILL: Moves = [(0, 0, 1)]
"""Of an edge that is not there, or whose one number stays."""
UNIT: Vector = (1,)


def identity(size: int) -> Steps:
    """The matrix of one update that changes nothing."""
    return tuple(tuple(int(i == j) for j in range(size)) for i in range(size))


def times(left: Steps, right: Steps) -> Steps:
    """The matrix product."""
    columns = list(zip(*right, strict=True))
    return tuple(tuple(sum((a * b for a, b in zip(line, column, strict=True)), 0) for column in columns) for line in left)


def times_vector(matrix: Steps, vector: Vector) -> Vector:
    """matrix @ vector."""
    return tuple(sum((a * x for a, x in zip(line, vector, strict=True)), 0) for line in matrix)


def matrix_power(matrix: Steps, exponent: int) -> Steps:
    """Its power."""
    n = len(matrix)
    if exponent == 1:
        return matrix
    if n == 1 and not hasattr(matrix[0][0], "complement"):
        return ((matrix[0][0] ** exponent,),)
    powers = Powers({j: {i: matrix[i][j] for i in range(n)} for j in range(n)})
    rows = [powers.after({j: 1}, exponent) for j in range(n)]
    return tuple(tuple(rows[j].get(i, 0) for j in range(n)) for i in range(n))


def _kronecker(left: Steps, right: Steps) -> Steps:
    return tuple(
        tuple(0 if is_zero(a) or is_zero(b) else a * b for a in line for b in other) for line in left for other in right
    )


def _sum(matrix: Steps, other: Steps, scale: Number = 1) -> Steps:
    return tuple(
        tuple(a + scale * b for a, b in zip(line, more, strict=True)) for line, more in zip(matrix, other, strict=True)
    )
