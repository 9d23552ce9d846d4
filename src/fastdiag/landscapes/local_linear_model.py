"""A linear model at one set of weights: every contraction by products of matrices with the rows of X."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import TooLargeError
from ..locks import cached_property
from ..typing import FloatArray
from .averaged import MOST_PLACES, NODES, Averaged, hermite
from .local import Local, Numbers

if TYPE_CHECKING:
    from .linear_model import LinearModel

SOME_BYTES = 1 << 25  # slopes and tensors of points are formed so many at a time


class LinearModelLocal(Local):
    """grad^k l_x = s_k (x) x^(tensor k), s_k the slopes, (m,) * k; the ridge besides.

    Of a covariance S, point x sees that of its outputs alone: V_x = x S x, (m, m).
    """

    def __init__(self, landscape: LinearModel, theta: FloatArray) -> None:
        self.landscape, self.theta = landscape, theta
        self.X, self.weights, self.ridge, self.m = landscape.X, landscape.weights, landscape.ridge, landscape.outputs
        self.outputs = landscape.outputs_at(theta)
        self._slopes: dict[int, FloatArray] = {}
        self._along: tuple[Numbers | None, FloatArray] = None, np.empty(0)

    def slopes(self, degree: int) -> FloatArray:
        """s_k of every point, (S,) + (m,) * k."""
        if degree not in self._slopes:
            self._slopes[degree] = self.landscape.loss_slopes(degree, self.outputs, self.landscape.y)
        return self._slopes[degree]

    def _some(self, degree: int) -> Iterator[tuple[slice, FloatArray]]:
        """The same, some points at a time; not kept."""
        step = max(1, SOME_BYTES // (8 * self.m**degree))
        for start in range(0, len(self.X), step):
            rows = slice(start, start + step)
            yield rows, self.landscape.loss_slopes(degree, self.outputs[rows], self.landscape.y[rows])

    def tensor(self, degree: int) -> FloatArray:
        found = self.slopes(degree).reshape(len(self.X), -1, 1)
        joined = self.landscape.joined(found * tensor_powers(self.X, degree)[:, None], degree)
        return joined if degree > 2 else np.asarray(joined + self._ridge(degree))

    def _ridge(self, degree: int) -> FloatArray:
        return np.asarray((0.5 * self.ridge @ self.theta**2, self.ridge * self.theta, np.diag(self.ridge))[degree])

    def mean(self, degree: int) -> FloatArray:
        return np.asarray(np.tensordot(self.weights, self.tensor(degree), 1))

    @property
    def loss(self) -> Any:
        return float(self.weights @ self.slopes(0) + self._ridge(0))

    @cached_property
    def _pull(self) -> FloatArray:
        """G without the ridge."""
        return self._pulling(self.slopes(1))

    def _pulling(self, slopes: FloatArray) -> FloatArray:
        """E[s (x) x] of slopes (S, m), (n,)."""
        return np.asarray(((self.weights[:, None] * slopes).T @ self.X).reshape(-1))

    def _squared(self, slopes: FloatArray) -> FloatArray:
        """E[s (x) x x] of symmetric slopes (S, m, m), (n, n)."""
        m, d = self.m, self.X.shape[1]
        found = np.empty((m, d, m, d))
        for c in range(m):
            weighted = (self.weights[:, None] * slopes[:, c, c:])[:, :, None] * self.X[:, None, :]
            block = (self.X.T @ weighted.reshape(len(weighted), -1)).reshape(d, m - c, d)
            found[c, :, c:] = block
            found[c:, :, c] = block.transpose(1, 2, 0)
        return found.reshape(m * d, m * d)

    @cached_property
    def _curvature(self) -> FloatArray:
        """H without the ridge."""
        return self._squared(self.slopes(2))

    @property
    def gradient(self) -> FloatArray:
        return np.asarray(self._pull + self.ridge * self.theta)

    @property
    def hessian(self) -> FloatArray:
        return np.asarray(self._curvature + np.diag(self.ridge))

    @cached_property
    def gradients(self) -> FloatArray:
        raw = self.slopes(1)[:, :, None] * self.X[:, None, :]
        return np.asarray(raw.reshape(len(raw), -1) - self._pull)

    @cached_property
    def covariance(self) -> FloatArray:
        return self.paired(self.gradients)

    def _seen(self, vectors: Numbers) -> FloatArray:
        """What each point's outputs see of its own vector (S, n), (S, m)."""
        return np.asarray(np.einsum("xcj,xj->xc", vectors.reshape(len(vectors), self.m, -1), self.X))

    def pulled(self, vectors: Numbers) -> FloatArray:
        return self._pulling(np.einsum("xce,xe->xc", self.slopes(2), self._seen(vectors)))

    def _outputs_of(self, vectors: Numbers) -> FloatArray:
        """What each point's outputs see of vectors (r, n), (S, m, r)."""
        found = vectors.reshape(-1, self.X.shape[1]) @ self.X.T
        return np.ascontiguousarray(found.reshape(len(vectors), self.m, len(self.X)).transpose(2, 1, 0))

    def curved(self, vectors: Numbers) -> FloatArray:
        bent = self.weights[:, None, None] * (self.slopes(2) @ self._outputs_of(vectors))
        found = bent.transpose(2, 1, 0).reshape(len(vectors) * self.m, len(self.X)) @ self.X
        return np.asarray(found.reshape(vectors.shape) + self.ridge * vectors)

    def third_along(self, sizes: Numbers, rows: Numbers) -> FloatArray:
        seen = self._outputs_of(rows)
        V = ((seen * sizes) @ seen.swapaxes(1, 2)).reshape(len(self.X), -1)
        slopes = self.slopes(3).reshape(len(self.X), self.m, -1)
        return self._pulling(np.einsum("xck,xk->xc", slopes, V))

    def variances(self, S: Numbers) -> FloatArray:
        """V_x of every point, (S, m, m)."""
        if self._along[0] is not S:
            m, d = self.m, self.X.shape[1]
            turned = np.empty((len(self.X), m, m))
            for c in range(m):
                half = (self.X @ S[c * d : (c + 1) * d]).reshape(len(self.X), m, d)
                turned[:, c] = (half @ self.X[:, :, None])[:, :, 0]
            self._along = S, turned
        return self._along[1]

    @property
    def hessians(self) -> FloatArray:
        return np.asarray(self.tensor(2) - self.hessian)

    def thirds(self, S: Numbers) -> FloatArray:
        raw = self._bent(S)[:, :, None] * self.X[:, None, :]
        return np.asarray(raw.reshape(len(raw), -1) - self.third(S))

    def _bent(self, S: Numbers) -> FloatArray:
        """s_3 : V_x, (S, m)."""
        slopes, V = self.slopes(3).reshape(len(self.X), self.m, -1), self.variances(S).reshape(len(self.X), -1)
        return np.asarray(np.einsum("xck,xk->xc", slopes, V))

    def third(self, S: Numbers) -> FloatArray:
        return self._pulling(self._bent(S))

    def fourth(self, S: Numbers) -> FloatArray:
        V, found = self.variances(S), np.empty((len(self.X), self.m, self.m))
        for rows, slopes in self._some(4):
            found[rows] = np.einsum("xceab,xab->xce", slopes, V[rows])
        return self._squared(found)

    def fourth_of(self, k: Numbers) -> FloatArray:
        m, d, found = self.m, self.X.shape[1], np.empty((len(self.X), self.m))
        apart = k.reshape(m, d, m, d, m, d)
        for rows, slopes in self._some(4):
            X = self.X[rows]
            cubes = np.einsum("xl,ajbkcl->xajbkc", X, apart)
            cubes = np.einsum("xk,xajbkc->xajbc", X, cubes)
            cubes = np.einsum("xj,xajbc->xabc", X, cubes)
            found[rows] = np.einsum("xeabc,xabc->xe", slopes, cubes)
        return self._pulling(found)

    def fifth(self, S: Numbers) -> FloatArray:
        V, found = self.variances(S), np.empty((len(self.X), self.m))
        for rows, slopes in self._some(5):
            half = np.einsum("xcabef,xef->xcab", slopes, V[rows])
            found[rows] = np.einsum("xcab,xab->xc", half, V[rows])
        return self._pulling(found)

    def covariance_over(self, S: Numbers) -> FloatArray:
        bent = np.einsum("xc,xe->xce", self._bent(S), self.slopes(1))
        curved = self.slopes(2) @ self.variances(S) @ self.slopes(2)
        crossed, H = np.outer(self.third(S), self._pull), self._curvature
        raw = self._squared(bent + bent.swapaxes(1, 2) + 2 * curved)
        return np.asarray(raw - crossed - crossed.T - 2 * H @ S @ H)

    def averaged(self, S: Numbers) -> Averaged:
        """By Gauss-Hermite sums over what each point's outputs see of S; moments with the ridge by Stein's lemma."""
        V, m = self.variances(S), self.m
        if NODES**m > MOST_PLACES:
            raise TooLargeError(
                f"an average over {m} outputs takes {NODES}^{m} places (limit {MOST_PLACES:,}); give noise= alone"
            )
        sizes, axes = np.linalg.eigh(V)
        roots, (places, shares) = axes * np.sqrt(np.maximum(sizes, 0.0))[:, None, :], hermite()
        slopes: list[Any] = [0.0, 0.0, 0.0]
        squares: Any = 0.0
        for chosen in product(range(NODES), repeat=m):
            share, u = shares[list(chosen)].prod(), self.outputs + roots @ places[list(chosen)]
            there = [self.landscape.loss_slopes(degree, u, self.landscape.y) for degree in range(3)]
            slopes = [mean + share * found for mean, found in zip(slopes, there, strict=True)]
            squares = squares + share * there[1][:, :, None] * there[1][:, None, :]
        loss = float(self.weights @ slopes[0] + self._ridge(0) + self.ridge @ np.diag(S) / 2)
        pull, curvature = self._pulling(slopes[1]), self._squared(slopes[2])
        spread = self._squared(squares) - np.outer(pull, pull) - curvature @ S @ curvature
        return Averaged(loss, pull + self.ridge * self.theta, curvature + np.diag(self.ridge), spread)

    @property
    def third_tensor(self) -> FloatArray:
        return self.landscape.moved(self.theta).mean(3)

    @property
    def tilted(self) -> FloatArray:
        mixed = self._cubed(np.einsum("xa,xbc->xabc", self.slopes(1), self.slopes(2)))  # E[g_a h_bc]
        return np.asarray(mixed - np.multiply.outer(self._pull, self._curvature))

    def _cubed(self, slopes: FloatArray) -> FloatArray:
        """E[s (x) x x x] of slopes (S, m, m, m), (n, n, n)."""
        total = (self.weights[:, None] * slopes.reshape(len(self.X), -1)).T @ tensor_powers(self.X, 3)
        return np.asarray(self.landscape.joined(total[None], 3)[0])


def tensor_powers(X: FloatArray, degree: int) -> FloatArray:
    """x^(tensor k) of each row, (S, d^k)."""
    found = np.ones((len(X), 1))
    for _ in range(degree):
        found = (found[:, :, None] * X[:, None, :]).reshape(len(X), -1)
    return found
