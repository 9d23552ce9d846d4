"""Gradient flow as the path, and the noise of its stochastic companion about it, in continuous time."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, prod
from typing import Any

import numpy as np

from ..errors import InputError, UnsupportedError
from ..landscapes.landscape import Landscape
from ..landscapes.local import Local, Numbers
from ..spacetime import Spacetime
from ..spacetime.processes import Process
from .motion import Motion
from .second_order import SecondOrder
from .settled import NEWTON, is_near, summed_powers

RELATIVE, ABSOLUTE = 1e-10, 1e-14  # errors of a step
LATEST = 1 << 40  # from when on Newton goes alone
TERMS = 24  # of an exponential of size 1


class Flow:
    """d theta = -eta G dt, dS = (-eta H S + its transpose + eta C eta / B) dt, dm = (-eta H m - eta J:S / 2) dt."""

    def __init__(
        self, landscape: Landscape, motion: Motion, spacetime: Spacetime, noise: int, process: Process, remembers: bool
    ) -> None:
        if motion.is_exact:
            raise UnsupportedError(f"{process} has exponentials, which are not exact here; give a float eta")
        if remembers:
            raise InputError(
                f"{process} has no training points, it follows the whole distribution; ask for the test loss"
            )
        self.landscape, self.motion, self.spacetime, self.noise = landscape, motion, spacetime, noise
        self.is_noisy, self.batch = noise > 0 and process.largest_part > 1, spacetime.B
        n = motion.shape[1]
        self.t: int | float = 0
        self.state, self.S, self.bent, self.met, self.tie = np.zeros(n), np.zeros((n, n)), np.zeros(n), np.zeros(n), 0.0
        self.local = landscape.local(motion.start)
        self._integration: Any = None

    @property
    def here(self) -> Local:
        """The landscape at the end of the path."""
        return self.seen_by(self.landscape)

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
        self._go_to(steps.dense_output()(time))
        self.t = time

    def _steps(self) -> Any:
        """The integration, whose steps do not hang on the times at which it is read."""
        from scipy.integrate import DOP853

        if self._integration is None:
            given = _packed(getattr(self, name) for name in self._integrated)
            self._integration = DOP853(self._slope, self.t, given, inf, rtol=RELATIVE, atol=ABSOLUTE)
        return self._integration

    def _settle(self) -> None:
        """To the minimum that the flow ends in, and the noise that stands still there.

        Raises
        ------
        InputError : there is none
        """
        noisy = self.is_noisy
        self.is_noisy, self.t, self.state, self._integration = False, 0, np.zeros_like(self.state), None
        while self.t < LATEST and not is_near((here := self.here).gradient, here.hessian):
            self.reach(max(1, 2 * self.t))
        for _ in range(NEWTON):
            here = self.here
            self.state = self.state - np.linalg.lstsq(here.hessian, here.gradient)[0]
        self.t, self.is_noisy, self.local = inf, noisy, self.here
        if np.linalg.eigvals(self._pull).real.max() >= 0:
            raise InputError(
                "T = inf needs a flow that ends in a strict minimum, with a positive definite Hessian; give a finite T"
            )
        if noisy:
            self._balance()

    def _balance(self) -> None:
        """The noise that stands still."""
        self.S = endured(self._pull, self._spread())
        self.bent = endured(self._pull, self._bend())

    @property
    def _integrated(self) -> tuple[str, ...]:
        """What changes with time, by name."""
        return ("state", "bent", "S") if self.is_noisy else ("state",)

    @property
    def _pull(self) -> Numbers:
        """-eta H."""
        return np.asarray(self.motion.kicked(self.motion.eta, self.local.hessian.T).T)

    def _spread(self) -> Numbers:
        """What noise adds to S."""
        kick, eta = self.motion.kicked, self.motion.eta
        return np.asarray(kick(eta, kick(eta, self.local.covariance).T) / self.batch)

    def _bend(self) -> Numbers:
        """To the mean, where the loss is no parabola."""
        return np.asarray(self.motion.kicked(self.motion.eta, self.local.third(self.S)) / 2)

    def _growth(self) -> list[Numbers]:
        """How fast what changes with time does."""
        moved = self.motion.kicked(self.motion.eta, self.local.gradient)
        if not self.is_noisy:
            return [moved]
        pull = self._pull
        return [moved, pull @ self.bent + self._bend(), along_axes(pull, self.S) + self._spread()]

    def _slope(self, _: float, packed: Numbers) -> Numbers:
        self._go_to(packed)
        self.local = self.landscape.local(self.motion.start + self.state)
        return _packed(self._growth())

    def _go_to(self, packed: Numbers) -> None:
        for name in self._integrated:
            shape = getattr(self, name).shape
            setattr(self, name, packed[: prod(shape)].reshape(shape))
            packed = packed[prod(shape) :]


class SecondFlow(SecondOrder, Flow):
    """The flow with noise of the second order: parts of two nodes at one time, so that no third cumulant is of one update.

    With what `SecondWalk` has for one update as what one unit of time adds, to leading order in eta:

    dm2 = -eta [H m2 + J:(S2 + m m)/2 + Q:(k + 3 S m)/6 + R:(S S)/8] dt
    dS2 = (M + M^T + eta^2/B (C'.m + C'':S/2)) dt,  M = -eta [H S2 + (k + 2 S m):J / 2 + S (Q:S) / 2]
    dk = (-eta sym[H k] - eta sym[S S J] + eta^2/B sym[S.C']) dt
    """

    steps = 0

    def __init__(
        self, landscape: Landscape, motion: Motion, spacetime: Spacetime, noise: int, process: Process, remembers: bool
    ) -> None:
        super().__init__(landscape, motion, spacetime, noise, process, remembers)
        self.begin(motion.shape[1])

    @property
    def _integrated(self) -> tuple[str, ...]:
        return (*super()._integrated, "k", "S2", "m2") if self.is_noisy else super()._integrated

    def _growth(self) -> list[Numbers]:
        return [*super()._growth(), *self._second_growth()] if self.is_noisy else super()._growth()

    def _second_growth(self) -> Iterable[Numbers]:
        pull = self._pull
        for value, added in zip((self.k, self.S2, self.m2), self._added(), strict=True):
            yield np.array([along_axes(pull, each) for each in value]) + added

    def _added(self) -> Iterable[Numbers]:
        """What a unit of time adds to k, S2 and m2, one after the other: each hangs on those before."""
        eta, still = self.motion.eta, self.motion.unit
        yield self._skewed(eta, still)
        yield self._widened(eta, still)
        yield self._shifted(eta)

    def _balance(self) -> None:
        super()._balance()
        for name, added in zip(("k", "S2", "m2"), self._added(), strict=True):
            setattr(self, name, np.array([endured(self._pull, each) for each in added]))


def along_axes(matrix: Numbers, tensor: Numbers) -> Numbers:
    """The sum over axes of a tensor with that axis multiplied by the matrix."""
    return sum(
        (np.moveaxis(np.tensordot(matrix, tensor, ((1,), (axis,))), 0, axis) for axis in range(tensor.ndim)),
        start=np.zeros_like(tensor),
    )


def endured(pull: Numbers, kicks: Numbers) -> Numbers:
    """The integral over all times t >= 0 of kicks with every axis multiplied by exp(pull t): what stands still.

    By Taylor's series over a short time, whose sum is doubled, which asks nothing of eigenvectors.

    Raises
    ------
    InputError : it does not converge
    """
    from scipy.linalg import expm

    time = 1 / (kicks.ndim * np.linalg.norm(pull, 2))
    term = total = kicks * time
    for k in range(2, TERMS):
        term = along_axes(pull, term) * (time / k)
        total = total + term
    return summed_powers(expm(pull * time), total)


def _packed(arrays: Iterable[Numbers]) -> Numbers:
    return np.concatenate([array.ravel() for array in arrays])
