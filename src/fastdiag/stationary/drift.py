"""Where noise pushes for ever: along a valley of minima, at the speed that its stationary spread across gives it."""

from __future__ import annotations

from math import inf

import numpy as np

from ..arguments import whole
from ..door import silent_door
from ..embedding import PathRule, check_rule
from ..errors import InputError, UnsupportedError
from ..landscapes import Landscape
from ..landscapes.landscape import check_landscape, start_in_floats
from ..path.first_order import Walk
from ..path.settled import check_settles, summed_powers
from ..path.smooth_motion import motion_of
from ..spacetime import Spacetime
from ..spacetime.processes import Process
from ..spacetime.regularized_newton import RegularizedNewton
from ..typing import FloatArray, Rates
from ..values.learning_rates import learning_rates
from .point_hessians import is_still

MOST = 1 << 53  # points in a batch
FLAT, STILL = 1e-9, 1e-6  # how near to 1 a flat direction's factor is; how small noise is beside the rest of it


@silent_door
def valley_drift(landscape: Landscape, eta: Rates, update: PathRule = None, B: int = 1) -> FloatArray:
    """The mean displacement per update along flat directions of a minimum, after infinitely many updates on fresh data.

    Across the valley the weights settle to a stationary covariance S; where the third derivatives J couple it to the
    valley, its floor tilts by J:S / 2. To noise order 1, exact in eta: for SGD, with S = K S K + eta C eta / B and
    K = 1 - eta H, it is -eta J:S / 2 along the valley. At a strict minimum it is 0; there `predict(noise=...)` has the law
    at T = inf.

    Parameters
    ----------
    landscape : seen from a minimum that is flat in some directions, with no noise along these
    eta : learning rate, a number or a positive definite (n, n) matrix
    update : a linear rule or clipped(); None for SGD
    B : batch size

    Returns
    -------
    (n,) array

    Raises
    ------
    InputError : no minimum; noise along the valley; eta beyond the stability limit
    UnsupportedError : rules that do not settle

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.stationary.valley_drift(fd.landscapes.archimedes(), 0.01).round(8).tolist()  # eta^2 / 6 along z
    [0.0, 0.0, 1.678e-05]
    """
    check_landscape(landscape)
    check_rule(update, about_path=True)
    if isinstance(update, Process | RegularizedNewton):
        raise UnsupportedError(f"{update!r} makes no updates that drift by a linear rule; take momentum and the like")
    numbers, metric = learning_rates(eta, landscape.dimension)
    if numbers.ndim:
        raise InputError("eta must be one learning rate, a number or a matrix")
    start = start_in_floats(landscape)
    motion = motion_of(update, float(numbers) if metric is None else metric, start, 0)
    check_settles(motion)
    walk = Walk(landscape, motion, Spacetime(inf, whole("B", B, 1, MOST), 1), 1, False)
    local = walk.local
    if not is_still(landscape):
        raise InputError("a valley's drift is that of a minimum, and here the gradient is not 0; start at its floor")
    stride = motion.stride(0, walk.state, local.gradient)
    matrix, kicks = motion.matrix(stride, local.hessian), walk.kicks(stride)
    along = _flat(matrix)
    if np.abs(along @ kicks).max() > STILL * np.abs(kicks).max():
        raise InputError("there is noise along the flat directions, so the weights diffuse and no drift is stationary")
    across = np.eye(len(matrix)) - along
    walk.S = summed_powers(matrix @ across, across @ kicks @ across.T)
    return np.asarray(motion.observed(along @ walk.bend(stride)))


def _flat(matrix: FloatArray) -> FloatArray:
    """The projector to what an update leaves as it is, along all else."""
    if not np.isfinite(matrix).all():
        raise InputError("eta times the Hessian leaves the range of floats; take a smaller eta")
    factors, vectors = np.linalg.eig(matrix)
    flat = np.abs(factors - 1) < FLAT
    return np.asarray((vectors[:, flat] @ np.linalg.inv(vectors)[flat]).real)
