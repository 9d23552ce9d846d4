"""The noiseless path of an update rule, and noise of the first order about it: one pass over the updates."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from ..errors import InputError, UnsupportedError
from ..landscapes.landscape import Landscape
from ..landscapes.local import Local, Numbers
from ..spacetime import Spacetime
from .motion import Motion
from .responses import Responses, responses
from .settled import solved, summed

MOST_UPDATES = 100_000  # to the path's end
NEAR, NEWTON = 1e-6, 3  # of a gradient from which Newton's steps are sure, and their number

class Walk:
    """Where the path is, and the noise of the first order about it: S, the covariance, and the mean's shift in two parts.

    With A the update's matrix, K = 1 - eta H for plain SGD, and o_x what point x has done when it was met before:
    S' = A S A^T + eta C eta / B - (A E[o xi] eta + its transpose) / N, m' = A m - eta J:S / 2 - eta E[h o] / N.
    """

    def __init__(self, landscape: Landscape, motion: Motion, spacetime: Spacetime, noise: int, remembers: bool) -> None:
        """spacetime: to the last update; remembers: whether the train loss will be asked for."""
        self.landscape, self.motion, self.spacetime, self.noise = landscape, motion, spacetime, noise
        m, n = motion.shape
        self.t: int | float = 0
        self.state = motion.zeros(m * n)
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

    def reach(self, time: int | float) -> None:
        """Go on to a later time; at infinity the path is at its end."""
        if time == inf:
            self.settle()
        while self.t < time:
            self.step()

    def step(self) -> None:
        """One update.

        Raises
        ------
        InputError : the path leaves the range of floats, with the update at which it does
        """
        motion, local, t = self.motion, self.local, int(self.t)
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
        motion, local = self.motion, self.local
        matrix = motion.matrix(rate, local.hessian)
        bend = self._bend(rate)
        S, met = matrix @ self.S @ matrix.T + self._kicks(rate), matrix @ self.met
        before = self.responses
        before.before(int(self.t))
        if (o := before.met) is not None:
            pairs = matrix @ motion.kicked(rate, local.paired(o)) / self.spacetime.finite("N")
            S = S + pairs + pairs.T
            met = met + motion.kicked(rate, local.pulled(motion.at_point(o))) / self.spacetime.finite("N")
        if type(before) is not Responses:
            before.after(int(self.t), matrix, motion.kicked(rate, local.gradients))
        self.S, self.bent, self.met = S, matrix @ self.bent + bend, met

    def _kicks(self, rate: Any) -> Numbers:
        """The covariance that an update adds."""
        kick = self.motion.kicked
        return np.asarray(kick(rate, kick(rate, self.local.covariance).T) / self.spacetime.B)

    def _bend(self, rate: Any) -> Numbers:
        """What the covariance does to the mean where the loss is no parabola."""
        return np.asarray(self.motion.kicked(rate, self.local.third(self.motion.at_point_twice(self.S))) / 2)

    def settle(self) -> None:
        """Go to T = infinity: the path's end, and the noise that an update leaves as it is.

        Raises
        ------
        InputError : the path has no end, or one at which noise grows
        UnsupportedError : exact numbers, a rule with memory or a schedule, points that are met again
        """
        motion, rate = self.motion, self.motion.rate(0)
        if motion.is_exact or motion.rates is not None or motion.shape[0] > 1 or self.spacetime.N != inf:
            raise UnsupportedError(
                "T = inf about a path takes plain SGD on fresh data (N = inf) and a float eta; give a finite T"
            )
        self._descend()
        self.t = inf
        if self.noise:
            matrix = motion.matrix(rate, self.local.hessian)
            self.S = summed(matrix, self._kicks(rate))
            self.bent = solved(motion.unit - matrix, self._bend(rate))

    def _descend(self) -> None:
        """To where the gradient vanishes: along the path, and by Newton's method from where that is sure."""
        motion = self.motion
        noise, self.noise = self.noise, 0
        for _ in range(MOST_UPDATES):
            before = self.local.gradient
            if not before.any():
                break
            self.step()
            if np.abs(self.local.gradient).max() < NEAR * (1 + np.abs(self.local.hessian).max()):
                break
        for _ in range(NEWTON):
            moved = solved(self.local.hessian, self.local.gradient)
            self.state = self.state - moved
            self.local = self.landscape.local(motion.start + self.state)
        self.noise = noise

    @property
    def tie(self) -> Any:
        """E of xi_x with the whole response to x, over N: minus the generalization gap."""
        N, whole = self.spacetime.N, self.responses.whole
        if N == inf or whole is None:
            return self.motion.zeros(1)[0]
        here = self.here
        weighted = here.weights[:, None] * self.motion.observed(whole)
        return (weighted * here.gradients).sum() / int(N)

