"""Up to 10^9 updates where every epoch, or every batch, is drawn anew: the float kernel against 60-digit levels.

The oracle is the sum over weak orders of section "one formula" of the theory: mergings of the parts, the nodes on levels of
epochs, in each of them the present parts on levels of positions, and an h for every run between. It shares nothing with the
transfer matrices over ideals that fastdiag uses, and is itself held against maps listed one by one and exact Fractions.
"""

import math
import random
from fractions import Fraction
from functools import cache, lru_cache

import numpy as np
import pytest
from mpmath import mp, mpf

import fastdiag as fd
from oracles.weighted_sums import durations, irreducible, kernel_sum, parts_of, weak_orders

BOUND = mpf("1e-12")
"""Of the kernel's error, in units of the sum of absolute values: 2^-53 a rounding, below 100 of them for each of 30 squarings."""
SMALLEST = mpf("1e-290")  # floats underflow
RATES = [0.0, 1e-9, 1e-9, 3e-9, -1e-9, 1e-16, 2e-8, 1e-6, 0.7, 1.0, 1.4, 1.999, 2 - 1e-9, 2.0, 1 + 1e-7]
"""1 - k. Flat and nearly flat directions, growing ones, k = 0, negative, nearly -1, -1; equal ones are drawn often."""


def homogeneous(degree, values):
    """h_degree of the values, the corner of a power of a bidiagonal matrix; the columns are those of its powers."""
    size, times = len(values), degree + len(values) - 1
    if degree < 0:
        return mpf(0)
    row = [mpf(i == 0) for i in range(size)]
    matrix = [[values[i] if i == j else mpf(j == i + 1) for j in range(size)] for i in range(size)]
    while times:
        if times & 1:
            row = [mp.fsum(row[i] * matrix[i][j] for i in range(j + 1)) for j in range(size)]
        times >>= 1
        if times:
            matrix = [
                [mp.fsum(matrix[i][l] * matrix[l][j] for l in range(i, j + 1)) for j in range(size)] for i in range(size)
            ]
    return row[-1]


def mergings(parts):
    """Set partitions of the parts, each as the number of the block of each part, numbered as they come."""
    found = [[]]
    for _ in range(parts):
        found = [[*blocks, b] for blocks in found for b in range(max(blocks, default=-1) + 2)]
    return found


@lru_cache
def positions(count, inside):
    """Weak orders of parts with the children's below the parents'."""
    return list(weak_orders(count, inside))


def fresh_levels(D, N, B, L, T, k):
    """Sum over maps in the cumulant basis; every L updates (the last time fewer) the N rows are dealt anew, B at once."""
    part, _ = parts_of(D)
    above, total = [p - 1 for p in D.parents[1:]], mpf(0)
    for merged in mergings(max(part) + 1):
        parts = max(merged) + 1
        if parts <= N:
            total += math.perm(N, parts) * moment_levels([merged[p] for p in part], above, N, B, L, T, k)
    return total


def moment_levels(part, above, N, B, L, T, k):
    """The share of one merging, per choice of its rows: different parts are in different rows."""
    nodes, total = range(len(part)), mpf(0)
    whole, rest = divmod(T, L)

    @cache
    def within(here, before, length):
        """One epoch that holds the nodes `here`, after those `before`."""
        present = sorted({part[v] for v in here})
        place = {p: i for i, p in enumerate(present)}
        inside = tuple((place[part[v]], place[part[above[v]]]) for v in here if above[v] in here)
        share = mpf(0)
        for l, level in positions(len(present), inside):
            weight = mpf(math.prod(math.perm(B, level.count(j)) for j in range(l)))
            gaps = [mpf(1)] * (l + 1)  # gap j lies before position j
            for v in nodes:
                if v in here or (v in before and above[v] not in before):
                    start = level[place[part[v]]] if v in here else -1
                    end = level[place[part[above[v]]]] if above[v] in here else l
                    weight *= k[v] ** (end - start - 1)
                    for j in range(start + 1, end + 1):
                        gaps[j] *= k[v]
            share += weight * homogeneous(length - l, gaps)
        return share / math.perm(N, len(present))

    for m, epoch in weak_orders(len(part), []):
        if any(p >= 0 and epoch[v] > epoch[p] for v, p in enumerate(above)):
            continue
        here = [frozenset(v for v in nodes if epoch[v] == e) for e in range(m)]
        before = [frozenset(v for v in nodes if epoch[v] < e) for e in range(m)]
        passed = [
            math.prod((k[v] for v, p in enumerate(above) if epoch[v] < gap <= (m if p < 0 else epoch[p])), start=mpf(1)) ** L
            for gap in range(m + 1)
        ]
        shares = [within(here[e], before[e], L) for e in range(m)]
        to_the_root = math.prod((k[v] ** rest for v, p in enumerate(above) if p < 0), start=mpf(1))
        total += mp.fprod(shares) * homogeneous(whole - m, passed) * to_the_root
        if rest:
            last = within(here[-1], before[-1], rest)
            total += mp.fprod(shares[:-1]) * last * homogeneous(whole - m + 1, passed[:-1])
    return total


def levels(D, spacetime, rates):
    """The oracle's sum, and with |k|: the sum of absolute values."""
    L = 1 if spacetime.sampling == "replacement" else spacetime.N // spacetime.B
    with mp.workdps(60):
        k = [1 - mpf(rate) for rate in rates]
        return [fresh_levels(D, spacetime.N, spacetime.B, L, spacetime.T, x) for x in (k, [abs(y) for y in k])]


