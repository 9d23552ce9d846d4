"""Any function at the root, beside every run of SGD in Fractions; the loss as a function is the loss, to the bit."""

import copy
import pickle
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import InputError, MissingTensorError, UnsupportedError
from oracles import fields, given_sets, observed_losses, oracle
from oracles.noise_oracle import landscape

F = Fraction
SYMBOLS = sympy.symbols("u v")
CASES = [pytest.param((3, 1, 2, "reshuffle"), marks=pytest.mark.long), (2, 1, 4, "reshuffle"), (4, 2, 3, "cyclic"), pytest.param((3, 2, 2, "replacement"), marks=pytest.mark.long)]
pytestmark = pytest.mark.filterwarnings("ignore::fastdiag.errors.TrustWarning", "ignore::fastdiag.errors.TaylorWarning")


def gradients(losses):
    return [[oracle.derivative(loss, v) for v in range(2)] for loss in losses]


@lru_cache
def wanted(case, rule=oracle.HeavyBall, given=False, order=4):
    if given:
        losses, weights = given_sets.random_losses(5, 2, 4, case[0]), None
    else:
        losses, weights = observed_losses.problem(1)
    runs = fields.runs(gradients(losses), weights, case, order, rule)
    return fields.observed(fields.functions(3), runs, order)


def watched():
    """Two functions, each with its place in the oracle."""
    first, second = (
        fd.observable(fields.expression(s, SYMBOLS), SYMBOLS, name) for s, name in zip(fields.functions(3), "st", strict=True)
    )
    return {("s", 0): first, ("s", 1): second, ("s", 0, 0): first.variance(), ("s", 0, 1): first.covariance(second)}


