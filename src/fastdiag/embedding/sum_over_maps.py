"""The sum over maps of the product of what the edges carry: one walk over order ideals, for all weights and arithmetics.

What has been placed is a state. Epochs repeat one order of the rows, and are swept position by position, all at the same
time; or each has an order of its own. Weights that stay the same make a row of time one matrix, whose powers are taken;
weights that change with time are walked update by update.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, islice
from math import comb, inf, prod
from typing import Any

import numpy as np

from ..diagram import Diagram
from ..errors import TooLargeError
from ..spacetime import Spacetime
from ..spacetime.updates import Vector
from ..typing import Number
from .counting import family_of, grid
from .crossing import STILL, Crossing, joint_moves, matrix_power, times_vector
from .edge_weights import EdgeWeights
from .embeddings import listable_automorphisms
from .foresight import check_seconds
from .order_ideals import Chain, repeated_epochs
from .poset import Poset, bits, merged
from .powers import Matrix, Powers, Row, is_zero, scaled
from .sweep import BatchSizes, Epochs, Sweep, clock_of

MOST_CHOICES = 2_000_000  # of the epochs that hold nodes, where a schedule tells epochs apart
MOST_SWEPT = 1_000  # of those that are swept one by one
CHUNK_CHOICES = 1 << 12


def sum_over_maps(
    poset: Poset, edges: EdgeWeights, spacetime: Spacetime, basis: str, diagram: Diagram | None = None
) -> Number:
    """Expected sum over maps of the product over edges of what they carry from the child's time to the parent's.

    diagram: if all edges carry the same; then equal summands are found by its automorphisms, and kept. T = inf is the
    limit: of one epoch without end where N is inf too, else of infinitely many whole epochs.

    Raises
    ------
    InputError : T = inf, and edges that do not forget
    TooLargeError : weights that change with time under 'cyclic', and too many choices of epochs
    """
    if not has_maps(poset, spacetime):
        return 0
    edges, below = edges.cleared(spacetime.T)
    total = _summed(poset, edges, spacetime, basis, diagram)
    if spacetime.is_ragged and (shares := BatchSizes.of(spacetime, edges, basis).unit ** sum(poset.sizes)) > 1:
        below, total = (below * shares, total) if isinstance(total, int) else (below, scaled(total, Fraction(1, shares)))
    if isinstance(below, int):
        return Fraction(total, below) if below > 1 else total
    return below.field(total) / below


def has_maps(poset: Poset, spacetime: Spacetime) -> bool:
    """Whether there are any in so few epochs: within one, the relations between parts must not run in a circle."""
    return not spacetime.is_one_epoch or bool(repeated_epochs(poset, 0, True))


def _summed(
    poset: Poset, edges: EdgeWeights, spacetime: Spacetime, basis: str, diagram: Diagram | None
) -> Number:
    if spacetime.is_one_epoch or family_of(spacetime) == "one order":
        return _repeated(poset, edges, spacetime, basis, diagram)
    batches = BatchSizes.of(spacetime, edges, "moment")
    foreseen = edges.rates is None and edges.is_exact
    if diagram is not None:  # many diagrams have the same coarsenings
        known = [
            ((each, edges.on(each), spacetime, batches, edges.is_approximate), ways)
            for each, ways in merged(poset, basis, diagram).items() if each.parts <= spacetime.N
        ]
        if foreseen:
            check_seconds(sum(_known_seconds(*each) for each, _ in known))
        return sum((_known_independent(*each) * ways for each, ways in known), 0)
    crossings: dict[int, Crossing] = {}
    planned = [
        (Epochs(each, edges, int(spacetime.N), batches, crossings), ways)
        for each, ways in merged(poset, basis).items() if each.parts <= spacetime.N
    ]
    if foreseen:
        check_seconds(sum(_seconds(epochs, spacetime) for epochs, _ in planned))
    return sum((ways * _independent(epochs, spacetime) for epochs, ways in planned), 0)


def curve_over_maps(
    poset: Poset, edges: EdgeWeights, spacetime: Spacetime, basis: str, diagram: Diagram
) -> Sequence[Number] | None:
    """The same of floats, after each of 1, ..., T updates, in one pass over time; None where one order is repeated."""
    if spacetime.is_one_epoch:
        return list(epoch_curve(poset, edges, spacetime, basis, range(1, int(spacetime.finite("T")) + 1)))
    if family_of(spacetime) == "one order":
        return None
    total: list[Number] = [0] * int(spacetime.finite("T"))
    batches = BatchSizes.of(spacetime, edges, "moment")
    for each, ways in merged(poset, basis, diagram).items():
        if each.parts <= spacetime.N:
            curve = _known_curve(each, edges.on(each), spacetime, batches, True)
            total = [x + ways * y for x, y in zip(total, curve, strict=True)]
    return total


def epoch_curve(
    poset: Poset, edges: EdgeWeights, spacetime: Spacetime, basis: str, times: Sequence[int]
) -> Iterator[Number]:
    """The sum over maps of floats into one epoch of so many updates, for each of some times, ascending."""
    found = repeated_epochs(poset, 0, True)
    if not found:
        yield from [0] * len(times)
        return
    (chain,) = found
    sweep = Sweep([chain.early], edges, BatchSizes.of(spacetime, edges, basis))
    whole = spacetime.updates_per_epoch if sweep.has_last else -1
    last, before = len(sweep.live) - 1, 0
    clock = clock_of(edges.rates, [0])
    walk = sweep.walk({0: 1}, times[-1], clock, times[-1] == whole) if clock else None
    row: Row = {0: 1}
    for t in times:
        if walk is None:
            row = sweep.run(row, t - before, None, t == whole)
        else:
            row = next(islice(walk, t - before - 1, None)) if t > before else row
        before = t
        yield edges.read(row, last, sweep.live[last])


def _repeated(
    poset: Poset, edges: EdgeWeights, spacetime: Spacetime, basis: str, diagram: Diagram | None
) -> Number:
    """One epoch, or epochs that repeat one order of the rows."""
    _, _, whole, updates, rest = grid(spacetime)
    most = min(whole, len(poset.below))  # epochs that hold groups
    commute = edges.commute
    limit = MOST_CHOICES if commute else MOST_SWEPT
    if edges.rates is not None and comb(whole, most) > limit:
        raise TooLargeError(
            f"a schedule tells the {whole} epochs of one order apart, and {most} of them can be chosen in "
            f"{comb(whole, most):,} ways (limit {limit:,}); use sampling='reshuffle', or fewer epochs"
        )
    total: Number = 0
    planned, work = [], 0.0
    batches, crossings = BatchSizes.of(spacetime, edges, basis), dict[int, Crossing]()
    for chain, alike in distinct(diagram, repeated_epochs(poset, most, rest > 0)):
        if not commute:
            from .spanning import spanned

            total += alike * spanned(poset, edges, chain, int(whole), updates, int(rest), batches)
            continue
        early = Sweep([chain.early], edges, batches, crossings) if rest else None
        late = Sweep([chain.late], edges, batches, crossings) if rest < updates else None
        between = _past_epochs(edges, chain, updates) if edges.rates is None and whole else None
        planned.append((chain, alike, early, late, between))
        if edges.rates is None:
            work += early.powers.seconds(1, rest) if early is not None else 0.0
            work += late.powers.seconds(1, updates - rest) if late is not None else 0.0
            work += between.seconds(1, whole) if between is not None else 0.0
    check_seconds(work)
    for chain, alike, early, late, between in planned:
        states = chain.late.states  # and of the early sweep
        for row, epochs in _starts(edges, chain, whole, updates, between):
            begins = [number * updates for number in epochs]
            if early is not None and rest == inf:
                row = early.powers.forever(row, early.blocks)
            elif early is not None:
                row = early.run(row, int(rest), clock_of(edges.rates, [*begins, whole * updates]), rest == updates)
            if late is not None:
                if early is not None:
                    row = {i: x for i, x in row.items() if chain.required & ~states[i // edges.codes] == 0}
                row = late.run(row, int(updates - rest), clock_of(edges.rates, [begin + rest for begin in begins]), True)
            found = edges.read(row, len(states) - 1, chain.late.live[-1])
            many = edges.rates is not None and edges.kicks is None and isinstance(found, np.ndarray)
            found = found.sum() if many else found  # over choices of epochs
            total = (found if alike == 1 else alike * found) + total
    return total


def distinct(diagram: Diagram | None, chains: Sequence[Chain]) -> list[tuple[Chain, int]]:
    """Chains up to the diagram's automorphisms, which carry equal edges to equal edges, and how many are alike."""
    if len(chains) == 1 or diagram is None:
        return [(chain, 1) for chain in chains]
    d, group = diagram.order, listable_automorphisms(diagram)[:, 1:] - 1
    alike: dict[tuple[int, ...], tuple[Chain, int]] = {}
    for chain in chains:
        whole, last = chain.sets[:-1], chain.sets[-1]
        levels = np.array(
            [-(last >> v & 1) + sum(i for i, groups in enumerate(whole) if groups >> v & 1) for v in range(d)]
        )
        key = min(map(tuple, levels[group].tolist()))
        alike[key] = (chain, alike[key][1] + 1 if key in alike else 1)
    return list(alike.values())


