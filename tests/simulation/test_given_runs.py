"""Runs on a given training set, against every order of its points enumerated with gradients written out in NumPy."""

import math

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.errors import InputError
from fastdiag.expansion import OBSERVABLES
from oracles.enumerated_runs import expected
from oracles.given_sets import batches_of
from oracles.plain_sgd import Plain, logistic, samples

RUNS = 20_000
ETAS = {"logistic": 0.8, "samples": 0.1}
GRIDS = [
    fd.Spacetime(N=3, T=5), fd.Spacetime(N=3, B=2, T=3, sampling="replacement"), fd.Spacetime(N=3, B=2, E=2, last="keep"),
    fd.Spacetime(N=3, T=4, sampling="cyclic"),
]


def landscape(kind):
    return logistic() if kind == "logistic" else samples()


def held_out(kind):
    """The first two points with other weights."""
    land = landscape(kind)
    if kind == "logistic":
        return fd.landscapes.logistic(land.X[:2], land.y[:2], land.theta, land.ridge, [1, 3])
    return fd.landscapes.samples(*(d[:2] for d in land.derivatives), weights=[1, 3])


def every_order(spacetime):
    """(chance, batches) of all of them."""
    N, B, T = spacetime.N, spacetime.B, spacetime.T
    return [(float(chance), batches) for chance, batches in batches_of(N, B, T, spacetime.sampling, spacetime.last)]


@pytest.mark.parametrize("spacetime", GRIDS, ids=str)
@pytest.mark.parametrize("kind", ETAS)
def test_all_orders_of_the_points(kind, spacetime):
    land, test, eta = landscape(kind), held_out(kind), ETAS[kind]
    ours, theirs, rows = Plain(land), Plain(test), []
    for chance, batches in every_order(spacetime):
        theta = ours.descended(batches, eta)
        rows.append((chance, ours.test_loss(theta), theirs.test_loss(theta), theta - ours.start))
    chances, train, tested, moved = (np.array(column) for column in zip(*rows, strict=True))
    for name in OBSERVABLES:
        mean, deviation = expected(name, chances, tested, train, moved)
        found = fd.simulate(land, spacetime, eta, RUNS, observable=name, training_set="given", test=test)
        assert (np.abs(found.mean - mean) < 4 * deviation / math.sqrt(RUNS) + 1e-14).all(), name
        np.testing.assert_allclose(found.stderr, deviation / math.sqrt(RUNS), rtol=0.1, atol=1e-14)


@pytest.mark.parametrize("kind", ETAS)
def test_gradient_descent_and_the_flow_meet_all_points(kind):
    land, test = landscape(kind), held_out(kind)
    theta = Plain(land).descended([range(3)] * 4, ETAS[kind])
    arguments = land, fd.Spacetime(N=3, T=4), ETAS[kind], 2
    for name, wanted in (("train_loss", Plain(land).test_loss(theta)), ("test_loss", Plain(test).test_loss(theta))):
        found = fd.simulate(*arguments, method="gd", observable=name, training_set="given", test=test)
        assert found.mean == pytest.approx(wanted, rel=1e-12)
        assert found.stderr == pytest.approx(0, abs=1e-12)
    flow = fd.simulate(*arguments, method="ode", observable="train_loss", training_set="given", test=test)
    assert flow.mean == fd.simulate(*arguments, method="ode").mean
    assert "a given training set" in repr(flow)


def test_points_of_a_formula_that_come_twice():
    import sympy

    w, x = sympy.symbols("w x")
    law = fd.landscapes.finite({-1: sympy.Rational(1, 4), 1: sympy.Rational(3, 4)})
    land = fd.landscapes.symbolic((w - x) ** 2 / 2 + w**3 / 10, w, x, law, at=[0])
    spacetime, points = fd.Spacetime(N=4, T=4), [-1, 1, 1, 1]
    ends = []
    for _, batches in every_order(spacetime):
        w = 0.0
        for (row,) in batches:
            w -= 0.3 * (w - points[row] + 0.3 * w**2)
        ends.append(w)
    assert len(ends) == math.factorial(4)
    found = fd.simulate(land, spacetime, 0.3, RUNS, observable="displacement", training_set="given")
    assert abs(found.mean[0] - np.mean(ends)) < 4 * np.std(ends) / math.sqrt(RUNS)
    assert found.stderr[0] == pytest.approx(np.std(ends) / math.sqrt(RUNS), rel=0.05)


def test_what_is_no_training_set_is_refused():
    land, grid = logistic(), fd.Spacetime(N=3, T=3)
    for change, message in (
        ({"spacetime": fd.Spacetime(N=4, T=3), "training_set": "given"}, "N=3, not 4"),
        ({"test": land}, "test goes with training_set='given'"),
        ({"training_set": "mine"}, "unknown training_set 'mine'"),
        ({"training_set": "given", "test": fd.landscapes.gauss()}, "test has 1 weights"),
        ({"method": "sde", "observable": "train_loss"}, "no training points"),
    ):
        with pytest.raises(InputError, match=message):
            fd.simulate(**({"landscape": land, "spacetime": grid, "eta": 0.1} | change))
