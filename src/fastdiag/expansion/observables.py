"""Observables: what is predicted. Each is a description of the root, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from ..arguments import choice, shown
from ..diagram import Diagram
from ..door import door
from ..embedding import PathRule
from ..errors import InputError, UnsupportedError
from ..landscapes import Landscape
from ..landscapes.field import no_loss
from ..record import Record
from ..spacetime.regularized_newton import RegularizedNewton
from ..values.root import Root, loss_root
from .functions import Function, described, function


@dataclass(frozen=True, slots=True, eq=False)
class Observable(Record):
    """A function of the weights (and of the training set), described by its derivatives at theta_0; see `observable`.

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.observable([0.0, [1.0, 0.0]], name="first weight")
    <observable first weight: 1 derivative of 2 weights>
    """

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
    functions: tuple[Function, ...] = ()
    """What is at the root in place of the loss: one function, or the two of a covariance."""

    @property
    def kind(self) -> str:
        """Which of the named observables it would be, were the loss at the root."""
        if not self.functions:
            return self.name
        return TEST_LOSS.name if self.mean is None else "test_loss_variance"

    @property
    def least(self) -> float | None:
        """What its values, or those on a matrix's diagonal, are never below."""
        return 0.0 if self.mean is not None and len(set(map(id, self.functions))) < 2 else None

    def __str__(self) -> str:
        return self.name.replace("_", " ")

    def __repr__(self) -> str:
        return f"<observable {self.name}: {' and '.join(map(described, self.functions)) or 'of the loss'}>"

    @door
    def variance(self) -> Observable:
        """The variance of a function of the weights, over training sets and batches.

        Raises
        ------
        UnsupportedError : it is a variance or a covariance itself

        Examples
        --------
        >>> import fastdiag as fd
        >>> fd.observable([0.0, [1.0, 0.0]], name="first weight").variance()
        <observable variance of first weight: 1 derivative of 2 weights>
        """
        (function,) = self._plain("variance").functions
        return Observable(f"variance of {self.name}", _covariance_of_one, 0, False, self, (function,))

    @door
    def covariance(self, other: Observable) -> Observable:
        """The covariance with another function of the weights.

        Raises
        ------
        InputError : no observable
        UnsupportedError : one of them is a variance or a covariance itself

        Examples
        --------
        >>> import fastdiag as fd
        >>> first, second = (fd.observable([0.0, e], name=f"w{i}") for i, e in enumerate([[1.0, 0.0], [0.0, 1.0]]))
        >>> first.covariance(second).name
        'covariance of w0 and w1'
        """
        if not isinstance(other, Observable):
            raise InputError(f"other must be of fastdiag.observable, not {shown(other)}")
        pair = self._plain("covariance").functions + other._plain("covariance").functions
        name = f"covariance of {self.name} and {other.name}"
        return Observable(name, _covariance_of_two, 0, False, self, pair)

    def _plain(self, what: str) -> Observable:
        if self.mean is not None or len(self.functions) != 1:
            raise UnsupportedError(f"{self!r} has no {what} here; take that of fastdiag.observable(...) itself")
        return self

    @property
    def other_mean(self) -> Observable | None:
        """Of a covariance of two functions, that of the second one."""
        return None if len(self.functions) < 2 else replace(self, roots=_second_function, mean=None)

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


def _function(degree: int, shares: bool, owner: int = 1) -> tuple[Root, ...]:
    return () if shares else (replace(loss_root(degree), owners=(owner,)),)


def _second_function(degree: int, shares: bool) -> tuple[Root, ...]:
    return _function(degree, shares, 2)


def _covariance_of_two(degree: int, shares: bool, owners: tuple[int, ...] = (1, 2)) -> tuple[Root, ...]:
    return tuple(replace(root, owners=owners) for root in _test_loss_variance(degree, shares))


def _covariance_of_one(degree: int, shares: bool) -> tuple[Root, ...]:
    return _covariance_of_two(degree, shares, (1, 1))


def _of_given_points(observable: Observable) -> Observable:
    """The same where the points are the training set: theirs is the train loss, that of held-out data the test loss."""
    mean = observable.mean and _of_given_points(observable.mean)

    def roots(degree: int, shares: bool) -> tuple[Root, ...]:
        if shares:
            return ()
        if observable.name == "train_loss":
            return (loss_root(degree),)
        if observable.name == "generalization_gap":
            return (replace(loss_root(degree), owners=(1,)), replace(loss_root(degree), sign=-1))
        return tuple(replace(root, owners=(1,) * len(root.nodes)) for root in observable.roots(degree, False))

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


def observable_named(name: object, given: bool = False, functions: bool = False) -> Observable:
    """The observable of that name, or InputError; given: of a given training set, which no row at the root is tied to.

    functions: whether what `observable` makes will do too; it is returned as it is.
    """
    if isinstance(name, Observable):
        if functions:
            return name
        raise InputError(f"observable must be one of {', '.join(OBSERVABLES)} here, not {shown(name)}")
    return (_GIVEN if given else _KNOWN)[OBSERVABLES.index(choice("observable", name, OBSERVABLES))]


def check_has(landscape: Landscape, observable: Observable, update: PathRule) -> None:
    """Raise InputError or UnsupportedError if a vector field is asked for a loss, or for its Hessian."""
    if landscape.is_gradient:
        return
    if not observable.functions and not observable.axes:
        raise InputError(f"the {observable} is not had: {no_loss(landscape)}")
    if isinstance(update, RegularizedNewton):
        raise UnsupportedError(f"{update!r} divides by a Hessian, which a vector field has none of; take another rule")


@door
def observable(s: Any, weights: Any = None, name: str = "s") -> Observable:
    """Any smooth function s(theta) of the weights, to be predicted in place of the test loss: its expectation at theta_T.

    Diagrams are those of the test loss, and a root with k edges is the k-th derivative of s. So it goes wherever the test
    loss does: about the start and about the path, under every rule and sampling, of a given training set, simulated.

    Parameters
    ----------
    s : a sequence of its derivatives at theta_0: s, grad s (n,), hess s (n, n), ... up to the highest that will be asked
        for, the number 0 for one that vanishes; away from theta_0 it is their Taylor polynomial. Or a SymPy expression in
        `weights`, which exact results ask for; other symbols stay letters of these, and are no data. Or a landscape, for
        its loss: another test distribution, a held-out set
    weights : the symbols of theta in their order, with an expression
    name : what it is called

    Returns
    -------
    Observable, to be given to `predict` and `simulate`. `.variance()` and `.covariance(other)` are those of its values at
    theta_T

    Raises
    ------
    InputError : no such thing; arrays of other shapes, not finite, not symmetric; later, an expression that is not smooth
        or not real at theta_0
    UnsupportedError : later, an expression with other symbols where numbers are asked for

    Examples
    --------
    >>> import fastdiag as fd
    >>> land, st = fd.landscapes.samples([1.0, 1.0], [[1.0], [3.0]], [[[2.0]], [[2.0]]]), fd.Spacetime(N=10, T=10)
    >>> square = fd.observable([0.0, [0.0], [[2.0]]], name="squared distance")
    >>> round(fd.predict(land, st, 0.05, order=2, observable=square).total, 6)
    0.435778
    >>> moved, spread = (fd.predict(land, st, 0.05, 2, name).total for name in ("displacement", "covariance"))
    >>> round(float(moved[0] ** 2 + spread[0, 0]), 6)
    0.435778
    """
    if not isinstance(name, str) or not name:
        raise InputError(f"name must be a text, not {shown(name)}")
    return Observable(name, _function, functions=(function(s, weights),))
