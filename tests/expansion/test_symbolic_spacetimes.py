"""Spacetimes of symbols, and numbers put into formulas by name: against spacetimes of numbers, on a grid."""

import copy
import math
import pickle
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import InputError, UnsupportedError

n, b, t, e, mu = sympy.symbols("n b t e mu")  # nothing is known of them
DIAGRAMS = ["[a a]", "[a[a]]", "[a b[a]]"]
MORE = [pytest.param(["[a]", "[a[b]]", "[b[a a]]", "[a b c]", "[a[b] a[b]]"], marks=pytest.mark.long, id="more")]
WHOLE = [(1, 1, 2), (2, 1, 3), (4, 2, 1), (6, 3, 2), (6, 2, 3)]  # N, B, E


def equal(formula, values, number):
    return sympy.sympify(formula).subs(values) == sympy.Rational(Fraction(number).numerator, Fraction(number).denominator)


@pytest.mark.parametrize("diagrams", [pytest.param(DIAGRAMS, id="some"), *MORE])
@pytest.mark.parametrize("basis", ["cumulant", "moment"])
@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
def test_counts_and_coefficients(sampling, basis, diagrams):
    whole, updates = (fd.Spacetime(N=n, B=b, sampling=sampling, **time) for time in ({"E": e}, {"T": t}))
    for text in diagrams:
        count, weight, partial = fd.maps(text, whole, basis), fd.coefficient(text, whole, basis), fd.maps(text, updates, basis)
        for N, B, E in WHOLE if diagrams is not DIAGRAMS else WHOLE[1:4]:
            numbers = fd.Spacetime(N, B, E=E, sampling=sampling)
            assert equal(count, {n: N, b: B, e: E}, fd.maps(text, numbers, basis)), (text, numbers)
            assert equal(weight, {n: N, b: B, e: E}, fd.coefficient(text, numbers, basis)), (text, numbers)
            for T in {1, numbers.T - 1, numbers.T + 1} - {0}:
                known = fd.maps(text, numbers.with_updates(T), basis)
                assert equal(partial, {n: N, b: B, t: T}, known), (text, numbers, T)


@pytest.mark.parametrize("diagrams", [pytest.param(["[a[b] a[b]]"], id="some"), *MORE])
def test_some_numbers_and_some_symbols(diagrams):
    for text in diagrams:
        for N, B, sampling in product((1, 2), (1, 2), ("reshuffle", "cyclic")):
            if B <= N:
                count = fd.maps(text, fd.Spacetime(N, B, t, sampling=sampling))
                for T in (1, 2, 5):  # a number N has no poles
                    assert equal(count, {t: T}, fd.maps(text, fd.Spacetime(N, B, T, sampling=sampling))), (text, N, B, T)
        fresh = fd.coefficient(text, fd.Spacetime(N=math.inf, B=b, T=t))
        assert equal(fresh, {b: 3, t: 5}, fd.coefficient(text, fd.Spacetime(N=math.inf, B=3, T=5)))
    for text in DIAGRAMS[:2]:
        dropped = fd.coefficient(text, fd.Spacetime(N=n, B=b, T=t, last="drop"))
        assert equal(dropped, {n: 5, b: 2, t: 5}, fd.coefficient(text, fd.Spacetime(5, 2, 5, last="drop")))


