"""On the way to the stationary law: transients, escape over barriers, Bayesian learning rates."""

from math import exp, inf, log, pi, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

import fastdiag as fd
from oracles.recursions import LAMBDA, C, K, after, close, lyapunov

S = fd.stationary


def test_transient_reference_numbers():
    close([S.escape_efficiency(K, C, 0.5, T) for T in (0, 1, 2, 3, inf)], [0, 0.235, 0.330475, 0.3786500625, 0.4483747609942638])
    close(
        [S.escape_efficiency_continuous(K, C, 0.5, t) for t in (0, 1, 2, 3)],
        [0, 0.1664843495761237, 0.2514998203251667, 0.2988205930049325],
    )
    close(S.escape_efficiency_continuous(K, C, 0.5, inf), 0.5 / 4 * np.trace(C))


@pytest.mark.parametrize("values", [(0.3, 1.0), (2.0, 4.0), (0.0, 1.5), (-0.5, 2.0), (0.0, 0.0), (-1.0, 5.0)], ids=str)
def test_transients_along_any_direction(values):
    """lam k = 2 and 4, flat and negative directions, divergence: the recursion, in every case."""
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(2, 2)))
    k = (turn * values) @ turn.T
    k = (k + k.T) / 2
    for T in (0, 1, 2, 7, 20):
        right = after(k, C, 1.0, T)
        close(S.sigma_T(k, C, 1.0, T), right, rtol=0, atol=1e-12 * (np.abs(right).max() + 1))
        close(S.escape_efficiency(k, C, 1.0, T), np.trace(k @ right) / 2, rtol=0, atol=1e-11 * (np.abs(right).max() + 1))
        close(S.sigma_T(k, C, LAMBDA, T), after(k, C, LAMBDA, T), rtol=1e-11, atol=1e-11)
        t = T / 2
        slow = [quad(lambda s, i=i: exp(-2 * values[i] * s), 0, t)[0] * values[i] for i in (0, 1)]
        along = np.diag(turn.T @ C @ turn)
        close(S.escape_efficiency_continuous(k, C, 1.0, t), (along * slow).sum() / 2, rtol=1e-9, atol=1e-12)


def test_long_times_reach_the_stationary_state():
    for lam in (0.5, 1.2, LAMBDA):
        close(S.sigma_T(K, C, lam, 10**6), S.stationary_covariance(K, C, lam), rtol=1e-12)
        assert np.array_equal(S.sigma_T(K, C, lam, inf), S.stationary_covariance(K, C, lam))
    close(S.sigma_T([[1e-9]], [[1.0]], 1.0, 10**15), [[1 / (2e-9 - 1e-18)]], rtol=1e-9)  # (1 - k)^T of a nearly flat direction


@given(st.floats(1e-3, 1.999), st.integers(1, 60), st.floats(0, 1))
def test_discrete_steps_escape_more(x, T, share):
    """E_d >= E_c below the stability limit; the repair of [D] equation 76."""
    k = np.diag([x, share * x])
    discrete, continuous = S.escape_efficiency(k, C, 1.0, T), S.escape_efficiency_continuous(k, C, 1.0, T)
    assert discrete >= continuous * (1 - 1e-12)
    assert S.approximation_error(np.diag([x, x]), C, 1.0) >= np.trace(C) / 4


@pytest.mark.parametrize(
    ("k", "N", "batch", "rate"),
    [((1, 0.3, 0.1), 1000, 100, 0.3758598834719832), ((1, 0.1), 20, 10, 1.1711030563454796), ((0.7,), 50, 5, 2 / 7),
     ((1, 0.1), 10, 9, 1.816484077877628)],
)
def test_bayesian_rates(k, N, batch, rate):
    found = S.bayes_learning_rate(k, N, batch)
    close(found, rate)
    close(S.bayes_learning_rate(k, 100 * N, 100 * batch), rate)  # N / S only
    best = minimize_scalar(
        lambda lam: divergence(k, N, batch, lam), bounds=(1e-6, 2 / max(k) - 1e-9), method="bounded", options={"xatol": 1e-11}
    )
    assert found == pytest.approx(best.x, rel=1e-6)
    for lam in (0.5 * found, found, 1.01 * found):
        close(S.bayes_kl(np.diag(k), N, batch, lam), divergence(k, N, batch, lam), rtol=1e-9, atol=1e-9)


def divergence(k, N, batch, lam):
    """KL from N(0, Sigma) to N(0, K^-1 / N), by the Lyapunov equation."""
    hessian = np.diag(np.asarray(k, float))
    sigma = lyapunov(hessian, (N - batch) / (N * batch) * hessian, lam)
    ratio = N * hessian @ sigma
    return (np.trace(ratio) - len(k) - np.linalg.slogdet(ratio)[1]) / 2


def test_bayesian_reference_divergence():
    close(S.bayes_kl(np.diag([1, 0.3, 0.1]), 1000, 100, S.bayes_learning_rate([1, 0.3, 0.1], 1000, 100)), 0.7188312700160857)


