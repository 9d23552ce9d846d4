"""The stationary laws as the diagrams' quadratic case: any T, momentum, preconditioners; Hessian noise in rationals."""

from fractions import Fraction
from itertools import combinations_with_replacement, product
from math import inf

import numpy as np
import pytest
import sympy

import fastdiag as fd
from oracles.recursions import LAMBDA, C, K, after, close, stable

S = fd.stationary
F = Fraction
ERRORS = fd.errors.InputError


def quadratic_landscape(k=K, c=C, start=None):
    """The loss w^T K w / 2 + x.w, x of covariance C, at its minimum or elsewhere; degrees that vanish are zero."""
    n = len(k)
    kinds = {key for length in range(1, 5) for key in combinations_with_replacement(range(1, 5), length)}
    zeros = dict.fromkeys(kinds, 0)
    gradient = np.zeros(n) if start is None else k @ start
    loss = 0.0 if start is None else start @ k @ start / 2
    return fd.landscapes.tensors(zeros | {(1,): gradient, (2,): k, (1, 1): c}, loss)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_tied_pair_is_the_escape_efficiency(n):
    rng = np.random.default_rng(n)
    k, c = stable(n, rng)
    land, highest = quadratic_landscape(k, c), np.linalg.eigvalsh(k)[-1]
    for lam in (0.1 / highest, 1.0 / highest, 1.9 / highest):
        for T in (1, 2, 10, 1000):
            grid = fd.Spacetime(N=T, T=T)
            close(fd.rvalue("[a a]", land, grid, lam), S.escape_efficiency(k, c, lam, T))
            close(fd.predict(land, grid, lam, order=3).total, S.escape_efficiency(k, c, lam, T))
            close(fd.predict(land, grid, lam, order=2, observable="covariance").total, S.sigma_T(k, c, lam, T), atol=1e-12)
            slow = fd.rvalue("[a a]", land, grid, lam, continuous=True)  # Remark 1
            close(slow, S.escape_efficiency_continuous(k, c, lam, T), rtol=1e-9)
        forever = fd.Spacetime(inf, 1, inf)
        close(fd.rvalue("[a a]", land, forever, lam), S.approximation_error(k, c, lam))
        covariance = fd.predict(land, forever, lam, order=2, observable="covariance").total
        close(covariance, S.stationary_covariance(k, c, lam), atol=1e-12)
    with pytest.raises(ERRORS, match=r"strict minimum|eta h < 2"):
        fd.rvalue("[a a]", land, forever, 2.01 / highest)
    with pytest.raises(ERRORS, match="no stationary state"):
        S.approximation_error(k, c, 2.01 / highest)


def test_batches_divide_the_noise():
    for B, T in ((2, 5), (4, 3)):
        grid = fd.Spacetime(N=B * T, B=B, T=T)
        land = quadratic_landscape()
        close(fd.predict(land, grid, 0.7, order=2).total, S.escape_efficiency(K, C / B, 0.7, T))
        close(
            fd.predict(land, grid, 0.7, order=2, observable="covariance").total,
            S.sigma_T(land.hessian, land.gradient_covariance / B, 0.7, T),
        )


def test_a_preconditioner_is_a_matrix_learning_rate():
    land = quadratic_landscape()
    for T in (1, 4, inf):
        grid = fd.Spacetime(T, 1, T)
        close(fd.rvalue("[a a]", land, grid, LAMBDA), S.escape_efficiency(K, C, LAMBDA, T))
        close(fd.predict(land, grid, LAMBDA, 2, "covariance").total, S.sigma_T(K, C, LAMBDA, T))


