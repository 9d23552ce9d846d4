"""The trees of a diagram with a term at its root, and its joint cumulants as means over points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod
from typing import TypeAlias

from ..diagram import Diagram
from ..diagram.partition import moebius_to_top
from ..landscapes.cumulant import central, partition_terms
from .root import Root, loss_root

Labels: TypeAlias = tuple[int, ...]
"""A point for each node: equal numbers for one point, -1 for a mean of its own."""


@dataclass(frozen=True, slots=True)
class Forest:
    """A diagram with one term of its root's tensor: trees whose nodes are derivatives of the loss.

    Nodes 1 ... d are the diagram's, others the factors of the root. An edge without a node at its end is the result's.
    """

    edges: tuple[tuple[int, int], ...]
    open: tuple[int, ...]
    """Nodes at whose upper edge the result has an axis, in the order of these."""
    parts: tuple[tuple[int, ...], ...]
    count: int
    owners: tuple[int, ...]
    """Whose each node is, see `Root`."""

    @property
    def neighbours(self) -> tuple[tuple[int, ...], ...]:
        """The nodes next to each one."""
        found: list[list[int]] = [[] for _ in range(self.count)]
        for u, v in self.edges:
            found[u].append(v)
            found[v].append(u)
        return tuple(map(tuple, found))

    def degree(self, node: int) -> int:
        """Of a node: open edges count."""
        return len(self.neighbours[node]) + self.open.count(node)


@lru_cache(maxsize=1024)
def forest(diagram: Diagram, root: Root | None) -> Forest:
    """The trees of a diagram with a term at its root."""
    children = diagram.children[0]
    root = loss_root(len(children)) if root is None else root
    d = diagram.order
    names = [0, *range(d + 1, d + len(root.nodes))][: len(root.nodes)]  # node 0 is the first factor
    edges = [(u, v) for u in range(1, d + 1) for v in diagram.children[u]]
    edges += [(name, children[place]) for name, places in zip(names, root.nodes, strict=True) for place in places]
    parts = [tuple(v for v in part if v or root.nodes) for part in diagram.parts]
    parts += [(name,) for name in names[1:]]
    owners = [0] * (d + max(1, len(root.nodes)))
    for name, owner in zip(names, root.owners, strict=False):
        owners[name] = owner
    opened = tuple(children[place] for place in root.open)
    return Forest(tuple(edges), opened, tuple(filter(None, parts)), len(owners), tuple(owners))


@lru_cache(maxsize=1024)
def moments(trees: Forest) -> tuple[tuple[Labels, int], ...]:
    """The joint cumulants of all parts as sums of means: weights of labels.

    Leaves are deviations from their mean where they share a point, so that digits in common cancel before they multiply; of
    the others a deviation is the tensor less a mean of its own.
    """
    found: Counter[Labels] = Counter()
    choices = [list(_of_part(part, tuple(trees.degree(v) == 1 for v in part))) for part in trees.parts]
    for chosen in product(*choices):
        labels, used = [-1] * trees.count, 0
        for (own, _), part in zip(chosen, trees.parts, strict=True):
            for v, label in zip(part, own, strict=True):
                labels[v] = label + used if label >= 0 else -1
            used += 1 + max(own)
        found[tuple(labels)] += prod(weight for _, weight in chosen)
    return tuple((labels, weight) for labels, weight in found.items() if weight)


def _of_part(part: tuple[int, ...], leaf: tuple[bool, ...]) -> Iterator[tuple[Labels, int]]:
    if len(part) == 1:
        yield (-1,), 1
        return
    for weight, blocks in partition_terms(len(part), central(moebius_to_top)):
        inner = [i for i in range(len(part)) if not leaf[i]]
        for apart in product((False, True), repeat=len(inner)):
            alone = {i for i, split in zip(inner, apart, strict=True) if split}
            kept = [[i for i in block if i not in alone] for block in blocks]
            if any(len(block) == 1 and leaf[block[0]] for block in kept):
                continue  # the mean of a deviation
            labels, used = [-1] * len(part), 0
            for block in kept:
                if len(block) > 1:
                    for i in block:
                        labels[i] = used
                    used += 1
            yield tuple(labels), weight * (-1) ** len(alone)
