"""SGD whose noise grows with the spread of the weights, by the noise of the Hessians: its law, radius and limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.sparse.linalg import ArpackError, LinearOperator, cg, eigs, eigsh

from ..errors import InputError
from ..typing import FloatArray
from .covariance import check_stable, checked_momentum, frozen_limit, response_factors
from .joint import joint, plain_joint
from .point_hessians import PointHessians
from .quadratic import Quadratic, batch_size, check_definite, quadratic
from .units import exponent, shifted, within_floats

DENSE, CLUSTERED = 36, 1024  # operators up to these sizes are formed; the second where eigenvalues lie close together
EXACT, CLOSE = 1e-14, 1e-10  # residuals: asked of the solver, and taken from it
VECTORS = 8  # of Lanczos' method: the greatest eigenvalue of what keeps matrices positive stands apart
SCAN = 24  # rates at which a limit is looked for


@dataclass(frozen=True, slots=True)
class Minibatch:
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
    ) -> Minibatch:
        mu, nu = checked_momentum(mu, nu)
        size = batch_size("batch", batch)
        noise, unit = points.scaled_covariance()
        state = quadratic(within_floats("the Hessian", points.hessian), within_floats("the noise", noise), lam)
        e, a, c = state.size
        state = replace(state, size=(e, a, c + unit))
        state, along = curved(state, points)
        if stable:
            try:
                check_stable(state, lam, mu, nu)
            except InputError as error:
                raise InputError(f"{error} even by frozen noise; see `minibatch_stability_limit`, which is lower") from None
        return cls(points, lam, size, mu, nu, state, along)

    def at(self, lam: float) -> Minibatch:
        """At another rate; a number."""
        _, a, c = self.state.size
        e = exponent(lam)
        rate = float(shifted(lam, -e))
        state = replace(self.state, unit=e + a, scaled=rate * self.state.hessian, rate=rate, size=(e, a, c))
        return replace(self, lam=lam, state=state)

    @property
    def weight(self) -> FloatArray:
        """Y_ij over the noise of a step, (n, n)."""
        return np.maximum(self.state.rate**2 * response_factors(self.state, self.mu, self.nu), 0.0)

    def feedback(self, start: FloatArray | None = None) -> tuple[float, FloatArray]:
        """The radius of what the weights' spread does to itself by the Hessians' noise; below 1 there is a law.

        And the spread that it belongs to; a start near it saves time.
        """
        root = np.sqrt(self.weight)
        if not np.isfinite(root).all():
            return np.inf, np.eye(len(root))
        return leading(partial(self._fed, root), len(root), start=start)

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

    def law(self) -> tuple[FloatArray, FloatArray, FloatArray, float]:
        """Covariance of the weights, noise of a step's gradient, covariance of (w, m), excess loss."""
        state, Y = self.state, self.spread()
        noise = (state.noise + shifted(self.along.spread(Y), state.unit)) / self.batch
        e, a, c = state.size
        inverse = np.linalg.pinv(state.back)  # noise along y is back^T (.) back
        parts = (
            shifted(state.back @ Y @ state.back.T, 2 * e + c - state.unit),
            shifted(inverse.T @ noise @ inverse, c),
            joint(replace(state, noise=noise), self.mu, self.nu),
        )
        covariance, full, joined = (within_floats("the law", (part + part.T) / 2) for part in parts)
        excess = float(shifted((state.hessian * np.diag(Y)).sum() / 2, a + 2 * e + c - state.unit))
        return covariance, full, joined, within_floats("the excess loss", excess)

    def growth(self) -> tuple[float, FloatArray]:
        """The spectral radius of an update of second moments, and those of the weights that it belongs to, trace 1."""
        n, x = len(self.state.scaled), self.state.rates
        along, share = self.along, shifted(self.state.rate**2, 2 * self.state.unit) / self.batch
        within_floats("the square of lam times the curvature", share * x**2)
        if self.mu == 0:
            keep = np.multiply.outer(1 - x, 1 - x)
            found, moments = leading(lambda S: keep * S + share * along.spread(S), n, dense=CLUSTERED)
        else:
            step, push = plain_joint(x, self.mu, self.nu)
            kicks = np.multiply.outer(push, push)

            def update(Z: FloatArray) -> FloatArray:
                return np.asarray(step @ Z @ step.T + np.kron(kicks, share * along.spread(Z[:n, :n])))

            found, moments = leading(update, 2 * n, symmetric=False, dense=CLUSTERED)
        S = self.state.back @ moments[:n, :n] @ self.state.back.T
        return found, np.asarray((S + S.T) / 2 / np.trace(S))


def curved(state: Quadratic, points: PointHessians) -> tuple[Quadratic, PointHessians]:
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


def limit_of(points: PointHessians, batch: float, mu: float, nu: float | None) -> float:
    """The least rate at which second moments stop shrinking."""
    here = Minibatch.of(points, 1.0, batch, mu, nu, stable=False)
    highest = frozen_limit(float(here.state.hessian.max()), mu, nu)
    frozen = float(shifted(highest, -here.state.size[1]))

    vector = None

    @cache
    def left(share: float) -> float:
        """Positive below the limit; for one weight a straight line."""
        nonlocal vector
        found, vector = here.at(share * frozen).feedback(vector)
        return share / max(found, 1e-9 * share) - share if np.isfinite(found) else -share

    low = 1e-12
    while left(low) < 0 and low > 1e-200:  # a rare point with nearly all of the curvature
        low *= 1e-12
    # for SGD the radius is convex in the rate, and there is one limit
    shares = [1 - 1e-9] if mu == 0 else [*(np.arange(1, SCAN) / SCAN), 1 - 1e-9]
    for share in shares:
        if left(share) <= 0:
            return frozen * float(brentq(left, low, share, xtol=1e-300, rtol=1e-14))
        low = share
    return frozen


def leading(
    apply: Callable[[FloatArray], FloatArray], n: int, symmetric: bool = True, start: FloatArray | None = None,
    dense: int = DENSE,
) -> tuple[float, FloatArray]:
    """The spectral radius of a map that keeps positive (n, n) matrices positive, and the matrix that it belongs to.

    dense: n^2 up to which the map is formed as a matrix
    """
    if not apply(np.eye(n)).any():  # all else is less
        return 0.0, np.eye(n)

    def flat(z: FloatArray) -> FloatArray:  # on symmetric matrices alone: the map is told nothing of others
        return apply((z.reshape(n, n) + z.reshape(n, n).T) / 2).ravel()

    if n * n <= dense:
        matrix = np.array([flat(unit) for unit in np.eye(n * n)]).T
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2) if symmetric else np.linalg.eig(matrix)
        top = int(values.real.argmax())
        return float(values[top].real), vectors[:, top].real.reshape(n, n)
    operator = LinearOperator((n * n, n * n), dtype=np.float64, matvec=flat)
    begin = (np.eye(n) if start is None else start).ravel()
    try:
        if symmetric:
            found = eigsh(operator, 1, which="LA", v0=begin, ncv=VECTORS if dense == DENSE else 8 * VECTORS)
        else:
            found = eigs(operator, 1, which="LR", v0=begin, ncv=8 * VECTORS)
    except ArpackError as error:
        raise InputError(f"the greatest eigenvalue of the second moments' update does not converge ({error})") from None
    values, vectors = found
    return float(values[0].real), vectors[:, 0].real.reshape(n, n)
