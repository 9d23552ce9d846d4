"""Sums over maps tuple by tuple: the float kernel against maps listed one by one, exact Fractions and 60-digit levels."""

import math
import os
import random
import sys
from fractions import Fraction
from itertools import chain, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

import fastdiag as fd
from fastdiag.values.packed_transfer_matrices import packed_sum
from fastdiag.values.plan import twins
from oracles.tensors import symmetric_tensors
from oracles.weighted_sums import cyclic_levels, durations, exact_sum, irreducible, kernel_sum, one_epoch_levels

RVALUE = sys.modules["fastdiag.values.rvalue"]
SPACETIMES = [
    fd.Spacetime(*grid, sampling=sampling)
    for grid, sampling in [
        ((4, 1, 4), "reshuffle"), ((6, 2, 3), "cyclic"), ((8, 2, 3), "reshuffle"), ((math.inf, 3, 5), "reshuffle"),
        ((3, 1, 6), "reshuffle"), ((3, 1, 8), "reshuffle"), ((6, 2, 8), "reshuffle"), ((2, 2, 3), "reshuffle"),
        ((3, 1, 6), "cyclic"), ((3, 1, 8), "cyclic"), ((6, 2, 11), "cyclic"), ((2, 2, 3), "cyclic"),
        ((3, 1, 7), "replacement"), ((5, 2, 4), "replacement"), ((1, 1, 5), "replacement"),
    ]
]
RATES = [0.0, 1.0, 2.0, 0.5, 1.5, 3.0, 2.25, -0.5, 1e-3, 1e-9, 1 + 1e-7, 2 - 1e-5, 0.1, 0.3]
"""1 - k: k = 1, 0, -1, negative, beyond -1, above 1, and nearly each of them."""


@pytest.mark.every(2)
@pytest.mark.parametrize("spacetime", SPACETIMES, ids=repr)
def test_every_tuple_is_exact(spacetime):
    draw = random.Random(repr(spacetime))
    for order in range(1, 5):
        chosen = irreducible(order)
        for D in chosen if order < 4 else draw.sample(chosen, 12):
            rates = draw.choices(RATES, k=order)
            wanted, scale = exact_sum(D, spacetime, rates)
            assert abs(Fraction(kernel_sum(D, spacetime, rates)) - wanted) <= Fraction(1, 10**13) * scale


@given(
    seed=st.integers(0, 10**9), order=st.integers(1, 4), N=st.integers(1, 6), B=st.integers(1, 3), T=st.integers(1, 14),
    sampling=st.sampled_from(["reshuffle", "cyclic", "replacement"]), pool=st.sampled_from([1, 2, 4]),
)
def test_random_tuples_are_exact(seed, order, N, B, T, sampling, pool):
    """With few values to choose from, many k are equal."""
    draw = random.Random(seed)
    spacetime = fd.Spacetime(N * B, B, T, sampling=sampling)
    D = draw.choice(irreducible(order))
    values = [draw.choice([*RATES, draw.uniform(0, 2), draw.uniform(-1, 3)]) for _ in range(pool)]
    rates = draw.choices(values, k=order)
    wanted, scale = exact_sum(D, spacetime, rates)
    assert abs(Fraction(kernel_sum(D, spacetime, rates)) - wanted) <= Fraction(1, 10**13) * scale


def test_small_factors_keep_their_digits():
    """Cyclic epochs make edges of [a[a]] last L: k^(L-1) is far below 1, and still right."""
    D, spacetime = fd.Diagram.parse("[a[a]]"), fd.Spacetime(100, 1, 200, sampling="cyclic")
    for rates in [(0.5, 0.5), (0.9, 0.25), (1 + 1e-3, 1 - 1e-3), (0.0, 1.5)]:
        wanted, scale = exact_sum(D, spacetime, rates)
        assert scale < 1e-10
        assert abs(Fraction(kernel_sum(D, spacetime, rates)) - wanted) <= Fraction(1, 10**13) * scale


