"""Sums of powers of a factor by which an update shrinks a displacement."""

from __future__ import annotations

from collections.abc import Callable
from operator import mul
from typing import Any


def geometric(one: Any, factor: Any, T: int, times: Callable[[Any, Any], Any] = mul) -> Any:
    """1 + k + ... + k^(T-1) of any numbers or matrices, by doubling: nothing is divided by 1 - k, which may be 0.

    Examples
    --------
    >>> geometric(1, 3, 4), geometric(1.0, 1.0, 10**9)
    (40, 1000000000.0)
    """
    total, power = one * 0, one
    block = one  # the sum of as many powers as `factor` has been squared to
    while T:
        if T & 1:
            total, power = total + times(power, block), times(power, factor)
        T >>= 1
        if T:
            block, factor = times(block, one + factor), times(factor, factor)
    return total
