"""Means as integrals: antiderivatives by SymPy, looked over for poles and checked against quadrature."""

from __future__ import annotations

from typing import Any

from ..arguments import shown
from ..errors import InputError, UnsupportedError
from .exact import Expression

AGREE = 1e-8  # relative; a wrong branch of an antiderivative is wrong in the first digits


def mean_by_integration(term: Expression, density: Expression, where: tuple[Any, Any, Any], law: object) -> Expression:
    """The integral of term times density over an interval.

    Rational functions have an antiderivative by partial fractions; for others SymPy looks for one. A number is compared
    with quadrature.

    Parameters
    ----------
    term, density : expressions in x
    where : x, low, high; infinite ends too
    law : for messages, the distribution whose density it is

    Raises
    ------
    InputError : the integral is infinite
    UnsupportedError : no closed form was found
    """
    import sympy

    x, low, high = where
    integrand = term * density
    if integrand.is_rational_function(x) and all(value.is_Rational for value in (low, high)):
        integrand = sympy.cancel(integrand)
        if integrand.free_symbols <= {x} and _has_rational_coefficients(integrand, x):
            return _rational(term, integrand, where, law)
    tables: dict[str, bool] = {"meijerg": True}
    for method in (tables,) if low.is_infinite else ({}, tables):  # times a normal density, others search without end
        try:
            result = sympy.integrate(integrand, where, conds="none", **method)
        except (ValueError, NotImplementedError, ZeroDivisionError, sympy.PolynomialError):
            continue  # SymPy gave up
        if result.has(sympy.Integral, sympy.Piecewise, sympy.nan, sympy.zoo):
            continue
        if result.has(sympy.oo, -sympy.oo):
            raise _infinite(term, law)
        if _is_quadrature(result, integrand, where):
            return sympy.expand(result)
    raise UnsupportedError(
        f"no closed form was found for the mean of {shown(term)} over {law!r}; use a finite distribution, or "
        "landscapes.samples with the derivatives at drawn points"
    )


def _has_rational_coefficients(integrand: Expression, x: Any) -> bool:
    import sympy

    return all(sympy.Poly(part, x).domain in (sympy.ZZ, sympy.QQ) for part in integrand.as_numer_denom())


def _rational(term: Expression, integrand: Expression, where: tuple[Any, Any, Any], law: object) -> Expression:
    import sympy
    from sympy.integrals.rationaltools import ratint

    x, low, high = where
    denominator = sympy.Poly(integrand.as_numer_denom()[1], x)
    if denominator.count_roots(low, high):  # in lowest terms, so every root is a pole, and no pole is integrable
        raise _infinite(term, law)
    antiderivative = ratint(integrand, x)
    return sympy.expand(antiderivative.xreplace({x: high}) - antiderivative.xreplace({x: low}))


def _is_quadrature(result: Expression, integrand: Expression, where: tuple[Any, Any, Any]) -> bool:
    """Whether the result is what mpmath finds; formulas, and what it cannot integrate well, pass."""
    import mpmath
    import sympy

    x, low, high = where
    if (integrand.free_symbols | low.free_symbols | high.free_symbols) - {x}:
        return True
    function = sympy.lambdify(x, integrand, "mpmath")
    middle = [0] if low.is_infinite and high.is_infinite else []
    try:
        near, error = mpmath.quad(function, [mpmath.mpmathify(end) for end in (low, *middle, high)], error=True)
        exactly = mpmath.mpmathify(sympy.N(result, 20))
        return bool(abs(near - exactly) <= AGREE * abs(exactly) + 10 * error)
    except (TypeError, ValueError, ZeroDivisionError, NotImplementedError, NameError, AttributeError):
        return True


def _infinite(term: Expression, law: object) -> InputError:
    return InputError(f"the mean of {shown(term)} over {law!r} is infinite")
