"""Weights and momentum together, and Bayes' rates with momentum and any noise."""

import mpmath
import numpy as np
import pytest
from scipy.linalg import solve_discrete_lyapunov
from scipy.optimize import minimize_scalar

import fastdiag as fd
from fastdiag.errors import InputError
from oracles.recursions import LAMBDA, C, K, close, companion, lyapunov, stable, symmetric

S = fd.stationary
RULES = [(0.0, None), (0.6, None), (-0.5, None), (0.9, 0.7), (0.5, 0.0), (0.5, 1.0)]


def whole(hessian, noise, lam, mu, nu):
    """The augmented Lyapunov equation of (w, m), refined once; and the step."""
    step, push = companion(hessian, lam, mu, nu)
    kick = push @ noise @ push.T
    state = solve_discrete_lyapunov(step, kick)
    left = kick - (state - step @ state @ step.T)
    return state + solve_discrete_lyapunov(step, (left + left.T) / 2), step


@pytest.mark.parametrize(("mu", "nu"), RULES)
def test_joint_and_lagged_covariances(mu, nu):
    rng = np.random.default_rng(3)
    for n in (1, 2, 4):
        hessian, noise = stable(n, rng)
        limit = S.stability_limit(np.linalg.eigvalsh(hessian)[-1], mu, nu)
        for share in (0.05, 0.6, 0.99):
            state, step = whole(hessian, noise, share * limit, mu, nu)
            close(S.joint_covariance(hessian, noise, share * limit, mu, nu), state, rtol=1e-8, atol=1e-10 * np.abs(state).max())
            close(S.joint_covariance(hessian, noise, share * limit, mu, nu)[:n, :n], S.stationary_covariance(hessian, noise, share * limit, mu, nu), rtol=1e-9, atol=1e-12)
            lagged = S.joint_covariance(hessian, noise, share * limit, mu, nu, lag=3)
            close(lagged, np.linalg.matrix_power(step, 3) @ state, rtol=1e-8, atol=1e-10 * np.abs(state).max())
    state, step = whole(K, C, LAMBDA, mu, nu)
    close(S.joint_covariance(K, C, LAMBDA, mu, nu, 1), step @ state, atol=1e-12)


def test_joint_digits_are_kept_for_small_rates():
    """Where 1 / x is 1e12: momentum's own block, and (w, m), in closed form for one weight."""
    lam, mu, k, c = 1e-12, 0.5, 1.0, 2.0
    found = S.joint_covariance([[k]], [[c]], lam, mu)
    close(found[0, 0], S.stationary_covariance([[k]], [[c]], lam, mu)[0, 0], rtol=1e-12)
    close(found[1, 1], c / (1 - mu**2), rtol=1e-11)
    close(found[0, 1], -lam * found[1, 1] / 2, rtol=1e-11)  # E w'^2 = E w^2, w' = w - lam m', and m' here is m


def test_small_rates_of_quasi_hyperbolic_momentum():
    """[D] table 1's column, as the limit of the Lyapunov equation: it depends on neither mu nor nu."""
    for mu, nu in ((0.5, 0.7), (0.9, 0.0), (0.9, 1.0)):
        close(S.continuous_covariance(K, C, 1e-6, mu, nu), lyapunov(K, C, 1e-6, mu, nu), rtol=1e-4)
    close(S.continuous_covariance(K, C, 0.5, 0.3, 0.4), symmetric(0.3079710144927536, -0.2898550724637681, 1.1159420289855069))
    close(S.continuous_covariance(K, C, 0.5, 0.6), 2.5 * S.continuous_covariance(K, C, 0.5))


def divergence(covariance, hessian, N):
    """Between Gaussians of mean 0, as it is defined."""
    product = N * hessian @ covariance
    return (np.trace(product) - len(hessian) - np.linalg.slogdet(product)[1]) / 2


@pytest.mark.parametrize(("mu", "nu"), RULES)
def test_bayes_with_momentum_and_any_noise(mu, nu):
    N, batch = 200, 10
    noise = np.array([[0.6, -0.1], [-0.1, 0.3]])
    for own in (None, noise):
        c = (N - batch) / (N * batch) * K if own is None else own
        for lam in (0.05, 0.7):
            close(S.bayes_kl(K, N, batch, lam, mu, nu, own), divergence(lyapunov(K, c, lam, mu, nu), K, N), rtol=1e-9)
        best = S.bayes_learning_rate(K, N, batch, mu, nu, own)
        grid = np.geomspace(1e-4, 0.999 * S.stability_limit(np.linalg.eigvalsh(K)[-1], mu, nu), 60)
        values = [divergence(lyapunov(K, c, lam, mu, nu), K, N) for lam in grid]
        i = int(np.argmin(values))
        found = minimize_scalar(lambda lam, c=c: divergence(lyapunov(K, c, lam, mu, nu), K, N), bounds=(grid[i - 1], grid[i + 1]), method="bounded", options={"xatol": 1e-10})
        assert best == pytest.approx(found.x, rel=1e-5)
    if nu is None:
        close(S.bayes_learning_rate(np.linalg.eigvalsh(K), N, batch, mu), S.bayes_learning_rate(K, N, batch, mu))


