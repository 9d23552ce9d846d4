"""Set partitions as restricted growth strings, and the Moebius function of their lattice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import factorial, prod


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
    """mu(sigma, one block) of the partition lattice: (-1)^(b-1) (b-1)! for b blocks. Moments to a joint cumulant."""
    blocks = max(string, default=0) + 1
    return (1 if blocks % 2 else -1) * factorial(blocks - 1)


def moebius_from_bottom(string: Sequence[int]) -> int:
    """mu(all separate, sigma): the product of (-1)^(k-1) (k-1)! over the block sizes k. Cumulant to moment counts."""
    sizes = [string.count(block) for block in range(max(string, default=-1) + 1)]
    return prod((1 if size % 2 else -1) * factorial(size - 1) for size in sizes)
