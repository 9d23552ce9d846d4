"""Formulas of a modified equation: moments of the steps, modified losses, and their numbers on landscapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any, TypeAlias

import numpy as np

from ..diagram import Diagram
from ..embedding import Rule
from ..errors import InputError
from ..landscapes.exact import exact
from ..values.root import Root
from ..values.worth import ExactPlainWorth, PlainWorth
from .expand import reading_order
from .grafting import Operator
from .network import Network, canonical_network, parts_of
from .notation import tensors_of
from .observables import Observable
from .term import Term
from .terms import Expansion

Sums: TypeAlias = dict[tuple[int, Network], Any]
"""Coefficients by order and network."""

NAMES = {  # of moments, by their degree
    1: ("b^μ", "b^{\\mu}"), 2: ("D^μν", "D^{\\mu\\nu}"), 3: ("D^μνρ", "D^{\\mu\\nu\\rho}"),
    4: ("D^μνρσ", "D^{\\mu\\nu\\rho\\sigma}"),
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Rate(Expansion):
    """A formula of a modified equation: a moment of the steps, a modified loss, or what is no gradient; see `Expansion`."""

    @property
    def _observable(self) -> Observable:
        if not self.observable.startswith("moment"):
            raise InputError(f"terms of a {self.observable} go by their tensors here, such as 'G_μ G^μ', not by diagrams")
        return moment(int(self.observable.removeprefix("moment ")))

    @property
    def _at_poles(self) -> str:
        return "the equation's `.at(landscape, eta)` has the rates of so few points"

    @property
    def _name(self) -> tuple[str, str]:
        if self.observable == "modified loss":
            return "l_mod", r"\tilde{l}"
        if self.observable == "obstruction":
            return "b^μ + pace ∂^μ l_mod", r"b^{\mu} + \text{pace} \; \partial^{\mu} \tilde{l}"
        return NAMES[int(self.observable.removeprefix("moment "))]

    def __repr__(self) -> str:
        many = f"{len(self.terms)} term{'s' * (len(self.terms) != 1)}"
        return f"<{self.observable} of the modified equation to order {self.order}: {many}>"


def moment(degree: int) -> Observable:
    """The moment of this degree of the displacement: a root of so many edges."""
    def roots(edges: int, shares: bool) -> tuple[Root, ...]:
        if edges != degree or shares:
            return ()
        return tuple(Root(open=order) for order in permutations(range(degree)))

    return Observable(f"moment {degree}", roots, axes=degree)


def unmarked(diagram: Diagram) -> Network:
    """A diagram whose root has one edge, without root and edge."""
    parts, _ = parts_of(diagram, Root(open=(0,)))
    return canonical_network(tuple(tuple(tuple(i for i in node if i >= 0) for node in part) for part in parts))


def rate(
    name: str, order: int, sums: Sums, origins: Mapping[Any, list[Diagram]], sampling: str, update: Rule
) -> Rate:
    """The formula with these coefficients, terms that are 0 left out."""
    import sympy

    terms = []
    for (d, network), x in sums.items():
        tensors = tensors_of(network)
        number = sympy.factor(sympy.together(sympy.sympify(x) / tensors.scale))
        if number != 0:
            terms.append(Term(number, d, network, tensors, tuple(origins[d, network])))
    return Rate(name, order, tuple(sorted(terms, key=reading_order)), sampling, "cumulant", False, update)


class Rates(PlainWorth):
    """Coefficients of the generator in place of those of a time."""

    known: Operator

    def edges(self, diagram: Diagram) -> Any:
        return np.array([float(self.known.get(diagram, 0))])


class ExactRates(ExactPlainWorth):
    """The same as exact numbers."""

    known: Operator

    def edges(self, diagram: Diagram) -> Any:
        return np.array([exact("a coefficient", self.known.get(diagram, 0))], object)
