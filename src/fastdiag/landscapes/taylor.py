"""Landscapes of which only derivatives were given: away from there they are Taylor polynomials."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import product
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..door import outside
from ..errors import TaylorWarning
from .averaged import Averaged, by_wick
from .local import Numbers, PointTensors

if TYPE_CHECKING:
    from .tensors import Tensors


class TaylorLocal(PointTensors):
    """Points whose losses are Taylor polynomials; derivatives above their degree are 0."""

    def __init__(self, derivatives: Sequence[Numbers], weights: Numbers) -> None:
        super().__init__(weights, derivatives[1].shape[1])
        self.derivatives = derivatives

    def tensor(self, degree: int) -> Numbers:
        if degree < len(self.derivatives):
            return self.derivatives[degree]
        return np.broadcast_to(0.0, (len(self.weights), *(self.dimension,) * degree))

    def averaged(self, S: Numbers) -> Averaged:
        return by_wick(self, len(self.derivatives) - 1, S)


def re_expanded(derivatives: Sequence[Numbers], step: Numbers) -> list[Numbers]:
    """The derivatives of a Taylor polynomial at another place, exactly: by Horner's rule along the last axis.

    Parameters
    ----------
    derivatives : symmetric arrays, the k-th with k axes of n after any others
    step : (n,) from the old place to the new

    Examples
    --------
    >>> [x.tolist() for x in re_expanded([np.array(5.0), np.array([1.0]), np.array([[2.0]])], np.array([3.0]))]
    [17.0, [7.0], [[2.0]]]
    """
    result = []
    for degree in range(len(derivatives)):
        total = derivatives[-1]
        for higher in range(len(derivatives) - 1, degree, -1):
            total = total @ step / (higher - degree) + derivatives[higher - 1]
        result.append(np.asarray(total))
    return result


class MomentLocal(TaylorLocal):
    """Tensors as points that have their means and covariances; the third cumulant of the gradient is the tensors' own."""

    def __init__(self, derivatives: Sequence[Numbers], weights: Numbers, landscape: Tensors, step: Numbers) -> None:
        super().__init__(derivatives, weights)
        self.landscape, self.step = landscape, step

    @property
    def skew(self) -> Numbers:
        return moved_cumulants(self.landscape, self.step).get((1, 1, 1), np.zeros((self.dimension,) * 3))


def moved_cumulants(landscape: Tensors, step: Numbers) -> dict[tuple[int, ...], Numbers]:
    """The same cumulants at another place; those that were not given count as 0."""
    known = landscape.cumulants
    highest = max(degree for key in known for degree in key)
    found = {}
    for key, tensor in known.items():
        total = np.zeros_like(tensor)
        for more in product(*(range(highest - degree + 1) for degree in key)):
            raised = [degree + extra for degree, extra in zip(key, more, strict=True)]
            if tuple(sorted(raised)) not in known:
                continue
            starts = np.cumsum([0, *raised]).tolist()
            term = landscape.part(tuple(tuple(range(a, b)) for a, b in zip(starts, starts[1:], strict=False)))
            for node in reversed(range(len(key))):
                for axis in reversed(range(starts[node] + key[node], starts[node + 1])):
                    term = np.tensordot(term, step, ((axis,), (0,)))
                term = term / factorial(more[node])
            total += term
        found[key] = total
    return found


def with_covariances(landscape: Tensors) -> tuple[list[Numbers], Numbers]:
    """Derivatives and weights of points that have a landscape's means and covariances; weights may be negative.

    The covariance of all entries of all tensors is diagonal in its eigenvectors, and each stands for two points.
    """
    known, n = landscape.cumulants, landscape.dimension
    highest = max(degree for key in known for degree in key if len(key) <= 2)
    degrees = range(1, 1 + max((max(key) for key in known if len(key) == 2), default=0))
    ends = np.cumsum([0, *(n**degree for degree in degrees)]).tolist()
    covariance = np.zeros((ends[-1], ends[-1]))
    for i, first in enumerate(degrees):
        for j, second in enumerate(degrees):
            if tuple(sorted((first, second))) in known:
                part = landscape.part((tuple(range(first)), tuple(range(first, first + second))))
                covariance[ends[i] : ends[i + 1], ends[j] : ends[j + 1]] = part.reshape(n**first, n**second)
    sizes, vectors = np.linalg.eigh(covariance)
    kept = np.abs(sizes) > 1e-15 * np.abs(sizes).max(initial=0.0)
    sizes, vectors = sizes[kept], vectors[:, kept] * np.sqrt(kept.sum())
    weights = np.concatenate([sizes, sizes]) / max(1, 2 * len(sizes))
    deviations = np.vstack([vectors.T, -vectors.T, np.zeros((1, ends[-1]))])
    derivatives = []
    for degree in range(highest + 1):
        mean = known.get((degree,), np.zeros((n,) * degree))
        tensors = np.tile(mean, (len(deviations),) + (1,) * degree)
        if degree in degrees:
            tensors += deviations[:, ends[degree - 1] : ends[degree]].reshape(tensors.shape)
        derivatives.append(tensors)
    return derivatives, np.append(weights, 1.0 - weights.sum())


def tell_of_polynomial(landscape: Any) -> None:
    """Warn, once for each landscape, that its loss is taken for a Taylor polynomial."""
    if not vars(landscape).setdefault("_told", False):
        vars(landscape)["_told"] = True
        warnings.warn(
            f"{landscape!r} moves as the Taylor polynomial that it is: derivatives that were not given count as 0",
            TaylorWarning, stacklevel=outside(),
        )
