"""Sums over maps as powers of triangular transfer matrices between order ideals: what exact numbers, floats and GPUs walk.

An edge, named by its child, carries a factor at every update strictly between its child and its parent. One update, or one
position of a repeated order, is a step of a matrix over what has been placed so far; edges that cross the update multiply.
Masks named `crossing`, `passing`, `skipped` are of edges; several masks are multiplied, one for each epoch that is swept at
the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from .poset import Poset, bits, union

Masks = tuple[int, ...]


class Step(NamedTuple):
    """From one state to a later one."""

    source: int
    target: int
    parts: int
    """How many parts it places, into slots of one batch."""
    passing: Masks
    nodes: int = 0
    """How many nodes these parts have there."""


class Move(NamedTuple):
    """A step, or a stay, with what becomes of every edge."""

    source: int
    target: int
    parts: int
    fates: tuple[int, ...]
    """Of each edge, as bits: it is live before, it is live after; then the epochs in which it passes over the update."""
    placed: tuple[int, ...]
    """How many groups it places in each of the swept epochs."""
    nodes: int
    """How many nodes, but for those in no part."""


@dataclass(frozen=True, eq=False)
class TransferMatrix:
    """A triangular matrix over states in ascending order: staying multiplies by `crossing`."""

    states: tuple[int, ...]
    """Masks of what has been placed."""
    crossing: tuple[Masks, ...]
    steps: tuple[Step, ...]
    live: tuple[int, ...]
    """Edges that carry something, by state; lambda-edges never do."""
    placed: tuple[tuple[int, ...], ...]
    """How many groups of each swept epoch have been placed, by state."""
    edges: int

    @cached_property
    def moves(self) -> tuple[Move, ...]:
        """All stays and steps."""
        stays = [Step(i, i, 0, masks) for i, masks in enumerate(self.crossing)]
        return tuple(
            Move(source, target, parts, self._fates(source, target, passing), tuple(
                after - before for before, after in zip(self.placed[source], self.placed[target], strict=True)
            ), nodes)
            for source, target, parts, passing, nodes in [*stays, *self.steps]
        )

    def _fates(self, source: int, target: int, passing: Masks) -> tuple[int, ...]:
        masks = list(enumerate((self.live[source], self.live[target], *passing)))
        return tuple(sum((mask >> e & 1) << i for i, mask in masks) for e in range(self.edges))


class Chain(NamedTuple):
    """A chain of order ideals: which groups fall into each whole epoch that holds some, where one order is repeated.

    It is worth h_(E - m)(skipped...) x the sum over ways of the parts to lie at positions; m = len(skipped) - 1. Parts
    that a group joins lie at one position; they make a class.
    """

    skipped: Masks
    """Edges that pass over a whole epoch before, between and after the m epochs that hold groups."""
    early: TransferMatrix
    """A position before the cut of the partial epoch; states are masks of classes."""
    late: TransferMatrix
    """A position after it."""
    required: int
    """Classes that must lie before the cut."""
    sets: Masks
    """Groups in each of the whole epochs that hold some, and in the partial epoch."""


class Epoch(NamedTuple):
    """One epoch with an order of its own, in the moment basis: from each ideal of groups, those it places."""

    ideals: tuple[int, ...]
    crossing: Masks
    """Edges that pass over a whole epoch, by ideal."""
    transfers: tuple[TransferMatrix, ...]
    """From each ideal; states are ideals of groups."""
    used: tuple[tuple[int, ...], ...]
    """Rows used when each state is reached."""


@lru_cache(maxsize=1024)
def repeated_epochs(poset: Poset, whole: int, partial: bool) -> tuple[Chain, ...]:
    """The chains of at most `whole` epochs that repeat one order of the rows, and one that is partial."""
    full = _full(poset)

    def chains(prefix: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        """Ideals at the end of each whole epoch that holds groups; the partial epoch takes what is left."""
        if prefix[-1] == full or partial:
            yield prefix
        if prefix[-1] != full and len(prefix) <= whole:
            for after in _ideals_above(poset, prefix[-1]):
                yield from chains((*prefix, after))

    found = (_chain(poset, chain, partial) for chain in chains((0,)))
    return tuple(chain for chain in found if chain is not None)


def _chain(poset: Poset, ideals: tuple[int, ...], partial: bool) -> Chain | None:
    sets = [after & ~before for before, after in zip(ideals, ideals[1:], strict=False)]
    last = _full(poset) & ~ideals[-1]
    classes = poset.classes
    home = tuple(next(i for i, parts in enumerate(classes) if parts & mask) for mask in poset.met)
    sizes = [parts.bit_count() for parts in classes]
    order = [0] * len(classes)  # classes strictly before each, by the relations inside epochs
    for groups in (*sets, last):
        for v in bits(groups):
            order[home[v]] |= union(1 << home[u] for u in bits(poset.below[v] & groups))
    swept = [*zip(ideals, [*sets, last], strict=True)]
    inside = union(
        1 << e for e, (low, high) in enumerate(poset.ends)
        if (last >> low & 1 if high < 0 else any(groups >> low & groups >> high & 1 for groups in [*sets, last]))
    )
    many = poset.sizes
    outside = union(1 << e for e, (low, high) in enumerate(poset.ends) if low != high) & ~inside

    def transfer(swept: Sequence[tuple[int, int]]) -> TransferMatrix:
        def met(placed: int) -> int:
            """Groups whose class is among those placed."""
            return union([1 << v for v, c in enumerate(home) if placed >> c & 1])

        def passing(before: int, now: int) -> Masks:
            before, now = met(before), met(now)
            return tuple([_between(poset, ideal | groups & before, ideal | groups & now) for ideal, groups in swept])

        def live(placed: int) -> int:
            """Edges that lie within an epoch live from child to parent, others all the time."""
            return outside | inside & _between(poset, met(placed), met(placed))

        rest = (1 << len(classes)) - 1
        return _transfer(
            poset, 0, lambda placed: _free(order, rest & ~placed, placed), passing,
            lambda _, step: sum(sizes[c] for c in bits(step)), live,
            lambda placed: tuple([(met(placed) & groups).bit_count() for _, groups in swept]),
            lambda placed: sum(many[v] for _, groups in swept for v in bits(met(placed) & groups)),
        )

    late = transfer(swept[:-1])
    if (1 << len(classes)) - 1 not in late.states:
        return None  # relations inside epochs run in a circle
    skipped = tuple(_between(poset, ideal, ideal) for ideal in ideals)
    early = transfer(swept) if partial else late
    return Chain(skipped, early, late, union(1 << home[v] for v in bits(last)), (*sets, last))


@lru_cache(maxsize=1024)
def independent_epoch(poset: Poset) -> Epoch:
    """One epoch as transfers between ideals of groups."""
    full = _full(poset)
    ideals, many = sorted({0, *_ideals_above(poset, 0)}), poset.sizes
    transfers, used = [], []
    for ideal in ideals:

        def free(placed: int, ideal: int = ideal) -> int:
            """Groups that can come next: no part comes twice in an epoch."""
            rows = _met(poset, placed & ~ideal)
            return union(1 << v for v in bits(_free(poset.below, full & ~placed, placed)) if not rows & poset.met[v])

        def placed(state: int, ideal: int = ideal) -> tuple[int, ...]:
            return ((state & ~ideal).bit_count(),)

        def nodes(state: int, ideal: int = ideal) -> int:
            return sum(many[v] for v in bits(state & ~ideal))

        moves = _transfer(
            poset, ideal, free, lambda before, now: (_between(poset, before, now),),
            lambda _, step: _met(poset, step).bit_count(), lambda placed: _between(poset, placed, placed),
            placed, nodes,
        )
        transfers.append(moves)
        used.append(tuple(_met(poset, state & ~ideal).bit_count() for state in moves.states))
    crossing = tuple(_between(poset, ideal, ideal) for ideal in ideals)
    return Epoch(tuple(ideals), crossing, tuple(transfers), tuple(used))


def _transfer(
    poset: Poset, start: int, free: Callable[[int], int], passing: Callable[[int, int], Masks],
    parts: Callable[[int, int], int], live: Callable[[int], int], placed: Callable[[int], tuple[int, ...]],
    nodes: Callable[[int], int],
) -> TransferMatrix:
    """All states that are reached from `start`, adding any non-empty set of what is free."""
    states, seen, moves = [start], {start}, []
    for state in states:  # grows while it is walked
        available = free(state)
        step = available
        while step:
            if state | step not in seen:
                seen.add(state | step)
                states.append(state | step)
            moves.append((state, step))
            step = (step - 1) & available
    states.sort()  # a subset is the smaller number
    place = {state: i for i, state in enumerate(states)}
    counts = {state: nodes(state) for state in states}
    steps = tuple(
        Step(
            place[state], place[state | step], parts(state, step), passing(state, state | step),
            counts[state | step] - counts[state],
        )
        for state, step in moves
    )
    return TransferMatrix(
        tuple(states), tuple(passing(state, state) for state in states), steps, tuple(map(live, states)),
        tuple(map(placed, states)), len(poset.ends),
    )


def _full(poset: Poset) -> int:
    return (1 << len(poset.below)) - 1


def _between(poset: Poset, before: int, now: int) -> int:
    """Edges that pass over an update: the child was among these groups before, the parent is not among those now."""
    found = 0
    for e, (low, high) in enumerate(poset.ends):
        if before >> low & 1 and (high < 0 or not now >> high & 1):
            found |= 1 << e
    return found


def _free(below: Sequence[int], rest: int, placed: int) -> int:
    return union(1 << p for p in bits(rest) if below[p] & ~placed == 0)


def _ideals_above(poset: Poset, ideal: int) -> Iterator[int]:
    """Ideals of groups that properly contain this one."""
    rest = _full(poset) & ~ideal
    chosen = rest
    while chosen:
        after = ideal | chosen
        if all(poset.below[v] & ~after == 0 for v in bits(after)):
            yield after
        chosen = (chosen - 1) & rest


def _met(poset: Poset, groups: int) -> int:
    """Mask of the parts of some groups."""
    return union(poset.met[v] for v in bits(groups))
