"""Overflow, told in one way by all that computes in floats."""

from __future__ import annotations

import warnings
from typing import TypeVar

import numpy as np

Value = TypeVar("Value")


def told(what: str, value: Value, why: str = "", stacklevel: int = 3) -> Value:
    """The value, with a RuntimeWarning if it is not finite: an infinity, or nan where infinities were subtracted.

    stacklevel: 2 warns at the caller, 3 at its caller.
    """
    if not np.isfinite(np.asarray(value, np.float64)).all():
        warnings.warn(
            f"{what} overflows: eta, T or the data are far too large for it{why}", RuntimeWarning, stacklevel=stacklevel
        )
    return value
