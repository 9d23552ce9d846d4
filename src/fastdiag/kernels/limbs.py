"""Exact sums of big integers held as limbs: value = sum_j limb[j] 2^(width j)."""

from typing import Any

from .kernel import kernel


@kernel
def table_times_limbs(table: Any, kind: Any, basis: Any, width: int, out: Any) -> None:
    """out[r, t] = sum_c table[r, c] basis[kind[r], c, t], with carries carried.

    table: (rows, columns) int64; basis: (kinds, columns, times, limbs), limbs in 0..2^width - 1; out: (rows, times,
    limbs). Bound: the caller keeps (sum_c |table[r, c]|) 2^width + 2^62 / 2^width below 2^62.
    """
    rows, columns = table.shape
    times, limbs = out.shape[1], out.shape[2]
    for r in range(rows):
        for t in range(times):
            for j in range(limbs):
                out[r, t, j] = 0
        for c in range(columns):
            count = table[r, c]
            if count != 0:
                for t in range(times):
                    for j in range(limbs):
                        out[r, t, j] += count * basis[kind[r], c, t, j]
        carry(out[r], width)


@kernel
def carry(values: Any, width: int) -> None:
    """Bring the limbs of non-negative values (times, limbs) back to 0..2^width - 1; a limb may be negative before."""
    mask = (1 << width) - 1
    for t in range(values.shape[0]):
        over = 0
        for j in range(values.shape[1]):
            total = values[t, j] + over
            values[t, j] = total & mask
            over = total >> width


@kernel
def combine_rows(starts: Any, sources: Any, weights: Any, values: Any, width: int, out: Any) -> None:
    """out[r] = sum of weights[i] values[sources[i]] for i from starts[r] to starts[r + 1], with carries carried.

    values: (rows, times, limbs), limbs in 0..2^width - 1. Bound: the caller keeps (sum |weights|) 2^width below 2^62.
    """
    times, limbs = out.shape[1], out.shape[2]
    for r in range(len(starts) - 1):
        for t in range(times):
            for j in range(limbs):
                out[r, t, j] = 0
        for i in range(starts[r], starts[r + 1]):
            for t in range(times):
                for j in range(limbs):
                    out[r, t, j] += weights[i] * values[sources[i], t, j]
        carry(out[r], width)
