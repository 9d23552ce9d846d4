"""Simulation against expectations enumerated in full, and against SGD in plain NumPy."""

import math
from itertools import product

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.errors import InputError, UnsupportedError
from fastdiag.kernels import logistic_points, shuffle, training_runs
from fastdiag.simulation.model import model_of
from fastdiag.simulation.packed_rule import packed_rule, rule_scratch
from oracles.plain_sgd import UNEVEN, Plain, logistic, samples

GRIDS = [
    fd.Spacetime(N=2, T=5, sampling="cyclic"),
    fd.Spacetime(N=3, T=5),
    fd.Spacetime(N=4, B=2, T=3),
    fd.Spacetime(N=2, T=4, sampling="replacement"),
    fd.Spacetime(N=3, B=2, T=3, sampling="replacement"),
]


@pytest.mark.parametrize("spacetime", GRIDS, ids=str)
@pytest.mark.parametrize("make", [logistic, samples])
@pytest.mark.parametrize("weights", [None, UNEVEN], ids=["even", "uneven"])
def test_mean_is_the_enumerated_expectation(make, spacetime, weights):
    landscape = make(weights)
    eta = 0.8 if make is logistic else 0.1
    measured = fd.simulate(landscape, spacetime, eta, runs=40_000, seed=1)
    mean, deviation = Plain(landscape).expectation(spacetime, eta)
    assert abs(measured.mean - mean) < 5 * measured.stderr
    assert measured.stderr == pytest.approx(deviation / 200, rel=0.05)
    lower, upper = measured.interval
    assert upper - lower == pytest.approx(2 * 1.96 * measured.stderr)


def test_samplings_are_told_apart():
    """Where they differ by much, each simulation meets its own expectation and no other."""
    landscape = fd.landscapes.samples([0, 0, 0], [[3.0], [-3.0], [1.0]], [[[3.0]], [[0.1]], [[0.5]]])
    grids = [fd.Spacetime(N=3, T=5, sampling=s) for s in ("cyclic", "reshuffle", "replacement")]
    measured = [fd.simulate(landscape, grid, 0.9, runs=100_000) for grid in grids]
    exact = [Plain(landscape).expectation(grid, 0.9)[0] for grid in grids]
    for i, j in product(range(3), repeat=2):
        assert (abs(measured[i].mean - exact[j]) < 5 * measured[i].stderr) == (i == j)


def test_infinite_N_is_fresh_data():
    landscape = logistic(UNEVEN)
    endless = fd.simulate(landscape, fd.Spacetime(N=math.inf, B=2, T=3), 0.5, runs=40_000)
    exact, _ = Plain(landscape).expectation(fd.Spacetime(N=6, B=2, T=3), 0.5)
    assert abs(endless.mean - exact) < 5 * endless.stderr
    long = fd.simulate(landscape, fd.Spacetime(N=math.inf, T=130), 0.1, runs=300)
    assert long.mean < landscape.loss


@pytest.mark.parametrize("make", [logistic, samples])
@pytest.mark.parametrize("weights", [None, UNEVEN], ids=["even", "uneven"])
def test_same_bits_for_any_threads_and_other_bits_for_another_seed(make, weights):
    landscape, grid = make(weights), fd.Spacetime(N=4, B=2, T=7)
    runs = [fd.simulate(landscape, grid, [0.05, 0.1], runs=1111, threads=t, seed=3) for t in (1, 2, 5, 1)]
    for other in runs[1:]:
        assert np.array_equal(runs[0].mean, other.mean)
        assert np.array_equal(runs[0].stderr, other.stderr)
    reseeded = fd.simulate(landscape, grid, [0.05, 0.1], runs=1111, threads=1, seed=4)
    assert not (runs[0].mean == reseeded.mean).any()


