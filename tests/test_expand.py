"""Formulas: their text is read back, tensors and numbers are put in, and SGD in Fractions must come out."""

import re
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import prod

import pytest
import sympy

import fastdiag as fd
import oracle
from test_expansion import problem

N, B, T, E = sympy.symbols("N B T E", positive=True, integer=True)
M = sympy.Symbol("M", positive=True)
GREEK = "μνρσταβγδεζξφχψω"


# SGD in Fractions, every observable at once.


@lru_cache
def sgd(seed, n, points, batch, updates, sampling, order):
    """Series in eta of each observable: a Fraction for each order, by axes {index: series}."""
    losses, weights, _ = problem(seed, n)
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
OBSERVABLES = [("test_loss", 4), ("train_loss", 3), ("generalization_gap", 3), ("displacement", 3), ("covariance", 3), ("test_loss_variance", 3)]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize(("observable", "order"), OBSERVABLES)
def test_formula_is_sgd(observable, order, case):
    points, batch, updates, sampling = case
    n = 1 if case == (4, 2, 4, "reshuffle") else 2
    formula = expansion(observable, order, sampling=sampling)
    run = sgd(2, n, *case[:3], "reshuffle" if sampling == "one epoch" else sampling, 4 if n == 1 or sampling == "one epoch" else 3)
    for index, series in run[observable].items():
        found = evaluated(formula, problem(2, n)[2], index, points, batch, updates)
        kept = min(len(found), len(series))
        assert found[:kept] == series[:kept]


def test_test_loss_to_order_four():
    for case in ((3, 1, 3, "reshuffle"), (2, 1, 4, "cyclic")):
        losses, weights, tensors = problem(2, 2)
        found = evaluated(expansion("test_loss", 4, sampling=case[3]), tensors, (), *case[:3])
        assert found == oracle.sgd_test_loss(losses, weights, *case, 4)
