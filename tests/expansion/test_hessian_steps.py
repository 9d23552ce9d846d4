"""Hessian-based steps against steps taken in Fractions; links against a count that tries all cells."""

from fractions import Fraction
from itertools import chain, combinations, product
from math import prod

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdiag as fd
from fastdiag.embedding import maps_under
from fastdiag.embedding.counting import count
from fastdiag.embedding.edge_weights import EdgeWeights
from fastdiag.embedding.poset import Poset, all_links
from fastdiag.embedding.sum_over_maps import sum_over_maps
from oracles import oracle
from oracles.hessian_steps import add, step
from oracles.polynomial_losses import diagram_series, float_landscape, problem, random_losses

newton = fd.updates.regularized_newton
LAMBDA = sympy.Symbol("lambda")
ORDER = 4
CASES = [  # N, B, T, sampling: one epoch and more, whole and partial, B = 1 and more
    (3, 1, 3, "reshuffle"), (4, 2, 2, "reshuffle"), (2, 1, 4, "reshuffle"), (2, 2, 3, "reshuffle"), (4, 2, 3, "reshuffle"),
    (2, 1, 3, "cyclic"), (2, 1, 4, "cyclic"), (4, 2, 3, "cyclic"), (3, 2, 2, "replacement"), (2, 1, 3, "replacement"),
]


def newton_test_loss(losses, weights, N, B, T, sampling, order, lam, train=False):
    """E[l(theta_T)], or of the training loss, as a series in eta, over all training sets and batch sequences."""
    n = len(next(iter(losses[0])))
    test = oracle.mean_loss(losses, weights)
    sequences = oracle.renamed_sequences(N, B, T, sampling)
    total = [Fraction(0)] * (order + 1)
    runs = {}  # the points that are met tell everything
    for training_set in product(range(len(losses)), repeat=N):
        chance = prod(weights[x] for x in training_set) / len(sequences)
        for batches in sequences:
            met = tuple(tuple(sorted(training_set[row] for row in batch)) for batch in batches)
            key = met, tuple(sorted(training_set)) if train else ()
            runs[key] = runs.get(key, 0) + chance
    for (met, trained), chance in runs.items():
        theta = [[Fraction(0)] * (order + 1) for _ in range(n)]
        for points in met:
            theta = [add(x, u) for x, u in zip(theta, step(losses, points, theta, lam), strict=True)]
        seen = oracle.mean_loss([losses[x] for x in trained], [Fraction(1, N)] * N) if train else test
        total = add(total, [chance * x for x in oracle.evaluate(seen, theta)])
    return total


def series(tensors, case, basis, order, lam):
    N, B, T, sampling = case
    return diagram_series(
        tensors, fd.Spacetime(N, B, T, sampling=sampling), basis, order,
        lambda D, spacetime, basis: fd.coefficient(D, spacetime, basis, update=newton(lam)),
    )


def test_the_oracle_takes_the_step_that_it_should():
    """One update from one point, in 1-D: l = a x + b x^2 / 2, so x_1 = -a / (1/eta + lam b) at lam = 1/3."""
    a, b, lam = Fraction(2), Fraction(5), Fraction(1, 3)
    losses = [{(0,): Fraction(0), (1,): a, (2,): b / 2}]
    ratio = -lam * b
    u = [Fraction(0)] + [-a * ratio**k for k in range(4)]
    assert step(losses, (0,), [[Fraction(0)] * 5], lam) == [u]
    losses, weights, _ = problem(1, 1)
    case = (3, 1, 3, "reshuffle")
    assert newton_test_loss(losses, weights, *case, 4, 0) == oracle.sgd_test_loss(losses, weights, *case, 4)


@pytest.mark.every(13)
@pytest.mark.parametrize("basis", ["cumulant", "moment"])
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("n", [1, 2])
def test_diagram_sum_is_the_hessian_based_descent(n, case, basis):
    losses, weights, tensors = problem(n, n)
    lam = Fraction(-2, 3)
    assert series(tensors, case, basis, ORDER, lam) == newton_test_loss(losses, weights, *case, ORDER, lam)


