"""Counting maps in one epoch: the strict order polynomial of the poset of parts."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np

from ..diagram import Diagram
from ..diagram.partition import moebius_from_bottom, set_partitions
from ..kernels.posets import ideal_chains
from ..spacetime import Spacetime


def parts_below(diagram: Diagram) -> list[int]:
    """For each part with nodes other than the root, the mask of the parts that an edge puts strictly before it.

    A part that is its own child stands in its own mask: it has no place in one epoch.
    """
    parts = sorted(set(diagram.blocks[1:]))
    index = {block: i for i, block in enumerate(parts)}
    below = [0] * len(parts)
    for child, parent in enumerate(diagram.parents):
        if parent > 0:
            below[index[diagram.blocks[parent]]] |= 1 << index[diagram.blocks[child]]
    return below


def level_counts(below: Sequence[int]) -> list[int]:
    """a_m, m = 0..P: strictly order-preserving surjections of the poset onto m levels.

    The strict order polynomial is Omega(T) = sum_m a_m C(T, m).
    """
    P = len(below)
    chains = np.zeros((1 << P, P + 1, P + 1), object)
    ideal_chains.py_func(below, 0, chains)
    return [int(a) for a in chains[-1, :, 0]]


def merged(below: Sequence[int], string: Sequence[int]) -> list[int]:
    """The poset's relations after its elements are merged into the blocks of a growth string."""
    result = [0] * (max(string, default=-1) + 1)
    for p, mask in enumerate(below):
        for q in range(len(below)):
            if mask >> q & 1:
                result[string[p]] |= 1 << string[q]
    return result


def maps_one_epoch(diagram: Diagram, spacetime: Spacetime, basis: str) -> int:
    """Number of maps where no row is visited twice (T <= N/B), exact at any size."""
    below, T = parts_below(diagram), spacetime.finite("T")

    def cumulant(below: Sequence[int]) -> int:
        counts = level_counts(below)
        return int(spacetime.B ** len(below)) * sum(a * comb(T, m) for m, a in enumerate(counts))

    if basis == "cumulant":
        return cumulant(below)
    return sum(
        moebius_from_bottom(string) * cumulant(merged(below, string)) for string in set_partitions(len(below))
    )
