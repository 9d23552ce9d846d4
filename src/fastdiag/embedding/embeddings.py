"""Embeddings one by one, in any spacetime small enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import log10
from typing import cast, get_args

import numpy as np

from ..arguments import choice, shown
from ..diagram import Diagram
from ..diagram.automorphisms import automorphism_group as listed
from ..door import door
from ..errors import TooLargeError
from ..kernels.listed_maps import list_maps, orbit_stabilizers
from ..spacetime import Batches, Spacetime, check_spacetime
from ..typing import Basis, Exact, IntArray

BASES: tuple[str, ...] = get_args(Basis)
MOST_REALISATIONS = 200_000
MOST_CELLS = 20_000
MOST_AUTOMORPHISMS = 1_000_000
MOST_ENTRIES = 1 << 25  # of the list of automorphisms
BUFFER = 4096


@dataclass(frozen=True, slots=True)
class Embedding:
    """A map of a diagram's nodes to shaded cells, up to the diagram's automorphisms."""

    diagram: Diagram
    cells: tuple[tuple[int, int], ...]
    """(row, time) of each node but the root: cells[0] belongs to node 1."""
    stabilizer: int
    """|Aut_f|: automorphisms of the diagram that leave every node in its cell."""
    batches: Batches
    """The realisation of the batches that it lives in."""
    probability: Fraction
    """Of that realisation."""

    def _repr_svg_(self) -> str:
        from .. import drawing  # the one upward look, for notebooks

        return drawing.spacetime_svg(self._spacetime, embedding=self)

    def _repr_html_(self) -> str:
        from ..drawing.spacetime_picture import spacetime_html

        return spacetime_html(self._spacetime, embedding=self)

    @property
    def _spacetime(self) -> Spacetime:
        rows = 1 + max(row for batch in self.batches for row in batch)
        sizes = {len(batch) for batch in self.batches}
        return Spacetime(
            rows, max(sizes), len(self.batches), sampling="cyclic", last="keep" if len(sizes) > 1 else "drop"
        )


def check_basis(basis: object) -> Basis:
    """The basis as a str, or InputError unless it is known."""
    return cast(Basis, basis if type(basis) is str and basis in BASES else choice("basis", basis, BASES))


def checked_diagram(diagram: Diagram | str, spacetime: Spacetime, basis: str, symbols: bool = False) -> Diagram:
    """The diagram, once all three arguments are found to be what they should be; symbols: the spacetime may have some."""
    check_spacetime(spacetime, symbols)
    check_basis(basis)
    return diagram if isinstance(diagram, Diagram) else Diagram.of(diagram)


def listable_automorphisms(diagram: Diagram) -> IntArray:
    """The automorphisms of a diagram as permutations of its nodes, (|Aut|, order + 1)."""
    if diagram.automorphisms > min(MOST_AUTOMORPHISMS, MOST_ENTRIES // len(diagram.parents)):
        raise TooLargeError(
            f"{diagram} has {diagram.automorphisms:,} automorphisms, too many to list; "
            "fastdiag.maps needs no list"
        )
    return listed(diagram)


def map_slots(diagram: Diagram, batches: Batches, basis: Basis) -> Iterator[IntArray]:
    """The maps into one realisation, in buffers: (count, order + 1) slots, time * B + place within the batch."""
    sizes = set(map(len, batches))
    if len(sizes) > 1:
        batches = tuple((*batch, *[-1] * (max(sizes) - len(batch))) for batch in batches)
    rows = np.array(batches, np.int64)
    parents, blocks = np.array(diagram.parents), np.array(diagram.blocks)
    state = np.zeros((3, len(parents)), np.int64)
    while state[0, 0] != 2:
        out = np.empty((BUFFER, len(parents)), np.int64)
        written = list_maps(parents, blocks, rows, basis == "moment", state, out)
        yield out[:written]


@door
def embeddings(
    diagram: Diagram | str, spacetime: Spacetime, basis: Basis = "cumulant"
) -> Iterator[Embedding]:
    """The embeddings of a diagram into a spacetime, one from each orbit of maps under Aut(D).

    Parameters
    ----------
    diagram : a Diagram or its text
    spacetime : with random sampling, every realisation of the batches is gone through
    basis : 'cumulant' (nodes of one part share a row; parts may share rows and cells) or 'moment' (two nodes share a
        row if and only if they share a part)

    Yields
    ------
    Embedding : its cells, |Aut_f|, and the realisation with its probability

    Raises
    ------
    InputError : unknown basis
    TooLargeError : more than 200,000 realisations of the batches; `fastdiag.maps` counts without listing them

    Examples
    --------
    >>> import fastdiag as fd
    >>> [(f.cells, f.stabilizer) for f in fd.embeddings("[a b]", fd.Spacetime(N=2, T=2))]
    [(((0, 0), (0, 0)), 2), (((0, 0), (1, 1)), 1), (((1, 1), (1, 1)), 2)]
    """
    diagram = checked_diagram(diagram, spacetime, basis)
    probability, B = Fraction(1, check_realisations(spacetime)), spacetime.B
    group = listable_automorphisms(diagram)

    def walk() -> Iterator[Embedding]:
        for batches in spacetime.realisations():
            for slots in map_slots(diagram, batches, basis):
                stabilizers = np.empty(len(slots), np.int64)
                orbit_stabilizers(group, slots, stabilizers)
                for f in np.flatnonzero(stabilizers):
                    cells = tuple((batches[s // B][s % B], s // B) for s in slots[f, 1:].tolist())
                    yield Embedding(diagram, cells, int(stabilizers[f]), batches, probability)

    return walk()


def enumerated_embedding_counts(
    diagram: Diagram | str, spacetime: Spacetime, basis: Basis = "cumulant"
) -> dict[int, Exact]:
    """Expected number of embeddings for each |Aut_f|, by going through all of them: the oracle of `embedding_counts`."""
    diagram = checked_diagram(diagram, spacetime, basis)
    realisations = check_realisations(spacetime)
    group = listable_automorphisms(diagram)
    totals: dict[int, int] = {}
    for batches in spacetime.realisations():
        for slots in map_slots(diagram, batches, basis):
            stabilizers = np.empty(len(slots), np.int64)
            orbit_stabilizers(group, slots, stabilizers)
            sizes, counts = np.unique(stabilizers[stabilizers > 0], return_counts=True)
            for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
                totals[size] = totals.get(size, 0) + count
    return {size: whole_or_fraction(Fraction(count, realisations)) for size, count in sorted(totals.items())}


def enumerated_maps(diagram: Diagram | str, spacetime: Spacetime, basis: Basis = "cumulant") -> Exact:
    """Expected number of maps, by going through all of them: the oracle of the closed forms."""
    diagram = checked_diagram(diagram, spacetime, basis)
    realisations = check_realisations(spacetime)
    total = sum(
        len(slots) for batches in spacetime.realisations() for slots in map_slots(diagram, batches, basis)
    )
    return whole_or_fraction(Fraction(total, realisations))


def check_realisations(spacetime: Spacetime) -> int:
    """The number of realisations of the batches, or an error if there are too many to go through."""
    advice = "use the closed form fastdiag.maps(D, spacetime, basis)"
    cells = spacetime.finite("T") * spacetime.B
    if cells > MOST_CELLS:
        raise TooLargeError(
            f"{spacetime} has {shown(cells)} shaded cells, too many to list (limit {MOST_CELLS:,}); {advice}"
        )
    if spacetime.is_random and spacetime.N > MOST_CELLS:
        raise TooLargeError(f"{spacetime} has too many realisations of its batches to go through; {advice}")
    realisations = spacetime.number_of_realisations()
    if realisations > MOST_REALISATIONS:
        many = f"{realisations:,}" if realisations < 10**15 else f"about 10^{int(log10(realisations))}"
        raise TooLargeError(
            f"{spacetime} has {many} realisations of its batches, too many to go through "
            f"(limit {MOST_REALISATIONS:,}); {advice}"
        )
    return realisations


def whole_or_fraction(value: Fraction) -> Exact:
    """An int where it is whole."""
    return int(value) if value.denominator == 1 else value
