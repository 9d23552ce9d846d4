"""SGD as approximate Bayesian inference: the learning rate whose stationary law is nearest to the posterior."""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from ..arguments import array
from ..door import silent_door
from ..errors import InputError
from .quadratic import check_definite, positive, symmetric
from .units import exponent, halves, product, shifted, within_floats


@silent_door
def bayes_learning_rate(k: ArrayLike, N: float, S: float) -> float:
    """The learning rate that minimises the Kullback-Leibler divergence from SGD's stationary law to the posterior.

    The noise is C = (N - S)/(N S) K, the posterior N(0, K^-1 / N). It is the one root of
    sum over i of (lam k_i N/S - 2) / (2 - lam k_i)^2 in (0, 2 / k_max) ([D] equation 37).

    Parameters
    ----------
    k : (n,) eigenvalues of the Hessian, positive
    N : number of training points
    S : batch size, 0 < S < N

    Returns
    -------
    float, at most Mandt, Hoffman and Blei's 2 S n / (N sum k), with equality where all k are equal

    Raises
    ------
    InputError : k not positive; S <= 0 or S >= N

    Examples
    --------
    >>> import fastdiag as fd
    >>> round(fd.stationary.bayes_learning_rate([1.0, 0.3, 0.1], N=1000, S=100), 10)
    0.3758598835
    """
    rates = array("k", k, (None,), "eigenvalues of the Hessian")
    if not rates.size:
        raise InputError("k is empty; give the eigenvalues of the Hessian")
    check_definite("K", rates)
    ratio, _ = _points_to_batch(N, S)
    scaled = rates / rates.max()  # unit largest rate

    def slope(y: float) -> float:
        """Of the learning rate 2 y S / N, 1 <= y <= Mandt's."""
        return float(((y * scaled - 1) / (1 - y * scaled / ratio) ** 2).sum())

    mandt = len(scaled) / float(scaled.sum())
    best = 1.0
    if slope(1.0) < 0:  # not all rates are equal
        high = mandt if mandt < ratio and slope(mandt) > 0 else float(np.nextafter(ratio, 0.0))
        best = mandt if mandt < ratio and slope(mandt) == 0 else brentq(slope, 1.0, high, xtol=1e-15, rtol=8.9e-16)
    return within_floats("the learning rate", float(product(2, best, over=(ratio, rates.max()))))


@silent_door
def bayes_kl(K: ArrayLike, N: float, S: float, lam: float) -> float:
    """The Kullback-Leibler divergence from SGD's stationary law to the posterior N(0, K^-1 / N) ([D] equation 33).

    The noise is C = (N - S)/(N S) K. [D]'s (35) is twice this, plus a constant.

    Parameters
    ----------
    K : (n, n) Hessian, positive definite
    N, S : points and batch size, 0 < S < N
    lam : learning rate, below 2 / k_max

    Raises
    ------
    InputError : as `bayes_learning_rate`; no stationary state

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.stationary.bayes_kl([[1.0]], N=50, S=5, lam=2 / 10)  # one direction: the best rate hits the posterior
    0.0
    """
    hessian = symmetric("K", K)
    unit = exponent(hessian)
    rates = np.asarray(np.linalg.eigvalsh(shifted(hessian, -unit)), np.float64)
    check_definite("K", rates, unit)
    _, more = _points_to_batch(N, S)
    lam = positive("lam", lam)
    mantissa, e = halves((lam, rates))
    x = np.ldexp(mantissa, e + unit)
    if x.max() >= 2:
        raise InputError(
            f"no stationary state: from the stability limit on the weights diverge; lam must be below "
            f"{shifted(2 / rates.max(), -unit):.6g}, not {lam:.6g}"
        )
    mantissa, e = halves((lam, rates, more), (2 - x,))  # of the eigenvalues of N K Sigma
    e = e + unit
    scales = np.ldexp(mantissa, e)
    logs = np.where(np.abs(e) < 1000, np.log(scales), np.log(mantissa) + e * log(2))
    return within_floats("the divergence", float(np.maximum(scales - 1 - logs, 0.0).sum() / 2))


def _points_to_batch(N: float, S: float) -> tuple[float, float]:
    """N / S, and that less 1."""
    N, S = positive("N", N), positive("S", S)
    if S >= N:
        raise InputError(f"the batch size S = {S:g} must be below N = {N:g}: a full batch has no noise")
    return within_floats("N / S", N / S), (N - S) / S
