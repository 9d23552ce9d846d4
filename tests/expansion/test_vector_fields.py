"""Vector fields beside every run of them in Fractions: un-resummed, resummed, about the path, given, under rules."""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import InputError, MissingTensorError, TooLargeError, UnsupportedError
from oracles import fields, observed_losses, oracle

F = Fraction
SYMBOLS = sympy.symbols("u v")
CASES = [
    (2, 1, 4, "reshuffle"), (4, 2, 4, "reshuffle"), (3, 1, 3, "reshuffle"), (2, 1, 5, "cyclic"), (4, 2, 3, "cyclic"),
    (3, 2, 2, "replacement"), (2, 1, 3, "replacement"),
]
QUICK = (CASES[0], CASES[4], CASES[6])
RULES = {
    "momentum": (fd.updates.momentum(F(1, 2)), partial(oracle.HeavyBall, mu=F(1, 2))),
    "nesterov": (fd.updates.nesterov(F(1, 2)), partial(oracle.Nesterov, mu=F(1, 2))),
    "quasi-hyperbolic": (fd.updates.quasi_hyperbolic(F(1, 2), F(2, 3)), partial(oracle.QuasiHyperbolic, mu=F(1, 2), nu=F(2, 3))),
    "decay": (fd.updates.weight_decay(F(1, 5)), partial(oracle.HeavyBall, decay=F(1, 5))),
}
pytestmark = pytest.mark.filterwarnings("ignore::fastdiag.errors.TrustWarning", "ignore::fastdiag.errors.TaylorWarning")


def marked(cases, quick):
    return [pytest.param(case, id=str(case), marks=() if case in quick else pytest.mark.long) for case in cases]


def watched(seed):
    """What is observed, by the oracle's names."""
    first, second = (fd.observable(fields.expression(s, SYMBOLS), SYMBOLS) for s in fields.functions(seed))
    return {("s", 0): first, ("s", 1): second, ("s", 0, 0): first.variance(), ("s", 0, 1): first.covariance(second)}


def as_derivatives(seed):
    first, second = (fd.observable([fields.tensor(s, k) for k in range(5)]) for s in fields.functions(seed))
    return {("s", 0): first, ("s", 1): second, ("s", 0, 0): first.variance(), ("s", 0, 1): first.covariance(second)}


def compare(land, case, wanted, order, observables, eta, **options):
    """Every order; eta 1 for exact numbers, floats for floats."""
    def check(found, exact, d):
        if isinstance(eta, int):
            assert found == exact
        else:
            np.testing.assert_allclose(found, eta**d * float(exact), rtol=1e-10, atol=1e-11)

    for key, observable in observables.items():
        p = fd.predict(land, observed_losses.grid(case), eta, order, observable, resummed=False, **options)
        for d, found in enumerate(p.by_order):
            check(found, wanted[key][d], d)
    for name, axes in (("displacement", 1), ("covariance", 2)):
        p = fd.predict(land, observed_losses.grid(case), eta, order, name, resummed=False, **options)
        for d, found in enumerate(p.by_order):
            for index in np.ndindex((2,) * axes):
                check(found[index], wanted["w", *index][d], d)


@pytest.mark.parametrize("case", marked(CASES, QUICK))
def test_order_4_is_every_run(case):
    (v, *higher), weights = fields.arrays(7)
    land = fd.landscapes.field(v, *higher, weights=weights)
    compare(land, case, fields.expected(7, case), 4, as_derivatives(7), 0.3)


@pytest.mark.parametrize("case", marked(CASES, [CASES[0]]))
def test_order_3_is_every_run_exactly(case):
    compare(fields.formula(7), case, fields.expected(7, case), 3, watched(7), 1)


@pytest.mark.parametrize("case", marked([(3, 1, 4, "reshuffle"), (4, 2, 3, "cyclic"), (3, 2, 3, "replacement")], [(3, 1, 4, "reshuffle")]))
def test_given_points_exactly(case):
    land = fields.formula(7, given=case[0])
    compare(land, case, fields.expected(7, case, 3, given=True), 3, watched(7), 1, training_set="given")


@pytest.mark.parametrize("rule", [pytest.param(rule, marks=() if rule == "momentum" else pytest.mark.long) for rule in RULES])
def test_update_rules_exactly(rule):
    (update, step), case = RULES[rule], (2, 1, 4, "reshuffle")
    compare(fields.formula(7), case, fields.expected(7, case, 3, step), 3, watched(7), 1, update=update)


@pytest.mark.long
@pytest.mark.parametrize("case", [(2, 1, 4, "reshuffle"), (4, 2, 4, "reshuffle")], ids=str)
def test_order_4_with_momentum(case):
    (v, *higher), weights = fields.arrays(7)
    land, (update, step) = fd.landscapes.field(v, *higher, weights=weights), RULES["momentum"]
    compare(land, case, fields.expected(7, case, 4, step), 4, as_derivatives(7), 0.3, update=update)


