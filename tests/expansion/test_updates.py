"""Update rules: the diagram sum against each optimizer run as it is defined, in Fractions."""

import copy
import pickle
import re
from fractions import Fraction
from functools import lru_cache, partial
from math import comb

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag import updates
from oracles import oracle
from oracles.polynomial_losses import diagram_series, float_landscape, problem, random_losses
from oracles.spacetimes import of_size

RATES = [Fraction(1), Fraction(2, 3), Fraction(-1, 2), Fraction(3, 2), Fraction(5, 4), Fraction(1, 3)]
# what is asked for, and the same as an optimizer of its own
RULES = {
    "sgd": (updates.sgd(), oracle.HeavyBall),
    "momentum": (updates.momentum(Fraction(2, 3)), partial(oracle.HeavyBall, mu=Fraction(2, 3))),
    "momentum negative": (updates.momentum(Fraction(-1, 2)), partial(oracle.HeavyBall, mu=Fraction(-1, 2))),
    "nesterov": (updates.nesterov(Fraction(2, 3)), partial(oracle.Nesterov, mu=Fraction(2, 3))),
    "quasi_hyperbolic": (updates.quasi_hyperbolic(Fraction(2, 3), Fraction(1, 4)), partial(oracle.QuasiHyperbolic, mu=Fraction(2, 3), nu=Fraction(1, 4))),
    "weight_decay": (updates.weight_decay(Fraction(1, 5)), partial(oracle.HeavyBall, decay=Fraction(1, 5))),
    "weight_decay with momentum": (updates.weight_decay(Fraction(1, 5), Fraction(1, 2)), partial(oracle.HeavyBall, mu=Fraction(1, 2), decay=Fraction(1, 5))),
    "equal factors": (updates.weight_decay(Fraction(1, 3), Fraction(2, 3)), partial(oracle.HeavyBall, mu=Fraction(2, 3), decay=Fraction(1, 3))),
    "schedule": (updates.schedule(RATES), partial(oracle.HeavyBall, rates=RATES)),
    "momentum with schedule": (updates.momentum(Fraction(2, 3)).with_schedule(RATES), partial(oracle.HeavyBall, mu=Fraction(2, 3), rates=RATES)),
    "nesterov with schedule": (updates.nesterov(Fraction(2, 3)).with_schedule(RATES.__getitem__), partial(oracle.Nesterov, mu=Fraction(2, 3), rates=RATES)),
    "quasi_hyperbolic with schedule": (
        updates.quasi_hyperbolic(Fraction(2, 3), Fraction(1, 4)).with_schedule(RATES),
        partial(oracle.QuasiHyperbolic, mu=Fraction(2, 3), nu=Fraction(1, 4), rates=RATES),
    ),
}
# N, B, T, sampling: one epoch, several, whole and partial, B = 1 and 2
CASES = [(3, 1, 3, "reshuffle"), (4, 2, 2, "reshuffle"), (2, 1, 4, "reshuffle"), (2, 1, 3, "reshuffle"), (4, 2, 3, "reshuffle"),
         (2, 1, 4, "cyclic"), (2, 1, 5, "cyclic"), (4, 2, 3, "cyclic"), (3, 2, 2, "replacement"), (2, 1, 3, "replacement")]


@lru_cache
def brute(name, n, case, order):
    losses, weights, _ = problem(n, n)
    return oracle.optimizer_test_loss(losses, weights, *case, order, RULES[name][1])


def series(name, n, case, basis, order):
    spacetime = fd.Spacetime(*case[:3], sampling=case[3])
    return diagram_series(problem(n, n)[2], spacetime, basis, order, partial(fd.coefficient, update=RULES[name][0]))


@pytest.mark.every(3)
@pytest.mark.parametrize("name", RULES)
def test_diagram_sum_is_the_optimizer(name):
    for case in CASES:
        for basis in ("cumulant", "moment"):
            assert series(name, 1, case, basis, 2) == brute(name, 1, case, 2), (case, basis)
    for case in CASES[:2]:
        assert series(name, 1, case, "cumulant", 4) == brute(name, 1, case, 4), case
    for case in (CASES[3], CASES[9]):
        basis = "moment" if case[0] % 2 else "cumulant"
        assert series(name, 1, case, basis, 3) == brute(name, 1, case, 3), case


