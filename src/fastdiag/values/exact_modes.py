"""Exact sums over maps where an edge carries the propagator of a linear update rule."""

from __future__ import annotations

from collections.abc import Sequence

from ..diagram import Diagram
from ..embedding import weighted_maps
from ..errors import UnsupportedError
from ..landscapes.exact import Expression, arithmetic, exact
from ..spacetime import Spacetime
from ..spacetime.number import check_exact
from ..spacetime.updates import Update


def exact_map_sums(
    diagram: Diagram, spacetime: Spacetime, update: Update, chosen: Sequence[Sequence[Expression]]
) -> list[Expression]:
    """The sum over maps for each choice of eta h for the edges.

    Counted once with a symbol k for each edge, whose power k^(dt - 1) then becomes the edge's weight at duration dt. The
    polynomial has up to T^edges terms, so T should be moderate.
    """
    if update.schedule is not None:
        raise UnsupportedError(f"exact resummed values are for rules that stay the same, and {update.name} has a schedule")
    check_exact(update, update.numbers())
    import sympy

    symbols = [sympy.Dummy() for _ in range(diagram.order)]
    counted = exact("maps", weighted_maps(diagram, spacetime, symbols))
    terms = sympy.Poly(counted, *symbols).terms() if symbols else [((), counted)]
    longest = [max((powers[e] for powers, _ in terms), default=0) for e in range(diagram.order)]
    keys = [
        [(force, diagram.parents[e + 1] == 0, longest[e]) for e, force in enumerate(forces)] for forces in chosen
    ]
    known = {key: _edge_weights(update, *key) for key in set().union(*keys)}
    elements, back = arithmetic([number for _, number in terms] + [w for weights in known.values() for w in weights])
    flat = iter(elements)
    numbers = [next(flat) for _ in terms]
    weights = {key: [next(flat) for _ in values] for key, values in known.items()}
    results = []
    for edges in keys:
        total = 0 * numbers[0] if numbers else 0
        for number, (powers, _) in zip(numbers, terms, strict=True):
            for key, power in zip(edges, powers, strict=True):
                number = number * weights[key][power]
            total = total + number
        results.append(back(total))
    return results


def _edge_weights(update: Update, force: Expression, at_root: bool, longest: int) -> list[Expression]:
    """The weight of an edge of duration 1, 2, ...: of the recursion with the linear force put in."""
    import sympy

    push = sympy.Matrix([exact("update", entry) for entry in update.push])
    point, seen = (sympy.Matrix([[exact("update", entry) for entry in v]]) for v in (update.point, update.seen))
    step = sympy.Matrix([[exact("update", entry) for entry in row] for row in update.step]) - force * push * point
    state, weights = push, []
    for _ in range(longest + 1):
        weights.append(sympy.expand(((seen if at_root else point) * state)[0]))
        state = (step * state).expand()
    return weights
