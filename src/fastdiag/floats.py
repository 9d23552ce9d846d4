"""Floating-point errors inside our own work: the caller's `np.seterr` governs the caller's arithmetic, not ours."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def by_our_rules(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Run under NumPy's defaults: harmless underflow is silent, the rest a warning, whatever the caller has set.

    Examples
    --------
    >>> with np.errstate(all="raise"):
    ...     by_our_rules(lambda: np.exp(np.float64(-1e9)))()
    np.float64(0.0)
    """

    @wraps(function)
    def governed(*args: _Parameters.args, **options: _Parameters.kwargs) -> _Result:
        with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
            return function(*args, **options)

    return governed
