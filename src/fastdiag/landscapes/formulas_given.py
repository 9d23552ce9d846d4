"""Landscapes and vector fields from the formulas that are given for them, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ..arguments import sequence, shown
from ..errors import InputError
from .distributions import Distribution
from .exact import distinct_symbols, exact
from .formula_arguments import checked_start
from .smoothness import real_symbol

if TYPE_CHECKING:
    from .symbolic import Symbolic

Made = TypeVar("Made", bound="Symbolic")


def formula_of(
    kind: type[Made], name: str, formula: Any, weights: Any, data: Any,
    distribution: Distribution | Sequence[Distribution], at: Mapping[Any, object] | Sequence[object],
) -> Made:
    """A landscape of this kind: of one formula, or of a vector field's, one for each weight."""
    import sympy
    from sympy.core.function import AppliedUndef

    coordinates, inputs = distinct_symbols("weights", weights), distinct_symbols("data", data)
    if kind.is_gradient:
        expression = exact(name, formula)
    else:
        entries = sequence(name, formula, "expressions, one for each of the weights")
        if len(entries) != len(coordinates):
            raise InputError(f"{name} must have an entry for each of the weights {coordinates}, not {len(entries)}")
        expression = sympy.Tuple(*(exact(name, entry) for entry in entries))
    if expression.atoms(AppliedUndef):
        raise InputError(f"{name} has undefined functions, {expression.atoms(AppliedUndef)}; write them out")
    if set(coordinates) & set(inputs):
        raise InputError(f"{set(coordinates) & set(inputs)} cannot be both weights and data")
    laws = tuple(distribution) if isinstance(distribution, list | tuple) else (distribution,)
    if not all(isinstance(law, Distribution) for law in laws):
        raise InputError(
            f"distribution must be landscapes.normal, uniform or finite, one for each symbol, not {shown(distribution)}"
        )
    if sum(law.size for law in laws) != len(inputs):
        raise InputError(
            f"the distributions are of {sum(law.size for law in laws)} data symbols, but there are {len(inputs)}: "
            f"{inputs}; give one distribution for each, or one finite whose values are tuples"
        )
    start = checked_start("at", at, coordinates, inputs)
    real = {symbol: real_symbol(symbol, expression.free_symbols) for symbol in (*coordinates, *inputs)}
    coordinates, inputs = (tuple(real[symbol] for symbol in some) for some in (coordinates, inputs))
    return kind(expression.xreplace(real), coordinates, inputs, laws, start)
