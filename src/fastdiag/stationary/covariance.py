"""Stationary covariances of SGD with momentum at a quadratic minimum, exact at any learning rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import real
from ..door import silent_door
from ..errors import InputError
from ..landscapes import Landscape
from ..typing import FloatArray
from .quadratic import Quadratic, check_definite, hessian_of, positive, quadratic
from .units import exponent, shifted, within_floats


@silent_door
def stability_limit(k_max: float | Landscape, mu: float = 0.0, nu: float | None = None) -> float:
    """The learning rate below which a stationary state exists: necessary and sufficient.

    Heavy ball (nu=None): lam k_max < 2 (1 + mu) ([D] section 4.5). Quasi-hyperbolic momentum, m <- mu m + (1 - mu) g,
    w <- w - lam ((1 - nu) g + nu m): lam k_max < 2 (1 + mu) / (1 + mu - 2 mu nu).

    Parameters
    ----------
    k_max : the largest eigenvalue of the Hessian K, or of Lambda K for a matrix Lambda (then the limit of a further
        factor); or a landscape seen from its minimum
    mu : momentum, |mu| < 1
    nu : None for heavy ball, else in [0, 1]

    Raises
    ------
    InputError : k_max <= 0, |mu| >= 1, nu outside [0, 1]

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.stationary.stability_limit(2.0), fd.stationary.stability_limit(2.0, mu=0.5)
    (1.0, 1.5)
    """
    if isinstance(k_max, Landscape):
        k_max = float(np.linalg.eigvalsh(hessian_of(k_max))[-1])
    k_max = positive("k_max", k_max)
    mu, nu = checked_momentum(mu, nu)
    return within_floats("the stability limit", frozen_limit(k_max, mu, nu))


def frozen_limit(k_max: float, mu: float, nu: float | None) -> float:
    """`stability_limit` of what was checked."""
    return 2 * (1 + mu) / k_max / (1.0 if nu is None else 1 + mu - 2 * mu * nu)


@silent_door
def stationary_covariance(
    K: ArrayLike | Landscape, C: ArrayLike, lam: ArrayLike, mu: float = 0.0, nu: float | None = None
) -> FloatArray:
    """The covariance Sigma of the weights about a quadratic minimum, after infinitely many updates.

    In an eigenbasis of lam K, Sigma_ij = s(k_i, k_j) C_ij; K and C need not commute. One form for SGD ([D] equation 8),
    heavy ball (16), (17), a preconditioner (22), damped Newton (58) and, corrected, quasi-hyperbolic momentum (54). Of the
    noise only the covariance matters; it is white, not necessarily Gaussian.

    Parameters
    ----------
    K : (n, n) Hessian, positive definite; or a landscape seen from its minimum
    C : (n, n) covariance of a step's gradient, positive semi-definite; a batch of B independent points divides it by B.
        Of a landscape the batch size B. Points whose Hessians differ have more noise: see `minibatch_stationary`
    lam : learning rate: a number, or a positive definite (n, n) preconditioner (damped Newton: lam K^-1)
    mu : momentum, |mu| < 1. Heavy ball: m <- mu m + g, w <- w - lam m
    nu : None for heavy ball; a number in [0, 1] for quasi-hyperbolic momentum, m <- mu m + (1 - mu) g,
        w <- w - lam ((1 - nu) g + nu m). Nesterov: nu = mu at the rate lam / (1 - mu); w is where the gradient is taken

    Returns
    -------
    (n, n) array, in the units of C times lam over the units of K

    Raises
    ------
    InputError : no stationary state: lam at or beyond the stability limit, which the message gives, or K not positive
        definite; shapes, symmetry, mu or nu as above

    Examples
    --------
    >>> import fastdiag as fd
    >>> float(fd.stationary.stationary_covariance([[1.0]], [[2.0]], 0.5)[0, 0])  # lam C / (k (2 - lam k))
    0.6666666666666666
    """
    mu, nu = checked_momentum(mu, nu)
    state = quadratic(K, C, lam)
    check_definite("K", state.scaled, state.unit)
    check_stable(state, lam, mu, nu)
    return within_floats("the covariance", state.covariance(response_factors(state, mu, nu), -state.unit))


def response_factors(state: Quadratic, mu: float, nu: float | None) -> FloatArray:
    """Sigma_ij / C_ij for rates x of unit learning rate, times 2^unit: they are as large as 1/x.

    w is the process w_t = (2 - d - p) w_(t-1) - (1 - d) w_(t-2) - alpha eta_(t-1) + beta eta_(t-2). In p and d, which are
    small where x is small and mu near 1, nothing cancels but what vanishes at the stability limit.
    """
    alpha, beta = (1.0, 0.0) if nu is None else (1 - mu * nu, mu * (1 - nu))
    fresh = 1.0 if nu is None else 1 - mu  # alpha - beta
    x, y = state.rates, fresh * state.scaled
    p, q = fresh * x[:, None], fresh * x[None, :]
    large, great = y[:, None], y[None, :]  # p and q over 2^unit
    d, e = 1 - mu + beta * x[:, None], 1 - mu + beta * x[None, :]
    spare, other = 1 + mu - beta * x[:, None], 1 + mu - beta * x[None, :]  # 2 - d, 2 - e: small where mu is near -1
    s = np.where(d + e < 2, d + e - d * e, spare + other - spare * other)  # 1 - (1 - d) (1 - e)
    top = fresh**2 * s + alpha * beta * (d * q + e * p)
    below = s * (d * great + e * large) + (large - great) * ((1 - e) * p - (1 - d) * q) - d * e * large * q
    return np.asarray(top / below)


@silent_door
def continuous_covariance(
    K: ArrayLike | Landscape, C: ArrayLike, lam: float, mu: float = 0.0, nu: float | None = None
) -> FloatArray:
    """The small learning rate limit: Sigma K + K Sigma = lam C / (1 - mu) ([D] equation 4).

    Quasi-hyperbolic momentum is normalised and has lam C alone, whatever mu and nu (corrects [D] table 1).

    Parameters
    ----------
    K, C, lam, mu, nu : as for `stationary_covariance`, lam a number

    Returns
    -------
    (n, n) array

    Examples
    --------
    >>> import fastdiag as fd
    >>> float(fd.stationary.continuous_covariance([[1.0]], [[2.0]], 0.5)[0, 0])
    0.5
    """
    mu, nu = checked_momentum(mu, nu)
    state = quadratic(K, C, positive("lam", lam))
    check_definite("K", state.scaled, state.unit)
    damping = 1 - mu if nu is None else 1.0
    found = state.covariance(1 / (damping * (state.scaled[:, None] + state.scaled)), -state.unit)
    return within_floats("the covariance", found)


@silent_door
def approximation_error(
    K: ArrayLike | Landscape, C: ArrayLike, lam: ArrayLike, mu: float = 0.0, nu: float | None = None
) -> float:
    """The stationary excess loss Tr[K Sigma] / 2 ([D] equation 27; 26 with its missing lam; quasi-hyperbolic corrected).

    It needs only the noise along the eigenvectors of lam K, and is exact where K and C do not commute.

    Parameters
    ----------
    K, C, lam, mu, nu : as for `stationary_covariance`, whose errors it raises

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.stationary.approximation_error([[1.0]], [[2.0]], 0.5)
    0.3333333333333333
    """
    mu, nu = checked_momentum(mu, nu)
    state = quadratic(K, C, lam)
    check_definite("K", state.scaled, state.unit)
    check_stable(state, lam, mu, nu)
    return within_floats("the excess loss", state.excess(np.diag(response_factors(state, mu, nu)), -state.unit))


@silent_door
def ngd_covariance(K: ArrayLike | Landscape, C: ArrayLike, lam: float, mu: float = 0.0) -> FloatArray:
    """Natural gradient descent, preconditioned by the inverse Fisher matrix lam (K Sigma K)^-1 ([D] equation 62).

    Sigma is the stationary covariance of the preconditioner that it defines, held fixed. If the preconditioner followed
    the covariance of the moment, the state could be unstable ([D] does not say so): in one direction, with mu = 0, it is
    stable only for lam < (2 - sqrt 2) k Sigma, which no noise C <= K Sigma K reaches.

    Parameters
    ----------
    K, C : as for `stationary_covariance`
    lam : learning rate, any positive number: there is no upper limit
    mu : momentum, heavy ball, |mu| < 1

    Returns
    -------
    (n, n) array. With C = 0 it does not vanish: the preconditioner grows until the steps are marginally stable

    Examples
    --------
    >>> import fastdiag as fd
    >>> round(float(fd.stationary.ngd_covariance([[2.0]], [[0.0]], 0.5)[0, 0]), 12)  # lam / (1 + mu) / (2 k)
    0.125
    """
    mu, _ = checked_momentum(mu, None)
    lam = positive("lam", lam)
    state = quadratic(K, C, 1.0)
    check_definite("K", state.scaled, state.unit)
    _, a, c = state.size
    root = state.back / np.sqrt(state.hessian)  # K^(-1/2), up to a rotation, in units of 2^(-a/2)
    noises, vectors = np.linalg.eigh(state.noise / np.sqrt(np.multiply.outer(state.hessian, state.hessian)))
    unit = max(exponent(lam), c - a)
    rate, noises = shifted(lam, -unit), shifted(np.maximum(noises, 0.0), c - a - unit)
    p = rate / (2 * (1 + mu))
    turned = root @ vectors
    sigma = (turned * (p + np.hypot(p, np.sqrt(2 * rate) * np.sqrt(noises / (1 - mu)))) / 2) @ turned.T
    return within_floats("the covariance", shifted((sigma + sigma.T) / 2, unit - a))


def checked_momentum(mu: float, nu: float | None) -> tuple[float, float | None]:
    """Check |mu| < 1 and nu in [0, 1] or None."""
    mu = real("mu", mu)
    if abs(mu) >= 1:
        raise InputError(f"momentum mu must lie strictly between -1 and 1, not be {mu}: else the momentum never decays")
    if nu is None:
        return mu, None
    nu = real("nu", nu)
    if not 0 <= nu <= 1:
        raise InputError(f"nu must lie in [0, 1] (or be None for heavy ball), not be {nu}")
    return mu, nu


def check_stable(state: Quadratic, lam: ArrayLike, mu: float, nu: float | None) -> None:
    """Raise InputError at and beyond the stability limit, and say where it lies."""
    largest = float(state.rates.max())
    if largest == 0 or frozen_limit(largest, mu, nu) > 1 + 1e-14:  # rounding must not let the limit itself pass
        return
    limit = frozen_limit(1.0, mu, nu)
    if np.ndim(lam) == 0:
        below = shifted(limit * state.rate / state.scaled.max(), -state.size[1])
        what = f"lam must be below {below:.6g}, not {shifted(state.rate, state.size[0]):.6g}"
    else:
        what = f"the largest eigenvalue of lam K must be below {limit:.6g}, not {largest:.6g}"
    raise InputError(f"no stationary state: from the stability limit on the weights diverge; {what}")
