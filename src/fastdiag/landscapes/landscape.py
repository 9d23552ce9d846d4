"""What every landscape answers: joint cumulants of derivative tensors at the starting weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import Any, TypeAlias

import numpy as np

from ..diagram.partition import moebius_to_top
from ..errors import InputError, MissingTensorError, TooLargeError
from ..typing import FloatArray, IntArray
from .cumulant import Weight, joint_cumulant, partition_terms

Nodes: TypeAlias = tuple[tuple[int, ...], ...]
"""One tuple of axis labels per node; the node's tensor has that many indices, the same label means the same index."""
Factor: TypeAlias = tuple[FloatArray, tuple[int, ...]]
"""An array with labels for its axes: those of tensor indices, or negative numbers for the points of a mean."""

EVERY = slice(None)
ONE_LOOP = 10_000  # a contraction of fewer terms is done in one loop: finding a better order would take longer

MOST_LABELS, MOST_AXES = 52, 32  # that np.einsum takes


class Landscape(ABC):
    """A loss with its data distribution, seen from the starting weights theta_0.

    A landscape supplies joint cumulants over the data x of the tensors grad^k l_x(theta_0).
    """

    dimension: int
    """Number of weights n."""
    highest_degree: int | None
    """Highest derivative that it knows; None if any."""

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

    def knows(self, degrees: Sequence[int]) -> bool:
        """Whether it has the joint cumulant of nodes of these degrees: (1, 2) is cov(grad l, hess l)."""
        return self.highest_degree is None or max(degrees, default=0) <= self.highest_degree

    def require_degree(self, degree: int, why: str) -> None:
        """Raise MissingTensorError if derivatives of this degree are not known."""
        if self.highest_degree is not None and degree > self.highest_degree:
            names = ("loss", "grad", "hess", "third", "fourth")
            supply = "landscapes.samples takes none above `fourth`, landscapes.symbolic has all"
            raise MissingTensorError(
                f"{why} needs derivatives of degree {degree}, but this landscape has them only up to degree "
                f"{self.highest_degree}; {f'supply `{names[degree]}`' if degree < len(names) else supply}, or ask for a "
                "lower order"
            )


class SampledLandscape(Landscape):
    """A landscape whose distribution is a finite set of weighted points; cumulants come from moments over them."""

    weights: FloatArray
    """Probability of each point, (S,)."""

    @abstractmethod
    def moment(self, nodes: Nodes, frame: FloatArray | None) -> FloatArray:
        """Mean over the points of the product of the nodes' tensors; the axes are the labels in ascending order."""

    @abstractmethod
    def per_point(self, degree: int, rows: slice | IntArray = EVERY, frame: FloatArray | None = None) -> list[Factor]:
        """grad^degree l_x at some of the points, as factors whose product it is; each has the points as its first axis.

        The factors' labels are those of the axes after the first: 0..degree-1.
        """

    def part(self, nodes: Nodes, frame: FloatArray | None = None) -> FloatArray:
        return self.combined(nodes, frame, moebius_to_top)

    def combined(self, nodes: Nodes, frame: FloatArray | None, weight: Weight) -> FloatArray:
        """`part` with other weights of the set partitions than the Moebius function: for estimates."""
        for node in nodes:
            self.require_degree(len(node), f"a node of degree {len(node)}")
        return np.asarray(
            joint_cumulant(
                nodes,
                lambda members: self.moment(members, frame),
                lambda moments: contract([(array, labels_of(members)) for members, array in moments], labels_of(nodes)),
                weight,
            )
        )

    def factored(self, nodes: Nodes) -> Iterator[tuple[int, list[Factor]]]:
        """The joint cumulant as a sum of weighted products of small arrays; -b labels the points of the b-th mean."""
        for weight, blocks in partition_terms(len(nodes)):
            factors: list[Factor] = []
            for label, block in enumerate(blocks, 1):
                scale = self.weights
                for node in (nodes[i] for i in block):
                    for array, axes in self.per_point(len(node)):
                        if axes:
                            factors.append((array, (-label, *(node[axis] for axis in axes))))
                        else:
                            scale = scale * array
                factors.append((scale, (-label,)))
            yield weight, factors


def labels_of(nodes: Nodes) -> list[int]:
    """The labels that occur, in ascending order."""
    return sorted({label for node in nodes for label in node})


