"""Values without dense cumulants: each point's tensors stay as they are, and points are summed over last or in slices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import combinations, product
from math import prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..errors import TooLargeError
from ..landscapes.landscape import Factor, Landscape
from ..landscapes.sampled import SampledLandscape
from ..typing import FloatArray
from .plan import Plan

SLICE_BYTES = 1 << 28  # the largest array that a contraction forms
MOST_SLICES = 100_000
FEW = 64  # entries of small matrices that are multiplied many at a time

Path = list[tuple[int, ...]]
Choices: TypeAlias = list[tuple[int, list[Factor], tuple[int, ...]]]
"""Weights, factors, and what the factors' labels from 0 on stand for."""


class Found(NamedTuple):
    """Pairs to contract in turn, and the largest array that this forms: its size and labels."""

    path: Path
    needed: int
    labels: set[int]
    work: int
    """Multiplications."""


@np.errstate(all="ignore")
def factored_contraction(chosen: Plan, landscape: SampledLandscape, others: Sequence[Landscape] = ()) -> FloatArray:
    """A plan's contraction for parts whose dense cumulant would not fit, (n,) * its open edges.

    A cumulant is a sum of products of means over points; with each mean's points as one more index, a diagram is a sum of
    contractions of small arrays. Where a point's tensors are powers of x, these are products of Gram matrices.

    others : what else the root's factors may be of, see `Root`
    """
    shape, choices = landscape.index_shape, list[Choices]()
    split = len(shape)
    for source, (nodes, edges) in zip(chosen.sources(landscape, others), chosen.parts, strict=True):
        named = tuple(split * edge + part for edge in edges for part in range(split))
        if isinstance(source, SampledLandscape) and source.index_shape == shape:
            choices.append([(weight, factors, named) for weight, factors in source.factored(nodes)])
        else:
            dense = source.part(nodes)
            choices.append([(1, [(dense.reshape(shape * dense.ndim), tuple(range(split * dense.ndim)))], named)])
    kept = tuple(split * edge + part for edge in chosen.open for part in range(split))
    whole = range(split * chosen.order)
    total = summed_choices(choices, [], len(whole), kept, whole)
    return total.reshape((landscape.dimension,) * len(chosen.open))


def summed_choices(
    choices: Sequence[Choices], more: Sequence[Factor], first: int, kept: tuple[int, ...], whole: Collection[int]
) -> FloatArray:
    """The product of sums of contractions, and of some more factors; its axes are the labels `kept`.

    Parameters
    ----------
    choices : for each part the terms of its cumulant, see `SampledLandscape.factored`
    first : labels from here on are free, for points
    whole : labels that are not cut in slices
    """
    total: Any = 0.0
    for terms in product(*choices):
        factors, points = list(more), first
        for _, some, named in terms:
            factors += [(array, tuple(named[a] if a >= 0 else points - 1 - a for a in axes)) for array, axes in some]
            points += max((-a for _, axes in some for a in axes), default=0)
        total = total + prod(weight for weight, _, _ in terms) * _contracted(factors, kept, {*kept, *whole})
    return np.asarray(total)


