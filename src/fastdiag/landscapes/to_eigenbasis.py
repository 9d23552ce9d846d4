"""Tensors in an eigenbasis, or along any other directions."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import prod
from typing import TypeVar

import numpy as np

from ..typing import FloatArray

Job = TypeVar("Job")

ALONE = 1 << 18  # multiplications; for a product up to this size OpenBLAS starts no threads of its own
TALL = 32  # rows of a block
JOB = 1 << 16  # numbers that a thread turns at a time


def to_eigenbasis(tensor: FloatArray, directions: FloatArray, leading: int = 0) -> FloatArray:
    """Components of a tensor along the columns of a matrix, in all axes but some leading ones.

    In blocks too small for the threads of the linear algebra library, by threads of our own: the library's go on spinning
    for some time after a product, and would take that time from the sums over maps.

    Parameters
    ----------
    tensor : (..., n, ..., n), any `leading` axes first
    directions : (n, n), its columns the directions

    Returns
    -------
    a new array of the tensor's shape, the same bits whatever the number of threads; a sum of n products is computed for
    each axis and entry, so its relative error (to the sum of absolute values) is below n 2^-52 per axis

    Examples
    --------
    >>> import numpy as np
    >>> to_eigenbasis(np.array([[2.0, 1.0], [1.0, 0.0]]), np.array([[0.0, 1.0], [1.0, 0.0]])).tolist()
    [[0.0, 1.0], [1.0, 2.0]]
    """
    n, axes = len(directions), tensor.ndim - leading
    if axes == 0:
        return tensor.copy()
    result = np.empty(tensor.shape)
    across = np.ascontiguousarray(directions.T)
    if axes == 1:
        given, rows = tensor.reshape(-1, n), result.reshape(-1, n)
        _spread(lambda here: _multiply(given[here], directions, rows[here]), _jobs(len(rows), n))
        return result
    slabs, planes = tensor.reshape(-1, n, n), result.reshape(-1, n, n)

    def last_two(here: slice) -> None:
        half = np.empty(slabs[here].shape)
        _multiply(slabs[here], directions, half)
        _multiply(across, half, planes[here])

    _spread(last_two, _jobs(len(slabs), n * n))
    for axis in range(leading, tensor.ndim - 2):
        _turn_inner(result.reshape(prod(tensor.shape[:axis]), n, -1, n), across)
    return result


def _turn_inner(tensor: FloatArray, across: FloatArray) -> None:
    """Turn axis 1 of four, in place; with axis 3 it makes planes, which are copied to be in one place."""
    n = len(across)
    planes = tensor.transpose(0, 2, 1, 3)

    def some(here: tuple[slice, slice]) -> None:
        _multiply(across, np.ascontiguousarray(planes[here]), planes[here])

    count, within = planes.shape[:2]
    _spread(some, [(i, j) for i in _jobs(count, within * n * n) for j in _jobs(within, n * n)])


def _jobs(count: int, numbers: int) -> list[slice]:
    """Runs of 0..count-1 of which each has `numbers` numbers."""
    step = max(1, JOB // numbers)
    return [slice(start, start + step) for start in range(0, count, step)]


def _spread(work: Callable[[Job], None], jobs: Sequence[Job]) -> None:
    if len(jobs) == 1:
        work(jobs[0])
    else:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(work, jobs))


def _multiply(left: FloatArray, right: FloatArray, out: FloatArray) -> None:
    """out <- left @ right, block by block."""
    rows, columns = out.shape[-2:]
    inner = left.shape[-1]
    tall = max(TALL, ALONE // (inner * columns))
    wide = max(1, ALONE // (inner * tall))
    for i in range(0, rows, tall):
        for j in range(0, columns, wide):
            np.matmul(left[..., i : i + tall, :], right[..., j : j + wide], out=out[..., i : i + tall, j : j + wide])
