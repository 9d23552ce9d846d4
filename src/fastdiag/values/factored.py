"""Values without dense cumulants: each point's tensors stay as they are, and points are summed over last or in slices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations, product
from math import prod
from typing import Any

import numpy as np

from ..errors import TooLargeError
from ..landscapes.landscape import Landscape
from ..landscapes.sampled import SampledLandscape
from ..typing import FloatArray
from .plan import Plan

SLICE_BYTES = 1 << 28  # the largest array that a contraction forms
MOST_SLICES = 100_000

Path = list[tuple[int, ...]]


@np.errstate(all="ignore")
def factored_contraction(chosen: Plan, landscape: SampledLandscape, others: Sequence[Landscape] = ()) -> FloatArray:
    """A plan's contraction for parts whose dense cumulant would not fit, (n,) * its open edges.

    A cumulant is a sum of products of means over points; with each mean's points as one more index, a diagram is a sum of
    contractions of small arrays. Where a point's tensors are powers of x, these are products of Gram matrices.

    others : what else the root's factors may be of, see `Root`
    """
    shape, choices = landscape.index_shape, []
    split = len(shape)
    kept = tuple(split * edge + part for edge in chosen.open for part in range(split))
    total: Any = 0.0
    for source, (nodes, edges) in zip(chosen.sources(landscape, others), chosen.parts, strict=True):
        if isinstance(source, SampledLandscape) and source.index_shape == shape:
            choices.append([(weight, factors, edges) for weight, factors in source.factored(nodes)])
        else:
            dense = source.part(nodes)
            choices.append([(1, [(dense.reshape(shape * dense.ndim), tuple(range(split * dense.ndim)))], edges)])
    for terms in product(*choices):
        factors: list[tuple[FloatArray, list[int]]] = []
        points = split * chosen.order
        for _, some, edges in terms:
            named = [split * edge + part for edge in edges for part in range(split)]
            factors += [(array, [named[a] if a >= 0 else points - 1 - a for a in axes]) for array, axes in some]
            points += max((-a for _, axes in some for a in axes), default=0)
        total = total + prod(weight for weight, _, _ in terms) * _contracted(factors, split * chosen.order, kept)
    return np.asarray(total).reshape((landscape.dimension,) * len(chosen.open))


def _contracted(
    factors: Sequence[tuple[FloatArray, list[int]]], edges: int, kept: tuple[int, ...] = ()
) -> FloatArray:
    """The product of the factors summed over all labels but `kept`.

    Labels from `edges` on are points and may be cut in slices.
    """
    sizes = {label: size for array, axes in factors for label, size in zip(axes, array.shape, strict=True)}
    slices = dict(sizes)
    while True:
        path, needed, labels = _path([axes for _, axes in factors], slices, kept)
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
    total = np.zeros([sizes[label] for label in kept])
    for starts in product(*(range(0, sizes[label], slices[label]) for label in cut)):
        where = {label: slice(start, start + slices[label]) for label, start in zip(cut, starts, strict=True)}
        total += np.einsum(*_operands(factors, where), list(kept), optimize=["einsum_path", *path])
    return total


def _operands(factors: Sequence[tuple[FloatArray, list[int]]], where: dict[int, slice]) -> list[Any]:
    """What np.einsum takes, with some labels cut."""
    everything = slice(None)
    return [
        item for array, axes in factors for item in (array[tuple(where.get(a, everything) for a in axes)], axes)
    ]


def _path(
    inputs: Sequence[list[int]], sizes: dict[int, int], kept: tuple[int, ...]
) -> tuple[Path, int, set[int]]:
    """Pairs to contract in turn, as np.einsum takes them, and the largest array that this forms: its size and labels.

    Always the pair that frees most memory comes next (numpy's own greedy path gives up pairs for one big loop). A label is
    summed once no other array has it.
    """
    left = [frozenset(axes) for axes in inputs]
    path: Path = []
    needed, largest = 1, frozenset[int]()
    while len(left) > 1:
        uses = Counter([*kept, *(label for labels in left for label in labels)])
        pairs = [(i, j, _formed(left[i], left[j], uses)) for i, j in combinations(range(len(left)), 2)]
        volumes = [prod(sizes[x] for x in labels) for labels in left]
        growths = [
            (prod(sizes[x] for x in result) - volumes[i] - volumes[j], prod(sizes[x] for x in left[i] | left[j]))
            for i, j, result in pairs
        ]
        i, j, result = pairs[growths.index(min(growths))]
        size = prod(sizes[x] for x in result)
        if size > needed:
            needed, largest = size, result
        left = [labels for k, labels in enumerate(left) if k not in (i, j)] + [result]
        path.append((i, j))
    return path or [(0,)], needed, set(largest)


def _formed(first: frozenset[int], second: frozenset[int], uses: Counter[int]) -> frozenset[int]:
    """The labels of a product of two arrays, less those that no other array has."""
    return frozenset(x for x in first | second if uses[x] > (x in first) + (x in second))
