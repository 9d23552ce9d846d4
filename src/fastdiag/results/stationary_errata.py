"""Errata of paper [D], Liu, Ziyin, Ueda, on stationary laws, each with a counter-example.

The third number comes from a discrete Lyapunov equation of weights and momentum, from running through all paths or
batches, from iterating, or from quadrature.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import exp, log, pi, sqrt

import numpy as np
from scipy.integrate import quad
from scipy.linalg import solve_discrete_lyapunov
from scipy.optimize import brentq

from ..stationary import approximation_error, bayes_kl, ngd_covariance, stationary_covariance
from .erratum import Erratum, Numbers

F = Fraction


def variance(k: float, c: float, lam: float, mu: float = 0.0) -> float:
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
    return Numbers(printed, float(stationary_covariance([[k]], [[c]], lam, mu)[0, 0]), variance(k, c, lam, mu))


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
    # the printed h is -27/20 here; nu = 1 is heavy ball at the rate lam (1 - mu)
    return Numbers(lam**2 / (-27 / 20), right, variance(k, c, lam * (1 - mu), mu))


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
        ours, theirs = variance(k, (N - S) / (N * S) * k, lam), 1 / (N * k)

        def term(w: float) -> float:
            ratio = log(theirs / ours) / 2 - w**2 / 2 * (1 / ours - 1 / theirs)
            return exp(-(w**2) / (2 * ours)) / sqrt(2 * pi * ours) * ratio

        return float(2 * quad(term, 0, 12 * sqrt(ours), epsabs=1e-14, epsrel=1e-12)[0])

    return Numbers(2 * (second - first), second - first, exact(rates[1]) - exact(rates[0]))


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
    fixed = brentq(lambda s: variance(1.0, c * s, lam / s, mu) - s, 0.4, 3.0, xtol=1e-14)  # K = 1, C = c Sigma
    return Numbers(error(1.0), right, fixed)


def _contraction() -> Numbers:
    k, lam = F(1), F(1)
    w = 1 - lam * k
    return Numbers(1, 0, int(0 < w < 1))


def _eigenbasis() -> Numbers:
    k, C, lam = np.array([1.0, 0.5]), np.array([[1.0, 0.3], [0.3, 2.0]]), 0.5
    step = np.eye(2) - lam * np.diag(k)
    commuting = lam * C[0, 1] / (k[0] * (2 - lam * k[0]))
    found = solve_discrete_lyapunov(step, lam**2 * C)
    return Numbers(float(commuting), float(lam * C[0, 1] / (k[0] + k[1] - lam * k[0] * k[1])), float(found[0, 1]))


def _commutator() -> Numbers:
    K, S = np.diag([1, 2]), np.array([[0, 1], [1, 0]])
    once = K @ S - S @ K
    twice = K @ once - once @ K
    return Numbers(-int(twice[0, 1]), int(twice[0, 1]), int(twice[1, 0]))


def _momentum_matrix() -> Numbers:
    lam, mu = 0.5, 0.6
    printed, right = (float(stationary_covariance([[1.0]], [[1.0]], lam, X)[0, 0]) for X in (1 - mu, mu))
    return Numbers(printed, right, variance(1.0, 1.0, lam, mu))


def _first_noise() -> Numbers:
    k, lam, mu = F(1), F(1, 2), F(3, 5)
    w = m = F(0)  # what one unit of the first update's noise has come to
    for noise in (1, 0):
        m = mu * m + k * w + noise
        w -= lam * m
    right = -lam * (1 + mu - lam * k)
    return Numbers(2 * right, right, w)


def _without_rescaling() -> Numbers:
    lam, mu = 0.3, 0.5
    right = float(stationary_covariance([[1.0]], [[1.0]], lam, mu, nu=0.0)[0, 0])
    return Numbers(variance(1.0, 1.0, lam / (1 - mu)), right, variance(1.0, 1.0, lam))


STATIONARY_ERRATA = (
    Erratum(
        "[D] text at (2)", "the error of one step, of e^(-x) against 1 - x with x = lam k, is O((1 - lam k)^2)",
        "it is O((lam k)^2)", "the lowest power of x in e^(-x) - (1 - x)", _one_step,
    ),
    Erratum(
        "[D] text below (6)", "the eigenvalues of 1 - lam K are in (0, 1)", "they are in [0, 1): 0 where lam k = 1",
        "K = lam = 1: how many of its eigenvalues are in (0, 1)", _contraction,
    ),
    Erratum(
        "[D] text below (8)", "no simple solution is known unless K and C commute",
        "in K's eigenbasis Sigma_ij = lam C_ij / (k_i + k_j - lam k_i k_j)",
        "K = diag(1, 1/2), C = [[1, .3], [.3, 2]], lam = 1/2: Sigma_12 (printed: by the first row of the formula for "
        "matrices that commute)", _eigenbasis,
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
        "[D] text below (26)", "the terms vanish because the commutators are antisymmetric",
        "[K, [K, S]] is symmetric; they vanish because Tr(f(K) [K, X]) = 0",
        "K = diag(1, 2), S = [[0, 1], [1, 0]]: the entry (2, 1) of [K, [K, S]], as its entry (1, 2) says", _commutator,
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
        "[D] text above (59)", "C = (N - S)/S K",
        "C = (N - S)/(N S) K, for batches without repetition and K normalised by N - 1",
        "five points 0, 1, 3, 4, 7, batches of two: the variance of a batch's mean", _batches,
    ),
    Erratum(
        "[D] (64), second line", "a factor (N - S)/(N - S)", "(N - S)/(N S)",
        "two directions, N = 50, S = 4, lam = 0.8, mu = 1/2: Tr[K Sigma]/2 of natural gradient descent", _natural,
    ),
    Erratum(
        "[D] (54) and (57)",
        "an equation and a scalar variance lam^2 / h for quasi-hyperbolic momentum that fail for every nu tried, 0 and "
        "1 too; h is even negative at nu = 0.7",
        "h = lam k (1 - mu + lam mu (1 - nu) k) (2 (1 + mu) - lam k (1 + mu - 2 mu nu)) / ((1 - mu^2) "
        "+ lam k mu (1 - nu) (1 + mu - 2 mu nu)), and Sigma_ij = s(k_i, k_j) C_ij in general, see stationary_covariance",
        "k = C = 1, lam = 0.3, mu = 0.5, nu = 1: the variance; the printed h is -27/20",
        _quasi_hyperbolic_variance,
    ),
    Erratum(
        "[D] text below (55)", "at nu = 0 (8) comes back with lam rescaled by 1 - mu", "it comes back with lam as it is",
        "k = C = 1, lam = 0.3, mu = 0.5, nu = 0: the variance", _without_rescaling,
    ),
    Erratum(
        "[D] appendix A", "X := (1 - mu) I", "X := mu I", "k = C = 1, lam = 0.5, mu = 0.6: the variance", _momentum_matrix,
    ),
    Erratum(
        "[D] (65)", "the sum over the noise of earlier updates ends at t - 1",
        "at t - 2: else the first noise counts twice",
        "k = 1, lam = 1/2, mu = 3/5: what w_2 has of the first update's noise", _first_noise,
    ),
)
