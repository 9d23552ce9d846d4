"""The product of sums over diagrams as operators on functions of the weights: trees are grafted onto each other.

A diagram D acts on a function s: (D s)(theta) is its value with the derivative of s at the root. So D (D' s) differentiates
the value of D' as often as D's root has edges, and each derivative falls on one of its nodes: the branches at D's root are
grafted onto the nodes of D' in all ways (Grossman and Larson). Cumulants are linear in each of their nodes, so parts stay.

Some diagrams here have nodes in the root's part: those of a decay that no schedule scales. They have the derivatives of
|theta - theta_0|^2/2 in place of a loss's, at theta_0: 0 for a leaf, 1 for a node with one child, and 0 with more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, product
from typing import Any, TypeAlias

from ..diagram import Diagram, diagrams

Operator: TypeAlias = dict[Diagram, Any]
"""Coefficients of diagrams, numbers or expressions; what is not there is 0."""

ALONE = Diagram([-1], [0])


@lru_cache(maxsize=1 << 14)
def grafted(outer: Diagram, inner: Diagram) -> tuple[tuple[Diagram, int], ...]:
    """D D' as a sum of diagrams, and how often each occurs.

    Examples
    --------
    >>> import fastdiag as fd
    >>> one = fd.Diagram.parse("[a]")
    >>> [(str(D), times) for D, times in grafted(one, one)]  # a step of descent after another one
    [('[a b]', 1), ('[a[b]]', 1)]
    """
    found: dict[Diagram, int] = {}
    shift, many = inner.order, 1 + max(inner.blocks)
    blocks = [*inner.blocks, *(block and many + block for block in outer.blocks[1:])]
    for places in product(range(inner.order + 1), repeat=len(outer.children[0])):
        onto = dict(zip(outer.children[0], places, strict=True))
        parents = [*inner.parents, *(onto.get(v, outer.parents[v] + shift) for v in range(1, outer.order + 1))]
        if all(blocks[v] or parents.count(v) < 2 for v in range(1, len(parents))):
            whole = Diagram(parents, blocks)
            found[whole] = found.get(whole, 0) + 1
    return tuple(sorted(found.items()))


def composed(outer: Mapping[Diagram, Any], inner: Mapping[Diagram, Any], order: int) -> Operator:
    """The product of two operators, the inner one acting first, to an order."""
    found: Operator = {}
    for (D, x), (E, y) in product(outer.items(), inner.items()):
        if D.order + E.order <= order:
            for whole, often in grafted(D, E):
                found[whole] = found.get(whole, 0) + x * y * often
    return found


def less(first: Mapping[Diagram, Any], second: Mapping[Diagram, Any]) -> Operator:
    """The difference."""
    return {D: first.get(D, 0) - second.get(D, 0) for D in (*first, *(D for D in second if D not in first))}


def inverse(of: Mapping[Diagram, Any], order: int) -> Operator:
    """The inverse of 1 + what is of order 1 and higher."""
    rest = less({ALONE: 1}, of)
    power, total = {ALONE: 1}, {ALONE: 1}
    for _ in range(order):
        power = composed(power, rest, order)
        total = less(total, {D: -x for D, x in power.items()})
    return total


def logarithm(of: Mapping[Diagram, Any], order: int) -> Operator:
    """Of 1 + what is of order 1 and higher, as a power series.

    Examples
    --------
    >>> import fastdiag as fd
    >>> step = {ALONE: 1, fd.Diagram.parse("[a]"): -1, fd.Diagram.parse("[a b]"): Fraction(1, 2)}  # one of descent
    >>> [(str(D), str(x)) for D, x in logarithm(step, 2).items() if x]
    [('[a]', '-1'), ('[a[b]]', '-1/2')]
    """
    rest = less(of, {ALONE: 1})
    power, total = {ALONE: 1}, Operator()
    for k in range(1, order + 1):
        power = composed(power, rest, order)
        total = less(total, {D: x * Fraction((-1) ** k, k) for D, x in power.items()})
    return {D: x for D, x in total.items() if x != 0}


def without(diagram: Diagram, gone: Collection[int]) -> Diagram:
    """A diagram without some nodes that are alone in their part and have one child, which goes to their parent."""
    kept = [v for v in range(diagram.order + 1) if v not in gone]
    parents = []
    for v in kept:
        parent = diagram.parents[v]
        while parent in gone:
            parent = diagram.parents[parent]
        parents.append(kept.index(parent) if v else -1)
    return Diagram(parents, [diagram.blocks[v] for v in kept])


def absorbed(of: Mapping[Diagram, Any], order: int) -> list[Operator]:
    """A sum over diagrams with H + x 1 in place of H, x times eta a number: coefficients of its powers.

    Contractions are linear in each node, so each one of degree 2 that is alone is H, or 1 and joins two edges to one.
    """
    found: list[Operator] = [{} for _ in range(order + 1)]
    for diagram, x in of.items():
        single = (part[0] for part in diagram.parts if len(part) == 1)
        alone = [v for v in single if v and diagram.degrees[v] == 2]
        for k in range(len(alone) + 1):
            for gone in combinations(alone, k):
                left = without(diagram, gone)
                found[k][left] = found[k].get(left, 0) + x
    return found


def marked_diagrams(order: int) -> set[Diagram]:
    """The diagrams with nodes of a decay in the root's part: in place of those that are alone and have a child at most."""
    found = set()
    for diagram in diagrams(order):
        alone = [part[0] for part in diagram.parts[1:] if len(part) == 1 and diagram.degrees[part[0]] < 3]
        for k in range(len(alone) + 1):
            for marked in combinations(alone, k):
                found.add(Diagram(diagram.parents, [0 if v in marked else block for v, block in enumerate(diagram.blocks)]))
    return found


def at_start(of: Mapping[Diagram, Any], order: int) -> list[Operator]:
    """The same without a decay's nodes, at theta_0, for each number of them."""
    found: list[Operator] = [{} for _ in range(order + 1)]
    for diagram, x in of.items():
        marked = diagram.parts[0][1:]
        if all(diagram.children[v] for v in marked):
            left = without(diagram, marked)
            found[len(marked)][left] = found[len(marked)].get(left, 0) + x
    return found