def _contracted(factors: Sequence[Factor], kept: tuple[int, ...], whole: Collection[int]) -> FloatArray:
    """The product of the factors summed over all labels but `kept`; those that are not `whole` may be cut in slices."""
    factors = [_diagonal(array, axes) for array, axes in factors]
    sizes = {label: size for array, axes in factors for label, size in zip(axes, array.shape, strict=True)}
    slices = dict(sizes)
    while True:
        path, needed, labels, _ = _path([axes for _, axes in factors], slices, kept)
        if 8 * needed <= SLICE_BYTES:
            break
        longest = max(
            (label for label in sizes if label not in whole and slices[label] > 1),
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
    everything = slice(None)
    for starts in product(*(range(0, sizes[label], slices[label]) for label in cut)):
        where = {label: slice(start, start + slices[label]) for label, start in zip(cut, starts, strict=True)}
        some = [(array[tuple(where.get(a, everything) for a in axes)], axes) for array, axes in factors]
        total += _multiplied(some, path, kept)
    return total


def _diagonal(array: FloatArray, axes: Sequence[int]) -> Factor:
    """Where a label occurs twice, the diagonal."""
    once = tuple(dict.fromkeys(axes))
    operands: list[Any] = [array, list(axes), list(once)]
    return (array, once) if len(once) == len(axes) else (np.einsum(*operands), once)


def _multiplied(factors: Sequence[Factor], path: Path, kept: tuple[int, ...]) -> FloatArray:
    """The product, pair by pair."""
    left = list(factors)
    for pair in path:
        uses = Counter([*kept, *(label for _, axes in left for label in axes)])
        some = [left[i] for i in pair]
        left = [factor for i, factor in enumerate(left) if i not in pair]
        left.append(some[0] if len(some) == 1 else _pair(some[0], some[1], uses))
    array, axes = _closed(*left[0], Counter([*kept, *left[0][1]]))
    return array.transpose([axes.index(label) for label in kept])


def _pair(first: Factor, second: Factor, uses: Counter[int]) -> Factor:
    """The product of two, summed over what no other array has: by products of matrices, where np.einsum has slow loops."""
    (a, ours), (b, theirs) = (_closed(array, axes, uses) for array, axes in (first, second))
    both = [x for x in ours if x in theirs]
    kept, gone = [x for x in both if uses[x] > 2], [x for x in both if uses[x] == 2]
    only, rest = ([x for x in axes if x not in both] for axes in (ours, theirs))
    left = a.transpose([ours.index(x) for x in (*kept, *only, *gone)])
    right = b.transpose([theirs.index(x) for x in (*kept, *gone, *rest)])
    k, i, j = (len(some) for some in (kept, only, gone))
    shape = (*left.shape[:k], *left.shape[k : k + i], *right.shape[k + j :])
    flat, inner = prod(left.shape[:k]), prod(left.shape[k + i :])
    left, right = left.reshape(flat, -1, inner), right.reshape(flat, inner, -1)
    if inner == 1:
        product = left * right
    elif left.shape[1] * right.shape[2] <= FEW < flat:
        product = np.einsum("kil,klj->kij", left, right)
    else:
        product = left @ right
    return product.reshape(shape), (*kept, *only, *rest)


def _closed(array: FloatArray, axes: Sequence[int], uses: Counter[int]) -> Factor:
    """Summed over labels that nothing else has."""
    lone = tuple(i for i, label in enumerate(axes) if uses[label] == 1)
    return (array.sum(axis=lone), tuple(label for label in axes if uses[label] > 1)) if lone else (array, tuple(axes))


def _path(inputs: Sequence[Sequence[int]], sizes: dict[int, int], kept: tuple[int, ...]) -> Found:
    """A good path: of two greedy ones that with fewer multiplications, if its arrays are small enough."""
    found = [_greedy(inputs, sizes, kept, saving) for saving in (True, False)]
    fitting = [each for each in found if 8 * each.needed <= SLICE_BYTES]
    return min(fitting, key=lambda each: each.work) if fitting else min(found, key=lambda each: each.needed)


def _greedy(inputs: Sequence[Sequence[int]], sizes: dict[int, int], kept: tuple[int, ...], saving: bool) -> Found:
    """Always the pair that frees most memory comes next, or else that which takes least work.

    (numpy's own greedy path gives up pairs for one big loop.) A label is summed once no other array has it.
    """
    left = [frozenset(axes) for axes in inputs]
    path: Path = []
    needed, largest, total = 1, frozenset[int](), 0
    while len(left) > 1:
        uses = Counter([*kept, *(label for labels in left for label in labels)])
        pairs = [(i, j, _formed(left[i], left[j], uses)) for i, j in combinations(range(len(left)), 2)]
        volumes = [prod(sizes[x] for x in labels) for labels in left]
        costs = []
        for i, j, result in pairs:
            work = prod(sizes[x] for x in left[i] | left[j])
            growth = prod(sizes[x] for x in result) - volumes[i] - volumes[j]
            costs.append((growth, work) if saving else (work, growth))
        best = costs.index(min(costs))
        i, j, result = pairs[best]
        total += costs[best][saving]
        if (size := prod(sizes[x] for x in result)) > needed:
            needed, largest = size, result
        left = [labels for k, labels in enumerate(left) if k not in (i, j)] + [result]
        path.append((i, j))
    return Found(path or [(0,)], needed, set(largest), total)


def _formed(first: frozenset[int], second: frozenset[int], uses: Counter[int]) -> frozenset[int]:
    """The labels of a product of two arrays, less those that no other array has."""
    return frozenset(x for x in first | second if uses[x] > (x in first) + (x in second))
