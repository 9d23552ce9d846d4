"""The self-consistent path: the mean and the covariance carried together, as if the weights were always Gaussian."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np

from ..errors import InputError, UnsupportedError
from ..landscapes.averaged import Averaged
from ..landscapes.landscape import Landscape
from ..landscapes.local import Numbers
from ..numerals import shown
from ..spacetime import Spacetime
from .motion import Motion, check_digits
from .settled import check_settles, fixed, summed_powers

MOST_ROUNDS, SETTLED = 500, 1e-12


class GaussianWalk:
    """mu' = mu - eta <G>, S' = Kbar S Kbar^T + eta <C> eta / B, every tensor averaged over N(mu, S); Kbar = 1 - eta <H>.

    It sums the skeletons in which tied nodes sit on one parent, to every order. With B = 1 mean and covariance are those of
    Gaussian weights exactly.
    """

    def __init__(self, landscape: Landscape, motion: Motion, spacetime: Spacetime) -> None:
        if not spacetime.is_one_epoch:
            raise UnsupportedError(
                f"closure='gaussian' is for one epoch or fresh data, and here T = {shown(spacetime.T)} and N = "
                f"{shown(spacetime.N)}: a point that is met again has moved the weights already, which is not averaged; "
                "leave it out"
            )
        self.landscape, self.motion, self.spacetime = landscape, motion, spacetime
        m, n = motion.shape
        self.t: int | float = 0
        self.state, self.S = motion.zeros(m * n), motion.zeros(m * n, m * n)

    def averages(self, reading: Numbers, function: Landscape | None = None) -> Averaged:
        """Over the Gaussian law of what is read of the state: `motion.point` or `motion.seen`; function: for the loss."""
        motion = self.motion
        S = motion.read(reading, motion.read(reading, self.S).T)
        return (function or self.landscape).local(motion.start + motion.read(reading, self.state)).averaged(S)

    def reach(self, time: int | float) -> None:
        """Go on to a later time."""
        if time == inf:
            self.settle()
        while self.t < time:
            self.step()

    def step(self) -> None:
        """One update."""
        motion, rate = self.motion, self.motion.rate(int(self.t))
        means = self.averages(motion.point)
        matrix = motion.matrix(rate, means.hessian)
        self.state = motion.stepped(int(self.t), self.state, means.gradient)
        self.S = matrix @ self.S @ matrix.T + self.kicks(means)
        if motion.is_exact:
            check_digits(int(self.t), self.S)
        self.t += 1
        if not motion.is_exact and not (np.isfinite(self.state).all() and np.isfinite(self.S).all()):
            raise InputError(
                f"the self-consistent path leaves the range of floats at update {self.t}: the learning rate is too large; "
                "take a smaller one, or fewer updates"
            )

    def kicks(self, means: Averaged) -> Numbers:
        """The covariance that an update adds."""
        rate, batch = self.motion.rate(int(self.t)), self.spacetime.batch_size(self.t)
        return np.asarray(self.motion.kicked(rate, self.motion.kicked(rate, means.covariance).T) / batch)

    def settle(self) -> None:
        """Go to T = infinity: the mean and covariance that an update leaves as they are.

        Raises
        ------
        InputError : there are none, or they are not found
        UnsupportedError : exact numbers, a schedule
        """
        motion = self.motion
        check_settles(motion)
        rate = motion.rate(0)
        for _ in range(MOST_ROUNDS):
            means = self.averages(motion.point)
            matrix = motion.matrix(rate, means.hessian)
            moved = fixed(matrix, motion.stepped(0, self.state, means.gradient) - self.state)
            S = summed_powers(matrix, self.kicks(means))
            change = max(float(np.abs(moved).max()), float(np.abs(S - self.S).max()))
            self.state, self.S = self.state + moved, S
            if change <= SETTLED * (1 + float(np.abs(self.state).max())):
                self.t = inf
                return
        raise InputError("the self-consistent path has not settled; the learning rate is too large, or there is no minimum")


def gaussian(walk: GaussianWalk, observable: str, functions: Sequence[Landscape] = ()) -> Numbers:
    """What is expected of Gaussian weights; functions: what is observed in place of the loss."""
    motion = walk.motion
    if observable == "displacement":
        return motion.observed(walk.state)
    if observable == "covariance":
        return motion.observed_twice(walk.S)
    if observable == "test_loss":
        return np.asarray(walk.averages(motion.seen, *functions).loss)
    raise UnsupportedError(
        f"closure='gaussian' gives the test_loss, the displacement and the covariance, not the {observable}; leave it out"
    )
