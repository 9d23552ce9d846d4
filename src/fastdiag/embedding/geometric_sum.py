"""Complete homogeneous symmetric polynomials as expressions."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from itertools import combinations_with_replacement
from math import comb
from typing import Any

import sympy

from .powers import Powers

MOST_PRODUCTS = 200  # that are written out


class GeometricSum(sympy.Function):
    """GeometricSum(n, q_0, ..., q_m): the sum of all products of n of the q, each as often as may be; 0 for n < 0.

    Of 1 and q that is 1 + q + ... + q^n. With letters no fraction says it for all numbers: (1 - q^(n+1)) / (1 - q) has no
    value at q = 1. This has, whatever is put in, in whatever order.

    Examples
    --------
    >>> n, q = sympy.symbols("n q")
    >>> total = GeometricSum(n, 1, q)
    >>> total.subs(n, 3), total.subs(q, 1), total.doit()
    (q**3 + q**2 + q + 1, n + 1, q**(n + 1)/(q - 1) + 1/(1 - q))
    """

    @classmethod
    def eval(cls, n: Any, *q: Any) -> Any:
        """A number, a polynomial or a fraction where that has no pole; None: it stays."""
        if n.is_Integer:
            if n <= 0:
                return sympy.Integer(n == 0)
            if all(x.is_Rational or x.is_Float for x in q):
                return _value(int(n), q)
            if comb(int(n) + len(q) - 1, int(n)) <= MOST_PRODUCTS:
                return sympy.Add(*(sympy.Mul(*some) for some in combinations_with_replacement(q, int(n))))
        elif all(x.is_Rational for x in q):
            return _by_partial_fractions(n, frozenset(Counter(q).items()))
        ordered = tuple(sorted(q, key=sympy.default_sort_key))
        return None if q == ordered else cls(n, *ordered)

    @staticmethod
    def _imp_(n: Any, *q: Any) -> Any:
        """Of floats, or arrays of them, for `sympy.lambdify`."""
        found = [1.0] + [0.0] * int(n)
        for x in q:
            for i in range(1, len(found)):
                found[i] = found[i] + x * found[i - 1]
        return found[-1] if n >= 0 else 0.0

    def doit(self, **hints: Any) -> Any:
        """By partial fractions, which have no value where two q are equal."""
        n, *q = (x.doit(**hints) for x in self.args) if hints.get("deep", True) else self.args
        return _by_partial_fractions(n, frozenset(Counter(q).items()))

    def _eval_expand_func(self, **_: Any) -> Any:
        return self.doit(deep=False)

    def _eval_derivative(self, letter: Any) -> Any:
        """d/dq is the same of n - 1, with that q once more."""
        n, *q = self.args
        if n.has(letter):
            return self.doit().diff(letter)
        return sympy.Add(*(x.diff(letter) * self.func(n - 1, *q, x) for x in q))

    def _eval_evalf(self, prec: int) -> Any:
        n, *q = self.args
        numbers = [x._evalf(2 * prec) for x in q]
        return _value(int(n), numbers) if n.is_Integer and all(x.is_number for x in numbers) else None


def geometric_sum(n: Any, counted: Counter[Any]) -> Any:
    """The polynomial of degree n of q's, each so many times: a fraction, unless letters stand in them.

    Dummies are no such letters: they stand for what is different.
    """
    if any(not isinstance(letter, sympy.Dummy) for q in counted for letter in q.free_symbols):
        return GeometricSum(n, *counted.elements())
    return _by_partial_fractions(n, frozenset(counted.items()))


def in_fractions(expression: Any) -> Any:
    """An expression with fractions in place of such polynomials."""
    return expression.xreplace({each: each.doit(deep=False) for each in expression.atoms(GeometricSum)})


def _value(n: int, q: Any) -> Any:
    """Of numbers: a corner of a power of the matrix with the q on its diagonal and 1 beside it."""
    last = len(q) - 1
    matrix = {i: {i: x, i + 1: sympy.Integer(1)} if i < last else {i: x} for i, x in enumerate(q)}
    return Powers(matrix).after({0: sympy.Integer(1)}, n + last).get(last, sympy.Integer(0))


@lru_cache(maxsize=4096)
def _by_partial_fractions(n: Any, values: frozenset[tuple[Any, int]]) -> Any:
    """The sum over q and r <= k of A[q, r] C(n + r - 1, r - 1) q^n; true from n = 1 - (number of values)."""
    if n.is_Integer and n < 0:
        return sympy.Integer(0)
    rest = frozenset((q, k) for q, k in values if q != 0)
    if not rest:
        return sympy.Piecewise((1, sympy.Eq(n, 0)), (0, True))
    if rest != values:  # then true from later on
        return sympy.Piecewise((_by_partial_fractions(n, rest), n >= 1 - sum(k for _, k in rest)), (0, True))
    found = []
    for q, k in values:
        series = [sympy.Integer(1)] + [sympy.Integer(0)] * (k - 1)  # prod of (1 - p + p s)^-j in s, p = other / q
        above = 0  # of q, so that none stands below where q may become 0
        for other, j in values:
            if other != q:
                gap = 1 / sympy.powsimp(q - other)
                factor = [sympy.binomial(-j, i) * (other * gap) ** i * gap**j for i in range(k)]
                series = [sympy.Add(*(series[a] * factor[i - a] for a in range(i + 1))) for i in range(k)]
                above += j
        for r in range(1, k + 1):
            ways = sympy.expand_func(sympy.binomial(n + r - 1, r - 1))
            found.append(series[k - r] * ways * q ** (n + above))
    return sympy.Add(*found)
