"""Coefficients as exact rational functions of N, B and one measure of time: T updates, E epochs or M = T / N."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from ..diagram import Diagram
from ..embedding.formula import formula_terms
from ..errors import InputError
from ..spacetime import SAMPLINGS
from ..typing import Basis, Sampling

Time: TypeAlias = Literal["M", "T", "E"]
Sampled: TypeAlias = Sampling | Literal["one epoch"]
TIMES = ("M", "T", "E")


class Symbols:
    """The field that coefficients live in, and what diagrams have for coefficients there."""

    def __init__(self, sampling: Sampled, basis: Basis, time: Time | None) -> None:
        if sampling != "one epoch" and sampling not in SAMPLINGS:
            raise InputError(f"unknown sampling {sampling!r}; known: {', '.join(SAMPLINGS)}, one epoch")
        if time is None:
            time = "M" if sampling in ("reshuffle", "cyclic") else "T"
        if time not in TIMES:
            raise InputError(f"time must be one of {', '.join(TIMES)}: M = T / N, T updates or E epochs; not {time!r}")
        import sympy
        from sympy.polys.fields import field

        self.sampling, self.basis, self.time_name = sampling, basis, time
        self.N, self.B, T, E = sympy.symbols("N B T E", positive=True, integer=True)
        M = sympy.Symbol("M", positive=True)
        self.time: Any = {"M": M, "T": T, "E": E}[time]
        self.T: Any = {"M": M * self.N, "T": T, "E": E * self.N / self.B}[time]
        self._written = {T: self.T, E: {"M": M * self.B, "T": T * self.B / self.N, "E": E}[time]}
        self.field: Any = field([self.N, self.B, self.time], sympy.QQ)[0]
        self._known: dict[Any, Any] = {}

    def element(self, expression: Any) -> Any:
        """An expression in N, B, T, E as an element of the field."""
        if expression not in self._known:
            import sympy

            plain = sympy.expand_func(sympy.sympify(expression)).subs(self._written, simultaneous=True)
            self._known[expression] = self.field.from_expr(sympy.together(plain))
        return self._known[expression]

    def coefficient(self, diagram: Diagram) -> Any:
        """(-1/B)^d maps / |Aut|, an element of the field."""
        terms = formula_terms(diagram, self.sampling, self.basis)
        maps = sum((self.element(weight) * number for weight, number in terms), self.field.zero)
        return maps / self.element(self.B) ** diagram.order * (-1) ** diagram.order / diagram.automorphisms

    def factored(self, element: Any) -> Any:
        """An element of the field as a factored SymPy expression."""
        import sympy

        return sympy.factor(element.as_expr())
