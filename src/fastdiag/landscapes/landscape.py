"""What every landscape answers: joint cumulants of derivative tensors at the starting weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any, Self, TypeAlias

import numpy as np

from .. import arguments
from ..diagram.partition import moebius_to_top
from ..door import door
from ..errors import InputError, MissingTensorError, TooLargeError, UnsupportedError
from ..record import Portable, frozen
from ..typing import FloatArray, IntArray
from .contraction import MOST_LABELS, contract
from .cumulant import Weight, central, joint_cumulant, partition_terms
from .local import Local

Nodes: TypeAlias = tuple[tuple[int, ...], ...]
"""One tuple of axis labels per node; the node's tensor has that many indices, the same label means the same index."""
Factor: TypeAlias = tuple[FloatArray, tuple[int, ...]]
"""An array with labels for its axes: those of tensor indices, or negative numbers for the points of a mean."""

EVERY = slice(None)
CHUNK_BYTES = 1 << 27  # per-point products are formed this much at a time
KEPT_BYTES = 1 << 29  # deviations of one degree up to this size are kept along the last frame

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


class SampledLandscape(Landscape):
    """A landscape whose distribution is a finite set of weighted points.

    A shift of a tensor changes no cumulant of several, so these are taken of deviations from the means: in raw moments, the
    digits that all points have in common would cancel.
    """

    weights: FloatArray
    """Probability of each point, (S,)."""

    @property
    def index_shape(self) -> tuple[int, ...]:
        """An index of a tensor taken apart, for `factored`: of s entries, index a has the labels s a ... s a + s - 1."""
        return (self.dimension,)

    @abstractmethod
    def mean(self, degree: int, frame: FloatArray | None = None) -> FloatArray:
        """grad^degree l, (n,) * degree."""

    @abstractmethod
    def per_point(self, degree: int, rows: slice | IntArray = EVERY, frame: FloatArray | None = None) -> list[Factor]:
        """grad^degree l_x at some of the points, as factors whose product it is; each has the points as its first axis.

        The factors' labels are those of the axes after the first: 0..degree-1; others up to 2 degree - 1 are summed over.
        """

    @abstractmethod
    def centred(self, degree: int, rows: slice | IntArray, frame: FloatArray | None) -> FloatArray:
        """grad^degree (l_x - l) at some of the points, (points,) + (n,) * degree, exact to the digits of the deviations."""

    def deviations(self, degree: int, rows: slice | IntArray = EVERY, frame: FloatArray | None = None) -> FloatArray:
        """The same; of all points they are kept for the last frame, unless they are large."""
        if 8 * len(self.weights) * self.dimension**degree > KEPT_BYTES:
            return self.centred(degree, rows, frame)
        last, kept = self.__dict__.get("_deviations", (None, {}))
        if not same(last, frame):
            kept = {}
        self.__dict__["_deviations"] = None if frame is None else frame.copy(), kept  # at once: another thread may be here
        if degree not in kept:
            kept[degree] = frozen(self.centred(degree, EVERY, frame))
        return np.asarray(kept[degree][rows])

    def shifted(
        self, degree: int, rows: slice | IntArray = EVERY, frame: FloatArray | None = None
    ) -> tuple[list[Factor], Callable[[], FloatArray] | None]:
        """The same as small factors, and what is still to be taken off, when asked; None for nothing.

        Labels from `degree` on are summed over in the product.
        """
        return [(self.deviations(degree, rows, frame), tuple(range(degree)))], None

    def part(self, nodes: Nodes, frame: FloatArray | None = None) -> FloatArray:
        return self.combined(nodes, frame, moebius_to_top)

    @np.errstate(all="ignore")
    def combined(self, nodes: Nodes, frame: FloatArray | None, weight: Weight) -> FloatArray:
        """`part` with other weights of the set partitions than the Moebius function: for estimates."""
        for node in nodes:
            self.require_degree(len(node), f"a node of degree {len(node)}")
        if len(nodes) == 1:
            return contract([(self.mean(len(nodes[0]), frame), nodes[0])], labels_of(nodes))
        return np.asarray(
            joint_cumulant(
                nodes,
                lambda members: self.moment(members, frame),
                lambda moments: contract([(array, labels_of(members)) for members, array in moments], labels_of(nodes)),
                central(weight),
            )
        )

    def moment(self, nodes: Nodes, frame: FloatArray | None = None) -> FloatArray:
        """Mean of the product of the nodes' deviations; the axes are the labels in ascending order."""
        labels = labels_of(nodes)
        if len(labels) > MOST_INDICES:
            raise TooLargeError(f"a cumulant with {len(labels)} indices is needed; arrays have at most {MOST_INDICES}")
        total = np.zeros((self.dimension,) * len(labels))
        step = max(1, CHUNK_BYTES // (8 * self.dimension ** max(*map(len, nodes), len(labels) - 1)))
        for start in range(0, len(self.weights), step):
            rows = slice(start, start + step)
            total += _mean_product(self.weights[rows], [self.deviations(len(node), rows, frame) for node in nodes], nodes)
        return total

    def factored(self, nodes: Nodes) -> Iterator[tuple[int, list[Factor]]]:
        """The joint cumulant as a sum of weighted products of small arrays.

        Negative labels are summed over: -b is that of the points of the b-th mean, others are within a tensor.
        """
        if len(nodes) == 1:
            tensors: dict[int, Any] = {len(nodes[0]): (self.per_point(len(nodes[0])), "all of it")}
        else:
            tensors = {degree: self.shifted(degree) for degree in set(map(len, nodes))}
        for weight, blocks in partition_terms(len(nodes)):
            if any(len(block) == 1 and tensors[len(nodes[block[0]])][1] is None for block in blocks):
                continue  # a mean that is 0
            factors: list[Factor] = []
            below = -len(blocks) - 1  # the next label for a sum within a tensor
            for point, block in enumerate(blocks, 1):
                scale = self.weights
                for node in (nodes[i] for i in block):
                    degree, found = len(node), tensors[len(node)][0]
                    for array, axes in found:
                        if axes:
                            named = (node[a] if a < degree else below - (a - degree) for a in axes)
                            factors.append((array, (-point, *named)))
                        else:
                            scale = scale * array
                    below -= 1 + max((a - degree for _, axes in found for a in axes if a >= degree), default=-1)
                factors.append((scale, (-point,)))
            yield weight, factors


def _mean_product(weights: FloatArray, tensors: Sequence[FloatArray], nodes: Nodes) -> FloatArray:
    """Sum over weighted points of the product of their tensors, by matrix products: of one tensor with all the others."""
    apart = [nodes[:i] + nodes[i + 1 :] for i in range(len(nodes))]
    one = min(range(len(nodes)), key=lambda i: len(labels_of(apart[i])))
    ours, theirs = labels_of((nodes[one],)), labels_of(apart[one])
    both = [label for label in ours if label in theirs]
    only, rest = ([label for label in some if label not in both] for some in (ours, theirs))
    names = {label: i for i, label in enumerate(labels_of(nodes), 1)}  # 0 is the point

    def named(labels: Sequence[int]) -> list[int]:
        return [names[label] for label in labels]

    operand: list[Any] = [tensors[one], [0, *named(nodes[one])]]
    left: Any = np.einsum(*operand, [*named(both), 0, *named(only)])
    others: list[Any] = [weights, [0]]
    for i, node in enumerate(nodes):
        others += [tensors[i], [0, *named(node)]] if i != one else []
    right: Any = np.einsum(*others, [*named(both), 0, *named(rest)])
    shape, points = right.shape[: len(both)], len(weights)
    left, right = (np.ascontiguousarray(array) for array in (left, right))
    product = left.reshape(prod(shape), points, -1).swapaxes(1, 2) @ right.reshape(prod(shape), points, -1)
    found = product.reshape(*shape, *left.shape[len(both) + 1 :], *right.shape[len(both) + 1 :])
    order = [*both, *only, *rest]
    return np.asarray(found.transpose([order.index(label) for label in sorted(order)]))


def labels_of(nodes: Nodes) -> list[int]:
    """The labels that occur, in ascending order."""
    return sorted({label for node in nodes for label in node})


def check_landscape(landscape: object, fields: bool = False) -> None:
    """Raise InputError unless it is a Landscape, and a loss; fields: a vector field will do too."""
    if not isinstance(landscape, Landscape):
        raise InputError(f"landscape must come from fastdiag.landscapes, not {arguments.shown(landscape)}")
    if not fields and not landscape.is_gradient:
        raise InputError(f"{landscape!r} has no loss, which this is about; predict and simulate take vector fields")


def checked(name: str, array: object, shape: tuple[int | None, ...], meaning: str) -> FloatArray:
    """A finite float64 array of our own, read-only; see `arguments.array`."""
    return frozen(arguments.array(name, array, shape, meaning))


def same(first: FloatArray | None, second: FloatArray | None) -> bool:
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
