"""Counting for any update rule: the one place where the kinds of rule are told apart."""

from __future__ import annotations

from typing import Any, TypeAlias

from ..arguments import shown
from ..diagram import Diagram
from ..errors import InputError
from ..spacetime import Spacetime
from ..spacetime.processes import Process
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Update
from ..typing import Basis
from .counting import count
from .edge_weights import EdgeWeights
from .enumeration import checked
from .foresight import check_work
from .maps import maps
from .newton import newton_sum
from .poset import Links, Poset
from .processes import process_maps
from .sum_over_maps import sum_over_maps
from .weighted import weighted_maps

Rule: TypeAlias = Update | Process | RegularizedNewton | None
"""An update rule; None is SGD."""


def maps_under(diagram: Diagram | str, spacetime: Spacetime, update: Rule = None, basis: Basis = "cumulant") -> Any:
    """`maps` with the weights of an update rule: what (-1/B)^d / |Aut(D)| turns into the coefficient.

    Parameters
    ----------
    diagram, spacetime, basis : as for `maps`
    update : one of fastdiag.updates, or None for SGD

    Returns
    -------
    int or Fraction; a SymPy expression where the rule has symbols

    Raises
    ------
    InputError : as `maps` does; an update that is none
    """
    diagram = checked(diagram, spacetime, basis)
    if isinstance(update, Process):
        return process_maps(diagram, spacetime.finite("T"), update, spacetime.B, basis)
    if isinstance(update, RegularizedNewton):
        check_work(diagram, spacetime, basis, 1, False, linked=True)
        return newton_sum(diagram, update, lambda links: _linked_count(diagram, links, spacetime, basis))
    check_rule(update)
    if update is None:
        return maps(diagram, spacetime, basis)
    return weighted_maps(diagram, spacetime, basis=basis, update=update)


def _linked_count(diagram: Diagram, links: Links, spacetime: Spacetime, basis: str) -> Any:
    poset = Poset.of(diagram, links)
    if not links:
        return count(poset, spacetime, basis)
    spacetime.finite("T")
    return sum_over_maps(poset, EdgeWeights.powers(poset, [1] * diagram.order), spacetime, basis)


def check_rule(update: object) -> None:
    """Raise InputError unless it is an update rule or None."""
    if update is not None and not isinstance(update, Update | Process | RegularizedNewton):
        raise InputError(f"update must be one of fastdiag.updates, such as updates.momentum(0.9), not {shown(update)}")
