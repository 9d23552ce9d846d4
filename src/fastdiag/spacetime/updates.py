"""Update rules: linear recursions that turn gradients into weights, and so weigh a diagram's edges.

In units of -eta, a rule keeps a state z with the displacement from theta_0 in it: at update t the gradient g_t of the
batch is taken at the displacement point . z_t, then z_(t+1) = step z_t + push c_t g_t. What is observed is seen . z_T.
So theta_t - theta_0 = -eta sum over s < t of w(s, t) g_s with w(s, t) = c_s seen . step^(t-s-1) push, and an edge of a
diagram carries w(time of the child, time of the parent), with point in place of seen where the parent is not the root.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm, log2, log10

from ..arguments import decimal, flag, instance, number, real, shown, whole
from ..door import door
from ..errors import InputError, TooLargeError, UnsupportedError
from ..numerals import written
from ..record import Portable
from ..typing import Number
from .adaptive import Adaptive, adam, rmsprop
from .corrected import Corrected, corrected
from .formulas import is_formula
from .processes import Process, ode, sde
from .regularized_newton import RegularizedNewton, regularized_newton
from .schedules import Factors, Scheduled
from .schedules import Vector as Vector  # also for those who count

__all__ = [
    "Adaptive", "Clipped", "Corrected", "Process", "RegularizedNewton", "Update", "adam", "clipped", "corrected",
    "momentum", "nesterov", "ode", "quasi_hyperbolic", "regularized_newton", "rmsprop", "schedule", "sde", "sgd",
    "weight_decay",
]

MOST_BITS = 10_000_000  # of an exact weight
MOST_STEPS = 1000  # of one that is a formula


@dataclass(frozen=True, slots=True, repr=False)
class Update(Scheduled):
    """A linear update rule. Made by the functions of `fastdiag.updates`; its fields are those of the recursion above."""

    name: str
    """What made it: Python that evaluates to it inside fastdiag.updates."""
    step: tuple[Vector, ...] = ((1,),)
    """Upper triangular; its diagonal holds the factors by which the state's parts persist from update to update."""
    push: Vector = (1,)
    point: Vector = (1,)
    seen: Vector = (1,)
    schedule: Vector | Callable[[int], Number] | None = None
    """c_0, c_1, ...: relative learning rates, or a function of t; None for a constant 1."""

    def numbers(self, T: int = 0) -> Vector:
        """All numbers of the rule, and of its schedule of T updates.

        Raises
        ------
        InputError : the schedule is too short
        """
        return (*(x for line in self.step for x in line), *self.push, *self.point, *self.seen, *(self.factors(T) or ()))

    @door
    def weight(self, duration: int, to_root: bool = False) -> Number:
        """w of an edge whose parent comes `duration` >= 1 updates after its child, apart from the schedule.

        Examples
        --------
        >>> import fastdiag as fd
        >>> [fd.updates.nesterov(2**-1).weight(dt) for dt in (1, 2, 3)]
        [1.5, 1.75, 1.875]
        """
        steps, to_root = whole("the duration", duration, 1, what="updates") - 1, flag("to_root", to_root)
        self._check_digits(steps)
        square, state = self.step, self.push
        while steps:  # by squaring
            if steps & 1:
                state = _times(square, state)
            steps >>= 1
            if steps:
                columns = [_times(square, column) for column in zip(*square, strict=True)]
                square = tuple(zip(*columns, strict=True))
        return sum(a * z for a, z in zip(self.seen if to_root else self.point, state, strict=True))

    def _check_digits(self, steps: int) -> None:
        """Raise TooLargeError if powers of the step to so many updates are too long to be had."""
        numbers = [x for line in self.step for x in line]
        if any(getattr(x, "free_symbols", None) is not None for x in numbers):
            if steps > MOST_STEPS:
                raise TooLargeError(f"a formula of {decimal(steps)} steps is too long (limit {MOST_STEPS:,}); give numbers")
        elif not any(isinstance(x, float) for x in numbers):
            below = lcm(*(Fraction(x).denominator for x in numbers))
            bits = min(steps, 1 << 900) * log2(max(below, *(abs(int(x * below)) for x in numbers)) or 1)
            if bits > MOST_BITS:
                raise TooLargeError(
                    f"the exact weight has about {decimal(int(bits * log10(2)))} digits (limit "
                    f"{int(MOST_BITS * log10(2)):,}); give the rule a float"
                )

    def in_floats(self, T: int) -> Update:
        """The rule with its numbers, and its schedule of T updates, as floats.

        Raises
        ------
        InputError : it has symbols, or its schedule is too short
        """
        rates = self.factors(T)
        return Update(
            f"{self.name} in floats", tuple(_floats(line) for line in self.step), _floats(self.push), _floats(self.point),
            _floats(self.seen), None if rates is None else _floats(rates),
        )

    def __repr__(self) -> str:
        return self.name if self.schedule is None else f"{self.name}.with_schedule({written(self.schedule)})"


