"""What stationary laws refuse, and why."""

from math import inf, nan

import numpy as np
import pytest
import sympy

import fastdiag as fd
from oracles.recursions import LAMBDA, C, K

S = fd.stationary
ERRORS = fd.errors.InputError


BAD = np.array([[1.0, 2.0], [2.0, 1.0]])  # indefinite
w, c, x = sympy.symbols("w c x")
LETTER = fd.landscapes.symbolic((w - c) ** 2 / 2 + x * w, w, x, fd.landscapes.normal(), at=[c])  # a minimum somewhere
REFUSED = [
    (lambda: S.stability_limit(0.0), "k_max must be positive"),
    (lambda: S.stability_limit(1.0, 1.0), "momentum mu must lie strictly"),
    (lambda: S.stability_limit(1.0, 0.5, 1.1), r"nu must lie in \[0, 1\]"),
    (lambda: S.stability_limit(nan), "finite number"),
    (lambda: S.stability_limit("1"), "finite number"),
    (lambda: S.stationary_covariance(K, C, 2.0), r"no stationary state.*below 1.86889, not 2"),
    (lambda: S.stationary_covariance(K, C, 3.0, 0.6), r"no stationary state.*below 2.99022, not 3"),
    (lambda: S.stationary_covariance(BAD, C, 0.1), "strict minimum.*least eigenvalue"),
    (lambda: S.stationary_covariance(np.diag([1.0, 0.0]), C, 0.1), "flat directions"),
    (lambda: S.stationary_covariance(K, BAD, 0.1), "C is a covariance"),
    (lambda: S.stationary_covariance(K, C[0], 0.1), "C must have shape"),
    (lambda: S.stationary_covariance(np.ones((2, 3)), C, 0.1), "square matrix"),
    (lambda: S.stationary_covariance(np.eye(3), C, 0.1), "one shape"),
    (lambda: S.stationary_covariance(np.zeros((0, 0)), np.zeros((0, 0)), 0.1), "square matrix"),
    (lambda: S.stationary_covariance([[1, 0.1], [0.2, 1]], C, 0.1), "must be symmetric"),
    (lambda: S.stationary_covariance([[1, nan], [nan, 1]], C, 0.1), "must be finite"),
    (lambda: S.stationary_covariance(K, C, 0.0), "lam must be positive"),
    (lambda: S.stationary_covariance(K, C, -1), "lam must be positive"),
    (lambda: S.stationary_covariance(K, C, inf), "finite number"),
    (lambda: S.stationary_covariance(K, C, BAD), "positive definite"),
    (lambda: S.stationary_covariance(K, C, np.eye(3)), "shape of K"),
    (lambda: S.stationary_covariance(K, C, [0.1, 0.1]), "lam must have shape"),
    (lambda: S.stationary_covariance(K, C, 0.1, mu=-1), "strictly between"),
    (lambda: S.stationary_covariance(K, C, 0.1, mu=0.5, nu=-0.1), r"nu must lie in \[0, 1\]"),
    (lambda: S.approximation_error(K, C, 2.0), r"below 1.86889, not 2"),
    (lambda: S.continuous_covariance(BAD, C, 0.1), "strict minimum"),
    (lambda: S.continuous_covariance(K, C, LAMBDA), "finite number"),
    (lambda: S.continuous_covariance(K, C, 0.1, 1.5), "strictly between"),
    (lambda: S.ngd_covariance(BAD, C, 0.1), "strict minimum"),
    (lambda: S.ngd_covariance(K, BAD, 0.1), "C is a covariance"),
    (lambda: S.ngd_covariance(K, C, 0), "lam must be positive"),
    (lambda: S.ngd_covariance(K, C, 0.1, 1), "strictly between"),
    (lambda: S.sigma_T(K, C, 0.1, -1), "whole number of updates"),
    (lambda: S.sigma_T(K, C, 0.1, 1.5), "whole number of updates"),
    (lambda: S.sigma_T(K, C, 0.1, nan), "finite number"),
    (lambda: S.sigma_T(K, C, 2.0, inf), "no stationary state"),
    (lambda: S.sigma_T(K, BAD, 2.0, 3), "C is a covariance"),
    (lambda: S.escape_efficiency(K, C, 2.0, inf), "no stationary state"),
    (lambda: S.escape_efficiency(K, C, 2.0, 0.5), "whole number"),
    (lambda: S.escape_efficiency_continuous(K, C, 0.5, -1.0), "t must be >= 0"),
    (lambda: S.escape_efficiency_continuous(BAD, C, 0.5, inf), "diverges"),
    (lambda: S.escape_efficiency_continuous(K, C, LAMBDA, 1.0), "finite number"),
    (lambda: S.bayes_learning_rate([1, 0], 10, 1), "strict minimum"),
    (lambda: S.bayes_learning_rate([], 10, 1), "empty"),
    (lambda: S.bayes_learning_rate([1], 10, 10), "batch size S = 10 must be below"),
    (lambda: S.bayes_learning_rate([1], 10, 0), "S must be positive"),
    (lambda: S.bayes_learning_rate([1, nan], 10, 1), "must be finite"),
    (lambda: S.bayes_kl(K, 10, 1, 2.0), "no stationary state.*below 1.86889, not 2"),
    (lambda: S.bayes_kl(BAD, 10, 1, 0.1), "strict minimum"),
    (lambda: S.kramers_rate(0.1, 0, -1, 4, 0.3), "k_a must be positive"),
    (lambda: S.kramers_rate(0.1, 1, 1, 4, 0.3), "k_b is the curvature"),
    (lambda: S.kramers_rate(0.1, 1, -1, 0, 0.3), "S must be positive"),
    (lambda: S.kramers_rate(0.1, 1, -1, 4, 0), "dL must be positive"),
    (lambda: S.kramers_rate(0.1, 1, -1, 4, 0.3, 1.1), "share of the path"),
    (lambda: S.kramers_rate(2.0, 1, -1, 4, 0.3), "must be below 2 / k_a = 2, not 2"),
    (lambda: S.escape_rate_1d(lambda w: w, 0.5, 1.0, (1.0, 0.0)), "left < right"),
    (lambda: S.escape_rate_1d(lambda w: w, 0.5, 1.0, (1.0,)), "pair"),
    (lambda: S.escape_rate_1d(lambda w: w, 0.5, 0.0, (0.0, 1.0)), "noise_std must be positive"),
    (lambda: S.escape_rate_1d(lambda w: w, 0.5, 1e-4, (0.0, 1.0), 64), "use n >="),
    (lambda: S.escape_rate_1d(lambda w: np.ones(3), 0.5, 1.0, (0.0, 1.0), 64), "shape of its argument"),
    (lambda: S.escape_rate_1d(lambda w: w, 0.5, 1.0, (0.0, 1.0), 4), "at least 8"),
    (lambda: S.stationary_covariance(LETTER, 1, 0.1), "starts from numbers, and theta_0 is .c,"),
    (lambda: S.minibatch_stationary(LETTER, lam=0.1), "starts from numbers, and theta_0 is .c,"),
    (lambda: S.valley_drift(LETTER, 0.1), "starts from numbers, and theta_0 is .c,"),
    (lambda: LETTER.plot(), "starts from numbers, and theta_0 is .c,"),
]


