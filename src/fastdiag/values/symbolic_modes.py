"""Resummed values on spacetimes of symbols: K^(dt-1) as a sum of powers k^(dt-1), k = 1 - eta h for each eigenvalue h of H.

Numbers of updates need no eigenvalues, see `exact_rvalue`; a formula in T has powers of the k themselves. The matrix of a
power is the projector onto its eigenspace: of p, the product of the different x - h, (p(x) - p(h)) / (x - h) at x = G over
p'(h), for which no other eigenvalue is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement, pairwise, product
from math import prod
from typing import Any

import numpy as np

from ..diagram import Diagram
from ..embedding.closed_form import check_timeless
from ..embedding.exponential_terms import Terms, amplitudes
from ..embedding.poset import Links, Poset
from ..embedding.symbolic_counts import summed_in_symbols
from ..embedding.weighted import without_idle_state
from ..errors import InputError, UnsupportedError
from ..landscapes.exact import Expression, exact, multiplied_out
from ..landscapes.symbolic import Symbolic
from ..spacetime import Spacetime
from ..spacetime.formulas import check_names
from ..spacetime.updates import Update
from .exact_rvalue import BELOW, LINKED, Propagator
from .hessian_steps import LinearRule

DIGITS, ALIKE = 60, 1e-40  # of products that are told apart


@dataclass(frozen=True, slots=True)
class SymbolicModes:
    """What edges carry over eta, by the eigenvalues of G; for what is not said here see `Propagator`."""

    propagator: Propagator
    eigenvalues: tuple[Expression, ...]
    """Different ones; blocks that have one in common share it. Roots that are no square roots stand as letters."""
    roots: tuple[tuple[Expression, Expression], ...]
    """These letters, and what they are."""
    projectors: tuple[tuple[tuple[int, Any], ...], ...]
    """For each block (place of an eigenvalue, projector)."""

    @classmethod
    def of(cls, landscape: Symbolic, eta: Expression, update: LinearRule, hessian: Any = None) -> SymbolicModes:
        """Of the `Propagator` of these, whose G is diagonalisable.

        Raises
        ------
        UnsupportedError : a field whose G is not diagonalisable
        """
        return _modes(landscape, eta, update, hessian)

    @property
    def size(self) -> int:
        """Of the largest block."""
        return self.propagator.size

    @property
    def keys(self) -> range:
        """Places of eigenvalues."""
        return range(len(self.eigenvalues))

    def tensor(self, kind: int, cut: bool) -> Any:
        """The projectors times P, and what a kind of edges carries besides; as `Propagator.tensor`."""
        edges = self.propagator
        n = edges.base.rows
        found = np.full((n, n, len(self.keys)), exact("no edge", 0), object)
        for block, some in zip(edges.blocks, self.projectors, strict=True):
            here = edges.base.extract(block, block)
            for key, projector in [(0, here)] if kind == LINKED else some:
                matrix = edges.lam * here if kind == LINKED else projector * here
                if kind == BELOW:
                    matrix = -edges.lam * edges.eta * self.eigenvalues[key] * matrix
                for (i, low), (j, high) in product(enumerate(block), repeat=2):
                    found[low, high, key] = multiplied_out(exact("an edge", matrix[j, i]))
        return found if cut else found[np.arange(n), np.arange(n)]

    def maps(self, ties: Diagram, spacetime: Spacetime, rule: Update, keys: Sequence[int], links: Links) -> Expression:
        """The sum over maps, of edges with these eigenvalues."""
        forces = tuple(multiplied_out(self.propagator.eta * self.eigenvalues[key]) for key in keys)
        return _maps(ties, spacetime, rule, forces, links, self.roots)

    def named(self, value: Expression) -> Expression:
        """With roots in place of their letters."""
        return value.xreplace(dict(self.roots))


@lru_cache(maxsize=64)
def _modes(landscape: Symbolic, eta: Expression, update: LinearRule, hessian: Any) -> SymbolicModes:
    import sympy

    from .eigenvalue import Eigenvalue

    propagator = Propagator.of(landscape, eta, update, hessian)
    places: dict[Any, int] = {}
    letters: dict[Any, Any] = {}
    projectors = []
    for block, polynomial in zip(propagator.blocks, propagator.polynomials, strict=True):
        G, x = propagator.pull.extract(block, block), sympy.Dummy("x")
        whole = sympy.Poly([1, *reversed(polynomial)], x)
        simple = whole.quo(whole.gcd(whole.diff(x)))
        at_itself = _quotient(simple, G, exact("zero", 0)) * G + simple.all_coeffs()[-1] * sympy.eye(len(block))
        if any(multiplied_out(entry) != 0 for entry in at_itself):
            raise UnsupportedError(
                "the mean of the field's dv is not diagonalisable, so powers of 1 - eta dv are no sums of powers of "
                "numbers; give numbers N, B and T, or resummed=False"
            )
        some = []
        for h, projector in _projectors(simple, G):
            if isinstance(h, Eigenvalue | sympy.CRootOf):  # of formulas those that may meet, of numbers others
                letter = sympy.Symbol if isinstance(h, Eigenvalue) else sympy.Dummy
                h = letters.setdefault(h, letter(f"eigenvalue {len(places)}"))
            projector = projector.xreplace({x: h}).applyfunc(lambda y: multiplied_out(sympy.radsimp(y)))
            some.append((places.setdefault(h, len(places)), projector))
        projectors.append(tuple(some))
    return SymbolicModes(propagator, tuple(places), tuple((letter, h) for h, letter in letters.items()), tuple(projectors))


def _projectors(polynomial: Any, G: Any) -> Iterator[tuple[Expression, Any]]:
    """Each root h, and its projector in x = h: in square roots, or a `CRootOf` of numbers, an `Eigenvalue` of formulas."""
    import sympy

    from .eigenvalue import Eigenvalue

    x = polynomial.gen
    slope, quotient = polynomial.diff(x).as_expr(), _quotient(polynomial, G, x)
    found = sympy.roots(polynomial, x, cubics=False, quartics=False, quintics=False)
    if sum(found.values()) == polynomial.degree():
        for h in map(sympy.radsimp, found):
            yield h, quotient.xreplace({x: h}) / multiplied_out(slope.xreplace({x: h}))
        return
    for factor, _ in polynomial.factor_list()[1]:
        inverse = sympy.invert(slope, factor.as_expr(), x)
        there = quotient.applyfunc(lambda y, inverse=inverse, factor=factor: sympy.rem(y * inverse, factor.as_expr(), x))
        for i in range(factor.degree()):
            yield Eigenvalue(i, *factor.all_coeffs()), there


def _quotient(polynomial: Any, G: Any, h: Expression) -> Any:
    """(p(x) - p(h)) / (x - h) at x = G, by Horner's rule."""
    import sympy

    found, factor = sympy.zeros(G.rows, G.rows), exact("nothing", 0)
    for coefficient in polynomial.all_coeffs()[:-1]:
        factor = multiplied_out(factor * h + coefficient)
        found = found * G + factor * sympy.eye(G.rows)
    return found


