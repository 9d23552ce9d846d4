"""The diagram sum against SGD run in Fractions: un-resummed in both bases, and resummed."""

from collections import Counter
from fractions import Fraction
from functools import lru_cache
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdiag as fd
from oracles import oracle
from oracles.polynomial_losses import diagram_series, float_landscape, problem, random_losses
from oracles.random_points import turned

ORDER = 4
CASES = [(3, 1, 3, "reshuffle"), (4, 2, 2, "reshuffle"), (2, 1, 4, "reshuffle"), (2, 1, 5, "cyclic"),
         (4, 2, 3, "reshuffle"), (3, 2, 2, "replacement"), (2, 1, 3, "replacement")]


@lru_cache
def exact(seed, n, N, B, T, sampling, order=ORDER):
    losses, weights, _ = problem(seed, n)
    return oracle.sgd_test_loss(losses, weights, N, B, T, sampling, order)


@pytest.mark.every(3)
@pytest.mark.parametrize("basis", ["cumulant", "moment"])
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("n", [1, 2])
def test_diagram_sum_is_sgd(n, case, basis):
    N, B, T, sampling = case
    _, _, tensors = problem(n, n)
    spacetime = fd.Spacetime(N, B, T, sampling=sampling)
    assert diagram_series(tensors, spacetime, basis, ORDER) == exact(n, n, *case)


@settings(max_examples=12)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 2),
    shape=st.sampled_from([(2, 1), (2, 2), (3, 1), (4, 2)]),
    T=st.integers(1, 4),
    sampling=st.sampled_from(["reshuffle", "cyclic", "replacement"]),
    basis=st.sampled_from(["cumulant", "moment"]),
)
def test_diagram_sum_is_sgd_on_fresh_losses(seed, n, shape, T, sampling, basis):
    N, B = shape
    T = min(T, 3) if sampling == "replacement" or N > 2 else T
    losses, weights = random_losses(seed, n, degree=4)
    expected = oracle.sgd_test_loss(losses, weights, N, B, T, sampling, 3)
    tensors = oracle.Tensors(losses, weights)
    assert diagram_series(tensors, fd.Spacetime(N, B, T, sampling=sampling), basis, 3) == expected


def test_sum_over_labelled_trees():
    """The same identity without isomorphism classes: all recursive labellings of all trees, over d!."""
    N, B, T, sampling = 3, 1, 3, "reshuffle"
    _, _, tensors = problem(1, 1)
    batches = tuple((r,) for r in range(T))
    for d in range(4):
        total = Fraction(0)
        for parents in np.ndindex(*(d + 1,) * d):
            tree = (-1, *parents)
            if any(_depth(tree, v) is None for v in range(d + 1)):
                continue
            for blocks in fd.diagram.partition.set_partitions(d):
                blocks = (-1, *blocks)
                maps = len(oracle.all_maps(tree, blocks, batches, injective=False))
                if maps:
                    parts = [(0,)] + [
                        tuple(v for v in range(1, d + 1) if blocks[v] == b) for b in range(max(blocks) + 1)
                    ]
                    total += maps * tensors.value(tree, parts, "cumulant")
        factorial = [1, 1, 2, 6][d]
        assert total * Fraction((-1) ** d, B**d * factorial) == exact(1, 1, N, B, T, sampling)[d]


def _depth(parents, node):
    for depth in range(len(parents) + 1):
        if node == 0:
            return depth
        node = parents[node]
    return None


# Resummation: irreducible diagrams only, each edge a power of K = 1 - eta H, all as exact series in eta.


def resummed_series(seed, n, case, basis, injective, order):
    N, B, T, sampling = case
    _, _, tensors = problem(seed, n)
    hessian = [[tensors.moment((tuple(sorted((a, b))),)) for b in range(n)] for a in range(n)]
    powers = [[[_series(order, int(a == b)) for b in range(n)] for a in range(n)]]
    for _ in range(T):
        last = powers[-1]
        powers.append([[_minus_eta(last, hessian, a, b) for b in range(n)] for a in range(n)])
    sequences = oracle.renamed_sequences(N, B, T, sampling)
    total = [Fraction(0)] * (order + 1)
    for d in range(order + 1):
        for D in fd.diagrams(d, irreducible=True):
            durations = Counter(
                tuple((*_times(f), T)[D.parents[v] - 1 if D.parents[v] else d] - f[v - 1][0] for v in range(1, d + 1))
                for batches in sequences
                for f in oracle.all_maps(D.parents, D.blocks, batches, injective)
            )
            for dts, count in durations.items():
                ends = [lambda a, b, K=powers[dt - 1]: Series(K[a][b]) for dt in dts]
                value = tensors.value(D.parents, D.parts, basis, ends if d else None)
                terms = value.terms if isinstance(value, Series) else _series(order, value)
                scale = Fraction(count * (-1) ** d, len(sequences) * B**d * D.automorphisms)
                for i in range(order + 1 - d):
                    total[i + d] += scale * terms[i]
    return total


class Series:
    """A truncated series with the arithmetic that `oracle.Tensors.value` needs."""

    def __init__(self, terms):
        self.terms = terms

    def __mul__(self, other):
        if isinstance(other, Series):
            return Series(oracle.series_product(self.terms, other.terms))
        return Series([x * other for x in self.terms])

    def __add__(self, other):
        terms = other.terms if isinstance(other, Series) else _series(len(self.terms) - 1, other)
        return Series([x + y for x, y in zip(self.terms, terms, strict=True)])

    __rmul__, __radd__ = __mul__, __add__

    def __bool__(self):
        return any(self.terms)


