"""Counting maps whose edges carry an update rule's weights: sweeps over one order of the rows, or a fresh one each epoch.

A schedule multiplies each placed node by its time's c_t; then time is walked through update by update.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, islice
from math import comb
from typing import Any

import numpy as np

from ..diagram import Diagram
from ..diagram.partition import set_partitions
from ..errors import TooLargeError
from ..spacetime import Spacetime
from ..spacetime.updates import Update, Vector
from .counting import count, family_of, grid, placements
from .enumeration import automorphism_group
from .epochs import epochs_of
from .foresight import check_seconds, check_work
from .powers import Matrix, Number, Row, cleared, denominator, power, seconds
from .relations import Relations
from .sweep import Edges, Live, Rate, Sweep, is_zero, matrix_power, times_vector
from .transfer import Visit, visits

MOST_CHOICES = 2_000_000  # of the epochs that hold nodes, where a schedule tells epochs apart
CHUNK_CHOICES = 1 << 12


def updated_maps(diagram: Diagram, rule: Update, spacetime: Spacetime, basis: str) -> Number:
    """Expected sum over maps of the product over edges of w(time of the child, time of the parent).

    The rule's numbers are ints and Fractions, floats, or elements of one ring; its schedule has T entries, or is None.
    """
    diagram, rule = root_alone(diagram, diagram.blocks), without_idle_state(rule)
    exact = all(isinstance(x, int | Fraction) for x in rule.numbers())
    if exact and rule.schedule is None and rule.step in ((), ((1,),)):
        return _as_sgd(diagram, rule, spacetime, basis)
    check_work(diagram, spacetime, basis, len(rule.step), rule.schedule is not None)
    rule, below, scale = _whole_numbers(rule)
    if spacetime.is_one_epoch or family_of(spacetime) == "one order":
        total = _one_order(diagram, rule, below, spacetime, basis)
    else:
        merged = Counter(coarsenings(diagram, basis))
        if rule.schedule is None:
            check_seconds(sum(_fresh_seconds(each, rule, below, spacetime) for each in merged))
        total = sum((times * _fresh_orders(each, rule, below, spacetime) for each, times in merged.items()), 0)
    divisor = scale**diagram.order * below ** (diagram.order * int(spacetime.finite("T")))
    return Fraction(total, divisor) if exact and divisor > 1 else total


def without_idle_state(rule: Update) -> Update:
    """The rule less those numbers of its state that no gradient reaches, or nothing that is observed depends on."""
    n = len(rule.push)
    reached = {i for i in range(n) if not is_zero(rule.push[i])}
    read = {i for i in range(n) if not is_zero(rule.point[i]) or not is_zero(rule.seen[i])}
    for _ in range(n):
        reached |= {i for i in range(n) for j in reached if not is_zero(rule.step[i][j])}
        read |= {j for i in read for j in range(n) if not is_zero(rule.step[i][j])}
    kept = sorted(reached & read)
    if len(kept) == n:
        return rule
    push, point, seen = (tuple(v[i] for i in kept) for v in (rule.push, rule.point, rule.seen))
    return replace(rule, step=tuple(tuple(rule.step[i][j] for j in kept) for i in kept), push=push, point=point, seen=seen)


def _as_sgd(diagram: Diagram, rule: Update, spacetime: Spacetime, basis: str) -> Number:
    """All edges to the root weigh the same, and all others."""
    if not rule.step:
        return 0 if diagram.order else count(Relations.of(diagram), spacetime, basis)
    at_root = len(diagram.children[0])
    scale = rule.push[0] ** diagram.order * rule.seen[0] ** at_root * rule.point[0] ** (diagram.order - at_root)
    return scale * count(Relations.of(diagram), spacetime, basis)


def _whole_numbers(rule: Update) -> tuple[Update, int, int]:
    """The rule with ints for Fractions: what its step is multiplied by, and what the other numbers of an edge."""
    step, push = denominator(x for line in rule.step for x in line), denominator(rule.push)
    read, rates = denominator((*rule.point, *rule.seen)), 1

    def times(vector: Vector, below: int) -> Vector:
        return tuple(cleared(x, below) for x in vector)

    if isinstance(rule.schedule, tuple):
        rates = denominator(rule.schedule)
        rule = replace(rule, schedule=times(rule.schedule, rates))
    rule = replace(
        rule, step=tuple(times(line, step) for line in rule.step), push=times(rule.push, push),
        point=times(rule.point, read), seen=times(rule.seen, read),
    )
    return rule, step, push * read * rates


def updated_curve(diagram: Diagram, rule: Update, spacetime: Spacetime, basis: str) -> Sequence[Number] | None:
    """The same after each of 1, ..., T updates, in one pass over time; None where one order is repeated.

    The rule's numbers are floats.
    """
    diagram = root_alone(diagram, diagram.blocks)
    if spacetime.is_one_epoch:
        return _first_epoch(diagram, rule, spacetime, basis)
    if family_of(spacetime) == "one order":
        return None
    merged = Counter(coarsenings(diagram, basis))
    curves = [[times * x for x in _fresh_curve(each, rule, spacetime)] for each, times in merged.items()]
    return [sum(values) for values in zip(*curves, strict=True)]


def coarsenings(diagram: Diagram, basis: str) -> list[Diagram]:
    """The diagrams whose moment maps add up: those with parts merged, or in the moment basis itself."""
    parts = len(diagram.parts) - 1
    strings: Sequence[Sequence[int]] = set_partitions(parts) if basis == "cumulant" else [range(parts)]
    return [root_alone(diagram, [-1, *(string[b - 1] for b in diagram.blocks[1:])]) for string in strings]


def root_alone(diagram: Diagram, blocks: Sequence[int]) -> Diagram:
    """The same tree with other parts, and the root in none of them: no map cares for the root's part."""
    return Diagram(diagram.parents, [-1, *blocks[1:]])


