"""Logistic regression: closed-form derivatives of any degree, rank one for each data point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, product
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import shown
from ..door import door
from ..errors import InputError
from ..numerals import counted
from ..record import frozen
from ..typing import FloatArray, IntArray
from .contraction import contract
from .inputs import point_rows, ridge_of
from .labels import classes_of
from .landscape import EVERY, Factor, Nodes, checked, checked_weights, labels_of, same_frame
from .local_logistic import LogisticLocal
from .newton import newton_minimum
from .sampled import SampledLandscape
from .softplus import softplus

CHUNK_BYTES = 1 << 26
DENSE_BYTES = 1 << 25  # larger deviations of all points are left in their factors
FAR = 30.0  # times their spread, points are from 0


class Logistic(SampledLandscape):
    """Logistic regression on given data; see `logistic`."""

    highest_degree = None
    least_loss = 0.0
    theta: FloatArray

    def __init__(
        self, X: FloatArray, y: FloatArray, theta: FloatArray, ridge: FloatArray, weights: FloatArray
    ) -> None:
        self.X, self.y, self.theta, self.ridge, self.weights = X, y, theta, ridge, weights
        self.dimension = X.shape[1]
        with np.errstate(all="ignore"):
            self._middle = frozen(weights @ X)
            squares = weights @ ((X - self._middle) ** 2).sum(axis=1)
            self.is_far = bool(self._middle @ self._middle > FAR**2 * squares)
        """Whether products of points' rows would lose more than a digit or two of their deviations."""
        self._means: dict[int, float] = {}
        self._centres: tuple[FloatArray | None, dict[int, FloatArray]] = None, {}

    @np.errstate(all="ignore")
    def slopes(self, degree: int, rows: slice | IntArray = EVERY) -> FloatArray:
        """d^k l / du^k of each point's loss at its logit u = x . theta, (S,); grad^k l_x = slopes(k) x^(tensor k)."""
        signs = 1.0 - 2.0 * self.y[rows]
        # in the margin z = (1 - 2y) u a loss is log(1 + exp(z)), whose digits no label takes off
        return np.asarray(signs**degree * softplus(degree, signs * (self.X[rows] @ self.theta)))

    def mean(self, degree: int, frame: FloatArray | None = None) -> FloatArray:
        mean = self._raw_mean(degree, frame)
        return mean if degree > 2 or not self.ridge.any() else mean + self._ridge_tensor(degree, frame)

    def _raw_mean(self, degree: int, frame: FloatArray | None) -> FloatArray:
        """Without the ridge."""
        n, count = self.dimension, len(self.weights)
        X, scale = self.X if frame is None else self.X @ frame, self.weights * self.slopes(degree)
        total = np.zeros(n**degree)
        step = max(1, CHUNK_BYTES // (8 * n ** max(degree - 1, 1)))
        for start in range(0, count, step):
            rows = slice(start, start + step)
            product = scale[rows, None]  # rows of the Khatri-Rao product of all axes but the last
            for _ in range(degree - 1):
                product = (product[:, :, None] * X[rows, None, :]).reshape(len(product), -1)
            total += (product.T @ X[rows]).ravel() if degree else product.sum()
        return total.reshape((n,) * degree)

    def third_cubed(self, vectors: FloatArray) -> FloatArray:
        """J v v v of vectors (r, n), (r,)."""
        return np.asarray((vectors @ self.X.T) ** 3 @ (self.weights * self.slopes(3)))

    def per_point(self, degree: int, rows: slice | IntArray = EVERY, frame: FloatArray | None = None) -> list[Factor]:
        slopes, X = self.slopes(degree, rows), self.X[rows] if frame is None else self.X[rows] @ frame
        if degree > 2 or not self.ridge.any():
            return [(slopes, ()), *((X, (axis,)) for axis in range(degree))]
        for _ in range(degree):
            slopes = slopes[..., None] * np.expand_dims(X, tuple(range(1, slopes.ndim)))
        return [(slopes + self._ridge_tensor(degree, frame), tuple(range(degree)))]

    def centred(self, degree: int, rows: slice | IntArray, frame: FloatArray | None) -> FloatArray:
        tensors = self._less_constant(degree, rows, frame)
        whole = isinstance(rows, slice) and rows == EVERY
        tensors -= np.tensordot(self.weights, tensors, 1) if whole else self._centre(degree, frame)
        return tensors

    def shifted(
        self, degree: int, rows: slice | IntArray = EVERY, frame: FloatArray | None = None
    ) -> tuple[list[Factor], Callable[[], FloatArray] | None]:
        if degree < 2:
            return super().shifted(degree, rows, frame)
        if not self.is_far:
            slopes, X = self.slopes(degree, rows), self.X[rows] if frame is None else self.X[rows] @ frame
            return [(slopes, ()), *((X, (axis,)) for axis in range(degree))], lambda: self._raw_mean(degree, frame)
        # s x^(tensor k) = s (c + d)^(tensor k), c the mean of x; off the core's entry of c^(tensor k) goes the slope's mean
        slopes, slope, middle, X = self._split(degree, rows, frame)
        core = np.empty((len(X),) + (2,) * degree)
        core[:] = (slopes + slope).reshape(-1, *(1,) * degree)
        core.reshape(len(X), -1)[:, 0] = slopes
        pair = np.stack([np.broadcast_to(middle, X.shape), X], axis=1)
        sums = tuple(range(degree, 2 * degree))
        return [(core, sums), *((pair, (sums[axis], axis)) for axis in range(degree))], lambda: self._centre(degree, frame)

    def _split(
        self, degree: int, rows: slice | IntArray, frame: FloatArray | None
    ) -> tuple[FloatArray, float, FloatArray, FloatArray]:
        """Slopes less their mean, that; the mean of x, and x less it: along a frame neither takes digits from the other."""
        if degree not in self._means:
            self._means[degree] = float(self.weights @ self.slopes(degree))
        slope, middle = self._means[degree], self._middle
        slopes, X = self.slopes(degree, rows) - slope, self.X[rows] - middle
        return (slopes, slope, middle, X) if frame is None else (slopes, slope, middle @ frame, X @ frame)

    def _less_constant(self, degree: int, rows: slice | IntArray, frame: FloatArray | None) -> FloatArray:
        """The points' tensors less slope' c^(tensor k), c the mean of x; P <- P x + slope' c^(tensor j) (x - c)."""
        product, slope, middle, X = self._split(degree, rows, frame)
        constant: FloatArray = np.asarray(slope)
        for _ in range(degree):
            across = (len(X), *(1,) * (product.ndim - 1), -1)
            product = product[..., None] * (X + middle).reshape(across)
            product += constant[..., None] * X.reshape(across)
            constant = np.multiply.outer(constant, middle)
        return np.asarray(product)

    def _centre(self, degree: int, frame: FloatArray | None) -> FloatArray:
        """The mean of that."""
        last, kept = self._centres
        if not same_frame(last, frame):
            kept = {}  # both at once: another thread may be here with another frame
            self._centres = None if frame is None else frame.copy(), kept
        if degree not in kept:
            total = np.zeros((self.dimension,) * degree)
            step = max(1, CHUNK_BYTES // (8 * total.size))
            for start in range(0, len(self.weights), step):
                rows = slice(start, start + step)
                total += np.tensordot(self.weights[rows], self._less_constant(degree, rows, frame), 1)
            kept[degree] = total
        return kept[degree]

    def moment(self, nodes: Nodes, frame: FloatArray | None = None) -> FloatArray:
        degrees, count = set(map(len, nodes)), len(self.weights)
        if self.is_far or max(degrees) < 2 or 8 * count * self.dimension ** max(degrees) <= DENSE_BYTES:
            return super().moment(nodes, frame)
        # the points' tensors stay in their factors, and what they have in common is taken off the product
        labels = labels_of(nodes)
        point, total = labels[-1] + 1, np.zeros((self.dimension,) * len(labels))
        means = {degree: self._raw_mean(degree, frame) for degree in degrees if degree > 1}
        step = max(1, CHUNK_BYTES // (8 * self.dimension ** max(1, len(labels) - 1)))
        for start in range(0, count, step):
            rows = slice(start, start + step)
            choices: list[list[list[Factor]]] = []
            for node in nodes:
                factors = self.shifted(len(node), rows, frame)[0]
                choices.append([[(array, (point, *(node[a] for a in axes))) for array, axes in factors]])
                if len(node) > 1:
                    choices[-1].append([(-means[len(node)], node)])
            for chosen in product(*choices):
                total += contract([(self.weights[rows], (point,)), *chain(*chosen)], labels)
        return total

    def factored(self, nodes: Nodes, frame: FloatArray | None = None) -> Iterator[tuple[int, list[Factor]]]:
        if len(nodes) == 1 and len(nodes[0]) <= 2:
            yield 1, [(self.part(nodes, frame), tuple(labels_of(nodes)))]  # small, and the ridge belongs to it
        else:
            yield from super().factored(nodes, frame)

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

    def at_minimum(self) -> Self:
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
        return newton_minimum(self)

    def moved(self, theta: FloatArray) -> Logistic:
        return Logistic(self.X, self.y, frozen(theta), self.ridge, self.weights)

    def local(self, theta: FloatArray) -> LogisticLocal:
        return LogisticLocal(self, theta)

    def scaled(self, exponent: int) -> Logistic:
        with np.errstate(all="ignore"):
            X, theta = np.ldexp(self.X, exponent), np.ldexp(self.theta, -exponent)
            ridge = np.ldexp(self.ridge, 2 * exponent)
        return Logistic(frozen(X), self.y, frozen(theta), frozen(ridge), self.weights)

    def along(self, basis: FloatArray, ridge: FloatArray) -> Logistic:
        """As `LinearModel.along`."""
        return Logistic(frozen(self.X @ basis), self.y, frozen(self.theta @ basis), frozen(ridge), self.weights)

    def __repr__(self) -> str:
        return f"<logistic landscape: {counted(len(self.weights), 'point')}, {counted(self.dimension, 'weight')}>"


@door
def logistic(
    X: object, y: object, theta: object | None = None, ridge: ArrayLike = 0.0, weights: object | None = None
) -> Logistic:
    """Logistic regression at weights theta: l_x = log(1 + exp(x.theta)) - y x.theta + (ridge/2) |theta|^2.

    Parameters
    ----------
    X : (S, n) one row per data point, an array or a DataFrame (`with_bias` adds a column of ones); the points *are* the
        distribution
    y : (S,) labels, all in {0, 1} or all in {-1, 1}, bools, or two texts, the later in the alphabet being 1
    theta : (n,) starting weights theta_0; zeros by default
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
    >>> land = fd.landscapes.logistic([[1.0], [-2.0]], [1, 0])
    >>> round(land.loss, 6), land.gradient.tolist(), land.hessian.tolist()
    (0.693147, [-0.75], [[0.625]])
    """
    data = point_rows(X)
    points, n = data.shape
    classes, places = classes_of(y, points)
    values = classes if isinstance(classes[0], int | float) else (0, 1)  # bools too
    if set(values) <= {-1, 1} and -1 in values:
        values = tuple((value + 1) / 2 for value in values)
    if len(classes) != len(values) or not set(values) <= {0, 1}:
        raise InputError(
            f"y must hold the labels 0 and 1, or -1 and 1, or bools, or two texts; found {shown(list(classes[:5]))}; "
            "landscapes.softmax takes more classes"
        )
    labels = np.array(values, dtype=np.float64)[places]
    start = checked("theta", np.zeros(n) if theta is None else theta, (n,), "one per column of X")
    return Logistic(data, frozen(labels), start, ridge_of(ridge, n), checked_weights(weights, points))