def test_rules():
    rule, half = fd.updates.momentum(mu), fd.updates.momentum(Fraction(1, 2))
    for text, sampling in product(("[a a]", "[a[b]]"), ("reshuffle", "replacement")):
        formula = fd.coefficient(text, fd.Spacetime(N=n, B=b, E=e, sampling=sampling), update=rule)
        wanted = fd.coefficient(text, fd.Spacetime(4, 2, E=2, sampling=sampling), update=half)
        assert equal(formula, {n: 4, b: 2, e: 2, mu: sympy.Rational(1, 2)}, wanted), (text, sampling)
    assert equal(fd.coefficient("[a a]", fd.Spacetime(N=math.inf, B=b, T=t), update=half), {b: 2, t: 3}, fd.coefficient("[a a]", fd.Spacetime(N=math.inf, B=2, T=3), update=half))
    assert fd.maps("[a b]", fd.Spacetime(N=n, B=b, E=e)) == fd.coefficient("[a b]", fd.Spacetime(N=n, B=b, E=e), update=fd.updates.ode()) * 2 * b**2
    newton = fd.updates.regularized_newton(Fraction(1, 3))
    found = fd.coefficient("[a[a]]", fd.Spacetime(N=n, B=b, E=e), update=newton)
    assert equal(found, {n: 4, b: 2, e: 2}, fd.coefficient("[a[a]]", fd.Spacetime(4, 2, E=2), update=newton))
    for ask in (
        lambda: fd.coefficient("[a]", fd.Spacetime(N=n, T=2), update=fd.updates.momentum(sympy.Symbol("n", positive=True))),
        lambda: fd.predict(fd.landscapes.gauss(), fd.Spacetime(N=n, E=1), sympy.Symbol("n", positive=True), 1, resummed=False),
    ):
        with pytest.raises(InputError, match="two different symbols are called n"):
            ask()
    with pytest.raises(UnsupportedError, match="schedule"):
        fd.coefficient("[a]", fd.Spacetime(N=n, B=b, T=t), update=fd.updates.schedule([1, 2]))


@pytest.mark.parametrize("observable", ["train_loss", "test_loss_variance", *(pytest.param(x, marks=pytest.mark.long) for x in ("test_loss", "covariance", "displacement"))])
def test_predictions(observable):
    w, x, c, eta = sympy.symbols("w x c eta")
    land = fd.landscapes.symbolic((w - c * x) ** 2 / 2 + w**3, w, x, fd.landscapes.normal(), at=[1])
    p = fd.predict(land, fd.Spacetime(N=n, B=b, E=e), eta, 2, observable, resummed=False)
    assert p == pickle.loads(pickle.dumps(p))
    q = fd.predict(land, fd.Spacetime(6, 3, E=2), Fraction(1, 3), 2, observable, resummed=False)
    for formula, number in zip(np.ravel(p.total), np.ravel(q.total), strict=True):
        assert sympy.expand(sympy.sympify(formula).subs({n: 6, b: 3, e: 2, eta: sympy.Rational(1, 3)}) - number) == 0


def test_formulas_take_a_spacetime():
    spacetimes = [fd.Spacetime(N=n, B=b, E=e), fd.Spacetime(5, 2, 4, last="keep"), fd.Spacetime(4, 1, 6, sampling="cyclic")]
    for spacetime in spacetimes:
        formula = fd.expand("test_loss", 2, spacetime=spacetime)
        for text in ("[a]", "[a a]", "[a[a]]"):
            assert sympy.simplify(formula.coefficient(text) - fd.coefficient(text, spacetime)) == 0, (text, spacetime)
    gap = fd.expand("generalization_gap", 1, spacetime=spacetimes[0])
    assert sympy.simplify(gap.terms[0].coefficient - e / b) == 0
    for options in ({"sampling": "cyclic"}, {"time": "T"}, {"resummed": True}, {"arrange": "double"}):
        with pytest.raises(InputError, match="a spacetime tells"):
            fd.expand("test_loss", 2, spacetime=spacetimes[0], **options)


def test_the_object_itself():
    st = fd.Spacetime(N=n, B=b, E=e)
    for again in [copy.deepcopy(st), *(pickle.loads(pickle.dumps(st, protocol)) for protocol in range(6))]:
        assert again == st
        assert hash(again) == hash(st)
    assert repr(st) == "Spacetime(N=n, B=b, T=e*n/b, sampling='reshuffle')"
    assert eval(repr(st), {"Spacetime": fd.Spacetime, "n": n, "b": b, "e": e}) == st
    assert (st.E, st.is_symbolic, st._repr_svg_(), fd.Spacetime(N=n, T=t, last="drop").E) == (e, True, None, t / sympy.floor(n))
    assert fd.Spacetime(N=sympy.Integer(4), T=sympy.Integer(2)) == fd.Spacetime(4, 1, 2)