@pytest.mark.parametrize("name", ["momentum", "nesterov", "quasi_hyperbolic with schedule"])
def test_several_epochs_to_order_four_and_two_dimensions(name):
    assert series(name, 1, (2, 1, 3, "reshuffle"), "cumulant", 4) == brute(name, 1, (2, 1, 3, "reshuffle"), 4)
    assert series(name, 2, (2, 1, 3, "reshuffle"), "moment", 3) == brute(name, 2, (2, 1, 3, "reshuffle"), 3)
    assert series(name, 2, (4, 2, 2, "reshuffle"), "cumulant", 3) == brute(name, 2, (4, 2, 2, "reshuffle"), 3)


@pytest.mark.long
@pytest.mark.parametrize("basis", ["cumulant", "moment"])
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("name", RULES)
def test_diagram_sum_is_the_optimizer_to_order_four(name, case, basis):
    assert series(name, 1, case, basis, 4) == brute(name, 1, case, 4)


def shifted(polynomial, start):
    """A polynomial in one variable about another point, p(start + x)."""
    out = {}
    for (power,), coefficient in polynomial.items():
        for i in range(power + 1):
            out[i,] = out.get((i,), Fraction(0)) + coefficient * comb(power, i) * start ** (power - i)
    return out


def test_weight_decay_is_towards_the_start():
    """From theta_0 = 2/3 the rule pulls back to 2/3; at theta_0 = 0 that is decoupled decay towards zero, elsewhere not."""
    losses, weights = random_losses(5, 1)
    case, start, decay = (2, 1, 3, "reshuffle"), Fraction(2, 3), Fraction(1, 5)
    towards_start = partial(oracle.HeavyBall, decay=decay)
    towards_zero = partial(oracle.DecayTowardsZero, decay=decay)
    seen_from_there = oracle.Tensors([shifted(loss, start) for loss in losses], weights)
    count = partial(fd.coefficient, update=updates.weight_decay(decay))
    found = diagram_series(seen_from_there, fd.Spacetime(2, 1, 3), "cumulant", 4, count)
    assert found == oracle.optimizer_test_loss(losses, weights, *case, 4, towards_start, [start])
    assert found != oracle.optimizer_test_loss(losses, weights, *case, 4, towards_zero, [start])
    at_zero = diagram_series(oracle.Tensors(losses, weights), fd.Spacetime(2, 1, 3), "cumulant", 4, count)
    assert at_zero == oracle.optimizer_test_loss(losses, weights, *case, 4, towards_zero, [Fraction(0)])


SPACETIMES = [fd.Spacetime(6, 2, 3), fd.Spacetime(4, 1, 7), fd.Spacetime(4, 2, 5, sampling="cyclic"), fd.Spacetime(2, 1, 6, sampling="cyclic"),
              fd.Spacetime(3, 2, 3, sampling="replacement"), fd.Spacetime(2, 1, 5), fd.Spacetime(4, 2, 4)]


@pytest.mark.every(3)
@pytest.mark.parametrize("spacetime", SPACETIMES[1:6], ids=str)
@pytest.mark.parametrize("name", [name for name in RULES if name != "momentum negative"])
def test_weighted_maps_are_sums_over_maps(name, spacetime):
    """Map by map, with w read off the rule run on a single gradient."""
    rule, T = RULES[name][0], min(spacetime.T, 6)
    spacetime = spacetime.with_updates(T)
    rates = rule.factors(T) or [1] * T
    sequences = list(spacetime.realisations())
    for D in [fd.Diagram.parse(text) for text in ("[a b[a]]", "[a[b[a]]]", "[a[a b]]", "a[b a]")]:
        for basis in ("cumulant", "moment"):
            total = Fraction(0)
            for f in (f for batches in sequences for f in oracle.all_maps(D.parents, D.blocks[:1] + tuple(b + 9 for b in D.blocks[1:]), batches, basis == "moment")):
                term = Fraction(1)
                for v in range(1, D.order + 1):
                    parent = D.parents[v]
                    end = f[parent - 1][0] if parent else T
                    term *= rates[f[v - 1][0]] * rule.weight(end - f[v - 1][0], to_root=parent == 0)
                total += term
            assert fd.weighted_maps(D, spacetime, basis=basis, update=rule) == total / len(sequences), (D, spacetime, basis)


