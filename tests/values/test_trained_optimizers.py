"""Predictions of resummed rules against the optimizers themselves at finite learning rates, over every training set and order."""


import numpy as np
import pytest

import fastdiag as fd
from fastdiag.spacetime import updates
from oracles import quintic_runs as runs

SCHEDULE = [1.0, 0.5, 2.0, 0.75, 1.5]
RULES = {
    "momentum": updates.momentum, "nesterov": updates.nesterov, "quasi_hyperbolic": lambda mu: updates.quasi_hyperbolic(mu, 0.7),
    "weight_decay": lambda mu: updates.weight_decay(0.25), "schedule": lambda mu: updates.schedule(SCHEDULE),
}


def optimizer(kind, mu):
    """Each as it is defined."""
    def run(gradient, theta, steps, T):
        m = 0 * theta
        for t in range(T):
            g = gradient(t, theta - steps * mu * m if kind == "nesterov" else theta)
            if kind == "schedule":
                theta = theta - steps * SCHEDULE[t] * g
            elif kind == "weight_decay":
                theta = (1 - 0.25) * theta - steps * g
            elif kind == "quasi_hyperbolic":
                m = mu * m + (1 - mu) * g
                theta = theta - steps * ((1 - 0.7) * g + 0.7 * m)
            else:
                m = mu * m + g
                theta = theta - steps * m
        return theta

    return run


@pytest.mark.parametrize("kind", RULES)
@pytest.mark.parametrize(
    "grid",
    [(3, 1, 3, "reshuffle"), (6, 2, 3, "reshuffle"), (2, 1, 4, "reshuffle"), (4, 2, 4, "reshuffle"), (3, 1, 5, "cyclic"),
     (4, 2, 4, "cyclic"), (3, 2, 3, "replacement")],
    ids=str,
)
def test_error_falls_as_eta_to_the_order_plus_one(grid, kind):
    """Nesterov too, whose gradients are not taken where the weights are."""
    N, B, T, sampling = grid
    spacetime = fd.Spacetime(N, B, T, sampling=sampling)
    points, seed, mu = 3 if N < 4 else 2, N + B + T, 0.75
    land = runs.landscape(seed, points)
    for order, (largest, smallest) in runs.WINDOWS.items():
        if order > 3:
            continue
        etas = 2.0 ** -np.arange(largest, smallest + 1)
        exact = runs.trained(seed, points, spacetime, etas, optimizer(kind, mu))
        gap = fd.predict(land, spacetime, etas, order, update=RULES[kind](mu)).total - exact
        assert runs.slope(gap, etas) == pytest.approx(order + 1, abs=0.15)
