"""What coefficients under a linear rule come to in the long run: constant and linear in the periods gone by.

With one exponential x^(dt - 1) on each edge, an update takes a set of nodes, those that are placed, to larger ones by a
triangular matrix, whose diagonal has the products of the x that are under way. So a period has a matrix P too, and sums
over maps after k periods are a corner of P^k: powers of P's diagonal times polynomials in k, by residues of the resolvent.
Where the diagonal is 1 they stay, and the rest is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import factorial, prod
from typing import Any

from ..diagram import Diagram
from ..diagram.partition import set_partitions
from ..embedding.exponential_terms import Terms
from ..embedding.retied import Tied, retied
from ..embedding.weighted import without_idle_state
from ..errors import UnsupportedError
from ..spacetime.updates import Update
from .symbols import Sampled

Exponents = tuple[int, ...]
"""Of each x."""
Series = list[Any]
"""Of a pole's neighbourhood, from eps^-(nodes + 1) to eps^nodes."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A diagram's nodes as bits, the root's left out."""

    parents: tuple[int, ...]
    children: tuple[int, ...]
    """Of each node, as a mask."""
    rows: tuple[int, ...]
    """Which nodes share a row, as masks."""
    loose: tuple[int, ...]
    """Nodes that no point has anything to do with."""

    @classmethod
    def of(cls, parents: Sequence[int], blocks: Sequence[int]) -> Tree:
        """A node in the root's block is loose."""
        children, rows = [0] * len(parents), dict[int, int]()
        for v in range(1, len(parents)):
            children[parents[v]] |= 1 << v
            if blocks[v]:
                rows[blocks[v]] = rows.get(blocks[v], 0) | 1 << v
        loose = (1 << v for v in range(1, len(parents)) if not blocks[v])
        return cls(tuple(parents), tuple(children), tuple(rows.values()), tuple(loose))

    def under_way(self, before: int, after: int) -> Iterator[int]:
        """The nodes of the set before whose parents are in neither set: the edges that pass an update."""
        return (v for v in range(1, len(self.parents)) if before >> v & 1 and not after >> self.parents[v] & 1)