def test_bayes_of_minibatches():
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((40, 2)), rng.standard_normal(40)
    H = X.T @ X / 40
    best, kl = S.minibatch_bayes_rate(X, y, 5)
    limit = S.minibatch_stability_limit(X, y, 5)
    found = minimize_scalar(lambda lam: divergence(S.minibatch_stationary(X, y, lam, 5).covariance, H, 40), bounds=(1e-4, 0.99 * limit), method="bounded", options={"xatol": 1e-10})
    assert best == pytest.approx(found.x, rel=1e-5)
    close(kl, found.fun, rtol=1e-8)
    with pytest.raises(InputError, match="no noise along some direction"):
        S.minibatch_bayes_rate(X, np.zeros(40), 5)
    with pytest.raises(InputError, match="lag must be at least 0"):
        S.joint_covariance(K, C, 0.1, lag=-1)


def test_landscapes_stand_for_hessian_and_noise():
    """Every function of K and C, with a landscape and its batch size in their place."""
    X = np.random.default_rng(0).standard_normal((12, 3))
    several = fd.landscapes.softmax(X, [0, 1, 2] * 4, ridge=0.2).at_minimum()
    land = fd.landscapes.logistic(X, [1, 0] * 6, np.zeros(3), 0.2).at_minimum()
    hessian, noise = land.hessian, land.gradient_covariance / 4
    for name, rest in (("stationary_covariance", (0.3,)), ("continuous_covariance", (0.3,)), ("approximation_error", (0.3,)), ("ngd_covariance", (0.3,)),
                       ("joint_covariance", (0.3, 0.5)), ("sigma_T", (0.3, 7)), ("escape_efficiency", (0.3, 7)),
                       ("escape_efficiency_continuous", (0.3, 7.0)), ("anisotropy_ratio", (0.3, 7))):
        function = getattr(S, name)
        close(function(land, 4, *rest), function(hessian, noise, *rest), atol=1e-13)
        close(function(several, 4, *rest), function(several.hessian, several.gradient_covariance / 4, *rest), atol=1e-13)
    close(S.bayes_kl(land, 12, 4, 0.3), S.bayes_kl(hessian, 12, 4, 0.3))
    close(S.bayes_learning_rate(land, 12, 4), S.bayes_learning_rate(np.linalg.eigvalsh(hessian), 12, 4))
    close(S.stability_limit(land, 0.5), S.stability_limit(np.linalg.eigvalsh(hessian)[-1], 0.5))
    with pytest.raises(InputError, match="batch size, must be a whole number"):
        S.stationary_covariance(land, noise, 0.3)
    with pytest.raises(InputError, match="is that of a minimum"):
        S.stationary_covariance(land.at(np.ones(3)), 4, 0.3)
    kinds = fd.landscapes.samples(np.zeros(2), [[1.0], [-1.0]], [[[1.0]], [[3.0]]])
    dense = fd.landscapes.tensors({(1,): [0.0], (2,): [[2.0]], (1, 1): [[1.0]], (1, 2): [[[-1.0]]], (2, 2): [[[[1.0]]]]})
    for lam in (0.1, 0.3):
        close(S.minibatch_stationary(kinds, lam=lam).covariance, S.minibatch_stationary(dense, lam=lam).covariance)
        close(S.minibatch_transient(kinds, lam=lam, T=5, start=[2.0]), S.minibatch_transient(dense, lam=lam, T=5, start=[2.0]))


@pytest.mark.parametrize(("N", "noise"), [(1e9, 1.0), (1000.0, 1e6), (1000.0, 1e-6), (1000.0, 1e-12)])
def test_the_best_rate_however_near_to_an_end(N, noise):
    """Of noise C proportional to K every direction has the KL of one, a scan of which is at hand in 50 digits."""
    rates = np.array([1.0, 0.3])
    found = fd.stationary.bayes_learning_rate(rates, N, 10, C=noise * np.diag(rates))

    def kl(lam):  # scales lam N noise k / (2 - lam k) of the posterior's
        scale = [mpmath.mpf(N) * noise * lam * k / (2 - lam * k) for k in rates]
        return sum(s - 1 - mpmath.log(s) for s in scale) / 2

    with mpmath.workdps(50):
        here = kl(mpmath.mpf(found))
        assert all(here <= kl(found * (1 + step)) for step in (-1e-4, 1e-4) if found * (1 + step) < 2)
        scan = [kl(2 / (1 + mpmath.exp(-place))) for place in range(-40, 32)]
        assert here <= min(scan)
