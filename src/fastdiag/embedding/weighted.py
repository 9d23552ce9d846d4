"""Counting maps whose edges carry k^(dt - 1): the same patterns, read with powers instead of binomials.

A position, or an epoch, is one step of a triangular transfer matrix over what has been placed so far; an edge multiplies
by its k at every update strictly between child and parent. Sums over runs of steps are powers of the matrix.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import reduce
from math import inf, perm
from operator import mul
from typing import Any

from ..arguments import one_or_many
from ..diagram import Diagram
from ..diagram.partition import set_partitions
from ..errors import InputError, UnsupportedError
from ..memory import bounded
from ..spacetime import Spacetime
from ..spacetime.updates import Update
from ..typing import Basis
from .arithmetic import elements, exact_rule
from .counting import family_of, grid, placements
from .enumeration import checked
from .powers import Matrix, Number, Row, power
from .recursion import updated_maps
from .relations import Relations
from .transfer import Transfer, epoch, visits


@bounded
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
        rule, back = exact_rule(update, spacetime.finite("T"))
        return back(updated_maps(diagram, rule, spacetime, basis))
    if k is None:
        raise InputError("give k, the factor of the edges, or an update rule; fastdiag.maps counts with k = 1")
    forever = spacetime.T == inf
    if forever and not spacetime.is_one_epoch:
        raise UnsupportedError(
            f"T = inf with N = {spacetime.N} means infinitely many epochs; N = inf stands for fresh data at every update"
        )
    factors, back = _exact_factors(k, diagram.order, forever)
    relations = Relations.of(diagram)
    above = tuple(p - 1 for p in diagram.parents[1:])  # -1: the root
    if forever:
        return back(_limit(relations, above, factors, spacetime, basis))
    if spacetime.is_one_epoch or family_of(spacetime) == "one order":
        return back(_one_order(relations, above, factors, spacetime, basis))
    strings = set_partitions(relations.parts) if basis == "cumulant" else [range(relations.parts)]
    return back(sum(_fresh_orders(relations.coarsened(string), above, factors, spacetime) for string in strings))


def _one_order(
    relations: Relations, above: tuple[int, ...], k: Sequence[Number], spacetime: Spacetime, basis: str
) -> Number:
    _, B, whole, updates, rest = grid(spacetime)
    total: Number = 0
    for visit in visits(relations, above, min(whole, len(above)), rest > 0):
        row: Row = {0: 1}
        for moves, times in ((visit.early, rest), (visit.late, updates - rest)):
            gains = [placements((size,), B, None, basis) for size in range(relations.parts + 1)]
            row = power(_matrix(moves, k, gains), row, times)
            if moves is visit.early and rest:
                row = {i: x for i, x in row.items() if visit.required & ~moves.states[i] == 0}
        skipped = [_product(k, mask) ** updates for mask in visit.skipped]
        ways = complete_homogeneous(whole - len(skipped) + 1, skipped)
        total = total + row.get(len(visit.late.states) - 1, 0) * ways
    return total


def _limit(
    relations: Relations, above: tuple[int, ...], k: Sequence[Number], spacetime: Spacetime, basis: str
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
    size = abs(q) if isinstance(q, Fraction) else abs(q.as_expr())
    if str(size >= 1) == "True":  # a relation of symbols is neither true nor false
        raise InputError(
            f"T = inf has no limit here: edges that are open together shrink by {q} at every update, which must be below 1 "
            "in absolute value (0 < eta h < 2 for k = 1 - eta h); give a finite T"
        )


def _fresh_orders(relations: Relations, above: tuple[int, ...], k: Sequence[Number], spacetime: Spacetime) -> Number:
    """Moment basis; every epoch has its own order of the rows."""
    N, B, whole, updates, rest = grid(spacetime)
    if relations.parts > N:
        return 0
    moves = epoch(relations, above)
    gains = [perm(B, size) for size in range(relations.parts + 1)]
    place = {ideal: i for i, ideal in enumerate(moves.ideals)}

    def epochs(updates: int) -> Matrix:
        """One epoch as a matrix over ideals of nodes."""
        matrix: Matrix = {}
        for i, (steps, used) in enumerate(zip(moves.transfers, moves.used, strict=True)):
            row = power(_matrix(steps, k, gains), {0: 1}, updates)
            matrix[i] = {place[steps.states[j]]: x * Fraction(1, perm(N, used[j])) for j, x in row.items()}
        return matrix

    row: Row = {0: 1}
    for length, times in ((updates, whole), (rest, 1)):
        if length and times:
            row = power(epochs(length), row, times)
    return row.get(len(moves.ideals) - 1, 0) * perm(N, relations.parts)


def _matrix(moves: Transfer, k: Sequence[Number], gains: Sequence[int]) -> Matrix:
    matrix: Matrix = {i: {i: _products(k, masks)} for i, masks in enumerate(moves.crossing)}
    for source, target, parts, passing in moves.steps:
        matrix[source][target] = gains[parts] * _products(k, passing)
    return matrix


def _products(k: Sequence[Number], masks: Sequence[int]) -> Number:
    return reduce(mul, (_product(k, mask) for mask in masks), 1)


def _product(k: Sequence[Number], mask: int) -> Number:
    return reduce(mul, (k[v] for v in range(mask.bit_length()) if mask >> v & 1), 1)


def complete_homogeneous(degree: int, values: Sequence[Number]) -> Number:
    """h_n(q_0, ..., q_m): the corner of the (n + m)-th power of the bidiagonal matrix with the values on its diagonal."""
    m = len(values) - 1
    if degree < 0:
        return 0
    bidiagonal = {i: {i: q} | ({i + 1: 1} if i < m else {}) for i, q in enumerate(values)}
    return power(bidiagonal, {0: 1}, degree + m).get(m, 0)


def _exact_factors(k: object, edges: int, divides: bool) -> tuple[tuple[Number, ...], Callable[[Number], Any]]:
    """k for each edge, in arithmetic that is fast (and divides, where it must), and the way back."""
    values, shape = one_or_many("k", k, "them", one="an int, a Fraction or a SymPy expression") if edges else ([], ())
    values = values if shape else values * edges
    if len(values) != edges:
        raise InputError(f"k must be one number, or one for each of the {edges} edges, not {len(values)} of them")
    return elements("k", values, divides)
