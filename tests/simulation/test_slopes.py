"""Runs less prediction, of order d, is of order d + 1 in eta: the slope beside all runs enumerated, and beside simulated ones."""

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.expansion import OBSERVABLES
from oracles.enumerated_runs import EVERY_KIND, enumerated, expected, landscape
from oracles.plain_sgd import Plain
from oracles.ruled_runs import ETAS, GRIDS, RULES

LINEAR = [rule for rule in RULES if rule not in ("adam", "rmsprop", "clipped")]  # the others have no series in eta


def left_over(kind, rule, spacetime, eta, names):
    """For each observable and d = 1, 2, 3 the length of what all runs average, less the prediction."""
    update, optimizer = RULES[rule]
    every = enumerated(kind, spacetime, eta, lambda oracle, batches, eta: Plain.moved_by(oracle, optimizer, batches, eta))
    found = []
    for name in names:
        told = fd.predict(landscape(kind), spacetime, eta, 3, observable=name, update=update, resummed=False).by_order
        told = np.cumsum(np.array(told, np.float64), axis=0)
        found.append([np.linalg.norm(expected(name, *every)[0] - told[d]) for d in (1, 2, 3)])
    return np.array(found)


def slopes(kind, rule, spacetime, names):
    """(observables, 3), of the first rate and half of it."""
    first, second = (left_over(kind, rule, spacetime, eta, names) for eta in (ETAS[kind] / 50, ETAS[kind] / 100))
    return np.log2(first / second)


def has(kind, name, rule):
    return kind != "field" or (name in ("displacement", "covariance") and rule != "newton")


@pytest.mark.parametrize(("kind", "rule", "grid"), [
    ("logistic", "momentum", "two epochs"), ("samples", "newton", "batches"), ("softmax", "schedule", "replacement"),
])  # fmt: skip
def test_slopes(kind, rule, grid):
    found = slopes(kind, rule, GRIDS[grid], ("test_loss", "train_loss", "displacement"))
    np.testing.assert_allclose(found, np.broadcast_to([2, 3, 4], found.shape), atol=0.15)


@pytest.mark.long
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize("rule", LINEAR)
def test_every_slope(rule, kind, grid):
    names = [name for name in OBSERVABLES if has(kind, name, rule)]
    if not names:
        pytest.skip("a field has no Hessian")
    found = slopes(kind, rule, GRIDS[grid], names)
    np.testing.assert_allclose(found, np.broadcast_to([2, 3, 4], found.shape), atol=0.2)


@pytest.mark.parametrize(("kind", "rule", "grid", "runs"), [
    ("squares", "nesterov", "cyclic", 300_000),
    pytest.param("squares", "nesterov", "cyclic", 1_000_000, marks=pytest.mark.long),
    pytest.param("logistic", "momentum", "two epochs", 1_000_000, marks=pytest.mark.long),
])  # fmt: skip
def test_simulated_slopes(kind, rule, grid, runs):
    """Both rates on the same runs; what a slope may be off by is three of its standard errors, and 0.3 at these rates."""
    rates, update = np.array([0.1, 0.05]), RULES[rule][0]
    measured = fd.simulate(landscape(kind), GRIDS[grid], rates, runs, update=update)
    told = fd.predict(landscape(kind), GRIDS[grid], rates, 3, update=update, resummed=False).by_order
    for d in (1, 2, 3):
        left = np.abs(measured.mean - np.sum(told[: d + 1], axis=0))
        slope, error = np.log2(left[0] / left[1]), np.hypot(*(measured.stderr / left)) / np.log(2)
        assert error < 0.25
        assert abs(slope - (d + 1)) < 0.3 + 3 * error, d
