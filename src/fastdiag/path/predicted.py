"""Expected observables about the path, for many learning rates and numbers of updates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import Any, TypeVar

import numpy as np

from ..arguments import decimal, own, shown
from ..embedding import PathRule
from ..errors import InputError, TooLargeError, UnsupportedError
from ..landscapes import Directional, Estimated, Landscape, Symbolic
from ..landscapes.landscape import start_in_floats
from ..landscapes.local import Numbers
from ..memory import require
from ..numerals import has, written
from ..spacetime import Spacetime
from ..spacetime.formulas import is_formula
from ..spacetime.processes import Process
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Adaptive, Clipped, Update
from ..typing import FloatArray
from ..values.eigenbasis import libraries
from ..values.given import Given, given_formulas, points_met
from .closure import GaussianWalk
from .first_order import Walk
from .flow import Flow, SecondFlow
from .low_rank import LowRank, LowRankWalk
from .motion import Motion
from .observed import TRAINED, seen_along, terms, terms_of_given, total
from .overfitting import TiedWalk
from .second_order import SecondWalk, at_root
from .smooth_motion import motion_of

Value = TypeVar("Value")

COVARIANCES = 6  # matrices (n, n) that one update holds
HIGHEST = 2  # noise order
DENSE, SHARE = 3000, 1e-3  # weights from which on a covariance has a low rank, and the share of noise it may leave out
LONGEST = 10_000_000  # of few weights a quarter of an hour
MANY = 128  # weights from which on products are worth several threads


@dataclass(frozen=True, slots=True)
class PathSeries:
    """An expected observable about the path; arrays (learning rates, times) + the observable's axes."""

    by_order: tuple[Numbers, ...]
    """By noise order."""
    by_skeleton: dict[str, Numbers]
    """By the text of a skeleton.

    Of noise order 2 from its recursion not those whose root shares a part, which come as one sum in `by_order`, nor those
    of the test loss's variance; of a closure none.
    """
    discarded: FloatArray | None = None
    """Of a covariance of low rank, the largest share of its trace that may be left out, (learning rates, times)."""


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
    functions: Sequence[Landscape] = (),
    tolerance: float | None = None,
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
    functions : what is observed in place of the loss: one, or the two of a covariance
    tolerance : noise order 1, the share of noise that a covariance of low rank may leave out; 0 for all of it, None for 0
        up to some thousand weights

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
    remembers = given is None and observable in TRAINED
    exactly = start_and_rates(landscape, etas)[0].dtype == object
    if exactly:
        given_formulas(functions or (() if given is None else (given.test,)))

    def read(walk: Walk | Flow | GaussianWalk) -> tuple[list[dict[str, Any]], float | None]:
        if functions or given is None or isinstance(walk, GaussianWalk):
            found = terms(walk, observable, functions)
        else:
            found = terms_of_given(walk, observable, given.test)
        if not exactly and not all(np.isfinite(total(order)).all() for order in found):
            raise InputError(
                f"the {observable.replace('_', ' ')} leaves the range of floats after update {walk.t}: the learning rate "
                "is too large for this loss; take a smaller one, or fewer updates"
            )
        return found, walk.discarded if isinstance(walk, LowRankWalk) else None

    both = along(landscape, times, etas, noise, read, remembers, update, metric, closure, given, tolerance)
    rows = [[found for found, _ in line] for line in both]
    lost = None if both[0][0][1] is None else np.array([[share for _, share in line] for line in both], np.float64)
    orders = len(rows[0][0])

    def stacked(order: int, skeleton: str | None = None) -> Numbers:
        def value(cell: list[dict[str, Any]]) -> Numbers:
            return total(cell[order]) if skeleton is None else np.asarray(cell[order][skeleton])

        result = np.empty((len(rows), len(times), *value(rows[0][0]).shape), dtype=object if exactly else np.float64)
        for i, j in np.ndindex(result.shape[:2]):
            result[i, j] = value(rows[i][j])[()]
        return result

    named = [(p, name) for p, contributions in enumerate(rows[0][0]) for name in contributions if name]
    by_skeleton = {name: stacked(p, name) for p, name in named}
    return PathSeries(tuple(map(stacked, range(orders))), by_skeleton, lost)


