"""Landscapes given by dense cumulant tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, MissingTensorError
from ..typing import FloatArray
from .landscape import Landscape, Nodes, check_symmetric, checked, contract
from .turned import turned

Key = tuple[int, ...]


class Tensors(Landscape):
    """Dense joint cumulants, by the sorted degrees of their nodes; see `tensors`."""

    highest_degree = None

    def __init__(self, cumulants: dict[Key, FloatArray], dimension: int) -> None:
        self.cumulants = cumulants
        self.dimension = dimension

    def knows(self, degrees: Sequence[int]) -> bool:
        return tuple(sorted(degrees)) in self.cumulants

    def part(self, nodes: Nodes, frame: FloatArray | None = None) -> FloatArray:
        ordered = sorted(nodes, key=len)
        key = tuple(map(len, ordered))
        if key not in self.cumulants:
            known = ", ".join(str(k) for k in sorted(self.cumulants))
            raise MissingTensorError(
                f"the cumulant {key} ({describe(key)}) is needed and was not given; known: {known}. "
                f"Give an array of shape {(self.dimension,) * sum(key)}, or 0 if it vanishes"
            )
        tensor = self.cumulants[key]
        if frame is not None:
            tensor = turned(tensor, frame)
        labels = [label for node in ordered for label in node]
        return contract([(tensor, labels)], sorted(set(labels)))

    def __repr__(self) -> str:
        return f"<tensors landscape: {self.dimension} weights, cumulants {sorted(self.cumulants)}>"


def tensors(cumulants: Mapping[Key, ArrayLike], loss: float = 0.0) -> Tensors:
    """A landscape from dense joint cumulants of the derivatives at theta_0.

    Parameters
    ----------
    cumulants : for each sorted tuple of node degrees, the joint cumulant over the data of that many derivative tensors:
        (1,): gradient G (n,); (2,): Hessian H (n, n); (3,): J (n, n, n); (1, 1): gradient covariance C (n, n);
        (1, 1, 1): third cumulant S (n, n, n); (1, 2): cov(grad l, hess l) (n, n, n), axes node by node. The number 0
        stands for a tensor that vanishes.
    loss : l(theta_0)

    Raises
    ------
    InputError : a key that is not sorted, a wrong shape, a tensor that is not finite or not symmetric
    MissingTensorError : later, when a diagram needs a cumulant that was not given; the message names it

    Examples
    --------
    >>> import fastdiag as fd
    >>> land = fd.landscapes.tensors({(1,): [1.0], (2,): [[2.0]], (1, 1): [[0.5]]}, loss=3.0)
    >>> fd.uvalue("[a a]", land)  # C.H
    1.0
    """
    if not isinstance(cumulants, Mapping):
        raise InputError(f"cumulants must be a dict from node degrees to arrays, {{(1,): G, (2,): H}}, not {cumulants!r}")
    dimension = 0
    for key, array in cumulants.items():
        if not (isinstance(key, tuple) and key and all(isinstance(k, int) and k >= 1 for k in key)):
            raise InputError(f"a cumulant's key is a tuple of node degrees >= 1 such as (1, 2), not {key!r}")
        if list(key) != sorted(key):
            raise InputError(f"cumulant keys are sorted by degree: write {tuple(sorted(key))} instead of {key}")
        if np.ndim(array) > 0:
            dimension = dimension or np.shape(array)[0]
    if dimension == 0:
        raise InputError("no cumulant is an array, so the number of weights is unknown; give (1,): the gradient")
    result = {}
    for key, array in cumulants.items():
        shape = (dimension,) * sum(key)
        if np.ndim(array) == 0 and array == 0:
            result[key] = np.zeros(shape)
            continue
        tensor = checked(f"cumulant {key}", array, shape, describe(key))
        starts = [sum(key[:i]) for i in range(len(key))]
        check_symmetric(
            f"cumulant {key}", tensor, [range(s, s + k) for s, k in zip(starts, key, strict=True)]
        )
        _check_exchangeable(key, tensor, starts)
        result[key] = tensor
    result[(0,)] = checked("loss", loss, (), "a number")
    return Tensors(result, dimension)


def describe(key: Key) -> str:
    """The cumulant in words: cov(grad l, hess l)."""
    names = {0: "l", 1: "grad l", 2: "hess l"}
    inside = ", ".join(names.get(k, f"grad^{k} l") for k in key)
    return {1: f"mean of {inside}", 2: f"cov({inside})"}.get(len(key), f"joint cumulant of {inside}")


def _check_exchangeable(key: Key, tensor: FloatArray, starts: list[int]) -> None:
    scale = float(np.abs(tensor).max(initial=0.0))
    for i in range(len(key) - 1):
        if key[i] != key[i + 1]:
            continue
        axes = list(range(tensor.ndim))
        first, second, degree = starts[i], starts[i + 1], key[i]
        axes[first : second + degree] = [*range(second, second + degree), *range(first, second)]
        if not np.allclose(tensor, tensor.transpose(axes), rtol=1e-10, atol=1e-10 * scale):
            raise InputError(
                f"cumulant {key} must not change when its nodes {i} and {i + 1} are exchanged (they are of one kind)"
            )