@pytest.mark.parametrize(
    "spacetime",
    [fd.Spacetime(*grid, sampling=sampling)
     for grid, sampling in [((6, 2, 3), "reshuffle"), ((2, 1, 4), "reshuffle"), ((2, 1, 5), "reshuffle"), ((4, 2, 3), "reshuffle"),
                            ((2, 1, 5), "cyclic"), ((3, 1, 5), "cyclic"), ((4, 2, 3), "cyclic"), ((2, 1, 4), "replacement"),
                            ((3, 2, 3), "replacement")]],
    ids=repr,
)
def test_tuples_against_maps_listed_one_by_one(spacetime):
    draw = random.Random(repr(spacetime))
    for order in range(1, 5):
        chosen = irreducible(order)
        for D in chosen if order < 3 else draw.sample(chosen, 10 if order == 3 else 4):
            found, realisations = durations(D, spacetime)
            for _ in range(3):
                rates = draw.choices(RATES, k=order)
                k = [1 - Fraction(rate) for rate in rates]
                terms = [c * math.prod(x ** (dt - 1) for x, dt in zip(k, dts, strict=True)) for dts, c in found.items()]
                wanted, scale = sum(terms) / realisations, sum(map(abs, terms)) / realisations
                assert fd.weighted_maps(D, spacetime, k) == wanted
                assert abs(Fraction(kernel_sum(D, spacetime, rates)) - wanted) <= Fraction(1, 10**13) * scale


# Levels: the sum over weak orders of the parts, section 5 of the theory, in 60 digits. It shares nothing with transfers.


LARGE = [1e-9, 3e-9, 1e-9, 0.0, 2e-8, 0.7, 1.0, 1.4, 1.999, 2 - 1e-9, 1e-300, 1e-16]


@pytest.mark.parametrize("T", [1000, 10**6, 10**9, 10**12])
def test_many_updates(T):
    draw = random.Random(T)
    spacetime = fd.Spacetime(math.inf, 2, T)
    for order in range(1, 5):
        for D in draw.sample(irreducible(order), min(6, len(irreducible(order)))):
            rates = draw.choices(LARGE, k=order)
            with mp.workdps(60):
                k = [1 - mpf(rate) for rate in rates]
                wanted = one_epoch_levels(D, 2, T, k)
                scale = one_epoch_levels(D, 2, T, [abs(x) for x in k])
                assert abs(kernel_sum(D, spacetime, rates) - wanted) <= mpf("1e-12") * scale
    D = fd.Diagram.parse("[a b a[c]]")
    rates = [0.5, 1e-3, 1.5, 0.25]
    wanted = fd.weighted_maps(D, spacetime.with_updates(1000), [1 - Fraction(rate) for rate in rates])
    with mp.workdps(60):  # the oracle itself
        assert abs(one_epoch_levels(D, 2, 1000, [1 - mpf(rate) for rate in rates]) / (mpf(wanted.numerator) / wanted.denominator) - 1) < 1e-40


@pytest.mark.parametrize(("L", "E"), [(3, 2), (10**4, 10**5), (10**9, 3), (2, 10**9)])
def test_many_cyclic_epochs(L, E):
    draw = random.Random(L)
    spacetime = fd.Spacetime(2 * L, 2, L * E, sampling="cyclic")
    for order in range(1, 4):
        for D in draw.sample(irreducible(order), min(3, len(irreducible(order)))):
            rates = draw.choices(LARGE, k=order)
            with mp.workdps(60):
                k = [1 - mpf(rate) for rate in rates]
                wanted, scale = cyclic_levels(D, 2, L, E, k), cyclic_levels(D, 2, L, E, [abs(x) for x in k])
                smallest = mpf("1e-290")  # floats underflow
                assert abs(kernel_sum(D, spacetime, rates) - wanted) <= mpf("1e-12") * scale + smallest


@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
def test_hundreds_of_updates_in_several_epochs(sampling):
    draw = random.Random(sampling)
    for N, B, T in [(50, 1, 335), (40, 4, 300), (9, 3, 200)]:
        spacetime = fd.Spacetime(N, B, T, sampling=sampling)
        for D in draw.sample(irreducible(2), 3) + draw.sample(irreducible(3), 2):
            rates = draw.choices([2.0**-10, 0.5, 1.0, 1.5, 1.75, 0.0, 2.0**-30], k=D.order)
            wanted, scale = exact_sum(D, spacetime, rates)
            assert abs(Fraction(kernel_sum(D, spacetime, rates)) - wanted) <= Fraction(1, 10**13) * scale


