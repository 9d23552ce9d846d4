"""Skeletons: the diagrams of one noise order, for expansions about the noiseless path."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..arguments import flag, whole
from ..door import door
from ..errors import TooLargeError
from ..typing import IntArray
from .enumeration import PAST, Diagrams, shards_on, trees_with

HIGHEST_NOISE = 4
MOST = 1 << 20  # skeletons of noise order 4 with one number of edges


class Skeletons(Diagrams):
    """Skeletons of one noise order as arrays; like `Diagrams`, but of different numbers of edges.

    Rows that are shorter than the longest are filled: parents with -2, blocks with -1. A selection keeps the noise order.
    """

    __slots__ = ()

    @property
    def noise(self) -> int:
        """Nodes less parts, of each of them."""
        return int((self.blocks[:1] >= 0).sum() - self.blocks[:1].max() - 1) if len(self) else 0

    @property
    def orders(self) -> IntArray:
        """Number of edges of each, (count,) int64."""
        return np.asarray((self.blocks >= 0).sum(axis=1) - 1)

    def __repr__(self) -> str:
        shares = ", root may share" if self.root_shares else ""
        return f"<{len(self):,} skeletons of noise order {self.noise}{shares}>"


@door
def skeletons(noise: int, *, path_condition: bool = False, root_shares: bool = False) -> Skeletons:
    """All skeletons of a noise order, up to isomorphism, in ascending order.

    A skeleton is a diagram in which no node other than the root is alone in its part with degree 1 or 2. About the
    noiseless path, theta_{t+1} = theta_t - eta grad l(theta_t), only these remain: the path absorbs the leaves that are
    alone, and its linearisation 1 - eta H the nodes of degree 2. The noise order is the number of nodes less the number of
    parts: the power of the noise's scale squared, and of 1/T at fixed eta T (papers: the coarseness). Each has finitely
    many skeletons, with noise + 1 to 4 noise - 1 edges.

    Parameters
    ----------
    noise : nodes less parts, 0 to 4
    path_condition : only those on which no path from leaf to root meets a part twice; one epoch needs no others
    root_shares : whether the root may lie in a part with other nodes (train loss, generalization gap)

    Returns
    -------
    Skeletons : a sequence of Diagrams held as arrays; 1, 3, 78, 4584 and 475804 of them for noise 0 to 4

    Raises
    ------
    InputError : noise is not an integer >= 0
    TooLargeError : noise above 4

    Examples
    --------
    >>> import fastdiag as fd
    >>> [str(D) for D in fd.skeletons(1)]
    ['[a a]', '[a[a]]', '[a[b b]]']
    >>> fd.skeletons(2), len(fd.skeletons(2, path_condition=True))
    (<78 skeletons of noise order 2>, 36)
    """
    noise = whole("noise", noise, 0)
    path_condition, root_shares = flag("path_condition", path_condition), flag("root_shares", root_shares)
    check_noise(noise)
    found = [some for edges in range(max(4 * noise, 1)) for some in _with_edges(noise, edges, root_shares)]
    every = _joined(found, root_shares)
    return every[every.satisfies_path_condition] if path_condition else every


def _with_edges(noise: int, edges: int, root_shares: bool) -> Iterator[Diagrams]:
    """Leaves share their parts, so at most 2 noise of them; what else may not be alone is left to the kernel."""
    levels = trees_with(edges)
    after = np.pad(levels[:, 1:], ((0, 0), (0, 1)))
    leaves = (after <= levels)[:, 1:].sum(axis=1)
    return shards_on(levels[leaves <= 2 * noise], (1, 2), root_shares, noise, MOST)


def _joined(lists: list[Diagrams], root_shares: bool) -> Skeletons:
    """Lists of different numbers of edges, one after the other."""
    width = lists[-1].order + 1
    first = np.cumsum([0, *(len(some.trees) for some in lists[:-1])], dtype=np.int32)

    def filled(some: IntArray, value: int) -> IntArray:
        return np.pad(some, ((0, 0), (0, width - some.shape[1])), constant_values=value)

    return Skeletons(
        np.concatenate([filled(some.trees, PAST) for some in lists]),
        np.concatenate([some.tree_index + start for some, start in zip(lists, first, strict=True)]),
        np.concatenate([filled(some.blocks, -1) for some in lists]),
        np.concatenate([some.automorphisms for some in lists]),
        root_shares,
    )


def check_noise(noise: int) -> None:
    """Raise TooLargeError if there are too many skeletons of a noise order."""
    if noise > HIGHEST_NOISE:
        raise TooLargeError(
            f"skeletons are listed to noise order {HIGHEST_NOISE}, which has half a million; ask for a lower one"
        )
