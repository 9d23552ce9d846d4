"""Reading the text of a formula: no network, no diagram, only what is printed; and SGD in Fractions to hold it against."""

import re
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import prod

import sympy

from . import oracle
from .polynomial_losses import problem

N, B, T, E = sympy.symbols("N B T E")
M = sympy.Symbol("M")
GREEK = "μνρσταβγδεζξφχψω"


@lru_cache
def losses_of(kind):
    """Two polynomial losses in two weights: any; with a diagonal mean Hessian; at a minimum, with a diagonal mean Hessian."""
    losses, weights, _ = problem(2, 1 if kind == "one weight" else 2)
    losses = [dict(loss) for loss in losses]
    gone = {"diagonal": [(1, 1)], "minimum": [(1, 1), (1, 0), (0, 1)]}.get(kind, [])
    mean = oracle.mean_loss(losses, weights)
    for exponents in gone:
        for loss in losses:
            loss[exponents] = loss.get(exponents, Fraction(0)) - mean[exponents]
    return losses, weights, oracle.Tensors(losses, weights)


FACTOR = re.compile(r"\(?∇(?P<at>\S+) (?P<of>[CS])(?P<rest>[^\s)]+)\)?|(?P<many>cov|κ)\((?P<points>[^)]*)\)|⟨(?P<moment>[^⟩]*)⟩|(?P<one>[lGHJCS])(?P<scripts>\S*)")


def letters(scripts):
    return tuple(scripts.replace("_", "").replace("^", ""))


def check_einstein(text, axes):
    """Summed indices stand once below and once above, free ones above, letters are taken in order."""
    below, above = [], []
    for mark, letters_of in re.findall(r"([_^])([^_^\s(),⟩]+)", text):
        (below if mark == "_" else above).extend(letters_of)
    free = list(GREEK[:axes])
    assert sorted(below + free) == sorted(above)
    assert len(set(above)) == len(above)
    assert set(above) == set(GREEK[: len(above)])


def factors_of(text):
    """Each factor as a function of the indices' values."""
    found = []
    position = 0
    for match in FACTOR.finditer(text):
        assert text[position : match.start()].strip() == ""
        position = match.end()
        if match["of"]:
            at, rest = letters(match["at"]), letters(match["rest"])
            # product rule: the derivative falls on each gradient of the cumulant in turn
            found.append([("cumulant", tuple((a, *(at if i == j else ())) for i, a in enumerate(rest))) for j in range(len(rest))])
        elif match["many"] or match["moment"]:
            nodes = (match["points"] or match["moment"]).replace(",", "").split()
            degrees = {"g": 1, "h": 2, "j": 3}
            for node in nodes:
                assert len(letters(node[1:])) == degrees.get(node[0], len(letters(node[1:])))
            assert match["moment"] or {"cov": 2}.get(match["many"], len(nodes)) == len(nodes)
            found.append([("moment" if match["moment"] else "cumulant", tuple(letters(node[1:]) for node in nodes))])
        elif match["one"] in "CS":
            assert len(letters(match["scripts"])) == {"C": 2, "S": 3}[match["one"]]
            found.append([("cumulant", tuple((x,) for x in letters(match["scripts"])))])
        else:
            indices = letters(match["scripts"])
            assert len(indices) == {"G": 1, "H": 2, "J": 3}.get(match["one"], len(indices))
            found.append([("cumulant", (indices,))])
    assert text[position:].strip() == ""
    return found


def value(text, tensors, index):
    """The contraction that the text stands for, at the given values of the free indices."""
    factors = factors_of(text)
    used = sorted({x for terms in factors for _, nodes in terms for node in nodes for x in node})
    summed = [x for x in used if x not in GREEK[: len(index)]]
    total = Fraction(0)
    for values in product(range(tensors.n), repeat=len(summed)):
        at = {**dict(zip(GREEK, index, strict=False)), **dict(zip(summed, values, strict=True))}
        total += prod(
            sum(getattr(tensors, kind)(tuple(tuple(sorted(at[x] for x in node)) for node in nodes)) for kind, nodes in terms)
            for terms in factors
        )
    return total


def evaluated(formula, tensors, index, points, batch, updates):
    numbers = {N: points, B: batch, T: updates, E: sympy.Rational(updates * batch, points), M: sympy.Rational(updates, points)}
    series = [Fraction(0)] * (formula.order + 1)
    for term in formula:
        check_einstein(term.tensors.text(), len(index))
        number = sympy.sympify(term.coefficient).subs(numbers)
        series[term.order] += Fraction(int(number.p), int(number.q)) * value(term.tensors.text(), tensors, index)
    return series


@lru_cache
def sgd(kind, *case, order):
    """Series in eta of each observable: a Fraction for each order, by axes {index: series}."""
    found = oracle.sgd_observables(*losses_of(kind)[:2], *case, order)
    return {name: series if isinstance(series, dict) else {(): series} for name, series in found.items()}


def resummed_series(formula, kind, index, points, batch, updates):
    eta = sympy.Symbol("eta")
    tensors = losses_of(kind)[2]
    rates = [tensors.moment(((v, v),)) for v in range(tensors.n)]
    k = [1 - eta * sympy.Rational(h.numerator, h.denominator) for h in rates]
    total = sympy.Integer(0)
    for term in formula:
        text = term.tensors.text()
        check_einstein(text, len(index))
        number = sympy.cancel(sympy.sympify(term.coefficient).subs({N: points, B: batch, T: updates}))
        assert sympy.fraction(number)[1].is_number  # a polynomial in the k's: no poles where they coincide
        used = sorted({x for terms in factors_of(text) for _, nodes in terms for node in nodes for x in node} | set(GREEK[: len(index)]))
        for values in product(range(tensors.n), repeat=len(used)):
            at = dict(zip(used, values, strict=True))
            if all(at[x] == i for x, i in zip(GREEK, index, strict=False)):
                entry = prod(
                    sum(getattr(tensors, what)(tuple(tuple(sorted(at[x] for x in node)) for node in nodes)) for what, nodes in terms)
                    for terms in factors_of(text)
                )
                powers = {symbol: k[at[symbol.name[2:]]] for symbol in number.free_symbols}
                total += sympy.Rational(entry.numerator, entry.denominator) * number.subs(powers) * eta**term.order
    found = sympy.Poly(total, eta).all_coeffs()[::-1] + [0] * formula.order
    return [Fraction(int(x.p), int(x.q)) for x in map(sympy.sympify, found[: formula.order + 1])]
