"""Exact values on symbolic landscapes: numbers and formulas instead of floats.

They are asked for by an exact eta: an int, a Fraction or a SymPy expression without floats, or a sequence of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import Any, TypeAlias

import numpy as np

from ..arguments import ndim, one_or_many, shown
from ..diagram import Diagram
from ..errors import InputError, UnsupportedError
from ..landscapes.exact import Expression, arithmetic, exact, is_exact
from ..landscapes.landscape import Nodes
from ..landscapes.symbolic import Symbolic
from .plan import plan
from .root import Root

Index: TypeAlias = tuple[int, ...]
Part: TypeAlias = tuple[Nodes, Index]
Tensor: TypeAlias = tuple[dict[Any, Any], Index]
"""Entries that are not zero, by their indices, and the labels of these."""


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
    return ([exact_learning_rate(rate) for rate in rates], shape) if all(map(is_exact, rates)) else None


def exact_learning_rate(eta: object) -> Expression:
    """eta as a SymPy expression, or InputError if it is negative."""
    rate = exact("eta", eta)
    if rate.is_negative:
        raise InputError(f"eta must be >= 0, not {shown(rate)}")
    return rate


def exact_uvalue(diagram: Diagram, landscape: Symbolic, root: Root | None = None) -> Expression:
    """`uvalue` as a SymPy number or formula; with a term of an observable at the root, an object array over open edges."""
    opened = plan(diagram, root).open
    (total,), back = contracted(landscape, plan(diagram, root).parts, [[]], opened)
    return as_array({index: back(value) for index, value in total.items()}, landscape, opened)


def contracted(
    landscape: Symbolic, parts: Sequence[Part], options: Sequence[Sequence[Tensor]], kept: Index
) -> tuple[list[dict[Index, Any]], Any]:
    """The parts' cumulants, with each of some lists of more tensors, summed over all labels but those kept.

    Entries are in fast arithmetic, those that are zero left out; and the way back.
    """
    tensors = [landscape.exact_part(nodes) for nodes, _ in parts]
    values = [value for tensor in tensors for value in tensor.flat]
    elements, back = arithmetic([*values, *(x for some in options for tensor, _ in some for x in tensor.values())])
    flat = iter(elements)
    entries: list[Tensor] = []
    for tensor, (_, labels) in zip(tensors, parts, strict=True):
        indices = product(range(landscape.dimension), repeat=tensor.ndim)
        entries.append(({index: value for index, value in zip(indices, flat, strict=False) if value}, labels))
    totals = []
    for some in options:
        waiting = [({index: next(flat) for index in tensor}, labels) for tensor, labels in some]
        totals.append(_summed(entries, waiting, kept))
    return totals, back


def _summed(entries: Sequence[Tensor], waiting: list[Tensor], kept: Index) -> dict[Index, Any]:
    """The product of the entries, and of tensors that wait for one that shares a label, summed over labels not kept."""
    uses = Counter([*kept, *(label for _, labels in (*entries, *waiting) for label in labels)])
    total: dict[Index, Any] = {(): 1}
    present: Index = ()
    for entry in entries:
        due = [entry, *(tensor for tensor in waiting if set(tensor[1]) & set(entry[1]))]
        waiting = [tensor for tensor in waiting if not set(tensor[1]) & set(entry[1])]
        for tensor, labels in due:
            uses.subtract(labels)
            total, present = _joined(total, present, tensor, labels)
            left = [place for place, label in enumerate(present) if uses[label]]
            summed: dict[Index, Any] = {}
            for index, value in total.items():  # labels that meet no later tensor are summed over
                short = tuple(index[place] for place in left)
                summed[short] = summed[short] + value if short in summed else value
            total, present = summed, tuple(present[place] for place in left)
    return {picked(index, present, kept): value for index, value in total.items()}


def picked(index: Index, edges: Index, wanted: Index) -> Index:
    """Of the indices of some edges those of the wanted ones."""
    return tuple(index[edges.index(edge)] for edge in wanted)


def as_array(values: dict[Index, Expression], landscape: Symbolic, opened: Index) -> Expression:
    """The values as an object array with an axis for each open edge, a missing one 0; a lone number as itself."""
    result = np.full((landscape.dimension,) * len(opened), exact("a value", 0), dtype=object)
    for index, value in values.items():
        result[index] = value
    return result if opened else result[()]


def _joined(
    first: dict[Index, Any], edges: Index, second: dict[Index, Any], more: Index
) -> tuple[dict[Index, Any], Index]:
    """The product of two tensors, indices of equal edges set equal; nothing is summed."""
    shared = [edge for edge in more if edge in edges]
    fresh = [place for place, edge in enumerate(more) if edge not in edges]
    alike: defaultdict[Index, list[tuple[Index, Any]]] = defaultdict(list)
    for index, value in second.items():
        alike[tuple(index[more.index(edge)] for edge in shared)].append((tuple(index[place] for place in fresh), value))
    result = {
        index + rest: value * other
        for index, value in first.items()
        for rest, other in alike.get(tuple(index[edges.index(edge)] for edge in shared), ())
    }
    return result, edges + tuple(more[place] for place in fresh)


def shaped(values: list[Expression], shape: tuple[int, ...]) -> Any:
    """The one value, or an object array of them."""
    if shape == ():
        return values[0]
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result.reshape(shape)
