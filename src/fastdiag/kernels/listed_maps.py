"""Enumerating the maps of a diagram into a given grid, and sorting them into embeddings."""

from typing import Any

from .kernel import kernel


@kernel
def list_maps(parents: Any, blocks: Any, rows: Any, injective: bool, state: Any, out: Any) -> int:
    """Write the maps into `out` (capacity, n), from where `state` (3, n) left off; return how many.

    Node i >= 1 goes to slot out[., i] = time * B + place, its row is rows[time, place], -1 where there is none; a child's
    time is before its parent's, the root is after all. Nodes of one block share a row; if `injective`, nodes of different
    blocks do not.
    state[0, 0]: 0 to begin, 1 to go on, 2 when there are no more; state[1]: slots.
    """
    n = len(parents)
    T, B = rows.shape
    capacity = len(out)
    slots, taken = state[1], state[2]
    if state[0, 0] == 2 or capacity == 0:
        return 0
    written = 0
    i = n - 1
    if state[0, 0] == 0:
        state[0, 0] = 1
        slots[0] = T * B
        if n == 1:
            state[0, 0] = 2
            out[0, 0] = T * B
            return 1
        i = 1
        slots[1] = -1
        for j in range(1, n):
            taken[j] = -1
    while i > 0:
        slots[i] += 1
        if slots[i] >= slots[parents[i]] // B * B:
            i -= 1
            continue
        row = rows[slots[i] // B, slots[i] % B]
        fits = row >= 0
        for j in range(1, i):
            same = taken[j] == row
            if blocks[j] == blocks[i]:
                fits = fits and same
            elif injective:
                fits = fits and not same
        if not fits:
            continue
        taken[i] = row
        if i + 1 < n:
            i += 1
            slots[i] = -1
            continue
        for j in range(n):
            out[written, j] = slots[j]
        written += 1
        if written == capacity:
            return written
    state[0, 0] = 2
    return written


@kernel
def orbit_stabilizers(group: Any, maps: Any, out: Any) -> None:
    """For each map: the number of group elements that fix it if it is least in its orbit, else 0."""
    order, n = group.shape
    for row in range(len(maps)):
        fixed = 0
        for g in range(order):
            sign = 0
            for i in range(n):
                difference = maps[row, group[g, i]] - maps[row, i]
                if difference != 0:
                    sign = difference
                    break
            if sign < 0:
                fixed = 0
                break
            if sign == 0:
                fixed += 1
        out[row] = fixed
