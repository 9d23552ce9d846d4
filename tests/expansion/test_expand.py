"""Formulas: their text is read back, tensors and numbers are put in, and SGD in Fractions must come out."""

import random
import re
from fractions import Fraction
from functools import lru_cache
from itertools import permutations

import pytest
import sympy

import fastdiag as fd
from fastdiag.expansion.network import canonical_network, network_of
from fastdiag.values.root import loss_root
from oracles import oracle
from oracles.printed_formulas import evaluated, losses_of, resummed_series, sgd

N, B, T, E = sympy.symbols("N B T E")
M = sympy.Symbol("M")


@lru_cache
def expansion(observable, order, **options):
    return fd.expand(observable, order, **options)


CASES = [(3, 1, 3, "reshuffle"), (2, 1, 4, "reshuffle"), (4, 2, 4, "reshuffle"), (2, 1, 4, "cyclic"), (3, 2, 2, "replacement"),
         (3, 1, 2, "one epoch"), (4, 2, 2, "one epoch")]
OBSERVABLES = ["test_loss", "train_loss", "generalization_gap", "displacement", "covariance", "test_loss_variance"]


def check(formula, kind, case, order):
    """The formula's text, with numbers and tensors put in, is SGD's series to this order."""
    points, batch, updates, sampling = case
    run = sgd(kind, points, batch, updates, "reshuffle" if sampling == "one epoch" else sampling, order=order)
    for index, series in run[formula.observable].items():
        found = evaluated(formula, losses_of(kind)[2], index, points, batch, updates)
        kept = min(len(found), len(series))
        assert found[:kept] == series[:kept]


MORE = [(2, 1, 4, "reshuffle"), (3, 1, 2, "one epoch")]  # others have larger batches


@pytest.mark.every(3)
@pytest.mark.parametrize("case", [pytest.param(case, marks=[pytest.mark.long] * (case in MORE)) for case in CASES], ids=str)
@pytest.mark.parametrize("observable", OBSERVABLES)
def test_formula_is_sgd(observable, case):
    check(expansion(observable, 3, sampling=case[3]), "one weight" if case[:3] == (4, 2, 4) else "any", case, 3)


@pytest.mark.parametrize("case", [pytest.param((3, 1, 3, "reshuffle"), marks=pytest.mark.long), (2, 1, 4, "cyclic")], ids=str)
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
        assert canonical_network(tuple(tuple(map(tuple, part)) for part in parts)) == network
    assert all(len(found) == 1 for found in classes.values())
    assert len(set.union(*classes.values())) == len(classes) == {3: 12, 5: 401}[order]


def test_proposition_2():
    formula = fd.expand("test_loss", 2)
    names = "l", "G_μ G^μ", "G_μ H^μ_ν G^ν", "C_μν H^μν", "(∇_μ C_ν^ν) G^μ"
    l, GG, GHG, CH, gradient = (sympy.Symbol(name) for name in names)
    eta = sympy.Symbol("eta")
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


# Resummed: k = 1 - eta h put into the printed formula.


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


@pytest.mark.every(2)
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
    run = sgd("diagonal", *case, "reshuffle" if sampling == "one epoch" else sampling, order=3)
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
    one, two, three = (sympy.Symbol(f"k_{letter}") for letter in "μνρ")
    formula = expansion("test_loss", 3, resummed=True, sampling="one epoch")
    skew = formula.coefficient("S_μνρ J^μνρ").subs(B, 1)
    k = one * two * three
    assert sympy.cancel(skew + (1 - one**T * two**T * three**T) / (1 - k) / 6) == 0
    moved = expansion("displacement", 3, resummed=True, sampling="one epoch", at_minimum=True)
    (term,) = moved
    assert term.tensors.text() == "C_νρ J^μνρ"
    far = sum(part for part in sympy.Add.make_args(sympy.expand(term.coefficient.subs(B, 1), deep=False)) if not part.has(T))
    assert sympy.cancel(far + 1 / (1 - two * three) / (1 - one) / 2) == 0
    assert moved.coefficient("[a[b b]]") == term.coefficient
    assert moved.coefficient("[a a]") == 0
