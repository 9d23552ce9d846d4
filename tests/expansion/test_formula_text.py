"""Formulas as they look: text and LaTeX are read back, terms name their diagrams, and what is refused."""

import random
import re
from fractions import Fraction
from functools import lru_cache

import pytest
import sympy

import fastdiag as fd
from fastdiag.expansion import coefficient_text

N, B, T, E = sympy.symbols("N B T E")


@lru_cache
def expansion(observable, order, **options):
    return fd.expand(observable, order, **options)


OBSERVABLES = ["test_loss", "train_loss", "generalization_gap", "displacement", "covariance", "test_loss_variance"]


def test_latex_is_drawn():
    """By matplotlib, which knows no aligned rows and no big brackets."""
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    for observable in OBSERVABLES:
        styles = [{}, {"basis": "moment"}, {"arrange": "double"}, {"resummed": True, "sampling": "one epoch"}]
        for options in styles if observable in ("test_loss", "displacement") else styles[-1:]:
            formula = expansion(observable, 2, **options)
            plain = formula.latex()
            parser.parse(f"${plain.replace(chr(92) + 'bigl', '').replace(chr(92) + 'bigr', '')}$")
            rows = formula._repr_latex_()
            assert rows.startswith(r"$\displaystyle \begin{aligned}")
            assert rows.count("{") == rows.count("}")
            assert rows.count(r"\left") == rows.count(r"\right")
            assert re.sub(r"\s", "", rows.replace(r"\\ &\quad {}", "").replace("&=", "=")) == re.sub(
                r"\s", "", rf"$\displaystyle \begin{{aligned}}{plain}\end{{aligned}}$"
            )


PRINTED = [
    ("test_loss", 3, {}), ("train_loss", 3, {"time": "E", "sampling": "cyclic"}), ("generalization_gap", 3, {"basis": "moment"}),
    ("test_loss_variance", 3, {}), ("test_loss", 3, {"sampling": "replacement"}),
    *((observable, 3, {"resummed": True, "sampling": "one epoch"}) for observable in OBSERVABLES),
]


def read_latex(text):
    """LaTeX of a coefficient as Python."""
    text = re.sub(r"k_\{\\(\w+)\}", lambda m: "k_" + {"mu": "μ", "nu": "ν", "rho": "ρ"}[m[1]], text.replace(r"\left(", "(").replace(r"\right)", ")"))
    inner = r"\{([^{}]*)\}"
    while "{" in text:
        text = re.sub(r"\^" + inner, lambda m: f"**({m[1].replace(' ', '')})", text)
        text = re.sub(r"\\frac" + inner + inner, lambda m: f"(({products(m[1])})/({products(m[2])}))", text)
    return products(text)


def products(text):
    """Letters side by side are multiplied."""
    return re.sub(r"(?<![-+*/(]) (?![-+*/])", "*", text.replace(r" \, ", " ").replace(" + ", "+").replace(" - ", "-"))


@pytest.mark.parametrize(("observable", "order", "options"), PRINTED, ids=str)
def test_printed_coefficients_are_read_back(observable, order, options):
    """From text and from LaTeX; in one style, with positive first terms."""
    chance = random.Random(order)
    for term in expansion(observable, order, **options):
        tensors = term.tensors.text()
        assert term.text().endswith(tensors)
        sign, number = term.text()[0], term.text()[2 : -len(tensors)].strip()
        assert "**" not in number
        assert not re.search(r"\^-|\^\(-|\(-", number)
        assert term.latex()[0] == sign
        in_latex = term.latex()[2:].removesuffix(term.tensors.latex()).strip().removesuffix(r"\,").strip()
        letters = sorted(sympy.sympify(term.coefficient).free_symbols, key=str)
        at = {letter: chance.randint(2, 9) if letter in (N, B, T, E) else sympy.Rational(chance.randint(1, 99), 101) for letter in letters}
        names = {str(letter): sympy.sympify(value) for letter, value in at.items()}
        wanted = sympy.sympify(term.coefficient).subs(at)
        for written in (number.replace("^", "**"), read_latex(in_latex)):
            found = eval(re.sub(r"(?<![\w.])(\d+)", r"Q(\1)", written or "1"), {"Q": sympy.Rational}, names)
            assert (found if sign == "+" else -found) == wanted


@pytest.mark.parametrize("observable", ["test_loss", "displacement", "generalization_gap"])
def test_eta_is_counted_once(observable):
    """Either it stands before the brackets of the double series, or it raises indices; the last line says which."""
    total, prefix = 0, 1
    eta = sympy.Symbol("eta")
    formula = expansion(observable, 3, sampling="one epoch", arrange="double")
    lines = formula.text().split(" = ", 1)[1].split("\n")
    assert lines.pop().strip() == "+ O(η^4), indices raised by the identity, as η stands outside"
    for line in map(str.strip, lines):
        if head := re.fullmatch(r"(?:\+ )?\(ηT\)(?:\^(\d))?(/T(?:\^(\d))?)? \[", line):
            prefix = (eta * T) ** int(head[1] or 1) / T ** (int(head[3] or 1) if head[2] else 0)
            continue
        term = next(term for term in formula if line.removesuffix(" ]").endswith(term.tensors.text()))
        number = line.removesuffix(" ]").removesuffix(term.tensors.text()).replace("^", "**").replace(" ", "").strip("+")
        total += prefix * sympy.sympify({"": "1", "-": "-1"}.get(number, number), locals={"N": N, "B": B, "T": T}) * term.symbol
    assert sympy.expand(total - formula.sympy()) == 0
    plain = expansion(observable, 3, sampling="one epoch").text()
    assert plain.endswith("+ O(η^4), indices raised by η")
    assert "ηT" not in plain
    assert formula.latex().endswith(r"\text{indices raised by } \text{the identity}")


