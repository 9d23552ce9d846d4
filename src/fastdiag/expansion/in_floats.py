"""Numbers of any kind as floats, to be compared by size."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..typing import FloatArray


def in_floats(values: Any) -> FloatArray:
    """Exact numbers too; nan for formulas and beyond the range.

    Examples
    --------
    >>> import sympy
    >>> in_floats([sympy.Rational(1, 2), sympy.Symbol("x")])
    array([0.5, nan])
    """
    given = np.asarray(values)
    if given.dtype.kind == "f":
        return given
    return np.array([_float(value) for value in given.flat]).reshape(given.shape)


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, OverflowError):
        return float("nan")
