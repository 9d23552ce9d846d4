"""Values without dense cumulants: each point's tensors stay as they are, and points are summed over last or in slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ..diagram import Diagram
from ..errors import TooLargeError
from ..landscapes.landscape import SampledLandscape
from ..typing import FloatArray
from .plan import plan

SLICE_BYTES = 1 << 28  # the largest array that a contraction forms
MOST_SLICES = 100_000

Path = list[tuple[int, ...]]


def factored_contraction(diagram: Diagram, landscape: SampledLandscape) -> float:
    """`uvalue` for parts whose dense cumulant would not fit.

    A cumulant is a sum of products of means over points; with each mean's points as one more index, a diagram is a sum of
    contractions of small arrays. Where a point's tensors are powers of x, these are products of Gram matrices.
    """
    total = 0.0
    choices = []
    for nodes, edges in plan(diagram).parts:
        choices.append([(weight, factors, edges) for weight, factors in landscape.factored(nodes)])
    for chosen in product(*choices):
        factors: list[tuple[FloatArray, list[int]]] = []
        points = diagram.order
        for _, some, edges in chosen:
            factors += [(array, [edges[a] if a >= 0 else points - 1 - a for a in axes]) for array, axes in some]
            points += max((-a for _, axes in some for a in axes), default=0)
        total += prod(weight for weight, _, _ in chosen) * _contracted(factors, diagram.order)
    return total


def _contracted(factors: Sequence[tuple[FloatArray, list[int]]], edges: int) -> float:
    """The product of the factors summed over all labels; labels from `edges` on are points and may be cut in slices."""
    sizes = {label: size for array, axes in factors for label, size in zip(axes, array.shape, strict=True)}
    slices = dict(sizes)
    inputs = [axes for _, axes in factors]
    while True:
        first = {label: slice(0, size) for label, size in slices.items()}
        path: Path = np.einsum_path(*_operands(factors, first), [], optimize="greedy")[0][1:]
        needed, labels = max((prod(slices[x] for x in some), sorted(some)) for some in _intermediates(inputs, path))
        if 8 * needed <= SLICE_BYTES:
            break
        longest = max(
            (label for label in sizes if label >= edges and slices[label] > 1),
            key=lambda label: (label in labels, slices[label]),
            default=None,
        )
        if longest is None or prod(-(-sizes[x] // slices[x]) for x in sizes) > MOST_SLICES:
            raise TooLargeError(
                f"a contraction needs an array of {needed:,} numbers; ask for a lower order, or use fewer weights"
            )
        slices[longest] = -(-slices[longest] // 2)  # the path may change with the sizes
    cut = [label for label, size in sizes.items() if slices[label] < size]
    total = 0.0
    for starts in product(*(range(0, sizes[label], slices[label]) for label in cut)):
        where = {label: slice(start, start + slices[label]) for label, start in zip(cut, starts, strict=True)}
        total += float(np.einsum(*_operands(factors, where), [], optimize=["einsum_path", *path]))
    return total


def _operands(factors: Sequence[tuple[FloatArray, list[int]]], where: dict[int, slice]) -> list[Any]:
    """What np.einsum takes, with some labels cut."""
    everything = slice(None)
    return [
        item for array, axes in factors for item in (array[tuple(where.get(a, everything) for a in axes)], axes)
    ]


def _intermediates(inputs: list[list[int]], path: Path) -> Iterator[set[int]]:
    """The labels of each array that a contraction path forms; every label is summed once no other array has it."""
    left = [set(axes) for axes in inputs]
    for step in path:
        taken = [left[i] for i in step]
        left = [labels for i, labels in enumerate(left) if i not in step]
        left.append(set().union(*taken) & set().union(*left))
        yield left[-1]