@pytest.mark.parametrize(("arguments", "words"), [
    ({"N": n}, "T, or of epochs"), ({"N": n, "T": t, "E": e}, "T, or of epochs"), ({"N": -n, "B": sympy.Symbol("b", negative=True), "T": 1}, "B must be a positive"),
    ({"N": n, "T": sympy.Symbol("t", integer=False)}, "T must be a positive"), ({"N": math.inf, "E": e}, "no epoch ever ends"),
    ({"N": 10, "B": 4, "T": t}, "last='keep' or last='drop'"), ({"N": 2, "B": 4, "T": t}, "exceeds"), ({"N": n, "T": math.inf}, "T = inf"),
    ({"N": n, "B": sympy.Symbol("n", positive=True), "T": 1}, "two different symbols are called n"), ({"N": n, "T": 0}, "at least 1"),
    ({"N": n, "T": 1.5}, "whole number"), ({"N": n + 0.5, "T": 1}, "N must be a positive"),
])
def test_what_is_no_spacetime(arguments, words):
    with pytest.raises(InputError, match=words):
        fd.Spacetime(**arguments)


def test_numbers_are_asked_for_where_there_must_be():
    st, land = fd.Spacetime(N=n, B=b, E=e), fd.landscapes.gauss()
    asked = [
        lambda: fd.weighted_maps("[a]", st, 1), lambda: next(fd.embeddings("[a]", st)), lambda: fd.embedding_counts("[a]", st),
        lambda: fd.count_maps(fd.diagrams(1), st), lambda: fd.rvalue("[a]", land, st, 0.1), lambda: fd.predict(land, st, 0.1),
        lambda: fd.predict(land, st, 0.1, noise=1), lambda: fd.predict(land, st, 0.1, 2, resummed=False), lambda: st.batches(),
        lambda: fd.simulate(land, st, 0.1, runs=2), lambda: fd.table(1).coefficients(n, 1, 1), lambda: st.whole_epochs,
        lambda: fd.drawing.spacetime_svg(st), lambda: fd.drawing.spacetime_text(st), lambda: next(st.realisations()),
    ]
    for ask in asked:
        with pytest.raises(InputError):
            ask()


def test_numbers_by_name():
    formula = fd.expand("test_loss", 2)
    for N, B, E in WHOLE:
        numbers = fd.Spacetime(N, B, E=E)
        for time in ({"E": E}, {"T": numbers.T}, {"M": Fraction(numbers.T, N)}):
            found = formula.subs(N=N, B=B, **time)
            assert not {str(s) for s in found.sympy().free_symbols} & {"N", "B", "M", "T", "E"}
            for text in ("[a]", "[a a]", "[a[b]]", "[a[a]]"):
                assert found.coefficient(text) == fd.expand("test_loss", 2, spacetime=numbers).coefficient(text)
    mine = sympy.Symbol("N")
    assert formula.subs(N=mine).subs(B=1, E=2).coefficient("[a a]").free_symbols == {mine}
    under = fd.expand("displacement", 1, sampling="one epoch", update=fd.updates.momentum(mu)).subs(mu=Fraction(1, 2), T=4)
    assert under.coefficient("[a]") == sympy.Rational(-49, 8) == fd.coefficient("[a]", fd.Spacetime(4, 1, 4), update=fd.updates.momentum(Fraction(1, 2)))
    double = fd.expand("test_loss", 2, arrange="double")
    assert sum(term.coefficient for term in double.subs(N=4, B=2, T=4) if term.text_of_tensors() == "G_μ H^μ_ν G^ν") == formula.subs(N=4, B=2, T=4)[2].coefficient
    assert "1/(4*B)" in str(double.subs(N=7))


