"""A loss given by directional derivatives, at one set of weights: contractions along the path."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..locks import cached_property
from ..typing import FloatArray
from .averaged import Averaged
from .local import Numbers, PointTensors
from .point_derivatives import PointDerivatives

NOTHING = 1e-15  # of a covariance's largest eigenvalue: a direction in which nothing is known


class DirectionalLocal(PointTensors):
    """Contractions with vectors and covariances by directional derivatives; tensors, for few weights, entry by entry.

    A covariance S is taken along its eigenvectors: of r that are not 0, J:S takes r third derivatives.
    """

    def __init__(self, derivatives: PointDerivatives, theta: FloatArray, weights: FloatArray) -> None:
        super().__init__(weights, len(theta))
        self.derivatives, self.theta, self.every = derivatives, theta, np.arange(len(weights))

    def tensor(self, degree: int) -> FloatArray:
        from .directional import point_tensors

        if degree == 0:
            return self.derivatives.losses(self.theta, self.every)
        if degree == 1:
            return self._slopes
        return point_tensors(self.derivatives, self.theta, self.every, degree, None)

    def mean(self, degree: int) -> Numbers:
        if degree < 2:
            return super().mean(degree)
        if degree not in self._means:
            from .directional import mean_tensor

            every = self.derivatives, self.theta, self.every, self.weights
            self._means[degree] = mean_tensor(*every, degree, np.eye(self.dimension))
        return self._means[degree]

    @cached_property
    def _slopes(self) -> FloatArray:
        return self.derivatives.each(self.theta, self.every)

    @cached_property
    def gradients(self) -> FloatArray:
        return np.asarray(self._slopes - self.mean(1))

    @cached_property
    def covariance(self) -> FloatArray:
        return self.paired(self.gradients)

    def pulled(self, vectors: Numbers) -> FloatArray:
        return self.derivatives.mean(self.theta, self.every, self.weights, [np.ascontiguousarray(vectors)])

    def curved(self, vectors: Numbers) -> FloatArray:
        return self.derivatives.means(self.theta, self.every, self.weights, [vectors])

    def third(self, S: Numbers) -> FloatArray:
        return self.third_along(*_spectrum(S))

    def third_along(self, sizes: FloatArray, vectors: FloatArray) -> FloatArray:
        if not len(sizes):
            return np.zeros(self.dimension)
        return np.asarray(sizes @ self.derivatives.means(self.theta, self.every, self.weights, [vectors, vectors]))

    def thirds(self, S: Numbers) -> FloatArray:
        total = np.zeros((len(self.weights), self.dimension))
        for size, vector in zip(*_spectrum(S), strict=True):
            total += size * self.derivatives.each(self.theta, self.every, [vector, vector])
        return np.asarray(total - self.weights @ total)

    def averaged(self, S: Numbers) -> Averaged:
        raise UnsupportedError(
            "averages over Gaussian weights are not known of a loss that is given by its derivatives; give noise= alone"
        )


def _spectrum(S: Numbers) -> tuple[Any, Any]:
    """Eigenvalues and eigenvectors, as rows, of a symmetric matrix, less those that are 0."""
    sizes, vectors = np.linalg.eigh((S + S.T) / 2)
    kept = np.abs(sizes) > NOTHING * np.abs(sizes).max(initial=0.0)
    return sizes[kept], np.ascontiguousarray(vectors.T[kept])
