"""Counting maps whose edges carry an update rule's weights: sweeps over one order of the rows, or a fresh one each epoch.

A schedule multiplies each placed node by its time's c_t; then time is walked through update by update.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, islice
from math import comb, perm
from typing import Any

import numpy as np

from ..diagram import Diagram
from ..diagram.partition import set_partitions
from ..errors import TooLargeError
from ..spacetime import Spacetime
from ..spacetime.updates import Update, Vector
from .counting import family_of, grid, placements
from .enumeration import automorphism_group
from .powers import Matrix, Number, Row, cleared, denominator, over, power
from .relations import Relations
from .sweep import Edges, Live, Rate, Sweep, is_zero, matrix_power, times_vector
from .transfer import Epoch, Visit, epoch, visits

MOST_CHOICES = 2_000_000  # of the epochs that hold nodes, where a schedule tells epochs apart
CHUNK_CHOICES = 1 << 12


def updated_maps(diagram: Diagram, rule: Update, spacetime: Spacetime, basis: str) -> Number:
    """Expected sum over maps of the product over edges of w(time of the child, time of the parent).

    The rule's numbers are ints and Fractions, floats, or elements of one ring; its schedule has T entries, or is None.
    """
    diagram = root_alone(diagram, diagram.blocks)
    below = 1
    if isinstance(rule.schedule, tuple):  # every node is placed once, so a common denominator comes out once for each
        below = denominator(rule.schedule)
        if below > 1:
            rule = replace(rule, schedule=tuple(cleared(c, below) for c in rule.schedule))
    if spacetime.is_one_epoch or family_of(spacetime) == "one order":
        total = _one_order(diagram, rule, spacetime, basis)
    else:
        total = sum((_fresh_orders(merged, rule, spacetime) for merged in coarsenings(diagram, basis)), 0)
    return over({0: total}, below**diagram.order)[0]


def updated_curve(diagram: Diagram, rule: Update, spacetime: Spacetime, basis: str) -> Sequence[Number] | None:
    """The same after each of 1, ..., T updates, in one pass over time; None where one order is repeated.

    The rule's numbers are floats.
    """
    diagram = root_alone(diagram, diagram.blocks)
    if spacetime.is_one_epoch:
        return _first_epoch(diagram, rule, spacetime, basis)
    if family_of(spacetime) == "one order":
        return None
    curves = [_fresh_curve(merged, rule, spacetime) for merged in coarsenings(diagram, basis)]
    return [sum(values) for values in zip(*curves, strict=True)]


def coarsenings(diagram: Diagram, basis: str) -> list[Diagram]:
    """The diagrams whose moment maps add up: those with parts merged, or in the moment basis itself."""
    parts = len(diagram.parts) - 1
    strings: Sequence[Sequence[int]] = set_partitions(parts) if basis == "cumulant" else [range(parts)]
    return [root_alone(diagram, [-1, *(string[b - 1] for b in diagram.blocks[1:])]) for string in strings]


def root_alone(diagram: Diagram, blocks: Sequence[int]) -> Diagram:
    """The same tree with other parts, and the root in none of them: no map cares for the root's part."""
    return Diagram(diagram.parents, [-1, *blocks[1:]])