def check_landscape(landscape: object) -> None:
    """Raise InputError unless it is a Landscape."""
    if not isinstance(landscape, Landscape):
        raise InputError(f"landscape must come from fastdiag.landscapes, not {type(landscape).__name__}")


def contract(factors: Iterable[tuple[FloatArray, Sequence[int]]], labels: Sequence[int]) -> FloatArray:
    """Einstein summation: each factor with the labels of its axes; `labels` are those of the result."""
    operands: list[Any] = []
    sizes: dict[int, int] = {}
    short: dict[int, int] = {}  # np.einsum knows 52 labels
    for array, axes in factors:
        operands += [array, [short.setdefault(axis, len(short)) for axis in axes]]
        sizes.update(zip(axes, array.shape, strict=True))
    labels = [short[label] for label in labels]
    if len(short) > MOST_LABELS:
        return _in_turn(operands, labels)
    optimize = len(operands) > 4 and prod(sizes.values()) > ONE_LOOP
    return np.asarray(np.einsum(*operands, list(labels), optimize="greedy" if optimize else False))


def _in_turn(operands: Sequence[Any], labels: Sequence[int]) -> FloatArray:
    """The same with any number of labels: one factor after the other, each label summed over after its last factor."""
    arrays, axes = list(operands[::2]), [list(some) for some in operands[1::2]]
    total: Any = np.ones(())
    kept: list[int] = []
    while arrays:
        near = max(range(len(arrays)), key=lambda i: (len(set(axes[i]) & set(kept)), -len(axes[i])))
        array, here = arrays.pop(near), axes.pop(near)
        later = {*labels, *(label for some in axes for label in some)}
        after = [label for label in dict.fromkeys([*kept, *here]) if label in later]
        name = {label: i for i, label in enumerate(dict.fromkeys([*kept, *here]))}
        if len(after) > MOST_AXES:
            raise TooLargeError(f"a contraction needs an array of {len(after)} axes; take a diagram with smaller parts")
        joined: list[Any] = [total, [name[x] for x in kept], array, [name[x] for x in here], [name[x] for x in after]]
        total = np.einsum(*joined)
        kept = after
    return np.asarray(total.transpose([kept.index(label) for label in labels]))


def checked(name: str, array: object, shape: tuple[int | None, ...], meaning: str) -> FloatArray:
    """A finite float64 array of the given shape (None: any length), or an error that says which shape was expected."""
    try:
        raw = np.asarray(array)
        if raw.dtype.kind not in "iufO" or (raw.dtype.kind == "O" and any(x is None for x in raw.flat)):
            raise TypeError(f"not {array!r}" if raw.size < 10 else f"not entries of type {raw.dtype}")
        result = np.asarray(raw, dtype=np.float64, order="C")
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{name} must be an array of real numbers: {error}") from None
    expected = "(" + ", ".join("any" if s is None else str(s) for s in shape) + ("," if len(shape) == 1 else "") + ")"
    if result.ndim != len(shape) or any(s is not None and s != r for s, r in zip(shape, result.shape, strict=True)):
        raise InputError(f"{name} must have shape {expected} ({meaning}), not {result.shape}")
    if not np.isfinite(result).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(result))[0])
        raise InputError(f"{name} must be finite; entry {where} is {result[where]}")
    return result


def checked_weights(weights: object, points: int) -> FloatArray:
    """Probabilities of the points: uniform by default, else positive numbers, normalised."""
    if weights is None:
        return np.full(points, 1.0 / points)
    result = checked("weights", weights, (points,), "one probability per point")
    if (result < 0).any() or result.sum() <= 0:
        raise InputError("weights must be non-negative and not all zero; they are the probabilities of the points")
    return np.asarray(result / result.sum())


def check_symmetric(
    name: str, array: FloatArray, groups: Sequence[Sequence[int]], why: str = "as derivatives commute"
) -> None:
    """Raise InputError unless the array is unchanged by swapping neighbouring axes within each group."""
    scale = float(np.abs(array).max(initial=0.0))
    for group in groups:
        for i, j in zip(group, group[1:], strict=False):
            if not np.allclose(array, array.swapaxes(i, j), rtol=1e-10, atol=1e-10 * scale):
                raise InputError(
                    f"{name} must be symmetric in axes {i} and {j}, {why}; symmetrise it first"
                )