def along(
    landscape: Landscape, times: Sequence[Spacetime], etas: Sequence[Any], noise: int, read: Callable[[Any], Value],
    remembers: bool = False, update: PathRule = None, metric: FloatArray | None = None, closure: str | None = None,
    given: Given | None = None, tolerance: float | None = None,
) -> list[list[Value]]:
    """What is read of a walk along the path, for each learning rate at each number of updates; errors as above.

    remembers: whether the walk keeps what each data point has done, see `Walk`
    """
    start, rates = start_and_rates(landscape, etas)
    if tolerance is None:
        low = noise == 1 and closure is None and isinstance(landscape, Directional) and len(start) > DENSE
        tolerance = SHARE if low and (update is None or is_weights_alone(update)) and metric is None else 0.0
    elif tolerance and (noise != 1 or closure is not None or isinstance(update, Process) or metric is not None):
        raise UnsupportedError(
            "tolerance is of a covariance of low rank, which is carried for noise=1 of updates at learning rates that are "
            "numbers; leave it out"
        )
    if (noise or closure is not None) and not tolerance:
        what = f"covariances of {len(start):,} weights along the path"
        require(COVARIANCES * 8 * len(start) ** 2, what, "give order=2 with resummed=False, or noise=0")
    moments = [spacetime.T for spacetime in times]
    order = sorted(set(moments))
    latest = max((int(T) for T in order if T < inf), default=0)
    if latest > LONGEST:
        raise TooLargeError(
            f"an expansion about the path goes through all {decimal(latest)} updates, one by one (limit {LONGEST:,}); "
            "take fewer, or T = inf, which goes to the path's end by Newton's method"
        )
    last = times[0].with_updates(order[-1])
    rule = update if isinstance(update, Update | Adaptive | Clipped) else None
    rows = []
    alone = libraries().limit(limits=1 if len(start) < MANY else None, user_api="blas")  # threads cost more than they give
    with alone, np.errstate(all="ignore"):  # an overflow is for the walk to tell
        for i in range(len(rates)):
            with which(rates, i) as eta:
                motion = motion_of(rule, eta if metric is None else eta * metric, start, latest)
                met = points_met(given, update)
                if tolerance:
                    walk: Walk | Flow | GaussianWalk = LowRankWalk(landscape, motion, last, remembers, met, tolerance)
                else:
                    walk = _walk(landscape, motion, last, noise, remembers, update, closure, met)
                found = {}
                for T in order:
                    walk.reach(T)
                    found[T] = read(walk)
            rows.append([found[T] for T in moments])
    return rows


@contextmanager
def which(rates: Sequence[Any], i: int) -> Iterator[Any]:
    """The i-th of some learning rates, which is named in an InputError from there."""
    try:
        yield rates[i]
    except InputError as error:
        raise error if len(rates) == 1 else InputError(f"at eta[{i}] = {written(rates[i])}: {error}") from None


def is_weights_alone(update: PathRule) -> bool:
    """Whether a rule remembers nothing but the weights."""
    return isinstance(update, Update) and len(update.push) == 1


def noise_to_signal(
    landscape: Landscape, times: Sequence[Spacetime], etas: Sequence[Any], observable: str, update: PathRule = None,
    metric: FloatArray | None = None, given: Given | None = None, functions: Sequence[Landscape] = (),
    tolerance: float | None = None,
) -> tuple[FloatArray, FloatArray]:
    """How good noise order 1 can be, from itself; two arrays (learning rates, times).

    The weights' scatter, sqrt(tr S), as a share of the way that the path has gone: successive terms of the expansion are
    smaller by about that. And what S and the mean's shift add at the root in the second order.
    """

    def read(walk: Walk | Flow) -> tuple[float, float]:
        motion, S = walk.motion, walk.seen_covariance
        low = isinstance(S, LowRank)
        trace = float(S.trace if isinstance(S, LowRank) else np.trace(S))
        way, scatter = np.linalg.norm(motion.observed(walk.state)), np.sqrt(max(trace, 0.0))
        m = motion.observed(walk.bent + walk.met)
        others = functions or (() if given is None or observable == "train_loss" else (given.test,))
        at = 0.0 if low else float(at_root(seen_along(walk, others), m, S, observable))
        return float(scatter / way) if scatter else 0.0, at

    how: Any = {"update": update, "metric": metric, "given": given, "tolerance": tolerance}
    found: FloatArray = np.array(along(landscape, times, etas, 1, read, **how))
    return found[..., 0], found[..., 1]


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
                f"closure={closure!r} is for points that are met once, and of a given training set what one batch has the "
                "others lack: for that memory no average over weights is known; take noise=1, or noise=2 of few points"
            )
        if isinstance(update, Process):
            raise UnsupportedError(f"closure={closure!r} is for updates, not for {update}; leave it out")
        return GaussianWalk(landscape, motion, last)
    if isinstance(update, Process):
        return (Flow if noise < 2 else SecondFlow)(landscape, motion, last, noise, update, remembers)
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
        return start_in_floats(landscape), [float(rate) for rate in rates]
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
    if is_formula(value):
        raise UnsupportedError(f"a path needs numbers, and {shown(value)} is a formula; expand about the start instead")
    return value


def _rate(eta: Any) -> Any:
    """A learning rate."""
    if has(found := _fraction(own(eta)), "free_symbols"):
        raise UnsupportedError(f"an exact path needs rational learning rates, and {shown(eta)} is none; give a float")
    return found
