"""The sum over the diagrams of an observable. Numbers, exact numbers and formulas are this one sum.

Which diagrams there are is one choice, what each is worth another: any list goes with any worth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from ..diagram import Diagram, diagrams
from ..progress import patiently
from ..values.root import Root, Roots
from ..values.worth import Worth
from .observables import Observable

DiagramList: TypeAlias = Callable[[int, bool], Iterable[Diagram]]
"""The diagrams of one order, whatever order is: (order, whether roots may share a part) -> diagrams."""


def plain_diagrams(order: int, root_shares: bool) -> Iterable[Diagram]:
    """All diagrams, by edges: the series in eta (papers: Theorem 3)."""
    return diagrams(order, root_shares=root_shares)


def irreducible_diagrams(order: int, root_shares: bool) -> Iterable[Diagram]:
    """Those that resummation leaves (papers: Theorem 1)."""
    return diagrams(order, irreducible=True, root_shares=root_shares)


def watched_over(listed: DiagramList) -> DiagramList:
    """The same, with a bar on a terminal for what is left of an order after a second."""

    def shown(order: int, root_shares: bool) -> Iterator[Diagram]:
        some: Any = listed(order, root_shares)
        return patiently(some, len(some), f"diagrams of order {order}")

    return shown


def summands(observable: Observable, order: int, listed: DiagramList) -> Iterator[tuple[int, Diagram, Roots]]:
    """The diagrams of an observable to an order, each with its order and the terms at its root."""
    for d in range(order + 1):
        for diagram in listed(d, observable.shares):
            if roots := observable.of(diagram):
                yield d, diagram, roots


def diagram_sum(
    observable: Observable, order: int, listed: DiagramList, worth: Worth, fixed: bool
) -> tuple[list[Any], dict[Diagram, Any]]:
    """The contribution of each order, and of each diagram.

    Of a variance diagrams are those of the second moment, and from each order the square of the mean is taken off: term by
    term where it can be, for subtracted in floats it would leave rounding errors of its own size.

    fixed: whether the order of the rows is, as in one epoch; then all squares go off term by term.
    """
    mean, by_diagram = observable.mean, {}

    def random_ones(d: int, shares: bool) -> Iterable[Diagram]:
        return filter(is_random, listed(d, shares))

    by_order = [worth.zero(observable.axes) for _ in range(order + 1)]
    for d, diagram, roots in summands(observable, order, listed):
        tied = [root for root in roots if mean is None or is_tied(diagram, root, fixed)]
        loose = [root for root in roots if root not in tied]
        kept = worth.value(diagram, tied) if tied else worth.zero(observable.axes)
        by_order[d] = by_order[d] + kept
        by_diagram[diagram] = kept + worth.value(diagram, loose) if loose else kept
    if mean is not None and not fixed:
        means = diagram_sum(mean, order - 1, random_ones, worth, fixed)[0]
        other = observable.other_mean
        others = means if other is None else diagram_sum(other, order - 1, random_ones, worth, fixed)[0]
        for d in range(2, order + 1):
            for i in range(1, d):
                by_order[d] = by_order[d] - worth.outer(means[i], others[d - i], mean.axes)
    return by_order, by_diagram


def is_tied(diagram: Diagram, root: Root, fixed: bool) -> bool:
    """Whether a term of a second moment's root stays where the mean's square is taken off.

    The root's edges are shared out between two factors. Where no part has nodes below both, the term is a product of two
    terms of the mean and cancels. The maps of the two sides multiply too: if the order of the rows is fixed, or if all
    parts of one side are single nodes.
    """
    first = set(root.nodes[0]) if root.nodes else {root.open[0]}
    side_of = {child: int(place in first) for place, child in enumerate(diagram.children[0])}
    for v in range(1, diagram.order + 1):  # parents come first
        side_of.setdefault(v, side_of[diagram.parents[v]] if diagram.parents[v] else 0)
    sides = [{side_of[v] for v in part if v} for part in diagram.parts]
    if any(len(both) > 1 for both in sides):
        return True
    random = {side for part, on in zip(diagram.parts, sides, strict=True) if len(part) > 1 for side in on}
    return not fixed and random == {0, 1}


def is_random(diagram: Diagram) -> bool:
    """Whether a diagram of the mean has a part of several nodes, so that its maps hang on the order of the rows."""
    return len(diagram.parts) <= diagram.order