@pytest.mark.parametrize(("call", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_has_no_answer_is_refused(call, words):
    with pytest.raises(ERRORS, match=words):
        call()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: S.stationary_covariance([[0.1, 0.3], [0.3, 0.9]], np.eye(2), 0.01), "to rounding not positive"),
        (lambda: S.sigma_T([[-1.0, 0], [0, 0.1]], np.eye(2), 0.5, 10**6), "lam k = -0.5"),
        (lambda: S.escape_efficiency([[-1.0]], [[1.0]], 0.5, 10**6), "lam k = -0.5"),
        (lambda: S.escape_efficiency_continuous([[-5.0]], [[1.0]], 1, 2000), "lam k = -5"),
        (lambda: S.escape_rate_1d(lambda w: w + 1e4, 0.5, 1.0, (-1, 1)), "wider domain"),
        (lambda: S.escape_rate_1d(3, 0.5, 1.0, (-1, 1)), "must be a function"),
        (lambda: S.escape_rate_1d(lambda w: "a", 0.5, 1.0, (-1, 1)), "array of real slopes"),
    ],
)
def test_what_diverges_or_is_no_function(call, words):
    with pytest.raises(fd.FastdiagError, match=words):
        call()


def test_a_minimum_is_one_in_any_unit():
    rng = np.random.default_rng(5)
    X = rng.standard_normal((40, 2))
    y = X @ [1.0, -1.0] + 0.1 * rng.standard_normal(40)
    for unit in (1e-6, 1.0, 1e6):
        away = fd.landscapes.least_squares(X * unit, y, [0.0, 0.0])
        with pytest.raises(ERRORS, match="the gradient is not 0"):
            fd.stationary.minibatch_stationary(away, lam=0.2 / unit**2, batch=4)
        best = np.linalg.lstsq(X * unit, y, rcond=None)[0]
        law = fd.stationary.minibatch_stationary(away.at(best), lam=0.2 / unit**2, batch=4)
        assert law.excess_loss == pytest.approx(0.000136, rel=1e-2)
