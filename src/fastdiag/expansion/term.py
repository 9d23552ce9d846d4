"""One term of a formula: a coefficient and tensors, as text and LaTeX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..diagram import Diagram
from ..record import Record
from .coefficient_text import signed_text
from .network import Network
from .notation import TensorProduct


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Term(Record):
    """One term: a coefficient and a product of tensors."""

    coefficient: Any
    """A factored SymPy expression in N, B and the time; it multiplies the tensors as they are printed."""
    order: int
    """Power of eta: the number of edges."""
    network: Network
    tensors: TensorProduct
    diagrams: tuple[Diagram, ...]
    """The diagrams whose coefficients add up to it (for a variance, those of the second moment)."""
    power: int | None = None
    """In the double series, the p of (eta T)^d T^p."""

    @property
    def symbol(self) -> Any:
        """The tensors as one SymPy symbol, named like their text."""
        from ..letters import Symbol

        return Symbol(self.text_of_tensors())

    def text_of_tensors(self) -> str:
        """Such as 'C_μν H^μν'."""
        return self.tensors.text()

    def text(self) -> str:
        """With its sign, such as '- M*N G_μ G^μ'."""
        sign, number = signed_text(self._without_time())
        return " ".join(filter(None, (sign, number, self.tensors.text())))

    def latex(self) -> str:
        """The same in LaTeX."""
        sign, number = signed_text(self._without_time(), latex=True)
        return f"{sign} " + r" \, ".join(filter(None, (number, self.tensors.latex())))

    def __repr__(self) -> str:
        return f"<term of order {self.order}: {begun([self.text()])[0]}>"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"

    def _repr_html_(self) -> None:  # which notebooks would prefer
        return None

    def _without_time(self) -> Any:
        """The coefficient, in the double series without its power of T."""
        import sympy

        if self.power is None:
            return sympy.sympify(self.coefficient)
        return self.coefficient / sympy.Symbol("T") ** (self.order + self.power)


def begun(lines: list[str]) -> list[str]:
    """The first plus sign is not written, and a first minus sign stands close."""
    if not lines:
        return []
    first = lines[0].removeprefix("+ ")
    return ["-" + first[2:] if first.startswith("- ") else first, *lines[1:]]
