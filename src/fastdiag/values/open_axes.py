"""Resummed values that keep axes: which index tuples belong to an entry of the result."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..typing import FloatArray

Piece = tuple[tuple[int, ...], FloatArray, int]


def pieces(values: FloatArray, start: int, axes: tuple[int, ...], n: int, edges: int) -> Iterator[Piece]:
    """The products of tensors apart by the indices of the edges `axes`: (indices, values, first index of edge 0).

    values: (rows, n^(edges - 1)), a row for each index of edge 0 from `start`. An index of edge 0 has a row of its own; for
    another edge's, all else is 0, which the kernels pass over.
    """
    if not axes:
        yield (), values, start
        return
    axis, *rest = axes
    if axis == 0:
        for row in range(len(values)):
            for index, some, first in pieces(values[row : row + 1], start + row, tuple(rest), n, edges):
                yield (start + row, *index), some, first
        return
    shaped = values.reshape(len(values), *(n,) * (edges - 1))
    for i in range(n):
        here = (slice(None),) * axis + (i,)
        only = np.zeros_like(shaped)
        only[here] = shaped[here]
        for index, some, first in pieces(only.reshape(values.shape), start, tuple(rest), n, edges):
            yield (i, *index), some, first