# Whole values: tuples weighted by tensors, edges that can be exchanged, curves and threads.


def tuple_by_tuple(D, land, spacetime, eta):
    """The contraction over all tuples with exact sums over maps, and the sum of absolute values; from the definition."""
    n, d = land.dimension, D.order
    k = [1 - Fraction(eta * h) for h in np.diag(land.hessian)]
    known, total, scale = {}, 0.0, 0.0
    for index in product(range(n), repeat=d):
        chosen = tuple(k[i] for i in index)
        if chosen not in known:
            known[chosen] = [float(fd.weighted_maps(D, spacetime, list(x))) for x in (chosen, [abs(y) for y in chosen])]
        value = 1.0
        for part in D.parts:
            nodes = sorted([[index[c - 1] for c in D.children[v]] + ([index[v - 1]] if v else []) for v in part], key=len)
            value *= land.cumulants[tuple(map(len, nodes))][tuple(chain.from_iterable(nodes))]
        total += value * known[chosen][0]
        scale += abs(value) * known[chosen][1]
    sign = (-eta / spacetime.B) ** d / D.automorphisms
    return total * sign, scale * abs(sign)


@pytest.mark.parametrize("spacetime", [SPACETIMES[i] for i in (0, 3, 5, 6, 9, 10, 13)], ids=repr)
def test_values_are_sums_over_tuples(spacetime):
    chosen = [D for order in range(5) for D in fd.diagrams(order, irreducible=True)[:: 1 if order < 4 else 8]]
    land = symmetric_tensors(2, chosen, 1)
    for D in chosen:
        if D.order < 4 or spacetime.T < 7:
            wanted, scale = tuple_by_tuple(D, land, spacetime, 0.5)
            assert fd.rvalue(D, land, spacetime, 0.5) == pytest.approx(wanted, rel=0, abs=1e-13 * scale)


def test_edges_that_can_be_exchanged():
    """Three directions, so that tuples of twins have one, two or three different indices."""
    few = ["[a a]", "[a b]", "[a a a]", "[a b c]", "[a a b]"]
    many = ["[a a b b]", "[a a a a]", "[a b c d]", "[a a b c]", "[a[b b] b]"]
    land = symmetric_tensors(3, [fd.Diagram.parse(text) for text in few + many], 2)
    for text in few + many:
        spacetime = fd.Spacetime(4, 2, 5 if text in few else 2)
        wanted, scale = tuple_by_tuple(fd.Diagram.parse(text), land, spacetime, 0.25)
        assert fd.rvalue(text, land, spacetime, 0.25) == pytest.approx(wanted, rel=0, abs=1e-13 * scale)


