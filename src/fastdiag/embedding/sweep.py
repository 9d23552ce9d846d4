"""One update as a matrix, where every live edge carries a vector that a linear recursion moves on.

The vector is `push` when the edge's child is placed, `step` acts on it at every update that the edge passes over, and
`point` (at the root: `seen`) reads it when the parent is placed. No eigenvalue is computed, so equal ones are no exception
and nothing cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import log2, prod, sqrt
from typing import NamedTuple

from ..diagram import Diagram
from ..spacetime.updates import Update, Vector
from .powers import STEPWISE, Matrix, Number, Row, power, powers, product_seconds, seconds
from .transfer import Masks, Transfer

Live = Callable[[int], int]
"""From a state to the mask of the edges that are live in it."""
Crossing = dict[int, list[tuple[int, Number]]]
"""From a code to (code, coefficient)."""
Rate = Callable[[int], Number]
"""From a position to the learning rate there; or to an array of them, for many choices of epochs."""


@dataclass(frozen=True, slots=True)
class Edges:
    """The edges of a diagram and the vectors they carry; the state of all is a code, a digit for each live edge."""

    above: tuple[int, ...]
    """The node at the upper end of each, numbered from 0; -1: the root."""
    rule: Update
    below: int
    """What stands for 1 at an update that an edge does not pass over, where the rule's step is of numbers times this."""
    known: dict[tuple[int, int, tuple[int, ...]], Crossing]
    """Of `crossing`: many sweeps have the same."""

    @classmethod
    def of(cls, diagram: Diagram, rule: Update, below: int = 1) -> Edges:
        return cls(tuple(p - 1 for p in diagram.parents[1:]), rule, below, {})

    @property
    def codes(self) -> int:
        """Number of codes."""
        return int(len(self.rule.push) ** len(self.above))

    def moved(self, before: bool, after: bool, passed: int, updates: int) -> list[tuple[int, int, Number]]:
        """(digit, next digit, coefficient): an edge, live before and after some updates or not, of which it passes some."""
        rule, idle = self.rule, self.below ** (updates - passed)
        if before and after:
            entries = enumerate(matrix_power(rule.step, passed))
            return [(j, i, x * idle) for i, line in entries for j, x in enumerate(line) if not is_zero(x)]
        if before:
            return [(j, 0, x * idle) for j, x in enumerate(rule.point) if not is_zero(x)]
        if after:
            return [(0, i, x * idle) for i, x in enumerate(rule.push) if not is_zero(x)]
        return [(0, 0, idle)]

    def joint(self, options: Sequence[list[tuple[int, int, Number]]]) -> list[tuple[int, int, Number]]:
        """(code, next code, coefficient) of all edges together."""
        found: list[tuple[int, int, Number]] = [(0, 0, 1)]
        for edge, moves in enumerate(options):
            base = len(self.rule.push) ** edge
            found = [(c + base * j, n + base * i, x * y) for c, n, x in found for j, i, y in moves]
        return found

    def crossing(self, before: int, after: int, passing: Masks) -> Crossing:
        """One update of each swept epoch: the edges that are live before and after, and those that pass over each."""
        key = (before, after, passing)
        if key not in self.known:
            passed = [sum(mask >> v & 1 for mask in passing) for v in self]
            options = [self.moved(bool(before >> v & 1), bool(after >> v & 1), passed[v], len(passing)) for v in self]
            lines: Crossing = {}
            for code, then, x in self.joint(options):
                lines.setdefault(code, []).append((then, x))
            self.known[key] = lines
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
    lines: Crossing


@dataclass(frozen=True, slots=True)
class Sweep:
    """One update as a matrix over (state, code): states x codes + code."""

    blocks: tuple[tuple[Block, ...], ...]
    """From each state."""
    codes: int
    placed: tuple[tuple[int, ...], ...]
    """Kinds of steps: nodes placed in each swept epoch."""

    @classmethod
    def of(
        cls, moves: Transfer, edges: Edges, live: Live, gains: Sequence[int], nodes: Callable[[int, int], tuple[int, ...]]
    ) -> Sweep:
        """`nodes`: how many nodes a step from one state to another places in each of the swept epochs."""
        stays = [(i, i, 0, masks) for i, masks in enumerate(moves.crossing)]
        alive = [live(state) for state in moves.states]
        placed: dict[tuple[int, ...], int] = {}
        blocks: list[list[Block]] = [[] for _ in moves.states]
        for source, target, parts, passing in [*stays, *moves.steps]:
            if gains[parts]:
                kind = placed.setdefault(nodes(moves.states[source], moves.states[target]), len(placed))
                lines = edges.crossing(alive[source], alive[target], passing)
                blocks[source].append(Block(target * edges.codes, gains[parts], kind, lines))
        return cls(tuple(map(tuple, blocks)), edges.codes, tuple(placed))

    def matrix(self) -> Matrix:
        """The matrix under a constant learning rate."""
        return {
            state * self.codes + code: row
            for state in range(len(self.blocks)) for code in range(self.codes)
            if (row := self._step({state * self.codes + code: 1}, [1] * len(self.placed)))
        }

    def run(self, row: Row, times: int, rates: Sequence[Rate] | None) -> Row:
        """The row after some updates; `rates` gives the learning rate at each position, for each swept epoch."""
        if rates is None:
            return self.runs([row], times)[0]
        for after in self.walk(row, times, rates):
            row = after
        return row

    def runs(self, rows: Sequence[Row], times: int) -> list[Row]:
        """Several rows after some updates under a constant learning rate."""
        if times > STEPWISE:
            return powers(self.matrix(), rows, times)
        ones = [1] * len(self.placed)
        for _ in range(times):
            rows = [self._step(row, ones) for row in rows]
        return list(rows)

    def seconds(self, rows: int, times: int) -> float:
        """About how long `runs` takes for so many rows, of ints or floats."""
        if times > STEPWISE:
            return seconds(self.matrix(), rows, times)
        entries = sum(len(ends) for blocks in self.blocks for block in blocks for ends in block.lines.values())
        stays = [(block, code, then, x) for state, blocks in enumerate(self.blocks) for block in blocks
                 if block.base == state * self.codes for code, ends in block.lines.items() for then, x in ends]
        largest = max((abs(x) for _, code, then, x in stays if code == then and isinstance(x, int)), default=1)
        reached = 0.3 * sqrt(rows)  # each row meets some of the entries only
        return reached * times * entries * product_seconds(times * log2(max(largest, 1)) / 2)

    def walk(self, row: Row, times: int, rates: Sequence[Rate] | None) -> Iterator[Row]:
        """The row after each of some updates."""
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


def is_zero(x: Number) -> bool:
    return bool(x == 0)
