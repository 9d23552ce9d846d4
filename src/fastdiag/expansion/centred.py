"""An observable order by order; of second moments, the square of the mean is taken off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from ..diagram import Diagram
from ..values.root import Root
from .observables import Observable

Series: TypeAlias = tuple[list[Any], dict[Diagram, Any]]
"""Arrays for each order, and for each diagram; the last axes are the observable's."""


def centred(observable: Observable, order: int, series: Callable[[Observable, int], Series]) -> Series:
    """The series of the observable, to that order. Of a variance, the diagrams are those of the second moment."""
    by_order, by_diagram = series(observable, order)
    if observable.mean is not None:
        take_off_squares(by_order, series(observable.mean, order - 1)[0], observable.mean.axes)
    return by_order, by_diagram


def take_off_squares(second: list[Any], mean: list[Any], axes: int) -> None:
    """Subtract, from each order of a second moment, the outer products of the orders of a mean with `axes` axes."""
    left = (..., None) if axes else ...
    right = (..., None, slice(None)) if axes else ...
    for d in range(2, len(second)):
        second[d] = second[d] - sum(mean[i][left] * mean[d - i][right] for i in range(1, d))


def is_tied(diagram: Diagram, root: Root, independent: bool) -> bool:
    """Whether a term of a second moment's root stays where the mean's square is taken off.

    The root's edges are shared out between two factors. Where no part has nodes below both, the term is a product of two
    terms of the mean and cancels; subtracted in floats, it would leave rounding errors of its own size. The maps of the two
    sides multiply too: if the order of the rows is fixed (`independent`), or if all parts of one side are single nodes.
    """
    first = set(root.nodes[0]) if root.nodes else {root.open[0]}
    side_of = {child: int(place in first) for place, child in enumerate(diagram.children[0])}
    for v in range(1, diagram.order + 1):  # parents come first
        side_of.setdefault(v, side_of[diagram.parents[v]] if diagram.parents[v] else 0)
    sides = [{side_of[v] for v in part if v} for part in diagram.parts]
    if any(len(both) > 1 for both in sides):
        return True
    random = {side for part, on in zip(diagram.parts, sides, strict=True) if len(part) > 1 for side in on}
    return not independent and random == {0, 1}


def is_random(diagram: Diagram) -> bool:
    """Whether a diagram of the mean has a part of several nodes, so that its maps hang on the order of the rows."""
    return len(diagram.parts) <= diagram.order