TURNING, STRETCHING = [[0, -1], [1, 0]], [[1, 2], [F(1, 2), 3]]


def with_slopes(seed, slopes):
    """A random field whose mean derivative at 0 is this: of complex, or of real eigenvalues."""
    drawn, weights = fields.problem(seed)
    points = [[dict(p) for p in each] for each in drawn]
    for v in range(2):
        for e, wanted in (((1, 0), slopes[v][0]), ((0, 1), slopes[v][1])):
            mean = sum(w * each[v][e] for w, each in zip(weights, points, strict=True))
            for each in points:
                each[v][e] += wanted - mean
    return points, weights


@pytest.mark.parametrize(("slopes", "case"), [
    (TURNING, (2, 1, 4, "reshuffle")), (STRETCHING, (2, 1, 4, "reshuffle")),
    pytest.param([[1, 1], [0, 1]], (3, 2, 2, "replacement"), marks=pytest.mark.long),
    pytest.param(STRETCHING, (4, 2, 3, "cyclic"), marks=pytest.mark.long),
], ids=str)
@pytest.mark.parametrize("update", [None, fd.updates.momentum(0.5)], ids=str)
def test_resummed_agrees_to_its_order(slopes, case, update):
    """It misses what runs come to by eta^(order + 1), be K diagonalisable or not."""
    points, weights = with_slopes(11, slopes)
    rule = oracle.HeavyBall if update is None else partial(oracle.HeavyBall, mu=F(1, 2))
    wanted = fields.observed(fields.functions(3), fields.runs(points, weights, case, 4, rule), 4)
    tensors = [np.array([[fields.tensor(v, k) for v in each] for each in points]) for k in range(4)]
    land, etas = fd.landscapes.field(*tensors, weights=[float(w) for w in weights]), np.array([1e-3, 2e-3])
    names = {("w", 0): "displacement", ("s", 0): as_derivatives(3)["s", 0], ("s", 0, 1): as_derivatives(3)["s", 0, 1]}
    for key, name in names.items():
        series = sum(np.multiply.outer(float(x), etas**d) for d, x in enumerate(wanted[key]))
        found = fd.predict(land, observed_losses.grid(case), etas, 2, name, update=update).total
        off = (found[:, 0] if name == "displacement" else found) - series
        assert off[1] / off[0] == pytest.approx(8, rel=0.1), key


def linear(slopes, kicks=((1, 2), (-1, -2))):
    """dv is the same at all points and everywhere: resummed to order 2 is exact."""
    return fd.landscapes.field(np.array(kicks, float), np.array([slopes] * 2, float), 0, 0)


@pytest.mark.parametrize("update", [None, fd.updates.momentum(0.5), fd.updates.nesterov(0.3)], ids=str)
def test_resummed_in_directions_and_update_by_update(update):
    """Nearly complex, real and defective matrices go three ways; each beside the covariance's own recursion."""
    st = fd.Spacetime(N=8, T=8)
    for slopes in (STRETCHING, TURNING, [[1, 1], [0, 1]]):
        A, C = np.array(slopes, float), np.array([[1.0, 2.0], [2.0, 4.0]])
        found = fd.predict(linear(slopes), st, [0.1, 0.2], 2, "covariance", update=update).total
        for eta, S in zip((0.1, 0.2), found, strict=True):
            p = fd.predict(linear(slopes), st, eta, noise=1, observable="covariance", update=update).total
            np.testing.assert_allclose(S, p, rtol=1e-10)
            if update is None:
                wanted, K = np.zeros((2, 2)), np.eye(2) - eta * A
                for _ in range(8):
                    wanted = K @ wanted @ K.T + eta**2 * C
                np.testing.assert_allclose(S, wanted, rtol=1e-12)


def test_the_limit_of_many_updates():
    """T = inf of real eigenvalues, exactly and in floats: S = K S K^T + eta^2 C."""
    def land(slopes):
        x = sympy.Symbol("x")
        v = [sum(sympy.Rational(a) * w for a, w in zip(row, SYMBOLS, strict=True)) + k * x for row, k in zip(slopes, (1, 2), strict=True)]
        law = fd.landscapes.finite({-1: F(1, 2), 1: F(1, 2)})
        return fd.landscapes.symbolic_field(v, SYMBOLS, x, law, [0, 0])

    forever, A, eta = fd.Spacetime(float("inf"), 1, float("inf")), np.array(STRETCHING, float), 0.125
    K, C = np.eye(2) - eta * A, np.array([[1.0, 2.0], [2.0, 4.0]])
    wanted = np.linalg.solve(np.eye(4) - np.kron(K, K), eta**2 * C.ravel()).reshape(2, 2)
    for rate in (eta, F(1, 8)):
        found = fd.predict(land(STRETCHING), forever, rate, 2, "covariance").total
        np.testing.assert_allclose(np.asarray(found, float), wanted, rtol=1e-12)
    np.testing.assert_allclose(fd.predict(land(STRETCHING), forever, eta, noise=1, observable="covariance").total, wanted, rtol=1e-10)
    for rate in (eta, F(1, 8)):
        with pytest.raises((InputError, UnsupportedError), match="finite"):
            fd.predict(land([[1, -2], [2, 1]]), forever, rate, 2, "covariance")


