"""What models are given: rows of data, starting weights, a ridge."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import ndim
from ..errors import InputError
from ..record import frozen
from ..typing import FloatArray
from .given_tensors import checked_axes
from .landscape import checked


def point_rows(X: object) -> FloatArray:
    """(S, d), at least one row and one column.

    Raises
    ------
    InputError : another shape, not finite
    """
    data = checked("X", X, (None, None), "points, columns")
    if 0 in data.shape:
        raise InputError(f"X must have at least one row and one column, not shape {data.shape}")
    return data


def start_of(theta: object, outputs: int, columns: int, what: str) -> FloatArray:
    """Starting weights in a line, (outputs * columns,); zeros for None."""
    n = outputs * columns
    if theta is None:
        return frozen(np.zeros(n))
    if ndim(theta) == 2:
        found = checked("theta", theta, (outputs, columns), f"one row per {what}, one entry per column of X")
        return frozen(found.reshape(-1))
    return checked("theta", theta, (n,), f"one entry per {what} and column of X")


def ridge_of(ridge: ArrayLike, n: int) -> FloatArray:
    """One coefficient per weight, (n,)."""
    shape = () if checked_axes("ridge", ridge) == () else (n,)
    found = frozen(np.array(np.broadcast_to(checked("ridge", ridge, shape, "a number, or one per weight"), n)))
    if (found < 0).any():
        raise InputError("ridge must be >= 0")
    return found
