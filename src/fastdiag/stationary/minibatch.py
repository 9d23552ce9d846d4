"""Stationary laws of minibatch SGD about a minimum, with the noise of the points' own Hessians kept whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..door import silent_door
from ..errors import InputError
from ..numerals import counted
from ..record import Record
from ..typing import FloatArray
from .bayes import divergence, least_rate
from .covariance import checked_momentum
from .minibatch_rule import Minibatch, limit_of
from .point_hessians import Points, point_hessians
from .quadratic import batch_size, positive
from .units import within_floats


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MinibatchLaw(Record):
    """Where minibatch SGD settles; see `minibatch_stationary`."""

    covariance: FloatArray
    """Of the weights, (n, n)."""
    noise: FloatArray
    """Covariance of a step's gradient, mean of (h S h - H S H + cov g) / B, (n, n): that of the minimum and more."""
    joint: FloatArray
    """Covariance of (w, m), weights and momentum, (2n, 2n); without momentum m is the last gradient."""
    excess_loss: float
    """Tr[H S] / 2."""

    def plot(self, path: str | Path | None = None) -> Any:
        """A picture: the variances of the weights and of the noise along the weights' principal directions.

        Written to the path, if one is given; given back as a matplotlib Figure, which notebooks show. Needs matplotlib.

        Examples
        --------
        >>> import fastdiag as fd
        >>> fd.stationary.minibatch_stationary([[1.0], [2.0]], [1.0, 0.0], 0.1).plot()
        <picture of 1 panel: savefig writes it to a file>
        """
        from ..drawing.stationary_law import plot  # an upward look

        return plot(self, path)

    def __repr__(self) -> str:
        return f"<minibatch law: {counted(len(self.covariance), 'weight')}, excess loss {self.excess_loss:.6g}>"


@silent_door
def minibatch_stationary(
    X: Points, y: ArrayLike | None = None, lam: ArrayLike | None = None, batch: float = 1, mu: float = 0.0,
    nu: float | None = None,
) -> MinibatchLaw:
    """The stationary law of SGD on minibatches of points that have Hessians of their own, exactly.

    Near a minimum the gradient of a point is xi_x + h_x w. For SGD the law solves
    S = (1 - lam H) S (1 - lam H) + (lam^2 / B) [mean of h S h - H S H + cov xi]; `stationary_covariance` is that without
    the first two terms of the bracket. Linear regression has nothing else, and the law is exact; on other losses it is
    what noise order 1 about the minimum becomes when the noise of the Hessians is kept whole (`fd.predict` with noise=1 has
    the frozen law, closure="gaussian" this one where Hessians do not move). Points are drawn independently for each update.
    It costs products with the points; nothing of n^4 entries is formed where Hessians have rank one.

    Parameters
    ----------
    X : (points, n) inputs of linear regression, with the loss mean of (x.w - y)^2 / 2; or a landscape seen from a minimum
    y : (points,) labels, for inputs
    lam : learning rate: a number, or a positive definite (n, n) preconditioner
    batch : B, points drawn independently for an update, or math.inf
    mu, nu : momentum, as for `stationary_covariance`

    Returns
    -------
    MinibatchLaw: covariance, noise, joint, excess_loss. Along directions in which no point has curvature or noise it is 0

    Raises
    ------
    InputError : no stationary state: lam at or beyond `minibatch_stability_limit`; not at a minimum; shapes
    TooLargeError : Hessians that are not of rank one, in more than 1 GB

    Examples
    --------
    >>> import fastdiag as fd
    >>> law = fd.stationary.minibatch_stationary([[1.0], [1.0], [2.0]], [1.0, -1.0, 0.0], lam=0.2, batch=2)
    >>> law.covariance.round(12).tolist(), round(law.excess_loss, 12)
    ([[0.022222222222]], 0.022222222222)
    """
    here = Minibatch.of(point_hessians(X, y), _given(lam), batch, mu, nu)
    feedback, _ = here.feedback()
    if feedback >= 1:
        below = "take a smaller lam, or a larger batch"
        if np.ndim(here.lam) == 0:
            limit = limit_of(here.points, here.batch, here.mu, here.nu)
            below = f"lam must be below {limit:.6g}, not {float(here.lam):.6g}"
        raise InputError(f"no stationary state: the noise of the points' Hessians makes the weights diverge; {below}")
    return MinibatchLaw(*here.law())


