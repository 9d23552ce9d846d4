"""Run SGD many times and average the test loss, or another observable."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import inf
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import choice, shown, whole
from ..door import door
from ..errors import InputError, TooLargeError, UnsupportedError
from ..expansion.observables import observable_named
from ..kernels.shuffle import draw_batches
from ..landscapes import Estimated, Landscape, LinearModel, Logistic, SampledLandscape, Samples, Symbolic
from ..memory import require
from ..progress import check_progress, track
from ..record import Record
from ..spacetime import Spacetime, check_spacetime
from ..typing import FloatArray, IntArray
from ..values.learning_rates import scalar_rates
from ..values.overflow import told
from .formula import FormulaRuns, Source
from .moments import Moments, Spread
from .points import Drawn, LinearModelRuns, LogisticRuns, TaylorRuns
from .process import PROCESSES, process_losses

METHODS = ("sgd", "gd", *PROCESSES)
MOST_GRADIENTS = 10**13
SHARD = 256  # runs with one random generator of their own, whatever the number of threads
FRESH = 64  # updates drawn at a time if the data never repeat
MOST_ROWS = 2_000_000  # training points of a run, if they are met again
PATIENCE = 1.0  # seconds before a progress bar appears unasked

Runs: TypeAlias = LogisticRuns | LinearModelRuns | TaylorRuns | FormulaRuns


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Simulation(Record):
    """A measured observable; see `simulate`. Numbers if eta is one, else arrays of its shape; its own axes last."""

    mean: float | FloatArray
    """Mean over the runs (of a variance or covariance, the unbiased estimate); inf or nan if one diverged."""
    stderr: float | FloatArray
    """Its standard error."""
    eta: float | FloatArray
    """Learning rates."""
    runs: int
    """Runs for each learning rate."""
    diverged: int | IntArray
    """Runs in which what was observed is not finite."""
    observable: str = "test_loss"

    @property
    def interval(self) -> tuple[float | FloatArray, float | FloatArray]:
        """95 % confidence interval of the mean, (lower, upper)."""
        with np.errstate(all="ignore"):
            return self.mean - 1.96 * self.stderr, self.mean + 1.96 * self.stderr

    def __repr__(self) -> str:
        if np.ndim(self.mean) > np.ndim(self.eta):
            return f"<Simulation of the {self.observable}, {np.shape(self.mean)}: {self.runs} runs for each learning rate>"
        columns = (np.ravel(column).tolist() for column in (self.eta, self.mean, self.stderr, self.diverged))
        lines = [
            f"eta={eta:g}: {mean:.6g} ± {stderr:.2g}" + (f" ({diverged} runs diverged)" if diverged else "")
            for eta, mean, stderr, diverged in zip(*columns, strict=True)
        ]
        if np.ndim(self.eta) == 0:
            return f"Simulation({lines[0]}, {self.runs} runs)"
        return "\n  ".join([f"Simulation({self.runs} runs at each of {len(lines)} learning rates)", *lines])


@door
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
    """Measure the expected test loss, or another observable, after SGD by running it.

    Each run draws N training points from the landscape's distribution, independently and with replacement, and
    makes T updates theta <- theta - eta * (mean gradient of the batch), starting at theta_0. Its test loss is the
    mean loss over the whole distribution, its train loss that over its N training points. The result does not
    depend on the number of threads, to the last bit.

    Parameters
    ----------
    landscape : `landscapes.logistic`, `softmax`, `least_squares`; `landscapes.samples`: then each point's loss is its
        Taylor polynomial; or `landscapes.symbolic`: then the data are drawn from its distributions
    spacetime : N, B, T and the sampling; T finite
    eta : learning rate, >= 0: a number, or a one-dimensional array of them (not a matrix). All of them see the same
        training points and batches, so that differences between them are sharp.
    runs : independent runs, >= 2
    seed : whole number >= 0
    method : 'sgd'; 'gd', all N points at every update; 'ode' or 'sde', the processes of `fastdiag.updates`, in 16 steps to
        an update, on landscapes with points, the test loss only
    observable : 'test_loss', 'train_loss', 'generalization_gap', 'displacement' (a vector), 'covariance' of the
        displacement (a matrix), 'test_loss_variance'; as for `predict`
    threads : at most this many; as many as there are processors by default
    progress : whether to show a bar; by default on a terminal, after a second

    Returns
    -------
    Simulation, with `mean`, `stderr`, `interval`, `diverged`: numbers if eta is one, else arrays of its shape, with axes
    (n,) for the displacement and (n, n) for the covariance. Variances and covariances are unbiased estimates, their
    standard errors come from the fourth moments. Runs that end infinite or nan are counted in `diverged`; the mean is
    then inf or nan, with a RuntimeWarning.

    Raises
    ------
    InputError : an argument of the wrong kind or out of range, an unknown method or observable
    TooLargeError : the training set of a run, or the batches drawn at a time, are too large to be kept
    UnsupportedError : a landscape without data points; a formula with free symbols, or whose mean has no closed form

    Examples
    --------
    >>> import fastdiag as fd
    >>> land = fd.landscapes.logistic([[1.0], [-2.0]], [1, 0], [0.0])
    >>> result = fd.simulate(land, fd.Spacetime(N=4, T=4), eta=0.1, runs=1000)
    >>> bool(result.mean < land.loss), result.diverged
    (True, 0)
    >>> fd.simulate(land, fd.Spacetime(N=4, T=4), [0.1, 0.2], runs=1000, observable="displacement").mean.shape
    (2, 1)
    """
    check_spacetime(spacetime)
    spacetime.finite("T")
    method, watched = choice("method", method, METHODS), observable_named(observable)
    observable, spread = watched.name, watched.mean is not None
    trains = watched.shares and spacetime.N != inf  # else the train loss is the test loss
    tests = watched.axes == 0 and not (trains and observable == "train_loss")
    runs, seed = whole("runs", runs, 2, what="runs"), whole("seed", seed, 0)
    shards = -(-runs // SHARD)
    workers = min((os.cpu_count() or 1) if threads is None else whole("threads", threads, 1, what="threads"), shards)
    progress = check_progress(progress)
    numbers = scalar_rates(eta)
    rates = np.atleast_1d(numbers)
    work = runs * spacetime.finite("T") * (spacetime.N if method == "gd" else spacetime.B) * rates.size
    if work > MOST_GRADIENTS:
        raise TooLargeError(
            f"runs, updates, batches and learning rates make {shown(work)} gradients of points, which take weeks; "
            f"the limit is {MOST_GRADIENTS:,}"
        )
    model = _runs_on(landscape, tests, trains)  # or an error that says what the landscape should be
    if method in PROCESSES:
        if observable != "test_loss":
            raise UnsupportedError(f"the {method} is simulated for the test loss only, not for the {observable}")
        found = Moments.of(process_losses(landscape, spacetime, rates, runs, seed, method))
        return _simulation(found, numbers, runs, observable)
    if method == "gd":
        spacetime = Spacetime(spacetime.finite("N"), spacetime.finite("N"), spacetime.T, sampling="cyclic")
    if (trains or not spacetime.is_one_epoch) and spacetime.N > MOST_ROWS:
        what = f"the {observable} needs" if spacetime.is_one_epoch else "several epochs need"
        raise TooLargeError(f"{what} all N = {spacetime.N} points of a run in memory; the limit is {MOST_ROWS:,}")
    points = min(spacetime.finite("T"), FRESH) * spacetime.B if spacetime.is_one_epoch else 3 * spacetime.finite("N")
    if trains:
        points += 3 * int(spacetime.N)  # kept to the end
    require(
        16 * points * min(SHARD, runs) * workers, f"{workers} threads with {min(SHARD, runs)} runs each, B = "
        f"{shown(spacetime.B)} points at an update,", "take smaller batches, fewer runs, or threads=1",
    )
    draw = draw_batches.dispatcher

    def measure(shard: int) -> Moments | Spread:
        size = min(SHARD, runs - shard * SHARD)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(shard,)))
        source: Any = Source(landscape, rng, size) if isinstance(landscape, Symbolic) else None
        if isinstance(landscape, SampledLandscape):
            source = Drawn(landscape.weights, rng, size)
        batches = source.read(_batches(source.keep if trains else source.points, spacetime, rng, draw))
        end = model.descend(rates, size, itertools.takewhile(lambda _: not stop.is_set(), batches))
        values = _observed(observable, model, end, source, spacetime.N)
        return Spread.of(values.reshape(*values.shape[:2], -1)) if spread else Moments.of(values)

    stop = threading.Event()  # an interrupt need not wait for the shards that run
    pool = ThreadPoolExecutor(workers)
    try:
        total = _merged(pool.map(measure, range(shards)), runs, progress)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
    return _simulation(total, numbers, runs, observable)


def _simulation(total: Moments | Spread, eta: FloatArray, runs: int, observable: str) -> Simulation:
    mean, stderr = total.result()
    lost = int(total.diverged.sum())
    found = np.concatenate([mean.ravel(), stderr.ravel()])
    told("the simulation", found, f"; runs that diverged: {lost:,}" if lost else "")
    if observable == "test_loss_variance":
        mean, stderr = mean.reshape(-1), stderr.reshape(-1)
    if eta.ndim > 0:
        return Simulation(mean, stderr, eta, runs, total.diverged, observable)
    average, error = (float(column[0]) if column.ndim == 1 else column[0] for column in (mean, stderr))
    return Simulation(average, error, float(eta), runs, int(total.diverged[0]), observable)


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


def _runs_on(landscape: object, tests: bool, trains: bool) -> Runs:
    """How runs are made on this landscape, and whether their test losses and train losses are asked for."""
    if isinstance(landscape, Logistic):
        return LogisticRuns(landscape)
    if isinstance(landscape, LinearModel):
        return LinearModelRuns(landscape)
    if isinstance(landscape, Samples):
        return TaylorRuns(landscape)
    if isinstance(landscape, Symbolic):
        return FormulaRuns(landscape, tests, trains)
    if isinstance(landscape, Estimated):
        raise UnsupportedError(
            f"{landscape!r} stands for an unknown distribution, from which nothing can be drawn; simulate on its `.points`"
        )
    if isinstance(landscape, Landscape):
        raise UnsupportedError(
            f"{landscape!r} has no data points to train on; simulate runs on landscapes.logistic, softmax, "
            "least_squares, samples and landscapes.symbolic (predict needs no points)"
        )
    raise InputError(f"landscape must be one of fastdiag.landscapes, not {shown(landscape)}")


def _observed(observable: str, runs: Any, end: FloatArray, source: Any, N: int | float) -> FloatArray:
    """What is averaged, or what a variance is of: (rates, runs), or (rates, runs, n)."""
    found: FloatArray
    if observable in ("displacement", "covariance"):
        found = runs.displacement(end)
    elif observable == "train_loss" and N != inf:
        found = runs.train_loss(end, source.training_set(N))
    else:
        found = runs.test_loss(end)
    if observable == "generalization_gap":
        with np.errstate(all="ignore"):
            found = found - (found if N == inf else runs.train_loss(end, source.training_set(N)))
    return found


def _merged(parts: Iterator[Any], runs: int, progress: bool | None) -> Any:
    """All parts merged in their order; a bar comes up unasked only for what is left after a while."""
    quiet = time.monotonic() + (PATIENCE if progress is None else 0.0)
    total = next(parts)
    while total.runs < runs and time.monotonic() < quiet:
        total = total.merged(next(parts))
    left = runs - total.runs
    for part in track(parts, left, lambda part: part.runs, "runs", progress if left else False):
        total = total.merged(part)
    return total
