"""`nested_sums` on a CUDA GPU. The only file that imports numba.cuda, when a GPU is first asked for.

A fixed grid of threads: row r, a tuple of all edge indices but the last, belongs to warp r mod the number of warps, and its
lanes stride over the last index, along which all tensors are contiguous. Every thread adds up its own tuples in order, then
blocks are folded in a fixed order, so a sum has the same bits in every run, on every GPU and however it is cut into tiles.
"""

from __future__ import annotations

import contextlib
import functools
import types
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..typing import FloatArray, IntArray
from . import nested_sums
from .kernel import rebuilt
from .nested_sums import add_edge, fresh_orders_sum, one_epoch_integral, one_order_sum, times_alike
from .packed_sum import Duration, PackedSum, Summands, Transfers
from .triangular import Workspace, row_times_power, start_row

BLOCKS, THREADS, WARP = 2112, 128, 32  # BLOCKS: 16 for each multiprocessor of an H100 or H200
ONE_STEP, ONE_ORDER, FRESH_ORDERS, INTEGRAL = range(4)

# Constants of one copy of the two kernels below; `specialised` sets them, and makes what they call for a GPU.
cuda: Any = None
KIND = EDGES = LAST = MASKS = PARTS = STATES = OUTER = WARPS = 0


class Operands(NamedTuple):
    """Tensors on the GPU, for each tuple of edge indices an entry of each."""

    tensors: Any
    """All of them in a row, those with the first edge from one index on."""
    offsets: Any
    """(tensors,): tensor p has the entry tensors[offsets[p] + sum_e strides[p, e] i_e]."""
    strides: Any
    """(tensors, edges)"""
    twins: Any
    """(edges,): whether an edge can be exchanged with the one before."""


def add_sums(
    operands: Operands, first: int, slabs: int, rates: Any, durations: Any, packed: PackedSum, totals: Any
) -> None:
    """totals[y, thread] = sum over the thread's tuples of the product of their tensors' entries * W_y(k_i).

    As in `nested_sums`, but the product of tensors is never stored. The first index runs over `slabs` values from `first`;
    if not from 0, the sum goes on from `totals`. rates (y, n) and durations (y, 3), of `Duration` but `forever`: one for
    each learning rate and time y.
    """
    tensors, offsets, strides, twins = operands
    factors = cuda.local.array((2, MASKS), np.float64)
    index = cuda.local.array(EDGES, np.int64)
    base = cuda.local.array(PARTS, np.int64)
    step = cuda.local.array(PARTS, np.int64)
    inner = Workspace(
        cuda.local.array(STATES, np.float64), cuda.local.array((2, STATES), np.float64),
        cuda.local.array((STATES, STATES), np.float64), cuda.local.array(STATES, np.float64),
        cuda.local.array((STATES, STATES), np.float64),
    )
    outer = Workspace(
        cuda.local.array(OUTER, np.float64), cuda.local.array((2, OUTER), np.float64),
        cuda.local.array((OUTER, OUTER), np.float64), inner.next_row, inner.next_upper,
    )
    thread = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    y = cuda.blockIdx.y
    lane, warp = thread % WARP, thread // WARP
    here = rates[y]
    n = len(here)
    duration = Duration(durations[y, 0], durations[y, 1], durations[y, 2], packed.duration.forever)
    transfers, summands = packed.transfers, packed.summands
    factors[0, 0], factors[1, 0] = 1.0, 0.0
    for p in range(PARTS):
        step[p] = strides[p, LAST]
    rows = 1
    for _ in range(EDGES - 2):
        rows *= n
    low_row, high_row = first * rows, (first + slabs) * rows
    if EDGES == 1:
        low_row, high_row = 0, 1
    total = 0.0 if first == 0 else totals[y, thread]
    for number in range(low_row + (warp - low_row) % WARPS, high_row, WARPS):
        left = number
        for e in range(LAST - 1, 0, -1):
            index[e] = left % n
            left //= n
        if EDGES > 1:
            index[0] = left
        ascending = True
        for e in range(1, LAST):
            if twins[e] and index[e] < index[e - 1]:
                ascending = False
        if not ascending:
            continue
        low, high = 0, n
        if EDGES == 1:
            low, high = first, first + slabs
        elif twins[LAST]:
            low = index[LAST - 1]
        for p in range(PARTS):
            base[p] = offsets[p]
            for e in range(LAST):
                base[p] += strides[p, e] * index[e]
        for e in range(LAST):
            add_edge(factors, e, here[index[e]], KIND == INTEGRAL)
        index[LAST] = low
        equal = times_alike(index, twins, EDGES)
        index[LAST] = n
        apart = times_alike(index, twins, EDGES)
        for last in range(low + (lane - low) % WARP, high, WARP):
            value = equal if last == low else apart
            for p in range(PARTS):
                value *= tensors[base[p] + step[p] * last]
            if value == 0.0:
                continue
            add_edge(factors, LAST, here[last], KIND == INTEGRAL)
            if KIND == ONE_STEP:
                start_row(inner.row, 2)
                inner.diagonal[0, 0], inner.diagonal[1, 0] = 1.0, 0.0
                inner.diagonal[0, 1], inner.diagonal[1, 1] = factors[0, MASKS - 1], factors[1, MASKS - 1]
                inner.upper[0, 1] = transfers.gains[0]
                row_times_power(inner, 2, duration.rest, duration.forever)
                total += value * inner.row[1]
            elif KIND == ONE_ORDER:
                total += value * one_order_sum(factors, duration, transfers, summands, inner)
            elif KIND == FRESH_ORDERS:
                total += value * fresh_orders_sum(factors, duration, transfers, summands, inner, outer)
            else:
                total += value * one_epoch_integral(factors, duration, packed.parts, transfers, inner, outer.upper)
    totals[y, thread] = total