@lru_cache(maxsize=4096)
def _maps(
    ties: Diagram, spacetime: Spacetime, rule: Update, forces: tuple[Expression, ...], links: Links,
    roots: tuple[tuple[Expression, Expression], ...],
) -> Expression:
    check_timeless(rule)
    check_names((spacetime.N, spacetime.B, spacetime.T, *forces, *rule.numbers()))
    terms = _terms(without_idle_state(rule), forces)
    if roots:
        _check_apart(terms, roots, len(forces))
    return summed_in_symbols(Poset.of(ties, links), terms, spacetime, "cumulant", True)


def _check_apart(terms: Terms, roots: Sequence[tuple[Expression, Expression]], edges: int) -> None:
    """UnsupportedError where two products of what edges persist by, different as letters, are one number."""
    import sympy

    values = [sympy.N(x.xreplace(dict(roots)), DIGITS) for x in set(terms.x) - {1}]
    if any(x.free_symbols for x in values):
        return
    products = sorted(
        (prod(some) for many in range(edges + 1) for some in combinations_with_replacement(values, many)),
        key=lambda x: sympy.re(x),
    )
    if any(abs(x - y) < ALIKE for x, y in pairwise(products)):
        raise UnsupportedError(
            "two products of 1 - eta h, h eigenvalues that are no square roots, are one number, at which the formula of "
            "all others has a pole; give another eta, numbers N, B and T, or resummed=False"
        )


def _terms(rule: Update, forces: Sequence[Expression]) -> Terms:
    """The terms of each edge's propagator: powers of the eigenvalues of the rule's step with its force in it."""
    import sympy

    if len(rule.push) > 2:
        raise UnsupportedError(
            f"{rule!r} has a memory of {len(rule.push)} numbers, and formulas are of rules with at most two; give numbers "
            "N, B and T"
        )
    found = Terms([], [], [], [], [])
    step, push, point, seen = (sympy.Matrix(line) for line in (rule.step, rule.push, rule.point, rule.seen))
    for e, force in enumerate(forces):
        now = (step - force * push * point.T).applyfunc(sympy.expand)
        first, second = ([reader.dot(state) for reader in (seen, point)] for state in (push, now * push))
        masks = [0] * len(push)
        if len(push) == 1:
            x, pairs = [now[0]], [first]
        else:
            trace, gap = now.trace(), sympy.factor(now.trace() ** 2 - 4 * now.det())
            x = [sympy.radsimp((trace + sign * sympy.sqrt(gap)) / 2) for sign in (1, -1)]
            if gap != 0:
                pairs = amplitudes(x, first, second)
            elif x[0] != 0:
                masks = [0, 1 << e]
                pairs = [first, [sympy.factor(two / x[0] - one) for one, two in zip(first, second, strict=True)]]
            else:
                raise InputError(
                    f"{rule!r} forgets all in two updates at eta h = {force}, which has no formula; take another eta"
                )
        places = len(found.x)
        found.x.extend(x)
        found.edge.extend(masks)
        for pair in pairs:
            found.root.append(pair[0])
            found.inner.append(pair[1])
        found.options.append(list(range(places, places + len(x))))
    return found
