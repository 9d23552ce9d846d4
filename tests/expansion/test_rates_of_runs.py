"""Modified equations beside brute force alone: what grows linearly with time in every run's mean, in Fractions.

E s(theta) after k units of time is a polynomial in k at each order of eta, and A s its linear part.
"""

from fractions import Fraction
from functools import lru_cache, partial

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import InputError, TooLargeError, UnsupportedError
from fastdiag.expansion.grafting import composed
from oracles import fields, oracle

F, W, SEED = Fraction, sympy.symbols("u v"), 7
D = sympy.Symbol("d", positive=True)


class Decaying(oracle.HeavyBall):
    """theta <- theta - eta (g + rate (theta - theta_0))."""

    def __init__(self, theta, rate):
        super().__init__(theta)
        self.rate = rate

    def step(self, t, gradient):
        super().step(t, oracle.axpy(self.rate, oracle.axpy(-1, self.start, self.theta), gradient))


def linear(values):
    """The linear coefficient of the polynomial with p(0) = 0 and these p(1), p(2), ..."""
    total, n = F(0), len(values)
    for k, value in enumerate(values, 1):
        slope = F(1, k)  # of Lagrange's polynomial at 0
        for j in range(1, n + 1):
            if j != k:
                slope *= F(-j, k - j)
        total += slope * value
    return total


@lru_cache
def grown(case, order, rule=oracle.HeavyBall, given=False):
    """A s of the seed's two functions, and the drift, by order; case: of k units of time."""
    found = [fields.expected(SEED, case(k), order, rule, given) for k in range(1, order + 1)]
    keys = [("s", 0), ("s", 1), ("w", 0), ("w", 1)]
    return {key: [F(0), *(linear([each[key][d] for each in found]) for d in range(1, order + 1))] for key in keys}


def compare(equation, land, wanted, **numbers):
    first, second = (fd.observable(fields.expression(s, W), W) for s in fields.functions(SEED))
    for name, of in ((("s", 0), first), (("s", 1), second)):
        assert list(equation.at(land, 1, of, **numbers)) == wanted[name]
    drift = equation.at(land, 1, **numbers)
    for v in range(2):
        assert [each[v] for each in drift] == wanted["w", v]


@pytest.mark.parametrize("B", [1, pytest.param(2, marks=pytest.mark.long)])
def test_fresh_data(B):
    wanted = grown(lambda k: (k * B, B, k, "reshuffle"), 3)
    compare(fd.modified_equation(3), fields.formula(SEED), wanted, B=B)


