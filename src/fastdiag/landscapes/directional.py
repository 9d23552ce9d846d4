"""Landscapes of many weights: the loss and its derivatives along directions, never a tensor where a vector will do."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from itertools import combinations_with_replacement
from math import comb, prod
from typing import Any, Self

import numpy as np

from ..arguments import shown, whole
from ..door import door
from ..errors import InputError, TooLargeError
from ..locks import cached_property
from ..markup import html_table
from ..memory import require
from ..numerals import counted
from ..record import frozen
from ..typing import FloatArray, IntArray
from .directional_local import DirectionalLocal
from .landscape import EVERY, Factor, checked, checked_weights
from .point_derivatives import GivenDerivatives, PointDerivatives
from .sampled import SampledLandscape

MOST_DERIVATIVES = 10**8  # of single points, for a tensor: a quarter of an hour


class Directional(SampledLandscape):
    """A loss known by directional derivatives of its points; see `directional`.

    Un-resummed diagrams go from leaf to root by vectors. Tensors are formed where they are asked for and small: entry by
    entry, along all directions.
    """

    theta: FloatArray

    def __init__(
        self, derivatives: PointDerivatives, theta: FloatArray, weights: FloatArray, degree: int | None = None
    ) -> None:
        self.derivatives, self.theta, self.weights = derivatives, theta, weights
        self.dimension, self.highest_degree = len(theta), degree
        self.every = frozen(np.arange(len(weights)))
        self._forget()

    def _forget(self) -> None:
        self.known: dict[Any, Any] = {}
        """Values of diagrams, and tensors in the given coordinates, at theta."""
        for name in ("_deviations", "gradients"):
            self.__dict__.pop(name, None)

    @cached_property
    def gradients(self) -> FloatArray:
        """grad l_x of all points, (S, n)."""
        require(8 * len(self.weights) * self.dimension, "gradients of all points", "take fewer points or weights")
        return frozen(self.derivatives.each(self.theta, self.every))

    def mean(self, degree: int, frame: FloatArray | None = None) -> FloatArray:
        if degree == 0:
            return np.asarray(self.weights @ self.derivatives.losses(self.theta, self.every))
        if degree == 1:
            pull = self.weights @ self.gradients
            return np.asarray(pull if frame is None else pull @ frame)
        if frame is not None:
            return self._mean(degree, frame)
        if degree not in self.known:
            self.known[degree] = frozen(self._mean(degree, np.eye(self.dimension)))
        return np.asarray(self.known[degree])

    def _mean(self, degree: int, frame: FloatArray) -> FloatArray:
        return mean_tensor(self.derivatives, self.theta, self.every, self.weights, degree, frame)

    def per_point(self, degree: int, rows: slice | IntArray = EVERY, frame: FloatArray | None = None) -> list[Factor]:
        axes = tuple(range(degree))
        if degree == 0:
            return [(self.derivatives.losses(self.theta, self.every[rows]), axes)]
        if degree == 1:
            found = self.gradients[rows]
            return [(found if frame is None else np.asarray(found @ frame), axes)]
        return [(point_tensors(self.derivatives, self.theta, self.every[rows], degree, frame), axes)]

    def centred(self, degree: int, rows: slice | IntArray, frame: FloatArray | None) -> FloatArray:
        return np.asarray(self.per_point(degree, rows, frame)[0][0] - self.mean(degree, frame))

    def moved(self, theta: FloatArray) -> Self:
        found = copy(self)
        found.theta = frozen(np.array(theta))
        found._forget()
        return found

    def local(self, theta: FloatArray) -> DirectionalLocal:
        return DirectionalLocal(self.derivatives, theta, self.weights)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_deviations", "gradients")}

    def _repr_html_(self) -> str:
        return html_table(repr(self), (), ())  # its derivatives may take long

    def __repr__(self) -> str:
        return f"<directional landscape: {counted(len(self.weights), 'point')}, {counted(self.dimension, 'weight')}>"


def check_tensor(degree: int, dimension: int, points: int) -> None:
    """Raise TooLargeError if a tensor of so many points, entry by entry, takes too many derivatives or too much memory."""
    asked = comb(dimension + degree - 2, degree - 1) * points
    if asked > MOST_DERIVATIVES:
        raise TooLargeError(
            f"derivatives of degree {degree} along all directions of {dimension:,} weights take {asked:.1e} of single "
            f"points (limit {MOST_DERIVATIVES:.0e}); resummed=False goes from leaf to root by vectors instead"
        )


def mean_tensor(
    derivatives: PointDerivatives, theta: FloatArray, points: IntArray, weights: FloatArray, degree: int,
    frame: FloatArray,
) -> FloatArray:
    """grad^degree l along the columns of a frame, (m,) * degree, for degree >= 2."""
    m = frame.shape[1]
    check_tensor(degree, m, len(points))
    require(8 * m**degree, f"derivatives of degree {degree}", "ask for a lower order")
    chosen = np.array(list(combinations_with_replacement(range(m), degree - 1)))
    found = derivatives.means(theta, points, weights, [frame.T[chosen[:, a]] for a in range(degree - 1)]) @ frame
    return _spread(found, chosen, m)


def point_tensors(
    derivatives: PointDerivatives, theta: FloatArray, points: IntArray, degree: int, frame: FloatArray | None
) -> FloatArray:
    """grad^degree l_x along the columns of a frame, (P,) + (m,) * degree, for degree >= 2."""
    frame = np.eye(theta.shape[-1]) if frame is None else frame
    m = frame.shape[1]
    check_tensor(degree, m, len(points))
    require(8 * len(points) * m**degree, f"derivatives of degree {degree} of all points", "ask for a lower order")
    chosen = np.array(list(combinations_with_replacement(range(m), degree - 1)))
    rows = [derivatives.each(theta, points, [frame.T[i] for i in some]) @ frame for some in chosen]
    found = _spread(np.array(rows), chosen, m)  # (m,) * (degree - 1), points, m
    return np.ascontiguousarray(np.moveaxis(found, -2, 0))


def _spread(rows: FloatArray, chosen: IntArray, m: int) -> FloatArray:
    """Rows for ascending indices to all indices, (m,) * (degree - 1) + the shape of a row."""
    indices = np.sort(np.indices((m,) * chosen.shape[1]).reshape(chosen.shape[1], -1), axis=0)
    places = np.full((m,) * chosen.shape[1], -1)
    places[tuple(chosen.T)] = np.arange(len(chosen))
    return np.asarray(rows[places[tuple(indices)]]).reshape((m,) * chosen.shape[1] + rows.shape[1:])


@door
def directional(
    loss: Callable[..., Any],
    derivative: Callable[..., Any],
    theta: object,
    points: int,
    weights: object | None = None,
    degree: int | None = None,
) -> Directional:
    """A landscape from two functions of one's own: losses of points, and derivatives along directions.

    From these follow un-resummed predictions, `uvalue` and `estimated` at any number of weights, from leaf to root: a node
    of degree k is one k-th derivative along the k - 1 vectors that come from its children. Where several parts are open at
    a node it takes all pairs of points; `estimated(..., method='disjoint')` takes batches instead. Expansions about the
    path and `simulate` go by the same two functions. `autodiff` makes them by JAX.

    Parameters
    ----------
    loss : (theta, x) -> (P,), the losses of the points with the numbers x, (P,) ints
    derivative : (theta, x, directions) -> (P, n), the k-th derivative of each point's loss contracted with k - 1
        directions, a tuple of arrays, each (n,) for all points or (P, n), one for each. theta is (n,), or (P, n) in
        `simulate`
    theta : (n,) starting weights theta_0
    points : S, how many points there are; they *are* the distribution
    weights : (S,) probabilities of the points, normalised here; uniform by default
    degree : highest derivative that `derivative` has; None if any

    Raises
    ------
    InputError : no functions; arrays of another shape than they should give; a loss at theta that is not finite

    Examples
    --------
    >>> import numpy as np
    >>> import fastdiag as fd
    >>> x = np.array([1.0, -2.0, 3.0])
    >>> def loss(theta, i):
    ...     return np.cosh(theta[..., 0] - x[i])
    >>> def derivative(theta, i, directions):
    ...     slope = np.sinh if len(directions) % 2 == 0 else np.cosh
    ...     return (slope(theta[..., 0] - x[i]) * np.prod([v[..., 0] for v in directions], axis=0))[:, None]
    >>> land = fd.landscapes.directional(loss, derivative, [0.5], points=3)
    >>> round(fd.uvalue("[a b[a]]", land), 6)
    487.509483
    """
    for name, function in (("loss", loss), ("derivative", derivative)):
        if not callable(function):
            raise InputError(f"{name} must be a function, not {shown(function)}")
    start = checked("theta", theta, (None,), "one entry per weight")
    if not len(start):
        raise InputError("theta is empty; a landscape needs at least one weight")
    count = whole("points", points, 1)
    require(8 * count * len(start), f"gradients of {shown(count)} points", "take fewer points or weights")
    known = None if degree is None else whole("degree", degree, 1)
    found = Directional(GivenDerivatives(loss, derivative), start, checked_weights(weights, count), known)
    check_start(found)
    return found


def check_start(landscape: Directional) -> None:
    """Raise InputError unless loss and gradient at the start are finite and of the right shape."""
    losses = landscape.derivatives.losses(landscape.theta, landscape.every)
    for name, found in (("loss", losses), ("gradient", landscape.gradients)):
        if not np.isfinite(found).all():
            row = int(np.flatnonzero(~np.isfinite(found).reshape(len(found), prod(found.shape[1:])).all(axis=1))[0])
            raise InputError(f"the {name} at theta is not finite at point {row}; take other weights, or look at that point")
