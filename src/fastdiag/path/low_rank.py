"""Noise of the first order about the path of many weights, whose covariance is carried as a matrix of low rank."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..landscapes.lanczos import ends
from ..landscapes.landscape import Landscape
from ..landscapes.local import Local
from ..memory import require
from ..spacetime import Spacetime
from ..typing import FloatArray
from .first_order import Walk
from .motion import Motion

TOGETHER = 256  # points whose noise is taken in at a time
INSTEAD = "give tolerance=0 for all of the covariance"


@dataclass(frozen=True, slots=True)
class LowRank:
    """A symmetric matrix (n, n): the sum of sizes times the squares of rows, which are orthonormal."""

    sizes: FloatArray
    """(r,)."""
    rows: FloatArray
    """(r, n)."""

    @classmethod
    def of(cls, rows: FloatArray, core: FloatArray, allowance: float) -> tuple[LowRank, float]:
        """rows^T core rows, rows (p, n) any and the core (p, p) symmetric; and the trace norm of what was left out.

        allowance : that may be so large
        """
        across, inner = np.linalg.qr(rows.T)
        turned = inner @ core @ inner.T
        sizes, vectors = np.linalg.eigh((turned + turned.T) / 2)
        order = np.argsort(np.abs(sizes), kind="stable")
        sizes, vectors = sizes[order], vectors[:, order]
        lost = np.cumsum(np.abs(sizes))
        cut = int(np.searchsorted(lost, allowance, side="right"))
        return cls(sizes[cut:], np.ascontiguousarray((across @ vectors[:, cut:]).T)), float(lost[cut - 1]) if cut else 0.0

    @property
    def trace(self) -> float:
        return float(self.sizes.sum())

    def times(self, vectors: FloatArray) -> FloatArray:
        """It times vectors (..., n)."""
        return np.asarray((vectors @ self.rows.T * self.sizes) @ self.rows)

    def scaled(self, factor: float) -> LowRank:
        """A number times it."""
        return LowRank(self.sizes * factor, self.rows)

    def against(self, local: Local) -> float:
        """H:S."""
        return float(self.sizes @ (self.rows * local.curved(self.rows)).sum(axis=1))

    def dense(self) -> FloatArray:
        """(n, n)."""
        return np.asarray((self.rows.T * self.sizes) @ self.rows)


class Product:
    """The matrix of an update, A = a - b H, by products with H; what stands before it are rows (p, n)."""

    __array_ufunc__ = None  # so that arrays leave products to us

    def __init__(self, local: Local, a: float, b: float) -> None:
        self.local, self.a, self.b = local, a, b
        self._last: tuple[FloatArray, FloatArray] | None = None

    @property
    def T(self) -> Product:
        """It is symmetric."""
        return self

    def __rmatmul__(self, rows: FloatArray) -> FloatArray:
        if self._last is None or self._last[0] is not rows:
            bent = self.local.curved(np.atleast_2d(rows)).reshape(rows.shape)
            self._last = rows, self.a * rows - self.b * bent
        return self._last[1]

    def norm(self) -> float:
        """The largest factor that it multiplies a vector's length with."""
        low, high = ends(self.local.curved, self.local.gradient.size)
        return max(abs(self.a - self.b * low), abs(self.a - self.b * high))