def _starts(
    edges: EdgeWeights, chain: Chain, whole: int | float, updates: int, between: Powers | None
) -> Iterator[tuple[Row, Any]]:
    """The edges between epochs have passed over those that hold no group: all at once, or for each choice of epochs.

    between: of `_past_epochs`, where weights stay the same.
    """
    m, outside = len(chain.skipped) - 1, chain.late.live[0]
    if whole == 0:
        yield {0: 1}, ()
        return
    if edges.rates is None:
        row = _row(edges, dict.fromkeys(bits(outside), edges.born))
        if between is None:
            yield row, ()
            return
        codes = edges.codes
        if whole == inf:
            blocks = [[k * codes + code for code in edges.codes_of(outside)] for k in range(1, m + 1)]
            row = between.forever(row, blocks)
        else:
            row = between.after(row, int(whole))
        yield {i - m * codes: x for i, x in row.items() if i >= m * codes}, ()
        return
    whole = int(whole)
    waits = prod(edges.waits(e, (whole - m) * updates) for e in range(len(edges.ends)) if not outside >> e & 1)
    if edges.kicks is not None:
        for chosen in combinations(range(whole), m):
            skipped = list(zip(chain.skipped, (-1, *chosen), (*chosen, whole), strict=True))
            yield _row(edges, {e: _passed(edges, e, skipped, updates) for e in bits(outside)}, waits), chosen
        return
    pushes = {}
    for e in bits(outside):
        vectors = [times_vector(matrix_power(edges.steps[e], n * updates), edges.born) for n in range(whole - m + 1)]
        pushes[e] = [
            [x * edges.waits(e, (whole - m - n) * updates) for x in vector] for n, vector in enumerate(vectors)
        ] if edges.idle is not None else vectors
    kind = np.float64 if any(isinstance(x, float) for each in pushes.values() for v in each for x in v) else object
    choices = combinations(range(whole), m)
    while some := list(islice(choices, CHUNK_CHOICES)):
        table = np.array(some, np.int64).reshape(len(some), m)
        ends = np.pad(table, ((0, 0), (1, 1)), constant_values=((0, 0), (-1, whole)))
        gaps = np.diff(ends, axis=1) - 1
        born = {}
        for e, known in pushes.items():
            unmet = gaps @ [mask >> e & 1 for mask in chain.skipped]
            born[e] = [np.array(column, kind)[unmet] for column in zip(*known, strict=True)]
        yield _row(edges, born, waits), table.T


