"""Reading a pattern table with symbols: the count as a formula in N, B, T, E."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from ..diagram import Diagram
from ..door import door
from ..errors import InputError
from ..spacetime import check_sampling
from ..spacetime.processes import Process
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Update
from ..typing import Basis, Sampling
from .embeddings import check_basis
from .pattern_weights import Formulas, Grid, pattern_weights, slots
from .patterns import Family, level_shapes, patterns
from .poset import Links, Poset
from .rules import Rule, check_rule, newton_sum, process_maps

if TYPE_CHECKING:
    import sympy


@door
def maps_formula(
    diagram: Diagram | str, sampling: Sampling | Literal["one epoch"] = "reshuffle", basis: Basis = "cumulant", *,
    update: Rule = None,
) -> sympy.Expr:
    """The expected number of maps as an exact expression in the symbols N, B, T, E.

    Parameters
    ----------
    diagram : a Diagram or its text, any order
    sampling : 'reshuffle' or 'cyclic': E whole epochs, in N, B, E (a rational function, a polynomial);
        'replacement': T updates, in N, B, T; 'one epoch': T <= N/B updates of any sampling but replacement, in B, T
    basis : 'cumulant' or 'moment'
    update : one of `fastdiag.updates`, in exact numbers or symbols, SGD by default; no schedule. A process acts for the
        time T, or E N/B. A rule of numbers always has its formula. One with symbols has a rational function of, say, mu and
        mu^T (or mu^(N/B)), and numbers put in later may make a denominator vanish, and give nan: mu or 1 - decay at 0, 1
        or -1, and a power of one equal or opposite to a power of the other, as at mu = 1 - decay, mu^2 = 1 - decay and
        mu = decay - 1. Give those numbers to the rule itself, or ask `fastdiag.maps` of a Spacetime of symbols, whose sums
        are no fractions

    Returns
    -------
    SymPy expression, factored or in binomials, whichever is shorter. It is an identity of polynomials, so it holds for
    all N, B, T, E (where B divides N); where a rule forgets all at once, as weight_decay(1) does, it has cases. Without a
    rule, from order 4 on, N - 1 can stand below with 'reshuffle'; put B = 1 in first, then let N go to 1. Symbols are
    `sympy.symbols("N B T E")`, without assumptions; to put something in for a namesake with some is an InputError. In
    symbols of your own, whatever they are, `fastdiag.maps` answers, of a Spacetime that has them.

    Raises
    ------
    InputError : unknown sampling or basis; a rule with floats, or with symbols named N, B, T or E
    TooLargeError : a diagram whose patterns are too many to be gone through
    UnsupportedError : a rule with a schedule, which has no such formula

    Examples
    --------
    >>> import fastdiag as fd, sympy
    >>> fd.maps_formula("[a b]", "cyclic")
    E**2*N**2
    >>> fd.maps_formula("[a b]", "cyclic").subs(sympy.Symbol("N"), 5)
    25*E**2
    >>> fd.maps_formula("[a[b]]", "one epoch", basis="moment")
    B**2*T*(T - 1)/2
    >>> fd.maps_formula("[a]", "one epoch", update=fd.updates.momentum(sympy.Symbol("mu")))
    -B*(T*mu - T + mu - mu**(T + 1))/(mu - 1)**2
    >>> fd.maps_formula("[a[b]]", "one epoch", update=fd.updates.weight_decay(1))
    B**2*Piecewise((1, T >= 2), (0, True))
    >>> fd.maps_formula("[a[b]]", "one epoch", update=fd.updates.sde())
    B**2*T**2/2
    """
    from ..letters import in_letters

    return in_letters(
        formula_of_maps(Diagram.of(diagram), check_sampling(sampling, "one epoch"), check_basis(basis), update)
    )


def formula_of_maps(diagram: Diagram, sampling: Any, basis: Basis, update: Rule) -> sympy.Expr:
    """The same in symbols that are positive integers, of `letters.grid_symbols`."""
    if isinstance(update, Process):
        return _process_formula(diagram, sampling, basis, update)
    check_rule(update)
    if update is not None:
        check_rule_names(update)
    if isinstance(update, RegularizedNewton):
        return newton_sum(diagram, update, lambda links: _linked(diagram, links, sampling, basis))
    if update is not None:
        return _updated(diagram, sampling, basis, update)
    return _formula(Poset.of(diagram), sampling, basis)


def numbers_of(update: Update | RegularizedNewton) -> tuple[Any, ...]:
    """The numbers of a rule without a schedule."""
    return (update.lam,) if isinstance(update, RegularizedNewton) else update.numbers()


def check_rule_names(update: Update | RegularizedNewton, own: Sequence[str] = ("N", "B", "T", "E")) -> None:
    """Raise InputError if a symbol of the rule looks like one of the formula's own."""
    schedule = getattr(update, "schedule", None)
    numbers = (*numbers_of(update), *(schedule if isinstance(schedule, tuple) else ()))
    names = {str(symbol) for x in numbers for symbol in getattr(x, "free_symbols", ())}
    if taken := [name for name in own if name in names]:
        raise InputError(
            f"{update!r} has the symbol {', '.join(taken)}, but {', '.join(own[:-1])} and {own[-1]} are the formula's own; "
            "give it another name, such as mu"
        )