class LongRun:
    """The field that coefficients live in, and what diagrams have for coefficients there.

    A node in the root's part has the derivatives of a function that is the same for all points, and no learning rate c_t.
    """

    def __init__(self, sampling: Sampled, given: bool, update: Update) -> None:
        import sympy
        from sympy.polys.fields import sfield

        from ..letters import grid_symbols

        self.given, self.together, rates = given, sampling == "reshuffle", update.schedule
        assert not callable(rates)
        terms = Terms.of(without_idle_state(update), 0)
        if 1 not in terms.x:
            raise UnsupportedError(
                f"under {update!r} weights forget where they are, so nothing goes on at a rate; decay as a term of the "
                "loss has one"
            )
        N, B = grid_symbols()[:2]
        self._late = [sympy.Dummy(positive=True) for _ in terms.x]
        length = None if rates is not None else N / B if self.together else 1
        self._written = {z: x**length for z, x in zip(self._late, terms.x, strict=True)} if length is not None else {}
        rates = (1,) if length == 1 else rates
        self._points = None if not given else N if rates is None or not self.together else len(rates) * B
        symbols = [N, B, *self._late]
        numbers = [*terms.x, *terms.root, *terms.inner, *(rates or ())]
        self.field, found = sfield([*symbols, *map(sympy.sympify, numbers)])
        self.N, self.B, *rest = found
        n = len(terms.x)
        self._late_x, self.x, self.root, self.inner = (rest[i * n : i * n + n] for i in range(4))
        self.rates = None if rates is None else rest[4 * n :]
        if self._points is not None and self._points != N:
            self.N = len(rates or ()) * self.B
        self._known: dict[Diagram, tuple[Any, Any]] = {}
        self._ones = [i for i, x in enumerate(terms.x) if x == 1]

    def of(self, diagram: Diagram) -> tuple[Any, Any]:
        """The constant and the linear part of a coefficient."""
        carrying = sum(block > 0 for block in diagram.blocks)
        scale = self.field.one * (-1) ** diagram.order / (diagram.automorphisms * self.B**carrying)
        tied = self._tied(diagram)
        sums = [[weight * x for x in self._maps(each)] for each, weight in tied]
        constant, linear = (sum(each, self.field.zero) for each in zip(*sums, strict=True))
        return scale * constant, scale * linear

    def _maps(self, diagram: Diagram) -> tuple[Any, Any]:
        """The same of the sum over maps; of given points in the moment basis, times N to the falling power of the rows."""
        if diagram not in self._known:
            tree = Tree.of(diagram.parents, diagram.blocks)
            constant, linear = self.field.zero, self.field.zero
            for chosen in product(range(len(self.x)), repeat=diagram.order):
                edges = prod((self.inner if p else self.root)[i] for i, p in zip(chosen, diagram.parents[1:], strict=True))
                if edges:
                    one, other = self._stays(tree, (0, *chosen))
                    constant, linear = constant + edges * one, linear + edges * other
            share = _falling(self.N, len(tree.rows)) if self.given else self.B ** len(tree.rows)
            self._known[diagram] = share * constant, share * linear
        return self._known[diagram]

    def written(self, element: Any) -> Any:
        """An element of the field as an expression."""
        import sympy

        from ..letters import in_letters

        return in_letters(sympy.factor(element.as_expr()).xreplace(self._written))

    def _tied(self, diagram: Diagram) -> list[tuple[Diagram, Any]]:
        """The ways to share rows, loose nodes in the root's part, and weights; of given points different rows differ."""
        if not self.given:
            return [(diagram, 1)]
        loose = {v for v in range(1, diagram.order + 1) if not diagram.blocks[v]}
        names = [-v if v in loose else block for v, block in enumerate(diagram.blocks)]
        found: dict[Diagram, Any] = {}
        for ties, weight in retied(Tied(diagram.parents, [*map(names.index, names)]), self._points):
            fixed = self.field.from_expr(weight) if hasattr(weight, "free_symbols") else self.field.one * weight
            labels = sorted({ties.blocks[v] for v in range(1, diagram.order + 1) if v not in loose})
            for merge in set_partitions(len(labels)):
                rows = {label: 1 + row for label, row in zip(labels, merge, strict=True)}
                blocks = [0 if v in loose else rows.get(block, 0) for v, block in enumerate(ties.blocks)]
                each = Diagram(ties.parents, blocks)
                found[each] = found.get(each, self.field.zero) + fixed
        return [(each, weight) for each, weight in found.items() if weight]

    def _next(self, tree: Tree, placed: int, since: int) -> list[tuple[int, int, int]]:
        """The sets that an update may take one to, in an epoch that began with another: and its rows and its gradients."""
        ready = sum(1 << v for v in range(1, len(tree.parents)) if not (placed >> v & 1 or tree.children[v] & ~placed))
        found = [(placed, 0, 0)]
        for row in tree.rows:
            some = row & ready
            if self.given:
                chosen = _subsets(some) if not row & placed & ~since else []
            else:
                chosen = [row] if some == row else []
            found += [(to | more, rows + 1, many + more.bit_count()) for to, rows, many in found for more in chosen]
        for node in tree.loose:
            if node & ready:
                found += [(to | node, rows, many) for to, rows, many in found]
        return found

    def _passing(self, tree: Tree, chosen: Exponents, before: int, after: int) -> Exponents:
        count = [0] * len(self.x)
        for v in tree.under_way(before, after):
            count[chosen[v]] += chosen[v] not in self._ones
        return tuple(count)

    def _power(self, exponents: Exponents, late: bool = False) -> Any:
        xs = self._late_x if late else self.x
        return prod((x**n for x, n in zip(xs, exponents, strict=True) if n), start=self.field.one)

    def _period(self, tree: Tree, chosen: Exponents, start: int) -> dict[int, Any]:
        """A row of P."""
        found = {start: self.field.one}
        if self.rates is None:
            found = self._epoch(tree, chosen, start)
        for c in self.rates or ():
            later: dict[int, Any] = {}
            for placed, value in found.items():
                for to, share in self._update(tree, chosen, placed, start if self.together else placed, c):
                    later[to] = later.get(to, 0) + value * share
            found = later
        if self.given and self.together:
            for to in found:
                rows = sum(bool(row & to & ~start) for row in tree.rows)
                found[to] = found[to] / _falling(self.N, rows)
        return found

    def _update(self, tree: Tree, chosen: Exponents, placed: int, since: int, c: Any) -> Iterator[tuple[int, Any]]:
        for to, rows, many in self._next(tree, placed, since):
            share = self._power(self._passing(tree, chosen, placed, to))
            if many:  # 0 to the power of 0 is an error of the field's
                share *= c**many
            if self.given:
                share *= _falling(self.B, rows)
                if not self.together:
                    share /= _falling(self.N, rows)
            yield to, share

    def _epoch(self, tree: Tree, chosen: Exponents, start: int) -> dict[int, Any]:
        """The same of N/B updates."""
        one, steps, waiting = self.field.one, dict[int, list[tuple[int, Any]]](), [start]
        while waiting:
            if (placed := waiting.pop()) not in steps:
                steps[placed] = [*self._update(tree, chosen, placed, start, one)][1:]
                waiting += [to for to, _ in steps[placed]]
        passing = {placed: self._passing(tree, chosen, placed, placed) for placed in steps}
        found, length = dict.fromkeys(sorted(steps), self.field.zero), self.N / self.B
        for exponents in sorted(set(passing.values())):
            at = self._power(exponents)
            gaps = {placed: 0 if other == exponents else at - self._power(other) for placed, other in passing.items()}
            late, nodes = self._power(exponents, late=True), len(tree.parents) - 1
            weights = [late * _falling(length, s) / (factorial(s) * at**s) for s in range(nodes + 1)]
            for placed, series in self._resolvent(tree, start, steps, gaps).items():
                found[placed] += sum((w * series[nodes - s] for s, w in enumerate(weights)), self.field.zero)
        return found

    def _stays(self, tree: Tree, chosen: Exponents) -> tuple[Any, Any]:
        """Of P^k's corner what is a polynomial in k, its constant and linear coefficients."""
        steps, gaps, waiting, nodes = dict[int, list[tuple[int, Any]]](), dict[int, Any](), [0], len(tree.parents) - 1
        while waiting:
            if (placed := waiting.pop()) not in steps:
                row = self._period(tree, chosen, placed)
                kept = row.pop(placed)
                gaps[placed] = 1 - kept if any(self._passing(tree, chosen, placed, placed)) else 0
                steps[placed] = [*row.items()]
                waiting += row
        series = self._resolvent(tree, 0, steps, gaps).get((2 << nodes) - 2)
        if series is None:
            return self.field.zero, self.field.zero
        linear = (series[nodes - s] * (-1) ** (s - 1) / s for s in range(1, nodes + 1))
        return series[nodes], sum(linear, self.field.zero)

    def _resolvent(
        self, tree: Tree, start: int, steps: dict[int, list[tuple[int, Any]]], gaps: dict[int, Any]
    ) -> dict[int, Series]:
        """A row of (x - P)^-1 as a Laurent series in eps about x = at, of a triangular P; gaps: at less P's diagonal."""
        size = 2 * len(tree.parents)
        found = {placed: [self.field.zero] * size for placed in sorted(steps)}
        found[start][len(tree.parents)] = self.field.one
        for placed, series in found.items():  # a larger set is a larger number
            if not gaps[placed]:
                series[:] = [*series[1:], self.field.zero]
            else:
                below, before = 1 / gaps[placed], self.field.zero
                for i, x in enumerate(series):
                    if x or before:
                        series[i] = before = (x - before) * below
            for to, share in steps[placed]:
                target = found[to]
                for i, x in enumerate(series):
                    if x:
                        target[i] += x * share
        return found


def _subsets(mask: int) -> list[int]:
    """All but the empty one."""
    found, some = [], mask
    while some:
        found.append(some)
        some = (some - 1) & mask
    return found


def _falling(x: Any, n: int) -> Any:
    return prod((x - i for i in range(n)), start=x**0)