def test_sgd_and_trivial_rules_are_plain():
    for spacetime in SPACETIMES:
        for D in [*fd.diagrams(2), *fd.diagrams(3)[::4]]:
            for basis in ("cumulant", "moment"):
                plain = fd.coefficient(D, spacetime, basis)
                for rule in (updates.sgd(), updates.momentum(0), updates.nesterov(0), updates.quasi_hyperbolic(Fraction(1, 2), 0),
                             updates.weight_decay(0), updates.schedule([1] * 9)):
                    assert fd.coefficient(D, spacetime, basis, update=rule) == plain


def test_symbols_are_the_numbers():
    mu, nu, c = sympy.symbols("mu nu c")
    spacetime = fd.Spacetime(2, 1, 5)
    symbolic = fd.coefficient("[a b[a]]", spacetime, update=updates.quasi_hyperbolic(mu, nu).with_schedule(lambda t: c**t))
    at = updates.quasi_hyperbolic(Fraction(1, 3), Fraction(3, 4)).with_schedule(lambda t: Fraction(4, 5) ** t)
    value = symbolic.subs({mu: sympy.Rational(1, 3), nu: sympy.Rational(3, 4), c: sympy.Rational(4, 5)})
    assert value == fd.coefficient("[a b[a]]", spacetime, update=at)
    rated = [sympy.Symbol(f"c{t}") for t in range(4)]
    cyclic = fd.Spacetime(2, 1, 4, sampling="cyclic")
    found = fd.coefficient("[a a]", cyclic, update=updates.schedule(rated))
    assert sympy.expand(found - ((rated[0] + rated[2]) ** 2 + (rated[1] + rated[3]) ** 2) / 2) == 0


N, B, T, E = sympy.symbols("N B T E")
MU = sympy.Symbol("mu")


@pytest.mark.every(5)
@pytest.mark.parametrize("sampling", ["one epoch", "cyclic", "reshuffle", "replacement"])
@pytest.mark.parametrize("kind", ["momentum", "nesterov", "weight_decay"])
def test_formulas_are_the_numbers(kind, sampling):
    make = {"momentum": updates.momentum, "nesterov": updates.nesterov,
            "weight_decay": lambda mu: updates.weight_decay(Fraction(1, 7), mu)}[kind]
    for text in ("[a]", "[a a]", "[a[b]]", *["[a b[a]]", "[a[b c]]"] * (sampling == "one epoch")):
        for basis in ("cumulant", "moment"):
            formula = fd.maps_formula(text, sampling, basis, update=make(MU))
            for n, b, size in ((4, 2, 3), (3, 1, 4), (6, 2, 1)):
                spacetime = of_size(sampling, n, b, size)
                at = {N: n, B: b, E: size, T: spacetime.T, MU: sympy.Rational(2, 3)}
                wanted = Fraction(fd.weighted_maps(text, spacetime, basis=basis, update=make(Fraction(2, 3))))
                assert formula.subs(at) == sympy.Rational(wanted.numerator, wanted.denominator), (text, basis, spacetime)


def test_predictions():
    losses, weights = random_losses(3, 1)
    tensors = oracle.Tensors(losses, weights)
    land = float_landscape(losses, tensors)
    for name in ("momentum", "nesterov with schedule", "weight_decay", "schedule"):
        rule, run = RULES[name]
        for case in [CASES[0], CASES[3], CASES[7]]:
            spacetime = fd.Spacetime(*case[:3], sampling=case[3])
            wanted = oracle.optimizer_test_loss(losses, weights, *case, 3, run)
            found = fd.predict(land, spacetime, 0.1, 3, resummed=False, update=rule)
            np.testing.assert_allclose(found.by_order, [float(x) * 0.1**d for d, x in enumerate(wanted)], rtol=1e-12, atol=1e-14)
        curve = fd.predict(land, fd.Spacetime(2, 1, 5), 0.1, 3, resummed=False, update=rule, T=range(1, 7)).total
        single = [fd.predict(land, fd.Spacetime(2, 1, t), 0.1, 3, resummed=False, update=rule).total for t in range(1, 7)]
        np.testing.assert_allclose(curve, single, rtol=1e-13)


