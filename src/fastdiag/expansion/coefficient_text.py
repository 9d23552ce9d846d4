"""Coefficients as they are printed: fractions of products, as text and as LaTeX, in one style.

A factor that is a sum begins with its positive term: the constant, then lower degrees and earlier letters where there
are k's (1 - k_μ, k_ρ - k_μ k_ν); SymPy's order where there are none (2 M N - 1). Its sign goes to the whole.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from .notation import GREEK, LATEX

Factor: TypeAlias = tuple[int, tuple[int, str], str, Any]
"""How many terms if it is a sum, 0 for a letter; what it is sorted by; how it is written; its exponent, > 0."""


def signed_text(number: Any, latex: bool = False) -> tuple[str, str]:
    """The sign of a coefficient, '+' or '-', and the rest; nothing for 1.

    >>> import sympy
    >>> N, M, k = sympy.symbols("N M k_μ")
    >>> signed_text(N * (1 - 2 * M) / 6), signed_text(-N**-2), signed_text((1 - k**N) / (k - 1), latex=True)
    (('-', 'N*(2*M - 1)/6'), ('-', '1/N^2'), ('-', '\\\\frac{1 - k_{\\\\mu}^{N}}{1 - k_{\\\\mu}}'))
    """
    sign, text = _Writer(latex, any(map(_is_k, number.free_symbols))).product(number)
    return "+" if sign > 0 else "-", "" if text == "1" else text


class _Writer:
    def __init__(self, latex: bool, with_k: bool) -> None:
        self.latex, self.with_k = latex, with_k

    def product(self, number: Any) -> tuple[int, str]:
        """Sign and text of one fraction."""
        import sympy

        sign, constant = 1, sympy.S.One
        top: list[Factor] = []
        bottom: list[Factor] = []
        for factor in sympy.Mul.make_args(number):
            base, exponent = factor.as_base_exp()
            if factor.is_Rational:
                constant *= factor
                continue
            own, text = self.sum(base) if base.is_Add else (1, self.letter(base))
            if own < 0 and exponent.is_Integer:
                sign *= (-1) ** int(exponent)
            elif own < 0:
                text = f"-{self.in_brackets(text)}"
            if exponent.could_extract_minus_sign():
                bottom.append((len(base.args), _place(base, text), text, -exponent))
            else:
                top.append((len(base.args), _place(base, text), text, exponent))
        sign *= -1 if constant < 0 else 1
        p, q = abs(int(constant.p)), int(constant.q)
        if q == 1 and not bottom:
            return sign, self.factors(p, top)
        if not self.latex:
            below = self.factors(q, bottom)
            several = (q != 1) + len(bottom) > 1
            return sign, f"{self.factors(p, top)}/{f'({below})' if several else below}"
        beside = [factor for factor in top if self.with_k and factor[0] > 2]  # sums of fractions, too tall for a numerator
        above = self.factors(p, [factor for factor in top if factor not in beside], bare=True)
        fraction = rf"\frac{{{above}}}{{{self.factors(q, bottom, bare=True)}}}"
        return sign, r" \, ".join([fraction, *(self.in_brackets(factor[2]) for factor in beside)])

    def factors(self, constant: int, factors: list[Factor], bare: bool = False) -> str:
        """Numbers, letters, then sums, short ones first; bare: a lone sum without brackets."""
        factors = sorted(factors, key=lambda factor: factor[:3])
        bare = bare and len(factors) == 1 and constant == 1
        texts = [str(constant)] if constant != 1 or not factors else []
        for terms, _, text, exponent in factors:
            if terms and not (bare and exponent == 1):
                text = self.in_brackets(text)
            if exponent != 1:
                own, power = self.sum(exponent) if exponent.is_Add else self.product(exponent)
                if own < 0:
                    power = f"-{self.in_brackets(power) if exponent.is_Add else power}"
                if self.latex:
                    text = f"{text}^{{{power}}}"
                else:
                    text += f"^{power}" if exponent.is_Atom else f"^({power})"
            texts.append(rf"\cdot {text}" if self.latex and texts and text[0].isdigit() else text)
        return (" " if self.latex else "*").join(texts)

    def sum(self, total: Any) -> tuple[int, str]:
        """Sign and text of a sum whose first term is positive."""
        terms = sorted(total.args, key=_term_key) if self.with_k else total.as_ordered_terms(order="lex")
        found = [self.product(term) for term in terms]
        sign = found[0][0]
        rest = "".join(f" {'+' if own == sign else '-'} {text}" for own, text in found[1:])
        return sign, found[0][1] + rest

    def in_brackets(self, text: str) -> str:
        return rf"\left({text}\right)" if self.latex else f"({text})"

    def letter(self, symbol: Any) -> str:
        name = str(symbol)
        if symbol.is_Rational and not (symbol.is_Integer and symbol > 0):
            return self.in_brackets(rf"\frac{{{symbol.p}}}{{{symbol.q}}}" if self.latex and symbol.q != 1 else name)
        if self.latex and _is_k(symbol):
            return rf"{name[0]}_{{\{LATEX[name[2]]}}}"
        if self.latex and symbol.is_Symbol:
            import sympy

            return str(sympy.latex(symbol))
        return name


def _is_k(expression: Any) -> bool:
    return bool(expression.is_Symbol) and expression.name[:2] in ("k_", "q_")


def _place(base: Any, text: str) -> tuple[int, str]:
    """k's and q's after other letters, by their index; sums by their text."""
    return (1 + GREEK.index(base.name[2]) if _is_k(base) else 0), text


def _term_key(term: Any) -> tuple[int, int, list[int], str]:
    """Powers k^T come last, then the degree counts, then the letters."""
    import sympy

    late, degree, letters = 0, 0, []
    for factor in sympy.Mul.make_args(term):
        base, exponent = factor.as_base_exp()
        if _is_k(base):
            if exponent.is_Integer:
                degree += int(exponent)
            else:
                late += 1
            letters.append(GREEK.index(base.name[2]))
    return late, degree, sorted(letters), str(term)
