"""The curvature matrix G (or the Hessian H) as something that multiplies: dense, of low rank, or an operator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..arguments import array
from ..errors import InputError
from ..record import Record
from ..stationary.units import common, exponent, shifted
from ..typing import FloatArray

BLOCK_BYTES = 1 << 26  # arrays over points or directions are formed this much at a time


class Curvature(Record, ABC):
    """A symmetric (n, n) matrix, known by its products, all in units of 2^unit: numbers here are near 1."""

    dimension: int
    unit: int
    scale: float
    """About its norm: curvatures below 1e-14 of this are rounding."""

    @abstractmethod
    def times(self, V: FloatArray) -> FloatArray:
        """G V, (n, m) -> (n, m)."""

    @abstractmethod
    def squared_norm(self) -> float:
        """|G|_F^2, the sum of the squared eigenvalues."""

    @abstractmethod
    def trace(self) -> float:
        """Tr G."""

    def forms(self, V: FloatArray) -> FloatArray:
        """v^T G v for each column, (n, m) -> (m,)."""
        return np.asarray(np.einsum("im,im->m", V, self.times(V)))


class Dense(Curvature):
    """A matrix."""

    def __init__(self, matrix: FloatArray, unit: int = 0) -> None:
        more = exponent(matrix)
        self.matrix, self.dimension, self.unit = shifted(matrix, -more), len(matrix), unit + more
        self.scale = float(np.linalg.norm(self.matrix))

    def times(self, V: FloatArray) -> FloatArray:
        return np.asarray(self.matrix @ V)

    def squared_norm(self) -> float:
        return self.scale**2

    def trace(self) -> float:
        return float(np.trace(self.matrix))


class Factored(Curvature):
    """A^T diag(c) A + diag(d) with fewer rows than columns: no (n, n) array is ever formed."""

    def __init__(self, c: FloatArray, A: FloatArray, d: FloatArray, unit: int) -> None:
        self.c, self.A, self.d, self.dimension, self.unit = c, A, d, A.shape[1], unit
        self.scale = float(np.abs(c) @ np.einsum("ij,ij->i", A, A) + np.abs(d).sum())

    def times(self, V: FloatArray) -> FloatArray:
        return np.asarray(self.A.T @ (self.c[:, None] * (self.A @ V)) + self.d[:, None] * V)

    def forms(self, V: FloatArray) -> FloatArray:
        return np.asarray(self.c @ (self.A @ V) ** 2 + self.d @ V**2)

    def trace(self) -> float:
        return float(self.c @ np.einsum("ij,ij->i", self.A, self.A) + self.d.sum())

    def squared_norm(self) -> float:
        total = float(self.d @ self.d)
        for rows in blocks(len(self.c), len(self.c) + self.dimension):
            gram = self.A[rows] @ self.A.T  # the dual form: inner products of rows
            total += float(self.c[rows] @ (gram**2 @ self.c + 2 * (self.A[rows] ** 2 @ self.d)))
        return total


class Operator(Curvature):
    """A scipy LinearOperator; its norm takes n products."""

    def __init__(self, operator: Any) -> None:
        self.operator, self.dimension, self.unit = operator, int(operator.shape[0]), 0
        probe = np.random.default_rng(0).standard_normal(self.dimension)  # E |G z|^2 = |G|_F^2
        product = self.times(probe[:, None])
        self.unit = exponent(product)
        self.scale = float(np.linalg.norm(shifted(product, -self.unit)))

    def times(self, V: FloatArray) -> FloatArray:
        try:
            product = self.operator.matmat(V)
        except Exception as error:  # whatever it raises
            raise InputError(f"the Hessian's matmat failed: {type(error).__name__}: {error}") from error
        return shifted(array("the Hessian's product", product, V.shape, "like what it multiplied"), -self.unit)

    def squared_norm(self) -> float:
        return sum(float((product**2).sum()) for _, product in self._columns())

    def trace(self) -> float:
        return sum(float(np.trace(product[columns])) for columns, product in self._columns())

    def _columns(self) -> Iterator[tuple[slice, FloatArray]]:
        """Its columns, some at a time."""
        for columns in blocks(self.dimension, self.dimension):
            basis = np.zeros((self.dimension, columns.stop - columns.start))
            basis[np.arange(columns.start, columns.stop), np.arange(basis.shape[1])] = 1
            yield columns, self.times(basis)


def factored(c: FloatArray, A: FloatArray, d: FloatArray, unit: int = 0) -> Curvature:
    """(A^T diag(c) A + diag(d)) 2^unit, as a matrix where that is the smaller."""
    a = exponent(A)
    if a:
        A = shifted(A, -a)
    most = common((c * A.any(), 2 * a), (d, 0))
    c, d = shifted(c, 2 * a - most), shifted(d, -most)
    if A.shape[1] <= A.shape[0]:
        return Dense(A.T @ (c[:, None] * A) + np.diag(d), unit + most)
    return Factored(c, A, d, unit + most)


def blocks(count: int, width: int) -> Iterator[slice]:
    """0..count-1 in runs, such that a run's rows of `width` numbers fill a block."""
    step = max(1, BLOCK_BYTES // (8 * max(width, 1)))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))
