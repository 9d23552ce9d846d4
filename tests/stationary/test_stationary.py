"""Stationary laws at large learning rates: reference numbers, Lyapunov equations, simulations."""

from fractions import Fraction
from math import sqrt

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import solve_sylvester

import fastdiag as fd
from oracles.recursions import LAMBDA, C, K, close, companion, lyapunov, stable, symmetric

S = fd.stationary
ERRORS = fd.errors.InputError


@pytest.mark.parametrize(
    ("settings", "limit", "covariance", "loss"),
    [
        ({"lam": 0.5}, 1.8688860353406853, (0.3910333491961355, -0.307043411493091, 1.2570670747792567), 0.4483747609942638),
        ({"lam": 1.5, "mu": 0.6}, 2.9902176565450964, (4.0575535984821585, -2.4416405843923763, 10.535137785887002),
         4.174233128834355),
        ({"lam": 0.8, "mu": 0.5, "nu": 0.7}, 3.504161316263785, (0.5571717707250264, -0.4776008467424498, 1.8827737530663897),
         0.6537591542806213),
        ({"lam": LAMBDA, "mu": 0.6}, None, (0.9466583115618579, -0.2593655761056037, 1.6030259314682318), None),
        ({"lam": 0.8 * np.linalg.inv(K), "mu": 0.5}, None, (2.0106547516755464, -3.4129575528441327, 11.135934009279948),
         3.106719367588933),
    ],
    ids=["sgd", "heavy ball", "quasi-hyperbolic", "preconditioned", "damped Newton"],
)
def test_reference_numbers(settings, limit, covariance, loss):
    found = S.stationary_covariance(K, C, **settings)
    close(found, symmetric(*covariance))
    close(found, lyapunov(K, C, **settings))
    assert np.array_equal(found, found.T)
    error = S.approximation_error(K, C, **settings)
    close(error, np.trace(K @ found) / 2)
    if loss is not None:
        close(error, loss)
    if limit is not None:
        rule = {name: value for name, value in settings.items() if name != "lam"}
        close(S.stability_limit(np.linalg.eigvalsh(K)[-1], **rule), limit)


def test_reference_numbers_of_scalars():
    for lam, mu, nu, variance in ((1.2, 0.9, 0.5, 0.5264423076923077), (0.8, 0.5, 0.25, 0.5625)):
        close(S.stationary_covariance([[1.0]], [[1.0]], lam, mu, nu), [[variance]])
    close(0.3**2 / S.stationary_covariance([[1.0]], [[1.0]], 0.3, 0.5, 0.7)[0, 0], 0.5741221374045801)  # h(1)
    close(S.continuous_covariance(K, C, 0.5), symmetric(0.3079710144927536, -0.2898550724637681, 1.1159420289855069))


def test_reference_numbers_of_natural_gradient():
    sigma = S.ngd_covariance(K, C, 0.8, 0.5)
    close(sigma, symmetric(1.316247097931763, -1.2070478357264949, 4.488536913737495))
    close(np.trace(K @ sigma) / 2, 1.5388482102549563)


@pytest.mark.parametrize("seed", range(20))
def test_natural_gradient_with_fisher_noise_is_a_fixed_point(seed):
    rng = np.random.default_rng(seed)
    n, N, batch = int(rng.integers(1, 5)), 50, 4
    hessian, _ = stable(n, rng)
    mu, lam, c = rng.uniform(-0.5, 0.9), rng.uniform(0.1, 3), (N - batch) / (N * batch)
    sigma = lam * ((1 + mu) * c + 1 - mu) / (2 * (1 - mu**2)) * np.linalg.inv(hessian)  # [D] equation 63
    noise = c * hessian @ sigma @ hessian  # proportional to the Fisher matrix
    close(S.ngd_covariance(hessian, noise, lam, mu), sigma)
    fixed = lam * np.linalg.inv(hessian @ sigma @ hessian)
    close(S.stationary_covariance(hessian, noise, fixed, mu), sigma, rtol=1e-9)
    if seed == 0:
        error = 0.8 * (1.5 * c + 0.5) / (2 * 0.75)  # D = 2: Tr[K Sigma] / 2 at lam = 0.8, mu = 0.5
        close(error, 0.4506666666666667)


EXTREMES = [
    (0.3, 1.7, 0.5, None), (1e-9, 1.0, 0.0, None), (1e-9, 1e-7, 0.999, None), (1e-12, 1.9, -0.9, None), (1.0, 1.999999, 0.0, None),
    (1e-8, 0.5, 0.999, 0.3), (3.49, 3.5, 0.5, 0.7), (1e-10, 2e-10, 0.9, 1.0), (1e-3, 1.9, 0.99, 0.0), (2.9999999, 1e-9, 0.5, None),
]


