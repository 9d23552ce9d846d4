"""Run SGD many times and average the test loss."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, TooLargeError, UnsupportedError
from ..kernels.sgd_logistic import logistic_descend, logistic_test_loss
from ..kernels.sgd_polynomial import polynomial_descend, polynomial_test_loss
from ..kernels.shuffle import draw_batches
from ..landscapes import Estimated, Landscape, Logistic, SampledLandscape, Samples, Symbolic
from ..progress import track
from ..spacetime import Spacetime, check_spacetime, whole_number
from ..typing import FloatArray, IntArray
from .formula import Source, symbolic_losses

METHODS = ("sgd",)
OBSERVABLES = ("test_loss",)
SHARD = 256  # runs with one random generator of their own, whatever the number of threads
FRESH = 64  # updates drawn at a time if the data never repeat
MOST_ROWS = 2_000_000  # training points of a run, if they are met again
PATIENCE = 1.0  # seconds before a progress bar appears unasked

Losses: TypeAlias = Callable[[FloatArray, int, Iterator[Any]], FloatArray]
"""(learning rates, runs, batches in turn, each (runs, updates, B)) -> final test losses (rates, runs)."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Simulation:
    """A measured mean test loss; see `simulate`. Numbers if eta is a number, else arrays of its shape."""

    mean: float | FloatArray
    """Mean final test loss over the runs; inf or nan if one diverged."""
    stderr: float | FloatArray
    """Standard error of the mean."""
    eta: float | FloatArray
    """Learning rates."""
    runs: int
    """Runs for each learning rate."""
    diverged: int | IntArray
    """Runs whose final loss is not finite."""

    @property
    def interval(self) -> tuple[float | FloatArray, float | FloatArray]:
        """95 % confidence interval of the mean, (lower, upper)."""
        with np.errstate(all="ignore"):
            return self.mean - 1.96 * self.stderr, self.mean + 1.96 * self.stderr

    def __repr__(self) -> str:
        columns = (np.ravel(column).tolist() for column in (self.eta, self.mean, self.stderr, self.diverged))
        lines = [
            f"eta={eta:g}: {mean:.6g} ± {stderr:.2g}" + (f" ({diverged} runs diverged)" if diverged else "")
            for eta, mean, stderr, diverged in zip(*columns, strict=True)
        ]
        if np.ndim(self.eta) == 0:
            return f"Simulation({lines[0]}, {self.runs} runs)"
        return "\n  ".join([f"Simulation({self.runs} runs at each of {len(lines)} learning rates)", *lines])


