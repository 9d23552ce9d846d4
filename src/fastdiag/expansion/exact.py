"""Exact predictions on symbolic landscapes: the diagram sum as SymPy numbers and formulas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..coefficients import coefficient
from ..diagram import Diagram, diagrams
from ..landscapes.exact import Expression, canonical, exact
from ..landscapes.symbolic import Symbolic
from ..spacetime import Spacetime
from ..spacetime.updates import Update
from ..values.exact import exact_rvalue, exact_uvalue


def exact_series(
    landscape: Symbolic,
    times: Sequence[Spacetime],
    shape: tuple[int, ...],
    eta: Expression,
    order: int,
    resummed: bool,
    update: Update | None = None,
) -> tuple[list[Any], dict[Diagram, Any]]:
    """The contribution of each order and of each diagram, exactly.

    Each is a SymPy expression, or an object array of them of shape `shape`, one for each of the spacetimes `times`.
    """
    by_order, by_diagram = [], {}
    for d in range(order + 1):
        total: list[Expression] = [exact("no diagram", 0)] * len(times)
        for diagram in diagrams(d, irreducible=resummed):
            if resummed:
                values = [exact_rvalue(diagram, landscape, spacetime, eta, update) for spacetime in times]
            else:
                values = _plain(diagram, landscape, times, eta)
            by_diagram[diagram] = _shaped(values, shape)
            total = [x + y for x, y in zip(total, values, strict=True)]
        by_order.append(_shaped([canonical(x) for x in total], shape))
    return by_order, by_diagram


def _plain(
    diagram: Diagram, landscape: Symbolic, times: Sequence[Spacetime], eta: Expression
) -> list[Expression]:
    weights = [exact("a coefficient", coefficient(diagram, spacetime)) for spacetime in times]
    if not any(weights):
        return weights
    value = exact_uvalue(diagram, landscape) * eta**diagram.order
    return [weight * value for weight in weights]


def _shaped(values: list[Expression], shape: tuple[int, ...]) -> Any:
    if shape == ():
        return values[0]
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result.reshape(shape)
