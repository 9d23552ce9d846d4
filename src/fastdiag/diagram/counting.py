"""How many diagrams an order has, without listing them: Burnside's lemma over cycle types."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from math import factorial, prod

from ..arguments import flag, shown, whole
from ..door import door
from ..errors import InputError, TooLargeError

MOST_COUNTED = 30  # the number of cycle types, and of ways to split each, grows quickly

Cycles = tuple[tuple[int, int], ...]  # (length, how many), lengths ascending


def check_order(order: object) -> int:
    """The order as an int, or an error that says what an order is."""
    try:
        return whole("order", order, 0)
    except InputError:
        raise InputError(f"order must be an integer >= 0 (the number of edges), not {shown(order)}") from None


@door
def count_diagrams(order: int, root_shares: bool = False) -> int:
    """Number of diagrams with `order` edges, up to isomorphism.

    Parameters
    ----------
    order : number of edges, 0 to 30
    root_shares : whether the root may lie in a part with other nodes (train loss, generalization gap)

    Returns
    -------
    int, exact. A labelled diagram is a rooted forest on d nodes below the root with a set partition; by Burnside the
    number of orbits is the mean, over permutations of d nodes, of (forests fixed) x (partitions fixed).

    Raises
    ------
    InputError : the order is not an integer >= 0
    TooLargeError : order above 30, which takes some ten seconds

    Examples
    --------
    >>> import fastdiag as fd
    >>> [fd.count_diagrams(d) for d in range(9)]
    [1, 1, 4, 17, 101, 700, 5861, 55818, 598201]
    """
    order, root_shares = check_order(order), flag("root_shares", root_shares)
    if order > MOST_COUNTED:
        raise TooLargeError(f"counting diagrams of order {shown(order)} would take too long; the limit is {MOST_COUNTED}")
    total = Fraction(0)
    for cycles in cycle_types(order):
        weight = prod(length**many * factorial(many) for length, many in cycles)
        marked = _with_fixed_point(cycles) if root_shares else cycles
        total += Fraction(_forests_fixed(cycles) * _partitions_fixed(marked), weight)
    return int(total)


def count_rooted_trees(nodes: int) -> int:
    """Number of rooted trees with `nodes` >= 1 nodes, up to isomorphism (OEIS A000081)."""
    return int(
        sum(
            Fraction(
                _forests_fixed(cycles), prod(length**many * factorial(many) for length, many in cycles)
            )
            for cycles in cycle_types(nodes - 1)
        )
    )


def cycle_types(size: int, largest: int | None = None) -> Iterator[Cycles]:
    """All cycle types of permutations of `size` points."""
    largest = size if largest is None else largest
    if size == 0:
        yield ()
        return
    for length in range(min(size, largest), 0, -1):
        for many in range(size // length, 0, -1):
            for rest in cycle_types(size - length * many, length - 1):
                yield (*rest, (length, many))


def _with_fixed_point(cycles: Cycles) -> Cycles:
    counts = dict(cycles)
    counts[1] = counts.get(1, 0) + 1
    return tuple(sorted(counts.items()))


def _forests_fixed(cycles: Cycles) -> int:
    """Rooted forests on the permuted points, hung on a fixed root, that a permutation of this type leaves unchanged.

    The parent of a node on a k-cycle lies on a cycle whose length divides k; the matrix-tree theorem, one length at a
    time, counts the acyclic choices.
    """
    result = 1
    for length, many in cycles:
        below = 1 + sum(j * m for j, m in cycles if j < length and length % j == 0)
        result *= below * (below + length * many) ** (many - 1)
    return result


@cache
def _partitions_fixed(cycles: Cycles) -> int:
    """Set partitions of the permuted points that a permutation of this type leaves unchanged.

    The cycles that meet the block of the first cycle (and its images) are chosen; k blocks moved in a circle can be
    threaded through r such cycles in k^(r-1) ways, for every k dividing all their lengths.
    """
    if not cycles:
        return 1
    length, many = cycles[0]
    rest = ((length, many - 1), *cycles[1:]) if many > 1 else cycles[1:]
    total = 0
    for chosen, ways, left in _subsets(rest):
        lengths = [length, *(j for j, m in chosen if m)]
        joined = 1 + sum(m for _, m in chosen)
        threads = sum(
            k ** (joined - 1) for k in range(1, length + 1) if all(j % k == 0 for j in lengths)
        )
        total += ways * threads * _partitions_fixed(left)
    return total


def _subsets(cycles: Cycles) -> Iterator[tuple[Cycles, int, Cycles]]:
    """Sub-multisets of the cycles: (chosen, number of ways, what is left)."""
    if not cycles:
        yield (), 1, ()
        return
    (length, many), rest = cycles[0], cycles[1:]
    ways_here = 1
    for take in range(many + 1):
        for chosen, ways, left in _subsets(rest):
            yield (
                ((length, take), *chosen),
                ways_here * ways,
                ((length, many - take), *left) if take < many else left,
            )
        ways_here = ways_here * (many - take) // (take + 1)
