"""How many diagrams an order has, without listing them: Burnside's lemma over cycle types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache, lru_cache
from itertools import product
from math import comb, factorial, gcd, prod

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
    int, exact: how many terms of that order the sum of the papers' Theorem 3 has. A labelled diagram is a rooted forest on
    d nodes below the root with a set partition; by Burnside the number of orbits is the mean, over permutations of d nodes,
    of (forests fixed) x (partitions fixed).

    Raises
    ------
    InputError : the order is not an integer >= 0
    TooLargeError : order above 30, which takes some ten seconds

    Examples
    --------
    >>> import fastdiag as fd
    >>> [fd.count_diagrams(d) for d in range(9)]
    [1, 1, 4, 17, 101, 700, 5861, 55818, 598201]
    >>> [fd.count_diagrams(d, root_shares=True) for d in range(5)]
    [1, 2, 9, 48, 329]
    """
    order, root_shares = check_order(order), flag("root_shares", root_shares)
    if order > MOST_COUNTED:
        raise TooLargeError(f"counting diagrams of order {shown(order)} would take too long; the limit is {MOST_COUNTED}")
    return _counted(order, root_shares)


@lru_cache(maxsize=2 * MOST_COUNTED + 2)
def _counted(order: int, root_shares: bool) -> int:
    def fixed(cycles: Cycles) -> int:
        below = Counter(dict(cycles)) + Counter([1] * root_shares)  # the root, which shares a part or not, stays in place
        return _forests_fixed(cycles) * _partitions_fixed(tuple(sorted(below.items())))

    return _orbits(order, fixed)


def count_rooted_trees(nodes: int) -> int:
    """Number of rooted trees with `nodes` >= 1 nodes, up to isomorphism (OEIS A000081)."""
    return _orbits(nodes - 1, _forests_fixed)


def _orbits(size: int, fixed: Callable[[Cycles], int]) -> int:
    """Burnside's lemma: the mean, over the permutations of some points, of how much each leaves unchanged."""
    return int(sum(
        Fraction(fixed(cycles), prod(length**many * factorial(many) for length, many in cycles))
        for cycles in cycle_types(size)
    ))


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
    (length, many), *others = cycles
    rest = [(length, many - 1), *others]
    total = 0
    for chosen in product(*(range(many + 1) for _, many in rest)):
        pairs = list(zip(rest, chosen, strict=True))
        common = gcd(length, *(j for (j, _), some in pairs if some))
        threads = sum(k ** sum(chosen) for k in range(1, common + 1) if common % k == 0)
        left = tuple((j, many - some) for (j, many), some in pairs if many > some)
        total += prod(comb(many, some) for (_, many), some in pairs) * threads * _partitions_fixed(left)
    return total
