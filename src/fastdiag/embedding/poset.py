"""A diagram as a counting problem: what comes strictly before what, and what shares a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TypeAlias

from ..diagram import Diagram
from ..diagram.partition import set_partitions
from .embeddings import listable_automorphisms

MOST_KEPT = 5  # parts whose 52 ways to be merged are kept

Links: TypeAlias = tuple[int, ...]
"""The lambda-edges of a Hessian-based step, each named by its child node; ascending. Their ends act at one update."""


@dataclass(frozen=True, slots=True)
class Poset:
    """Groups of nodes that act at one update, numbered from 0; the root is in none.

    A group is one node, or nodes joined by lambda-edges, which sit in any rows of one batch. Time orders groups, rows
    belong to parts. Masks are of groups in `below`, of parts in `met`.
    """

    below: tuple[int, ...]
    """For each group, the groups strictly before it."""
    met: tuple[int, ...]
    """For each group, the parts of its nodes, numbered by first appearance."""
    ends: tuple[tuple[int, int], ...]
    """For each edge, named by its child less one, the groups of child and parent; -1: the root. Equal: a lambda-edge."""

    @staticmethod
    @lru_cache(maxsize=1 << 12)
    def of(diagram: Diagram, links: Links = ()) -> Poset:
        """A child comes before its parent; the root comes after all, which is no condition."""
        group: list[int] = [-1] * len(diagram.parents)  # parents come before their children
        met: list[int] = []
        for node in range(1, len(group)):
            if node in links:
                group[node] = group[diagram.parents[node]]
            else:
                group[node] = len(met)
                met.append(0)
            met[group[node]] |= 1 << diagram.blocks[node]
        below = [0] * len(met)
        ends = []
        for node, parent in enumerate(diagram.parents[1:], 1):
            ends.append((group[node], group[parent]))
            if parent > 0 and node not in links:
                below[group[parent]] |= 1 << group[node]
        return Poset(tuple(below), _renumbered(met), tuple(ends))

    @property
    def part(self) -> tuple[int, ...]:
        """The part of each group, where a group is one node."""
        return tuple(mask.bit_length() - 1 for mask in self.met)

    @property
    def parts(self) -> int:
        """Number of parts."""
        return union(self.met).bit_count()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of nodes of each group, 0 of those in no part."""
        lows = [low for low, _ in self.ends]
        return tuple(lows.count(group) if mask else 0 for group, mask in enumerate(self.met))

    @property
    def classes(self) -> tuple[int, ...]:
        """Masks of the parts that groups join: they lie in one batch wherever rows have one order."""
        found: list[int] = []
        for mask in self.met:
            found = [c for c in found if not c & mask] + [union([mask, *(c for c in found if c & mask)])]
        return tuple(found)

    @property
    def joined(self) -> Poset:
        """Each class made one part, so that a group is in one: batches in place of rows."""
        classes = self.classes
        home = [next(c for c in classes if c & mask) for mask in self.met]
        return Poset(self.below, _renumbered([1 << classes.index(c) for c in home]), self.ends)

    @property
    def loose(self) -> tuple[Poset, int]:
        """Without parts of one group, and their number: in the cumulant basis they are in any row of a batch."""
        alone = [mask for mask in self.met if self.met.count(mask) == 1]
        return Poset(self.below, _renumbered([0 if mask in alone else mask for mask in self.met]), self.ends), len(alone)

    def coarsened(self, string: Sequence[int]) -> Poset:
        """The parts merged into the blocks of a growth string over the parts."""
        return Poset(self.below, _renumbered([union(1 << string[p] for p in bits(mask)) for mask in self.met]), self.ends)

    def glued(self, string: Sequence[int]) -> Poset:
        """The nodes of each block of a growth string made one node: they sit in one cell, so their parts share a row."""
        count, part = max(string, default=-1) + 1, self.part
        below = [0] * count
        for v, mask in enumerate(self.below):
            below[string[v]] |= union(1 << string[u] for u in bits(mask))
        root = list(range(self.parts))  # union of parts that share a glued node
        for block in range(count):
            met = {root[part[v]] for v in range(len(string)) if string[v] == block}
            root = [min(met) if r in met else r for r in root]
        first = [string.index(block) for block in range(count)]
        ends = tuple((string[low], string[high] if high >= 0 else -1) for low, high in self.ends)
        return Poset(tuple(below), _renumbered([1 << root[part[v]] for v in first]), ends)


def merged(poset: Poset, basis: str, diagram: Diagram | None = None) -> Counter[Poset]:
    """The posets whose moment maps add up: with parts merged, or in the moment basis itself; equal ones counted.

    diagram: the one that all edges carry the same for; its nodes are numbered anew then.
    """
    return (_known_merged if poset.parts <= MOST_KEPT else _merged)(poset, basis, diagram)


def _merged(poset: Poset, basis: str, diagram: Diagram | None) -> Counter[Poset]:
    strings: Iterable[Sequence[int]] = set_partitions(poset.parts) if basis == "cumulant" else [range(poset.parts)]
    if diagram is None:
        return Counter(poset.coarsened(string) for string in strings)
    alone = Diagram(diagram.parents, [-1, *diagram.blocks[1:]])  # no map cares for the root's part
    return Counter(
        Poset.of(Diagram(alone.parents, [-1, *(string[b - 1] for b in alone.blocks[1:])])) for string in strings
    )


_known_merged = lru_cache(maxsize=1 << 10)(_merged)


@lru_cache(maxsize=1 << 8)
def all_links(diagram: Diagram) -> tuple[tuple[Links, int], ...]:
    """Every choice of lambda-edges, one from each orbit of Aut(D), with the order of the automorphisms that keep it.

    Examples
    --------
    >>> import fastdiag as fd
    >>> all_links(fd.Diagram.parse("[a[b] a[b]]"))
    (((), 2), ((2,), 1), ((2, 4), 2))
    """
    found = []
    group = listable_automorphisms(diagram).tolist()
    for links in link_choices(diagram):
        images = [tuple(sorted(image[node] for node in links)) for image in group]
        if links == min(images):
            found.append((links, images.count(links)))
    return tuple(found)


def link_choices(diagram: Diagram) -> Iterator[Links]:
    """Every choice of lambda-edges: a node has at most one such child, the root none: Hessians that end in a gradient.

    Examples
    --------
    >>> import fastdiag as fd
    >>> list(link_choices(fd.Diagram.parse("[a[b] a[b]]")))
    [(), (2,), (4,), (2, 4)]
    """
    free = [node for node, parent in enumerate(diagram.parents) if parent > 0]
    for size in range(len(free) + 1):
        for links in combinations(free, size):
            if len({diagram.parents[node] for node in links}) == size:
                yield links


def bits(mask: int) -> list[int]:
    """The members of a mask, ascending."""
    return [v for v in range(mask.bit_length()) if mask >> v & 1]


def union(masks: Iterable[int]) -> int:
    """What is in any of some masks."""
    total = 0
    for mask in masks:
        total |= mask
    return total


def _renumbered(met: Sequence[int]) -> tuple[int, ...]:
    """The parts numbered by first appearance."""
    names: dict[int, int] = {}
    return tuple(union(1 << names.setdefault(p, len(names)) for p in bits(mask)) for mask in met)
