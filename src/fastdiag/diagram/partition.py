"""Set partitions as restricted growth strings, and the Moebius function of their lattice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import factorial


@lru_cache(maxsize=16)
def set_partitions(size: int) -> tuple[tuple[int, ...], ...]:
    """All set partitions of 0..size-1 as restricted growth strings, in lexicographic order (Bell(size) of them).

    >>> set_partitions(3)
    ((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 1, 2))
    """
    return tuple(_strings(size))


def _strings(size: int) -> Iterator[tuple[int, ...]]:
    if size == 0:
        yield ()
        return
    for prefix in _strings(size - 1):
        for block in range(max(prefix, default=-1) + 2):
            yield (*prefix, block)


def moebius_to_top(string: Sequence[int]) -> int:
    """mu(finest, sigma) of the partition lattice: the product of (-1)^(k-1) (k-1)! over the blocks of sigma."""
    result = 1
    for block in range(max(string, default=-1) + 1):
        size = string.count(block)
        result *= (-1) ** (size - 1) * factorial(size - 1)
    return result
