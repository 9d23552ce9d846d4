"""The noiseless path of an update rule, and noise of the first order about it: one pass over the updates."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any

import numpy as np

from ..errors import InputError
from ..landscapes.landscape import Landscape
from ..landscapes.local import Local
from ..spacetime import Spacetime
from .motion import Motion
from .responses import Responses, responses


class Walk:
    """Where the path is, and the noise of the first order about it: S, the covariance, and the mean's shift in two parts.

    With A the update's matrix, K = 1 - eta H for plain SGD, and o_x what point x has done when it was met before:
    S' = A S A^T + eta C eta / B - (A E[o xi] eta + its transpose) / N, m' = A m - eta J:S / 2 - eta E[h o] / N.
    """

    def __init__(self, landscape: Landscape, motion: Motion, spacetime: Spacetime, noise: int, remembers: bool) -> None:
        """spacetime: to the last update; remembers: whether the train loss will be asked for."""
        self.landscape, self.motion, self.spacetime, self.noise = landscape, motion, spacetime, noise
        m, n = motion.shape
        self.t, self.state = 0, motion.zeros(m * n)
        self.S, self.bent, self.met = motion.zeros(m * n, m * n), motion.zeros(m * n), motion.zeros(m * n)
        self.local = landscape.local(motion.start)
        nothing = motion.zeros(len(self.local.weights), m * n)
        self.responses = responses(spacetime, remembers, nothing) if noise else Responses()

    @property
    def here(self) -> Local:
        """The landscape at what is observed."""
        motion = self.motion
        if np.array_equal(motion.point, motion.seen):
            return self.local
        return self.landscape.local(motion.start + motion.observed(self.state))

    def step(self) -> None:
        """One update.

        Raises
        ------
        InputError : the path leaves the range of floats, with the update at which it does
        """
        motion, local, t = self.motion, self.local, self.t
        rate = motion.rate(t)
        if self.noise:
            self.advance(rate)
        stepped = np.asarray(motion.step @ self.state.reshape(motion.shape)).reshape(-1)
        self.state = stepped + motion.kicked(rate, local.gradient)
        if not motion.is_exact and not np.isfinite(self.state).all():
            raise InputError(
                f"the noiseless path leaves the range of floats at update {t + 1}: the learning rate is too large for this "
                "loss; take a smaller one, or fewer updates"
            )
        self.t = t + 1
        self.local = self.landscape.local(motion.start + motion.at_point(self.state))

    def advance(self, rate: Any) -> None:
        """The noise through one update."""
        motion, local, B = self.motion, self.local, self.spacetime.B
        matrix = motion.matrix(rate, local.hessian)
        kicks = motion.kicked(rate, motion.kicked(rate, local.covariance).T) / B
        bend = motion.kicked(rate, local.third(motion.at_point_twice(self.S))) / 2
        S, met = matrix @ self.S @ matrix.T + kicks, matrix @ self.met
        before = self.responses
        before.before(self.t)
        if (o := before.met) is not None:
            pairs = matrix @ motion.kicked(rate, local.paired(o)) / self.spacetime.finite("N")
            S = S + pairs + pairs.T
            met = met + motion.kicked(rate, local.pulled(motion.at_point(o))) / self.spacetime.finite("N")
        if type(before) is not Responses:
            before.after(self.t, matrix, motion.kicked(rate, local.gradients))
        self.S, self.bent, self.met = S, matrix @ self.bent + bend, met

    @property
    def tie(self) -> Any:
        """E of xi_x with the whole response to x, over N: minus the generalization gap."""
        N, whole = self.spacetime.N, self.responses.whole
        if N == inf or whole is None:
            return self.motion.zeros(1)[0]
        here = self.here
        weighted = here.weights[:, None] * self.motion.observed(whole)
        return (weighted * here.gradients).sum() / int(N)


def walked(walk: Walk, times: list[int]) -> Iterator[Walk]:
    """The walk at some times, in ascending order."""
    for time in times:
        while walk.t < time:
            walk.step()
        yield walk
