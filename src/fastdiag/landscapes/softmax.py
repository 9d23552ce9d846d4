"""Softmax regression: the derivatives of log sum exp are joint cumulants of indicators."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import shown
from ..diagram.partition import moebius_to_top, set_partitions
from ..door import door
from ..errors import InputError, TooLargeError
from ..record import frozen
from ..typing import FloatArray
from .inputs import point_rows, ridge_of, start_of
from .labels import classes_of
from .landscape import checked_weights
from .linear_model import LinearModel

HIGHEST = 8  # of the slopes: 4,140 set partitions


class Softmax(LinearModel):
    """Softmax regression on given data; see `softmax`."""

    classes: tuple[Any, ...]
    """The labels, sorted: class c has the weights theta[c d : (c + 1) d]."""

    @staticmethod
    def loss_slopes(degree: int, u: FloatArray, y: Any) -> FloatArray:
        rows = np.arange(len(u))
        if degree > HIGHEST:
            raise TooLargeError(f"derivatives of softmax regression are had to degree {HIGHEST}, not {degree}")
        first = u.argmax(axis=1)  # its chance is 1 less the others': from these it loses no digits
        with np.errstate(under="ignore"):
            tails = np.exp(u - u[rows, first][:, None])
            tails[rows, first] = 0.0
            rest = tails.sum(axis=1)
            if degree == 0:
                return np.asarray(np.log1p(rest) + (u[rows, first] - u[rows, y]))
            chances = tails / (1.0 + rest)[:, None]
            if degree == 1:
                found = chances.copy()
                found[rows, first] = 1.0 / (1.0 + rest)
                found[rows, y] = 0.0
                found[rows, y] = -found.sum(axis=1)
                return np.asarray(found)
            return _cumulants(chances, first, degree)

    def cubes(self) -> Callable[[FloatArray], FloatArray]:
        """The third cumulant of a under the classes' chances."""
        u = self.outputs_at(self.theta)
        chances = np.exp(u - u.max(axis=1)[:, None])
        chances = (chances / chances.sum(axis=1)[:, None]).T

        def cumulants(seen: FloatArray) -> FloatArray:
            apart = seen - (chances * seen).sum(axis=1)[:, None]
            cubes = apart * apart  # a power would take ten times as long
            cubes *= apart
            cubes *= chances
            return np.asarray(cubes.sum(axis=1))

        return cumulants

    def __repr__(self) -> str:
        size = f"{len(self.weights)} points, {self.outputs} classes, {self.dimension} weights"
        return f"<softmax landscape: {size}>"


def _cumulants(chances: FloatArray, first: Any, degree: int) -> FloatArray:
    """Joint cumulants of the classes' indicators, (S,) + (m,) * k, from the chances of all but one class.

    The indicators add up to 1, so an index of that class stands for less the sum over the others.
    """
    points, m = chances.shape
    found = np.zeros((points, *(m,) * degree))
    for string in set_partitions(degree):
        scale = moebius_to_top(string)
        for chosen in product(range(m), repeat=1 + max(string)):
            index: Any = (slice(None), *(chosen[block] for block in string))
            term = np.full(points, float(scale))
            for c in chosen:
                term *= chances[:, c]
            found[index] += term
    place = first.reshape(-1, *(1,) * degree)
    for axis in range(1, degree + 1):
        np.put_along_axis(found, place, -found.sum(axis=axis, keepdims=True), axis)
    return found


@door
def softmax(
    X: object, y: object, theta: object | None = None, ridge: ArrayLike = 0.0, weights: object | None = None
) -> Softmax:
    """Softmax regression: l_x = log sum_c exp(x . theta_c) - x . theta_y + (ridge/2) |theta|^2.

    Parameters
    ----------
    X : (S, d) one row per data point, an array or a DataFrame (`with_bias` adds a column of ones); the points *are* the
        distribution
    y : (S,) labels of two or more classes: numbers, bools or texts; classes are in ascending order
    theta : (m, d) starting weights theta_0, a row for each of the m classes, or all n = m d in a line; zeros by default
    ridge : coefficient >= 0 of |theta|^2 / 2: a number, or (n,) one per weight
    weights : (S,) probabilities of the points, normalised here; uniform by default

    Returns
    -------
    Softmax, with derivatives to degree 8; contractions go by outputs and columns, and no array of n^3 is formed where the
    points can be summed over. On two classes it is `logistic` in theta_1 - theta_0, where each rate counts twice.

    Raises
    ------
    InputError : wrong shapes (saying which was expected), not finite, missing labels, one class only, a negative ridge

    Examples
    --------
    >>> import fastdiag as fd
    >>> land = fd.landscapes.softmax([[1.0], [-2.0], [0.5]], ["b", "a", "c"])
    >>> land, land.classes, round(land.loss, 6)
    (<softmax landscape: 3 points, 3 classes, 3 weights>, ('a', 'b', 'c'), 1.098612)
    """
    data = point_rows(X)
    classes, places = classes_of(y, len(data))
    if len(classes) < 2:
        raise InputError(f"y must hold at least two classes; all labels are {shown(classes[0])}")
    n = len(classes) * data.shape[1]
    start = start_of(theta, len(classes), data.shape[1], "class")
    found = Softmax(data, frozen(places), start, ridge_of(ridge, n), checked_weights(weights, len(data)), len(classes))
    found.classes = classes
    return found