@pytest.mark.parametrize(("x", "y", "mu", "nu"), [(x * 0.999, y * 0.999, mu, nu) for x, y, mu, nu in EXTREMES])
def test_digits_are_kept_everywhere(x, y, mu, nu):
    """Against the moments' linear equations in rationals: flat and sharp directions, mu near 1, near the limit."""
    limit = S.stability_limit(1.0, mu, nu)
    x, y = min(x, limit * (1 - 1e-6)), min(y, limit * (1 - 1e-6))
    exact = [sympy.Rational(number) if number is not None else None for number in (x, y, mu, nu)]

    def step(k):
        mu, nu = exact[2:]
        fresh, direct, carried = (1, 1, mu) if nu is None else (1 - mu, 1 - mu * nu, mu * nu)
        return sympy.Matrix([[1 - direct * k, -carried], [fresh * k, mu]]), sympy.Matrix([-direct, fresh])

    sigma = S.stationary_covariance(np.diag([x, y]), np.ones((2, 2)), 1.0, mu, nu)
    for i, j in ((0, 0), (0, 1), (1, 1)):
        (a, p), (b, q) = step(exact[i]), step(exact[j])
        moments = (sympy.eye(4) - sympy.kronecker_product(a, b)).LUsolve(sympy.kronecker_product(p, q))
        condition = 1 / min(1, 1 - max(x, y) / limit)  # of the problem itself
        assert sigma[i, j] == pytest.approx(float(moments[0]), rel=4e-15 * (4 + condition))


def test_natural_gradient_without_noise_is_marginal():
    sigma = S.ngd_covariance(K, 0 * C, 0.8, 0.5)
    rates = np.linalg.eigvals(0.8 * np.linalg.inv(K @ sigma @ K) @ K)
    close(rates, [3, 3])  # 2 (1 + mu)
    with pytest.raises(ERRORS, match="no stationary state"):
        S.stationary_covariance(K, 0 * C, 0.8 * np.linalg.inv(K @ sigma @ K), 0.5)


@pytest.mark.parametrize(("c", "holds"), [(0.5, False), (4.0, False), (9.0, True)])
def test_natural_gradient_that_follows_its_covariance_may_be_unstable(c, holds):
    """One weight, k = lam = 1, mu = 0: the preconditioner is that of the moment's variance s."""
    fixed = float(S.ngd_covariance([[1.0]], [[c]], 1.0)[0, 0])
    assert (1 / fixed < 2 - sqrt(2)) is holds
    s = fixed * (1 + 1e-6)
    for _ in range(60):
        s = s - 2 + 1 / s + c / s**2
    assert (abs(s - fixed) < 1e-6 * fixed) is holds


