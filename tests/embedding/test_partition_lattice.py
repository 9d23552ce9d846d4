"""The partition lattice: its incidence algebra, transforms, and counts and values that go along it."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdiag as fd
from fastdiag.diagram.moebius import coarsenings, moebius, refinements, zeta
from fastdiag.diagram.partition import moebius_to_top, set_partitions
from oracles import oracle
from oracles.spacetimes import spacetimes

BASES = ["cumulant", "moment"]


def below(pi, sigma):
    """pi <= sigma: every block of pi lies in a block of sigma."""
    return all(sigma[u] == sigma[v] for u in range(len(pi)) for v in range(u) if pi[u] == pi[v])


@pytest.mark.parametrize("n", range(6))
def test_the_incidence_algebra(n):
    """The pairs are the order; mu is the inverse of zeta on every interval; mu to the top is (-1)^(b-1) (b-1)!."""
    strings = set_partitions(n)
    up, down = coarsenings(n), refinements(n)
    mu = {}
    for i in range(len(strings)):
        for a in range(up.starts[i], up.starts[i + 1]):
            mu[i, int(up.others[a])] = int(up.moebius[a])
    assert set(mu) == {(i, j) for i, p in enumerate(strings) for j, s in enumerate(strings) if below(p, s)}
    assert {(int(down.others[a]), j): int(down.moebius[a]) for j in range(len(strings)) for a in range(down.starts[j], down.starts[j + 1])} == mu
    for i, j in mu:
        between = [k for k in range(len(strings)) if (i, k) in mu and (k, j) in mu]
        assert sum(mu[i, k] for k in between) == (i == j)
        assert sum(mu[k, j] for k in between) == (i == j)
    top = strings.index((0,) * n)
    assert all(mu[i, top] == moebius_to_top(string) for i, string in enumerate(strings))


@given(n=st.integers(0, 5), downwards=st.booleans(), data=st.data())
def test_transforms_are_inverse_and_linear(n, downwards, data):
    size = len(set_partitions(n))
    number = st.one_of(st.integers(-(2**80), 2**80), st.fractions(max_denominator=50))
    x, y = (np.array(data.draw(st.lists(number, min_size=size, max_size=size)), object) for _ in range(2))
    assert (moebius(zeta(x, n, downwards), n, downwards) == x).all()
    assert (zeta(moebius(x, n, downwards), n, downwards) == x).all()
    assert (zeta(x + 3 * y, n, downwards) == zeta(x, n, downwards) + 3 * zeta(y, n, downwards)).all()


@settings(max_examples=15)
@given(spacetime=spacetimes(), index=st.integers(0, 10**6))
def test_counts_go_up_the_lattice_and_values_down(spacetime, index):
    """Both transforms on one tree: moment and cumulant counts; moments and cumulants of random numbers."""
    tree = fd.diagrams(3)[index % 17].parents
    strings = set_partitions(3)
    counts = {
        basis: np.array([fd.maps(fd.Diagram(tree, (-1, *s)), spacetime, basis) for s in strings], object) for basis in BASES
    }
    assert (zeta(counts["moment"], 3) == counts["cumulant"]).all()
    assert (moebius(counts["cumulant"], 3) == counts["moment"]).all()
    samples = [[Fraction(3, 2), 1, -2], [5, Fraction(1, 3), 0], [1, 1, Fraction(7, 2)]]  # three variables, three points
    exact = oracle.Tensors([{(0,): 0}], [1])
    exact.moment = lambda nodes: Fraction(sum(math.prod(samples[v[0]][x] for v in nodes) for x in range(3)), 3)
    products = {
        name: np.array([math.prod(of(tuple((v,) for v in range(3) if s[v] == b)) for b in range(max(s) + 1)) for s in strings], object)
        for name, of in (("moment", exact.moment), ("cumulant", exact.cumulant))
    }
    assert (moebius(products["moment"], 3, downwards=True) == products["cumulant"]).all()
    assert (zeta(products["cumulant"], 3, downwards=True) == products["moment"]).all()