def _times(f):
    return [time for time, _ in f]


def _series(order, constant):
    return [Fraction(constant)] + [Fraction(0)] * order


def _minus_eta(K, H, a, b):
    """(K (1 - eta H))[a, b]."""
    shifted = [Fraction(0)] + [sum(K[a][c][i] * H[c][b] for c in range(len(H))) for i in range(len(K[a][b]) - 1)]
    return [x - y for x, y in zip(K[a][b], shifted, strict=True)]


@pytest.mark.parametrize(
    ("n", "case", "order"),
    [(1, (3, 1, 3, "reshuffle"), 4), (1, (4, 2, 2, "reshuffle"), 4), (1, (2, 1, 4, "reshuffle"), 3),
     (1, (4, 2, 3, "reshuffle"), 3), (1, (2, 1, 4, "cyclic"), 3), (2, (3, 1, 3, "reshuffle"), 3)],
    ids=str,
)
def test_resummed_sum_is_sgd(n, case, order):
    assert resummed_series(n, n, case, "cumulant", False, order) == exact(n, n, *case)[: order + 1]


def test_moments_and_injective_maps_do_not_resum():
    """The papers' other choices of basis fail, and where: so the test above can tell."""
    case = (3, 1, 3, "reshuffle")
    wanted = exact(1, 1, *case)
    moments = resummed_series(1, 1, case, "moment", True, 3)
    assert moments[:3] == wanted[:3]
    assert moments[3] != wanted[3]
    twice = (2, 1, 4, "reshuffle")
    assert resummed_series(1, 1, twice, "moment", True, 2)[2] != exact(1, 1, *twice)[2]
    _, _, tensors = problem(1, 1)
    spacetime = fd.Spacetime(3, 1, 3)
    injective = diagram_series(tensors, spacetime, "cumulant", 2, lambda D, s, _: fd.coefficient(D, s, "moment"))
    assert injective[:2] == wanted[:2]
    assert injective[2] != wanted[2]


# predict on floating-point landscapes: the same numbers.


@pytest.mark.parametrize("case", CASES[:4], ids=str)
def test_predict_is_the_series(case):
    N, B, T, sampling = case
    losses, _, tensors = problem(2, 2)
    land = float_landscape(losses, tensors)
    eta = np.array([0.01, 0.3])
    p = fd.predict(land, fd.Spacetime(N, B, T, sampling=sampling), eta, ORDER, resummed=False)
    for d, wanted in enumerate(exact(2, 2, *case)):
        np.testing.assert_allclose(p.by_order[d], float(wanted) * eta**d, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(p.total, sum(p.by_order), rtol=1e-14)


def test_predict_resummed_agrees_to_its_order():
    """Resummed and exact series differ first at order d + 1: the gap falls as eta^(d+1)."""
    losses, _, tensors = problem(2, 2)
    land, case = float_landscape(losses, tensors), (3, 1, 3, "reshuffle")
    series = [float(x) for x in exact(2, 2, *case)]
    etas = np.array([4e-3, 2e-3])
    for order in range(1, ORDER):
        gap = fd.predict(land, fd.Spacetime(3, 1, 3), etas, order).total - np.polyval(series[::-1], etas)
        slope = np.log2(gap[0] / gap[1])
        assert order + 0.8 < slope < order + 1.3


def test_predict_shapes_and_matrix_eta():
    losses, _, tensors = problem(2, 2)
    land, spacetime = float_landscape(losses, tensors), fd.Spacetime(6, 1, 6)
    grid = fd.predict(land, spacetime, [0.01, 0.02, 0.05], 2, T=[2, 6])
    assert grid.total.shape == (3, 2)
    assert grid.total[1, 1] == pytest.approx(fd.predict(land, spacetime, 0.02, 2).total, rel=1e-14)
    for summed in (True, False):
        number = fd.predict(land, spacetime, 0.02, 3, resummed=summed).total
        matrix = fd.predict(land, spacetime, 0.02 * np.eye(2), 3, resummed=summed).total
        assert matrix == pytest.approx(number, rel=1e-12)
    metric = np.array([[0.02, 0.005], [0.005, 0.01]])
    flat = turned(land, np.linalg.cholesky(metric))  # theta = root phi turns a matrix eta into the number 1
    for summed in (True, False):
        a = fd.predict(land, spacetime, metric, 3, resummed=summed)
        b = fd.predict(flat, spacetime, 1.0, 3, resummed=summed)
        np.testing.assert_allclose(a.by_order, b.by_order, rtol=1e-11)


def test_order_three_value_classes():
    """E = B = 1: the coefficients of a value class add to 4, 2 (C(T,3)), 3/2, 1, 1 (C(T,2)) and 1/6 (T), up to sign."""
    T = 9
    sums = Counter()
    for D in fd.diagrams(3):
        sums[str(D.value_class)] -= fd.coefficient(D, fd.Spacetime(T, 1, T), "moment")
    unit = {3: comb(T, 3), 2: comb(T, 2), 1: T}
    found = {
        text: value / unit[len(fd.Diagram.parse(text).parts) - 1] for text, value in sums.items() if value
    }
    assert found == {
        "[a b[c]]": 4, "[a b c]": 2, "[a a b]": Fraction(3, 2), "[a a[b]]": 1, "[a b[a]]": 1,
        "[a a a]": Fraction(1, 6),
    }
