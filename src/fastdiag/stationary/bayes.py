"""SGD as approximate Bayesian inference: the learning rate whose stationary law is nearest to the posterior."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from ..errors import InputError
from ..floats import by_our_rules
from ..landscapes.landscape import checked
from .quadratic import check_definite, positive, symmetric


@by_our_rules
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
    rates = checked("k", k, (None,), "eigenvalues of the Hessian")
    if not rates.size:
        raise InputError("k is empty; give the eigenvalues of the Hessian")
    check_definite("K", rates)
    ratio = _points_to_batch(N, S)
    scaled = rates / rates.max()  # unit largest rate

    def slope(x: float) -> float:
        return float(((x * scaled * ratio - 2) / (2 - x * scaled) ** 2).sum())

    low, mandt = 2 / ratio, 2 * len(scaled) / (ratio * scaled.sum())
    if slope(low) >= 0:  # all rates equal
        return float(low / rates.max())
    high = mandt if mandt < 2 and slope(mandt) > 0 else np.nextafter(2.0, 0.0)
    root = mandt if mandt < 2 and slope(mandt) == 0 else brentq(slope, low, high, xtol=1e-15, rtol=8.9e-16)
    return float(root / rates.max())


@by_our_rules
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
    rates = np.asarray(np.linalg.eigvalsh(symmetric("K", K)), np.float64)
    check_definite("K", rates)
    ratio = _points_to_batch(N, S)
    x = positive("lam", lam) * rates
    if x.max() >= 2:
        raise InputError(
            f"no stationary state: from the stability limit on the weights diverge; lam must be below "
            f"{2 / rates.max():.6g}, not {lam:.6g}"
        )
    scales = x * (ratio - 1) / (2 - x)  # eigenvalues of N K Sigma
    return float(np.maximum(scales - 1 - np.log(scales), 0.0).sum() / 2)


def _points_to_batch(N: float, S: float) -> float:
    N, S = positive("N", N), positive("S", S)
    if S >= N:
        raise InputError(f"the batch size S = {S:g} must be below N = {N:g}: a full batch has no noise")
    return N / S
