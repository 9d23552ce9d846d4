"""Exact arithmetic with numbers that are not rational: roots, exponentials, pi, and quotients of symbols."""

import math
from fractions import Fraction

import pytest
import sympy

import fastdiag as fd

F, L, U, INF = Fraction, fd.landscapes, fd.updates, math.inf
FOREVER = fd.Spacetime(INF, 1, INF)
h, x, mu, c = sympy.symbols("h x mu c", real=True)
ROOT, THIRD = sympy.sqrt(2), sympy.exp(-sympy.Rational(1, 3))


@pytest.mark.parametrize("k", [1 / ROOT, THIRD, 1 / sympy.pi, ROOT * THIRD / 2, (ROOT - 1) / sympy.sqrt(3), 1 / (1 + ROOT)], ids=str)
@pytest.mark.parametrize("basis", ["cumulant", "moment"])
def test_sums_over_maps(k, basis):
    """Short ones added up by hand, chains of a geometric series; the limit near a long sum in floats."""
    st = fd.Spacetime(4, 1, 4)
    assert sympy.simplify(fd.weighted_maps("[a]", st, k) - (1 + k + k**2 + k**3)) == 0
    assert sympy.simplify(fd.weighted_maps("[a]", FOREVER, k, basis) - 1 / (1 - k)) == 0
    assert sympy.simplify(fd.weighted_maps("[a a]", FOREVER, k, basis) - 1 / (1 - k**2)) == 0
    for text in ("[b[a a]]", "[a b[a]]", "[a[b]]"):
        exact, near = fd.weighted_maps(text, FOREVER, k, basis), F(float(k)).limit_denominator(10**6)
        found = float(fd.weighted_maps(text, fd.Spacetime(INF, 1, 60), near, basis))
        assert float(sympy.N(exact, 30)) == pytest.approx(found, rel=1e-4)


def test_roots_beside_symbols():
    """sqrt(2) c is a polynomial in c over the field of sqrt(2), with quotients where T = inf asks for them."""
    assert sympy.expand(fd.weighted_maps("[a]", fd.Spacetime(3, 1, 3), ROOT * c) - (1 + ROOT * c + 2 * c**2)) == 0
    assert sympy.simplify(fd.weighted_maps("[a a]", FOREVER, ROOT * c) - 1 / (1 - 2 * c**2)) == 0
    rule = U.momentum(ROOT * mu)
    assert sympy.expand(fd.weighted_maps("[a]", fd.Spacetime(3, 1, 3), update=rule) - (3 + 2 * ROOT * mu + 2 * mu**2)) == 0


def test_quotients_of_symbols():
    k = c / (1 + c)
    assert sympy.simplify(fd.weighted_maps("[a a]", fd.Spacetime(3, 1, 3), k) - (1 + k**2 + k**4)) == 0


@pytest.mark.parametrize("k", [ROOT, sympy.exp(sympy.Rational(1, 3)), -sympy.pi, 1 + ROOT * THIRD], ids=str)
def test_what_has_no_limit(k):
    with pytest.raises(fd.errors.InputError, match="shrink by"):
        fd.weighted_maps("[a]", FOREVER, k)


LANDSCAPES = {
    "exponentials": L.gauss(F(-1, 3)),
    "a root for a start": L.symbolic((h - x) ** 2 / 2 + h**4 / 24, h, x, L.normal(), at=[ROOT]),
    "a root in the curvature": L.symbolic(ROOT * (h - x) ** 2 / 2 + h**4 / 24 + h**3 / 6, h, x, L.normal(), at=[0]),
    "both": L.symbolic(ROOT * (h - x) ** 2 / 2 + sympy.exp(h) / 3, h, x, L.normal(), at=[F(1, 2)]),
}


SLOW = {("both", False), ("exponentials", True)}


@pytest.mark.parametrize("rule", [None, F(1, 2)], ids=["sgd", "momentum"])
@pytest.mark.parametrize(
    ("land", "st"),
    [
        pytest.param(land, st, id=f"{name}-{st}", marks=pytest.mark.long if st.T == INF and (name, st.N == INF) in SLOW else ())
        for name, land in LANDSCAPES.items() for st in (FOREVER, fd.Spacetime(2, 1, INF), fd.Spacetime(2, 1, 5))
    ],
)
def test_predictions_are_the_float_ones(land, st, rule):
    """For ever, over epochs, and with a rule of two numbers, whose limits are solved for by elimination."""
    update, near = (None, None) if rule is None else (U.momentum(rule), U.momentum(float(rule)))
    exact = fd.predict(land, st, F(1, 8), 2, update=update).total
    assert float(sympy.N(exact, 30)) == pytest.approx(fd.predict(land, st, 0.125, 2, update=near).total, rel=1e-11)


def test_exact_limits_are_no_floats():
    """k = 0 is a number like others."""
    found = fd.weighted_maps("[a[b]]", FOREVER, 0)
    assert (found, type(found)) == (1, F)
