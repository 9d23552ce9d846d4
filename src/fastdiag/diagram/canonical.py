"""Canonical form: children ordered least first, the partition's growth string least under the tree's automorphisms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..arguments import sequence, shown, whole
from ..errors import InputError, TooLargeError
from ..kernels.trees import tree_shape
from .least import MOST_READ, Search

MOST_NODES = 300  # text is written by recursion over the tree


def levels_of(parents: Sequence[int]) -> tuple[int, ...]:
    """Distance from the root of each node, for parents that come before their children."""
    levels = [0]
    for parent in parents[1:]:
        levels.append(levels[parent] + 1)
    return tuple(levels)


def shape_of(levels: Sequence[int]) -> list[list[int]]:
    """Parents, subtree sizes, first twins and numbers of twins of a canonical tree; see `tree_shape`."""
    shape = [[0] * len(levels) for _ in range(4)]
    tree_shape.py_func(levels, *shape)
    return shape


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
    search = search_of(parents, blocks)
    return tuple(search.parents), search.string, search.order()


def search_of(parents: Sequence[int], blocks: Sequence[Any], most: int = MOST_READ) -> Search:
    """The search for the least growth string on the canonical tree; see `Search`."""
    nodes = preorder(parents)
    place = {node: i for i, node in enumerate(nodes)}
    shape = shape_of(levels_of([-1, *(place[parents[node]] for node in nodes[1:])]))
    names: dict[Any, int] = {}
    try:
        string = [names.setdefault(blocks[node], len(names)) for node in nodes]
        if any(label != label for label in names):
            raise TypeError("nan equals nothing")
    except (TypeError, ValueError) as error:
        raise InputError(f"blocks must be labels that can be compared, such as numbers or letters: {error}") from None
    return Search(shape, string, most)


def hung_from(parents: Sequence[int], root: int) -> list[int]:
    """Parents of the same nodes when the tree hangs from another one."""
    hung = list(parents)
    below, node = -1, root
    while node >= 0:
        hung[node], below, node = below, node, parents[node]
    return hung


def preorder(parents: Sequence[int]) -> list[int]:
    """The nodes in the canonical preorder of the tree alone (isomorphic siblings in the order given)."""
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
    # shape of a subtree: its level sequence relative to its top; the least sequence has the least shapes first
    shapes: dict[int, tuple[int, ...]] = {}
    preorders: dict[int, list[int]] = {}
    for node in reversed(order):
        children[node].sort(key=shapes.__getitem__)
        shapes[node] = (0, *(level + 1 for child in children[node] for level in shapes[child]))
        preorders[node] = [node, *(v for child in children[node] for v in preorders[child])]
    return preorders[roots[0]]
