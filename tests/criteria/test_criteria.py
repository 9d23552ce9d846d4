"""The gap in closed form beside the engine and listed training sets; its slope; AIC, TIC, STIC; the ridge that STIC tunes."""

from fractions import Fraction
from itertools import product
from math import inf

import numpy as np
import pytest
import sympy

import fastdiag as fd

F, criteria = Fraction, fd.criteria


def noisy(seed, n=2, points=5):
    """Gradients and Hessians noisy, away from any minimum."""
    rng = np.random.default_rng(seed)
    H = rng.normal(size=(points, n, n))
    H = H + H.transpose(0, 2, 1) + 3 * n * np.eye(n)
    return fd.landscapes.samples(rng.normal(size=points), rng.normal(size=(points, n)), H)


@pytest.mark.parametrize("T", [1, 7, 100])
def test_the_gap_is_the_engines_of_order_1(T):
    land, spacetime = noisy(T), fd.Spacetime(4, 4, T)
    for eta in (0.03, [0.01, 0.05], [[0.03, 0.01], [0.01, 0.05]]):
        found = criteria.gap(land, eta, 4, T)
        derived = fd.predict(land, spacetime, eta, 1, "generalization_gap").total
        np.testing.assert_allclose(found, derived, rtol=1e-12, atol=1e-15)


def test_a_ridge_is_the_landscapes_own():
    rng = np.random.default_rng(0)
    X, y, ridge = rng.normal(size=(6, 3)), [0, 1, 1, 0, 1, 0], np.array([0.1, 0.0, 2.0])
    plain, penalised = (fd.landscapes.logistic(X, y, [0.5, -1, 1], r) for r in (0.0, ridge))
    for T in (9, inf):
        assert criteria.gap(plain, 0.2, 5, T, ridge) == pytest.approx(criteria.gap(penalised, 0.2, 5, T), rel=1e-12)


@pytest.mark.parametrize("ridge", [0, F(1, 3)])
def test_the_exact_gap_by_listing_training_sets(ridge):
    """Two weights, quadratic losses, noise in the gradients, off the minimum: GD on every training set in Fractions."""
    gradients, H, eta, N, T = [(1, 2), (-3, 0), (0, 5)], ((2, 1), (1, 3)), F(1, 7), 2, 3
    gap, start = F(0), (F(1), F(-2))
    for rows in product(range(3), repeat=N):
        mean = [F(sum(gradients[i][a] for i in rows), N) for a in (0, 1)]
        w = list(start)
        for _ in range(T):
            slope = [mean[a] + sum(H[a][b] * w[b] for b in (0, 1)) + ridge * w[a] for a in (0, 1)]
            w = [w[a] - eta * slope[a] for a in (0, 1)]
        population = [F(sum(g[a] for g in gradients), 3) for a in (0, 1)]
        gap += sum((population[a] - mean[a]) * w[a] for a in (0, 1)) / F(3**N)
    u, v, x, y = sympy.symbols("u v x y")
    loss = x * u + y * v + (2 * u**2 + 2 * u * v + 3 * v**2) / sympy.Integer(2)
    land = fd.landscapes.symbolic(loss, (u, v), (x, y), fd.landscapes.finite(dict.fromkeys(gradients, F(1, 3))), at=list(start))
    assert criteria.gap(land, eta, N, T, ridge) == gap
    assert criteria.gap(land, float(eta), N, T, ridge) == pytest.approx(float(gap), rel=1e-13)
    assert criteria.gap(land, [eta, 0], N, T, ridge).tolist() == [gap, 0]
    assert criteria.gap(land, F(1, 10**6), N, inf) == pytest.approx(criteria.gap(land, 0.1, N, inf), rel=1e-13)


