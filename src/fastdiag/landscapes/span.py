"""Linear models of more weights than points: a run never leaves the span of the points' rows and of its start."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..typing import FloatArray
from .landscape import Landscape
from .linear_model import LinearModel
from .logistic import Logistic

MANY = 96  # weights from which on it is worth it


class Span(NamedTuple):
    """A linear model as one of fewer weights: but for the ridge, all tensors lie in a subspace."""

    landscape: LinearModel | Logistic
    """The same loss of components along the basis."""
    basis: FloatArray
    """Of the columns of X, (d, r), orthonormal."""

    def lifted(self, values: FloatArray, axes: int) -> FloatArray:
        """The last axes, from components along the basis to the weights' own."""
        for axis in range(-axes, 0):
            found = np.moveaxis(values, axis, -1)
            apart = found.reshape(*found.shape[:-1], -1, self.basis.shape[1]) @ self.basis.T
            values = np.moveaxis(apart.reshape(*found.shape[:-1], -1), -1, axis)
        return values


@lru_cache(maxsize=8)
def span_of(landscape: Landscape) -> Span | None:
    """The span of a linear model's points, where it is small; kept for the next call.

    Columns of one ridge are turned among each other. What is orthogonal to all points and to the start stays at 0.
    """
    if not isinstance(landscape, LinearModel | Logistic) or landscape.dimension < MANY or landscape.is_far:
        return None
    X = landscape.X
    start, ridges = (array.reshape(-1, X.shape[1]) for array in (landscape.theta, landscape.ridge))
    rows = np.vstack([X, start])
    rows = rows[rows.any(axis=1)]
    kinds, kind_of = np.unique(ridges, axis=1, return_inverse=True)
    groups = [np.flatnonzero(kind_of.ravel() == kind) for kind in range(kinds.shape[1])]
    sizes = [min(len(columns), len(rows)) for columns in groups]
    if 2 * sum(sizes) > X.shape[1]:
        return None
    basis, place = np.zeros((X.shape[1], sum(sizes))), 0
    for columns, size in zip(groups, sizes, strict=True):
        block = np.eye(size) if size == len(columns) else np.linalg.qr(rows[:, columns].T)[0]
        basis[columns, place : place + size] = block
        place += size
    return Span(landscape.along(basis, np.repeat(kinds, sizes, axis=1).ravel()), basis)
