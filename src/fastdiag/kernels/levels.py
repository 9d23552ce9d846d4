"""Levels: how elements fall onto them, strictly increasing along an order, as chains of order ideals.

A pattern problem is n nodes with below[v], the mask of nodes that must come strictly before v, and part[v] in 0..P-1.
Every count is a number of patterns, so nothing is subtracted. Bound for n nodes: a row of patterns sums to at most
2 (n + 1) Fubini(n)^2, below 2^63 for n <= 10; on object arrays `py_func` has no bound.
"""

from typing import Any, NamedTuple

import numpy as np

from .kernel import inlined, kernel


class ShapeTables(NamedTuple):
    """Shapes (multisets of level sizes) and keys (multisets of shapes), numbered; 0 is the empty one. Passed as a tuple."""

    grow: Any
    """grow[shape, c]: the shape with one more level of c parts."""
    merge: Any
    """merge[shape, other]: the levels of both."""
    join: Any
    """join[key, shape]: the key with one more epoch."""
    levels: Any
    """Number of levels of each shape."""
    starts: Any
    """Shapes of c parts are numbered from starts[c] to starts[c + 1]."""
    key_starts: Any
    """Keys of c parts, counted once for every epoch, are numbered from key_starts[c] to key_starts[c + 1]."""
    sizes: Any
    """Elements of each mask of n bits."""


@inlined
def next_elements(below: Any, count: int, ideal: int) -> int:
    """The elements that can come next: outside the ideal, with everything below them in it."""
    free = 0
    for p in range(count):
        if not ideal >> p & 1 and below[p] & ~ideal == 0:
            free |= 1 << p
    return free


@kernel
def strict_chains(below: Any, sizes: Any, chains: Any) -> None:
    """chains[I, m]: strict chains of m steps from the empty set to the order ideal I of a poset of P elements.

    A step adds a non-empty set of elements all of whose lower covers are already there, so a chain of m steps to I is a
    strictly order-preserving surjection of I onto m levels. below[p] is the mask of elements that must come before p
    (p in below[p]: p can never come). chains: (2^P, P+1).
    """
    P = len(below)
    full = (1 << P) - 1
    for ideal in range(full + 1):
        for m in range(P + 1):
            chains[ideal, m] = 0
    chains[0, 0] = 1
    for ideal in range(full):
        free = next_elements(below, P, ideal)
        for m in range(sizes[ideal] + 1):
            if chains[ideal, m] != 0:
                step = free
                while step > 0:
                    chains[ideal | step, m + 1] += chains[ideal, m]
                    step = (step - 1) & free


@kernel
def level_chains(below: Any, tables: ShapeTables, chains: Any) -> None:
    """chains[I, shape]: `strict_chains` to I by the sizes of their steps. Only shapes of |I| parts are written."""
    grow, starts, sizes = tables.grow, tables.starts, tables.sizes
    P = len(below)
    full = (1 << P) - 1
    for ideal in range(full + 1):
        for s in range(starts[sizes[ideal]], starts[sizes[ideal] + 1]):
            chains[ideal, s] = 0
    chains[0, 0] = 1
    for ideal in range(full):
        free = next_elements(below, P, ideal)
        for s in range(starts[sizes[ideal]], starts[sizes[ideal] + 1]):
            if chains[ideal, s] != 0:
                step = free
                while step > 0:
                    chains[ideal | step, grow[s, sizes[step]]] += chains[ideal, s]
                    step = (step - 1) & free


@kernel
def level_rows(below: Any, part: Any, strings: Any, shape_tables: Any, out: Any) -> None:
    """out[r, shape]: level patterns of one epoch, the parts merged by the growth string r."""
    tables = ShapeTables(*shape_tables)
    n, starts = len(below), tables.starts
    order, chains = np.zeros(n, np.int64), np.zeros((1 << n, out.shape[1]), out.dtype)
    for r in range(len(strings)):
        P = 0
        for v in range(n):
            order[v] = 0
            P = max(P, strings[r, part[v]] + 1)
        for v in range(n):
            for u in range(n):
                if below[v] >> u & 1:
                    order[strings[r, part[v]]] |= 1 << strings[r, part[u]]
        level_chains(order[:P], tables, chains)
        for s in range(starts[P], starts[P + 1]):
            out[r, s] = chains[(1 << P) - 1, s]
