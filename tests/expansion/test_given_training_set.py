"""A given training set against every sequence of its batches in Fractions: un-resummed, resummed, under every rule."""

import copy
import math
import pickle
from fractions import Fraction
from functools import lru_cache, partial

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import InputError, TrustWarning, UnsupportedError
from fastdiag.expansion import OBSERVABLES
from oracles import oracle
from oracles.given_sets import as_arrays, batches_of, formula, points, random_losses, series

F = Fraction
HALF = F(1, 2)
pytestmark = pytest.mark.filterwarnings("ignore::fastdiag.errors.TrustWarning")

# N, B, T, sampling: parts of an epoch, whole ones, up to three, full batches
CASES = [
    (3, 1, 2, "reshuffle"), (3, 1, 4, "reshuffle"), (2, 1, 5, "reshuffle"), (4, 2, 3, "reshuffle"), (2, 2, 2, "reshuffle"),
    (3, 1, 4, "cyclic"), (4, 2, 5, "cyclic"), (3, 2, 3, "replacement"),
    (3, 2, 3, "reshuffle", "keep"), (3, 2, 3, "reshuffle", "drop"), (3, 2, 4, "cyclic", "keep"), (3, 2, 2, "cyclic", "drop"),
]
LONGER = [(3, 1, 7, "reshuffle"), (4, 1, 5, "reshuffle"), (4, 2, 6, "reshuffle"), (4, 1, 6, "cyclic"), (4, 2, 3, "replacement")]
HEAVY = partial(oracle.HeavyBall, mu=HALF)
RULES = {
    "momentum": (fd.updates.momentum(HALF), HEAVY),
    "nesterov": (fd.updates.nesterov(HALF), partial(oracle.Nesterov, mu=HALF)),
    "quasi-hyperbolic": (fd.updates.quasi_hyperbolic(HALF, F(2, 3)), partial(oracle.QuasiHyperbolic, mu=HALF, nu=F(2, 3))),
    "decay": (fd.updates.weight_decay(F(1, 5)), partial(oracle.HeavyBall, decay=F(1, 5))),
    "schedule": (fd.updates.schedule([1, HALF, 2, F(1, 3), 1]), partial(oracle.HeavyBall, rates=[1, HALF, 2, F(1, 3), 1])),
}


def grid(case):
    N, B, T, sampling, last = *case, *[None][len(case) - 4 :]
    return fd.Spacetime(N, B, T, sampling=sampling, last=last)


@lru_cache
def losses_of(n, N):
    return random_losses(5, n, 4, N), random_losses(6, n, 4, 2)


@lru_cache
def landscapes(n, N):
    return tuple(formula(each, [0] * n) for each in losses_of(n, N))


@lru_cache
def expected(n, case, order=3, rule=oracle.HeavyBall, lam=None):
    return as_arrays(series(*losses_of(n, case[0]), case, order, rule, lam), order)


def predicted(n, case, eta, order, name, **options):
    land, test = landscapes(n, case[0])
    return fd.predict(land, grid(case), eta, order, name, training_set="given", test=test, **options)


def compare_exactly(n, case, names=OBSERVABLES, **options):
    for name in names:
        p = predicted(n, case, 1, 3, name, resummed=False)
        for d, wanted in enumerate(expected(n, case)):
            assert (np.asarray(p.by_order[d]) == wanted[name]).all(), (name, d)


@pytest.mark.every(3)
@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_unresummed_is_sgd_exactly(n, case):
    compare_exactly(n, case)


@pytest.mark.long
@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("case", LONGER, ids=str)
def test_longer_runs_are_sgd_exactly(n, case):
    compare_exactly(n, case)


@pytest.mark.parametrize("case", [CASES[1], CASES[6], CASES[7]], ids=str)
def test_floats_and_the_points_as_samples(case):
    land, test = map(points, losses_of(2, case[0]))
    eta = np.array([0.1, 0.3])
    for name in OBSERVABLES:
        p = fd.predict(land, grid(case), eta, 3, name, resummed=False, training_set="given", test=test)
        for d, wanted in enumerate(expected(2, case)):
            found, exactly = p.by_order[d], wanted[name].astype(float)
            np.testing.assert_allclose(found, np.multiply.outer(eta**d, exactly), rtol=1e-11, atol=1e-12)


LONG = partial(pytest.param, marks=pytest.mark.long)