@pytest.mark.parametrize(("mu", "nu"), [(0.6, None), (-0.3, None), (0.5, 0.7), (0.9, 0.5), (0.4, 0.0), (0.7, 1.0)])
def test_momentum_is_an_update_rule(mu, nu):
    update = fd.updates.momentum(mu) if nu is None else fd.updates.quasi_hyperbolic(mu, nu)
    land, lam = quadratic_landscape(), 0.9
    forever = fd.Spacetime(inf, 1, inf)
    covariance = fd.predict(land, forever, lam, 2, "covariance", update=update).total
    close(covariance, S.stationary_covariance(K, C, lam, mu, nu))
    close(fd.predict(land, forever, lam, 2, update=update).total, S.approximation_error(K, C, lam, mu, nu))
    matrix = fd.predict(land, forever, LAMBDA, 2, "covariance", update=update).total
    close(matrix, S.stationary_covariance(K, C, LAMBDA, mu, nu))
    for T in (1, 3, 40):
        finite = fd.predict(land, fd.Spacetime(T, 1, T), lam, 2, "covariance", update=update).total
        close(finite, after(K, C, lam, T, mu, nu))
    over = 1.001 * S.stability_limit(np.linalg.eigvalsh(K)[-1], mu, nu)
    with pytest.raises(ERRORS):
        fd.predict(land, forever, over, 2, update=update)


@pytest.mark.parametrize("mu", [0.3, 0.8])
def test_nesterov_is_quasi_hyperbolic_where_the_gradient_is_taken(mu):
    land, lam = quadratic_landscape(), 0.6
    forever = fd.Spacetime(inf, 1, inf)
    looked = S.stationary_covariance(K, C, lam / (1 - mu), mu, mu)  # of theta - eta mu m
    step = np.eye(2) - lam * K
    observed = fd.predict(land, forever, lam, 2, "covariance", update=fd.updates.nesterov(mu)).total
    close(observed, step @ looked @ step + lam**2 * C)  # theta <- (theta - eta mu m) - eta g


def test_from_elsewhere_the_mean_relaxes_too():
    start, lam = np.array([1.0, -2.0]), 1.3
    land = quadratic_landscape(start=start)
    for T in (1, 4, 9):
        mean = np.linalg.matrix_power(np.eye(2) - lam * K, T) @ start
        found = fd.predict(land, fd.Spacetime(N=T, T=T), lam, order=2).total
        close(found, S.escape_efficiency(K, C, lam, T) + mean @ K @ mean / 2)


def test_gradient_descent_freezes_its_noise():
    """One batch of all N points: Corollary 2 of [A], not [D]'s (41)."""
    lam, T, N = 0.5, 3, 10
    land = quadratic_landscape()
    closed = np.eye(2) - np.linalg.matrix_power(np.eye(2) - lam * K, T)
    found = fd.predict(land, fd.Spacetime(N=N, B=N, T=T), lam, order=2).total
    close(found, np.trace(np.linalg.inv(K) @ closed @ C @ closed) / (2 * N))
    close(found, 0.09924375625)
    assert S.escape_efficiency(K, C / N, lam, T) < 0.5 * found


def test_the_taylor_series_of_the_escape_efficiency():
    T = 5
    land = quadratic_landscape()
    series = fd.predict(land, fd.Spacetime(N=T, T=T), 1.0, order=4, resummed=False).by_order
    close(series, [0, 0, 4.7, -14.4, 32.38])
    traces = [np.trace(C @ np.linalg.matrix_power(K, j)) for j in (1, 2, 3)]
    close(series[2:], [T / 2 * traces[0], -T * (T - 1) / 2 * traces[1], T * (T - 1) * (4 * T - 5) / 12 * traces[2]])
    small = 1e-2
    assert S.escape_efficiency(K, C, small, T) == pytest.approx(sum(c * small**d for d, c in enumerate(series)), abs=1e-8)


def rational(text):
    return [sympy.Rational(item.strip()) for item in text.split(",")]


w0, w1, x0, x1, y = sympy.symbols("w0 w1 x0 x1 y")
REGRESSION = [(1, 0, 1), (1, 1, 0), (0, 2, 1), (1, -1, -1)]
PUSHES = [(1, 0), (-1, 1), (0, -2), (0, 1)]


def regression(start):
    quarter = sympy.Rational(1, 4)
    law = fd.landscapes.finite(dict.fromkeys(REGRESSION, quarter))
    return fd.landscapes.symbolic((x0 * w0 + x1 * w1 - y) ** 2 / 2, [w0, w1], [x0, x1, y], law, at=start)