def _one_order(diagram: Diagram, rule: Update, below: int, spacetime: Spacetime, basis: str) -> Number:
    edges, relations = Edges.of(diagram, rule, below), Relations.of(diagram)
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
    planned, work = [], 0.0
    for visit, alike in distinct(diagram, visits(relations, edges.above, min(whole, diagram.order), rest > 0)):
        live = _live_in(visit, relations, edges.above)
        early = Sweep.of(visit.early, edges, live, gains, _nodes_of(relations, visit.nodes)) if rest else None
        late = Sweep.of(visit.late, edges, live, gains, _nodes_of(relations, visit.nodes[:-1])) if rest < updates else None
        if rates is None:
            work += seconds(_between(edges, visit, live(0), updates), 1, whole)
        work += (early.seconds(1, rest) if early else 0.0) + (late.seconds(1, updates - rest) if late else 0.0)
        planned.append((visit, alike, live, early, late))
    check_seconds(work)
    for visit, alike, live, early, late in planned:
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
        row = power(_between(edges, visit, outside, updates), row, whole)
        yield {i - m * edges.codes: x for i, x in row.items() if i >= m * edges.codes}, ()
        return
    choices = combinations(range(whole), m)
    idles = [edges.below ** (n * updates) for n in reversed(range(whole - m + 1))]
    pushes = [
        tuple(x * idle for x in times_vector(matrix_power(edges.rule.step, n * updates), edges.rule.push))
        for n, idle in enumerate(idles)
    ]
    kind = np.float64 if any(isinstance(x, float) for vector in pushes for x in vector) else object
    while chosen := list(islice(choices, CHUNK_CHOICES)):
        table = np.array(chosen, np.int64).reshape(len(chosen), m)
        ends = np.pad(table, ((0, 0), (1, 1)), constant_values=((0, 0), (-1, whole)))
        gaps = np.diff(ends, axis=1) - 1
        options = []
        for v in edges:
            idle = gaps @ [mask >> v & 1 for mask in visit.skipped]
            vectors = [np.array(column, kind)[idle] for column in zip(*pushes, strict=True)]
            options.append([(0, i, x) for i, x in enumerate(vectors)] if outside >> v & 1 else [(0, 0, idles[0])])
        yield {code: x for _, code, x in edges.joint(options)}, table.T


