"""The coefficient of a diagram in the expansion."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ..diagram import Diagram
from ..door import exact_door
from ..embedding import Rule, maps_under
from ..embedding.weighted import updated_curve, updated_maps
from ..spacetime import Spacetime
from ..spacetime.updates import Update
from ..typing import Basis, FloatArray

ONE_PASS = 20  # updates for each time asked for, up to which one walk through all of them is taken


@exact_door
def coefficient(
    diagram: Diagram | str, spacetime: Spacetime, basis: Basis = "cumulant", *, update: Rule = None
) -> Any:
    """(-1/B)^d maps(D) / |Aut(D)|, the weight of a diagram's value in the expansion (papers: Theorem 3).

    `E[l(theta_T)] = sum over D of coefficient(D) value(D)`, eta^d carried by the edges. Under an update rule, maps are
    weighted by the product over edges of the rule's w.

    Parameters
    ----------
    diagram, spacetime, basis : as for `maps`
    update : one of `fastdiag.updates`, in exact numbers or symbols; SGD by default. SGD - SDE is one subtraction

    Returns
    -------
    Fraction; a SymPy expression where the rule or the spacetime has symbols

    Raises
    ------
    InputError : as for `weighted_maps`

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.coefficient("[a a]", fd.Spacetime(N=10, B=2, T=5))
    Fraction(5, 4)
    >>> from fractions import Fraction
    >>> fd.coefficient("[a a]", fd.Spacetime(N=10, B=2, T=5), update=fd.updates.momentum(Fraction(1, 2)))
    Fraction(3477, 1024)
    """
    diagram = Diagram.of(diagram)
    count = maps_under(diagram, spacetime, update, basis)
    scale = prefactor(diagram, spacetime.B)
    if spacetime.is_symbolic:
        import sympy

        return count * sympy.sympify(scale)
    return scale * count if isinstance(count, int | Fraction) else _scaled(count, scale)


def prefactor(diagram: Diagram, B: Any) -> Any:
    """(-1/B)^d / |Aut(D)|, what the sum over maps is multiplied by: a Fraction, or an expression in a symbol B.

    >>> prefactor(Diagram.parse("[a a]"), 2)
    Fraction(1, 8)
    """
    if isinstance(B, int):
        return Fraction((-1) ** diagram.order, B**diagram.order * diagram.automorphisms)
    return (-1 / B) ** diagram.order / diagram.automorphisms


def coefficients_near(diagram: Diagram, times: Sequence[Spacetime], update: Update) -> FloatArray:
    """The coefficient in the cumulant basis as floats, for spacetimes that differ in T; of a rule with any numbers.

    Every step adds numbers of one sign (for mu >= 0), so about T order roundings are all that is lost.

    Raises
    ------
    InputError : the rule has symbols, or its schedule is too short
    """
    longest = max(times, key=lambda spacetime: spacetime.finite("T"))
    rule, curve = update.in_floats(longest.finite("T")), None
    if longest.finite("T") <= ONE_PASS * len(times):
        curve = updated_curve(diagram, rule, longest, "cumulant")
    counts = [
        updated_maps(diagram, update.in_floats(spacetime.finite("T")), spacetime, "cumulant")
        if curve is None else curve[spacetime.finite("T") - 1]
        for spacetime in times
    ]
    scale = float(prefactor(diagram, longest.B))
    return np.array([float(count) * scale for count in counts], np.float64)


def _scaled(expression: Any, scale: Fraction) -> Any:
    import sympy

    return sympy.expand(expression * sympy.Rational(scale.numerator, scale.denominator))
