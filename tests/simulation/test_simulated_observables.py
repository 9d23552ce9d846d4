"""Simulated observables against the same enumerated in full, over all training sets and batches."""

import math
from itertools import product

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.errors import InputError, TooLargeError
from fastdiag.expansion import OBSERVABLES
from fastdiag.kernels import logistic_points, polynomial_points
from fastdiag.simulation.run_statistics import Spread
from oracles.enumerated_runs import KINDS, enumerated, expected, landscape, point_loss, symbolic
from oracles.plain_sgd import UNEVEN, Plain, logistic, samples

RUNS = 20_000
ETAS = {"logistic": 0.8, "samples": 0.1, "symbolic": 0.1}
GRIDS = [
    fd.Spacetime(N=2, T=4, sampling="cyclic"),
    fd.Spacetime(N=4, B=2, T=1),  # rows that are not visited
    fd.Spacetime(N=3, T=5),
    fd.Spacetime(N=3, B=2, T=2, sampling="replacement"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spacetime", GRIDS, ids=str)
def test_simulated_is_enumerated(kind, spacetime):
    land, runs = landscape(kind), enumerated(kind, spacetime, ETAS[kind])
    for name in OBSERVABLES:
        mean, deviation = expected(name, *runs)
        measured = fd.simulate(land, spacetime, ETAS[kind], RUNS, seed=2, observable=name)
        assert np.shape(measured.mean) == np.shape(measured.stderr) == np.shape(mean)
        assert (np.abs(measured.mean - mean) < 4.5 * measured.stderr).all(), name
        np.testing.assert_allclose(measured.stderr, deviation / math.sqrt(RUNS), rtol=0.08)
        assert measured.diverged == 0
        assert measured.observable == name


def test_prediction_meets_simulation():
    """Each observable's resummed prediction lies in the interval that simulation gives it; the gap is not zero."""
    rng = np.random.default_rng(1)
    land = fd.landscapes.logistic(rng.normal(size=(40, 3)), rng.integers(2, size=40), [0.2, -0.1, 0.0], 0.1)
    spacetime = fd.Spacetime(N=6, B=2, E=2)
    for name in OBSERVABLES:
        measured = fd.simulate(land, spacetime, 0.05, 60_000, observable=name)
        predicted = fd.predict(land, spacetime, 0.05, 4, name).total
        assert (np.abs(measured.mean - predicted) < 4 * measured.stderr).all(), name
        assert (np.abs(np.asarray(measured.mean)) > 10 * np.asarray(measured.stderr)).any()


@pytest.mark.parametrize("name", OBSERVABLES)
def test_learning_rates_are_apart_and_threads_do_not_matter(name):
    grid = fd.Spacetime(N=4, B=2, T=3)
    for land in (logistic(), samples(), symbolic()):
        runs = [fd.simulate(land, grid, [0.05, 0.1], 700, seed=3, threads=t, observable=name) for t in (1, 3)]
        alone = fd.simulate(land, grid, 0.1, 700, seed=3, observable=name)
        for column in ("mean", "stderr"):
            first, second, single = (getattr(r, column) for r in (*runs, alone))
            assert np.array_equal(first, second)
            assert np.array_equal(first[1], single)


def test_fresh_data_have_no_training_set_of_their_own():
    grid = fd.Spacetime(N=math.inf, T=3)
    for land in (logistic(), samples(), symbolic()):
        gap, train, test = (
            fd.simulate(land, grid, 0.1, 300, observable=name)
            for name in ("generalization_gap", "train_loss", "test_loss")
        )
        assert (gap.mean, gap.stderr) == (0, 0)
        assert train.mean == test.mean
    with pytest.raises(TooLargeError, match="generalization_gap needs all N"):
        fd.simulate(logistic(), fd.Spacetime(N=10**7, T=3), 0.1, 300, observable="generalization_gap")
    with pytest.raises(InputError, match="unknown observable 'gap'; known: test_loss, train_loss"):
        fd.simulate(logistic(), grid, 0.1, 300, observable="gap")


def test_train_losses_follow_plain_numpy():
    rng = np.random.default_rng(0)
    rows = rng.integers(3, size=(5, 7))
    for land in (logistic(UNEVEN), *(samples(UNEVEN, degree) for degree in (1, 2, 3, 4))):
        theta, out, oracle = rng.normal(size=(2, 5, 2)), np.empty((2, 5)), Plain(land)
        if oracle.polynomial:
            degree = len(land.derivatives) - 1
            absent = np.empty((0, 0))
            absent.flags.writeable = False  # one type with the landscape's own arrays
            tensors = (*(d.reshape(3, -1) for d in land.derivatives), *[absent] * (4 - degree))
            polynomial_points.polynomial_train_loss(tensors, degree, rows, theta, out)
        else:
            Z = land.X * (1 - 2 * land.y)[:, None]
            logistic_points.logistic_train_loss(Z, land.ridge, rows, theta, out)
        for e, r in product(range(2), range(5)):
            assert out[e, r] == pytest.approx(np.mean([point_loss(oracle, x, theta[e, r]) for x in rows[r]]), rel=1e-12)


def test_merged_spreads_are_those_of_the_whole():
    values = 5 + np.random.default_rng(0).exponential(size=(2, 50, 3)) * [1.0, 2.0, 0.5]
    pieces = [Spread.of(values[:, some]) for some in (slice(0, 3), slice(3, 20), slice(20, 50))]
    merged, whole = pieces[0].merged(pieces[1]).merged(pieces[2]), Spread.of(values)
    whole = whole.of_size(merged.size)
    for field in ("mean", "second", "third", "fourth"):
        np.testing.assert_allclose(getattr(merged, field), getattr(whole, field), rtol=1e-11, atol=1e-11)
    covariance, error = merged.result()
    for e in range(2):
        np.testing.assert_allclose(covariance[e], np.cov(values[e].T), rtol=1e-11)
    assert (error > 0).all()
    values[1, [0, 40]] = math.inf
    lost = Spread.of(values[:, :3]).merged(Spread.of(values[:, 3:]))
    assert lost.diverged.tolist() == [0, 2]
    assert not np.isfinite(lost.result()[0][1]).any()


def test_standard_error_of_a_variance_is_the_textbooks():
    """Of many samples of normal values, with Var(s^2) = 2 sigma^4 / (n - 1), and its like for a covariance."""
    values = np.random.default_rng(1).normal(size=(4000, 200, 2)) @ np.array([[1.0, 0.5], [0.0, 1.0]])
    estimates, errors = Spread.of(values).result()
    np.testing.assert_allclose(estimates.std(axis=0), np.sqrt((errors**2).mean(axis=0)), rtol=0.05)
    exact = np.array([[1.0, 0.5], [0.5, 1.25]])
    own = exact.diagonal()
    np.testing.assert_allclose(
        np.sqrt((errors**2).mean(axis=0)), np.sqrt((np.outer(own, own) + exact**2) / 199), rtol=0.02
    )


def test_repr_tells_the_shape():
    many = fd.simulate(logistic(), fd.Spacetime(N=2, T=2), [0.1, 0.2], 300, observable="displacement")
    assert repr(many) == "<Simulation of the displacement, (2, 2): 300 runs for each learning rate>"
    lower, upper = many.interval
    assert (lower < upper).all()