@door
def sgd() -> Update:
    """theta <- theta - eta g: every edge weighs 1.

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.coefficient("[a]", fd.Spacetime(N=10, T=10), update=fd.updates.sgd())
    Fraction(-10, 1)
    """
    return Update("sgd()")


@door
def momentum(mu: Number) -> Update:
    """Heavy ball: m <- mu m + g, theta <- theta - eta m; w = (1 - mu^dt) / (1 - mu).

    Parameters
    ----------
    mu : |mu| < 1; exact (an int, a Fraction, a SymPy expression) where exact results are asked for

    Raises
    ------
    InputError : not a number, or |mu| >= 1

    Examples
    --------
    >>> import fastdiag as fd, sympy
    >>> fd.coefficient("[a]", fd.Spacetime(N=10, T=3), update=fd.updates.momentum(sympy.Symbol("mu")))
    -mu**2 - 2*mu - 3
    """
    mu = _momentum(mu)
    return Update(f"momentum({written(mu)})", ((1, mu), (0, mu)), (1, 1), (1, 0), (1, 0))


@door
def nesterov(mu: Number) -> Update:
    """m <- mu m + g, theta <- theta - eta m, with g taken at theta - eta mu m.

    w = (1 - mu^dt) / (1 - mu) on edges to the root, (1 - mu^(dt+1)) / (1 - mu) on others. Observed is theta. (PyTorch
    keeps the shifted weights theta - eta mu m instead.)

    Parameters
    ----------
    mu : as for `momentum`

    Examples
    --------
    >>> import fastdiag as fd
    >>> from fractions import Fraction
    >>> fd.coefficient("[a[b]]", fd.Spacetime(N=10, T=2), "moment", update=fd.updates.nesterov(Fraction(1, 2)))
    Fraction(3, 2)
    """
    mu = _momentum(mu)
    return Update(f"nesterov({written(mu)})", ((1, mu), (0, mu)), (1, 1), (1, mu), (1, 0))


@door
def quasi_hyperbolic(mu: Number, nu: Number) -> Update:
    """m <- mu m + (1 - mu) g, theta <- theta - eta ((1 - nu) g + nu m); w = 1 - nu mu^dt.

    Parameters
    ----------
    mu : as for `momentum`
    nu : from 0 (SGD) to 1 (momentum by an average of gradients)

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.updates.quasi_hyperbolic(0.5, 0.5).weight(2)
    0.875
    """
    mu, nu = _momentum(mu), _between("nu", nu)
    return Update(
        f"quasi_hyperbolic({written(mu)}, {written(nu)})", ((1, nu * mu), (0, mu)), (1 - nu * mu, 1 - mu), (1, 0), (1, 0)
    )


@door
def weight_decay(decay: Number, mu: Number = 0) -> Update:
    """m <- mu m + g, theta <- theta - decay (theta - theta_0) - eta m; w = (1 - decay)^(dt-1) at mu = 0.

    Diagrams expand about a point that the decay alone does not move, so this decays towards theta_0; it is the usual
    decoupled decay towards zero where theta_0 = 0. Decay towards zero from elsewhere is a term |theta|^2 in the loss.

    Parameters
    ----------
    decay : the part of theta - theta_0 that is lost at each update, from 0 to 1 (eta times the usual rate)
    mu : momentum besides, as for `momentum`

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.updates.weight_decay(0.5).weight(3)
    0.25
    """
    decay, mu = _between("decay", decay), _momentum(mu)
    keep = 1 - decay
    if isinstance(mu, int) and mu == 0:
        return Update(f"weight_decay({written(decay)})", ((keep,),))
    return Update(f"weight_decay({written(decay)}, {written(mu)})", ((keep, mu), (0, mu)), (1, 1), (1, 0), (1, 0))


