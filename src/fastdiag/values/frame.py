"""An eigenframe of eta times the Hessian, and the cumulants in it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, UnsupportedError
from ..landscapes.estimated import Estimated
from ..landscapes.landscape import Landscape, Nodes, check_symmetric, checked
from ..typing import FloatArray


class Frame:
    """Directions in which resummed edges are diagonal; the cumulants along them, each computed once."""

    __slots__ = ("_parts", "directions", "landscape", "rates")

    def __init__(self, landscape: Landscape, metric: FloatArray | None = None) -> None:
        """metric: the matrix eta^{mu nu}, or None where eta is a number that multiplies later."""
        if isinstance(landscape, Estimated):
            raise UnsupportedError(
                "resummed values are not estimated: their edges are powers of the Hessian, up to the (T-1)th, and an "
                "unbiased estimate would need as many different points; use resummed=False, or give the landscape's "
                "`.points` for the (biased) values of the points themselves"
            )
        hessian = landscape.hessian
        root = np.eye(landscape.dimension) if metric is None else np.linalg.cholesky(metric)
        symmetric = root.T @ hessian @ root
        rates, vectors = np.linalg.eigh((symmetric + symmetric.T) / 2)
        self.landscape = landscape
        self.rates: FloatArray = rates
        """Eigenvalues of eta H (of H where eta is a number), (n,)."""
        self.directions: FloatArray = root @ vectors
        """Columns V with V V^T = eta (= 1 where eta is a number), (n, n)."""
        self._parts: dict[Nodes, FloatArray] = {}

    def part(self, nodes: Nodes) -> FloatArray:
        """The landscape's joint cumulant along the directions."""
        if nodes == ((0, 1),):  # H: diagonal without rounding, so that kernels pass over the zeros
            return np.diag(self.rates)
        if nodes not in self._parts:
            self._parts[nodes] = np.ascontiguousarray(self.landscape.part(nodes, self.directions))
        return self._parts[nodes]


@lru_cache(maxsize=8)
def eigenframe(landscape: Landscape) -> Frame:
    """The frame of a landscape for a learning rate that is a number, kept for the next call."""
    return Frame(landscape)


def learning_rates(eta: ArrayLike, dimension: int) -> tuple[FloatArray, FloatArray | None]:
    """Check eta: a number or a 1-D array (many learning rates), or an (n, n) matrix. Returns (numbers, matrix)."""
    try:
        np.ndim(eta)
    except ValueError:
        raise InputError(f"eta must be a number, a 1-D array of numbers, or an (n, n) matrix, not {eta!r}") from None
    if np.ndim(eta) == 2:
        metric = checked("eta", eta, (dimension, dimension), "a matrix eta^{mu nu} over the weights")
        check_symmetric("eta", metric, [(0, 1)])
        if np.linalg.eigvalsh(metric)[0] <= 0:
            raise InputError("a matrix eta must be positive definite; its least eigenvalue is not positive")
        return np.ones(()), metric
    if np.ndim(eta) > 2:
        raise InputError("eta must be a number, a 1-D array of numbers, or an (n, n) matrix")
    numbers = checked("eta", eta, (None,) * np.ndim(eta), "learning rates")
    if numbers.size == 0:
        raise InputError("eta is empty; give at least one learning rate")
    if (numbers < 0).any():
        raise InputError(f"eta must be >= 0, not {numbers.min()}")
    return numbers, None
