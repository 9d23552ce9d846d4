"""Noise of the second order about the path, where no point is met twice: the cumulants' recursion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..landscapes.landscape import Landscape
from ..landscapes.local import Local, Numbers
from ..memory import require
from ..spacetime import Spacetime
from .first_order import Walk
from .motion import Motion
from .settled import fixed, summed

COPIES = 10  # arrays of n^3 numbers at a time


class SecondWalk(Walk):
    """The walk with k, the third cumulant of the state, S2 and m2, the second order of its covariance and mean.

    J, Q, R are the third to fifth derivatives at the path, C' and C'' the covariance's; for plain SGD, K = 1 - eta H:

    m2' = K m2 - eta/2 J:(S2 + m m) - eta/6 Q:(k + 3 S m) - eta/8 R:(S S)
    S2' = K S2 K + M + M^T + eta^2/2 J:(S x S):J + eta^2/B (C'.m + C'':S/2),  M = -eta/2 K [(k + 2 S m):J + S (Q:S)]
    k' = K K K k - eta sym[(K S)(K S) J] + eta^2/B sym[(K S).C'] - eta^3/B^2 E[xi xi xi]
    """

    def __init__(self, landscape: Landscape, motion: Motion, spacetime: Spacetime, noise: int, remembers: bool) -> None:
        m, n = motion.shape
        self._check(m * n, spacetime)
        super().__init__(landscape, motion, spacetime, noise, remembers)
        self.m2, self.S2, self.k = motion.zeros(m * n), motion.zeros(m * n, m * n), motion.zeros(m * n, m * n, m * n)

    @staticmethod
    def _check(size: int, spacetime: Spacetime) -> None:
        if not spacetime.is_one_epoch:
            raise UnsupportedError(
                "noise order 2 has a recursion where no point is met twice, and T = "
                f"{spacetime.T} is more than one epoch of {spacetime.updates_per_epoch} updates; take noise=1"
            )
        require(8 * COPIES * size**3, f"third cumulants of {size} numbers", "take noise=1, which needs none")

    @property
    def carried(self) -> tuple[Numbers, ...]:
        return *super().carried, np.diagonal(self.S2), self.m2, self.k

    @property
    def m(self) -> Numbers:
        """The mean's shift of the first order."""
        return np.asarray(self.bent + self.met)

    def advance(self, rate: Any) -> None:
        A = self.motion.matrix(rate, self.local.hessian)
        k = _along(self.k, A, A) @ A.T + self._skewed(rate, A)
        S2 = A @ self.S2 @ A.T + self._widened(rate, A)
        m2 = A @ self.m2 + self._shifted(rate)
        super().advance(rate)
        self.k, self.S2, self.m2 = k, S2, m2

    def settle(self) -> None:
        super().settle()
        rate = self.motion.rate(0)
        A = self.motion.matrix(rate, self.local.hessian)
        self.k = summed(A, self._skewed(rate, A))
        self.S2 = summed(A, self._widened(rate, A))
        self.m2 = fixed(A, self._shifted(rate))

    def _kicked(self, rate: Any, tensor: Numbers, *axes: int) -> Numbers:
        """`Motion.kicked` along some axes."""
        for axis in axes:
            tensor = np.moveaxis(self.motion.kicked(rate, np.moveaxis(tensor, axis, -1)), -1, axis)
        return tensor

    def _skewed(self, rate: Any, A: Numbers) -> Numbers:
        """What an update adds to k."""
        local, B, AS = self.local, self.batch, A @ self.motion.at_point(self.S)
        third = self._kicked(rate, _along(local.third_tensor.transpose(1, 2, 0), AS, AS), 2)
        third = third + self._kicked(rate, local.covariance_slope, 0, 1) @ AS.T / B
        return _everywhere(third) + self._kicked(rate, local.skew, 0, 1, 2) / B**2

    def _widened(self, rate: Any, A: Numbers) -> Numbers:
        """To S2."""
        motion, local, J = self.motion, self.local, self.local.third_tensor
        beside, S, m = motion.at_point(self.S), motion.at_point_twice(self.S), motion.at_point(self.m)
        k = self._read(motion.point, self.k, 1, 2)
        bent = (np.tensordot(k, J, ((1, 2), (1, 2))) + 2 * beside @ (J @ m).T + beside @ local.fourth(S).T) / 2
        mixed, JS = A @ self._kicked(rate, bent, 1), J @ S
        noise = (local.covariance_slope @ m + local.covariance_over(S) / 2) / self.batch
        noise = noise + np.tensordot(JS, JS, ((1, 2), (2, 1))) / 2
        return np.asarray(mixed + mixed.T + self._kicked(rate, noise, 0, 1))

    def _shifted(self, rate: Any) -> Numbers:
        """To m2."""
        motion, local = self.motion, self.local
        S, m, k = motion.at_point_twice(self.S), motion.at_point(self.m), self._read(motion.point, self.k, 0, 1, 2)
        shift = local.third(motion.at_point_twice(self.S2) + np.outer(m, m)) + local.fourth(S) @ m
        return motion.kicked(rate, shift / 2 + local.fourth_of(k) / 6 + local.fifth(S) / 8)

    def _read(self, reading: Numbers, tensor: Numbers, *axes: int) -> Numbers:
        """`Motion.read` along some axes."""
        for axis in axes:
            tensor = np.moveaxis(self.motion.read(reading, np.moveaxis(tensor, axis, -1)), -1, axis)
        return tensor

    @property
    def seen(self) -> tuple[Numbers, Numbers, Numbers, Numbers, Numbers]:
        """m, S, m2, S2 and k of what is observed."""
        motion = self.motion
        k = self._read(motion.seen, self.k, 0, 1, 2)
        means = motion.observed(self.m), motion.observed(self.m2)
        return means[0], motion.observed_twice(self.S), means[1], motion.observed_twice(self.S2), k


