"""How many maps a diagram has into a spacetime: its table of patterns, read with numbers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import comb, inf, perm
from typing import Any

from ..diagram import Diagram
from ..door import exact_door
from ..spacetime import Spacetime
from ..typing import Basis, Exact
from .embeddings import checked_diagram, whole_or_fraction
from .foresight import check_work
from .pattern_weights import Grid, pattern_weights, slots
from .patterns import Family, Patterns, level_shapes, patterns
from .poset import Poset


@exact_door
def maps(diagram: Diagram | str, spacetime: Spacetime, basis: Basis = "cumulant") -> Any:
    """Expected number of maps of a diagram's nodes to shaded cells, times increasing along edges towards the root.

    Parameters
    ----------
    diagram : a Diagram or its text, any order, root shared or not
    spacetime : the grid and its sampling, any N, B, T, partial epochs too; with random sampling the count is an
        expectation
    basis : 'cumulant' (nodes of one part share a row; parts may share rows and cells) or 'moment' (two nodes share a
        row if and only if they share a part)

    Returns
    -------
    int, or Fraction where the expectation is not whole; SymPy expression where the spacetime has symbols. It is exact
    whatever its size, and N = 10^9 costs what N = 10 costs. No cell is ever listed: the diagram's small table of
    patterns is read with binomials. In one epoch (T <= N/B) it is the strict order polynomial of the parts,
    B^P Omega(T) in the cumulant basis (papers: Proposition 1). Where the last batch of an epoch is smaller, its cells are
    fewer; that its points weigh more is the coefficient's.

    Raises
    ------
    InputError : unknown basis, or text that is no diagram

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.maps("[a b]", fd.Spacetime(N=10**9, T=10**9))
    1000000000000000000
    >>> fd.maps("[a a]", fd.Spacetime(N=10, B=2, E=3)), fd.maps("[a a]", fd.Spacetime(N=4, T=3, sampling="replacement"))
    (90, Fraction(9, 2))
    """
    diagram = checked_diagram(diagram, spacetime, basis, symbols=True)
    if spacetime.is_symbolic:
        from .symbolic_counts import symbolic_maps

        return symbolic_maps(diagram, spacetime, basis, averages=False)
    if spacetime.is_ragged:
        check_work(diagram, spacetime, basis, 1, False)
    return count(Poset.of(diagram), spacetime, basis)


def family_of(spacetime: Spacetime) -> Family:
    """Which patterns a spacetime of several epochs has."""
    return "one order" if spacetime.sampling == "cyclic" else "fresh orders"


def count(poset: Poset, spacetime: Spacetime, basis: str) -> Exact:
    """Expected number of maps, exact at any size; of a poset whose groups are nodes."""
    if spacetime.is_ragged:
        from .edge_weights import EdgeWeights
        from .sum_over_maps import sum_over_maps

        edges = replace(EdgeWeights.powers(poset, [1] * len(poset.ends)), averages=False)
        return whole_or_fraction(Fraction(sum_over_maps(poset, edges, spacetime, basis)))
    T, B = spacetime.finite("T"), spacetime.B
    if spacetime.is_one_epoch:
        found = level_shapes(poset)
        return int(sum(number * slots(shape, B, basis) * comb(T, len(shape)) for shape, number in found.items()))
    table = patterns(poset, family_of(spacetime), basis, spacetime.partial_updates > 0)
    total = Fraction(*read_patterns(table, basis, *grid(spacetime)))
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


def read_patterns(table: Patterns, basis: str, N: int, B: int, whole: int, epoch: int, rest: int) -> tuple[int, int]:
    """The count as numerator and denominator, for `whole` epochs of `epoch` updates and a last one of `rest` updates."""
    total = sum(number * weight for weight, number in pattern_weights(table, basis, Grid(N, B, whole, epoch, rest)))
    return total, 1 if table.family == "one order" else perm(N, min(table.nodes, N)) ** (table.nodes + 1)
