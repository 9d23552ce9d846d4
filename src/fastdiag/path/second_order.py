"""Noise of the second order about the path, where no point is met twice: the cumulants' recursion."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..landscapes.landscape import Landscape
from ..landscapes.local import Numbers
from ..memory import require
from ..spacetime import Spacetime
from .first_order import Walk
from .motion import Motion

COPIES = 10  # arrays of n^3 numbers at a time


class SecondWalk(Walk):
    """The walk with k, the third cumulant of the weights, S2 and m2, the second order of their covariance and mean.

    J, Q, R are the third to fifth derivatives at the path, C' and C'' those of the covariance, K = 1 - eta H:

    m2' = K m2 - eta/2 J:(S2 + m m) - eta/6 Q:(k + 3 S m) - eta/8 R:(S S)
    S2' = K S2 K + M + M^T + eta^2/2 J:(S x S):J + eta^2/B (C'.m + C'':S/2),  M = -eta/2 K [(k + 2 S m):J + S (Q:S)]
    k' = K K K k - eta sym[(K S)(K S) J] + eta^2/B sym[(K S).C'] - eta^3/B^2 E[xi xi xi]
    """

    def __init__(self, landscape: Landscape, motion: Motion, spacetime: Spacetime, noise: int, remembers: bool) -> None:
        self._check(motion, spacetime, remembers)
        super().__init__(landscape, motion, spacetime, noise, remembers)
        n = motion.shape[1]
        self.m2, self.S2, self.k = motion.zeros(n), motion.zeros(n, n), motion.zeros(n, n, n)

    @staticmethod
    def _check(motion: Motion, spacetime: Spacetime, remembers: bool) -> None:
        m, n = motion.shape
        if not spacetime.is_one_epoch:
            raise UnsupportedError(
                "noise order 2 has a recursion where no point is met twice, and T = "
                f"{spacetime.T} is more than one epoch of {spacetime.updates_per_epoch} updates; take noise=1"
            )
        if m > 1 or remembers:
            what = "momentum" if m > 1 else "the train loss and the generalization gap"
            raise UnsupportedError(f"noise order 2 has no recursion for {what} yet; take noise=1")
        require(8 * COPIES * n**3, f"third cumulants of {n} weights", "take noise=1, which needs none")

    @property
    def m(self) -> Numbers:
        """The mean's shift of the first order."""
        return np.asarray(self.bent + self.met)

    def advance(self, rate: Any) -> None:
        motion, local, B = self.motion, self.local, self.spacetime.B
        K, J, S, m, k = motion.matrix(rate, local.hessian), local.third_tensor, self.S, self.m, self.k

        def raised(tensor: Numbers, *axes: int) -> Numbers:
            """Times -eta along some axes."""
            for axis in axes:
                tensor = np.moveaxis(motion.kicked(rate, np.moveaxis(tensor, axis, -1)), -1, axis)
            return tensor

        KS, QS, slope = K @ S, local.fourth(S), local.covariance_slope
        shift = np.tensordot(J, self.S2 + np.outer(m, m), 2) / 2 + QS @ m / 2 + local.fourth_of(k) / 6 + local.fifth(S) / 8
        bent = (np.tensordot(k, J, ((1, 2), (1, 2))) + 2 * S @ (J @ m) + S @ QS) / 2
        mixed = K @ raised(bent, 1)
        noise = (slope @ m + local.covariance_over(S) / 2) / B
        JS = J @ S
        noise = noise + np.tensordot(JS, JS, ((1, 2), (2, 1))) / 2
        third = raised(_along(J, KS, KS), 2) + raised(slope, 0, 1) @ KS.T / B
        k = _along(k, K, K) @ K.T + _everywhere(third) + raised(local.skew, 0, 1, 2) / B**2
        super().advance(rate)
        self.m2 = K @ self.m2 + raised(shift, 0)
        self.S2 = K @ self.S2 @ K.T + mixed + mixed.T + raised(noise, 0, 1)
        self.k = k

    @property
    def loss(self) -> Any:
        """The expected test loss's contribution of noise order 2."""
        here, S, m = self.here, self.S, self.m
        squares = (here.hessian * (self.S2 + np.outer(m, m))).sum() / 2
        cubes = (here.third_tensor * self.k).sum() / 6 + here.third(S) @ m / 2
        return here.gradient @ self.m2 + squares + cubes + (here.fourth(S) * S).sum() / 8

    @property
    def loss_variance(self) -> Any:
        """The variance of the test loss."""
        here, S, m = self.here, self.S, self.m
        G, H = here.gradient, here.hessian
        HS = H @ S
        crossed = np.tensordot(self.k, H, 2) @ G + 2 * G @ S @ H @ m + G @ S @ here.third(S)
        return G @ self.S2 @ G + crossed + (HS * HS.T).sum() / 2


def second_order(walk: SecondWalk, observable: str) -> Any:
    """The contributions of noise order 2."""
    motion = walk.motion
    if observable == "displacement":
        return motion.observed(walk.m2)
    if observable == "covariance":
        return walk.S2
    return walk.loss_variance if observable == "test_loss_variance" else walk.loss


def _along(tensor: Numbers, first: Numbers, second: Numbers) -> Numbers:
    """first and second times the first two axes."""
    return np.asarray(np.tensordot(first, (second @ tensor), 1))


def _everywhere(tensor: Numbers) -> Numbers:
    """Symmetric in the first two axes: the sum over the three places of the last."""
    return np.asarray(tensor + tensor.transpose(0, 2, 1) + tensor.transpose(2, 0, 1))