SMALL = [
    ((2, 1, 5), "reshuffle"), ((4, 2, 3), "reshuffle"), ((2, 1, 4), "reshuffle"), ((2, 1, 4), "replacement"),
    ((3, 2, 3), "replacement"),
]


@pytest.mark.parametrize(("grid", "sampling"), SMALL, ids=repr)
def test_the_oracle_lists_every_map(grid, sampling):
    draw, spacetime = random.Random(repr((grid, sampling))), fd.Spacetime(*grid, sampling=sampling)
    for order in range(1, 4):
        for D in draw.sample(irreducible(order), min(4, len(irreducible(order)))):
            found, realisations = durations(D, spacetime)
            rates = draw.choices([0.0, 0.5, 1.5, 2.0, -0.25, 1.0], k=order)
            with mp.workdps(60):
                wanted = sum(c * math.prod((1 - mpf(r)) ** (dt - 1) for r, dt in zip(rates, dts, strict=True)) for dts, c in found.items())
                total, scale = levels(D, spacetime, rates)
                assert abs(total - wanted / realisations) <= mpf("1e-50") * scale


@pytest.mark.parametrize(
    ("grid", "sampling"),
    [((12, 2, 200), "reshuffle"), ((7, 1, 150), "reshuffle"), ((10**6, 10**4, 250), "reshuffle"), ((9, 4, 120), "replacement")],
    ids=repr,
)
def test_the_oracle_is_exact(grid, sampling):
    """Fractions of hundreds of updates; partial epochs, and k of few digits."""
    draw, spacetime = random.Random(repr((grid, sampling))), fd.Spacetime(*grid, sampling=sampling)
    for order in (1, 2, 3):
        D = draw.choice(irreducible(order))
        rates = draw.choices([0.0, 2.0**-10, 0.5, 1.75, 2.0**-30], k=order)
        exact = fd.weighted_maps(D, spacetime, [1 - Fraction(rate) for rate in rates])
        with mp.workdps(60):
            total, scale = levels(D, spacetime, rates)
            assert abs(total - mpf(exact.numerator) / exact.denominator) <= mpf("1e-50") * scale


FRESH = [
    ((10**6, 1, 10**6 + 1), "reshuffle"), ((10**6, 10, 10**9), "reshuffle"), ((1000, 8, 10**6 + 77), "reshuffle"),
    ((4, 2, 10**9), "reshuffle"), ((4, 2, 10**9 + 1), "reshuffle"), ((10**6, 500, 10**8 + 1234), "reshuffle"),
    ((3, 1, 10**7 + 2), "reshuffle"), ((6, 6, 10**6), "reshuffle"),
    ((10**6, 1, 10**6), "replacement"), ((10**6, 1000, 10**9), "replacement"), ((3, 2, 10**9), "replacement"),
    ((7, 7, 10**8), "replacement"), ((50, 1, 10**7 + 3), "replacement"),
]


@pytest.mark.every(2)
@pytest.mark.parametrize(("grid", "sampling"), FRESH, ids=repr)
def test_many_updates(grid, sampling):
    draw, spacetime = random.Random(repr((grid, sampling))), fd.Spacetime(*grid, sampling=sampling)
    for order, diagrams, draws in [(1, 1, 4), (2, 4, 3), (3, 3, 1)]:
        for D in draw.sample(irreducible(order), min(diagrams, len(irreducible(order)))):
            for _ in range(draws):
                rates = draw.choices(RATES, k=order)
                wanted, scale = levels(D, spacetime, rates)
                assert abs(kernel_sum(D, spacetime, rates) - wanted) <= BOUND * scale + SMALLEST, (str(D), rates)


@pytest.mark.parametrize(("grid", "sampling"), FRESH, ids=repr)
def test_flat_directions(grid, sampling):
    """All terms are positive: the relative error of each sum is small."""
    spacetime = fd.Spacetime(*grid, sampling=sampling)
    for text in ["[a]", "[a a]", "[a b]", "[a[a]]"]:
        D = fd.Diagram.parse(text)
        for rate in (0.0, 1e-9, 1e-16):
            rates = [rate] * D.order
            wanted, scale = levels(D, spacetime, rates)
            assert wanted == scale
            assert abs(kernel_sum(D, spacetime, rates) - wanted) <= BOUND * wanted + SMALLEST
    count = fd.maps("[a b a]", spacetime)
    assert np.isclose(kernel_sum(fd.Diagram.parse("[a b a]"), spacetime, [0.0] * 3), float(count), rtol=1e-12, atol=0)


@pytest.mark.parametrize(("grid", "sampling"), [FRESH[i] for i in (1, 4, 5, 9, 10)], ids=repr)
def test_values(grid, sampling):
    """A whole value, in one direction: eta h a billionth from flat, and one in which k is negative."""
    spacetime = fd.Spacetime(*grid, sampling=sampling)
    for h in (1e-9, 3.0):
        land = fd.landscapes.tensors({(1,): [0.5], (2,): [[h]], (1, 1): [[2.0]], (1, 2): [[[0.25]]]}, loss=1.0)
        for text, value in [("[a]", 0.25), ("[a a]", 2 * h), ("[a b]", 0.25 * h), ("[a[a]]", 0.125)]:
            D, eta = fd.Diagram.parse(text), 0.5
            wanted, scale = levels(D, spacetime, [eta * h] * D.order)
            factor = (-eta / spacetime.B) ** D.order / D.automorphisms * value
            assert abs(fd.rvalue(text, land, spacetime, eta) - factor * wanted) <= BOUND * abs(factor) * scale + SMALLEST
