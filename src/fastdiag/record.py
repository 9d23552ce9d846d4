"""What the objects that we hand out have in common: they pickle, copy, and compare in one bool."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from . import markup


class Portable:
    """An object that pickles under every protocol, its SymPy expressions too, which know only those from 2 on."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return (pickle.loads, (pickle.dumps(self, 2),)) if protocol < 2 else super().__reduce_ex__(protocol)

    def _repr_html_(self) -> str | None:
        """What notebooks show."""
        return markup.fields(self) if dataclasses.is_dataclass(self) else markup.html_table(repr(self), (), ())


class Record(Portable):
    """Equal if of one type and equal in every field, arrays by shape and entries, nan to nan.

    The hash takes names and counts only: what it reads of an object never changes.
    """

    __slots__ = ()

    def _values(self) -> tuple[Any, ...]:
        """What makes it what it is."""
        if hasattr(self, "__dataclass_fields__"):
            return tuple(getattr(self, field.name) for field in dataclasses.fields(cast(Any, self)))
        return tuple(value for _, value in sorted(vars(self).items()))

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return same(self._values(), other._values())

    def __hash__(self) -> int:
        return hash((type(self).__name__, *(value for value in self._values() if isinstance(value, str | int))))


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array, which nobody can write to from now on."""
    array.flags.writeable = False
    return array


def same(a: Any, b: Any) -> bool:
    """Whether two values are equal, in one bool: arrays by shape and entries, nan to nan.

    Examples
    --------
    >>> same(np.array([1.0, np.nan]), np.array([1.0, np.nan])), same([np.zeros(2)], [np.zeros(3)])
    (True, False)
    """
    if a is b:
        return True
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        if a.shape != b.shape:
            return False
        if a.dtype.kind in "biufc" and b.dtype.kind in "biufc":
            return bool(np.array_equal(a, b, equal_nan=True))
        return all(map(same, a.ravel().tolist(), b.ravel().tolist()))
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return False
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b) or bool(isinstance(a, float) and isinstance(b, float) and a != a and b != b)
