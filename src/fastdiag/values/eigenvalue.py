"""A root of a polynomial whose coefficients are formulas, as an expression of SymPy's."""

from __future__ import annotations

from typing import Any

import mpmath
import sympy


class Eigenvalue(sympy.Function):
    """Eigenvalue(i, c_n, ..., c_0): the root i = 0, 1, ... of c_n x^n + ... + c_0, real ones first and in order.

    With letters it stays as it is: Cardano's formula would write real roots through complex numbers. With numbers it is a
    number, or a `CRootOf`, which is known to any digits.

    Examples
    --------
    >>> c = sympy.Symbol("c")
    >>> root = Eigenvalue(1, 1, 0, -c)
    >>> root.subs(c, 4), root.subs(c, 2)
    (2, sqrt(2))
    """

    @classmethod
    def eval(cls, i: Any, *coefficients: Any) -> Any:
        """Of rational coefficients the root; None: it stays."""
        if all(c.is_Rational for c in coefficients):
            return sympy.Poly(coefficients, sympy.Dummy("x")).all_roots()[int(i)]
        return None

    def _eval_evalf(self, prec: int) -> Any:
        i, *coefficients = self.args
        numbers = [c._evalf(2 * prec) for c in coefficients]
        if not all(c.is_number for c in numbers):
            return None
        with mpmath.workprec(2 * prec):
            found = mpmath.polyroots([mpmath.mpmathify(c) for c in numbers], maxsteps=500, extraprec=4 * prec)
            least = mpmath.ldexp(1 + max(map(abs, found)), -prec)
            real = sorted(x.real for x in found if abs(x.imag) <= least)
            others = sorted((x for x in found if abs(x.imag) > least), key=lambda x: (x.real, x.imag))
            return sympy.sympify([*real, *others][int(i)])._evalf(prec)
