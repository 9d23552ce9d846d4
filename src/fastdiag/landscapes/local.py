"""What an expansion about a path asks of a landscape at one set of weights: contractions with what the path carries."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ..locks import cached_property
from .averaged import Averaged

Numbers: TypeAlias = npt.NDArray[Any]
"""Floats, or Fractions in an array of objects."""


class Local(ABC):
    """A loss and its data points seen from one set of weights.

    Of a vector field v_x, which stands for a gradient, axes come in the order of its entries first, then of derivatives.
    l = E l_x, G and H are its first derivatives, J, Q, R its third to fifth, h_x the Hessian of one point and
    xi_x = grad l_x - G. Vectors for each point are (S, n). Arrays of n^3 numbers are formed by the last three alone, and by
    `tensor` and `mean`.
    """

    weights: Numbers
    """Probabilities of the points, (S,); negative ones do where only means are asked for."""

    def averaging(self, tensors: int) -> Local:
        """The same with points so many tensors of which stand in one mean that is right."""
        return self

    @property
    def most_together(self) -> int:
        """How many places along a path are worth being worked out at once, see `work_out`."""
        return 1

    def work_out(self, places: Sequence[Any]) -> None:  # noqa: B027, most have no faster way
        """Hessian and covariance of other places of the same landscape, by fewer and larger products than one by one."""

    @abstractmethod
    def tensor(self, degree: int) -> Numbers:
        """grad^degree l_x of every point, (S,) + (n,) * degree."""

    @abstractmethod
    def mean(self, degree: int) -> Numbers:
        """grad^degree l."""

    @property
    @abstractmethod
    def loss(self) -> Any:
        """l."""

    @property
    @abstractmethod
    def gradient(self) -> Numbers:
        """G, (n,)."""

    @property
    @abstractmethod
    def hessian(self) -> Numbers:
        """H, (n, n)."""

    @property
    @abstractmethod
    def gradients(self) -> Numbers:
        """xi_x, (S, n)."""

    @property
    def covariance(self) -> Numbers:
        """C = E[xi xi], (n, n)."""
        return self.paired(self.gradients)

    def paired(self, vectors: Numbers) -> Numbers:
        """E[v_x xi_x] for vectors (S, m): (m, n)."""
        return np.asarray((self.weights[:, None] * vectors).T @ self.gradients)

    @abstractmethod
    def pulled(self, vectors: Numbers) -> Numbers:
        """E[h_x v_x], (n,), of vectors whose mean is 0."""

    @property
    @abstractmethod
    def hessians(self) -> Numbers:
        """h_x - H, (S, n, n)."""

    @abstractmethod
    def thirds(self, S: Numbers) -> Numbers:
        """What J_x:S of a point is more than J:S, (S, n)."""

    @abstractmethod
    def third(self, S: Numbers) -> Numbers:
        """J_abc S_bc of a symmetric matrix, (n,)."""

    def third_along(self, sizes: Numbers, rows: Numbers) -> Numbers:
        """J:S of S = sum of sizes (r,) times the squares of rows (r, n)."""
        return self.third((rows.T * sizes) @ rows)

    def curved(self, vectors: Numbers) -> Numbers:
        """H v of many vectors, (r, n)."""
        return np.asarray(vectors @ self.hessian.T)

    @abstractmethod
    def fourth(self, S: Numbers) -> Numbers:
        """Q_abcd S_cd, (n, n)."""

    @abstractmethod
    def fourth_of(self, k: Numbers) -> Numbers:
        """Q_abcd k_bcd of a tensor that is symmetric in its first two axes, (n,)."""

    def fourths_of(self, several: Sequence[Numbers]) -> list[Numbers]:
        """The same of several."""
        return [self.fourth_of(k) for k in several]

    @abstractmethod
    def fifth(self, S: Numbers) -> Numbers:
        """R_abcde S_bc S_de, (n,)."""

    @abstractmethod
    def covariance_over(self, S: Numbers) -> Numbers:
        """The second derivative of C, contracted: C_ab,cd S_cd, (n, n)."""

    @abstractmethod
    def averaged(self, S: Numbers) -> Averaged:
        """Averages over Gaussian weights about here, of covariance S."""

    @property
    @abstractmethod
    def third_tensor(self) -> Numbers:
        """J, (n, n, n)."""

    @property
    @abstractmethod
    def tilted(self) -> Numbers:
        """E[xi_a h_bc], (n, n, n)."""

    @property
    def covariance_slope(self) -> Numbers:
        """C_ab,c, (n, n, n)."""
        tilted = self.tilted
        return np.asarray(tilted + tilted.swapaxes(0, 1))

    @property
    def skew(self) -> Numbers:
        """E[xi xi xi], (n, n, n)."""
        xi = self.gradients
        pairs = self.weights[:, None, None] * xi[:, :, None] * xi[:, None, :]
        return np.asarray(np.tensordot(pairs, xi, ((0,), (0,))))


class PointTensors(Local):
    """The same from the derivative tensors of every point, an array for each degree."""

    def __init__(self, weights: Numbers, dimension: int) -> None:
        self.weights, self.dimension = weights, dimension
        self._means: dict[int, Numbers] = {}

    def mean(self, degree: int) -> Numbers:
        if degree not in self._means:
            self._means[degree] = np.asarray(np.tensordot(self.weights, self.tensor(degree), 1))
        return self._means[degree]

    @property
    def loss(self) -> Any:
        return self.mean(0)[()]

    @property
    def gradient(self) -> Numbers:
        return self.mean(1)

    @property
    def hessian(self) -> Numbers:
        return self.mean(2)

    @cached_property
    def gradients(self) -> Numbers:
        return np.asarray(self.tensor(1) - self.mean(1))

    def pulled(self, vectors: Numbers) -> Numbers:
        return np.asarray(np.einsum("xab,xb->a", self.tensor(2), self.weights[:, None] * vectors))

    @property
    def hessians(self) -> Numbers:
        return np.asarray(self.tensor(2) - self.mean(2))

    def thirds(self, S: Numbers) -> Numbers:
        return np.asarray(np.tensordot(self.tensor(3) - self.mean(3), S, 2))

    def third(self, S: Numbers) -> Numbers:
        return np.asarray(np.tensordot(self.mean(3), S, 2))

    def fourth(self, S: Numbers) -> Numbers:
        return np.asarray(np.tensordot(self.mean(4), S, 2))

    def fourth_of(self, k: Numbers) -> Numbers:
        return np.asarray(np.tensordot(self.mean(4), k, 3))

    def fifth(self, S: Numbers) -> Numbers:
        return np.asarray(np.tensordot(np.tensordot(self.mean(5), S, 2), S, 2))

    def covariance_over(self, S: Numbers) -> Numbers:
        bent = self.paired(np.tensordot(self.tensor(3), S, 2))
        curved = self.tensor(2) - self.mean(2)
        both = np.einsum("xab,xbc->ac", self.weights[:, None, None] * curved, np.tensordot(curved, S, 1).swapaxes(1, 2))
        return np.asarray(bent + bent.T + 2 * both)

    @property
    def third_tensor(self) -> Numbers:
        return self.mean(3)

    @property
    def tilted(self) -> Numbers:
        weighted = self.weights[:, None, None] * self.tensor(2)
        return np.asarray(np.tensordot(self.gradients, weighted, ((0,), (0,))))
