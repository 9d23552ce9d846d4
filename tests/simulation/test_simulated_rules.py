"""Every update rule simulated, against all runs enumerated with the optimizers' definitions in NumPy."""

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.expansion import OBSERVABLES
from oracles.enumerated_runs import FIELDS, KINDS, enumerated, expected, landscape
from oracles.plain_sgd import Plain
from oracles.ruled_runs import ETAS, GRIDS, RULES, pairs

MATRIX = np.array([[0.15, 0.05], [0.05, 0.08]])


def meets(kind, rule, spacetime, runs, names=OBSERVABLES, eta=None, seed=1):
    """The most standard errors that an observable is away from all runs: fewer than four."""
    update, optimizer = RULES[rule]
    eta = ETAS[kind] if eta is None else eta
    every = enumerated(kind, spacetime, eta, lambda oracle, batches, eta: Plain.moved_by(oracle, optimizer, batches, eta))
    away = []
    for name in names:
        if kind == "field" and name not in FIELDS:
            continue
        measured = fd.simulate(landscape(kind), spacetime, eta, runs, seed=seed, update=update, observable=name)
        mean, deviation = expected(name, *every)
        away.append(float((np.abs(measured.mean - mean) / (deviation / np.sqrt(runs) + 1e-14)).max()))
        assert away[-1] < 4, (name, rule, kind)
        np.testing.assert_allclose(measured.stderr, deviation / np.sqrt(runs), rtol=0.1)
    return max(away)


@pytest.mark.parametrize("rule", RULES)
def test_rules_meet_their_enumeration(rule):
    place = list(RULES).index(rule)
    kind, grid = KINDS[place % 3], list(GRIDS.values())[place % 4]
    meets(kind, rule, grid, 20_000, ("train_loss", "displacement"))


@pytest.mark.parametrize(
    ("kind", "rule"), [("softmax", "adam"), ("squares", "clipped"), ("directional", "newton"), ("field", "nesterov")]
)
def test_other_kinds_of_landscapes(kind, rule):
    meets(kind, rule, GRIDS["two epochs"], 20_000, ("test_loss", "displacement"))


@pytest.mark.parametrize("rule", ["momentum", "nesterov", "newton", "adam", "clipped"])
def test_a_matrix_of_learning_rates(rule):
    meets(KINDS[len(rule) % 3], rule, GRIDS["batches"], 20_000, ("displacement",), MATRIX)


@pytest.mark.long
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(("rule", "kind"), pairs(RULES))
def test_every_rule_observable_and_landscape(rule, kind, grid):
    meets(kind, rule, GRIDS[grid], 100_000)
    if grid == "batches":
        meets(kind, rule, GRIDS[grid], 100_000, eta=np.kron(np.eye(landscape(kind).dimension // 2), MATRIX))
