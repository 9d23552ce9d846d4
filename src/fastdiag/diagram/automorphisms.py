"""The automorphisms of a diagram, listed: products of one from each coset, down a chain of stabilizers."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from ..typing import IntArray
from .canonical import search_of
from .diagram import Diagram
from .least import Members, Search

Key: TypeAlias = frozenset[tuple[int, int]]


def automorphism_group(diagram: Diagram) -> IntArray:
    """All automorphisms of a diagram as permutations of its nodes, (|Aut|, order + 1), in lexicographic order.

    Examples
    --------
    >>> import fastdiag as fd
    >>> automorphism_group(fd.Diagram.parse("[a b[c c]]")).tolist()
    [[0, 1, 2, 3, 4], [0, 1, 2, 4, 3]]
    """
    search = search_of(diagram.parents, diagram.blocks)
    group = np.arange(len(diagram.parents))[None]
    for some in reversed([*_inner_cosets(search), *_leaf_cosets(search)]):
        group = some[:, group].reshape(-1, group.shape[1])  # first one of the subgroup, then one of the cosets
    return group[np.lexsort(group.T[::-1])]


def _inner_cosets(search: Search) -> list[IntArray]:
    """For each inner node of the chain, automorphisms that keep those before and carry it to each place it can have."""
    found = []
    for node, fixing in search.chain():
        generators = [_whole(search, carried) for carried in fixing if len(carried)]
        reached = {node: np.arange(len(search.parents))}
        new = [node]
        while new:
            here = new.pop()
            for image in generators:
                if int(image[here]) not in reached:
                    reached[int(image[here])] = image[reached[here]]
                    new.append(int(image[here]))
        found.append(np.array(list(reached.values())))
    return found


def _leaf_cosets(search: Search) -> list[IntArray]:
    """The same for what changes places while all inner nodes stay."""
    found = []
    for alike in search.exchanges():
        for i, this in enumerate(alike):
            some = np.tile(np.arange(len(search.parents)), (len(alike) - i, 1))
            for image, other in zip(some[1:], alike[i + 1 :], strict=True):
                image[this], image[other] = other, this
            found.append(some)
    return found


def _whole(search: Search, carried: dict[int, int]) -> IntArray:
    """An automorphism that moves the inner nodes in a given way."""
    moved = {**carried, **{~v: ~w for v, w in carried.items()}}
    free: dict[Key, list[Members]] = {}
    for members in search.members():
        free.setdefault(frozenset((v, len(some)) for v, some in members.items()), []).append(members)
    image = np.arange(len(search.parents))
    for members in search.members():
        there = free[frozenset((moved.get(v, v), len(some)) for v, some in members.items())].pop(0)
        for v, some in members.items():
            image[some] = there[moved.get(v, v)]
    return image
