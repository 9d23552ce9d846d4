"""How much work sums over skeletons will be, told before they are begun."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from math import log10, prod
from typing import Any

import numpy as np

from ..diagram import Diagram
from ..diagram.partition import set_partitions
from ..embedding import PathRule
from ..embedding.retied import retied
from ..errors import TooLargeError, UnsupportedError
from ..landscapes import Landscape, Tensors
from ..spacetime import Spacetime
from ..spacetime.updates import Update
from .predicted import start_and_rates

MOST_NUMBERS = 1 << 24  # that the edges carry at a time: choices of points x components
PER_MOVE, PER_FLOAT, PER_INT = 1e-5, 1e-8, 1e-7  # seconds, measured
INSTEAD = "give noise=1, which takes one pass over the updates, or one epoch, where noise=2 does too"
NEXT = 20  # times the seconds of a noise order, at least, that the next one takes


def check_walks(
    listed: Callable[[int], Iterable[Diagram]], landscape: Landscape, times: Sequence[Spacetime], etas: Sequence[Any],
    noise: int, update: PathRule, patience: float, given: int | None = None,
) -> dict[Diagram, float]:
    """The seconds that the sum of each skeleton will take, or an error unless all can be had.

    Parameters
    ----------
    listed : the skeletons of a noise order
    patience : minutes that all of them may take
    given : how many points a given training set has

    Raises
    ------
    TooLargeError : they take too much memory or time
    UnsupportedError : a rule that is not linear, or a process; cumulants without points
    """
    if update is not None and not isinstance(update, Update):
        raise UnsupportedError(f"{update!r} is no linear rule of updates, which sums over skeletons take; give noise=1")
    if isinstance(landscape, Tensors):
        raise UnsupportedError(
            f"{landscape!r} has no points, which nodes that share a part carry along the path; give noise=1, or samples"
        )
    start, rates = start_and_rates(landscape, etas)
    points = int(np.count_nonzero(landscape.local(start).averaging(noise + 1).weights))
    components = len(start) * (len(update.push) if isinstance(update, Update) else 1)
    each_number = PER_INT if start.dtype == object else PER_FLOAT
    instead = INSTEAD if given is None else "take a lower noise order"
    seconds, total = dict[Diagram, float](), 0.0
    for order in range(noise + 1):
        if total * NEXT > 60 * patience:
            raise _too_long(f"of noise order {order}", patience, instead)
        walked = ((diagram, ties) for diagram in listed(order) for ties, _ in retied(diagram, given))
        for (diagram, ties), spacetime in product(walked, times):
            number, T = combined(diagram, points, spacetime, ties), int(spacetime.finite("T"))
            leaves = sum(1 for children in diagram.children[1:] if not children)
            if (carried := number * components**leaves) > MOST_NUMBERS:
                raise TooLargeError(
                    f"the skeleton {diagram} takes 10^{log10(carried):.0f} numbers in one walk (limit {MOST_NUMBERS:,}): "
                    "the points to the power of the parts of several nodes, times the weights to the power of the leaves; "
                    f"{instead}"
                )
            met = max(T - height(diagram) + 1, 0) * moves(ties, spacetime, components)
            took = len(rates) * met * (PER_MOVE + number * each_number)
            seconds[diagram], total = seconds.get(diagram, 0.0) + took, total + took
            if total > 60 * patience:
                raise _too_long(f"to {diagram}", patience, instead)
    return seconds


def _too_long(which: str, patience: float, instead: str) -> TooLargeError:
    return TooLargeError(
        f"sums over all skeletons {which} take more than {patience:g} minutes (patience={patience:g}); {instead}, take "
        "fewer updates, or give a larger patience"
    )


def height(diagram: Diagram) -> int:
    """Edges from the root to the leaf that is farthest: so many updates differ."""
    depth = [0] * (diagram.order + 1)
    for node in range(1, diagram.order + 1):  # parents come first
        depth[node] = depth[diagram.parents[node]] + 1
    return max(depth)


def combined(diagram: Diagram, points: int, spacetime: Spacetime, ties: Diagram) -> int:
    """Labels of nodes side by side, see `skeleton_sums.choices`."""
    positions = spacetime.updates_per_epoch if spacetime.sampling == "cyclic" and not spacetime.is_one_epoch else 1
    sizes = [len(part) for part in diagram.parts if len(part) > 1]
    strings = [[s for s in set_partitions(size) if min(map(s.count, s)) > 1] for size in sizes]
    places = positions ** sum(1 for part in ties.parts if len(part) > 1)
    found: int = places * prod(sum(points ** (1 + max(string)) for string in some) for some in strings)
    return found


def moves(diagram: Diagram, spacetime: Spacetime, components: int) -> int:
    """Entries of the matrix of one update: what an edge may do there, and those below it."""
    apart = not spacetime.is_one_epoch and spacetime.sampling != "cyclic"  # ideals at which the epoch may have begun
    begun, found = [1] * (diagram.order + 1), [1] * (diagram.order + 1)
    for node in reversed(range(1, diagram.order + 1)):
        children = diagram.children[node]
        below = prod(begun[child] for child in children) if apart else 1
        begun[node] = below + 1
        passing = (begun[node] if apart else 1) * components**2
        found[node] = passing + below * components ** (len(children) + 1) + prod(found[child] for child in children)
    tied = sum(1 for part in diagram.parts if sum(1 for node in part if node) > 1) if apart else 0
    return prod(found[child] for child in diagram.children[0]) * len(set_partitions(tied))
