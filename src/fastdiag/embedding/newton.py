"""Hessian-based steps: sums over the ways to link edges, a power of lambda for each link."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from ..diagram import Diagram
from ..errors import InputError
from ..spacetime.regularized_newton import RegularizedNewton
from .enumeration import exact
from .links import Linked, all_links
from .relations import Relations


def newton_sum(diagram: Diagram, update: RegularizedNewton, count: Callable[[Relations | Linked], Any]) -> Any:
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
    lam = _exact_number(update.lam)
    total: Any = Fraction(0)
    for links, kept in all_links(diagram):
        counted = count(Linked.of(diagram, links) if links else Relations.of(diagram))
        total += counted * lam ** len(links) * (diagram.automorphisms // kept)
    if isinstance(total, Fraction):
        return exact(total)
    import sympy

    return sympy.expand(total)


def _exact_number(lam: Any) -> Any:
    if isinstance(lam, int | Fraction) and not isinstance(lam, bool):
        return lam
    if not hasattr(lam, "free_symbols"):
        advice = f"; write Fraction({str(lam)!r}), or ask `predict` with a float eta" if isinstance(lam, float) else ""
        raise InputError(f"lam must be exact: an int, a Fraction or a SymPy expression, not {lam!r}{advice}")
    import sympy

    if lam.has(sympy.Float, sympy.nan, sympy.oo, sympy.zoo):
        raise InputError(f"lam must be exact and finite, not {lam}; write sympy.Rational(1, 2) instead of 0.5")
    return Fraction(int(lam.p), int(lam.q)) if lam.is_Rational else lam
