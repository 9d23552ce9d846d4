"""Where resummed values are computed: the CPU, or a CUDA GPU."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from ..arguments import choice
from ..diagram import Diagram
from ..door import outside
from ..errors import TooLargeError, UnsupportedError
from ..files import to_install
from ..kernels import cuda
from ..kernels.packed_sum import PackedSum
from ..typing import FloatArray, IntArray
from .eigenbasis import Eigenbasis
from .packed_transfer_matrices import most_states
from .plan import plan, twins
from .root import Terms

DEVICES = ("auto", "cpu", "cuda")
WORTH_A_GPU = 1 << 24
"""Index tuples x learning rates x times: some seconds of a CPU, which is what loading CUDA and compiling takes."""
MOST_EDGES, MOST_STATES = 4, 16  # what the local memory of a GPU's threads holds well
TOGETHER = 64  # learning rates and times to a launch
SPARED = 0.05  # of the free memory, for the driver

Run = tuple[IntArray, PackedSum, IntArray]
"""The places of the results, the sum over maps, and the numbers of updates if they are several."""
Tensor = tuple[FloatArray, tuple[int, ...]]
"""A part's cumulant, and the edges that its axes are."""


def check_device(device: object, otherwise: str | None = None) -> str:
    """The device as a str, or an error unless it is known and there; otherwise: why these are not for a GPU."""
    device = choice("device", device, DEVICES)
    if device == "cuda":
        if otherwise is not None:
            raise UnsupportedError(f"device='cuda' is for resummed values in floats, and {otherwise}; use device='auto'")
        missing = cuda.missing()
        if missing is not None:
            raise UnsupportedError(
                f"device='cuda' needs a CUDA-capable GPU with its driver, and numba-cuda: {to_install('cuda')}. "
                f"Here {missing}; use device='auto' or 'cpu'"
            )
    return device


def gpu_totals(
    device: str, diagram: Diagram, eigenbasis: Eigenbasis, runs: Sequence[Run], numbers: FloatArray, times: int,
    terms: Terms,
) -> FloatArray | None:
    """The contractions with the sums over maps, (len(numbers), times), or None if the CPU is to do it."""
    n, edges = len(eigenbasis.rates), diagram.order
    if device == "cpu" or edges == 0 or terms[0][0].open:
        return None
    if device == "auto" and (
        tuples(twins(diagram), n) * len(numbers) * times < WORTH_A_GPU or cuda.missing() is not None
    ):
        return None
    states = max(most_states(packed) for _, packed, _ in runs)
    if edges > MOST_EDGES or states > MOST_STATES:
        if device == "auto":
            return None
        raise UnsupportedError(
            f"diagram {diagram} has {edges} edges and {states} states, and the GPU kernels hold at most {MOST_EDGES} and "
            f"{MOST_STATES}; use device='cpu', or 'auto' to let it choose for each diagram"
        )
    try:
        totals = np.zeros((len(numbers), times))
        for root, weight in terms:
            chosen = plan(diagram, root)
            sources = chosen.sources(eigenbasis, eigenbasis.others)
            tensors = [(source.part(nodes), axes) for source, (nodes, axes) in zip(sources, chosen.parts, strict=True)]
            totals += weight * _totals(diagram, tensors, eigenbasis.rates, runs, numbers, times)
        return totals
    except TooLargeError:
        if device == "auto":
            return None
        raise
    except Exception as error:
        if device == "cuda":
            raise
        warnings.warn(f"the GPU failed, so the CPU is used: {error}", RuntimeWarning, stacklevel=outside())
        return None


def tuples(alike: IntArray, n: int) -> int:
    """Index tuples that are summed over: of those that differ by an exchange of twins, one."""
    found, run = 1, 0
    for twin in alike:
        found, run = (found * (n + run), run + 1) if twin else (found * n, 1)
        found //= run
    return found


def _totals(
    diagram: Diagram, tensors: Sequence[Tensor], rates: FloatArray, runs: Sequence[Run], numbers: FloatArray, times: int
) -> FloatArray:
    totals = np.zeros((len(numbers), times))
    slabs = _slabs(diagram, tensors, runs, len(numbers))
    try:
        contraction = cuda.Contraction([t for t, _ in tensors], [axes for _, axes in tensors], twins(diagram), slabs)
        for places, packed, updates in runs:
            durations = np.array([(0, t, t) for t in updates] or [packed.duration[:3]], np.int64)
            which, when = np.divmod(np.arange(len(numbers) * len(durations)), len(durations))
            found = [
                contraction.sums(
                    *_shape(packed), numbers[which[some], None] * rates, durations[when[some]], packed
                )
                for some in (slice(low, low + TOGETHER) for low in range(0, len(which), TOGETHER))
            ]
            totals[:, places] += np.concatenate(found).reshape(len(numbers), len(durations))
    except Exception as error:
        if not cuda.is_out_of_memory(error):
            raise
        # somebody else took memory meanwhile
        raise _too_large(diagram, bytes_needed(diagram, tensors, runs, len(numbers), slabs), cuda.free_on_gpu()) from error
    return totals


def _shape(packed: PackedSum) -> tuple[int, int]:
    """Which kernel a sum over maps needs, and how many states it holds (a power of two, so that there are few kernels)."""
    states = 1 << (most_states(packed) - 1).bit_length()
    if packed.fresh:
        return cuda.FRESH_ORDERS, states
    if packed.parts >= 0:
        return cuda.INTEGRAL, states
    if packed.transfers.sizes[0] == 2 and packed.duration.whole == 0:  # all nodes in one part: W is a geometric sum
        return cuda.ONE_STEP, 2
    return cuda.ONE_ORDER, states


def bytes_needed(diagram: Diagram, tensors: Sequence[Tensor], runs: Sequence[Run], rates: int, slabs: int) -> int:
    """GPU memory that the work needs, with so many values of the first index in a tile."""
    held = sum(
        tensor.nbytes // len(tensor) * slabs if axes[0] == 0 else tensor.nbytes for tensor, axes in tensors
    )
    scratch = max(cuda.scratch_bytes(kind, diagram.order, len(tensors), states) for kind, states in
                  (_shape(packed) for _, packed, _ in runs))
    sums = min(TOGETHER, rates * max(max(1, len(updates)) for _, _, updates in runs))
    arrays: int = max(sum(array.nbytes for array in (*packed.transfers, *packed.summands)) for _, packed, _ in runs)
    return held + scratch + arrays + cuda.totals_bytes(sums) + 8 * sums * len(tensors[0][0])


def _slabs(diagram: Diagram, tensors: Sequence[Tensor], runs: Sequence[Run], rates: int) -> int:
    """How many values of the first index to hold at a time, or TooLargeError."""
    free, n = cuda.free_on_gpu(), len(tensors[0][0])
    least = bytes_needed(diagram, tensors, runs, rates, 1)
    room = int(free * (1 - SPARED))
    if least > room:
        raise _too_large(diagram, least, free)
    return min(n, 1 + (room - least) // (bytes_needed(diagram, tensors, runs, rates, 2) - least))


def _too_large(diagram: Diagram, asked: int, free: int) -> TooLargeError:
    return TooLargeError(
        f"diagram {diagram} needs at least {asked:,} bytes of GPU memory, and {free:,} are free; use device='cpu', "
        "free GPU memory that other programs hold, or use fewer weights"
    )
