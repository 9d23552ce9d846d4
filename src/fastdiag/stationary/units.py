"""Powers of two as units: inputs are divided by them and answers multiplied, so that no scale costs a digit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..typing import FloatArray

_Found = TypeVar("_Found", float, FloatArray)

FURTHEST = 1 << 20  # exponents beyond it are as good as infinite


def exponent(*values: ArrayLike) -> int:
    """An even e such that the greatest of all entries is below 2^e and at least a quarter of it; 0 if all are zero.

    Examples
    --------
    >>> exponent([3.0, -5.0]), exponent(1e-300), exponent(0.0)
    (4, -996, 0)
    """
    largest = max(float(np.abs(value).max(initial=0.0)) for value in values)
    found = int(np.frexp(largest)[1])
    return found + found % 2


def common(*terms: tuple[ArrayLike, int]) -> int:
    """One unit for a sum: the greatest exponent among the values times 2^unit, of those that are not all zero.

    Examples
    --------
    >>> common((3.0, 100), (0.0, 1000), ([1e-300], 2))
    102
    """
    return max((exponent(values) + unit for values, unit in terms if np.any(values)), default=0)


def shifted(values: ArrayLike, by: int) -> FloatArray:
    """The values times 2^by, in one rounding at most."""
    return np.asarray(np.ldexp(values, max(-FURTHEST, min(FURTHEST, by))))


def halves(factors: Sequence[ArrayLike], divisors: Sequence[ArrayLike] = ()) -> tuple[Any, Any]:
    """The product of the factors over that of the divisors, entry by entry, as m and e of m 2^e with m near 1."""
    top, below = (reduce(_times, map(np.frexp, some), (1.0, 0)) for some in (factors, divisors))
    return top[0] / below[0], top[1] - below[1]


def _times(first: tuple[Any, Any], second: tuple[Any, Any]) -> tuple[Any, Any]:
    return first[0] * second[0], first[1] + second[1]


def product(*factors: ArrayLike, over: Sequence[ArrayLike] = ()) -> FloatArray:
    """The product of the factors over that of the divisors, entry by entry: infinite or 0 only if itself out of range.

    Examples
    --------
    >>> float(product(2.0**1000, 3.0, over=(2.0**900, 2.0**105)))
    0.09375
    """
    return np.asarray(np.ldexp(*halves(factors, over)))


def within_floats(what: str, found: _Found) -> _Found:
    """What was found, or InputError if any of it is beyond the range of floats."""
    if not np.isfinite(found).all():
        raise InputError(f"{what} is beyond the range of floats (1.8e308); give the inputs in other units")
    return found
