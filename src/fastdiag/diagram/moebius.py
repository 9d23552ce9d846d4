"""The lattice of set partitions: zeta and Moebius transforms between moments and cumulants, of counts and of values.

Counts go up the lattice: cumulant maps of a partition are the moment maps of all its coarsenings. Values go down:
the moment of a partition is the sum of cumulants of all its refinements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import InputError
from ..typing import IntArray
from .partition import coarser_ranks, moebius_from_bottom, set_partitions


@dataclass(frozen=True, slots=True)
class Intervals:
    """All pairs pi <= sigma of partitions of n items, grouped by pi (upwards) or by sigma (downwards)."""

    starts: IntArray
    """The pairs of the i-th partition run from starts[i] to starts[i + 1]."""
    others: IntArray
    """The other partition of each pair, as a row of `set_partitions(n)`."""
    moebius: IntArray
    """mu(pi, sigma): the product of (-1)^(k-1) (k-1)! over the blocks of sigma, k the blocks of pi in it."""


@lru_cache(maxsize=16)
def coarsenings(n: int) -> Intervals:
    """For each partition of n items its coarsenings, itself included."""
    starts, others = coarser_ranks(n)
    weights = [[moebius_from_bottom(merge) for merge in set_partitions(parts)] for parts in range(n + 1)]
    moebius = [weight for string in set_partitions(n) for weight in weights[max(string, default=-1) + 1]]
    return Intervals(starts, others, np.array(moebius))


@lru_cache(maxsize=16)
def refinements(n: int) -> Intervals:
    """For each partition of n items its refinements, itself included: the same pairs from the other side."""
    up = coarsenings(n)
    lower = np.repeat(np.arange(len(up.starts) - 1), np.diff(up.starts))
    order = np.argsort(up.others, kind="stable")
    starts = np.searchsorted(up.others[order], np.arange(len(up.starts)))
    return Intervals(starts, lower[order], up.moebius[order])


def zeta(values: Sequence[Any] | IntArray, n: int, downwards: bool = False) -> IntArray:
    """Sum over the coarsenings (downwards: refinements) of each partition of n items.

    Moment counts to cumulant counts; downwards, values of cumulants to values of moments.

    Parameters
    ----------
    values : (Bell(n), ...) one entry for each of `set_partitions(n)`, in that order; ints, Fractions, floats or arrays
    n : number of items

    Raises
    ------
    InputError : not Bell(n) entries

    Examples
    --------
    >>> from fastdiag.diagram.moebius import moebius, zeta
    >>> zeta([1, 10], 2).tolist(), moebius([1, 11], 2).tolist()
    ([1, 11], [1, 10])
    """
    return _transform(values, n, downwards, inverse=False)


def moebius(values: Sequence[Any] | IntArray, n: int, downwards: bool = False) -> IntArray:
    """The inverse of `zeta`: cumulant counts to moment counts; downwards, values of moments to values of cumulants."""
    return _transform(values, n, downwards, inverse=True)


def _transform(values: Sequence[Any] | IntArray, n: int, downwards: bool, inverse: bool) -> IntArray:
    array = np.asarray(values)
    pairs = refinements(n) if downwards else coarsenings(n)
    if len(array) != len(pairs.starts) - 1:
        raise InputError(f"there are {len(pairs.starts) - 1} partitions of {n} items, but {len(array)} values")
    if array.dtype.kind in "iu":
        array = array.astype(object)  # sums may leave 64 bits
    terms = array[pairs.others]
    if inverse:
        terms = terms * pairs.moebius.reshape(-1, *[1] * (array.ndim - 1)).astype(array.dtype)
    return np.asarray(np.add.reduceat(terms, pairs.starts[:-1], axis=0))
