"""Errata of paper [D], Liu, Ziyin, Ueda, each with a counter-example.

The third number comes from a discrete Lyapunov equation of weights and momentum, from running through all paths or
batches, from iterating, or from quadrature.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product
from math import erf, exp, log, pi, sqrt

import numpy as np
from scipy.integrate import quad
from scipy.linalg import solve_discrete_lyapunov
from scipy.optimize import brentq
from scipy.special import lambertw

from ..stationary import approximation_error, bayes_kl, escape_efficiency, ngd_covariance, stationary_covariance
from .erratum import Erratum, Numbers

F = Fraction


def _variance(k: float, c: float, lam: float, mu: float = 0.0) -> float:
    """Of one weight under heavy ball, by the Lyapunov equation of (w, m)."""
    step, push = np.array([[1 - lam * k, -lam * mu], [k, mu]]), np.array([[-lam], [1.0]])
    return float(solve_discrete_lyapunov(step, c * push @ push.T)[0, 0])


def _one_step() -> Numbers:
    coefficients = [F((-1) ** j, (1, 1, 2, 6)[j]) - (F(1), F(-1), F(0), F(0))[j] for j in range(4)]
    return Numbers(0, 2, next(j for j, c in enumerate(coefficients) if c))


def _commuting() -> Numbers:
    k, c, lam, mu = 1.0, 0.2, 0.5, 0.6
    lt, ct = lam / (1 + mu), (1 + mu) / (1 - mu) * c
    printed = ct / (lt * k * (2 - lt * k))
    return Numbers(printed, float(stationary_covariance([[k]], [[c]], lam, mu)[0, 0]), _variance(k, c, lam, mu))


def _trace() -> Numbers:
    K, C, lam, mu = np.array([[1.0, 0.2], [0.2, 0.5]]), np.array([[1.0, -0.3], [-0.3, 2.0]]), 0.5, 0.6
    right = 2 * approximation_error(K, C, lam, mu)
    eye = np.eye(2)
    step, push = np.block([[eye - lam * K, -lam * mu * eye], [K, mu * eye]]), np.vstack([-lam * eye, eye])
    sigma = solve_discrete_lyapunov(step, push @ C @ push.T)[:2, :2]
    return Numbers(lam * right, right, float(np.trace(K @ sigma)))


def _quasi_hyperbolic_variance() -> Numbers:
    k, c, lam, mu = 1.0, 1.0, 0.3, 0.5
    right = float(stationary_covariance([[k]], [[c]], lam, mu, nu=1.0)[0, 0])
    # the printed h is -2.37 times the right one here; nu = 1 is heavy ball at the rate lam (1 - mu)
    return Numbers(right / -2.37, right, _variance(k, c, lam * (1 - mu), mu))


def _quasi_hyperbolic() -> Numbers:
    import sympy

    mu, nu = sympy.Rational(1, 2), sympy.Rational(7, 10)
    lam, w, m, wm = sympy.symbols("lam w m wm")
    # w' = (1 - a) w - b m - a eta, m' = (1 - mu)(w + eta) + mu m; all second moments are stationary
    a, b, fresh = lam * (1 - mu * nu), lam * nu * mu, 1 - mu
    found = sympy.solve(
        [
            (1 - a) ** 2 * w - 2 * (1 - a) * b * wm + b**2 * m + a**2 - w,
            fresh**2 * (w + 1) + 2 * fresh * mu * wm + mu**2 * m - m,
            (1 - a) * fresh * w + ((1 - a) * mu - b * fresh) * wm - b * mu * m - a * fresh - wm,
        ],
        [w, m, wm],
    )
    slope = sympy.limit(sympy.cancel(found[w] / lam), lam, 0)
    return Numbers(F(1) / (2 * (1 - F(1, 2))), F(1, 2), F(str(slope)))


def _half() -> Numbers:
    points = (F(1), F(2))

    def loss(w: Fraction) -> Fraction:
        return sum(((x * w - 1) ** 2 for x in points), F(0)) / 2

    mean = sum((x * x for x in points), F(0)) / 2
    return Numbers(mean, 2 * mean, loss(F(1)) - 2 * loss(F(0)) + loss(F(-1)))


def _divergence() -> Numbers:
    k, N, S, rates = 1.0, 50, 5, (0.3, 0.4)
    first, second = (bayes_kl([[k]], N, S, lam) for lam in rates)

    def exact(lam: float) -> float:
        ours, theirs = _variance(k, (N - S) / (N * S) * k, lam), 1 / (N * k)

        def term(w: float) -> float:
            ratio = log(theirs / ours) / 2 - w**2 / 2 * (1 / ours - 1 / theirs)
            return exp(-(w**2) / (2 * ours)) / sqrt(2 * pi * ours) * ratio

        return float(2 * quad(term, 0, 12 * sqrt(ours), epsabs=1e-14, epsrel=1e-12)[0])

    return Numbers(2 * (second - first), second - first, exact(rates[1]) - exact(rates[0]))


def _anisotropy() -> Numbers:
    D, lam = 100, 1.0
    k = np.array([1.0, *[D**-0.9] * (D - 1)])  # C = K
    one_step = float((k * k).sum() / (k.sum() / D * k.sum()))

    def ratio(variances: tuple[np.ndarray, np.ndarray]) -> float:
        return float((k * variances[0]).sum() / (k * variances[1]).sum())

    right = float((k / (2 - lam * k)).sum() / (k.mean() / (2 - lam * k)).sum())
    anisotropic, isotropic = np.zeros(D), np.zeros(D)
    for _ in range(3000):
        anisotropic = (1 - lam * k) ** 2 * anisotropic + lam**2 * k
        isotropic = (1 - lam * k) ** 2 * isotropic + lam**2 * k.mean()
    return Numbers(one_step, right, ratio((anisotropic, isotropic)))


def _current() -> Numbers:
    density = exp(-0.5) / sqrt(2 * pi)  # of N(0, 1) at w = 1; L = w^2/2, T = D = 1/2, so e^(L/T) P has slope e w P
    D, w = 0.5, 1.0
    right = -w * density + D * w * density

    def beyond(t: float) -> float:  # the mass beyond w at time t: the law stays Gaussian, of variance (1 + e^-2t) / 2
        return (1 - erf(w / sqrt(1 + exp(-2 * t)))) / 2

    h = 1e-3
    slope = (8 * (beyond(h) - beyond(-h)) - (beyond(2 * h) - beyond(-2 * h))) / (12 * h)
    return Numbers(-right, right, slope)


def _rate() -> Numbers:
    profile, flux = 2 / pi, 2 * pi  # sin(pi w): its mass, and its slopes at the two ends

    def left(t: float) -> float:
        return sum(8 / (pi * m) ** 2 * exp(-((pi * m) ** 2) * t) for m in range(1, 40, 2))

    return Numbers(profile / flux, flux / profile, log(left(1) / left(2)))


def _well() -> Numbers:
    k, S, lam, height = 2.0, 4.0, 0.5, 0.3
    x = lam * k
    z = sqrt(S * (2 - x) * height / (lam * k))
    spread = _variance(k, k / S, lam)
    half = sqrt(2 * height / k)
    mass = quad(lambda w: exp(-(w**2) / (2 * spread)), -half, half, epsabs=1e-14)[0]
    right = sqrt((2 - x) / 2) / erf(z)
    return Numbers(1 / right, right, sqrt(2 * pi * lam / (2 * S)) / mass)


def _batches() -> Numbers:
    points, S = (F(0), F(1), F(3), F(4), F(7)), 2
    N, mean = len(points), sum(points, F(0)) / len(points)
    spread = sum(((x - mean) ** 2 for x in points), F(0)) / (N - 1)
    batches = [sum(batch, F(0)) / S for batch in combinations(points, S)]
    exact = sum(((x - mean) ** 2 for x in batches), F(0)) / len(batches)
    return Numbers(F(N - S, S) * spread, F(N - S, N * S) * spread, exact)


def _natural() -> Numbers:
    N, S, lam, mu = 50, 4, 0.8, 0.5

    def error(c: float) -> float:
        return lam * ((1 + mu) * c + 1 - mu) / (2 * (1 - mu**2))  # two directions: Tr[K Sigma] / 2

    c = (N - S) / (N * S)
    sigma = error(c)
    right = float(ngd_covariance([[1.0]], [[c * sigma]], lam, mu)[0, 0])
    fixed = brentq(lambda s: _variance(1.0, c * s, lam / s, mu) - s, 0.4, 3.0, xtol=1e-14)  # K = 1, C = c Sigma
    return Numbers(error(1.0), right, fixed)


def _escape() -> Numbers:
    lam, T = F(1, 2), 3
    exact = F(0)
    for signs in product((-1, 1), repeat=T):
        w = F(0)
        for sign in signs:
            w -= lam * (w + sign)
        exact += w * w / 2 / 2**T
    right = F(escape_efficiency([[1.0]], [[1.0]], 0.5, T))  # dyadic: no rounding
    return Numbers(right / lam**2, right, exact)


def _bound() -> Numbers:
    right = 1 + float(lambertw(exp(-1)).real)
    return Numbers(2.0, right, float(brentq(lambda x: exp(-2 * x) - (1 - x) ** 2, 1.1, 2.0, xtol=1e-14)))


STATIONARY_ERRATA = (
    Erratum(
        "[D] text at (2)", "the error of one step, of e^(-x) against 1 - x with x = lam k, is O((1 - lam k)^2)",
        "it is O((lam k)^2)", "the lowest power of x in e^(-x) - (1 - x)", _one_step,
    ),
    Erratum(
        "[D] (18), second line", "Sigma = [lt K (2 - lt K)]^-1 Ct with lt = lam/(1 + mu), Ct = (1 + mu)/(1 - mu) C",
        "lt^2 times that", "one direction, K = 1, C = 1/5, lam = 1/2, mu = 3/5: Sigma", _commuting,
    ),
    Erratum(
        "[D] (26)", "the left side is (1 - mu) Tr[K Sigma]", "it is lam (1 - mu) Tr[K Sigma]; (27) is right",
        "K = [[1, .2], [.2, .5]], C = [[1, -.3], [-.3, 2]], lam = 1/2, mu = 3/5: the Tr[K Sigma] that follows", _trace,
    ),
    Erratum(
        "[D] Table 1, previous result for QHM", "Sigma = lam/(2 (1 - mu)) K^-1 C",
        "for the normalised momentum of (53) it is lam/2 K^-1 C, to first order in lam",
        "one direction, K = C = 1, mu = 1/2, nu = 7/10: the limit of Sigma/lam at lam = 0", _quasi_hyperbolic,
    ),
    Erratum(
        "[D] (28)", "a loss (1/N) sum (w.x - y)^2 with Hessian (1/N) sum x x^T",
        "this loss has the Hessian (2/N) sum x x^T; the figures belong to the loss with 1/(2N)",
        "one weight, x = 1 and 2, y = 1: the Hessian", _half,
    ),
    Erratum(
        "[D] (35)", "called the Kullback-Leibler divergence", "it is twice the divergence, plus a constant",
        "one direction, K = 1, N = 50, S = 5: its value at lam = 0.4 less that at lam = 0.3", _divergence,
    ),
    Erratum(
        "[D] (43), (79), (80)", "the ratio of efficiencies of anisotropic and isotropic noise grows with the dimension for "
        "long times too ('the remaining derivation is the same')",
        "for long times it is at most 2/(2 - lam k_max), whatever the dimension",
        "C = K = diag(1, D^-0.9, ..., D^-0.9), D = 100, lam = 1: the ratio after long times (printed: that of one step)",
        _anisotropy,
    ),
    Erratum(
        "[D] (45), second line", "J = D e^(-L/T) grad(e^(L/T) P)", "J = -D e^(-L/T) grad(e^(L/T) P)",
        "L = w^2/2, T = D = 1/2, P = N(0, 1): the current through w = 1", _current,
    ),
    Erratum(
        "[D] (46)", "gamma = P/flux", "the rate is flux/P",
        "dw = sqrt(2) dB between absorbing walls at 0 and 1: the rate of escape at long times", _rate,
    ),
    Erratum(
        "[D] (52)", "the prefactor of the discrete escape rate has sqrt(2/(2 - x)) erf(z), x = lam k_a",
        "sqrt((2 - x)/2)/erf(z), as the well's mass divides the current; either way a heuristic: see `escape_rate_1d`",
        "k_a = 2, S = 4, lam = 1/2, height 0.3: the continuous mass of the well over the discrete one", _well,
    ),
    Erratum(
        "[D] text above (59)", "C = (N - S)/S K",
        "C = (N - S)/(N S) K, for batches without repetition and K normalised by N - 1",
        "five points 0, 1, 3, 4, 7, batches of two: the variance of a batch's mean", _batches,
    ),
    Erratum(
        "[D] (64), second line", "a factor (N - S)/(N - S)", "(N - S)/(N S)",
        "two directions, N = 50, S = 4, lam = 0.8, mu = 1/2: Tr[K Sigma]/2 of natural gradient descent", _natural,
    ),
    Erratum(
        "[D] (71)", "E = 1/2 sum over s of Tr[K (1 - lam K)^(2s) C]", "lam^2 times that",
        "one direction, K = 1, noise 1 or -1, lam = 1/2, three updates", _escape,
    ),
    Erratum(
        "[D] (76)", "e^(-x) >= 1 - x gives e^(-2xt) >= (1 - x)^(2t) below the stability limit",
        "only for x up to 1 + W(1/e), W Lambert's function; beyond, the first update alone makes discrete escape "
        "the stronger",
        "the largest x = lam k for which e^(-2x) >= (1 - x)^2", _bound,
    ),
    Erratum(
        "[D] (54) and (57)",
        "an equation and a scalar variance lam^2 / h for quasi-hyperbolic momentum that fail for every nu tried, 0 and "
        "1 too; h is even negative at nu = 0.7",
        "h = lam k (1 - mu + lam mu (1 - nu) k) (2 (1 + mu) - lam k (1 + mu - 2 mu nu)) / ((1 - mu^2) "
        "+ lam k mu (1 - nu) (1 + mu - 2 mu nu)), and Sigma_ij = s(k_i, k_j) C_ij in general, see stationary_covariance",
        "k = C = 1, lam = 0.3, mu = 0.5, nu = 1: the variance; the printed h is -2.37 times the right one there",
        _quasi_hyperbolic_variance,
    ),
)