@pytest.mark.parametrize("make", [logistic, samples])
@pytest.mark.parametrize("sampling", ["cyclic", "reshuffle", "replacement"])
def test_learning_rates_share_their_random_numbers(make, sampling):
    landscape, grid = make(UNEVEN), fd.Spacetime(N=4, B=2, T=5, sampling=sampling)
    both = fd.simulate(landscape, grid, [0.05, 0.11], runs=700)
    for i, eta in enumerate((0.05, 0.11)):
        alone = fd.simulate(landscape, grid, eta, runs=700)
        assert (both.mean[i], both.stderr[i]) == (alone.mean, alone.stderr)
        assert isinstance(alone.mean, float)
        assert isinstance(alone.diverged, int)
    assert both.mean.shape == both.stderr.shape == both.eta.shape == both.diverged.shape == (2,)


def followed(landscape, rates, batches):
    """Weights and test losses of the kernels, run on these batches (runs, updates, B)."""
    model, (runs, T, B) = model_of(landscape), batches.shape
    n, lanes = landscape.dimension, logistic_points.LANES
    state = np.zeros((len(rates), -(-runs // lanes), 1, n, lanes)) + model.origin[:, None]
    room = np.empty(lanes, np.int64), np.empty((n, lanes)), np.empty((n, lanes))
    training_runs.train(
        model.packed(model.table), packed_rule(None, T, None), model.origin, rates, batches.reshape(runs, -1), np.arange(T + 1) * B, 0,
        state, np.zeros(1, np.int64), None, None, (*room, model.scratch(), rule_scratch(n, False)),
    )  # fmt: skip
    theta = np.ascontiguousarray(np.moveaxis(state[:, :, 0], 2, 3).reshape(len(rates), -1, n)[:, :runs])
    return theta, model.test_loss(theta)


def follow_plain_numpy(landscape, rates, batches):
    plain, (theta, losses) = Plain(landscape), followed(landscape, rates, batches)
    for e, r in product(range(2), range(0, len(batches), 23)):
        expected = plain.descended(batches[r], rates[e])
        np.testing.assert_allclose(theta[e, r], expected, rtol=1e-12, atol=1e-12)
        assert losses[e, r] == pytest.approx(plain.test_loss(expected), rel=1e-12)


@pytest.mark.parametrize("n", [1, 4, 7])
@pytest.mark.parametrize("weights", [None, "uneven"])
def test_logistic_kernels_follow_plain_numpy(n, weights):
    rng = np.random.default_rng(n)
    points, runs = 1300, 70  # more than one flush, more than one set of lanes
    landscape = fd.landscapes.logistic(
        rng.normal(size=(points, n)) * 3, rng.integers(2, size=points), rng.normal(size=n),
        ridge=rng.uniform(size=n), weights=rng.uniform(size=points) if weights else None,
    )  # fmt: skip
    follow_plain_numpy(landscape, np.array([0.3, 0.7]), rng.integers(points, size=(runs, 9, 3)))


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_polynomial_kernels_follow_plain_numpy(degree):
    batches = np.random.default_rng(0).integers(3, size=(70, 9, 2))
    follow_plain_numpy(samples(UNEVEN, degree), np.array([0.05, 0.1]), batches)


def test_exponential_is_accurate():
    rng = np.random.default_rng(0)
    arguments = -np.concatenate([rng.uniform(0, 708, 4000), rng.exponential(2, 4000), np.logspace(-300, 0, 500)])
    for x in [*arguments.tolist(), 0.0, -0.0, -708.0, -math.log(2) / 2]:
        exact = math.exp(x)
        assert abs(logistic_points.exp_negative(x) - exact) <= 3 * math.ulp(exact)
    for x in (-710.0, -730.0, -744.0):  # to subnormal digits
        assert abs(logistic_points.exp_negative(x) - math.exp(x)) <= 3 * math.ulp(0.0)
    assert logistic_points.exp_negative(-math.inf) == 0
    assert math.isnan(logistic_points.exp_negative(math.nan))


def test_drawn_batches_are_uniform_ordered_subsets():
    rng, runs = np.random.default_rng(0), 6000
    rows, out = np.tile(np.arange(3), (runs, 1)), np.empty((runs, 2, 2), np.int64)
    shuffle.draw_batches(rows, rng.random(out.shape), out)
    assert (np.sort(rows, axis=1) == np.arange(3)).all()
    codes, counts = np.unique(out.reshape(runs, 4) @ [27, 9, 3, 1], return_counts=True)
    assert len(codes) == 36  # 6 ordered pairs, twice, independently
    assert (abs(counts - runs / 36) < 5 * math.sqrt(runs / 36)).all()


def test_bad_input_is_refused_before_any_run():
    grid, land = fd.Spacetime(N=4, T=4), logistic()
    table = [
        ({"eta": -1.0}, "eta must be >= 0"),
        ({"eta": [0.1, math.nan]}, "eta must be finite"),
        ({"eta": math.inf}, "eta must be finite"),
        ({"eta": -np.eye(2)}, "positive definite"),
        ({"eta": []}, "eta is empty"),
        ({"eta": "0.1"}, "eta must be a number"),
        ({"eta": True}, "eta must be a number"),
        ({"eta": None}, "eta must be"),
        ({"eta": [[1], [2, 3]]}, "eta must be a number"),
        ({"eta": 1j}, "eta must be a number"),
        ({"runs": 1}, "runs must be at least 2"),
        ({"runs": 2.5}, "runs must be a whole number"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"seed": None}, "seed must be a whole number"),
        ({"threads": 0}, "threads must be at least 1"),
        ({"threads": True}, "threads must be a whole number"),
        ({"method": "gcd"}, "unknown method 'gcd'; known: sgd"),
        ({"observable": "loss"}, "unknown observable 'loss'; known: test_loss"),
        ({"landscape": "logistic"}, "landscape must come from"),
        ({"spacetime": 4}, "spacetime must be a Spacetime"),
        ({"spacetime": fd.Spacetime(N=4, T=math.inf)}, "T = inf"),
    ]
    for change, message in table:
        with pytest.raises(InputError, match=message):
            fd.simulate(**({"landscape": land, "spacetime": grid, "eta": 0.1} | change))
    tensors = fd.landscapes.tensors({(1,): [1.0]})
    with pytest.raises(UnsupportedError, match=r"landscapes\.logistic"):
        fd.simulate(tensors, grid, 0.1)


def test_divergence_is_counted_and_reported():
    steep = fd.landscapes.logistic([[1.0], [-2.0]], [1, 0], [1.0], ridge=1.0)
    grid = fd.Spacetime(N=4, T=2000, sampling="cyclic")
    with pytest.warns(RuntimeWarning, match="the simulation overflows.*runs that diverged: 300") as told:
        lost = fd.simulate(steep, grid, [0.1, 3.0], runs=300)
    assert [warning.filename for warning in told] == [__file__]
    assert lost.diverged.tolist() == [0, 300]
    assert math.isfinite(lost.mean[0])
    assert not math.isfinite(lost.mean[1])
    assert "300 runs diverged" in repr(lost)
    quartic = fd.landscapes.samples([0, 0], [[1.0], [-8.0]], [[[0.0]]] * 2, [[[[0.0]]]] * 2, [[[[[6.0]]]]] * 2)
    with pytest.warns(RuntimeWarning, match="the simulation overflows"):
        some = fd.simulate(quartic, fd.Spacetime(N=2, T=60, sampling="cyclic"), 0.5, runs=700)
    assert 0 < some.diverged < 700  # only those that see the second point
    assert not math.isfinite(some.mean)
    assert not math.isfinite(some.stderr)
    assert f"{some.diverged} runs diverged" in repr(some)
    assert all(not math.isfinite(end) for end in some.interval)


def test_repr_and_progress(capsys):
    grid = fd.Spacetime(N=2, T=2)
    assert repr(fd.simulate(logistic(), grid, 0.1, runs=300)).startswith("Simulation(eta=0.1: 0.")
    many = fd.simulate(logistic(), grid, [0.1, 0.2], runs=1000, progress=True)
    assert repr(many).startswith("Simulation(1000 runs at each of 2 learning rates)\n  eta=0.1: 0.")
    assert "runs" in capsys.readouterr().err
    assert np.array_equal(many.mean, fd.simulate(logistic(), grid, [0.1, 0.2], runs=1000, progress=False).mean)
