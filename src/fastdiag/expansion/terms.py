"""A formula, as text, LaTeX and SymPy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import flag, sequence, shown, whole
from ..diagram import Diagram
from ..embedding import Rule
from ..embedding.exponential_terms import eigenvalues
from ..errors import InputError
from ..record import Record
from ..spacetime import Spacetime
from ..spacetime.updates import Update, sgd
from .network import network_of
from .observables import Observable, observable_named
from .substitution import AT_POLES, TIMES, Given, substituted, substituted_spacetime
from .term import Term, begun

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
ROW = 90  # characters of text in a row of aligned LaTeX, which pages have room for


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
    spacetime: Spacetime | None = None
    """Whose numbers and symbols the coefficients are in, if one was given."""
    given: Given = ()
    """What `subs` has put in for the letters, by name."""

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
        values : N, B, one of the times M, T or E, whichever the formula is written in; letters of the rule, such as mu; of
            a formula with `spacetime=` the letters of that

        Returns
        -------
        Expansion; terms that are then 0 are left out

        Raises
        ------
        InputError : a name that the formula does not have, or no longer; two times, no number, a pole; numbers that the
            formula does not hold for

        Examples
        --------
        >>> import fastdiag as fd, sympy
        >>> formula = fd.expand("test_loss", 2).subs(N=100, B=10, E=3)
        >>> formula.coefficient("[a a]"), fd.coefficient("[a a]", fd.Spacetime(N=100, B=10, E=3))
        (9/2, Fraction(9, 2))
        >>> fd.expand("displacement", 1).subs(N=sympy.Symbol("N"), T=3).coefficient("[a]")
        -3
        """
        numbers, given, spacetime = self._substituted(self.terms, values)
        timed = any(name in values for name in TIMES)  # then no power of T stands outside
        terms = tuple(
            replace(term, coefficient=x, power=None if timed else term.power)
            for term, x in zip(self.terms, numbers, strict=True) if x != 0
        )
        return replace(self, terms=terms, given=given, spacetime=spacetime)

    def _substituted(self, terms: Iterable[Term], values: dict[str, Any]) -> tuple[list[Any], Given, Spacetime | None]:
        coefficients = [term.coefficient for term in terms]
        if self.spacetime is not None:
            return substituted_spacetime(coefficients, values, self.spacetime, self.given)
        return *substituted(coefficients, values, self.sampling, self.given, self._at_poles), None

    def sympy(self) -> Any:
        """The sum as a SymPy expression: each product of tensors is one symbol, named like its text, times eta^order.

        Indices are then raised by the identity, for eta stands outside. All are symbols as `sympy.symbols` makes them,
        without assumptions; to put something in for a namesake with some is an InputError.
        """
        import sympy

        from ..letters import Symbol

        eta = Symbol("eta")
        return sympy.Add(*(term.coefficient * eta**term.order * term.symbol for term in self.terms))

    def plot(self, path: str | Path | None = None, *, T: Iterable[int], **values: Any) -> Any:
        """A picture: the sizes of the terms' coefficients over the number of updates, the twelve largest.

        Parameters
        ----------
        path : a file to write, .png, .svg or .pdf; None for none
        T : numbers of updates
        values : numbers for N, B and the rule's letters, as for `subs`

        Returns
        -------
        A matplotlib Figure, which notebooks show

        Raises
        ------
        InputError : letters without a number, and as for `subs`; no matplotlib, no such folder or format

        Examples
        --------
        >>> import fastdiag as fd
        >>> fd.expand("test_loss", 2).plot(N=100, B=10, T=[10, 20, 50, 100])
        <picture of 1 panel: savefig writes it to a file>
        """
        from sympy import sympify

        from ..drawing.coefficients import plot  # an upward look

        times = sequence("T", T, "numbers of updates")
        terms = [term for term in self.terms if term.order]
        held = [self._substituted(terms, {**values, "T": t})[0] for t in times]
        if left := {symbol.name for column in held for x in column for symbol in sympify(x).free_symbols}:
            raise InputError(f"a picture needs a number for {', '.join(sorted(left))}")
        sizes = np.array([[float(x) for x in column] for column in held]).T.reshape(len(terms), len(times))
        given = ", ".join(f"{name} = {shown(value)}" for name, value in values.items())
        names, orders = [term.text_of_tensors() for term in terms], [term.order for term in terms]
        return plot(path, f"{self.observable}, {given}, {self.sampling}", names, orders, times, sizes)

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
                lines += ["    " + line for line in begun(rows_of)]
                lines[-1] += " ]"
        first, *others = begun(lines) or ["0"]
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
                written = begun(written)
                power = f"^{{{d}}}" * (d > 1) + f" T^{{{p}}}" * (p < 0)
                written[0] = rf"+ (\eta T){power} \bigl[ {written[0]}"
                written[-1] += r" \bigr]"
            room = 0
            for line, term in zip(written, terms, strict=True):
                size = len(term.text() + self._origin(term)[0])
                if size > room:
                    rows.append([])
                    room = ROW
                rows[-1].append(line)
                room -= size
        rows = rows or [["+ 0"]]
        rows[0] = [*begun(rows[0][:1]), *rows[0][1:]]
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
    def _at_poles(self) -> str:
        """Where to go where a denominator vanishes."""
        return AT_POLES

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

    def _repr_html_(self) -> None:
        return None

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        kind = "resummed " if self.resummed else ""
        many = f"{len(self.terms)} term{'s' * (len(self.terms) != 1)}"
        return f"<{kind}expansion of the {self.observable} to order {self.order}: {many}, {self.sampling}>"
