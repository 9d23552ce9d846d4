"""The covariance Sigma of the gradients' noise, from the gradients of points or as a matrix."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from ..errors import TooLargeError
from ..record import Record
from ..typing import FloatArray
from .curvature import Curvature, blocks

DENSE_BYTES = 1 << 30


class Noise(Record, ABC):
    """Second moments of the gradients: Sigma_1 = E g g^T, or centred, Sigma = Sigma_1 - E g E g^T."""

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

    @property
    @abstractmethod
    def vanishes(self) -> bool:
        """Whether every gradient is zero."""

    def matrix(self, centered: bool) -> FloatArray:
        """Sigma, (n, n)."""
        n = len(self.mean)
        if 8 * n * n > DENSE_BYTES:
            raise TooLargeError(
                f"the noise covariance of {n} weights is an array of {8 * n * n / 1e9:.1f} GB; use noise_operator, which "
                "multiplies by it without forming it"
            )
        full = self.times(np.eye(n), centered)
        return np.asarray((full + full.T) / 2)


class PointNoise(Noise):
    """From the gradient of every point."""

    def __init__(self, weights: FloatArray, dimension: int, gradients: Callable[[slice], FloatArray]) -> None:
        self.weights, self.dimension, self.gradients = weights, dimension, gradients
        self.mean = np.zeros(dimension)
        self._largest = 0.0
        for rows in self._blocks():
            block = gradients(rows)
            self.mean += weights[rows] @ block
            self._largest = max(self._largest, float(np.abs(block[weights[rows] > 0]).max(initial=0.0)))

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

    @property
    def vanishes(self) -> bool:
        return self._largest == 0

    def _block(self, rows: slice, centered: bool) -> FloatArray:
        block = self.gradients(rows)
        return block - self.mean if centered else block

    def _blocks(self) -> list[slice]:
        return list(blocks(len(self.weights), self.dimension + len(self.weights)))


class MatrixNoise(Noise):
    """From its covariance and its mean."""

    def __init__(self, covariance: FloatArray, second: FloatArray, mean: FloatArray) -> None:
        self.covariance, self.second, self.mean = covariance, second, mean

    def times(self, V: FloatArray, centered: bool) -> FloatArray:
        return np.asarray(self._chosen(centered) @ V)

    def forms(self, V: FloatArray, centered: bool) -> FloatArray:
        return np.asarray(np.einsum("im,im->m", V, self.times(V, centered)))

    def trace_with(self, curvature: Curvature, centered: bool) -> float:
        return float(np.trace(curvature.times(self._chosen(centered))))

    @property
    def vanishes(self) -> bool:
        return not self.second.any()

    def _chosen(self, centered: bool) -> FloatArray:
        return self.covariance if centered else self.second
