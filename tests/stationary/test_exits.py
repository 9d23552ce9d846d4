"""Exits in one dimension, the well and the flux: another discretisation, quadrature, runs."""

from math import erf, exp, inf, pi, sqrt

import numpy as np
import pytest
from scipy.integrate import quad

import fastdiag as fd
from fastdiag.errors import InputError

S = fd.stationary
LAM, NOISE = 0.5, 1 / 7.5
SPREAD = sqrt(LAM * NOISE / (2 - LAM))
DOMAIN = (-9 * SPREAD, 1.5)


def slope(w):
    return np.where(w < 0, w, w - w * w)


def midpoints(noise_std, domain, n=600):
    """The same walk on a grid of midpoints: leading eigenvalue by iteration, and mean times of exit."""
    w = domain[0] + (np.arange(n) + 0.5) * (domain[1] - domain[0]) / n
    width = LAM * noise_std(w)
    kernel = np.exp(-(((w[:, None] - w + LAM * slope(w)) / width) ** 2) / 2) / (sqrt(2 * pi) * width) * (w[1] - w[0])
    mass = np.ones(n)
    for _ in range(200):
        mass = kernel @ mass
        rho, mass = mass.sum(), mass / mass.sum()
    return -np.log(rho), w, np.linalg.solve(np.eye(n) - kernel.T, np.ones(n))


def test_noise_that_depends_on_the_weights():
    constant = sqrt(NOISE)
    rate = S.escape_rate_1d(slope, LAM, constant, DOMAIN)
    assert rate == pytest.approx(0.00051996773, rel=1e-8)
    assert S.escape_rate_1d(slope, LAM, lambda w: constant + 0 * w, DOMAIN, 300) == pytest.approx(S.escape_rate_1d(slope, LAM, constant, DOMAIN, 300), rel=1e-12)

    def rough(w):
        return np.sqrt(NOISE * (1 + w**2))

    found = S.escape_rate_1d(slope, LAM, rough, DOMAIN, 300)
    wanted, w, times = midpoints(rough, DOMAIN)
    assert found == pytest.approx(wanted, rel=1e-4)
    assert found > 2 * rate
    starts = w[[120, 280, 480]]
    assert S.mean_exit_time_1d(slope, LAM, rough, DOMAIN, starts, 300) == pytest.approx(times[[120, 280, 480]], rel=1e-4)
    late = S.mean_exit_time_1d(slope, LAM, constant, DOMAIN, 0.0, 300)
    assert late * rate == pytest.approx(1, abs=0.02)  # and a few updates to forget the start
    for one in (lambda w: constant, lambda w: np.float32(constant), lambda w: np.array(constant)):  # one number for all weights
        assert S.escape_rate_1d(slope, LAM, one, DOMAIN, 300) == S.escape_rate_1d(slope, LAM, float(one(0)), DOMAIN, 300)
        assert S.mean_exit_time_1d(slope, LAM, one, DOMAIN, 0.0, 300) == S.mean_exit_time_1d(slope, LAM, float(one(0)), DOMAIN, 0.0, 300)
    assert S.escape_rate_1d(lambda w: 0.1, 1.0, 1.0, (-1, 1), 64) == S.escape_rate_1d(lambda w: 0.1 + 0 * w, 1.0, 1.0, (-1, 1), 64)
    for std, words in ((lambda w: w, "noise_std must be positive, not"), (lambda w: "a", "array of real deviations"), (lambda w: w[:1], "shape of its argument"),
                       (lambda w: -1.0, "noise_std must be positive, not"), (lambda w: np.nan, "finite"), (lambda w: [[1.0]], "shape of its argument")):
        with pytest.raises(InputError, match=words):
            S.escape_rate_1d(slope, LAM, std, (-1, 1), 64)
    with pytest.raises(InputError, match="within the domain"):
        S.mean_exit_time_1d(slope, LAM, 1.0, (-1, 1), 2.0, 64)


@pytest.mark.long
def test_runs_leave_at_that_time():
    rng = np.random.default_rng(0)
    w, left, t = np.zeros(20_000), [], 0
    while len(w):
        t += 1
        w = w - LAM * (slope(w) + np.sqrt(NOISE * (1 + w**2)) * rng.standard_normal(len(w)))
        inside = (w > DOMAIN[0]) & (w < DOMAIN[1])
        left += [t] * int((~inside).sum())
        w = w[inside]
    mean = S.mean_exit_time_1d(slope, LAM, lambda w: np.sqrt(NOISE * (1 + w**2)), DOMAIN, 0.0)
    assert abs(np.mean(left) - mean) < 3 * np.std(left) / sqrt(len(left))


