"""Resummed values that keep axes: which index tuples belong to an entry of the result."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from ..typing import FloatArray

Piece = tuple[tuple[int, ...], FloatArray, int]


def pieces(values: FloatArray, start: int, axes: tuple[int, ...], n: int, edges: int) -> Iterator[Piece]:
    """The products of tensors apart by the indices of the edges `axes`: (indices, values, first index of edge 0).

    values: (rows, n^(edges - 1)), a row for each index of edge 0 from `start`; axes ascend. An index of edge 0 has a row of
    its own; for another edge's, all else is 0, which the kernels pass over.
    """
    shaped = values.reshape(len(values), *(n,) * (edges - 1))
    others = [axis for axis in axes if axis]
    here: list[Any] = [slice(None)] * edges
    for row in range(len(values)) if 0 in axes else [None]:
        rows, first = (shaped, start) if row is None else (shaped[row : row + 1], start + row)
        for index in product(range(n), repeat=len(others)):
            some = rows
            if others:
                for axis, i in zip(others, index, strict=True):
                    here[axis] = i
                some = np.zeros_like(rows)
                some[tuple(here)] = rows[tuple(here)]
            yield index if row is None else (first, *index), some.reshape(len(rows), -1), first