def test_a_resummed_term_names_its_diagram():
    """C J G comes from [a a b] and from [a[b b]], with other coefficients."""
    for observable in ("test_loss", "covariance"):
        formula = expansion(observable, 3, resummed=True, sampling="one epoch")
        rows = [line for line in formula.text().split("\n") if "  from " in line]
        assert [line.split("  from ")[1] for line in rows] == [str(term.diagrams[0]) for term in formula if term.order]
        named = [(term.tensors.text(), term.diagrams) for term in formula]
        assert len(named) == len(set(named))
        assert [formula.coefficient(term.diagrams[0]) == term.coefficient for term in formula]
    assert "the limit is meant" in formula.text()
    assert r"\text{(from [a a])}" in formula.latex()
    assert "the limit" not in expansion("test_loss", 3).text()


def test_a_formula_is_a_sequence_of_terms():
    formula = fd.expand("displacement", 2)
    assert len(formula) == len(list(formula)) == 3
    assert formula[0].text() == "- M*N G^μ"
    assert formula[0].symbol == sympy.Symbol("G^μ")
    assert repr(formula) == "<expansion of the displacement to order 2: 3 terms, reshuffle>"
    assert str(fd.expand("displacement", 1)) == "E[θ_T - θ_0]^μ = -M*N G^μ\n  + O(η^2), indices raised by η"
    assert str(fd.expand("displacement", 0)) == "E[θ_T - θ_0]^μ = 0\n  + O(η)"
    assert fd.expand("generalization_gap", 1).latex() == (
        r"\mathbb{E}[l(\theta_T) - l_{\mathrm{train}}(\theta_T)] = M \, C_{\mu}^{\mu} + O(\eta^{2}), "
        r"\quad \text{indices raised by } \eta"
    )
    with pytest.raises(AttributeError):
        formula.order = 3


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [(("loss",), {}, "unknown observable"), (("test_loss", -1), {}, "order must be"), ((), {"sampling": "x"}, "unknown sampling"),
     ((), {"basis": "x"}, "unknown basis"), ((), {"time": "x"}, "time must be one of"), ((), {"arrange": "x"}, "arrange must be"),
     ((), {"arrange": "double", "time": "M"}, "so time must be 'T'"), ((), {"arrange": "double", "resummed": True}, "exact in T"),
     ((), {"resummed": True, "basis": "moment"}, "basis='cumulant'"), ((), {"resummed": True, "sampling": "one epoch", "basis": "moment"}, "basis='cumulant'")],
)
def test_errors(arguments, options, words):
    with pytest.raises(fd.FastdiagError, match=re.escape(words)):
        fd.expand(*arguments, **options)


@pytest.mark.parametrize(
    ("observable", "order", "options", "most"),
    [("test_loss", 12, {}, 6), ("test_loss", 7, {}, 6), ("train_loss", 6, {"sampling": "cyclic"}, 5), ("test_loss", 8, {"sampling": "one epoch"}, 7),
     ("test_loss", 5, {"sampling": "one epoch", "resummed": True}, 4), ("covariance", 20, {"sampling": "replacement"}, 6)],
)
def test_orders_that_nobody_waits_for(observable, order, options, most):
    many = fd.count_diagrams(order, observable == "train_loss")
    with pytest.raises(fd.FastdiagError, match=f"^{many} diagrams of order {order} .* order {most} at most") as error:
        fd.expand(observable, order, **options)
    assert isinstance(error.value, MemoryError)


def test_coefficient_of_what():
    variance = expansion("test_loss_variance", 3)
    with pytest.raises(fd.FastdiagError, match="stands for"):
        variance.coefficient("[a a b]")
    with pytest.raises(fd.FastdiagError, match="cannot read diagram"):
        variance.coefficient("G G")
    assert variance.coefficient("[]") == 0


UPDATES, POINTS, BATCH = sympy.symbols("T N B")
POWERS = [
    2**-UPDATES, 3 * UPDATES * 2 ** (1 - UPDATES), 5 * 2**UPDATES, 180 * sympy.Rational(9, 10) ** (POINTS / BATCH), sympy.Rational(-1, 2) ** (2 * UPDATES),
    2 ** (-POINTS / BATCH - 1) / 7,
    *(term.coefficient for term in fd.expand("displacement", 2, sampling="one epoch", update=fd.updates.momentum(Fraction(1, 2)))),
]  # fmt: skip


@pytest.mark.parametrize("number", POWERS, ids=str)
def test_powers_of_numbers_are_read_back(number):
    """The coefficient's own symbols differ in what is assumed of them: they are read by name."""
    sign, text = coefficient_text.signed_text(number)
    again = sympy.sympify(f"{sign}({text or 1})".replace("^", "**"), {str(x): x for x in number.free_symbols})
    values = {x: {"T": 5, "N": 6, "B": 2}[str(x)] for x in number.free_symbols}
    assert sympy.nsimplify((again - number).subs(values)) == 0
