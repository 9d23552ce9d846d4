"""What the kernels run to sum over the maps of a diagram: transfers as arrays, with the numbers of a spacetime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf, perm

import numpy as np

from ..diagram import Diagram
from ..diagram.partition import set_partitions
from ..embedding.counting import family_of, grid, placements
from ..embedding.order_ideals import TransferMatrix, independent_epoch, repeated_epochs
from ..embedding.poset import Links, Poset
from ..kernels.lanes import LANES
from ..spacetime import Spacetime
from ..typing import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Programme:
    """Arguments of `kernels.nested_sums`, which explains them."""

    fresh: bool
    whole: int
    epoch: int
    rest: int
    forever: bool
    span: float
    parts: int
    sizes: IntArray
    state_begins: IntArray
    step_begins: IntArray
    visits: IntArray
    crossing: IntArray
    ends: IntArray
    passing: IntArray
    gains: FloatArray
    terms: IntArray
    skipped: IntArray
    kept: FloatArray
    goals: IntArray
    weights: FloatArray

    @property
    def most_states(self) -> int:
        """Of a transfer, or of the matrix of an epoch."""
        return int(max(self.sizes.max(initial=1), self.skipped.shape[1]))

    def scratch(self, edges: int) -> tuple[object, ...]:
        """Working space of a kernel, not to be shared between threads."""
        most = self.most_states
        rows = [np.zeros((most, LANES)) for _ in range(3)]
        diagonals = [np.zeros((2, most, LANES)) for _ in range(2)]  # numbers and their losses
        squares = [np.zeros((most, most, LANES)) for _ in range(3)]
        return (
            np.zeros(edges + 1, np.int64), np.zeros((1, LANES)), np.zeros((edges, LANES)), np.zeros((2, 1 << edges, LANES)),
            rows[0], diagonals[0], squares[0], rows[1], squares[1], rows[2], diagonals[1], squares[2],
        )

    def arguments(self) -> tuple[object, ...]:
        """In the order in which the kernels take them."""
        return tuple(getattr(self, name) for name in self.__slots__)

    def arrays(self) -> tuple[IntArray, ...]:
        """Those arguments that are arrays."""
        return tuple(argument for argument in self.arguments() if isinstance(argument, np.ndarray))


@lru_cache(maxsize=2048)
def programme(diagram: Diagram, spacetime: Spacetime, continuous: bool = False, links: Links = ()) -> Programme:
    """The programme of the sum over maps in the cumulant basis; `continuous`: of the integral over one epoch instead."""
    poset, edges = Poset.of(diagram, links), diagram.order
    forever = spacetime.T == inf
    if forever and spacetime.N == inf:  # the limit of one epoch
        spacetime = Spacetime(inf, spacetime.B, 1)
    N, B, whole, updates, rest = grid(spacetime)
    if whole == inf:  # that of whole epochs; how many the kernel is told does not matter
        whole = edges
    if spacetime.is_one_epoch or family_of(spacetime) == "one order":
        found = repeated_epochs(poset, min(whole, edges), rest > 0)
        transfers = [moves for chain in found for moves in (chain.early, chain.late)]
        if continuous:  # parts never meet at one time
            transfers = [
                moves._replace(steps=tuple(step for step in moves.steps if step.parts == 1)) for moves in transfers[:1]
            ]
        widest = max((len(chain.skipped) for chain in found), default=1)
        kept = [
            float(chain.required & ~state == 0)
            for chain in found for moves in (chain.early, chain.late) for state in moves.states
        ]
        return _packed(
            transfers, [placements((size,), B, None, "cumulant") for size in range(edges + 1)],
            fresh=False, whole=whole, epoch=updates, rest=rest, forever=forever,
            span=float(updates), parts=poset.parts if continuous and found else -1,
            terms=[(2 * i, 2 * i + 1, len(chain.skipped) - 1) for i, chain in enumerate(found)],
            skipped=[chain.skipped + (0,) * (widest - len(chain.skipped)) for chain in found],
            kept=kept, goals=[0] * len(kept), weights=[1.0] * len(found),
        )
    transfers, terms, kept, goals, weights = [], [], [], [], []
    for string in set_partitions(poset.parts):
        merged = poset.coarsened(string)
        if merged.parts > N:
            continue
        moves = independent_epoch(merged)
        place = {ideal: i for i, ideal in enumerate(moves.ideals)}
        terms.append((len(transfers), 0, 0))
        weights.append(float(perm(N, merged.parts)))
        for steps, used in zip(moves.transfers, moves.used, strict=True):
            transfers.append(steps)
            kept += [1 / perm(N, rows) if rows <= N else 0.0 for rows in used]
            goals += [place[state] for state in steps.states]
    return _packed(
        transfers, [perm(B, size) for size in range(edges + 1)],
        fresh=True, whole=whole, epoch=updates, rest=rest, forever=forever, span=0.0, parts=-1,
        terms=terms, skipped=[moves.crossing], kept=kept, goals=goals, weights=weights,
    )


def _packed(
    transfers: Sequence[TransferMatrix], gains: Sequence[int], *, fresh: bool, whole: int, epoch: int, rest: int,
    forever: bool, span: float, parts: int, terms: Sequence[Sequence[int]], skipped: Sequence[Sequence[int]],
    kept: Sequence[float],
    goals: Sequence[int], weights: Sequence[float],
) -> Programme:
    widest = max((len(masks) for moves in transfers for masks in moves.crossing), default=1)

    def padded(masks: Sequence[int]) -> list[int]:
        return [*masks, *[0] * (widest - len(masks))]

    def ints(numbers: Sequence[object], *shape: int) -> IntArray:
        return np.array(numbers, np.int64).reshape(len(numbers), *shape)

    steps = [step for moves in transfers for step in moves.steps]
    return Programme(
        fresh, whole, epoch, rest, forever, span, parts,
        sizes=ints([len(moves.states) for moves in transfers]),
        state_begins=ints([0, *np.cumsum([len(moves.states) for moves in transfers])]),
        step_begins=ints([0, *np.cumsum([len(moves.steps) for moves in transfers])]),
        visits=ints([len(moves.crossing[0]) for moves in transfers]),
        crossing=ints([padded(masks) for moves in transfers for masks in moves.crossing], widest),
        ends=ints([(step.source, step.target) for step in steps], 2),
        passing=ints([padded(step.passing) for step in steps], widest),
        gains=np.array([float(gains[step.parts]) for step in steps]),
        terms=ints(terms, 3),
        skipped=ints(skipped, len(skipped[0]) if skipped else 1),
        kept=np.array(kept, np.float64),
        goals=ints(goals),
        weights=np.array(weights, np.float64),
    )
