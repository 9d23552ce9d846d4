"""What was asked of a prediction."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..embedding import PathRule
from ..landscapes import Landscape
from ..landscapes.span import Span, span_of
from ..record import Record
from ..spacetime import Spacetime
from ..spacetime.updates import Adaptive
from ..values.given import Given
from .observables import Observable, observable_named


@dataclass(frozen=True, slots=True, eq=False)
class Question(Record):
    """The arguments of `predict`, checked; two are equal whatever object their landscape is."""

    landscape: Landscape
    spacetime: Spacetime
    eta: Any
    T: Any
    order: int
    """The highest order that is kept: edges about the start, noise about the path."""
    observable: str | Observable = "test_loss"
    update: PathRule = None
    about_path: bool = False
    closure: str | None = None
    resummed: bool = True
    continuous: bool = False
    device: str = "auto"
    given: Given | None = None
    """The training set, where it is given; None where it is drawn."""
    patience: float = 5.0
    functions: tuple[Landscape, ...] = ()
    """What is observed in place of the loss, seen from the landscape's start."""
    propagator: Any = None
    """H0 of the edges, a matrix of floats, or of SymPy's where eta is exact; None for the Hessian."""
    tolerance: float | None = None
    """The share of noise that a covariance of low rank may leave out; None for all, but of very many weights."""
    span: Span | None = None
    """What the landscape's weights are components along; None for those that were given."""

    def _values(self) -> tuple[Any, ...]:
        apart = ("landscape", "given", "functions", "span")
        names = (field.name for field in dataclasses.fields(self) if field.name not in apart)
        return *(getattr(self, name) for name in names), self.given is not None

    @property
    def times(self) -> list[Spacetime]:
        """A spacetime for each number of updates."""
        return [self.spacetime] if self.T is None else [self.spacetime.with_updates(t) for t in self.T]

    @property
    def longest(self) -> Spacetime:
        """The one with the most updates."""
        return self.spacetime if self.T is None else self.spacetime.with_updates(max(self.T))

    @property
    def watched(self) -> Observable:
        """The observable itself."""
        return observable_named(self.observable, self.given is not None, functions=True)

    @property
    def others(self) -> tuple[Landscape, ...]:
        """What roots may be of besides the landscape, see `Root`."""
        return self.functions or (() if self.given is None else (self.given.test,))

    @property
    def measured(self) -> Landscape:
        """Whose loss an observable is of."""
        if self.functions:
            return self.functions[0]
        return self.landscape if self.given is None or self.observable == "train_loss" else self.given.test

    @property
    def is_fresh(self) -> bool:
        """Whether batches know nothing of each other: no point is met twice, and the training set is drawn."""
        return self.given is None and self.longest.is_one_epoch

    def but(self, **changes: Any) -> Question:
        """The same with something else in places."""
        return dataclasses.replace(self, **changes)

    def within_span(self) -> Question:
        """The same of components in the span of a linear model's points, where that has many fewer dimensions."""
        by_weight = np.ndim(self.eta) > 1 or self.propagator is not None or isinstance(self.update, Adaptive)
        tested = self.given is not None and self.given.test is not self.landscape
        if by_weight or tested or self.functions or (span := span_of(self.landscape)) is None:
            return self
        given = None if self.given is None else Given(self.given.points, span.landscape)
        return self.but(landscape=span.landscape, given=given, span=span)

    def axes_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the answer, for learning rates of this shape."""
        axes = (self.landscape.dimension,) * self.watched.axes
        return shape + (() if self.T is None else (len(self.T),)) + axes


def shaped(value: Any, shape: tuple[int, ...]) -> Any:
    """An array in the shape that was asked for; a number where that is ()."""
    return value.item() if shape == () else value.reshape(shape)
