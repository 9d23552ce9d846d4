"""Every update rule simulated, against all runs enumerated with the optimizers' definitions in NumPy."""

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.expansion import OBSERVABLES
from oracles import plain_optimizers as plain
from oracles.enumerated_runs import KINDS, enumerated, expected, landscape
from oracles.plain_sgd import Plain

U = fd.updates
ETAS = {"logistic": 0.5, "samples": 0.1, "symbolic": 0.1}
MATRIX = np.array([[0.15, 0.05], [0.05, 0.08]])
FACTORS = [1.0, 0.5, 2.0, 0.25]
RULES = {
    "momentum": (U.momentum(0.6), plain.heavy_ball(0.6)),
    "nesterov": (U.nesterov(0.6), plain.nesterov(0.6)),
    "quasi-hyperbolic": (U.quasi_hyperbolic(0.7, 0.4), plain.quasi_hyperbolic(0.7, 0.4)),
    "decay": (U.weight_decay(0.2), plain.heavy_ball(decay=0.2)),
    "decay with momentum": (U.weight_decay(0.2, 0.5), plain.heavy_ball(0.5, decay=0.2)),
    "schedule": (U.schedule(FACTORS), plain.heavy_ball(rates=FACTORS)),
    "momentum, schedule": (U.momentum(0.6).with_schedule(FACTORS), plain.heavy_ball(0.6, FACTORS)),
    "newton": (U.regularized_newton(0.7), plain.regularized_newton(0.7)),
    "adam": (U.adam(0.8, 0.9, 0.1), plain.adam(0.8, 0.9, 0.1)),
    "rmsprop": (U.rmsprop(0.9, 0.3).with_schedule(FACTORS), plain.adam(0.0, 0.9, 0.3, False, FACTORS)),
    "clipped": (U.clipped(0.8, U.momentum(0.5)), plain.heavy_ball(0.5, clip=0.8)),
}
GRIDS = {
    "two epochs": fd.Spacetime(N=2, T=4),
    "batches": fd.Spacetime(N=4, B=2, T=2),
    "cyclic": fd.Spacetime(N=2, T=3, sampling="cyclic"),
    "replacement": fd.Spacetime(N=3, B=2, T=2, sampling="replacement"),
}


def meets(kind, rule, spacetime, runs, names=OBSERVABLES, eta=None, seed=1):
    """Whether all observables lie within four standard errors of all runs, and no other rule's do."""
    update, optimizer = RULES[rule]
    eta = ETAS[kind] if eta is None else eta
    every = enumerated(kind, spacetime, eta, lambda oracle, batches, eta: Plain.moved_by(oracle, optimizer, batches, eta))
    for name in names:
        measured = fd.simulate(landscape(kind), spacetime, eta, runs, seed=seed, update=update, observable=name)
        mean, deviation = expected(name, *every)
        assert (np.abs(measured.mean - mean) < 4 * deviation / np.sqrt(runs) + 1e-14).all(), (name, rule, kind)
        np.testing.assert_allclose(measured.stderr, deviation / np.sqrt(runs), rtol=0.1)
    return every


@pytest.mark.parametrize("rule", RULES)
def test_rules_meet_their_enumeration(rule):
    place = list(RULES).index(rule)
    kind, grid = KINDS[place % 3], list(GRIDS.values())[place % 4]
    meets(kind, rule, grid, 20_000, ("train_loss", "displacement"))


@pytest.mark.parametrize("rule", ["momentum", "nesterov", "newton", "adam", "clipped"])
def test_a_matrix_of_learning_rates(rule):
    meets(KINDS[len(rule) % 3], rule, GRIDS["batches"], 20_000, ("displacement",), MATRIX)


@pytest.mark.long
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_observable_and_landscape(rule, kind, grid):
    meets(kind, rule, GRIDS[grid], 100_000)
    if grid == "batches":
        meets(kind, rule, GRIDS[grid], 100_000, eta=MATRIX)
