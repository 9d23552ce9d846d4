"""Embeddings by stabilizer, and weights on edges, against enumeration."""

import math
from fractions import Fraction
from functools import cache

import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdiag as fd
from fastdiag.embedding import enumerated_embedding_counts
from oracles import oracle
from oracles.spacetimes import spacetimes

BASES = ["cumulant", "moment"]


@settings(max_examples=25)
@given(spacetime=spacetimes(5), basis=st.sampled_from(BASES))
def test_embedding_counts_are_enumerated(spacetime, basis):
    glued = [fd.Diagram.parse(text) for text in ("[a a b b]", "[a b a[b]]", "[a[b] b[a]]")]  # parts meet in a cell
    for D in [*fd.diagrams(2, root_shares=True), *fd.diagrams(3), *glued]:
        assert fd.embedding_counts(D, spacetime, basis) == enumerated_embedding_counts(D, spacetime, basis)


def test_embedding_counts_at_any_size():
    for text in ("[a b c]", "[a a b b]", "[a[b] c[d]]"):
        for spacetime in (fd.Spacetime(10**9, 10, 10**8), fd.Spacetime(10**6, 10, E=7), fd.Spacetime(9, 2, T=50, sampling="replacement")):
            D = fd.Diagram.parse(text)
            counts = fd.embedding_counts(D, spacetime)
            assert sum(Fraction(c) / size for size, c in counts.items()) == Fraction(fd.maps(D, spacetime)) / D.automorphisms


@cache
def batches_of(spacetime):
    return list(spacetime.realisations())


@settings(max_examples=40)
@given(
    spacetime=spacetimes(5), basis=st.sampled_from(BASES), index=st.integers(0, 10**6), order=st.integers(1, 3),
    k=st.lists(st.fractions(-3, 3, max_denominator=5), min_size=3, max_size=3),
)
def test_weighted_maps_are_brute_force(spacetime, basis, index, order, k):
    ds = fd.diagrams(order, root_shares=True)
    D, k = ds[index % len(ds)], k[:order]
    total = Fraction(0)
    for batches in batches_of(spacetime):
        for f in oracle.all_maps(D.parents, D.blocks, batches, basis == "moment"):
            times = [spacetime.T, *(t for t, _ in f)]
            total += math.prod(
                (k[v - 1] ** (times[D.parents[v]] - times[v] - 1) for v in range(1, order + 1)), start=Fraction(1)
            )
    assert fd.weighted_maps(D, spacetime, k, basis) == total / len(batches_of(spacetime))
    assert fd.weighted_maps(D, spacetime, 1, basis) == fd.maps(D, spacetime, basis)


def test_weighted_maps_with_symbols_and_long_runs():
    k, q = sympy.symbols("k q")
    spacetime = fd.Spacetime(4, 1, 10)
    symbolic = fd.weighted_maps("[a b[a]]", spacetime, [k, q, k])
    assert symbolic == sympy.expand(symbolic)
    values = {k: sympy.Rational(2, 3), q: sympy.Rational(-1, 2)}
    exact = fd.weighted_maps("[a b[a]]", spacetime, [Fraction(2, 3), Fraction(-1, 2), Fraction(2, 3)])
    assert symbolic.subs(values) == sympy.Rational(exact.numerator, exact.denominator)
    # long enough for repeated squaring; the geometric sum in closed form
    long = fd.weighted_maps("[a]", fd.Spacetime(1000, 1, 1000), Fraction(1, 2))
    assert long == (1 - Fraction(1, 2) ** 1000) * 2
    assert fd.weighted_maps("[a]", fd.Spacetime(10, 1, T=1000), 1) == 1000
    assert fd.weighted_maps("[a]", spacetime, sympy.exp(k)).subs(k, 0) == 10
    one = fd.weighted_maps("[a b]", spacetime, sympy.Symbol("k"))
    assert one.subs(sympy.Symbol("k"), 1) == fd.maps("[a b]", spacetime)
