"""Numbers of maps into spacetimes of symbols: in the caller's own, whose names may be any."""

from __future__ import annotations

from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, Any

from ..diagram import Diagram
from ..errors import InputError, UnsupportedError
from ..spacetime import Spacetime
from ..spacetime.formulas import check_names
from ..spacetime.processes import Process
from ..typing import Basis
from .counting import family_of
from .formula import formula_of_maps, numbers_of, shorter
from .pattern_weights import Formulas, Grid, pattern_weights, slots
from .patterns import level_shapes, patterns
from .poset import Poset
from .rules import Rule, process_maps

if TYPE_CHECKING:
    import sympy


@lru_cache(maxsize=1024)
def symbolic_maps(diagram: Diagram, spacetime: Spacetime, basis: Basis, update: Rule = None) -> sympy.Expr:
    """`maps_under` as a formula in the symbols of a spacetime.

    They stand for positive integers, and B for a divisor of N, unless the last batch is dropped. Without a rule, T may end
    within an epoch: the formula then holds floor(B T / N).

    Raises
    ------
    InputError : numbers at which the formula of a rule has a pole; a symbol of the rule that looks like the spacetime's
    UnsupportedError : a rule, and several epochs of which the last may be partial
    """
    import sympy

    given = [spacetime.N, spacetime.B, spacetime.T]
    numbers = () if update is None or isinstance(update, Process) else numbers_of(update)
    check_names((*given, *numbers))
    free = sorted({s for x in given for s in getattr(x, "free_symbols", ())}, key=str)
    own = {symbol: sympy.Dummy(symbol.name, positive=True, integer=True) for symbol in free}
    N, B, T = (x if x == inf else sympy.sympify(x).xreplace(own) for x in given)
    epoch: Any = 1
    if spacetime.sampling != "replacement" and inf != N:
        epoch = N / B if spacetime.last is None else sympy.floor(N / B)
    if isinstance(update, Process):
        found = process_maps(diagram, T, update, B, basis)
    elif update is None:
        found = _counted(diagram, spacetime, basis, N, B, T, epoch)
    else:
        found = _under(diagram, spacetime, basis, update, N, B, T, epoch)
    return sympy.sympify(found).xreplace({dummy: symbol for symbol, dummy in own.items()})


def _counted(diagram: Diagram, spacetime: Spacetime, basis: str, N: Any, B: Any, T: Any, epoch: Any) -> Any:
    import sympy

    poset = Poset.of(diagram)
    if inf == N:
        shapes = level_shapes(poset).items()
        weights = [(Formulas.choose(T, len(shape)) * slots(shape, B, basis, Formulas), number) for shape, number in shapes]
        return shorter(weights)
    whole = T if epoch == 1 else sympy.floor(sympy.cancel(T / epoch))
    rest = sympy.expand(T - whole * epoch)
    table = patterns(poset, family_of(spacetime), basis, rest != 0)
    return shorter(list(pattern_weights(table, basis, Grid(N, B, whole, epoch, rest), Formulas)))


def _under(diagram: Diagram, spacetime: Spacetime, basis: Basis, update: Rule, N: Any, B: Any, T: Any, epoch: Any) -> Any:
    import sympy

    from ..letters import grid_symbols

    n, b, t, e = grid_symbols()
    replaced = spacetime.sampling == "replacement"
    whole = sympy.cancel(T / epoch)
    if inf != N and not replaced and (whole.is_integer is not True or spacetime.last is not None):
        raise UnsupportedError(
            f"the formula of {update!r} over several epochs is one of whole epochs of N/B batches, and T = {spacetime.T} "
            "may end within one; give E in place of T, or N = math.inf for fresh data, or numbers"
        )
    sampling: Any = "one epoch" if inf == N else spacetime.sampling
    names = {b: B, t: T} if inf == N else {n: N, b: B, t: T} if replaced else {n: N, b: B, e: whole}
    found = formula_of_maps(diagram, sampling, basis, update).subs(names, simultaneous=True)
    if found.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
        raise InputError(f"the formula of {update!r} has a pole at the numbers of {spacetime!r}; give all as numbers")
    return found
