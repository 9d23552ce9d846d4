"""The evaluation plan of a diagram: which tensors meet at which edges, and in which orders its parts can come."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..diagram import Diagram
from ..embedding.relations import Relations
from ..landscapes.landscape import Nodes
from ..typing import IntArray


@dataclass(frozen=True, slots=True)
class Plan:
    """How to contract a diagram's tensors; an edge is named by its child, less one."""

    parts: tuple[tuple[Nodes, tuple[int, ...]], ...]
    """For each part, its nodes with axes numbered from 0, and the edge that each axis is."""
    order: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """One update as a triangular matrix over ideals of parts; masks are of edges. See `kernels.nested_sums`."""

    crossing: IntArray
    sources: IntArray
    targets: IntArray
    passing: IntArray
    added: IntArray
    """Parts that each step adds: it gains a factor B for each."""


@lru_cache(maxsize=4096)
def plan(diagram: Diagram) -> Plan:
    """The contraction plan of a diagram."""
    children = diagram.children
    parts = []
    for part in diagram.parts:
        edges = [([v - 1] if v else []) + [child - 1 for child in children[v]] for v in part]
        axes = {edge: axis for axis, edge in enumerate(sorted({e for node in edges for e in node}))}
        parts.append((tuple(tuple(axes[e] for e in node) for node in edges), tuple(axes)))
    return Plan(tuple(parts), diagram.order)


@lru_cache(maxsize=4096)
def transfer(diagram: Diagram) -> Transfer | None:
    """One update of one epoch as a matrix over the ideals of parts; None if the diagram has no map in one epoch."""
    below = Relations.of(diagram).part_relations()
    index = dict(zip(diagram.blocks[1:], Relations.of(diagram).part, strict=True))
    full = (1 << len(below)) - 1
    ends = [
        (1 << index[diagram.blocks[child]], 1 << index[diagram.blocks[parent]] if parent else 0)
        for child, parent in list(enumerate(diagram.parents))[1:]
    ]

    def between(before: int, after: int) -> int:
        """Edges whose child is in `before` and whose parent is not in `after`."""
        return sum(
            1 << e for e, (child, parent) in enumerate(ends) if child & before and not parent & after
        )

    ideals, steps = [0], []
    for ideal in ideals:  # grows while it is walked
        free = sum(
            1 << p for p, mask in enumerate(below) if not ideal >> p & 1 and mask & ~ideal == 0
        )
        step = free
        while step:
            after = ideal | step
            steps.append((ideal, after))
            if after not in ideals:
                ideals.append(after)
            step = (step - 1) & free
    if full not in ideals:
        return None
    ideals.sort()  # a subset is the smaller number
    place = {ideal: i for i, ideal in enumerate(ideals)}
    return Transfer(
        np.array([between(ideal, ideal) for ideal in ideals]),
        np.array([place[a] for a, _ in steps], np.int64),
        np.array([place[b] for _, b in steps], np.int64),
        np.array([between(a, b) for a, b in steps], np.int64),
        np.array([(a ^ b).bit_count() for a, b in steps], np.int64),
    )