def as_arrays():
    """The same as derivatives at 0."""
    first, second = (fd.observable([fields.tensor(s, k) for k in range(5)]) for s in fields.functions(3))
    return {("s", 0): first, ("s", 0, 0): first.variance(), ("s", 1, 0): second.covariance(first)}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_unresummed_is_sgd(case):
    """Order 4 where it is a mean; a covariance's roots take one edge more, and their derivatives go to the fifth."""
    grid, eta = observed_losses.grid(case), np.array([0.01, 0.3])
    for key, observable in as_arrays().items():
        p = fd.predict(observed_losses.floats(1), grid, eta, 4, observable, resummed=False)
        for d, exact in enumerate(wanted(case)[key]):
            np.testing.assert_allclose(p.by_order[d], eta**d * float(exact), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("case", [(2, 1, 4, "reshuffle"), pytest.param((3, 2, 2, "replacement"), marks=pytest.mark.long)], ids=str)
def test_unresummed_is_sgd_exactly(case):
    for key, observable in watched().items():
        p = fd.predict(observed_losses.symbolic(1), observed_losses.grid(case), 1, 3, observable, resummed=False)
        assert list(p.by_order) == wanted(case)[key][:4], key


@pytest.mark.parametrize("case", [(3, 1, 4, "reshuffle"), pytest.param((4, 2, 3, "replacement"), marks=pytest.mark.long)], ids=str)
def test_given_points_exactly(case):
    """Held-out data play no part: the function is the same everywhere."""
    losses = given_sets.random_losses(5, 2, 4, case[0])
    for key, observable in watched().items():
        p = fd.predict(given_sets.formula(losses, [0, 0]), observed_losses.grid(case), 1, 3, observable, resummed=False,
                       training_set="given")
        assert list(p.by_order) == wanted(case, given=True)[key][:4], key


def test_momentum_exactly():
    case, update = (2, 1, 4, "reshuffle"), fd.updates.momentum(F(1, 2))
    exact = fields.observed(fields.functions(3), fields.runs(
        gradients(observed_losses.problem(1)[0]), observed_losses.problem(1)[1], case, 3, lambda theta: oracle.HeavyBall(theta, F(1, 2))
    ), 3)
    for key, observable in watched().items():
        p = fd.predict(observed_losses.symbolic(1), observed_losses.grid(case), 1, 3, observable, resummed=False, update=update)
        assert list(p.by_order) == exact[key], key


def test_resummed_agrees_to_its_order():
    """By differences: a resummed prediction to order d misses SGD by eta^(d + 1)."""
    case, etas = (2, 1, 4, "reshuffle"), np.array([1e-3, 2e-3])
    for key, observable in as_arrays().items():
        series = sum(np.multiply.outer(float(x), etas**d) for d, x in enumerate(wanted(case)[key]))
        for order in (2, 3):
            off = fd.predict(observed_losses.floats(1), observed_losses.grid(case), etas, order, observable).total - series
            assert off[1] / off[0] == pytest.approx(2.0 ** (order + 1), rel=0.1), (key, order)


LOSS = {(1, 0): F(1), (2, 0): F(1), (0, 2): F(2), (1, 1): F(1, 2), (3, 0): F(1, 3), (1, 2): F(-1, 2), (0, 1): F(-1)}
NOISES = [{(1, 0): F(1), (1, 1): F(1)}, {(1, 0): F(-1), (1, 1): F(-1)}]


def test_about_the_path_a_product_of_weights_is_their_second_moment():
    """E w_i w_j = E w_i E w_j + cov, by noise orders in Fractions; and the covariance of two weights is the weights'."""
    land, eta, st = landscape(LOSS, NOISES, [F(1, 2)] * 2, [F(1, 2), F(-1)]), F(1, 5), fd.Spacetime(4, 1, 4)
    found = {name: fd.predict(land, st, eta, noise=2, observable=name).by_order for name in ("displacement", "covariance")}
    (m0, m1, m2), (_, S1, S2) = found["displacement"], found["covariance"]
    u, v = land.coordinates
    a, b = u - sympy.Rational(1, 2), v + 1
    for i, j, product in ((0, 0, a * a), (0, 1, a * b)):
        p = fd.predict(land, st, eta, noise=2, observable=fd.observable(product, (u, v)))
        assert p.by_order[0] == m0[i] * m0[j]
        assert sympy.expand(p.by_order[1] - (S1[i, j] + m0[i] * m1[j] + m1[i] * m0[j])) == 0
        assert sympy.expand(p.by_order[2] - (S2[i, j] + m0[i] * m2[j] + m1[i] * m1[j] + m2[i] * m0[j])) == 0
    for options in ({"noise": 2}, {"order": 3, "resummed": False}, {"order": 3, "resummed": False, "update": fd.updates.sde()}):
        first, second = (fd.observable(w, (u, v)) for w in (u, v))
        crossed = fd.predict(land, st, eta, observable=first.covariance(second), **options)
        whole = fd.predict(land, st, eta, observable="covariance", **options)
        assert list(crossed.by_order) == [x[0, 1] for x in whole.by_order]


@pytest.mark.parametrize("how", [
    {"order": 3}, {"order": 2, "resummed": False}, {"noise": 1}, {"noise": 2}, {"closure": "gaussian"},
    {"order": 2, "update": fd.updates.momentum(0.5)}, {"noise": 1, "update": fd.updates.adam()},
    {"noise": 1, "training_set": "given"}, {"order": 2, "training_set": "given"},
], ids=str)
def test_the_loss_as_a_function_is_the_loss(how):
    rng = np.random.default_rng(0)
    land = fd.landscapes.logistic(rng.normal(size=(6, 2)), [0, 1, 1, 0, 1, 0], [0.3, -0.2], 0.1)
    st, eta, s = fd.Spacetime(N=6, T=6), [0.05, 0.1], fd.observable(land, name="l")
    for name, observable in (("test_loss", s), ("test_loss_variance", s.variance()), ("test_loss_variance", s.covariance(s))):
        if "closure" in how and name != "test_loss":
            continue
        ours, theirs = (fd.predict(land, st, eta, observable=each, **how) for each in (observable, name))
        np.testing.assert_array_equal(ours.total, theirs.total)
        np.testing.assert_array_equal(ours.by_order, theirs.by_order)


def test_over_several_epochs_by_skeletons():
    loss, noises = {(1,): F(1), (2,): F(3, 2), (3,): F(-1, 2)}, [{(1,): F(1), (2,): F(1, 2)}, {(1,): F(-1), (2,): F(-1, 2)}]
    land = landscape(loss, noises, [F(1, 2)] * 2, [F(1, 2)])
    st, s = fd.Spacetime(2, 1, 3), fd.observable(land)
    for name, observable in (("test_loss", s), ("test_loss_variance", s.variance())):
        ours, theirs = (fd.predict(land, st, F(1, 5), observable=each, noise=2) for each in (observable, name))
        assert ours.by_order == theirs.by_order
        assert ours.by_diagram == theirs.by_diagram


def test_simulated():
    land, st = observed_losses.floats(1), fd.Spacetime(4, 2, 4)
    for method in ("sgd", "sde"):
        for name, observable in (("test_loss", fd.observable(land)), ("test_loss_variance", fd.observable(land).variance())):
            ours, theirs = (
                fd.simulate(land, st, [0.01, 0.02], 300, method=method, observable=each, T=[2, 4]) for each in (observable, name)
            )
            np.testing.assert_array_equal(ours.mean, theirs.mean)
            np.testing.assert_array_equal(ours.stderr, theirs.stderr)
    first, second = (fd.observable([0.0, e]) for e in np.eye(2))
    whole = fd.simulate(land, st, 0.02, 1000, observable="covariance")
    one = fd.simulate(land, st, 0.02, 1000, observable=first.covariance(second), keep_runs=True)
    assert (one.mean, one.stderr) == pytest.approx((whole.mean[0, 1], whole.stderr[0, 1]), rel=1e-9)
    assert one.values.shape == (1000, 2)


def test_a_formula_is_seen_from_a_start_in_floats():
    X = [[1.0, 0.5], [-2.0, 1.0]]
    land, u = fd.landscapes.logistic(X, [1, 0], [0.1, 0.25]), SYMBOLS
    s = u[0] ** 2 * u[1]
    written = [0.0025, [0.05, 0.01], [[0.5, 0.2], [0.2, 0.0]], [[[0, 2], [2, 0]], [[2, 0], [0, 0]]]]
    ours, theirs = (
        fd.predict(land, fd.Spacetime(N=4, T=4), 0.1, 3, each).total for each in (fd.observable(s, u), fd.observable(written))
    )
    assert ours == pytest.approx(theirs, rel=1e-13)


def test_what_it_is():
    s, t = (fd.observable([0.0, [1.0, 0.0], [[1.0, 2.0], [2.0, 0.0]]], name=name) for name in "st")
    formula = fd.observable(SYMBOLS[0] ** 2, SYMBOLS)
    for each in (s, s.variance(), s.covariance(t), formula, formula.covariance(s)):
        for other in (pickle.loads(pickle.dumps(each)), copy.deepcopy(each)):
            assert other == each
            assert repr(other) == repr(each)
            assert hash(other) == hash(each)
    assert s != t
    assert s != s.variance()
    land, st = observed_losses.floats(1), fd.Spacetime(4, T=4)
    p = fd.predict(land, st, 0.01, 1, s)
    assert p.observable == s
    assert pickle.loads(pickle.dumps(p)) == p
    assert repr(p).startswith("<resummed s to order 1:")
    assert isinstance(str(p.trust), str)
    assert fd.predict_many([(land, st, 0.01)], order=1, observable=s)[0] == p


LAND, ST = fd.landscapes.samples([0.0, 1.0], [[1.0, 0.0], [0.0, 2.0]], 0, 0, 0), fd.Spacetime(4, T=4)
FLAT = fd.observable([0.0, [1.0, 0.0]], name="flat")
ESTIMATED = fd.landscapes.estimated(LAND)


@pytest.mark.parametrize(("kind", "what", "call"), [
    (InputError, "sequence of derivatives", lambda: fd.observable(3.0)),
    (InputError, "its gradient at least", lambda: fd.observable([1.0])),
    (InputError, "is empty", lambda: fd.observable([1.0, []])),
    (InputError, "symmetric", lambda: fd.observable([0.0, [0.0, 0.0], [[0.0, 1.0], [2.0, 0.0]]])),
    (InputError, "shape", lambda: fd.observable([0.0, [0.0, 0.0], [[0.0]]])),
    (InputError, "finite", lambda: fd.observable([0.0, [np.nan, 0.0]])),
    (InputError, "needs weights", lambda: fd.observable(SYMBOLS[0])),
    (InputError, "exact", lambda: fd.observable(0.5 * SYMBOLS[0], SYMBOLS)),
    (InputError, "goes with an expression", lambda: fd.observable(LAND, SYMBOLS)),
    (InputError, "goes with a SymPy expression", lambda: fd.observable([0.0, [1.0]], SYMBOLS)),
    (InputError, "name must be", lambda: fd.observable([0.0, [1.0]], name="")),
    (InputError, "other must be", lambda: FLAT.covariance("test_loss")),
    (UnsupportedError, "has no variance", lambda: FLAT.variance().variance()),
    (InputError, "s is of 1 weights", lambda: fd.predict(LAND, ST, 0.1, 1, fd.observable([0.0, [1.0]]))),
    (InputError, "s must be seen from", lambda: fd.predict(LAND, ST, 0.1, 1, fd.observable(LAND.at([1.0, 0.0])))),
    (MissingTensorError, "of s of degree 2", lambda: fd.predict(LAND, ST, 0.1, 2, FLAT)),
    (InputError, "need formulas", lambda: fd.predict(fd.landscapes.archimedes(), ST, 1, 1, fd.observable([0.0, [1.0, 0.0, 0.0]]), resummed=False)),
    (UnsupportedError, "not estimated", lambda: fd.predict(ESTIMATED, ST, 0.1, 1, FLAT, resummed=False)),
    (InputError, "here, not", lambda: fd.expand(FLAT)),
    (InputError, "derivative of s along u is 1 on one side and -1 on the other at u = 0, v = 0: s has", lambda: fd.predict(LAND, ST, 0.1, 1, fd.observable(abs(SYMBOLS[0]), SYMBOLS))),
    (InputError, "s is zoo at .*: s is not smooth", lambda: fd.predict(LAND, ST, 0.1, 1, fd.observable(1 / SYMBOLS[0], SYMBOLS))),
    (InputError, "not real; s must be", lambda: fd.predict(LAND, ST, 0.1, 1, fd.observable(sympy.log(SYMBOLS[0] - 1), SYMBOLS))),
    (UnsupportedError, "<s: u\\*x, u = 0.*is the formula x in x", lambda: fd.predict(LAND, ST, 0.1, 1, fd.observable(sympy.Symbol("x") * SYMBOLS[0], SYMBOLS))),
    (UnsupportedError, "give its `.points`", lambda: fd.observable(ESTIMATED)),
])
def test_refusals(kind, what, call):
    with pytest.raises(kind, match=what):
        call()
