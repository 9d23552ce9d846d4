"""Spacetimes of symbols with a smaller last batch, under rules and resummed: at numbers they are what numbers give."""

import math
from fractions import Fraction
from itertools import product

import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import InputError, UnsupportedError

F = Fraction
n, b, t, e, eta, mu, C = sympy.symbols("n b t e eta mu C")
u, v, x = sympy.symbols("u v x")
LAW = fd.landscapes.finite({-1: F(2, 3), 2: F(1, 3)})
HALF, NEWTON = fd.updates.momentum(F(1, 2)), fd.updates.regularized_newton(F(1, 3))
long = pytest.mark.long
pytestmark = pytest.mark.filterwarnings("ignore::fastdiag.errors.TrustWarning")


def rational(number):
    return sympy.Rational(F(number).numerator, F(number).denominator)


SIZES = [(2, 1), (3, 2), (4, 2), (5, 3)]
RULES = {"sgd": None, "momentum": HALF, "newton": NEWTON}


@pytest.mark.every(5)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic"])
@pytest.mark.parametrize("text", ["[a a]", "[a[a]]", pytest.param("[a b[a]]", marks=long), pytest.param("[a[a a]]", marks=long), pytest.param("[a[b]]", marks=long)])
def test_smaller_last_batches_and_epochs_that_end_early(text, sampling, rule):
    update = RULES[rule]
    for last, basis in (("keep", "cumulant"), ("keep", "moment"), ("drop", "cumulant"), (None, "cumulant")):
        st = fd.Spacetime(N=n, B=b, T=t, sampling=sampling, last=last)
        weight, number = fd.coefficient(text, st, basis, update=update), fd.maps(text, st, basis)
        for (N, B), T in product(SIZES, (1, 2, 3, 5)):
            if last is None and N % B:
                continue
            numbers = fd.Spacetime(N, B, T, sampling=sampling, last=last)
            at = {n: N, b: B, t: T}
            assert sympy.expand(weight.subs(at)) == rational(fd.coefficient(text, numbers, basis, update=update)), (last, basis, N, B, T)
            assert sympy.expand(number.subs(at)) == rational(fd.maps(text, numbers, basis))


def test_epochs_with_a_smaller_last_batch():
    st = fd.Spacetime(N=n, B=b, E=e, last="keep")
    assert repr(st) == "Spacetime(N=n, B=b, T=e*ceiling(n/b), sampling='reshuffle', last='keep')"
    assert st.E == e
    assert fd.Spacetime(N=5, B=2, T=t, last="keep").E == t / 3
    for text in ("[a a]", "[a[b]]"):
        for N, B, E in ((3, 2, 2), (5, 2, 1), (4, 2, 2)):
            found = fd.coefficient(text, st).subs({n: N, b: B, e: E})
            assert sympy.expand(found) == rational(fd.coefficient(text, fd.Spacetime(N, B, E=E, last="keep")))
        some = fd.coefficient(text, fd.Spacetime(N=5, B=2, T=t, last="keep"))
        assert [sympy.expand(some.subs(t, T)) for T in (2, 3, 4)] == [rational(fd.coefficient(text, fd.Spacetime(5, 2, T, last="keep"))) for T in (2, 3, 4)]
    formula = fd.expand("train_loss", 2, spacetime=st)
    numbers = fd.expand("train_loss", 2, spacetime=fd.Spacetime(3, 2, E=2, last="keep"))
    for term in numbers:
        found = formula.coefficient(term.text_of_tensors()).subs({n: 3, b: 2, e: 2})
        assert sympy.expand(found - term.coefficient) == 0, term


