"""The covariance Sigma of the gradients' noise, from the gradients of points or as a matrix."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from ..errors import TooLargeError
from ..record import Record
from ..stationary.units import exponent, shifted, within_floats
from ..typing import FloatArray
from .curvature import Curvature, blocks

DENSE_BYTES = 1 << 30


class Noise(Record, ABC):
    """Second moments of the gradients: Sigma_1 = E g g^T, or centred, Sigma = Sigma_1 - E g E g^T.

    Gradients are in units of 2^unit, Sigma in those of 4^unit: numbers here are near 1.
    """

    unit: int
    mean: FloatArray
    """E g, the gradient of the loss, (n,)."""

    @abstractmethod
    def times(self, V: FloatArray, centered: bool) -> FloatArray:
        """Sigma V, (n, m) -> (n, m)."""

    @abstractmethod
    def forms(self, V: FloatArray, centered: bool) -> FloatArray:
        """v^T Sigma v for each column, (n, m) -> (m,)."""

    @abstractmethod
    def trace_with(self, curvature: Curvature, centered: bool) -> float:
        """Tr(G Sigma)."""

    @abstractmethod
    def trace(self) -> float:
        """Tr Sigma_1."""

    @property
    @abstractmethod
    def vanishes(self) -> bool:
        """Whether every gradient is zero."""

    def matrix(self, centered: bool) -> FloatArray:
        """Sigma itself, (n, n)."""
        n = len(self.mean)
        if 8 * n * n > DENSE_BYTES:
            raise TooLargeError(
                f"the noise covariance of {n} weights is an array of {8 * n * n / 1e9:.1f} GB; use noise_operator, which "
                "multiplies by it without forming it"
            )
        full = self.times(np.eye(n), centered)
        return within_floats("the covariance", shifted((full + full.T) / 2, 2 * self.unit))


class PointNoise(Noise):
    """From the gradient of every point."""

    def __init__(
        self, weights: FloatArray, dimension: int, gradients: Callable[[slice], FloatArray], unit: int = 0
    ) -> None:
        self.weights, self.dimension, self.gradients = weights, dimension, gradients
        self._more = 0
        found = within_floats("a gradient", np.array([np.abs(self._block(rows)).max() for rows in self._blocks()]))
        self._vanishes, self._more = not found.any(), exponent(found)
        self.unit = unit + self._more
        self.mean = np.zeros(dimension)
        for rows in self._blocks():
            self.mean += weights[rows] @ self._block(rows)

    def times(self, V: FloatArray, centered: bool) -> FloatArray:
        total = np.zeros_like(V)
        for rows in self._blocks():
            block = self._block(rows, centered)
            total += block.T @ (self.weights[rows, None] * (block @ V))
        return total

    def forms(self, V: FloatArray, centered: bool) -> FloatArray:
        total = np.zeros(V.shape[1])
        for rows in self._blocks():
            total += self.weights[rows] @ (self._block(rows, centered) @ V) ** 2
        return total

    def trace_with(self, curvature: Curvature, centered: bool) -> float:
        blocks_of_forms = (
            self.weights[rows] @ curvature.forms(self._block(rows, centered).T) for rows in self._blocks()
        )
        return float(sum(blocks_of_forms))

    def trace(self) -> float:
        return float(sum(self.weights[rows] @ (self._block(rows) ** 2).sum(axis=1) for rows in self._blocks()))

    @property
    def vanishes(self) -> bool:
        return self._vanishes

    def _block(self, rows: slice, centered: bool = False) -> FloatArray:
        block = shifted(self.gradients(rows), -self._more)
        block[self.weights[rows] == 0] = 0
        return block - self.mean if centered else block

    def _blocks(self) -> list[slice]:
        return list(blocks(len(self.weights), self.dimension + len(self.weights)))


class MatrixNoise(Noise):
    """From its covariance and its mean."""

    def __init__(self, covariance: FloatArray, second: FloatArray, mean: FloatArray, unit: int) -> None:
        self.covariance, self.second, self.mean, self.unit = covariance, second, mean, unit

    def times(self, V: FloatArray, centered: bool) -> FloatArray:
        return np.asarray(self._chosen(centered) @ V)

    def forms(self, V: FloatArray, centered: bool) -> FloatArray:
        return np.asarray(np.einsum("im,im->m", V, self.times(V, centered)))

    def trace_with(self, curvature: Curvature, centered: bool) -> float:
        return float(np.trace(curvature.times(self._chosen(centered))))

    def trace(self) -> float:
        return float(np.trace(self.second))

    @property
    def vanishes(self) -> bool:
        return not self.second.any()

    def _chosen(self, centered: bool) -> FloatArray:
        return self.covariance if centered else self.second
