"""Exact predictions on symbolic landscapes: the diagram sum as SymPy numbers and formulas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..coefficients import coefficient
from ..diagram import Diagram, diagrams
from ..embedding import Rule
from ..landscapes.exact import Expression, canonical, exact
from ..landscapes.symbolic import Symbolic
from ..spacetime import Spacetime
from ..values.exact import exact_rvalue, exact_uvalue
from ..values.root import Roots
from ..values.rvalue import linear_rule
from .centred import Series, centred
from .observables import Observable


def exact_series(
    landscape: Symbolic,
    times: Sequence[Spacetime],
    shape: tuple[int, ...],
    eta: Expression,
    order: int,
    observable: Observable,
    resummed: bool,
    update: Rule = None,
) -> tuple[list[Any], dict[Diagram, Any]]:
    """The contribution of each order and of each diagram, exactly.

    Each is a SymPy expression, or an object array of them: of shape `shape`, one for each of the spacetimes `times`,
    then the observable's axes.
    """
    n = landscape.dimension

    def series(observable: Observable, order: int) -> Series:
        by_order, by_diagram = [], {}
        for d in range(order + 1):
            total = np.full((len(times),) + (n,) * observable.axes, exact("no diagram", 0), dtype=object)
            for diagram in diagrams(d, irreducible=resummed, root_shares=observable.shares):
                roots = observable.of(diagram)
                if roots:
                    values = np.zeros_like(total)
                    for i, weighted in enumerate(_values(diagram, landscape, times, eta, roots, resummed, update)):
                        values[i] = weighted
                    by_diagram[diagram] = values
                    total = total + values
            by_order.append(total)
        return by_order, by_diagram

    by_order, by_diagram = centred(observable, order, series)
    shape += (n,) * observable.axes
    return (
        [_shaped(np.frompyfunc(canonical, 1, 1)(total), shape) for total in by_order],
        {diagram: _shaped(values, shape) for diagram, values in by_diagram.items()},
    )


def _values(
    diagram: Diagram, landscape: Symbolic, times: Sequence[Spacetime], eta: Expression, roots: Roots, resummed: bool,
    update: Rule,
) -> list[Any]:
    """The diagram's contribution at each time."""
    terms = [(root, exact("a root's weight", root.weight(times[0]))) for root in roots]
    terms, zero = [(root, weight) for root, weight in terms if weight], exact("no root", 0)
    if resummed:
        rule = linear_rule(update, False)
        return [
            sum((weight * exact_rvalue(diagram, landscape, st, eta, root, rule) for root, weight in terms), start=zero)
            for st in times
        ]
    coefficients = [exact("a coefficient", coefficient(diagram, spacetime, update=update)) for spacetime in times]
    if not any(coefficients):
        return coefficients
    value = sum((weight * exact_uvalue(diagram, landscape, root) for root, weight in terms), start=zero)
    return [number * (value * eta**diagram.order) for number in coefficients]


def _shaped(values: Any, shape: tuple[int, ...]) -> Any:
    return values.reshape(())[()] if shape == () else values.reshape(shape)
