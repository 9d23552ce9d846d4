"""The sum over maps of the product of what the edges carry: one walk over order ideals, for all weights and arithmetics.

What has been placed is a state. Epochs repeat one order of the rows, and are swept position by position, all at the same
time; or each has an order of its own. Weights that stay the same make a row of time one matrix, whose powers are taken;
weights that change with time are walked update by update.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, islice
from math import comb, inf
from typing import Any

import numpy as np

from ..diagram import Diagram
from ..diagram.partition import set_partitions
from ..errors import InputError, TooLargeError
from ..spacetime import Spacetime
from ..typing import Number
from .counting import family_of, grid, placements
from .edge_weights import STILL, EdgeWeights, Steps, identity, matrix_power, times, times_vector
from .enumeration import automorphism_group
from .foresight import check_seconds
from .order_ideals import Chain, TransferMatrix, repeated_epochs
from .poset import Poset, bits
from .powers import Matrix, Powers, Row, is_zero
from .spanning import Spanning, live_in
from .sweep import Epochs, Live, Sweep, clock_of

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
    if spacetime.is_one_epoch or family_of(spacetime) == "one order":
        return _repeated(poset, edges, spacetime, basis, diagram)
    N, B, whole, updates, rest = grid(spacetime)
    if diagram is not None:
        known = [(each, edges.on(each), ways) for each, ways in coarsenings(diagram, basis).items() if each.parts <= N]
        planned = [(_known_epochs(each, weights, N, B), ways) for each, weights, ways in known]
    else:
        strings = set_partitions(poset.parts) if basis == "cumulant" else [range(poset.parts)]
        merged = Counter(poset.coarsened(string) for string in strings)
        planned = [(Epochs(each, edges, N, B), ways) for each, ways in merged.items() if each.parts <= N]
    if edges.rates is None and edges.is_exact:
        check_seconds(sum(epochs.seconds(length) for epochs, _ in planned for length in (updates if whole else 0, rest)))
    if diagram is not None:  # many diagrams have the same coarsenings
        return sum((ways * _known_independent(each, weights, spacetime) for each, weights, ways in known), 0)
    return sum((ways * _independent(epochs, spacetime) for epochs, ways in planned), 0)


def curve_over_maps(
    poset: Poset, edges: EdgeWeights, spacetime: Spacetime, basis: str, diagram: Diagram
) -> Sequence[Number] | None:
    """The same after each of 1, ..., T updates, in one pass over time; None where one order is repeated."""
    if spacetime.is_one_epoch:
        T = int(spacetime.finite("T"))
        return list(epoch_curve(poset, edges, int(spacetime.B), basis, range(1, T + 1)))
    if family_of(spacetime) == "one order":
        return None
    total: list[Number] = [0] * int(spacetime.finite("T"))
    for each, ways in coarsenings(diagram, basis).items():
        if each.parts <= spacetime.N:
            total = [x + ways * y for x, y in zip(total, _known_curve(each, edges.on(each), spacetime), strict=True)]
    return total


def coarsenings(diagram: Diagram, basis: str) -> Counter[Poset]:
    """The posets whose moment maps add up: with parts merged, or in the moment basis itself; equal ones counted."""
    alone = Diagram(diagram.parents, [-1, *diagram.blocks[1:]])  # no map cares for the root's part
    parts = len(alone.parts) - 1
    strings: Iterable[Sequence[int]] = set_partitions(parts) if basis == "cumulant" else [range(parts)]
    return Counter(
        Poset.of(Diagram(alone.parents, [-1, *(string[b - 1] for b in alone.blocks[1:])])) for string in strings
    )


def epoch_curve(
    poset: Poset, edges: EdgeWeights, B: int, basis: str, times: Sequence[int]
) -> Iterator[Number]:
    """The sum over maps into one epoch of so many updates, for each of some times, ascending."""
    found = repeated_epochs(poset, 0, True)
    if not found:
        yield from [0] * len(times)
        return
    (chain,) = found
    sweep = _swept(chain.early, poset, edges, chain, B, basis)
    last, before = len(sweep.states) - 1, 0
    clock = clock_of(edges.rates, [0])
    walk = sweep.walk({0: 1}, times[-1], clock) if clock else None
    row: Row = {0: 1}
    for t in times:
        if walk is None:
            row = sweep.powers.after(row, t - before)
        else:
            row = next(islice(walk, t - before - 1, None)) if t > before else row
        before = t
        yield edges.read(row, last, sweep.live[last])


def _repeated(
    poset: Poset, edges: EdgeWeights, spacetime: Spacetime, basis: str, diagram: Diagram | None
) -> Number:
    """One epoch, or epochs that repeat one order of the rows."""
    _, B, whole, updates, rest = grid(spacetime)
    most = min(whole, len(poset.below))  # epochs that hold groups
    limit = MOST_CHOICES if edges.commute else MOST_SWEPT
    if edges.rates is not None and comb(whole, most) > limit:
        raise TooLargeError(
            f"a schedule tells the {whole} epochs of one order apart, and {most} of them can be chosen in "
            f"{comb(whole, most):,} ways (limit {limit:,}); use sampling='reshuffle', or fewer epochs"
        )
    total: Number = 0
    planned, work, exact = [], 0.0, edges.is_exact
    for chain, alike in distinct(diagram, repeated_epochs(poset, min(whole, len(poset.below)), rest > 0)):
        early = _swept(chain.early, poset, edges, chain, B, basis) if rest else None
        late = _swept(chain.late, poset, edges, chain, B, basis) if rest < updates else None
        live, between = live_in(chain, poset), None
        if edges.rates is None and len(chain.skipped) > 1:
            between = _past_epochs(edges, chain, live(0), updates)
        planned.append((chain, alike, early, late, live, between))
        if edges.rates is None and exact:
            work += early.powers.seconds(1, rest) if early is not None else 0.0
            work += late.powers.seconds(1, updates - rest) if late is not None else 0.0
            work += between.seconds(1, whole) if between is not None else 0.0
    check_seconds(work)
    for chain, alike, early, late, live, between in planned:
        states = chain.late.states  # and of the early sweep
        if not edges.commute:
            total += alike * sum(_spanned(poset, edges, chain, int(whole), updates, int(rest), B, basis), 0)
            continue
        for row, epochs in _starts(edges, chain, live(0), whole, updates, between):
            begins = [number * updates for number in epochs]
            if early is not None and rest == inf:
                row = early.powers.forever(row, early.blocks, check_forgets)
            elif early is not None:
                row = early.run(row, int(rest), clock_of(edges.rates, [*begins, whole * updates]))
                row = {i: x for i, x in row.items() if chain.required & ~states[i // edges.codes] == 0}
            if late is not None:
                row = late.run(row, int(updates - rest), clock_of(edges.rates, [begin + rest for begin in begins]))
            found = edges.read(row, len(states) - 1, live(states[-1]))
            many = edges.rates is not None and edges.kicks is None and isinstance(found, np.ndarray)
            total = total + alike * (found.sum() if many else found)  # over choices of epochs
    return total


def _spanned(
    poset: Poset, edges: EdgeWeights, chain: Chain, whole: int, updates: int, rest: int, B: int, basis: str
) -> Iterator[Number]:
    """The sum over maps for each choice of epochs, of edges whose steps do not commute."""
    last, end = len(chain.late.states) - 1, whole * updates + rest
    for chosen in combinations(range(whole), len(chain.skipped) - 1):
        some = Spanning.between(edges, poset, chain, (*(n * updates for n in chosen), whole * updates), updates, end)
        live = some.live_among(poset, chain, live_in(chain, poset))
        row: Row = {0: 1}
        if rest:
            row = _swept(chain.early, poset, some, chain, B, basis, live).run(row, rest, some.clock(0, len(chosen) + 1))
            row = {i: x for i, x in row.items() if chain.required & ~chain.early.states[i // edges.codes] == 0}
        late = _swept(chain.late, poset, some, chain, B, basis, live)
        row = late.run(row, updates - rest, some.clock(rest, len(chosen)))
        yield some.read(row, last, live(chain.late.states[last]))


def _swept(
    moves: TransferMatrix, poset: Poset, edges: EdgeWeights, chain: Chain, B: int, basis: str, live: Live | None = None
) -> Sweep:
    gains = [placements((size,), B, None, basis) for size in range(poset.parts + 1)]
    sets = chain.sets[: len(moves.crossing[0])]

    def placed(before: int, after: int) -> tuple[int, ...]:
        """How many groups of each epoch come in with the classes between two states."""
        return tuple(sum((after & ~before) >> chain.home[v] & 1 for v in bits(groups)) for groups in sets)

    return Sweep(moves, edges, live or live_in(chain, poset), gains, placed)


def distinct(diagram: Diagram | None, chains: Sequence[Chain]) -> list[tuple[Chain, int]]:
    """Chains up to the diagram's automorphisms, which carry equal edges to equal edges, and how many are alike."""
    if len(chains) == 1 or diagram is None:
        return [(chain, 1) for chain in chains]
    d, group = diagram.order, automorphism_group(diagram)[:, 1:] - 1
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
    edges: EdgeWeights, chain: Chain, outside: int, whole: int | float, updates: int, between: Powers | None
) -> Iterator[tuple[Row, Any]]:
    """The edges between epochs have passed over those that hold no group: all at once, or for each choice of epochs.

    between: of `_past_epochs`, where weights stay the same.
    """
    m = len(chain.skipped) - 1
    born = [(0, i, x) for i, x in enumerate(edges.born)]
    if edges.rates is None:
        row: Row = {code: x for _, code, x in edges.joint([born if outside >> e & 1 else STILL for e in edges])}
        if between is None:
            yield row, ()
            return
        codes = edges.codes
        if whole == inf:
            blocks = [[k * codes + code for code in edges.codes_of(outside)] for k in range(1, m + 1)]
            row = between.forever(row, blocks, check_forgets)
        else:
            row = between.after(row, int(whole))
        yield {i - m * codes: x for i, x in row.items() if i >= m * codes}, ()
        return
    whole = int(whole)
    if edges.kicks is not None:
        for chosen in combinations(range(whole), m):
            options = [STILL for _ in edges]
            for e in bits(outside):
                idle = _idle(edges, e, chain.skipped, (-1, *chosen), (*chosen, whole), updates)
                options[e] = [(0, i, x) for i, x in enumerate(times_vector(idle, edges.born))]
            yield {code: x for _, code, x in edges.joint(options)}, chosen
        return
    pushes = [
        [times_vector(matrix_power(step, n * updates), edges.born) for n in range(whole + 1)] if outside >> e & 1 else []
        for e, step in enumerate(edges.steps)
    ]
    kind = np.float64 if any(isinstance(x, float) for each in pushes for vector in each for x in vector) else object
    choices = combinations(range(whole), m)
    while some := list(islice(choices, CHUNK_CHOICES)):
        table = np.array(some, np.int64).reshape(len(some), m)
        ends = np.pad(table, ((0, 0), (1, 1)), constant_values=((0, 0), (-1, whole)))
        gaps = np.diff(ends, axis=1) - 1
        options = []
        for e in edges:
            unmet = gaps @ [mask >> e & 1 for mask in chain.skipped]
            vectors = [np.array(column, kind)[unmet] for column in zip(*pushes[e], strict=True)]
            options.append([(0, i, x) for i, x in enumerate(vectors)] if outside >> e & 1 else STILL)
        yield {code: x for _, code, x in edges.joint(options)}, table.T


