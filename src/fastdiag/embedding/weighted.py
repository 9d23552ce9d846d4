"""Counting maps whose edges carry k^(dt - 1): the same patterns, read with powers instead of binomials.

A position, or an epoch, is one step of a triangular transfer matrix over what has been placed so far; an edge multiplies
by its k at every update strictly between child and parent. Sums over runs of steps are powers of the matrix.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import reduce
from math import inf, perm, prod
from operator import mul
from typing import Any, TypeAlias

from ..arguments import one_or_many
from ..diagram import Diagram
from ..diagram.partition import set_partitions
from ..door import door
from ..errors import InputError, UnsupportedError
from ..spacetime import Spacetime
from ..spacetime.updates import Update, check_update
from ..typing import Basis
from .arithmetic import elements, exact_rule, with_numbers
from .counting import count, family_of, grid, placements
from .enumeration import checked
from .foresight import check_seconds, check_work
from .packing import summed
from .powers import Matrix, Number, Row, cleared, denominator, power, seconds
from .recursion import updated_maps, without_idle_state
from .relations import Relations
from .transfer import Epoch, Transfer, epoch, visits

Factor: TypeAlias = tuple[Number, int]
"""k times its denominator, and that denominator."""


@door
def weighted_maps(
    diagram: Diagram | str, spacetime: Spacetime, k: object = None, basis: Basis = "cumulant", *,
    update: Update | None = None,
) -> Any:
    """Expected sum over maps of the product over edges of k_e^(dt - 1), dt = time(parent) - time(child) >= 1.

    The root is at time T. With k = 1 this is `maps`; with k = 1 - eta h it is resummation in an eigenbasis. Or, with an
    update rule in place of k, the edges carry its weights w(time of the child, time of the parent): see `fastdiag.updates`.

    Parameters
    ----------
    diagram : a Diagram or its text
    spacetime : any sampling, partial epochs too; T should be moderate, since exact powers k^T have T times the digits; or
        infinite where N is too (fresh data at every update), for the limit
    k : exact: an int, a Fraction or a SymPy expression, for all edges; or a sequence of them, the i-th for the edge above
        node i + 1
    basis : 'cumulant' or 'moment'
    update : a rule of `fastdiag.updates`, instead of k; its numbers and its schedule are exact

    Returns
    -------
    int or Fraction; an expanded SymPy expression where k or the rule has symbols, at T = inf a quotient of two

    Raises
    ------
    InputError : k or a number of the rule is a float; k has the wrong length; a schedule shorter than T; unknown basis; no
        limit for T = inf: numbers k whose products over edges that are open together are not all below 1 in absolute
        value (of formulas it is assumed)
    TooLargeError : a schedule under 'cyclic' with so many epochs that their choices cannot be gone through
    UnsupportedError : T = inf over several epochs

    Examples
    --------
    >>> import fastdiag as fd, sympy
    >>> fd.weighted_maps("[a]", fd.Spacetime(N=4, T=4), sympy.Symbol("k"))
    k**3 + k**2 + k + 1
    >>> from fractions import Fraction
    >>> fd.weighted_maps("[a b]", fd.Spacetime(N=2, T=4), [Fraction(1, 2), -1])
    Fraction(0, 1)
    >>> fd.weighted_maps("[a a]", fd.Spacetime(N=float("inf"), T=float("inf")), sympy.Symbol("k"))  # a geometric series
    -1/(k**2 - 1)
    >>> fd.weighted_maps("[a]", fd.Spacetime(N=2, T=2), update=fd.updates.momentum(Fraction(9, 10)))
    Fraction(29, 10)
    """
    diagram = checked(diagram, spacetime, basis)
    if update is not None:
        if k is not None:
            raise InputError("edges carry either k or the weights of an update rule; give one of k and update")
        check_update(update)
        T, d = int(spacetime.finite("T")), diagram.order
        rule, back = exact_rule(without_idle_state(update), T)
        if d == 0:  # one map, whatever the rule
            return 1
        groups = [
            ([x for line in rule.step for x in line], d * (T - 1)), (rule.push, d), ((*rule.point, *rule.seen), d),
            (rule.factors(T) or (), d),
        ]

        def under(values: Sequence[Number]) -> Number:
            return updated_maps(diagram, with_numbers(rule, values), spacetime, basis)

        return back(summed(groups, under, _divisor(diagram, spacetime), T))
    if k is None:
        raise InputError("give k, the factor of the edges, or an update rule; fastdiag.maps counts with k = 1")
    forever = spacetime.T == inf
    if forever and not spacetime.is_one_epoch:
        raise UnsupportedError(
            f"T = inf with N = {spacetime.N} means infinitely many epochs; N = inf stands for fresh data at every update"
        )
    factors, back = _exact_factors(k, diagram.order, forever)
    if forever:
        return back(map_sum(diagram, spacetime, factors, basis))
    if all(x == 1 for x in factors):
        return count(Relations.of(diagram), spacetime, basis)
    check_work(diagram, spacetime, basis, 1, False)
    T = int(spacetime.T)
    groups = [((x,), T) for x in factors]
    return back(summed(groups, lambda k: map_sum(diagram, spacetime, k, basis), _divisor(diagram, spacetime), T))


def map_sum(diagram: Diagram, spacetime: Spacetime, k: Sequence[Number], basis: str) -> Number:
    """The sum over maps for k of each edge: ints, Fractions, elements of a field, or numbers of any precision."""
    relations = Relations.of(diagram)
    above = tuple(p - 1 for p in diagram.parents[1:])  # -1: the root
    if spacetime.T == inf:
        return _limit(relations, above, [(x, 1) for x in k], spacetime, basis)
    below = [denominator([x]) for x in k]
    edges = [(cleared(x, b), b) for x, b in zip(k, below, strict=True)]
    if spacetime.is_one_epoch or family_of(spacetime) == "one order":
        found = _one_order(relations, above, edges, spacetime, basis)
    else:
        merged = coarsened(relations, basis)
        check_seconds(sum(_fresh_seconds(each, above, edges, spacetime) for each in merged))
        found = sum(times * _fresh_orders(each, above, edges, spacetime) for each, times in merged.items())
    scale = prod(below)
    return Fraction(found, scale ** int(spacetime.T)) if scale > 1 else found


def coarsened(relations: Relations, basis: str) -> Counter[Relations]:
    """Relations whose moment maps add up, how often each: with parts merged, or in the moment basis themselves."""
    strings = set_partitions(relations.parts) if basis == "cumulant" else [range(relations.parts)]
    return Counter(relations.coarsened(string) for string in strings)


def _divisor(diagram: Diagram, spacetime: Spacetime) -> int:
    """A multiple of the denominator that the orders of the rows bring in."""
    if spacetime.is_one_epoch or family_of(spacetime) == "one order":
        return 1
    return int(perm(int(spacetime.finite("N")), min(diagram.order, int(spacetime.finite("N")))) ** diagram.order)


def _one_order(
    relations: Relations, above: tuple[int, ...], k: Sequence[Factor], spacetime: Spacetime, basis: str
) -> Number:
    _, B, whole, updates, rest = grid(spacetime)
    gains = [placements((size,), B, None, basis) for size in range(relations.parts + 1)]
    planned, work = [], 0.0
    for visit in visits(relations, above, min(whole, len(above)), rest > 0):
        early, late = _matrix(visit.early, k, gains), _matrix(visit.late, k, gains)
        skipped = [_product(k, mask) ** updates for mask in visit.skipped]
        between = _bidiagonal(skipped)
        work += seconds(early, 1, rest) + seconds(late, 1, updates - rest) + seconds(between, 1, whole)
        planned.append((visit, early, late, between))
    check_seconds(work)
    total: Number = 0
    for visit, early, late, between in planned:
        row = power(early, {0: 1}, rest)
        if rest:
            row = {i: x for i, x in row.items() if visit.required & ~visit.early.states[i] == 0}
        row = power(late, row, updates - rest)
        ways = power(between, {0: 1}, whole).get(len(between) - 1, 0)  # h of degree whole - m
        total = total + row.get(len(visit.late.states) - 1, 0) * ways
    return total


def _limit(
    relations: Relations, above: tuple[int, ...], k: Sequence[Factor], spacetime: Spacetime, basis: str
) -> Number:
    """One epoch without end: a state that is left by a factor q at every update is met 1 / (1 - q) times."""
    visit = next(iter(visits(relations, above, 0, True)), None)
    if visit is None:  # no maps
        return 0
    gains = [placements((size,), int(spacetime.B), None, basis) for size in range(relations.parts + 1)]
    met: defaultdict[int, Number] = defaultdict(int, {0: 1})
    for state, row in sorted(_matrix(visit.early, k, gains).items()):  # steps lead to later states
        if state:  # before the first node nothing is lost
            _check_forgets(row[state])
            met[state] = met[state] / (1 - row[state])
        for after, ways in row.items():
            if after != state:
                met[after] = met[after] + met[state] * ways
    return met[len(visit.early.states) - 1]


def _check_forgets(q: Number) -> None:
    if not isinstance(q, Fraction) and not hasattr(q, "as_expr"):  # a number of some precision, seen to already
        return
    size = abs(q) if isinstance(q, Fraction) else abs(q.as_expr())
    if str(size >= 1) == "True":  # a relation of symbols is neither true nor false
        raise InputError(
            f"T = inf has no limit here: edges that are open together shrink by {q} at every update, which must be below 1 "
            "in absolute value (0 < eta h < 2 for k = 1 - eta h); give a finite T"
        )


def _fresh_orders(relations: Relations, above: tuple[int, ...], k: Sequence[Factor], spacetime: Spacetime) -> Number:
    """Moment basis; every epoch has its own order of the rows."""
    N, B, whole, updates, rest = grid(spacetime)
    if relations.parts > N:
        return 0
    moves = epoch(relations, above)
    place = {ideal: i for i, ideal in enumerate(moves.ideals)}
    choices = perm(N, relations.parts)  # what each node is multiplied by, so that shares are whole
    inside = _inside(relations, moves, k, B)

    def epochs(updates: int) -> Matrix:
        """One epoch as a matrix over ideals of nodes."""
        matrix: Matrix = {}
        for i, (ideal, steps, used) in enumerate(zip(moves.ideals, moves.transfers, moves.used, strict=True)):
            matrix[i] = {}
            for j, x in power(inside[i], {0: 1}, updates).items():
                placed = (steps.states[j] & ~ideal).bit_count()
                matrix[i][place[steps.states[j]]] = x * (choices**placed // perm(N, used[j]))
        return matrix

    row: Row = {0: 1}
    for length, times in ((updates, whole), (rest, 1)):
        if length and times:
            matrix = epochs(length)
            check_seconds(seconds(matrix, 1, times))
            row = power(matrix, row, times)
    return row.get(len(moves.ideals) - 1, 0) * Fraction(choices, choices ** len(above))


def _fresh_seconds(relations: Relations, above: tuple[int, ...], k: Sequence[Factor], spacetime: Spacetime) -> float:
    """About how long the matrices of `_fresh_orders` take."""
    N, B, whole, updates, rest = grid(spacetime)
    if relations.parts > N:
        return 0.0
    inside = _inside(relations, epoch(relations, above), k, B)
    return sum(seconds(matrix, 1, length) for matrix in inside for length in (updates if whole else 0, rest))


def _inside(relations: Relations, moves: Epoch, k: Sequence[Factor], B: int) -> list[Matrix]:
    """One update, from each ideal."""
    gains = [perm(B, size) for size in range(relations.parts + 1)]
    return [_matrix(steps, k, gains) for steps in moves.transfers]


def _matrix(moves: Transfer, k: Sequence[Factor], gains: Sequence[int]) -> Matrix:
    matrix: Matrix = {i: {i: _products(k, masks)} for i, masks in enumerate(moves.crossing)}
    for source, target, parts, passing in moves.steps:
        matrix[source][target] = gains[parts] * _products(k, passing)
    return matrix


def _products(k: Sequence[Factor], masks: Sequence[int]) -> Number:
    return reduce(mul, (_product(k, mask) for mask in masks), 1)


def _product(k: Sequence[Factor], mask: int) -> Number:
    """Over the edges that pass over an update, and over the others what stands for 1."""
    return reduce(mul, (kept if mask >> v & 1 else below for v, (kept, below) in enumerate(k)), 1)


def _bidiagonal(values: Sequence[Number]) -> Matrix:
    """The corner of its (n + m)-th power is the complete homogeneous h_n(q_0, ..., q_m)."""
    return {i: {i: q} | ({i + 1: 1} if i < len(values) - 1 else {}) for i, q in enumerate(values)}


def _exact_factors(k: object, edges: int, divides: bool) -> tuple[tuple[Number, ...], Callable[[Number], Any]]:
    """k for each edge, in arithmetic that is fast (and divides, where it must), and the way back."""
    values, shape = one_or_many("k", k, "them", one="an int, a Fraction or a SymPy expression") if edges else ([], ())
    values = values if shape else values * edges
    if len(values) != edges:
        raise InputError(f"k must be one number, or one for each of the {edges} edges, not {len(values)} of them")
    return elements("k", values, divides)
