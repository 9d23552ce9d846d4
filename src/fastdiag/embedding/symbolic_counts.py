"""Numbers of maps into spacetimes of symbols: in the caller's own, whose names may be any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, Any

from ..diagram import Diagram
from ..spacetime import Spacetime
from ..spacetime.formulas import check_names, updates_of_an_epoch
from ..spacetime.processes import Process
from ..spacetime.regularized_newton import RegularizedNewton
from ..typing import Basis
from .closed_form import SymbolicGrid, check_timeless, sum_on
from .counting import family_of
from .exponential_terms import Terms
from .formula import numbers_of, shorter
from .pattern_weights import Formulas, Grid, pattern_weights, slots
from .patterns import level_shapes, patterns
from .poset import Links, Poset
from .rules import Rule, newton_sum, process_maps
from .weighted import without_idle_state

if TYPE_CHECKING:
    import sympy


@lru_cache(maxsize=1024)
def symbolic_maps(
    diagram: Diagram, spacetime: Spacetime, basis: Basis, update: Rule = None, averages: bool = True
) -> sympy.Expr:
    """`maps_under` as a formula in the symbols of a spacetime; averages: a node of a smaller last batch weighs more.

    They stand for positive integers, and B for a divisor of N unless the last batch is dropped, or kept though smaller. T
    may end within an epoch: the formula then holds floor(B T / N).

    Raises
    ------
    InputError : a symbol of the rule that looks like the spacetime's; a rule with floats
    UnsupportedError : a rule with a schedule
    """
    numbers = () if update is None or isinstance(update, Process) else numbers_of(update)
    check_names((spacetime.N, spacetime.B, spacetime.T, *numbers))
    if isinstance(update, Process):
        return _in_dummies(spacetime, lambda grid, T: process_maps(diagram, T, update, grid.B, basis))
    if isinstance(update, RegularizedNewton):
        def linked(links: Links) -> Any:
            return _in_one(diagram, links, spacetime, basis, averages)

        return newton_sum(diagram, update, linked)
    if update is not None:
        check_timeless(update)
        terms = Terms.of(without_idle_state(update), diagram.order)
        return summed_in_symbols(Poset.of(diagram), terms, spacetime, basis, averages, diagram)
    return _in_one(diagram, (), spacetime, basis, averages)


def summed_in_symbols(
    poset: Poset, terms: Terms, spacetime: Spacetime, basis: str, averages: bool, diagram: Diagram | None = None
) -> sympy.Expr:
    """The sum over maps of what edges carry as a formula in a spacetime's symbols; diagram: see `sum_over_maps`."""
    return _in_dummies(
        spacetime, lambda grid, _: sum_on(grid if averages else replace(grid, share=1), poset, terms, basis, diagram)
    )


@lru_cache(maxsize=1024)
def _in_one(diagram: Diagram, links: Links, spacetime: Spacetime, basis: str, averages: bool) -> Any:
    """With plain edges."""
    import sympy

    poset = Poset.of(diagram, links)
    if spacetime.last == "keep" or links:
        terms = Terms.powers([sympy.Integer(1)] * diagram.order)
        return summed_in_symbols(poset, terms, spacetime, basis, averages, None if links else diagram)
    return _in_dummies(spacetime, lambda grid, _: _counted(poset, grid, spacetime, basis))


def _in_dummies(spacetime: Spacetime, formula: Callable[[SymbolicGrid, Any], Any]) -> Any:
    """A formula of the grid and the number of updates in symbols that are positive integers, in the user's own."""
    import sympy

    given = [spacetime.N, spacetime.B, spacetime.T]
    free = sorted({s for x in given for s in getattr(x, "free_symbols", ())}, key=str)
    own = {symbol: sympy.Dummy(symbol.name, positive=True, integer=True) for symbol in free}
    N, B, T = (x if x == inf else sympy.sympify(x).xreplace(own) for x in given)
    if inf == N:
        grid = SymbolicGrid(N, B, True, T, 0, T)
    elif spacetime.sampling == "replacement":
        grid = SymbolicGrid(N, B, False, sympy.Integer(1), T)
    else:
        epoch = updates_of_an_epoch(N, B, spacetime.last)
        whole = sympy.floor(sympy.cancel(T / epoch))
        grid = SymbolicGrid(N, B, spacetime.sampling == "cyclic", epoch, whole, sympy.expand(T - whole * epoch))
        if spacetime.last == "keep":
            last = N - B * (epoch - 1)
            grid = replace(grid, last=last, share=B / last)
    found = sympy.sympify(formula(grid, T))
    return found.xreplace({dummy: symbol for symbol, dummy in own.items()})


def _counted(poset: Poset, grid: SymbolicGrid, spacetime: Spacetime, basis: str) -> Any:
    if inf == grid.N:
        shapes = level_shapes(poset).items()
        weights = [
            (Formulas.choose(grid.updates, len(shape)) * slots(shape, grid.B, basis, Formulas), number)
            for shape, number in shapes
        ]
        return shorter(weights)
    table = patterns(poset, family_of(spacetime), basis, grid.rest != 0)
    numbers = Grid(grid.N, grid.B, grid.epochs, grid.updates, grid.rest)
    return shorter(list(pattern_weights(table, basis, numbers, Formulas)))
