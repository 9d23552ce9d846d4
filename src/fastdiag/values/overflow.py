"""Overflow, told in one way by all that computes in floats."""

from __future__ import annotations

import sys
import warnings
from typing import TypeVar

import numpy as np

Value = TypeVar("Value")


def told(what: str, value: Value, why: str = "") -> Value:
    """The value, with a RuntimeWarning at the user's line if it is not finite: an infinity, or nan from infinities."""
    if not np.isfinite(np.asarray(value, np.float64)).all():
        warnings.warn(
            f"{what} overflows: eta, T or the data are far too large for it{why}", RuntimeWarning, stacklevel=_outside()
        )
    return value


def _outside() -> int:
    """How many frames above `told` the first one is that is not ours."""
    package, level, frame = __name__.partition(".")[0], 1, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == package:
        frame, level = frame.f_back, level + 1
    return level
