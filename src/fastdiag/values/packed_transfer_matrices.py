"""The transfer matrices of a diagram, packed into arrays, with the numbers of a spacetime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from math import inf, perm

import numpy as np

from ..diagram import Diagram
from ..diagram.partition import set_partitions
from ..embedding.counting import family_of, grid
from ..embedding.order_ideals import TransferMatrix, independent_epoch, repeated_epochs
from ..embedding.pattern_weights import slots
from ..embedding.poset import Links, Poset
from ..kernels.lanes import LANES
from ..kernels.packed_sum import Duration, PackedSum, Scratch, Summands, Transfers
from ..kernels.triangular import Workspace
from ..spacetime import Spacetime
from ..typing import FloatArray, IntArray


@lru_cache(maxsize=2048)
def packed_sum(diagram: Diagram, spacetime: Spacetime, continuous: bool = False, links: Links = ()) -> PackedSum:
    """The sum over maps in the cumulant basis; `continuous`: the integral over one epoch instead. No transfers: no maps."""
    poset, edges = Poset.of(diagram, links), diagram.order
    forever = spacetime.T == inf
    if forever and spacetime.N == inf:  # the limit of one epoch
        spacetime = Spacetime(inf, spacetime.B, 1)
    N, B, whole, updates, rest = grid(spacetime)
    if whole == inf:  # that of whole epochs; how many the kernel is told does not matter
        whole = edges
    duration = Duration(whole, updates, rest, forever)
    if spacetime.is_one_epoch or family_of(spacetime) == "one order":
        chains = repeated_epochs(poset, min(whole, edges), rest > 0)
        transfers = [transfer for chain in chains for transfer in (chain.early, chain.late)]
        if continuous:  # parts never meet at one time
            transfers = [
                replace(transfer, steps=tuple(step for step in transfer.steps if step.parts == 1))
                for transfer in transfers[:1]
            ]
        widest = max((len(chain.skipped) for chain in chains), default=1)
        kept = [
            float(chain.required & ~state == 0)
            for chain in chains for transfer in (chain.early, chain.late) for state in transfer.states
        ]
        summands = Summands(
            _ints([(2 * i, 2 * i + 1, len(chain.skipped) - 1) for i, chain in enumerate(chains)], 3),
            _ints([_padded(chain.skipped, widest) for chain in chains], widest),
            np.array(kept), np.zeros(0, np.int64), np.zeros(0),
        )
        ways = [slots((size,), B, "cumulant") for size in range(edges + 1)]
        return PackedSum(duration, False, poset.parts if continuous and chains else -1, _packed(transfers, ways), summands)
    merged = [coarser for string in set_partitions(poset.parts) if (coarser := poset.coarsened(string)).parts <= N]
    epochs = [independent_epoch(coarser) for coarser in merged]
    places = [{ideal: i for i, ideal in enumerate(epoch.ideals)} for epoch in epochs]
    begins = np.cumsum([0, *(len(epoch.transfers) for epoch in epochs)])
    summands = Summands(
        _ints([(begin, 0, 0) for begin in begins[:-1]], 3),
        np.array([epochs[0].crossing]),
        np.array([1 / perm(N, rows) if rows <= N else 0.0 for epoch in epochs for used in epoch.used for rows in used]),
        _ints([
            place[state] for epoch, place in zip(epochs, places, strict=True)
            for transfer in epoch.transfers for state in transfer.states
        ]),
        np.array([float(perm(N, coarser.parts)) for coarser in merged]),
    )
    transfers = [transfer for epoch in epochs for transfer in epoch.transfers]
    return PackedSum(duration, True, -1, _packed(transfers, [perm(B, size) for size in range(edges + 1)]), summands)


def most_states(packed: PackedSum) -> int:
    """Of a transfer, or of the matrix of an epoch."""
    return int(max(packed.transfers.sizes.max(initial=1), packed.summands.skipped.shape[1]))


def scratch(packed: PackedSum, edges: int) -> Scratch:
    """Working space for one thread."""
    states = most_states(packed)

    def lanes(*shape: int) -> FloatArray:
        return np.zeros((*shape, LANES))

    room = lanes(states), lanes(states, states)
    inner, outer = (Workspace(lanes(states), lanes(2, states), lanes(states, states), *room) for _ in range(2))
    return Scratch(np.zeros(edges + 1, np.int64), lanes(1), lanes(edges), lanes(2, 1 << edges), inner, outer)


def _packed(transfers: Sequence[TransferMatrix], gains: Sequence[int]) -> Transfers:
    """gains[parts]: the ways to place so many parts in one update."""
    widest = max((len(masks) for transfer in transfers for masks in transfer.crossing), default=1)
    sizes = [len(transfer.states) for transfer in transfers]
    steps = [step for transfer in transfers for step in transfer.steps]
    return Transfers(
        _ints(sizes), np.cumsum([0, *sizes]), np.cumsum([0, *(len(transfer.steps) for transfer in transfers)]),
        _ints([len(transfer.crossing[0]) for transfer in transfers]),
        _ints([_padded(masks, widest) for transfer in transfers for masks in transfer.crossing], widest),
        _ints([(step.source, step.target) for step in steps], 2),
        _ints([_padded(step.passing, widest) for step in steps], widest),
        np.array([float(gains[step.parts]) for step in steps]),
    )


def _padded(masks: Sequence[int], length: int) -> list[int]:
    return [*masks, *[0] * (length - len(masks))]


def _ints(numbers: Sequence[object], *shape: int) -> IntArray:
    """With the shape of each, as there may be none."""
    return np.array(numbers, np.int64).reshape(len(numbers), *shape)
