"""Update rules at any time and any learning rate: exact, or refused in words."""

import math
from fractions import Fraction

import pytest
import sympy

import fastdiag as fd
from fastdiag import updates
from fastdiag.errors import InputError, TooLargeError
from oracles.calls import FORMULA, LAND

HUGE = 10**5000
RULES = [updates.momentum(Fraction(1, 2)), updates.nesterov(Fraction(1, 2)), updates.weight_decay(Fraction(1, 2))]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_times_beyond_2_to_the_63(rule):
    """Nothing is done for the empty diagram: its one map has no edge, whatever the rule."""
    assert fd.weighted_maps("[]", fd.Spacetime(math.inf, T=2**63 - 1), update=rule) == 1
    for T in (2**63 - 1, HUGE):
        with pytest.raises(TooLargeError, match="the exact number has about"):
            fd.predict(FORMULA, fd.Spacetime(4, 1, T), Fraction(1, 10), 2, resummed=False, update=rule)
        with pytest.raises(TooLargeError, match=r"terms|digits"):
            fd.rvalue("[a a]", FORMULA, fd.Spacetime(4, 1, T), Fraction(1, 10), update=rule)


def test_weights_after_any_time():
    with pytest.raises(TooLargeError, match="digits"):
        RULES[0].weight(HUGE)
    assert updates.momentum(Fraction(1, 10**400)).weight(2) == 1 + Fraction(1, 10**400)
    assert updates.momentum(0.5).weight(HUGE) == 2.0  # (1 - mu^t) / (1 - mu)
    with pytest.raises(InputError, match="update must be"):
        fd.weighted_maps("[a]", fd.Spacetime(2, T=2), update="momentum")


@pytest.mark.parametrize("eta", [1e160, 1e200, 1e308])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_modes_beyond_floats_are_told(rule, eta):
    with pytest.warns(RuntimeWarning, match="overflows"):
        assert not math.isfinite(fd.rvalue("[a a]", LAND, fd.Spacetime(4, 2, 4), eta, update=rule))


def test_formulas_of_many_terms_are_counted_in_words():
    q = sympy.Symbol("q")
    with pytest.raises(TooLargeError, match=r"terms in q"):
        fd.weighted_maps("[a b]", fd.Spacetime(4, 1, HUGE), update=updates.momentum(q))
