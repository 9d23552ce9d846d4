"""Landscapes by directional derivatives beside the same losses by dense tensors, whose own oracles are elsewhere."""

import pickle
from itertools import product

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.errors import InputError, TooLargeError, UnsupportedError
from fastdiag.simulation import directional_runs
from fastdiag.values import leaf_to_root
from oracles.directions import OfTensors, symmetric, twins

WEIGHTS = [0.1, 0.4, 0.3, 0.2]
DENSE, LAND = twins(weights=WEIGHTS)
ST = fd.Spacetime(N=6, B=2, T=5)
MATRIX = np.array([[0.2, 0.05], [0.05, 0.1]])
OBSERVABLES = ["test_loss", "train_loss", "generalization_gap", "displacement", "covariance", "test_loss_variance"]
QUIET = pytest.mark.filterwarnings("ignore::fastdiag.errors.TaylorWarning")


def close(a, b, digits=1e-10):
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and bool(np.abs(a - b).max() <= digits * np.abs(b).max())


@pytest.mark.parametrize("order", range(5))
def test_all_diagrams(order):
    for diagram in fd.diagrams(order, root_shares=True):
        assert fd.uvalue(diagram, LAND) == pytest.approx(fd.uvalue(diagram, DENSE), rel=1e-10, abs=1e-13), diagram


def test_few_points_of_many_weights():
    """The mean product of two children then has the rank of the points."""
    dense, land = twins(1, points=3, n=8, degree=3)
    for diagram in ("[b[a a]]", "[a a b]", "[a a a]", "[a b[a]]", "a[a b]"):
        assert fd.uvalue(diagram, land) == pytest.approx(fd.uvalue(diagram, dense), rel=1e-10), diagram


@pytest.mark.parametrize("observable", OBSERVABLES)
def test_predictions(observable):
    for resummed, eta in product((False, True), (0.1, MATRIX)):
        ours, theirs = (fd.predict(each, ST, eta, 3, observable, resummed=resummed) for each in (LAND, DENSE))
        assert close(ours.total, theirs.total)


def test_given_training_set_and_held_out_data():
    points, st = twins(points=4)[1], fd.Spacetime(N=4, B=2, T=3)
    dense, test = twins(points=4)[0], twins(5)[0]
    for other in (None, test, twins(5)[1]):
        ours = fd.predict(points, st, 0.1, 3, "generalization_gap", False, training_set="given", test=other)
        theirs = fd.predict(dense, st, 0.1, 3, "generalization_gap", False, training_set="given", test=other)
        assert close(ours.total, theirs.total) if other is not None else abs(ours.total - theirs.total) < 1e-14


@QUIET
@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
def test_about_the_path(sampling):
    st = fd.Spacetime(N=4, B=2, T=5, sampling=sampling)
    for observable in ("test_loss", "generalization_gap", "covariance"):
        ours, theirs = (fd.predict(each, st, 0.05, noise=1, observable=observable) for each in (LAND, DENSE))
        assert close(ours.total, theirs.total)
    fresh = fd.Spacetime(N=10, B=2, T=5)
    ours, theirs = (fd.predict(each, fresh, 0.05, noise=2) for each in (LAND, DENSE))
    assert close(ours.by_order, theirs.by_order)


@pytest.mark.parametrize("batch", [1, 2])
def test_estimates_from_disjoint_batches(batch):
    dense, land = twins(3, points=24, degree=3)
    for diagram in ("[]", "[a]", "[a a]", "[a[a] b]", "[a a a]"):
        ours, theirs = (fd.estimate(diagram, fd.landscapes.estimated(each, "disjoint", batch=batch)) for each in (land, dense))
        assert close(ours.value, theirs.value)
        assert close(ours.stderr, theirs.stderr)
    st = fd.Spacetime(N=10, T=10)
    for eta in (0.1, MATRIX):
        ours, theirs = (
            fd.predict(fd.landscapes.estimated(each, "disjoint"), st, eta, 2, resummed=False) for each in (land, dense)
        )
        assert close(ours.total, theirs.total)
        assert close(ours.stderr, theirs.stderr)