class LowRankWalk(Walk):
    """The walk with S = sum of r sizes times squares of orthonormal directions, r as large as it must be.

    Every update takes r products with the Hessian, and adds noise of which a share, the tolerance, may be left out, the
    directions with least of it. What is left out of S is at most `lost` in trace norm: it grows by the square of the
    matrix' norm at every update.
    """

    S: Any

    def __init__(
        self, landscape: Landscape, motion: Motion, spacetime: Spacetime, remembers: bool, points: int | None,
        tolerance: float,
    ) -> None:
        m, n = motion.shape
        if not landscape.is_gradient:
            raise UnsupportedError(f"{landscape!r} is no loss, whose curvature is symmetric; {INSTEAD}")
        if m > 1 or not motion.is_linear or np.ndim(motion.eta) or motion.is_exact:
            raise UnsupportedError(
                "a covariance of low rank is carried along by SGD, with weight decay or a schedule, at learning rates that "
                f"are floats; other rules remember more than the weights: {INSTEAD}"
            )
        if spacetime.T == inf:
            raise UnsupportedError(f"a covariance of low rank is carried to a finite T; {INSTEAD}, or a finite T")
        if not spacetime.is_one_epoch and spacetime.sampling == "cyclic":
            raise UnsupportedError(
                f"a covariance of low rank is carried over several epochs with sampling='reshuffle'; {INSTEAD}, or that"
            )
        points_there = landscape.local(motion.start).weights.size
        require(8 * 6 * points_there * n, f"gradients of {points_there:,} points", "take fewer points or weights")
        super().__init__(landscape, motion, spacetime, 1, remembers, points)
        self.tolerance, self.lost = tolerance, 0.0

    def nothing(self, size: int) -> Any:
        return LowRank(np.zeros(0), np.zeros((0, size)))

    @property
    def carried(self) -> tuple[FloatArray, ...]:
        return self.S.sizes, self.bent, self.met

    @property
    def seen_covariance(self) -> LowRank:
        found: LowRank = self.S.scaled(float(self.motion.seen[0]) ** 2)
        return found

    @property
    def discarded(self) -> float:
        """At most so large a share of the trace of S is left out."""
        return float(self.lost / self.S.trace) if self.S.trace > 0 else 0.0

    def advance(self, stride: Any) -> None:
        motion, local, before = self.motion, self.local, self.responses
        push, point = float(motion.push[0]), float(motion.point[0])
        matrix: Any = Product(local, float(motion.step[0, 0]), push * point * float(stride))  # stands for one, (n, n)
        before.before(int(self.t))
        kicks, N = motion.kicked(stride, local.gradients), self.spacetime.N
        o = before.met
        met = self.met @ matrix
        if o is not None:
            met = met + motion.kicked(stride, local.pulled(motion.at_point(o))) / int(N)
        bent = self.bent @ matrix + motion.kicked(stride, local.third_along(self.S.sizes * point**2, self.S.rows)) / 2
        moved = LowRank(self.S.sizes, self.S.rows @ matrix)  # whose rows are orthonormal no more
        self.lost *= matrix.norm() ** 2
        for rows, core, trace in self._added(kicks, None if o is None else o @ matrix):
            both = np.zeros((len(moved.sizes) + len(core),) * 2)
            both[: len(moved.sizes), : len(moved.sizes)] = np.diag(moved.sizes)
            both[len(moved.sizes) :, len(moved.sizes) :] = core
            moved, lost = LowRank.of(np.vstack([moved.rows, rows]), both, self.tolerance * trace)
            self.lost += lost
        before.after(int(self.t), matrix, kicks)
        self.S, self.bent, self.met = moved, bent, met

    def _added(self, kicks: FloatArray, met: FloatArray | None) -> Iterator[tuple[FloatArray, FloatArray, float]]:
        """What an update adds to S, some points at a time: rows, the core between them, and the trace of its noise."""
        weights, N = self.local.weights / self.batch, self.spacetime.N
        if self.points is not None:
            weights = weights * (self.points - self.batch) / max(self.points - 1, 1)
        for start in range(0, len(kicks), TOGETHER):
            some = slice(start, start + TOGETHER)
            rows, shares = kicks[some], weights[some]
            trace = float(shares @ (rows * rows).sum(axis=1))
            if met is None:
                yield rows, np.diag(shares), trace
                continue
            beside = np.diag(self.local.weights[some] / int(N))
            yield np.vstack([rows, met[some]]), np.block([[np.diag(shares), beside], [beside, beside * 0]]), trace