def _row(edges: EdgeWeights, born: Mapping[int, Sequence[Number]], scale: int = 1) -> Row:
    """The first state, where some edges carry vectors."""
    found = STILL if scale == 1 else [(0, 0, scale)]
    for e, vector in born.items():
        found = joint_moves(found, [(0, i, x) for i, x in enumerate(vector) if not is_zero(x)], len(edges.born) ** e)
    return {code: x for _, code, x in found}


def _past_epochs(edges: EdgeWeights, chain: Chain, updates: int) -> Powers:
    """h_(whole - m) of the commuting matrices of the skipped epochs: the corner of a power of this bidiagonal one."""
    m, codes, outside = len(chain.skipped) - 1, edges.codes, chain.late.live[0]
    epoch = Crossing(edges.over(updates), 1)
    matrix: Matrix = {}
    for k, mask in enumerate(chain.skipped):
        fates = tuple((outside >> e & 1) * 3 | (mask >> e & 1) << 2 for e in range(len(edges.ends)))
        for code, then, x in epoch(fates):
            matrix.setdefault(k * codes + code, {})[k * codes + then] = x
        if k < m:
            for code in edges.codes_of(outside):
                matrix.setdefault(k * codes + code, {})[(k + 1) * codes + code] = 1
    return Powers(matrix)


