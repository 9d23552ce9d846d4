"""What a loss given by directional derivatives is asked for: of single points, and means over points."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from ..arguments import shown
from ..errors import InputError
from ..record import Portable
from ..typing import FloatArray, IntArray

Directions: TypeAlias = Sequence[FloatArray]
"""k - 1 vectors that a k-th derivative is contracted with: each (n,) for all points, or (P, n), one for each of them."""


class PointDerivatives(Portable, ABC):
    """Losses of points, and their derivatives along directions. Points are named by numbers, weights are (n,) or (P, n)."""

    @abstractmethod
    def losses(self, theta: FloatArray, points: IntArray) -> FloatArray:
        """l_x(theta), (P,)."""

    @abstractmethod
    def each(self, theta: FloatArray, points: IntArray, directions: Directions = ()) -> FloatArray:
        """grad^k l_x contracted with k - 1 directions, (P, n)."""

    def mean(
        self, theta: FloatArray, points: IntArray, weights: FloatArray, directions: Directions = ()
    ) -> FloatArray:
        """The same summed over points with weights, (n,)."""
        return np.asarray(weights @ self.each(theta, points, directions))

    def means(self, theta: FloatArray, points: IntArray, weights: FloatArray, directions: Directions) -> FloatArray:
        """The same for many sets of directions, each (r, n), that all points share: (r, n)."""
        rows = [self.mean(theta, points, weights, chosen) for chosen in zip(*directions, strict=True)]
        return np.array(rows).reshape(len(directions[0]), theta.shape[-1])

    def batch_slopes(self, theta: FloatArray, rows: IntArray, weights: FloatArray) -> FloatArray:
        """Gradients at weights (runs, n), each of its own batch (runs, B), summed with weights (runs, B): (runs, n)."""
        found = self.each(np.repeat(theta, rows.shape[1], axis=0), rows.reshape(-1))
        return np.asarray(np.einsum("rb,rbi->ri", weights, found.reshape(*rows.shape, -1)))

    def batch_losses(self, theta: FloatArray, rows: IntArray, weights: FloatArray) -> FloatArray:
        """Losses at weights (runs, n) of points (P,), or (runs, P), summed with weights (P,): (runs,)."""
        rows = np.broadcast_to(rows, (len(theta), len(weights)))
        found = self.losses(np.repeat(theta, len(weights), axis=0), rows.reshape(-1))
        return np.asarray(found.reshape(rows.shape) @ weights)


class GivenDerivatives(PointDerivatives):
    """By two functions of the user's."""

    def __init__(self, loss: Callable[..., Any], derivative: Callable[..., Any]) -> None:
        self.loss, self.derivative = loss, derivative

    def losses(self, theta: FloatArray, points: IntArray) -> FloatArray:
        return given("loss", self.loss, (len(points),), theta, points)

    def each(self, theta: FloatArray, points: IntArray, directions: Directions = ()) -> FloatArray:
        shape = len(points), theta.shape[-1]
        return given("derivative", self.derivative, shape, theta, points, tuple(directions))


def given(name: str, function: Callable[..., Any], shape: tuple[int, ...], *arguments: Any) -> FloatArray:
    """What a function of the user's gives, as floats.

    Raises
    ------
    InputError : it raises something; another shape, no real numbers
    """
    try:
        value = function(*arguments)
    except Exception as error:  # whatever is wrong in it
        raise InputError(f"{name} raised {type(error).__name__}: {shown(error)}") from error
    try:
        found = np.array(value, dtype=np.float64)
    except Exception as error:  # whatever another library's container raises as it is read
        raise InputError(f"{name} must give an array of real numbers: {shown(error)}") from None
    if found.shape != shape:
        raise InputError(f"{name} must give an array of shape {shape} here, not {found.shape}")
    return found