@pytest.mark.parametrize(("lam", "k", "C", "dL"), [(0.5, 1.0, 0.2, 0.1), (0.1, 3.0, 0.5, 2.0), (1.9, 1.0, 0.01, 0.3)])
def test_the_well_is_the_gaussians_mass_up_to_the_barriers_height(lam, k, C, dL):
    spread = lam * C / (k * (2 - lam * k))
    half = sqrt(2 * dL / k)
    mass = quad(lambda w: exp(-(w**2) / (2 * spread)), -half, half, epsabs=1e-13, points=[0])[0]
    assert S.well_probability(lam, k, C, dL, density=3.0) == pytest.approx(3 * mass, rel=1e-10)
    if k == 1 and C == 0.2:  # within the half-width that [D] states the mass is .504, where it prints .794
        assert sqrt(2 * pi * spread) * erf(sqrt((2 - lam) * dL / (2 * lam * C))) == pytest.approx(0.504, abs=5e-4)


@pytest.mark.parametrize("discrete", [True, False])
def test_the_flux_over_the_well_is_kramers_rate(discrete):
    lam, k_a, k_b, batch, dL, l = 0.5, 1.2, -1.0, 4.0, 0.3, 0.4
    flux = S.barrier_flux(lam, k_a, k_b, batch, dL, l, discrete, density=2.0)
    mass = S.well_probability(lam, k_a, k_a / batch, dL, 2.0) if discrete else 2 * sqrt(pi * lam / batch)
    assert S.kramers_rate(lam, k_a, k_b, batch, dL, l, discrete) == pytest.approx(flux / mass, rel=1e-13)
    # a constant J = -D e^(-L/T) d/dw (e^(L/T) P) with D = T at the top: J / D times the integral of e^(L/T) is e^0 P(bottom)
    T = lam * -k_b / batch / 2
    exponent = 2 * batch * dL / lam * (l * (1 - lam * k_a / 2 * discrete) / k_a - (1 - l) / k_b)
    top = quad(lambda w: exp(exponent + k_b * w**2 / (2 * T)), -inf, inf)[0]
    assert flux == pytest.approx(2.0 * T / top, rel=1e-10)


@pytest.mark.parametrize(("lam", "discrete_is_nearer"), [(0.5, False), (1.0, False), (1.5, True), (1.8, True)])
def test_which_heuristic_is_nearer_to_runs(lam, discrete_is_nearer):
    """What [D] figure 6(b) is to show, at settings of our own: its discrete formula beats the continuous one at large rates only."""
    batch = 15 * lam  # a barrier of five temperatures
    rng, w, start, domain = np.random.default_rng(3), np.zeros(20_000), 0, (-9 * sqrt(lam / (batch * (2 - lam))), 1.5)
    settle, updates = 20, 80
    for t in range(settle + updates):
        start = len(w) if t <= settle else start
        w = w - lam * (slope(w) + batch**-0.5 * rng.standard_normal(len(w)))
        w = w[(w > domain[0]) & (w < domain[1])]
    measured, error = np.log(start / len(w)) / (updates * lam), sqrt(1 / len(w) - 1 / start) / (updates * lam)
    assert abs(S.escape_rate_1d(slope, lam, lambda w: batch**-0.5, domain, 800) / lam - measured) < 3.5 * error
    far = {kind: abs(np.log(S.kramers_rate(lam, 1.0, -1.0, batch, 1 / 6, discrete=kind) / measured)) for kind in (True, False)}
    assert (far[True] < far[False]) == discrete_is_nearer
    assert abs(far[True] - far[False]) > 4 * error / measured  # and the runs are enough to tell


def test_anisotropy_of_one_and_of_many_updates():
    """One update: any size. In the end at most 2 / (2 - lam k): [D] section 4.2's long times are wrong."""
    k = np.r_[1, np.full(59, 60**-0.9)]
    K = np.diag(k)
    assert S.anisotropy_ratio(K, K, 1.0, 1) == pytest.approx((k**2).sum() / (k.sum() ** 2 / 60), rel=1e-12)
    assert S.anisotropy_ratio(K, K, 1.0, inf) == pytest.approx((k / (2 - k)).sum() / (k.mean() / (2 - k)).sum(), rel=1e-12)
    s, even = np.zeros(60), np.zeros(60)
    for _ in range(7):
        s, even = (1 - k) ** 2 * s + k, (1 - k) ** 2 * even + k.mean()
    assert S.anisotropy_ratio(K, K, 1.0, 7) == pytest.approx((k * s).sum() / (k * even).sum(), rel=1e-12)
    assert S.anisotropy_ratio(K, K, 1.0, 1) > 5 > 2 > S.anisotropy_ratio(K, K, 1.0, inf)
    with pytest.raises(InputError, match="no ratio"):
        S.anisotropy_ratio(K, K, 1.0, 0)