def second_order(walk: SecondWalk, observable: str, seen: Sequence[Local] = ()) -> Any:
    """The contributions of noise order 2; seen: what losses are of where it is observed, the walk's by default."""
    m, S, m2, S2, k = walk.seen
    if observable == "displacement":
        return m2
    if observable == "covariance":
        return S2
    here, other = both(seen or (walk.here,))
    G, H, known = here.gradient, here.hessian, at_root((here, other), m, S, observable)
    if observable == "test_loss_variance":
        skewed = (np.tensordot(k, H, 2) @ other.gradient + np.tensordot(k, other.hessian, 2) @ G) / 2
        return G @ S2 @ other.gradient + skewed + known
    return G @ m2 + (H * S2).sum() / 2 + (here.third_tensor * k).sum() / 6 + known


def both(seen: Sequence[Local]) -> tuple[Local, Local]:
    """The two functions of a covariance; of a variance they are one."""
    return seen[0], seen[-1]


def at_root(seen: Sequence[Local], m: Numbers, S: Numbers, observable: str) -> Any:
    """What mean and covariance of the first order add at the root in the second order."""
    here, other = both(seen)
    G, H = here.gradient, here.hessian
    if observable == "test_loss_variance":
        tilted = G @ S @ other.hessian @ m + other.gradient @ S @ H @ m
        bent = (G @ S @ other.third(S) + other.gradient @ S @ here.third(S)) / 2
        return tilted + bent + ((H @ S) * (other.hessian @ S).T).sum() / 2
    if observable in ("test_loss", "train_loss"):
        return m @ H @ m / 2 + here.third(S) @ m / 2 + (here.fourth(S) * S).sum() / 8
    return 0


def _along(tensor: Numbers, first: Numbers, second: Numbers) -> Numbers:
    """first and second times the first two axes."""
    return np.asarray(np.tensordot(first, (second @ tensor), 1))


def _everywhere(tensor: Numbers) -> Numbers:
    """Symmetric in the first two axes: the sum over the three places of the last."""
    return np.asarray(tensor + tensor.transpose(0, 2, 1) + tensor.transpose(2, 0, 1))
