"""Exact sums over maps whose edges carry k^(dt - 1), or the weights of an update rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import inf
from typing import Any

from ..diagram import Diagram
from ..errors import InputError
from ..spacetime import Spacetime
from ..spacetime.updates import Update, Vector
from ..typing import Basis, Number
from .arithmetic import elements, exact_rule
from .edge_weights import EdgeWeights
from .enumeration import checked
from .poset import Poset
from .powers import cleared, denominator
from .sum_over_maps import curve_over_maps, sum_over_maps


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

    Returns
    -------
    int or Fraction; an expanded SymPy expression where k or the rule has symbols, at T = inf a quotient of two

    Raises
    ------
    InputError : k or a number of the rule is a float; k has the wrong length; a schedule shorter than T; unknown basis; no
        limit for T = inf: numbers k whose products over edges that are open together are not all below 1 in absolute
        value (of formulas it is assumed)
    TooLargeError : a schedule under 'cyclic' with so many epochs that their choices cannot be gone through

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
        rule, _, back = exact_rule(update, spacetime.finite("T"))
        return back(updated_maps(diagram, rule, spacetime, basis))
    if k is None:
        raise InputError("give k, the factor of the edges, or an update rule; fastdiag.maps counts with k = 1")
    factors, back = _exact_factors(k, diagram.order, spacetime.T == inf)
    poset = Poset.of(diagram)
    return back(sum_over_maps(poset, EdgeWeights.powers(poset, factors), spacetime, basis))


def resummed_maps(diagram: Diagram, spacetime: Spacetime, update: Update, forces: Sequence[object]) -> Any:
    """The sum over maps in the cumulant basis of the rule's propagator; forces: eta times the curvature along each edge.

    Returns
    -------
    int or Fraction; a SymPy expression where a number is one, or T = inf. T = inf takes for granted that the rule forgets

    Raises
    ------
    InputError : a float; a schedule that is too short
    """
    rule, forces, back = exact_rule(update, spacetime.T, forces)
    poset = Poset.of(diagram)
    return back(sum_over_maps(poset, EdgeWeights.of(poset, rule, _rates(rule, spacetime), forces), spacetime, "cumulant"))


def updated_maps(diagram: Diagram, rule: Update, spacetime: Spacetime, basis: str) -> Number:
    """Expected sum over maps of the product over edges of w(time of the child, time of the parent).

    The rule's numbers are ints and Fractions, floats, or elements of one ring; its schedule has T entries, or is None.
    """
    poset, rates, below = Poset.of(diagram), _rates(rule, spacetime), 1
    if rates is not None:  # every node is placed once, so a common denominator comes out once for each
        below = denominator(rates)
        rates = tuple(cleared(rates, below))
    total = sum_over_maps(poset, EdgeWeights.of(poset, rule, rates), spacetime, basis, diagram)
    return total * Fraction(1, below**diagram.order) if below > 1 else total


def updated_curve(diagram: Diagram, rule: Update, spacetime: Spacetime, basis: str) -> Sequence[Number] | None:
    """The same after each of 1, ..., T updates, in one pass over time; None where one order is repeated.

    The rule's numbers are floats.
    """
    poset = Poset.of(diagram)
    edges = EdgeWeights.of(poset, rule, _rates(rule, spacetime))
    return curve_over_maps(poset, edges, spacetime, basis, diagram)


def _rates(rule: Update, spacetime: Spacetime) -> Vector | None:
    return None if rule.schedule is None else rule.factors(spacetime.finite("T"))


def _exact_factors(k: object, edges: int, divides: bool) -> tuple[tuple[Number, ...], Callable[[Number], Any]]:
    """k for each edge, in arithmetic that is fast (and divides, where it must), and the way back."""
    values = list(k) if isinstance(k, list | tuple) else [k] * edges
    if len(values) != edges:
        raise InputError(f"k must be one number, or one for each of the {edges} edges, not {len(values)} of them")
    return elements("k", values, divides)
