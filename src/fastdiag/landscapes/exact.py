"""Exact numbers and formulas: what counts as one, and sums and products of many of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from ..arguments import own, shown
from ..errors import InputError, UnsupportedError
from ..numerals import has

Expression: TypeAlias = Any
"""A SymPy expression without floats."""


def is_exact(value: object) -> bool:
    """Whether it is a Python int, a Fraction, or a SymPy expression without floats."""
    if isinstance(value, int | Fraction) and not isinstance(value, bool):
        return True
    if not has(value, "free_symbols"):  # SymPy need not be loaded to say no
        return False
    import sympy

    return isinstance(value, sympy.Expr) and not value.has(sympy.Float)


def exact(name: str, value: object) -> Expression:
    """The value as a SymPy expression.

    Raises
    ------
    InputError : it is a float, or contains one, or is no finite real number or formula
    """
    import sympy

    value = own(value)
    if not is_exact(value):
        raise InputError(
            f"{name} must be exact: an int, a Fraction or a SymPy expression, not {shown(value)}; "
            "write Fraction(1, 2) or sympy.Rational(1, 2) instead of 0.5"
        )
    expression = sympy.sympify(value)
    if expression.has(sympy.nan, sympy.oo, sympy.zoo, -sympy.oo) or expression.is_extended_real is False:
        raise InputError(f"{name} must be a finite real number or formula, not {shown(expression)}")
    return expression


def arithmetic(values: Iterable[Expression]) -> tuple[list[Any], Callable[[Any], Expression]]:
    """Elements to add and multiply fast in place of the values, and the way back to a canonical expression.

    Rationals, algebraic numbers and rational functions of symbols have a field of their own; what has none (sqrt(2) c,
    h exp(h)) is multiplied out at the end.
    """
    import sympy
    from sympy.polys.constructor import construct_domain

    given = list(values)
    if not all(value.is_Rational for value in given):
        given = [sympy.expand(value) for value in given]
    domain, elements = construct_domain(given, extension=True, field=True)
    if domain.is_EX:
        return given, lambda total: sympy.expand(total)
    return elements, lambda total: domain.to_sympy(domain.convert(total))


def multiplied_out(value: Expression) -> Expression:
    """The value multiplied out, its algebraic numbers in lowest terms."""
    if value.is_Rational:
        return value
    (element,), back = arithmetic([value])
    return back(element)


def nearest_float(name: str, value: Expression) -> float:
    """The nearest float.

    Raises
    ------
    UnsupportedError : the value has free symbols
    """
    if value.free_symbols:
        free = ", ".join(sorted(map(str, value.free_symbols)))
        raise UnsupportedError(
            f"{name} is the formula {_short(value)} in {free}, not a number; give an exact learning rate (an int, a "
            f"Fraction, a symbol) with resummed=False for formulas, or numbers for {free}"
        )
    if value.is_Rational:
        try:
            return int(value.p) / int(value.q)
        except OverflowError:
            raise InputError(f"{name} is {shown(value)}, beyond the range of floats; ask for exact results") from None
    near = complex(value.evalf(20))
    if not np.isfinite(near) or abs(near.imag) > 1e-15 * abs(near.real):
        raise InputError(f"{name} is {shown(value)}, which is not a finite real number")
    return near.real


def _short(value: Expression) -> str:
    text = shown(value)
    return text if len(text) <= 60 else text[:57] + "..."


def distinct_symbols(name: str, given: Any) -> tuple[Any, ...]:
    """One symbol of SymPy or several, none twice."""
    import sympy

    result = tuple(given) if isinstance(given, list | tuple | sympy.Tuple) else (given,)
    if not result or not all(isinstance(symbol, sympy.Symbol) for symbol in result):
        raise InputError(f"{name} must be a SymPy symbol or several, not {shown(given)}")
    if len(set(result)) != len(result):
        raise InputError(f"{name} must be different symbols, not {result}")
    return result
