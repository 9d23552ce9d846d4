"""One update as a matrix, where every live edge carries a vector that a linear recursion moves on.

The vector is `push` when the edge's child is placed, `step` acts on it at every update that the edge passes over, and
`point` (at the root: `seen`) reads it when the parent is placed. No eigenvalue is computed, so equal ones are no exception
and nothing cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm, prod
from typing import NamedTuple

from ..diagram import Diagram
from ..spacetime.updates import Update, Vector
from .powers import STEPWISE, Matrix, Number, Row, cleared, denominator, over, power
from .transfer import Transfer

Live = Callable[[int], int]
"""From a state to the mask of the edges that are live in it."""
Crossing = tuple[dict[int, list[tuple[int, Number]]], int]
"""From a code to (code, coefficient times a denominator), and that denominator."""
Rate = Callable[[int], Number]
"""From a position to the learning rate there; or to an array of them, for many choices of epochs."""


@dataclass(frozen=True, slots=True)
class Edges:
    """The edges of a diagram and the vectors they carry; the state of all is a code, a digit for each live edge."""

    above: tuple[int, ...]
    """The node at the upper end of each, numbered from 0; -1: the root."""
    rule: Update
    known: dict[tuple[int, int, tuple[int, ...]], Crossing]
    """Of `crossing`: many sweeps have the same."""

    @classmethod
    def of(cls, diagram: Diagram, rule: Update) -> Edges:
        return cls(tuple(p - 1 for p in diagram.parents[1:]), rule, {})

    @property
    def codes(self) -> int:
        """Number of codes."""
        return int(len(self.rule.push) ** len(self.above))

    def moved(self, edge: int, before: bool, after: bool, passed: int) -> list[tuple[int, int, Number]]:
        """(digit, next digit, coefficient): the edge over one update, live before and after it or not."""
        rule = self.rule
        if before and after:
            entries = enumerate(matrix_power(rule.step, passed))
            return [(j, i, x) for i, line in entries for j, x in enumerate(line) if not is_zero(x)]
        if before:
            return [(j, 0, x) for j, x in enumerate(rule.point) if not is_zero(x)]
        if after:
            return [(0, i, x) for i, x in enumerate(rule.push) if not is_zero(x)]
        return [(0, 0, 1)]

    def joint(self, options: Sequence[list[tuple[int, int, Number]]]) -> list[tuple[int, int, Number]]:
        """(code, next code, coefficient) of all edges together."""
        found: list[tuple[int, int, Number]] = [(0, 0, 1)]
        for edge, moves in enumerate(options):
            base = len(self.rule.push) ** edge
            found = [(c + base * j, n + base * i, x * y) for c, n, x in found for j, i, y in moves]
        return found

    def crossing(self, before: int, after: int, passed: tuple[int, ...]) -> Crossing:
        """One update: the masks of the edges that are live before and after it, how many updates each passes over."""
        key = (before, after, passed)
        if key not in self.known:
            options = [self.moved(v, bool(before >> v & 1), bool(after >> v & 1), passed[v]) for v in self]
            moves = self.joint(options)
            below = denominator(x for _, _, x in moves)
            lines: dict[int, list[tuple[int, Number]]] = {}
            for code, then, x in moves:
                lines.setdefault(code, []).append((then, cleared(x, below) if below > 1 else x))
            self.known[key] = (lines, below)
        return self.known[key]

    def codes_of(self, live: int) -> list[int]:
        """The codes of some live edges."""
        digits = range(len(self.rule.push))
        return [c for c, _, _ in self.joint([[(j, 0, 1) for j in (digits if live >> v & 1 else (0,))] for v in self])]

    def read(self, row: Row, state: int, live: int) -> Number:
        """What the root sees of a row's last state."""
        ends = [self.rule.seen if p < 0 else self.rule.point for p in self.above]
        readings = self.joint(
            [[(j, 0, x) for j, x in enumerate(ends[v])] if live >> v & 1 else [(0, 0, 1)] for v in self]
        )
        base = state * self.codes
        return sum((row[base + c] * x for c, _, x in readings if base + c in row and not is_zero(x)), 0)

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.above)))


