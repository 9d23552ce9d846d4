"""Expected observables about the path, for many learning rates and numbers of updates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import inf
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from ..arguments import digits, own, shown
from ..embedding import PathRule
from ..errors import InputError, TooLargeError, UnsupportedError
from ..landscapes import Estimated, Landscape, Symbolic
from ..landscapes.local import Numbers
from ..numerals import has
from ..spacetime import Spacetime
from ..spacetime.processes import Process
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Adaptive, Clipped, Update
from ..typing import FloatArray
from ..values.given import Given, points_met
from .closure import GaussianWalk
from .first_order import Walk
from .flow import Flow
from .motion import Motion
from .observed import TRAINED, terms, terms_of_given, total
from .overfitting import TiedWalk
from .second_order import SecondWalk
from .smooth_motion import motion_of

HIGHEST = 2  # noise order
LONGEST = 10_000_000  # of few weights a quarter of an hour
MANY = 128  # weights from which on products are worth several threads


@dataclass(frozen=True, slots=True)
class PathSeries:
    """An expected observable about the path; arrays (learning rates, times) + the observable's axes."""

    by_order: tuple[Numbers, ...]
    """By noise order."""
    by_skeleton: dict[str, Numbers]
    """By the text of a skeleton, of noise orders 0 and 1; higher orders come as one sum, as does a closure."""


def predicted_about_path(
    landscape: Landscape,
    times: Sequence[Spacetime],
    etas: Sequence[Any],
    noise: int,
    observable: str = "test_loss",
    update: PathRule = None,
    metric: FloatArray | None = None,
    closure: str | None = None,
    given: Given | None = None,
) -> PathSeries:
    """Expected observables by noise order; with Fractions for learning rates exactly.

    Parameters
    ----------
    times : spacetimes that differ in T alone
    etas : numbers; all Fractions or ints on a symbolic landscape for exact results
    noise : the highest noise order
    update : a linear rule, a process, adam and the like (noise order 1, floats); None for plain SGD
    metric : the matrix that multiplies a learning rate, (n, n)
    closure : 'gaussian' for the self-consistent path: one order, which is the whole
    given : the landscape's points as the training set, noise order 1 at most

    Raises
    ------
    InputError : a path that leaves the range of numbers
    UnsupportedError : a sample of an unknown distribution; a landscape that cannot move; a noise order that is not had here

    Examples
    --------
    >>> import math
    >>> import fastdiag as fd
    >>> forever = fd.Spacetime(N=math.inf, T=math.inf)
    >>> series = predicted_about_path(fd.landscapes.gauss(), [forever], [0.2], noise=2)
    >>> [round(float(order[0, 0]), 4) for order in series.by_order]
    [0.5, 0.0263, 0.0028]
    """
    if noise > HIGHEST:
        raise UnsupportedError(f"noise order {shown(noise)} has no recursion; the highest is {HIGHEST}")
    start, rates = start_and_rates(landscape, etas)
    moments = [spacetime.T for spacetime in times]
    order = sorted(set(moments))
    latest = max((int(T) for T in order if T < inf), default=0)
    if latest > LONGEST:
        raise TooLargeError(
            f"an expansion about the path goes through all {digits(latest)} updates, one by one (limit {LONGEST:,}); "
            "take fewer, or T = inf, which goes to the path's end by Newton's method"
        )
    last = times[0].with_updates(order[-1])
    remembers = given is None and observable in TRAINED
    if given is not None and start.dtype.kind == "O":
        given.exact_test()
    rows: list[list[list[dict[str, Any]]]] = []
    alone = _libraries().limit(limits=1 if len(start) < MANY else None, user_api="blas")  # threads cost more than they give
    with alone, np.errstate(all="ignore"):  # an overflow is for the caller to tell
        for eta in rates:
            rule = update if isinstance(update, Update | Adaptive | Clipped) else None
            motion = motion_of(rule, eta if metric is None else eta * metric, start, latest)
            walk = _walk(landscape, motion, last, noise, remembers, update, closure, points_met(given, update))
            found = {}
            for T in order:
                walk.reach(T)
                if given is None or isinstance(walk, GaussianWalk):
                    found[T] = terms(walk, observable)
                else:
                    found[T] = terms_of_given(walk, observable, given.test)
            rows.append([found[T] for T in moments])
    orders = len(rows[0][0])

    def stacked(order: int, skeleton: str | None = None) -> Numbers:
        def value(cell: list[dict[str, Any]]) -> Numbers:
            return total(cell[order]) if skeleton is None else np.asarray(cell[order][skeleton])

        result = np.empty((len(rows), len(moments), *value(rows[0][0]).shape), dtype=start.dtype)
        for i, j in np.ndindex(result.shape[:2]):
            result[i, j] = value(rows[i][j])[()]
        return result

    named = [(p, name) for p, contributions in enumerate(rows[0][0][:2]) for name in contributions if name]
    by_skeleton = {name: stacked(p, name) for p, name in named}
    return PathSeries(tuple(map(stacked, range(orders))), by_skeleton)


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


