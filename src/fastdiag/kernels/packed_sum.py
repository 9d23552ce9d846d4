"""What `nested_sums` and the GPU read: transfer matrices over states as arrays, and which sum is made of them."""

from typing import Any, NamedTuple

from .triangular import Workspace


class Duration(NamedTuple):
    """How many updates are summed over."""

    whole: int
    """Whole epochs."""
    epoch: int
    """Updates to an epoch; of an integral, its length."""
    rest: int
    """Updates in the last, partial epoch; a single epoch is one of these."""
    forever: bool
    """The limit of infinitely many: of whole epochs if there are any, else of one epoch's updates."""


class Transfers(NamedTuple):
    """Triangular matrices over states, one after the other. Masks are of edges."""

    sizes: Any
    """(transfers,): how many states each has."""
    state_begins: Any
    """(transfers + 1,): the states of transfer t are numbered from state_begins[t] on."""
    step_begins: Any
    """(transfers + 1,): the same of its steps, the entries above the diagonal."""
    visits: Any
    """(transfers,): masks to an entry, one for each epoch that is swept at the same time."""
    crossing: Any
    """(states, most visits): the entry on the diagonal is the product of the k of the edges in these masks."""
    ends: Any
    """(steps, 2): the row and the column of an entry above the diagonal."""
    passing: Any
    """(steps, most visits): it has the k of the edges in these masks ..."""
    gains: Any
    """(steps,): ... and this factor."""


class Summands(NamedTuple):
    """What the sum over maps adds up: chains of epochs if one order of the rows is repeated, else mergings of the parts."""

    transfers: Any
    """(summands, 3). One order: transfer before the cut of the last epoch, transfer after it, and m, how many whole epochs
    hold nodes. An order to each epoch: the first transfer, one from each ideal of nodes."""
    skipped: Any
    """One order, (summands, most m + 1): masks of the edges that pass over an epoch before, between, and after the m. An
    order to each epoch, (1, ideals): those that pass over an epoch from this ideal."""
    kept: Any
    """(states,): the worth of ending in a state. One order: 0 or 1, whether all is there that must lie before the cut. An
    order to each epoch: 1 / (N falling by the rows used)."""
    goals: Any
    """(states,): the ideal that a state is, where every epoch has its own order."""
    weights: Any
    """(summands,): N falling by the merged parts, where every epoch has its own order."""


class PackedSum(NamedTuple):
    """A sum over maps, as `nested_sums` reads it."""

    duration: Duration
    fresh: bool
    """Whether every epoch has its own order of the rows."""
    parts: int
    """Of an integral over the times of so many parts, k^dt -> exp(-rate dt); -1 for a sum."""
    transfers: Transfers
    summands: Summands


class Scratch(NamedTuple):
    """Working space of `nested_sums`, for one thread. All arrays but `index` have one axis more, LANES."""

    index: Any
    """(edges + 1,)"""
    weight: Any
    """(1,)"""
    rate: Any
    """(edges,)"""
    factors: Any
    """(2, 2^edges): for each mask of edges the product of their k, and its loss."""
    inner: Workspace
    outer: Workspace


def as_tuples(numbers: Any) -> Any:
    """NamedTuples as tuples, to call a compiled function with: numba knows the type of these five times as fast."""
    return tuple([as_tuples(each) if isinstance(each, tuple) else each for each in numbers])
