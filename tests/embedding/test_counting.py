"""Closed-form counts against enumeration, and against the papers' propositions."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdiag as fd
from fastdiag.diagram.moebius import moebius
from fastdiag.embedding import enumerated_maps
from oracles.spacetimes import SAMPLINGS, spacetimes

BASES = ["cumulant", "moment"]


@settings(max_examples=60)
@given(spacetime=spacetimes(), basis=st.sampled_from(BASES), data=st.data())
def test_maps_are_enumerated_maps(spacetime, basis, data):
    for order in range(3):
        for D in fd.diagrams(order, root_shares=True):
            assert fd.maps(D, spacetime, basis) == enumerated_maps(D, spacetime, basis)
    D = data.draw(st.sampled_from(list(fd.diagrams(3, root_shares=True))))
    assert fd.maps(D, spacetime, basis) == enumerated_maps(D, spacetime, basis)


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize(
    "spacetime",
    [fd.Spacetime(2, 1, 7), fd.Spacetime(3, 1, 5), fd.Spacetime(4, 2, 5), fd.Spacetime(3, 1, 7, sampling="cyclic"),
     fd.Spacetime(4, 2, 5, sampling="cyclic"), fd.Spacetime(2, 1, 8, sampling="cyclic"), fd.Spacetime(6, 1, 6),
     fd.Spacetime(2, 1, 6, sampling="replacement"), fd.Spacetime(3, 2, 4, sampling="replacement")],
    ids=str,
)
def test_maps_of_larger_diagrams(spacetime, basis):
    """Random diagrams of order 4 to 6, most of which do have maps: several epochs, most of them ending in a partial one."""
    rng = np.random.default_rng(spacetime.T)
    some = 0
    for order, many in ((4, 16), (5, 8), (6, 4)):
        ds = fd.diagrams(order)
        if spacetime.is_one_epoch:  # the others have no map at all
            ds = ds[ds.satisfies_path_condition]
        for index in rng.integers(len(ds), size=many):
            expected = enumerated_maps(ds[index], spacetime, basis)
            assert fd.maps(ds[index], spacetime, basis) == expected
            some += expected != 0
    assert some >= 6


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize(
    "spacetime",
    [fd.Spacetime(2, 1, 5), fd.Spacetime(2, 1, 4), fd.Spacetime(2, 1, 5, sampling="cyclic"), fd.Spacetime(4, 2, 3),
     fd.Spacetime(4, 2, 5, sampling="cyclic"), fd.Spacetime(3, 2, 3, sampling="replacement"), fd.Spacetime(3, 1, 2)],
    ids=str,
)
def test_every_diagram_to_order_three(spacetime, basis):
    for order in range(4):
        for D in fd.diagrams(order, root_shares=True):
            assert fd.maps(D, spacetime, basis) == enumerated_maps(D, spacetime, basis)


@given(
    order=st.integers(0, 4), root_shares=st.booleans(), basis=st.sampled_from(BASES), sampling=st.sampled_from(SAMPLINGS),
    B=st.integers(1, 10), L=st.integers(1, 10**4), epochs=st.integers(1, 50), rest=st.integers(0, 10**4),
)
def test_a_batch_is_its_diagrams(order, root_shares, basis, sampling, B, L, epochs, rest):
    spacetime = fd.Spacetime(B * L, B, T=epochs * L + rest % L, sampling=sampling)
    ds = fd.diagrams(order, root_shares=root_shares)
    times = [1, L, spacetime.T, spacetime.T + 1]
    many, one = fd.count_maps(ds, spacetime, basis, T=times), fd.count_maps(ds, spacetime, basis)
    assert many.shape == (len(ds), 4)
    for i in range(0, len(ds), 1 + len(ds) // 6):
        assert Fraction(one.numerators[i], one.denominator) == fd.maps(ds[i], spacetime, basis)
        for j, T in enumerate(times):
            exact = fd.maps(ds[i], spacetime.with_updates(T), basis)
            assert Fraction(many.numerators[i, j], many.denominator) == exact
            assert many.floats[i, j] == pytest.approx(float(exact), rel=1e-15)


def test_a_batch_of_any_part_of_a_list():
    ds, spacetime = fd.diagrams(4), fd.Spacetime(6, 2, E=2)
    whole = fd.count_maps(ds, spacetime).numerators
    some = np.array([70, 3, 3, 100, 5])
    assert (fd.count_maps(ds[some], spacetime).numerators == whole[some]).all()
    assert (fd.count_maps(ds[ds.irreducible], spacetime).numerators == whole[ds.irreducible]).all()
    assert len(fd.count_maps(ds[:0], spacetime)) == 0


# Propositions of the papers


def test_proposition_two():
    """Order 2, any shuffling, M = T/N: the coefficients of G.G, G.H.G, C.H, (grad C).G, as symbols in M, N, B."""
    M, N, B = sympy.symbols("M N B")
    for sampling in ("cyclic", "reshuffle"):

        def coefficient(text, sampling=sampling):
            D = fd.Diagram.parse(text)
            formula = fd.maps_formula(D, sampling, "cumulant").subs({sympy.Symbol("E"): M * B})
            return sympy.factor(formula * (-1 / B) ** D.order / D.automorphisms)

        assert sympy.simplify(coefficient("[a]") + M * N) == 0
        # the untied pair and the untied chain have one value: G.H.G
        assert sympy.simplify(coefficient("[a b]") + coefficient("[a[b]]") - M * N * (M * N - sympy.Rational(1, 2))) == 0
        assert sympy.simplify(coefficient("[a a]") - M * N * M / 2) == 0
        # the tied chain is cov(hess l, grad l) G = (grad_mu C^nu_nu) G^mu / 2
        assert sympy.simplify(coefficient("[a[a]]") - M * N * (M - 1 / B) / 2) == 0


@pytest.mark.parametrize(("T", "B"), [(3, 1), (5, 2), (10**6, 7)])
def test_the_table_of_embeddings_under_proposition_two(T, B):
    """As corrected: the untied pair has C(TB,2) embeddings with |Aut_f| = 1 and TB with 2; the chain C(T,2) B^2."""
    spacetime = fd.Spacetime(T * B, B, T)
    assert fd.embedding_counts("[a b]", spacetime) == {1: math.comb(T * B, 2), 2: T * B}
    assert fd.embedding_counts("[a[b]]", spacetime) == {1: math.comb(T, 2) * B**2}
    assert fd.embedding_counts("[a a]", spacetime) == {2: T * B}


def test_shuffling_between_epochs_first_matters_at_order_four():
    for order in range(4):
        for D in fd.diagrams(order, root_shares=True):
            for basis in BASES:
                one, fresh = (fd.maps_formula(D, sampling, basis) for sampling in ("cyclic", "reshuffle"))
                assert sympy.cancel(sympy.expand_func(one - fresh)) == 0
    ds = fd.diagrams(4)
    counts = [fd.count_maps(ds, fd.Spacetime(3, 1, E=2, sampling=s)) for s in ("cyclic", "reshuffle")]
    one, fresh = (c.numerators * other.denominator for c, other in zip(counts, counts[::-1], strict=True))
    assert (one != fresh).sum() == 17


@given(
    order=st.integers(0, 5), index=st.integers(0, 10**6), basis=st.sampled_from(BASES),
    sampling=st.sampled_from([*SAMPLINGS, "one epoch"]), B=st.integers(1, 5), L=st.integers(1, 20), E=st.integers(1, 6),
)
def test_formulas_are_the_counts(order, index, basis, sampling, B, L, E):
    ds = fd.diagrams(min(order, 4), root_shares=order > 4)
    D = ds[index % len(ds)]
    formula = fd.maps_formula(D, sampling, basis)
    N, b, T, e = sympy.symbols("N B T E")
    rows = B * max(L, D.order)  # with fewer rows than parts, falling factorials cancel
    if sampling == "one epoch":
        spacetime, values = fd.Spacetime(rows, B, T=min(L, rows // B)), {}
    elif sampling == "replacement":
        spacetime, values = fd.Spacetime(rows, B, T=E, sampling=sampling), {}
    else:
        spacetime, values = fd.Spacetime(rows, B, E=E, sampling=sampling), {e: E}
    value = formula.subs(values | {N: rows, b: B, T: spacetime.T})
    assert value.free_symbols == set()
    assert Fraction(int(value.p), int(value.q)) == fd.maps(D, spacetime, basis)


def test_formulas_are_readable():
    assert [str(fd.maps_formula(text, "cyclic")) for text in ("[a]", "[a b]", "[a a]")] == ["E*N", "E**2*N**2", "E**2*N"]
    assert str(fd.maps_formula("[a[b]]", "one epoch")) == "B**2*T*(T - 1)/2"
    assert fd.maps_formula("[]") == 1
    with pytest.raises(fd.errors.InputError, match="known: reshuffle, cyclic, replacement, one epoch"):
        fd.maps_formula("[a]", "shuffle")


@given(order=st.integers(1, 8), index=st.integers(0, 10**6), sampling=st.sampled_from(SAMPLINGS), basis=st.sampled_from(BASES))
@settings(max_examples=15)
def test_a_billion_points_cost_what_ten_cost(order, index, sampling, basis):
    """At any size the count is exact: it satisfies the polynomial identity of finite differences in E."""
    from fastdiag.diagram.enumeration import diagrams

    ds = diagrams(min(order, 6))
    D = ds[index % len(ds)]
    N, B = 10**9, 10
    if sampling == "replacement":
        values = [Fraction(fd.maps(D, fd.Spacetime(N, B, T=10**7 + i, sampling=sampling), basis)) for i in range(D.order + 2)]
    else:
        values = [Fraction(fd.maps(D, fd.Spacetime(N, B, E=10**3 + i, sampling=sampling), basis)) for i in range(D.order + 2)]
    while len(values) > 1:  # a polynomial of degree <= d in E: its (d+1)-st difference vanishes
        values = [b - a for a, b in pairwise(values)]
    assert values == [0]


def test_order_eight():
    for text in ("[a a b[b c] c d[d]]", "[a[b[c[d]]] a[b c d]]"):
        D = fd.Diagram.parse(text)
        for sampling in SAMPLINGS:
            small = fd.Spacetime(3, 1, 4, sampling=sampling)
            for basis in BASES:
                assert fd.maps(D, small, basis) == enumerated_maps(D, small, basis)


@pytest.mark.parametrize(
    ("call", "words"),
    [(lambda: fd.weighted_maps("[a]", fd.Spacetime(2, T=2), 0.5), "must be exact"),
     (lambda: fd.weighted_maps("[a b]", fd.Spacetime(2, T=2), [1]), "one for each of the 2 edges"),
     (lambda: fd.weighted_maps("[a]", fd.Spacetime(2, T=2), "half"), "k must be an int, a Fraction"),
     (lambda: fd.count_maps(fd.diagrams(1), fd.Spacetime(2, T=2), T=[0]), "at least 1"),
     (lambda: fd.count_maps(fd.diagrams(1), fd.Spacetime(2, T=2), T=[1.5]), "whole"),
     (lambda: fd.count_maps(fd.diagrams(1), fd.Spacetime(2, T=2), "x"), "unknown basis"),
     (lambda: fd.count_maps(next(fd.stream_diagrams(9, shard=10)), fd.Spacetime(2, T=2)), "order at most 8"),
     (lambda: moebius([1, 2, 3], 2), "there are 2 partitions of 2 items, but 3 values")],
)
def test_bad_input(call, words):
    with pytest.raises(fd.errors.InputError, match=words):
        call()