def fold(totals: Any, partials: Any) -> None:
    """partials[y, block] = the sum of the block's totals, halves upon halves in their place.

    Shared memory would save nothing here, and numba's simulator can give two threads two different shared arrays.
    """
    t, y = cuda.threadIdx.x, cuda.blockIdx.y
    first = cuda.blockIdx.x * cuda.blockDim.x
    half = cuda.blockDim.x // 2
    while half > 0:
        if t < half:
            totals[y, first + t] += totals[y, first + t + half]
        cuda.syncthreads()
        half //= 2
    if t == 0:
        partials[y, cuda.blockIdx.x] = totals[y, first]


def specialised(kernel: Callable[..., None], kind: int, edges: int, parts: int, states: int) -> Callable[..., None]:
    """A plain copy of a kernel for constants that its compiler sees: a single step then needs no local memory.

    The sums over maps that it calls are those of `nested_sums`, from the same source.
    """
    from numba import cuda

    names = globals() | rebuilt(vars(nested_sums), cuda.jit(device=True))
    names |= {"cuda": cuda, "KIND": kind, "EDGES": edges, "LAST": edges - 1, "MASKS": 1 << edges, "PARTS": parts}
    names |= {"STATES": states, "OUTER": _outer(kind, states), "WARPS": BLOCKS * THREADS // WARP}
    return types.FunctionType(kernel.__code__, names, kernel.__name__)


@functools.cache
def _compiled(kernel: Callable[..., None], *constants: int) -> Any:
    from numba import cuda

    return cuda.jit(specialised(kernel, *constants))


def _outer(kind: int, states: int) -> int:
    return states if kind in (FRESH_ORDERS, INTEGRAL) else 1


def scratch_bytes(kind: int, edges: int, parts: int, states: int) -> int:
    """Local memory of all threads of a launch."""
    outer = _outer(kind, states)
    numbers = (2 << edges) + edges + 2 * parts + states * (4 + 2 * states) + outer * (3 + outer)
    return 8 * numbers * BLOCKS * THREADS


def totals_bytes(sums: int) -> int:
    """What so many sums need while they are formed: a number for each thread."""
    return 8 * sums * (THREADS + 1) * BLOCKS


def missing() -> str | None:
    """What is missing for a GPU to be used, or None."""
    try:
        from numba import config, cuda

        if not config.ENABLE_CUDASIM and find_spec("numba_cuda") is None:
            return "the package numba-cuda is not installed"
        return None if cuda.is_available() else "no GPU with a working driver was found"
    except Exception as error:  # a broken installation fails in many ways
        return f"numba.cuda cannot be loaded ({error})"


def free_on_gpu() -> int:
    """GPU memory that is free now."""
    from numba import cuda

    context = cuda.current_context()
    with contextlib.suppress(AttributeError):  # the simulator has none
        context.memory_manager.deallocations.clear()  # what numba has not given back yet
    return int(min(context.get_memory_info().free, 1 << 62))


def allocated(*shape: int) -> Any:
    """An array of float64 on the GPU."""
    from numba import cuda

    return cuda.device_array(shape, np.float64)


def is_out_of_memory(error: Exception) -> bool:
    """Whether the driver had no room, for an array or for what a kernel needs."""
    return "OUT_OF_MEMORY" in str(error)


class Contraction:
    """Tensors on the GPU, those with the first edge a tile at a time, and sums of their products over all edge indices."""

    def __init__(
        self, tensors: Sequence[FloatArray], axes: Sequence[tuple[int, ...]], twins: IntArray, slabs: int
    ) -> None:
        """axes: for each tensor the edges that its axes are, ascending; slabs: values of the first index in a tile."""
        from numba import cuda

        self.tensors, self.axes, self.slabs, self.n = tensors, axes, slabs, tensors[0].shape[0]
        self.strides = np.zeros((len(tensors), len(twins)), np.int64)
        sizes = []
        for p, (tensor, edges) in enumerate(zip(tensors, axes, strict=True)):
            for axis, edge in enumerate(edges):
                self.strides[p, edge] = prod(tensor.shape[axis + 1 :])
            sizes.append(slabs * self.strides[p, 0] if edges[0] == 0 else tensor.size)
        self.starts = np.cumsum([0, *sizes])
        self.flat = allocated(int(self.starts[-1]))
        self.twins, self.on_device = cuda.to_device(twins), cuda.to_device(self.strides)
        self.loaded: int | None = None

    def _load(self, first: int) -> None:
        """Copy the tile from index `first` on, unless it is there."""
        if self.loaded == first:
            return
        for tensor, edges, start in zip(self.tensors, self.axes, self.starts, strict=False):
            if edges[0] == 0:
                tensor = tensor[first : first + self.slabs]
            elif self.loaded is not None:
                continue
            self.flat[start : start + tensor.size].copy_to_device(np.ascontiguousarray(tensor).reshape(-1))
        self.loaded = first

    def sums(
        self, kind: int, states: int, rates: FloatArray, durations: IntArray, packed: PackedSum
    ) -> FloatArray:
        """One sum for each row of rates and durations, (rows,)."""
        from numba import cuda

        constants = (kind, self.strides.shape[1], len(self.tensors), states)
        grid = (BLOCKS, len(rates)), THREADS
        totals, partials = allocated(len(rates), BLOCKS * THREADS), allocated(len(rates), BLOCKS)
        each = [cuda.to_device(np.ascontiguousarray(array)) for array in (rates, durations)]
        transfers, summands = map(cuda.to_device, packed.transfers), map(cuda.to_device, packed.summands)
        packed = packed._replace(transfers=Transfers(*transfers), summands=Summands(*summands))
        for first in range(0, self.n, self.slabs):
            self._load(first)
            offsets = cuda.to_device(self.starts[:-1] - first * self.strides[:, 0])
            operands = Operands(self.flat, offsets, self.on_device, self.twins)
            _compiled(add_sums, *constants)[grid](
                operands, first, min(self.slabs, self.n - first), *each, packed, totals
            )
        _compiled(fold, 0, 0, 0, 0)[grid](totals, partials)
        return np.asarray(partials.copy_to_host().sum(axis=1))