@pytest.mark.parametrize(("values", "words"), [
    ({"n": 1}, "no symbol called n; it knows B, E, M, N, T"), ({"T": 4, "E": 2}, "one and the same time"), ({"N": 0}, "N must be a positive"),
    ({"N": 2.5}, "N must be a positive whole"), ({"N": "4"}, "finite number"), ({"N": 10, "B": 3}, "whole epochs"),
    ({"N": 10, "B": 5, "T": 3}, "whole epochs"), ({"E": Fraction(1, 2)}, "whole epochs"), ({"B": math.inf}, "finite number"),
])
def test_bad_names_and_numbers(values, words):
    with pytest.raises(InputError, match=words):
        fd.expand("test_loss", 2).subs(**values)


def test_poles_are_told():
    formula = fd.expand("displacement", 1, sampling="one epoch", update=fd.updates.momentum(mu))
    with pytest.raises(InputError, match="a denominator of the formula vanishes at mu=1, T=4"):
        formula.subs(mu=1, T=4)


N, B, T, E = sympy.symbols("N B T E")


@pytest.mark.parametrize(("spacetime", "values", "there"), [
    (fd.Spacetime(N=N, B=B, E=E, last="keep"), {"N": 5, "B": 2, "E": 3}, fd.Spacetime(5, 2, E=3, last="keep")),
    (fd.Spacetime(N=N, B=B, E=E, last="keep"), {"N": 4, "B": 2, "E": 3}, fd.Spacetime(4, 2, E=3)), (fd.Spacetime(N=N, B=B, T=T), {"N": 6, "B": 2, "T": 4}, fd.Spacetime(6, 2, 4)),
    (fd.Spacetime(N=n, B=b, T=T, sampling="cyclic"), {"n": 6, "b": 2, "T": 4}, fd.Spacetime(6, 2, 4, sampling="cyclic")), (fd.Spacetime(N=math.inf, B=B, T=T), {"B": 2, "T": 3}, fd.Spacetime(math.inf, 2, 3)),
])
def test_numbers_on_a_spacetime(spacetime, values, there):
    formula = fd.expand("test_loss", 2, spacetime=spacetime)
    one_by_one = formula
    for name, value in values.items():
        one_by_one = one_by_one.subs(**{name: value})
    for found in (formula.subs(**values), one_by_one):
        assert found.spacetime == there
        for text in ("[a]", "[a[a]]", "[a[b]]"):
            assert found.coefficient(text) == fd.expand("test_loss", 2, spacetime=there).coefficient(text)
        with pytest.raises(InputError, match="no longer has a letter"):
            found.subs(**values)


@pytest.mark.parametrize(("spacetime", "values", "words"), [
    (fd.Spacetime(N=6, B=B, T=T), {"B": 4, "T": 2}, "does not divide"), (fd.Spacetime(N=n, B=b, T=t), {"n": 6, "b": 4}, "does not divide"), (fd.Spacetime(N=n, B=b, T=t, last="drop"), {"n": 6, "b": 7}, "exceeds"),
    (fd.Spacetime(N=n, B=b, T=t), {"N": 6}, "no symbol called N; it knows b, n, t"), (fd.Spacetime(N=n, B=b, T=t), {"t": sympy.Symbol("n", positive=True)}, "two different symbols are called n"),
    (fd.Spacetime(4, 2, 2), {"N": 4}, "no symbol called N; it knows none"),
])
def test_what_is_no_number_of_a_spacetime(spacetime, values, words):
    with pytest.raises(InputError, match=words):
        fd.expand("test_loss", 1, spacetime=spacetime).subs(**values)


