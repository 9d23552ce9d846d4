"""What every landscape answers: joint cumulants of derivative tensors at the starting weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np

from .. import arguments
from ..door import door
from ..errors import FastdiagError, InputError, MissingTensorError, UnsupportedError
from ..markup import cell, html_table
from ..record import Portable, frozen
from ..typing import FloatArray
from .contraction import MOST_LABELS
from .local import Local

Nodes: TypeAlias = tuple[tuple[int, ...], ...]
"""One tuple of axis labels per node; the node's tensor has that many indices, the same label means the same index."""
Factor: TypeAlias = tuple[FloatArray, tuple[int, ...]]
"""An array with labels for its axes: those of tensor indices, or negative numbers for the points of a mean."""

EVERY = slice(None)

MOST_SHOWN = 256  # weights of a landscape whose curvature a notebook shows
MOST_INDICES = MOST_LABELS - 2  # of a cumulant; the points take one


class Landscape(Portable, ABC):
    """A loss with its data distribution, seen from the starting weights theta_0.

    A landscape supplies joint cumulants over the data x of the tensors grad^k l_x(theta_0).
    """

    dimension: int
    """Number of weights n."""
    highest_degree: int | None
    """Highest derivative that it knows; None if any."""
    is_gradient: bool = True
    """Whether the tensors are derivatives of a loss, and not of a vector field."""
    least_loss: float | None = None
    """A number that no loss lies below, where one is known."""
    theta: Any
    """The weights theta_0, (n,); 0 where only derivatives were given. Symbolic ones have a tuple of exact values."""

    @abstractmethod
    def part(self, nodes: Nodes, frame: FloatArray | None = None) -> FloatArray:
        """Joint cumulant of the nodes' tensors, indices with one label set equal.

        Parameters
        ----------
        nodes : for each node, the labels of its indices; the labels are 0..m-1. `((0, 1), (1,))` is
            cov(hess l_x [a, b], grad l_x [b]), an array over a and b
        frame : (n, n), its columns the directions along which components are taken; None for the given coordinates

        Returns
        -------
        array of shape (n,) * m
        """

    def plot(self, path: str | Path | None = None) -> Any:
        """A picture: the loss along two ways from the start, and along the Hessian's eigenvectors its curvature and noise.

        The ways are against the gradient and along the largest curvature, as far as twice the quadratic model's minimum.
        Losses of which only derivatives are known are drawn as their Taylor polynomial. Needs matplotlib.

        Parameters
        ----------
        path : a file to write, .png, .svg or .pdf; None for none

        Returns
        -------
        A matplotlib Figure, which notebooks show

        Raises
        ------
        InputError : a vector field; no matplotlib, no such folder or format
        MissingTensorError : no Hessian

        Examples
        --------
        >>> import fastdiag as fd
        >>> fd.landscapes.gauss(1).plot(), fd.landscapes.breast_cancer().plot()
        (<picture of 1 panel: savefig writes it to a file>, <picture of 2 panels: savefig writes it to a file>)
        """
        from ..drawing.landscape_picture import plot  # an upward look

        return plot(self, path)

    def _repr_html_(self) -> str:
        """What notebooks show: at once, so nothing that takes long."""
        rows = [("weights", str(self.dimension))]
        if isinstance(points := getattr(self, "weights", None), np.ndarray):
            rows.append(("points", str(len(points))))
        asked: dict[str, Callable[[], Any]] = {"loss": lambda: self.loss}
        asked["size of the gradient"] = lambda: np.linalg.norm(self.gradient)
        if self.dimension <= MOST_SHOWN:
            asked["largest curvature"] = lambda: np.linalg.eigvalsh(self.hessian)[-1]
            asked["trace of the gradients' covariance"] = lambda: np.trace(self.gradient_covariance)
        for name, ask in asked.items() if self.is_gradient else ():
            with suppress(FastdiagError):
                rows.append((name, cell(ask())))
        return html_table(repr(self), (), rows)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Copied and unpickled arrays come back writable."""
        self.__dict__.update(state)
        _freeze(state)

    @door
    def at(self, theta: object) -> Self:
        """The same loss seen from other weights.

        Parameters
        ----------
        theta : (n,) the weights, exact ones for a symbolic landscape. Where only derivatives were given, weights count from
            their place, and the loss is their Taylor polynomial, of which it warns once

        Raises
        ------
        InputError : another shape, entries that are no finite numbers
        UnsupportedError : a landscape that knows its loss at one place only

        Examples
        --------
        >>> import fastdiag as fd
        >>> land = fd.landscapes.logistic([[1.0], [-2.0]], [1, 0], [0.0])
        >>> land.at([0.5]).theta.tolist(), round(land.at([0.5]).loss, 6)
        ([0.5], 0.393669)
        """
        return self.moved(checked("theta", theta, (self.dimension,), "one entry per weight"))

    def moved(self, theta: Any) -> Self:
        """`at` of what was checked."""
        raise self._fixed()

    def local(self, theta: Any) -> Local:
        """What an expansion about a path asks for, seen from theta; an array of Fractions asks for Fractions."""
        raise self._fixed()

    def _fixed(self) -> UnsupportedError:
        return UnsupportedError(f"{self!r} knows its tensors at theta_0 only and cannot move; landscapes.logistic can")

    @property
    def loss(self) -> float:
        """Test loss l(theta_0)."""
        return float(self.part(((),)))

    @property
    def gradient(self) -> FloatArray:
        """grad l(theta_0), (n,)."""
        return self.part(((0,),))

    @property
    def hessian(self) -> FloatArray:
        """Hessian of the test loss at theta_0, (n, n)."""
        return self.part(((0, 1),))

    @property
    def gradient_covariance(self) -> FloatArray:
        """Covariance C of the per-point gradients at theta_0, (n, n)."""
        return self.part(((0,), (1,)))

    def hessian_factors(self) -> tuple[FloatArray, FloatArray, FloatArray] | None:
        """c (S,), A (S, n), d (n,) with Hessian = A^T diag(c) A + diag(d), or None where it has no such form."""
        return None

    def scaled(self, exponent: int) -> Landscape:
        """The same in weights that are 2^-exponent times these; itself where it cannot be had."""
        return self

    def knows(self, degrees: Sequence[int]) -> bool:
        """Whether it has the joint cumulant of nodes of these degrees: (1, 2) is cov(grad l, hess l)."""
        return self.highest_degree is None or max(degrees, default=0) <= self.highest_degree

    def require_degree(self, degree: int, why: str) -> None:
        """Raise MissingTensorError if derivatives of this degree are not known."""
        if self.highest_degree is not None and degree > self.highest_degree:
            names = {1: "`grad`", 2: "`hess`", 3: "`third`", 4: "`fourth`", 5: "`fifth`"}
            raise MissingTensorError(
                f"{why} needs derivatives of degree {degree}, but this landscape has them only up to degree "
                f"{self.highest_degree}; supply {names.get(degree, 'more in `higher`')}, or ask for a lower order"
            )


def labels_of(nodes: Nodes) -> list[int]:
    """The labels that occur, in ascending order."""
    return sorted({label for node in nodes for label in node})


def check_landscape(landscape: object, fields: bool = False) -> None:
    """Raise InputError unless it is a Landscape, and a loss; fields: a vector field will do too."""
    if not isinstance(landscape, Landscape):
        raise InputError(f"landscape must come from fastdiag.landscapes, not {arguments.shown(landscape)}")
    if not fields and not landscape.is_gradient:
        raise InputError(f"{landscape!r} has no loss, which this is about; predict and simulate take vector fields")


def start_in_floats(landscape: Landscape) -> FloatArray:
    """theta_0, (n,).

    Raises
    ------
    InputError : a formula has free symbols in its place
    """
    try:
        return np.array([float(x) for x in landscape.theta])
    except TypeError:
        raise InputError(
            f"this starts from numbers, and theta_0 is {arguments.shown(landscape.theta)}; give them by landscape.at(theta)"
        ) from None


def checked(name: str, array: object, shape: tuple[int | None, ...], meaning: str) -> FloatArray:
    """A finite float64 array of our own, read-only; see `arguments.array`."""
    return frozen(arguments.array(name, array, shape, meaning))


def same_frame(first: FloatArray | None, second: FloatArray | None) -> bool:
    """Whether two frames are the same, None too."""
    return first is second or (first is not None and second is not None and np.array_equal(first, second))


def _freeze(value: Any) -> None:
    """`frozen` for all arrays within containers."""
    if isinstance(value, np.ndarray):
        frozen(value)
    elif isinstance(value, dict | tuple | list):
        for item in value.values() if isinstance(value, dict) else value:
            _freeze(item)


def checked_weights(weights: object, points: int) -> FloatArray:
    """Probabilities of the points: uniform by default, else positive numbers, normalised."""
    if weights is None:
        return frozen(np.full(points, 1.0 / points))
    result = checked("weights", weights, (points,), "one probability per point")
    if (result < 0).any() or not result.any():
        raise InputError("weights must be non-negative and not all zero; they are the probabilities of the points")
    with np.errstate(under="ignore"):
        result = np.ldexp(result, -int(np.frexp(result.max())[1]))  # their sum may overflow
        return frozen(np.asarray(result / result.sum()))
