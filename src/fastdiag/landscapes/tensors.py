"""Landscapes given by dense cumulant tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import own, shown
from ..door import door
from ..errors import InputError, MissingTensorError
from ..locks import cached_property
from ..numerals import counted
from ..record import frozen
from ..typing import FloatArray
from .contraction import contract
from .given_tensors import check_symmetric, checked_axes, equal_when_rounded, tensor_or_zero
from .landscape import MOST_INDICES, Landscape, Nodes, checked
from .taylor import MomentLocal, moved_cumulants, re_expanded, tell_of_polynomial, with_covariances
from .to_eigenbasis import to_eigenbasis

Key = tuple[int, ...]

NEGLIGIBLE = 1e-7  # of the largest entry, for each weight: a negative eigenvalue that single precision may leave


class Tensors(Landscape):
    """Dense joint cumulants, by the sorted degrees of their nodes; see `tensors`."""

    highest_degree = None

    def __init__(self, cumulants: dict[Key, FloatArray], dimension: int, theta: FloatArray | None = None) -> None:
        self._cumulants = cumulants
        self.dimension = dimension
        self.theta = frozen(np.zeros(dimension)) if theta is None else theta
        self._told = False

    @property
    def cumulants(self) -> dict[Key, FloatArray]:
        """The cumulants that were given, read-only; `loss` has the key (0,)."""
        return dict(self._cumulants)

    def knows(self, degrees: Sequence[int]) -> bool:
        return tuple(sorted(degrees)) in self._cumulants

    @np.errstate(all="ignore")
    def part(self, nodes: Nodes, frame: FloatArray | None = None) -> FloatArray:
        ordered = sorted(nodes, key=len)
        key = tuple(map(len, ordered))
        if key not in self._cumulants:
            known = ", ".join(str(k) for k in sorted(self._cumulants))
            raise MissingTensorError(
                f"the cumulant {key} ({describe(key)}) is needed and was not given; known: {known}. "
                f"Give an array of shape {(self.dimension,) * sum(key)}, or 0 if it vanishes"
            )
        tensor = self._cumulants[key]
        if frame is not None:
            tensor = to_eigenbasis(tensor, frame)
        labels = [label for node in ordered for label in node]
        return contract([(tensor, labels)], sorted(set(labels)))

    def scaled(self, exponent: int) -> Tensors:
        with np.errstate(all="ignore"):
            cumulants = {key: frozen(np.ldexp(tensor, sum(key) * exponent)) for key, tensor in self._cumulants.items()}
            theta = frozen(np.ldexp(self.theta, -exponent))
        return Tensors(cumulants, self.dimension, theta)

    def moved(self, theta: FloatArray) -> Tensors:
        tell_of_polynomial(self)
        here = Tensors(moved_cumulants(self, theta - self.theta), self.dimension, frozen(theta))
        here._told = True
        return here

    @cached_property
    def _points(self) -> tuple[list[FloatArray], FloatArray]:
        return with_covariances(self)

    def local(self, theta: FloatArray) -> MomentLocal:
        tell_of_polynomial(self)
        step, (derivatives, weights) = theta - self.theta, self._points
        return MomentLocal(re_expanded(derivatives, step), weights, self, step)

    def __repr__(self) -> str:
        return f"<tensors landscape: {counted(self.dimension, 'weight')}, cumulants {sorted(self._cumulants)}>"


@door
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
    InputError : a key that is not sorted, a wrong shape, a tensor that is not finite or not symmetric; a covariance (1, 1)
        with a negative eigenvalue
    MissingTensorError : later, when a diagram needs a cumulant that was not given; the message names it

    Examples
    --------
    >>> import fastdiag as fd
    >>> land = fd.landscapes.tensors({(1,): [1.0], (2,): [[2.0]], (1, 1): [[0.5]]}, loss=3.0)
    >>> fd.uvalue("[a a]", land)  # C.H
    1.0
    """
    if not isinstance(cumulants, Mapping):
        raise InputError(
            f"cumulants must be a dict from node degrees to arrays, {{(1,): G, (2,): H}}, not {shown(cumulants)}"
        )
    given = {_degrees(key): value for key, value in cumulants.items()}
    axes = {key: checked_axes(f"cumulant {key}", value) for key, value in given.items()}
    dimension = next((shape[0] for shape in axes.values() if shape and shape[0]), 0)
    if dimension == 0:
        raise InputError("no cumulant is an array, so the number of weights is unknown; give (1,): the gradient")
    result = {}
    for key, value in given.items():
        shape = (dimension,) * sum(key)
        tensor = tensor_or_zero(f"cumulant {key}", value, shape, describe(key))
        starts = [sum(key[:i]) for i in range(len(key))]
        check_symmetric(
            f"cumulant {key}", tensor, [range(s, s + k) for s, k in zip(starts, key, strict=True)]
        )
        _check_exchangeable(key, tensor, starts)
        if key == (1, 1):
            _check_covariance(tensor)
        result[key] = tensor
    result[(0,)] = checked("loss", loss, (), "a number")
    return Tensors(result, dimension)


def _degrees(key: object) -> Key:
    if not isinstance(key, tuple) or not key or not all(type(own(k)) is int and k >= 1 for k in key):
        raise InputError(f"a cumulant's key is a tuple of node degrees >= 1 such as (1, 2), not {shown(key)}")
    degrees = tuple(map(own, key))
    if list(degrees) != sorted(degrees):
        right = tuple(sorted(degrees))
        raise InputError(f"cumulant keys are sorted by degree: write {shown(right)} instead of {shown(degrees)}")
    if sum(degrees) > MOST_INDICES:
        many = shown(sum(degrees))
        raise InputError(f"the cumulant {shown(key)} has {many} indices; at most {MOST_INDICES} are possible")
    return degrees


def describe(key: Key) -> str:
    """The cumulant in words: cov(grad l, hess l)."""
    names = {0: "l", 1: "grad l", 2: "hess l"}
    inside = ", ".join(names.get(k, f"grad^{k} l") for k in key)
    return {1: f"mean of {inside}", 2: f"cov({inside})"}.get(len(key), f"joint cumulant of {inside}")


def _check_exchangeable(key: Key, tensor: FloatArray, starts: list[int]) -> None:
    for i in range(len(key) - 1):
        if key[i] != key[i + 1]:
            continue
        axes = list(range(tensor.ndim))
        first, second, degree = starts[i], starts[i + 1], key[i]
        axes[first : second + degree] = [*range(second, second + degree), *range(first, second)]
        if not equal_when_rounded(tensor, tensor.transpose(axes)):
            raise InputError(
                f"cumulant {key} must not change when its nodes {i} and {i + 1} are exchanged (they are of one kind)"
            )


def _check_covariance(tensor: FloatArray) -> None:
    """Raise InputError for a negative eigenvalue beyond rounding (of single precision)."""
    scale = float(np.abs(tensor).max(initial=0.0))
    if scale == 0:
        return
    try:  # ten times faster than eigenvalues
        with np.errstate(under="ignore"):
            np.linalg.cholesky(tensor / scale + NEGLIGIBLE * len(tensor) * np.eye(len(tensor)))
    except np.linalg.LinAlgError:
        raise InputError(
            "cumulant (1, 1) is the covariance of the gradients and cannot have a negative eigenvalue; its least one is "
            f"{np.linalg.eigvalsh(tensor)[0]:.4g}. An estimate can be set right by dropping such eigenvalues"
        ) from None
