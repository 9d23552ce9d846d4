"""Exact values on symbolic landscapes: numbers and formulas instead of floats.

They are asked for by an exact eta: an int, a Fraction or a SymPy expression without floats, or a sequence of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ..arguments import ndim, one_or_many, shown
from ..diagram import Diagram
from ..embedding.formula import numbers_of
from ..errors import InputError, UnsupportedError
from ..landscapes.contraction import contract
from ..landscapes.exact import Expression, arithmetic, exact, is_exact
from ..landscapes.formula_arguments import parameters_of
from ..landscapes.symbolic import Symbolic
from ..spacetime.formulas import check_names
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Update
from ..typing import IntArray
from .plan import Plan, plan
from .root import Root


def exact_learning_rates(eta: object) -> tuple[list[Expression], tuple[int, ...]] | None:
    """The learning rates and their shape if all of them are exact, None if they are floats.

    Raises
    ------
    InputError : a negative one
    UnsupportedError : a matrix of exact entries
    """
    if ndim(eta) > 1:
        entries = np.asarray(eta, object).flat
        if any(isinstance(x, Fraction) or hasattr(x, "free_symbols") for x in entries):
            raise UnsupportedError(
                "exact values are for learning rates that are numbers, not for a matrix eta; give numpy.array(eta, float), "
                "for values in floats"
            )
        return None
    rates, shape = one_or_many("eta", eta, "learning rates")
    if not all(map(is_exact, rates)):
        return None
    found = [exact("eta", rate) for rate in rates]
    for rate in found:
        if rate.is_negative:
            raise InputError(f"eta must be >= 0, not {shown(rate)}")
    return found, shape


def check_letters(landscape: Symbolic, update: object, *given: Any) -> None:
    """Raise InputError if two symbols of one name stand in a landscape, a rule and what else is put together with them."""
    rule = numbers_of(update) if isinstance(update, Update | RegularizedNewton) else ()
    check_names([*parameters_of(landscape), *rule, *given])


def exact_uvalue(
    diagram: Diagram, landscape: Symbolic, root: Root | None = None, others: Sequence[Symbolic] = ()
) -> Expression:
    """`uvalue` as a SymPy number or formula; with a term of an observable at the root, an object array over open edges.

    others : what else the root's factors may be of, see `Root`
    """
    chosen = plan(diagram, root)
    tensors, back = in_fast_arithmetic(exact_parts(chosen, landscape, others))
    return back(contract(zip(tensors, (edges for _, edges in chosen.parts), strict=True), chosen.open))


def exact_parts(chosen: Plan, landscape: Symbolic, others: Sequence[Symbolic]) -> list[IntArray]:
    """The parts' cumulants, those at the root of whatever its factors are of."""
    sources = chosen.sources(landscape, others)
    return [source.exact_part(nodes) for source, (nodes, _) in zip(sources, chosen.parts, strict=True)]


def in_fast_arithmetic(tensors: Sequence[Any]) -> tuple[list[Any], Callable[[Any], Any]]:
    """Object arrays of elements of one domain, and the way back: for a lone number as itself."""
    elements, back = arithmetic(value for tensor in tensors for value in tensor.flat)
    pieces = np.split(np.fromiter(elements, object), np.cumsum([tensor.size for tensor in tensors])[:-1])
    shaped = [piece.reshape(tensor.shape) for piece, tensor in zip(pieces, tensors, strict=True)]
    return shaped, np.frompyfunc(back, 1, 1)
