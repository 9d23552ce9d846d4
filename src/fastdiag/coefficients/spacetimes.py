"""N, B, T, E given as arrays: which spacetimes, and which numbers of updates in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf, prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import own, refuse_mask, shown
from ..diagram import Diagram
from ..errors import InputError, TooLargeError
from ..spacetime import Spacetime
from ..typing import Basis, IntArray, Last, Sampling
from .coefficient import coefficient

MOST_POINTS = 100_000_000


@dataclass(frozen=True, slots=True)
class Spacetimes:
    """Spacetimes that N, B, T, E broadcast to."""

    shape: tuple[int, ...]
    groups: dict[tuple[Any, Any], tuple[IntArray, list[int]]]
    """(N, B) -> places in the flattened shape, and the number of updates at each."""
    sampling: Sampling
    last: Last | None

    @property
    def size(self) -> int:
        """How many there are."""
        return prod(self.shape)

    @classmethod
    def of(
        cls, sampling: Sampling, N: ArrayLike, B: ArrayLike, T: ArrayLike | None, E: ArrayLike | None,
        last: Last | None = None,
    ) -> Spacetimes:
        """Checked.

        Raises
        ------
        InputError : neither or both of T and E, shapes that do not broadcast, or what no Spacetime can be
        """
        if (T is None) == (E is None):
            raise InputError("give either the number of updates T, or of epochs E")
        arrays = [_array(name, x) for name, x in (("N", N), ("B", B), ("T or E", T if E is None else E))]
        try:
            shape = np.broadcast_shapes(*(array.shape for array in arrays))
        except ValueError:
            shapes = ", ".join(str(array.shape) for array in arrays)
            raise InputError(f"N, B and T or E have shapes {shapes}, which do not broadcast") from None
        if (size := prod(shape)) > MOST_POINTS:
            raise TooLargeError(f"N, B and T or E broadcast to {size:,} points; the limit is {MOST_POINTS:,}")
        points, batches, times = (np.broadcast_to(array, shape).ravel() for array in arrays)
        groups: dict[tuple[Any, Any], tuple[IntArray, list[int]]] = {}
        for pair, places in _alike(arrays[0], arrays[1], points, batches).items():
            here = times[places].tolist()
            whole = E is None and times.dtype.kind in "iu"  # then the least one tells whether all are right
            known = {
                t: Spacetime(*pair, t if E is None else None, t if T is None else None, sampling, last).finite("T")
                for t in ({min(here)} if whole else set(here))
            }
            groups[pair] = places, here if whole else [known[t] for t in here]
        return cls(shape, groups, sampling, last)

    def columns(self) -> Iterator[tuple[Spacetime, IntArray, list[int]]]:
        """A spacetime of finite N, its places, and the number of updates at each."""
        for (N, B), (places, updates) in self.groups.items():
            if inf == N:  # fresh data: one epoch that is long enough
                one_epoch: Sampling = "cyclic" if self.sampling == "cyclic" else "reshuffle"
                yield Spacetime(max(updates) * int(B), B, max(updates), sampling=one_epoch), places, updates
            else:
                yield Spacetime(N, B, max(updates), sampling=self.sampling, last=self.last), places, updates


MOST_SUMMED = 20_000  # coefficients with a smaller last batch: a minute at order 3


def one_by_one(diagrams: Sequence[Diagram], spacetime: Spacetime, updates: Sequence[int], basis: Basis, exact: bool) -> Any:
    """Coefficients where the last batch is smaller, (diagrams, updates): patterns are of batches of one size.

    Raises
    ------
    TooLargeError : too many to be summed up one by one
    """
    if (many := len(diagrams) * len(set(updates))) > MOST_SUMMED:
        raise TooLargeError(
            f"with a smaller last batch coefficients are summed up one by one, and these are {many:,}, more than "
            f"{MOST_SUMMED:,}; ask for fewer rows or updates at a time, or for last='drop'"
        )
    known = {T: spacetime.with_updates(T) for T in set(updates)}
    found = np.empty((len(diagrams), len(updates)), object)
    for row, diagram in zip(found, diagrams, strict=True):
        values = {T: coefficient(diagram, st, basis) for T, st in known.items()}
        row[:] = [values[T] for T in updates]
    return found if exact else found.astype(np.float64)


def _alike(N: Any, B: Any, points: Any, batches: Any) -> dict[tuple[Any, Any], IntArray]:
    """The places of each pair (N, B)."""
    if N.size == B.size == 1:
        return {(N.ravel().tolist()[0], B.ravel().tolist()[0]): np.arange(len(points))} if len(points) else {}
    places: dict[tuple[Any, Any], list[int]] = {}
    for place, pair in enumerate(zip(points.tolist(), batches.tolist(), strict=True)):
        places.setdefault(pair, []).append(place)
    return {pair: np.array(found) for pair, found in places.items()}


def _array(name: str, value: Any) -> Any:
    """Of NumPy's integers, or an object array of Python's own numbers: none is rounded."""
    refuse_mask(name, value)
    try:
        array = np.asarray(value)
        if isinstance(value, list | tuple):  # NumPy rounds large ints beside floats, and counts True as 1
            array = np.array(value, object)
    except Exception as error:  # of NumPy, or another library's container
        raise InputError(f"{name} must be a number or an array of numbers: {error}") from None
    if array.dtype.kind in "iu":
        return array
    entries = [own(x) for x in array.flat]
    if not all(isinstance(x, int | Fraction | float) and not isinstance(x, bool) for x in entries):
        raise InputError(f"{name} must be a number or an array of numbers, not {shown(value)}")
    fits = all(type(x) is int and abs(x) < 2**63 for x in entries)
    found = np.empty(array.size, np.int64 if fits else object)
    found[:] = entries
    return found.reshape(array.shape)
