"""Maps for a training set that is given: its points are drawn without replacement, so rows know of each other.

A row of spacetime is a point of the set, different rows are different points, all assignments equally likely. The mean of a
product of tensors over them is a sum of products of joint cumulants over the set: as of independent rows, but nodes whose
cumulant it is may sit in different rows too. So a diagram keeps its value, the landscape's own, and its nodes are tied to
rows in every way, each with a weight: `N / (N - 1)` for a pair in one row and `-1 / (N - 1)` for a pair in any two.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from ..diagram import Diagram
from ..diagram.moebius import coarsenings, moebius
from ..diagram.partition import growth_string, set_partitions
from ..spacetime.formulas import is_formula

String = tuple[int, ...]
"""A set partition as a restricted growth string."""


class Tied(Diagram):
    """A diagram whose nodes keep their numbers, for sums that tell its edges apart. It has no |Aut| of its own."""

    __slots__ = ()

    def __init__(self, parents: Sequence[int], blocks: Sequence[int]) -> None:
        self._set(tuple(parents), tuple(blocks), 1)


@lru_cache(maxsize=1 << 12)
def row_weights(parts: String, points: Any) -> tuple[tuple[String, Any], ...]:
    """The weights of the ways to tie nodes to rows, for a product of joint cumulants over `points` given points.

    With kappa the product of the cumulants of `parts`, what the mean over distinct points of nodes in the rows pi has of it
    is `V(pi) = sum over omega above pi and parts of mu(pi, omega) N^|omega| / N(N-1)...(N-|pi|+1)`. Rows of the cumulant
    basis are at least as coarse as sigma: `W(sigma) = sum over pi below sigma of mu(pi, sigma) V(pi)`.

    Parameters
    ----------
    parts : which nodes share a cumulant
    points : N, a number or a symbol; more rows than points have no maps

    Returns
    -------
    (sigma, W(sigma)) without zeros

    Examples
    --------
    >>> row_weights((0, 0), 4)
    (((0, 0), Fraction(4, 3)), ((0, 1), Fraction(-1, 3)))
    """
    n, strings = len(parts), set_partitions(len(parts))
    up, rows = coarsenings(n), [max(string, default=-1) + 1 for string in strings]

    def above(place: int) -> slice:
        return slice(up.starts[place], up.starts[place + 1])

    shared = set(up.others[above(strings.index(parts))].tolist())
    means = np.full(len(strings), Fraction(0))
    for place, count in enumerate(rows):
        if is_formula(points) or count <= points:
            pairs = zip(up.others[above(place)].tolist(), up.moebius[above(place)].tolist(), strict=True)
            total = sum(sign * points ** rows[omega] for omega, sign in pairs if omega in shared)
            below = prod(points - i for i in range(count))
            means[place] = total / below if is_formula(points) else Fraction(total, below)
    weights = moebius(means, n, downwards=True).tolist()
    return tuple((string, weight) for string, weight in zip(strings, weights, strict=True) if weight)


@lru_cache(maxsize=1 << 12)
def retied(diagram: Diagram, points: Any) -> tuple[tuple[Diagram, Any], ...]:
    """The ways to tie a diagram's nodes to rows, its nodes numbered as they are, and their weights; None: rows are drawn.

    Nodes that are alone in their part are means, which do not depend on rows.

    Examples
    --------
    >>> import fastdiag as fd
    >>> [(ties.blocks, str(weight)) for ties, weight in retied(fd.Diagram.parse("[a a b]"), 3)]
    [((0, 1, 1, 2), '3/2'), ((0, 1, 2, 3), '-1/2')]
    """
    tied = [v for v in range(1, diagram.order + 1) if diagram.blocks.count(diagram.blocks[v]) > 1]
    if points is None or not tied:
        return ((diagram, Fraction(1)),)
    found = []
    for string, weight in row_weights(growth_string([diagram.blocks[v] for v in tied]), points):
        rows = {v: (0, row) for v, row in zip(tied, string, strict=True)}
        ties = growth_string([rows.get(v, (1, v)) for v in range(diagram.order + 1)])
        found.append((Tied(diagram.parents, ties), weight))
    return tuple(found)


@lru_cache(maxsize=1 << 12)
def retied_shares(diagram: Diagram, points: Any) -> tuple[tuple[Diagram, Any], ...]:
    """The same for coefficients: diagrams in canonical form, and how often each one's coefficient counts.

    Examples
    --------
    >>> import fastdiag as fd
    >>> [(str(D), str(share)) for D, share in retied_shares(fd.Diagram.parse("[a a]"), 4)]
    [('[a a]', '4/3'), ('[a b]', '-1/3')]
    """
    found: dict[Diagram, Any] = {}
    for ties, weight in retied(diagram, points):
        each = Diagram(ties.parents, ties.blocks) if ties is not diagram else diagram
        found[each] = found.get(each, Fraction(0)) + weight * Fraction(each.automorphisms, diagram.automorphisms)
    return tuple((each, share) for each, share in found.items() if share)
