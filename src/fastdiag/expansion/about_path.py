"""The expansion about the noiseless path: by recursions where they serve, else by the sum over skeletons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..diagram import Diagram, skeletons
from ..diagram.skeletons import check_noise
from ..embedding import PathRule
from ..errors import InputError, UnsupportedError
from ..landscapes import Landscape, Tensors
from ..path import PathSeries, predicted_about_path
from ..path.foreseen_walks import check_walks
from ..path.path_worth import PathWorth
from ..path.predicted import which
from ..progress import track
from ..spacetime import Spacetime
from ..spacetime.updates import Adaptive, Clipped, Update
from ..typing import FloatArray
from ..values.given import Given, points_met
from .diagram_sum import diagram_sum
from .observables import DISPLACEMENT, Observable, observable_named

SHOWN = 1.0  # seconds from which on progress is shown


def about_path(
    landscape: Landscape,
    times: Sequence[Spacetime],
    etas: Sequence[Any],
    noise: int,
    observable: str | Observable = "test_loss",
    update: PathRule = None,
    metric: FloatArray | None = None,
    closure: str | None = None,
    given: Given | None = None,
    patience: float = 5.0,
    functions: Sequence[Landscape] = (),
    tolerance: float | None = None,
) -> PathSeries:
    """`predicted_about_path` to any noise order: what has no recursion is summed over skeletons, for small problems.

    Raises
    ------
    TooLargeError : noise above 4; skeletons whose sums take too much memory or time, before they are begun
    MissingTensorError : dense cumulants without a Hessian or the gradient's covariance
    UnsupportedError : what has no recursion, and a rule that is not linear, T = inf, or cumulants without points
    """
    if noise and isinstance(landscape, Tensors):  # what is not given is not 0
        landscape.part(((0, 1),))
        landscape.part(((0,), (1,)))
    fresh = all(spacetime.is_one_epoch for spacetime in times)
    fresh = fresh and given is None  # batches of a given training set know of each other
    recurs = noise < 2 or closure is not None or (noise == 2 and (fresh or not isinstance(update, Update | None)))
    if recurs or isinstance(update, Adaptive | Clipped):
        kind = observable_named(observable, functions=True).kind
        how = kind, update, metric, closure, given, functions, tolerance
        return predicted_about_path(landscape, times, etas, noise, *how)
    if tolerance:
        raise UnsupportedError("tolerance is of a covariance of low rank, which is carried for noise=1; leave it out")
    return skeleton_series(landscape, times, etas, noise, observable, update, metric, given, patience, functions)


def skeleton_series(
    landscape: Landscape,
    times: Sequence[Spacetime],
    etas: Sequence[Any],
    noise: int,
    observable: str | Observable = "test_loss",
    update: PathRule = None,
    metric: FloatArray | None = None,
    given: Given | None = None,
    patience: float = 5.0,
    functions: Sequence[Landscape] = (),
) -> PathSeries:
    """The same as a sum over skeletons, every one of which it names; a bar shows progress where it takes over a second.

    patience: minutes that it may take
    """
    check_noise(noise)
    watched = observable_named(observable, given is not None, functions=True)
    fresh = given is None and all(spacetime.is_one_epoch for spacetime in times)
    fixed = fresh or (given is None and times[0].sampling == "cyclic")

    def listed(order: int, shares: bool) -> Iterable[Diagram]:
        return skeletons(order, path_condition=fresh and not shares, root_shares=shares)

    points = points_met(given, update)
    seconds = check_walks(
        lambda order: listed(order, watched.shares), landscape, times, etas, noise, update, patience, points
    )

    def tracked(order: int, shares: bool) -> Iterable[Diagram]:
        some = list(listed(order, shares))
        show = None if sum(seconds.get(diagram, 0.0) for diagram in some) > SHOWN else False
        return track(some, len(some), lambda diagram: 1, f"skeletons of noise {order}", show)

    rule = update if isinstance(update, Update) else None
    with np.errstate(all="ignore"):  # an overflow is for the caller to tell
        others = tuple(functions) or (() if given is None else (given.test,))
        worth = PathWorth(landscape, times, etas, metric, noise, rule, points, others)
        by_order, by_diagram = diagram_sum(watched, noise, tracked, worth, fixed)
    if watched.name == DISPLACEMENT.name:
        by_order[0] = worth.displacement()
    for i in range(0 if worth.paths[0].motion.is_exact else len(etas)):
        with which(etas, i):
            if not all(np.isfinite(x[i]).all() for x in by_order):
                raise InputError(
                    f"sums over skeletons to {max(int(st.T) for st in times)} updates leave the range of floats: the "
                    "learning rate is too large for this loss; take a smaller one, or fewer updates"
                )
    return PathSeries(tuple(by_order), {"[]": by_order[0]} | {str(diagram): x for diagram, x in by_diagram.items()})
