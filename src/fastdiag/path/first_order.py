"""The noiseless path of an update rule, and noise of the first order about it: one pass over the updates."""

from __future__ import annotations

from collections import deque
from math import inf, isfinite
from typing import Any

import numpy as np

from ..errors import InputError
from ..landscapes.landscape import Landscape
from ..landscapes.local import Local, Numbers
from ..spacetime import Spacetime
from .motion import Motion
from .responses import Responses, WithoutReplacement, responses
from .settled import NEWTON, Swings, check_settles, fixed, is_near, no_end, summed_powers

MOST_UPDATES = 100_000  # to the path's end


class Walk:
    """Where the path is, and the noise of the first order about it: S, the covariance, and the mean's shift in two parts.

    An update is z' = Phi(z, g). With A its whole derivative by z, b that by g (for plain SGD K = 1 - eta H and -eta), and
    o_x what point x has done when it was met before, X = E[o xi] / N:
    S' = A S A^T + b C b^T / B + (A X b^T + its transpose), m' = A m + b (J:S / 2 + E[h o] / N) + D^2 Phi:V / 2, V the
    covariance of z and g, where that of g is H S H + C / B + (H X + its transpose), and that of both S H + X.
    """

    def __init__(
        self, landscape: Landscape, motion: Motion, spacetime: Spacetime, noise: int, remembers: bool,
        points: int | None = None,
    ) -> None:
        """spacetime: to the last update; remembers: whether the train loss will be asked for; points: of a given set."""
        self.landscape, self.motion, self.spacetime, self.noise = landscape, motion, spacetime, noise
        m, n = motion.shape
        self.t: int | float = 0
        self.state = motion.zeros(m * n)
        self.S, self.bent, self.met = self.nothing(m * n if noise else 0), motion.zeros(m * n), motion.zeros(m * n)
        self.local = landscape.local(motion.start)
        self._ahead = deque[tuple[Numbers, Local]]()
        nothing = motion.zeros(len(self.local.weights), m * n)
        self.responses = responses(spacetime, remembers or points is not None, nothing) if noise else Responses()
        self.points = points
        if noise and points is not None:
            self.responses = WithoutReplacement(self.responses, points)

    def nothing(self, size: int) -> Any:
        """No covariance."""
        return self.motion.zeros(size, size)

    @property
    def seen_covariance(self) -> Any:
        """Of what is observed: (n, n), or a `LowRank`."""
        return self.motion.observed_twice(self.S)

    @property
    def carried(self) -> tuple[Numbers, ...]:
        """What must be finite after an update."""
        return np.diagonal(self.S), self.bent, self.met

    @property
    def here(self) -> Local:
        """The landscape at what is observed."""
        motion = self.motion
        if np.array_equal(motion.point, motion.seen):
            return self.local
        return self.seen_by(self.landscape)

    def seen_by(self, landscape: Landscape) -> Local:
        """Another landscape there."""
        return landscape.local(self.motion.start + self.motion.observed(self.state))

    @property
    def batch(self) -> int:
        """Points of the batch of this update."""
        return self.spacetime.batch_size(self.t)

    @property
    def batch_covariance(self) -> Numbers:
        """Of its mean gradient: C / B, of a given training set (N - B) / (N - 1) of that."""
        covariance = self.local.covariance / self.batch
        return covariance if self.points is None else covariance * (self.points - self.batch) / max(self.points - 1, 1)

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
        InputError : the path or its noise leaves the range of floats, with the update at which it does
        """
        motion, t = self.motion, int(self.t)
        if not self._ahead:
            self._look_ahead(t)
        if self.noise:
            self.advance(motion.stride(t, self.state, self.local.gradient))
        self.state, self.local = self._ahead.popleft()
        self.t = t + 1
        if self.noise and not motion.is_exact and not isfinite(sum(x.sum() for x in self.carried)):
            raise InputError(
                f"noise about the path leaves the range of floats at update {self.t}: the learning rate is too large for "
                "this loss; take a smaller one, or fewer updates"
            )

    def _look_ahead(self, t: int) -> None:
        """Go along the path alone: where it leads needs no noise, and the tensors of many places are had at once."""
        motion, state, local = self.motion, self.state, self.local
        last = min(self.spacetime.T, inf if motion.rates is None else len(motion.rates))
        for now in range(t, t + (local.most_together if self.noise else 1)):
            if now >= last and self._ahead:
                break
            try:
                state = motion.moved(now, state, local.gradient)
            except InputError:
                if not self._ahead:
                    raise
                break  # noise may be there first
            local = self.landscape.local(motion.start + motion.at_point(state))
            self._ahead.append((state, local))
        if len(self._ahead) > 1:
            local.work_out([place for _, place in self._ahead])

    def advance(self, stride: Any) -> None:
        """The noise through one update."""
        motion, local = self.motion, self.local
        matrix = motion.matrix(stride, local.hessian)
        before = self.responses
        before.before(int(self.t))
        S, met, paired = matrix @ self.S @ matrix.T + self.kicks(stride), matrix @ self.met, None
        if (o := before.met) is not None:
            paired = local.paired(o) / self.spacetime.finite("N")
            pairs = matrix @ motion.kicked(stride, paired)
            S = S + pairs + pairs.T
            met = met + motion.kicked(stride, local.pulled(motion.at_point(o))) / self.spacetime.finite("N")
        bent = matrix @ self.bent + self.bend(stride, paired)
        if type(before) is not Responses:
            before.after(int(self.t), matrix, motion.kicked(stride, local.gradients))
        self.S, self.bent, self.met = S, bent, met

    def kicks(self, stride: Any) -> Numbers:
        """The covariance that an update adds."""
        kick = self.motion.kicked
        return np.asarray(kick(stride, kick(stride, self.batch_covariance).T))

    def bend(self, stride: Any, paired: Numbers | None = None) -> Numbers:
        """What covariances do to the mean where the loss is no parabola, and where the rule is not linear.

        paired : the covariance of the state with the noise of this update, (m n, n); None for 0
        """
        motion, local = self.motion, self.local
        S, H = motion.at_point_twice(self.S), local.hessian
        found = motion.kicked(stride, local.third(S)) / 2
        if motion.is_linear:
            return np.asarray(found)
        crossed, spread = motion.at_point(self.S) @ H.T, H @ S @ H.T + self.batch_covariance
        if paired is not None:
            both = H @ motion.at_point(paired.T).T
            crossed, spread = crossed + paired, spread + both + both.T
        return np.asarray(found + motion.curved(stride, self.S, crossed, spread))

    def settle(self) -> None:
        """Go to T = infinity: the path's end, and the noise that an epoch leaves as it is.

        Raises
        ------
        InputError : the path has no end, or one at which noise grows
        UnsupportedError : exact numbers, a schedule, a rule that never settles
        """
        check_settles(self.motion)
        self._ahead.clear()
        self._descend()
        if self.noise:
            self._balance()
        self.t = inf

    def _balance(self) -> None:
        """The noise that an epoch leaves as it is: what one adds to none, summed over all epochs."""
        motion, local = self.motion, self.local
        stride = motion.stride(0, self.state, local.gradient)
        matrix = motion.matrix(stride, local.hessian)
        self.responses.settle(matrix, motion.kicked(stride, local.gradients))
        epoch = 1 if self.spacetime.N == inf else self.spacetime.updates_per_epoch
        whole = np.linalg.matrix_power(matrix, epoch)
        nothing, self.S = self.bent * 0, self.S * 0
        for wanted in ("covariance", "means"):  # these need that
            self.bent, self.met = nothing, nothing
            for self.t in range(epoch, 2 * epoch):
                Walk.advance(self, stride)
            if wanted == "covariance":
                self.S = summed_powers(whole, self.S)
        self.bent, self.met = fixed(whole, self.bent), fixed(whole, self.met)

    def _descend(self) -> None:
        """To the path's end: along it, and by Newton's method from where that is sure."""
        motion = self.motion
        noise, self.noise = self.noise, 0
        swings = Swings()
        for _ in range(MOST_UPDATES):
            before, local = self.state, self.local
            stride = motion.stride(0, before, local.gradient)
            self.step()
            move = self.state - before
            if is_near(move, motion.kicked(stride, local.hessian.T)):
                break
            if swings.go_on(move):
                raise no_end()
        else:
            raise no_end()
        for _ in range(NEWTON):
            gradient = self.local.gradient
            matrix = motion.matrix(motion.stride(0, self.state, gradient), self.local.hessian)
            self.state = self.state + fixed(matrix, motion.moved(0, self.state, gradient) - self.state)
            self.local = self.landscape.local(motion.start + motion.at_point(self.state))
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