def test_floats_stay_exact_to_a_few_roundings():
    """mu = 0.999: the closed form with its 1 - mu below would lose nine digits."""
    from fastdiag.coefficients.coefficient import coefficients_near

    rule = updates.momentum(0.999)
    same = updates.momentum(Fraction(0.999))
    for text in ("[a b]", "[a[b]]", "[a a[b]]"):
        D = fd.Diagram.parse(text)
        for spacetime in (fd.Spacetime(300, 1, 200), fd.Spacetime(5, 1, 20), fd.Spacetime(4, 1, 9, sampling="cyclic")):
            (near,) = coefficients_near(D, [spacetime], rule)
            assert near == pytest.approx(float(fd.coefficient(D, spacetime, update=same)), rel=1e-12)


def test_exact_predictions():
    land = fd.landscapes.gauss()
    eta, mu = sympy.symbols("eta mu")
    p = fd.predict(land, fd.Spacetime(4, 1, 3), eta, 2, resummed=False, update=updates.momentum(mu))
    q = fd.predict(land, fd.Spacetime(4, 1, 3), Fraction(1, 10), 2, resummed=False, update=updates.momentum(Fraction(1, 2)))
    assert p.total.subs({eta: sympy.Rational(1, 10), mu: sympy.Rational(1, 2)}) == q.total
    near = fd.predict(land, fd.Spacetime(4, 1, 3), 0.1, 2, resummed=False, update=updates.momentum(0.5))
    assert near.total == pytest.approx(float(q.total), rel=1e-13)


ST = fd.Spacetime(4, 1, 4)
LAND = fd.landscapes.samples([1.0, 1.0], [[1.0], [3.0]], [[[2.0]], [[2.0]]])


@pytest.mark.parametrize(
    ("call", "words"),
    [(lambda: updates.momentum(1), "between -1 and 1"), (lambda: updates.momentum(-1.0), "between -1 and 1"),
     (lambda: updates.momentum(float("nan")), "finite"), (lambda: updates.nesterov("0.9"), "finite number"),
     (lambda: updates.momentum(True), "finite number"), (lambda: updates.momentum(sympy.I), "real"),
     (lambda: updates.momentum(sympy.sqrt(2)), "between -1 and 1"), (lambda: updates.momentum(sympy.oo), "finite"),
     (lambda: updates.quasi_hyperbolic(0.5, 2), "nu must lie from 0 to 1"), (lambda: updates.weight_decay(-0.1), "decay must lie"),
     (lambda: updates.schedule(0.1), "a sequence"), (lambda: updates.schedule([1, None]), "c_1 must be"),
     (lambda: updates.schedule([1]).with_schedule([1]), "already"),
     (lambda: updates.momentum(0.5).weight(0), "at least 1"),
     (lambda: fd.coefficient("[a]", ST, update=updates.schedule([1, 1])), "2 learning rates.*T = 4"),
     (lambda: fd.coefficient("[a]", ST, update=updates.schedule(lambda t: "x")), "at t = 0"),
     (lambda: fd.coefficient("[a]", ST, update=updates.momentum(0.9)), r"write Fraction\(9, 10\)"),
     (lambda: fd.coefficient("[a]", ST, update=0.9), "fastdiag.updates"),
     (lambda: fd.weighted_maps("[a]", ST, 1, update=updates.sgd()), "one of k and update"),
     (lambda: fd.weighted_maps("[a]", ST), "give k"),
     (lambda: fd.maps_formula("[a]", update=updates.momentum(0.9)), "exact"),
     (lambda: fd.maps_formula("[a]", update=updates.schedule([1])), "absolute time"),
     (lambda: fd.predict(LAND, ST, 0.1, 1, resummed=False, update=updates.momentum(MU)), "formula, not a number"),
     (lambda: fd.predict(LAND, ST, 0.1, 1, resummed=False, update="adam"), "fastdiag.updates"),
     (lambda: fd.coefficient("[a b c]", fd.Spacetime(3, 1, E=500, sampling="cyclic"), update=updates.schedule(lambda t: 1)), "limit"),
     ],
)
def test_bad_input_says_what_to_do(call, words):
    with pytest.raises(fd.FastdiagError, match=words):
        call()


