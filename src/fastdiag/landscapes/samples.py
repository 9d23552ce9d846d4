"""Landscapes given by the derivatives of each data point's loss."""

from __future__ import annotations

import numpy as np

from ..arguments import sequence
from ..door import door
from ..errors import InputError
from ..numerals import counted
from ..record import frozen
from ..typing import FloatArray, IntArray
from .given_tensors import check_symmetric, tensor_or_zero
from .landscape import EVERY, Factor, checked, checked_weights
from .sampled import CHUNK_BYTES, SampledLandscape
from .taylor import TaylorLocal, re_expanded, tell_of_polynomial
from .to_eigenbasis import to_eigenbasis


class Samples(SampledLandscape):
    """Per-point derivative arrays; see `samples`. Point by point the loss is the Taylor polynomial that they define."""

    def __init__(
        self, derivatives: tuple[FloatArray, ...], weights: FloatArray, theta: FloatArray | None = None
    ) -> None:
        self.derivatives: tuple[FloatArray, ...] = derivatives
        """derivatives[k] has shape (S,) + (n,) * k."""
        self.weights = weights
        self.dimension = derivatives[1].shape[1]
        self.theta = frozen(np.zeros(self.dimension)) if theta is None else theta
        self.highest_degree = len(derivatives) - 1
        self._told = False
        self._centres: dict[int, tuple[FloatArray, FloatArray]] = {}

    def mean(self, degree: int, frame: FloatArray | None = None) -> FloatArray:
        mean = np.asarray(np.tensordot(self.weights, self.derivatives[degree], 1))
        return mean if frame is None else self.turned(mean, frame)  # one tensor is turned, not one for each point

    def per_point(self, degree: int, rows: slice | IntArray = EVERY, frame: FloatArray | None = None) -> list[Factor]:
        if frame is None:
            return [(self.derivatives[degree][rows], tuple(range(degree)))]
        return [(self.deviations(degree, rows, frame) + self.mean(degree, frame), tuple(range(degree)))]

    def centred(self, degree: int, rows: slice | IntArray, frame: FloatArray | None) -> FloatArray:
        if degree not in self._centres:
            self._centres[degree] = self._centre(degree)
        first, second = self._centres[degree]
        tensors = self.derivatives[degree][rows] - first
        tensors -= second
        return tensors if frame is None else self.turned(tensors, frame, 1)

    def _centre(self, degree: int) -> tuple[FloatArray, FloatArray]:
        """The mean as a sum: that of what is left when the first is taken off is exact to the digits of the spread."""
        tensors, first = self.derivatives[degree], self.mean(degree)
        second = np.zeros_like(first)
        step = max(1, CHUNK_BYTES // (8 * max(1, first.size)))
        for start in range(0, len(tensors), step):
            rows = slice(start, start + step)
            second += np.tensordot(self.weights[rows], tensors[rows] - first, 1)
        return first, second

    def turned(self, tensor: FloatArray, frame: FloatArray, leading: int = 0) -> FloatArray:
        """A tensor along the directions of a frame, in all axes but some leading ones."""
        return to_eigenbasis(tensor, frame, leading)

    def scaled(self, exponent: int) -> Samples:
        with np.errstate(all="ignore"):
            tensors = tuple(frozen(np.ldexp(tensor, k * exponent)) for k, tensor in enumerate(self.derivatives))
            theta = frozen(np.ldexp(self.theta, -exponent))
        return type(self)(tensors, self.weights, theta)

    def moved(self, theta: FloatArray) -> Samples:
        tell_of_polynomial(self)
        here = type(self)(tuple(map(frozen, self._seen_from(theta))), self.weights, frozen(theta))
        here._told = True
        return here

    def local(self, theta: FloatArray) -> TaylorLocal:
        tell_of_polynomial(self)
        return TaylorLocal(self._seen_from(theta), self.weights)

    def _seen_from(self, theta: FloatArray) -> list[FloatArray]:
        return re_expanded(self.derivatives, theta - self.theta)

    def __repr__(self) -> str:
        S, n = len(self.weights), self.dimension
        return f"<samples landscape: {counted(S, 'point')}, {counted(n, 'weight')}, degree {self.highest_degree}>"


@door
def samples(
    loss: object,
    grad: object,
    hess: object | None = None,
    third: object | None = None,
    fourth: object | None = None,
    weights: object | None = None,
    fifth: object | None = None,
    higher: object = (),
) -> Samples:
    """A landscape from the derivatives of each point's loss at theta_0; the S points *are* the distribution.

    Parameters
    ----------
    loss : (S,) l_x(theta_0) for each point
    grad : (S, n)
    hess : (S, n, n), symmetric
    third : (S, n, n, n), symmetric
    fourth : (S, n, n, n, n), symmetric
    weights : (S,) probabilities of the points, normalised here; uniform by default
    fifth : (S, n, n, n, n, n), symmetric
    higher : a sequence of the sixth, the seventh, ... derivatives, any number of them

    The number 0 stands for a derivative from the second on that vanishes.

    Returns
    -------
    Samples. Cumulants are plain population cumulants over the points. `simulate` runs on the Taylor polynomial.

    Raises
    ------
    InputError : wrong shapes (saying which was expected), not finite, not symmetric

    Examples
    --------
    >>> import fastdiag as fd
    >>> land = fd.landscapes.samples([1.0, 3.0], [[1.0], [-1.0]], [[[2.0]], [[2.0]]])
    >>> land.loss, land.gradient_covariance.tolist()
    (2.0, [[1.0]])
    """
    first = checked("loss", loss, (None,), "one loss per point")
    points = len(first)
    if points == 0:
        raise InputError("loss is empty; a landscape needs at least one point")
    second = checked("grad", grad, (points, None), "points, weights")
    n = second.shape[1]
    if n == 0:
        raise InputError("grad has no column; a landscape needs at least one weight")
    derivatives = [first, second]
    named = [("hess", hess), ("third", third), ("fourth", fourth), ("fifth", fifth)]
    more = sequence("higher", higher, "the sixth, the seventh, ... derivatives")
    named += [(f"higher[{i}]", array) for i, array in enumerate(more)]
    for degree, (name, array) in enumerate(named, 2):
        if array is None:
            continue
        if len(derivatives) < degree:
            raise InputError(f"{name} was given but a lower derivative is missing; give them all up to the highest")
        shape = (points, *(n,) * degree)
        derivatives.append(tensor_or_zero(name, array, shape, "points, then weights for each derivative"))
        check_symmetric(name, derivatives[-1], [range(1, degree + 1)])
    return Samples(tuple(derivatives), checked_weights(weights, points))
