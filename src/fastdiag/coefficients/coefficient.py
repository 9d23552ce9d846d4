"""The coefficient of a diagram in the expansion."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ..diagram import Diagram
from ..embedding import Rule, maps_under
from ..spacetime import Spacetime
from ..typing import Basis


def coefficient(
    diagram: Diagram | str, spacetime: Spacetime, basis: Basis = "cumulant", update: Rule = None
) -> Any:
    """(-1/B)^d maps(D) / |Aut(D)|, the weight of a diagram's value in the expansion (papers: Theorem 3).

    `E[l(theta_T)] = sum over D of coefficient(D) value(D)`, eta^d carried by the edges.

    Parameters
    ----------
    diagram, spacetime, basis : as for `maps`
    update : one of fastdiag.updates, SGD by default; SGD - SDE is one subtraction

    Returns
    -------
    Fraction; a SymPy expression where the update has symbols

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.coefficient("[a a]", fd.Spacetime(N=10, B=2, T=5))
    Fraction(5, 4)
    """
    diagram = Diagram.of(diagram)
    count = maps_under(diagram, spacetime, update, basis)
    return count * Fraction((-1) ** diagram.order, spacetime.B**diagram.order * diagram.automorphisms)
