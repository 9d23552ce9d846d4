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
from .settled import solved, summed

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
        K = self.motion.matrix(rate, self.local.hessian)
        k = _along(self.k, K, K) @ K.T + self._skewed(rate, K)
        S2 = K @ self.S2 @ K.T + self._widened(rate, K)
        m2 = K @ self.m2 + self._shifted(rate)
        super().advance(rate)
        self.k, self.S2, self.m2 = k, S2, m2

    def settle(self) -> None:
        super().settle()
        rate = self.motion.rate(0)
        K = self.motion.matrix(rate, self.local.hessian)
        self.k = summed(K, self._skewed(rate, K))
        self.S2 = summed(K, self._widened(rate, K))
        self.m2 = solved(self.motion.unit - K, self._shifted(rate))

    def _raised(self, rate: Any, tensor: Numbers, *axes: int) -> Numbers:
        """Times -eta along some axes."""
        for axis in axes:
            tensor = np.moveaxis(self.motion.kicked(rate, np.moveaxis(tensor, axis, -1)), -1, axis)
        return tensor

    def _skewed(self, rate: Any, K: Numbers) -> Numbers:
        """What an update adds to k."""
        local, B, KS = self.local, self.spacetime.B, K @ self.S
        third = self._raised(rate, _along(local.third_tensor, KS, KS), 2)
        third = third + self._raised(rate, local.covariance_slope, 0, 1) @ KS.T / B
        return _everywhere(third) + self._raised(rate, local.skew, 0, 1, 2) / B**2

    def _widened(self, rate: Any, K: Numbers) -> Numbers:
        """To S2."""
        local, S, m, J = self.local, self.S, self.m, self.local.third_tensor
        bent = (np.tensordot(self.k, J, ((1, 2), (1, 2))) + 2 * S @ (J @ m) + S @ local.fourth(S)) / 2
        mixed, JS = K @ self._raised(rate, bent, 1), J @ S
        noise = (local.covariance_slope @ m + local.covariance_over(S) / 2) / self.spacetime.B
        noise = noise + np.tensordot(JS, JS, ((1, 2), (2, 1))) / 2
        return np.asarray(mixed + mixed.T + self._raised(rate, noise, 0, 1))

    def _shifted(self, rate: Any) -> Numbers:
        """To m2."""
        local, S, m = self.local, self.S, self.m
        shift = local.third(self.S2 + np.outer(m, m)) + local.fourth(S) @ m
        return self._raised(rate, shift / 2 + local.fourth_of(self.k) / 6 + local.fifth(S) / 8, 0)

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
