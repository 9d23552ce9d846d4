"""What of a drift is a gradient, and the rest."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from ..diagram import Diagram
from ..landscapes.exact import exact
from .diagram_sum import plain_diagrams
from .grafting import Operator
from .network import Network
from .rate import Sums, unmarked


def gradient_part(of: Mapping[Diagram, Any], order: int) -> tuple[Sums, dict[Network, list[Diagram]], Operator]:
    """The sums over contractions whose gradient a drift is, by order and contraction; where they are from; and the rest.

    The gradient of a contraction S is the sum over the ways D to mark a node of |Aut S| / |Aut D| times D, so that in a
    gradient |Aut D| times D's coefficient depends on S alone. Where it does not its mean is taken, and what differs from
    that is the rest: none if and only if the drift is a gradient on every landscape.
    """
    import sympy

    sums: Sums = {}
    origins: dict[Network, list[Diagram]] = {}
    rest: Operator = {}
    for d in range(1, order + 1):
        marked: dict[Network, list[Diagram]] = {}
        for diagram in plain_diagrams(d, False):
            if len(diagram.children[0]) == 1:
                marked.setdefault(unmarked(diagram), []).append(diagram)
        origins |= marked
        for contraction, some in marked.items():
            shares = sum(Fraction(1, diagram.automorphisms) for diagram in some)
            mean = sum(of.get(diagram, 0) for diagram in some) / exact("a share", shares)
            sums[d - 1, contraction] = mean * exact("a share", shares / d)
            for diagram in some:
                if (left := sympy.factor(of.get(diagram, 0) - mean / diagram.automorphisms)) != 0:
                    rest[diagram] = left
    return sums, origins, rest
