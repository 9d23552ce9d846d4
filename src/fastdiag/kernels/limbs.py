"""Exact sums of big integers held as limbs: value = sum_j limb[j] 2^(width j), all limbs in 0..2^width - 1 but the last,
which carries the sign."""

from typing import Any

from .kernel import kernel


@kernel
def carry(values: Any, width: int) -> None:
    """Normalise the limbs of each row of `values` (rows, limbs)."""
    mask = (1 << width) - 1
    last = values.shape[1] - 1
    for r in range(values.shape[0]):
        over = 0
        for j in range(last):
            total = values[r, j] + over
            values[r, j] = total & mask
            over = total >> width
        values[r, last] += over


@kernel
def rows_times_limbs(
    lengths: Any, columns: Any, counts: Any, kinds: Any, worth: Any, slots: Any, width: int, out: Any
) -> None:
    """out[r, slots[c]] += counts[i] worth[kinds[r], c], over the lengths[r] entries i of row r, c = columns[i].

    worth: (kinds, columns, limbs); out: (rows, slots, limbs), zeros on entry. Bound: the caller keeps
    sum_i |counts[i]| 2^width below 2^62.
    """
    limbs = out.shape[2]
    i = 0
    for r in range(len(lengths)):
        for _ in range(lengths[r]):
            c = columns[i]
            for j in range(limbs):
                out[r, slots[c], j] += counts[i] * worth[kinds[r], c, j]
            i += 1
        carry(out[r], width)


@kernel
def combine_rows(rows: Any, starts: Any, sources: Any, weights: Any, values: Any, width: int, out: Any) -> None:
    """out[r] = sum of weights[i] values[sources[i]] for i from starts[rows[r]] to starts[rows[r] + 1].

    values, out: (rows, slots, limbs). Bound: the caller keeps sum_i |weights[i]| 2^width below 2^62.
    """
    slots, limbs = out.shape[1], out.shape[2]
    for r in range(len(rows)):
        for q in range(slots):
            for j in range(limbs):
                out[r, q, j] = 0
        for i in range(starts[rows[r]], starts[rows[r] + 1]):
            for q in range(slots):
                for j in range(limbs):
                    out[r, q, j] += weights[i] * values[sources[i], q, j]
        carry(out[r], width)


@kernel
def limbs_times_factors(values: Any, factors: Any, width: int, out: Any) -> None:
    """out[r, :, t] = sum_q values[r, q, :] factors[:, q, t], the product of limbs by limbs.

    values: (rows, slots, limbs); factors: (limbs of factors, slots, times); out: (rows, limbs, times). Bound: the caller
    keeps (limbs of factors) x slots x 2^width x (largest limb of a factor) below 2^62.
    """
    slots, limbs = values.shape[1], values.shape[2]
    room, times = out.shape[1], out.shape[2]
    mask = (1 << width) - 1
    for r in range(len(values)):
        for j in range(room):
            for t in range(times):
                out[r, j, t] = 0
        for q in range(slots):
            for j in range(limbs):
                value = values[r, q, j]
                if value != 0:
                    for i in range(min(len(factors), room - j)):
                        for t in range(times):
                            out[r, i + j, t] += value * factors[i, q, t]
        for j in range(room - 1):
            for t in range(times):
                total = out[r, j, t]
                out[r, j, t] = total & mask
                out[r, j + 1, t] += total >> width
