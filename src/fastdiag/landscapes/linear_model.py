"""Linear models: a loss of a few outputs, each linear in weights of its own; derivatives of any degree by structure."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from itertools import chain, product
from typing import Any, Self

import numpy as np

from ..record import frozen
from ..typing import FloatArray, IntArray
from .contraction import contract
from .cumulant import partition_terms
from .landscape import EVERY, Factor, Nodes, labels_of
from .local_linear_model import LinearModelLocal, tensor_powers
from .newton import newton_minimum
from .sampled import SampledLandscape
from .to_eigenbasis import to_eigenbasis

CHUNK_BYTES, CACHED_BYTES = 1 << 26, 1 << 20
DENSE_BYTES = 1 << 25  # larger deviations of all points are left in their factors
FAR = 30.0  # times their spread, points are from 0


class LinearModel(SampledLandscape):
    """l_x = f(u, y) + ridge, where output c of the m is u_c = theta_c . x; weights stand output by output, n = m d.

    grad^k l_x = s_k(x) (x) x^(tensor k), s_k the derivatives of f by the outputs, (m,) * k: its *slopes*. An index of a
    tensor is a pair, an output and a column of X, and contractions take the two apart.
    """

    highest_degree = None
    least_loss = 0.0
    theta: FloatArray

    def __init__(
        self, X: FloatArray, y: Any, theta: FloatArray, ridge: FloatArray, weights: FloatArray, outputs: int
    ) -> None:
        self.X, self.y, self.ridge, self.weights, self.outputs = X, y, ridge, weights, outputs
        self.dimension = outputs * X.shape[1]
        self._start(theta)
        with np.errstate(all="ignore"):
            self._middle = frozen(weights @ X)
            squares = weights @ ((X - self._middle) ** 2).sum(axis=1)
            self.is_far = bool(self._middle @ self._middle > FAR**2 * squares)
        """Whether products of points' rows would lose more than a digit or two of their deviations."""

    def _start(self, theta: FloatArray) -> None:
        self.theta = theta
        self._means: dict[int, FloatArray] = {}
        self._centres: dict[int, FloatArray] = {}

    @staticmethod
    @abstractmethod
    def loss_slopes(degree: int, u: FloatArray, y: Any) -> FloatArray:
        """d^k f / du^k at outputs u (S, m) and targets y: (S,) + (m,) * k."""

    @np.errstate(all="ignore")
    def slopes(self, degree: int, rows: slice | IntArray = EVERY) -> FloatArray:
        """The same at theta, of some of the points."""
        return self.loss_slopes(degree, self.outputs_at(self.theta, rows), self.y[rows])

    def outputs_at(self, theta: FloatArray, rows: slice | IntArray = EVERY) -> FloatArray:
        """u of some of the points, (S, m)."""
        return np.asarray(self.X[rows] @ theta.reshape(self.outputs, -1).T)

    def mean(self, degree: int, frame: FloatArray | None = None) -> FloatArray:
        found = self._raw_mean(degree)
        if degree <= 2 and self.ridge.any():
            found = found + self._ridge_tensor(degree)
        return found if frame is None else to_eigenbasis(found, frame)

    def _raw_mean(self, degree: int) -> FloatArray:
        """Without the ridge."""
        m, d = self.outputs, self.X.shape[1]
        total = np.zeros((m**degree, d**degree))
        for rows in self._chunks(d**degree + m**degree):
            slopes = self.slopes(degree, rows).reshape(-1, m**degree)
            total += (self.weights[rows, None] * slopes).T @ tensor_powers(self.X[rows], degree)
        return np.asarray(self.joined(total[None], degree)[0])

    def third_cubed(self, vectors: FloatArray) -> FloatArray:
        """J v v v of vectors (r, n), (r,)."""
        found, m, cubes = np.empty(len(vectors)), self.outputs, self.cubes()
        step = max(1, CACHED_BYTES // (8 * m * len(self.X)))
        for start in range(0, len(vectors), step):
            some = vectors[start : start + step]
            seen = (some.reshape(-1, self.X.shape[1]) @ self.X.T).reshape(len(some), m, len(self.X))
            found[start : start + step] = cubes(seen) @ self.weights
        return found

    def cubes(self) -> Callable[[FloatArray], FloatArray]:
        """s_3 : a a a of what the outputs see (r, m, S), (r, S)."""
        slopes = self.slopes(3)

        def cubed(seen: FloatArray) -> FloatArray:
            half = np.einsum("xabc,rcx->rabx", slopes, seen)
            return np.asarray(np.einsum("rabx,rax,rbx->rx", half, seen, seen))

        return cubed

    def _chunks(self, numbers: int) -> Iterator[slice]:
        """Runs of points of which each takes so many numbers."""
        step = max(1, CHUNK_BYTES // (8 * numbers))
        return (slice(start, start + step) for start in range(0, len(self.weights), step))

    def joined(self, tensors: FloatArray, degree: int) -> FloatArray:
        """(S, m^k, d^k) as (S,) + (n,) * k."""
        m, d = self.outputs, self.X.shape[1]
        apart = tensors.reshape(-1, *(m,) * degree, *(d,) * degree)
        order = [0, *(axis for k in range(degree) for axis in (1 + k, 1 + degree + k))]
        return np.ascontiguousarray(apart.transpose(order)).reshape(len(apart), *(m * d,) * degree)

    def _across(self, rows: slice | IntArray, frame: FloatArray | None) -> FloatArray:
        """What a weight does to an output, du_c / dtheta, (S, m, n)."""
        X, m = self.X[rows], self.outputs
        if frame is None:
            return np.asarray(np.einsum("xj,ce->xcej", X, np.eye(m)).reshape(-1, m, self.dimension))
        return np.ascontiguousarray((X @ frame.reshape(m, -1, frame.shape[1])).swapaxes(0, 1))

    def per_point(self, degree: int, rows: slice | IntArray = EVERY, frame: FloatArray | None = None) -> list[Factor]:
        if degree < 2:
            slopes = self.slopes(degree, rows).reshape(-1, self.outputs**degree, 1)
            found = self.joined(slopes * tensor_powers(self.X[rows], degree)[:, None], degree) + self._ridge_tensor(degree)
            return [(found if frame is None else to_eigenbasis(found, frame, 1), tuple(range(degree)))]
        across, sums = self._across(rows, frame), tuple(range(degree, 2 * degree))
        factors: list[Factor] = [(self.slopes(degree, rows), sums), *((across, (sums[k], k)) for k in range(degree))]
        if degree > 2 or not self.ridge.any():
            return factors
        tensors = contract([(array, (4, *axes)) for array, axes in factors], [4, 0, 1])
        pull = self._ridge_tensor(2)
        return [(tensors + (pull if frame is None else to_eigenbasis(pull, frame)), (0, 1))]

    def centred(self, degree: int, rows: slice | IntArray, frame: FloatArray | None) -> FloatArray:
        tensors = self._less_constant(degree, rows)
        tensors -= self._centre(degree)
        return tensors if frame is None else to_eigenbasis(tensors, frame, 1)

    def _mean_slopes(self, degree: int) -> FloatArray:
        """Their mean, (m,) * k."""
        if degree not in self._means:
            self._means[degree] = np.asarray(np.tensordot(self.weights, self.slopes(degree), 1))
        return self._means[degree]

    def _less_constant(self, degree: int, rows: slice | IntArray) -> FloatArray:
        """The points' tensors less s' (x) c^(tensor k), s' the mean of the slopes and c that of x.

        x^k - c^k grows as D <- D x + c^j (x - c), which takes no digits from x - c.
        """
        middle, X = self._middle, self.X[rows]
        power, rest, constant = np.ones((len(X), 1)), np.zeros((len(X), 1)), np.ones(1)
        for _ in range(degree):
            power = (power[:, :, None] * X[:, None, :]).reshape(len(X), -1)
            rest = (rest[:, :, None] * X[:, None, :] + constant[:, None] * (X - middle)[:, None, :]).reshape(len(X), -1)
            constant = np.multiply.outer(constant, middle).reshape(-1)
        mean = self._mean_slopes(degree)
        slopes = (self.slopes(degree, rows) - mean).reshape(len(X), -1)
        return self.joined(slopes[:, :, None] * power[:, None, :] + mean.reshape(-1)[:, None] * rest[:, None, :], degree)

    def _centre(self, degree: int) -> FloatArray:
        """The mean of that."""
        if degree not in self._centres:
            total = np.zeros((self.dimension,) * degree)
            for rows in self._chunks(3 * max(total.size, 1)):
                total += np.tensordot(self.weights[rows], self._less_constant(degree, rows), 1)
            self._centres[degree] = total
        return self._centres[degree]

    def shifted(
        self, degree: int, rows: slice | IntArray = EVERY, frame: FloatArray | None = None
    ) -> tuple[list[Factor], Callable[[], FloatArray] | None]:
        if degree < 2 or self.is_far:
            return super().shifted(degree, rows, frame)
        across, sums = self._across(rows, frame), tuple(range(degree, 2 * degree))

        def mean() -> FloatArray:
            found = self._raw_mean(degree)
            return found if frame is None else to_eigenbasis(found, frame)

        return [(self.slopes(degree, rows), sums), *((across, (sums[k], k)) for k in range(degree))], mean

    def moment(self, nodes: Nodes, frame: FloatArray | None = None) -> FloatArray:
        degrees, count, n = set(map(len, nodes)), len(self.weights), self.dimension
        small = 8 * count * n ** max(degrees) <= DENSE_BYTES
        if self.is_far or frame is not None or max(degrees) < 2 or small:
            return super().moment(nodes, frame)
        # the points' tensors stay in their factors, and what they have in common is taken off the product
        labels = labels_of(nodes)
        point, kept = 2 * labels[-1] + 2, [label for a in labels for label in (2 * a, 2 * a + 1)]
        total = np.zeros(self.index_shape * len(labels))
        means = {degree: self._apart(-self._raw_mean(degree)) for degree in degrees}
        for rows in self._chunks(max(self.outputs ** max(degrees), n ** max(1, len(labels) - 1))):
            slopes, choices = {degree: self.slopes(degree, rows) for degree in degrees}, []
            for node in nodes:
                off: Factor = (means[len(node)], tuple(label for a in node for label in (2 * a, 2 * a + 1)))
                choices.append([self._factors(slopes[len(node)], self.X[rows], node, point), [off]])
            for chosen in product(*choices):
                total += contract([(self.weights[rows], (point,)), *chain(*chosen)], kept)
        return np.asarray(total.reshape((n,) * len(labels)))

    @property
    def index_shape(self) -> tuple[int, ...]:
        return (self.outputs, self.X.shape[1])

    def _apart(self, tensor: FloatArray) -> FloatArray:
        """(n,) * k as (m, d) * k."""
        return tensor.reshape(self.index_shape * tensor.ndim)

    def _factors(self, slopes: FloatArray, X: FloatArray, node: Sequence[int], point: int) -> list[Factor]:
        """A node's tensor at every point: index a has the labels 2a, of the output, and 2a + 1, of the column."""
        return [(slopes, (point, *(2 * a for a in node))), *((X, (point, 2 * a + 1)) for a in node)]

    def factored(self, nodes: Nodes, frame: FloatArray | None = None) -> Iterator[tuple[int, list[Factor]]]:
        """The joint cumulant as a sum of products of small arrays; two labels to an index, see `index_shape`, or one."""
        if frame is not None:
            yield from super().factored(nodes, frame)
            return
        if len(nodes) == 1 and len(nodes[0]) <= 2:
            kept = [label for a in labels_of(nodes) for label in (2 * a, 2 * a + 1)]
            yield 1, [(self._apart(self.part(nodes)), tuple(kept))]  # small, and the ridge belongs to it
            return
        slopes = {degree: self.slopes(degree) for degree in {len(node) for node in nodes}}
        for weight, blocks in partition_terms(len(nodes)):
            factors: list[Factor] = []
            for point, block in enumerate(blocks, 1):
                factors += chain(*(self._factors(slopes[len(nodes[i])], self.X, nodes[i], -point) for i in block))
                factors.append((self.weights, (-point,)))
            yield weight, factors

    def _ridge_tensor(self, degree: int) -> FloatArray:
        """Derivative of the ridge term, of degree 0 to 2."""
        return np.asarray((0.5 * self.ridge @ self.theta**2, self.ridge * self.theta, np.diag(self.ridge))[degree])

    def at_minimum(self) -> Self:
        """The same landscape at the weights of least loss, by Newton's method with backtracking.

        Raises
        ------
        InputError : there is no minimum, or no unique one; a ridge > 0 makes it so
        """
        return newton_minimum(self)

    def moved(self, theta: FloatArray) -> Self:
        found = copy(self)
        found.__dict__.pop("_deviations", None)
        found._start(frozen(theta))
        return found

    def local(self, theta: FloatArray) -> LinearModelLocal:
        return LinearModelLocal(self, theta)

    def scaled(self, exponent: int) -> Self:
        with np.errstate(all="ignore"):
            X, theta = np.ldexp(self.X, exponent), np.ldexp(self.theta, -exponent)
            return self._of(X, theta, np.ldexp(self.ridge, 2 * exponent))

    def along(self, basis: FloatArray, ridge: FloatArray) -> Self:
        """Of components along orthonormal columns (d, r) that span all of X and theta, with their ridge."""
        return self._of(self.X @ basis, (self.theta.reshape(self.outputs, -1) @ basis).ravel(), ridge)

    def _of(self, X: FloatArray, theta: FloatArray, ridge: FloatArray) -> Self:
        found = copy(self)
        found.__dict__.pop("_deviations", None)
        LinearModel.__init__(found, frozen(X), self.y, frozen(theta), frozen(ridge), self.weights, self.outputs)
        return found
