"""One position of the rows' order, or one update, as a matrix over (state, code): states x codes + code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from math import lcm, perm, prod
from typing import Any, TypeAlias

import numpy as np

from ..typing import Number
from .edge_weights import EdgeWeights, Now
from .order_ideals import TransferMatrix, independent_epoch
from .poset import Poset
from .powers import Matrix, Powers, Row, cleared_row, denominator, over, row_times, scaled

Live: TypeAlias = Callable[[int], int]
"""From a state to the mask of the edges that are live in it."""
Clock: TypeAlias = Callable[[int], tuple[Number, ...]]
"""From a position to the relative learning rates there, of all swept epochs; or to arrays, for many choices of epochs."""
Placed: TypeAlias = tuple[int, ...]
"""How many nodes a step places in each of the swept epochs."""


class Sweep:
    """A transfer matrix with what the edges carry."""

    def __init__(
        self, moves: TransferMatrix, edges: EdgeWeights, live: Live, gains: Sequence[int],
        placed: Callable[[int, int], Placed],
    ) -> None:
        """gains: ways to place so many parts; placed: nodes that come in between two states."""
        self.edges, self.states = edges, moves.states
        self.live = [live(state) for state in moves.states]
        stays = [(i, i, 0, masks) for i, masks in enumerate(moves.crossing)]
        self._moves = [
            (
                source, target, gains[parts], placed(moves.states[source], moves.states[target]),
                tuple(sum((mask >> e & 1) << i for i, mask in enumerate(passing)) for e in edges),
            )
            for source, target, parts, passing in [*stays, *moves.steps] if gains[parts]
        ]

    def _matrices(self, now: Now = None) -> tuple[dict[Placed, Matrix], int]:
        """The matrix of an update as a sum, by the nodes that it places, times a denominator; and that."""
        codes, found = self.edges.codes, dict[Placed, Matrix]()
        crossings = [
            self.edges.crossing(self.live[source], self.live[target], passed, now)
            for source, target, _, _, passed in self._moves
        ]
        common = lcm(*(below for _, below in crossings))
        for (source, target, gain, placed, _), (lines, below) in zip(self._moves, crossings, strict=True):
            matrix, factor = found.setdefault(placed, {}), gain * (common // below)
            for code, entries in lines.items():
                row = matrix.setdefault(source * codes + code, {})
                for then, x in entries:
                    row[target * codes + then] = x if factor == 1 else scaled(x, factor)
        return found, common

    @cached_property
    def powers(self) -> Powers:
        """Of the whole matrix, where weights stay the same."""
        total: Matrix = {}
        matrices, below = self._matrices()
        for matrix in matrices.values():
            for i, row in matrix.items():
                total.setdefault(i, {}).update(row)
        return Powers(total, below)

    @property
    def blocks(self) -> Iterator[list[int]]:
        """The keys of each state but the first."""
        for state in range(1, len(self.states)):
            yield [state * self.edges.codes + code for code in self.edges.codes_of(self.live[state])]

    def run(self, row: Row, times: int, clock: Clock | None) -> Row:
        """The row after some updates."""
        if clock is None:
            return self.powers.after(row, times)
        below = 1
        for after, scale in self._walked(row, times, clock):
            row, below = after, scale
        return over(row, below)

    def walk(self, row: Row, times: int, clock: Clock | None) -> Iterator[Row]:
        """The row after each of some updates."""
        return (over(after, below) for after, below in self._walked(row, times, clock))

    def _walked(self, row: Row, times: int, clock: Clock | None) -> Iterator[tuple[Row, int]]:
        """The row times a denominator, and that."""
        changing = self.edges.kicks is not None
        matrices, below = ({}, 1) if changing else self._matrices()
        scale = denominator(row.values())
        row = cleared_row(row, scale)
        for position in range(times):
            now = clock(position) if clock else None
            after: Row = {}
            if changing:
                matrices, below = self._matrices(now)
            for placed, matrix in matrices.items():
                factor = self.edges.born_at(now, placed) if now and any(placed) else None
                for j, x in row_times(row, matrix).items():
                    term = x if factor is None else x * factor
                    after[j] = after[j] + term if j in after else term
            row, scale = after, scale * below
            yield row, scale


class Epochs:
    """Epochs with an order of their own each, as matrices over (ideal of groups, code), in the moment basis."""

    def __init__(self, poset: Poset, edges: EdgeWeights, N: int, B: int) -> None:
        self.edges, self.epoch = edges, independent_epoch(poset)
        gains = [perm(B, size) for size in range(poset.parts + 1)]
        place = {ideal: i for i, ideal in enumerate(self.epoch.ideals)}
        alive = dict(zip(self.epoch.ideals, self.epoch.crossing, strict=True))

        def placed(before: int, after: int) -> Placed:
            return ((after & ~before).bit_count(),)

        choices = perm(N, poset.parts)
        scale = N if edges.is_approximate else choices  # for each group: floats stay near 1, and ints are whole
        self.sweeps = [Sweep(moves, edges, alive.__getitem__, gains, placed) for moves in self.epoch.transfers]
        self.targets = [
            [
                (place[state], Fraction(scale ** (state & ~ideal).bit_count(), perm(N, rows)))
                for state, rows in zip(moves.states, used, strict=True)
            ]
            for ideal, moves, used in zip(self.epoch.ideals, self.epoch.transfers, self.epoch.used, strict=True)
        ]
        """For each ideal and state that is reached from it: the ideal that the state is, and `scale` for each group that is
        placed times the share of the rows that fit."""
        self.rows = Fraction(choices, scale ** len(poset.below))
        """Choices of rows for the parts, less what the targets have too much."""

    def powers(self, updates: int) -> Powers:
        """Of the matrix of one epoch, where weights stay the same."""
        codes = self.edges.codes
        return Powers({
            i * codes + code: self._placed(i, sweep.run({code: 1}, updates, None))
            for i, sweep in enumerate(self.sweeps) for code in self.edges.codes_of(sweep.live[0])
        })

    def seconds(self, updates: int) -> float:
        """About how long `powers` takes."""
        return sum(sweep.powers.seconds(len(self.edges.codes_of(sweep.live[0])), updates) for sweep in self.sweeps)

    @property
    def blocks(self) -> Iterator[list[int]]:
        """The keys of each ideal but the first."""
        for ideal, live in list(enumerate(self.epoch.crossing))[1:]:
            yield [ideal * self.edges.codes + code for code in self.edges.codes_of(live)]

    def walk(self, row: Row, updates: int, clock: Clock | None) -> Iterator[Row]:
        """The row after each update of one epoch."""
        codes = self.edges.codes
        walks = []
        for i, sweep in enumerate(self.sweeps):
            part = {key % codes: x for key, x in row.items() if key // codes == i}
            if part:
                walks.append((i, sweep.walk(part, updates, clock)))
        for _ in range(updates):
            after: Row = {}
            for i, walk in walks:
                for key, x in self._placed(i, next(walk)).items():
                    after[key] = after[key] + x if key in after else x
            yield after

    def read(self, row: Row) -> Number:
        """What the root sees where all nodes are placed."""
        return scaled(self.edges.read(row, len(self.epoch.ideals) - 1, self.epoch.crossing[-1]), self.rows)

    def _placed(self, i: int, row: Row) -> Row:
        """From the states of the i-th sweep to ideals."""
        codes = self.edges.codes
        found: Row = {}
        for key, x in row.items():
            ideal, share = self.targets[i][key // codes]
            found[ideal * codes + key % codes] = scaled(x, share if share.denominator > 1 else share.numerator)
        return found


def clock_of(rates: Sequence[Number] | None, begins: Sequence[Any]) -> Clock | None:
    """The learning rates at a position that is counted from each of some times, or arrays of times; None: all are 1."""
    if rates is None:
        return None
    table = np.array(rates, np.float64 if any(isinstance(c, float) for c in rates) else object)
    return lambda position: tuple(table[begin + position] for begin in begins)
