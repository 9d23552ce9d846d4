"""Resummed values that keep axes: which index tuples belong to an entry of the result."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from ..typing import FloatArray

Piece = tuple[tuple[int, ...], FloatArray, int]


def pieces(values: FloatArray, start: int, axes: tuple[int, ...], n: int, edges: int) -> Iterator[Piece]:
    """The products of tensors apart by the indices of the edges `axes`: (indices, values, first index of edge 0).

    values: (rows, n^(edges - 1)), a row for each index of edge 0 from `start`. An index of edge 0 has a row of its own; for
    another edge's, all else is 0, which the kernels pass over.
    """
    shaped = values.reshape(len(values), *(n,) * (edges - 1))
    for index in product(*(range(len(values) if axis == 0 else n) for axis in axes)):
        at = dict(zip(axes, index, strict=True))
        first = at.get(0, 0)
        rows = shaped[first : first + 1] if 0 in at else shaped
        if set(at) - {0}:
            here = (slice(None), *(at.get(axis, slice(None)) for axis in range(1, edges)))
            only = np.zeros_like(rows)
            only[here] = rows[here]
            rows = only
        places = tuple(start + i if axis == 0 else i for axis, i in at.items())
        yield places, rows.reshape(len(rows), -1), start + first
