"""How many maps a diagram has into a spacetime."""

from __future__ import annotations

from ..diagram import Diagram
from ..spacetime import Spacetime
from ..typing import Basis, Exact
from .enumeration import check_basis, enumerated_maps
from .one_epoch import maps_one_epoch


def maps(diagram: Diagram | str, spacetime: Spacetime, basis: Basis = "cumulant") -> Exact:
    """Expected number of maps of a diagram's nodes to shaded cells, times increasing along edges towards the root.

    Parameters
    ----------
    diagram : a Diagram or its text
    spacetime : the grid and its sampling; with random sampling the count is an expectation
    basis : 'cumulant' (nodes of one part share a row; parts may share rows and cells) or 'moment' (two nodes share a
        row if and only if they share a part)

    Returns
    -------
    int, or Fraction where the expectation is not whole; exact whatever its size. In one epoch (T <= N/B) this is the
    strict order polynomial of the parts, B^P Omega(T) in the cumulant basis (papers: Proposition 1).

    Raises
    ------
    InputError : unknown basis, or text that is no diagram

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.maps("[a b]", fd.Spacetime(N=10**9, T=10**9))
    1000000000000000000
    """
    diagram = Diagram.of(diagram)
    check_basis(basis)
    if spacetime.is_one_epoch:
        return maps_one_epoch(diagram, spacetime, basis)
    return enumerated_maps(diagram, spacetime, basis)
