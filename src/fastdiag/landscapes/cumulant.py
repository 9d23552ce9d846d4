"""Joint cumulants from moments, and their estimates: the one sum over set partitions that every landscape uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

from ..diagram.partition import moebius_to_top, set_partitions
from ..errors import TooLargeError

MOST_NODES = 10  # of a joint cumulant: 115,975 partitions, some seconds

Node = TypeVar("Node")
Weight: TypeAlias = Callable[[tuple[int, ...]], Any]
"""A number for each set partition, given as a restricted growth string."""


def joint_cumulant(
    nodes: Sequence[Node],
    moment: Callable[[tuple[Node, ...]], Any],
    product: Callable[[list[tuple[tuple[Node, ...], Any]]], Any],
    weight: Weight = moebius_to_top,
) -> Any:
    """The joint cumulant of some nodes: sum over set partitions of mu(sigma, one block) times the moments of the blocks.

    Parameters
    ----------
    nodes : what is averaged, one or more
    moment : the mean of the product of some of the nodes; asked once for each set of nodes
    product : of moments, each with the nodes that it is of; what it returns must add up and take a weight as a factor
    weight : of a set partition, in place of mu(sigma, one block); the k-statistic's gives an unbiased estimate

    Raises
    ------
    TooLargeError : more than 10 nodes

    Examples
    --------
    >>> import math
    >>> values, weights = {"x": [0, 2], "y": [1, 5]}, [0.5, 0.5]
    >>> mean = lambda names: sum(w * math.prod(values[n][i] for n in names) for i, w in enumerate(weights))
    >>> joint_cumulant(["x", "y"], mean, lambda moments: math.prod(m for _, m in moments))  # the covariance
    2.0
    """
    known: dict[tuple[int, ...], Any] = {}
    total: Any = 0
    for scale, blocks in partition_terms(len(nodes), weight):
        factors = []
        for block in blocks:
            members = tuple(nodes[i] for i in block)
            if block not in known:
                known[block] = moment(members)
            factors.append((members, known[block]))
        total = total + scale * product(factors)
    return total


def central(weight: Weight) -> Weight:
    """The same weights for nodes whose means are 0: partitions with a block of one node are left out."""
    return lambda string: 0 if any(string.count(block) == 1 for block in string) else weight(string)


def partition_terms(count: int, weight: Weight = moebius_to_top) -> Iterator[tuple[Any, tuple[tuple[int, ...], ...]]]:
    """Every set partition of 0..count-1 as its blocks, with its weight where that is not 0.

    >>> list(partition_terms(2))  # mu(sigma, one block) = (-1)^(b-1) (b-1)!
    [(1, ((0, 1),)), (-1, ((0,), (1,)))]
    """
    if count > MOST_NODES:
        raise TooLargeError(
            f"the joint cumulant of {count} nodes sums over all their partitions, too many of them (limit: of {MOST_NODES} "
            "nodes); take a diagram with smaller parts"
        )
    for string in set_partitions(count):
        blocks: list[list[int]] = [[] for _ in range(max(string) + 1)]
        for i, block in enumerate(string):
            blocks[block].append(i)
        scale = weight(string)
        if scale:
            yield scale, tuple(map(tuple, blocks))
