"""Resummed Hessian-based steps: plain SGD at the learning rate eta' = (1/eta + lam H)^-1, and lambda-edges besides.

An update with the Hessian H + d of its batch is -(1/eta' + lam d)^-1 g = -eta' sum_k (-lam d eta')^k g: lambda-edges of
duration 0 carry lam eta', others K^(dt-1) eta', K = 1 - eta' H. What g owes to H times an earlier displacement comes below
a chain of d too: a child that is no lambda-edge counts once as it is, once as -lam eta' H below the last of the chain. So
a node without a lambda-edge has the factor 1 - lam (the sum over its children of eta' H along their edges).
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from ..diagram import Diagram
from ..embedding.poset import Links, link_choices
from ..errors import InputError
from ..numerals import shown
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Update
from ..typing import FloatArray

LinearRule: TypeAlias = Update | RegularizedNewton | None
"""What edges have a propagator under; None: plain SGD."""


def links_under(diagram: Diagram, update: LinearRule) -> list[Links]:
    """The choices of lambda-edges that are summed over; but for Hessian-based steps there is none to choose."""
    return list(link_choices(diagram)) if isinstance(update, RegularizedNewton) else [()]


def newton_rates(update: RegularizedNewton, rates: FloatArray) -> FloatArray:
    """eta' h, from eta h.

    Raises
    ------
    InputError : lam has no value; 1 + lam eta h is 0, so that the step is infinite
    """
    try:
        lam = float(update.lam)
    except TypeError:
        raise InputError(f"{update} has symbols; give numbers, or an exact eta on a symbolic landscape") from None
    below = 1 + lam * rates
    if (below == 0).any():
        raise InputError(f"1/eta + lam H has no inverse: eta h is {shown(-1 / lam)} in some direction; use another eta")
    return np.asarray(rates / below)


def weighed(
    values: FloatArray, start: int, diagram: Diagram, links: Links, lam: float, small: FloatArray
) -> FloatArray:
    """The values times what the edges and nodes carry besides maps, over eta^d: as `values`, (rows, n^(d-1)).

    values: from index `start` of the first edge on; small: eta' h along the directions.
    """
    d, n = diagram.order, len(small)
    steps = 1 - lam * small  # eta' / eta
    shaped = values.reshape(len(values), *(n,) * (d - 1)) * lam ** len(links)

    def along(edge: int, line: FloatArray) -> FloatArray:
        here = line[start : start + len(values)] if edge == 0 else line
        return here.reshape([-1 if e == edge else 1 for e in range(d)])

    for edge in range(d):
        shaped = shaped * along(edge, steps)
    linked = {diagram.parents[child] for child in links}
    for node, children in enumerate(diagram.children):
        if node and children and node not in linked:
            shaped = shaped * (1 - lam * sum(along(child - 1, small) for child in children))
    return np.ascontiguousarray(shaped).reshape(values.shape)