@pytest.mark.parametrize(
    ("case", "names"),
    [((4, 2, 3, "reshuffle"), ("test_loss", "covariance")), LONG((4, 2, 3, "reshuffle"), OBSERVABLES),
     LONG((3, 1, 4, "cyclic"), OBSERVABLES), LONG((3, 2, 3, "replacement"), OBSERVABLES), LONG((3, 1, 2, "reshuffle"), OBSERVABLES)],
)
def test_resummed_agrees_with_sgd_to_its_order(case, names):
    eta = sympy.Symbol("eta")
    for name in names:
        total = np.asarray(predicted(1, case, eta, 3, name).total, dtype=object).item()
        powers = sympy.Poly(total, eta).all_coeffs()[::-1]
        assert powers[:4] == [wanted[name].item() for wanted in expected(1, case)], name
        near, exactly = predicted(1, case, 0.2, 3, name).total, total.subs(eta, sympy.Rational(1, 5))
        np.testing.assert_allclose(near, np.full(np.shape(near), float(exactly)), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(("n", "rule"), [(1, "momentum"), (1, "schedule")] + [LONG(2, rule) for rule in RULES])
def test_update_rules_exactly_and_resummed(n, rule):
    update, step = RULES[rule]
    case = (3, 1, 4, "reshuffle")
    for name in ("test_loss", "covariance"):
        wanted = [each[name] for each in expected(n, case, 3, step)]
        p = predicted(n, case, 1, 3, name, resummed=False, update=update)
        assert all((np.asarray(x) == y).all() for x, y in zip(p.by_order, wanted, strict=True))
        p = predicted(n, case, 0.5, 3, name, resummed=False, update=update)
        np.testing.assert_allclose(p.by_order[3], wanted[3].astype(float) / 8, rtol=1e-11)
        check_error_of_fourth_order(n, case, name, wanted, update)


@pytest.mark.parametrize(("n", "B"), [(1, 1), (1, 2), LONG(2, 1), LONG(2, 2)])
def test_hessian_based_steps(n, B):
    case, update = (4, B, 3, "reshuffle"), fd.updates.regularized_newton(F(1, 3))
    wanted = [each["test_loss"] for each in expected(n, case, 3, lam=F(1, 3))]
    assert list(predicted(n, case, 1, 3, "test_loss", resummed=False, update=update).by_order) == wanted
    check_error_of_fourth_order(n, case, "test_loss", wanted, update)


def check_error_of_fourth_order(n, case, name, wanted, update):
    """Resummed to order 3, half the learning rate leaves a sixteenth of the error."""
    left = []
    for eta in (1e-3, 5e-4):
        total = predicted(n, case, eta, 3, name, update=update).total
        left.append(np.abs(total - sum(eta**d * each.astype(float) for d, each in enumerate(wanted))).max())
    assert 14 < left[0] / left[1] < 18, left


def test_parabolas_of_one_curvature_are_exact_at_any_rate():
    rng = np.random.default_rng(2)
    H, slopes, tilt = np.array([[2.0, 0.5], [0.5, 1.0]]), rng.normal(size=(4, 2)), rng.normal(size=(1, 2))
    land = fd.landscapes.samples(np.zeros(4), slopes, np.broadcast_to(H, (4, 2, 2)))
    test = fd.landscapes.samples([1.0], tilt, [[[1.0, -0.3], [-0.3, 3.0]]])
    eta, (N, B, T) = np.array([[0.5, 0.2], [0.2, 0.9]]), (4, 2, 3)
    for sampling in ("reshuffle", "cyclic", "replacement"):
        total = 0.0
        for chance, batches in batches_of(N, B, T, sampling):
            theta = np.zeros(2)
            for batch in batches:
                theta = theta - eta @ (H @ theta + slopes[list(batch)].mean(axis=0))
            total += float(chance) * (1.0 + tilt[0] @ theta + theta @ test.hessian @ theta / 2)
        p = fd.predict(land, fd.Spacetime(N, B, T, sampling=sampling), eta, 2, training_set="given", test=test)
        assert p.total == pytest.approx(total, rel=1e-12)
        several = fd.predict(land, fd.Spacetime(N, B, T, sampling=sampling), eta, 2, T=[1, T], training_set="given", test=test)
        assert several.total[1] == pytest.approx(p.total, rel=1e-13)


def test_full_batches_have_no_noise():
    land = formula(random_losses(7, 1, 3, 3), [0])
    p = fd.predict(land, fd.Spacetime(3, 3, 4), 1, 3, resummed=False, training_set="given")
    tied = [value for diagram, value in p.by_diagram.items() if len(diagram.parts) <= diagram.order]
    assert tied
    assert not any(tied)
    assert fd.predict(land, fd.Spacetime(3, 3, 4), F(1, 9), 2, "covariance", training_set="given").total == 0


def test_one_point_and_no_held_out_data():
    one = formula(random_losses(7, 1, 3, 1), [0])
    assert fd.predict(one, fd.Spacetime(1, 1, 3), 1, 3, "covariance", training_set="given").total == 0
    land, st = landscapes(1, 3)[0], fd.Spacetime(3, 1, 4)
    ask = partial(fd.predict, land, st, F(1, 9), 3, training_set="given")
    assert ask(observable="test_loss").total == ask(observable="train_loss").total
    assert ask(observable="generalization_gap").total == 0
    assert fd.predict(land, st, 0.1, 3, "generalization_gap", training_set="given").total == 0.0


def test_many_points_are_as_drawn_ones():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(4000, 2)), rng.integers(0, 2, 4000)
    land = fd.landscapes.logistic(X, y, [0.1, -0.2])
    ask = partial(fd.predict, land, fd.Spacetime(4000, 4, 10), 0.1, 3)
    assert ask(training_set="given").total == pytest.approx(ask().total, rel=1e-4)
    assert ask(training_set="given").total != ask().total


