"""Closed-form counts against enumeration, against third parties, and against the papers' propositions."""

import math
from collections import Counter
from fractions import Fraction
from functools import cache, reduce
from itertools import pairwise
from operator import mul

import kauri
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdiag as fd
import oracle
from fastdiag.diagram.moebius import coarsenings, moebius, refinements, zeta
from fastdiag.diagram.partition import moebius_to_top, set_partitions
from fastdiag.embedding import enumerated_embedding_counts, enumerated_maps
from fastdiag.kernels.limbs import combine_rows, limbs_times_factors, rows_times_limbs

BASES = ["cumulant", "moment"]
SAMPLINGS = ["reshuffle", "cyclic", "replacement"]


@st.composite
def spacetimes(draw, most_cells=8):
    """Small enough to enumerate, partial epochs included."""
    sampling = draw(st.sampled_from(SAMPLINGS))
    B = draw(st.integers(1, 2))
    N = draw(st.integers(B, 4)) if sampling == "replacement" else B * draw(st.integers(1, 3))
    spacetime = fd.Spacetime(N, B, draw(st.integers(1, most_cells // B)), sampling=sampling)
    while spacetime.number_of_realisations() > 300:
        spacetime = spacetime.with_updates(spacetime.T - 1)
    return spacetime


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
    M, N, B = sympy.symbols("M N B", positive=True, integer=True)
    for sampling in ("cyclic", "reshuffle"):

        def coefficient(text, sampling=sampling):
            D = fd.Diagram.parse(text)
            formula = fd.maps_formula(D, sampling, "cumulant").subs({sympy.Symbol("E", positive=True, integer=True): M * B})
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
    N, b, T, e = sympy.symbols("N B T E", positive=True, integer=True)
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


# Third parties and kernels


def trees(nodes):
    """All rooted trees with that many nodes, as untied diagrams hung below the root, and in kauri's form."""
    for levels in {D.levels for D in fd.diagrams(nodes - 1)}:
        text, root, path = "", [], []
        for here, following in pairwise([*levels, 0]):
            node: list = []
            del path[here:]
            (path[-1] if path else root).append(node)
            path.append(node)
            text += "x" + ("[" if following > here else " ") + "]" * max(0, here - following)
        yield _untied(f"[{text}]"), root[0]


def _untied(text):
    names = iter("abcdefghijklmnop")
    return "".join(next(names) if c == "x" else c for c in text).replace(" ]", "]")


def test_untied_counts_are_kauris_weights_of_composed_euler_steps():
    """kauri: the elementary weight of T composed Euler steps is the number of strict maps of a tree into T times."""
    seen = Counter()
    for T in (1, 3, 8):
        weights = reduce(mul, [kauri.euler] * T).elementary_weights_map()
        for nodes in range(1, 8):
            for text, nested in trees(nodes):
                assert fd.maps(text, fd.Spacetime(T, 1, T)) == round(weights(kauri.Tree(nested)), 6)
                seen[nodes] += T == 8
    assert list(seen.values()) == [1, 1, 2, 4, 9, 20, 48]


def rows_of(relations, family, partial, strings, plain, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(fd.embedding.patterns, "INT64_NODES", 0 if plain else 10)
        return fd.embedding.patterns.pattern_rows(relations, family, partial, strings)


@pytest.mark.parametrize("text", ["[a b[a c] d]", "[a a[b[c]]]", "[a[b] c[d]]"])
def test_pattern_kernels_are_their_python_source(text, monkeypatch):
    """Compiled on int64, and the same source on Python integers."""
    relations = fd.embedding.poset.Poset.of(fd.Diagram.parse(text))
    strings = set_partitions(relations.parts)
    for family in ("one order", "fresh orders"):
        for partial in (False, True):
            compiled, plain = (rows_of(relations, family, partial, strings, plain, monkeypatch) for plain in (False, True))
            assert compiled.counts.dtype == np.int64
            assert plain.counts.dtype == object
            assert all((x == y).all() for x, y in zip(compiled, plain, strict=True))


def test_rows_are_the_same_in_small_space(monkeypatch):
    """A kernel that runs out of space goes on where it was."""
    ds = fd.diagrams(6)
    relations, strings = fd.embedding.poset.Poset.of(ds[5000]), set_partitions(fd.embedding.poset.Poset.of(ds[5000]).parts)
    for family in ("one order", "fresh orders"):
        whole = fd.embedding.patterns.pattern_rows(relations, family, True, strings)
        with monkeypatch.context() as patch:
            patch.setattr(fd.embedding.patterns, "ROW_SPACE", 1)
            split = fd.embedding.patterns.pattern_rows(relations, family, True, strings)
        assert all((x == y).all() for x, y in zip(whole, split, strict=True))


def test_the_bound_of_the_pattern_kernels():
    """2 (n + 1) Fubini(n)^2 bounds what a row sums to, and holds up to the size that is compiled."""
    from fastdiag.embedding.patterns import INT64_NODES, fubini

    assert 2 * (INT64_NODES + 1) * fubini(INT64_NODES) ** 2 < 2**63
    for n in range(1, 7):
        for tree in {D.parents for D in fd.diagrams(n)}:
            relations = fd.embedding.poset.Poset.of(fd.Diagram(tree, range(n + 1)))
            for family in ("one order", "fresh orders"):
                rows = fd.embedding.patterns.pattern_rows(relations, family, True, [range(n)])
                assert rows.counts.min() > 0
                assert int(rows.counts.sum()) <= 2 * (n + 1) * fubini(n) ** 2


def test_order_polynomials_past_64_bits():
    T = 10**12
    counts = fd.count_maps(fd.diagrams(8)[:3], fd.Spacetime(T, 1, T))
    assert counts.numerators.tolist() == [fd.maps(D, fd.Spacetime(T, 1, T)) for D in fd.diagrams(8)[:3]]
    assert fd.maps("[a b c d e f g h]", fd.Spacetime(T, 1, T)) == T**8


@pytest.mark.long
def test_patterns_past_64_bits():
    """Twelve leaves have 1.2 10^19 pairs of weak orders: the plain source goes on where int64 ends."""
    text = "[a b c d e f g h i j k l]"
    assert fd.maps(text, fd.Spacetime(6, 2, E=1000, sampling="cyclic")) == 6000**12


def limbs(number, width, count):
    """Limbs of a possibly negative number: all in 0..2^width - 1 but the last."""
    out = []
    for _ in range(count - 1):
        out.append(number & (1 << width) - 1)
        number >>= width
    return [*out, number]


def value(row, width):
    return sum(int(x) << width * j for j, x in enumerate(row))


@given(st.data())
def test_limb_kernels_past_64_bits(data):
    width, count = 24, 9
    big, small = st.integers(0, 2**150), st.integers(-(2**20), 2**20)
    table = np.array(data.draw(st.lists(st.lists(small, min_size=3, max_size=3), min_size=2, max_size=2)))
    worth = data.draw(st.lists(big, min_size=6, max_size=6))
    held = np.array([[limbs(worth[3 * k + c], width, count) for c in range(3)] for k in range(2)])
    kinds, slots = np.array([1, 0]), np.array([0, 1, 0])
    sums = np.zeros((2, 2, count), np.int64)
    rows_times_limbs(np.array([3, 3]), np.tile(np.arange(3), 2), table.ravel(), kinds, held, slots, width, sums)
    exact = [
        [sum(int(table[r, c]) * worth[3 * int(kinds[r]) + c] for c in range(3) if slots[c] == q) for q in range(2)]
        for r in range(2)
    ]
    assert [[value(sums[r, q], width) for q in range(2)] for r in range(2)] == exact
    assert (sums[:, :, :-1] >= 0).all()
    weights = np.array(data.draw(st.lists(small, min_size=4, max_size=4)))
    combined = np.zeros((1, 2, count), np.int64)
    combine_rows(np.array([1]), np.array([0, 1, 4]), np.array([0, 0, 1, 1]), weights, sums, width, combined)
    wanted = [sum(int(weights[i]) * exact[s][q] for i, s in [(1, 0), (2, 1), (3, 1)]) for q in range(2)]
    assert [value(combined[0, q], width) for q in range(2)] == wanted
    factors = data.draw(st.lists(st.integers(0, 2**60), min_size=4, max_size=4))
    split = np.array([limbs(f, width, 3) for f in factors]).reshape(2, 2, 3)
    out = np.zeros((2, 13, 2), np.int64)
    limbs_times_factors(sums, np.ascontiguousarray(np.moveaxis(split, 2, 0)), width, out)
    for r in range(2):
        for t in range(2):
            assert value(out[r, :, t], width) == sum(exact[r][q] * factors[2 * q + t] for q in range(2))


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


# Embeddings by stabilizer, weights on edges


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


# The partition lattice


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
    exact._moment = exact.moment = lambda nodes: Fraction(sum(math.prod(samples[v[0]][x] for v in nodes) for x in range(3)), 3)
    products = {
        name: np.array([math.prod(of(tuple((v,) for v in range(3) if s[v] == b)) for b in range(max(s) + 1)) for s in strings], object)
        for name, of in (("moment", exact._moment), ("cumulant", exact._cumulant))
    }
    assert (moebius(products["moment"], 3, downwards=True) == products["cumulant"]).all()
    assert (zeta(products["cumulant"], 3, downwards=True) == products["moment"]).all()
