"""Second moments of minibatch SGD update by update, from its start."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import array, decimal, dimensions, shown, whole
from ..door import silent_door
from ..errors import InputError, TooLargeError
from ..typing import FloatArray
from .covariance import checked_momentum
from .joint import rule_of
from .point_hessians import PointHessians, Points, point_hessians
from .quadratic import batch_size, positive, positive_definite
from .units import within_floats

MOST_BYTES = 1 << 30
MOST_UPDATES = 1_000_000  # some seconds


@silent_door
def minibatch_transient(
    X: Points, y: ArrayLike | None = None, lam: ArrayLike | None = None, batch: float = 1, T: int | None = None,
    start: ArrayLike | None = None, mu: float = 0.0, nu: float | None = None,
) -> FloatArray:
    """E w w^T at t = 0..T for SGD on minibatches near a minimum, w measured from it; exact for linear regression.

    The update of second moments whose fixed point is `minibatch_stationary`. Away from the minimum points' gradients and
    Hessians go together: noise has cov(h w, xi) too, by the mean of the weights. `sigma_T` is this with frozen noise.

    Parameters
    ----------
    X, y, batch, mu, nu : as for `minibatch_stationary`; the momentum begins at 0
    lam : learning rate: a number, (T,) one for each update, or a positive definite (n, n) preconditioner
    T : updates
    start : (n,) where the weights start, from the minimum; 0 by default

    Returns
    -------
    (T + 1, n, n) array; excess losses are Tr[H (.)] / 2

    Raises
    ------
    InputError : as for `minibatch_stationary`, but any rate does; rates that are not T; numbers that overflow
    TooLargeError : more than 1 GB, or than 1,000,000 updates

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.stationary.minibatch_transient([[1.0], [2.0]], [0.0, 0.0], 0.5, T=1, start=[1.0]).ravel().tolist()
    [1.0, 0.625]
    """
    points, (mu, nu), times = point_hessians(X, y), checked_momentum(mu, nu), step_count("T", T)
    n, size = len(points.hessian), batch_size("batch", batch)
    mean = np.zeros(n) if start is None else array("start", start, (n,), "weights at the start, from the minimum")
    if lam is None:
        raise InputError("give the learning rate lam")
    steps = preconditioner(lam, n) if dimensions("lam", lam) == 2 else rates("lam", lam, times)
    return trajectory(points, steps, times, size, mean, np.multiply.outer(mean, mean), mu, nu)


def trajectory(
    points: PointHessians, steps: FloatArray, times: int, batch: float, mean: FloatArray, second: FloatArray,
    mu: float = 0.0, nu: float | None = None,
) -> FloatArray:
    """E w w^T at 0..times; steps: (times,) rates, or an (n, n) matrix."""
    check_fits(8 * (times + 1) * second.size)
    result = np.empty((times + 1, *second.shape))
    result[0] = second
    for t, found in enumerate(_moments(points, steps, times, batch, mean, second, mu, nu), 1):
        result[t] = found
    check_moments(result)
    return result


def _moments(
    points: PointHessians, steps: FloatArray, times: int, batch: float, mean: FloatArray, second: FloatArray, mu: float,
    nu: float | None,
) -> Iterator[FloatArray]:
    """E w w^T after each update, from the moments of (w, m)."""
    direct, carried, fresh = rule_of(mu, nu)
    n, H = len(mean), points.hessian
    parts = 1 if carried == 0 else 2  # without momentum m is nothing of its own
    z, Z = np.zeros(parts * n), np.zeros((parts * n, parts * n))
    z[:n], Z[:n, :n] = mean, second
    for t in range(times):
        rate = steps if steps.ndim == 2 else steps[t] * np.eye(n)
        step, push = np.eye(n) - direct * rate @ H, -direct * rate
        if parts == 2:
            step = np.block([[step, -carried * rate], [fresh * H, mu * np.eye(n)]])
            push = np.vstack([push, fresh * np.eye(n)])
        S = Z[:n, :n]
        both = points.crossed(z[:n]) if z.any() else np.zeros((n, n))
        noise = (points.spread(S) + points.covariance + both + both.T) / batch
        Z = step @ Z @ step.T + push @ noise @ push.T
        z, Z = step @ z, (Z + Z.T) / 2
        yield Z[:n, :n]


def rates(name: str, lam: ArrayLike, times: int) -> FloatArray:
    """(times,) positive learning rates, from one or one for each update."""
    if dimensions(name, lam) == 0:
        return np.full(times, positive(name, lam))
    found = array(name, lam, (times,), "a number, or one learning rate for each update")
    if (found <= 0).any():
        raise InputError(f"{name} must be positive, not {found.min():g} at update {int(found.argmin())}")
    return found


def preconditioner(lam: ArrayLike, n: int) -> FloatArray:
    """A positive definite (n, n) matrix."""
    root, e = positive_definite(lam, n)
    return within_floats("lam", np.ldexp(root @ root.T, e))


def step_count(name: str, T: object) -> int:
    """A number of updates that are made one by one."""
    try:
        times = whole(name, T, 0)
    except InputError:
        raise InputError(f"{name} must be a whole number of updates >= 0, not {shown(T)}") from None
    if times > MOST_UPDATES:
        raise TooLargeError(
            f"{name} = {decimal(times)} updates, one by one; ask for at most {MOST_UPDATES:,} and go on from the last"
        )
    return times


def check_fits(needed: int) -> None:
    """Raise TooLargeError for an answer of so many bytes."""
    if needed > MOST_BYTES:
        raise TooLargeError(f"the answer would take {needed / 1e9:,.1f} GB; ask for fewer updates and go on from the last")


def check_moments(result: FloatArray) -> None:
    """Raise InputError at the first update of which something overflowed."""
    bad = np.flatnonzero(~np.isfinite(result.reshape(len(result), -1)).all(axis=1))
    if len(bad):
        raise InputError(
            f"the mean squares grow beyond floating point at update {bad[0]}: SGD diverges at this learning rate; ask for "
            "fewer updates, or see growth_rate and flat_ratio_limit"
        )