def test_polykays():
    dense, land = twins(3, points=6, degree=3)
    ours, theirs = (fd.estimate("[a a b]", each) for each in (land, dense))
    assert close([ours.value, ours.stderr], [theirs.value, theirs.stderr])


@QUIET
@pytest.mark.parametrize(
    ("method", "rule"),
    [("sgd", None), ("sgd", fd.updates.nesterov(0.5)), ("sgd", fd.updates.adam()), ("sgd", fd.updates.clipped(0.1)),
     ("gd", None), ("ode", None), ("sde", None)],
)
def test_runs_are_those_of_the_compiled_loop(method, rule):
    for observable, eta in (("test_loss", [0.1, 0.02]), ("displacement", MATRIX)):
        asked = {"runs": 20, "method": method, "update": rule, "observable": observable, "T": [2, 4], "refinement": 2}
        ours, theirs = (fd.simulate(each, ST, eta, **asked) for each in (LAND, DENSE))
        assert close(ours.mean, theirs.mean)
        assert close(ours.stderr, theirs.stderr, 1e-9) or method == "ode"


@QUIET
@pytest.mark.parametrize("rule", [
    fd.updates.regularized_newton(0.7), fd.updates.corrected(0.3), fd.updates.corrected(0.2, -0.4), None,
], ids=["newton", "noise", "slope", "gdc"])  # fmt: skip
def test_steps_with_hessians_are_those_of_the_compiled_loop(rule, monkeypatch):
    """Hessians by directions, and a few runs at a time where their points' vectors are many."""
    method = "gdc" if rule is None else "sgd"
    for observable, eta, numbers in (("train_loss", [0.1, 0.02], 8), ("displacement", MATRIX, 1 << 22)):
        monkeypatch.setattr(directional_runs, "NUMBERS", numbers)
        asked = {"runs": 20, "method": method, "update": rule, "observable": observable, "T": [3, 6]}
        for st in (fd.Spacetime(N=3, E=2), fd.Spacetime(N=4, B=2, E=3)):
            ours, theirs = (fd.simulate(each, st, eta, **asked) for each in (LAND, DENSE))
            assert close(ours.mean, theirs.mean)
            assert close(ours.stderr, theirs.stderr, 1e-9)


@QUIET
def test_train_losses_of_runs():
    ours, theirs = (fd.simulate(each, ST, 0.1, runs=300, observable="generalization_gap", T=[2, 5]) for each in (LAND, DENSE))
    assert close(ours.mean, theirs.mean)


@QUIET
def test_seen_from_elsewhere():
    ours, theirs = (each.at([0.3, -0.2]) for each in (LAND, DENSE))
    assert close(ours.loss, theirs.loss)
    assert close(ours.gradient_covariance, theirs.gradient_covariance)
    assert fd.uvalue("[b[a a]]", ours) == pytest.approx(fd.uvalue("[b[a a]]", theirs), rel=1e-10)
    assert fd.uvalue("[a]", LAND) == pytest.approx(fd.uvalue("[a]", DENSE), rel=1e-10)  # which has not moved


@QUIET
def test_contractions_along_the_path():
    """Each beside whole tensors; the points' own J:S less their mean, which has the weights' shares."""
    rng, theta = np.random.default_rng(8), np.array([0.3, -0.2])
    S, rows = np.array([[0.5, 0.1], [0.1, 0.3]]), rng.normal(size=(3, 2))
    points = rng.normal(size=(4, 2))
    ours, theirs = (each.local(theta) for each in (LAND, DENSE))
    assert close(ours.thirds(S), theirs.thirds(S))
    assert np.abs(np.array(WEIGHTS) @ ours.thirds(S)).max() < 1e-14
    assert close(ours.third(S), theirs.third(S))
    assert close(ours.third_along(np.array([0.2, -0.1, 0.4]), rows), theirs.third_along(np.array([0.2, -0.1, 0.4]), rows))
    assert close(ours.curved(rows), theirs.curved(rows))
    assert close(ours.pulled(points), theirs.pulled(points))
    for name in ("loss", "gradient", "hessian", "gradients", "covariance", "hessians", "third_tensor", "tilted", "skew"):
        assert close(getattr(ours, name), getattr(theirs, name)), name