@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
def test_curves_are_points(sampling):
    land = symmetric_tensors(3, [D for order in range(4) for D in fd.diagrams(order)], 3)
    spacetime = fd.Spacetime(20, 2, 1, sampling=sampling)
    etas = [0.3, 0.01, 0.3, 0.0, 0.8]
    for times in ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [3, 10, 1, 3, 7, 7, 2], [4, 25, 10, 11, 2, 60], [9], [30, 20, 10]):
        grid = fd.predict(land, spacetime, etas, 3, T=times)
        assert grid.total.shape == (len(etas), len(times))
        for i, eta in enumerate(etas):
            for j, T in enumerate(times):
                point = fd.predict(land, spacetime.with_updates(T), eta, 3)
                for D, column in grid.by_diagram.items():
                    assert column[i, j] == pytest.approx(point.by_diagram[D], rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("T", [10, 37])
def test_same_bits_with_any_number_of_threads(monkeypatch, T):
    texts = ["[a a a]", "[a b[a] b]", "[a[b b] b]", "[a a]", "[]"]
    chosen = [D for order in range(4) for D in fd.diagrams(order)]
    land, spacetime = symmetric_tensors(4, [*chosen, *map(fd.Diagram.parse, texts)], 4), fd.Spacetime(20, 2, T)
    for tuples in (1, 30, 1 << 14):
        monkeypatch.setattr(RVALUE, "SHARD_TUPLES", tuples)
        found = set()
        for threads in (1, 2, 7):
            monkeypatch.setattr(os, "cpu_count", lambda threads=threads: threads)
            curves = [fd.rvalue(text, land, spacetime, [0.1, 0.2]).tobytes() for text in texts]
            found.add((tuple(curves), fd.predict(land, spacetime, [0.1, 0.3], 3, T=[3, 4, 9]).total.tobytes()))
        assert len(found) == 1
        point = fd.predict(land, spacetime, 0.3, 3, T=[3, 4, 9]).total  # alone or in a curve
        assert fd.predict(land, spacetime, [0.1, 0.3], 3, T=[3, 4, 9]).total[1].tobytes() == point.tobytes()


def pools(D):
    """The edges in groups that can be exchanged."""
    found = []
    for e, twin in enumerate(twins(D)):
        found = [*found[:-1], [*found[-1], e]] if twin else [*found, [e]]
    return found


@pytest.mark.every(2)
@pytest.mark.parametrize("spacetime", [fd.Spacetime(8, 2, 4), fd.Spacetime(4, 2, 5), fd.Spacetime(4, 2, 5, sampling="cyclic")], ids=repr)
@pytest.mark.parametrize(
    ("text", "sizes"),
    [("[a]", (1, 2, 7, 8, 9, 15, 16, 17, 33)), ("[a a]", (1, 2, 5, 7, 8, 9, 17)), ("[a b]", (1, 2, 4, 5, 8, 9, 16, 17)),
     ("[a a a]", (1, 2, 5)), ("[a a b]", (2, 5)), ("[a[b b]]", (2, 5)), ("[a a[b]]", (1, 3, 4))],
)  # fmt: skip
def test_tuples_side_by_side(monkeypatch, text, sizes, spacetime):
    """All tuples, many of value 0, in one shard and in several, against exact sums over maps one tuple at a time."""
    D, known, etas = fd.Diagram.parse(text), {}, np.array([1.0, 0.25])
    for n in sizes:
        rng = np.random.default_rng(n)
        rates = rng.choice([0.0, 0.5, 1.0, 1.75, 3.0], n)
        drawn = rng.integers(-9, 10, (n,) * D.order) * (rng.random((n,) * D.order) < 0.5)
        drawn[rng.random(n) < 0.2] = 0
        values, wanted, scale = np.zeros(drawn.shape), np.zeros(2), np.zeros(2)
        for index in product(range(n), repeat=D.order):
            values[index] = drawn[tuple(i for pool in pools(D) for i in sorted(index[e] for e in pool))]
            for y, eta in enumerate(etas if values[index] else ()):
                chosen = tuple(eta * rates[list(index)])
                if chosen not in known:
                    known[chosen] = [float(x) for x in exact_sum(D, spacetime, chosen)]
                wanted[y] += values[index] * known[chosen][0]
                scale[y] += abs(values[index]) * known[chosen][1]
        packed = packed_sum(D, spacetime)
        for tuples in (1, 20, 1 << 20):
            monkeypatch.setattr(RVALUE, "SHARD_TUPLES", tuples)
            found = RVALUE.summed_over_maps(values.reshape(n, -1), 0, rates, etas, twins(D), packed, np.zeros(0, np.int64))[:, 0]
            assert (np.abs(found - wanted) <= 1e-13 * scale).all()


def test_no_maps_no_value():
    land = symmetric_tensors(2, [D for order in range(4) for D in fd.diagrams(order)], 5)
    for text, spacetime in [("[a[b[a] b]]", fd.Spacetime(4, T=4)), ("[a b[c c] b]", fd.Spacetime(3, T=1)), ("[a[b b]]", fd.Spacetime(2, T=1))]:
        assert fd.maps(text, spacetime) == 0
        assert kernel_sum(fd.Diagram.parse(text), spacetime, [0.5] * fd.Diagram.parse(text).order) == 0
    assert fd.predict(land, fd.Spacetime(4, T=4), 0.0, 3).total == land.loss
