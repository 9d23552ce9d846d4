"""Sums over maps tuple by tuple: the float kernel against maps listed one by one, exact Fractions and 60-digit levels."""

import math
import os
import random
import sys
from collections import Counter
from fractions import Fraction
from functools import lru_cache
from itertools import chain, permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

import fastdiag as fd
import oracle
from fastdiag.values.plan import twins

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


def kernel_sum(D, spacetimes, rates, continuous=False):
    """What the kernel gives for the tuple (0, 1, ..., d-1) alone; rates[e] is 1 - k of edge e."""
    d = D.order
    values = np.zeros((d, d ** (d - 1)))
    values[0, sum(e * d ** (d - 1 - e) for e in range(1, d))] = 1.0
    total = np.zeros(len(spacetimes))
    for places, moves, updates in RVALUE._runs(D, spacetimes, continuous):
        total[places] = RVALUE._summed(values, 0, np.array(rates), np.ones(1), 0 * twins(D), moves, updates)[0]
    return total


def exact_sum(D, spacetime, rates):
    """The same in Fractions, and with |k|: the sum of absolute values."""
    k = [1 - Fraction(rate) for rate in rates]
    return fd.weighted_maps(D, spacetime, k), fd.weighted_maps(D, spacetime, [abs(x) for x in k])


@lru_cache
def irreducible(order):
    return [D for D in fd.diagrams(order, root_shares=True) if D.is_irreducible]


@pytest.mark.parametrize("spacetime", SPACETIMES, ids=repr)
def test_every_tuple_is_exact(spacetime):
    draw = random.Random(repr(spacetime))
    for order in range(1, 5):
        chosen = irreducible(order)
        for D in chosen if order < 4 else draw.sample(chosen, 12):
            rates = draw.choices(RATES, k=order)
            wanted, scale = exact_sum(D, spacetime, rates)
            assert abs(Fraction(kernel_sum(D, [spacetime], rates)[0]) - wanted) <= Fraction(1, 10**13) * scale


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
    assert abs(Fraction(kernel_sum(D, [spacetime], rates)[0]) - wanted) <= Fraction(1, 10**13) * scale


def test_small_factors_keep_their_digits():
    """Cyclic epochs make edges of [a[a]] last L: k^(L-1) is far below 1, and still right."""
    D, spacetime = fd.Diagram.parse("[a[a]]"), fd.Spacetime(100, 1, 200, sampling="cyclic")
    for rates in [(0.5, 0.5), (0.9, 0.25), (1 + 1e-3, 1 - 1e-3), (0.0, 1.5)]:
        wanted, scale = exact_sum(D, spacetime, rates)
        assert scale < 1e-10
        assert abs(Fraction(kernel_sum(D, [spacetime], rates)[0]) - wanted) <= Fraction(1, 10**13) * scale


@lru_cache
def durations(D, spacetime):
    """How many maps have which durations of the edges, over all realisations: listed one by one."""
    found, realisations = Counter(), 0
    for batches in spacetime.realisations():
        realisations += 1
        for f in oracle.all_maps(D.parents, D.blocks, batches, injective=False):
            times = [len(batches), *(t for t, _ in f)]
            found[tuple(times[D.parents[v]] - times[v] for v in range(1, D.order + 1))] += 1
    return found, realisations


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
                assert abs(Fraction(kernel_sum(D, [spacetime], rates)[0]) - wanted) <= Fraction(1, 10**13) * scale


# Levels: the sum over weak orders of the parts, section 5 of the theory, in 60 digits. It shares nothing with transfers.


def weak_orders(items, below):
    """Every map of the items onto 0..m-1 with level[x] < level[y] for (x, y) in below."""
    for m in range(1, items + 1):
        for levels in product(range(m), repeat=items):
            if len(set(levels)) == m and all(levels[x] < levels[y] for x, y in below):
                yield m, levels


def homogeneous(degree, values):
    """h_degree of the values: the corner of a power of a bidiagonal matrix."""
    m = len(values) - 1
    matrix = mp.matrix(m + 1)
    for i, value in enumerate(values):
        matrix[i, i] = value
        if i < m:
            matrix[i, i + 1] = 1
    return (matrix ** (degree + m))[0, m] if degree >= 0 else mpf(0)


def parts_of(D):
    """Part of each node but the root, numbered from 0, and the edges (child's part, parent's part or None)."""
    blocks = D.blocks[1:]
    names = sorted(set(blocks))
    part = [names.index(b) for b in blocks]
    return part, [(part[v], part[D.parents[v + 1] - 1] if D.parents[v + 1] else None) for v in range(D.order)]


def one_epoch_levels(D, B, T, k):
    part, edges = parts_of(D)
    P, total = max(part) + 1, mpf(0)
    if any(x == y for x, y in edges):
        return total
    for m, level in weak_orders(P, [(x, y) for x, y in edges if y is not None]):
        spans = [(level[x], m if y is None else level[y]) for x, y in edges]
        weight = mpf(B) ** P
        for (a, b), x in zip(spans, k, strict=True):
            weight *= x ** (b - a - 1)
        crossed = [math.prod((x for (a, b), x in zip(spans, k, strict=True) if a < j <= b), start=mpf(1)) for j in range(m + 1)]
        total += weight * homogeneous(T - m, crossed)
    return total


