"""Formulas of rules whose factors coincide, or do at even numbers of updates, against weighted maps at numbers."""

from fractions import Fraction as F  # noqa: N817

import pytest
import sympy

import fastdiag as fd
from fastdiag import updates

N, B, T, E = sympy.symbols("N B T E", positive=True, integer=True)
RULES = [
    updates.weight_decay(F(1, 4), F(-3, 4)),  # 3/4 and -3/4
    updates.weight_decay(F(3, 4), F(1, 2)),  # 1/4 and 1/2, whose square it is
    updates.weight_decay(F(3, 4), F(-1, 2)), updates.weight_decay(F(1, 2), F(-1, 4)), updates.momentum(F(-1, 2)), updates.nesterov(F(1, 3)),
    updates.quasi_hyperbolic(F(-1, 2), F(1, 2)), updates.momentum(0), updates.nesterov(0),
]


@pytest.mark.parametrize("sampling", ["one epoch", "cyclic", "reshuffle", "replacement"])
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_no_pole_at_numbers(rule, sampling):
    many = sampling == "one epoch" or (rule in RULES[1:3] and sampling == "cyclic")
    for text in ("[a[b]]", "[a b]", "[a b c]") if many else ("[a[b]]", "[a a]"):
        formula = fd.maps_formula(text, sampling, update=rule)
        for n, b, size in ((2, 1, 1), (2, 1, 2), (3, 1, 3), (4, 1, 2), (2, 2, 2)):
            if sampling == "one epoch":
                spacetime = fd.Spacetime(n, b, min(size, n // b))
            elif sampling == "replacement":
                spacetime = fd.Spacetime(n, b, size, sampling=sampling)
            else:
                spacetime = fd.Spacetime(n, b, E=size, sampling=sampling)
            wanted = F(fd.weighted_maps(text, spacetime, update=rule))
            at = {N: n, B: b, E: size, T: spacetime.T}
            assert formula.subs(at) == sympy.Rational(wanted.numerator, wanted.denominator), (text, spacetime)
