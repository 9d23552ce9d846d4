"""The evaluation plan of a diagram: which tensors meet at which edges, and which edges can be exchanged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..diagram import Diagram
from ..landscapes.landscape import Nodes
from ..typing import IntArray


@dataclass(frozen=True, slots=True)
class Plan:
    """How to contract a diagram's tensors; an edge is named by its child, less one."""

    parts: tuple[tuple[Nodes, tuple[int, ...]], ...]
    """For each part, its nodes with axes numbered from 0, and the edge that each axis is."""
    order: int


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
def twins(diagram: Diagram) -> IntArray:
    """For each edge, whether its leaf can be exchanged with that of the edge before, (edges,) int64."""
    leaf = [degree == 1 for degree in diagram.degrees]
    size = [diagram.blocks.count(block) for block in diagram.blocks]
    found = [0] * min(diagram.order, 1)
    for v in range(2, diagram.order + 1):
        u = v - 1
        alike = leaf[u] and leaf[v] and diagram.parents[u] == diagram.parents[v]
        alone = size[u] == size[v] == 1
        found.append(int(alike and (alone or diagram.blocks[u] == diagram.blocks[v])))
    return np.array(found, np.int64)
