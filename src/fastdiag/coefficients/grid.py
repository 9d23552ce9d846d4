"""N, B, T, E given as arrays: which spacetimes, and which numbers of updates in each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..spacetime import Spacetime
from ..typing import Sampling


@dataclass(frozen=True, slots=True)
class Grid:
    """Spacetimes that N, B, T, E broadcast to."""

    shape: tuple[int, ...]
    groups: dict[tuple[Any, Any], tuple[list[int], list[int]]]
    """(N, B) -> places in the flattened shape, and the number of updates at each."""
    sampling: Sampling

    @property
    def size(self) -> int:
        """How many there are."""
        return prod(self.shape)

    @classmethod
    def of(cls, sampling: Sampling, N: ArrayLike, B: ArrayLike, T: ArrayLike | None, E: ArrayLike | None) -> Grid:
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
        places: dict[tuple[Any, Any, Any], list[int]] = {}
        flat = (np.broadcast_to(array, shape).ravel().tolist() for array in arrays)
        for place, key in enumerate(zip(*flat, strict=True)):
            places.setdefault(key, []).append(place)
        groups: dict[tuple[Any, Any], tuple[list[int], list[int]]] = {}
        checked: dict[tuple[Any, Any], Spacetime] = {}
        for (points, batch, time), where in places.items():
            if E is None and (points, batch) in checked and type(time) is int and time > 0:
                updates = time
            else:
                spacetime = Spacetime(points, batch, *((time,) if E is None else (None, time)), sampling=sampling)
                checked[points, batch] = spacetime
                updates = spacetime.finite("T")
            known = groups.setdefault((points, batch), ([], []))
            known[0].extend(where)
            known[1].extend([updates] * len(where))
        return cls(shape, groups, sampling)

    def columns(self) -> Iterator[tuple[Spacetime, list[int], list[int]]]:
        """A spacetime of finite N, its places, and the number of updates at each."""
        for (N, B), (places, updates) in self.groups.items():
            if inf == N:  # fresh data: one epoch that is long enough
                one_epoch: Sampling = "cyclic" if self.sampling == "cyclic" else "reshuffle"
                yield Spacetime(max(updates) * B, B, max(updates), sampling=one_epoch), places, updates
            else:
                yield Spacetime(N, B, max(updates), sampling=self.sampling), places, updates


def _array(name: str, value: Any) -> Any:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise InputError(f"{name} must be a number or an array of numbers: {error}") from None
    if array.dtype.kind not in "iufO":
        raise InputError(f"{name} must be a number or an array of numbers, not {value!r}")
    return array
