"""Noise order 1 about the path, beside brute force in Fractions at a finite learning rate."""

from fractions import Fraction

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.path import predicted_about_path
from oracles.noise_oracle import Descent, centred, landscape, observables

F = Fraction
NAMES = ("test_loss", "train_loss", "generalization_gap", "displacement", "covariance", "test_loss_variance")

LINE = {(1,): F(1), (2,): F(3, 2), (3,): F(-1, 2), (4,): F(1, 4)}
LINE_NOISE = centred([{(1,): F(1), (2,): F(1, 2)}, {(1,): F(-1), (2,): F(1), (3,): F(1, 3)}], [F(1, 3), F(2, 3)])
PLANE = {(1, 0): F(1), (2, 0): F(1), (0, 2): F(2), (1, 1): F(1, 2), (3, 0): F(1, 3), (1, 2): F(-1, 2), (0, 1): F(-1)}
PLANE_NOISE = centred([{(1, 0): F(1), (1, 1): F(1)}, {(0, 1): F(2), (2, 0): F(-1), (0, 3): F(1, 2)}], [F(1, 2), F(1, 2)])
PROBLEMS = {
    "line": (LINE, LINE_NOISE, [F(1, 3), F(2, 3)], [F(1, 2)], F(1, 7)),
    "plane": (PLANE, PLANE_NOISE, [F(1, 2), F(1, 2)], [F(1, 2), F(-1)], F(1, 5)),
}

# N, B, T, sampling: one epoch and several, partial ones, full batches
CASES = [
    (3, 1, 3, "reshuffle"), (4, 2, 2, "reshuffle"), (4, 1, 2, "reshuffle"),
    (3, 1, 5, "reshuffle"), (2, 1, 5, "reshuffle"), (4, 2, 4, "reshuffle"), (4, 2, 5, "reshuffle"), (2, 2, 3, "reshuffle"),
    (3, 1, 5, "cyclic"), (2, 1, 6, "cyclic"), (4, 2, 5, "cyclic"), (3, 3, 3, "cyclic"), (3, 1, 3, "cyclic"),
    (2, 1, 4, "replacement"), (3, 2, 3, "replacement"), (3, 1, 3, "replacement"), (2, 2, 3, "replacement"),
]


def about_path(land, N, B, T, sampling, eta, noise, name, **options):
    series = predicted_about_path(land, [fd.Spacetime(N, B, T, sampling=sampling)], [eta], noise, name, **options)
    return [np.asarray(order[0, 0], dtype=object).tolist() for order in series.by_order]


def marked(quick, cases):
    """Every problem with every case, all but some behind `long`."""
    return [
        pytest.param(problem, *case, marks=() if case in quick[problem] else pytest.mark.long)
        for problem in PROBLEMS for case in cases
    ]


QUICK = {
    "line": [case for case in CASES if case not in ((4, 2, 5, "reshuffle"), (4, 2, 5, "cyclic"), (3, 1, 5, "reshuffle"))],
    "plane": [(4, 2, 2, "reshuffle"), (2, 1, 5, "reshuffle"), (2, 1, 6, "cyclic"), (2, 1, 4, "replacement")],
}


