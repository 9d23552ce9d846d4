"""A convolutional network beside what one would write by hand in JAX: runs of SGD, and the first diagrams.

    pip install -e '.[jax,test]'; pytest bench/bench_networks.py --benchmark-enable -s
"""

import resource
import time

import numpy as np
import pytest

import fastdiag as fd

pytest.importorskip("jax")
T, RUNS, POINTS, ETA = 10, 256, 200, 0.1


@pytest.fixture(scope="module")
def net():
    """The papers' network on some digits."""
    digits = fd.landscapes.digits()
    return fd.landscapes.convolutional(digits.X[:POINTS, :64].reshape(-1, 8, 8), digits.y[:POINTS], seed=0)


def by_hand(net):
    """Programs for this loss alone: all test losses after T updates, and tr(C H)."""
    import jax
    import jax.numpy as jnp

    X, y = jnp.asarray(net.derivatives.X), jnp.asarray(net.derivatives.y)

    def loss(theta, x, label):
        return net.network(net.derivatives.tree(theta), x, label)

    def mean(theta):
        return jax.vmap(loss, (None, 0, 0))(theta, X, y).mean()

    def run(theta, rows):
        def step(theta, row):
            return theta - ETA * jax.grad(loss)(theta, X[row], y[row]), None

        return mean(jax.lax.scan(step, theta, rows)[0])

    def trace(theta):
        slopes = jax.vmap(jax.grad(loss), (None, 0, 0))(theta, X, y)
        slopes = slopes - slopes.mean(axis=0)
        bent = jax.lax.map(lambda v: jax.jvp(jax.grad(mean), (theta,), (v,))[1], slopes, batch_size=16)
        return (slopes * bent).sum() / len(slopes)

    return jax.jit(jax.vmap(run, (None, 0))), jax.jit(trace)


def timed(function, rounds=3):
    """Its answer and the median of its seconds, once it is compiled."""
    function()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        found = function()
        seconds.append(time.perf_counter() - start)
    return found, float(np.median(seconds))


def told(what, ours, theirs):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{what}: {ours:.3f} s, by hand in JAX {theirs:.3f} s ({ours / theirs:.2f} times); peak {peak:.0f} MB")


def test_runs(net):
    import jax

    with jax.enable_x64(True):
        run, _ = by_hand(net)
        rows = np.random.default_rng(0).integers(0, POINTS, (RUNS, T))
        losses, theirs = timed(lambda: np.asarray(run(net.theta, rows)))
    found, ours = timed(lambda: fd.simulate(net, fd.Spacetime(N=T, T=T), ETA, runs=RUNS, threads=1))
    joint = np.hypot(found.stderr, losses.std() / np.sqrt(RUNS))
    assert abs(found.mean - losses.mean()) < 5 * joint
    told(f"{RUNS} runs of {T} updates", ours, theirs)


def test_first_diagrams(net):
    import jax

    with jax.enable_x64(True):
        _, trace = by_hand(net)
        known, theirs = timed(lambda: float(trace(net.theta)))
    found, ours = timed(lambda: fd.uvalue("[a a]", net.at(net.theta)))
    assert found == pytest.approx(known, rel=1e-10)
    told(f"tr(C H) of {POINTS} points", ours, theirs)


def test_order_three(net):
    """What is seldom written by hand: all of order 3, from leaf to root."""
    start = time.perf_counter()
    p = fd.predict(net, fd.Spacetime(N=T, T=T), ETA, 3, resummed=False)
    spent = time.perf_counter() - start
    assert np.isfinite(p.total)
    print(f"\norder 3, un-resummed, {POINTS} points, {net.dimension} weights: {spent:.1f} s")
