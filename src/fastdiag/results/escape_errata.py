"""Errata of paper [D], Liu, Ziyin, Ueda, on escape from a minimum, each with a counter-example."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import erf, exp, log, pi, sqrt

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import lambertw

from ..stationary import escape_efficiency
from .erratum import Erratum, Numbers
from .stationary_errata import variance

F = Fraction


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
    spread = variance(k, k / S, lam)
    half = sqrt(2 * height / k)
    mass = quad(lambda w: exp(-(w**2) / (2 * spread)), -half, half, epsabs=1e-14)[0]
    right = sqrt((2 - x) / 2) / erf(z)
    return Numbers(1 / right, right, sqrt(2 * pi * lam / (2 * S)) / mass)


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


def _dimension() -> Numbers:
    D, d, lam = 100, 2, 0.5
    k = np.array([1.0, *[float(D) ** -d] * (D - 1)])  # C = K
    alike = np.full(D, k.mean())
    right = escape_efficiency(np.diag(k), np.diag(k), lam, 1) / escape_efficiency(np.diag(k), np.diag(alike), lam, 1)
    sharp, flat = D * (1 + (D - 1) * float(D) ** (-2 * d)), (1 + (D - 1) * float(D) ** -d) ** 2
    return Numbers(float(D ** (2 * d - 1)), float(right), sharp / flat)


def _diffusion() -> Numbers:
    lam, k, C = 0.1, 1.0, 1.0
    rates = 1e-3 * np.arange(1, 7)
    slope = np.polynomial.Polynomial.fit(rates, [variance(k, C, rate) / rate for rate in rates], 5)(0.0)
    return Numbers(C / 2 / (lam * k), lam**2 * C / 2 / (lam * k), lam * float(slope))


def _in_the_well() -> Numbers:
    lam, k, C, height = 0.5, 1.0, 0.2, 0.1
    printed = sqrt(2 * pi * C / (lam * k * (2 - lam * k))) * erf(sqrt(lam * (2 - lam * k) * height / C))
    right = sqrt(2 * pi * lam * C / (k * (2 - lam * k))) * erf(sqrt((2 - lam * k) * height / (2 * lam * C)))
    spread, half = variance(k, C, lam), sqrt(height / k)
    return Numbers(printed, right, float(quad(lambda w: exp(-(w**2) / (2 * spread)), -half, half, epsabs=1e-14)[0]))


ESCAPE_ERRATA = (
    Erratum(
        "[D] (43), (79), (80)", "the ratio of efficiencies of anisotropic and isotropic noise grows with the dimension for "
        "long times too ('the remaining derivation is the same')",
        "for long times it is at most 2/(2 - lam k_max), whatever the dimension",
        "C = K = diag(1, D^-0.9, ..., D^-0.9), D = 100, lam = 1: the ratio after long times (printed: that of one step)",
        _anisotropy,
    ),
    Erratum(
        "[D] (43), (79), one step", "the ratio is O(a D^(2d-1)) for all d > 1/2",
        "it is never more than D: O(a D^min(2d-1, 1))",
        "C = K = diag(1, D^-2, ..., D^-2), D = 100: the ratio after one update", _dimension,
    ),
    Erratum(
        "[D] (45), the diffusion", "D := C/2 beside the drift lam grad L", "lam^2 C/2",
        "k = C = 1, lam = 0.1: the variance to first order in lam", _diffusion,
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
        "[D] (47)", "P(a) sqrt(2 pi C / (lam k (2 - lam k))) erf sqrt(lam (2 - lam k) dL / C)",
        "P(a) sqrt(2 pi lam C / (k (2 - lam k))) erf sqrt((2 - lam k) dL / (2 lam C)), for the stated half-width "
        "sqrt(dL/k)", "lam = 0.5, k = P(a) = 1, C = 0.2, dL = 0.1: the well's probability", _in_the_well,
    ),
    Erratum(
        "[D] (52)", "the prefactor of the discrete escape rate has sqrt(2/(2 - x)) erf(z), x = lam k_a",
        "sqrt((2 - x)/2)/erf(z), as the well's mass divides the current; either way a heuristic: see `escape_rate_1d`",
        "k_a = 2, S = 4, lam = 1/2, height 0.3: the continuous mass of the well over the discrete one", _well,
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
)
