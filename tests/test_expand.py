"""Formulas: their text is read back, tensors and numbers are put in, and SGD in Fractions must come out."""

import random
import re
from fractions import Fraction
from functools import lru_cache
from itertools import permutations, product
from math import prod

import pytest
import sympy

import fastdiag as fd
import oracle
from fastdiag.expansion.network import canonical, network_of
from fastdiag.values.root import loss_root
from test_expansion import problem

N, B, T, E = sympy.symbols("N B T E", positive=True, integer=True)
M = sympy.Symbol("M", positive=True)
GREEK = "μνρσταβγδεζξφχψω"


# SGD in Fractions, every observable at once.


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


@lru_cache
def sgd(kind, points, batch, updates, sampling, order):
    """Series in eta of each observable: a Fraction for each order, by axes {index: series}."""
    losses, weights, tensors = losses_of(kind)
    n = tensors.n
    gradients = [[oracle.derivative(loss, v) for v in range(n)] for loss in losses]
    test = oracle.mean_loss(losses, weights)
    sequences = oracle.batch_sequences(points, batch, updates, sampling)
    if sampling != "replacement":
        first = tuple(tuple(range(i * batch, (i + 1) * batch)) for i in range(min(points // batch, updates)))
        sequences = [s for s in sequences if s[: len(first)] == first]
    zero = [Fraction(0)] * (order + 1)
    sums = {}

    def add(key, chance, series):
        sums[key] = [x + chance * y for x, y in zip(sums.get(key, zero), series, strict=True)]

    for training_set in product(range(len(losses)), repeat=points):
        chance = prod(weights[x] for x in training_set) / len(sequences)
        for batches in sequences:
            theta = [list(zero) for _ in range(n)]
            for chosen in batches:
                steps = [list(zero) for _ in range(n)]
                for row in chosen:
                    for v in range(n):
                        g = oracle.evaluate(gradients[training_set[row]][v], theta)
                        steps[v] = [x + y for x, y in zip(steps[v], g, strict=True)]
                for v in range(n):
                    theta[v] = [theta[v][0]] + [x - y / batch for x, y in zip(theta[v][1:], steps[v][:-1], strict=True)]
            loss = oracle.evaluate(test, theta)
            add("test_loss", chance, loss)
            add("loss squared", chance, oracle.series_product(loss, loss))
            for x in training_set:
                add("train_loss", chance / points, oracle.evaluate(losses[x], theta))
            for v in range(n):
                add(("displacement", v), chance, theta[v])
                for w in range(n):
                    add(("second moment", v, w), chance, oracle.series_product(theta[v], theta[w]))
    less = lambda a, b: [x - y for x, y in zip(a, b, strict=True)]
    mean = [sums["displacement", v] for v in range(n)]
    return {
        "test_loss": {(): sums["test_loss"]},
        "train_loss": {(): sums["train_loss"]},
        "generalization_gap": {(): less(sums["test_loss"], sums["train_loss"])},
        "displacement": {(v,): mean[v] for v in range(n)},
        "covariance": {
            (v, w): less(sums["second moment", v, w], oracle.series_product(mean[v], mean[w]))
            for v in range(n) for w in range(n)
        },
        "test_loss_variance": {(): less(sums["loss squared"], oracle.series_product(sums["test_loss"], sums["test_loss"]))},
    }


# Reading the text of a formula: no network, no diagram, only what is printed.

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
def expansion(observable, order, **options):
    return fd.expand(observable, order, **options)


CASES = [(3, 1, 3, "reshuffle"), (2, 1, 4, "reshuffle"), (4, 2, 4, "reshuffle"), (2, 1, 4, "cyclic"), (3, 2, 2, "replacement"),
         (3, 1, 2, "one epoch"), (4, 2, 2, "one epoch")]
OBSERVABLES = ["test_loss", "train_loss", "generalization_gap", "displacement", "covariance", "test_loss_variance"]


def check(formula, kind, case, order):
    """The formula's text, with numbers and tensors put in, is SGD's series to this order."""
    points, batch, updates, sampling = case
    run = sgd(kind, points, batch, updates, "reshuffle" if sampling == "one epoch" else sampling, order)
    for index, series in run[formula.observable].items():
        found = evaluated(formula, losses_of(kind)[2], index, points, batch, updates)
        kept = min(len(found), len(series))
        assert found[:kept] == series[:kept]


MORE = [(2, 1, 4, "reshuffle"), (3, 1, 2, "one epoch")]  # others have larger batches


@pytest.mark.parametrize("case", [pytest.param(case, marks=[pytest.mark.long] * (case in MORE)) for case in CASES], ids=str)
@pytest.mark.parametrize("observable", OBSERVABLES)
def test_formula_is_sgd(observable, case):
    check(expansion(observable, 3, sampling=case[3]), "one weight" if case[:3] == (4, 2, 4) else "any", case, 3)


@pytest.mark.parametrize("case", [(3, 1, 3, "reshuffle"), (2, 1, 4, "cyclic")], ids=str)
def test_losses_to_order_four(case):
    losses, weights, tensors = losses_of("any")
    found = evaluated(expansion("test_loss", 4, sampling=case[3]), tensors, (), *case[:3])
    assert found == oracle.sgd_test_loss(losses, weights, *case, 4)


@pytest.mark.long
@pytest.mark.parametrize(
    ("observable", "case"),
    [("train_loss", (2, 1, 4, "cyclic")), ("test_loss", (4, 2, 4, "reshuffle")), ("test_loss", (3, 1, 2, "one epoch")), ("test_loss", (4, 2, 2, "one epoch"))],
    ids=str,
)
def test_one_weight_to_order_four(observable, case):
    check(expansion(observable, 4, sampling=case[3]), "one weight", case, 4)


@pytest.mark.parametrize("observable", OBSERVABLES)
def test_moment_basis(observable):
    """The same formula with means of products."""
    order = 3 if observable == "generalization_gap" else 2
    for case in (CASES[1], CASES[6]):
        check(expansion(observable, order, sampling=case[3], basis="moment"), "any", case, 3)


@pytest.mark.parametrize("observable", ["test_loss", pytest.param("generalization_gap", marks=pytest.mark.long), "covariance"])
def test_time_in_any_symbol_and_the_double_series(observable):
    for sampling in ("reshuffle", "replacement", "one epoch"):
        order = 3 if sampling == "one epoch" else 2
        formula = expansion(observable, order, sampling=sampling)
        with_time = {"M": {M: T / N}, "T": {}, "E": {E: T * B / N}}
        wanted = formula.sympy().subs(M, T / N)
        for time, back in with_time.items():
            other = expansion(observable, order, sampling=sampling, time=time)
            assert sympy.expand(other.sympy().subs(back, simultaneous=True) - wanted) == 0
        double = expansion(observable, order, sampling=sampling, arrange="double")
        assert sympy.expand(double.sympy() - wanted) == 0
        for term in double:
            assert not sympy.cancel(term.coefficient / T ** (term.order + term.power)).has(T)
        powers = [term.power for term in double]
        assert powers == sorted(powers, reverse=True)


@pytest.mark.parametrize("order", [3, 5])
def test_networks_of_the_test_loss_are_value_classes(order):
    """However parts, nodes and indices are shuffled."""
    chance = random.Random(order)
    classes = {}
    for D in fd.diagrams(order):
        network = network_of(D, loss_root(D.degrees[0]))
        classes.setdefault(D.value_class, set()).add(network)
        names = list(range(order))
        chance.shuffle(names)
        parts = [[[names[label] for label in node] for node in part] for part in network]
        for part in parts:
            for node in part:
                chance.shuffle(node)
            chance.shuffle(part)
        chance.shuffle(parts)
        assert canonical(tuple(tuple(map(tuple, part)) for part in parts)) == network
    assert all(len(found) == 1 for found in classes.values())
    assert len(set.union(*classes.values())) == len(classes) == {3: 12, 5: 401}[order]


def test_proposition_2():
    formula = fd.expand("test_loss", 2)
    names = "l", "G_μ G^μ", "G_μ H^μ_ν G^ν", "C_μν H^μν", "(∇_μ C_ν^ν) G^μ"
    l, GG, GHG, CH, gradient = (sympy.Symbol(name, real=True) for name in names)
    eta = sympy.Symbol("eta", positive=True)
    half = sympy.Rational(1, 2)
    wanted = l - eta * M * N * GG + eta**2 * M * N * ((M * N - half) * GHG + M / 2 * CH + (M - 1 / B) / 2 * gradient / 2)
    assert sympy.expand(formula.sympy() - wanted) == 0
    assert [term.tensors.text() for term in formula] == list(names)
    assert str(formula) == formula.text()
    assert formula.latex() == (
        r"\mathbb{E}[l(\theta_T)] = l - M N \, G_{\mu} \, G^{\mu} + \frac{M N \left(2 M N - 1\right)}{2} \, G_{\mu} \, H^{\mu}_{\nu} "
        r"\, G^{\nu} + \frac{M^{2} N}{2} \, C_{\mu \nu} \, H^{\mu \nu} + \frac{M N \left(B M - 1\right)}{4 B} \, "
        r"(\nabla_{\mu} C_{\nu}^{\nu}) \, G^{\mu} + O(\eta^{3}), "
        r"\quad \text{indices raised by } \eta"
    )
    for sampling in ("cyclic", "reshuffle"):  # the order of the rows matters from order 4 on
        assert fd.expand("test_loss", 3, sampling=sampling).sympy() == fd.expand("test_loss", 3).sympy()


def test_order_three_value_classes():
    """E = B = 1: 4, 2 (C(T,3)), 3/2, 1, 1 (C(T,2)) and 1/6 (T), up to sign (theory, section 2)."""
    formula = fd.expand("test_loss", 3, sampling="one epoch", basis="moment")
    pairs, triples = T * (T - 1) / 2, T * (T - 1) * (T - 2) / 6
    wanted = {"[a b[c]]": 4 * triples, "[a b c]": 2 * triples, "[a a b]": pairs * sympy.Rational(3, 2), "[a a[b]]": pairs,
              "[a b[a]]": pairs, "[a a a]": T / sympy.Integer(6)}
    found = {term.diagrams[0].value_class: term for term in formula if term.order == 3}
    nonzero = {str(D): term.coefficient.subs(B, 1) for D, term in found.items() if term.coefficient.subs(B, 1) != 0}
    assert set(nonzero) == set(wanted)
    for text, coefficient in wanted.items():
        assert sympy.expand(nonzero[text] + coefficient) == 0
        assert sympy.expand(formula.coefficient(text).subs(B, 1) + coefficient) == 0
    assert sorted(D for term in formula for D in term.diagrams) == sorted(
        D for d in range(4) for D in fd.diagrams(d) if fd.maps_formula(D, "one epoch", "moment") != 0
    )


def test_coefficients_are_those_of_the_diagrams():
    formula = expansion("test_loss", 3)
    for D in fd.diagrams(3):
        same = [other for other in fd.diagrams(3) if other.value_class == D.value_class]
        for n, b, e in ((6, 2, 3), (4, 1, 5)):
            right = sum(fd.coefficient(other, fd.Spacetime(n, b, E=e)) for other in same)
            found = formula.coefficient(D).subs({N: n, B: b, M: sympy.Rational(e, b)})
            assert found == sympy.Rational(right.numerator, right.denominator)
    assert formula.coefficient("C_μν H^μν") == formula.coefficient("[a a]") == M**2 * N / 2
    assert expansion("covariance", 3).coefficient("C^μν") == M**2 * N


@pytest.mark.parametrize("observable", OBSERVABLES)
def test_at_minimum(observable):
    formula = expansion(observable, 3, at_minimum=True)
    whole = expansion(observable, 3)
    left_out = [term for term in whole if term.tensors.text() not in {kept.tensors.text() for kept in formula}]
    assert all(re.search(r"(^| )G[_^]", term.tensors.text()) for term in left_out)
    assert not any(re.search(r"(^| )G[_^]", term.tensors.text()) for term in formula)
    check(formula, "minimum", (2, 1, 4, "reshuffle"), 3)
    assert [term.tensors.text() for term in fd.expand("test_loss", 2, at_minimum=True)] == ["l", "C_μν H^μν"]


# Resummed: k = 1 - eta h put into the printed formula, as a series in eta.


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


@pytest.mark.parametrize("observable", OBSERVABLES)
def test_resummed_formula_is_sgd(observable):
    order = 2 if observable in ("train_loss", "generalization_gap") else 3
    check_resummed(observable, order, 4, 2, 2)
    if order == 2 or observable == "covariance":
        check_resummed(observable, order, 3, 1, 3)


@pytest.mark.long
@pytest.mark.parametrize("case", [(3, 1, 3), (4, 2, 2)], ids=str)
@pytest.mark.parametrize("observable", OBSERVABLES)
def test_resummed_formula_is_sgd_to_order_three(observable, case):
    check_resummed(observable, 3, *case)


@pytest.mark.parametrize("case", [(2, 1, 4, "reshuffle"), (2, 1, 4, "cyclic"), (3, 2, 2, "replacement")], ids=str)
@pytest.mark.parametrize("observable", ["test_loss", "generalization_gap", "covariance"])
def test_resummed_formula_is_sgd_over_epochs(observable, case):
    check_resummed(observable, 2, *case)


@pytest.mark.long
@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
@pytest.mark.parametrize("observable", ["test_loss", "displacement", "covariance", "test_loss_variance"])
def test_resummed_formula_is_sgd_over_epochs_to_order_three(observable, sampling):
    check_resummed(observable, 3, 2, 1, 4, sampling)


def check_resummed(observable, order, points, batch, updates, sampling="one epoch"):
    formula = expansion(observable, order, resummed=True, sampling=sampling, time="T")
    case = points, batch, updates
    run = sgd("diagonal", *case, "reshuffle" if sampling == "one epoch" else sampling, 3)
    for index, series in run[observable].items():
        assert resummed_series(formula, "diagonal", index, *case) == series[: order + 1]


@pytest.mark.parametrize(("observable", "order"), [("test_loss", 3), pytest.param("test_loss", 4, marks=pytest.mark.long), ("generalization_gap", 2)])
def test_resummed_coefficients_are_weighted_maps(observable, order):
    """Order by order and diagram by diagram, at finite learning rates."""
    k = [Fraction(1, 3), Fraction(-2, 7), Fraction(5, 11), Fraction(7, 5)]
    formula = expansion(observable, order, resummed=True, sampling="one epoch")
    for d in range(order + 1):
        for D in fd.diagrams(d, irreducible=True, root_shares=observable == "generalization_gap"):
            found = [term for term in formula if D in term.diagrams]
            for term in found:
                # edges carry letters, so the sum over all ways to deal out the k's must agree
                spacetime = fd.Spacetime(12, 2, 5)
                used = sorted({s for s in term.coefficient.free_symbols if s.name.startswith("k_")}, key=str)
                assert len(used) == d
                number = term.coefficient.subs({N: 12, B: 2, T: 5})
                total = {"formula": 0, "maps": 0}
                for chosen in map(list, permutations(k[:d])):
                    numbers = {s: sympy.Rational(x.numerator, x.denominator) for s, x in zip(used, chosen, strict=True)}
                    total["formula"] += number.xreplace(numbers)
                    total["maps"] += fd.weighted_maps(D, spacetime, chosen)
                scale = sympy.Rational((-1) ** d, 2**d * D.automorphisms)
                ratio = total["formula"] / (scale * sympy.Rational(total["maps"].numerator, total["maps"].denominator))
                assert ratio == {"test_loss": 1, "generalization_gap": sympy.Rational(-1, 12)}[observable]
            if not found and observable == "test_loss":
                assert fd.maps(D, fd.Spacetime(12, 2, 5)) == 0


def test_resummed_corollaries():
    """Example 1 and Corollary 1 in their right form (theory, section 10)."""
    one, two, three = (sympy.Symbol(f"k_{letter}", real=True) for letter in "μνρ")
    formula = expansion("test_loss", 3, resummed=True, sampling="one epoch")
    skew = formula.coefficient("S_μνρ J^μνρ").subs(B, 1)
    k = one * two * three
    assert sympy.cancel(skew + (1 - k**T) / (1 - k) / 6) == 0
    moved = expansion("displacement", 3, resummed=True, sampling="one epoch", at_minimum=True)
    (term,) = moved
    assert term.tensors.text() == "C_νρ J^μνρ"
    far = sum(part for part in sympy.Add.make_args(sympy.expand(term.coefficient.subs(B, 1), deep=False)) if not part.has(T))
    assert sympy.cancel(far + 1 / (1 - two * three) / (1 - one) / 2) == 0
    assert moved.coefficient("[a[b b]]") == term.coefficient
    assert moved.coefficient("[a a]") == 0


# What is asked for, and how it looks.


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
    eta = sympy.Symbol("eta", positive=True)
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
    assert formula[0].symbol == sympy.Symbol("G^μ", real=True)
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


def test_on_the_command_line():
    from click.testing import CliRunner

    from fastdiag.cli import main

    run = lambda *arguments: CliRunner().invoke(main, ["expand", *arguments])
    assert run().output == fd.expand().text() + "\n"
    done = run("generalization_gap", "--order", "3", "--at-minimum", "--time", "E", "--basis", "moment", "--sampling", "cyclic")
    assert done.output == fd.expand("generalization_gap", 3, at_minimum=True, time="E", basis="moment", sampling="cyclic").text() + "\n"
    done = run("displacement", "--order", "3", "--resummed", "--sampling", "one epoch", "--latex")
    assert done.output == fd.expand("displacement", 3, resummed=True, sampling="one epoch").latex(aligned=True) + "\n"
    assert run("--double").output == fd.expand(arrange="double").text() + "\n"
    done = run("loss")
    assert done.exit_code == 2
    assert "unknown observable" in done.output