def _between(edges: Edges, visit: Visit, outside: int, updates: int) -> Matrix:
    """An epoch without nodes, or a link to one with some: h_(whole - m) of commuting matrices, the corner of a power."""
    passed, idle = matrix_power(edges.rule.step, updates), edges.below**updates
    one = [(j, j, idle) for j in range(len(edges.rule.push))]
    through = [(j, i, x) for i, line in enumerate(passed) for j, x in enumerate(line) if not is_zero(x)]
    matrix: Matrix = {}
    for k, mask in enumerate(visit.skipped):
        options = [(through if mask >> v & 1 else one) if outside >> v & 1 else [(0, 0, idle)] for v in edges]
        for code, then, x in edges.joint(options):
            matrix.setdefault(k * edges.codes + code, {})[k * edges.codes + then] = x
        for code in edges.codes_of(outside) if k < len(visit.skipped) - 1 else ():  # those too that pass over an epoch as 0
            matrix.setdefault(k * edges.codes + code, {})[(k + 1) * edges.codes + code] = 1
    return matrix


def _rates(rates: Vector, begins: Sequence[Any]) -> list[Rate]:
    """The learning rate at a position that is counted from each of some times, or arrays of times."""
    table = np.array(rates, np.float64 if any(isinstance(c, float) for c in rates) else object)

    def rate(begin: Any) -> Rate:
        return lambda position: table[begin + position]

    return [rate(begin) for begin in begins]


def _fresh_seconds(diagram: Diagram, rule: Update, below: int, spacetime: Spacetime) -> float:
    """About how long the matrices of `_fresh_orders` take."""
    N, B, whole, updates, rest = grid(spacetime)
    if len(diagram.parts) - 1 > N:
        return 0.0
    epochs = epochs_of(diagram, rule, below, N, B)
    return (epochs.seconds(updates) if whole else 0.0) + (epochs.seconds(rest) if rest else 0.0)


@lru_cache(maxsize=4096)
def _fresh_orders(diagram: Diagram, rule: Update, below: int, spacetime: Spacetime) -> Number:
    """Moment basis; every epoch has its own order of the rows. Many diagrams have the same coarsenings."""
    N, B, whole, updates, rest = grid(spacetime)
    if len(diagram.parts) - 1 > N:
        return 0
    epochs, rates = epochs_of(diagram, rule, below, N, B), rule.factors(int(spacetime.finite("T")))
    row: Row = {0: 1}
    if rates is None:
        for length, times in ((updates, whole), (rest, 1)):
            if length and times:
                matrix = epochs.matrix(length)
                check_seconds(seconds(matrix, 1, times))
                row = power(matrix, row, times)
    for number in range(0 if rates is None else whole + (rest > 0)):
        row = epochs.run(row, updates if number < whole else rest, _rates(rates or (), [number * updates]))
    return epochs.read(row)


@lru_cache(maxsize=4096)
def _fresh_curve(diagram: Diagram, rule: Update, spacetime: Spacetime) -> tuple[Number, ...]:
    """The same after each update, in one pass over time; the rule's numbers are floats."""
    N, B, _, updates, _ = grid(spacetime)
    T = int(spacetime.finite("T"))
    if len(diagram.parts) - 1 > N:
        return (0,) * T
    epochs, rates = epochs_of(diagram, rule, 1, N, B), rule.factors(T)
    row: Row = {0: 1}
    curve: list[Number] = []
    for start in range(0, T, updates):
        rows = epochs.walk(row, min(updates, T - start), rates and _rates(rates, [start]))
        for row in rows:
            curve.append(epochs.read(row))
    return tuple(curve)
