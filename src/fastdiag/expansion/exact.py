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
from ..values.exact import exact_uvalue
from ..values.exact_rvalue import Rule as LinearRule
from ..values.exact_rvalue import check_powers, exact_rvalue
from ..values.resummable import linear_rule
from ..values.root import Roots
from .centred import Series, centred
from .observables import Observable


def exact_series(
    landscape: Symbolic,
    times: Sequence[Spacetime],
    shape: tuple[int, ...],
    etas: Sequence[Expression],
    order: int,
    observable: Observable,
    resummed: bool,
    update: Rule = None,
) -> tuple[list[Any], dict[Diagram, Any]]:
    """The contribution of each order and of each diagram, exactly.

    Each is a SymPy expression, or an object array of them of shape `shape`: for each of `etas`, one for each of `times`;
    then the observable's axes.
    """
    n = landscape.dimension
    rule = linear_rule(update, False) if resummed else None
    if resummed:
        check_powers(landscape, times, etas, order, rule)

    def series(observable: Observable, order: int) -> Series:
        by_order, by_diagram = [], {}
        for d in range(order + 1):
            total = np.full((len(etas), len(times)) + (n,) * observable.axes, exact("no diagram", 0), dtype=object)
            for diagram in diagrams(d, irreducible=resummed, root_shares=observable.shares):
                roots = observable.of(diagram)
                if roots:
                    values = np.zeros_like(total)
                    if resummed:
                        for i, eta in enumerate(etas):
                            for j, spacetime in enumerate(times):
                                values[i, j] = _resummed(diagram, landscape, spacetime, eta, roots, rule)
                    else:
                        for j, plain in enumerate(_plain(diagram, landscape, times, roots, update)):
                            for i, eta in enumerate(etas):
                                values[i, j] = plain * eta**d
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


def _resummed(
    diagram: Diagram, landscape: Symbolic, spacetime: Spacetime, eta: Expression, roots: Roots, rule: LinearRule
) -> Any:
    total = exact("no root", 0)
    for root in roots:
        weight = exact("a root's weight", root.weight(spacetime))
        if weight:
            total = total + weight * exact_rvalue(diagram, landscape, spacetime, eta, root, rule)
    return total


def _plain(
    diagram: Diagram, landscape: Symbolic, times: Sequence[Spacetime], roots: Roots, update: Rule
) -> list[Any]:
    """The diagram's coefficient of eta^d at each time."""
    coefficients = [exact("a coefficient", coefficient(diagram, spacetime, update=update)) for spacetime in times]
    if not any(coefficients):
        return coefficients
    terms = [(root, exact("a root's weight", root.weight(times[0]))) for root in roots]
    zero = exact("no root", 0)
    value = sum((weight * exact_uvalue(diagram, landscape, root) for root, weight in terms if weight), start=zero)
    return [number * value for number in coefficients]


def _shaped(values: Any, shape: tuple[int, ...]) -> Any:
    return values.reshape(())[()] if shape == () else values.reshape(shape)
