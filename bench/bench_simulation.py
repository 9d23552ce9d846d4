"""Simulation against a plain NumPy loop over runs: logistic regression on the breast cancer data, N = T = 50, B = 1.

    pytest bench/bench_simulation.py --benchmark-enable -s
"""

import time
from pathlib import Path

import numpy as np
import pytest

import fastdiag as fd

DATA = Path(__file__).parents[1] / "data" / "breast_cancer.npz"
N, ETA, RUNS, PLAIN_RUNS, ROUNDS = 50, 0.1, 20_000, 400, 5


@pytest.fixture(scope="module")
def data():
    with np.load(DATA, allow_pickle=False) as fields:
        X, y = fields["X"], fields["y"].astype(np.float64)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    return np.hstack([X, np.ones((len(X), 1))]), y


def plain_losses(X, y, runs, seed):
    """The straightforward program: one run after the other, every update and the test loss vectorised."""
    rng = np.random.default_rng(seed)
    losses = np.empty(runs)
    for run in range(runs):
        rows = rng.choice(len(X), N)
        theta = np.zeros(X.shape[1])
        for t in range(N):
            batch = X[rows[t : t + 1]]
            slope = 1 / (1 + np.exp(-batch @ theta)) - y[rows[t : t + 1]]
            theta -= ETA * (slope @ batch)
        u = X @ theta
        losses[run] = np.mean(np.logaddexp(0, u) - y * u)
    return losses


def test_simulation_against_plain_numpy(benchmark, data):
    X, y = data
    landscape, grid = fd.landscapes.logistic(X, y, np.zeros(X.shape[1])), fd.Spacetime(N=N, T=N)

    def ours():
        return fd.simulate(landscape, grid, ETA, runs=RUNS)

    ours()  # compiled
    plain_losses(X, y, 20, 0)
    seconds, losses = [], []
    for seed in range(ROUNDS):  # each with the same chance of a quiet machine
        start = time.perf_counter()
        losses.append(plain_losses(X, y, PLAIN_RUNS, seed))
        seconds.append(time.perf_counter() - start)
    result = benchmark.pedantic(ours, rounds=ROUNDS)
    sample = np.concatenate(losses)
    joint = np.hypot(result.stderr, sample.std(ddof=1) / np.sqrt(len(sample)))
    assert abs(result.mean - sample.mean()) < 5 * joint
    if benchmark.stats is None:  # benchmarks disabled: only the answers are compared
        return
    plain, fast = min(seconds) / PLAIN_RUNS, benchmark.stats.stats.min / RUNS
    benchmark.extra_info.update(plain_us_per_run=plain * 1e6, us_per_run=fast * 1e6, ratio=plain / fast)
    print(f"\nplain NumPy {plain * 1e6:.0f} us a run, simulate {fast * 1e6:.2f} us: {plain / fast:.0f} times")
