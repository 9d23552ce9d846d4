"""Numbers side by side, as CPUs with vector instructions compute: what a function of one number cannot say without help.

Where it is compiled with arrays that went through `in_lanes`, its numbers are LANES numbers each (see `vectors`). Without,
as on a GPU, it is about single numbers, and what stands here is all there is to it.
"""

import os
from typing import Any

import numpy as np

from .kernel import primitive

LANES = 1 if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0" else 16
"""Two registers of AVX-512, four of AVX2: enough of them to hide the work on indices. In plain Python one."""


@primitive
def in_lanes(array: Any) -> Any:
    """A view of an array without its last axis, which has length LANES."""
    return array


@primitive
def in_blocks(array: Any) -> Any:
    """A view of an array whose last axis has several times LANES numbers: there it has blocks of LANES in their place."""
    return array.reshape(*array.shape[:-1], -1, LANES)


@primitive
def chosen(condition: bool, this: float, other: float) -> float:
    """In each lane this or the other."""
    return this if condition else other


@primitive
def magnitude(x: float) -> float:
    """|x|, the largest of all lanes."""
    return abs(x)


@primitive
def power_of_two(x: Any) -> Any:
    """2^k, k the whole number in the lowest bits of x, from -1022 to 1023."""
    return ((np.asarray(x, np.float64).view(np.int64) << 52) + (1023 << 52)).view(np.float64)
