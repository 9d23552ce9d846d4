"""Counting whose work is foreseen: refused before it is begun, or done as cheaply as it can be."""

import time
from fractions import Fraction

import pytest
import sympy

import fastdiag as fd
from fastdiag import updates
from fastdiag.errors import TooLargeError

MU = sympy.Symbol("mu")
NINE = Fraction(9, 10)


def chain(nodes, together=False):
    return fd.Diagram([-1, *range(nodes - 1)], [0] * nodes if together else range(nodes))


REFUSED = [
    lambda: fd.coefficient("[a b]", fd.Spacetime(3, 1, 10**6), update=updates.momentum(NINE)),
    lambda: fd.coefficient("[a b]", fd.Spacetime(3, 1, 10**6, sampling="cyclic"), update=updates.momentum(NINE)),
    lambda: fd.coefficient("[a b]", fd.Spacetime(2, 1, 2**63 - 1), update=updates.momentum(Fraction(1, 2))),
    lambda: fd.coefficient("[a b]", fd.Spacetime(2**63, 1, 2**63 - 1), update=updates.schedule(lambda t: 1)),
    lambda: fd.coefficient("[a[b] c]", fd.Spacetime(2, 1, 10**5), update=updates.momentum(MU)),
    lambda: fd.coefficient("[a b c d e f g h]", fd.Spacetime(20, 1, 30), update=updates.momentum(NINE)),
    lambda: fd.coefficient("[a b c d e f g h]", fd.Spacetime(4, 1, 30, sampling="cyclic"), update=updates.momentum(NINE)),
    lambda: fd.weighted_maps("[a]", fd.Spacetime(2, 1, 10**27), 2),
    lambda: fd.weighted_maps("[a b]", fd.Spacetime(2, 1, 10**27), MU),
    lambda: fd.weighted_maps(chain(9), fd.Spacetime(20, 1, 40), sympy.symbols("k:8")),
    lambda: updates.momentum(Fraction(1, 2)).weight(2**31),
    lambda: updates.momentum(MU).weight(2**31),
    lambda: fd.maps("[a b c d e f g h i j]", fd.Spacetime(3, 1, 9)),
    lambda: fd.maps_formula("[a b c d e f g h i j k l m n]"),
    lambda: fd.maps_formula("[a b c d e f g h i j k l m n]", "one epoch"),
    lambda: fd.maps_formula(chain(15)),
    lambda: fd.maps_formula(chain(15), "cyclic"),
    lambda: fd.maps_formula("[a b c d e f g h i j k l m]", "cyclic"),
    lambda: fd.maps_formula("[a b c d e f g h i j k l]", "cyclic", "moment"),
    lambda: fd.maps(chain(40), fd.Spacetime(100, 1, 150)),
]


@pytest.mark.parametrize("call", REFUSED)
def test_too_much_work_is_refused_before_it_is_begun(call):
    begun = time.process_time()
    with pytest.raises(TooLargeError):
        call()
    assert time.process_time() - begun < 1


def test_what_is_plain_descent_costs_what_that_costs():
    """Rules whose buffer nobody reads, at any T."""
    for spacetime in (fd.Spacetime(2, 1, 2**63 - 1), fd.Spacetime(6, 2, 10**30, sampling="cyclic"), fd.Spacetime(6, 2, 10**30, sampling="replacement")):
        for D in ("[a b]", "[a[a]]", "a[b c]"):
            plain = fd.coefficient(D, spacetime)
            for rule in (updates.quasi_hyperbolic(0, 0), updates.quasi_hyperbolic(Fraction(1, 2), 0), updates.momentum(0), updates.weight_decay(0), updates.sgd()):
                assert fd.coefficient(D, spacetime, update=rule) == plain
            assert fd.weighted_maps(D, spacetime, 1) == fd.maps(D, spacetime)
    assert fd.weighted_maps("[a]", fd.Spacetime(2, 1, 10**27), 0) == 1


def test_long_formulas_are_those_of_numbers():
    spacetime = fd.Spacetime(2, 1, 100, sampling="cyclic")
    formula = fd.coefficient("a[b c[a a]]", spacetime, update=updates.nesterov(MU))
    for mu in (Fraction(1, 3), Fraction(-3, 4), Fraction(0)):
        wanted = fd.coefficient("a[b c[a a]]", spacetime, update=updates.nesterov(mu))
        assert Fraction(str(sympy.Poly(formula, MU).eval(sympy.Rational(mu.numerator, mu.denominator)))) == wanted
    nu, c = sympy.symbols("nu c")
    rule = updates.quasi_hyperbolic(MU / 3, nu).with_schedule(lambda t: c**t / (t + 1))
    number = updates.quasi_hyperbolic(Fraction(1, 6), Fraction(2, 5)).with_schedule(lambda t: Fraction(-2, 3) ** t / (t + 1))
    for spacetime in (fd.Spacetime(4, 2, 5), fd.Spacetime(2, 1, 4, sampling="cyclic"), fd.Spacetime(3, 2, 3, sampling="replacement")):
        found = fd.weighted_maps("[a[b] a]", spacetime, update=rule).subs({MU: sympy.Rational(1, 2), nu: sympy.Rational(2, 5), c: sympy.Rational(-2, 3)})
        assert Fraction(str(found)) == fd.weighted_maps("[a[b] a]", spacetime, update=number)


def test_weights_of_long_edges_are_powers():
    assert updates.momentum(0.5).weight(2**31) == 2.0
    w = updates.nesterov(Fraction(2, 3))
    assert w.weight(201) == sum(Fraction(2, 3) ** j for j in range(202))
    assert w.weight(201, to_root=True) == sum(Fraction(2, 3) ** j for j in range(201))
