"""Edges with another matrix than the Hessian: the same series in eta to the order that is kept, exactly."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import InputError, UnsupportedError
from oracles.directions import twins

a, b, x = sympy.symbols("a b x")
eta = sympy.Symbol("eta", positive=True)
HALF = Fraction(1, 2)
LAND = fd.landscapes.symbolic(
    (a + b * x - 1) ** 2 / 2 + a**3 * x / 6 + a * b**2 / 3 + b**2 * x**2 / 5, [a, b], x,
    fd.landscapes.finite({-1: HALF, 2: HALF}), at=[HALF, -1],
)
HESSIAN = LAND.exact_part(((0, 1),))
FLOATS = np.array(HESSIAN, float)
CHOSEN = {
    "zero": 0, "the Hessian": HESSIAN, "a projection": [[1, 0], [0, 0]], "of rank 1": ([[1], [2]], [Fraction(1, 3)]),
    "any": [[Fraction(1, 3), 1], [1, -2]],
}
ST = fd.Spacetime(N=4, B=2, T=3)
POINTS = LAND.samples(3)
MATRIX = np.array([[0.2, 0.05], [0.05, 0.1]])


def series(total, order):
    """The coefficients of 1, eta, ..., eta^order."""
    coefficients = sympy.Poly(sympy.expand(total), eta).all_coeffs()[::-1]
    return (coefficients + [0] * order)[: order + 1]


@pytest.mark.parametrize(
    ("observable", "order"),
    [("test_loss", 1), ("test_loss", 2), ("test_loss", 3), ("generalization_gap", 1), ("generalization_gap", 2),
     pytest.param("generalization_gap", 3, marks=pytest.mark.long)],
)
@pytest.mark.parametrize("name", CHOSEN)
def test_the_series_is_the_same_to_the_order_kept(name, order, observable):
    plain = fd.predict(LAND, ST, eta, order, observable, resummed=False)
    found = fd.predict(LAND, ST, eta, order, observable, propagator=CHOSEN[name])
    assert series(found.total, order) == series(plain.total, order)
    degree = sympy.Poly(sympy.expand(found.total), eta).degree()
    assert degree == order if name == "zero" else degree > order  # which 1 - eta H0 has added


@pytest.mark.parametrize("observable", ["train_loss", "generalization_gap", "test_loss_variance"])
@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
def test_every_observable_and_sampling(observable, sampling):
    st = fd.Spacetime(N=4, B=2, T=3, sampling=sampling)
    plain = fd.predict(LAND, st, eta, 2, observable, resummed=False)
    found = fd.predict(LAND, st, eta, 2, observable, propagator=CHOSEN["any"])
    assert series(found.total, 2) == series(plain.total, 2)


def test_vectors_and_matrices():
    for observable in ("displacement", "covariance"):
        plain = fd.predict(LAND, ST, eta, 2, observable, resummed=False).total
        found = fd.predict(LAND, ST, eta, 2, observable, propagator=CHOSEN["any"]).total
        assert [series(each, 2) for each in found.flat] == [series(each, 2) for each in plain.flat]


@pytest.mark.parametrize("name", CHOSEN)
def test_floats_are_near_exact_numbers(name):
    exact = fd.predict(LAND, ST, Fraction(1, 10), 3, propagator=CHOSEN[name]).total
    given = CHOSEN[name]
    given = tuple(np.array(each, float) for each in given) if isinstance(given, tuple) else np.array(given, float)
    for land in (LAND, POINTS):
        assert fd.predict(land, ST, 0.1, 3, propagator=given).total == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize("update", [None, fd.updates.nesterov(HALF)])
@pytest.mark.parametrize("rate", [0.1, "matrix", 1e-12])
def test_both_ends(rate, update):
    """0 is the plain series, H today's; along a matrix, in units of any size, under rules."""
    rate = MATRIX if rate == "matrix" else rate
    for observable in ("test_loss", "generalization_gap"):
        asked = (POINTS, ST, rate, 3, observable)
        plain, today = (fd.predict(*asked, update=update, resummed=resummed) for resummed in (False, True))
        zero, full = (fd.predict(*asked, update=update, propagator=given) for given in (0, FLOATS))
        assert np.allclose(zero.by_order, plain.by_order, rtol=1e-10, atol=0)
        assert np.allclose(full.by_order, today.by_order, rtol=1e-10, atol=1e-14 * abs(today.total))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_largest_eigenvalues(count):
    """Of directions, and of tensors, whose eigenvectors NumPy gives."""
    dense, land = twins(3, n=3)
    values, vectors = np.linalg.eigh(dense.hessian)
    chosen = np.argsort(-np.abs(values))[:count]
    known = fd.predict(dense, ST, 0.1, 3, propagator=(vectors[:, chosen], values[chosen]))
    for each in (dense, land):
        assert fd.predict(each, ST, 0.1, 3, propagator=count).by_order == pytest.approx(known.by_order, rel=1e-9)
    if count == 3:
        assert known.by_order == pytest.approx(fd.predict(dense, ST, 0.1, 3).by_order, rel=1e-9)


def test_what_is_refused():
    for rate, wrong in ((0.1, 3), (Fraction(1, 10), 1)):
        with pytest.raises(InputError, match="propagator="):
            fd.predict(LAND, ST, rate, 2, propagator=wrong)
    for wrong in ([[1.0, 2.0], [0.0, 1.0]], np.eye(3), 1.0, "x", ([[1.0], [2.0]], [1.0, 2.0])):
        for rate in (0.1, Fraction(1, 10)):
            with pytest.raises(InputError, match="propagator"):
                fd.predict(LAND, ST, rate, 2, propagator=wrong)
    for asked in ({"noise": 1}, {"order": 2, "resummed": False}):
        with pytest.raises(InputError, match="propagator is of resummed edges"):
            fd.predict(POINTS, ST, 0.1, propagator=0, **asked)
    with pytest.raises(UnsupportedError, match="leave out the propagator"):
        fd.predict(POINTS, ST, 0.1, 2, propagator=0, update=fd.updates.regularized_newton(1.0))