ONE = (u**2 + x * u + u**3 / 3, u, x)  # curvature 4 at the start
APART = (u**2 + v**2 + x * (u - 2 * v) + u**2 * v + x * u * v, (u, v), x)  # (4, 2) at (0, 1)
COUPLED = (u**2 + u * v + sympy.Rational(3, 2) * v**2 + x * (u - 2 * v) + u * v**2, (u, v), x)
LANDS = {
    "one": fd.landscapes.symbolic(*ONE, LAW, at=[1]), "apart": fd.landscapes.symbolic(*APART, LAW, at=[0, 1]),
    "coupled": fd.landscapes.symbolic(*COUPLED, LAW, at=[1, -1]),
}
CASES = [  # landscape, rule, eta, observable, sampling, last
    ("one", None, F(1, 7), "test_loss", "reshuffle", None), ("one", None, F(1, 7), "generalization_gap", "reshuffle", "keep"),
    ("one", HALF, F(1, 48), "test_loss", "cyclic", None), ("one", None, F(1, 2), "test_loss", "cyclic", None),
    ("coupled", None, F(1, 7), "test_loss", "replacement", None),
]
MORE = [
    ("one", NEWTON, F(1, 7), "train_loss", "cyclic", "keep"), ("one", None, F(1, 4), "test_loss", "reshuffle", None),
    ("apart", None, F(1, 7), "train_loss", "cyclic", None),
    ("coupled", None, F(1, 7), "displacement", "reshuffle", None), ("coupled", HALF, F(1, 7), "test_loss", "cyclic", None),
    ("coupled", NEWTON, F(1, 7), "test_loss", "reshuffle", "keep"), ("apart", HALF, F(1, 9), "test_loss", "reshuffle", None),
    ("one", None, F(1, 7), "test_loss_variance", "reshuffle", "keep"), ("apart", None, F(1, 7), "covariance", "cyclic", "keep"),
    ("one", fd.updates.nesterov(F(1, 2)), F(1, 7), "test_loss", "reshuffle", "keep"), ("one", fd.updates.weight_decay(F(1, 5)), F(1, 7), "test_loss", "replacement", None),
]


@pytest.mark.parametrize("case", [*CASES, *(pytest.param(case, marks=long) for case in MORE)], ids=str)
def test_resummed(case):
    name, rule, rate, observable, sampling, last = case
    land, time = LANDS[name], "T" if sampling == "replacement" else "E"
    p = fd.predict(land, fd.Spacetime(N=n, B=b, sampling=sampling, last=last, **{time: e}), rate, 2, observable, update=rule)
    for N, B, E in ((4, 2, 2), (3, 1, 1), (3, 2, 3)):
        if N % B == 0 or last or sampling == "replacement":
            q = fd.predict(land, fd.Spacetime(N, B, sampling=sampling, last=last, **{time: E}), rate, 2, observable, update=rule)
            for found, wanted in zip(sympy.flatten([p.total]), sympy.flatten([q.total]), strict=True):
                number = sympy.sympify(found).subs({n: N, b: B, e: E})
                if name == "one" and rule in (None, NEWTON, HALF):
                    assert sympy.expand(number) == wanted  # roots are rational
                else:
                    assert abs((number - wanted).evalf(40)) < 1e-30


def test_resummed_at_any_rate_and_curvature():
    h, c = sympy.symbols("h c")
    land = fd.landscapes.symbolic(h * u**2 / 2 + c * x * u, u, x, fd.landscapes.normal(), at=[1])
    fresh = fd.Spacetime(N=math.inf, B=b, T=t)
    p = fd.predict(land, fresh, eta, 2)
    k = 1 - eta * h
    wanted = h * k ** (2 * t) / 2 + eta**2 * c**2 * h / (2 * b) * (1 - k ** (2 * t)) / (1 - k**2)  # an affine recursion
    for at in ({h: F(1, 2), eta: F(1, 3)}, {h: 3, eta: F(1, 2)}, {h: 2, eta: F(3, 4)}):
        numbers = {**{s: rational(y) for s, y in at.items()}, c: 3, b: 2, t: 5}
        assert sympy.expand(p.total.subs(numbers) - wanted.subs(numbers)) == 0
    q = fd.predict(land, fd.Spacetime(N=n, E=e), F(1, 5), 1, "generalization_gap", T=None)
    assert sympy.simplify(q.total.subs({h: 2, c: 3, n: 4, e: 1}) - fd.predict(
        fd.landscapes.symbolic(u**2 + 3 * x * u, u, x, fd.landscapes.normal(), at=[1]), fd.Spacetime(4, E=1), F(1, 5), 1, "generalization_gap").total) == 0


