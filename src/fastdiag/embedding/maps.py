"""How many maps a diagram has into a spacetime."""

from __future__ import annotations

from ..diagram import Diagram
from ..door import door
from ..spacetime import Spacetime
from ..typing import Basis, Exact
from .counting import count
from .enumeration import checked
from .poset import Poset


@door
def maps(diagram: Diagram | str, spacetime: Spacetime, basis: Basis = "cumulant") -> Exact:
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
    int, or Fraction where the expectation is not whole; exact whatever its size, and N = 10^9 costs what N = 10 costs.
    No cell is ever listed: the diagram's small table of patterns is read with binomials. In one epoch (T <= N/B) it is
    the strict order polynomial of the parts, B^P Omega(T) in the cumulant basis (papers: Proposition 1).

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
    diagram = checked(diagram, spacetime, basis)
    return count(Poset.of(diagram), spacetime, basis)