MOST_FACTORED = 200  # terms; with more of them minutes go by


@lru_cache(maxsize=1024)
def _updated(diagram: Diagram, sampling: str, basis: str, update: Update) -> sympy.Expr:
    from .closed_form import updated_formula

    return updated_formula(diagram, sampling, basis, update)


@lru_cache(maxsize=1024)
def _linked(diagram: Diagram, links: Links, sampling: str, basis: str) -> sympy.Expr:
    import sympy

    from .closed_form import closed_form
    from .exponential_terms import Terms

    poset = Poset.of(diagram, links)
    if not links:
        return _formula(poset, sampling, basis)
    return closed_form(poset, Terms.powers([sympy.Integer(1)] * diagram.order), sampling, basis)


def _process_formula(diagram: Diagram, sampling: str, basis: Basis, process: Process) -> sympy.Expr:
    import sympy

    from ..letters import grid_symbols

    N, B, T, E = grid_symbols()
    time = T if sampling in ("one epoch", "replacement") else E * N / B
    return sympy.factor(sympy.sympify(process_maps(diagram, time, process, B, basis)))


@lru_cache(maxsize=1024)
def _formula(poset: Poset, sampling: str, basis: str) -> sympy.Expr:
    return shorter(_terms(poset, sampling, basis))


def shorter(terms: list[tuple[sympy.Expr, int]]) -> sympy.Expr:
    """The sum of weights times numbers, factored or in binomials."""
    import sympy

    in_binomials = sympy.Add(*(number * weight for weight, number in terms))
    if len(terms) > MOST_FACTORED:
        return in_binomials
    factored = sympy.factor(sympy.together(sympy.expand_func(in_binomials)))
    return min(factored, in_binomials, key=lambda e: (e.count_ops() + 3 * len(e.atoms(sympy.binomial)), str(e)))


def formula_terms(diagram: Diagram, sampling: str, basis: str) -> list[tuple[sympy.Expr, int]]:
    """The same number of maps as (weight, how many patterns have it), not yet simplified: few weights recur everywhere."""
    return _terms(Poset.of(diagram), sampling, basis)


def _terms(poset: Poset, sampling: str, basis: str) -> list[tuple[sympy.Expr, int]]:
    import sympy

    from ..letters import grid_symbols

    N, B, T, E = grid_symbols()
    if sampling == "one epoch":
        shapes = level_shapes(poset).items()
        return [(Formulas.choose(T, len(shape)) * slots(shape, B, basis, Formulas), number) for shape, number in shapes]
    family: Family = "one order" if sampling == "cyclic" else "fresh orders"
    grid = Grid(N, B, T, sympy.Integer(1)) if sampling == "replacement" else Grid(N, B, E, N / B)
    return list(pattern_weights(patterns(poset, family, basis, False), basis, grid, Formulas))
