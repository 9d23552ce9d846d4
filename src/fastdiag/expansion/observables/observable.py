"""What an observable is: a description of the root, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
    """Where this is a second moment: the observable whose mean's (outer) square is taken off, which makes it a variance."""
