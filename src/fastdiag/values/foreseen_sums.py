"""How much work resummed sums will be, told before they are begun."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from math import inf

from ..diagram import Diagram
from ..embedding.foresight import bell, matrix_entries
from ..embedding.retied import retied
from ..errors import TooLargeError
from ..memory import require
from ..numerals import shown
from ..spacetime import Spacetime
from ..spacetime.updates import Update
from .hessian_steps import LinearRule, links_under
from .plan import twins

AT_ONCE = 3  # edges, up to which nobody waits for one index tuple
PER_SUM, PER_ENTRY, PER_FLOAT = 2e-4, 2e-5, 3e-9  # seconds: of a sum, to make an entry, to use it for one index tuple
PER_WALK, TOGETHER = 3e-5, 1 << 12  # seconds of an entry that is walked with arrays, and index tuples to an array
KEPT = 250  # bytes of an entry, while it is known


def check_sums(
    diagrams: Iterable[Diagram], order: int, weights: int, times: Sequence[Spacetime], rates: int,
    update: LinearRule, points: int | None, patience: float,
    structured: Callable[[Diagram], tuple[int, float] | None] | None = None,
) -> float:
    """The seconds that the resummed sums over maps of some diagrams will take, or an error.

    Parameters
    ----------
    diagrams : to the given order, the lowest ones first
    weights : of the landscape; an upper bound, as vanishing cumulants are not known yet
    rates : how many learning rates
    points : of a given training set: nodes that share a part are then tied to rows in all ways
    patience : minutes that they may take
    structured : of a diagram that is not summed over all indices, over how many, and the seconds of the rest

    Raises
    ------
    TooLargeError : they take more time, or more memory
    """
    if order <= AT_ONCE and weights**order * rates <= TOGETHER:
        return 0.0
    walked = update is not None or any(spacetime.is_ragged for spacetime in times)
    modes = len(update.step) if isinstance(update, Update) else 1
    epoch = inf if times[0].N == inf else times[0].updates_per_epoch
    within = [spacetime for spacetime in times if spacetime.T <= epoch and spacetime.T < inf]  # these take one pass
    passes = [*within[:1], *(spacetime for spacetime in times if spacetime.T > epoch or spacetime.T == inf)]
    seconds, entries, made = 0.0, 0, set[tuple[Diagram, Spacetime]]()

    def check(more: float) -> None:
        if more > 60 * patience:
            given = "" if points is None else f", whose nodes are tied to {shown(points)} given points in all ways,"
            raise TooLargeError(
                f"resummed sums to order {order} over {times[-1]!r}{given} take more than {patience:g} minutes "
                f"(patience={patience:g}); ask for a lower order, resummed=False, fewer learning rates or numbers of "
                "updates, or give a larger patience"
            )

    for diagram in diagrams:  # as far as need be: to list them all takes long
        few = None if structured is None else structured(diagram)
        tuples = weights**diagram.order * rates // orders_of_twins(diagram) if few is None else few[0]
        each = PER_FLOAT * tuples
        if walked or few is not None:
            each = PER_WALK * -(-tuples * modes**diagram.order // TOGETHER)
        seconds += 0.0 if few is None else few[1]
        if points is not None:
            loose = sum(1 for part in diagram.parts if len(part) == 1)
            check(seconds + PER_SUM * bell(diagram.order + 1 - loose) * len(passes))
        for tied, _ in retied(diagram, points):
            for spacetime in passes:
                here = entries_of(tied, spacetime) * len(links_under(diagram, update))
                seconds += PER_SUM + each * here + PER_ENTRY * here * ((tied, spacetime) not in made)
                entries += here * ((tied, spacetime) not in made)
                made.add((tied, spacetime))
        check(seconds)
    require(
        KEPT * entries, f"the matrices of resummed sums to order {order} over {times[-1]!r}",
        "ask for a lower order, resummed=False, or one epoch",
    )
    return seconds


def orders_of_twins(diagram: Diagram) -> int:
    """In how many orders the indices of exchangeable edges can be put, of which one is summed over."""
    found, run = 1, 1
    for twin in twins(diagram).tolist():
        run = run + 1 if twin else 1
        found *= run
    return found


@lru_cache(maxsize=1 << 14)
def entries_of(diagram: Diagram, spacetime: Spacetime) -> int:
    """Many diagrams have the same ties."""
    return matrix_entries(diagram, spacetime)
