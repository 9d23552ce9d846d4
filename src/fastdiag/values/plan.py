"""The evaluation plan of a diagram: which tensors meet at which edges, and which edges can be exchanged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np

from ..diagram import Diagram
from ..landscapes.landscape import Nodes
from ..typing import IntArray
from .root import Root

Source = TypeVar("Source")


@dataclass(frozen=True, slots=True)
class Plan:
    """How to contract a diagram's tensors; an edge is named by its child, less one."""

    parts: tuple[tuple[Nodes, tuple[int, ...]], ...]
    """For each part, its nodes with axes numbered from 0, and the edge that each axis is."""
    order: int
    open: tuple[int, ...] = ()
    """The edges that end in axes of the result, in the order of these."""
    owners: tuple[int, ...] = ()
    """Of the first parts, which are the root's, whose they are; see `Root`."""

    @property
    def highest_degree(self) -> int:
        """Of the derivatives that it takes."""
        return max(len(node) for nodes, _ in self.parts for node in nodes)

    def sources(self, own: Source, others: Sequence[Source]) -> list[Source]:
        """For each part, which landscape has its tensor."""
        later = (0,) * (len(self.parts) - len(self.owners))
        return [others[owner - 1] if owner else own for owner in self.owners + later]


@lru_cache(maxsize=4096)
def plan(diagram: Diagram, root: Root | None = None, cut: bool = False) -> Plan:
    """The contraction plan of a diagram with a term of an observable at its root; by default the loss's derivative.

    cut: edges do not join their ends: of edge e, the end at the parent has the number `order` + e.
    """
    children, upper = diagram.children, diagram.order if cut else 0
    edges_of = [[[v - 1] * (v > 0) + [upper + child - 1 for child in children[v]] for v in part] for part in diagram.parts]
    if root is not None:  # its first factor takes the root's place, others are parts of their own
        factors = [[edges_of[0][0][place] for place in factor] for factor in root.nodes]
        first = factors[:1] + edges_of[0][1:]
        edges_of = [*([first] if first else []), *([factor] for factor in factors[1:]), *edges_of[1:]]
    parts = []
    for edges in edges_of:
        axes = {edge: axis for axis, edge in enumerate(sorted({e for node in edges for e in node}))}
        parts.append((tuple(tuple(axes[e] for e in node) for node in edges), tuple(axes)))
    if root is None:
        return Plan(tuple(parts), diagram.order)
    opened = tuple(upper + children[0][place] - 1 for place in root.open)
    return Plan(tuple(parts), diagram.order, opened, root.owners)


@lru_cache(maxsize=4096)
def twins(diagram: Diagram, apart: tuple[int, ...] = ()) -> IntArray:
    """For each edge, whether its leaf can be exchanged with that of the edge before, (edges,) int64; none of `apart`."""
    leaf = [degree == 1 for degree in diagram.degrees]
    size = [diagram.blocks.count(block) for block in diagram.blocks]
    found = [0] * min(diagram.order, 1)
    for v in range(2, diagram.order + 1):
        u = v - 1
        alike = leaf[u] and leaf[v] and diagram.parents[u] == diagram.parents[v]
        alone = size[u] == size[v] == 1
        held = u - 1 in apart or v - 1 in apart
        found.append(int(alike and not held and (alone or diagram.blocks[u] == diagram.blocks[v])))
    return np.array(found, np.int64)
