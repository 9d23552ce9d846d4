"""An observable order by order; of second moments, the square of the mean is taken off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from ..diagram import Diagram
from .observables import Observable

Series: TypeAlias = tuple[list[Any], dict[Diagram, Any]]
"""Arrays for each order, and for each diagram; the last axes are the observable's."""


def centred(observable: Observable, order: int, series: Callable[[Observable, int], Series]) -> Series:
    """The series of the observable, to that order. Of a variance, the diagrams are those of the second moment."""
    by_order, by_diagram = series(observable, order)
    if observable.mean is None:
        return by_order, by_diagram
    mean, _ = series(observable.mean, order - 1)
    first = (..., None) if observable.mean.axes else ...
    second = (..., None, slice(None)) if observable.mean.axes else ...
    for d in range(2, order + 1):
        by_order[d] = by_order[d] - sum(mean[i][first] * mean[d - i][second] for i in range(1, d))
    return by_order, by_diagram
