"""Updates of rules that are not linear: what they do to small deviations, to the second differential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError, UnsupportedError
from ..landscapes.local import Numbers
from ..spacetime.updates import Adaptive, Clipped, Update
from ..typing import FloatArray, IntArray
from .motion import Motion


@dataclass(frozen=True, slots=True)
class Shortened:
    """A clipped update: g / sqrt(1 + |g|^2 / norm^2) at one g."""

    rate: Any
    gradient: FloatArray
    """Over the norm."""
    share: float
    """Of the gradient that is left."""


class ClippedMotion(Motion):
    """A linear rule that is given f = s g, s = (1 + |g|^2 / norm^2)^(-1/2)."""

    is_linear = False

    def __init__(self, update: Clipped, eta: Any, start: Numbers, updates: int) -> None:
        super().__init__(update.rule, eta, start, updates)
        check_floats(update, self)
        self.norm = update.norm

    def stride(self, t: int, state: Numbers, gradient: Numbers) -> Shortened:
        near = gradient / self.norm
        return Shortened(self.rate(t), near, float(1 / np.sqrt(1 + near @ near)))

    def stepped(self, t: int, state: Numbers, gradient: Numbers) -> Numbers:
        return super().stepped(t, state, gradient * self.stride(t, state, gradient).share)

    def kicked(self, stride: Any, gradients: Numbers) -> Numbers:
        """df = s dg - s^3 g (g.dg), g in units of the norm."""
        if not isinstance(stride, Shortened):
            return super().kicked(stride, gradients)
        s, g = stride.share, stride.gradient
        return super().kicked(stride.rate, s * gradients - s**3 * np.multiply.outer(gradients @ g, g))

    def curved(self, stride: Shortened, S: Numbers, crossed: Numbers, spread: Numbers) -> Numbers:
        """d^2 f = -s^3 (2 dg (g.dg) + g |dg|^2) + 3 s^5 g (g.dg)^2, in units of the norm."""
        s, g = stride.share, stride.gradient
        along = spread @ g
        bend = -(s**3) * (2 * along + g * np.trace(spread)) + 3 * s**5 * g * (g @ along)
        return super().kicked(stride.rate, bend / (2 * self.norm))


@dataclass(frozen=True, slots=True)
class Adapted:
    """An adaptive update at one place: derivatives of m / (sqrt(v) + epsilon) by the new m and v, and of v by g."""

    rate: Any
    m: FloatArray
    v: FloatArray
    mv: FloatArray
    vv: FloatArray
    v_g: FloatArray
    fresh: IntArray
    """Where v is still 0."""


class AdaptiveMotion(Motion):
    """The state is (theta, m, v): theta' = theta - eta u(m', v'), u = m' / (sqrt(v') + epsilon), each corrected."""

    is_linear = False
    never_settles = (
        "a rule whose steps vanish with the noise: at the path's end the average of squares is 0, and noise alone is "
        "divided by its root; momentum and clipping do"
    )

    def __init__(self, update: Adaptive, eta: Any, start: Numbers, updates: int) -> None:
        a, b = update.beta1, update.beta2
        averages = Update("averages", ((1, 0, 0), (0, a, 0), (0, 0, b)), (0, a - 1, 0), (1, 0, 0), (1, 0, 0))
        super().__init__(averages, eta, start, 0)
        check_floats(update, self)
        self.update, self.rates = update, update.factors(updates)

    def _new(self, t: int, state: Numbers, gradient: Numbers) -> tuple[Numbers, Numbers, float, float]:
        """m' and v' as they are used, and what the averages are multiplied with for that."""
        rule = self.update
        _, m, v = state.reshape(self.shape)
        a, b = (1 / (1 - beta ** (t + 1)) if rule.corrected else 1.0 for beta in (rule.beta1, rule.beta2))
        m, v = rule.beta1 * m + (1 - rule.beta1) * gradient, rule.beta2 * v + (1 - rule.beta2) * gradient**2
        return a * m, b * v, a, b

    def stepped(self, t: int, state: Numbers, gradient: Numbers) -> Numbers:
        m, v, a, b = self._new(t, state, gradient)
        step = self.raised(self.rate(t), m / (np.sqrt(v) + self.update.epsilon))
        return np.concatenate([state[: len(gradient)] - step, m / a, v / b])

    def stride(self, t: int, state: Numbers, gradient: Numbers) -> Adapted:
        m, v, a, b = self._new(t, state, gradient)
        fresh = v == 0
        root = np.sqrt(np.where(fresh, np.inf, v))
        whole = np.sqrt(v) + self.update.epsilon
        return Adapted(
            self.rate(t), a / whole, -b * m / (2 * root * whole**2), -a * b / (2 * root * whole**2),
            b * b * m * (1 / root + 2 / whole) / (4 * root**2 * whole**2), 2 * (1 - self.update.beta2) * gradient, fresh,
        )

    def free(self, stride: Adapted) -> Numbers:
        found = super().free(stride)
        n = len(stride.m)
        for part, beta, slope in ((1, self.update.beta1, stride.m), (2, self.update.beta2, stride.v)):
            found[:n, part * n : (part + 1) * n] = -beta * self.raised(stride.rate, np.diag(slope)).T
        return found

    def kicked(self, stride: Adapted, gradients: Numbers) -> Numbers:
        m, v = (1 - self.update.beta1) * gradients, stride.v_g * gradients
        return np.concatenate([-self.raised(stride.rate, stride.m * m + stride.v * v), m, v], axis=-1)

    def curved(self, stride: Adapted, S: Numbers, crossed: Numbers, spread: Numbers) -> Numbers:
        """d^2 u = 2 u_mv dm dv + u_vv dv^2 + u_v d^2 v, with d^2 v = 2 (1 - beta2) dg^2; entry by entry."""
        rule, (_, n) = self.update, self.shape
        square = np.diag(spread)
        jumps = np.flatnonzero(stride.fresh & (square > 0))
        if len(jumps):
            raise InputError(
                f"{rule!r} is not smooth where a gradient is 0 and noisy and always was, as at weight {jumps[0]} (from 0): "
                "a step is g over |g|; start elsewhere"
            )
        blocks = np.einsum("iaja->ija", S.reshape(3, n, 3, n))
        with_g = np.einsum("iaa->ia", crossed.reshape(3, n, n))
        a, b, c = rule.beta1, rule.beta2, 1 - rule.beta1
        mixed = b * (a * blocks[1, 2] + c * with_g[2]) + stride.v_g * (a * with_g[1] + c * square)
        varied = b * b * blocks[2, 2] + 2 * b * stride.v_g * with_g[2] + stride.v_g**2 * square
        widened = (1 - rule.beta2) * square
        bend = stride.mv * mixed + stride.vv * varied / 2 + stride.v * widened
        return np.concatenate([-self.raised(stride.rate, bend), square * 0, widened])


def check_floats(update: Adaptive | Clipped, motion: Motion) -> None:
    """Raise UnsupportedError where exact numbers are asked of a rule with square roots."""
    if motion.is_exact:
        raise UnsupportedError(f"{update!r} has square roots, which are not exact here; give a float eta")


def motion_of(update: Update | Adaptive | Clipped | None, eta: Any, start: Numbers, updates: int) -> Motion:
    """The updates of a rule at one learning rate, a number or an (n, n) matrix, from theta_0."""
    if isinstance(update, Adaptive):
        return AdaptiveMotion(update, eta, start, updates)
    if isinstance(update, Clipped):
        return ClippedMotion(update, eta, start, updates)
    return Motion(update, eta, start, updates)
