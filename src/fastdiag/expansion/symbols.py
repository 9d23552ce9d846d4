"""Coefficients as exact rational functions of N, B and one measure of time: T updates, E epochs or M = T / N."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from ..arguments import shown
from ..coefficients.coefficient import coefficient, prefactor
from ..diagram import Diagram
from ..embedding import Rule
from ..embedding.formula import check_rule_names, formula_of_maps, formula_terms
from ..errors import InputError
from ..landscapes.exact import exact
from ..spacetime import Spacetime, check_sampling
from ..spacetime.regularized_newton import RegularizedNewton
from ..spacetime.updates import Update
from ..typing import Basis, Sampling

Time: TypeAlias = Literal["M", "T", "E"]
Sampled: TypeAlias = Sampling | Literal["one epoch"]
TIMES = ("M", "T", "E")


class Symbols:
    """The field that coefficients live in, and what diagrams have for coefficients there."""

    def __init__(self, sampling: Sampled, basis: Basis, time: Time | None, update: Rule = None) -> None:
        sampling = check_sampling(sampling, "one epoch")
        if time is None:
            time = "M" if sampling in ("reshuffle", "cyclic") else "T"
        if not isinstance(time, str) or time not in TIMES:
            raise InputError(f"time must be one of {', '.join(TIMES)}: M = T / N, T updates or E epochs; not {shown(time)}")
        if isinstance(update, Update | RegularizedNewton) and time == "M":
            check_rule_names(update, ("N", "B", "T", "E", "M"))
        import sympy
        from sympy.polys.fields import field

        from ..letters import grid_symbols, own_symbol

        self.sampling, self.basis, self.time_name, self.update = sampling, basis, time, update
        self.N, self.B, T, E = grid_symbols()
        M = own_symbol("M", positive=True)
        self.time: Any = {"M": M, "T": T, "E": E}[time]
        self.T: Any = {"M": M * self.N, "T": T, "E": E * self.N / self.B}[time]
        self.E: Any = {"M": M * self.B, "T": T * self.B / self.N, "E": E}[time]
        self._written = {T: self.T, E: self.E}
        self.field: Any = field([self.N, self.B, self.time], sympy.QQ)[0]
        self._known: dict[Any, Any] = {}

    def element(self, expression: Any) -> Any:
        """An expression in N, B, T, E as an element of the field; under an update rule as an expression in the time."""
        if expression not in self._known:
            import sympy

            plain = sympy.expand_func(sympy.sympify(expression)).subs(self._written, simultaneous=True)
            self._known[expression] = plain if self.update is not None else self.field.from_expr(sympy.together(plain))
        return self._known[expression]

    def coefficient(self, diagram: Diagram) -> Any:
        """(-1/B)^d maps / |Aut|, an element of the field."""
        if self.update is not None:
            maps = formula_of_maps(diagram, self.sampling, self.basis, self.update)
            return self.element(maps) * self.element(prefactor(diagram, self.B))
        over: dict[Any, Any] = {}  # few denominators recur: numerators over one of them are added as polynomials
        for weight, number in formula_terms(diagram, self.sampling, self.basis):
            element = self.element(weight)
            over[element.denom] = over.get(element.denom, 0) + element.numer * number
        maps = sum((self.field.new(top, bottom) for bottom, top in over.items()), self.field.zero)
        scale = self.element(prefactor(diagram, self.B))
        return maps * scale

    def factored(self, element: Any) -> Any:
        """An element of the field as a factored SymPy expression."""
        if self.update is None:
            return in_factors(element, [self.N, self.B, self.time])
        import sympy

        return sympy.powsimp(sympy.factor(sympy.together(sympy.powsimp(sympy.expand(element)))))


class SpacetimeSymbols(Symbols):
    """The numbers or symbols of a spacetime; coefficients are expressions."""

    def __init__(self, spacetime: Spacetime, basis: Basis, update: Rule = None) -> None:
        import sympy

        self.spacetime, self.sampling, self.basis, self.update = spacetime, spacetime.sampling, basis, update
        self.N, self.B = sympy.sympify(spacetime.N), sympy.sympify(spacetime.B)

    def element(self, expression: Any) -> Any:
        """An expression as it is."""
        import sympy

        return sympy.sympify(expression)

    def coefficient(self, diagram: Diagram) -> Any:
        """`fastdiag.coefficient`."""
        return exact("a coefficient", coefficient(diagram, self.spacetime, self.basis, update=self.update))

    def factored(self, element: Any) -> Any:
        """In factors, as far as it has symbols."""
        import sympy

        return sympy.factor(sympy.together(element))


def in_factors(element: Any, letters: list[Any], ascending: bool = False) -> Any:
    """An element of a field of rational functions in these letters, in factors; ascending: 1 - k instead of k - 1."""
    import sympy
    from sympy.core.parameters import distribute

    number, factors = sympy.S.One, []
    for polynomial, sign in ((element.numer, 1), (element.denom, -1)):
        constant, found = polynomial.factor_list()
        number *= sympy.Rational(int(constant.numerator), int(constant.denominator)) ** sign
        for factor, power in found:
            if ascending and factor.get(polynomial.ring.zero_monom, 0) < 0:
                factor, number = -factor, number * (-1) ** power
            factors.append(factor.as_expr(*letters) ** (sign * power))
    with distribute(False):
        return sympy.Mul(number, *factors)