def test_rules_are_values():
    for rule, _ in RULES.values():
        if not callable(rule.schedule):
            assert eval(repr(rule), {**vars(updates), "Fraction": Fraction}) == rule


@pytest.mark.parametrize("name", ["N", "B", "T", "E"])
@pytest.mark.parametrize("assumptions", [{}, {"positive": True, "integer": True}])
@pytest.mark.parametrize("rule", [updates.momentum, updates.regularized_newton, lambda x: updates.weight_decay(x / 2, Fraction(1, 3))])
def test_symbols_of_the_formula_are_refused(rule, assumptions, name):
    """At numbers they are names like any other."""
    update = rule(sympy.Symbol(name, **assumptions))
    with pytest.raises(fd.FastdiagError, match=f"symbol {name}, but N, B, T and E"):
        fd.maps_formula("[a b]", "one epoch", update=update)
    other = fd.coefficient("[a[b]]", ST, update=rule(MU))
    assert sympy.expand(fd.coefficient("[a[b]]", ST, update=update) - other.subs(MU, sympy.Symbol(name, **assumptions))) == 0


@pytest.mark.parametrize("update", [updates.momentum(0.5), updates.weight_decay(0.5), updates.nesterov(0.5 * MU), updates.regularized_newton(0.5)], ids=repr)
def test_floats_in_exact_results_are_told_alike(update):
    """Resummed, un-resummed, and of one diagram."""
    land, words = fd.landscapes.gauss(), r"exact results need exact numbers, .* Fraction\(1, 2\).* with a float eta"
    for resummed in (False, True):
        if isinstance(update, updates.Update) or not resummed:
            with pytest.raises(fd.FastdiagError, match=words):
                fd.predict(land, ST, Fraction(1, 10), 2, resummed=resummed, update=update)
    with pytest.raises(fd.FastdiagError, match=words):
        fd.coefficient("[a]", ST, update=update)
    with pytest.raises(fd.FastdiagError, match=words):
        fd.maps_formula("[a]", update=update)


def test_the_fraction_that_is_advised():
    for mu, words in ((0.9, "Fraction(9, 10)"), (1e-5, "Fraction(1, 100000)"), (1 / 3, "Fraction(1, 3)")):
        with pytest.raises(fd.FastdiagError, match=f"write {re.escape(words)} "):
            fd.coefficient("[a]", ST, update=updates.momentum(mu))


def test_what_comes_of_a_schedule_that_is_a_function_pickles():
    """As the numbers that were used; a rule keeps its function, and says what to do."""
    rule, land, st = updates.momentum(Fraction(1, 2)).with_schedule(lambda t: Fraction(1, t + 1)), fd.landscapes.gauss(), fd.Spacetime(4, 1, 4)
    for made in (
        fd.predict(land, st, Fraction(1, 10), 2, resummed=False, update=rule), fd.predict(land, st, 0.1, noise=1, T=[2, 4], update=rule),
        fd.predict(land, st, 0.1, noise=1, update=updates.clipped(1, rule)),
    ):
        assert pickle.loads(pickle.dumps(made)) == made
    assert made.update.rule.schedule == tuple(Fraction(1, t + 1) for t in range(4))
    for kept in (rule, updates.clipped(1, rule), updates.adam().with_schedule(lambda t: 1)):
        for protocol in range(6):
            with pytest.raises(fd.FastdiagError, match=r"pickle `rule.listed\(T\)`"):
                pickle.dumps(kept, protocol)
        assert copy.deepcopy(kept) == copy.copy(kept) == kept
        assert pickle.loads(pickle.dumps(kept.listed(4))) == kept.listed(4)
    assert pickle.loads(pickle.dumps(updates.schedule(comb_of_four))) == updates.schedule(comb_of_four)


def comb_of_four(t):
    return comb(4, t)
