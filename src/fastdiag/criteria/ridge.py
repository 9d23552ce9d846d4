"""The ridge that the stabilized Takeuchi criterion asks for."""

from __future__ import annotations

from math import inf

import numpy as np

from ..arguments import ndim, real, shown
from ..door import door
from ..errors import InputError
from ..landscapes import Landscape
from ..landscapes.landscape import check_landscape, start_in_floats
from ..typing import FloatArray, Rates
from .gap import Shrinking, metrics, number_of_updates, points, shrinking

DECADES = 9  # below the largest ridge, where the least is looked for first
HALVINGS = 50


@door
def tuned_ridge(landscape: Landscape, eta: Rates, N: int, T: float) -> float:
    """The ridge r >= 0 with the least STIC: train loss after T steps on l + r |theta|^2 / 2, and the `gap` there.

    Papers: descent on STIC tunes what is smooth. The train loss is that of the landscape's second-order Taylor polynomial
    where it stands, exact for quadratic losses; the criterion and its derivative in r come in closed form. Looked at are r
    up to that at which one update goes all the way down the steepest direction.

    Parameters
    ----------
    landscape : the training set, seen from where training starts; the penalty is on its `theta`
    eta : learning rate, a number
    N : training points
    T : updates, or math.inf

    Raises
    ------
    InputError : eta h >= 1 in some direction, which leaves a ridge no room

    Examples
    --------
    Four points with slopes of mean 1 and variance C = 1, curvature h = 0.1: the least is at h (C/N) / (1 - C/N).

    >>> import fastdiag as fd, math
    >>> train = fd.landscapes.samples([0] * 4, [[2.0], [2.0], [0.0], [0.0]], [[[0.1]]] * 4)
    >>> round(fd.criteria.tuned_ridge(train, 0.1, N=4, T=math.inf), 9), round(0.1 * 0.25 / 0.75, 9)
    (0.033333333, 0.033333333)
    """
    check_landscape(landscape)
    rate, N, T = real("eta", eta, above=0) if ndim(eta) == 0 else None, points(N), number_of_updates(T)
    if rate is None:
        raise InputError(f"eta must be a number here, not {shown(eta)}")
    (metric,) = metrics(rate, landscape.dimension)
    start, G, H = start_in_floats(landscape), landscape.gradient, landscape.hessian
    largest = 1 / rate - float(np.linalg.eigvalsh(H)[-1])
    if largest <= 0:
        raise InputError(f"eta h is {rate * np.linalg.eigvalsh(H)[-1]:.4g} and must be below 1 to leave room for a ridge")

    def trained(ridge: float) -> tuple[Shrinking, FloatArray, FloatArray]:
        """The descent, the slope that it comes down, and the gradient of the train loss where it ends."""
        run, slope = shrinking(landscape, metric, np.full(len(G), ridge), T), G + ridge * start
        return run, slope, G - H @ run.sums @ slope

    def criterion(ridge: float) -> float:
        run, slope, end = trained(ridge)
        return float(run.gap(N) - (G + end) @ run.sums @ slope / 2)

    def derivative(ridge: float) -> float:
        run, slope, end = trained(ridge)
        return float(run.slope(run.covariance / N - np.outer(slope, end)).sum() - end @ run.sums @ start)

    grid = (largest * np.logspace(-DECADES, 0, 3 * DECADES + 1)).tolist()
    if T != inf or np.linalg.eigvalsh(H)[0] > 0:
        grid = [0.0, *grid]
    best = min(range(len(grid)), key=lambda i: criterion(grid[i]))
    if best == 0 and derivative(grid[0]) >= 0:
        return float(grid[0])
    low, high = grid[max(0, best - 1)], grid[min(len(grid) - 1, best + 1)]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if derivative(middle) > 0 else (middle, high)
    return float(high)
