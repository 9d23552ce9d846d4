"""Hessian-based steps: sums over the ways to link edges, a power of lambda for each link."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from ..diagram import Diagram
from ..spacetime.number import check_exact
from ..spacetime.regularized_newton import RegularizedNewton
from .enumeration import exact
from .poset import Links, all_links


def newton_sum(diagram: Diagram, update: RegularizedNewton, count: Callable[[Links], Any]) -> Any:
    """The sum over all sets of links of lambda^links times a count; divided by |Aut(D)|, each orbit has its own |Aut|.

    A link joins the nodes of two factors of (lambda hess)^k grad, taken at one update. A diagram's value does not depend on
    its links, so its coefficient is one polynomial in lambda.

    Returns
    -------
    int or Fraction, or an expanded SymPy expression where lambda or a count is one

    Raises
    ------
    InputError : lambda is not exact
    """
    lam = update.lam
    check_exact(update, [lam])
    total: Any = Fraction(0)
    for links, kept in all_links(diagram):
        total += count(links) * lam ** len(links) * (diagram.automorphisms // kept)
    if isinstance(total, Fraction):
        return exact(total)
    import sympy

    return sympy.expand(total)
