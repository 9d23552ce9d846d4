"""How much work a count will be, told before it is begun."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb, inf, log2, log10, prod
from typing import Any

from ..arguments import decimal
from ..diagram import Diagram
from ..errors import TooLargeError
from ..spacetime import Spacetime
from .poset import Poset

MOST_BITS = 1_000_000  # of an exact number, 300,000 digits
MOST_SECONDS = 4.0  # of one core that has nothing else to do
MOST_PLAIN = 4  # edges of a diagram whose few ways to merge parts, or to choose epochs, need no foresight
MOST_ENTRIES = 600_000  # of all the matrices together; then they are made in some seconds
MOST_MERGED = 25_000  # partitions of the parts that are gone through one by one
MOST_UPDATES = 1_000_000  # that a schedule is walked through


NATIVE_NODES = 10  # up to which the kernels of patterns are compiled
MOST_NODES = 16  # of a table of patterns
MOST_KEYED = 12  # the same over epochs of different orders
MOST_STEPS = 1_000_000  # between levels, in plain Python
MOST_NUMBERS = 60_000_000  # of a table, half a gigabyte


def check_work(
    diagram: Diagram, spacetime: Spacetime, basis: str, state: int, scheduled: bool, linked: bool = False
) -> None:
    """Raise TooLargeError if weighted maps need too many matrix entries; state: numbers that an edge carries.

    linked: for every choice of lambda-edges, at most one to a child of each node.
    """
    T = int(spacetime.finite("T"))
    if scheduled and T > MOST_UPDATES:
        raise TooLargeError(
            f"a schedule is walked update by update, and T = {decimal(T)} is too many (limit {MOST_UPDATES:,}); "
            "use a rule without one, or a smaller T"
        )
    if (10 * state * state) ** diagram.order <= MOST_ENTRIES and diagram.order <= MOST_PLAIN:
        return
    kinds = {(0, 0): 1, (0, 1): state, (0, 2): state * state if state > 2 else 2 * state - 1, (1, 2): state, (2, 2): 1}
    parts, merged = len(set(diagram.blocks[1:])), 1
    if spacetime.is_one_epoch:
        entries = _arrangements(diagram, 3, lambda child, parent: kinds.get((child, parent), 0))
    elif spacetime.sampling == "cyclic":
        inside = sum(kinds.values()) / len(kinds)
        entries = int(visits(diagram, spacetime.whole_epochs) * 3.0**parts * inside**diagram.order / 4)
    else:
        merged = bell(parts) if basis == "cumulant" else 1

        def worth(child: int, parent: int) -> int:
            return kinds.get((max(0, child - 1), max(0, parent - 1)), 0)

        entries = _arrangements(diagram, 4, worth)
    if linked:
        entries *= prod(1 + diagram.parents.count(node) for node in range(1, diagram.order + 1))
    if merged > MOST_MERGED or entries > MOST_ENTRIES:
        raise TooLargeError(
            f"{diagram} over {spacetime} would take about {decimal(int(entries))} matrix entries"
            + (f", for each of {merged:,} ways to merge its parts" if merged > 1 else "")
            + f" (limit {MOST_ENTRIES:,}{f', and {MOST_MERGED:,}' if merged > 1 else ''}); take fewer nodes, or one epoch"
        )


def check_levels(poset: Poset) -> None:
    """Raise TooLargeError if the ways to put the parts on levels, in one epoch, are too many to be gone through."""
    n, steps = len(poset.part), _steps(poset, 3)
    if n > MOST_NODES or (n > NATIVE_NODES and steps > MOST_STEPS):
        raise TooLargeError(
            f"the levels of {n} nodes (limit {MOST_NODES}) have about {decimal(int(steps))} steps (limit {MOST_STEPS:,}); "
            "take fewer nodes"
        )


def check_patterns(poset: Poset, family: str, partial: bool, merged: int) -> None:
    """Raise TooLargeError if a pattern table over several epochs takes too long, or too much memory."""
    n, related = len(poset.part), sum(mask.bit_count() for mask in poset.below)
    slow = 200 if n > NATIVE_NODES else 1  # beyond, numbers are Python's ints
    if family == "one order":
        entries = (1 << related) * (1 << n if partial else 1) * (n + 1)
        if n > MOST_NODES or entries * slow * (25 if slow > 1 else 1) > MOST_NUMBERS:
            raise TooLargeError(
                f"the patterns of {n} nodes with {related} relations, where one order of the rows is repeated, need "
                f"a table of {decimal(int(entries))} numbers; take fewer nodes, or one epoch"
            )
        work = 1e-8 * slow * ((2 if partial else 1) * _sequences(poset.parts) + 3**n)  # measured
        if work > MOST_SECONDS:
            raise TooLargeError(
                f"the patterns of {n} nodes in {poset.parts} parts, where one order of the rows is repeated, take "
                f"about {work:,.0f} seconds (limit {MOST_SECONDS:.0f}); take fewer nodes, or one epoch"
            )
        return
    work = merged * slow * (5e-5 + 7e-9 * _steps(poset, 4))  # measured
    if n > MOST_KEYED or work > MOST_SECONDS:
        raise TooLargeError(
            f"the patterns of {n} nodes in {poset.parts} parts, merged in {merged:,} ways over epochs of different "
            f"orders, take about {work:,.0f} seconds (limit {MOST_SECONDS:.0f}, and {MOST_KEYED} nodes); "
            "take fewer nodes, or one epoch"
        )


def _sequences(parts: int) -> int:
    """Steps from one set of parts to a larger one, each for every partition of the number of parts before it."""
    known = [1] + [0] * parts
    for size in range(1, parts + 1):
        for total in range(size, parts + 1):
            known[total] += known[total - size]
    return sum(comb(parts, m) * 2 ** (parts - m) * known[m] for m in range(parts + 1))


def _steps(poset: Poset, levels: int) -> int:
    """Ways to put nodes on levels, those that are related on different ones but in the first and the last."""
    total = 1
    ways = {v: [1] * levels for v in range(len(poset.below))}
    uppermost = set(ways) - {u for mask in poset.below for u in ways if mask >> u & 1}

    def walk(v: int) -> None:
        for u in ways:
            if poset.below[v] >> u & 1:
                walk(u)
                for p in range(levels):
                    ways[v][p] *= sum(ways[u][:p]) + (ways[u][p] if p in (0, levels - 1) else 0)

    for v in sorted(uppermost):
        walk(v)
        total *= sum(ways[v])
    return total


def check_bits(factors: Sequence[tuple[int, int]], T: int) -> None:
    """Raise TooLargeError if a product of numbers has too many digits; factors: (size, how many)."""
    bits = sum(min(count, 1 << 900) * log2(max(size, 1)) for size, count in factors)
    if bits > MOST_BITS:
        raise TooLargeError(
            f"the exact number has about {decimal(int(bits * log10(2)))} digits after T = {decimal(T)} updates (limit "
            f"{int(MOST_BITS * log10(2)):,}); use floats (fastdiag.predict), or a smaller T"
        )


def check_seconds(seconds: float) -> None:
    """Raise TooLargeError if exact arithmetic takes too long."""
    if seconds > MOST_SECONDS:
        raise TooLargeError(
            f"exact arithmetic would take about {seconds:,.0f} seconds (limit {MOST_SECONDS:.0f}); use floats "
            "(fastdiag.predict), a smaller T, or numbers of fewer digits"
        )


def matrix_entries(diagram: Diagram, spacetime: Spacetime) -> int:
    """About how many entries above the diagonal the matrices of one resummed sum over maps have: their steps."""
    parts = len(set(diagram.blocks[1:]))
    epoch = int(3**parts - 2**parts)  # parts before, in and after a step
    if spacetime.is_one_epoch:
        return epoch
    if spacetime.sampling == "cyclic":
        epochs = diagram.order if spacetime.T == inf else min(int(spacetime.whole_epochs), diagram.order)
        return 2 * visits(diagram, epochs) * epoch
    return bell(parts) * _steps(Poset.of(diagram), 4) // 3  # what merged parts leave of them


def visits(diagram: Diagram, epochs: int) -> int:
    """About how many ways the nodes have to fall into different epochs, children not after their parents."""
    n = diagram.order
    weak = [_arrangements(diagram, m, lambda child, parent: child <= parent) for m in range(n + 1)]
    return sum((-1) ** (m - j) * comb(m, j) * weak[j] for m in range(min(epochs, n) + 1) for j in range(m + 1)) or 1


def bell(size: int) -> int:
    """Number of set partitions."""
    row = [1]
    for _ in range(size):
        following = [row[-1]]
        for x in row:
            following.append(following[-1] + x)
        row = following
    return row[0]


def _arrangements(diagram: Diagram, levels: int, worth: Callable[[int, int], Any]) -> int:
    """Sum over levels of all nodes, the root's the last, of the product over edges of worth(of child, of parent)."""
    total = [[1] * levels for _ in diagram.parents]
    for v in range(diagram.order, 0, -1):  # children come after their parents
        for p in range(levels):
            total[diagram.parents[v]][p] *= sum(total[v][c] * worth(c, p) for c in range(levels))
    return total[0][levels - 1] if levels else int(diagram.order == 0)
