"""Pattern rows where every epoch has its own order of the rows: how nodes fall into epochs and parts into positions."""

from typing import Any

import numpy as np

from .kernel import inlined, kernel
from .levels import ShapeTables, level_chains


@inlined
def _present(below: Any, chosen: int, merged: Any, sub: Any, order: Any) -> int:
    """How many parts the chosen nodes meet; order: of these, numbered by `sub`, those that must come before each."""
    n, present = len(below), 0
    for v in range(n):
        sub[merged[v]] = -1
    for v in range(n):
        if chosen >> v & 1 and sub[merged[v]] < 0:
            sub[merged[v]] = present
            order[present] = 0
            present += 1
    for v in range(n):
        if chosen >> v & 1 and below[v] & chosen != 0:
            for u in range(n):
                if below[v] & chosen & 1 << u != 0:
                    order[sub[merged[v]]] |= 1 << sub[merged[u]]
    return present


@kernel
def reshuffle_rows(
    below: Any, part: Any, strings: Any, first: int, partial: bool, shape_tables: Any, lengths: Any, columns: Any,
    counts: Any,
) -> int:
    """Pattern rows in the moment basis where every epoch has its own order, the parts merged by strings[first:].

    Column key shapes + last: in each whole epoch that holds nodes, the parts present fall onto levels, strictly
    increasing along the relations inside; the key is the multiset of the shapes of these epochs, last the shape in a
    last, partial epoch (if `partial`; else 0).

    A chain of ideals of nodes visits the epochs. Returns how many rows were written before the space ended.
    """
    tables = ShapeTables(*shape_tables)
    n, starts, sizes, key_starts, join = len(below), tables.starts, tables.sizes, tables.key_starts, tables.join
    shapes, keys = len(tables.grow), len(join)
    full = (1 << n) - 1
    merged, known, needs = np.zeros(n, np.int64), np.zeros(1 << n, np.int64), np.zeros(1 << n, np.int64)
    slots, level = np.zeros((1 << n, shapes), counts.dtype), np.zeros((1 << n, shapes), counts.dtype)
    state, active = np.zeros((1 << n, keys), counts.dtype), np.zeros(keys, np.int64)
    row, touched = np.zeros(keys * shapes, counts.dtype), np.zeros(keys * shapes, np.int64)
    order, sub = np.zeros(n, np.int64), np.zeros(n, np.int64)
    used = 0
    for v in range(n):
        for mask in range(1 << v):
            needs[mask | 1 << v] = needs[mask] | below[v]
    for r in range(first, len(strings)):
        if used + len(touched) > len(columns):
            return r - first
        P = 0
        for v in range(n):
            merged[v] = strings[r, part[v]]
            P = max(P, merged[v] + 1)
        for mask in range(full + 1):
            known[mask] = -1  # else the number of parts that the nodes of the mask meet
        before = used
        state[0, 0] = 1
        found = 0
        for ideal in range(full + 1):
            count = 0
            for k in range(key_starts[sizes[ideal] + 1]):
                if state[ideal, k] != 0:
                    active[count] = k
                    count += 1
            if count == 0:
                continue
            rest = full & ~ideal
            chosen = rest
            while chosen > 0:
                after = ideal | chosen
                closed = needs[chosen] & ~after == 0
                if closed and known[chosen] < 0:
                    present = _present(below, chosen, merged, sub, order)
                    level_chains(order[:present], tables, level)
                    for s in range(starts[present], starts[present + 1]):
                        slots[chosen, s] = level[(1 << present) - 1, s]
                    known[chosen] = present
                if closed:
                    for s in range(starts[known[chosen]], starts[known[chosen] + 1]):
                        ways = slots[chosen, s]
                        if ways != 0:
                            for a in range(count):
                                k = active[a]
                                state[after, join[k, s]] += state[ideal, k] * ways
                                if chosen == rest and partial:
                                    c = k * shapes + s
                                    if row[c] == 0:
                                        touched[found] = c
                                        found += 1
                                    row[c] += state[ideal, k] * ways
                chosen = (chosen - 1) & rest
            for a in range(count):
                k = active[a]
                if ideal == full:
                    columns[used] = k * shapes
                    counts[used] = state[full, k]
                    used += 1
                state[ideal, k] = 0
        for i in range(found):
            columns[used] = touched[i]
            counts[used] = row[touched[i]]
            used += 1
            row[touched[i]] = 0
        lengths[r - first] = used - before
    return len(strings) - first
