"""Roots of polynomials with letters, at numbers: as they are known, and in digits."""

from fractions import Fraction
from math import prod

import numpy as np
import sympy

from fastdiag.values.eigenvalue import Eigenvalue


def rational(x):
    return sympy.Rational(Fraction(x).numerator, Fraction(x).denominator)


def test_roots_of_letters():
    """Of x^3 + a x^2 + b x + c."""
    a, b, c = letters = sympy.symbols("a b c")
    roots = [Eigenvalue(i, 1, a, b, c) for i in range(3)]
    x = sympy.Symbol("x")
    for known in ((1, 2, 3), (-1, -1, 4), (0, 0, 0), (Fraction(1, 2), 5, -7)):
        polynomial = sympy.Poly(prod(x - rational(y) for y in known), x)
        at = dict(zip(letters, polynomial.all_coeffs()[1:], strict=True))
        assert [root.subs(at) for root in roots] == [rational(y) for y in sorted(known)]
    at = {a: sympy.sqrt(2), b: -5, c: -sympy.pi}  # not rational: digits only
    for i, root in enumerate(roots):
        found = sympy.N(root.subs(at), 40)
        assert abs(found**3 + at[a] * found**2 - 5 * found - sympy.pi).evalf(20) < 1e-30
        assert i == 0 or found > sympy.N(roots[i - 1].subs(at), 40)
    one, two, three = (root.subs({a: 0, b: 1, c: 1}) for root in roots)  # one real root
    assert one.is_real
    assert sympy.conjugate(two) == three
    digits = [complex(Eigenvalue(i, 1, 0, 1, sympy.Float(1)).evalf(20)) for i in range(3)]
    assert np.allclose([complex(sympy.N(y, 20)) for y in (one, two, three)], digits, rtol=1e-14)