def _one_order(diagram: Diagram, rule: Update, spacetime: Spacetime, basis: str) -> Number:
    edges, relations = Edges.of(diagram, rule), Relations.of(diagram)
    _, B, whole, updates, rest = grid(spacetime)
    gains = [placements((size,), B, None, basis) for size in range(relations.parts + 1)]
    rates = rule.factors(spacetime.finite("T"))
    most = min(whole, diagram.order)  # epochs that hold nodes
    if rates is not None and comb(whole, most) > MOST_CHOICES:
        raise TooLargeError(
            f"a schedule tells the {whole} epochs of one order apart, and {most} of them can be chosen in "
            f"{comb(whole, most):,} ways (limit {MOST_CHOICES:,}); use sampling='reshuffle', or fewer epochs"
        )
    total: Number = 0
    for visit, alike in distinct(diagram, visits(relations, edges.above, min(whole, diagram.order), rest > 0)):
        live = _live_in(visit, relations, edges.above)
        early = Sweep.of(visit.early, edges, live, gains, _nodes_of(relations, visit.nodes)) if rest else None
        late = Sweep.of(visit.late, edges, live, gains, _nodes_of(relations, visit.nodes[:-1])) if rest < updates else None
        states = visit.late.states  # and of the early sweep
        for row, epochs in _starts(edges, visit, live(0), whole, updates, rates is not None):
            begins = [number * updates for number in epochs]
            if early:
                row = early.run(row, rest, rates and _rates(rates, [*begins, whole * updates]))
                row = {i: x for i, x in row.items() if visit.required & ~states[i // edges.codes] == 0}
            if late:
                row = late.run(row, updates - rest, rates and _rates(rates, [begin + rest for begin in begins]))
            found = edges.read(row, len(states) - 1, live(states[-1]))
            total = total + alike * (found.sum() if isinstance(found, np.ndarray) else found)
    return total


def _first_epoch(diagram: Diagram, rule: Update, spacetime: Spacetime, basis: str) -> list[Number]:
    edges, relations = Edges.of(diagram, rule), Relations.of(diagram)
    _, B, _, T, _ = grid(spacetime)
    gains = [placements((size,), B, None, basis) for size in range(relations.parts + 1)]
    found = visits(relations, edges.above, 0, True)
    if not found:
        return [0] * T
    live, rates = _live_in(found[0], relations, edges.above), rule.factors(T)
    sweep = Sweep.of(found[0].early, edges, live, gains, _nodes_of(relations, found[0].nodes))
    last = len(found[0].early.states) - 1
    ends = live(found[0].early.states[last])
    return [edges.read(row, last, ends) for row in sweep.walk({0: 1}, T, rates and _rates(rates, [0]))]


def distinct(diagram: Diagram, found: Sequence[Visit]) -> list[tuple[Visit, int]]:
    """Visits up to the diagram's automorphisms, which carry equal edges to equal edges, and how many are alike."""
    if len(found) == 1:
        return [(found[0], 1)]
    d, group = diagram.order, automorphism_group(diagram)[:, 1:] - 1
    alike: dict[tuple[int, ...], tuple[Visit, int]] = {}
    for visit in found:
        whole, last = visit.nodes[:-1], visit.nodes[-1]
        levels = np.array([-(last >> v & 1) + sum(i for i, nodes in enumerate(whole) if nodes >> v & 1) for v in range(d)])
        key = min(map(tuple, levels[group].tolist()))
        alike[key] = (visit, alike[key][1] + 1 if key in alike else 1)
    return list(alike.values())


def _live_in(visit: Visit, relations: Relations, above: tuple[int, ...]) -> Live:
    """Edges that lie within an epoch live from child to parent, others all the time."""
    last = visit.nodes[-1]
    inside = sum(
        1 << v
        for v, p in enumerate(above)
        if (last >> v & 1 if p < 0 else any(nodes >> v & nodes >> p & 1 for nodes in visit.nodes))
    )
    outside = (1 << len(above)) - 1 & ~inside

    def live(parts: int) -> int:
        here = [parts >> part & 1 for part in relations.part]
        return outside | sum(1 << v for v, p in enumerate(above) if inside >> v & 1 and here[v] and (p < 0 or not here[p]))

    return live


def _nodes_of(relations: Relations, sets: Sequence[int]) -> Callable[[int, int], tuple[int, ...]]:
    """How many nodes of each set come in with the parts between two masks."""

    def nodes(before: int, after: int) -> tuple[int, ...]:
        new = sum(1 << v for v, part in enumerate(relations.part) if (after & ~before) >> part & 1)
        return tuple((new & those).bit_count() for those in sets)

    return nodes


def _starts(
    edges: Edges, visit: Visit, outside: int, whole: int, updates: int, scheduled: bool
) -> Iterator[tuple[Row, Any]]:
    """The edges between epochs have passed over those that hold no node: all at once, or for each choice of epochs."""
    push = [(0, i, x) for i, x in enumerate(edges.rule.push)]
    row: Row = {code: x for _, code, x in edges.joint([push if outside >> v & 1 else [(0, 0, 1)] for v in edges])}
    m = len(visit.skipped) - 1
    if not scheduled:
        passed = matrix_power(edges.rule.step, updates)
        matrix: Matrix = {}
        for k, mask in enumerate(visit.skipped):  # h_(whole - m) of commuting matrices, the corner of a power
            one = [(j, j, 1) for j in range(len(edges.rule.push))]
            through = [(j, i, x) for i, line in enumerate(passed) for j, x in enumerate(line) if not is_zero(x)]
            options = [(through if mask >> v & 1 else one) if outside >> v & 1 else [(0, 0, 1)] for v in edges]
            for code, then, x in edges.joint(options):
                matrix.setdefault(k * edges.codes + code, {})[k * edges.codes + then] = x
            for code in edges.codes_of(outside) if k < m else ():  # those too that pass over an epoch as 0
                matrix.setdefault(k * edges.codes + code, {})[(k + 1) * edges.codes + code] = 1
        row = power(matrix, row, whole)
        base = m * edges.codes
        yield {i - base: x for i, x in row.items() if i >= base}, ()
        return
    choices = combinations(range(whole), m)
    pushes = [times_vector(matrix_power(edges.rule.step, n * updates), edges.rule.push) for n in range(whole + 1)]
    kind = np.float64 if any(isinstance(x, float) for vector in pushes for x in vector) else object
    while chosen := list(islice(choices, CHUNK_CHOICES)):
        table = np.array(chosen, np.int64).reshape(len(chosen), m)
        ends = np.pad(table, ((0, 0), (1, 1)), constant_values=((0, 0), (-1, whole)))
        gaps = np.diff(ends, axis=1) - 1
        options = []
        for v in edges:
            idle = gaps @ [mask >> v & 1 for mask in visit.skipped]
            vectors = [np.array(column, kind)[idle] for column in zip(*pushes, strict=True)]
            options.append([(0, i, x) for i, x in enumerate(vectors)] if outside >> v & 1 else [(0, 0, 1)])
        yield {code: x for _, code, x in edges.joint(options)}, table.T


def _rates(rates: Vector, begins: Sequence[Any]) -> list[Rate]:
    """The learning rate at a position that is counted from each of some times, or arrays of times."""
    table = np.array(rates, np.float64 if any(isinstance(c, float) for c in rates) else object)

    def rate(begin: Any) -> Rate:
        return lambda position: table[begin + position]

    return [rate(begin) for begin in begins]


@lru_cache(maxsize=4096)
def _fresh_orders(diagram: Diagram, rule: Update, spacetime: Spacetime) -> Number:
    """Moment basis; every epoch has its own order of the rows. Many diagrams have the same coarsenings."""
    N, B, whole, updates, rest = grid(spacetime)
    if len(diagram.parts) - 1 > N:
        return 0
    if rule.schedule is not None:
        return _fresh_curve(diagram, rule, spacetime)[-1]
    epochs = Epochs.of(diagram, rule, N, B)
    row: Row = {0: 1}
    for length, times in ((updates, whole), (rest, 1)):
        if length and times:
            row = power(epochs.matrix(length), row, times)
    return epochs.read(row)


@lru_cache(maxsize=4096)
def _fresh_curve(diagram: Diagram, rule: Update, spacetime: Spacetime) -> tuple[Number, ...]:
    """The same after each update, in one pass over time."""
    N, B, _, updates, _ = grid(spacetime)
    T = spacetime.finite("T")
    if len(diagram.parts) - 1 > N:
        return (0,) * T
    epochs, rates = Epochs.of(diagram, rule, N, B), rule.factors(T)
    row: Row = {0: 1}
    curve: list[Number] = []
    for start in range(0, T, updates):
        rows = epochs.walk(row, min(updates, T - start), rates and _rates(rates, [start]))
        for row in rows:
            curve.append(epochs.read(row))
    return tuple(curve)


@dataclass(frozen=True, slots=True)
class Epochs:
    """Epochs with an order of their own each, as matrices over (ideal of nodes, code)."""

    edges: Edges
    moves: Epoch
    sweeps: tuple[Sweep, ...]
    """From each ideal."""
    targets: tuple[tuple[tuple[int, Fraction], ...], ...]
    """For each ideal and state that is reached from it: the ideal that the state is, the share of the rows that fit."""
    rows: int
    """Choices of rows for the parts."""

    @classmethod
    def of(cls, diagram: Diagram, rule: Update, N: int, B: int) -> Epochs:
        edges, relations = Edges.of(diagram, rule), Relations.of(diagram)
        moves = epoch(relations, edges.above)
        gains = [perm(B, size) for size in range(relations.parts + 1)]
        place = {ideal: i for i, ideal in enumerate(moves.ideals)}
        alive = dict(zip(moves.ideals, moves.crossing, strict=True))

        def nodes(before: int, after: int) -> tuple[int, ...]:
            return ((after & ~before).bit_count(),)

        sweeps = [Sweep.of(steps, edges, alive.__getitem__, gains, nodes) for steps in moves.transfers]
        targets = [
            tuple((place[state], Fraction(1, perm(N, rows))) for state, rows in zip(steps.states, used, strict=True))
            for steps, used in zip(moves.transfers, moves.used, strict=True)
        ]
        return cls(edges, moves, tuple(sweeps), tuple(targets), perm(N, relations.parts))

    def matrix(self, updates: int) -> Matrix:
        """One epoch, under a constant learning rate."""
        codes = self.edges.codes
        return {
            i * codes + code: self._placed(i, self.sweeps[i].run({code: 1}, updates, None))
            for i, live in enumerate(self.moves.crossing) for code in self.edges.codes_of(live)
        }

    def walk(self, row: Row, updates: int, rates: Sequence[Rate] | None) -> Iterator[Row]:
        """The row after each update of one epoch."""
        codes = self.edges.codes
        walks = []
        for i, sweep in enumerate(self.sweeps):
            part = {key % codes: x for key, x in row.items() if key // codes == i}
            if part:
                walks.append((i, sweep.walk(part, updates, rates)))
        for t in range(1, updates + 1):
            after: Row = {}
            for i, walk in walks:
                below = self.sweeps[i].denominator ** t
                for key, x in self._placed(i, over(next(walk), below)).items():
                    after[key] = after[key] + x if key in after else x
            yield after

    def read(self, row: Row) -> Number:
        """What the root sees where all nodes are placed."""
        return self.edges.read(row, len(self.moves.ideals) - 1, self.moves.crossing[-1]) * self.rows

    def _placed(self, i: int, row: Row) -> Row:
        """From the states of the i-th sweep to ideals."""
        codes = self.edges.codes
        found: Row = {}
        for key, x in row.items():
            ideal, share = self.targets[i][key // codes]
            found[ideal * codes + key % codes] = x * share
        return found
