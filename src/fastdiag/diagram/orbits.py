"""Labelled partitions of a tree's nodes, and the diagram and value class of each: orbits, for whole lists at once.

A partition of the nodes below the root is named by its rank in `growth_strings`. Swapping two neighbouring columns
permutes the ranks, and every permutation of nodes is made of such swaps, so nodes are moved without touching a string.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from ..errors import InputError, TooLargeError
from ..record import frozen
from ..typing import IntArray
from .canonical import hung_from, ordered, preorder
from .partition import coarser_ranks, growth_strings, ranks

LARGEST_ORDER = 10  # Bell(10) = 115,975 partitions on each of 1,842 trees


def places(parents: Sequence[int] | IntArray) -> IntArray:
    """The diagram that each labelled partition is, as its place among the diagrams on this tree.

    Parameters
    ----------
    parents : the parent of each node, a row of `fastdiag.diagrams(order).trees`; order at most 10

    Returns
    -------
    (Bell(order),) int32, not writeable: for each row of `growth_strings(order)`, a partition of the nodes below the root,
    the place of its diagram in the ascending list of the diagrams on the tree with the root alone in its part

    Raises
    ------
    InputError : the parents are no canonical tree
    TooLargeError : order above 10

    Examples
    --------
    >>> from fastdiag.diagram.orbits import places
    >>> places([-1, 0, 0, 2]).tolist(), places([-1, 0, 0, 0]).tolist()
    ([0, 1, 2, 3, 4], [0, 1, 1, 1, 2])
    """
    return _places(tuple(np.asarray(parents).tolist()))


@lru_cache(maxsize=2048)
def _places(parents: tuple[int, ...]) -> IntArray:
    n = len(parents) - 1
    if n > LARGEST_ORDER:
        raise TooLargeError(f"the labelled partitions of order {n} are too many to list; the limit is {LARGEST_ORDER}")
    if preorder(parents) != list(range(n + 1)):
        raise InputError(f"{list(parents)} is no canonical tree; take a row of fastdiag.diagrams({n}).trees")
    every = np.arange(len(growth_strings(n)))
    generators = [moved(every, source) for source in _twin_swaps(parents)]
    least, settled = every, False
    while not settled:  # the least of what is reached so far, until nothing changes
        before = least
        for image in generators:
            least = np.minimum(least, least[image])
        least = least[least]
        settled = np.array_equal(least, before)
    return frozen((np.cumsum(least == every) - 1)[least].astype(np.int32))


def coarser(parents: Sequence[int] | IntArray, blocks: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """The diagrams that coarsen each diagram, with multiplicity.

    Parameters
    ----------
    parents : a row of `fastdiag.diagrams(order).trees`; order at most 10
    blocks : (rows, order + 1), growth strings of diagrams on this tree, the root alone

    Returns
    -------
    lengths : (rows,) int32, how many different diagrams coarsen each row, itself included
    places : (sum of lengths,) int32, their places among the diagrams on this tree, ascending in each row
    times : (sum of lengths,) int32, how many coarsenings of the row's labelled partition are that diagram; in each row they
        sum to Bell(parts below the root)

    So maps_cumulant(row) is the sum of times x maps_moment(diagram at the place).

    Raises
    ------
    InputError : the parents are no canonical tree, or the blocks are not growth strings on it with the root alone
    TooLargeError : order above 10

    Examples
    --------
    >>> import numpy as np
    >>> from fastdiag.diagram.orbits import coarser
    >>> [part.tolist() for part in coarser([-1, 0, 0, 0], np.array([[0, 1, 1, 2], [0, 1, 2, 3]]))]
    [[2, 3], [0, 1, 0, 1, 2], [1, 1, 1, 3, 1]]
    """
    rank = ranks_of(parents, blocks)
    place = places(parents)
    starts, others = coarser_ranks(len(parents) - 1)
    sizes = starts[rank + 1] - starts[rank]
    ends = np.cumsum(sizes)
    entries = np.arange(sizes.sum()) + np.repeat(starts[rank] - (ends - sizes), sizes)
    number = int(place.max()) + 1
    kind = np.dtype(np.int32 if len(rank) * number < 2**31 else np.int64)
    keys: IntArray = np.repeat(np.arange(len(rank), dtype=kind) * number, sizes)  # row and place in one integer
    keys += place[others[entries]]
    keys.sort()
    firsts = np.flatnonzero(np.diff(keys, prepend=kind.type(-1)))
    times = np.diff(firsts, append=len(keys)).astype(np.int32)
    row, found = np.divmod(keys[firsts], number)
    return np.bincount(row, minlength=len(rank)).astype(np.int32), found.astype(np.int32), times


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
    >>> from fastdiag.diagram.orbits import value_class
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


def ranks_of(parents: Sequence[int] | IntArray, blocks: IntArray) -> IntArray:
    """Ranks of the partitions below the root of diagrams on one tree, (rows,) int64; see `growth_strings`."""
    strings = np.asarray(blocks)
    if strings.ndim != 2 or strings.shape[1] != len(parents) or strings.dtype.kind not in "iu":
        raise InputError(f"blocks must be whole numbers of shape (rows, {len(parents)}), not {strings.shape}")
    tops = np.maximum.accumulate(strings, axis=1)
    if strings[:, 0].any() or (strings[:, 1:] > tops[:, :-1] + 1).any() or (strings[:, 1:] < 1).any():
        raise InputError("blocks must be growth strings with the root alone in part 0, as fastdiag.diagrams makes them")
    return ranks(strings[:, 1:] - 1)


def moved(rank: IntArray, source: Sequence[int]) -> IntArray:
    """Ranks of the partitions whose item i is item source[i] of those ranked `rank`; source is a permutation."""
    tables = _neighbour_swaps(len(source))
    items = list(range(len(source)))
    for i, item in enumerate(source):
        for j in range(items.index(item), i, -1):  # bring the item down to i, one neighbour at a time
            items[j - 1], items[j] = items[j], items[j - 1]
            rank = tables[j - 1].take(rank)
    return rank


@lru_cache(maxsize=16)
def _neighbour_swaps(size: int) -> IntArray:
    """The rank of each partition after items i and i + 1 change places, (size - 1, Bell(size)) int64."""
    strings = growth_strings(size)
    tables = np.empty((max(size - 1, 0), len(strings)), np.int64)
    for i, table in enumerate(tables):
        swapped = strings.copy()
        swapped[:, [i, i + 1]] = strings[:, [i + 1, i]]
        # two parts that both begin here change names; otherwise each part still begins in its turn
        top = strings[:, :i].max(axis=1, initial=-1)
        both = np.flatnonzero((strings[:, i] > top) & (strings[:, i + 1] > strings[:, i]))
        first = strings[both, i][:, None]
        names = swapped[both]
        swapped[both] = names + (names == first) - (names == first + 1)
        table[:] = ranks(swapped)
    return tables


def _twin_swaps(parents: tuple[int, ...]) -> Iterator[list[int]]:
    """Generators of the automorphisms, as permutations of the nodes below the root, node 1 being item 0."""
    n = len(parents)
    _, (_, sizes, heads, _) = ordered(parents)
    for node in range(1, n):
        if heads[node] != node:  # exchange its subtree with that of the twin before it
            start, size = node - 1, sizes[node]
            items = list(range(n - 1))
            items[start - size : start + size] = [*range(start, start + size), *range(start - size, start)]
            yield items


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