@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=5), st.floats(1.02, 500))
def test_bayesian_rates_lie_below_mandts(k, ratio):
    k = np.array(k)
    rate = S.bayes_learning_rate(k, ratio, 1.0)
    mandt = 2 * len(k) / (ratio * k.sum())
    assert 2 / (ratio * k.max()) * (1 - 1e-12) <= rate <= min(mandt, 2 / k.max()) * (1 + 1e-12)
    x = rate * k
    terms = (x * ratio - 2) / (2 - x) ** 2
    assert abs(terms.sum()) <= 1e-8 * np.abs(terms).sum() or k.max() == k.min()
    if k.max() - k.min() > 1e-3 * k.max():
        assert rate < mandt
    close(S.bayes_learning_rate(np.full(3, k[0]), ratio, 1.0), 2 / (ratio * k[0]))  # equal rates: Mandt's, and exactly the posterior
    if ratio > 1.1:
        assert S.bayes_kl(k[0] * np.eye(3), ratio, 1.0, 2 / (ratio * k[0])) < 1e-12


def test_kramers_reference_numbers():
    settings = {"k_a": 2.0, "k_b": -1.0, "S": 4, "dL": 0.3, "l": 0.4}
    for lam, slow, discrete in ((0.5, 0.003420812898917672, 0.004448898226918885), (0.1, 7.300726498398677e-10, 1.1193093812497128e-09)):
        close(S.kramers_rate(lam, **settings, discrete=False), slow, atol=0)
        close(S.kramers_rate(lam, **settings), discrete, atol=0)
    tiny = {"k_a": 1.0, "k_b": -1.0, "S": 1e-3, "dL": 1.0}  # the exponent: small at small S
    close(S.kramers_rate(1.0, **tiny, discrete=False), exp(-2e-3) / (2 * pi))


def cubic(lam):
    """The potential w^2/2 to the left of its minimum, w^2/2 - w^3/3 to the right: gradient, noise, an interval."""
    spread = sqrt(lam / 7.5 / (2 - lam))
    return (lambda w: np.where(w < 0, w, w - w**2)), sqrt(1 / 7.5), (-9 * spread, 1.5)


def test_escape_rate_of_the_transfer_operator():
    assert S.escape_rate_1d(*arranged(0.5)) == pytest.approx(0.00051996773, rel=1e-6)
    fine, coarse = (S.escape_rate_1d(*arranged(1.0), n=n) for n in (400, 200))
    assert coarse == pytest.approx(fine, rel=1e-5)


def arranged(lam):
    gradient, noise, domain = cubic(lam)
    return gradient, lam, noise, domain


@pytest.mark.parametrize(
    ("lam", "slow", "discrete"), [(0.02, 1.11, 1.13), (0.5, 1.03, 1.68), (1.0, 0.74, 1.87), (1.5, 0.28, 1.05)]
)
def test_kramers_is_a_heuristic(lam, slow, discrete):
    """Over the exact rate, for a barrier of five temperatures."""
    batch = 15 * lam  # dL / T = 2 S dL / lam = 5 at dL = 1/6
    spread = sqrt(lam / (batch * (2 - lam)))
    exact = S.escape_rate_1d(cubic(lam)[0], lam, sqrt(1 / batch), (-9 * spread, 1.5), n=400) / lam
    for kind, ratio in ((False, slow), (True, discrete)):
        rate = S.kramers_rate(lam, 1.0, -1.0, batch, 1 / 6, discrete=kind)
        assert rate / exact == pytest.approx(ratio, abs=0.006)


def test_escape_rate_against_simulation():
    gradient, noise, domain = cubic(1.0)
    noise, lam = 1.5 * noise, 1.0
    rate = S.escape_rate_1d(gradient, lam, noise, domain, n=400)
    rng = np.random.default_rng(0)
    w = np.zeros(100_000)
    for t in range(30):
        if t == 15:
            start = len(w)
        w = w - lam * (gradient(w) + noise * rng.standard_normal(len(w)))
        w = w[(w > domain[0]) & (w < domain[1])]
    assert rate == pytest.approx(-log(len(w) / start) / 15, abs=3.3 * sqrt(1 / len(w) - 1 / start) / 15)
    assert 0.02 < rate < 0.2


def test_escape_rate_against_exact_random_walks():
    """With lam grad(w) = w every step forgets: what survives it is the Gaussian mass of the interval."""
    mass = quad(lambda w: exp(-(w**2) / 2) / sqrt(2 * pi), -1, 2, epsabs=1e-13)[0]
    close(S.escape_rate_1d(lambda w: w, 1.0, 1.0, (-1.0, 2.0), n=64), -log(mass))
    # eigenvalues close to -1 do not disturb the leading one
    assert 0 < S.escape_rate_1d(lambda w: w, 1.95, 0.1, (-4.0, 4.0), n=400) < 1e-6
