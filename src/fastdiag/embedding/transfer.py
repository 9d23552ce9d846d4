"""Sums over maps as powers of triangular transfer matrices: the programme that exact numbers, floats and GPUs run.

An edge, named by its child node, carries a factor at every update strictly between its child and its parent. One update,
or one position of the repeated order, is a step of a matrix over what has been placed so far; edges that cross the update
multiply. Masks are of edges; several masks are multiplied, one for each epoch that is swept at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from .relations import Relations

Masks = tuple[int, ...]
Edge = Callable[[int], bool]


class Step(NamedTuple):
    """From one state to a later one."""

    source: int
    target: int
    parts: int
    """How many parts it places, into slots of one batch."""
    passing: Masks


class Transfer(NamedTuple):
    """A triangular matrix over states in ascending order: staying multiplies by `crossing`."""

    states: tuple[int, ...]
    """Masks of what has been placed."""
    crossing: tuple[Masks, ...]
    steps: tuple[Step, ...]


class Visit(NamedTuple):
    """One choice of the whole epochs that hold nodes, where one order of the rows is repeated.

    It is worth h_(E - m)(skipped...) x the sum over ways of the parts to lie at positions; m = len(skipped) - 1.
    """

    skipped: Masks
    """Edges that pass over a whole epoch before, between and after the m epochs that hold nodes."""
    early: Transfer
    """A position before the cut of the partial epoch; states are masks of parts."""
    late: Transfer
    """A position after it."""
    required: int
    """Parts that must lie before the cut."""
    nodes: Masks
    """Nodes in each of the whole epochs that hold some, and in the partial epoch."""


class Epoch(NamedTuple):
    """One epoch with an order of its own, in the moment basis: from each ideal of nodes, those it places."""

    ideals: tuple[int, ...]
    crossing: Masks
    """Edges that pass over a whole epoch, by ideal."""
    transfers: tuple[Transfer, ...]
    """From each ideal; states are ideals of nodes."""
    used: tuple[tuple[int, ...], ...]
    """Rows used when each state is reached."""


@lru_cache(maxsize=1024)
def visits(relations: Relations, above: tuple[int, ...], whole: int, partial: bool) -> tuple[Visit, ...]:
    """The visits to at most `whole` epochs, and one that is partial; above[v] is the parent of node v, -1 the root."""
    full = (1 << len(above)) - 1

    def chains(prefix: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        """Ideals at the end of each whole epoch that holds nodes; the partial epoch takes what is left."""
        if prefix[-1] == full or partial:
            yield prefix
        if prefix[-1] != full and len(prefix) <= whole:
            for after in _ideals_above(relations, prefix[-1]):
                yield from chains((*prefix, after))

    found = (_visit(relations, above, chain, partial) for chain in chains((0,)))
    return tuple(visit for visit in found if visit is not None)


def _visit(relations: Relations, above: tuple[int, ...], chain: tuple[int, ...], partial: bool) -> Visit | None:
    full, parts = (1 << len(above)) - 1, (1 << relations.parts) - 1
    sets = [after & ~before for before, after in zip(chain, chain[1:], strict=False)]
    last = full & ~chain[-1]
    order = [0] * relations.parts  # parts strictly before each, by the relations inside epochs
    for nodes in (*sets, last):
        for v in _bits(nodes):
            for u in _bits(relations.below[v] & nodes):
                order[relations.part[v]] |= 1 << relations.part[u]
    early = [*zip(chain, sets, strict=False), (chain[-1], last)]

    def transfer(swept: Sequence[tuple[int, int]]) -> Transfer:
        def passing(before: int, now: int) -> Masks:
            return tuple(
                _between(above, _placed(relations, ideal, nodes, before), _placed(relations, ideal, nodes, now))
                for ideal, nodes in swept
            )

        return _transfer(0, lambda placed: _free(order, parts & ~placed, placed), passing, lambda _, step: step.bit_count())

    swept = transfer(early[:-1])
    if parts not in swept.states:
        return None  # relations inside epochs run in a circle
    skipped = tuple(_between(above, _inside(ideal), _inside(ideal)) for ideal in chain)
    return Visit(skipped, transfer(early) if partial else swept, swept, _met(relations, last), (*sets, last))


@lru_cache(maxsize=1024)
def epoch(relations: Relations, above: tuple[int, ...]) -> Epoch:
    """One epoch as transfers between ideals of nodes."""
    full = (1 << len(above)) - 1
    ideals = sorted({0, *_ideals_above(relations, 0)})
    transfers, used = [], []
    for ideal in ideals:

        def free(placed: int, ideal: int = ideal) -> int:
            """Nodes that can come next: no part comes twice in an epoch."""
            rows = _met(relations, placed & ~ideal)
            return sum(
                1 << v for v in _bits(_free(relations.below, full & ~placed, placed)) if not rows >> relations.part[v] & 1
            )

        moves = _transfer(
            ideal,
            free,
            lambda before, now: (_between(above, _inside(before), _inside(now)),),
            lambda _, step: _met(relations, step).bit_count(),
        )
        transfers.append(moves)
        used.append(tuple(_met(relations, state & ~ideal).bit_count() for state in moves.states))
    crossing = tuple(_between(above, _inside(ideal), _inside(ideal)) for ideal in ideals)
    return Epoch(tuple(ideals), crossing, tuple(transfers), tuple(used))


def _transfer(
    start: int, free: Callable[[int], int], passing: Callable[[int, int], Masks], placed: Callable[[int, int], int]
) -> Transfer:
    """All states that are reached from `start`, adding any non-empty set of what is free."""
    states, known, moves = [start], {start}, []
    for state in states:  # grows while it is walked
        available = free(state)
        step = available
        while step:
            if state | step not in known:
                known.add(state | step)
                states.append(state | step)
            moves.append((state, step))
            step = (step - 1) & available
    states.sort()  # a subset is the smaller number
    place = {state: i for i, state in enumerate(states)}
    steps = tuple(
        Step(place[state], place[state | step], placed(state, step), passing(state, state | step)) for state, step in moves
    )
    return Transfer(tuple(states), tuple(passing(state, state) for state in states), steps)


def _between(above: tuple[int, ...], before: Edge, now: Edge) -> int:
    """Edges that pass over an update: the child was there before, the parent is not there after."""
    return sum(1 << v for v, p in enumerate(above) if before(v) and (p < 0 or not now(p)))


def _inside(ideal: int) -> Edge:
    return lambda v: bool(ideal >> v & 1)


def _placed(relations: Relations, ideal: int, nodes: int, parts: int) -> Edge:
    """Whether a node lies in the ideal, or is one of `nodes` and its part is among those placed."""
    return lambda v: bool(ideal >> v & 1 or (nodes >> v & 1 and parts >> relations.part[v] & 1))


def _free(below: Sequence[int], rest: int, placed: int) -> int:
    return sum(1 << p for p in _bits(rest) if below[p] & ~placed == 0)


def _ideals_above(relations: Relations, ideal: int) -> Iterator[int]:
    """Ideals of nodes that properly contain this one."""
    rest = ((1 << len(relations.below)) - 1) & ~ideal
    chosen = rest
    while chosen:
        after = ideal | chosen
        if all(relations.below[v] & ~after == 0 for v in _bits(after)):
            yield after
        chosen = (chosen - 1) & rest


def _met(relations: Relations, nodes: int) -> int:
    """Mask of the parts of some nodes."""
    mask = 0
    for v in _bits(nodes):
        mask |= 1 << relations.part[v]
    return mask


def _bits(mask: int) -> list[int]:
    return [v for v in range(mask.bit_length()) if mask >> v & 1]
