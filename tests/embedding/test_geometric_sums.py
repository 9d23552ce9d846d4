"""Complete homogeneous polynomials with letters: at numbers, put in in any order, against plain sums."""

import pickle
from fractions import Fraction
from itertools import combinations_with_replacement, permutations, product
from math import prod

import mpmath
import numpy as np
import pytest
import sympy

from fastdiag.embedding.geometric_sum import GeometricSum, in_fractions

n, p, q = sympy.symbols("n p q")
NUMBERS = [Fraction(0), Fraction(1), Fraction(-1), Fraction(1, 2), Fraction(-2, 3)]


def listed(times, values):
    return sum(prod(some, start=Fraction(1)) for some in combinations_with_replacement(values, times)) if times >= 0 else 0


def rational(x):
    return sympy.Rational(Fraction(x).numerator, Fraction(x).denominator)


@pytest.mark.parametrize("total", [GeometricSum(n, 1, q), GeometricSum(n, 1, q, p * q, q), GeometricSum(n, p, q, p**2), GeometricSum(n - 2, 1, p, q)], ids=str)
def test_numbers_in_any_order(total):
    times, *values = total.args
    for x, y, many in product(NUMBERS, NUMBERS, (0, 1, 2, 5)):
        at = {n: sympy.Integer(many), p: rational(x), q: rational(y)}
        numbers = [Fraction(str(value.subs(at))) for value in values]
        wanted = rational(listed(int(times.subs(at)), numbers))
        for order in permutations(at):
            found = total
            for letter in order:
                found = found.subs(letter, at[letter])
            assert found == wanted, (at, order)
        assert total.subs(at) == total.subs(at, simultaneous=True) == wanted


def test_many_terms():
    """By squaring, not term by term: beside partial fractions, which 1/2 and 1/3 have."""
    times, x, y = 10_000, Fraction(1, 2), Fraction(1, 3)
    wanted = 1 / ((1 - x) * (1 - y)) + x ** (times + 2) / ((x - 1) * (x - y)) + y ** (times + 2) / ((y - 1) * (y - x))
    assert GeometricSum(times, 1, p, q).subs({p: rational(x), q: rational(y)}) == rational(wanted)
    assert GeometricSum(times, 1, p, p).subs(p, 1) == (times + 2) * (times + 1) // 2


def test_what_it_is_to_sympy():
    total = GeometricSum(n, q, 1, p)
    assert total == GeometricSum(n, 1, p, q) == pickle.loads(pickle.dumps(total))
    at = {p: sympy.Rational(1, 3), q: sympy.Rational(2, 5)}
    for written in (total.doit(), sympy.expand(total, func=True), in_fractions(2 * total) / 2):
        assert not written.has(GeometricSum)
        assert sympy.simplify(written.subs(at) - total.subs(at)) == 0
    for letter, other in ((p, total.diff(p)), (q, total.diff(q))):
        assert sympy.expand(other.subs(n, 4) - total.subs(n, 4).diff(letter)) == 0
    of_time = total.subs(at).diff(n)
    assert sympy.simplify(of_time - total.diff(n).subs(at)) == 0
    roots = total.subs({n: 50, p: sympy.sqrt(2) / 2, q: sympy.cbrt(3) / 2})
    with mpmath.workdps(40):
        values = 1, mpmath.sqrt(2) / 2, mpmath.cbrt(3) / 2
        wanted = sum(x**52 / prod(x - y for y in values if y != x) for x in values)
        assert abs(mpmath.mpf(sympy.N(roots, 40)) - wanted) < 1e-35
    function = sympy.lambdify((n, p, q), total + q)
    assert np.allclose(function(3, np.array([0.5, 1.0]), 1.0), [1 + float(listed(3, [1, x, 1])) for x in (Fraction(1, 2), 1)])
    assert (function(0, 0.3, 0.2), function(-1, 0.3, 0.2)) == (1.2, 0.2)
