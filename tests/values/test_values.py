"""Values: contractions against brute force, resummed sums against maps enumerated one by one and closed forms."""

import math
import sys
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastdiag as fd
from oracles import oracle
from oracles.random_points import landscape, symmetric


def exact_tensors(land):
    """The oracle's tensors on the same points."""
    exact = oracle.Tensors([{(0,) * land.dimension: 0}], [1])
    exact.n = land.dimension
    exact.entry = lambda x, indices: land.derivatives[len(indices)][(x, *indices)]
    exact.weights = land.weights
    return exact


@pytest.mark.parametrize("root_shares", [False, True])
@pytest.mark.parametrize("n", [1, 2])
def test_uvalue_is_the_contraction(n, root_shares):
    land = landscape(n, n)
    exact = exact_tensors(land)
    for order in range(4):
        for D in fd.diagrams(order, root_shares=root_shares):
            assert fd.uvalue(D, land) == pytest.approx(exact.value(D.parents, D.parts, "cumulant"), rel=1e-11, abs=1e-12)


def brute_rvalue(D, land, spacetime, eta):
    """Sum over enumerated maps of the contraction with K^(dt-1) eta on each edge."""
    exact = exact_tensors(land)
    K, T = np.eye(land.dimension) - eta * land.hessian, spacetime.T
    durations = Counter()
    for batches in spacetime.realisations():
        for f in oracle.all_maps(D.parents, D.blocks, batches, injective=False):
            times = [T, *(t for t, _ in f)]
            durations[tuple(times[D.parents[v]] - times[v] for v in range(1, D.order + 1))] += 1
    total = 0.0
    for dts, count in durations.items():
        powers = [eta * np.linalg.matrix_power(K, dt - 1) for dt in dts]
        ends = [lambda a, b, M=power: M[a, b] for power in powers]
        total += count * exact.value(D.parents, D.parts, "cumulant", ends)
    return total * (-1 / spacetime.B) ** D.order / D.automorphisms