def simulate(
    landscape: Landscape,
    spacetime: Spacetime,
    eta: ArrayLike,
    runs: int = 10_000,
    seed: int = 0,
    method: str = "sgd",
    observable: str = "test_loss",
    threads: int | None = None,
    progress: bool | None = None,
) -> Simulation:
    """Measure the expected test loss after SGD by running it.

    Each run draws N training points from the landscape's distribution, independently and with replacement, and
    makes T updates theta <- theta - eta * (mean gradient of the batch), starting at theta_0. Its test loss is the
    mean loss over the whole distribution. The result does not depend on the number of threads, to the last bit.

    Parameters
    ----------
    landscape : `landscapes.logistic`; `landscapes.samples`: then each point's loss is its Taylor polynomial; or
        `landscapes.symbolic`: then the data are drawn from its distributions
    spacetime : N, B, T and the sampling; T finite
    eta : learning rate, > 0: a number, or a one-dimensional array of them (not a matrix). All of them see the same
        training points and batches, so that differences between them are sharp.
    runs : independent runs, >= 2
    seed : whole number >= 0
    method : 'sgd'
    observable : 'test_loss'
    threads : at most this many; as many as there are processors by default
    progress : whether to show a bar; by default on a terminal, after a second

    Returns
    -------
    Simulation, with `mean`, `stderr`, `interval`, `diverged`: numbers if eta is one, else arrays of its shape.
    Runs whose loss ends infinite or nan are counted in `diverged`; the mean is then inf or nan.

    Raises
    ------
    InputError : an argument of the wrong kind or out of range, an unknown method or observable
    UnsupportedError : a landscape without data points; a formula with free symbols, or whose mean has no closed form

    Examples
    --------
    >>> import fastdiag as fd
    >>> land = fd.landscapes.logistic([[1.0], [-2.0]], [1, 0], [0.0])
    >>> result = fd.simulate(land, fd.Spacetime(N=4, T=4), eta=0.1, runs=1000)
    >>> bool(result.mean < land.loss), result.diverged
    (True, 0)
    """
    check_spacetime(spacetime)
    spacetime.finite("T")
    for name, value, known in (("method", method, METHODS), ("observable", observable, OBSERVABLES)):
        if value not in known:
            raise InputError(f"unknown {name} {value!r}; known: {', '.join(known)}")
    runs, seed = whole_number("runs", runs, 2, "runs"), whole_number("seed", seed, 0, "any seed")
    shards = -(-runs // SHARD)
    workers = min((os.cpu_count() or 1) if threads is None else whole_number("threads", threads, 1, "threads"), shards)
    rates = _rates(eta)
    if not spacetime.is_one_epoch and spacetime.N > MOST_ROWS:
        raise TooLargeError(
            f"several epochs need all N = {spacetime.N} points of a run in memory; the limit is {MOST_ROWS:,}"
        )
    losses = _losses(landscape)
    weights = landscape.weights if isinstance(landscape, SampledLandscape) else np.ones(1)
    uniform = _uniform(weights)
    draw = draw_batches.dispatcher

    def measure(shard: int) -> _Moments:
        size = min(SHARD, runs - shard * SHARD)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(shard,)))

        def points(count: int) -> IntArray:
            if uniform:
                return rng.integers(len(weights), size=(size, count))
            return rng.choice(len(weights), size=(size, count), p=weights)

        source = Source(landscape, rng, size) if isinstance(landscape, Symbolic) else None
        batches: Iterator[Any] = _batches(source.points if source else points, spacetime, rng, draw)
        if source:
            batches = source.read(batches)
        return _Moments.of(losses(rates, size, itertools.takewhile(lambda _: not stop.is_set(), batches)))

    stop = threading.Event()  # an interrupt need not wait for the shards that run
    pool = ThreadPoolExecutor(workers)
    try:
        total = _merged(pool.map(measure, range(shards)), runs, progress)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
    with np.errstate(all="ignore"):
        stderr = np.sqrt(total.squares / (runs - 1) / runs)
    if np.ndim(eta) == 0:
        mean, error, rate = (float(column[0]) for column in (total.mean, stderr, rates))
        return Simulation(mean, error, rate, runs, int(total.diverged[0]))
    return Simulation(total.mean, stderr, rates, runs, total.diverged)


def _rates(eta: ArrayLike) -> FloatArray:
    try:
        array = np.asarray(eta)
        numeric = array.dtype.kind in "iufO"  # no booleans, no text
        rates = np.array(array, dtype=np.float64, ndmin=1) if numeric else np.empty(0)
    except (TypeError, ValueError, OverflowError):
        numeric = False
    if not numeric:
        raise InputError(f"eta must be a number or a one-dimensional array of numbers, not {eta!r}")
    if rates.ndim > 1 or rates.size == 0:
        raise InputError(
            f"eta must be a number or a one-dimensional array of them, not of shape {rates.shape}: "
            "simulate takes scalar learning rates"
        )
    if not (np.isfinite(rates) & (rates > 0)).all():
        raise InputError(f"eta must be positive and finite, not {eta!r}")
    return rates


def _uniform(weights: FloatArray) -> bool:
    return bool((weights == weights[0]).all())


