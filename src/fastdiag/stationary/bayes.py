"""SGD as approximate Bayesian inference: the learning rate whose stationary law is nearest to the posterior."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, minimize_scalar

from ..arguments import array, dimensions
from ..door import silent_door
from ..errors import InputError
from ..landscapes import Landscape
from ..typing import FloatArray
from .covariance import check_stable, checked_momentum, frozen_limit, response_factors
from .quadratic import check_definite, hessian_of, positive, quadratic, symmetric
from .units import exponent, product, shifted, within_floats

LOWEST, HIGHEST = -600.0, 33.0  # logarithms of rate / (limit - rate) that floats tell apart


@silent_door
def bayes_learning_rate(
    k: ArrayLike | Landscape, N: float, S: float, mu: float = 0.0, nu: float | None = None, C: ArrayLike | None = None
) -> float:
    """The learning rate that minimises the Kullback-Leibler divergence from SGD's stationary law to the posterior.

    The posterior is N(0, K^-1 / N), the noise (N - S)/(N S) K unless C is given. For SGD it is the one root of
    sum over i of (lam k_i N/S - 2) / (2 - lam k_i)^2 in (0, 2 / k_max) ([D] equation 37). With heavy ball that is the same
    equation for lam / (1 + mu), with 1 + (N/S - 1) (1 + mu)/(1 - mu) in place of N/S. With nu or C it is the least of
    `bayes_kl` on a grid, refined: to about 1e-7 of itself.

    Parameters
    ----------
    k : (n,) eigenvalues of the Hessian, positive; or the Hessian itself, (n, n), for a C that does not commute with it;
        or a landscape seen from its minimum
    N : number of training points
    S : batch size, 0 < S < N
    mu, nu : momentum, as for `stationary_covariance`
    C : (n, n) covariance of a step's gradient, positive definite, in the basis of k

    Returns
    -------
    float, for SGD at most Mandt, Hoffman and Blei's 2 S n / (N sum k), with equality where all k are equal

    Raises
    ------
    InputError : k not positive; S <= 0 or S >= N; C without noise along some direction

    Examples
    --------
    >>> import fastdiag as fd
    >>> round(fd.stationary.bayes_learning_rate([1.0, 0.3, 0.1], N=1000, S=100), 10)
    0.3758598835
    """
    mu, nu = checked_momentum(mu, nu)
    k = hessian_of(k) if isinstance(k, Landscape) else k
    if dimensions("k", k) == 1:
        rates = array("k", k, (None,), "eigenvalues of the Hessian")
        if not rates.size:
            raise InputError("k is empty; give the eigenvalues of the Hessian")
    else:
        rates = np.asarray(np.linalg.eigvalsh(symmetric("k", k)), np.float64)
    check_definite("K", rates)
    ratio, more = _points_to_batch(N, S)
    if nu is not None or C is not None:
        K = np.diag(rates) if dimensions("k", k) == 1 else symmetric("k", k)
        limit = frozen_limit(float(rates.max()), mu, nu)
        return least_rate(limit, lambda lam: bayes_kl(K, N, S, lam, mu, nu, C))
    if mu:
        ratio = 1 + more * (1 + mu) / (1 - mu)
    scaled = rates / rates.max()  # unit largest rate

    def slope(y: float) -> float:
        """Of the learning rate 2 y S / N, 1 <= y <= Mandt's."""
        return float(((y * scaled - 1) / (1 - y * scaled / ratio) ** 2).sum())

    mandt = len(scaled) / float(scaled.sum())
    best = 1.0
    if slope(1.0) < 0:  # not all rates are equal
        high = mandt if mandt < ratio and slope(mandt) > 0 else float(np.nextafter(ratio, 0.0))
        best = mandt if mandt < ratio and slope(mandt) == 0 else brentq(slope, 1.0, high, xtol=1e-15, rtol=8.9e-16)
    return within_floats("the learning rate", float(product(2, best, 1 + mu, over=(ratio, rates.max()))))


