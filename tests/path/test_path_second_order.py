"""Noise order 2 about the path, beside brute force in Fractions: the coefficients of eps^3 and eps^4.

The noise's fourth cumulant is of order 3 and also of eps^4. It is 0 here: f_x = x f + y g with x in {-2, 0, 1} and
y in {-1, 0, 1}, independent, whose fourth cumulants vanish (that of x has a third).
"""

from fractions import Fraction

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.path import predicted_about_path
from oracles.noise_oracle import Descent, landscape, observables

F = Fraction
SKEWED = {-2: F(1, 6), 0: F(1, 2), 1: F(1, 3)}
EVEN = {-1: F(1, 6), 0: F(2, 3), 1: F(1, 6)}
NAMES = ("test_loss", "train_loss", "generalization_gap", "displacement", "covariance", "test_loss_variance")


def noise_of(f, g=None):
    """Points and chances of x f + y g."""
    others = EVEN if g else {0: F(1)}
    points = [
        {e: x * f.get(e, 0) + y * (g or {}).get(e, 0) for e in {*f, *(g or {})}} for x in SKEWED for y in others
    ]
    return points, [p * q for p in SKEWED.values() for q in others.values()]


LINE = {(1,): F(1), (2,): F(3, 2), (3,): F(-1, 2), (4,): F(1, 4), (5,): F(1, 5), (6,): F(-1, 7)}
PLANE = {
    (1, 0): F(1), (2, 0): F(1), (0, 2): F(2), (1, 1): F(1, 2), (3, 0): F(1, 3), (1, 2): F(-1, 2), (0, 1): F(-1), (2, 2): F(1, 3),
    (1, 3): F(1, 4), (4, 1): F(1, 5),
}
PROBLEMS = {
    "line": (LINE, *noise_of({(1,): F(1), (2,): F(1, 2), (3,): F(1, 3), (4,): F(1, 5)}), [F(1, 2)], F(1, 7)),
    "line, two": (LINE, *noise_of({(1,): F(1), (2,): F(1, 2)}, {(1,): F(-1, 2), (3,): F(1, 2)}), [F(-1, 2)], F(1, 7)),
    "plane": (
        PLANE, *noise_of({(1, 0): F(1), (0, 1): F(1, 2), (1, 1): F(1, 2)}, {(0, 1): F(1), (2, 0): F(1, 3), (1, 2): F(1, 4)}),
        [F(1, 2), F(-1)], F(1, 5),
    ),
}


@pytest.mark.parametrize(
    ("problem", "N", "B", "T"),
    [
        ("line", 3, 1, 3), ("line", 4, 2, 2), ("line", 4, 1, 2), ("line, two", 2, 1, 2), ("plane", 2, 1, 2),
        *(pytest.param(*case, marks=pytest.mark.long) for case in (("line", 4, 1, 4), ("line, two", 3, 1, 3), ("plane", 3, 1, 3))),
    ],
)
def test_every_observable_equals_brute_force(problem, N, B, T):
    loss, noises, chances, start, eta = PROBLEMS[problem]
    expected = observables(loss, noises, chances, start, eta, N, B, T, "reshuffle", 4)
    land = landscape(loss, noises, chances, start)
    for name in NAMES:
        for rate in (eta, float(eta)):
            series = predicted_about_path(land, [fd.Spacetime(N, B, T)], [rate], 2, name)
            found, both = series.by_order[2][0, 0], np.add(expected[name][3], expected[name][4])
            if rate is eta:
                assert np.array_equal(found, both), name
            else:
                assert np.array(found, float) == pytest.approx(np.array(both, float), rel=1e-11, abs=1e-15), name


def test_a_schedule_and_a_matrix():
    loss, noises, chances, start, _ = PROBLEMS["plane"]
    metric, rates = [[F(1, 5), F(1, 20)], [F(1, 20), F(1, 4)]], [F(1), F(1, 2)]

    def rule(theta, eta):
        return Descent(theta, eta, rates=rates)

    expected = observables(loss, noises, chances, start, metric, 2, 1, 2, "reshuffle", 4, rule)
    land = landscape(loss, noises, chances, start)
    for name in NAMES:
        series = predicted_about_path(
            land, [fd.Spacetime(2, 1, 2)], [F(1)], 2, name, update=fd.updates.schedule(rates), metric=np.array(metric, dtype=object)
        )
        assert np.array_equal(series.by_order[2][0, 0], np.add(expected[name][3], expected[name][4])), name


RULES = {
    "momentum": (fd.updates.momentum(F(1, 2)), {"mu": F(1, 2)}),
    "nesterov with a schedule": (
        fd.updates.nesterov(F(1, 2)).with_schedule([1, 2, F(1, 2)]), {"mu": F(1, 2), "nesterov": True, "rates": [1, 2, F(1, 2)]},
    ),
    "decay with momentum": (fd.updates.weight_decay(F(1, 10), F(1, 3)), {"decay": F(1, 10), "mu": F(1, 3)}),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("problem", "T"), [("line", 3), pytest.param("plane", 2, marks=pytest.mark.long)])
def test_rules_equal_brute_force(rule, problem, T):
    loss, noises, chances, start, eta = PROBLEMS[problem]
    update, options = RULES[rule]
    expected = observables(loss, noises, chances, start, eta, T, 1, T, "reshuffle", 4, lambda theta, eta: Descent(theta, eta, **options))
    land = landscape(loss, noises, chances, start)
    for name in NAMES:
        series = predicted_about_path(land, [fd.Spacetime(T, 1, T)], [eta], 2, name, update=update)
        assert np.array_equal(series.by_order[2][0, 0], np.add(expected[name][3], expected[name][4])), name