def test_a_metric():
    """eta multiplies v from the left: the same as the field eta v."""
    (v, *higher), weights = fields.arrays(7)
    metric = np.array([[2.0, 0.5], [0.5, 1.0]]) / 10
    land = fd.landscapes.field(v, *higher, weights=weights)
    turned = fd.landscapes.field(*(np.moveaxis(np.tensordot(d, metric, ((1,), (1,))), -1, 1) for d in (v, *higher)), weights=weights)
    st = fd.Spacetime(4, 2, 4)
    for how in ({"order": 3, "resummed": False}, {"order": 3}, {"noise": 1}, {"noise": 1, "update": fd.updates.sde()}):
        for name in ("displacement", "covariance"):
            ours = fd.predict(land, st, metric, observable=name, **how).total
            np.testing.assert_allclose(ours, fd.predict(turned, st, 1.0, observable=name, **how).total, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("how", [
    {"order": 3}, {"order": 3, "resummed": False}, {"noise": 1}, {"noise": 2}, {"noise": 1, "closure": "gaussian"},
    {"order": 2, "training_set": "given"}, {"noise": 1, "training_set": "given"}, {"order": 2, "update": fd.updates.sde()},
    {"noise": 1, "update": fd.updates.ode()}, {"noise": 1, "update": fd.updates.clipped(2.0)}, {"noise": 1, "update": fd.updates.adam()},
    {"order": 2, "continuous": True},
], ids=str)
def test_a_gradient_as_a_field_is_the_loss_to_the_bit(how):
    loss = symmetric_points()
    field, s, st = fd.landscapes.field(*loss.derivatives[1:]), fd.observable(symmetric_points()), fd.Spacetime(4, 1, 4)
    for eta in ([0.02, 0.05], np.array([[0.05, 0.01], [0.01, 0.04]])):
        if np.ndim(eta) == 2 and "continuous" in how:
            continue
        for name in ("displacement", "covariance", s, s.variance()):
            if "closure" in how and name == s.variance():
                continue
            ours, theirs = (fd.predict(land, st, eta, observable=name, **how) for land in (field, loss))
            np.testing.assert_array_equal(ours.total, theirs.total)
            np.testing.assert_array_equal(ours.by_order, theirs.by_order)


@pytest.mark.parametrize("n", [3, 4])
def test_more_weights_to_the_bit(n):
    """Along directions the loss's own Hessian has no rounding off its diagonal, and as a function's it has none either."""
    loss = symmetric_points(n)
    field, s = fd.landscapes.field(*loss.derivatives[1:]), fd.observable(loss)
    for how in ({"order": 3}, {"order": 2, "update": fd.updates.momentum(0.5)}):
        for eta in ([0.02, 0.05], 0.04 * np.eye(n) + 0.01):
            for observable, name in ((s, "test_loss"), (s.variance(), "test_loss_variance")):
                theirs = fd.predict(loss, fd.Spacetime(6, 2, 6), eta, observable=name, **how)
                ours = fd.predict(field, fd.Spacetime(6, 2, 6), eta, observable=observable, **how)
                np.testing.assert_array_equal(ours.by_order, theirs.by_order)


def symmetric_points(n=2):
    """Four points with random derivatives up to the fifth, symmetric to the last bit."""
    rng = np.random.default_rng(1)
    tensors = [rng.normal(size=(4, *(n,) * k)) for k in range(6)]
    for k, tensor in enumerate(tensors):
        for index in np.ndindex(*(n,) * k):
            tensor[(slice(None), *index)] = tensor[(slice(None), *sorted(index))]
    return fd.landscapes.samples(*tensors[:5], fifth=tensors[5])


def test_simulated_to_the_bit():
    loss = observed_losses.floats(1)
    field = fd.landscapes.field(*loss.derivatives[1:], weights=loss.weights)
    for method in ("sgd", "sde", "ode"):
        ours, theirs = (
            fd.simulate(land, fd.Spacetime(4, 2, 4), 0.02, 300, method=method, observable="covariance") for land in (field, loss)
        )
        np.testing.assert_array_equal(ours.mean, theirs.mean)


def test_simulated_as_it_is_written():
    """A field that is no gradient: full batches follow dv, not its transpose; points and formula alike."""
    drawn, weights = fields.problem(7, degree=3)
    tensors = [np.array([[fields.tensor(v, k) for v in each] for each in drawn]) for k in range(4)]
    case, theta = (2, 2, 3, "cyclic"), np.zeros(2)
    for _ in range(3):
        values = np.array([[[float(c) * theta[0] ** a * theta[1] ** b for (a, b), c in p.items()] for p in each] for each in drawn])
        theta = theta - 0.05 * np.average(values.sum(axis=2), axis=0, weights=[float(w) for w in weights])
    points = fd.landscapes.field(*tensors, weights=[float(w) for w in weights])
    for land in (points, fields.formula(7, degree=3)):
        found = fd.predict(land, observed_losses.grid(case), 0.05, noise=0, observable="displacement").total
        np.testing.assert_allclose(found, theta, rtol=1e-12)
        runs = fd.simulate(land, observed_losses.grid(case), 0.05, 4000, observable="displacement")
        wanted = fd.predict(land, observed_losses.grid(case), 0.05, noise=1, observable="displacement").total
        np.testing.assert_allclose(runs.mean, wanted, atol=5 * runs.stderr.max())


LAND, ST = linear(TURNING), fd.Spacetime(4, T=4)


@pytest.mark.parametrize("bent", [False, True], ids=["polynomial", "exponential"])
def test_a_gaussian_closure_of_formulas(bent):
    """The displacement and covariance need no loss; polynomials as their arrays do, others by a sum of their own."""
    x, *weights = sympy.symbols("x u v")
    u, v = weights
    entries = [u + v**2 / 3 + x * v, 2 * v - u + x + (sympy.exp(u / 2) if bent else u**3 / 6)]
    data = fd.landscapes.finite({-1: F(1, 2), 1: F(1, 2)})
    land = fd.landscapes.symbolic_field(entries, weights, x, data, [F(1, 3), F(1, 4)])
    other = land.samples(8 if bent else 4)
    st = fd.Spacetime(float("inf"), T=6)
    for observed in ("displacement", "covariance"):
        found, wanted = (fd.predict(each, st, 0.05, observable=observed, noise=1, closure="gaussian").total for each in (land, other))
        np.testing.assert_allclose(found, wanted, rtol=1e-9)
        assert np.abs(wanted).max() > 1e-4


@pytest.mark.parametrize(("kind", "what", "call"), [
    (InputError, "no gradient", lambda: fd.predict(LAND, ST, 0.1)),
    (InputError, "no gradient", lambda: fd.simulate(LAND, ST, 0.1, observable="train_loss")),
    (InputError, "no loss", lambda: fd.uvalue("[a]", LAND)),
    (InputError, "no loss", lambda: fd.rvalue("[a]", LAND, ST, 0.1)),
    (InputError, "no loss", lambda: fd.criteria.tic(LAND, 4)),
    (InputError, "no loss", lambda: fd.observable(LAND)),
    (InputError, "no loss", lambda: fd.landscapes.estimated(LAND)),
    (UnsupportedError, "no gradient", lambda: LAND.loss),
    (UnsupportedError, "no gradient", lambda: fields.formula(7).loss),
    (UnsupportedError, "Hessian", lambda: fd.predict(LAND, ST, 0.1, 1, "displacement", update=fd.updates.regularized_newton(1))),
    (UnsupportedError, "diagonalisable", lambda: fd.predict(LAND, ST, 0.1, 1, "displacement", update=fd.updates.sde())),
    (UnsupportedError, "diagonalisable", lambda: fd.predict(LAND, ST, 0.1, 1, "displacement", continuous=True)),
    (TooLargeError, "update by update", lambda: fd.predict(LAND, fd.Spacetime(10**6, T=10**6), 1e-6, 3, "displacement")),
    (MissingTensorError, "ddddv", lambda: fd.predict(LAND, ST, 0.1, 5, "displacement")),
    (InputError, "at least", lambda: fd.landscapes.field()),
    (InputError, "symmetric", lambda: fd.landscapes.field([[1.0, 2.0]], 0, np.arange(8.0).reshape(1, 2, 2, 2))),
    (InputError, "shape", lambda: fd.landscapes.field([[1.0, 2.0]], [[1.0, 2.0]])),
    (InputError, "an entry for each", lambda: fd.landscapes.symbolic_field([SYMBOLS[0]], SYMBOLS, sympy.Symbol("x"), fd.landscapes.normal(), [0, 0])),
])
def test_refusals(kind, what, call):
    with pytest.raises(kind, match=what):
        call()