@pytest.mark.parametrize(("N", "B", "order"), [
    (1, 1, 3), (2, 1, 3), (2, 2, 3), pytest.param(3, 1, 2, marks=pytest.mark.long), pytest.param(3, 1, 3, marks=pytest.mark.long), pytest.param(4, 2, 2, marks=pytest.mark.long),
    pytest.param(2, 1, 4, marks=pytest.mark.long), pytest.param(3, 3, 4, marks=pytest.mark.long),
])
def test_epochs_of_few_points(N, B, order):
    """Where the formula has a pole at N, too."""
    wanted = grown(lambda k: (N, B, k * N // B, "reshuffle"), order, given=True)
    compare(fd.modified_equation(order, training_set="given"), fields.formula(SEED, given=N), wanted, N=N, B=B)


@pytest.mark.parametrize(("N", "B"), [(1, 1), (2, 1), pytest.param(3, 2, marks=pytest.mark.long)])
def test_batches_with_replacement_of_few_points(N, B):
    wanted = grown(lambda k: (N, B, k, "replacement"), 3, given=True)
    compare(fd.modified_equation(3, training_set="given", sampling="replacement"), fields.formula(SEED, given=N), wanted, N=N, B=B)


@pytest.mark.long
def test_momentum_on_one_point():
    """An epoch is an update of nothing random there."""
    rule, land = fd.updates.momentum(F(1, 8)), fields.formula(SEED, given=1)
    found = fd.modified_equation(2, training_set="given", update=rule).at(land, 1, N=1)
    for ours, theirs in zip(found, fd.modified_equation(2, update=rule).at(land, 1), strict=True):
        assert list(ours) == list(theirs)


def test_what_vanishes_for_few_points():
    two, three = (fd.landscapes.samples(*(np.random.default_rng(4).normal(size=(N, *(1,) * k)) for k in range(4))) for N in (2, 3))
    for D in ("[a a a]", "[a[a a]]", "[a[a[a]]]"):
        assert abs(fd.uvalue(D, two)) < 1e-12 < abs(fd.uvalue(D, three))


@pytest.mark.parametrize(("factors", "order"), [
    ((1, F(1, 2)), 3), pytest.param((3, 1, F(1, 3)), 2, marks=pytest.mark.long), pytest.param((1, 0, 2), 3, marks=pytest.mark.long), ((2,), 2), ((0, 2), 2),
], ids=str)
def test_periods_of_a_schedule(factors, order):
    p = len(factors)
    rule = partial(oracle.HeavyBall, rates=list(factors) * order)
    wanted = grown(lambda k: (k * p, 1, k * p, "reshuffle"), order, rule)
    equation = fd.modified_equation(order, update=fd.updates.schedule(factors))
    assert equation.per == f"period of {p} updates"
    assert equation.pace == sum(factors)
    compare(equation, fields.formula(SEED), wanted)


def test_a_schedule_of_batches_with_replacement():
    rule = partial(oracle.HeavyBall, rates=[1, F(1, 2)] * 2)
    wanted = grown(lambda k: (2, 1, 2 * k, "replacement"), 2, rule, given=True)
    equation = fd.modified_equation(2, training_set="given", sampling="replacement", update=fd.updates.schedule([1, F(1, 2)]))
    compare(equation, fields.formula(SEED, given=2), wanted, N=2, B=1)


@pytest.mark.parametrize(("N", "B", "factors", "order"), [
    (2, 1, (1, F(1, 2)), 3), pytest.param(4, 2, (2, F(1, 3)), 2, marks=pytest.mark.long), pytest.param(3, 1, (1, 0, F(1, 2)), 3, marks=pytest.mark.long),
    pytest.param(2, 2, (F(1, 2),), 3, marks=pytest.mark.long),
], ids=str)
def test_a_schedule_within_each_epoch(N, B, factors, order):
    rule = partial(oracle.HeavyBall, rates=list(factors) * order)
    wanted = grown(lambda k: (N, B, k * N // B, "reshuffle"), order, rule, given=True)
    equation = fd.modified_equation(order, training_set="given", update=fd.updates.schedule(factors))
    assert equation.per == f"epoch of {N // B} updates"
    compare(equation, fields.formula(SEED, given=N), wanted, N=N, B=B)
    with pytest.raises(InputError, match="an epoch of"):
        equation.at(fields.formula(SEED, given=N), 1, N=N, B=7)


def test_a_schedule_of_ones_is_none():
    plain, ones = (fd.modified_equation(2, training_set="given", update=each) for each in (None, fd.updates.schedule([1, 1, 1])))
    B = sympy.Symbol("B")
    for D, x in plain.coefficients.items():
        at = lambda y: sympy.simplify(sympy.sympify(y).subs({s: 3 * B if s.name == "N" else B for s in sympy.sympify(y).free_symbols}))
        assert at(x - ones.coefficients[D]) == 0
    assert fd.modified_equation(3, update=fd.updates.schedule([1])).coefficients == fd.modified_equation(3).coefficients


def test_decay():
    wanted = grown(lambda k: (k, 1, k, "reshuffle"), 3, partial(Decaying, rate=F(2, 3)))
    compare(fd.modified_equation(3, update=fd.updates.weight_decay(F(2, 3))), fields.formula(SEED), wanted)
    compare(fd.modified_equation(3, update=fd.updates.weight_decay(D)), fields.formula(SEED), wanted, d=F(2, 3))


def test_decay_on_given_points_and_a_matrix_eta():
    wanted = grown(lambda k: (2, 1, 2 * k, "reshuffle"), 2, partial(Decaying, rate=F(1, 2)), given=True)
    equation = fd.modified_equation(2, training_set="given", update=fd.updates.weight_decay(F(1, 2)))
    land = fields.formula(SEED, given=2)
    compare(equation, land, wanted, N=2)
    for ours, theirs in zip(equation.at(land.samples(4), [[1.0, 0.0], [0.0, 1.0]]), equation.at(land, 1, N=2), strict=True):
        assert ours == pytest.approx([float(x) for x in theirs], rel=1e-12)


def test_decay_is_a_term_of_the_loss():
    """The formulas are of l + decay/(2 eta) |theta - theta_0|^2; here eta is 1/4."""
    u, x = sympy.symbols("u x")
    loss, decay, eta = u**3 + x * u + u**2 / 2, F(1, 12), F(1, 4)
    signs = fd.landscapes.finite({-1: F(1, 3), 1: F(2, 3)})
    plain, more = (fd.landscapes.symbolic(each, u, x, signs, [0]) for each in (loss, loss + decay / eta / 2 * u**2))
    rule = fd.updates.weight_decay(decay)
    for order in (2, 3):
        for of in ("drift", "diffusion", "obstruction"):
            ours, theirs = fd.modified_equation(order, update=rule).at(plain, eta, of), fd.modified_equation(order).at(more, eta, of)
            assert [list(each.flat) for each in ours] == [list(each.flat) for each in theirs]
    equation = fd.modified_equation(1, update=rule)
    assert str(equation).startswith("per update, l + 1/24 |θ - θ_0|^2/η for l:")
    assert r"l + \frac{1}{24} \eta^{-1} |\theta - \theta_0|^2" in equation._repr_latex_()
    assert fd.modified_equation(1, update=fd.updates.sgd()).coefficients == fd.modified_equation(1).coefficients


class Pulled(oracle.HeavyBall):
    """m <- mu m + c_t g + pull (theta - theta_0), theta <- theta - eta m."""

    def __init__(self, theta, mu, pull, rates=None):
        super().__init__(theta, mu, rates)
        self.pull = pull

    def scaled(self, t, gradient):
        return oracle.axpy(self.pull, oracle.axpy(-1, self.start, self.theta), super().scaled(t, gradient))


def test_decoupled_decay_is_another_momentum_on_another_loss():
    decay, mu, eta, rates = F(1, 3), F(1, 2), F(1, 5), [1, 3, F(1, 2)] * 2
    x, m, y, n = F(1), 0, F(1), 0
    for c in rates:
        m, n = mu * m + c * x**3, mu * (1 - decay) * n + c * y**3 + decay * (1 - mu) / eta * (y - 1)
        x, y = x - decay * (x - 1) - eta * m, y - eta * n
        assert x == y


def remembered(values, bases):
    """What does not decay, of 1, k and k^2, of sum over b of polynomials in k times b^k with these values at 0, 1, ...

    bases: how many coefficients each polynomial has.
    """
    functions = [(b, power) for b, many in bases.items() for power in range(many)]
    matrix = sympy.Matrix([[sympy.Rational(k) ** power * sympy.Rational(b) ** k for b, power in functions] for k in range(len(functions))])
    found = matrix.LUsolve(sympy.Matrix([sympy.Rational(x.numerator, x.denominator) for x in values]))
    return [F(int(found[i].p), int(found[i].q)) for i in (functions.index((1, power)) for power in range(3))]


@pytest.mark.parametrize(("mu", "rates", "decay", "order", "points"), [
    (F(1, 3), (1, F(1, 2)), None, 3, 1), (F(1, 2), (1,), F(1, 3), 3, 1), (F(1, 2), (2, 1), F(1, 3), 3, 1), (0, (2, 1), F(1, 3), 3, 1),
    (0, (2, 1), F(1, 3), 2, 2), pytest.param(F(1, 2), (1,), F(1, 3), 2, 2, marks=pytest.mark.long),
    pytest.param(F(1, 2), (1, 3), None, 2, 2, marks=pytest.mark.long), pytest.param(F(1, 2), (1, 3), F(1, 3), 2, 2, marks=pytest.mark.long),
], ids=str)
def test_memory_schedule_and_decay(mu, rates, decay, order, points):
    """Runs of fresh data, one point or two that are as probable: what of their means is a polynomial in the periods."""
    rule = fd.updates.momentum(mu) if decay is None else fd.updates.weight_decay(decay, mu)
    equation = fd.modified_equation(order, update=rule if rates == (1,) else rule.with_schedule(rates))
    kept, pull = (mu, 0) if decay is None else (mu * (1 - decay), decay * (1 - mu))
    bases = {F(kept) ** (len(rates) * j): order + 1 - j for j in range(order + 1) if kept or not j}
    many = sum(bases.values())
    run, watched = partial(Pulled, mu=kept, pull=pull, rates=[*rates] * many), fields.functions(SEED)
    drawn, _ = fields.problem(SEED, points)
    found = []
    for k in range(many):
        every = fields.runs(drawn, None, (points, 1, k * len(rates), "replacement"), order, run)
        found.append(fields.observed(watched, every, order))
    land = fields.formula(SEED, given=points)
    linear = composed(equation.beginning, equation.coefficients, order)
    square = {D: x / 2 for D, x in composed(linear, equation.coefficients, order).items()}
    for i, s in enumerate(watched):
        moved = [type(equation)(order, "drawn", "one epoch", equation.update, each, {}) for each in (equation.beginning, linear, square)]
        ours = [each.at(land, 1, fd.observable(fields.expression(s, W), W)) for each in moved]
        for d in range(order + 1):
            assert [x[d] for x in ours] == remembered([each["s", i][d] for each in found], bases), d


def test_a_schedule_and_a_decay_are_known_at_the_start():
    equation = fd.modified_equation(2, update=fd.updates.weight_decay(D).with_schedule([1, 2]))
    assert "at θ_0, whose decay of d counts as η" in str(equation)
    assert equation.latex().endswith(r"\text{at } \theta_0")
    drift = {term.text_of_tensors(): term.coefficient for term in equation.drift.terms}
    assert drift["H^μ_ν G^ν"] == -sympy.Rational(5, 2)  # steps f = -3 g + 2 H g, and the flow to order 2 is f - f' f / 2
    for wanted in (equation.modified_loss, lambda: equation.obstruction, lambda: equation.at(fields.formula(SEED), 1, "obstruction", d=1)):
        with pytest.raises(UnsupportedError, match="rates at theta_0"):
            wanted()


@pytest.mark.parametrize(("kind", "what", "options"), [
    (UnsupportedError, "has no period", {"update": fd.updates.schedule(lambda t: 1)}),
    (UnsupportedError, "has no period", {"update": fd.updates.momentum(F(1, 2)).with_schedule(lambda t: 1)}),
    (InputError, "sum to 0", {"update": fd.updates.schedule([1, -1])}),
    (InputError, "sum to 0", {"update": fd.updates.schedule([])}),
    (InputError, "exact", {"update": fd.updates.schedule([1, 0.5])}),
    (InputError, "exact", {"update": fd.updates.weight_decay(0.1)}),
    (TooLargeError, "period of 101", {"update": fd.updates.schedule([1] * 101)}),
    (TooLargeError, "to order 4", {"update": fd.updates.schedule([1, 2]), "order": 5}),
    (TooLargeError, "to order 3", {"update": fd.updates.schedule([1, 2] * 20), "order": 4}),
])
def test_refusals(kind, what, options):
    with pytest.raises(kind, match=what):
        fd.modified_equation(**{"order": 2} | options)