def _past_epochs(edges: EdgeWeights, chain: Chain, outside: int, updates: int) -> Powers:
    """h_(whole - m) of the commuting matrices of the skipped epochs: the corner of a power of this bidiagonal one."""
    m, codes = len(chain.skipped) - 1, edges.codes
    passed = [matrix_power(step, updates) if outside >> e & 1 else () for e, step in enumerate(edges.steps)]
    one = identity(len(edges.born))
    matrix: Matrix = {}
    for k, mask in enumerate(chain.skipped):
        through = [_entries(passed[e] if mask >> e & 1 else one) if outside >> e & 1 else STILL for e in edges]
        for code, then, x in edges.joint(through):
            matrix.setdefault(k * codes + code, {})[k * codes + then] = x
        if k < m:
            for code in edges.codes_of(outside):
                matrix.setdefault(k * codes + code, {})[(k + 1) * codes + code] = 1
    return Powers(matrix)


def _entries(matrix: Steps) -> list[tuple[int, int, Number]]:
    return [(j, i, x) for i, line in enumerate(matrix) for j, x in enumerate(line) if not is_zero(x)]


def _idle(
    edges: EdgeWeights, edge: int, skipped: Sequence[int], after: Sequence[int], before: Sequence[int], updates: int
) -> Steps:
    """What the epochs strictly between chosen ones do to an edge that passes over them."""
    total = identity(len(edges.born))
    for mask, low, high in zip(skipped, after, before, strict=True):
        if mask >> edge & 1:
            for t in range((low + 1) * updates, high * updates):
                total = times(edges.step(edge, (edges.rates or ())[t]), total)
    return total