def test_at_infinity_resummed():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(6, 2)), [0, 1, 1, 0, 1, 0]
    land = fd.landscapes.logistic(X, y, [0.0, 0.0], ridge=0.5).at_minimum()
    for sampling in ("reshuffle", "cyclic", "replacement"):
        ask = partial(fd.predict, land, eta=0.5, order=3, training_set="given")
        late = ask(fd.Spacetime(6, 2, 3000, sampling=sampling)).total
        assert ask(fd.Spacetime(6, 2, math.inf, sampling=sampling)).total == pytest.approx(late, rel=1e-12)


def test_processes_diffuse_by_the_covariance_of_the_points():
    land, test = landscapes(1, 3)
    st, sde = fd.Spacetime(3, 1, 4), fd.updates.sde()
    found = fd.predict(land, st, 1, 3, resummed=False, update=sde, training_set="given")
    assert found.total == fd.predict(land, st, 1, 3, resummed=False, update=sde).total
    ode = fd.predict(land, st, 0.1, 3, "generalization_gap", update=fd.updates.ode(), training_set="given", test=test)
    assert ode.total == pytest.approx(_of(ode, "test_loss") - _of(ode, "train_loss"), rel=1e-12)


def _of(p, name):
    asked = p.question
    return fd.predict(
        asked.landscape, p.spacetime, p.eta, p.order, name, update=p.update, training_set=p.training_set, test=p.test
    ).total


def test_continuous_time():
    X, y = np.random.default_rng(1).normal(size=(50, 2)), np.arange(50) % 2
    land = fd.landscapes.logistic(X, y, [0.3, 0.0])
    ask = partial(fd.predict, land, fd.Spacetime(50, 1, 50), 1e-3, 3, "covariance", training_set="given")
    np.testing.assert_allclose(ask(continuous=True).total, ask().total, rtol=0, atol=3e-2 * np.abs(ask().total).max())


def test_predictions_keep_what_was_asked():
    land, test = landscapes(2, 3)
    ask = partial(fd.predict, land, fd.Spacetime(3, 1, 4), [0.1, 0.2], 2, T=[2, 4], training_set="given")
    p = ask(test=test)
    assert (p.training_set, p.test, p.total.shape) == ("given", test, (2, 2))
    assert p == ask(test=test)
    assert p != ask()
    assert "given training set" in repr(p)
    drawn = fd.predict(land, fd.Spacetime(3, 1, 4), [0.1, 0.2], 2, T=[2, 4])
    assert drawn != p
    assert drawn.test is None
    assert drawn.training_set == "drawn"
    for again in (pickle.loads(pickle.dumps(p)), copy.deepcopy(p)):
        assert again == p
        assert again.training_set == "given"
        assert again.spacetime == p.spacetime
        np.testing.assert_array_equal(again.eta, p.eta)


def test_trust_is_of_the_given_set():
    land, test = landscapes(1, 3)
    with pytest.warns(TrustWarning, match="noise=1 in place of order"):
        p = fd.predict(land, fd.Spacetime(3, 1, 3), 1.0, 2, resummed=False, training_set="given", test=test)
    assert p.trust.next_order == pytest.approx(abs(float(expected(1, (3, 1, 3, "reshuffle"))[3]["test_loss"])))


SAMPLES = points(random_losses(5, 2, 4, 3))
HEAVIER = fd.landscapes.samples([0.0] * 3, [[1.0]] * 3, [[[1.0]]] * 3, weights=[0.5, 0.25, 0.25])


@pytest.mark.parametrize(
    ("error", "message", "land", "N", "options"),
    [
        (InputError, "own 3 points, so the spacetime must have N=3, not 4", SAMPLES, 4, {}),
        (InputError, "has a finite number of points, not N = inf", SAMPLES, math.inf, {}),
        (InputError, "unknown training_set 'mine'; known: drawn, given", SAMPLES, 3, {"training_set": "mine"}),
        (InputError, "test goes with training_set='given'", SAMPLES, 3, {"training_set": "drawn", "test": SAMPLES}),
        (InputError, "test has 1 weights, and the landscape 2", SAMPLES, 3, {"test": HEAVIER}),
        (InputError, "give test.at", SAMPLES, 3, {"test": fd.landscapes.logistic([[1.0, 2.0]], [1], [1.0, 0.0])}),
        (InputError, "landscape must come from", SAMPLES, 3, {"test": 3}),
        (InputError, "of 3 points with N = 3 one would come 1.5 times", HEAVIER, 3, {}),
        (InputError, "needs a landscape with data points", fd.landscapes.gauss(), 3, {}),
        (InputError, "exact results need formulas for held-out data", landscapes(2, 3)[0], 3, {"test": SAMPLES, "eta": 1}),
        (UnsupportedError, "give its `.points`", fd.landscapes.estimated(SAMPLES), 3, {}),
    ],
)
def test_what_cannot_be_given_says_why(error, message, land, N, options):
    asked = {"eta": 0.1, "order": 2, "training_set": "given"} | options
    with pytest.raises(error, match=message):
        fd.predict(land, fd.Spacetime(N, 1, 2), **asked)
