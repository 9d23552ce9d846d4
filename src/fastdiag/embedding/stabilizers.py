"""How many embeddings have each |Aut_f|, in closed form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache

import numpy as np

from ..diagram import Diagram
from ..diagram.partition import moebius_from_bottom
from ..door import door
from ..spacetime import Spacetime
from ..typing import Basis, Exact
from .counting import count
from .embeddings import checked_diagram, listable_automorphisms, whole_or_fraction
from .poset import Poset


@door
def embedding_counts(
    diagram: Diagram | str, spacetime: Spacetime, basis: Basis = "cumulant"
) -> dict[int, Exact]:
    """Expected number of embeddings for each |Aut_f| (the table under Proposition 2 of paper [B]), at any size.

    |Aut_f| depends on which nodes of one orbit of Aut(D) share a cell. Maps in which given nodes share a cell are maps of
    the diagram with these nodes glued; Moebius inversion leaves those in which no others do.

    Parameters
    ----------
    diagram, spacetime, basis : as for `maps`

    Returns
    -------
    {|Aut_f|: expected number of embeddings}, without zeros; `sum of count / |Aut_f| = maps(D) / |Aut(D)|`

    Raises
    ------
    TooLargeError : more than a million automorphisms

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.embedding_counts("[a b]", fd.Spacetime(N=6, B=2, T=3))  # C(TB, 2) with |Aut_f| = 1, TB with 2
    {1: 15, 2: 6}
    """
    diagram = checked_diagram(diagram, spacetime, basis)
    group = listable_automorphisms(diagram)[:, 1:] - 1
    poset = Poset.of(diagram)
    orbits = group.min(axis=0).tolist() if diagram.order else []
    part = poset.part
    counted: dict[Poset, Exact] = {}

    @cache
    def sharing(string: tuple[int, ...]) -> Exact:
        """Maps in which the nodes of each block share a cell."""
        if basis == "moment" and any(
            block == other and part[u] != part[v]
            for u, block in enumerate(string)
            for v, other in enumerate(string[:u])
        ):
            return 0  # different rows cannot share a cell
        glued = poset.glued(string)
        if glued not in counted:
            counted[glued] = count(glued, spacetime, basis)
        return counted[glued]

    totals: dict[int, Fraction] = {}
    for string in _partitions_within(orbits):
        labels = np.array(string)
        stabilizer = int((labels[group] == labels).all(axis=1).sum()) if diagram.order else 1
        first = [string.index(block) for block in range(max(string, default=-1) + 1)]
        maps = sum(
            moebius_from_bottom(merge) * sharing(tuple(merge[block] for block in string))
            for merge in _partitions_within([orbits[v] for v in first])
        )
        totals[stabilizer] = totals.get(stabilizer, Fraction(0)) + Fraction(maps * stabilizer, diagram.automorphisms)
    return {size: whole_or_fraction(number) for size, number in sorted(totals.items()) if number}


def _partitions_within(labels: Sequence[int], prefix: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Set partitions, as growth strings, whose blocks hold items of one label only."""
    if len(prefix) == len(labels):
        yield prefix
        return
    label = labels[len(prefix)]
    for block in range(max(prefix, default=-1) + 2):
        if block not in prefix or labels[prefix.index(block)] == label:
            yield from _partitions_within(labels, (*prefix, block))
