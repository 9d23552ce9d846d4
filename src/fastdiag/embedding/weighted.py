"""Exact sums over maps whose edges carry k^(dt - 1), or the weights of an update rule, resummed too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import inf, perm
from typing import Any

from ..arguments import one_or_many
from ..diagram import Diagram
from ..door import exact_door
from ..errors import InputError
from ..spacetime import Spacetime
from ..spacetime.updates import Update, Vector, check_update
from ..typing import Basis, Number
from .arithmetic import elements, exact_rule, with_numbers
from .counting import count, family_of
from .edge_weights import EdgeWeights
from .embeddings import checked_diagram
from .foresight import check_work
from .packing import Group, summed
from .poset import Links, Poset
from .powers import cleared, denominator, is_zero
from .sum_over_maps import curve_over_maps, has_maps, sum_over_maps


@exact_door
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
        infinite, for the limit: of fresh data at every update where N is infinite too, else of ever more whole epochs
    k : exact: an int, a Fraction or a SymPy expression, for all edges; or a sequence of them, the i-th for the edge above
        node i + 1
    basis : 'cumulant' or 'moment'
    update : a rule of `fastdiag.updates`, instead of k; its numbers and its schedule are exact

    What an update divides by, the size of its batch, is no weight here; where batches differ in size (`last="keep"`)
    `coefficient` has it.

    Returns
    -------
    int or Fraction; an expanded SymPy expression where k or the rule has symbols, at T = inf a quotient of two

    Raises
    ------
    InputError : k or a number of the rule is a float; k has the wrong length; a schedule shorter than T; unknown basis; no
        limit for T = inf: numbers k whose products over edges that are open together are not all below 1 in absolute
        value (of formulas it is assumed)
    TooLargeError : a schedule under 'cyclic' with so many epochs that their choices cannot be gone through; work or
        digits without end, foreseen

    Examples
    --------
    >>> import fastdiag as fd, sympy
    >>> fd.weighted_maps("[a]", fd.Spacetime(N=4, T=4), sympy.Symbol("k"))
    k**3 + k**2 + k + 1
    >>> from fractions import Fraction
    >>> fd.weighted_maps("[a b]", fd.Spacetime(N=2, T=4), [Fraction(1, 2), 1])
    Fraction(15, 2)
    >>> fd.weighted_maps("[a a]", fd.Spacetime(N=float("inf"), T=float("inf")), sympy.Symbol("k"))  # a geometric series
    -1/(k**2 - 1)
    >>> fd.weighted_maps("[a]", fd.Spacetime(N=2, T=2), update=fd.updates.momentum(Fraction(9, 10)))
    Fraction(29, 10)
    """
    diagram = checked_diagram(diagram, spacetime, basis)
    if update is not None:
        if k is not None:
            raise InputError("edges carry either k or the weights of an update rule; give one of k and update")
        return averaged_maps(diagram, spacetime, update, basis, averages=False)
    if k is None:
        raise InputError("give k, the factor of the edges, or an update rule; fastdiag.maps counts with k = 1")
    factors, back = _exact_factors(k, diagram.order, spacetime.T == inf)
    if spacetime.T == inf:
        return back(powered_maps(diagram, spacetime, factors, basis))
    if factors.count(1) == len(factors):
        return count(Poset.of(diagram), spacetime, basis)
    if not has_maps(Poset.of(diagram), spacetime):
        return back(0)
    check_work(diagram, spacetime, basis, 1, False)
    T, alike = int(spacetime.T), factors.count(factors[0])
    groups: list[Group] = [(factors[:1], alike * T)] if alike == len(factors) else [((x,), T) for x in factors]

    def under(k: Sequence[Number]) -> Number:
        return powered_maps(diagram, spacetime, [*k] * (diagram.order // len(k)), basis)

    return back(summed(groups, under, lambda: _divisor(diagram, spacetime), T))


def averaged_maps(
    diagram: Diagram, spacetime: Spacetime, update: Update, basis: str, averages: bool = True
) -> Any:
    """`weighted_maps` with the weights of a rule; averages: in a smaller last batch nodes weigh B over its size."""
    check_update(update)
    T = int(spacetime.finite("T"))
    rule, _, back = exact_rule(without_idle_state(update), T)
    if diagram.order == 0:  # one map, whatever the rule
        return 1

    def under(values: Sequence[Number]) -> Number:
        return updated_maps(diagram, with_numbers(rule, values), spacetime, basis, averages)

    return back(summed(_groups(rule, diagram.order, T), under, lambda: _divisor(diagram, spacetime), T))


def powered_maps(
    diagram: Diagram, spacetime: Spacetime, k: Sequence[Number], basis: str, averages: bool = False
) -> Number:
    """The sum over maps for k of each edge: ints, Fractions, elements of a field, or numbers of any precision."""
    poset = Poset.of(diagram)
    return sum_over_maps(poset, EdgeWeights.powers(poset, k, averages), spacetime, basis)


def resummed_maps(
    diagram: Diagram, spacetime: Spacetime, update: Update, forces: Sequence[Any], powers: Sequence[int] | None = None,
    links: Links = (),
) -> Any:
    """The sum over maps in the cumulant basis of the rule's propagator; forces: eta times the curvature along each edge.

    forces, powers : as for `EdgeWeights.of`; a matrix is a tuple of rows

    Returns
    -------
    int or Fraction; a SymPy expression where a number is one, or T = inf. T = inf takes for granted that the rule forgets

    Raises
    ------
    InputError : a float; a schedule that is too short
    """
    matrices = [force if isinstance(force, tuple) else ((force,),) for force in forces]
    size = max(map(len, matrices), default=1)
    rule, given, back = exact_rule(update, spacetime.T, [x for matrix in matrices for line in matrix for x in line])
    given = tuple(-x for x in given)  # products of what is given have one sign then: see `summed`
    each = [given[i : i + size * size] for i in range(0, len(given), size * size)]
    poset = Poset.of(diagram, links)

    def under(values: Sequence[Number]) -> Number:
        some = with_numbers(rule, values[len(given) :])
        lines = [tuple(-x for x in values[i : i + size]) for i in range(0, len(given), size)]
        pulls = [tuple(lines[i : i + size]) for i in range(0, len(lines), size)]
        edges = EdgeWeights.of(poset, some, _rates(some, spacetime), pulls, powers)
        return sum_over_maps(poset, edges, spacetime, "cumulant")

    if spacetime.T == inf:
        return back(under((*given, *rule.numbers())))
    T, d = int(spacetime.T), diagram.order
    check_work(diagram, spacetime, "cumulant", size * len(rule.step), rule.schedule is not None)
    step, *others = _groups(rule, d, T)
    groups: list[Group] = [*((some, T) for some in each), step]
    groups += [(numbers, d * T) for numbers, _ in others]  # each meets every update
    return back(summed(groups, under, lambda: _divisor(diagram, spacetime), T))


def updated_maps(
    diagram: Diagram, rule: Update, spacetime: Spacetime, basis: str, averages: bool = True
) -> Number:
    """Expected sum over maps of the product over edges of w(time of the child, time of the parent).

    The rule's numbers are ints and Fractions, floats, or elements of one ring; its schedule has T entries, or is None.
    averages: where the last batch is smaller, nodes weigh B over its size.
    """
    rule, poset = without_idle_state(rule), Poset.of(diagram)
    if not rule.step and diagram.order:
        return 0
    plain = rule.schedule is None and rule.step in ((), ((1,),)) and not spacetime.is_ragged
    if plain and all(isinstance(x, int | Fraction) for x in rule.numbers()):
        scale = Fraction(1)
        for parent in diagram.parents[1:]:
            scale *= rule.push[0] * (rule.point if parent else rule.seen)[0]
        return scale * count(poset, spacetime, basis)
    check_work(diagram, spacetime, basis, len(rule.step), rule.schedule is not None)
    rates, below = _rates(rule, spacetime), 1
    if rates is not None:  # every node is placed once, so a common denominator comes out once for each
        below = denominator(rates)
        rates = tuple(cleared(rates, below))
    edges = replace(EdgeWeights.of(poset, rule, rates), averages=averages)
    total = sum_over_maps(poset, edges, spacetime, basis, diagram)
    return total * Fraction(1, below**diagram.order) if below > 1 else total


def updated_curve(diagram: Diagram, rule: Update, spacetime: Spacetime, basis: str) -> Sequence[Number] | None:
    """The same after each of 1, ..., T updates, in one pass over time; None where one order is repeated.

    The rule's numbers are floats.
    """
    poset = Poset.of(diagram)
    edges = EdgeWeights.of(poset, rule, _rates(rule, spacetime))
    return curve_over_maps(poset, edges, spacetime, basis, diagram)


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


def _rates(rule: Update, spacetime: Spacetime) -> Vector | None:
    return None if rule.schedule is None else rule.factors(int(spacetime.finite("T")))


def _groups(rule: Update, edges: int, T: int) -> list[Group]:
    """The rule's numbers, in the order of `Update.numbers`, and how many of each kind a map multiplies."""
    step = [x for line in rule.step for x in line]
    reads = (*rule.point, *rule.seen)
    return [(step, edges * max(T - 1, 0)), (rule.push, edges), (reads, edges), (rule.factors(T) or (), edges)]


def _divisor(diagram: Diagram, spacetime: Spacetime) -> int:
    """A multiple of the denominator that the orders of the rows bring in."""
    shares = int(spacetime.last_batch) ** diagram.order if spacetime.is_ragged else 1
    if spacetime.is_one_epoch or family_of(spacetime) == "one order":
        return shares
    return shares * int(perm(int(spacetime.finite("N")), min(diagram.order, int(spacetime.finite("N")))) ** diagram.order)


def _exact_factors(k: object, edges: int, divides: bool) -> tuple[tuple[Number, ...], Callable[[Number], Any]]:
    """k for each edge, in arithmetic that is fast (and divides, where it must), and the way back."""
    values, shape = one_or_many("k", k, "them", one="an int, a Fraction or a SymPy expression") if edges else ([], ())
    if shape and len(values) != edges:
        raise InputError(f"k must be one number, or one for each of the {edges} edges, not {len(values)} of them")
    found, back = elements("k", values, divides)
    return found if shape else found * edges, back