@pytest.mark.parametrize("T", [0, 1, 6, inf])
def test_slopes_are_the_derivatives(T):
    r, H, S, eta = sympy.symbols("r H S eta")
    exactly = criteria.gap(fd.landscapes.mean_estimation(H, S, 3), eta, 7, T, r).diff(r)
    numbers = {r: F(1, 2), H: F(3, 2), S: 2, eta: F(1, 5)}
    found = criteria.gap_slope(fd.landscapes.mean_estimation(F(3, 2), 2), 0.2, 7, T, 0.5)
    assert found == pytest.approx([float(sympy.sympify(exactly).subs(numbers))], rel=1e-12, abs=1e-16)
    land, ridge, step = noisy(3), np.array([0.4, 1.5]), 1e-5
    for rates in (0.05, np.array([[0.05, 0.02], [0.02, 0.04]])):
        slopes = criteria.gap_slope(land, rates, 7, T, ridge)
        for i, slope in enumerate(slopes):
            up, down = (criteria.gap(land, rates, 7, T, ridge + sign * step * np.eye(2)[i]) for sign in (1, -1))
            assert slope == pytest.approx((up - down) / (2 * step), rel=1e-6, abs=1e-10)


def test_criteria_at_a_minimum():
    gauss, flat = fd.landscapes.gauss(), fd.landscapes.mean_estimation(0, 1)
    assert criteria.tic(gauss, 10) == pytest.approx(criteria.aic(gauss, 10), rel=1e-14)  # C = H
    assert criteria.stic(gauss, 0.1, 10, 10**6) == pytest.approx(criteria.tic(gauss, 10), rel=1e-13)
    assert criteria.stic(gauss, F(1, 10), 10, inf) == F(6, 10)
    assert criteria.stic(gauss, 0.1, 10, 20) == pytest.approx(fd.results.stic(gauss, 0.1, 10, 20), rel=1e-14)
    assert criteria.stic(flat, F(1, 10), 10, 20) == F(2, 10)
    with pytest.raises(fd.errors.InputError, match=r"stic is finite there"):
        criteria.tic(flat, 10)
    with pytest.raises(fd.errors.InputError, match=r"T = inf needs 0 < eta h < 2"):
        criteria.gap(flat, 0.1, 10)
    with pytest.raises(fd.errors.InputError, match=r"leaves the range of floats"):
        criteria.gap(gauss, 10.0, 10, 1000)
    with pytest.raises(fd.errors.TooLargeError, match=r"float eta"):
        criteria.gap(gauss, F(1, 10), 10, 10**9)


def training_set(curvature, mean, start, N):
    """MEAN ESTIMATION on points of this mean and of variance 1."""
    return fd.landscapes.samples([0] * 2, [[mean - 1.0], [mean + 1.0]], [[[curvature]]] * 2).at([start])


def trained(curvature, mean, start, eta, T, ridge):
    """Where T steps of GD on it end."""
    h = curvature + ridge
    k = (1 - eta * h) ** T
    return k * start - mean * (1 - k) / h


@pytest.mark.filterwarnings("ignore::fastdiag.errors.TaylorWarning")
@pytest.mark.parametrize(("curvature", "mean", "N"), [(0.3, 1.0, 4), (2.0, -0.7, 10)])
def test_the_ridge_has_the_least_criterion(curvature, mean, N):
    found = criteria.tuned_ridge(training_set(curvature, mean, 0.0, N), 0.1, N, inf)
    assert found == pytest.approx(curvature / (mean**2 * N - 1), rel=1e-9)
    land, T = training_set(curvature, mean, 1.0, N), 30

    def criterion(ridge):
        w = trained(curvature, mean, 1.0, 0.1, T, ridge)
        return curvature * w**2 / 2 + mean * w + criteria.gap(land, 0.1, N, T, ridge)

    best = criteria.tuned_ridge(land, 0.1, N, T)
    assert criterion(best) <= min(criterion(r) for r in np.linspace(0, 9, 400)) + 1e-12


@pytest.mark.filterwarnings("ignore::fastdiag.errors.TaylorWarning")
def test_a_tuned_ridge_beats_none_over_most_curvatures():
    """The expected test loss over the mean of N points, by quadrature; GD starts a fixed distance from the minimum."""
    N, eta, T, start = 10, 0.05, 100, 1.0
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    weights = weights / weights.sum()
    won = 0
    for curvature in np.logspace(-2, 1, 5):
        plain = tuned = 0.0
        for node, weight in zip(nodes / N**0.5, weights, strict=True):
            ridge = criteria.tuned_ridge(training_set(curvature, node, start, N), eta, N, T)
            plain += weight * curvature / 2 * trained(curvature, node, start, eta, T, 0) ** 2
            tuned += weight * curvature / 2 * trained(curvature, node, start, eta, T, ridge) ** 2
        won += tuned < plain
    assert won >= 4
