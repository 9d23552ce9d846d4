"""The papers' results: closed forms against the engine, the engine against brute force; errata and their page."""

from fractions import Fraction
from math import inf
from pathlib import Path

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.results.descent_errata import LEANING, NOISY, QUARTICS, SQUARES, TILTED, landscape, moment_value
from fastdiag.results.two_points import exact_sgd
from oracles import oracle

F, R = Fraction, fd.results
POINTS = {"squares": SQUARES, "noisy": NOISY, "tilted": TILTED, "leaning": LEANING, "quartics": QUARTICS}


def same(a, b):
    return sympy.expand(sympy.expand_func(a - b)) == 0


def polynomials(points):
    return [{(k,): F(c) for k, c in enumerate(loss)} for loss in points]


@pytest.mark.parametrize("diagram", [D for d in range(5) for D in fd.diagrams(d)], ids=str)
def test_proposition_1(diagram):
    assert same(R.proposition_1(diagram), R.proposition_1.derived(diagram))


def test_proposition_1_by_listing_cells():
    for D in fd.diagrams(3):
        closed = R.proposition_1(D)
        for N in (2, 4):
            count = oracle.mean_maps(D.parents, D.blocks, N, 1, N, "cyclic", True)
            assert F(str(sympy.expand_func(closed).subs(sympy.Symbol("N"), N))) == (
                (-1) ** 3 * count / D.automorphisms
            )


def test_proposition_2():
    assert same(R.proposition_2(), R.proposition_2.derived())
    M, N, B = sympy.symbols("M N B")
    values = {"G.G": 1, "G.H.G": 1, "C.H": 4, "(dC).G": 4, "l": 0}  # of LEANING: cov(hess, grad) = 2, times G, twice
    given = {sympy.Symbol(name): value for name, value in values.items()}
    for n, b, epochs in ((2, 1, 2), (2, 2, 2), (4, 2, 1)):
        T = epochs * n // b
        exact = oracle.sgd_test_loss(polynomials(LEANING), [F(1, 2)] * 2, n, b, T, "cyclic", 2)
        assert R.proposition_2().subs(given).subs({M: F(T, n), N: n, B: b}) == -T * 1 + exact[2]


@pytest.mark.parametrize("result", [R.test_loss_order, R.gap_order], ids=lambda result: result.name)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_orders_1_to_3(result, order):
    closed, derived = result(order), result.derived(order)
    assert set(closed) == set(derived)
    assert all(same(closed[D], derived[D]) for D in closed)
    T = sympy.Symbol("T")
    which = 0 if result is R.test_loss_order else 1
    for points in (LEANING, QUARTICS):
        for N in (1, 2, 3):
            found = sum(F(str(sympy.expand_func(c).subs(T, N))) * moment_value(points, D) for D, c in closed.items())
            assert found / (N if which else 1) == exact_sgd(points, N, N, order)[which][order]


def test_orders_beyond_are_refused():
    with pytest.raises(fd.errors.InputError, match=r"fastdiag\.expand"):
        R.gap_order(4)


@pytest.mark.parametrize("name", POINTS)
@pytest.mark.parametrize("case", [(2, 1, 2, False), (2, 1, 4, True), (2, 2, 3, False), (3, 1, 4, True)], ids=str)
def test_exact_sgd_is_the_oracle(name, case):
    N, B, T, fresh = case
    expected = oracle.sgd_test_loss(
        polynomials(POINTS[name]), [F(1, 2)] * 2, N, B, T, "reshuffle" if fresh else "cyclic", 3
    )
    assert exact_sgd(POINTS[name], N, T, 3, B, fresh)[0] == expected
    assert all(
        landscape(POINTS[name]).cumulant(((0,) * k,)) == sum(F(loss[k]) if k < len(loss) else 0 for loss in POINTS[name])
        * sympy.factorial(k) / 2 for k in range(1, 4)
    )


@pytest.mark.parametrize("erratum", R.errata(), ids=lambda erratum: erratum.where)
def test_errata(erratum):
    numbers = erratum.check()
    if isinstance(numbers.printed, float) or isinstance(numbers.exact, float):
        assert numbers.right == pytest.approx(numbers.exact, rel=1e-9)
        assert abs(numbers.printed - numbers.exact) > 1e-3 * abs(numbers.exact)
    else:
        assert numbers.right == numbers.exact
        assert numbers.printed != numbers.exact


def test_the_page_of_errata_is_up_to_date():
    page = Path(__file__).parents[2] / "docs" / "errata.md"
    assert page.read_text(encoding="utf-8") == R.errata_page(R.errata()), "run: fastdiag errata > docs/errata.md"


def quadratic(rng, n, third=False):
    """Additive noise on a quadratic (or cubic) loss, from its minimum, as dense cumulants."""
    turn = np.linalg.qr(rng.normal(size=(n, n)))[0]
    H = (turn * rng.uniform(0.2, 1.5, n)) @ turn.T
    root = rng.normal(size=(n, n))
    J, S = (sum(t.transpose(p) for p in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)))
            for t in rng.normal(size=(2, n, n, n)))
    zero = dict.fromkeys([(1,), (1, 2), (2, 2), (1, 1, 2)], 0)
    return fd.landscapes.tensors(
        zero | {(2,): (H + H.T) / 2, (3,): J * third, (1, 1): root @ root.T, (1, 1, 1): S}, loss=1.5
    )


