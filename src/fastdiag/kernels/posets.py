"""Chains of order ideals of a small poset, its elements the bits of a mask."""

from typing import Any

from .kernel import kernel


@kernel
def ideal_chains(below: Any, watched: int, chains: Any) -> None:
    """chains[I, m, h]: strict chains of m steps from the empty set to the ideal I.

    A step adds a non-empty set of elements all of whose lower covers are already there, so a chain of m steps to I is a
    strictly order-preserving surjection of I onto m levels. below[p] is the mask of elements that must come before p
    (p in below[p]: p can never come). h is the step by which all of `watched` is there, 0 while some of it is missing
    or if it is empty. chains: (2^P, P+1, P+1), zeros on entry. Bound: entries are at most the Fubini number of P, so
    int64 holds them for P <= 17; on object arrays `py_func` has no bound.
    """
    P = len(below)
    full = (1 << P) - 1
    chains[0, 0, 0] = 1
    for ideal in range(full):
        size = 0
        free = 0
        for p in range(P):
            if ideal >> p & 1:
                size += 1
            elif below[p] & ~ideal == 0:
                free |= 1 << p
        done = watched & ~ideal == 0 and watched != 0
        some = False
        for m in range(size + 1):
            for h in range(size + 1):
                some = some or chains[ideal, m, h] != 0
        if not some:
            continue
        step = free
        while step > 0:
            after = ideal | step
            completes = not done and watched != 0 and watched & ~after == 0
            for m in range(size + 1):
                for h in range(size + 1):
                    if chains[ideal, m, h] != 0:
                        chains[after, m + 1, m + 1 if completes else h] += chains[ideal, m, h]
            step = (step - 1) & free