@door
def schedule(factors: Factors) -> Update:
    """theta <- theta - eta c_t g at update t = 0, 1, ...; w = c_s, s the child's time.

    Parameters
    ----------
    factors : as for `Update.with_schedule`, which gives the other rules a schedule. Predictions and simulations keep the
        numbers that they used, so that they pickle; a rule with a lambda does not, as Python pickles none

    Examples
    --------
    >>> import fastdiag as fd
    >>> from fractions import Fraction
    >>> fd.coefficient("[a]", fd.Spacetime(N=4, T=4), update=fd.updates.schedule(lambda t: Fraction(1, t + 1)))
    Fraction(-25, 12)
    """
    return sgd().with_schedule(factors)


@dataclass(frozen=True, slots=True, repr=False)
class Clipped(Portable):
    """A linear rule that is given shortened gradients; see `clipped`."""

    norm: float
    rule: Update

    def listed(self, T: int) -> Clipped:
        """As `Scheduled.listed`."""
        return Clipped(self.norm, self.rule.listed(T))

    def __repr__(self) -> str:
        return f"clipped({written(self.norm)}, {self.rule!r})"


@door
def clipped(norm: float, rule: Update | None = None) -> Clipped:
    """A rule that sees g / sqrt(1 + |g|^2 / norm^2) for the gradient g of a batch: clipping, smoothly.

    It is no linear function of the gradient, so it goes about a path alone: `fastdiag.predict` with `noise`, to noise
    order 1.

    Parameters
    ----------
    norm : no gradient is longer than this, and much shorter ones are left alone; > 0
    rule : a linear rule, such as momentum(0.9); None for plain SGD. A schedule is the rule's

    Raises
    ------
    InputError : the norm is not positive; the rule is not linear

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.updates.clipped(5, fd.updates.momentum(0.9))
    clipped(5.0, momentum(0.9))
    """
    norm, rule = real("norm", norm, above=0), sgd() if rule is None else rule
    check_update(rule)
    return Clipped(norm, rule)


def check_update(update: object) -> None:
    """Raise InputError unless it is an Update.

    Raises
    ------
    UnsupportedError : it is a rule, but no linear one
    """
    if isinstance(update, Corrected):
        raise UnsupportedError(
            f"{update!r} takes pairs of points at once, which no diagram does; ask fastdiag.simulate, or predict the SGD "
            "that it is to follow"
        )
    if isinstance(update, Adaptive | Clipped):
        raise UnsupportedError(
            f"{update!r} is no linear rule: it weighs no diagram's edges, and has an expansion about the path only; ask "
            "fastdiag.predict with noise=1, or take a linear rule, such as momentum(0.9)"
        )
    instance("update", update, Update, "rules are made by fastdiag.updates: momentum(0.9)")


def _momentum(mu: Number) -> Number:
    mu = number("mu", mu)
    if not is_formula(mu) and not -1 < mu < 1:
        raise InputError(f"mu = {shown(mu)}: momentum forgets nothing, or grows; it must lie between -1 and 1, as 0.9 does")
    return mu


def _times(matrix: Sequence[Vector], vector: Vector) -> Vector:
    return tuple(sum(a * z for a, z in zip(row, vector, strict=True)) for row in matrix)


def _floats(numbers: Vector) -> Vector:
    for x in numbers:
        if is_formula(x):
            raise InputError(
                f"{shown(x)} is a formula, not a number; put numbers for its symbols, or ask for exact results: "
                "fastdiag.coefficient, or fastdiag.predict on a symbolic landscape with an exact eta"
            )
    return tuple(float(x) for x in numbers)


def _between(name: str, value: Number) -> Number:
    value = number(name, value)
    if not is_formula(value) and not 0 <= value <= 1:
        raise InputError(f"{name} must lie from 0 to 1, not {shown(value)}")
    return value
