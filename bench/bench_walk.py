"""The sum over maps against listing every map, and against the recursion over updates that one would write first.

    pytest bench/bench_walk.py --benchmark-enable -s
"""

from fractions import Fraction
from itertools import product
from math import prod

import pytest

import fastdiag as fd
from fastdiag.embedding.sum_over_maps import _known_independent as known_independent

DIAGRAM = fd.Diagram.parse("[a b[c]]")
K = [Fraction(9, 10), Fraction(4, 5), Fraction(7, 10)]


def listed(diagram, spacetime, weight):
    """Every map into one epoch of batches of one, in the cumulant basis: times of the nodes, children before parents."""
    T, parents, total = spacetime.T, diagram.parents, Fraction(0)
    for times in product(range(T), repeat=diagram.order):
        ends = [T if p == 0 else times[p - 1] for p in parents[1:]]
        rows = all(len({times[v - 1] for v in part if v}) <= 1 for part in diagram.parts)
        if rows and all(s < t for s, t in zip(times, ends, strict=True)):
            total += prod(weight(e, s, t) for e, (s, t) in enumerate(zip(times, ends, strict=True)))
    return total


def power(e, s, t):
    return K[e] ** (t - s - 1)


def momentum(mu):
    def weight(_, s, t):
        return sum(mu**i for i in range(t - s))

    return weight


@pytest.mark.parametrize("how", ["listed", "walked"])
@pytest.mark.parametrize("T", [8, 16])
def test_powers(benchmark, how, T):
    """k^(dt - 1) along three edges, in Fractions."""
    spacetime = fd.Spacetime(T, 1, T)
    assert fd.weighted_maps(DIAGRAM, spacetime, K) == listed(DIAGRAM, spacetime, power)
    benchmark.group = f"k^(dt - 1) over {T} updates"
    walked = how == "walked"
    benchmark(lambda: fd.weighted_maps(DIAGRAM, spacetime, K) if walked else listed(DIAGRAM, spacetime, power))


@pytest.mark.parametrize("how", ["listed", "walked"])
def test_momentum(benchmark, how):
    mu, spacetime = Fraction(1, 2), fd.Spacetime(10, 1, 10)
    rule = fd.updates.momentum(mu)
    assert fd.weighted_maps(DIAGRAM, spacetime, update=rule) == listed(DIAGRAM, spacetime, momentum(mu))
    benchmark.group = "momentum over 10 updates"
    walked, weight = how == "walked", momentum(mu)
    benchmark(lambda: fd.weighted_maps(DIAGRAM, spacetime, update=rule) if walked else listed(DIAGRAM, spacetime, weight))


def recursion(T, k):
    """[a a] and the chain [a[b]] of one k, update by update: the sums over maps after T updates."""
    pair, open_once, open_twice = Fraction(0), Fraction(0), Fraction(0)
    for _ in range(T):
        pair = pair * k * k + 1  # both edges of [a a] are born together
        open_once, open_twice = open_once * k + 1, open_twice * k + open_once  # the chain's first edge, both
    return pair, open_twice


@pytest.mark.parametrize("how", ["recursion", "walked"])
@pytest.mark.parametrize("T", [100, 2000])
def test_long_times(benchmark, how, T):
    """Numbers of T digits: squared matrices against a recursion in Fractions."""
    k, spacetime = Fraction(9, 10), fd.Spacetime(T, 1, T)

    def walked():
        return tuple(fd.weighted_maps(text, spacetime, k) for text in ("[a a]", "[a[b]]"))

    assert walked() == recursion(T, k)
    benchmark.group = f"two edges over {T} updates"
    benchmark(walked if how == "walked" else lambda: recursion(T, k))


HALF = Fraction(1, 2)
CARRIED = {
    "k": {"k": HALF},
    "weight decay": {"update": fd.updates.weight_decay(HALF)},
    "weight decay, scheduled": {"update": fd.updates.weight_decay(HALF).with_schedule([1] * 15)},
}


@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
@pytest.mark.parametrize("carried", list(CARRIED))
def test_what_edges_carry(benchmark, sampling, carried):
    """All diagrams of order 3 over two epochs and a half: the same numbers as powers, as a rule, and update by update."""
    spacetime, ds = fd.Spacetime(12, 2, 15, sampling=sampling), fd.diagrams(3)

    def call(how):
        known_independent.cache_clear()
        return [fd.weighted_maps(D, spacetime, **CARRIED[how]) for D in ds]

    assert call(carried) == call("k")
    benchmark.group = f"order 3, {sampling}"
    benchmark(call, carried)