def _batches(
    points: Callable[[int], IntArray],
    spacetime: Spacetime,
    rng: np.random.Generator,
    draw: Callable[..., None],
) -> Iterator[IntArray]:
    """The batches (runs, updates, B), about an epoch at a time; points(count) draws that many for each run.

    The points are exchangeable, so the first epoch takes them as they come.
    """
    B, left = spacetime.B, spacetime.finite("T")
    if spacetime.is_one_epoch:  # no row is met twice
        while left > 0:
            updates = min(left, FRESH)
            fresh = points(updates * B)
            yield fresh.reshape(len(fresh), updates, B)
            left -= updates
        return
    rows = points(spacetime.finite("N"))
    runs, N = rows.shape
    replacement = spacetime.sampling == "replacement"
    epoch = max(1, N // B)
    shape = (runs, epoch, B) if replacement else (runs, 1, N)
    order = rows.copy()
    while left > 0:
        if replacement or (spacetime.sampling == "reshuffle" and left < spacetime.T):
            drawn = np.empty(shape, rows.dtype)
            draw(rows, rng.random(shape), drawn)
            order = drawn
        yield np.ascontiguousarray(order.reshape(runs, epoch, B)[:, :left])
        left -= epoch


def _losses(landscape: object) -> Losses:
    """How runs are made on this landscape."""
    if isinstance(landscape, Logistic):
        return _logistic_losses(landscape)
    if isinstance(landscape, Samples):
        return _polynomial_losses(landscape)
    if isinstance(landscape, Symbolic):
        return symbolic_losses(landscape)
    if isinstance(landscape, Estimated):
        raise UnsupportedError(
            f"{landscape!r} stands for an unknown distribution, from which nothing can be drawn; simulate on its `.points`"
        )
    if isinstance(landscape, Landscape):
        raise UnsupportedError(
            f"{landscape!r} has no data points to train on; simulate runs on landscapes.logistic, "
            "landscapes.samples and landscapes.symbolic (predict needs no points)"
        )
    raise InputError(f"landscape must be one of fastdiag.landscapes, not {landscape!r}")


def _logistic_losses(landscape: Logistic) -> Losses:
    signs = 1.0 - 2.0 * landscape.y
    Z = np.ascontiguousarray(landscape.X * signs[:, None])
    weights, ridge, start = (np.array(a) for a in (landscape.weights, landscape.ridge, landscape.theta))
    uniform = _uniform(weights)
    # the dispatchers are made here, once, and not by racing threads
    descend, test_loss = logistic_descend.dispatcher, logistic_test_loss.dispatcher

    def losses(rates: FloatArray, runs: int, batches: Iterator[IntArray]) -> FloatArray:
        theta = np.tile(start, (len(rates), runs, 1))
        for some in batches:
            descend(Z, ridge, rates, some, theta)
        out = np.empty((len(rates), runs))
        test_loss(Z, weights, uniform, ridge, theta, out)
        return out

    return losses


def _polynomial_losses(landscape: Samples) -> Losses:
    n, degree, points = landscape.dimension, len(landscape.derivatives) - 1, len(landscape.weights)
    known = [np.require(d.reshape(points, -1), requirements=["C", "W"]) for d in landscape.derivatives]
    absent = [np.empty((0, 0))] * (4 - degree)
    tensors = (*known, *absent)
    means = (*(np.ascontiguousarray((landscape.weights @ d)[None]) for d in known), *absent)
    descend, test_loss = polynomial_descend.dispatcher, polynomial_test_loss.dispatcher

    def losses(rates: FloatArray, runs: int, batches: Iterator[IntArray]) -> FloatArray:
        delta = np.zeros((len(rates), runs, n))
        for some in batches:
            descend(tensors, degree, rates, some, delta)
        out = np.empty((len(rates), runs))
        test_loss(means, degree, delta, out)
        return out

    return losses


@dataclass(frozen=True, slots=True)
class _Moments:
    """Mean and sum of squared deviations of some runs, for each learning rate."""

    runs: int
    mean: FloatArray
    squares: FloatArray
    diverged: IntArray

    @classmethod
    def of(cls, losses: FloatArray) -> _Moments:
        with np.errstate(all="ignore"):
            mean = losses.mean(axis=1)
            squares = ((losses - mean[:, None]) ** 2).sum(axis=1)
        return cls(losses.shape[1], mean, squares, np.count_nonzero(~np.isfinite(losses), axis=1))

    def merged(self, other: _Moments) -> _Moments:
        """Chan, Golub and LeVeque (1979); the mean is a weighted one, so that inf stays inf."""
        runs, diverged = self.runs + other.runs, self.diverged + other.diverged
        with np.errstate(all="ignore"):
            mean = self.mean * (self.runs / runs) + other.mean * (other.runs / runs)
            between = (self.mean - other.mean) ** 2 * (self.runs * other.runs / runs)
            return _Moments(runs, mean, self.squares + other.squares + between, diverged)


def _merged(parts: Iterator[_Moments], runs: int, progress: bool | None) -> _Moments:
    """All parts merged in their order; a bar comes up unasked only for what is left after a while."""
    quiet = time.monotonic() + (PATIENCE if progress is None else 0.0)
    total = next(parts)
    while total.runs < runs and time.monotonic() < quiet:
        total = total.merged(next(parts))
    left = runs - total.runs
    for part in track(parts, left, lambda part: part.runs, "runs", progress if left else False):
        total = total.merged(part)
    return total
