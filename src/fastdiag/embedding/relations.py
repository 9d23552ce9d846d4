"""A diagram as a counting problem: which nodes come strictly before which, and which share a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..diagram import Diagram


@dataclass(frozen=True, slots=True)
class Relations:
    """Nodes other than the root, numbered from 0.

    below[v] is the mask of the nodes that come strictly before v; part[v] is the part of v, numbered by first appearance.
    """

    below: tuple[int, ...]
    part: tuple[int, ...]

    @classmethod
    def of(cls, diagram: Diagram) -> Relations:
        """A child comes before its parent; the root comes after all, which is no condition."""
        below = [0] * diagram.order
        for child, parent in enumerate(diagram.parents):
            if parent > 0:
                below[parent - 1] |= 1 << child - 1
        return cls(tuple(below), _renumbered(diagram.blocks[1:]))

    @property
    def parts(self) -> int:
        """Number of parts."""
        return max(self.part, default=-1) + 1

    def part_relations(self) -> tuple[int, ...]:
        """For each part, the mask of the parts that some relation puts strictly before it (itself, if within it)."""
        masks = [0] * self.parts
        for v, mask in enumerate(self.below):
            for u in range(len(self.below)):
                if mask >> u & 1:
                    masks[self.part[v]] |= 1 << self.part[u]
        return tuple(masks)

    def coarsened(self, string: Sequence[int]) -> Relations:
        """The parts merged into the blocks of a growth string over the parts."""
        return Relations(self.below, _renumbered([string[p] for p in self.part]))

    def glued(self, string: Sequence[int]) -> Relations:
        """The nodes of each block of a growth string made one node: they sit in one cell, so their parts share a row."""
        count = max(string, default=-1) + 1
        below = [0] * count
        for v, mask in enumerate(self.below):
            for u in range(len(self.below)):
                if mask >> u & 1:
                    below[string[v]] |= 1 << string[u]
        root = list(range(self.parts))  # union of parts that share a glued node
        for block in range(count):
            met = {root[self.part[v]] for v in range(len(string)) if string[v] == block}
            root = [min(met) if r in met else r for r in root]
        first = [string.index(block) for block in range(count)]
        return Relations(tuple(below), _renumbered([root[self.part[v]] for v in first]))


def _renumbered(labels: Sequence[int]) -> tuple[int, ...]:
    names: dict[int, int] = {}
    return tuple(names.setdefault(label, len(names)) for label in labels)