@pytest.mark.parametrize("eta", [0.13, 1.7])
@pytest.mark.parametrize("grid", [(4, 1, 4), (4, 1, 3), (6, 2, 3)], ids=str)
def test_rvalue_is_the_sum_over_maps(grid, eta):
    spacetime = fd.Spacetime(*grid)
    for n, top in ((1, 4), (2, 3)):
        land = landscape(n, n)
        for order in range(top + 1):
            for D in fd.diagrams(order, irreducible=True):
                if order == 3 and n == 2 and D.automorphisms == 1:
                    continue  # seconds apiece for the brute force; the 1-D case has them
                expected = brute_rvalue(D, land, spacetime, eta)
                assert fd.rvalue(D, land, spacetime, eta) == pytest.approx(expected, rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("grid", [(3, 1, 3), (4, 2, 2)], ids=str)
def test_rvalue_where_the_root_shares(grid):
    land = landscape(3, 2)
    for D in fd.diagrams(2, root_shares=True):
        if D.is_irreducible:
            expected = brute_rvalue(D, land, fd.Spacetime(*grid), 0.3)
            assert fd.rvalue(D, land, fd.Spacetime(*grid), 0.3) == pytest.approx(expected, rel=1e-11, abs=1e-13)


def one_direction(h):
    """Additive noise +-1 in one dimension: C = 1, H = h, gradient 0, third derivative 1."""
    zero = np.zeros((2, 1, 1, 1, 1))
    return fd.landscapes.samples([0.0, 0.0], [[1.0], [-1.0]], np.full((2, 1, 1), h), np.ones((2, 1, 1, 1)), zero)


def geometric(k, T):
    """1 + k + ... + k^(T-1), exactly."""
    return T if k == 1 else (1 - k**T) / (1 - k)


@given(
    h=st.one_of(
        st.sampled_from([0.0, 1e-300, 1e-17, 1e-12, 1e-9, 1e-4, 0.5, 1.0, 1.5, 1.999999]), st.floats(1e-12, 1.99)
    ),
    T=st.sampled_from([1, 2, 3, 17, 1000]),
)
def test_no_accuracy_is_lost_at_the_corners(h, T):
    """[a a] at eta = 1 is (1/2) h (1 + k^2 + ...): flat directions, k <= 0, against exact rationals."""
    exact = Fraction(h) / 2 * geometric((1 - Fraction(h)) ** 2, T)
    value = fd.rvalue("[a a]", one_direction(h), fd.Spacetime(T, 1, T), 1.0)
    assert value == pytest.approx(float(exact), rel=2e-13)


@pytest.mark.parametrize("h", [1e-9, 3e-10, 1e-7, 0.3, 1.2])
def test_a_billion_updates(h):
    from mpmath import mp, mpf

    with mp.workdps(60):
        k = (1 - mpf(h)) ** 2
        expected = mpf(h) / 2 * (1 - k ** (10**9)) / (1 - k)
    spacetime = fd.Spacetime(10**9, 1, 10**9)
    assert fd.rvalue("[a a]", one_direction(h), spacetime, 1.0) == pytest.approx(float(expected), rel=1e-13)


def test_equal_and_nearly_equal_factors():
    """[a a[b]]: three different products of k; the nested sum done exactly, for k that nearly coincide."""
    for hs in [(0.3, 0.3), (0.3, 0.3 + 1e-9), (0.0, 1e-12), (1.0, 1.0), (1.6, 1.6 - 1e-10), (0.0, 0.0)]:
        n, T = 2, 40
        H, rng = np.diag(hs), np.random.default_rng(1)
        g = rng.normal(size=(3, n))
        j = symmetric(rng.normal(size=(3, n, n, n)))
        hessians = H + np.array([[[d, 0], [0, -d]] for d in (0.5, -0.25, -0.25)])
        land = fd.landscapes.samples(np.zeros(3), g, hessians, j)
        D, exact = fd.Diagram.parse("[a a[b]]"), exact_tensors(land)
        k = [1 - Fraction(h) for h in np.linalg.eigvalsh(land.hessian)]
        # parents (-1, 0, 0, 2): the tied nodes 1 and 2 at time t, the leaf 3 at s < t
        def weight(i, k=k, T=T):
            return sum(
                (k[i[0]] * k[i[1]]) ** (T - 1 - t) * geometric(k[i[2]], t) for t in range(1, T)
            )
        _, vectors = np.linalg.eigh(land.hessian)
        turned = fd.landscapes.samples(
            land.derivatives[0], g @ vectors, vectors.T @ hessians @ vectors,
            np.einsum("sabc,ai,bj,ck->sijk", j, vectors, vectors, vectors),
        )
        exact = exact_tensors(turned)
        total = 0.0
        for i in np.ndindex(2, 2, 2):
            tied = exact.cumulant(((i[0],), (i[1], i[2])))
            total += float(weight(i)) * exact.moment(((i[0], i[1]),)) * tied * exact.moment(((i[2],),))
        expected = -total * 0.5**0 / D.automorphisms
        assert fd.rvalue(D, land, fd.Spacetime(T, 1, T), 1.0) == pytest.approx(expected, rel=1e-11)


def test_the_limit_of_infinitely_many_updates():
    land = fd.landscapes.samples(
        np.zeros(2), [[1.0, 0.5], [-1.0, 0.3]], np.array([np.diag([2.0, 1.0])] * 2), np.ones((2, 2, 2, 2)),
    )
    long, limit = fd.Spacetime(10**6, 1, 10**6), fd.Spacetime(math.inf, 1, math.inf)
    for order in range(4):
        for D in fd.diagrams(order, irreducible=True):
            assert fd.rvalue(D, land, limit, 0.4) == pytest.approx(fd.rvalue(D, land, long, 0.4), rel=1e-12)
    # eta C / (2 (2 - eta h)) for each direction
    expected = sum(0.4 * c / 2 / (2 - 0.4 * h) for c, h in zip(np.diag(land.gradient_covariance), (2, 1), strict=True))
    assert fd.rvalue("[a a]", land, limit, 0.4) == pytest.approx(expected, rel=1e-13)


def test_slabs_do_not_change_values(monkeypatch):
    land, spacetime = landscape(5, 3), fd.Spacetime(6, 1, 6)
    texts = ["[a a]", "[a b c]", "[a a[b]]", "[a[b b]]", "[a[b c]]"]
    whole = [fd.rvalue(text, land, spacetime, 0.2) for text in texts]
    monkeypatch.setattr(sys.modules["fastdiag.values.products"], "SLAB_BYTES", 1)
    assert [fd.rvalue(text, land, spacetime, 0.2) for text in texts] == pytest.approx(whole, rel=1e-14)


LAND = landscape(1, 2, degree=3)
ST = fd.Spacetime(4, 1, 4)
FOREVER = fd.Spacetime(math.inf, 1, math.inf)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [(lambda: fd.rvalue("[a b[c]]", LAND, ST, 0.1), "InputError", "is reducible"),
     (lambda: fd.rvalue("[a b c d]", LAND, ST, 0.1), "MissingTensorError", "degree 4.*only up to degree 3; supply `fourth`"),
     (lambda: fd.uvalue("[a b c d]", LAND), "MissingTensorError", "degree 4"),
     (lambda: fd.predict(LAND, ST, 0.1, order=4), "MissingTensorError", "order 4 needs derivatives of degree 4"),
     (lambda: fd.rvalue("[a]", one_direction(2.0), FOREVER, 1.0), "InputError", "largest eta h is 2; use eta < 1"),
     (lambda: fd.rvalue("[a]", one_direction(0.0), FOREVER, 1.0), "InputError", "strict minimum"),
     (lambda: fd.predict(LAND, ST, math.nan), "InputError", "eta must be finite"),
     (lambda: fd.predict(LAND, ST, -0.1), "InputError", "eta must be >= 0"),
     (lambda: fd.predict(LAND, ST, np.eye(3)), "InputError", r"eta must have shape \(2, 2\)"),
     (lambda: fd.predict(LAND, ST, -np.eye(2)), "InputError", "positive definite"),
     (lambda: fd.predict(LAND, ST, 0.1, observable="loss"), "InputError", "unknown observable 'loss'; known: test_loss"),
     (lambda: fd.predict(LAND, ST, 0.1, device="tpu"), "InputError", "known: auto, cpu, cuda"),
     (lambda: fd.predict(LAND, ST, 0.1, order=-1), "InputError", "order must be"),
     (lambda: fd.predict(LAND, ST, 0.1, T=[[1]]), "InputError", "1-D"),
     (lambda: fd.predict("land", ST, 0.1), "InputError", "landscape must come from")],
)
def test_bad_input(call, error, words):
    with pytest.raises(getattr(fd.errors, error), match=words):
        call()
