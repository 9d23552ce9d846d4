"""Resummed formulas: irreducible diagrams, whose edges carry k^(dt-1), in closed form in an eigenbasis of eta H.

Pieces of a diagram that share no part are summed one by one; each sum is a rational function times powers such as k^T for
each set of k's. Under an update rule with memory an edge carries two powers, of k and of q, the eigenvalues of its step,
and the formula is the sum over all choices of one for each edge. With letters no two products of k's are equal; where two
are, the formula's limit is the answer.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from itertools import product
from typing import Any

from ..coefficients.coefficient import prefactor
from ..diagram import Diagram
from ..embedding.closed_form import check_timeless, closed_form
from ..embedding.exponential_terms import Terms, propagator
from ..embedding.formula import check_rule_names
from ..embedding.poset import Poset, union
from ..errors import InputError, UnsupportedError
from ..spacetime.processes import Process
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Update
from .diagram_sum import irreducible_diagrams, is_tied, summands
from .exponentials import Exponentials
from .network import Network, automorphisms, canonical_names, parts_of
from .notation import tensors_of
from .observables import Observable
from .symbols import Symbols
from .term import Term


def resummed_terms(observable: Observable, order: int, symbols: Symbols) -> list[Term]:
    """The terms of the resummed formula of an observable, one for each diagram and way of its root.

    Of a variance only connected networks are kept: the pieces of others sit in the grid independently, and the square of
    the mean takes them off.

    Raises
    ------
    InputError : the moment basis; a rule with floats, or with symbols named N, B, T or E
    UnsupportedError : a rule with a schedule, a process or a Hessian-based step
    """
    from sympy.core.parameters import distribute

    if isinstance(symbols.update, Process | RegularizedNewton):
        raise UnsupportedError(f"resummed formulas are of linear rules, not of {symbols.update!r}; give resummed=False")
    if symbols.update is not None:
        check_timeless(symbols.update)
        check_rule_names(symbols.update)
    if symbols.basis != "cumulant":
        raise InputError("resummed formulas are for basis='cumulant': with moments the identity does not hold")
    terms = []
    for d, diagram, roots in summands(observable, order, irreducible_diagrams):
        form = maps_in_k(diagram, symbols)
        if form == 0:
            continue
        weight = prefactor(diagram, symbols.B)
        found: defaultdict[tuple[Network, Any], Any] = defaultdict(int)
        for root in roots:
            parts, names = parts_of(diagram, root)
            if observable.mean is not None and not is_tied(diagram, root, fixed=True):
                continue
            network, canonical = canonical_names(parts)
            greek = dict(tensors_of(network, gradients=False).letters)
            indices = [canonical[names[e]] for e in range(d)]
            choices = {tuple(greek[image.get(i, i)] for i in indices) for image in automorphisms(network)}
            forms = {
                form.xreplace({_letter(x, e): _letter(x, index) for e, index in enumerate(chosen) for x in "kq"})
                for chosen in choices
            }
            one = min(forms, key=str) if len(forms) > 1 else forms.pop()
            found[network, one] += root.sign * (1 / symbols.N if root.per_point else 1)
        for (network, one), number in found.items():
            tensors = tensors_of(network, gradients=False)
            with distribute(False):
                coefficient = weight * number * one
            coefficient = coefficient.func(*coefficient.args)  # -(a + b) is written as SymPy reads it back
            terms.append(Term(coefficient, d, network, tensors, (diagram,)))
    return terms


@lru_cache(maxsize=1 << 10)
def _letter(letter: str, index: object) -> Any:
    from ..letters import own_symbol

    return own_symbol(f"{letter}_{index}", real=True)


def maps_in_k(diagram: Diagram, symbols: Symbols) -> Any:
    """The sum over maps of the product of k_e^(dt-1) over the edges e = 0, 1, ...; under rules with memory k_e and q_e."""
    import sympy

    form = sympy.S.One
    for piece, above, part in _pieces(diagram, symbols.sampling in ("reshuffle", "replacement")):
        places = {_letter(x, i): _letter(x, e) for i, e in enumerate(piece) for x in "kq"}
        form *= _summed(above, part, symbols).xreplace(places)
    return form


def _pieces(diagram: Diagram, fresh: bool) -> list[tuple[list[int], tuple[int, ...], tuple[int, ...]]]:
    """The pieces that share no part, and so are independent: the sum over maps is a product of sums over them.

    For each its edges, and, edges numbered by their place among these, for each the edge above (-1: the root) and its part.
    Where a piece's parts all have one node, no row matters, and its sum is the same in every sampling. fresh: the batches
    are random, so that places of different rows depend on one another; all other pieces are one then.
    """
    poset = Poset.of(diagram)
    belongs = list(poset.part)  # the piece of each node below the root: the least part in it
    for child, parent in enumerate(diagram.parents[1:]):
        if parent:
            old, new = sorted((belongs[child], belongs[parent - 1]), reverse=True)
            belongs = [new if p == old else p for p in belongs]
    if fresh:
        tied = {p for p, part in zip(belongs, poset.part, strict=True) if poset.part.count(part) > 1}
        belongs = [min(tied) if p in tied else p for p in belongs]
    found = []
    for piece in sorted(set(belongs)):
        edges = [e for e, p in enumerate(belongs) if p == piece]
        place = {e: i for i, e in enumerate(edges)}
        above = tuple(place.get(diagram.parents[e + 1] - 1, -1) for e in edges)
        part = [poset.part[e] for e in edges]
        found.append((edges, above, tuple(sorted(set(part)).index(p) for p in part)))
    return found


def _summed(above: tuple[int, ...], part: tuple[int, ...], symbols: Symbols) -> Any:
    """The sum over a piece's maps, under the update rule: of the powers of k or q on each edge, in all ways."""
    import sympy

    alone = len(set(part)) == len(part)
    total = _closed_form(above, part, "one epoch" if alone else symbols.sampling, symbols.time, symbols.T, symbols.E)
    if not isinstance(symbols.update, Update):
        return total
    outer, inside = total.as_independent(*(_letter("k", e) for e in range(len(part))))
    found = []
    for chosen in product(*(propagator(symbols.update, _letter("k", e), _letter("q", e)) for e in range(len(part)))):
        names = {_letter("k", e): x for e, (x, _, _) in enumerate(chosen)}
        weights = (to_root if e < 0 else other for e, (_, to_root, other) in zip(above, chosen, strict=True))
        found.append(sympy.Mul(*weights, inside.xreplace(names)))
    return outer * sympy.Add(*found)


@lru_cache(maxsize=1024)
def _closed_form(above: tuple[int, ...], part: tuple[int, ...], sampling: str, time: Any, T: Any, E: Any) -> Any:
    """The sum over a piece's maps of the product of k^(dt-1), as SymPy in k_0, k_1, ..."""
    import sympy

    from ..letters import grid_symbols

    edges = range(len(above))
    below = tuple(union(1 << e for e in edges if above[e] == v) for v in edges)
    poset = Poset(below, tuple(1 << p for p in part), tuple(enumerate(above)))
    k = [_letter("k", e) for e in edges]
    exponentials = Exponentials(k, sampling, time, T, E)
    total, (_, B, updates, epochs) = closed_form(poset, Terms.powers(k), sampling, "cumulant"), grid_symbols()
    if sampling == "one epoch":  # then B only stands before all
        return B**poset.parts * exponentials.factored(total.xreplace({B: 1}))
    if total.has(sympy.Piecewise):  # with rows fewer than parts it is no rational function
        return total.xreplace({updates: T, epochs: E})
    return exponentials.factored(total)
