"""Run several ways of training on the same training sets, and measure their differences run by run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import ndim, shown
from ..door import door
from ..errors import InputError
from ..expansion.observables import Observable
from ..landscapes import Landscape
from ..spacetime.processes import Process
from ..typing import FloatArray, IntArray, PathLike
from .compared import Compared
from .course import Course
from .measure import checked_work, measure
from .planned_runs import METHODS, PlannedRuns, check_cost, only_covariance, plan_runs
from .run_statistics import Moments, Spread, covariance_differences
from .simulate import REFINED


@door
def compare(
    kinds: Iterable[tuple[Any, ...]],
    landscape: Landscape,
    runs: int = 10_000,
    seed: int = 0,
    observable: str | Observable = "test_loss",
    threads: int | None = None,
    progress: bool | None = None,
    refinement: int = REFINED,
    training_set: str = "drawn",
    test: Landscape | None = None,
    executor: Executor | None = None,
    checkpoint: PathLike | None = None,
    T: ArrayLike | None = None,
) -> Compared:
    """Measure by how much ways of training differ, run by run, with common random numbers (the papers' method).

    A run of each kind has the same N training points, and visits them in the same orders, cut into its own batches: what
    they have in common drops out of differences, whose errors are far below those of the means. Where N differs, and for
    the noise of the SDE, runs are independent; fresh data (N = inf) are common to equal batches.

    Parameters
    ----------
    kinds : tuples (label, spacetime, eta, method or update), the last as for `simulate`, 'sgd' if left out. Every eta is
        a number or a matrix; or all of them are arrays of one length, compared place by place
    T : numbers of updates of all kinds, instead of each spacetime's; an int, or a 1-D array of them: curves, from one
        set of runs
    landscape, runs, seed, observable, threads, progress, refinement, training_set, test, executor, checkpoint : as for
        `simulate`

    Returns
    -------
    Compared, with `difference(label, other)`, `differences`, `errors`, and `compared[label]`, what `simulate` returns

    Raises
    ------
    InputError : fewer than one kind, labels that are no texts or come twice, learning rates of different lengths; and what
        `simulate` raises

    Examples
    --------
    Gradient descent on the loss and its corrector follows SGD, which plain gradient descent does not:

    >>> import fastdiag as fd
    >>> land, st = fd.landscapes.gauss(1), fd.Spacetime(N=10, E=1)
    >>> found = fd.compare([("SGD", st, 0.1), ("GD", st, 0.1, "gd"), ("GDC", st, 0.1, "gdc")], land, runs=1000)
    >>> found.labels, bool(abs(found.difference("GDC", "SGD")[0]) < abs(found.difference("GD", "SGD")[0]))
    (('SGD', 'GD', 'GDC'), True)
    """
    asked = list(_kinds(kinds))
    plans = []
    for _, spacetime, eta, way in asked:
        method, update = (way, None) if isinstance(way, str) else ("sgd", way)
        if isinstance(way, Process):
            method, update = way.name, None
        fixed = T, update, refinement, training_set, test, True
        plans.append(plan_runs(landscape, spacetime, eta, runs, seed, method, observable, *fixed))
    lengths = {ndim(each.eta) % 2 * len(each.course.rates) for each in plans}
    if len(lengths) > 1:
        raise InputError(
            f"learning rates must be numbers or matrices, or arrays of one length, not of {sorted(lengths)} (0: a number)"
        )
    work, side = checked_work(threads, executor, checkpoint, progress), SideBySide(tuple(each.course for each in plans))
    for each in plans:
        check_cost(each.course, work.workers(side) * len(plans), True)
    plans[0].tell()
    total, values = measure(side, work, True)
    assert values is not None
    return _compared([label for label, *_ in asked], plans, total, values)


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Courses whose runs are made together: the values of all of them, one after the other."""

    courses: tuple[Course, ...]

    @property
    def observable(self) -> Observable:
        return self.courses[0].observable

    @property
    def runs(self) -> int:
        return self.courses[0].runs

    @property
    def shards(self) -> int:
        return self.courses[0].shards

    def prepare(self) -> None:
        """All of them."""
        for course in self.courses:
            course.prepare()

    def shard(self, number: int, stop: IntArray) -> FloatArray:
        """As `Course.shard`, the rates of all of them along the first axis."""
        return np.concatenate([course.shard(number, stop) for course in self.courses])


def _kinds(kinds: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    """The tuples, checked as such."""
    wanted = "tuples (label, spacetime, eta, method or update)"
    try:
        tuples = list(kinds)
    except TypeError:
        raise InputError(f"kinds must be {wanted}, not {shown(kinds)}") from None
    known: set[str] = set()
    for each in tuples:
        if not isinstance(each, tuple) or not 3 <= len(each) <= 4:
            raise InputError(f"kinds must be {wanted}, and one is {shown(each)}")
        label, spacetime, eta, way = each if len(each) == 4 else (*each, "sgd")
        if not isinstance(label, str) or label in known:
            raise InputError(f"labels must be texts, each another, not {shown(label)}")
        known.add(str(label))
        if isinstance(way, str) and way not in METHODS:
            raise InputError(f"{shown(label)}: unknown method {shown(way)}; known: {', '.join(METHODS)}, or an update")
        yield str(label), spacetime, eta, way
    if not known:
        raise InputError(f"kinds is empty; give {wanted}")


def _compared(labels: list[str], plans: list[PlannedRuns], total: Any, values: FloatArray) -> Compared:
    first = plans[0]
    width = len(first.course.rates) * len(first.course.times)
    parts = [slice(i * width, (i + 1) * width) for i in range(len(plans))]
    each = [values[part] for part in parts]
    simulations = tuple(one.simulation(total.part(part), None) for one, part in zip(plans, parts, strict=True))
    pairs = [[_difference(total, first.course.observable, x, y) for y in each] for x in each]
    means, errors = (np.array([[first.view(pair[k]) for pair in row] for row in pairs], np.float64) for k in range(2))
    return Compared(tuple(labels), simulations, means, errors)


def _difference(total: Moments | Spread, observable: Observable, x: FloatArray, y: FloatArray) -> Any:
    """Of what is estimated from values (rates, runs, ...), and its standard error."""
    with np.errstate(all="ignore"):
        if isinstance(total, Moments):
            return Moments.of(x - y).result()
        if observable.kind == "test_loss_variance":
            pair = (each.reshape(*each.shape[:2], -1) for each in (x, y))
            return tuple(map(only_covariance, covariance_differences(*pair)))
        return covariance_differences(x, y)