def _independent(epochs: Epochs, spacetime: Spacetime) -> Number:
    """Moment basis; every epoch has an order of the rows of its own."""
    _, _, whole, updates, rest = grid(spacetime)
    if epochs.edges.rates is not None:
        *_, last = _epochs_curve(epochs, spacetime)
        return last
    row: Row = {0: 1}
    if whole == inf:
        return epochs.read(epochs.powers(updates).forever(row, epochs.blocks, check_forgets))
    for length, number in ((updates, whole), (rest, 1)):
        if length and number:
            powers = epochs.powers(length)
            check_seconds(powers.seconds(1, number))
            row = powers.after(row, number)
    return epochs.read(row)


def _epochs_curve(epochs: Epochs, spacetime: Spacetime) -> Iterator[Number]:
    """The same after each update, in one pass over time."""
    T, updates = int(spacetime.finite("T")), spacetime.updates_per_epoch
    row: Row = {0: 1}
    for start in range(0, T, updates):
        for after in epochs.walk(row, min(updates, T - start), clock_of(epochs.edges.rates, [start])):
            yield epochs.read(after)
        row = after


@lru_cache(maxsize=4096)
def _known_independent(poset: Poset, edges: EdgeWeights, spacetime: Spacetime) -> Number:
    return _independent(_known_epochs(poset, edges, *grid(spacetime)[:2]), spacetime)


@lru_cache(maxsize=256)
def _known_epochs(poset: Poset, edges: EdgeWeights, N: int, B: int) -> Epochs:
    return Epochs(poset, edges, N, B)


@lru_cache(maxsize=4096)
def _known_curve(poset: Poset, edges: EdgeWeights, spacetime: Spacetime) -> tuple[Number, ...]:
    return tuple(_epochs_curve(_known_epochs(poset, edges, *grid(spacetime)[:2]), spacetime))


def check_forgets(q: Number) -> None:
    """Raise InputError if what is open together does not shrink; of formulas and of many numbers it is believed."""
    q = q.as_expr() if hasattr(q, "as_expr") else q
    size: Any = abs(q) if isinstance(q, int | Fraction) or hasattr(q, "free_symbols") else 0
    if str(size >= 1) == "True":  # a relation of symbols is neither true nor false
        raise InputError(
            f"T = inf has no limit here: edges that are open together shrink by {q} at every update, which must be below 1 "
            "in absolute value (0 < eta h < 2 for k = 1 - eta h); give a finite T"
        )
