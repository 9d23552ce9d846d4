"""Standard errors of simulated variances: how often the intervals hold the exact value, law by law, over many seeds."""

from itertools import product

import numpy as np
import pytest

import fastdiag as fd

ETA, RUNS = 0.1, 1000

# gradients of equally likely points; the losses are linear, so runs are sums of them
LAWS = {
    "a sign": [[1.0], [-1.0]],
    "two signs": [[1.0, -2.0], [-1.0, 2.0]],
    "signs in a square": [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]],
    "three values": [[1.0], [0.0], [-1.0]],
    "nearly a sign": [[1.0]] * 10 + [[-1.0]] * 9,
    "a rare value": [[0.0]] * 4 + [[1.0]],
    "many values": [[float(k), float((7 * k) % 10)] for k in range(10)],
}


def exact(gradients, T):
    """The covariance of the displacement and the variance of the test loss, over all runs of T fresh points."""
    g = np.array(gradients)
    moved = np.array([-ETA * g[list(points)].sum(axis=0) for points in product(range(len(g)), repeat=T)])
    return np.cov(moved.T, bias=True).reshape(g.shape[1], g.shape[1]), (moved @ g.mean(axis=0)).var()


def covered(gradients, T, seeds, observable="covariance", runs=RUNS):
    """In what share of the seeds each entry lies in its 95 % interval."""
    g = np.array(gradients)
    land = fd.landscapes.samples(np.zeros(len(g)), g)
    want = exact(gradients, T)[observable == "test_loss_variance"]
    held = []
    for seed in range(seeds):
        lower, upper = fd.simulate(land, fd.Spacetime(T, T=T), ETA, runs, seed, observable=observable, threads=1).interval
        held.append((lower <= want) & (want <= upper))
    return np.mean(held, axis=0)


@pytest.mark.parametrize(("T", "law"), [(1, "a sign"), (1, "two signs"), (1, "nearly a sign"), (2, "three values")])
def test_coverage(law, T):
    assert (covered(LAWS[law], T, 250) >= 0.91).all()  # 0.95 less three standard deviations


@pytest.mark.long
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("T", "runs"), [(1, 1000), (2, 1000), (1, 5000)])
def test_coverage_of_many_laws(law, T, runs):
    assert (covered(LAWS[law], T, 1000, runs=runs) >= 0.92).all()


@pytest.mark.parametrize("law", ["nearly a sign", "a rare value"])
def test_coverage_of_the_test_loss_variance(law):
    assert covered(LAWS[law], 1, 250, "test_loss_variance") >= 0.91


def test_the_reported_seed():
    """The leading term of the error vanishes: what is left is sqrt(2) / runs of the variance."""
    land = fd.landscapes.samples([0.0, 0.0], LAWS["a sign"])
    found = fd.simulate(land, fd.Spacetime(1, T=1), ETA, RUNS, 132, observable="covariance")
    assert abs(found.mean[0, 0] - 0.01) < 1.96 * found.stderr[0, 0]
    assert found.stderr[0, 0] >= 0.999 * np.sqrt(2) * 0.01 / RUNS