@pytest.mark.parametrize(("sampling", "values", "words"), [
    ("one epoch", [{"N": 4, "B": 1, "T": 9}], "single epoch"), ("one epoch", [{"N": 4}, {"T": 3}, {"B": 2}], "single epoch"), ("one epoch", [{"E": Fraction(5, 4)}], "single epoch"),
    ("replacement", [{"N": 5, "B": 7, "T": 3}], "B = 7 exceeds N = 5"), ("reshuffle", [{"N": 5}, {"B": 2}], "whole epochs"), ("reshuffle", [{"T": 2 * N}, {"N": 6}, {"B": 5}], "whole epochs"),
    ("reshuffle", [{"N": 4, "B": 1, "M": 2}, {"T": 9}], "no longer has a letter T"), ("reshuffle", [{"N": 4, "B": 1, "M": 2}, {"N": 9}], "no longer has a letter N"), ("cyclic", [{"E": 2}, {"M": 1}], "no longer has a letter M"),
])
def test_numbers_that_a_formula_does_not_hold_for(sampling, values, words):
    *first, last = values
    formula = fd.expand("test_loss", 1, sampling=sampling)
    for some in first:
        formula = formula.subs(**some)
    with pytest.raises(InputError, match=words):
        formula.subs(**last)


def test_numbers_one_after_the_other():
    formula = fd.expand("test_loss", 2)
    assert formula.subs(N=6).subs(T=12).subs(B=2).sympy() == formula.subs(N=6, B=2, T=12).sympy() == formula.subs(T=2 * N).subs(N=6).subs(B=2).sympy()
    assert fd.expand("test_loss", 2, sampling="one epoch").subs(N=4, B=1, T=4).sympy() == fd.expand("test_loss", 2, spacetime=fd.Spacetime(4, 1, 4)).sympy()


def test_two_symbols_of_one_name_of_which_one_is_the_landscapes():
    w, x = sympy.symbols("w x")
    other, tenth = sympy.Symbol("N", positive=True), Fraction(1, 10)
    laws = fd.landscapes
    lands = [
        laws.symbolic((w - other * x) ** 2 / 2, w, x, laws.normal(), at=[1]), laws.symbolic((w - x) ** 2 / 2, w, x, laws.normal(), at=[other]),
        laws.symbolic((w - x) ** 2 / 2, w, x, laws.normal(0, other), at=[1]), laws.symbolic((w - x) ** 2 / 2, w, x, laws.finite({other: Fraction(1, 2), -1: Fraction(1, 2)}), at=[1]),
    ]
    for land in lands:
        asked = [
            lambda land=land: fd.predict(land, fd.Spacetime(N=N, E=1), tenth, 2, resummed=False), lambda land=land: fd.predict(land, fd.Spacetime(N=N, E=1), tenth, 2),
            lambda land=land: fd.predict(land, fd.Spacetime(3, T=3), N, 2), lambda land=land: fd.predict(land, fd.Spacetime(3, T=3), tenth, 1, update=fd.updates.momentum(N)),
            lambda land=land: fd.rvalue("[a a]", land, fd.Spacetime(N=N, E=1), tenth), lambda land=land: fd.criteria.gap(land, N, 10, 3), lambda land=land: fd.criteria.gap(land, tenth, 10, 3, ridge=N),
        ]
        for ask in asked:
            with pytest.raises(InputError, match="two different symbols are called N"):
                ask()
    assert fd.criteria.gap(lands[0], other, 10, 3).free_symbols == {other}
    assert fd.predict(lands[0], fd.Spacetime(N=other, E=1), tenth, 1, resummed=False).total.free_symbols == {other}
    named = laws.symbolic((w - x) ** 2 / 2, w, x, laws.normal(), at=[1])  # the weights' and the data's own names are free
    assert fd.predict(named, fd.Spacetime(N=w, E=1), x, 1, resummed=False).total.free_symbols == {w, x}


def test_a_batch_that_exceeds_the_data_for_certain():
    for sampling in ("reshuffle", "replacement"):
        with pytest.raises(InputError, match=r"B = N \+ 1 exceeds N = N"):
            fd.Spacetime(N=N, B=N + 1, E=1, sampling=sampling)
    p = sympy.Symbol("p", positive=True, integer=True)
    with pytest.raises(InputError, match="exceeds"):
        fd.Spacetime(N=p, B=2 * p, T=1)
    assert fd.Spacetime(N=2 * p, B=p, T=1).E == sympy.Rational(1, 2)