def _walk(
    landscape: Landscape, motion: Motion, last: Spacetime, noise: int, remembers: bool, update: PathRule,
    closure: str | None, points: int | None,
) -> Walk | Flow | GaussianWalk:
    if isinstance(update, RegularizedNewton):
        raise UnsupportedError(f"{update} is no linear rule; about a path go SGD, momentum and the like, ode(), sde()")
    if not motion.is_linear and (noise > 1 or closure is not None):
        what = f"noise order {noise} of" if closure is None else f"closure={closure!r} with"
        raise UnsupportedError(f"{what} {update!r} has no recursion here, for it is no linear rule; take noise=1 alone")
    if closure is not None:
        if points is not None:
            raise UnsupportedError(
                f"closure={closure!r} is for points that are met once, and in batches of a given training set what one has the "
                "others lack: for these memories no average over weights is known; take noise=1, or noise=2 of few points"
            )
        if isinstance(update, Process):
            raise UnsupportedError(f"closure={closure!r} is for updates, not for {update}; leave it out")
        return GaussianWalk(landscape, motion, last)
    if isinstance(update, Process):
        return Flow(landscape, motion, last, noise, update, remembers)
    if noise < 2:
        return Walk(landscape, motion, last, noise, remembers, points)
    return (TiedWalk if remembers and last.N < inf else SecondWalk)(landscape, motion, last, noise, remembers)


def start_and_rates(landscape: Landscape, etas: Sequence[Any]) -> tuple[Numbers, list[Any]]:
    """theta_0 and the learning rates, in floats or in Fractions."""
    if isinstance(landscape, Estimated):
        raise UnsupportedError(
            "a path is not estimated from a sample: it needs the loss along the way, not some cumulants; give the "
            "landscape's `.points` for the (biased) value of the points themselves"
        )
    rates = [_rate(eta) for eta in etas]
    if not isinstance(landscape, Symbolic) or not all(isinstance(rate, Fraction) for rate in rates):
        start = np.array([float(x) for x in landscape.theta])
        return start, [float(rate) for rate in rates]
    exactly = [_fraction(own(x)) for x in landscape.theta]
    if not all(isinstance(x, Fraction) for x in exactly):
        raise InputError(f"an exact path needs a rational start, not {shown(landscape.theta)}; give a float eta")
    return np.array(exactly, dtype=object), rates


def _fraction(value: Any) -> Any:
    """An int or a rational number of SymPy as a Fraction."""
    if isinstance(value, int | Fraction):
        return Fraction(value)
    if getattr(value, "is_Rational", False):
        return Fraction(int(value.p), int(value.q))
    if getattr(value, "free_symbols", None):
        raise UnsupportedError(f"a path needs numbers, and {shown(value)} is a formula; expand about the start instead")
    return value


def _rate(eta: Any) -> Any:
    """A learning rate."""
    if has(found := _fraction(own(eta)), "free_symbols"):
        raise UnsupportedError(f"an exact path needs rational learning rates, and {shown(eta)} is none; give a float")
    return found
