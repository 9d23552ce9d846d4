"""All diagrams of an order, as arrays: rooted trees, and on each tree the growth strings least in their orbits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Self, overload

import numpy as np

from ..arguments import flag, shown, whole
from ..door import door
from ..errors import InputError, TooLargeError
from ..kernels.growth import least_growth_strings
from ..kernels.kernel import Kernel
from ..kernels.masks import irreducible_mask, path_condition_mask
from ..kernels.trees import rooted_trees, smallest_first, tree_shape
from ..locks import cached_property
from ..progress import check_progress, track
from ..record import Record, frozen
from ..typing import IntArray
from .diagram import Diagram
from .number_of_diagrams import check_order, count_diagrams, count_rooted_trees
from .partition import growth_strings
from .selection import selection

PAST = -2  # stands for the parent of a node where a row is longer than its diagram
LARGEST_ORDER = 20  # |Aut| <= 20! < 2^63; the list itself ends long before
SHORT = 1000  # diagrams of a list that is kept, with its Diagrams, once it was asked for
MEMORY_BYTES = 4 << 30  # what `diagrams` will hold before it points to `stream_diagrams`


class Diagrams(Record):
    """Diagrams of one order as arrays, which cannot be written to; no Python object per diagram until one is asked for.

    `diagrams` and `stream_diagrams` make them. Supports len, iteration, and indexing: an int gives a Diagram; a slice, a
    mask or integers, as a 1-D array or a list, give Diagrams.

    Parameters
    ----------
    trees : (trees, order + 1) int8, the parents of each rooted tree, which begin with -1
    tree_index : (count,) int32, the tree of each diagram
    blocks : (count, order + 1) int8, the part of each node; row by row a restricted growth string
    automorphisms : (count,) int64, |Aut| of each diagram
    root_shares : whether the root may lie in a part with other nodes

    Raises
    ------
    DiagramIndexError : indexed by a number that it does not have, or by what is no index

    Examples
    --------
    >>> import fastdiag as fd
    >>> ds = fd.diagrams(3)
    >>> ds, ds[0], ds[ds.irreducible], ds[[0, -1]].automorphisms.tolist()
    (<17 diagrams of order 3>, Diagram.parse('[a a a]'), <12 diagrams of order 3>, [6, 1])
    >>> ds.parents.shape, ds.blocks[1].tolist(), int((6 // ds.automorphisms).sum())  # 3!/|Aut| sum to 4^2 Bell(3)
    ((17, 4), [0, 1, 1, 2], 80)
    """

    __slots__ = ("__dict__", "automorphisms", "blocks", "order", "root_shares", "tree_index", "trees")

    def __init__(
        self, trees: IntArray, tree_index: IntArray, blocks: IntArray, automorphisms: IntArray, root_shares: bool
    ) -> None:
        self.trees, self.tree_index, self.blocks = frozen(trees), frozen(tree_index), frozen(blocks)
        self.automorphisms = frozen(automorphisms)
        self.order: int = blocks.shape[1] - 1
        self.root_shares = root_shares

    @cached_property
    def parents(self) -> IntArray:
        """Parent of each node, -1 at the root, (count, order + 1) int8."""
        return frozen(self.trees[self.tree_index])

    @cached_property
    def irreducible(self) -> IntArray:
        """Mask of the irreducible diagrams, (count,) bool."""
        return self._mask(irreducible_mask)

    @cached_property
    def satisfies_path_condition(self) -> IntArray:
        """Mask of the diagrams on which no path from leaf to root meets a part twice, (count,) bool."""
        return self._mask(path_condition_mask)

    def _mask(self, kernel: Kernel) -> IntArray:
        out = np.zeros(len(self), np.bool_)
        kernel(self.trees, self.tree_index, self.blocks, out)
        return frozen(out)

    def _values(self) -> tuple[Any, ...]:
        return self.order, self.root_shares, len(self), self.parents, self.blocks

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.trees, self.tree_index, self.blocks, self.automorphisms, self.root_shares)

    def __len__(self) -> int:
        return len(self.blocks)

    @overload
    def __getitem__(self, index: int) -> Diagram: ...
    @overload
    def __getitem__(self, index: slice | IntArray | list[int]) -> Self: ...
    def __getitem__(self, index: Any) -> Diagram | Self:
        index = selection(index, len(self), "diagram")
        if isinstance(index, int):
            blocks = [block for block in self.blocks[index].tolist() if block >= 0]
            tree = self.trees[self.tree_index[index], : len(blocks)].tolist()
            return Diagram._of_canonical(tree, blocks, int(self.automorphisms[index]))
        return type(self)(
            self.trees, self.tree_index[index], self.blocks[index], self.automorphisms[index], self.root_shares
        )

    def __iter__(self) -> Iterator[Diagram]:
        return iter(self._objects) if len(self) <= SHORT else self._made()

    @cached_property
    def _objects(self) -> tuple[Diagram, ...]:
        """Of a short list, so that what they know of themselves stays known."""
        return tuple(self._made())

    def _made(self) -> Iterator[Diagram]:
        trees = [tuple(parent for parent in row if parent != PAST) for row in self.trees.tolist()]
        for start in range(0, len(self), 4096):
            some = slice(start, start + 4096)
            columns = (array[some].tolist() for array in (self.tree_index, self.blocks, self.automorphisms))
            for tree, blocks, group in zip(*columns, strict=True):
                yield Diagram._of_canonical(trees[tree], blocks[: len(trees[tree])], group)

    def __repr__(self) -> str:
        shares = ", root may share" if self.root_shares else ""
        return f"<{len(self):,} diagrams of order {self.order}{shares}>"

    def _repr_html_(self) -> str:
        from .. import drawing  # the one upward look, for notebooks

        return drawing.diagrams_html(self)


@door
def diagrams(order: int, *, irreducible: bool = False, root_shares: bool = False) -> Diagrams:
    """All diagrams with `order` edges, up to isomorphism, in ascending order: what the papers' Theorem 3 sums over.

    Parameters
    ----------
    order : number of edges, >= 0
    irreducible : only those without a degree-2 node alone in its part (the root is exempt): what Theorem 1 sums over
    root_shares : whether the root may lie in a part with other nodes, as in the train loss

    Returns
    -------
    Diagrams, a sequence held as arrays that cannot be written to: 1, 1, 4, 17, 101, 700, 5861, ... of order 0, 1, 2, ...;
    irreducible 1, 1, 3, 12, 65, 423; with a root that may share 1, 2, 9, 48, 329

    Raises
    ------
    InputError : the order is not an integer from 0 to 20, a flag not True or False
    TooLargeError : the arrays would exceed 4 GiB; `stream_diagrams` hands them out in shards

    Notes
    -----
    Trees come from the successor rule of Beyer and Hedetniemi; on each, a growth string is kept when it is least under
    the tree's automorphisms, and its stabilizer is |Aut|. The first call in a fresh environment compiles for some
    seconds; the result is cached on disk.

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.diagrams(4)
    <101 diagrams of order 4>
    >>> [str(D) for D in fd.diagrams(2)]
    ['[a a]', '[a b]', '[a[a]]', '[a[b]]']
    """
    order, irreducible, root_shares = _listable(order, irreducible, root_shares)
    count = count_diagrams(order, root_shares)
    need = count * (order + 1 + 8 + 4)
    if need > MEMORY_BYTES:
        raise TooLargeError(
            f"the {count:,} diagrams of order {order} need {need / 2**30:.1f} GiB; "
            f"iterate over fastdiag.stream_diagrams({order}) instead, or only count them with count_diagrams"
        )
    return (_kept if count <= SHORT else _listed)(order, irreducible, root_shares, count)


def _listed(order: int, irreducible: bool, root_shares: bool, count: int) -> Diagrams:
    return next(_shards(order, irreducible, root_shares, count))


_kept = lru_cache(maxsize=32)(_listed)


@door
def stream_diagrams(
    order: int,
    *,
    irreducible: bool = False,
    root_shares: bool = False,
    shard: int = 1 << 20,
    progress: bool | None = None,
) -> Iterator[Diagrams]:
    """The diagrams of `diagrams(order)`, in the same order, in shards: for orders whose list is too long to be held.

    Parameters
    ----------
    order, irreducible, root_shares : as for `diagrams`
    shard : diagrams to a shard, >= 1; memory stays at one shard, some order + 13 bytes for each diagram
    progress : draw a progress bar; by default where standard error is a terminal and there is more than one shard

    Returns
    -------
    iterator over Diagrams, each of `shard` diagrams but the last; their trees are all trees of the order. There are
    1, 1, 4, 17, 101, 700, 5861, 55818, ... diagrams in all (`count_diagrams`), about 20 million are made in a second

    Raises
    ------
    InputError : the order is not an integer from 0 to 20, `shard` not one from 1 on, a flag not True or False

    Examples
    --------
    >>> import fastdiag as fd
    >>> shards = list(fd.stream_diagrams(6, shard=1000))
    >>> [len(shard) for shard in shards], shards[0].blocks.shape, shards[0].blocks.dtype
    ([1000, 1000, 1000, 1000, 1000, 861], (1000, 7), dtype('int8'))
    >>> sum(int((720 // shard.automorphisms).sum()) for shard in shards) == 7**5 * 203  # (d + 1)^(d - 1) Bell(d)
    True
    """
    order, irreducible, root_shares = _listable(order, irreducible, root_shares)
    total = count_diagrams(order, root_shares)
    shard = min(whole("shard", shard, 1, what="diagrams"), total)
    progress = check_progress(progress)
    shards = _shards(order, irreducible, root_shares, shard)
    return track(shards, total, len, f"diagrams of order {order}", progress if total > shard else False)


@lru_cache(maxsize=4)
def on_tree(order: int, tree: int) -> Diagrams:
    """The diagrams of an order on one of its trees, by the tree's number, the root alone."""
    return next(_shards(order, False, False, len(growth_strings(order)), tree))


def _listable(order: object, irreducible: object, root_shares: object) -> tuple[int, bool, bool]:
    """An order that has a list, and the two flags."""
    edges = check_order(order)
    if edges > LARGEST_ORDER:
        raise InputError(
            f"lists of diagrams go to order {LARGEST_ORDER} (10^21 of them), not {shown(edges)}; "
            "count_diagrams counts higher orders"
        )
    return edges, flag("irreducible", irreducible), flag("root_shares", root_shares)


def trees_with(order: int) -> IntArray:
    """Level sequences of the trees with `order` edges, children least first, sorted."""
    levels = np.zeros((count_rooted_trees(order + 1), order + 1), np.int8)
    rooted_trees(levels)
    out = np.empty_like(levels)
    smallest_first(levels, out)
    return out[np.lexsort(out.T[::-1])]


def _shards(
    order: int, irreducible: bool, root_shares: bool, size: int, only: int | None = None
) -> Iterator[Diagrams]:
    levels = trees_with(order)
    return shards_on(levels, (2,) if irreducible else (), root_shares, -1, size, only)


def shards_on(
    levels: IntArray, tied: tuple[int, ...], root_shares: bool, noise: int, size: int, only: int | None = None
) -> Iterator[Diagrams]:
    """The diagrams on some trees, in shards.

    Parameters
    ----------
    levels : level sequences of the trees, (trees, order + 1), children least first, ascending
    tied : degrees that a node other than the root has only where it shares its part
    noise : nodes less parts; -1: any
    size : diagrams to a shard
    only : the number of one tree, to go on this one alone
    """
    n = levels.shape[1]
    shapes = np.zeros((len(levels), 4, n), np.int64)
    for row, shape in zip(levels, shapes, strict=True):
        tree_shape(row, *shape)
    trees = np.ascontiguousarray(shapes[:, 0], np.int8)

    def fresh() -> tuple[IntArray, IntArray, IntArray]:
        return np.empty((size, n), np.int8), np.empty(size, np.int64), np.empty(size, np.int32)

    (blocks, groups, index), filled = fresh(), 0
    ties = np.isin(np.arange(n + 1), tied)  # by degree
    for tree, shape in enumerate(shapes) if only is None else [(only, shapes[only])]:
        shared = ties[np.bincount(shape[0, 1:], minlength=n) + 1]
        shared[0] = False
        if 0 <= 2 * noise < np.count_nonzero(shared):
            continue  # parts of two spend one of noise for two of them
        state, string = np.zeros((8, n), np.int64), np.zeros(n, np.int64)
        while True:
            written = least_growth_strings(
                *shape, shared, root_shares, noise, state, string, blocks[filled:], groups[filled:]
            )
            index[filled : filled + written] = tree
            filled += written
            if filled < size:
                break  # the tree is finished
            yield Diagrams(trees, index, blocks, groups, root_shares)
            (blocks, groups, index), filled = fresh(), 0
    if filled:
        yield Diagrams(trees, index[:filled].copy(), blocks[:filled].copy(), groups[:filled].copy(), root_shares)
