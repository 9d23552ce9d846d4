"""A formula and its terms, as text, LaTeX and SymPy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ..diagram import Diagram
from ..errors import InputError
from .network import Network, network_of
from .notation import LATEX, Tensors
from .observables import observable_named

NAMES = {  # observable -> (text, LaTeX)
    "test_loss": ("E[l(θ_T)]", r"\mathbb{E}[l(\theta_T)]"),
    "train_loss": ("E[l_train(θ_T)]", r"\mathbb{E}[l_{\mathrm{train}}(\theta_T)]"),
    "generalization_gap": (
        "E[l(θ_T) - l_train(θ_T)]", r"\mathbb{E}[l(\theta_T) - l_{\mathrm{train}}(\theta_T)]"
    ),
    "displacement": ("E[θ_T - θ_0]^μ", r"\mathbb{E}[\theta_T - \theta_0]^{\mu}"),
    "covariance": ("cov(θ_T^μ, θ_T^ν)", r"\operatorname{cov}(\theta_T^{\mu}, \theta_T^{\nu})"),
    "test_loss_variance": ("var(l(θ_T))", r"\operatorname{var}(l(\theta_T))"),
}
IN_A_ROW = 3  # terms in a row of aligned LaTeX


@dataclass(frozen=True, slots=True)
class Term:
    """One term: a coefficient and a product of tensors."""

    coefficient: Any
    """A factored SymPy expression in N, B and the time; it multiplies the tensors as they are printed."""
    order: int
    """Power of eta: the number of edges."""
    network: Network
    tensors: Tensors
    diagrams: tuple[Diagram, ...]
    """The diagrams whose coefficients add up to it (for a variance, those of the second moment)."""
    power: int | None = None
    """In the double series, the p of (eta T)^d T^p."""

    @property
    def symbol(self) -> Any:
        """The tensors as one real SymPy symbol, named like their text."""
        import sympy

        return sympy.Symbol(self.text_of_tensors(), real=True)

    def text_of_tensors(self) -> str:
        """Such as 'C_μν H^μν'."""
        return self.tensors.text()

    def text(self) -> str:
        """With its sign, such as '- M*N G_μ G^μ'."""
        sign, number = self._signed()
        return " ".join(filter(None, (sign, _written(number, latex=False), self.tensors.text())))

    def latex(self) -> str:
        """The same in LaTeX."""
        sign, number = self._signed()
        return f"{sign} " + r" \, ".join(filter(None, (_written(number, latex=True), self.tensors.latex())))

    def _signed(self) -> tuple[str, Any]:
        """The sign, and the coefficient without it and, in the double series, without its power of T."""
        import sympy
        from sympy.core.parameters import distribute

        number = self.coefficient
        if self.power is not None:
            number = number / sympy.Symbol("T", positive=True, integer=True) ** (self.order + self.power)
        with distribute(False):  # -(a + b) stays as it is
            return ("-", -number) if sympy.sympify(number).as_coeff_Mul()[0] < 0 else ("+", number)


@dataclass(frozen=True, slots=True, repr=False)
class Expansion:
    """A formula: a sum of terms, in ascending order. str gives text, notebooks show LaTeX, iteration gives the terms."""

    observable: str
    order: int
    terms: tuple[Term, ...]
    sampling: str
    basis: str
    resummed: bool

    def __iter__(self) -> Iterator[Term]:
        return iter(self.terms)

    def __len__(self) -> int:
        return len(self.terms)

    def __getitem__(self, index: int) -> Term:
        return self.terms[index]

    def coefficient(self, of: Diagram | str) -> Any:
        """What multiplies a diagram's value in the whole sum, or tensors that are given by their printed text.

        Parameters
        ----------
        of : a Diagram, its text such as '[a b]', or tensors such as 'C_μν H^μν'

        Returns
        -------
        SymPy expression; 0 where the formula has no such term

        Raises
        ------
        InputError : text that is neither, or a diagram that stands for several products of tensors here

        Examples
        --------
        >>> import fastdiag as fd
        >>> formula = fd.expand("test_loss", 2, sampling="one epoch")
        >>> formula.coefficient("[a b]"), formula.coefficient("[a[b]]"), formula.coefficient("C_μν H^μν")
        (T*(2*T - 1)/2, T*(2*T - 1)/2, T/(2*B))
        """
        import sympy

        if isinstance(of, str):
            alike = [term.coefficient for term in self.terms if term.tensors.text() == of]
            if alike:
                return sympy.factor(sympy.Add(*alike))
        diagram = Diagram.of(of)
        observable = observable_named(self.observable)
        if self.resummed:
            return sympy.Add(*(term.coefficient for term in self.terms if diagram in term.diagrams))
        roots = observable.roots(diagram.degrees[0], diagram.root_shares)
        networks = {network_of(diagram, root) for root in roots}
        if len(networks) > 1:
            raise InputError(f"{diagram} stands for {len(networks)} products of tensors in the {self.observable}; name one")
        found = [term.coefficient * term.tensors.scale for term in self.terms if term.network in networks]
        return sympy.factor(sympy.Add(*found))

    def sympy(self) -> Any:
        """The sum as a SymPy expression: each product of tensors is one symbol, named like its text, times eta^order."""
        import sympy

        eta = sympy.Symbol("eta", positive=True)
        return sympy.Add(*(term.coefficient * eta**term.order * term.symbol for term in self.terms))

    def text(self) -> str:
        """One term a line, in Unicode; see `expand` for the names."""
        lines = []
        for prefix, terms in self._groups():
            if prefix is None:
                lines += [term.text() for term in terms]
            else:
                d, p = prefix
                lines.append("+ (ηT)" + f"^{d}" * (d > 1) + f" T^{p}" * (p < 0) + " [")
                lines += ["    " + line for line in _begun([term.text() for term in terms])]
                lines[-1] += " ]"
        first, *others = _begun(lines) or ["0"]
        rows = [f"{self._name[0]} = {first}", *others, "+ O(η" + f"^{self.order + 1}" * (self.order > 0) + ")"]
        return "\n  ".join(rows)

    def latex(self, aligned: bool = False) -> str:
        """LaTeX without dollars; aligned: in rows, as an aligned environment."""
        rows: list[list[str]] = []
        for prefix, terms in self._groups():
            written = [term.latex() for term in terms]
            if prefix is not None:
                d, p = prefix
                written = _begun(written)
                power = f"^{{{d}}}" * (d > 1) + f" T^{{{p}}}" * (p < 0)
                written[0] = rf"+ (\eta T){power} \bigl[ {written[0]}"
                written[-1] += r" \bigr]"
            rows += [written[i : i + IN_A_ROW] for i in range(0, len(written), IN_A_ROW)]
        rows = rows or [["+ 0"]]
        rows[0] = [*_begun(rows[0][:1]), *rows[0][1:]]
        rows[-1] = [*rows[-1], r"+ O(\eta" + f"^{{{self.order + 1}}}" * (self.order > 0) + ")"]
        lines = [" ".join(row) for row in rows]
        if not aligned:
            return f"{self._name[1]} = {' '.join(lines)}"
        return rf"\begin{{aligned}} {self._name[1]} &= " + "\n\\\\ &\\quad {} ".join(lines) + r" \end{aligned}"

    @property
    def _name(self) -> tuple[str, str]:
        return NAMES.get(self.observable, (self.observable, rf"\text{{{self.observable}}}"))

    def _groups(self) -> list[tuple[tuple[int, int] | None, list[Term]]]:
        """Terms that stand together: those of one order, or under one (eta T)^d T^p."""

        def key(term: Term) -> tuple[int, int | None]:
            return term.order, term.power

        found: list[tuple[tuple[int, int] | None, list[Term]]] = []
        for (d, p), terms in groupby(self.terms, key):
            found.append((None if p is None or d == 0 else (d, p), list(terms)))
        return found

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex(aligned=True)}$"

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        kind = "resummed " if self.resummed else ""
        many = f"{len(self.terms)} term{'s' * (len(self.terms) != 1)}"
        return f"<{kind}expansion of the {self.observable} to order {self.order}: {many}, {self.sampling}>"


def _begun(lines: list[str]) -> list[str]:
    """The first plus sign is not written, and a first minus sign stands close."""
    if not lines:
        return []
    first = lines[0].removeprefix("+ ")
    return ["-" + first[2:] if first.startswith("- ") else first, *lines[1:]]


def _written(number: Any, latex: bool) -> str:
    """A positive coefficient; nothing for 1. With k's, 1 comes first and sums of powers stand beside the fraction."""
    import sympy

    if number == 1:
        return ""
    k = [symbol for symbol in number.free_symbols if symbol.name.startswith("k_")]
    names = {symbol: rf"k_{{\{LATEX[symbol.name[2]]}}}" for symbol in k}
    order = "none" if k else None

    def write(expression: Any) -> str:
        written = sympy.latex(expression, symbol_names=names, order=order) if latex else sympy.sstr(expression, order=order)
        if not expression.is_Add:
            return str(written)
        return rf"\left({written}\right)" if latex else f"({written})"

    sums = [factor for factor in sympy.Mul.make_args(number) if k and factor.is_Add and len(factor.args) > 2]
    if not sums or number.is_Add:
        return write(number)
    rest = sympy.Mul(*(factor for factor in sympy.Mul.make_args(number) if factor not in sums))
    written = [write(factor) for factor in ([] if rest == 1 else [rest]) + sums]
    return r" \, ".join(written) if latex else "*".join(written)
