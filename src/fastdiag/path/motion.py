"""One update of a rule along the path: where gradients are taken, what the state's deviations are multiplied with."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ..arguments import shown
from ..errors import InputError, TooLargeError, UnsupportedError
from ..landscapes.local import Numbers
from ..locks import cached_property
from ..numerals import has
from ..spacetime.formulas import is_formula
from ..spacetime.updates import Update, sgd

MOST_BITS = 1 << 16  # of an exact weight on the path: a minute of work


class Motion:
    """A rule at one learning rate; the state is (m, n), or its m n numbers in a row. Here a linear rule.

    The state counts from theta_0: z <- step z - push (x) eta c_t g, the gradient g taken at theta_0 + point . z, and
    theta_0 + seen . z observed. What `free`, `kicked`, `matrix` and `curved` need to know of one update is its `stride`:
    here the learning rate alone; a rule that is not linear has its derivatives there.
    """

    is_linear = True
    never_settles = ""
    """What T = infinity would take instead, where the rule has no law there."""

    def __init__(self, update: Update | None, eta: Any, start: Numbers, updates: int) -> None:
        """eta: a number or an (n, n) matrix; start: theta_0, floats or Fractions."""
        rule = sgd() if update is None else update
        self.start, self.eta, self.is_exact = start, eta, start.dtype.kind == "O"
        if not self.is_exact or any(map(is_formula, rule.numbers(updates))):
            rule = rule.in_floats(updates)  # which no formula is
        for x in rule.numbers(updates):
            if has(x, "free_symbols"):  # rational ones are Fractions
                raise UnsupportedError(f"a path needs rational numbers or floats, and {shown(x)} of {rule!r} is none")
        self.step, self.push, self.point, self.seen = (
            self.numbers(given) for given in (rule.step, rule.push, rule.point, rule.seen)
        )
        self.rates = rule.factors(updates)

    @cached_property
    def unit(self) -> Numbers:
        """The identity, (n, n)."""
        return self.numbers(np.eye(len(self.start), dtype=int))

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n)."""
        return len(self.push), len(self.start)

    def numbers(self, given: Any) -> Numbers:
        """As floats, or as Fractions: a quotient of two ints would be a float."""
        if not self.is_exact:
            return np.array(given, dtype=np.float64)
        return np.asarray(np.vectorize(Fraction, otypes=[object])(np.array(given, dtype=object)))

    def zeros(self, *shape: int) -> Numbers:
        """An array of zeros."""
        return np.full(shape, Fraction(0)) if self.is_exact else np.zeros(shape)

    def rate(self, t: int) -> Any:
        """eta c_t."""
        return self.eta if self.rates is None else self.eta * self.rates[t]

    def raised(self, rate: Any, gradients: Numbers) -> Numbers:
        """A rate times gradients (..., n)."""
        return np.asarray(gradients @ rate if getattr(rate, "ndim", 0) == 2 else gradients * rate)

    def kicked(self, stride: Any, gradients: Numbers) -> Numbers:
        """What small changes of the gradient (..., n) add to a state, (..., m n)."""
        if len(self.push) == 1:
            return self.raised(-stride * self.push[0], gradients)
        kick = -self.push[:, None] * self.raised(stride, gradients)[..., None, :]
        return np.asarray(kick.reshape(*gradients.shape[:-1], -1))

    def stride(self, t: int, state: Numbers, gradient: Numbers) -> Any:
        """Update t from this state, where the gradient is this."""
        return self.rate(t)

    def free(self, stride: Any) -> Numbers:
        """The derivative of an update by the state, the gradient held, (m n, m n)."""
        if len(self.step) == 1:
            return np.asarray(self.step[0, 0] * self.unit)
        found = self.step[:, None, :, None] * self.unit[:, None, :]
        return np.asarray(found.reshape(2 * (len(self.step) * len(self.unit),)))

    def matrix(self, stride: Any, hessian: Numbers) -> Numbers:
        """What an update multiplies deviations of the state with, (m n, m n); hessian: a row for each of G's entries."""
        pull = self.kicked(stride, hessian.T).T
        return np.asarray(self.free(stride) + (pull[:, None, :] * self.point[:, None]).reshape(len(pull), -1))

    def curved(self, stride: Any, S: Numbers, crossed: Numbers, spread: Numbers) -> Any:
        """Half the second differential of an update over covariances: S of the state, `crossed` (m n, n) of the state with
        the gradient, `spread` (n, n) of the gradient.
        """
        return self.zeros(S.shape[0])

    def stepped(self, t: int, state: Numbers, gradient: Numbers) -> Numbers:
        """The state after update t."""
        return np.asarray(self.step @ state.reshape(self.shape)).reshape(-1) + self.kicked(self.rate(t), gradient)

    def moved(self, t: int, state: Numbers, gradient: Numbers) -> Numbers:
        """The same.

        Raises
        ------
        InputError : it leaves the range of floats
        TooLargeError : exact numbers have too many digits
        """
        found = self.stepped(t, state, gradient)
        if self.is_exact:
            check_digits(t, found)
        elif not np.isfinite(found).all():
            raise InputError(
                f"the noiseless path leaves the range of floats at update {t + 1}: the learning rate is too large for this "
                "loss; take a smaller one, or fewer updates"
            )
        return found

    def at_point(self, states: Numbers) -> Numbers:
        """What the gradient sees of states (..., m n): (..., n)."""
        return self.read(self.point, states)

    def observed(self, states: Numbers) -> Numbers:
        """What the root sees of states (..., m n): (..., n)."""
        return self.read(self.seen, states)

    def at_point_twice(self, S: Numbers) -> Numbers:
        """The same of a covariance (m n, m n): (n, n)."""
        return self.at_point(self.at_point(S).T)

    def observed_twice(self, S: Numbers) -> Numbers:
        """The same of a covariance (m n, m n): (n, n)."""
        return self.observed(self.observed(S).T)

    def read(self, reading: Numbers, states: Numbers) -> Numbers:
        """`point` or `seen` of states (..., m n): (..., n)."""
        if len(reading) == 1:
            return np.asarray(states if reading[0] == 1 else states * reading[0])
        return np.asarray(np.tensordot(states.reshape(*states.shape[:-1], *self.shape), reading, ((-2,), (0,))))


def check_digits(t: int, state: Numbers) -> None:
    """Raise TooLargeError if the exact weights after update t have too many digits.

    A loss of degree k multiplies the digits by k - 1 at every update.
    """
    bits = max(x.denominator.bit_length() for x in state.flat)
    if bits > MOST_BITS:
        raise TooLargeError(
            f"the exact path has weights of {bits * 3 // 10:,} digits after update {t + 1} (limit "
            f"{MOST_BITS * 3 // 10:,}): a loss that is no parabola multiplies them at every update; give a float eta, or "
            "fewer updates"
        )
