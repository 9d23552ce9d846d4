"""A plan of runs: all arguments checked, what is run, and how its answer is shaped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import choice, one_or_many, shown, whole
from ..embedding import check_rule
from ..errors import InputError, TooLargeError
from ..expansion.functions import seen_from
from ..expansion.observables import Observable, check_has, observable_named
from ..expansion.predict import TRAINING_SETS
from ..landscapes import Landscape, Samples
from ..landscapes.landscape import check_landscape
from ..landscapes.taylor import tell_of_polynomial
from ..memory import require
from ..results.emulation import emulation
from ..spacetime import Spacetime, check_spacetime
from ..spacetime.processes import Process
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.schedules import Scheduled
from ..spacetime.updates import Clipped, Corrected
from ..typing import FloatArray
from ..values.given import given_points
from ..values.learning_rates import learning_rates
from ..values.overflow import told
from .course import PROCESSES, SHARD, Course
from .packed_rule import RunRule
from .simulation import Simulation
from .training_points import FRESH

METHODS = ("sgd", "gd", "gdc", *PROCESSES)
MOST_GRADIENTS = 10**13
MOST_ROWS = 2_000_000  # training points of a run, if they are met again


@dataclass(frozen=True, slots=True)
class PlannedRuns:
    """One call of `simulate`."""

    course: Course
    view: View
    eta: Any
    spacetime: Spacetime
    T: Any
    """The number of updates, or a tuple of them."""
    method: str
    update: RunRule

    def tell(self) -> None:
        """Warn of losses that are run as polynomials."""
        for each in (self.course.landscape, self.course.test):
            if isinstance(each, Samples):
                tell_of_polynomial(each)

    def simulation(self, found: Any, values: FloatArray | None) -> Simulation:
        """What moments of all runs, and the values of each if they were kept, come to."""
        course, view = self.course, self.view
        mean, stderr = found.result()
        lost = int(found.diverged.reshape(-1, len(course.times)).max(axis=1).sum())
        told("the simulation", np.append(mean, stderr), f"; runs that diverged: {lost:,}" if lost else "")
        if course.observable.kind == "test_loss_variance":
            mean, stderr = only_covariance(mean), only_covariance(stderr)
        degree = course.landscape.highest_degree if isinstance(course.landscape, Samples) else None
        return Simulation(
            view(mean), view(stderr), self.eta, course.runs, view(found.diverged), course.observable.name, self.spacetime,
            self.T, self.update, self.method, "given" if course.owns else "drawn", degree,
            None if values is None else view(values),
        )


def plan_runs(
    landscape: Landscape, spacetime: Spacetime, eta: Any, runs: int, seed: int, method: str, observable: str | Observable,
    T: Any, update: Any, refinement: int, training_set: str, test: Landscape | None, at_once: bool = False,
) -> PlannedRuns:
    """All arguments of `simulate` that decide its answer, checked. at_once: as for `Course`, where data end."""
    check_spacetime(spacetime)
    check_landscape(landscape, fields=True)
    method, watched = choice("method", method, METHODS), observable_named(observable, functions=True)
    owns = choice("training_set", training_set, TRAINING_SETS) == "given"
    method, update = _method_and_rule(method, update, watched, owns)
    check_has(landscape, watched, None if isinstance(update, Corrected) else update)
    runs, seed = whole("runs", runs, 2, what="runs"), whole("seed", seed, 0)
    refinement = whole("refinement", refinement, 1, what="steps to an update")
    moments, shape = one_or_many("T", spacetime.T if T is None else T, "numbers of updates")
    updates = [spacetime.with_updates(t).finite("T") for t in moments]
    numbers, metric = learning_rates(eta, landscape.dimension)
    if isinstance(update, Scheduled | Clipped):
        update = update.listed(max(updates))
    longest, rule = spacetime.with_updates(max(updates)), update
    if method in ("gd", "gdc"):
        followed = longest
        longest = Spacetime(spacetime.finite("N"), spacetime.finite("N"), longest.T, sampling="cyclic")
        if method == "gdc":
            rule = Corrected(*emulation.derived(longest, 1, followed))
    if isinstance(rule, Corrected):
        _check_pairs(rule, longest)
    if owns:
        test = given_points(landscape, longest, test).test
    elif test is not None:
        raise InputError("test goes with training_set='given'; what is drawn from a landscape is tested on it too")
    times, places = np.unique(updates, return_inverse=True)
    functions = tuple(seen_from(function, landscape) for function in watched.functions)
    course = Course(
        landscape, longest, tuple(times.tolist()), np.atleast_1d(numbers), metric, watched, rule, method, owns, test,
        refinement, runs, seed, at_once and longest.N != np.inf, functions,
    )
    view = View(numbers.shape if metric is None else (), shape, len(times), places)
    rates: Any = metric if metric is not None else numbers if numbers.ndim else float(numbers)
    return PlannedRuns(
        course, view, rates, spacetime if T is None or shape else spacetime.with_updates(updates[0]),
        tuple(updates) if shape else updates[0], method, update,
    )


def only_covariance(found: FloatArray) -> FloatArray:
    """Of matrices (rates, k, k) the variance where k = 1, the covariance of the two where k = 2."""
    entries = found.reshape(len(found), -1)
    return np.asarray(entries[:, min(1, entries.shape[1] - 1)])


def _check_pairs(rule: Corrected, spacetime: Spacetime) -> None:
    if spacetime.finite("N") < 2 and (rule.noise or rule.slope):
        raise InputError(f"{rule!r} is estimated from pairs of training points, and N = 1 has none; take more points")


def _method_and_rule(method: str, update: Any, watched: Observable, owns: bool) -> tuple[str, RunRule]:
    """Processes are methods here, and rules of `fastdiag.updates` too.

    Raises
    ------
    InputError : no rule; two things at once; the train loss of a process
    """
    if not isinstance(update, Corrected):
        check_rule(update, about_path=True)
    if isinstance(update, Process):
        if method not in ("sgd", update.name):
            raise InputError(f"method={method!r} and update={update!r} contradict each other; give one")
        method, update = update.name, None
    if method == "gdc" and update is not None:
        raise InputError(f"gdc is an update rule of its own and takes no {update!r}; leave out one of them")
    if method in PROCESSES:
        if update is not None:
            raise InputError(f"the {method} is a process in continuous time and has no {update!r}; leave out one of them")
        if watched.shares and not owns:
            raise InputError(
                f"the {method} follows the gradient of the whole distribution, so it has no training points and no "
                f"{watched.name}; ask for the test loss"
            )
    return method, update


def check_cost(course: Course, workers: int, keeps: bool) -> None:
    """Raise TooLargeError if work or memory would be too much."""
    st, runs, rates = course.spacetime, course.runs, len(course.rates)
    n, T = course.landscape.dimension, st.finite("T")
    cells = course.refinement * (len(getattr(course.landscape, "weights", "x"))) if course.method in PROCESSES else st.B
    work = (4 if course.method == "ode" else runs) * T * cells * rates
    if isinstance(course.update, RegularizedNewton):
        work *= n
    if isinstance(course.update, Corrected):
        work += 3 * runs * T * st.finite("N") * rates
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
    trains, name = course.trains or isinstance(course.update, Corrected), course.observable.name
    if (trains or not st.is_one_epoch) and st.N > MOST_ROWS:
        what = "several epochs need" if not st.is_one_epoch else f"the {name} needs" if course.trains else "pairs need"
        raise TooLargeError(f"{what} all N = {shown(st.N)} points of a run in memory; the limit is {MOST_ROWS:,}")
    points = min(T, FRESH) * st.B if st.is_one_epoch else 3 * st.finite("N")
    if trains:
        points += 3 * int(st.N)  # kept to the end
    require(
        16 * points * size * workers, f"{workers} threads with {size} runs each, B = {shown(st.B)} points at an update,",
        "take smaller batches, fewer runs, or threads=1",
    )


@dataclass(frozen=True, slots=True)
class View:
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
