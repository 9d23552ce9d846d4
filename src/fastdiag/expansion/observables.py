"""Observables: what is predicted. Each is a description of the root, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations

from ..arguments import choice
from ..diagram import Diagram
from ..values.root import Root, loss_root


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


def _test_loss(degree: int, shares: bool) -> tuple[Root, ...]:
    return () if shares else (loss_root(degree),)


def _train_loss(degree: int, shares: bool) -> tuple[Root, ...]:
    """The mean of the loss over the training set: the root is tied to a uniformly random row."""
    return (replace(loss_root(degree), per_point=shares),)


def _generalization_gap(degree: int, shares: bool) -> tuple[Root, ...]:
    return (replace(loss_root(degree), sign=-1, per_point=True),) if shares else ()


def _displacement(degree: int, shares: bool) -> tuple[Root, ...]:
    return (Root(open=(0,)),) if degree == 1 and not shares else ()


def _covariance(degree: int, shares: bool) -> tuple[Root, ...]:
    return (Root(open=(0, 1)), Root(open=(1, 0))) if degree == 2 and not shares else ()


def _test_loss_variance(degree: int, shares: bool) -> tuple[Root, ...]:
    """Leibniz: the derivative of (l - l(theta_0))^2 shares the edges out between its two factors, some to each."""
    if shares:
        return ()
    edges = tuple(range(degree))
    chosen = (first for size in range(1, degree) for first in combinations(edges, size))
    return tuple(Root(nodes=(first, tuple(e for e in edges if e not in first))) for first in chosen)


def _of_given_points(observable: Observable) -> Observable:
    """The same where the points are the training set: theirs is the train loss, that of held-out data the test loss."""
    mean = observable.mean and _of_given_points(observable.mean)

    def roots(degree: int, shares: bool) -> tuple[Root, ...]:
        if shares:
            return ()
        if observable.name == "train_loss":
            return (loss_root(degree),)
        if observable.name == "generalization_gap":
            return (replace(loss_root(degree), held_out=True), replace(loss_root(degree), sign=-1))
        return tuple(replace(root, held_out=True) for root in observable.roots(degree, False))

    return replace(observable, roots=roots, shares=False, mean=mean)


TEST_LOSS = Observable("test_loss", _test_loss)
DISPLACEMENT = Observable("displacement", _displacement, axes=1)
_KNOWN = (
    TEST_LOSS,
    Observable("train_loss", _train_loss, shares=True),
    Observable("generalization_gap", _generalization_gap, shares=True),
    DISPLACEMENT,
    Observable("covariance", _covariance, axes=2, mean=DISPLACEMENT),
    Observable("test_loss_variance", _test_loss_variance, mean=TEST_LOSS),
)
_GIVEN = tuple(map(_of_given_points, _KNOWN))
OBSERVABLES: tuple[str, ...] = tuple(observable.name for observable in _KNOWN)


def observable_named(name: object, given: bool = False) -> Observable:
    """The observable of that name, or InputError; given: of a given training set, which no row at the root is tied to."""
    return (_GIVEN if given else _KNOWN)[OBSERVABLES.index(choice("observable", name, OBSERVABLES))]
