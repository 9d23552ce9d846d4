"""Diagrams with links: edges whose two ends act at one update, any two rows of its batch.

They are the lambda-edges of Hessian-based steps. Linked nodes make a group; time orders groups, rows belong to parts. The
pattern tables are those of `patterns`, so counts and formulas are read in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations
from typing import TypeAlias

import numpy as np

from ..diagram import Diagram
from ..diagram.partition import set_partitions
from .enumeration import automorphism_group
from .patterns import Family, Patterns, Shape, catalog, level_shapes, patterns
from .relations import Relations

Links: TypeAlias = tuple[int, ...]
"""The linked edges, each named by its child node; ascending."""


@dataclass(frozen=True, slots=True)
class Linked:
    """A diagram with links as a counting problem. Groups and parts are numbered from 0."""

    below: tuple[int, ...]
    """For each group, the mask of the groups strictly before it."""
    met: tuple[int, ...]
    """For each group, the mask of the parts of its nodes."""
    nodes: int
    """Number of nodes, the root left out."""

    @classmethod
    def of(cls, diagram: Diagram, links: Links) -> Linked:
        """The diagram with some of its edges linked."""
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
        for node, parent in enumerate(diagram.parents):
            if parent > 0 and node not in links:
                below[group[parent]] |= 1 << group[node]
        return cls(tuple(below), _renumbered(met), diagram.order)

    @property
    def parts(self) -> int:
        """Number of parts."""
        return _union(self.met).bit_count()

    def coarsened(self, string: Sequence[int]) -> Linked:
        """The parts merged into the blocks of a growth string."""
        merged = [_union([1 << string[p] for p in _bits(mask)]) for mask in self.met]
        return Linked(self.below, _renumbered(merged), self.nodes)


def all_links(diagram: Diagram) -> Iterator[tuple[Links, int]]:
    """Every choice of links, one from each orbit of Aut(D), with the order of the automorphisms that keep it.

    A node has at most one linked child, the root none: the chain of Hessians that ends in a gradient.

    Examples
    --------
    >>> import fastdiag as fd
    >>> list(all_links(fd.Diagram.parse("[a[b] a[b]]")))
    [((), 2), ((2,), 1), ((2, 4), 2)]
    """
    group = automorphism_group(diagram).tolist()
    free = [node for node, parent in enumerate(diagram.parents) if parent > 0]
    for size in range(len(free) + 1):
        for links in combinations(free, size):
            if len({diagram.parents[node] for node in links}) == size:
                images = [tuple(sorted(image[node] for node in links)) for image in group]
                if links == min(images):
                    yield links, images.count(links)


def levels_of(relations: Relations | Linked) -> dict[Shape, int]:
    """`level_shapes`, with links or without."""
    return level_shapes(relations) if isinstance(relations, Relations) else _linked_levels(relations)


def patterns_of(relations: Relations | Linked, family: Family, basis: str, partial: bool) -> Patterns:
    """`patterns`, with links or without."""
    if isinstance(relations, Relations):
        return patterns(relations, family, basis, partial)
    return _linked_patterns(relations, family, basis, partial)


@lru_cache(maxsize=4096)
def _linked_levels(linked: Linked) -> dict[Shape, int]:
    totals: Counter[Shape] = Counter()
    for levels, _ in _positions(linked, [_all(linked)], 0):
        totals[levels] += 1
    return dict(totals)


@lru_cache(maxsize=4096)
def _linked_patterns(linked: Linked, family: Family, basis: str, partial: bool) -> Patterns:
    known = catalog(linked.nodes)
    totals: Counter[tuple[int, int, int]] = Counter()
    place = {shape: i for i, shape in enumerate(known.shapes)}
    if family == "one order":
        for sets, last in _epochs(linked, partial):
            for shape, needed in _positions(linked, [*sets, last], last):
                for j in range(needed, len(shape) + 1 if partial else 1):
                    totals[len(sets), place[shape], j] += 1
    else:
        number = {key: i for i, key in enumerate(known.keys)}
        strings = set_partitions(linked.parts) if basis == "cumulant" else [range(linked.parts)]
        for string in strings:
            merged = linked.coarsened(string)
            for key, ending, ways in _fresh_orders(merged, partial):
                ordered = tuple(sorted(key, key=place.__getitem__))
                totals[merged.parts, number[ordered], place[ending]] += ways
    index = np.array(sorted(totals), np.int64).reshape(-1, 3)
    return Patterns(family, linked.nodes, index, tuple(totals[row] for row in sorted(totals)))


def _epochs(linked: Linked, partial: bool) -> Iterator[tuple[list[int], int]]:
    """Ways to fall into epochs: the groups in each whole epoch that holds some, and those in the partial one."""

    def extend(sets: list[int], done: int) -> Iterator[tuple[list[int], int]]:
        rest = _all(linked) & ~done
        if partial or not rest:
            yield sets, rest
        for chosen in _initial(linked, done):
            yield from extend([*sets, chosen], done | chosen)

    return extend([], 0)


def _positions(linked: Linked, sets: Sequence[int], required: int) -> Iterator[tuple[Shape, int]]:
    """Ways to put parts on levels where one order of the rows is repeated: shape, levels up to the last required group.

    Parts that a group joins share their level; inside each of the sets of groups, levels ascend.
    """
    classes: list[int] = []  # masks of parts
    for mask in linked.met:
        joined = [other for other in classes if other & mask]
        classes = [other for other in classes if not other & mask] + [_union([mask, *joined])]
    home = [next(c for c, parts in enumerate(classes) if parts & mask) for mask in linked.met]
    before = [0] * len(classes)
    for chosen in sets:
        for group in _bits(chosen):
            for other in _bits(linked.below[group] & chosen):
                before[home[group]] |= 1 << home[other]
    needed = _union([1 << home[group] for group in _bits(required)])
    sizes = [parts.bit_count() for parts in classes]
    full = (1 << len(classes)) - 1

    def extend(done: int, levels: Shape, last: int) -> Iterator[tuple[Shape, int]]:
        if done == full:
            yield tuple(sorted(levels, reverse=True)), last
        free = _union([1 << c for c in _bits(full & ~done) if not before[c] & ~done])
        for step in _subsets(free):
            level = sum(sizes[c] for c in _bits(step))
            yield from extend(done | step, (*levels, level), len(levels) + 1 if step & needed else last)

    return extend(0, (), 0)


def _fresh_orders(linked: Linked, partial: bool) -> Iterator[tuple[tuple[Shape, ...], Shape, int]]:
    """Shapes of the whole epochs that hold groups, the shape in the partial one, and in how many ways (moment basis)."""
    full = _all(linked)

    @cache
    def inside(done: int) -> dict[int, Counter[Shape]]:
        """One epoch: what is done after it, and on what levels. No part comes twice: an epoch meets a row once."""
        found: dict[int, Counter[Shape]] = {}
        states: Counter[tuple[int, int, Shape]] = Counter({(done, 0, ()): 1})
        while states:
            later: Counter[tuple[int, int, Shape]] = Counter()
            for (now, used, shape), ways in states.items():
                free = [g for g in _bits(full & ~now) if not (linked.below[g] & ~now or linked.met[g] & used)]
                for step in _subsets(_union([1 << g for g in free])):
                    parts = _union([linked.met[g] for g in _bits(step)])
                    grown = tuple(sorted((*shape, parts.bit_count()), reverse=True))
                    later[now | step, used | parts, grown] += ways
            for (now, _, shape), ways in later.items():
                found.setdefault(now, Counter())[shape] += ways
            states = later
        return found

    def extend(done: int, key: tuple[Shape, ...], ways: int) -> Iterator[tuple[tuple[Shape, ...], Shape, int]]:
        if done == full:
            yield key, (), ways
            return
        after = inside(done)
        if partial:
            for shape, more in after.get(full, Counter()).items():
                yield key, shape, ways * more
        for now, shapes in after.items():
            for shape, more in shapes.items():
                yield from extend(now, (*key, shape), ways * more)

    return extend(0, (), 1)


def _initial(linked: Linked, done: int) -> Iterator[int]:
    """Non-empty sets of groups that can come next, together with all that must come before them."""
    for chosen in _subsets(_all(linked) & ~done):
        if all(not linked.below[group] & ~(done | chosen) for group in _bits(chosen)):
            yield chosen


def _subsets(mask: int) -> Iterator[int]:
    """Its non-empty subsets."""
    chosen = mask
    while chosen:
        yield chosen
        chosen = (chosen - 1) & mask


def _all(linked: Linked) -> int:
    return (1 << len(linked.below)) - 1


def _union(masks: Sequence[int]) -> int:
    total = 0
    for mask in masks:
        total |= mask
    return total


def _bits(mask: int) -> list[int]:
    return [v for v in range(mask.bit_length()) if mask >> v & 1]


def _renumbered(met: Sequence[int]) -> tuple[int, ...]:
    """The parts numbered by first appearance."""
    names: dict[int, int] = {}
    return tuple(_union([1 << names.setdefault(p, len(names)) for p in _bits(mask)]) for mask in met)