def sample_paths(gradients, loss, start, T):
    """E l(theta_T) as a polynomial in eta: every sequence of points, in Fractions. A weight is a list of coefficients."""
    total = {}
    paths = list(product(gradients, repeat=T))
    for path in paths:
        theta = [[F(x)] for x in start]
        for gradient in path:
            pushes = gradient(theta)
            theta = [plus(w, [F(0)] + [-g for g in push]) for w, push in zip(theta, pushes, strict=True)]
        for power, value in enumerate(loss(theta)):
            total[power] = total.get(power, F(0)) + value / len(paths)
    return [total[power] for power in sorted(total)]


def plus(a, b):
    return [(a[i] if i < len(a) else F(0)) + (b[i] if i < len(b) else F(0)) for i in range(max(len(a), len(b)))]


def times(a, b):
    out = [F(0)] * (len(a) + len(b) - 1)
    for i, s in enumerate(a):
        for j, t in enumerate(b):
            out[i + j] += s * t
    return out


def scaled(c, a):
    return [F(c) * s for s in a]


HESSIAN_NOISE = [
    ((0, 0), 2, "3/8, -9/8, 63/16, -369/64, 153/32"),
    pytest.param((0, 0), 3, "3/8, -27/16, 135/16, -1431/64, 4995/128, -10215/256, 2763/128", marks=pytest.mark.long),
    ((1, -1), 2, "9/4, -45/4, 1107/32, -3321/64, 5319/128"),
    ((1, -1), 3, "9/4, -135/8, 1215/16, -405/2, 22383/64, -22923/64, 96849/512"),
]


@pytest.mark.parametrize(("start", "T", "series"), HESSIAN_NOISE)
def test_hessian_noise_is_exact(start, T, series):
    def gradient(point):
        a, b, label = point

        def of(theta):
            residual = plus(plus(scaled(a, theta[0]), scaled(b, theta[1])), [F(-label)])
            return [scaled(a, residual), scaled(b, residual)]

        return of

    def loss(theta):
        total = [F(0)]
        for a, b, label in REGRESSION:
            residual = plus(plus(scaled(a, theta[0]), scaled(b, theta[1])), [F(-label)])
            total = plus(total, scaled(F(1, 8), times(residual, residual)))
        return total

    expected = rational(series)
    assert sample_paths([gradient(point) for point in REGRESSION], loss, start, T) == [F(str(c)) for c in expected]
    found = fd.predict(regression(start), fd.Spacetime(N=T, T=T), 1, order=len(expected) - 1, resummed=False)
    assert list(found.by_order) == expected


def test_additive_noise_is_exact():
    expected = rational("0, 0, 69/40, -483/200, 9499/4000, -12949/10000, 131813/400000")
    fifth, half = sympy.Rational(1, 5), sympy.Rational(1, 2)
    loss = w0**2 / 2 + fifth * w0 * w1 + half * w1**2 / 2 + x0 * w0 + x1 * w1
    law = fd.landscapes.finite(dict.fromkeys(PUSHES, sympy.Rational(1, 4)))
    land = fd.landscapes.symbolic(loss, [w0, w1], [x0, x1], law, at=[0, 0])
    found = fd.predict(land, fd.Spacetime(N=3, T=3), 1, order=6, resummed=False)
    assert list(found.by_order) == expected
    hessian = [[F(1), F(1, 5)], [F(1, 5), F(1, 2)]]

    def forces(theta):
        return [plus(scaled(row[0], theta[0]), scaled(row[1], theta[1])) for row in hessian]

    def gradient(push):
        return lambda theta: [plus(force, [F(x)]) for force, x in zip(forces(theta), push, strict=True)]

    def mean_loss(theta):
        products = [times(w, force) for w, force in zip(theta, forces(theta), strict=True)]
        return scaled(F(1, 2), plus(*products))

    assert sample_paths([gradient(push) for push in PUSHES], mean_loss, (0, 0), 3) == [F(str(c)) for c in expected]
    covariance = np.mean([np.outer(push, push) for push in PUSHES], axis=0)
    for eta in (0.3, 1.0, 1.8):
        polynomial = sum(float(c) * eta**d for d, c in enumerate(expected))
        close(S.escape_efficiency(K, covariance, eta, 3), polynomial)
