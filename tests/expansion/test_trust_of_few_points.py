"""Trust where next orders are small by symmetry or by accident: beside every sequence of batches of few points."""

import numpy as np
import pytest

import fastdiag as fd
from oracles.given_sets import batches_of

CASES = [(4, 2, 2, "reshuffle", 0.03), (2, 1, 4, "reshuffle", 0.1), (2, 2, 3, "cyclic", 0.3)]
LONG = [(3, 1, 4, "reshuffle", 0.1), (4, 2, 4, "cyclic", 0.03), (4, 2, 4, "reshuffle", 0.3), (5, 5, 1, "cyclic", 0.3)]
pytestmark = pytest.mark.filterwarnings("ignore::fastdiag.errors.TrustWarning")


def problem(seed, N):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(N, 1)) * 2, rng.integers(0, 2, N)


def loss_after(X, y, case, eta):
    """The mean loss after SGD from 0, by all orders of the points."""
    total = 0.0
    for chance, batches in batches_of(*case):
        theta = 0.0
        for batch in map(list, batches):
            z = X[batch, 0] * theta
            theta -= eta * np.mean((1 / (1 + np.exp(-z)) - y[batch]) * X[batch, 0])
        z = X[:, 0] * theta
        total += float(chance) * np.mean(np.logaddexp(0, z) - y * z)
    return total


@pytest.mark.parametrize("case", CASES + [pytest.param(case, marks=pytest.mark.long) for case in LONG], ids=str)
def test_the_error_is_no_larger_than_it_says(case):
    *case, eta = case
    for seed in range(2):
        X, y = problem(seed, case[0])
        land, spacetime = fd.landscapes.logistic(X, y, [0.0]), fd.Spacetime(*case[:3], sampling=case[3])
        true = loss_after(X, y, case, eta)
        for options in ({"noise": 1}, {"order": 2}, {"order": 3}):
            p = fd.predict(land, spacetime, eta, training_set="given", **options)
            if "order" in options and p.trust.step > 1:  # beyond where an expansion about the start is good
                continue
            assert abs(p.total - true) <= 3 * p.trust.error + 1e-13, (seed, options)


def test_an_order_that_vanishes_tells_nothing():
    """Full batches from 0: order 3 is 0, as the loss is even there but for its slope."""
    X, y = problem(0, 5)
    p = fd.predict(fd.landscapes.logistic(X, y, [0.0]), fd.Spacetime(5, 5, 1), 0.3, 2, training_set="given")
    assert p.trust.next_order < 1e-15
    assert p.trust.error == pytest.approx(p.trust.after_next / (1 - p.trust.after_next / p.trust.sizes[-1]), rel=1e-12)
    assert p.trust.error >= p.trust.after_next > abs(p.total - loss_after(X, y, (5, 5, 1, "cyclic"), 0.3)) > 1e-12


def test_noise_order_2_that_a_symmetry_takes_off():
    """From 0 the loss has no third derivative: noise order 2 is 0, and tells nothing of what is left."""
    *case, eta = CASES[0]
    X, y = problem(0, case[0])
    p = fd.predict(fd.landscapes.logistic(X, y, [0.0]), fd.Spacetime(*case[:3], sampling=case[3]), eta, noise=2, training_set="given")
    assert p.trust.sizes[2] < 1e-20
    assert p.trust.error > abs(p.total - loss_after(X, y, case, eta)) > 1e-12
