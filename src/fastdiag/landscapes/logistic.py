"""Logistic regression: closed-form derivatives of any degree, rank one for each data point."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike

from ..errors import InputError
from ..typing import FloatArray, IntArray
from .cumulant import Weight
from .landscape import EVERY, Factor, Nodes, SampledLandscape, checked, checked_weights, contract, labels_of

CHUNK_BYTES = 1 << 26


class Logistic(SampledLandscape):
    """Logistic regression on given data; see `logistic`."""

    highest_degree = None

    def __init__(
        self, X: FloatArray, y: FloatArray, theta: FloatArray, ridge: FloatArray, weights: FloatArray
    ) -> None:
        self.X, self.y, self.theta, self.ridge, self.weights = X, y, theta, ridge, weights
        self.dimension = X.shape[1]

    def slopes(self, degree: int, rows: slice | IntArray = EVERY) -> FloatArray:
        """d^k l / du^k of each point's loss at its logit u = x . theta, (S,); grad^k l_x = slopes(k) x^(tensor k)."""
        u = self.X[rows] @ self.theta
        if degree == 0:
            return np.logaddexp(0.0, u) - self.y[rows] * u
        small = np.exp(-np.abs(u))
        s = np.where(u >= 0, 1.0, small) / (1.0 + small)
        # d sigma / du = sigma (1 - sigma): each derivative is a polynomial in sigma with integer coefficients
        polynomial, rate = Polynomial([0, 1]), Polynomial([0, 1, -1])
        for _ in range(degree - 1):
            polynomial = polynomial.deriv() * rate
        return np.asarray(polynomial(s) - (self.y[rows] if degree == 1 else 0.0))

    def moment(self, nodes: Nodes, frame: FloatArray | None) -> FloatArray:
        n, count = self.dimension, len(self.weights)
        X = self.X if frame is None else self.X @ frame
        every = [label for node in nodes for label in node]
        labels = sorted(set(every))
        scale = self.weights.copy()
        for node in nodes:
            scale *= self.slopes(len(node))
        total = np.zeros(n ** len(labels))
        step = max(1, CHUNK_BYTES // (8 * n ** max(len(labels) - 1, 1)))
        for start in range(0, count, step):
            rows = slice(start, start + step)
            powers = [X[rows] ** every.count(label) for label in labels]
            product = scale[rows, None]  # rows of the Khatri-Rao product of all labels but the last
            for power in powers[:-1]:
                product = (product[:, :, None] * power[:, None, :]).reshape(len(product), -1)
            total += (product.T @ powers[-1]).ravel() if powers else product.sum()
        return total.reshape((n,) * len(labels))

    def combined(self, nodes: Nodes, frame: FloatArray | None, weight: Weight) -> FloatArray:
        total = super().combined(nodes, frame, weight)
        if len(nodes) > 1 or len(nodes[0]) > 2 or not self.ridge.any():
            return total  # the ridge does not depend on the data: it moves means only
        return total + contract([(self._ridge_tensor(len(nodes[0]), frame), nodes[0])], sorted(set(nodes[0])))

    def factored(self, nodes: Nodes) -> Iterator[tuple[int, list[Factor]]]:
        if len(nodes) == 1 and len(nodes[0]) <= 2:
            yield 1, [(self.part(nodes), tuple(labels_of(nodes)))]  # small, and the ridge belongs to it
        elif self.ridge.any():
            without = Logistic(self.X, self.y, self.theta, np.zeros_like(self.ridge), self.weights)
            yield from without.factored(nodes)  # with the ridge, a point's Hessian would not be of rank one
        else:
            yield from super().factored(nodes)

    def per_point(self, degree: int, rows: slice | IntArray = EVERY, frame: FloatArray | None = None) -> list[Factor]:
        slopes, X = self.slopes(degree, rows), self.X[rows] if frame is None else self.X[rows] @ frame
        if degree > 2 or not self.ridge.any():
            return [(slopes, ()), *((X, (axis,)) for axis in range(degree))]
        for _ in range(degree):
            slopes = slopes[..., None] * np.expand_dims(X, tuple(range(1, slopes.ndim)))
        return [(slopes + self._ridge_tensor(degree, frame), tuple(range(degree)))]

    def _ridge_tensor(self, degree: int, frame: FloatArray | None) -> FloatArray:
        """Derivative of the ridge term, of degree 0 to 2."""
        if degree == 0:
            return np.asarray(0.5 * np.sum(self.ridge * self.theta**2))
        if degree == 1:
            pull = self.ridge * self.theta
            return pull if frame is None else np.asarray(frame.T @ pull)
        return np.diag(self.ridge) if frame is None else np.asarray((frame.T * self.ridge) @ frame)

    def hessian_factors(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        return self.weights * self.slopes(2), self.X, self.ridge

    def at_minimum(self) -> Logistic:
        """The same landscape at the weights of least loss, by Newton's method with backtracking.

        Raises
        ------
        InputError : there is no minimum, or no unique one: separable data or dependent columns without a ridge

        Examples
        --------
        >>> import fastdiag as fd
        >>> land = fd.landscapes.breast_cancer().at_minimum()
        >>> round(land.loss, 4), bool(abs(land.gradient).max() < 1e-12)
        (0.2045, True)
        """
        here, settled = self, 0
        for _ in range(100):
            gradient, hessian = here.gradient, here.hessian
            if np.linalg.cond(hessian) > 1e13:
                break
            step, size = np.asarray(np.linalg.solve(hessian, gradient), dtype=np.float64), 1.0
            if np.abs(step).max() <= 1e-6 * (1 + np.abs(here.theta).max()):  # errors are squared from here on
                settled += 1
            while not settled and here._moved(-size * step).loss > here.loss - 1e-4 * size * float(gradient @ step):
                size /= 2
            here = here._moved(-size * step)
            if settled == 2:
                return here
        raise InputError(
            "this logistic regression has no unique minimum to go to: the data are separable or columns of X depend on one "
            "another; give a ridge > 0"
        )

    def _moved(self, step: FloatArray) -> Logistic:
        return Logistic(self.X, self.y, self.theta + step, self.ridge, self.weights)

    def __repr__(self) -> str:
        return f"<logistic landscape: {len(self.weights)} points, {self.dimension} weights>"


def logistic(
    X: object, y: object, theta: object, ridge: ArrayLike = 0.0, weights: object | None = None
) -> Logistic:
    """Logistic regression at weights theta: l_x = log(1 + exp(x.theta)) - y x.theta + (ridge/2) |theta|^2.

    Parameters
    ----------
    X : (S, n) one row per data point (put a column of ones for a bias); the points *are* the distribution
    y : (S,) labels, all in {0, 1} or all in {-1, 1}
    theta : (n,) starting weights theta_0
    ridge : coefficient >= 0 of |theta|^2 / 2: a number, or (n,) one per weight
    weights : (S,) probabilities of the points, normalised here; uniform by default

    Returns
    -------
    Logistic, with derivatives of every degree; none is ever stored per point

    Raises
    ------
    InputError : wrong shapes (saying which was expected), not finite, other labels, a negative ridge

    Examples
    --------
    >>> import fastdiag as fd
    >>> land = fd.landscapes.logistic([[1.0], [-2.0]], [1, 0], [0.0])
    >>> round(land.loss, 6), land.gradient.tolist(), land.hessian.tolist()
    (0.693147, [-0.75], [[0.625]])
    """
    data = checked("X", X, (None, None), "points, weights")
    points, n = data.shape
    if points == 0 or n == 0:
        raise InputError(f"X must have at least one row and one column, not shape {data.shape}")
    labels = checked("y", y, (points,), "one label per row of X")
    kinds = set(np.unique(labels).tolist())
    if kinds <= {-1.0, 1.0} and -1.0 in kinds:
        labels = (labels + 1) / 2
    elif not kinds <= {0.0, 1.0}:
        raise InputError(f"y must hold the labels 0 and 1, or -1 and 1; found {sorted(kinds)[:5]}")
    start = checked("theta", theta, (n,), "one per column of X")
    shape = () if np.ndim(ridge) == 0 else (n,)
    penalty = np.broadcast_to(checked("ridge", ridge, shape, "a number, or one per weight"), (n,)).copy()
    if (penalty < 0).any():
        raise InputError("ridge must be >= 0")
    return Logistic(data, np.ascontiguousarray(labels), start, penalty, checked_weights(weights, points))