def cyclic_levels(D, B, L, E, k):
    """Whole epochs: a weak order of the nodes into epochs and one of the parts into positions."""
    part, edges = parts_of(D)
    P, d, total = max(part) + 1, D.order, mpf(0)
    parent = [p - 1 for p in D.parents[1:]]
    for m, epoch in weak_orders(d, []):
        if any(p >= 0 and epoch[v] > epoch[p] for v, p in enumerate(parent)):
            continue
        inside = [(x, y) for v, (x, y) in enumerate(edges) if y is not None and epoch[v] == epoch[parent[v]]]
        for l, place in weak_orders(P, inside):
            c, W, R = mpf(B) ** P, [mpf(1)] * (m + 1), [mpf(1)] * (l + 1)
            for v, p in enumerate(parent):
                start, end = (epoch[v], place[part[v]]), (m, 0) if p < 0 else (epoch[p], place[part[p]])
                for gap in range(m + 1):  # an epoch before, between and after those that hold nodes
                    if start[0] < gap <= end[0]:
                        W[gap] *= k[v] ** L
                for e in range(m):
                    for j in range(l + 1):  # the gap before position j
                        if start < (e, j) and (e, j) <= end:
                            R[j] *= k[v]
                    for j in range(l):
                        if start < (e, j) < end:
                            c *= k[v]
            total += c * homogeneous(E - m, W) * homogeneous(L - l, R)
    return total


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
                assert abs(kernel_sum(D, [spacetime], rates)[0] - wanted) <= mpf("1e-12") * scale
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
                assert abs(kernel_sum(D, [spacetime], rates)[0] - wanted) <= mpf("1e-12") * scale + smallest


@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
def test_hundreds_of_updates_in_several_epochs(sampling):
    draw = random.Random(sampling)
    for N, B, T in [(50, 1, 335), (40, 4, 300), (9, 3, 200)]:
        spacetime = fd.Spacetime(N, B, T, sampling=sampling)
        for D in draw.sample(irreducible(2), 3) + draw.sample(irreducible(3), 2):
            rates = draw.choices([2.0**-10, 0.5, 1.0, 1.5, 1.75, 0.0, 2.0**-30], k=D.order)
            wanted, scale = exact_sum(D, spacetime, rates)
            assert abs(Fraction(kernel_sum(D, [spacetime], rates)[0]) - wanted) <= Fraction(1, 10**13) * scale


# Whole values: tuples weighted by tensors, edges that can be exchanged, curves and threads.


def symmetric_tensors(n, diagrams, seed):
    """Random dense cumulants of every kind that the diagrams need; a diagonal Hessian, with an indefinite spectrum."""
    rng = np.random.default_rng(seed)
    kinds = {tuple(sorted(D.degrees[v] for v in part)) for D in diagrams for part in D.parts} - {(0,)}
    cumulants = {degrees: symmetrised(rng.normal(size=(n,) * sum(degrees)), degrees) for degrees in sorted(kinds)}
    cumulants[2,] = np.diag(np.sort(rng.uniform(-0.5, 2.5, n)))
    if (1, 1) in cumulants:  # a covariance
        cumulants[1, 1] = cumulants[1, 1] @ cumulants[1, 1]
    return fd.landscapes.tensors(cumulants, loss=1.0)


def symmetrised(tensor, degrees):
    starts, total, count = [sum(degrees[:i]) for i in range(len(degrees))], 0.0, 0
    for nodes in permutations(range(len(degrees))):
        if [degrees[i] for i in nodes] == list(degrees):
            for inner in product(*(list(permutations(range(starts[i], starts[i] + degrees[i]))) for i in nodes)):
                total, count = total + tensor.transpose(sum(inner, ())), count + 1
    return total / count


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
        ((_, moves, _),) = RVALUE._runs(D, [spacetime], False)
        for tuples in (1, 20, 1 << 20):
            monkeypatch.setattr(RVALUE, "SHARD_TUPLES", tuples)
            found = RVALUE._summed(values.reshape(n, -1), 0, rates, etas, twins(D), moves, np.zeros(0, np.int64))[:, 0]
            assert (np.abs(found - wanted) <= 1e-13 * scale).all()


def test_no_maps_no_value():
    land = symmetric_tensors(2, [D for order in range(4) for D in fd.diagrams(order)], 5)
    for text, spacetime in [("[a[b[a] b]]", fd.Spacetime(4, T=4)), ("[a b[c c] b]", fd.Spacetime(3, T=1)), ("[a[b b]]", fd.Spacetime(2, T=1))]:
        assert fd.maps(text, spacetime) == 0
        assert kernel_sum(fd.Diagram.parse(text), [spacetime], [0.5] * fd.Diagram.parse(text).order)[0] == 0
    assert fd.predict(land, fd.Spacetime(4, T=4), 0.0, 3).total == land.loss


