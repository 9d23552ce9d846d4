"""One position of the rows' order, or one update, as a matrix over (state, code): states x codes + code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cache, lru_cache
from math import gcd, perm
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..spacetime import Spacetime
from ..typing import Number
from .crossing import Crossing
from .edge_weights import EdgeWeights
from .order_ideals import TransferMatrix, independent_epoch
from .pattern_weights import slots
from .poset import Poset
from .powers import Matrix, Powers, Row, scaled

Clock: TypeAlias = Callable[[int], tuple[Number, ...]]
"""From a position to the relative learning rates there, of all swept epochs; or to arrays, for many choices of epochs."""
Lines: TypeAlias = dict[int, list[tuple[int, Number, int]]]
"""From a key to keys, coefficients and kinds of moves."""


class BatchSizes(NamedTuple):
    """The batches of one epoch: all of one size, but for the last where that is smaller."""

    basis: str
    size: int
    share: Number = 1
    """What each node carries, in units in which all shares are whole; of floats B over the size of its batch."""
    last: int = 0
    """The size of a smaller last batch; 0: there is none."""
    last_share: Number = 1
    unit: int = 1
    """What the sum over maps is to be divided by, for each node."""

    @classmethod
    def of(cls, spacetime: Spacetime, edges: EdgeWeights, basis: str) -> BatchSizes:
        """Those that edges of some weights see."""
        B, last = int(spacetime.B), spacetime.last_batch
        if not spacetime.is_ragged:
            return cls(basis, B)
        if not edges.averages:
            return cls(basis, B, last=last)
        if edges.is_approximate:
            return cls(basis, B, 1, last, B / last)
        common = gcd(B, last)
        return cls(basis, B, last // common, last, B // common, last // common)

    def gains(self, parts: int, nodes: int) -> tuple[Number, Number]:
        """What it is worth to place so many nodes of so many parts into one batch, and into the last one."""
        here = slots((parts,), self.size, self.basis) * self.share**nodes
        return here, slots((parts,), self.last, self.basis) * self.last_share**nodes if self.last else here


class SweepPlan(NamedTuple):
    """Transfer matrices side by side, without what the edges carry."""

    live: tuple[int, ...]
    begins: tuple[int, ...]
    """Where the states of each matrix begin."""
    fates: tuple[tuple[int, ...], ...]
    """Of all edges, as in `order_ideals.Move`; each once."""
    kinds: tuple[tuple[tuple[Number, Number], tuple[int, ...]], ...]
    """Of moves: gains of a batch and of the last one, and how many groups are placed in each of the swept epochs."""
    moves: tuple[tuple[tuple[int, int, int], ...], ...]
    """From each state: target, place among `fates`, place among `kinds`."""


def _planned(transfers: tuple[TransferMatrix, ...], batches: BatchSizes, powers: bool) -> SweepPlan:
    """powers: for edges that carry those of one number, to which it is all one where they begin and end."""
    begins, gains = [0], cache(batches.gains)
    for each in transfers:
        begins.append(begins[-1] + len(each.states))
    fates: dict[tuple[int, ...], int] = {}
    kinds: dict[tuple[tuple[Number, Number], tuple[int, ...]], int] = {}
    moves: list[list[tuple[int, int, int]]] = [[] for _ in range(begins[-1])]
    for begin, each in zip(begins, transfers, strict=False):
        for source, target, parts, fate, placed, nodes in each.moves:
            if any(both := gains(parts, nodes)):
                kind = kinds.setdefault((both, placed), len(kinds))
                fate = tuple([bits & ~3 for bits in fate]) if powers else fate
                moves[begin + source].append((begin + target, fates.setdefault(fate, len(fates)), kind))
    live = tuple([live for each in transfers for live in each.live])
    return SweepPlan(live, tuple(begins), tuple(fates), tuple(kinds), tuple(map(tuple, moves)))


_known_plan = lru_cache(maxsize=1 << 9)(_planned)


class Sweep:
    """Transfer matrices side by side, with what the edges carry."""

    def __init__(
        self, transfers: Sequence[TransferMatrix], edges: EdgeWeights, batches: BatchSizes,
        crossings: dict[int, Crossing] | None = None,
    ) -> None:
        """crossings: of these edges, that other sweeps know."""
        self.has_last = batches.last > 0
        self.edges, self.epochs = edges, len(transfers[0].placed[0])
        self.crossings = {} if crossings is None else crossings
        self.plan = (_known_plan if not self.has_last else _planned)(tuple(transfers), batches, edges.is_power)
        self.live, self.begins = self.plan.live, self.plan.begins
        self._known: list[Powers | None] = [None, None]

    def _lines(self, crossing: Crossing, states: Iterable[int]) -> Lines:
        """From some states on."""
        codes, lines, fates, known = self.edges.codes, Lines(), self.plan.fates, crossing.known
        for source in states:
            if codes == 1:
                lines[source] = [
                    (target, both[0][2], kind) for target, fate, kind in self.plan.moves[source]
                    if (both := known.get(fates[fate]) or crossing(fates[fate]))
                ]
                continue
            for target, fate, kind in self.plan.moves[source]:
                for code, then, x in known.get(fates[fate]) or crossing(fates[fate]):
                    key = source * codes + code
                    if key in lines:
                        lines[key].append((target * codes + then, x, kind))
                    else:
                        lines[key] = [(target * codes + then, x, kind)]
        return lines

    @property
    def powers(self) -> Powers:
        """Of the whole matrix, where weights stay the same."""
        return self._powers(0)

    def _powers(self, last: int) -> Powers:
        """Of a batch, or of a smaller last one."""
        found = self._known[last]
        if found is None:
            found = self._known[last] = Powers(self._matrix([gains[last] for gains, _ in self.plan.kinds]))
        return found

    def _matrix(self, gains: Sequence[Number]) -> Matrix:
        codes, known = self.edges.codes, list(map(self.edges.crossing(self.epochs, self.crossings), self.plan.fates))
        matrix: Matrix = {}
        for source, moves in enumerate(self.plan.moves):
            if codes == 1:
                entries = {
                    target: x * gains[kind] if type(x := known[fate][0][2]) is int else scaled(x, gains[kind])
                    for target, fate, kind in moves if known[fate] and gains[kind]
                }
                if entries:
                    matrix[source] = entries
                continue
            for target, fate, kind in moves:
                for code, then, x in known[fate] if gains[kind] else ():
                    matrix.setdefault(source * codes + code, {})[target * codes + then] = scaled(x, gains[kind])
        return matrix

    @property
    def blocks(self) -> Iterator[list[int]]:
        """The keys of each state but the first."""
        if self.edges.codes == 1:
            yield from ([state] for state in range(1, len(self.live)))
            return
        for state, live in enumerate(self.live[1:], 1):
            yield [state * self.edges.codes + code for code in self.edges.codes_of(live)]

    def run(self, row: Row, times: int, clock: Clock | None, ends: bool = False) -> Row:
        """The row after some updates; ends: the last of which is an epoch's last."""
        if clock is None:
            if not ends or not self.has_last:
                return self.powers.after(row, times)
            return self._powers(1).after(self.powers.after(row, times - 1), 1)
        for after in self.walk(row, times, clock, ends):
            row = after
        return row

    def walk(self, row: Row, times: int, clock: Clock | None, ends: bool = False) -> Iterator[Row]:
        """The row after each of some updates."""
        last = times - 1 if ends and self.has_last else times
        if clock is None:
            for position in range(times):
                row = self._powers(position >= last).after(row, 1)
                yield row
            return
        lines, codes = Lines(), self.edges.codes
        for position in range(times):
            now = clock(position)
            if not position or self.edges.kicks is not None:
                met = {key // codes for key in row} if self.edges.kicks is not None else range(len(self.live))
                lines = self._lines(self.edges.crossing(self.epochs, self.crossings, now), met)
            which = position >= last
            factors = [
                gains[which] * self.edges.born_at(now, placed) if gains[which] != 1 or any(placed) else None
                for gains, placed in self.plan.kinds
            ]
            after: Row = {}
            for i, x in row.items():
                for j, y, kind in lines.get(i, ()):
                    factor = factors[kind]
                    term = x * y if factor is None else x * (y * factor)
                    after[j] = after[j] + term if j in after else term
            row = after
            yield row


class Epochs:
    """Epochs with an order of their own each, as matrices over (ideal of groups, code), in the moment basis."""

    def __init__(
        self, poset: Poset, edges: EdgeWeights, N: int, batches: BatchSizes, crossings: dict[int, Crossing] | None = None
    ) -> None:
        self.edges, self.epoch = edges, independent_epoch(poset)
        self.sweep = Sweep(self.epoch.transfers, edges, batches, crossings)
        place = {ideal: i for i, ideal in enumerate(self.epoch.ideals)}
        choices = perm(N, poset.parts)
        scale = N if edges.is_approximate else choices  # for each group: floats stay near 1, and ints are whole
        orders = [perm(N, rows) for rows in range(poset.parts + 1)]
        self.targets: list[tuple[int, int, Number]] = []
        """For each state: the ideal it is reached from, the ideal that it is, and `scale` for each group that is placed
        times the share of the rows that fit."""
        for i, (moves, used) in enumerate(zip(self.epoch.transfers, self.epoch.used, strict=True)):
            for state, (groups,), rows in zip(moves.states, moves.placed, used, strict=True):
                ways = scale**groups
                share = ways // orders[rows] if scale == choices else ways / orders[rows]
                self.targets.append((i, place[state], share))
        self.rows = Fraction(choices, scale ** len(poset.below))
        """Choices of rows for the parts, less what the targets have too much."""
        self.codes_of = [edges.codes_of(live) for live in self.epoch.crossing]
        self.most_codes = max(map(len, self.codes_of))

    def after(self, row: Row, updates: int, ends: bool, clock: Clock | None = None) -> Row:
        """The row after one epoch of so many updates; ends: it is whole."""
        return self._placed(self.sweep.run(self._begun(row), updates, clock, ends))

    def powers(self, updates: int, ends: bool) -> Powers:
        """Of the matrix of one epoch, where weights stay the same. Ideals do not meet, so one row serves a code of each."""
        codes = self.edges.codes
        matrix: Matrix = {}
        for number in range(self.most_codes):
            starts = {i: known[number] for i, known in enumerate(self.codes_of) if number < len(known)}
            begun = {self.sweep.begins[i] * codes + code: 1 for i, code in starts.items()}
            for key, x in self.sweep.run(begun, updates, None, ends).items():
                state, code = divmod(key, codes)
                i, ideal, share = self.targets[state]
                matrix.setdefault(i * codes + starts[i], {})[ideal * codes + code] = x * share
        return Powers(matrix)

    def seconds(self, updates: int) -> float:
        """About how long `powers` takes."""
        return self.sweep.powers.seconds(self.most_codes, updates)

    @property
    def blocks(self) -> Iterator[list[int]]:
        """The keys of each ideal but the first."""
        for ideal, known in list(enumerate(self.codes_of))[1:]:
            yield [ideal * self.edges.codes + code for code in known]

    def walk(self, row: Row, updates: int, clock: Clock | None, ends: bool) -> Iterator[Row]:
        """The row after each update of one epoch."""
        for after in self.sweep.walk(self._begun(row), updates, clock, ends):
            yield self._placed(after)

    def read(self, row: Row) -> Number:
        """What the root sees where all nodes are placed."""
        return scaled(self.edges.read(row, len(self.epoch.ideals) - 1, self.epoch.crossing[-1]), self.rows)

    def _begun(self, row: Row) -> Row:
        """From ideals to the first states of their sweeps."""
        codes, begins = self.edges.codes, self.sweep.begins
        return {begins[key // codes] * codes + key % codes: x for key, x in row.items()}

    def _placed(self, row: Row) -> Row:
        """From the states of all sweeps to ideals."""
        codes = self.edges.codes
        found: Row = {}
        for key, x in row.items():
            _, ideal, share = self.targets[key // codes]
            key, term = ideal * codes + key % codes, x if share == 1 else x * share
            found[key] = found[key] + term if key in found else term
        return found


def clock_of(rates: Sequence[Number] | None, begins: Sequence[Any]) -> Clock | None:
    """The learning rates at a position that is counted from each of some times, or arrays of times; None: all are 1."""
    if rates is None:
        return None
    table = np.array(rates, np.float64 if any(isinstance(c, float) for c in rates) else object)
    return lambda position: tuple(table[begin + position] for begin in begins)
