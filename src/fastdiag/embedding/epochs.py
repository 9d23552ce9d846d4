"""Epochs with an order of their own each, under an update rule: matrices over what has been placed and what edges carry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import perm

from ..diagram import Diagram
from ..spacetime.updates import Update
from .powers import Matrix, Number, Row
from .relations import Relations
from .sweep import Edges, Rate, Sweep
from .transfer import Epoch, epoch


@dataclass(frozen=True, slots=True)
class Epochs:
    """Epochs with an order of their own each, as matrices over (ideal of nodes, code)."""

    edges: Edges
    moves: Epoch
    sweeps: tuple[Sweep, ...]
    """From each ideal."""
    targets: tuple[tuple[tuple[int, Number], ...], ...]
    """For each ideal and state that is reached from it: the ideal that the state is, the share of the rows that fit."""
    rows: Number
    """Choices of rows for the parts; over what the shares are multiplied by in all."""

    @classmethod
    def of(cls, diagram: Diagram, rule: Update, below: int, N: int, B: int) -> Epochs:
        edges, relations = Edges.of(diagram, rule, below), Relations.of(diagram)
        moves = epoch(relations, edges.above)
        gains = [perm(B, size) for size in range(relations.parts + 1)]
        place = {ideal: i for i, ideal in enumerate(moves.ideals)}
        alive = dict(zip(moves.ideals, moves.crossing, strict=True))

        def nodes(before: int, after: int) -> tuple[int, ...]:
            return ((after & ~before).bit_count(),)

        def share(placed: int, used: int) -> Number:
            return scale**placed / perm(N, used) if floats else scale**placed // perm(N, used)

        floats = any(isinstance(x, float) for x in rule.numbers())
        scale = N if floats else perm(N, relations.parts)  # for each node; so floats stay near 1, and ints are whole
        sweeps = [Sweep.of(steps, edges, alive.__getitem__, gains, nodes) for steps in moves.transfers]
        targets = [
            tuple(
                (place[state], share((state & ~ideal).bit_count(), rows))
                for state, rows in zip(steps.states, used, strict=True)
            )
            for ideal, steps, used in zip(moves.ideals, moves.transfers, moves.used, strict=True)
        ]
        choices, divisor = perm(N, relations.parts), scale**diagram.order
        rows = choices / divisor if floats else Fraction(choices, divisor)
        return cls(edges, moves, tuple(sweeps), tuple(targets), rows)

    def matrix(self, updates: int) -> Matrix:
        """One epoch, under a constant learning rate."""
        found: Matrix = {}
        for i, live in enumerate(self.moves.crossing):
            codes = self.edges.codes_of(live)
            for code, row in zip(codes, self.sweeps[i].runs([{code: 1} for code in codes], updates), strict=True):
                found[i * self.edges.codes + code] = self._placed(i, row)
        return found

    def seconds(self, updates: int) -> float:
        """About how long `matrix` takes."""
        return sum(
            sweep.seconds(len(self.edges.codes_of(live)), updates)
            for sweep, live in zip(self.sweeps, self.moves.crossing, strict=True)
        )

    def run(self, row: Row, updates: int, rates: Sequence[Rate]) -> Row:
        """The row after one epoch."""
        after: Row = {}
        for i, part in self._parts(row):
            for key, x in self._placed(i, self.sweeps[i].run(part, updates, rates)).items():
                after[key] = after[key] + x if key in after else x
        return after

    def walk(self, row: Row, updates: int, rates: Sequence[Rate] | None) -> Iterator[Row]:
        """The row after each update of one epoch."""
        walks = [(i, self.sweeps[i].walk(part, updates, rates)) for i, part in self._parts(row)]
        for _ in range(updates):
            after: Row = {}
            for i, walk in walks:
                for key, x in self._placed(i, next(walk)).items():
                    after[key] = after[key] + x if key in after else x
            yield after

    def read(self, row: Row) -> Number:
        """What the root sees where all nodes are placed."""
        return self.edges.read(row, len(self.moves.ideals) - 1, self.moves.crossing[-1]) * self.rows

    def _parts(self, row: Row) -> Iterator[tuple[int, Row]]:
        """The entries of each ideal that has some."""
        codes = self.edges.codes
        for i in range(len(self.sweeps)):
            part = {key % codes: x for key, x in row.items() if key // codes == i}
            if part:
                yield i, part

    def _placed(self, i: int, row: Row) -> Row:
        """From the states of the i-th sweep to ideals."""
        codes = self.edges.codes
        found: Row = {}
        for key, x in row.items():
            ideal, share = self.targets[i][key // codes]
            found[ideal * codes + key % codes] = x * share
        return found


@lru_cache(maxsize=256)
def epochs_of(diagram: Diagram, rule: Update, below: int, N: int, B: int) -> Epochs:
    """`Epochs.of`, kept for the next call."""
    return Epochs.of(diagram, rule, below, N, B)
