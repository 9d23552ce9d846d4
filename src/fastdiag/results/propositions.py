"""Propositions 1 and 2: coefficients at one epoch, and the test loss to order 2 under any shuffling."""

from __future__ import annotations

from itertools import permutations
from math import factorial, prod
from typing import Any

from ..coefficients.coefficient import prefactor
from ..diagram import Diagram, diagrams
from ..embedding import maps_formula
from ..errors import InputError, TooLargeError
from .result import Result

MOST_EDGES = 8


def _proposition_1(diagram: Diagram | str) -> Any:
    import sympy

    from ..letters import Symbol

    diagram, N = _with_root_alone(diagram), Symbol("N")
    sizes = [len(part) for part in diagram.parts if 0 not in part]
    ways = sympy.Rational(_total_orders(diagram), prod(map(factorial, sizes)))
    return (-1) ** diagram.order * ways * sympy.binomial(N, len(sizes))


def _with_root_alone(diagram: Diagram | str) -> Diagram:
    diagram = Diagram.of(diagram)
    if diagram.root_shares:
        raise InputError(f"Proposition 1 is about the test loss, whose root is alone in its part; that of {diagram} is not")
    if diagram.order > MOST_EDGES:
        raise TooLargeError(f"orders of nodes are gone through one by one, to {MOST_EDGES} edges, not {diagram.order}")
    return diagram


def _total_orders(diagram: Diagram) -> int:
    """ords(D): orders of the nodes, children first and parts in one piece, up to isomorphism."""
    nodes = range(1, diagram.order + 1)
    found = 0
    for order in permutations(nodes):
        place = {node: i for i, node in enumerate((*order, 0))}
        rising = all(place[v] < place[diagram.parents[v]] for v in nodes)
        blocks = [diagram.blocks[v] for v in order]
        whole = sum(a != b for a, b in zip(blocks, blocks[1:], strict=False)) == max(0, len(set(blocks)) - 1)
        inside = any(diagram.blocks[v] == diagram.blocks[diagram.parents[v]] for v in nodes)
        found += rising and whole and not inside
    return found // diagram.automorphisms


def _counted(diagram: Diagram | str) -> Any:
    import sympy

    from ..letters import Symbol

    diagram = _with_root_alone(diagram)
    N, B, T = map(Symbol, "NBT")
    count = maps_formula(diagram, "one epoch", "moment").subs({B: 1, T: N})
    return prefactor(diagram, sympy.Integer(1)) * count


proposition_1 = Result(
    "Proposition 1", "[A], [B]",
    "with E = B = 1 a diagram's coefficient, fuzzy ties, is (-1)^d ords(D) / (prod d_p!) C(N, P), P its parts without the "
    "root's, of sizes d_p",
    _proposition_1, _counted,
)

# the values of the four value classes of order 1 and 2, and how they are written
VALUES = {"[]": "l", "[a]": "G.G", "[a b]": "G.H.G", "[a a]": "C.H", "[a[a]]": "(dC).G"}


def _proposition_2() -> Any:
    import sympy

    from ..letters import Symbol

    M, N, B = map(Symbol, "MNB")
    l, GG, GHG, CH, dCG = map(Symbol, VALUES.values())
    half = sympy.Rational(1, 2)
    return (
        l - M * N * GG + M * N * (M * N - half) * GHG + M * N * M / 2 * CH + M * N * (M - 1 / B) / 2 * dCG / 2
    )


def _expanded() -> Any:
    import sympy

    from ..letters import Symbol

    M, B = map(Symbol, "MB")
    values: dict[Diagram, Any] = {Diagram.parse(text).value_class: Symbol(name) for text, name in VALUES.items()}
    values[Diagram.parse("[a[a]]").value_class] /= 2  # cov(hess, grad) is half the gradient of C's trace
    total = sympy.Integer(0)
    for order in range(3):
        for diagram in diagrams(order):
            formula = maps_formula(diagram, "reshuffle")
            weight = prefactor(diagram, B) * formula.subs("E", M * B)
            total += weight * values[diagram.value_class]
    return total


proposition_2 = Result(
    "Proposition 2", "[B]",
    "E l(theta_T) = l - MN G.G + MN (MN - 1/2) G.H.G + MN (M/2) C.H + MN ((M - 1/B)/2) (grad C).G / 2 + o(eta^2), M = T/N, "
    "under any shuffling; grad C is the gradient of C's trace",
    _proposition_2, _expanded,
)
