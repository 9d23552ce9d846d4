"""Run SGD, or another rule, many times and average the test loss, or another observable."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import choice, flag, one_or_many, shown, whole
from ..door import door
from ..embedding import PathRule, check_rule
from ..errors import InputError, TooLargeError
from ..expansion.functions import seen_from
from ..expansion.observables import Observable, check_has, observable_named
from ..expansion.predict import TRAINING_SETS
from ..landscapes import Landscape, Samples
from ..landscapes.landscape import check_landscape
from ..landscapes.taylor import tell_of_polynomial
from ..memory import require
from ..progress import check_progress
from ..spacetime import Spacetime, check_spacetime
from ..spacetime.processes import Process
from ..spacetime.regularized_newton import RegularizedNewton
from ..typing import FloatArray, Rates
from ..values.given import given_points
from ..values.learning_rates import learning_rates
from ..values.overflow import told
from .course import PROCESSES, SHARD, Course
from .measure import measure
from .simulation import Simulation
from .training_points import FRESH

METHODS = ("sgd", "gd", *PROCESSES)
MOST_GRADIENTS = 10**13
MOST_ROWS = 2_000_000  # training points of a run, if they are met again
REFINED = 16  # steps to an update of a process


@door
def simulate(
    landscape: Landscape,
    spacetime: Spacetime,
    eta: Rates,
    runs: int = 10_000,
    seed: int = 0,
    method: str = "sgd",
    observable: str | Observable = "test_loss",
    threads: int | None = None,
    progress: bool | None = None,
    T: ArrayLike | None = None,
    update: PathRule = None,
    refinement: int = REFINED,
    keep_runs: bool = False,
    training_set: str = "drawn",
    test: Landscape | None = None,
) -> Simulation:
    """Measure the expected test loss, or another observable, after SGD or another update rule by running it.

    Each run draws N training points from the landscape's distribution, independently and with replacement, and
    makes T updates theta <- theta - eta * (mean gradient of the batch), starting at theta_0. Its test loss is the
    mean loss over the whole distribution, its train loss that over its N training points. The result does not
    depend on the number of threads, to the last bit.

    Parameters
    ----------
    landscape : `landscapes.logistic`, `softmax`, `least_squares`; `landscapes.symbolic`, with data drawn from its
        distributions; or `landscapes.samples`, which knows derivatives only: its points' losses are the Taylor
        polynomials, of which it warns once and which `repr` names
    spacetime : N, B, T and the sampling; T finite
    eta : learning rate, >= 0: a number, a 1-D array of numbers, or a positive definite (n, n) matrix. All of them see the
        same training points and batches, so that differences between them are sharp
    runs : independent runs, >= 2
    seed : whole number >= 0
    method : 'sgd'; 'gd', all N points at every update; 'ode' or 'sde', the processes of `fastdiag.updates`: Runge's and
        Kutta's rule of fourth order, and Euler's and Maruyama's with noise of the covariance of the gradient at theta. They
        follow the whole distribution, so they have no train loss
    observable : 'test_loss', 'train_loss', 'generalization_gap', 'displacement' (a vector), 'covariance' of the
        displacement (a matrix), 'test_loss_variance', or a function of `fastdiag.observable`; as for `predict`
    threads : at most this many; as many as there are processors by default
    progress : whether to show a bar; by default on a terminal, after a second
    T : numbers of updates instead of spacetime.T; an int, or a 1-D array of them: a curve, from one set of runs
    update : one of `fastdiag.updates`, as for `predict`; None for SGD. ode() and sde() are the methods of that name
    refinement : steps to an update of a process, >= 1
    keep_runs : whether `.values` holds what every run came to
    training_set : 'drawn'; or 'given', the landscape's own N points, as for `predict`: runs differ in their batches alone,
        under 'cyclic' in one order kept
    test : a landscape of held-out data, with training_set='given': whose loss the test loss is

    Returns
    -------
    Simulation, with `mean`, `stderr`, `interval`, `diverged`: numbers if eta and T are, else arrays of shape eta.shape +
    T.shape, with axes (n,) for the displacement and (n, n) for the covariance. Variances and covariances are unbiased
    estimates, their standard errors come from the fourth moments. Runs that end infinite or nan are counted in `diverged`;
    the mean is then inf or nan, with a RuntimeWarning.

    Raises
    ------
    InputError : an argument of the wrong kind or out of range, an unknown method or observable; the train loss of a process
        without a given training set
    TooLargeError : the training set of a run, the batches drawn at a time, or the values of all runs are too large
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
    >>> fast = fd.updates.momentum(0.9)
    >>> curve = fd.simulate(land, fd.Spacetime(N=4, E=5), 0.1, runs=1000, update=fast, T=[4, 12, 20], keep_runs=True)
    >>> curve.mean.shape, curve.values.shape, bool(curve.mean[2] < curve.mean[0])
    ((3,), (3, 1000), True)
    """
    check_spacetime(spacetime)
    check_landscape(landscape, fields=True)
    method, watched = choice("method", method, METHODS), observable_named(observable, functions=True)
    owns = choice("training_set", training_set, TRAINING_SETS) == "given"
    method, update = _method_and_rule(method, update, watched, owns)
    check_has(landscape, watched, update)
    runs, seed = whole("runs", runs, 2, what="runs"), whole("seed", seed, 0)
    workers = (os.cpu_count() or 1) if threads is None else whole("threads", threads, 1, what="threads")
    progress, keep_runs = check_progress(progress), flag("keep_runs", keep_runs)
    refinement = whole("refinement", refinement, 1, what="steps to an update")
    moments, shape = one_or_many("T", spacetime.T if T is None else T, "numbers of updates")
    updates = [spacetime.with_updates(t).finite("T") for t in moments]
    numbers, metric = learning_rates(eta, landscape.dimension)
    longest = spacetime.with_updates(max(updates))
    if method == "gd":
        longest = Spacetime(spacetime.finite("N"), spacetime.finite("N"), longest.T, sampling="cyclic")
    if owns:
        test = given_points(landscape, longest, test).test
    elif test is not None:
        raise InputError("test goes with training_set='given'; what is drawn from a landscape is tested on it too")
    times, places = np.unique(updates, return_inverse=True)
    course = Course(
        landscape, longest, tuple(times.tolist()), np.atleast_1d(numbers), metric, watched, update, method, owns, test,
        refinement, runs, seed, functions=tuple(seen_from(function, landscape) for function in watched.functions),
    )
    workers = min(workers, course.shards)
    check_room(course, workers, keep_runs)
    for each in (landscape, test):
        if isinstance(each, Samples):
            tell_of_polynomial(each)
    found, values = measure(course, workers, progress, keep_runs)
    view = _View(numbers.shape if metric is None else (), shape, len(times), places)
    mean, stderr = found.result()
    lost = int(found.diverged.reshape(-1, len(times)).max(axis=1).sum())
    told("the simulation", np.append(mean, stderr), f"; runs that diverged: {lost:,}" if lost else "")
    if watched.kind == "test_loss_variance":
        mean, stderr = (found.reshape(len(found), -1) for found in (mean, stderr))
        mean, stderr = mean[:, min(1, mean.shape[1] - 1)], stderr[:, min(1, mean.shape[1] - 1)]
    rates: Any = metric if metric is not None else numbers if numbers.ndim else float(numbers)
    degree = landscape.highest_degree if isinstance(landscape, Samples) else None
    return Simulation(
        view(mean), view(stderr), rates, runs, view(found.diverged), watched.name,
        spacetime if T is None or shape else spacetime.with_updates(updates[0]), tuple(updates) if shape else updates[0],
        update, method, training_set, degree, None if values is None else view(values),
    )


def _method_and_rule(method: str, update: Any, watched: Observable, owns: bool) -> tuple[str, PathRule]:
    """Processes are methods here, and rules of `fastdiag.updates` too.

    Raises
    ------
    InputError : no rule; two things at once; the train loss of a process
    """
    check_rule(update, about_path=True)
    if isinstance(update, Process):
        if method not in ("sgd", update.name):
            raise InputError(f"method={method!r} and update={update!r} contradict each other; give one")
        method, update = update.name, None
    if method in PROCESSES:
        if update is not None:
            raise InputError(f"the {method} is a process in continuous time and has no {update!r}; leave out one of them")
        if watched.shares and not owns:
            raise InputError(
                f"the {method} follows the gradient of the whole distribution, so it has no training points and no "
                f"{watched.name}; ask for the test loss"
            )
    return method, update


def check_room(course: Course, workers: int, keeps: bool) -> None:
    """Raise TooLargeError if work or memory would be too much."""
    st, runs, rates = course.spacetime, course.runs, len(course.rates)
    n, T = course.landscape.dimension, st.finite("T")
    cells = course.refinement * (len(getattr(course.landscape, "weights", "x"))) if course.method in PROCESSES else st.B
    work = (4 if course.method == "ode" else runs) * T * cells * rates
    if isinstance(course.update, RegularizedNewton):
        work *= n
    if work > MOST_GRADIENTS:
        raise TooLargeError(
            f"runs, updates, batches and learning rates make {shown(work)} gradients of points, which take weeks; "
            f"the limit is {MOST_GRADIENTS:,}"
        )
    size, numbers = min(SHARD, runs), n if course.observable.axes else 1
    asked = 8 * rates * len(course.times) * numbers * (runs * 2 * keeps + size * workers * 2)
    require(asked, f"{len(course.times)} times and {rates} learning rates of {shown(runs)} runs", "ask for fewer at a time")
    if course.method in PROCESSES:
        return
    trains, name = course.trains, course.observable.name
    if (trains or not st.is_one_epoch) and st.N > MOST_ROWS:
        what = f"the {name} needs" if st.is_one_epoch else "several epochs need"
        raise TooLargeError(f"{what} all N = {st.N} points of a run in memory; the limit is {MOST_ROWS:,}")
    points = min(T, FRESH) * st.B if st.is_one_epoch else 3 * st.finite("N")
    if trains:
        points += 3 * int(st.N)  # kept to the end
    require(
        16 * points * size * workers, f"{workers} threads with {size} runs each, B = {shown(st.B)} points at an update,",
        "take smaller batches, fewer runs, or threads=1",
    )


@dataclass(frozen=True, slots=True)
class _View:
    """From (rates times, ...) to the shape that was asked for."""

    rates: tuple[int, ...]
    updates: tuple[int, ...]
    times: int
    places: Any
    """Of the updates among the times."""

    def __call__(self, found: FloatArray) -> Any:
        axes = found.shape[1:]
        chosen = found.reshape(-1, self.times, *axes)[:, self.places.ravel()].reshape(self.rates + self.updates + axes)
        return chosen.item() if chosen.ndim == 0 else chosen
