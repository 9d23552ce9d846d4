"""Gradient flow as the path, and the first-order noise of its stochastic companion about it, in continuous time."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from ..errors import InputError, UnsupportedError
from ..landscapes.landscape import Landscape
from ..landscapes.local import Local, Numbers
from ..spacetime import Spacetime
from ..spacetime.processes import Process
from .motion import Motion
from .settled import NEWTON, is_near

RELATIVE, ABSOLUTE = 1e-10, 1e-14  # errors of a step
LATEST = 1 << 40  # from when on Newton goes alone


class Flow:
    """d theta = -eta G dt, dS = (-eta H S + its transpose + eta C eta / B) dt, dm = (-eta H m - eta J:S / 2) dt."""

    def __init__(
        self, landscape: Landscape, motion: Motion, spacetime: Spacetime, noise: int, process: Process, remembers: bool
    ) -> None:
        if motion.is_exact:
            raise UnsupportedError(f"{process} has exponentials, which are not exact here; give a float eta")
        if noise > 1:
            raise UnsupportedError(f"noise order 2 of {process} has no equations here; take noise=1")
        if remembers:
            raise InputError(
                f"{process} has no training points, it follows the whole distribution; ask for the test loss"
            )
        self.landscape, self.motion, self.spacetime, self.noise = landscape, motion, spacetime, noise
        self.is_noisy = noise > 0 and process.largest_part > 1
        n = motion.shape[1]
        self.t: int | float = 0
        self.state, self.S, self.bent, self.met, self.tie = np.zeros(n), np.zeros((n, n)), np.zeros(n), np.zeros(n), 0.0
        self._integration: Any = None

    @property
    def here(self) -> Local:
        """The landscape at the end of the path."""
        return self.landscape.local(self.motion.start + self.state)

    @property
    def seen_covariance(self) -> Numbers:
        """Of what is observed, (n, n)."""
        return self.motion.observed_twice(self.S)

    def seen_by(self, landscape: Landscape) -> Local:
        """Another landscape there."""
        return landscape.local(self.motion.start + self.state)

    def reach(self, time: int | float) -> None:
        """Go on to a later time.

        Raises
        ------
        InputError : the flow leaves the range of floats
        """
        if time == self.t:
            return
        if time == inf:
            self._settle()
            return
        steps: Any = self._steps()
        while steps.t < time and steps.status == "running":
            steps.step()
        if steps.t < time or not np.isfinite(steps.y).all():
            raise InputError(
                f"the flow leaves the range of floats, or becomes too steep, near update {steps.t:.6g}; take a smaller "
                "learning rate, or fewer updates"
            )
        self.state, self.bent, self.S = self._parts(steps.dense_output()(time))
        self.t = time

    def _steps(self) -> Any:
        """The integration, whose steps do not hang on the times at which it is read."""
        from scipy.integrate import DOP853

        if self._integration is None:
            given = self._packed(self.state, self.bent, self.S)
            self._integration = DOP853(self._slope, self.t, given, inf, rtol=RELATIVE, atol=ABSOLUTE)
        return self._integration

    def _settle(self) -> None:
        """To the minimum that the flow ends in, and the noise that stands still there.

        Raises
        ------
        InputError : there is none
        """
        from scipy.linalg import solve_continuous_lyapunov

        motion, noisy = self.motion, self.is_noisy
        self.is_noisy, self.t, self.state, self._integration = False, 0, np.zeros_like(self.state), None
        while self.t < LATEST and not is_near(self.here.gradient, self.here.hessian):
            self.reach(max(1, 2 * self.t))
        for _ in range(NEWTON):
            self.state = self.state - np.linalg.lstsq(self.here.hessian, self.here.gradient)[0]
        self.t, self.is_noisy = inf, noisy
        here, kick = self.here, motion.kicked
        pull = kick(motion.eta, here.hessian.T).T  # -eta H
        if np.linalg.eigvals(pull).real.max() >= 0:
            raise InputError(
                "T = inf needs a flow that ends in a strict minimum, with a positive definite Hessian; give a finite T"
            )
        if noisy:
            kicks = kick(motion.eta, kick(motion.eta, here.covariance).T) / self.spacetime.B
            self.S = solve_continuous_lyapunov(pull, -kicks)
            self.bent = np.asarray(-np.linalg.solve(pull, kick(motion.eta, here.third(self.S)) / 2))

    def _slope(self, _: float, packed: Numbers) -> Numbers:
        motion = self.motion
        state, bent, S = self._parts(packed)
        local = self.landscape.local(motion.start + state)
        moved = motion.kicked(motion.eta, local.gradient)
        if not self.is_noisy:
            return moved
        pull = motion.kicked(motion.eta, local.hessian.T).T  # -eta H
        kicks = motion.kicked(motion.eta, motion.kicked(motion.eta, local.covariance).T) / self.spacetime.B
        half = pull @ S
        return self._packed(moved, pull @ bent + motion.kicked(motion.eta, local.third(S)) / 2, half + half.T + kicks)

    def _packed(self, state: Numbers, bent: Numbers, S: Numbers) -> Numbers:
        return np.concatenate([state, bent, S.ravel()] if self.is_noisy else [state])

    def _parts(self, packed: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        n = self.motion.shape[1]
        if not self.is_noisy:
            return packed, self.bent, self.S
        return packed[:n], packed[n : 2 * n], packed[2 * n :].reshape(n, n)
