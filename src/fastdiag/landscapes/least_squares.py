"""Least squares: losses that are parabolas, of one target or of several."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import ndim
from ..door import door
from ..errors import InputError
from ..numerals import counted
from ..typing import FloatArray
from .averaged import Averaged
from .inputs import point_rows, ridge_of, start_of
from .landscape import checked, checked_weights
from .linear_model import LinearModel
from .local_linear_model import LinearModelLocal


class LeastSquares(LinearModel):
    """Linear regression on given data; see `least_squares`."""

    @staticmethod
    def loss_slopes(degree: int, u: FloatArray, y: Any) -> FloatArray:
        points, m = u.shape
        if degree == 0:
            return np.asarray(((u - y) ** 2).sum(axis=1) / 2)
        if degree == 1:
            return np.asarray(u - y)
        constant = np.eye(m) if degree == 2 else np.zeros((m,) * degree)
        return np.broadcast_to(constant, (points, *constant.shape))

    def local(self, theta: FloatArray) -> LeastSquaresLocal:
        return LeastSquaresLocal(self, theta)

    def hessian_factors(self) -> tuple[FloatArray, FloatArray, FloatArray] | None:
        return (self.weights, self.X, self.ridge) if self.outputs == 1 else None

    def __repr__(self) -> str:
        return f"<least squares landscape: {counted(len(self.weights), 'point')}, {counted(self.dimension, 'weight')}>"


class LeastSquaresLocal(LinearModelLocal):
    """The same at one set of weights: averages over Gaussian weights end at the second derivative."""

    def averaged(self, S: FloatArray) -> Averaged:
        H, V = self.hessian, self.variances(S)
        loss = self.loss + float(self.weights @ np.trace(V, axis1=1, axis2=2) + self.ridge @ np.diag(S)) / 2
        spread = self.covariance + self._squared(V) - self._curvature @ S @ self._curvature
        return Averaged(loss, self.gradient, H, spread)


@door
def least_squares(
    X: object, y: object, theta: object | None = None, ridge: ArrayLike = 0.0, weights: object | None = None
) -> LeastSquares:
    """Linear regression: l_x = |x . theta - y|^2 / 2 + (ridge/2) |theta|^2.

    Parameters
    ----------
    X : (S, d) one row per data point, an array or a DataFrame (`with_bias` adds a column of ones); the points *are* the
        distribution
    y : (S,) targets, or (S, m) several to a point, each with weights of its own
    theta : (d,), or (m, d), or all n = m d in a line: starting weights theta_0; zeros by default
    ridge : coefficient >= 0 of |theta|^2 / 2: a number, or (n,) one per weight
    weights : (S,) probabilities of the points, normalised here; uniform by default

    Returns
    -------
    LeastSquares; derivatives above the second are 0

    Raises
    ------
    InputError : wrong shapes (saying which was expected), not finite, a negative ridge

    Examples
    --------
    >>> import fastdiag as fd
    >>> land = fd.landscapes.least_squares([[1.0], [2.0]], [1.0, 4.0])
    >>> land.loss, land.gradient.tolist(), land.hessian.tolist(), land.at_minimum().theta.tolist()
    (4.25, [-4.5], [[2.5]], [1.8])
    """
    data = point_rows(X)
    shape = (len(data),) if ndim(y) < 2 else (len(data), None)
    targets = checked("y", y, shape, "one target, or one row of targets, per row of X")
    targets = targets.reshape(len(data), -1)
    if targets.shape[1] == 0:
        raise InputError("y has no column; give at least one target to a point")
    m, d = targets.shape[1], data.shape[1]
    start = start_of(theta, m, d, "target")
    return LeastSquares(data, targets, start, ridge_of(ridge, m * d), checked_weights(weights, len(data)), m)
