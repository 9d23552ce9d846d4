"""Runs less prediction, of order d, is of order d + 1 in eta: the slope beside all runs enumerated, and beside simulated ones."""

from itertools import product

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.expansion import OBSERVABLES
from oracles.enumerated_runs import FIELDS, enumerated, expected, landscape
from oracles.plain_sgd import Plain
from oracles.ruled_runs import ETAS, GRIDS, RULES, pairs

LINEAR = [rule for rule in RULES if rule not in ("adam", "rmsprop", "clipped")]  # the others have no series in eta


def left_over(kind, rule, spacetime, eta, names):
    """For each observable and d = 1, 2, 3 what all runs average, less the prediction: (observables, 3), of arrays."""
    update, optimizer = RULES[rule]
    every = enumerated(kind, spacetime, eta, lambda oracle, batches, eta: Plain.moved_by(oracle, optimizer, batches, eta))
    found = []
    for name in names:
        told = fd.predict(landscape(kind), spacetime, eta, 3, observable=name, update=update, resummed=False).by_order
        told = np.cumsum(np.array(told, np.float64), axis=0)
        found.append([expected(name, *every)[0] - told[d] for d in (1, 2, 3)])
    return found


def slopes(kind, rule, spacetime, names):
    """(observables, 3), from three rates, the term of the next order eliminated; inf where nothing but rounding is left."""
    lefts = [left_over(kind, rule, spacetime, ETAS[kind] / k, names) for k in (40, 80, 160)]
    found = np.empty((len(names), 3))
    for i, d in product(range(len(names)), range(3)):
        first, second, third = (np.asarray(left[i][d]) for left in lefts)
        ours, half = (np.linalg.norm(x - 2 ** (d + 3) * y) for x, y in ((first, second), (second, third)))
        found[i, d] = np.log2(ours / half) if half > 5e-13 else np.inf
    return found


@pytest.mark.parametrize(("kind", "rule", "grid"), [
    ("logistic", "momentum", "two epochs"), ("samples", "newton", "batches"), ("softmax", "schedule", "replacement"),
])  # fmt: skip
def test_slopes(kind, rule, grid):
    found = slopes(kind, rule, GRIDS[grid], ("test_loss", "train_loss", "displacement"))
    np.testing.assert_allclose(found, np.broadcast_to([2, 3, 4], found.shape), atol=0.15)


@pytest.mark.long
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(("rule", "kind"), pairs(LINEAR))
def test_every_slope(rule, kind, grid):
    names = [name for name in OBSERVABLES if name in FIELDS or kind != "field"]
    found = slopes(kind, rule, GRIDS[grid], names)
    assert (found > np.array([2, 3, 4]) - 0.15).all()  # more where that order's coefficient vanishes
    for d, column in enumerate(found.T, 2):  # and most often no more, where anything is left
        measured = column[np.isfinite(column)]
        assert not len(measured) or np.median(measured) < d + 0.15


@pytest.mark.parametrize(("kind", "rule", "grid", "runs"), [
    ("squares", "nesterov", "cyclic", 300_000),
    pytest.param("squares", "nesterov", "cyclic", 1_000_000, marks=pytest.mark.long),
    pytest.param("logistic", "momentum", "two epochs", 1_000_000, marks=pytest.mark.long),
])  # fmt: skip
def test_simulated_slopes(kind, rule, grid, runs):
    """Both rates on the same runs; what a slope may be off by is three of its standard errors, and 0.3 at these rates."""
    rates, update = np.array([0.12, 0.06]), RULES[rule][0]
    measured = fd.simulate(landscape(kind), GRIDS[grid], rates, runs, update=update)
    told = fd.predict(landscape(kind), GRIDS[grid], rates, 3, update=update, resummed=False).by_order
    for d in (1, 2, 3):
        left = np.abs(measured.mean - np.sum(told[: d + 1], axis=0))
        slope, error = np.log2(left[0] / left[1]), np.hypot(*(measured.stderr / left)) / np.log(2)
        assert error < 0.25
        assert abs(slope - (d + 1)) < 0.3 + 3 * error, d
