"""Modified equations: the exponential of the generator is the engine's sum and every run; modified losses by derivatives."""

import copy
import dataclasses
import pickle
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.embedding.retied import retied_shares
from fastdiag.errors import InputError, TooLargeError, UnsupportedError
from fastdiag.expansion.grafting import ALONE, composed
from oracles import fields, observed_losses, oracle
from oracles.given_sets import formula

F, W = Fraction, sympy.symbols("u v")
HALF = sympy.Rational(1, 2)


def numbers(coefficients, **letters):
    """Coefficients as Fractions."""
    found = {}
    for diagram, x in coefficients.items():
        value = sympy.sympify(x).subs({s: sympy.sympify(letters[s.name]) for s in sympy.sympify(x).free_symbols})
        found[diagram] = F(int(value.p), int(value.q))
    return found


def exponential(of, order):
    """exp of what is of order 1 and higher."""
    power, total = {ALONE: F(1)}, {ALONE: F(1)}
    for k in range(1, order + 1):
        power = {D: x / k for D, x in composed(power, of, order).items()}
        total = {D: total.get(D, 0) + power.get(D, 0) for D in {*total, *power}}
    return total


def later(equation, time, **letters):
    """M_0 exp(T A), by diagrams."""
    rates = {D: x * time for D, x in numbers(equation.coefficients, **letters).items()}
    return composed(numbers(equation.beginning, **letters), exponential(rates, equation.order), equation.order)


@pytest.mark.parametrize("B", [1, 3])
def test_fresh_data_to_order_4(B):
    equation = fd.modified_equation(4)
    for T in (1, 2, 5):
        found = later(equation, T, B=B)
        for D in (D for d in range(5) for D in fd.diagrams(d)):
            assert found.get(D, 0) == fd.coefficient(D, fd.Spacetime(float("inf"), B, T)), D