RULES = {
    "sgd": (0.0, None), "heavy ball": (0.6, None), "negative momentum": (-0.5, None), "strong momentum": (0.9, None),
    "qhm 0": (0.5, 0.0), "qhm 0.3": (0.6, 0.3), "qhm 0.5": (0.9, 0.5), "qhm 0.7": (-0.4, 0.7), "qhm 1": (0.8, 1.0),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_against_the_lyapunov_equation(rule, n):
    mu, nu = RULES[rule]
    rng = np.random.default_rng(n)
    for fraction in (0.05, 0.3, 0.7, 0.9, 0.99):
        hessian, noise = stable(n, rng)
        highest = np.linalg.eigvalsh(hessian)[-1]
        number = fraction * S.stability_limit(highest, mu, nu)
        root = rng.normal(size=(n, n)) + 2 * np.eye(n)
        matrix = root @ root.T
        matrix *= fraction * S.stability_limit(np.linalg.eigvals(matrix @ hessian).real.max(), mu, nu)
        newton = fraction * S.stability_limit(1.0, mu, nu) * np.linalg.inv(hessian)
        for lam in (number, matrix, (newton + newton.T) / 2):
            right = lyapunov(hessian, noise, lam, mu, nu)
            found = S.stationary_covariance(hessian, noise, lam, mu, nu)
            close(found, right, rtol=0, atol=1e-9 * np.abs(right).max())
            close(S.approximation_error(hessian, noise, lam, mu, nu), np.trace(hessian @ right) / 2, rtol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_natural_gradient_against_the_lyapunov_equation(n):
    rng = np.random.default_rng(n)
    for mu in (-0.5, 0.0, 0.6, 0.9):
        for lam in (0.1, 1.0, 5.0):  # no upper limit
            hessian, noise = stable(n, rng, 0.5)
            noise = noise + 0.3 * np.eye(n)
            sigma = S.ngd_covariance(hessian, noise, lam, mu)
            fixed = lam * np.linalg.inv(hessian @ sigma @ hessian)
            right = lyapunov(hessian, noise, (fixed + fixed.T) / 2, mu)
            close(sigma, right, rtol=0, atol=1e-9 * np.abs(right).max())


@given(st.floats(0.05, 5), st.floats(-0.95, 0.95), st.one_of(st.none(), st.floats(0, 1)))
def test_the_stability_limit_is_necessary_and_sufficient(k, mu, nu):
    limit = S.stability_limit(k, mu, nu)
    for factor, inside in ((0.2, True), (0.999, True), (1.001, False), (1.5, False)):
        radius = np.abs(np.linalg.eigvals(companion(np.array([[k]]), factor * limit, mu, nu)[0])).max()
        assert bool(radius < 1) is inside
        if inside:
            assert S.stationary_covariance([[k]], [[1.0]], factor * limit, mu, nu)[0, 0] > 0
            continue
        for function in (S.stationary_covariance, S.approximation_error):
            with pytest.raises(ERRORS, match=r"no stationary state.*must be below") as caught:
                function([[k]], [[1.0]], factor * limit, mu, nu)
            assert f"{limit:.6g}" in str(caught.value)


def test_at_the_stability_limit_itself():
    eye = np.eye(2)
    for rule in ((0.0, None), (0.5, None), (0.5, 0.7)):
        limit = S.stability_limit(1.0, *rule)
        with pytest.raises(ERRORS, match=rf"lam must be below {limit:.6g}"):
            S.stationary_covariance(eye, eye, limit, *rule)
        with pytest.raises(ERRORS, match=rf"largest eigenvalue of lam K must be below {limit:.6g}"):
            S.stationary_covariance(eye, eye, limit * eye, *rule)
        assert np.isfinite(S.stationary_covariance(eye, eye, limit * (1 - 1e-12), *rule)).all()


@pytest.mark.parametrize("seed", range(10))
def test_matrix_equations_and_special_cases(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5))
    k, c = stable(n, rng)
    highest = np.linalg.eigvalsh(k)[-1]
    eye = np.eye(n)
    lam, mu = rng.uniform(0.1, 1.9) / highest, rng.uniform(-0.5, 0.9)
    sgd = S.stationary_covariance(k, c, lam)
    close(sgd @ k + k @ sgd - lam * k @ sgd @ k, lam * c, atol=1e-11)  # (8)
    lam = rng.uniform(0.05, 0.95) * S.stability_limit(highest, mu)
    s = S.stationary_covariance(k, c, lam, mu)
    scale = np.abs(s).max()
    left = (1 - mu) * lam * (k @ s + s @ k) - (1 + mu**2) / (1 - mu**2) * lam**2 * k @ s @ k
    left += mu / (1 - mu**2) * lam**2 * (k @ k @ s + s @ k @ k)
    close(left, lam**2 * c, rtol=0, atol=1e-11 * scale)  # (16)
    a = lam * k / (1 + mu)
    commuting = lam**2 / (1 - mu**2) * np.linalg.inv(a @ (2 * eye - a)) @ k  # (18) corrected, C = K
    close(S.stationary_covariance(k, k, lam, mu), commuting, rtol=1e-9)
    close(S.stationary_covariance(k, c, lam, mu), S.stationary_covariance(k, c, lam * eye, mu), rtol=1e-9, atol=1e-11 * scale)
    along = np.einsum("ia,ij,ja->a", np.linalg.eigh(k)[1], c, np.linalg.eigh(k)[1])
    values = np.linalg.eigvalsh(k)
    close(S.approximation_error(k, c, lam, mu), lam / (2 * (1 - mu)) * (along / (2 - lam * values / (1 + mu))).sum())  # (27)
    lam = rng.uniform(0.1, 1.9) / highest
    s2, share = 0.7, 0.4  # Theorem 3: C = s2 + a K
    law = lam * (s2 * eye + share * k) @ np.linalg.inv(k @ (2 * eye - lam * k))
    close(S.stationary_covariance(k, s2 * eye + share * k, lam), law, rtol=1e-9)
    lam = 0.9 * min(2, S.stability_limit(1.0, mu) / (1 - mu)) / highest
    plain = S.stationary_covariance(k, c, lam)
    close(S.stationary_covariance(k, c, lam, mu, 0.0), plain, atol=1e-13)  # nu = 0: SGD, whatever mu
    close(S.stationary_covariance(k, c, lam, mu, 1.0), S.stationary_covariance(k, c, lam * (1 - mu), mu), atol=1e-13)
    slow = S.continuous_covariance(k, c, lam, mu)
    close(slow, solve_sylvester(k, k, lam / (1 - mu) * c), rtol=1e-9, atol=1e-12)  # (4)
    tiny = 1e-6 / highest
    close(S.stationary_covariance(k, c, tiny, mu), S.continuous_covariance(k, c, tiny, mu), rtol=1e-4, atol=1e-9)
    close(S.stationary_covariance(k, 0 * c, lam), 0 * c)


def test_commuting_noise_and_commuting_covariance_are_one():
    """[D] Lemma 1."""
    rng = np.random.default_rng(0)
    k, c = stable(3, rng)
    values, turn = np.linalg.eigh(k)
    with_k = (turn * rng.uniform(0, 1, 3)) @ turn.T
    lam = 1.0 / values[-1]
    for noise, commutes in ((with_k, True), (c, False)):
        sigma = S.stationary_covariance(k, noise, lam, 0.4)
        assert bool(np.abs(sigma @ k - k @ sigma).max() < 1e-12) is commutes


NOISES = {
    "gaussian": lambda rng, shape: rng.standard_normal(shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1,
    "two-point": lambda rng, shape: rng.choice([-0.5, 2.0], size=shape, p=[0.8, 0.2]),
}


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(
    ("lam", "mu", "nu"), [(1.2, 0.0, None), (1.5, 0.6, None), (1.6, 0.5, 0.7), (LAMBDA, 0.3, None)],
    ids=["sgd", "heavy ball", "quasi-hyperbolic", "preconditioned"],
)
def test_simulations(noise, lam, mu, nu):
    rng = np.random.default_rng(7)
    runs, root = 20_000, np.linalg.cholesky(C)
    w, m = np.zeros((runs, 2)), np.zeros((runs, 2))
    rate = lam * np.eye(2) if np.ndim(lam) == 0 else lam
    for _ in range(60):
        gradient = w @ K + NOISES[noise](rng, (runs, 2)) @ root.T
        m = mu * m + (1.0 if nu is None else 1 - mu) * gradient
        w = w - (m if nu is None else (1 - nu) * gradient + nu * m) @ rate
    squares = np.stack([w[:, 0] ** 2, w[:, 0] * w[:, 1], w[:, 1] ** 2])
    error = squares.std(axis=1) / sqrt(runs)
    sigma = S.stationary_covariance(K, C, lam, mu, nu)[[0, 0, 1], [0, 1, 1]]
    assert (np.abs(squares.mean(axis=1) - sigma) < 3.3 * error).all()  # 99.9 %
    assert (error[[0, 2]] < 0.02 * sigma[[0, 2]]).all()
    losses = np.einsum("ri,ij,rj->r", w, K, w) / 2
    assert abs(losses.mean() - S.approximation_error(K, C, lam, mu, nu)) < 3.3 * losses.std() / sqrt(runs)


def heavy_ball_variance(k, lam, mu):
    """Of one weight with unit noise, in Fractions: lam (1 + mu) / (k (1 - mu) (2 (1 + mu) - lam k))."""
    k, lam, mu = map(Fraction, (k, lam, mu))
    return lam * (1 + mu) / (k * (1 - mu) * (2 * (1 + mu) - lam * k))


@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-10, 1e-14])
@pytest.mark.parametrize("sign", [1, -1])
def test_momentum_near_its_ends(gap, sign):
    mu = sign * (1 - gap)
    for share in (0.1, 0.5, 0.99):
        lam = share * S.stability_limit(2.0, mu)
        wanted = heavy_ball_variance(2.0, lam, mu)
        assert float(Fraction(S.stationary_covariance([[2.0]], [[1.0]], lam, mu)[0, 0].item()) / wanted - 1) == pytest.approx(0, abs=1e-12)
        assert S.approximation_error([[2.0]], [[1.0]], lam, mu) == pytest.approx(float(wanted), rel=1e-12)


def test_tiny_rates_do_not_underflow():
    assert S.stationary_covariance([[1.0]], [[1.0]], 1e-200)[0, 0] == pytest.approx(5e-201)


def test_noise_along_no_direction_does_not_grow():
    assert S.escape_efficiency_continuous([[-5.0]], [[0.0]], 1, 2000) == 0
    assert S.escape_rate_1d(lambda w: w, 0.5, 0.01, (-1, 1), n=np.int64(1600)) >= 0
