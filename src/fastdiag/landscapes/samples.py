"""Landscapes given by the derivatives of each data point's loss."""

from __future__ import annotations

from string import ascii_letters

import numpy as np

from ..errors import InputError
from ..typing import FloatArray, IntArray
from .landscape import (
    EVERY,
    Factor,
    Nodes,
    SampledLandscape,
    check_symmetric,
    checked,
    checked_weights,
    contract,
    labels_of,
)
from .turned import turned

CHUNK_BYTES = 1 << 27  # per-point products are formed this much at a time
KEPT_BYTES = 1 << 29  # tensors of one degree up to this size are kept along the last frame


class Samples(SampledLandscape):
    """Per-point derivative arrays; see `samples`. Point by point the loss is the Taylor polynomial that they define."""

    def __init__(self, derivatives: tuple[FloatArray, ...], weights: FloatArray) -> None:
        self.derivatives: tuple[FloatArray, ...] = derivatives
        """derivatives[k] has shape (S,) + (n,) * k."""
        self.weights = weights
        self.dimension = derivatives[1].shape[1]
        self.highest_degree = len(derivatives) - 1
        self._turned: tuple[FloatArray, dict[int, FloatArray]] = (np.empty(0), {})

    def moment(self, nodes: Nodes, frame: FloatArray | None) -> FloatArray:
        labels = labels_of(nodes)
        if len(nodes) == 1:  # one tensor is turned, not one for each point
            mean = np.tensordot(self.weights, self.derivatives[len(nodes[0])], 1)
            return contract([(mean if frame is None else turned(mean, frame), nodes[0])], labels)
        place = {label: ascii_letters[i + 1] for i, label in enumerate(labels)}  # 'a' is the point
        spec = ",".join("a" + "".join(place[label] for label in node) for node in nodes)
        spec = f"a,{spec}->" + "".join(place[label] for label in labels)
        per_point = 8 * max(self.dimension ** max(map(len, nodes)), self.dimension ** len(labels))
        step = max(1, CHUNK_BYTES // per_point)
        total = np.zeros((self.dimension,) * len(labels))
        for start in range(0, len(self.weights), step):
            rows = slice(start, start + step)
            tensors = [self._along(len(node), rows, frame) for node in nodes]
            total += np.einsum(spec, self.weights[rows], *tensors, optimize=True)
        return total

    def per_point(self, degree: int, rows: slice | IntArray = EVERY, frame: FloatArray | None = None) -> list[Factor]:
        return [(self._along(degree, rows, frame), tuple(range(degree)))]

    def _along(self, degree: int, rows: slice | IntArray, frame: FloatArray | None) -> FloatArray:
        """The points' tensors along the columns of a frame; those of the last frame are kept unless they are large."""
        tensors = self.derivatives[degree]
        if frame is None:
            return tensors[rows]
        if tensors.nbytes > KEPT_BYTES:
            return turned(tensors[rows], frame, 1)
        last, kept = self._turned
        if not np.array_equal(last, frame):
            kept = {}
            self._turned = frame.copy(), kept  # both at once: another thread may be here with another frame
        if degree not in kept:
            kept[degree] = turned(tensors, frame, 1)
        return kept[degree][rows]

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
