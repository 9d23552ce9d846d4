"""What an observable is: a description of the root, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...diagram import Diagram
from ...values.root import Root


@dataclass(frozen=True, slots=True)
class Observable:
    """A function of the weights (and of the training set), described by its derivatives at theta_0."""

    name: str
    roots: Callable[[int, bool], tuple[Root, ...]]
    """(degree of the root, whether it shares a part) -> the terms of its tensor."""
    axes: int = 0
    """Axes of its values: 0 for numbers, 1 for vectors (n,), 2 for matrices (n, n)."""
    shares: bool = False
    """Whether diagrams count whose root shares a part."""
    mean: Observable | None = None
    """Where the roots are a second moment's: the observable whose mean's (outer) square is taken off, for a variance.

    Both are of the change since theta_0, so that the mean begins with order 1.
    """

    def of(self, diagram: Diagram) -> tuple[Root, ...]:
        """The terms of the tensor at a diagram's root; none if it does not contribute."""
        return self.roots(len(diagram.children[0]), diagram.root_shares)

    def highest_degree(self, order: int) -> int:
        """Of the derivatives that diagrams of at most `order` edges need; a second moment's root takes one edge more."""
        return order if self.mean is None else max(order - 1, 0)
