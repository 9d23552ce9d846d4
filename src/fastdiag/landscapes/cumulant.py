"""Joint cumulants from moments: the one sum over set partitions that every landscape uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from ..diagram.partition import moebius_to_top, set_partitions

Node = TypeVar("Node")


def joint_cumulant(
    nodes: Sequence[Node],
    moment: Callable[[tuple[Node, ...]], Any],
    product: Callable[[list[tuple[tuple[Node, ...], Any]]], Any],
) -> Any:
    """The joint cumulant of some nodes: sum over set partitions of mu(sigma, one block) times the moments of the blocks.

    Parameters
    ----------
    nodes : what is averaged, one or more
    moment : the mean of the product of some of the nodes; asked once for each set of nodes
    product : of moments, each with the nodes that it is of; what it returns must add up and take an integer factor

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
    for weight, blocks in moebius_terms(len(nodes)):
        factors = []
        for block in blocks:
            members = tuple(nodes[i] for i in block)
            if block not in known:
                known[block] = moment(members)
            factors.append((members, known[block]))
        total = total + weight * product(factors)
    return total


def moebius_terms(count: int) -> Iterator[tuple[int, tuple[tuple[int, ...], ...]]]:
    """Every set partition of 0..count-1 as its blocks, with its weight mu(sigma, one block) = (-1)^(b-1) (b-1)!.

    >>> list(moebius_terms(2))
    [(1, ((0, 1),)), (-1, ((0,), (1,)))]
    """
    for string in set_partitions(count):
        blocks: list[list[int]] = [[] for _ in range(max(string) + 1)]
        for i, block in enumerate(string):
            blocks[block].append(i)
        yield moebius_to_top(string), tuple(map(tuple, blocks))