def test_resummed_about_a_given_training_set():
    land = LANDS["one"]
    p = fd.predict(land, fd.Spacetime(N=3, B=1, E=e), F(1, 7), 2, training_set="given")
    for E in (1, 2):
        q = fd.predict(land, fd.Spacetime(3, 1, E=E), F(1, 7), 2, training_set="given")
        assert sympy.expand(p.total.subs(e, E)) == q.total


def test_rvalue_has_symbols_too():
    found = fd.rvalue("[a a]", LANDS["one"], fd.Spacetime(N=n, B=b, E=e), F(1, 7))
    assert sympy.expand(found.subs({n: 4, b: 2, e: 2})) == fd.rvalue("[a a]", LANDS["one"], fd.Spacetime(4, 2, E=2), F(1, 7))


def three_weights(coupling):
    """Their eigenvalues are no square roots: the characteristic polynomial is a cubic without rational roots."""
    w = sympy.symbols("w:3")
    bowl = sum(y**2 for y in w) + w[0] * w[1] + coupling * w[1] * w[2] + w[0]**2 / 3
    return fd.landscapes.symbolic(bowl + x * w[0] + w[0]**3 / 3 + x * w[1] * w[2], w, x, LAW, at=[1, 1, 1])


@pytest.mark.parametrize(("rule", "order"), [(None, 1), pytest.param(HALF, 1, marks=long), pytest.param(None, 2, marks=long)])
def test_eigenvalues_that_are_no_square_roots(rule, order):
    land = three_weights(F(3, 2))
    p = fd.predict(land, fd.Spacetime(N=n, B=b, E=e), F(1, 7), order, update=rule)
    assert p.total.has(sympy.CRootOf)
    for N, B, E in ((4, 2, 2), (3, 1, 1)):
        wanted = fd.predict(land, fd.Spacetime(N, B, E=E), F(1, 7), order, update=rule).total
        assert abs(sympy.N(p.total.subs({n: N, b: B, e: E}), 40) - wanted) < 1e-30


@pytest.mark.parametrize(("rule", "order", "st"), [
    (None, 1, fd.Spacetime(N=math.inf, B=b, T=t)), pytest.param(fd.updates.momentum(mu), 1, fd.Spacetime(N=n, B=b, T=t), marks=long),
    pytest.param(None, 2, fd.Spacetime(N=math.inf, B=b, T=t), marks=long),
])  # fmt: skip
def test_eigenvalues_of_letters_that_are_no_square_roots(rule, order, st):
    """At couplings where they are no square roots, where they are, and where two are equal."""
    number = HALF if rule else None
    p = fd.predict(three_weights(C), st, F(1, 7), order, update=rule).total
    for coupling in (F(3, 2), 0, F(-2)):
        N = 4 if n in p.free_symbols else math.inf
        wanted = fd.predict(three_weights(coupling), fd.Spacetime(N, 2, 4), F(1, 7), order, update=number).total
        at = {n: 4, b: 2, t: 4, mu: sympy.Rational(1, 2)}
        for found in (p.subs(C, rational(coupling)).subs(at), p.subs(at).subs(C, rational(coupling))):
            assert abs(sympy.N(found - wanted, 40, chop=True)) < 1e-30, coupling