@settings(max_examples=10)
@given(
    seed=st.integers(0, 10**6), n=st.integers(1, 2), case=st.sampled_from(CASES),
    lam=st.fractions(-3, 3, max_denominator=5), basis=st.sampled_from(["cumulant", "moment"]),
)
def test_diagram_sum_on_fresh_losses(seed, n, case, lam, basis):
    losses, weights = random_losses(seed, n, degree=4)
    tensors = oracle.Tensors(losses, weights)
    assert series(tensors, case, basis, 3, lam) == newton_test_loss(losses, weights, *case, 3, lam)


@pytest.mark.parametrize("case", [(3, 1, 3, "reshuffle"), (4, 2, 3, "reshuffle"), (2, 1, 3, "cyclic")], ids=str)
def test_generalization_gap(case):
    """Roots that share a part: train - test = (1/N) sum of coefficient x value over these diagrams."""
    N, B, T, sampling = case
    losses, weights, tensors = problem(3, 1)
    lam, spacetime = Fraction(4, 5), fd.Spacetime(N, B, T, sampling=sampling)
    train = newton_test_loss(losses, weights, *case, 3, lam, train=True)
    test = newton_test_loss(losses, weights, *case, 3, lam)
    for d in range(4):
        gap = sum(
            fd.coefficient(D, spacetime, update=newton(lam)) * tensors.value(D.parents, D.parts, "cumulant")
            for D in fd.diagrams(d, root_shares=True) if D.root_shares
        )
        assert train[d] - test[d] == Fraction(1, N) * gap
    assert train[2] != test[2]


def ones(diagram, links, spacetime, basis):
    """The sum over maps of 1."""
    poset = Poset.of(diagram, links)
    return sum_over_maps(poset, EdgeWeights.powers(poset, [1] * diagram.order), spacetime, basis)


def linked_maps(diagram, links, case, injective):
    """Expected number of maps, by trying all cells for all nodes."""
    N, B, T, sampling = case
    sequences = oracle.renamed_sequences(N, B, T, sampling)
    nodes = range(1, diagram.order + 1)
    found = 0
    for batches in sequences:
        cells = [(t, row) for t, batch in enumerate(batches) for row in batch]
        for choice in product(cells, repeat=diagram.order):
            at = [(T, None), *choice]
            found += all(
                at[v][0] == at[diagram.parents[v]][0] if v in links else at[v][0] < at[diagram.parents[v]][0] for v in nodes
            ) and all(
                at[u][1] == at[v][1] if diagram.blocks[u] == diagram.blocks[v] else not (injective and at[u][1] == at[v][1])
                for u, v in combinations(nodes, 2)
            )
    return Fraction(found, len(sequences))


