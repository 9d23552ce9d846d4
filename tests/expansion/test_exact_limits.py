"""Exact values for ever, and for several learning rates: against long runs, closed forms and the float kernels."""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy

import fastdiag as fd

F, L, INF = Fraction, fd.landscapes, math.inf
FOREVER = fd.Spacetime(N=INF, T=INF)
E, K, Q = sympy.symbols("e k q")


@pytest.mark.parametrize("basis", ["cumulant", "moment"])
@pytest.mark.parametrize("B", [1, 3])
def test_limits_are_long_sums(basis, B):
    """All diagrams to order 3, to the rounding of what a finite sum leaves out; with symbols, put in afterwards."""
    k = [F(1, 2), F(-1, 3), F(2, 5)]
    for order in range(4):
        for D in fd.diagrams(order):
            exact = fd.weighted_maps(D, fd.Spacetime(INF, B, INF), k[:order], basis)
            long = fd.weighted_maps(D, fd.Spacetime(INF, B, 400), k[:order], basis)
            assert abs(exact - long) < F(1, 10**100), D
            formula = sympy.sympify(fd.weighted_maps(D, fd.Spacetime(INF, B, INF), [K, Q, K][:order], basis))
            assert formula.subs({K: F(1, 2), Q: F(-1, 3)}) == fd.weighted_maps(
                D, fd.Spacetime(INF, B, INF), [k[0], k[1], k[0]][:order], basis), D


def test_mean_estimation_for_ever():
    """theta' = k theta - eta x S: the loss tends to h/2 eta^2 S^2 / (1 - k^2), exactly, as numbers and as a formula."""
    H, S = sympy.symbols("H S", positive=True)
    p = fd.predict(L.mean_estimation(H, S, 3), FOREVER, E, order=2)
    assert sympy.simplify(p.total - H / 2 * E**2 * S**2 / (1 - (1 - E * H) ** 2)) == 0
    q = fd.predict(L.mean_estimation(2, F(1, 2), 3), FOREVER, F(1, 5), order=2)
    assert q.total == F(1, 25) * F(1, 4) / (1 - F(9, 25))
    assert fd.predict(L.mean_estimation(2, F(1, 2), 3), FOREVER, sympy.sqrt(2) / 4, order=2).total == sympy.expand(
        sympy.radsimp(sympy.Rational(1, 32) / (1 - (1 - sympy.sqrt(2) / 2) ** 2)))


@pytest.mark.parametrize("land", [L.gauss(), L.gauss(F(-1, 3)), L.mean_estimation(2, 1, 1)], ids=["gauss", "moved", "mean"])
def test_limits_are_the_float_ones(land):
    exact, near = (fd.predict(land, fd.Spacetime(INF, 2, INF), eta, order=3) for eta in (F(1, 4), 0.25))
    for D, value in exact.by_diagram.items():
        assert near.by_diagram[D] == pytest.approx(float(value), rel=1e-11, abs=1e-13), D
    formula = fd.predict(land, fd.Spacetime(INF, 2, INF), E, order=2).total
    assert sympy.simplify(formula.subs(E, sympy.Rational(1, 4)) - fd.predict(land, fd.Spacetime(INF, 2, INF), F(1, 4), order=2).total) == 0


NONE = {
    "k = 1": (lambda: fd.weighted_maps("[a]", FOREVER, 1), "InputError", "has no limit"),
    "k = -1": (lambda: fd.weighted_maps("[a]", FOREVER, -1), "InputError", "has no limit"),
    "an irrational k": (lambda: fd.weighted_maps("[a a]", FOREVER, sympy.sqrt(2)), "InputError", "shrink by 2"),
    "a rule's limit": (lambda: fd.predict(L.gauss(), FOREVER, 6, update=fd.updates.momentum(F(1, 2))), "InputError", "T = inf needs"),
    "eta h = 2": (lambda: fd.predict(L.gauss(), FOREVER, 4), "InputError", "eta h is 2 where the Hessian is 1/2"),
    "no eta": (lambda: fd.rvalue("[a a]", L.gauss(), FOREVER, 0), "InputError", "0 < eta h < 2"),
    "a flat direction": (lambda: fd.predict(L.archimedes(), FOREVER, F(1, 10)), "InputError", "eta h is 0"),
    "a matrix": (lambda: fd.predict(L.archimedes(), FOREVER, sympy.eye(3) / 10), "UnsupportedError", "not for a matrix eta"),
    "rows": (lambda: fd.rvalue("[a]", L.mean_estimation(), FOREVER, [[F(1, 10)]]), "UnsupportedError", "not for a matrix eta"),
    "a negative one among several": (lambda: fd.predict(L.gauss(), FOREVER, [F(1, 10), F(-1, 10)]), "InputError", "eta must be >= 0"),
}


@pytest.mark.parametrize("case", NONE.values(), ids=NONE.keys())
def test_what_is_refused(case):
    call, error, words = case
    with pytest.raises(getattr(fd.errors, error), match=words):
        call()


@pytest.mark.parametrize("resummed", [True, False])
def test_several_exact_learning_rates(resummed):
    """As one by one; of the shape of eta, then T."""
    land, st, etas, times = L.gauss(F(1, 2)), fd.Spacetime(6, 2, 3), [F(1, 10), E, 1], [2, 3]
    p = fd.predict(land, st, etas, order=2, resummed=resummed, T=times)
    assert p.total.shape == (3, 2)
    assert p.total.dtype == object
    for i, eta in enumerate(etas):
        for j, T in enumerate(times):
            single = fd.predict(land, st, eta, order=2, resummed=resummed, T=T)
            assert p.total[i, j] == single.total
            assert all(p.by_diagram[D][i, j] == value for D, value in single.by_diagram.items())
    values = fd.rvalue("[a a]", land, st, tuple(etas))
    assert values.tolist() == [fd.rvalue("[a a]", land, st, eta) for eta in etas]
    assert fd.predict(land, st, np.array([F(1, 10)]), order=2).total.tolist() == [fd.predict(land, st, F(1, 10), order=2).total]
    assert fd.predict(land, st, [F(1, 10), 0.1], order=2).total.dtype == float  # one float, and all are


def test_integrals_for_ever_need_no_bound_above():
    """1/2 tr(H Sigma) with exponentials: Sigma = eta C / (2 h) for every eta h, 2 and above too."""
    for h in (1.0, 3.0, 20.0):
        land = L.tensors({(1,): [0.0], (2,): [[h]], (1, 1): [[1.0]], (1, 2): 0})
        assert fd.rvalue("[a a]", land, FOREVER, 1.0, continuous=True) == pytest.approx(1 / 4, rel=1e-12)
    with pytest.raises(fd.errors.InputError, match="strict minimum"):
        fd.rvalue("[a a]", L.tensors({(1,): [0.0], (2,): [[0.0]], (1, 1): [[1.0]]}), FOREVER, 1.0, continuous=True)
