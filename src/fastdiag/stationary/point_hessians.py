"""The noise of single points' gradients near a minimum, their Hessians' noise included: g_x(w) = xi_x + h_x w."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import array
from ..errors import InputError, TooLargeError
from ..landscapes import Landscape, Logistic, SampledLandscape
from ..landscapes.landscape import check_landscape, start_in_floats
from ..landscapes.linear_model import LinearModel
from ..record import Record
from ..typing import FloatArray
from .units import exponent, shifted

MOST_BYTES = 1 << 30
CHUNK_BYTES = 1 << 26  # of products over points, at a time
STILL = 1e-6  # how small a gradient is at a minimum, beside its noise or the Hessian
ROUNDED = 1e-14  # weights that stand for 0


class PointHessians(Record, ABC):
    """The mean Hessian H, and second moments of the deviations h_x - H and xi_x about a minimum."""

    hessian: FloatArray
    """H, (n, n)."""
    covariance: FloatArray
    """E[xi xi], (n, n)."""
    count: int
    """Number of points; 0 for a distribution."""

    @abstractmethod
    def spread(self, S: FloatArray) -> FloatArray:
        """E[(h - H) S (h - H)] of a symmetric (n, n) matrix."""

    def scaled_covariance(self) -> tuple[FloatArray, int]:
        """E[xi xi] over 2^unit, and the unit: squares of gradients can be beyond floats where gradients are not."""
        return self.covariance, 0

    @abstractmethod
    def crossed(self, v: FloatArray) -> FloatArray:
        """E[(h - H) v xi^T], (n, n)."""

    @abstractmethod
    def along(self, frame: FloatArray, a: int = 0, c: int = 0) -> Self:
        """The same in coordinates w = frame y; Hessians in units of 2^a, the gradients' covariance in those of 2^c."""


class OfPoints(PointHessians):
    """Of single points, with their weights and their gradients xi, (points, n)."""

    weights: FloatArray
    xi: FloatArray

    def scaled_covariance(self) -> tuple[FloatArray, int]:
        e = exponent(self.xi)
        xi = shifted(self.xi, -e)
        return xi.T @ (self.weights[:, None] * xi), 2 * e


