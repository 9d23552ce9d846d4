"""The expansion about the path: its speed beside a plain NumPy draft, and beside the simulation of the same error.

    pytest bench/bench_path.py --benchmark-enable -s
"""

import time

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import fastdiag as fd
from fastdiag.path import predicted_about_path

ROUNDS = 5


def seconds(call, rounds=ROUNDS):
    """The best of some rounds: other work on the machine only ever adds."""
    best = np.inf
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def report(benchmark, **numbers):
    benchmark.extra_info.update(numbers)
    print("\n" + ", ".join(f"{name} {value:.4g}" for name, value in numbers.items()))


def draft(land, eta, T):
    """Noise 1 of logistic regression, as one would write it in NumPy."""
    X, y, w, ridge, n = land.X, land.y, land.weights, land.ridge, land.dimension
    theta, S, m = np.zeros(n), np.zeros((n, n)), np.zeros(n)

    def there():
        p = 1 / (1 + np.exp(-X @ theta))
        pull, bend = X.T @ (w * (p - y)), w * p * (1 - p)
        return p, pull, bend, pull + ridge * theta, (X * bend[:, None]).T @ X + np.diag(ridge)

    for _ in range(T):
        p, pull, bend, G, H = there()
        g = (p - y)[:, None] * X - pull
        K, J = np.eye(n) - eta * H, X.T @ (bend * (1 - 2 * p) * ((X @ S) * X).sum(axis=1))
        m, S, theta = K @ m - eta / 2 * J, K @ S @ K + eta**2 * (g * w[:, None]).T @ g, theta - eta * G
    p, _, _, G, H = there()
    return -w @ (y * np.log(p) + (1 - y) * np.log(1 - p)) + ridge @ theta**2 / 2, G @ m + np.sum(H * S) / 2


def both(land, T, noise, eta=0.01):
    return [order[0, 0] for order in predicted_about_path(land, [fd.Spacetime(N=T, T=T)], [eta], noise).by_order]


@pytest.mark.benchmark(group="path")
def test_two_hundred_updates(benchmark):
    """Noise 1 beside the draft, which knows one sampling, one rule, one observable; noise 2."""
    land = fd.landscapes.breast_cancer()
    with threadpool_limits(1, "blas"):
        plain = seconds(lambda: draft(land, 0.01, 200))
    first, second = seconds(lambda: both(land, 200, 1)), seconds(lambda: both(land, 200, 2), 2)
    assert both(land, 200, 1) == pytest.approx(draft(land, 0.01, 200), rel=1e-10)
    assert np.cumsum(both(land, 200, 2)) == pytest.approx([0.23115, 0.23362, 0.23375], abs=5.1e-6)
    report(benchmark, draft=plain, noise_one=first, noise_two=second, ratio_one=plain / first, ratio_two=plain / second)
    benchmark(lambda: both(land, 200, 1))


@pytest.mark.parametrize("eta", [0.002, 0.005, 0.01])
@pytest.mark.benchmark(group="path")
def test_beside_a_simulation_of_the_same_error(benchmark, eta):
    """Noise 1 is wrong by about noise 2; as many runs as that takes at 95 %, from the spread and the time of some."""
    land, st, runs = fd.landscapes.breast_cancer(), fd.Spacetime(N=200, T=200), 2000
    path = fd.predict(land, st, eta, noise=2)
    measured = fd.simulate(land, st, eta, runs=runs, progress=False)
    assert path.total == pytest.approx(measured.mean, abs=4 * measured.stderr)
    each = seconds(lambda: fd.simulate(land, st, eta, runs=runs, progress=False), 2) / runs
    needed = runs * (1.96 * measured.stderr / path.by_order[2]) ** 2
    first = seconds(lambda: fd.predict(land, st, eta, noise=1))
    report(benchmark, simulation=each * needed, noise_one=first, ratio=each * needed / first)
    benchmark(lambda: fd.predict(land, st, eta, noise=1))


@pytest.mark.benchmark(group="path")
def test_six_hundred_weights(benchmark):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 600)) / 5
    land = fd.landscapes.logistic(X, (X[:, 0] > 0).astype(int), np.zeros(600), 0.1)
    plain, ours = seconds(lambda: draft(land, 0.05, 20), 1), seconds(lambda: both(land, 20, 1, 0.05), 1)
    assert both(land, 20, 1, 0.05) == pytest.approx(draft(land, 0.05, 20), rel=1e-9)
    report(benchmark, draft=plain, ours=ours, ratio=plain / ours)
    benchmark(lambda: both(land, 5, 1, 0.05))
