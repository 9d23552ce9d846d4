"""Noise of the second order in the difference of train and test loss: what each data point does, to the next order."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..landscapes.landscape import Landscape
from ..landscapes.local import Numbers
from ..memory import require
from ..spacetime import Spacetime
from .motion import Motion
from .second_order import SecondWalk

COPIES = 6  # arrays of a matrix for each point at a time


class TiedWalk(SecondWalk):
    """The walk with what a point x, were it in every batch, does to the state: R_x to the mean, Y_x to the second moment
    about it, r_x to the mean in the next order. With m and S of the first order, for plain SGD:

    Y' = K Y K + (eta^2/B) (xi xi + C'.R) - eta [K S (J.R + h - H) + its transpose]
    r' = K r - eta/2 J:(Y + 2 m R) - eta/2 (Q:S) R - eta (h - H) m - eta/2 (J_x - J):S

    What is the same for all points plays no part (in Y it is -C eta^2/B).
    """

    def __init__(self, landscape: Landscape, motion: Motion, spacetime: Spacetime, noise: int, remembers: bool) -> None:
        super().__init__(landscape, motion, spacetime, noise, remembers)
        m, n = motion.shape
        points = len(self.local.weights)
        require(
            8 * COPIES * points * (m * n) ** 2, f"a matrix of {m * n} x {m * n} for each of {points} points",
            "take noise=1, or the test loss",
        )
        self.Y, self.r = motion.zeros(points, m * n, m * n), motion.zeros(points, m * n)

    def advance(self, rate: Any) -> None:
        motion, local = self.motion, self.local
        A, J, h = motion.matrix(rate, local.hessian), local.third_tensor, local.hessians
        whole = self.responses.whole
        assert whole is not None
        R, m, S = motion.at_point(whole), motion.at_point(self.m), motion.at_point_twice(self.S)
        kicks = motion.kicked(rate, local.gradients)
        own = np.tensordot(R, self._kicked(rate, local.covariance_slope, 0, 1), ((1,), (2,)))
        own += kicks[:, :, None] * kicks[:, None, :]
        bent = A @ motion.at_point(self.S) @ (np.tensordot(R, J, 1) + h)
        mixed = motion.kicked(rate, bent)
        Y = ((A @ self.Y).reshape(-1, len(A)) @ A.T).reshape(self.Y.shape)  # twice as fast as products of every matrix
        Y = Y + mixed + mixed.swapaxes(1, 2) + own / self.batch
        moments = self._read(motion.point, self.Y, 1, 2) + _pairs(m, R)
        shift = np.tensordot(moments, J, 2) / 2 + R @ local.fourth(S) / 2 + h @ m + local.thirds(S) / 2
        self.r = self.r @ A.T + motion.kicked(rate, shift)
        self.Y = Y
        super().advance(rate)

    @property
    def carried(self) -> tuple[Numbers, ...]:
        return *super().carried, self.r, self.Y

    @property
    def tie_of_second_order(self) -> Any:
        """The train loss less the test loss."""
        motion, here, whole = self.motion, self.here, self.responses.whole
        assert whole is not None
        R, m, S = motion.observed(whole), motion.observed(self.m), motion.observed_twice(self.S)
        moments = self._read(motion.seen, self.Y, 1, 2) + _pairs(m, R)
        each = (here.gradients * motion.observed(self.r)).sum(axis=1) + (here.thirds(S) * R).sum(axis=1) / 2
        each = each + (here.hessians * moments).sum(axis=(1, 2)) / 2
        return (here.weights * each).sum() / self.spacetime.finite("N")


def _pairs(m: Numbers, R: Numbers) -> Numbers:
    """m R + R m of every point."""
    crossed = R[:, :, None] * m
    return np.asarray(crossed + crossed.swapaxes(1, 2))
