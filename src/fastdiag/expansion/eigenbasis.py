"""Resummed formulas: irreducible diagrams, whose edges carry k^(dt-1), in closed form in an eigenbasis of eta H.

One epoch, cumulant basis. Parts are placed on m levels, children strictly below parents; an edge from level a to level b
(the root is level m + 1) gives k^(b-a-1), and one k more for each update that lengthens a gap it crosses. The gaps' lengths
sum to T - m, so that a placement is a complete homogeneous polynomial of degree T - m in the gaps' products of k's:
h_n(q_0..q_m) = sum_i q_i^(n+m) / prod_(j != i) (q_i - q_j). No two gaps have one product: with letters this is the answer,
and where two k's are equal its limit is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

from ..coefficients.coefficient import prefactor
from ..diagram import Diagram
from ..embedding.poset import Poset
from ..errors import InputError
from .diagram_sum import irreducible_diagrams, is_tied, summands
from .network import Network, automorphisms, canonical_names, parts_of
from .notation import tensors_of
from .observables import Observable
from .symbols import Symbols, factored
from .terms import Term

Edges = frozenset[int]
"""Edges of a piece of a diagram, by number; also the product of their k's."""
Sum = dict[Edges, Any]
"""A sum of (product of k's)^T, each times a rational function of the k's."""


def resummed_terms(observable: Observable, order: int, symbols: Symbols) -> list[Term]:
    """The terms of the resummed formula of an observable, one for each diagram and way of its root.

    Of a variance only connected networks are kept: in one epoch the pieces of others sit in the grid independently, and
    the square of the mean takes them off.

    Raises
    ------
    InputError : several epochs, or the moment basis
    """
    import sympy
    from sympy.core.parameters import distribute

    if symbols.sampling != "one epoch" or symbols.basis != "cumulant":
        raise InputError(
            "resummed formulas are for sampling='one epoch' and basis='cumulant'; "
            "fd.predict has the numbers for every sampling"
        )
    terms = []
    for d, diagram, roots in summands(observable, order, irreducible_diagrams):
        k = _edge_symbols(d)
        form = sympy.S.One
        for edges, above, part in _pieces(diagram):
            form *= _closed_form(above, part, symbols.T).xreplace(dict(zip(k, [k[e] for e in edges], strict=False)))
        if form == 0:
            continue
        weight = prefactor(diagram, symbols.B) * symbols.B ** Poset.of(diagram).parts
        found: defaultdict[tuple[Network, Any], Any] = defaultdict(int)
        for root in roots:
            parts, names = parts_of(diagram, root)
            if observable.mean is not None and not is_tied(diagram, root, fixed=True):
                continue
            network, canonical = canonical_names(parts)
            letters = dict(tensors_of(network, gradients=False).letters)
            choices = [
                [sympy.Symbol(f"k_{letters[image.get(canonical[name], canonical[name])]}", real=True) for name in names]
                for image in automorphisms(network)
            ]
            one = min((form.xreplace(dict(zip(k, chosen, strict=True))) for chosen in choices), key=str)
            found[network, one] += root.sign * (1 / symbols.N if root.per_point else 1)
        for (network, one), number in found.items():
            tensors = tensors_of(network, gradients=False)
            with distribute(False):
                terms.append(Term(weight * number * one, d, network, tensors, (diagram,)))
    return terms


def _pieces(diagram: Diagram) -> list[tuple[list[int], tuple[int, ...], tuple[int, ...]]]:
    """The pieces that share no part, and so are independent: the sum over maps is a product of sums over them.

    For each its edges, and, edges numbered by their place among these, for each the edge above (-1: the root) and its part.
    """
    poset = Poset.of(diagram)
    belongs = list(poset.part)  # the piece of each node below the root: the least part in it
    for child, parent in enumerate(diagram.parents[1:]):
        if parent:
            old, new = sorted((belongs[child], belongs[parent - 1]), reverse=True)
            belongs = [new if p == old else p for p in belongs]
    found = []
    for piece in sorted(set(belongs)):
        edges = [e for e, p in enumerate(belongs) if p == piece]
        place = {e: i for i, e in enumerate(edges)}
        above = tuple(place.get(diagram.parents[e + 1] - 1, -1) for e in edges)
        part = [poset.part[e] for e in edges]
        found.append((edges, above, tuple(sorted(set(part)).index(p) for p in part)))
    return found


@lru_cache(maxsize=1024)
def _gaps(above: tuple[int, ...], part: tuple[int, ...]) -> Sum:
    """The sum over a piece's maps of the product of k^(dt-1), over B^parts."""
    from sympy import QQ
    from sympy.polys.fields import field

    known, *k = field([f"k{edge}" for edge in range(len(above))], QQ)
    total: Sum = defaultdict(lambda: known.zero)
    for levels in _weak_orders(above, part):
        m = max(levels)
        ends = [(levels[p], m + 1 if e < 0 else levels[part[e]]) for e, p in zip(above, part, strict=True)]
        gaps = [frozenset(e for e, (a, b) in enumerate(ends) if a <= j < b) for j in range(m + 1)]
        q = [prod((k[e] for e in gap), start=known.one) for gap in gaps]
        start = prod((k[e] ** (b - a - 1) for e, (a, b) in enumerate(ends)), start=known.one)
        for i, gap in enumerate(gaps):
            total[gap] += start / prod((q[i] - q[j] for j in range(m + 1) if j != i), start=known.one)
    return {gap: x for gap, x in total.items() if x}


def _weak_orders(above: tuple[int, ...], part: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Levels 1, 2, ... of the parts, none left out, with children strictly below parents."""
    parts = max(part) + 1
    below = {(p, part[e]) for e, p in zip(above, part, strict=True) if e >= 0}
    for levels in product(range(1, parts + 1), repeat=parts):
        if len(set(levels)) == max(levels) and all(levels[low] < levels[high] for low, high in below):
            yield levels


@lru_cache(maxsize=1024)
def _closed_form(above: tuple[int, ...], part: tuple[int, ...], T: Any) -> Any:
    """The sum over a piece as SymPy, in k0, k1, ...: a product where it is one power against 1, (1 - k^T) / (1 - k)."""
    import sympy

    sums = _gaps(above, part)
    k = _edge_symbols(len(above))
    nothing: Edges = frozenset()
    powers = {gap: sympy.Mul(*(k[e] ** T for e in sorted(gap))) for gap in sums}
    if len(sums) == 2 and nothing in sums:
        (gap,) = set(sums) - {nothing}
        if sums[gap] == -sums[nothing]:
            return (1 - powers[gap]) * factored(sums[nothing], k, ascending=True)
    return sympy.Add(*(powers[gap] * factored(x, k, ascending=True) for gap, x in sums.items()))


def _edge_symbols(edges: int) -> list[Any]:
    import sympy

    return [sympy.Symbol(f"k{edge}", real=True) for edge in range(edges)]