@silent_door
def minibatch_stability_limit(
    X: Points, y: ArrayLike | None = None, batch: float = 1, mu: float = 0.0, nu: float | None = None
) -> float:
    """The learning rate from which on the second moments of minibatch SGD grow, exactly: radius 1 of their update.

    Never more than `stability_limit`, that of frozen noise. For SGD the radius is convex in the learning rate, so that
    below the limit there is a stationary state, above it none; with momentum it is the least rate of radius 1, found on a
    grid. Where points are fitted it is the threshold at which SGD escapes ([E] section 5), without its assumption 5.1.

    Parameters
    ----------
    X, y, batch, mu, nu : as for `minibatch_stationary`

    Raises
    ------
    InputError : no curvature; noise along directions without curvature; shapes

    Examples
    --------
    >>> import fastdiag as fd
    >>> round(fd.stationary.minibatch_stability_limit([[1.0], [2.0]], [0.0, 0.0]), 12)  # 2 mean h / mean h^2
    0.588235294118
    """
    mu, nu = checked_momentum(mu, nu)
    return within_floats("the stability limit", limit_of(point_hessians(X, y), batch_size("batch", batch), mu, nu))


@silent_door
def minibatch_growth(
    X: Points, y: ArrayLike | None = None, lam: float | None = None, batch: float = 1, mu: float = 0.0,
    nu: float | None = None,
) -> tuple[float, FloatArray]:
    """The factor by which an update multiplies second moments in the end, and what they become proportional to.

    The spectral radius of E[A (.) A^T], A = 1 - lam h. Below 1 there is a stationary state, which is approached so; above,
    linearised SGD escapes, in the directions of its eigenmatrix. Directions without curvature do not count.

    Parameters
    ----------
    X, y, batch, mu, nu : as for `minibatch_stationary`
    lam : learning rate, a positive number

    Returns
    -------
    (factor, (n, n) second moments of the weights, of trace 1)

    Raises
    ------
    InputError : no curvature; no convergence; shapes

    Examples
    --------
    >>> import fastdiag as fd
    >>> factor, moments = fd.stationary.minibatch_growth([[1.0], [2.0]], [0.0, 0.0], 0.5)
    >>> factor, moments.tolist()  # the mean of (1 - h / 2)^2
    (0.625, [[1.0]])
    """
    here = Minibatch.of(point_hessians(X, y), positive("lam", _given(lam)), batch, mu, nu, stable=False)
    factor, moments = here.growth()
    return within_floats("the growth", factor), moments


@silent_door
def minibatch_bayes_rate(
    X: Points, y: ArrayLike | None = None, batch: float = 1, mu: float = 0.0, nu: float | None = None,
    N: float | None = None,
) -> tuple[float, float]:
    """The learning rate at which minibatch SGD's stationary law is nearest to the posterior N(0, H^-1 / N).

    `bayes_learning_rate` with the points' own noise, that of their Hessians too, in place of noise proportional to H.

    Parameters
    ----------
    X, y, batch, mu, nu : as for `minibatch_stationary`; batches are drawn with replacement
    N : number of training points, by default those given

    Returns
    -------
    (rate, divergence), the rate to about 1e-7 of itself

    Raises
    ------
    InputError : as for `minibatch_stationary`; a distribution without N; points that are fitted, whose law has no density

    Examples
    --------
    >>> import fastdiag as fd, numpy as np
    >>> X = np.random.default_rng(0).standard_normal((50, 2))
    >>> rate, divergence = fd.stationary.minibatch_bayes_rate(X, np.sin(9 * X[:, 0]), batch=5)
    >>> rate < fd.stationary.minibatch_stability_limit(X, np.sin(9 * X[:, 0]), batch=5)
    True
    """
    mu, nu = checked_momentum(mu, nu)
    points, size = point_hessians(X, y), batch_size("batch", batch)
    if N is None and not points.count:
        raise InputError("a distribution has any number of points: give N, that of the training points")
    count = positive("N", points.count if N is None else N)
    limit, here = limit_of(points, size, mu, nu), Minibatch.of(points, 1.0, batch, mu, nu, stable=False)

    def kl(lam: float) -> float:
        there = here.at(lam)
        e, _, c = there.state.size
        return divergence(count * there.spread(), there.state.hessian, e + c)

    best = least_rate(limit, kl)
    return best, kl(best)


def _given(lam: Any) -> Any:
    if lam is None:
        raise InputError("give the learning rate lam")
    return lam