@pytest.mark.parametrize("seed", range(3))
def test_from_a_minimum(seed):
    rng = np.random.default_rng(seed)
    land, eta = quadratic(rng, 3, third=True), 0.3
    assert R.theorem_2(land, eta) == pytest.approx(R.theorem_2.derived(land, eta), rel=1e-12)
    for T in (1, 2, 17, inf):
        np.testing.assert_allclose(R.corollary_1(land, eta, T), R.corollary_1.derived(land, eta, T), rtol=1e-11)
    for T in (1, 5, 100):
        assert R.example_1(land, eta, T) == pytest.approx(R.example_1.derived(land, eta, T), rel=1e-11)
    for T in (1, 4, 30, inf):
        assert R.corollary_2(land, eta, 5, T) == pytest.approx(R.corollary_2.derived(land, eta, 5, T), rel=1e-11)
        assert R.corollary_5(land, eta, T if T < inf else 7) == pytest.approx(
            R.corollary_5.derived(land, eta, T if T < inf else 7), rel=1e-11
        )
        assert R.stic(land, eta, 5, T) == pytest.approx(R.stic.derived(land, eta, 5, T), rel=1e-12)


def test_infinite_times_are_limits_of_finite_ones():
    land = quadratic(np.random.default_rng(7), 2, third=True)
    long = fd.predict(land, fd.Spacetime(inf, 1, 400), 0.4, 3).total
    assert R.theorem_2(land, 0.4) == pytest.approx(long, rel=1e-12)
    takeuchi = np.trace(land.gradient_covariance @ np.linalg.inv(land.hessian)) / 5
    assert R.corollary_2(land, 0.4, 5)[1] == pytest.approx(takeuchi, rel=1e-12)


def test_archimedes_is_carried_along_its_screw():
    """Corollary 1 along a flat direction: +eta^2/6 per update to leading order."""
    land = fd.landscapes.archimedes()
    eta = 1e-3
    velocity = R.corollary_1.derived(land, eta, 40001) - R.corollary_1.derived(land, eta, 40000)
    assert np.abs(velocity).max() == pytest.approx(eta**2 / 6, rel=2e-3)


GAUSS = fd.landscapes.gauss()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: R.theorem_2(GAUSS, 5.0), "0 < eta h < 2"),
        (lambda: R.corollary_1(GAUSS, 5.0), "0 < eta h < 2"),
        (lambda: R.stic(fd.landscapes.archimedes(), 0.1, 4), "finite T"),
        (lambda: R.corollary_2.derived(fd.landscapes.archimedes(), 0.1, 4), "finite T"),
        (lambda: R.corollary_2(GAUSS, -0.1, 4), "eta must be a positive number"),
        (lambda: R.corollary_2(GAUSS, 0.1, 4, 2.5), "T must be"),
        (lambda: R.corollary_2(GAUSS, 0.1, 0), "N must be"),
        (lambda: R.corollary_3(GAUSS, 0.1, 0), "N must be"),
        (lambda: R.corollary_4(GAUSS, 0.1, 4, 0), "M must be"),
        (lambda: R.corollary_4.derived(GAUSS, 0.1, 4, 0), "M must be"),
        (lambda: R.proposition_1("a[a]"), "root is alone"),
        (lambda: R.gap_order([1]), "orders 1 to 3"),
        (lambda: R.theorem_2(None, 0.1), "landscape"),
        (lambda: R.theorem_2(landscape(LEANING), 0.1), "from a minimum"),
    ],
)
def test_what_has_no_answer_is_refused(call, words):
    with pytest.raises(fd.FastdiagError, match=words):
        call()


def test_a_whole_learning_rate_is_a_number():
    assert R.theorem_2(GAUSS, 1) == pytest.approx(R.theorem_2.derived(GAUSS, 1))


@pytest.mark.parametrize("points", [TILTED, LEANING, QUARTICS], ids=["tilted", "leaning", "quartics"])
def test_corollaries_3_and_4(points):
    land = landscape(points)
    half = F(1, 2)
    for N in (2, 3):
        sgd, gd = (exact_sgd(points, N, N, 2, B)[2][2] for B in (1, N))
        expected = float((gd - sgd) * half**2)
        assert R.corollary_3(land, 0.5, N) == pytest.approx(expected)
        assert R.corollary_3.derived(land, 0.5, N) == pytest.approx(expected)
        assert R.gdc(land, 0.5, N) == pytest.approx(R.gdc.derived(land, 0.5, N))
        epochs = 2
        expected = float((exact_sgd(points, N, epochs * N, 2)[2][2] / epochs**2 - sgd) * half**2)
        assert R.corollary_4(land, 0.5, N, epochs) == pytest.approx(expected)
        assert R.corollary_4.derived(land, 0.5, N, epochs) == pytest.approx(expected)