def test_criteria():
    assert close(LAND.hessian, DENSE.hessian)
    assert close(fd.criteria.gap(LAND, 0.1, N=10, T=4), fd.criteria.gap(DENSE, 0.1, N=10, T=4))


def test_it_pickles_with_what_it_is_given():
    fd.uvalue("[a a]", LAND)
    again = pickle.loads(pickle.dumps(LAND))
    assert repr(again) == repr(LAND) == "<directional landscape: 4 points, 2 weights>"
    assert fd.uvalue("[a a]", again) == fd.uvalue("[a a]", LAND)


def test_large_values_are_refused_before_they_are_begun(monkeypatch):
    monkeypatch.setattr(leaf_to_root, "MOST_DERIVATIVES", 3.0)
    with pytest.raises(TooLargeError, match="disjoint"):
        fd.uvalue("[a b[a]]", twins(7)[1])
    many = fd.landscapes.directional(lambda t, x: np.zeros(len(x)), lambda t, x, v: np.zeros((len(x), 20_000)), np.zeros(20_000), 2)
    with pytest.raises(TooLargeError, match="along all directions of 20,000 weights"):
        many.part(((0, 1, 2),))
    wide = fd.landscapes.directional(lambda t, x: t[..., 0] + 0.0 * x, lambda t, x, v: np.eye(1, 200_000).repeat(len(x), axis=0) * (not v), np.zeros(200_000), 2)
    with pytest.raises(TooLargeError, match="covariances of 200,000 weights along the path"):
        fd.predict(wide, ST, 0.1, noise=1, tolerance=0)
    path = fd.predict(wide, ST.with_updates(3), 0.1, noise=1)  # of low rank, here 0
    assert path.total == pytest.approx(-0.3)
    assert path.discarded == 0.0


def test_what_is_refused():
    functions = OfTensors([symmetric(np.random.default_rng(0), 3, 2, k) for k in range(3)])
    make = fd.landscapes.directional
    with pytest.raises(InputError, match="derivative must give an array of shape"):
        make(functions.loss, lambda theta, points, directions: np.zeros(3), [0.0, 0.0], 3)
    with pytest.raises(InputError, match="loss must give an array of real numbers"):
        make(lambda theta, points: "much", functions.derivative, [0.0, 0.0], 3)
    with pytest.raises(InputError, match="loss at theta is not finite at point 1"):
        make(lambda theta, points: np.where(points == 1, np.nan, 0.0), functions.derivative, [0.0, 0.0], 3)
    with pytest.raises(InputError, match="must be a function"):
        make(1, functions.derivative, [0.0, 0.0], 3)
    for rule in (fd.updates.regularized_newton(1.0), fd.updates.corrected(0.3)):
        with pytest.raises(UnsupportedError, match="steps with Hessians"):
            fd.simulate(make(functions.loss, functions.derivative, [0.0, 0.0], 3, degree=1), ST, 0.1, runs=2, update=rule)
    with pytest.raises(UnsupportedError, match="averages over Gaussian weights"):
        fd.predict(LAND, ST.with_updates(3), 0.1, closure="gaussian")
    known = make(functions.loss, functions.derivative, [0.0, 0.0], 3, degree=2)
    with pytest.raises(fd.FastdiagError, match="degree 3"):
        fd.predict(known, ST, 0.1, 3)
