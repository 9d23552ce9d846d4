"""Exact predictions on symbolic landscapes: the diagram sum as SymPy numbers and formulas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..coefficients import coefficient
from ..diagram import Diagram, diagrams
from ..landscapes.exact import Expression, canonical, exact
from ..landscapes.symbolic import Symbolic
from ..spacetime import Spacetime
from ..values.exact import check_powers, exact_rvalue, exact_uvalue, shaped


def exact_series(
    landscape: Symbolic,
    times: Sequence[Spacetime],
    shape: tuple[int, ...],
    etas: Sequence[Expression],
    order: int,
    resummed: bool,
) -> tuple[list[Any], dict[Diagram, Any]]:
    """The contribution of each order and of each diagram, exactly.

    Each is a SymPy expression, or an object array of them of shape `shape`: for each of `etas`, one for each of `times`.
    """
    if resummed:
        check_powers(landscape, times, etas, order)
    by_order, by_diagram = [], {}
    for d in range(order + 1):
        total: list[Expression] = [exact("no diagram", 0)] * (len(etas) * len(times))
        for diagram in diagrams(d, irreducible=resummed):
            if resummed:
                values = [exact_rvalue(diagram, landscape, spacetime, eta) for eta in etas for spacetime in times]
            else:
                values = _plain(diagram, landscape, times, etas)
            by_diagram[diagram] = shaped(values, shape)
            total = [x + y for x, y in zip(total, values, strict=True)]
        by_order.append(shaped([canonical(x) for x in total], shape))
    return by_order, by_diagram


def _plain(
    diagram: Diagram, landscape: Symbolic, times: Sequence[Spacetime], etas: Sequence[Expression]
) -> list[Expression]:
    weights = [exact("a coefficient", coefficient(diagram, spacetime)) for spacetime in times]
    if not any(weights):
        return weights * len(etas)
    value = exact_uvalue(diagram, landscape)
    return [weight * value * eta**diagram.order for eta in etas for weight in weights]
