"""Einstein summation of a few arrays, in a good order, with any number of labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from ..errors import TooLargeError
from ..typing import FloatArray

ONE_LOOP = 10_000  # a contraction of fewer terms is done in one loop: finding a better order would take longer
FORMED = 1 << 24  # numbers of an array that may be formed on the way
MOST_LABELS, MOST_AXES = 52, 32  # that np.einsum takes


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
    if len(operands) <= 4 or prod(sizes.values()) <= ONE_LOOP:
        return np.asarray(np.einsum(*operands, list(labels)))
    shapes = tuple((array.shape, tuple(axes)) for array, axes in zip(operands[::2], operands[1::2], strict=True))
    return np.asarray(np.einsum(*operands, list(labels), optimize=_path(shapes, tuple(labels))))


@lru_cache(maxsize=1 << 10)
def _path(factors: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...], labels: tuple[int, ...]) -> list[Any]:
    """In which order arrays of such shapes and labels are multiplied; without room to form some, in one big loop."""
    operands: list[Any] = []
    for shape, axes in factors:
        operands += [np.broadcast_to(0.0, shape), list(axes)]
    room = max(FORMED, *(array.size for array in operands[::2]))
    return np.einsum_path(*operands, list(labels), optimize=("greedy", room))[0]


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
