"""Landscapes given by the derivatives of each data point's loss."""

from __future__ import annotations

from string import ascii_letters

import numpy as np

from ..errors import InputError
from ..typing import FloatArray, IntArray
from .landscape import EVERY, Factor, Nodes, SampledLandscape, check_symmetric, checked, checked_weights

CHUNK_BYTES = 1 << 27  # per-point products are formed this much at a time


class Samples(SampledLandscape):
    """Per-point derivative arrays; see `samples`. Point by point the loss is the Taylor polynomial that they define."""

    def __init__(self, derivatives: tuple[FloatArray, ...], weights: FloatArray) -> None:
        self.derivatives: tuple[FloatArray, ...] = derivatives
        """derivatives[k] has shape (S,) + (n,) * k."""
        self.weights = weights
        self.dimension = derivatives[1].shape[1]
        self.highest_degree = len(derivatives) - 1

    def moment(self, nodes: Nodes, frame: FloatArray | None) -> FloatArray:
        labels = sorted({label for node in nodes for label in node})
        place = {label: ascii_letters[i + 1] for i, label in enumerate(labels)}  # 'a' is the point
        spec = ",".join("a" + "".join(place[label] for label in node) for node in nodes)
        spec = f"a,{spec}->" + "".join(place[label] for label in labels)
        per_point = 8 * max(self.dimension ** max(map(len, nodes)), self.dimension ** len(labels))
        step = max(1, CHUNK_BYTES // per_point)
        total = np.zeros((self.dimension,) * len(labels))
        for start in range(0, len(self.weights), step):
            stop = start + step
            tensors = [_rotated(self.derivatives[len(node)][start:stop], frame) for node in nodes]
            total += np.einsum(spec, self.weights[start:stop], *tensors, optimize=len(nodes) > 1)
        return total

    def per_point(self, degree: int, rows: slice | IntArray = EVERY, frame: FloatArray | None = None) -> list[Factor]:
        return [(_rotated(self.derivatives[degree][rows], frame), tuple(range(degree)))]

    def __repr__(self) -> str:
        S, n = len(self.weights), self.dimension
        return f"<samples landscape: {S} points, {n} weights, degree {self.highest_degree}>"


def samples(
    loss: object,
    grad: object,
    hess: object | None = None,
    third: object | None = None,
    fourth: object | None = None,
    weights: object | None = None,
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
    for name, array in (("hess", hess), ("third", third), ("fourth", fourth)):
        degree = len(derivatives)
        if array is None:
            break
        tensor = checked(name, array, (points, *(n,) * degree), "points, then weights for each derivative")
        check_symmetric(name, tensor, [range(1, degree + 1)])
        derivatives.append(tensor)
    for name, array in (("third", third), ("fourth", fourth)):
        if array is not None and len(derivatives) < {"third": 4, "fourth": 5}[name]:
            raise InputError(f"{name} was given but a lower derivative is missing; give them all up to the highest")
    return Samples(tuple(derivatives), checked_weights(weights, points))


def _rotated(tensor: FloatArray, frame: FloatArray | None) -> FloatArray:
    """Components of (S, n, ..., n) tensors along the columns of the frame."""
    if frame is None:
        return tensor
    for axis in range(1, tensor.ndim):
        tensor = np.moveaxis(np.tensordot(tensor, frame, (axis, 0)), -1, axis)
    return tensor
