"""A formula and its terms, as text, LaTeX and SymPy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from ..arguments import flag, whole
from ..diagram import Diagram
from ..embedding import Rule
from ..embedding.exponential_terms import eigenvalues
from ..errors import InputError
from ..record import Record
from ..spacetime.updates import Update, sgd
from .coefficient_text import written
from .network import Network, network_of
from .notation import Tensors
from .observables import Observable, observable_named

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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Term(Record):
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
        sign, number = written(self._without_time())
        return " ".join(filter(None, (sign, number, self.tensors.text())))

    def latex(self) -> str:
        """The same in LaTeX."""
        sign, number = written(self._without_time(), latex=True)
        return f"{sign} " + r" \, ".join(filter(None, (number, self.tensors.latex())))

    def __repr__(self) -> str:
        return f"<term of order {self.order}: {_begun([self.text()])[0]}>"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"

    def _without_time(self) -> Any:
        """The coefficient, in the double series without its power of T."""
        import sympy

        if self.power is None:
            return sympy.sympify(self.coefficient)
        return self.coefficient / sympy.Symbol("T", positive=True, integer=True) ** (self.order + self.power)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Expansion(Record):
    """A formula: a sum of terms, in ascending order. str gives text, notebooks show LaTeX, iteration gives the terms."""

    observable: str
    order: int
    terms: tuple[Term, ...]
    sampling: str
    basis: str
    resummed: bool
    update: Rule = None
    """The update rule; None is SGD."""

    def __iter__(self) -> Iterator[Term]:
        return iter(self.terms)

    def __len__(self) -> int:
        return len(self.terms)

    def __getitem__(self, index: int) -> Term:
        return self.terms[whole("the index of a term", index, -len(self), len(self) - 1)]

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
        observable = self._observable
        if self.resummed:
            return sympy.Add(*(term.coefficient for term in self.terms if diagram in term.diagrams))
        roots = observable.roots(diagram.degrees[0], diagram.root_shares)
        networks = {network_of(diagram, root) for root in roots}
        if len(networks) > 1:
            raise InputError(f"{diagram} stands for {len(networks)} products of tensors in the {self.observable}; name one")
        found = [term.coefficient * term.tensors.scale for term in self.terms if term.network in networks]
        return sympy.factor(sympy.Add(*found))

    def subs(self, **values: Any) -> Expansion:
        """The formula with numbers, or expressions, in place of its letters, which are given by name.

        Parameters
        ----------
        values : N, B, one of the times M, T or E, whichever the formula is written in; letters of the rule, such as mu

        Returns
        -------
        Expansion; terms that are then 0 are left out

        Raises
        ------
        InputError : a name that the formula does not have, two times, no number, a pole

        Examples
        --------
        >>> import fastdiag as fd, sympy
        >>> formula = fd.expand("test_loss", 2).subs(N=100, B=10, E=3)
        >>> formula.coefficient("[a a]"), fd.coefficient("[a a]", fd.Spacetime(N=100, B=10, E=3))
        (9/2, Fraction(9, 2))
        >>> fd.expand("displacement", 1).subs(N=sympy.Symbol("N"), T=3).coefficient("[a]")
        -3
        """
        from .substitution import TIMES, substituted

        numbers = substituted([term.coefficient for term in self.terms], values, self.sampling)
        timed = any(name in values for name in TIMES)  # then no power of T stands outside
        terms = tuple(
            replace(term, coefficient=x, power=None if timed else term.power)
            for term, x in zip(self.terms, numbers, strict=True) if x != 0
        )
        return replace(self, terms=terms)

    def sympy(self) -> Any:
        """The sum as a SymPy expression: each product of tensors is one symbol, named like its text, times eta^order.

        Indices are then raised by the identity, for eta stands outside. N, B and the time are symbols that are known to be
        positive, which `sympy.symbols("N")` is not: put numbers in by name, with `subs`, before.
        """
        import sympy

        eta = sympy.Symbol("eta", positive=True)
        return sympy.Add(*(term.coefficient * eta**term.order * term.symbol for term in self.terms))

    def text(self) -> str:
        """One term a line, in Unicode; see `expand` for the names."""
        lines = []
        for prefix, terms in self._groups():
            rows_of = [term.text() + self._origin(term)[0] for term in terms]
            if prefix is None:
                lines += rows_of
            else:
                d, p = prefix
                lines.append("+ (ηT)" + f"^{d}" * (d > 1) + "/T" * (p < 0) + f"^{-p}" * (p < -1) + " [")
                lines += ["    " + line for line in _begun(rows_of)]
                lines[-1] += " ]"
        first, *others = _begun(lines) or ["0"]
        rows = [f"{self._name[0]} = {first}", *others, "+ O(η" + f"^{self.order + 1}" * (self.order > 0) + ")"]
        if self._raised:
            rows[-1] += f", indices raised by {self._raised[0]}"
        if self._raised and self.resummed:
            rows += [
                f"in an eigenbasis of ηH, with eigenvalues {self._eigenvalues()};",
                "where a denominator vanishes (some k = 1, or k's coincide), the limit is meant",
            ]
        return "\n  ".join(rows)

    def latex(self, aligned: bool = False) -> str:
        """LaTeX without dollars; aligned: in rows, as an aligned environment."""
        aligned = flag("aligned", aligned)
        rows: list[list[str]] = []
        for prefix, terms in self._groups():
            written = [term.latex() + self._origin(term)[1] for term in terms]
            if prefix is not None:
                d, p = prefix
                written = _begun(written)
                power = f"^{{{d}}}" * (d > 1) + f" T^{{{p}}}" * (p < 0)
                written[0] = rf"+ (\eta T){power} \bigl[ {written[0]}"
                written[-1] += r" \bigr]"
            rows += [written[i : i + IN_A_ROW] for i in range(0, len(written), IN_A_ROW)]
        rows = rows or [["+ 0"]]
        rows[0] = [*_begun(rows[0][:1]), *rows[0][1:]]
        rows.append([r"+ O(\eta" + f"^{{{self.order + 1}}}" * (self.order > 0) + ")"])
        if self._raised:
            rows[-1][-1] += rf", \quad \text{{indices raised by }} {self._raised[1]}"
        if self._raised and self.resummed:
            rows.append([
                rf"\quad (\eta H \text{{ diagonal}}, \; (\eta H)^{{\mu}}_{{\mu}} = {self._eigenvalues(latex=True)}, \; "
                r"\text{limits where a denominator vanishes})"
            ])
        lines = [" ".join(row) for row in rows]
        if not aligned:
            return f"{self._name[1]} = {' '.join(lines)}"
        return rf"\begin{{aligned}} {self._name[1]} &= " + "\n\\\\ &\\quad {} ".join(lines) + r" \end{aligned}"

    @property
    def _observable(self) -> Observable:
        return observable_named(self.observable)

    @property
    def _name(self) -> tuple[str, str]:
        return NAMES.get(self.observable, (self.observable, rf"\text{{{self.observable}}}"))

    def _eigenvalues(self, latex: bool = False) -> str:
        """Those of eta H in terms of the letters of a resummed formula, and what ties k to q."""
        import sympy

        k, q = sympy.symbols("k_mu q_mu" if latex else "k q")
        found = eigenvalues(self.update if isinstance(self.update, Update) else sgd(), k, q)
        h, both = (sympy.latex(x) if latex else str(x).replace("**", "^") for x in found)
        between = f", \\; {sympy.latex(k * q)} = " if latex else ", where k*q = "
        return h if found[1] is None else h + between + both

    @property
    def _raised(self) -> tuple[str, str] | None:
        """What raises indices, as text and LaTeX; None without indices. In the double series eta stands outside."""
        if not any(term.order for term in self.terms):
            return None
        outside = "the identity, as η stands outside", r"\text{the identity}"
        return outside if any(term.power is not None for term in self.terms) else ("η", r"\eta")

    def _origin(self, term: Term) -> tuple[str, str]:
        """The diagram of a resummed term: several may have the same tensors."""
        if not self.resummed or not term.order:
            return "", ""
        return f"  from {term.diagrams[0]}", rf" \;\; \text{{(from {term.diagrams[0]})}}"

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
