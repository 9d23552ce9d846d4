"""Overflow, told in one way by all that computes in floats."""

from __future__ import annotations

import warnings
from typing import TypeVar

import numpy as np

from ..door import outside

Value = TypeVar("Value")


def told(what: str, value: Value, why: str = "") -> Value:
    """The value, with a RuntimeWarning at the user's line if it is not finite: an infinity, or nan from infinities."""
    if not np.isfinite(np.asarray(value, np.float64)).all():
        warnings.warn(
            f"{what} overflows: eta, T or the data are far too large for it{why}", RuntimeWarning, stacklevel=outside()
        )
    return value