@pytest.mark.parametrize("basis", ["cumulant", "moment"])
@pytest.mark.parametrize("case", [*CASES, (2, 1, 5, "cyclic"), (4, 2, 5, "cyclic"), (2, 2, 2, "cyclic"), (3, 3, 2, "replacement")], ids=str)
def test_counts_are_those_of_trying_all_cells(case, basis):
    N, B, T, sampling = case
    spacetime = fd.Spacetime(N, B, T, sampling=sampling)
    for d in range(4):
        for D in fd.diagrams(d):
            total, lam = 0, Fraction(-2, 3)
            for links, kept in all_links(D):
                found = linked_maps(D, links, case, basis == "moment")
                assert ones(D, links, spacetime, basis) == found
                total += found * lam ** len(links) * (D.automorphisms // kept)
            assert maps_under(D, spacetime, newton(lam), basis) == total


@pytest.mark.parametrize("case", [(2, 2, 2, "reshuffle"), (2, 1, 3, "cyclic"), (2, 1, 3, "reshuffle")], ids=str)
def test_counts_of_order_four(case):
    N, B, T, sampling = case
    spacetime = fd.Spacetime(N, B, T, sampling=sampling)
    for D in fd.diagrams(4)[::7]:
        for links, _ in all_links(D):
            for basis in ("cumulant", "moment"):
                assert ones(D, links, spacetime, basis) == linked_maps(D, links, case, basis == "moment")


@settings(max_examples=25)
@given(
    order=st.integers(0, 4), place=st.integers(0, 10**6), basis=st.sampled_from(["cumulant", "moment"]),
    spacetime=st.sampled_from(
        [fd.Spacetime(10, 2, T, sampling=s) for T in (3, 10, 14) for s in ("reshuffle", "cyclic", "replacement")]
    ),
)
def test_without_links_the_tables_are_the_kernels(order, place, basis, spacetime):
    found = fd.diagrams(order)
    D = found[place % len(found)]
    assert ones(D, (), spacetime, basis) == count(Poset.of(D), spacetime, basis)
    assert fd.coefficient(D, spacetime, basis, update=newton(0)) == fd.coefficient(D, spacetime, basis)


@pytest.mark.parametrize("orders", [range(5), pytest.param([5], marks=pytest.mark.long)], ids=str)
def test_links_are_listed_once(orders):
    """Orbits of the choices under the automorphisms, found by going through all choices of all relabelled diagrams."""
    for d in orders:
        for D in fd.diagrams(d):
            free = [v for v in range(1, d + 1) if D.parents[v] > 0]
            allowed = [
                links for links in chain.from_iterable(combinations(free, k) for k in range(d + 1))
                if len({D.parents[v] for v in links}) == len(links)
            ]
            listed = list(all_links(D))
            assert sum(Fraction(1, group) for _, group in listed) == Fraction(len(allowed), D.automorphisms)
            assert {links for links, _ in listed} <= set(allowed)
            marked = [fd.Diagram(*coloured(D, links)) for links, _ in listed]
            assert len(set(marked)) == len(listed)
            assert [group for _, group in listed] == [E.automorphisms for E in marked]


def coloured(D, links):
    """A diagram with the same symmetries: every linked node gets a leaf of its own in a part with all such leaves and
    a last node below a chain that is longer than the tree."""
    parents, blocks = list(D.parents), list(D.blocks)
    for v in links:
        parents.append(v)
        blocks.append("link")
    top = 0
    for _ in range(D.order + 2):
        parents.append(top)
        top = len(parents) - 1
        blocks.append(("chain", top))
    parents.append(top)
    blocks.append("link")
    return parents, blocks


def test_coefficients_are_polynomials():
    """[a[b]]: the chain of two updates, or of one, in cells (row, t): T(T-1)/2 and T pairs at B = 1."""
    spacetime = fd.Spacetime(10, 1, 10)
    assert fd.coefficient("[a[b]]", spacetime, update=newton(LAMBDA)) == 45 + 10 * LAMBDA
    assert fd.coefficient("[a[a]]", spacetime, update=newton(LAMBDA)) == 10 * LAMBDA
    assert fd.coefficient("[a[b[c]]]", spacetime, update=newton(LAMBDA)).coeff(LAMBDA, 2) == -10
    exact = fd.coefficient("[a[b[c]] b]", spacetime, update=newton(Fraction(1, 2)))
    assert isinstance(exact, Fraction)
    symbolic = fd.coefficient("[a[b[c]] b]", spacetime, update=newton(LAMBDA))
    assert symbolic.subs(LAMBDA, sympy.Rational(1, 2)) == exact
    assert fd.coefficient("[a[b[c]] b]", spacetime, update=newton(sympy.Rational(1, 2))) == exact


@pytest.mark.every(2)
@pytest.mark.parametrize("diagrams", [fd.diagrams(2), fd.diagrams(3)[1::4], fd.diagrams(4)[20::40]], ids=["2", "3", "4"])
@pytest.mark.parametrize("basis", ["cumulant", "moment"])
def test_formulas_are_the_counts(basis, diagrams):
    N, B, T, E = sympy.symbols("N B T E")
    for D in diagrams:
        group = D.automorphisms
        for sampling, spacetime, values in (
            ("one epoch", fd.Spacetime(20, 2, 7), {B: 2, T: 7}),
            ("cyclic", fd.Spacetime(6, 2, E=3, sampling="cyclic"), {N: 6, B: 2, E: 3}),
            ("reshuffle", fd.Spacetime(6, 2, E=3), {N: 6, B: 2, E: 3}),
            ("replacement", fd.Spacetime(7, 3, 5, sampling="replacement"), {N: 7, B: 3, T: 5}),
        ):
            formula = fd.maps_formula(D, sampling, basis, update=newton(LAMBDA))
            sign = Fraction((-1) ** D.order, spacetime.B**D.order * group)
            wanted = fd.coefficient(D, spacetime, basis, update=newton(LAMBDA))
            assert sympy.expand(sympy.expand_func(formula.subs(values)) * sign - wanted) == 0


@pytest.mark.parametrize("case", [(4, 2, 3, "reshuffle"), (2, 1, 4, "cyclic")], ids=str)
def test_predict_floats(case):
    N, B, T, sampling = case
    losses, weights, tensors = problem(2, 2)
    etas = np.array([0.01, 0.3])
    p = fd.predict(
        float_landscape(losses, tensors), fd.Spacetime(N, B, T, sampling=sampling), etas, ORDER, resummed=False,
        update=newton(0.75),
    )
    for d, wanted in enumerate(newton_test_loss(losses, weights, *case, ORDER, Fraction(3, 4))):
        np.testing.assert_allclose(p.by_order[d], float(wanted) * etas**d, rtol=1e-12, atol=1e-13)


def test_predict_symbols():
    """A quadratic loss without noise: l = h x^2 / 2, each step multiplies x by 1 - eta h / (1 + lam eta h)."""
    x, h, eta = sympy.symbols("x h eta", positive=True)
    land = fd.landscapes.symbolic(h * x**2 / 2, x, sympy.Symbol("s"), fd.landscapes.normal(), at=[Fraction(1, 3)])
    p = fd.predict(land, fd.Spacetime(3, 1, 3), eta, 4, resummed=False, update=newton(LAMBDA))
    factor = 1 - eta * h / (1 + LAMBDA * eta * h)
    wanted = sympy.series(h * (sympy.Rational(1, 3) * factor**3) ** 2 / 2, eta, 0, 5).removeO()
    assert sympy.expand(p.total - wanted) == 0


def test_errors_say_what_to_do():
    spacetime, land = fd.Spacetime(4, 1, 4), fd.landscapes.gauss()
    with pytest.raises(fd.FastdiagError, match=r"Fraction\(1, 2\)"):
        fd.coefficient("[a]", spacetime, update=newton(0.5))
    with pytest.raises(fd.FastdiagError, match="exact"):
        fd.coefficient("[a]", spacetime, update=newton(0.5 * LAMBDA))
    with pytest.raises(fd.FastdiagError, match="symbols"):
        fd.predict(land, spacetime, 0.1, 2, update=newton(LAMBDA))
    with pytest.raises(fd.FastdiagError, match="symbols"):
        fd.predict(land, spacetime, 0.1, 2, update=newton(LAMBDA), resummed=False)
    with pytest.raises(fd.FastdiagError, match="exact"):
        fd.predict(land, spacetime, Fraction(1, 10), 2, update=newton(0.5), resummed=False)


@pytest.mark.parametrize(
    "lam",
    ["a", "1", None, float("nan"), float("inf"), True, np.True_, [1], sympy.I, sympy.nan, sympy.Symbol("y", imaginary=True),
     1 + sympy.Symbol("y", imaginary=True), sympy.I * LAMBDA],
)
@pytest.mark.parametrize("rule", [newton, fd.updates.momentum])
def test_what_is_no_number_is_refused_at_once(rule, lam):
    with pytest.raises(fd.FastdiagError, match=r"must be a finite (real )?number"):
        rule(lam)


@pytest.mark.parametrize(("lam", "same"), [(np.int64(1), 1), (np.float32(0.5), 0.5), (sympy.Rational(1, 2), Fraction(1, 2)), (sympy.Float(2), 2.0)])
def test_numbers_of_numpy_and_sympy(lam, same):
    land, spacetime = fd.landscapes.gauss(), fd.Spacetime(4, 1, 4)
    assert newton(lam) == newton(same)
    assert type(newton(lam).lam) is type(same)
    found = [fd.predict(land, spacetime, 0.1, 2, resummed=False, update=newton(x)).total for x in (lam, same)]
    assert found[0] == found[1]
    if not isinstance(same, float):
        assert fd.coefficient("[a[b]]", spacetime, update=newton(lam)) == fd.coefficient("[a[b]]", spacetime, update=newton(same))
