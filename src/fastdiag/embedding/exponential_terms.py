"""An edge's weight under an update rule as a sum of exponentials in its duration, for formulas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from ..spacetime.updates import Update
from .poset import Poset
from .weighted import without_idle_state

Exponents = tuple[int, ...]
"""Of each eigenvalue."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of an edge's weight: coefficient x^n or, of a repeated x, also coefficient n x^n; n = dt - 1.

    n x^n is what is linear in e of (x (1 + e))^n, with an e for each edge. So with such terms all numbers are `Jet`s, and
    the result is what is linear in all e that are chosen.
    """

    x: list[Any]
    root: list[Any]
    """Coefficients on edges to the root."""
    inner: list[Any]
    """On others."""
    edge: list[int]
    """The edge whose x (1 + e) it is, as a mask, or 0."""
    options: list[list[int]]
    """Which terms each edge has."""
    sign: int = 0
    """(-1)^updates, if known."""

    @classmethod
    def of(cls, update: Update, edges: int) -> Terms:
        import sympy

        first, second = ([sympy.sympify(update.weight(dt, to_root)) for to_root in (True, False)] for dt in (1, 2))
        x = [sympy.sympify(line[i]) for i, line in enumerate(update.step)]
        edge = [0] * len(x)
        if len(x) == 1:
            pairs = [first]
        elif sympy.simplify(x[1] - x[0]) != 0:
            pairs = amplitudes(x, first, second)
        elif x[0] == 0:
            x, edge, pairs = x[:1], edge[:1], [first]
        else:
            slope = [sympy.factor(two / x[0] - one) for one, two in zip(first, second, strict=True)]
            edge = [0, *(1 << v for v in range(edges))]
            x, pairs = x[:1] * (1 + edges), [first, *[slope] * edges]
        root, inner = ([*line] for line in zip(*pairs, strict=True))
        return cls(x, root, inner, edge, [[i for i, mask in enumerate(edge) if mask in (0, 1 << v)] for v in range(edges)])

    @classmethod
    def powers(cls, k: Sequence[Any]) -> Terms:
        """k_e^(dt - 1), a k for each edge."""
        import sympy

        one = [sympy.Integer(1)] * len(k)
        return cls([*k], one, one, [0] * len(k), [[e] for e in range(len(k))])

    def power(self, exponents: Exponents, times: Any = 1) -> tuple[Any, Jet]:
        """x^(exponents times `times`), and what it is multiplied by where some x are x (1 + e)."""
        import sympy

        sign, numbers, others, shift = sympy.Integer(1), sympy.Integer(1), [], Jet({0: sympy.Integer(1)})
        for x, mask, n in zip(self.x, self.edge, exponents, strict=True):
            minus, x = signed(x)
            if minus < 0 and n % 2:
                sign *= minus if times == 1 else self.sign or minus**times
            if x.is_number:  # one power, so that equal products are equal expressions
                numbers *= x**n
            else:
                others.append(x ** (n * times))
            if mask and n:
                shift *= Jet({0: sympy.Integer(1), mask: n * times})
        numbers = numbers if numbers.is_Rational else sympy.radsimp(sympy.expand(numbers))
        return sympy.Mul(sign, numbers**times, *others), shift

    def choices(self, poset: Poset) -> Iterator[tuple[tuple[int, ...], Any]]:
        """A term for each edge, and the product of their coefficients."""
        import sympy

        for chosen in product(*self.options):
            factors = [(self.root if p < 0 else self.inner)[i] for i, (_, p) in zip(chosen, poset.ends, strict=True)]
            if all(factors):
                yield chosen, sympy.Mul(*factors)

    def exponents(self, masks: Sequence[int], chosen: Sequence[int]) -> Exponents:
        """How often each term's x occurs among the edges of some masks."""
        count = [0] * len(self.x)
        for mask in masks:
            for v, i in enumerate(chosen):
                count[i] += mask >> v & 1
        return tuple(n if x != 1 else 0 for n, x in zip(count, self.x, strict=True))

    def linear(self, found: Jet, chosen: Sequence[int]) -> Any:
        """What is linear in each chosen e."""
        return found.get(sum(self.edge[i] for i in chosen), 0)


def amplitudes(x: Sequence[Any], first: Sequence[Any], second: Sequence[Any]) -> list[list[Any]]:
    """For each of two different x its coefficients in weights that are sums of x^n, known at n = 0 and 1."""
    import sympy

    gap = sympy.simplify(x[1] - x[0])
    fast = [sympy.factor((two - x[0] * one) / gap) for one, two in zip(first, second, strict=True)]
    return [[sympy.factor(one - part) for one, part in zip(first, fast, strict=True)], fast]


def propagator(update: Update, k: Any, q: Any) -> list[tuple[Any, Any, Any]]:
    """The terms of an edge's resummed weight: x, its coefficient on edges to the root and on others.

    Of a step with the curvature in it the eigenvalues are k and q, or k alone: letters, so that no root is taken.
    """
    import sympy

    update = without_idle_state(update)
    step, push, point, seen = (sympy.Matrix(x) for x in (update.step, update.push, update.point, update.seen))
    x = [k, q][: len(push)]
    states = [push, (step - eigenvalues(update, k, q)[0] * push * point.T) * push]
    first, second = ([reader.dot(state) for reader in (seen, point)] for state in states)
    pairs = amplitudes(x, first, second) if len(x) > 1 else [first]
    return [(one, *pair) for one, pair in zip(x, pairs, strict=True)]


def eigenvalues(update: Update, k: Any, q: Any) -> tuple[Any, Any]:
    """eta h in terms of the eigenvalues k and q of step - eta h push point^T; and k q, or None where there is no q."""
    import sympy

    update = without_idle_state(update)
    step, push, point = (sympy.Matrix(x) for x in (update.step, update.push, update.point))
    h = (step.trace() - sum([k, q][: len(push)])) / point.dot(push)
    return h, sympy.factor(step.det() - h * point.dot(step.adjugate() * push)) if len(push) > 1 else None


class Jet(dict[int, Any]):
    """A polynomial in the e of edges, with e^2 = 0: its coefficients by the mask of edges."""

    def __add__(self, other: Jet) -> Jet:
        return Jet({mask: self.get(mask, 0) + other.get(mask, 0) for mask in self | other})

    def __mul__(self, other: Jet) -> Jet:
        found = Jet()
        for one, x in self.items():
            for two, y in other.items():
                if not one & two:
                    found[one | two] = found.get(one | two, 0) + x * y
        return found

    def of(self, x: Any) -> Jet:
        return Jet({mask: x * y for mask, y in self.items()})


def signed(x: Any) -> tuple[int, Any]:
    """x as 1 or -1 times what has no sign."""
    return (-1, -x) if (x.is_negative if x.is_number else not x.is_Add and x.could_extract_minus_sign()) else (1, x)
