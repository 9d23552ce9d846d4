"""Logistic regression at one set of weights: every contraction a product of matrices with the rows of X."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..locks import cached_property
from ..typing import FloatArray
from .averaged import Averaged, hermite
from .local import Local, Numbers
from .softplus import softplus

if TYPE_CHECKING:
    from .logistic import Logistic

KEPT_BYTES = 1 << 27  # products of two columns up to this size are kept
SOME_BYTES = 1 << 24  # larger ones are formed so many at a time
FEW, AHEAD = 128, 64  # weights below which products for one place are too small to be fast; places at once


class LogisticLocal(Local):
    """grad^k l_x = s_k x^(tensor k), s_k the slopes of the losses; the ridge besides."""

    def __init__(self, landscape: Logistic, theta: FloatArray) -> None:
        self.landscape, self.theta = landscape, theta
        self.X, self.weights, self.ridge = landscape.X, landscape.weights, landscape.ridge
        self._signs = 1.0 - 2.0 * landscape.y
        self._margins = self._signs * (self.X @ theta)
        self._tails = np.exp(-np.abs(self._margins))
        self._slopes: dict[int, FloatArray] = {}
        self._along: tuple[Numbers | None, FloatArray] = None, np.empty(0)

    def slopes(self, degree: int) -> FloatArray:
        """s_k of every point, (S,)."""
        if degree not in self._slopes:
            found = softplus(degree, self._margins, self._tails)
            self._slopes[degree] = found if degree % 2 == 0 else self._signs * found
        return self._slopes[degree]

    @cached_property
    def _columns(self) -> FloatArray:
        """X^T, in rows."""
        kept: dict[str, Any] = self.landscape.__dict__
        if "_X_columns" not in kept:
            kept["_X_columns"] = np.ascontiguousarray(self.X.T)
        found: FloatArray = kept["_X_columns"]
        return found

    def tensor(self, degree: int) -> FloatArray:
        found = self.slopes(degree)
        for _ in range(degree):
            found = np.einsum("x...,xa->x...a", found, self.X)
        if degree > 2:
            return found
        return np.asarray(found + (0.5 * self.ridge @ self.theta**2, self.ridge * self.theta, np.diag(self.ridge))[degree])

    def mean(self, degree: int) -> FloatArray:
        return np.asarray(np.tensordot(self.weights, self.tensor(degree), 1))

    @property
    def loss(self) -> Any:
        return float(self.weights @ self.slopes(0) + 0.5 * self.ridge @ self.theta**2)

    @cached_property
    def _pull(self) -> FloatArray:
        """G without the ridge."""
        return np.asarray(self.X.T @ (self.weights * self.slopes(1)))

    @cached_property
    def _curvature(self) -> FloatArray:
        """H without the ridge."""
        return self._squared(np.sqrt(self.weights * self.slopes(2)))

    @property
    def gradient(self) -> FloatArray:
        return np.asarray(self._pull + self.ridge * self.theta)

    @property
    def hessian(self) -> FloatArray:
        found = self._curvature.copy()
        found.reshape(-1)[:: len(found) + 1] += self.ridge  # the diagonal
        return found

    @cached_property
    def gradients(self) -> FloatArray:
        return np.asarray(self.slopes(1)[:, None] * self.X - self._pull)

    @cached_property
    def covariance(self) -> FloatArray:
        if self.landscape.is_far:
            return np.asarray(self.paired(self.gradients))
        return self._squared(np.sqrt(self.weights) * self.slopes(1)) - np.multiply.outer(self._pull, self._pull)

    def pulled(self, vectors: Numbers) -> FloatArray:
        return np.asarray(self.X.T @ (self.weights * self.slopes(2) * np.einsum("xa,xa->x", self.X, vectors)))

    def curved(self, vectors: Numbers) -> FloatArray:
        return np.asarray((vectors @ self._columns * (self.weights * self.slopes(2))) @ self.X + self.ridge * vectors)

    def third_along(self, sizes: Numbers, rows: Numbers) -> FloatArray:
        variances = sizes @ (rows @ self._columns) ** 2
        return np.asarray(self.X.T @ (self.weights * self.slopes(3) * variances))

    def variances(self, S: Numbers) -> FloatArray:
        """x S x of every point, (S,)."""
        if self._along[0] is not S:
            self._along = S, np.einsum("ax,ax->x", S @ self._columns, self._columns)
        return self._along[1]

    @property
    def hessians(self) -> FloatArray:
        return np.asarray((self.slopes(2)[:, None] * self.X)[:, :, None] * self.X[:, None, :] - self._curvature)

    def thirds(self, S: Numbers) -> FloatArray:
        return np.asarray((self.slopes(3) * self.variances(S))[:, None] * self.X - self.third(S))

    def third(self, S: Numbers) -> FloatArray:
        return np.asarray(self.X.T @ (self.weights * self.slopes(3) * self.variances(S)))

    def fourth(self, S: Numbers) -> FloatArray:
        return self._weighted(self.slopes(4) * self.variances(S))

    def fourth_of(self, k: Numbers) -> FloatArray:
        (found,) = self.fourths_of([k])
        return found

    def fourths_of(self, several: Sequence[Numbers]) -> list[Numbers]:
        n, count = len(self.theta), len(several)
        first, second = np.triu_indices(n)
        doubled = np.where(first == second, 1.0, 2.0)[:, None]
        packed = np.hstack([k[first, second] * doubled for k in several])  # one product is faster than several
        total = np.zeros((n, count))
        for rows, pairs in self._pairs():
            X = self.X[rows]
            cubes = np.einsum("xka,xa->xk", (pairs @ packed).reshape(len(X), count, n), X)
            total += X.T @ ((self.weights[rows] * self.slopes(4)[rows])[:, None] * cubes)
        return list(total.T)

    def fifth(self, S: Numbers) -> FloatArray:
        return np.asarray(self.X.T @ (self.weights * self.slopes(5) * self.variances(S) ** 2))

    def covariance_over(self, S: Numbers) -> FloatArray:
        first, second, third = map(self.slopes, (1, 2, 3))
        raw = self._weighted(self.variances(S) * (first * third + second**2))
        crossed = np.outer(self.third(S), self._pull)
        return np.asarray(2 * raw - crossed - crossed.T - 2 * self._curvature @ S @ self._curvature)

    def averaged(self, S: Numbers) -> Averaged:
        places, weights = hermite()
        spread = np.sqrt(np.maximum(self.variances(S), 0.0))
        margins = self._margins[:, None] + spread[:, None] * places  # of each point the logit alone is met
        tails = np.exp(-np.abs(margins))
        first = softplus(1, margins, tails)
        slope, square = self._signs * (first @ weights), first**2 @ weights
        pull = self.X.T @ (self.weights * slope)
        curved = self._squared(np.sqrt(self.weights * (softplus(2, margins, tails) @ weights)))
        loss = self.weights @ (softplus(0, margins, tails) @ weights) + self.ridge @ (self.theta**2 + np.diag(S)) / 2
        covariance = self._squared(np.sqrt(self.weights * square)) - np.multiply.outer(pull, pull) - curved @ S @ curved
        return Averaged(float(loss), pull + self.ridge * self.theta, curved + np.diag(self.ridge), covariance)

    @property
    def third_tensor(self) -> FloatArray:
        return self._cubes[0]

    @property
    def tilted(self) -> FloatArray:
        return self._cubes[1] - np.multiply.outer(self._pull, self._curvature)

    @property
    def skew(self) -> FloatArray:
        return self._cubes[2]

    @property
    def most_together(self) -> int:
        points, n = self.X.shape
        if n >= FEW or 4 * points * n * (n + 1) > KEPT_BYTES:
            return 1
        return int(max(1, min(AHEAD, KEPT_BYTES // (64 * points))))

    def work_out(self, places: Sequence[LogisticLocal]) -> None:
        """From one product of all points' weights at all places with the products of two columns."""
        n, count = len(self.theta), len(places)
        scales = [place.slopes(2) for place in places]
        if not self.landscape.is_far:
            scales += [place.slopes(1) ** 2 for place in places]
        index, (first, second) = np.empty((n, n), dtype=np.intp), np.triu_indices(n)
        index[first, second] = index[second, first] = np.arange(len(first))
        ((_, pairs),) = self._pairs()
        found = (np.array(scales) * self.weights @ pairs)[:, index]
        for i, place in enumerate(places):
            known = vars(place)
            known["_curvature"] = found[i]
            if not self.landscape.is_far:
                known["covariance"] = found[count + i] - np.multiply.outer(place._pull, place._pull)

    def _squared(self, factors: FloatArray) -> FloatArray:
        """The sum over points of f^2 x x, (n, n); of an array with itself NumPy takes half the work."""
        columns = factors * self._columns
        return np.asarray(columns @ columns.T)

    def _weighted(self, factors: FloatArray) -> FloatArray:
        """E[f_x x x], (n, n)."""
        return np.asarray(self.X.T @ ((self.weights * factors)[:, None] * self.X))

    @cached_property
    def _cubes(self) -> list[FloatArray]:
        """E[s_3 x x x], E[s_1 s_2 x x x] and E[xi xi xi], each (n, n, n), from one product."""
        n, scales = len(self.theta), (self.slopes(3), self.slopes(1) * self.slopes(2), self.slopes(1) ** 3)
        total = np.zeros((n * (n + 1) // 2, 3 * n))
        for rows, pairs in self._pairs():
            total += pairs.T @ np.hstack([(self.weights * scale)[rows, None] * self.X[rows] for scale in scales])
        first, second = np.triu_indices(n)
        found = []
        for block in np.split(total, 3, axis=1):
            cube = np.empty((n, n, n))
            cube[first, second] = block
            cube[second, first] = block
            found.append(cube)
        # xi = s_1 x - G: the third central moment is E[ggg] - 3 C G - G G G, symmetrised
        crossed = np.multiply.outer(self.covariance, self._pull)
        found[2] -= crossed + crossed.transpose(0, 2, 1) + crossed.transpose(2, 0, 1)
        found[2] -= np.multiply.outer(np.outer(self._pull, self._pull), self._pull)
        return found

    def _pairs(self) -> Iterator[tuple[slice, FloatArray]]:
        """x_a x_b for a <= b, some rows at a time; all at once and only once if they are small."""
        points, n = self.X.shape
        bytes_each = 4 * n * (n + 1)
        kept: dict[str, Any] = self.landscape.__dict__
        if points * bytes_each <= KEPT_BYTES:
            if "_column_pairs" not in kept:
                kept["_column_pairs"] = self._products(slice(None))
            yield slice(None), kept["_column_pairs"]
            return
        step = max(1, SOME_BYTES // bytes_each)
        for start in range(0, points, step):
            yield (rows := slice(start, start + step)), self._products(rows)

    def _products(self, rows: slice) -> FloatArray:
        first, second = np.triu_indices(self.X.shape[1])
        return np.asarray(self.X[rows][:, first] * self.X[rows][:, second])
