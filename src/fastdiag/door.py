"""The door of every public function: NumPy's errors go by our rules behind it, and memory that runs out is told."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, Literal, ParamSpec, TypeVar

import numpy as np

from .errors import TooLargeError

_P = ParamSpec("_P")
_R = TypeVar("_R")


def door(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The same function behind the door.

    The caller's `np.seterr` governs the caller's arithmetic, not ours: underflow is silent, the rest a warning. Memory that
    runs out although enough of it was foreseen is a TooLargeError.

    Examples
    --------
    >>> with np.errstate(all="raise"):
    ...     door(lambda: np.exp(np.float64(-1e9)))()
    np.float64(0.0)
    """
    return _guarded(function, "warn")


def silent_door(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The door of a function that looks itself at what overflows."""
    return _guarded(function, "ignore")


def exact_door(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The door of a function of ints, Fractions and formulas, where NumPy's errors have no say."""

    @wraps(function)
    def guarded(*args: _P.args, **options: _P.kwargs) -> _R:
        try:
            return function(*args, **options)
        except TooLargeError:
            raise
        except MemoryError as error:
            raise TooLargeError(
                f"{getattr(function, '__name__', 'the call')} ran out of memory{f' ({error})' if str(error) else ''}; "
                "ask for less at a time, or give the process more"
            ) from error

    return guarded


def _guarded(function: Callable[_P, _R], rule: Literal["warn", "ignore"]) -> Callable[_P, _R]:
    @exact_door
    @wraps(function)
    def guarded(*args: _P.args, **options: _P.kwargs) -> _R:
        with np.errstate(divide=rule, over=rule, invalid=rule, under="ignore"):
            return function(*args, **options)

    return guarded


def outside() -> int:
    """The `stacklevel` with which a warning points at the first line above the caller that is not ours."""
    package, level, frame = __name__.partition(".")[0], 1, sys._getframe(1)
    while frame.f_back is not None and _name(frame) == package:
        frame, level = frame.f_back, level + 1
    return level


def _name(frame: Any) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]
