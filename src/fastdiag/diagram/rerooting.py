"""Value classes of whole lists: diagrams that are one unrooted tree with one partition."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ..errors import InputError
from ..typing import IntArray
from .canonical import hung_from, preorder
from .orbits import moved, places, ranks_of
from .partition import growth_strings


def value_class(trees: IntArray, tree: int, blocks: IntArray, offsets: Sequence[int] | IntArray) -> IntArray:
    """The least diagram of the order that has the same unrooted form as each row, as its index in the whole list.

    The root is moved to every node that is alone in its part; un-resummed values do not notice.

    Parameters
    ----------
    trees : `fastdiag.diagrams(order).trees`, all of them; order at most 10
    tree : the tree of the rows, an index of `trees`
    blocks : (rows, order + 1), growth strings of diagrams on this tree, the root alone
    offsets : (trees,) how many diagrams, the root alone, stand on the trees before each

    Returns
    -------
    (rows,) int64 indices into `fastdiag.diagrams(order)`

    Raises
    ------
    InputError : no such tree, a tree that is needed is missing, or the blocks do not fit
    TooLargeError : order above 10

    Examples
    --------
    >>> import fastdiag as fd, numpy as np
    >>> from fastdiag.diagram.rerooting import value_class
    >>> ds = fd.diagrams(2)
    >>> offsets = np.searchsorted(ds.tree_index, np.arange(len(ds.trees)))
    >>> [str(D) for D in ds], value_class(ds.trees, 1, ds.blocks[2:], offsets).tolist()
    (['[a a]', '[a b]', '[a[a]]', '[a[b]]'], [2, 1])
    """
    if not 0 <= tree < len(trees):
        raise InputError(f"there is no tree {tree}: there are {len(trees)}")
    parents = tuple(trees[tree].tolist())
    rank = ranks_of(parents, blocks)
    least = offsets[tree] + places(parents)[rank].astype(np.int64)
    alone = _alone(len(parents) - 1)
    for node, (other, source) in enumerate(_rerootings(parents)):
        rows = np.flatnonzero(alone[node].take(rank))
        if not rows.size:
            continue
        found = np.flatnonzero((trees == other).all(axis=1))
        if len(found) != 1:
            raise InputError(f"the tree {other} must be in the list once, not {len(found)} times; give all trees")
        index = offsets[found[0]] + places(other)[moved(rank[rows], source)]
        least[rows] = np.minimum(least[rows], index)
    return least


@lru_cache(maxsize=2048)
def _rerootings(parents: tuple[int, ...]) -> list[tuple[tuple[int, ...], list[int]]]:
    """For each node below the root, the tree hung from it and, for each of its nodes below that root, the old item there.

    Items are nodes below the root, node 1 being item 0. Old and new root are both alone in their parts, so the new root's
    item stands for the old root.
    """
    out = []
    for root in range(1, len(parents)):
        hung = hung_from(parents, root)
        nodes = preorder(hung)
        name = {old: new for new, old in enumerate(nodes)}
        other = tuple(name[hung[old]] if old != root else -1 for old in nodes)
        out.append((other, [(old or root) - 1 for old in nodes[1:]]))
    return out


@lru_cache(maxsize=16)
def _alone(size: int) -> IntArray:
    """Whether each item is alone in its part in each partition, (size, Bell(size)) bool."""
    strings = growth_strings(size)
    return np.array([(strings == strings[:, [item]]).sum(axis=1) == 1 for item in range(size)], bool)