@silent_door
def bayes_kl(
    K: ArrayLike | Landscape, N: float, S: float, lam: ArrayLike, mu: float = 0.0, nu: float | None = None,
    C: ArrayLike | None = None,
) -> float:
    """The Kullback-Leibler divergence from SGD's stationary law to the posterior N(0, K^-1 / N) ([D] equation 33).

    The noise is (N - S)/(N S) K unless C is given, which need not commute with K. [D]'s (35) is twice this and a
    constant.

    Parameters
    ----------
    K : (n, n) Hessian, positive definite; or a landscape seen from its minimum
    N, S : points and batch size, 0 < S < N
    lam : learning rate below `stability_limit`: a number, or a positive definite (n, n) preconditioner
    mu, nu : momentum, as for `stationary_covariance`
    C : (n, n) covariance of a step's gradient, positive definite

    Raises
    ------
    InputError : as `bayes_learning_rate`; no stationary state

    Examples
    --------
    >>> import fastdiag as fd
    >>> kl = fd.stationary.bayes_kl([[1.0]], N=50, S=5, lam=2 / 10)  # one direction: the best rate hits the posterior
    >>> round(kl, 12)
    0.0
    """
    mu, nu = checked_momentum(mu, nu)
    _, more = _points_to_batch(N, S)
    hessian = hessian_of(K)
    unit = exponent(hessian)
    check_definite("K", np.asarray(np.linalg.eigvalsh(shifted(hessian, -unit))), unit)
    state = quadratic(hessian, hessian if C is None else C, lam)
    check_stable(state, lam, mu, nu)
    e, _, c = state.size
    covariance = state.rate**2 * response_factors(state, mu, nu) * state.noise
    times = more if C is None else positive("N", N)
    return divergence(times * covariance, state.hessian, e + c)


def divergence(covariance: FloatArray, hessian: FloatArray, unit: int = 0) -> float:
    """From N(0, covariance) to N(0, 1 / hessian), hessian (n,) along the same directions; the covariance times 2^unit."""
    root = np.sqrt(hessian)
    values = np.linalg.eigvalsh(root[:, None] * covariance * root)
    if np.abs(covariance - np.diag(np.diag(covariance))).max() <= 1e-15 * np.abs(covariance).max():
        values = hessian * np.diag(covariance)  # to the last digit
    if values.min() <= len(values) * np.finfo(np.float64).eps * values.max():
        raise InputError("there is no noise along some direction, so the law has no density: take a positive definite C")
    scales = np.ldexp(values, unit)
    logs = np.where((scales > 1e-300) & (scales < 1e300), np.log(scales), np.log(values) + unit * log(2))
    return within_floats("the divergence", float(np.maximum(scales - 1 - logs, 0.0).sum() / 2))


def least_rate(limit: float, kl: Callable[[float], float]) -> float:
    """The rate below a limit at which a divergence is least.

    It is sought in the logarithm of rate / (limit - rate), farther out as long as the least lies at an end.
    """

    def rate(place: float) -> float:
        return limit / (1 + exp(-place))

    places = np.arange(-14.0, 14.5, 0.5)
    found = [kl(rate(place)) for place in places]
    while (i := int(np.argmin(found))) in (0, len(found) - 1):
        more = places[i] + (np.arange(-14.0, 0.0, 0.5) if i == 0 else np.arange(0.5, 14.5, 0.5))
        more = more[(more > LOWEST) & (more < HIGHEST)]
        if not len(more):
            raise InputError("the law is nearest to the posterior at a rate that floats cannot tell from its ends")
        new = [kl(rate(place)) for place in more]
        places = np.concatenate([more, places] if i == 0 else [places, more])
        found = [*new, *found] if i == 0 else [*found, *new]
    best = minimize_scalar(
        lambda place: kl(rate(place)), bounds=(places[i - 1], places[i + 1]), method="bounded", options={"xatol": 1e-10}
    )
    return within_floats("the learning rate", rate(best.x))


def _points_to_batch(N: float, S: float) -> tuple[float, float]:
    """N / S, and that less 1."""
    N, S = positive("N", N), positive("S", S)
    if S >= N:
        raise InputError(f"the batch size S = {S:g} must be below N = {N:g}: a full batch has no noise")
    return within_floats("N / S", N / S), (N - S) / S
