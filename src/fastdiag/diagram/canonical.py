"""Canonical form: children ordered least first, the partition's growth string least under the tree's automorphisms."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import ne
from typing import Any

from ..arguments import sequence, shown, whole
from ..errors import InputError, TooLargeError
from .least import MOST_READ, Search

MOST_NODES = 300  # text is written by recursion over the tree


def levels_of(parents: Sequence[int]) -> tuple[int, ...]:
    """Distance from the root of each node, for parents that come before their children."""
    levels = [0]
    for parent in parents[1:]:
        levels.append(levels[parent] + 1)
    return tuple(levels)


def canonical(parents: Sequence[int], blocks: Sequence[Any]) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Canonical parents, canonical blocks and |Aut| of any rooted tree with labelled nodes."""
    parents = [whole("a parent", parent) for parent in sequence("parents", parents, "node numbers")]
    blocks = list(blocks) if isinstance(blocks, str) else sequence("blocks", blocks, "labels, one for each node")
    if len(parents) == 0 or len(blocks) != len(parents):
        raise InputError(
            f"a diagram needs one parent and one block for each node, got {len(parents)} parents and {len(blocks)} blocks"
        )
    return canonical_of(parents, blocks)


def canonical_of(parents: Sequence[int], blocks: Sequence[Any]) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """`canonical` where it is known that parents are ints, and that there are as many blocks."""
    shape, string = _named(parents, blocks)
    if max(shape[3]) == 1:  # a tree that looks the same from nowhere else
        return tuple(shape[0]), tuple(string), 1
    search = Search(shape, string)
    return tuple(search.parents), search.string, search.order()


def search_of(parents: Sequence[int], blocks: Sequence[Any], most: int = MOST_READ) -> Search:
    """The search for the least growth string on the canonical tree; see `Search`."""
    return Search(*_named(parents, blocks), most)


def _named(parents: Sequence[int], blocks: Sequence[Any]) -> tuple[list[list[int]], list[int]]:
    """The shape of the canonical tree, and a growth string on it."""
    nodes, shape = ordered(parents)
    names: dict[Any, int] = {}
    try:
        string = [names.setdefault(blocks[node], len(names)) for node in nodes]
        if any(map(ne, names, names)):
            raise TypeError("nan equals nothing")
    except (TypeError, ValueError) as error:
        raise InputError(f"blocks must be labels that can be compared, such as numbers or letters: {error}") from None
    return shape, string


def hung_from(parents: Sequence[int], root: int) -> list[int]:
    """Parents of the same nodes when the tree hangs from another one."""
    hung = list(parents)
    below, node = -1, root
    while node >= 0:
        hung[node], below, node = below, node, parents[node]
    return hung


def preorder(parents: Sequence[int]) -> list[int]:
    """The nodes in the canonical preorder of the tree alone (isomorphic siblings in the order given)."""
    return ordered(parents)[0]


def ordered(parents: Sequence[int]) -> tuple[list[int], list[list[int]]]:
    """The nodes in canonical preorder, and the shape of the tree that they make; see `kernels.trees.tree_shape`."""
    n = len(parents)
    if n > MOST_NODES:
        raise TooLargeError(f"a diagram of {n} nodes is more than this can hold; the limit is {MOST_NODES}")
    children: list[list[int]] = [[] for _ in range(n)]
    roots = []
    for node, parent in enumerate(parents):
        if parent == -1:
            roots.append(node)
        elif 0 <= parent < n:
            children[parent].append(node)
        else:
            raise InputError(f"parents[{node}] = {shown(parent)} is no node; the nodes are 0..{n - 1}, the root has -1")
    if len(roots) != 1:
        raise InputError(f"exactly one node must have parent -1 (the root), not {len(roots)}")
    order = [roots[0]]
    for node in order:
        order.extend(children[node])
    if len(order) != n:
        raise InputError("the parents contain a cycle, so they are no tree")
    below: list[tuple[Any, ...]] = [()] * n  # those of its children; they compare as level sequences do
    sizes = [1] * n
    for node in reversed(order):
        if kids := children[node]:
            kids.sort(key=below.__getitem__)
            below[node] = tuple([below[kid] for kid in kids])
            sizes[node] += sum([sizes[kid] for kid in kids])
    nodes, left, place = list[int](), roots, [-1] * n
    while left:
        node = left.pop()
        place[node] = len(nodes)
        nodes.append(node)
        left += reversed(children[node])
    heads, twins = list(range(n)), [1] * n
    for kids in children:
        if len(kids) > 1:
            for _, some in groupby(kids, below.__getitem__):
                alike = [place[kid] for kid in some]
                for kid in alike:
                    heads[kid], twins[kid] = alike[0], len(alike)
    return nodes, [[-1, *[place[parents[node]] for node in nodes[1:]]], [sizes[node] for node in nodes], heads, twins]
