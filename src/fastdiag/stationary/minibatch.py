"""Stationary laws of minibatch SGD about a minimum, with the noise of the points' own Hessians kept whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.sparse.linalg import ArpackError, LinearOperator, cg, eigs, eigsh

from ..door import silent_door
from ..errors import InputError
from ..record import Record
from ..typing import FloatArray
from .bayes import divergence, least_rate
from .covariance import check_stable, frozen_limit, momentum, response_factors
from .joint import joint, plain_joint
from .point_hessians import PointHessians, Points, point_hessians
from .quadratic import Quadratic, batch_size, check_definite, positive, quadratic
from .units import shifted, within_floats

DENSE = 36  # operators up to this size are formed
EXACT, CLOSE = 1e-14, 1e-10  # residuals: asked of the solver, and taken from it
SCAN = 24  # rates at which a limit is looked for


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

    def __repr__(self) -> str:
        return f"<minibatch law: {len(self.covariance)} weights, excess loss {self.excess_loss:.6g}>"


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
    ([[0.041666666667]], 0.041666666667)
    """
    here = _Minibatch.of(point_hessians(X, y), _given(lam), batch, mu, nu)
    feedback = here.feedback()
    if feedback >= 1:
        words = "" if np.ndim(here.lam) else f"lam must be below {_limit(here.points, here.batch, here.mu, here.nu):.6g}, not "
        raise InputError(
            "no stationary state: the noise of the points' Hessians makes the weights diverge; "
            + (f"{words}{float(np.asarray(here.lam)):.6g}" if words else "take a smaller lam, or a larger batch")
        )
    return here.law()


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
    >>> fd.stationary.minibatch_stability_limit([[1.0], [2.0]], [0.0, 0.0])  # 2 mean h / mean h^2
    0.5882352941176471
    """
    mu, nu = momentum(mu, nu)
    return within_floats("the stability limit", _limit(point_hessians(X, y), batch_size("batch", batch), mu, nu))


@silent_door
def minibatch_growth(
    X: Points, y: ArrayLike | None = None, lam: float | None = None, batch: float = 1, mu: float = 0.0,
    nu: float | None = None,
) -> float:
    """The factor by which an update multiplies second moments in the end: the spectral radius of E[A (.) A^T], A = 1 - lam h.

    Below 1 there is a stationary state, which is approached so; above, SGD escapes. Directions without curvature do not
    count.

    Parameters
    ----------
    X, y, batch, mu, nu : as for `minibatch_stationary`
    lam : learning rate, a positive number

    Raises
    ------
    InputError : no curvature; no convergence; shapes

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.stationary.minibatch_growth([[1.0], [2.0]], [0.0, 0.0], 0.5)  # the mean of (1 - h / 2)^2
    0.625
    """
    here = _Minibatch.of(point_hessians(X, y), positive("lam", _given(lam)), batch, mu, nu, stable=False)
    return within_floats("the growth", here.growth())


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
    mu, nu = momentum(mu, nu)
    points, size = point_hessians(X, y), batch_size("batch", batch)
    if N is None and not points.count:
        raise InputError("a distribution has any number of points: give N, that of the training points")
    count = positive("N", points.count if N is None else N)
    limit, here = _limit(points, size, mu, nu), _Minibatch.of(points, 1.0, batch, mu, nu, stable=False)

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


@dataclass(frozen=True, slots=True)
class _Minibatch:
    """A minibatch rule about a minimum, in coordinates y along which H is diagonal: w = back y.

    Noise is a mean times what Hessians add: C + 2^unit N(Y), N(Y) = mean of (h - H) Y (h - H), in the units of `Quadratic`.
    """

    points: PointHessians
    lam: Any
    batch: float
    mu: float
    nu: float | None
    state: Quadratic
    along: PointHessians
    """The points in these coordinates and units."""

    @classmethod
    def of(
        cls, points: PointHessians, lam: Any, batch: float, mu: float, nu: float | None, stable: bool = True
    ) -> _Minibatch:
        mu, nu = momentum(mu, nu)
        size = batch_size("batch", batch)
        state = quadratic(within_floats("the Hessian", points.hessian), within_floats("the noise", points.covariance), lam)
        state, along = _curved(state, points)
        if stable:
            check_stable(state, lam, mu, nu)
        return cls(points, lam, size, mu, nu, state, along)

    def at(self, lam: float) -> _Minibatch:
        """At another rate; a number."""
        e, a, c = self.state.size
        mantissa, exponent = np.frexp(lam)
        exponent = int(exponent + exponent % 2)
        rate = float(shifted(lam, -exponent))
        scaled = rate * self.state.hessian
        return replace(self, lam=lam, state=replace(self.state, unit=exponent + a, scaled=scaled, rate=rate, size=(exponent, a, c)))

    @property
    def weight(self) -> FloatArray:
        """Y_ij over the noise of a step, (n, n)."""
        return np.maximum(self.state.rate**2 * response_factors(self.state, self.mu, self.nu), 0.0)

    def feedback(self) -> float:
        """The radius of what the weights' spread does to itself by the Hessians' noise; below 1 there is a law."""
        root = np.sqrt(self.weight)
        if not np.isfinite(root).all():
            return np.inf
        return _radius(partial(self._fed, root), len(root))

    def _fed(self, root: FloatArray, z: FloatArray) -> FloatArray:
        """The same, as a symmetric operator."""
        return np.asarray(root * shifted(self.along.spread(root * z), self.state.unit) / self.batch)

    def spread(self) -> FloatArray:
        """Y of the stationary law."""
        root, state, n = np.sqrt(self.weight), self.state, len(self.state.scaled)
        own = root * state.noise / self.batch
        fed = partial(self._fed, root)
        operator = LinearOperator(
            (n * n, n * n), dtype=np.float64, matvec=lambda z: (z.reshape(n, n) - fed(z.reshape(n, n))).ravel()
        )
        found, _ = cg(operator, own.ravel(), x0=own.ravel(), rtol=EXACT, atol=0.0, maxiter=20 * n * n + 100)
        z = found.reshape(n, n)
        z = own + fed(z)  # one step more, without the rounding of the differences
        if not np.abs(own + fed(z) - z).max() <= CLOSE * np.abs(z).max():
            raise InputError("the stationary law does not converge: lam is at the stability limit to rounding")
        return np.asarray(root * z)

    def law(self) -> MinibatchLaw:
        state, Y = self.state, self.spread()
        noise = (state.noise + shifted(self.along.spread(Y), state.unit)) / self.batch
        e, a, c = state.size
        inverse = np.linalg.pinv(state.back)  # noise along y is back^T (.) back
        covariance = shifted(state.back @ Y @ state.back.T, 2 * e + c - state.unit)
        full = shifted(inverse.T @ noise @ inverse, c)
        excess = float(shifted((state.hessian * np.diag(Y)).sum() / 2, a + 2 * e + c - state.unit))
        joined = joint(replace(state, noise=noise), self.mu, self.nu)
        parts = [covariance, full, joined]
        covariance, full, joined = ((part + part.T) / 2 for part in parts)
        return MinibatchLaw(*(within_floats("the law", part) for part in (covariance, full, joined)),
                            within_floats("the excess loss", excess))

    def growth(self) -> float:
        """The spectral radius of an update of second moments."""
        n, x = len(self.state.scaled), self.state.rates
        along, share = self.along, shifted(self.state.rate**2, 2 * self.state.unit) / self.batch
        if self.mu == 0:
            keep = np.multiply.outer(1 - x, 1 - x)
            return _radius(lambda S: keep * S + share * along.spread(S), n)
        step, push = plain_joint(x, self.mu, self.nu)
        kicks = np.multiply.outer(push, push)

        def update(Z: FloatArray) -> FloatArray:
            found = step @ Z @ step.T
            noise = share * along.spread(Z[:n, :n])
            return np.asarray(found + np.kron(kicks, noise))

        return _radius(update, 2 * n, symmetric=False)


def _curved(state: Quadratic, points: PointHessians) -> tuple[Quadratic, PointHessians]:
    """Without directions along which nothing has curvature or noise."""
    _, a, c = state.size
    along = points.along(state.back, a, c)
    most = np.abs(state.scaled).max()
    flat = np.abs(state.scaled) <= len(state.scaled) * np.finfo(np.float64).eps * most
    if not flat.any() or flat.all():
        check_definite("K", state.scaled, state.unit)
        return state, along
    noisy = np.diag(state.noise)[flat].max() > 1e-10 * np.abs(state.noise).max()
    varied = np.diag(along.spread(np.eye(len(flat))))[flat].max() > 1e-10 * float((state.hessian**2).max())
    if noisy or varied:
        check_definite("K", state.scaled, state.unit)
    check_definite("K", state.scaled[~flat], state.unit)
    state = replace(state, scaled=state.scaled[~flat], hessian=state.hessian[~flat], back=state.back[:, ~flat],
                    noise=state.noise[np.ix_(~flat, ~flat)])
    return state, points.along(state.back, a, c)


def _limit(points: PointHessians, batch: float, mu: float, nu: float | None) -> float:
    """The least rate at which second moments stop shrinking."""
    here = _Minibatch.of(points, 1.0, batch, mu, nu, stable=False)
    highest = frozen_limit(float(here.state.hessian.max()), mu, nu)
    frozen = float(shifted(highest, -here.state.size[1]))

    def above(share: float) -> float:
        found = here.at(share * frozen).feedback() - 1
        return min(found, 1e3) if np.isfinite(found) else 1e3

    low = 0.0
    for share in (*(np.arange(1, SCAN) / SCAN), 1 - 1e-9):
        if above(share) >= 0:
            return frozen * float(brentq(above, low or 1e-12, share, xtol=1e-15, rtol=1e-14)) if above(low or 1e-12) < 0 else 0.0
        low = share
    return frozen


def _radius(apply: Callable[[FloatArray], FloatArray], n: int, symmetric: bool = True) -> float:
    """The spectral radius of a map that keeps positive (n, n) matrices positive: its greatest eigenvalue."""
    if n * n <= DENSE:
        basis = np.eye(n * n).reshape(n * n, n, n)
        # on symmetric matrices alone: the map is told nothing of others
        matrix = np.array([apply((unit + unit.T) / 2).ravel() for unit in basis]).T
        values = np.linalg.eigvalsh((matrix + matrix.T) / 2) if symmetric else np.linalg.eigvals(matrix)
        return float(values.real.max())
    operator = LinearOperator(
        (n * n, n * n), dtype=np.float64,
        matvec=lambda z: apply((z.reshape(n, n) + z.reshape(n, n).T) / 2).ravel(),
    )
    start = np.eye(n).ravel()
    try:
        found = (
            eigsh(operator, k=1, which="LA", v0=start, return_eigenvectors=False) if symmetric
            else eigs(operator, k=1, which="LR", v0=start, return_eigenvectors=False)
        )
    except ArpackError as error:
        raise InputError(f"the greatest eigenvalue of the second moments' update does not converge ({error})") from None
    return float(found[0].real)
