"""Reading a pattern table with numbers."""

from __future__ import annotations

from fractions import Fraction
from math import comb, perm, prod

from ..spacetime import Spacetime
from ..typing import Exact
from .patterns import Family, Patterns, Shape, catalog, level_counts, patterns
from .relations import Relations


def family_of(spacetime: Spacetime, basis: str) -> Family:
    """Which patterns a spacetime has; in one epoch both kinds do, and the basis decides which is simple."""
    if spacetime.is_one_epoch:
        return "one order" if basis == "cumulant" else "fresh orders"
    return "one order" if spacetime.sampling == "cyclic" else "fresh orders"


def count(relations: Relations, spacetime: Spacetime, basis: str) -> Exact:
    """Expected number of maps, exact at any size."""
    family = family_of(spacetime, basis)
    T = spacetime.finite("T")
    if spacetime.is_one_epoch and basis == "cumulant":
        counts = level_counts(relations)
        return int(spacetime.B**relations.parts) * sum(a * comb(T, l) for l, a in enumerate(counts))
    if spacetime.is_one_epoch:  # a partial epoch and nothing else; the number of rows drops out
        whole, rest, epoch, N = 0, T, T, T * spacetime.B
    else:
        whole, rest = spacetime.whole_epochs, spacetime.partial_updates
        epoch, N = spacetime.updates_per_epoch, spacetime.finite("N")
    table = patterns(relations, family, basis, rest > 0)
    numerator, denominator = read(table, N, spacetime.B, whole, epoch, rest)
    total = Fraction(numerator, denominator)
    return int(total) if total.denominator == 1 else total


def read(table: Patterns, N: int, B: int, whole: int, epoch: int, rest: int) -> tuple[int, int]:
    """The count as numerator and denominator, for `whole` epochs of `epoch` updates and a last one of `rest` updates."""
    if table.family == "one order":
        total = 0
        for (P, m, l, h), number in zip(table.index.tolist(), table.counts, strict=True):
            total += number * B**P * comb(whole, m) * positions(l, h, epoch, rest)
        return total, 1
    known, n = catalog(table.nodes), table.nodes
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
    return placements(shape, B, updates) * (shared // perm(N, sum(shape))) if sum(shape) <= N else 0


def placements(shape: Shape, B: int, updates: int) -> int:
    """Ways to place levels of parts, a level in one batch, its parts in different slots of it."""
    return comb(updates, len(shape)) * prod(perm(B, size) for size in shape)


def positions(l: int, h: int, epoch: int, rest: int) -> int:
    """Ways to place l levels in an epoch, the first h of them (if h > 0) before the cut of the partial epoch."""
    if h == 0:
        return comb(epoch, l)
    return sum(comb(rest, j) * comb(epoch - rest, l - j) for j in range(h, l + 1))