def _passed(edges: EdgeWeights, edge: int, skipped: Sequence[tuple[int, int, int]], updates: int) -> Vector:
    """What an edge carries after the epochs strictly between chosen ones, those that it passes over and the others."""
    vector = edges.born
    for mask, low, high in skipped:
        if mask >> edge & 1:
            for t in range((low + 1) * updates, high * updates):
                vector = times_vector(edges.step(edge, (edges.rates or ())[t]), vector)
        else:
            scale = edges.waits(edge, (high - low - 1) * updates)
            vector = tuple(x * scale for x in vector) if scale != 1 else vector
    return vector


def _independent(epochs: Epochs, spacetime: Spacetime) -> Number:
    """Moment basis; every epoch has an order of the rows of its own."""
    _, _, whole, updates, rest = grid(spacetime)
    row: Row = {0: 1}
    if epochs.edges.rates is not None:
        for start in range(0, int(spacetime.T), updates):
            length = min(updates, int(spacetime.T) - start)
            row = epochs.after(row, length, length == updates, clock_of(epochs.edges.rates, [start]))
        return epochs.read(row)
    if whole == inf:
        return epochs.read(epochs.powers(updates, True).forever(row, epochs.blocks))
    for length, number in ((updates, whole), (rest, 1)):
        if number <= epochs.most_codes:
            for _ in range(number if length else 0):
                row = epochs.after(row, length, length == updates)
        elif length:
            powers = epochs.powers(length, length == updates)
            check_seconds(powers.seconds(1, number))
            row = powers.after(row, number)
    return epochs.read(row)


def _seconds(epochs: Epochs, spacetime: Spacetime) -> float:
    """What the matrices of its epochs take, before powers of them."""
    _, _, whole, updates, rest = grid(spacetime)
    return sum(epochs.seconds(length) for length in (updates if whole else 0, rest))


def _epochs_curve(epochs: Epochs, spacetime: Spacetime) -> Iterator[Number]:
    """The same after each update, in one pass over time."""
    T, updates = int(spacetime.finite("T")), spacetime.updates_per_epoch
    row: Row = {0: 1}
    for start in range(0, T, updates):
        length = min(updates, T - start)
        for after in epochs.walk(row, length, clock_of(epochs.edges.rates, [start]), length == updates):
            yield epochs.read(after)
        row = after


@lru_cache(maxsize=4096)
def _known_independent(poset: Poset, edges: EdgeWeights, spacetime: Spacetime, batches: BatchSizes, rough: bool) -> Number:
    """rough: whether numbers are floats, which equal ints but are not as good."""
    return _independent(_known_epochs(poset, edges, spacetime.N, batches, rough), spacetime)


@lru_cache(maxsize=4096)
def _known_seconds(poset: Poset, edges: EdgeWeights, spacetime: Spacetime, batches: BatchSizes, rough: bool) -> float:
    return _seconds(_known_epochs(poset, edges, spacetime.N, batches, rough), spacetime)


@lru_cache(maxsize=256)
def _known_epochs(poset: Poset, edges: EdgeWeights, N: Any, batches: BatchSizes, rough: bool) -> Epochs:
    return Epochs(poset, edges, int(N), batches)


@lru_cache(maxsize=4096)
def _known_curve(
    poset: Poset, edges: EdgeWeights, spacetime: Spacetime, batches: BatchSizes, rough: bool
) -> tuple[Number, ...]:
    return tuple(_epochs_curve(_known_epochs(poset, edges, spacetime.N, batches, rough), spacetime))