class Block(NamedTuple):
    """From one state to another."""

    base: int
    """Where the other's codes begin."""
    gain: int
    kind: int
    """Row of `placed`."""
    lines: dict[int, list[tuple[int, Number]]]


@dataclass(frozen=True, slots=True)
class Sweep:
    """One update as a matrix over (state, code): states x codes + code."""

    blocks: tuple[tuple[Block, ...], ...]
    """From each state."""
    codes: int
    placed: tuple[tuple[int, ...], ...]
    """Kinds of steps: nodes placed in each swept epoch."""
    denominator: int

    @classmethod
    def of(
        cls, moves: Transfer, edges: Edges, live: Live, gains: Sequence[int], nodes: Callable[[int, int], tuple[int, ...]]
    ) -> Sweep:
        """`nodes`: how many nodes a step from one state to another places in each of the swept epochs."""
        stays = [(i, i, 0, masks) for i, masks in enumerate(moves.crossing)]
        alive = [live(state) for state in moves.states]
        placed: dict[tuple[int, ...], int] = {}
        found = []
        for source, target, parts, passing in [*stays, *moves.steps]:
            if gains[parts]:
                passed = tuple(sum(mask >> v & 1 for mask in passing) for v in edges)
                kind = placed.setdefault(nodes(moves.states[source], moves.states[target]), len(placed))
                lines, below = edges.crossing(alive[source], alive[target], passed)
                found.append((source, target, gains[parts], kind, lines, below))
        common = lcm(*(below for *_, below in found))
        blocks: list[list[Block]] = [[] for _ in moves.states]
        for source, target, gain, kind, lines, below in found:
            blocks[source].append(Block(target * edges.codes, gain * (common // below), kind, lines))
        return cls(tuple(map(tuple, blocks)), edges.codes, tuple(placed), common)

    def matrix(self) -> Matrix:
        """`denominator` times the matrix under a constant learning rate."""
        return {
            state * self.codes + code: row
            for state in range(len(self.blocks)) for code in range(self.codes)
            if (row := self._step({state * self.codes + code: 1}, [1] * len(self.placed)))
        }

    def run(self, row: Row, times: int, rates: Sequence[Rate] | None) -> Row:
        """The row after some updates; `rates` gives the learning rate at each position, for each swept epoch."""
        if rates is None and times > STEPWISE:
            return over(power(self.matrix(), row, times), self.denominator**times)
        under = denominator(row.values())
        if under > 1:
            row = {i: cleared(x, under) for i, x in row.items()}
        for after in self.walk(row, times, rates):
            row = after
        return _divided(row, self.denominator**times * under)

    def walk(self, row: Row, times: int, rates: Sequence[Rate] | None) -> Iterator[Row]:
        """The row after each of some updates, after t of them times `denominator`^t."""
        for position in range(times):
            now = [rate(position) for rate in rates or ()] or [1] * len(self.placed[0])
            row = self._step(row, [prod(c**n for c, n in zip(now, counts, strict=True) if n) for counts in self.placed])
            yield row

    def _step(self, row: Row, factors: Sequence[Number]) -> Row:
        after: Row = {}
        for key, x in row.items():
            state, code = divmod(key, self.codes)
            for base, gain, kind, lines in self.blocks[state]:
                scaled = x * (gain * factors[kind])
                for then, y in lines.get(code, ()):
                    j, term = base + then, scaled * y
                    after[j] = after[j] + term if j in after else term
        return after


def matrix_power(matrix: tuple[Vector, ...], times: int) -> tuple[Vector, ...]:
    """Its times-th power."""
    n = len(matrix)
    rows = [power({j: {i: matrix[i][j] for i in range(n)} for j in range(n)}, {j: 1}, times) for j in range(n)]
    return tuple(tuple(rows[j].get(i, 0) for j in range(n)) for i in range(n))


def times_vector(matrix: tuple[Vector, ...], vector: Vector) -> Vector:
    return tuple(sum((a * x for a, x in zip(line, vector, strict=True)), 0) for line in matrix)


def _divided(row: Row, below: int) -> Row:
    """The row over a number; entries may be arrays of ints."""
    return row if below == 1 else {i: x * Fraction(1, below) for i, x in row.items()}


def is_zero(x: Number) -> bool:
    return bool(x == 0)
