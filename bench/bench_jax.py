"""Simulation beside a jitted JAX loop in one run, of the same answers: softmax regression with 42 weights.

Both make 1.4 million updates of one point each. Needs jax, and shows nothing where it is not installed.

    pytest bench/bench_jax.py --benchmark-enable -s
"""

import os
import time

import numpy as np
import pytest

import fastdiag as fd

N, ETA, RUNS, CLASSES, COLUMNS, POINTS, ROUNDS = 100, 0.1, 14_000, 6, 7, 120, 3


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(POINTS, COLUMNS)), rng.integers(CLASSES, size=POINTS)


def in_jax(X, y):
    """A function (seed) -> final test losses of all runs, compiled: vmap over runs, scan over updates, float64."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    X, y = jnp.asarray(X), jnp.asarray(y)

    def loss(theta, x, target):
        outputs = theta.reshape(CLASSES, COLUMNS) @ x
        return jax.nn.logsumexp(outputs) - outputs[target]

    def run(rows):
        def update(theta, row):
            return theta - ETA * jax.grad(loss)(theta, X[row], y[row]), None

        theta, _ = jax.lax.scan(update, jnp.zeros(CLASSES * COLUMNS), rows)
        return jnp.mean(jax.vmap(loss, (None, 0, 0))(theta, X, y))

    @jax.jit
    def losses(key):
        return jax.vmap(run)(jax.random.randint(key, (RUNS, N), 0, POINTS))

    return lambda seed: np.asarray(losses(jax.random.key(seed)))


def test_simulation_beside_jax(benchmark, data):
    X, y = data
    theirs = in_jax(X, y)
    landscape, grid = fd.landscapes.softmax(X, y, np.zeros((CLASSES, COLUMNS))), fd.Spacetime(N=N, T=N)

    def ours():
        return fd.simulate(landscape, grid, ETA, RUNS)

    ours(), theirs(0)  # compiled
    seconds, losses = [], []
    for seed in range(ROUNDS):
        start = time.perf_counter()
        losses.append(theirs(seed))
        seconds.append(time.perf_counter() - start)
    result = benchmark.pedantic(ours, rounds=ROUNDS)
    sample = np.concatenate(losses)
    joint = np.hypot(result.stderr, sample.std(ddof=1) / np.sqrt(len(sample)))
    assert abs(result.mean - sample.mean()) < 5 * joint
    if benchmark.stats is None:  # benchmarks disabled: only the answers are compared
        return
    jax_seconds, fast = min(seconds), benchmark.stats.stats.min
    benchmark.extra_info.update(jax_seconds=jax_seconds, seconds=fast, ratio=jax_seconds / fast, cores=os.cpu_count())
    print(f"\n{RUNS * N:,} updates: JAX {jax_seconds:.2f} s, simulate {fast:.2f} s: {jax_seconds / fast:.1f} times")
