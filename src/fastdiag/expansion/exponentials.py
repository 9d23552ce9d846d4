"""Sums of exponentials: expressions in N, B, T, E and powers of k's such as k^T and k^(N/B), put in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any, TypeAlias

from .symbols import in_factors

Powers: TypeAlias = tuple[int, ...]
"""The exponent of each k^T."""
Sum: TypeAlias = dict[Powers, Any]
"""Products of k^T, each times an element of the field."""


class Exponentials:
    """Sums of powers k^T over the field of rational functions in N, B, the time, the k's and, over epochs, the k^(N/B)."""

    def __init__(self, k: Sequence[Any], sampling: str, time: Any, T: Any, E: Any) -> None:
        """time: the formula's own; T, E: updates and epochs in terms of it."""
        import sympy
        from sympy.polys.fields import field

        from ..letters import grid_symbols

        once, epochs = sampling == "one epoch", sampling in ("reshuffle", "cyclic")  # no B, N; E in place of T

        N, B, updates, number = grid_symbols()
        self.k, self.T, self.length, self.whole = list(k), T, N / B, number * N / B if epochs else updates
        self.letters = [*k] if once else [B, N, time, *k, *(x**self.length for x in k if epochs)]
        self.field, *gens = field([sympy.Dummy() for _ in self.letters], sympy.QQ)
        self.one = (0,) * len(self.k)
        self.known: dict[Any, Sum] = {x: {self.one: gen} for x, gen in zip(self.letters, gens, strict=True)}
        for symbol, value in () if once else ((updates, T), (number, E)):
            self.known.setdefault(symbol, self.read(value))

    def read(self, expression: Any) -> Sum:
        """An expression as a sum; no sum of several powers k^T may stand below."""
        if expression not in self.known:
            self.known[expression] = self._read(expression)
        return self.known[expression]

    def _read(self, expression: Any) -> Sum:
        from sympy import QQ

        if expression.is_Add:
            return self._added(map(self.read, expression.args))
        if expression.is_Mul:
            total: Sum = {self.one: self.field.one}
            for factor in expression.args:
                total = self._times(total, self.read(factor))
            return total
        if not expression.is_Pow:
            return {self.one: self.field(QQ.from_sympy(expression))}
        if expression.exp.is_Integer:
            ((one, x),), n = self.read(expression.base).items(), int(expression.exp)
            return {tuple(n * power for power in one): x**n}
        found, powers = self.field.one, [0] * len(self.k)
        for base, inner in (factor.as_base_exp() for factor in expression.base.as_ordered_factors()):
            for exponent, n in (inner * expression.exp).expand().as_coefficients_dict().items():
                if exponent == self.whole:
                    powers[self.k.index(base)] += int(n)
                else:
                    found *= self.known[base**exponent][self.one] ** int(n)
        return {tuple(powers): found}

    def _added(self, sums: Iterable[Sum]) -> Sum:
        found: dict[Powers, list[Any]] = {}
        for powers, x in (item for one in sums for item in one.items()):
            found.setdefault(powers, []).append(x)
        total = {powers: xs[0] if len(xs) == 1 else self._sum(xs) for powers, xs in found.items()}
        return {powers: x for powers, x in total.items() if x}

    def _sum(self, elements: list[Any]) -> Any:
        over: dict[Any, Any] = {}  # few denominators recur: numerators over one of them are added first
        for x in elements:
            over[x.denom] = over.get(x.denom, 0) + x.numer
        return sum((self.field.new(top, below) for below, top in over.items()), self.field.zero)

    def _times(self, one: Sum, other: Sum) -> Sum:
        return self._added(
            {tuple(a + b for a, b in zip(m, n, strict=True)): x * y} for m, x in one.items() for n, y in other.items()
        )

    def factored(self, expression: Any) -> Any:
        """The sum as SymPy; what every term has stands before the brackets: N and B, or all, as in (1 - k^T) / (1 - k)."""
        import sympy
        from sympy.core.parameters import distribute

        sums = {powers: x for powers, x in self.read(expression).items() if x}
        if not sums:
            return sympy.S.Zero
        common = sums[min(sums)]
        if any(x - common and x + common for x in sums.values()):  # == would compare signs above and below
            outer = [i for i, letter in enumerate(self.letters) if str(letter) in ("N", "B")]
            lowest = [min(_valuation(x, i) for x in sums.values()) for i in outer]
            common = prod((self.field.gens[i] ** n for i, n in zip(outer, lowest, strict=True)), start=self.field.one)
        terms = [
            prod((k ** (n * self.T) for k, n in zip(self.k, powers, strict=True)), start=sympy.S.One)
            * in_factors(x if common == 1 else x / common, self.letters, ascending=True) for powers, x in sums.items()
        ]
        with distribute(False):
            return sympy.Mul(in_factors(common, self.letters, ascending=True), sympy.Add(*terms))


def _valuation(x: Any, letter: int) -> int:
    """The power of a letter in an element of a field."""
    above, below = (min(exponents[letter] for exponents in polynomial.itermonoms()) for polynomial in (x.numer, x.denom))
    return int(above - below)