@pytest.mark.parametrize(("problem", "N", "B", "T", "sampling"), marked(QUICK, CASES))
def test_every_observable_equals_brute_force(problem, N, B, T, sampling):
    loss, noises, chances, start, eta = PROBLEMS[problem]
    if problem == "plane" and N * T > 12:
        T = max(2, 12 // N)
    expected = observables(loss, noises, chances, start, eta, N, B, T, sampling, 2)
    land = landscape(loss, noises, chances, start)
    for name in NAMES:
        found = about_path(land, N, B, T, sampling, eta, 1, name)
        assert found == [expected[name][0], expected[name][2]], name
        near = about_path(land, N, B, T, sampling, float(eta), 1, name)
        for exact, close in zip(found, near, strict=True):
            assert np.array(close) == pytest.approx(np.array(exact, float), rel=1e-12, abs=1e-15), name


RULES = {
    "momentum": (fd.updates.momentum(F(1, 2)), {"mu": F(1, 2)}),
    "nesterov": (fd.updates.nesterov(F(1, 2)), {"mu": F(1, 2), "nesterov": True}),
    "decay": (fd.updates.weight_decay(F(1, 10)), {"decay": F(1, 10)}),
    "decay with momentum": (fd.updates.weight_decay(F(1, 10), F(1, 3)), {"decay": F(1, 10), "mu": F(1, 3)}),
    "schedule": (fd.updates.schedule([F(1, t + 1) for t in range(9)]), {"rates": [F(1, t + 1) for t in range(9)]}),
    "momentum with a schedule": (
        fd.updates.momentum(F(-1, 3)).with_schedule([F(1), F(2), F(1, 2), F(1), F(3)]),
        {"mu": F(-1, 3), "rates": [F(1), F(2), F(1, 2), F(1), F(3)]},
    ),
}


OF_RULES = [(3, 1, 3, "reshuffle"), (2, 1, 4, "reshuffle"), (2, 1, 4, "cyclic"), (2, 1, 3, "replacement")]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("problem", "N", "B", "T", "sampling"), marked({"line": OF_RULES, "plane": OF_RULES[3:]}, OF_RULES))
def test_rules_equal_brute_force(rule, problem, N, B, T, sampling):
    loss, noises, chances, start, eta = PROBLEMS[problem]
    update, options = RULES[rule]
    expected = observables(loss, noises, chances, start, eta, N, B, T, sampling, 2, lambda theta, eta: Descent(theta, eta, **options))
    land = landscape(loss, noises, chances, start)
    for name in NAMES:
        assert about_path(land, N, B, T, sampling, eta, 1, name, update=update) == [expected[name][0], expected[name][2]], name


def test_quasi_hyperbolic_is_a_mixture():
    """nu = 1 is momentum by an average of gradients, nu = 0 plain descent."""
    loss, noises, chances, start, eta = PROBLEMS["line"]
    land, args = landscape(loss, noises, chances, start), (2, 1, 5, "reshuffle")
    plain = about_path(land, *args, eta, 1, "test_loss")
    assert about_path(land, *args, eta, 1, "test_loss", update=fd.updates.quasi_hyperbolic(F(1, 2), 0)) == plain
    averaged = about_path(land, *args, eta, 1, "test_loss", update=fd.updates.quasi_hyperbolic(F(1, 2), 1))
    assert averaged == about_path(land, *args, eta / 2, 1, "test_loss", update=fd.updates.momentum(F(1, 2)))


@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic"])
def test_a_matrix_of_learning_rates(sampling):
    loss, noises, chances, start, _ = PROBLEMS["plane"]
    metric = [[F(1, 5), F(1, 20)], [F(1, 20), F(1, 4)]]
    land = landscape(loss, noises, chances, start)
    for N, B, T in ((3, 1, 3), (2, 1, 4)):
        expected = observables(loss, noises, chances, start, metric, N, B, T, sampling, 2)
        for name in NAMES:
            found = about_path(land, N, B, T, sampling, F(1), 1, name, metric=np.array(metric, dtype=object))
            assert found == [expected[name][0], expected[name][2]], name


def test_many_times_and_rates_in_one_pass():
    loss, noises, chances, start, eta = PROBLEMS["plane"]
    land = landscape(loss, noises, chances, start)
    times = [fd.Spacetime(3, 1, T) for T in (7, 1, 4, 7)]
    together = predicted_about_path(land, times, [eta, eta / 2], 1)
    assert together.by_order[1].shape == (2, 4)
    for i, rate in enumerate((eta, eta / 2)):
        for j, st in enumerate(times):
            alone = predicted_about_path(land, [st], [rate], 1)
            assert [x[i, j] for x in together.by_order] == [x[0, 0] for x in alone.by_order]
    assert (sum(together.by_skeleton.values()) == sum(together.by_order)).all()
    assert set(together.by_skeleton) == {"[]", "[a a]", "[b[a a]]", "[a[a]]"}


def test_fresh_data_is_an_epoch_without_end():
    loss, noises, chances, start, eta = PROBLEMS["line"]
    land = landscape(loss, noises, chances, start)
    for name in ("test_loss", "displacement", "covariance", "test_loss_variance"):
        fresh = predicted_about_path(land, [fd.Spacetime(float("inf"), 1, 6)], [eta], 1, name)
        epoch = predicted_about_path(land, [fd.Spacetime(6, 1, 6)], [eta], 1, name)
        assert (fresh.by_order[1] == epoch.by_order[1]).all()
    gap = predicted_about_path(land, [fd.Spacetime(float("inf"), 1, 6)], [eta], 1, "generalization_gap")
    assert not gap.by_order[1].any()
