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


PREDICTIONS = {"noise_one": {"noise": 1}, "noise_two": {"noise": 2}, "self_consistent": {"closure": "gaussian"}}


@pytest.mark.parametrize("eta", [0.002, 0.005, 0.01, 0.02])
@pytest.mark.benchmark(group="path")
def test_beside_a_simulation_of_the_same_error(benchmark, eta):
    """A prediction's cost beside that of the runs whose standard error is what it is wrong by.

    That is known to the error of a long simulation: `least` is the ratio at the upper end of its 95 % interval.
    """
    land, st, runs = fd.landscapes.breast_cancer(), fd.Spacetime(N=200, T=200), 500_000
    each = seconds(lambda: fd.simulate(land, st, eta, runs=4000, threads=1, progress=False), 3) / 4000
    measured = fd.simulate(land, st, eta, runs=runs, progress=False)
    for name, options in PREDICTIONS.items():
        found = fd.predict(land, st, eta, **options)
        wrong = abs(found.total - measured.mean)
        assert wrong <= found.trust.error + 3 * measured.stderr
        took = seconds(lambda options=options: fd.predict(land, st, eta, **options), 2 if name == "noise_two" else ROUNDS)
        ratio, least = (each * runs * (measured.stderr / x) ** 2 / took for x in (wrong, wrong + 1.96 * measured.stderr))
        print(f"\n{name}: wrong by {wrong:.1e}, {took:.3f} s, ratio {ratio:.3g}, at 95 % at least {least:.3g}")
        benchmark.extra_info.update({f"{name}_ratio": ratio, f"{name}_least": least})
    benchmark(lambda: fd.predict(land, st, eta, closure="gaussian"))


@pytest.mark.benchmark(group="path")
def test_six_hundred_weights(benchmark):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 600)) / 5
    land = fd.landscapes.logistic(X, (X[:, 0] > 0).astype(int), np.zeros(600), 0.1)
    plain, ours = seconds(lambda: draft(land, 0.05, 20), 1), seconds(lambda: both(land, 20, 1, 0.05), 1)
    assert both(land, 20, 1, 0.05) == pytest.approx(draft(land, 0.05, 20), rel=1e-9)
    report(benchmark, draft=plain, ours=ours, ratio=plain / ours)
    benchmark(lambda: both(land, 5, 1, 0.05))