@pytest.mark.parametrize(("N", "B", "sampling", "order"), [
    (3, 1, "reshuffle", 3), (4, 2, "reshuffle", 3), (3, 2, "replacement", 2), pytest.param(4, 2, "reshuffle", 4, marks=pytest.mark.long),
])
def test_given_training_sets(N, B, sampling, order):
    equation = fd.modified_equation(order, training_set="given", sampling=sampling)
    for time in (1, 2, 4):
        st = fd.Spacetime(N, B, time if sampling == "replacement" else time * N // B, sampling=sampling)
        found = later(equation, time, N=N, B=B)
        for D in (D for d in range(order + 1) for D in fd.diagrams(d)):
            exact = sum(share * fd.coefficient(each, st) for each, share in retied_shares(D, N))
            assert found.get(D, 0) == exact, D


RULES = [
    fd.updates.momentum(F(1, 2)), fd.updates.nesterov(F(1, 3)), fd.updates.quasi_hyperbolic(F(1, 2), F(1, 3)),
    fd.updates.momentum(F(-1, 2)).with_schedule((1, 3)),
    pytest.param(fd.updates.nesterov(F(1, 3)).with_schedule((2, 1, F(1, 2))), marks=pytest.mark.long),
]


def run(update, periods):
    """The rule of so many periods."""
    return update if update.schedule is None else dataclasses.replace(update, schedule=update.schedule * periods)


@pytest.mark.parametrize("update", RULES, ids=str)
def test_rules_when_they_have_forgotten_their_beginning(update):
    equation, updates = fd.modified_equation(3, update=update), len(update.schedule or "1")
    T = 120 // updates  # 2^-120 is left
    found = later(equation, T, B=2)
    for D in (D for d in range(4) for D in fd.diagrams(d)):
        exact = fd.coefficient(D, fd.Spacetime(float("inf"), 2, T * updates), update=run(update, T))
        assert abs(found.get(D, 0) - exact) < F(1, 10**25), D


@pytest.mark.parametrize("update", [fd.updates.ode(), fd.updates.sde(), fd.updates.regularized_newton(F(1, 3))], ids=str)
def test_rules_without_memory(update):
    """A process is its own modified equation."""
    equation = fd.modified_equation(3, update=update)
    assert dict(equation.beginning) == {fd.Diagram([-1], [0]): 1}
    for T in (1, 3):
        found = later(equation, T, B=2)
        for D in (D for d in range(4) for D in fd.diagrams(d)):
            assert found.get(D, 0) == fd.coefficient(D, fd.Spacetime(float("inf"), 2, T), update=update), D
    if not isinstance(update, fd.updates.RegularizedNewton):
        drift, diffusion = ([str(term.text_of_tensors()) for term in each.terms] for each in (equation.drift, equation.diffusion))
        assert drift == ["G^μ"]
        assert diffusion == ([] if update == fd.updates.ode() else ["C^μν"])


def test_a_rule_of_symbols():
    mu = sympy.Symbol("mu", positive=True)
    equation, exact = (fd.modified_equation(2, update=fd.updates.momentum(m)) for m in (mu, HALF))
    assert numbers(equation.coefficients, mu=HALF, B=3) == numbers(exact.coefficients, B=3)
    assert sympy.simplify(equation.pace - 1 / (1 - mu)) == 0
    loss = equation.modified_loss()
    assert r"\frac{\mu + 1}{4 \left(\mu - 1\right)^{2}} \, G" in loss.latex()
    assert "(mu + 1)/(4*(mu - 1)^2) G" in loss.text()


@pytest.mark.parametrize(("order", "schedule", "sampling"), [
    (2, None, "reshuffle"), (2, (1, 3), "reshuffle"), (2, (1, 3), "replacement"), pytest.param(3, None, "reshuffle", marks=pytest.mark.long),
    pytest.param(3, (1, 3), "reshuffle", marks=pytest.mark.long), pytest.param(3, None, "replacement", marks=pytest.mark.long),
], ids=str)
def test_a_rule_and_a_given_set(order, schedule, sampling):
    rule = fd.updates.momentum(F(1, 2))
    rule = rule if schedule is None else rule.with_schedule(schedule)
    given = fd.modified_equation(order, training_set="given", sampling=sampling, update=rule)
    T = 1 if sampling == "replacement" and schedule is None else 2
    found, st = later(given, 60, N=4, B=2), fd.Spacetime(4, 2, 60 * T, sampling=sampling)
    for D in (D for d in range(order + 1) for D in fd.diagrams(d)):
        exact = sum(share * fd.coefficient(each, st, update=run(rule, 60)) for each, share in retied_shares(D, 4))
        assert abs(found.get(D, 0) - exact) < F(1, 10**11), D


@pytest.mark.parametrize(("order", "given"), [(2, True), (3, False), pytest.param(3, True, marks=pytest.mark.long)], ids=str)
def test_momentum_in_symbols(order, given):
    mu, kind = sympy.Symbol("mu"), {"training_set": "given" if given else "drawn"}
    symbols, half = (fd.modified_equation(order, update=fd.updates.momentum(m), **kind) for m in (mu, F(1, 2)))
    assert numbers(symbols.coefficients, mu=HALF, B=2, N=6) == numbers(half.coefficients, B=2, N=6)
    assert numbers(symbols.beginning, mu=HALF, B=2, N=6) == numbers(half.beginning, B=2, N=6)


@pytest.mark.parametrize("case", [(2, 1, 2, "reshuffle"), (4, 2, 2, "reshuffle"), pytest.param((3, 1, 3, "reshuffle"), marks=pytest.mark.long)], ids=str)
def test_exp_of_the_generator_is_every_run_to_order_4(case):
    """E s(theta_T) of brute force over one epoch, whose batches know nothing of each other."""
    _, B, T, _ = case
    first = fd.observable(fields.expression(fields.functions(7)[0], W), W)
    equation, wanted = fd.modified_equation(4), fields.expected(7, case)["s", 0]
    moved = type(equation)(4, "drawn", "one epoch", None, later(equation, T, B=B), {})
    found = moved.at(fields.formula(7), 1, first)
    assert list(found) == wanted


def test_order_2_of_a_given_set_is_every_epoch():
    land, case = formula_of(3), (3, 1, 3, "reshuffle")
    equation = fd.modified_equation(2, training_set="given")
    wanted = fields.observed([], fields.runs(gradients(POINTS[3]), None, case, 2), 2)
    found = equation.at(land, 1, N=3, B=1)
    for v in range(2):  # of one epoch: A + A A / 2, and the second is half the first's square
        assert found[1][v] == wanted["w", v][1]
    moved = type(equation)(2, "given", "reshuffle", None, later(equation, 1, N=3, B=1), {})
    assert [x.tolist() for x in moved.at(land, 1)] == [[wanted["w", v][d] for v in range(2)] for d in range(3)]


POINTS = {N: observed_losses.random_losses(4, 2, degree=3, points=N)[0] for N in (3, 4)}


def gradients(losses):
    return [[oracle.derivative(loss, v) for v in range(2)] for loss in losses]


def formula_of(N):
    return formula(POINTS[N], [0, 0])


def at_zero(expression):
    return expression.subs(dict.fromkeys(W, 0))


def along(of):
    return [sympy.diff(of, w) for w in W]


@pytest.mark.parametrize("B", [pytest.param(1, marks=pytest.mark.long), 2, 4])
def test_order_2_is_what_smith_and_others_state(B):
    """-eta m grad[l + (eta/4m) sum |grad l_i|^2], the mean over all ways to take batches of four points."""
    losses = [fields.expression(loss, W) for loss in POINTS[4]]
    whole = sum(losses) / 4
    batches = list(combinations(losses, B))
    square = sum(sum(g**2 for g in along(sum(batch) / B)) for batch in batches) / len(batches)
    found = fd.modified_equation(2, training_set="given").at(formula_of(4), 1, N=4, B=B)
    for v, w in enumerate(W):
        assert found[1][v] == at_zero(-sympy.Rational(4, B) * sympy.diff(whole, w))
        assert found[2][v] == at_zero(-sympy.Rational(4, B) * sympy.diff(square, w) / 4)


def test_order_3_of_a_given_set_is_no_gradient():
    """What is printed of it, with GD's own terms where B = N."""
    equation = fd.modified_equation(3, training_set="given")
    with pytest.raises(UnsupportedError, match="no gradient"):
        equation.modified_loss()
    alone = {str(term.text_of_tensors()): term.coefficient for term in fd.modified_equation(3).drift.terms}
    assert alone["J^μ_νρ G^ν G^ρ"] == -sympy.Rational(1, 12)  # backward error of Euler's rule: f'f'f / 3 + f''ff / 12
    assert alone["H^μ_ν H^ν_ρ G^ρ"] == -sympy.Rational(1, 3)
    full = {term.text_of_tensors(): term.coefficient for term in equation.drift.subs(N=5, B=5).terms}
    assert full == {name: x for name, x in alone.items() if "C" not in name}


@pytest.mark.parametrize(("order", "B"), [(2, 1), (3, 2)])
def test_the_drift_is_the_gradient_of_the_nearest_loss_and_the_rest(order, B):
    """Derivatives by SymPy, of the formulas that are printed."""
    points = [fields.expression(loss, W) for loss in POINTS[3]]
    l = sum(points) / 3
    G, H = along(l), [along(g) for g in along(l)]
    C = [[sum(sympy.diff(x, a) * sympy.diff(x, b) for x in points) / 3 - sympy.diff(l, a) * sympy.diff(l, b) for b in W] for a in W]
    two = range(2)
    values = {
        "l": l, "G_μ G^μ": sum(g * g for g in G), "G_μ H^μ_ν G^ν": sum(G[a] * H[a][b] * G[b] for a in two for b in two),
        "C_μν H^μν": sum(C[a][b] * H[a][b] for a in two for b in two),
    }
    J = [[[sympy.diff(h, w) for w in W] for h in row] for row in H]
    vectors = {
        "J^μ_νρ G^ν G^ρ": lambda m: sum(J[m][a][b] * G[a] * G[b] for a in two for b in two),
        "H^μ_ν H^ν_ρ G^ρ": lambda m: sum(H[m][a] * H[a][b] * G[b] for a in two for b in two),
        "C_νρ J^μνρ": lambda m: sum(C[a][b] * J[m][a][b] for a in two for b in two),
        "(∇^μ C_νρ) H^νρ": lambda m: sum(sympy.diff(C[a][b], W[m]) * H[a][b] for a in two for b in two),
    }
    equation = fd.modified_equation(order)
    loss = equation.nearest_loss.subs(B=B)
    if order == 2:
        assert equation.modified_loss().terms == equation.nearest_loss.terms
        assert not equation.obstruction.terms
    found = equation.at(formula_of(3), 1, B=B)
    for d in range(1, order + 1):
        for m, w in enumerate(W):
            value = -sum(term.coefficient * sympy.diff(values[term.text_of_tensors()], w) for term in loss.terms if term.order == d - 1)
            rest = [term for term in equation.obstruction.subs(B=B).terms if term.order == d]
            value += sum(term.coefficient * vectors[term.text_of_tensors()](m) for term in rest)
            assert found[d][m] == at_zero(value), (d, m)


@pytest.mark.parametrize("B", [pytest.param(1, marks=pytest.mark.long), 2, pytest.param(4, marks=pytest.mark.long)])
def test_order_3_of_a_given_set_is_a_gradient_and_an_obstruction(B):
    """The printed loss, its tensors written out and differentiated by SymPy, and the rest in numbers, come to the drift."""
    points, two = [fields.expression(loss, W) for loss in POINTS[4]], range(2)

    def mean(values):
        return sum(values) / 4

    g = [along(point) for point in points]
    h = [[along(slope) for slope in each] for each in g]
    G = [mean(each[a] for each in g) for a in two]
    H = [[mean(each[a][b] for each in h) for b in two] for a in two]
    C = [[mean((each[a] - G[a]) * (each[b] - G[b]) for each in g) for b in two] for a in two]
    trace = C[0][0] + C[1][1]
    values = {
        "l": mean(points), "G_μ G^μ": sum(a * a for a in G), "C_μ^μ": trace,
        "G_μ H^μ_ν G^ν": sum(G[a] * H[a][b] * G[b] for a in two for b in two),
        "C_μν H^μν": sum(C[a][b] * H[a][b] for a in two for b in two),
        "(∇_μ C_ν^ν) G^μ": sum(x * y for x, y in zip(along(trace), G, strict=True)),
        "κ(g_μ, g_ν, h^μν)": sum(
            mean((x[a] - G[a]) * (x[b] - G[b]) * (y[a][b] - H[a][b]) for x, y in zip(g, h, strict=True)) for a in two for b in two
        ),
    }
    equation, land = fd.modified_equation(3, training_set="given"), formula_of(4)
    drift, rest = (equation.at(land, 1, of, N=4, B=B) for of in ("drift", "obstruction"))
    loss = equation.nearest_loss.subs(N=4, B=B)
    assert {term.text_of_tensors() for term in equation.nearest_loss.terms} == set(values)
    assert [list(each) for each in rest[:3]] == [[0, 0]] * 3
    assert any(rest[3])
    for d in (1, 2, 3):
        part = sum(term.coefficient * values[term.text_of_tensors()] for term in loss.terms if term.order == d - 1)
        for m, w in enumerate(W):
            assert drift[d][m] == at_zero(-sympy.Rational(4, B) * sympy.diff(part, w)) + rest[d][m], (d, m)


def test_numbers_on_landscapes():
    """Floats, exact numbers, a matrix eta, a field and a function of the weights."""
    equation, exact = fd.modified_equation(3), fields.formula(7)
    (v, *higher), weights = fields.arrays(7)
    field = fd.landscapes.field(v, *higher, weights=weights)
    s = fd.observable(fields.expression(fields.functions(3)[0], W), W)
    for of in ("drift", "diffusion", s):
        near, wanted = equation.at(field, 0.5, of, B=2), equation.at(exact, F(1, 2), of, B=2)
        for x, y in zip(near, wanted, strict=True):
            np.testing.assert_allclose(x, np.asarray(y, float), rtol=1e-12, atol=1e-14)
    metric = np.array([[0.3, 0.1], [0.1, 0.2]])
    drift = equation.at(field, metric)
    np.testing.assert_allclose(drift[1], -metric @ np.average(v, axis=0, weights=weights))
    jacobian = np.average(higher[0], axis=0, weights=weights)
    np.testing.assert_allclose(drift[2], metric @ jacobian @ drift[1] / 2)
    assert equation.at(field, [0.1, 0.2], B=1)[1].shape == (2, 2)
    given, near = fd.modified_equation(2, training_set="given"), formula_of(3).samples(3)
    for x, y in zip(given.at(near, 0.5), given.at(formula_of(3), F(1, 2), N=3), strict=True):
        np.testing.assert_allclose(x, np.asarray(y, float), rtol=1e-12, atol=1e-14)


def test_as_text_and_objects():
    equation = fd.modified_equation(3, update=fd.updates.momentum(HALF))
    for each in (equation, equation.drift, equation.diffusion, equation.moment(3), equation.nearest_loss, equation.obstruction):
        for other in (pickle.loads(pickle.dumps(each)), copy.copy(each)):
            assert other == each
            assert repr(other) == repr(each)
        assert str(each).strip()
        assert each._repr_latex_().startswith("$")
        assert each._repr_html_() is None  # which notebooks would prefer
    drift = fd.modified_equation(2).drift
    assert drift.coefficient("[a[b]]") == drift.coefficient("H^μ_ν G^ν") == -HALF
    assert drift.latex().startswith(r"b^{\mu} = -G^{\mu}")
    shown = fd.modified_equation(2)._repr_latex_()
    assert shown.count(r"\begin{") == shown.count(r"\end{") == 1
    assert r"\\ D^{\mu\nu} &= \frac{1}{B} \, C^{\mu \nu}" in shown
    assert fd.modified_equation(2).diffusion.coefficient("[a a]") == 1 / sympy.Symbol("B")
    assert fd.modified_equation(4).moment(3).coefficient("S^μνρ") != 0


FIELD = fd.landscapes.field([[1.0]], 0)
LAND = fd.landscapes.samples([0.0, 1.0], [[1.0], [2.0]], 0, 0)


@pytest.mark.parametrize(("kind", "what", "call"), [
    (InputError, "order", lambda: fd.modified_equation(0)),
    (TooLargeError, "to order 5", lambda: fd.modified_equation(6)),
    (TooLargeError, "to order 4", lambda: fd.modified_equation(5, update=fd.updates.momentum(HALF))),
    (InputError, "known: drawn, given", lambda: fd.modified_equation(2, training_set="mine")),
    (InputError, "goes with training_set='given'", lambda: fd.modified_equation(2, sampling="reshuffle")),
    (UnsupportedError, "not independent", lambda: fd.modified_equation(2, training_set="given", sampling="cyclic")),
    (InputError, "by their tensors", lambda: fd.modified_equation(2).modified_loss().coefficient("[a]")),
    (InputError, "degree", lambda: fd.modified_equation(2).moment(5)),
    (InputError, "letters N", lambda: fd.modified_equation(2, training_set="given").at(formula_of(3), 1)),
    (InputError, "must have N=2, not 3", lambda: fd.modified_equation(2, training_set="given").at(LAND, 0.1, N=3)),
    (InputError, "no symbol called mu", lambda: fd.modified_equation(2).at(LAND, 0.1, mu=1)),
    (InputError, "drift, diffusion, obstruction", lambda: fd.modified_equation(2).at(LAND, 0.1, "mean")),
    (UnsupportedError, "Hessian", lambda: fd.modified_equation(1, update=fd.updates.regularized_newton(1)).at(FIELD, 0.1)),
    (InputError, "no rate of its own", lambda: fd.modified_equation(1).at(LAND, 0.1, fd.observable(LAND).variance())),
])
def test_refusals(kind, what, call):
    with pytest.raises(kind, match=what):
        call()


def test_what_numbers_are_not_given_on():
    few = fd.landscapes.samples([0.0, 1.0], [[1.0], [2.0]], [[[1.0]], [[2.0]]], 0)
    uneven = fd.landscapes.samples([0.0, 1.0], [[1.0], [2.0]], [[[1.0]], [[2.0]]], weights=[1, 3])
    fresh, given = fd.modified_equation(2), fd.modified_equation(2, training_set="given")
    with pytest.raises(fd.errors.UnsupportedError, match="not estimated"):
        fresh.at(fd.landscapes.estimated(few), 0.1)
    for wrong in (0, -2, "two", sympy.Symbol("B")):
        with pytest.raises(fd.errors.InputError, match="B must be"):
            fresh.at(few, 0.1, "diffusion", B=wrong)
    with pytest.raises(fd.errors.InputError, match="takes each point once"):
        given.at(uneven, 0.1)
    with pytest.raises(fd.errors.InputError, match="B = 3 exceeds N = 2"):
        given.at(few, 0.1, B=3)
