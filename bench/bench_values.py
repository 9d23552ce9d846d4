"""Resummed values against NumPy: an einsum at every time step, the closed form in an eigenbasis; curves against points.

    pytest bench/bench_values.py --benchmark-enable -s
"""

import time
from itertools import permutations

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.values.eigenbasis import eigenbasis_of

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


def symmetric(rng, n, degree):
    tensor = rng.normal(size=(n,) * degree)
    orders = list(permutations(range(degree)))
    return sum(tensor.transpose(order) for order in orders) / len(orders)


def hessian(rng, n):
    turn = np.linalg.qr(rng.normal(size=(n, n)))[0]
    H = (turn * np.linspace(0.01, 1.5, n)) @ turn.T
    return (H + H.T) / 2


def skew(n):
    """S and J, the tensors of [a a a], and H."""
    rng = np.random.default_rng(n)
    return symmetric(rng, n, 3), symmetric(rng, n, 3), hessian(rng, n)


def einsum_steps(S, J, H, eta, steps):
    """-(eta^3/6) sum_t S K^t K^t K^t J: three tensor products at every update."""
    K, S_t, total = np.eye(len(H)) - eta * H, S, 0.0
    for t in range(steps):
        total += np.einsum("abc,abc->", S_t, J)
        if t + 1 < steps:
            S_t = np.einsum("abc,ai,bj,ck->ijk", S_t, K, K, K, optimize=True)
    return -(eta**3) / 6 * total


def eigenbasis(S, J, H, eta, T):
    """The closed form, as one would write it in NumPy."""
    h, V = np.linalg.eigh(H)
    S, J = (np.einsum("abc,ai,bj,ck->ijk", tensor, V, V, V, optimize=True) for tensor in (S, J))
    k = 1 - eta * h
    q = k[:, None, None] * k[None, :, None] * k[None, None, :]
    return -(eta**3) / 6 * np.sum(S * J * (1 - q**T) / (1 - q))


def test_skew_term(benchmark):
    """[a a a] at n = 128, T = 100: with the eigenbasis and all rotations made anew, and with a warm one."""
    n, T, eta, steps = 128, 100, 0.1, 10
    S, J, H = skew(n)
    land = fd.landscapes.tensors({(1,): np.ones(n), (2,): H, (3,): J, (1, 1, 1): S})
    spacetime = fd.Spacetime(T, 1, T)

    def warm():
        return fd.rvalue("[a a a]", land, spacetime, eta)

    def cold():
        eigenbasis_of.cache_clear()
        return warm()

    assert cold() == pytest.approx(eigenbasis(S, J, H, eta, T), rel=1e-10)
    few = fd.rvalue("[a a a]", land, spacetime.with_updates(steps), eta)
    assert few == pytest.approx(einsum_steps(S, J, H, eta, steps), rel=1e-10)
    benchmark.pedantic(cold, rounds=ROUNDS)
    if benchmark.stats is None:  # benchmarks disabled: only the answers are compared
        return
    einsum = seconds(lambda: einsum_steps(S, J, H, eta, steps), 2) * T / steps  # a tenth of the steps was run
    closed, new, kept = (seconds(f) for f in (lambda: eigenbasis(S, J, H, eta, T), cold, warm))
    report(
        benchmark, einsum_s=einsum, eigenbasis_s=closed, cold_s=new, warm_s=kept, einsum_over_cold=einsum / new,
        einsum_over_warm=einsum / kept, eigenbasis_over_cold=closed / new, eigenbasis_over_warm=closed / kept,
    )


def dense(n):
    """All cumulants that a prediction to order 3 needs where no point is met twice, random, with their symmetries."""
    rng = np.random.default_rng(n)
    mixed = rng.normal(size=(n, n, n)) / n**2
    root = rng.normal(size=(n, n)) / n
    return {
        (1,): rng.normal(size=n) / n, (2,): hessian(rng, n), (3,): symmetric(rng, n, 3) / n, (1, 1): root @ root.T,
        (1, 1, 1): symmetric(rng, n, 3) / n, (1, 2): mixed + mixed.transpose(0, 2, 1),
    }


def test_predict_to_order_three(benchmark):
    """The complete sum to order 3 at n = 64 from dense cumulants, the eigenbasis warm and cold."""
    n, order, eta = 64, 3, 0.05
    land, spacetime = fd.landscapes.tensors(dense(n), loss=1.0), fd.Spacetime(1000, 10, 100)

    def warm():
        return fd.predict(land, spacetime, eta, order)

    def cold():
        eigenbasis_of.cache_clear()
        return warm()

    G, K = land.gradient, np.eye(n) - eta * land.hessian
    mean = -eta * sum(np.linalg.matrix_power(K, t) @ G for t in range(spacetime.T))
    assert cold().by_order[1] == pytest.approx(G @ mean, rel=1e-10)
    third = np.einsum("abc,a,b,c->", land.cumulants[3,], mean, mean, mean) / 6
    assert warm().by_diagram[fd.Diagram.parse("[a b c]")] == pytest.approx(third, rel=1e-10)
    benchmark.pedantic(warm, rounds=ROUNDS)
    if benchmark.stats is None:
        return
    kept, new = seconds(warm), seconds(cold, 3)
    report(benchmark, warm_s=kept, cold_s=new, rotation_share=1 - kept / new)


@pytest.mark.parametrize("kind", ["eta", "T"])
def test_curves(benchmark, kind):
    """The breast cancer landscape to order 3: 200 learning rates against one, 1,000 times against one."""
    land, spacetime = fd.landscapes.breast_cancer(), fd.Spacetime(1000, 1, 1000)
    etas, times = np.geomspace(1e-4, 0.1, 200), np.arange(1, 1001)

    def one():
        return fd.predict(land, spacetime, 0.01)

    def many():
        return fd.predict(land, spacetime, etas) if kind == "eta" else fd.predict(land, spacetime, 0.01, T=times)

    curve, i = many().total, 117
    point = fd.predict(land, spacetime, etas[i]) if kind == "eta" else fd.predict(land, spacetime.with_updates(i + 1), 0.01)
    assert curve[i] == pytest.approx(point.total, rel=1e-12)
    benchmark.pedantic(many, rounds=1)
    if benchmark.stats is None:
        return
    single, whole = seconds(one), seconds(many, 2)
    report(benchmark, one_s=single, curve_s=whole, ratio=whole / single)