SPECIAL = [  # landscape, rule, rate, and numbers at which a denominator would vanish
    (lambda h: (h * u**2 / 2 + x * u + u**3 / 3, (u,)), None, eta, ({C: 0}, {eta: 0}, {C: 2, eta: F(1, 2)}, {C: 4, eta: F(1, 2)})),
    (lambda h: (u**2 + h * v**2 / 2 + x * (u - v) + u * v**2, (u, v)), None, F(1, 7), ({C: 2}, {C: 0}, {C: 7}, {C: 14})),
    (lambda h: (h * u**2 + x * u + u**3 / 3, (u,)), fd.updates.momentum(mu), F(1, 7), ({mu: 0, C: 1}, {mu: 0, C: 0}, {mu: F(-1, 2), C: 2})),
    (lambda h: (u**2 + x * u + u**3 / 3, (u,)), fd.updates.weight_decay(mu), F(1, 7), ({mu: 0}, {mu: 1}, {mu: F(5, 7)})),
]


@pytest.mark.parametrize("st", [fd.Spacetime(N=n, B=1, T=t), *(pytest.param(st, marks=long) for st in (fd.Spacetime(N=n, B=b, T=t, last="keep"), fd.Spacetime(N=n, B=b, E=e, sampling="cyclic"), fd.Spacetime(N=n, B=b, T=t, sampling="replacement")))], ids=repr)
@pytest.mark.parametrize("case", range(len(SPECIAL)))
def test_letters_where_denominators_would_vanish(case, st):
    made, rule, rate, places = SPECIAL[case]
    lands = lambda h: fd.landscapes.symbolic(*made(h), x, LAW, at=[0] * len(made(h)[1]))
    p = fd.predict(lands(C), st, rate, 2, update=rule).total
    for place, (N, B, T) in product(places, ((1, 1, 1), (2, 1, 4), (3, 1, 3))):
        put = {letter: rational(y) for letter, y in place.items()}
        update = None if rule is None else (fd.updates.momentum if case == 2 else fd.updates.weight_decay)(place[mu])
        at = {n: N, b: B, t: T, e: F(T * B, N)}
        if st.T.has(e) and T * B % N:
            continue
        q = fd.predict(lands(place.get(C, C)), fd.Spacetime(N, B, T, sampling=st.sampling), place.get(eta, rate), 2, update=update).total
        for found in (p.subs(put).subs(at), p.subs(at).subs(put)):
            assert found == q or abs(sympy.N(found - q, 40, chop=True)) < 1e-30, (place, N, B, T)


def test_products_of_eigenvalues_that_are_one_number():
    """det(1 - H) = 1: three directions together persist as a flat one does, and the formula of all others has a pole."""
    w = sympy.Matrix(sympy.symbols("w:3"))
    H = sympy.Matrix([[-1, -1, -1], [-1, 0, 0], [-1, 0, -1]])
    land = fd.landscapes.symbolic((w.T * H * w)[0] / 2 + (sum(w) - 1) ** 3 + x * sum(w), list(w), x, LAW, at=[1, 0, 0])
    with pytest.raises(UnsupportedError, match="are one number"):
        fd.rvalue("[a b c]", land, fd.Spacetime(math.inf, 1, t), 1)
    assert fd.rvalue("[a b]", land, fd.Spacetime(math.inf, 1, t), 1).has(sympy.CRootOf)


def test_what_has_no_formula_says_why():
    st, land = fd.Spacetime(N=n, B=b, E=e), LANDS["one"]
    for ask, error, words in (
        (lambda: fd.predict(land, st, F(1, 7), 1, update=fd.updates.schedule([1])), UnsupportedError, "schedule"),
        (lambda: fd.predict(land, st, F(1, 7), 1, update=fd.updates.ode()), UnsupportedError, "resummed=False"),
        (lambda: fd.predict(land, st, 0.1, 1), InputError, "exact eta"),
        (lambda: fd.predict(land, st, F(1, 7), 1, continuous=True), InputError, "needs numbers"),
        (lambda: fd.predict(land, st, F(1, 7), noise=1), InputError, "needs numbers"),
        (lambda: fd.predict(land, st, F(1, 7), 1, update=fd.updates.momentum(0.5)), InputError, "exact"),
    ):
        with pytest.raises(error, match=words):
            ask()
