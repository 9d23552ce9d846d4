"""Numbers that a path cannot go with, and losses without a minimum, are refused with the reason."""

import math
from fractions import Fraction

import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import InputError, UnsupportedError

w, x, mu = sympy.symbols("w x mu")
LAND = fd.landscapes.symbolic((w - x) ** 2 / 2 + w**3 / 6, w, x, fd.landscapes.normal(), at=[0])
SPACETIME = fd.Spacetime(N=4, T=3)


@pytest.mark.parametrize("eta", [sympy.sqrt(2) / 10, sympy.pi / 30, [Fraction(1, 10), sympy.sqrt(2) / 10]], ids=str)
def test_irrational_rates_are_no_exact_path(eta):
    with pytest.raises(UnsupportedError, match="needs rational learning rates"):
        fd.predict(LAND, SPACETIME, eta, noise=1)


@pytest.mark.parametrize("noise", [1, 2])
def test_irrational_rules_are_not_exact(noise):
    with pytest.raises(UnsupportedError, match="rational numbers or floats"):
        fd.predict(LAND, SPACETIME, Fraction(1, 10), noise=noise, update=fd.updates.momentum(sympy.sqrt(2) / 2))


def test_irrational_rules_go_with_float_rates():
    irrational, plain = (fd.updates.momentum(value) for value in (sympy.sqrt(2) / 2, 0.5**0.5))
    assert fd.predict(LAND, SPACETIME, 0.1, noise=1, update=irrational).total == pytest.approx(
        fd.predict(LAND, SPACETIME, 0.1, noise=1, update=plain).total, rel=1e-14
    )


def test_a_path_that_goes_on_for_ever_has_no_end(monkeypatch):
    monkeypatch.setattr("fastdiag.path.first_order.MOST_UPDATES", 1000)
    apart = fd.landscapes.logistic([[1.0], [2.0]], [1, 1], [0.0])  # the loss falls to 0 at infinity
    with pytest.raises(InputError, match="a path with an end"):
        fd.predict(apart, fd.Spacetime(N=math.inf, T=math.inf), 0.1, noise=1)
