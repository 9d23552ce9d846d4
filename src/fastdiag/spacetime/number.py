"""The numbers that an update rule is made of: ints, Fractions, floats and SymPy expressions."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import isfinite
from numbers import Integral, Rational, Real
from typing import Any, TypeAlias

from ..errors import InputError

Number: TypeAlias = Any
"""int, Fraction, float or a SymPy expression."""


def checked_number(name: str, value: object) -> Number:
    """An int, Fraction or float where it is one (NumPy's too), a real SymPy expression else.

    Raises
    ------
    InputError : anything else, a bool, nan, an infinity, a formula that is not real

    Examples
    --------
    >>> import numpy as np
    >>> checked_number("mu", np.int64(1)), checked_number("mu", np.float32(0.5))
    (1, 0.5)
    """
    if isinstance(value, bool):
        value = str(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Rational):
        return Fraction(int(value.numerator), int(value.denominator))
    if hasattr(value, "free_symbols"):  # of SymPy, which need not be loaded to say no
        return _expression(name, value)
    if not isinstance(value, Real) or not isfinite(value):
        raise InputError(
            f"{name} must be a finite number (0.9), exact where exact results are asked for (Fraction(9, 10)), "
            f"or a SymPy expression, not {value!r}"
        )
    return float(value)


def check_exact(what: object, numbers: Iterable[Number]) -> None:
    """Raise InputError if one of the numbers of `what` is a float, or a formula that holds one."""
    for x in numbers:
        if isinstance(x, float):
            near = Fraction(x).limit_denominator(1000)
            advice = repr(near if float(near) == x else Fraction(str(x)))
        elif hasattr(x, "free_symbols") and _has_floats(x):
            advice = "Fraction(1, 2) instead of 0.5"
        else:
            continue
        raise InputError(
            f"exact results need exact numbers, but {what!r} has floats; write {advice} or a SymPy symbol for them, "
            "or ask fastdiag.predict with a float eta"
        )


def _has_floats(value: Any) -> bool:
    import sympy

    return bool(value.has(sympy.Float))


def _expression(name: str, value: Any) -> Number:
    import sympy

    if not isinstance(value, sympy.Expr) or value.has(sympy.nan, sympy.oo, sympy.zoo) or not _may_be_real(value):
        raise InputError(f"{name} must be a finite real number or formula, not {value}")
    if value.is_Rational:
        return Fraction(int(value.p), int(value.q)) if value.q != 1 else int(value)
    if value.is_number:
        near = float(value)
        if name == "mu" and not -1 < near < 1:
            raise InputError(f"mu = {value} must lie between -1 and 1, as 0.9 does")
        if name in ("nu", "decay") and not 0 <= near <= 1:
            raise InputError(f"{name} must lie from 0 to 1, not {value}")
        return near if value.has(sympy.Float) else value
    return value


def _may_be_real(value: Any) -> bool:
    """Real, or unknown though no part of it is known not to be."""
    if value.is_real is not None or value.is_number:
        return bool(value.is_real)
    return not any(part.is_real is False for part in value.atoms())