class RankOne(OfPoints):
    """h_x = c_x x x^T, up to what all points have in common: no (points, n, n) array is formed."""

    def __init__(self, hessian: FloatArray, weights: FloatArray, c: FloatArray, X: FloatArray, xi: FloatArray) -> None:
        self.hessian, self.weights, self.c, self.X, self.xi, self.count = hessian, weights, c, X, xi, len(X)
        self.covariance = xi.T @ (weights[:, None] * xi)
        self._mean = X.T @ ((weights * c)[:, None] * X)

    def spread(self, S: FloatArray) -> FloatArray:
        squares = np.einsum("xi,xi->x", self.X @ S, self.X)
        found = self.X.T @ ((self.weights * self.c**2 * squares)[:, None] * self.X) - self._mean @ S @ self._mean
        return np.asarray((found + found.T) / 2)

    def crossed(self, v: FloatArray) -> FloatArray:
        return np.asarray(self.X.T @ ((self.weights * self.c * (self.X @ v))[:, None] * self.xi))

    def along(self, frame: FloatArray, a: int = 0, c: int = 0) -> RankOne:
        X = self.X @ frame
        e = exponent(X)  # inputs near 1, so that no square of a Hessian is beyond floats
        factors, xi = shifted(self.c, 2 * e - a), shifted(self.xi @ frame, -c // 2)
        return RankOne(shifted(frame.T @ self.hessian @ frame, -a), self.weights, factors, shifted(X, -e), xi)


class OutputHessians(OfPoints):
    """Of a linear model of m outputs: h_x = s_x (x) x x^T, s_x (m, m); no (points, n, n) array is formed.

    Weights stand output by output. `frame` takes the coordinates in use to these weights.
    """

    def __init__(
        self, hessian: FloatArray, weights: FloatArray, slopes: FloatArray, X: FloatArray, mean: FloatArray, xi: FloatArray,
        frame: FloatArray | None = None,
    ) -> None:
        self.hessian, self.weights, self.slopes, self.X, self.xi, self.count = hessian, weights, slopes, X, xi, len(X)
        self.covariance = xi.T @ (weights[:, None] * xi)
        self._mean, self._frame = mean, frame

    def spread(self, S: FloatArray) -> FloatArray:
        frame, (m, d) = self._frame, (self.slopes.shape[1], self.X.shape[1])
        full = S if frame is None else frame @ S @ frame.T
        c, e = np.triu_indices(m)  # pairs of outputs
        i, j = np.triu_indices(d)  # products of inputs
        apart = full.reshape(m, d, m, d)[c, :, e, :]
        forms = (apart + apart.transpose(0, 2, 1))[:, i, j] / (1 + (i == j))
        found = np.zeros((len(i), len(c)))
        step = max(1, CHUNK_BYTES // (8 * (len(i) + m * m)))
        for start in range(0, len(self.X), step):
            some = slice(start, start + step)
            products, s = self.X[some][:, i] * self.X[some][:, j], self.slopes[some]
            seen = np.empty((len(s), m, m))  # x^T S_ce x
            seen[:, c, e] = seen[:, e, c] = products @ forms.T
            found += products.T @ (self.weights[some, None] * (s @ seen @ s)[:, c, e])
        blocks = np.empty((m, d, m, d))
        for row, column in ((i, j), (j, i)):
            for one, other in ((c, e), (e, c)):
                blocks[one[:, None], row, other[:, None], column] = found.T
        spread = blocks.reshape(m * d, m * d)
        spread = spread if frame is None else frame.T @ spread @ frame
        k = np.diag(self._mean)
        if np.abs(self._mean - np.diag(k)).max() <= len(k) * np.finfo(np.float64).eps * np.abs(k).max():
            spread = spread - np.multiply.outer(k, k) * S
        else:
            spread = spread - self._mean @ S @ self._mean
        return np.asarray((spread + spread.T) / 2)

    def crossed(self, v: FloatArray) -> FloatArray:
        frame, m = self._frame, self.slopes.shape[1]
        outputs = self.X @ (v if frame is None else frame @ v).reshape(m, -1).T
        pulls = (self.weights[:, None, None] * self.slopes @ outputs[:, :, None])[:, :, 0]
        found = np.einsum("xc,xj,xi->cji", pulls, self.X, self.xi, optimize=True).reshape(-1, self.xi.shape[1])
        return np.asarray(found if frame is None else frame.T @ found)

    def along(self, frame: FloatArray, a: int = 0, c: int = 0) -> OutputHessians:
        whole, e = frame if self._frame is None else self._frame @ frame, exponent(self.X)
        slopes, X = shifted(self.slopes, 2 * e - a), shifted(self.X, -e)
        return OutputHessians(shifted(frame.T @ self.hessian @ frame, -a), self.weights, slopes, X,
                              shifted(frame.T @ self._mean @ frame, -a), shifted(self.xi @ frame, -c // 2), whole)


class FullHessians(OfPoints):
    """From the Hessian of every point, less their mean, (points, n, n)."""

    def __init__(self, hessian: FloatArray, weights: FloatArray, hessians: FloatArray, xi: FloatArray) -> None:
        self.hessian, self.weights, self.hessians, self.xi, self.count = hessian, weights, hessians, xi, len(xi)
        self.covariance = xi.T @ (weights[:, None] * xi)

    def spread(self, S: FloatArray) -> FloatArray:
        weighted = self.weights[:, None, None] * self.hessians
        found = np.tensordot(weighted @ S, self.hessians, ((0, 2), (0, 1)))
        return np.asarray((found + found.T) / 2)

    def crossed(self, v: FloatArray) -> FloatArray:
        return np.asarray((self.weights[:, None] * (self.hessians @ v)).T @ self.xi)

    def along(self, frame: FloatArray, a: int = 0, c: int = 0) -> FullHessians:
        return FullHessians(shifted(frame.T @ self.hessian @ frame, -a), self.weights,
                            shifted(frame.T @ self.hessians @ frame, -a), shifted(self.xi @ frame, -c // 2))


class Cumulants(PointHessians):
    """From cov(h, h), (n, n, n, n), and cov(h, xi), (n, n, n)."""

    count = 0

    def __init__(self, hessian: FloatArray, covariance: FloatArray, pairs: FloatArray, mixed: FloatArray) -> None:
        self.hessian, self.covariance, self.pairs, self.mixed = hessian, covariance, pairs, mixed

    def spread(self, S: FloatArray) -> FloatArray:
        found = np.einsum("abcd,bc->ad", self.pairs, S)
        return np.asarray((found + found.T) / 2)

    def crossed(self, v: FloatArray) -> FloatArray:
        return np.asarray(np.einsum("abc,b->ac", self.mixed, v))

    def along(self, frame: FloatArray, a: int = 0, c: int = 0) -> Cumulants:
        pairs, mixed = self.pairs, self.mixed
        for axis in range(4):
            pairs = np.moveaxis(np.tensordot(pairs, frame, ((axis,), (0,))), -1, axis)
        for axis in range(3):
            mixed = np.moveaxis(np.tensordot(mixed, frame, ((axis,), (0,))), -1, axis)
        return Cumulants(shifted(frame.T @ self.hessian @ frame, -a), shifted(frame.T @ self.covariance @ frame, -c),
                         shifted(pairs, -2 * a), shifted(mixed, -a - c // 2))


Points: TypeAlias = ArrayLike | Landscape
"""Inputs of linear regression, or a landscape."""


def point_hessians(X: Points, y: ArrayLike | None = None) -> PointHessians:
    """Of linear regression at its least squares, or of a landscape at its minimum.

    Parameters
    ----------
    X : (points, n) inputs, with the loss mean of (x.w - y)^2 / 2; or a landscape seen from a minimum
    y : (points,) labels; None for a landscape

    Raises
    ------
    InputError : wrong shapes; no labels, or labels with a landscape; a landscape not at a minimum
    MissingTensorError : a landscape without the noise of its Hessians
    TooLargeError : it takes more than 1 GB
    """
    if isinstance(X, Landscape):
        if y is not None:
            raise InputError(f"labels y belong to inputs X; {X!r} has its own")
        return _of_landscape(X)
    rows = array("X", X, (None, None), "points, weights; or give a landscape")
    if not rows.size:
        raise InputError(f"X must have at least one row and one column, not shape {rows.shape}")
    if y is None:
        raise InputError("inputs X need their labels: give y, one for each row; zeros for points that are fitted")
    labels = array("y", y, (len(rows),), "one label per row of X")
    return regression(rows, labels)


def regression(rows: FloatArray, labels: FloatArray) -> RankOne:
    """Of linear regression at its least squares."""
    points, n = rows.shape
    check_size(n)
    weights = np.full(points, 1 / points)
    residuals = rows @ np.linalg.lstsq(rows, labels, rcond=None)[0] - labels if labels.any() else labels
    return RankOne(rows.T @ rows / points, weights, np.ones(points), rows, residuals[:, None] * rows)


def _of_landscape(landscape: Landscape) -> PointHessians:
    n = landscape.dimension
    check_size(n)
    landscape.require_degree(2, "the noise of the Hessians")
    check_still(landscape)
    if isinstance(landscape, Logistic):
        return RankOne(landscape.hessian, landscape.weights, landscape.slopes(2), landscape.X, landscape.deviations(1))
    if isinstance(landscape, LinearModel):
        hessian, slopes, xi = landscape.hessian, landscape.slopes(2), landscape.deviations(1)
        if landscape.outputs == 1:
            return RankOne(hessian, landscape.weights, slopes[:, 0, 0], landscape.X, xi)
        return OutputHessians(hessian, landscape.weights, slopes, landscape.X, hessian - np.diag(landscape.ridge), xi)
    sampled = landscape if isinstance(landscape, SampledLandscape) else None
    needed = 8 * n * n * (n * n if sampled is None else len(sampled.weights))
    if needed > MOST_BYTES:
        raise TooLargeError(
            f"the Hessians' noise of {landscape!r} takes an array of {needed / 1e9:,.1f} GB; give fewer weights, or "
            "Hessians of low rank: softmax or logistic regression, or inputs X and labels y"
        )
    if sampled is not None:
        return FullHessians(sampled.hessian, sampled.weights, sampled.deviations(2), sampled.deviations(1))
    pairs, mixed = landscape.part(((0, 1), (2, 3))), landscape.part(((0, 1), (2,)))
    return Cumulants(landscape.hessian, landscape.gradient_covariance, pairs, mixed)


def check_size(n: int) -> None:
    """Raise TooLargeError for more weights than a covariance can be formed of."""
    if 8 * n * n > MOST_BYTES:
        raise TooLargeError(
            f"second moments of {n:,} weights take arrays of {8 * n * n / 1e9:,.1f} GB; project the points on fewer "
            "directions"
        )


def check_still(landscape: Landscape) -> None:
    """Raise InputError unless the landscape is seen from where its gradient vanishes."""
    check_landscape(landscape)
    if not is_still(landscape):
        raise InputError(
            f"a stationary law is that of a minimum, and at the weights of {landscape!r} the gradient is not 0 (an entry "
            f"is {np.abs(landscape.gradient).max():.3g}); give landscape.at(...) its minimum, for logistic regression "
            "landscape.at_minimum()"
        )


def is_still(landscape: Landscape) -> bool:
    """Whether the gradient vanishes, beside its noise or what the Hessian makes of the weights."""
    gradient = float(np.abs(landscape.gradient).max())
    noise = float(np.sqrt(np.abs(np.diag(landscape.gradient_covariance)).max()))
    size = float(np.abs(start_in_floats(landscape)).max())
    curvature = float(np.abs(landscape.hessian).max())
    return gradient <= max(STILL * noise, curvature * max(STILL * size, ROUNDED))
