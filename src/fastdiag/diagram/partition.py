"""Set partitions as restricted growth strings, and the Moebius function of their lattice."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import factorial, prod

import numpy as np

from ..errors import TooLargeError
from ..record import frozen
from ..typing import IntArray

MOST_PARTED = 11  # items whose partitions are listed, 678,570 of them


@lru_cache(maxsize=16)
def set_partitions(size: int) -> tuple[tuple[int, ...], ...]:
    """All set partitions of 0..size-1 as restricted growth strings, in lexicographic order (Bell(size) of them).

    Raises
    ------
    TooLargeError : more than 11 items

    >>> set_partitions(3)
    ((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 1, 2))
    """
    if size > MOST_PARTED:
        raise TooLargeError(
            f"the partitions of {size} nodes or parts are too many to be listed (limit: of {MOST_PARTED}); use fewer"
        )
    return tuple(map(tuple, growth_strings(size).tolist()))


@lru_cache(maxsize=16)
def growth_strings(size: int) -> IntArray:
    """The same as rows of an array, (Bell(size), size) int8, not writeable."""
    strings, used = np.zeros((1, 0), np.int8), np.zeros(1, np.int8)
    for _ in range(size):
        ways = used.astype(np.int64) + 1  # an old part, or the next new one
        last = (np.arange(ways.sum()) - np.repeat(np.cumsum(ways) - ways, ways)).astype(np.int8)
        strings = np.column_stack([np.repeat(strings, ways, axis=0), last])
        used = np.maximum(np.repeat(used, ways), last + np.int8(1))
    return frozen(strings)


def ranks(strings: IntArray) -> IntArray:
    """The row of `growth_strings` that each row of `strings` (rows, size) is, (rows,) int64, for size at most 25.

    >>> ranks(np.array([[0, 1, 0], [0, 1, 2]])).tolist()
    [2, 4]
    """
    rows, size = strings.shape
    # follow[left][used]: strings that go on for `left` places after `used` parts; at most Bell(25) < 2^63
    follow = [np.ones(size + 1, np.int64)]
    for left in range(1, size):
        follow.append(np.arange(size + 1 - left) * follow[-1][:-1] + follow[-1][1:])
    rank, used = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    for place in range(size):
        label = strings[:, place].astype(np.int64)
        rank += label * follow[size - 1 - place][used]
        np.maximum(used, label + 1, out=used)
    return rank


@lru_cache(maxsize=16)
def coarser_ranks(size: int) -> tuple[IntArray, IntArray]:
    """For each partition its coarsenings, itself included, as ascending ranks.

    Returns (starts, others): those of the i-th partition are others[starts[i] : starts[i + 1]], one for each way to merge
    its parts, in the order of `growth_strings(number of parts)`. others is int32.
    """
    strings = growth_strings(size)
    parts = strings.max(axis=1, initial=-1) + 1
    bell = np.array([len(growth_strings(number)) for number in range(size + 1)])
    starts = np.concatenate([[0], np.cumsum(bell[parts])])
    others = np.empty(starts[-1], np.int32)  # ranks stay below Bell(15) < 2^31
    for number in np.unique(parts).tolist():
        chosen = np.flatnonzero(parts == number)
        merged = np.swapaxes(growth_strings(number)[:, strings[chosen]], 0, 1)  # (chosen, merges, items)
        rank = ranks(merged.reshape(len(chosen) * bell[number], size))
        others[starts[chosen, None] + np.arange(bell[number])] = rank.reshape(len(chosen), -1)
    return starts, others


def growth_string(labels: Sequence[object]) -> tuple[int, ...]:
    """The partition into equal labels, numbered by first appearance.

    Examples
    --------
    >>> growth_string("abac")
    (0, 1, 0, 2)
    """
    number = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    return tuple(number[label] for label in labels)


def moebius_to_top(string: Sequence[int]) -> int:
    """mu(sigma, one block) of the partition lattice: (-1)^(b-1) (b-1)! for b blocks. Moments to a joint cumulant."""
    blocks = max(string, default=0) + 1
    return (1 if blocks % 2 else -1) * factorial(blocks - 1)


def moebius_from_bottom(string: Sequence[int]) -> int:
    """mu(all separate, sigma): the product of (-1)^(k-1) (k-1)! over the block sizes k. Cumulant to moment counts."""
    sizes = [string.count(block) for block in range(max(string, default=-1) + 1)]
    return prod((1 if size % 2 else -1) * factorial(size - 1) for size in sizes)
