"""Reading a pattern table with numbers."""

from __future__ import annotations

from fractions import Fraction
from math import comb, inf, perm, prod
from typing import Any

from ..spacetime import Spacetime
from ..typing import Exact
from .patterns import Family, Patterns, Shape, catalog, level_shapes, patterns
from .poset import Poset


def family_of(spacetime: Spacetime) -> Family:
    """Which patterns a spacetime of several epochs has."""
    return "one order" if spacetime.sampling == "cyclic" else "fresh orders"


def count(poset: Poset, spacetime: Spacetime, basis: str) -> Exact:
    """Expected number of maps, exact at any size; of a poset whose groups are nodes."""
    T, B = spacetime.finite("T"), spacetime.B
    if spacetime.is_one_epoch:
        found = level_shapes(poset)
        return sum(number * placements(shape, B, T, basis) for shape, number in found.items())
    table = patterns(poset, family_of(spacetime), basis, spacetime.partial_updates > 0)
    total = Fraction(*read(table, basis, *grid(spacetime)))
    return int(total) if total.denominator == 1 else total


def grid(spacetime: Spacetime) -> tuple[Any, int, Any, Any, Any]:
    """N, B, whole epochs, updates to an epoch, updates in the last one; a single, partial epoch is one of its own.

    T = inf: one epoch without end where N is inf too, else infinitely many whole ones.
    """
    B = int(spacetime.B)
    if spacetime.is_one_epoch:  # then the number of rows drops out
        return spacetime.T * B, B, 0, spacetime.T, spacetime.T
    N = spacetime.finite("N")
    if spacetime.T == inf:
        return N, B, inf, spacetime.updates_per_epoch, 0
    return N, B, spacetime.whole_epochs, spacetime.updates_per_epoch, spacetime.partial_updates


def read(table: Patterns, basis: str, N: int, B: int, whole: int, epoch: int, rest: int) -> tuple[int, int]:
    """The count as numerator and denominator, for `whole` epochs of `epoch` updates and a last one of `rest` updates."""
    known, n = catalog(table.nodes, table.family == "fresh orders"), table.nodes
    if table.family == "one order":
        slots = [placements(shape, B, None, basis) for shape in known.shapes]
        total = 0
        for (m, shape, j), number in zip(table.index.tolist(), table.counts, strict=True):
            l = int(known.levels[shape])
            total += number * slots[shape] * comb(whole, m) * comb(rest, j) * comb(epoch - rest, l - j)
        return total, 1
    shared = perm(N, min(n, N))  # every N (N-1) ... (N-k+1), k parts, divides it
    inside = [_scaled(shape, N, B, epoch, shared) for shape in known.shapes]
    ending = [_scaled(shape, N, B, rest, shared) if shape else shared for shape in known.shapes]
    place = {shape: i for i, shape in enumerate(known.shapes)}
    whole_epochs: dict[int, int] = {}
    total = 0
    for (P, key, last), number in zip(table.index.tolist(), table.counts, strict=True):
        if key not in whole_epochs:
            shapes = known.keys[key]
            ways = comb(whole, len(shapes)) * prod(inside[place[shape]] for shape in shapes)
            whole_epochs[key] = ways * shared ** (n - len(shapes))
        total += number * perm(N, P) * whole_epochs[key] * ending[last]
    return total, shared ** (n + 1)


def _scaled(shape: Shape, N: int, B: int, updates: int, shared: int) -> int:
    """Expected placements of a shape in an epoch of `updates` updates for given rows, times `shared`."""
    return placements(shape, B, updates, "moment") * (shared // perm(N, sum(shape))) if sum(shape) <= N else 0


def placements(shape: Shape, B: int, updates: int | None, basis: str) -> int:
    """Ways to place levels of parts among some updates (None: given ones), a level in one batch.

    The parts of a level lie in different slots of the batch in the moment basis, in any slots in the cumulant basis.
    """
    slots = B ** sum(shape) if basis == "cumulant" else prod(perm(B, size) for size in shape)
    return int(slots if updates is None else slots * comb(updates, len(shape)))
