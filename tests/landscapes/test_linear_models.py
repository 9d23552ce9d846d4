"""Softmax and least squares: derivatives beside finite differences in 50 digits, contractions beside whole tensors."""

import sys
from fractions import Fraction
from functools import lru_cache
from itertools import combinations_with_replacement, product

import mpmath
import numpy as np
import pytest

import fastdiag as fd
from fastdiag.errors import InputError, TooLargeError
from fastdiag.landscapes.local import PointTensors
from fastdiag.landscapes.local_linear_model import LinearModelLocal

RNG = np.random.default_rng(17)
X = RNG.normal(size=(4, 2))
LABELS, TARGETS = ["b", "a", "c", "a"], RNG.normal(size=(4, 2))
WEIGHTS = np.array([0.1, 0.2, 0.3, 0.4])
THETA = {"softmax": RNG.normal(size=6), "least_squares": RNG.normal(size=4)}
RIDGE = {name: RNG.uniform(0.1, 0.3, len(theta)) for name, theta in THETA.items()}
SPACETIME = fd.Spacetime(N=4, T=4)


def model(name, shift=0.0, ridge=True):
    make, y = (fd.landscapes.softmax, LABELS) if name == "softmax" else (fd.landscapes.least_squares, TARGETS)
    return make(X + shift, y, THETA[name], RIDGE[name] if ridge else 0.0, WEIGHTS)


def mp_loss(name, point, theta):
    """The definition, in mpmath's numbers."""
    x, rows = X[point], [theta[2 * c : 2 * c + 2] for c in range(len(theta) // 2)]
    u = [mpmath.fdot(map(mpmath.mpf, x.tolist()), row) for row in rows]
    penalty = sum(mpmath.mpf(r) * t * t / 2 for r, t in zip(RIDGE[name].tolist(), theta, strict=True))
    if name == "softmax":
        return mpmath.log(sum(map(mpmath.exp, u))) - u["abc".index(LABELS[point])] + penalty
    return sum((a - mpmath.mpf(b)) ** 2 for a, b in zip(u, TARGETS[point].tolist(), strict=True)) / 2 + penalty


@lru_cache
def differences(name, degree):
    """Central differences of every point's loss, (S,) + (n,) * degree, an error of about h^2."""
    n = len(THETA[name])
    found = np.zeros((4, *(n,) * degree))
    with mpmath.workdps(110):
        h, start = mpmath.mpf(10) ** -12, [mpmath.mpf(t) for t in THETA[name].tolist()]
        for point, index in product(range(4), combinations_with_replacement(range(n), degree)):
            total = mpmath.mpf(0)
            for signs in product((1, -1), repeat=degree):
                theta = list(start)
                for i, sign in zip(index, signs, strict=True):
                    theta[i] += sign * h
                total += int(np.prod(signs)) * mp_loss(name, point, theta)
            for place in set(map(tuple, np.array(index)[list_of_orders(degree)].tolist() if degree else [()])):
                found[(point, *place)] = float(total / (2 * h) ** degree)
    return found


def list_of_orders(degree):
    from itertools import permutations

    return np.array(list(permutations(range(degree))))


def tensors(name, land, degree):
    return land.local(THETA[name]).tensor(degree)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize("name", THETA)
def test_tensors_beside_finite_differences_in_50_digits(name, degree):
    check_differences(name, degree)


@pytest.mark.long
def test_fourth_derivatives_of_softmax_beside_finite_differences():
    check_differences("softmax", 4)


def check_differences(name, degree):
    wanted, land = differences(name, degree), model(name)
    np.testing.assert_allclose(tensors(name, land, degree), wanted, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(land.mean(degree), np.tensordot(WEIGHTS, wanted, 1), rtol=1e-13, atol=1e-13)


@lru_cache
def whole(name, shift=0.0):
    """The same points as dense derivatives."""
    land = model(name, shift)
    return fd.landscapes.samples(*(tensors(name, land, k) for k in range(5)), weights=WEIGHTS)


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("name", THETA)
def test_values_of_diagrams_beside_dense_tensors(name, dense, monkeypatch):
    land = model(name)
    if not dense:
        monkeypatch.setattr(sys.modules["fastdiag.values.uvalue"], "DENSE_BYTES", 0)
        monkeypatch.setattr(sys.modules["fastdiag.landscapes.linear_model"], "DENSE_BYTES", 0)
    for D in [D for order in range(4) for D in fd.diagrams(order, root_shares=True)]:
        assert fd.uvalue(D, land) == pytest.approx(fd.uvalue(D, whole(name)), rel=1e-11, abs=1e-13), D


NODES = [((0, 1), (1, 2)), ((0, 1), (0, 1)), ((0, 1), (1,)), ((0, 1, 2), (2,)), ((0,), (1, 2), (3,)), ((0, 1), (0,), (1,))]


@pytest.mark.parametrize("shift", [0.0, 1e4])
@pytest.mark.parametrize("nodes", NODES, ids=str)
@pytest.mark.parametrize("name", THETA)
def test_cumulants_beside_dense_tensors(name, nodes, shift, monkeypatch):
    """Also of points far from 0, where products of rows would lose digits, and along a frame."""
    theta = THETA[name] if not shift else THETA[name] * 0
    land = model(name, shift).at(theta)
    points = fd.landscapes.samples(*(land.local(theta).tensor(k) for k in range(4)), weights=WEIGHTS)
    scale, frame = max(shift, 1.0) ** sum(map(len, nodes)), RNG.normal(size=(land.dimension,) * 2)
    for turned in (None, frame):
        wanted = points.part(nodes, turned)
        np.testing.assert_allclose(land.part(nodes, turned), wanted, rtol=1e-9, atol=1e-11 * scale)
    monkeypatch.setattr(sys.modules["fastdiag.landscapes.linear_model"], "DENSE_BYTES", 0)
    np.testing.assert_allclose(land.part(nodes), points.part(nodes), rtol=1e-9, atol=1e-11 * scale)


def test_deviations_of_points_far_from_zero():
    """At theta = 0 a gradient is s x, s = (1/2, -1/2) with one label: its covariance is that of x, in all digits."""
    far = np.array([[1e8, 1.0], [1e8 + 1, 0.0], [1e8 + 3, 5.0], [0.0, 0.0]])[:3]
    land = fd.landscapes.softmax(np.vstack([far, far]), [0, 0, 0, 0, 0, 1])
    grads = np.vstack([np.kron(s * np.array([-0.5, 0.5]), x) for x, s in zip(np.vstack([far, far]), [1, 1, 1, 1, 1, -1], strict=True)])

    rows = [[Fraction(x) for x in row] for row in grads.tolist()]
    mean = [sum(column) / 6 for column in zip(*rows, strict=True)]
    wanted = [[float(sum((r[i] - mean[i]) * (r[j] - mean[j]) for r in rows) / 6) for j in range(4)] for i in range(4)]
    np.testing.assert_allclose(land.gradient_covariance, wanted, rtol=1e-12)


class Dense(PointTensors):
    """The same contractions, from whole tensors."""

    def __init__(self, land, theta):
        super().__init__(land.weights, land.dimension)
        self.at = land.local(theta)

    def tensor(self, degree):
        return self.at.tensor(degree)

    def averaged(self, S):
        raise NotImplementedError


@pytest.mark.parametrize("name", THETA)
def test_contractions_of_the_path_beside_whole_tensors(name):
    land, theta = model(name), THETA[name] * 0.7
    n = len(theta)
    local, dense = land.local(theta), Dense(land, theta)
    root = RNG.normal(size=(n, n))
    S, k, vectors = root @ root.T, RNG.normal(size=(n, n, n)), RNG.normal(size=(4, n))
    k = sum(k.transpose(p) for p in list_of_orders(3).tolist())
    vectors -= WEIGHTS @ vectors
    for what in ("loss", "gradient", "hessian", "gradients", "covariance", "hessians", "third_tensor", "covariance_slope", "skew"):
        np.testing.assert_allclose(getattr(local, what), getattr(dense, what), rtol=1e-11, atol=1e-12, err_msg=what)
    calls = [("paired", vectors), ("pulled", vectors), ("thirds", S), ("third", S), ("fourth", S), ("fourth_of", k),
             ("fifth", S), ("covariance_over", S)]
    for what, given in calls:
        np.testing.assert_allclose(getattr(local, what)(given), getattr(dense, what)(given), rtol=1e-10, atol=1e-11, err_msg=what)


Y = np.array([0, 1, 1, 0])
LOGISTIC = fd.landscapes.logistic(X, Y, [0.3, -0.2])
TWO = fd.landscapes.softmax(X, Y, [[0.1, 0.5], [0.4, 0.3]])


@pytest.mark.parametrize("options", [{"order": 3}, {"order": 3, "resummed": False}, {"noise": 1}, {"noise": 2}], ids=str)
@pytest.mark.parametrize("observable", ["test_loss", "generalization_gap"])
def test_two_classes_are_logistic_regression(options, observable):
    """In theta_1 - theta_0 a step is twice as long."""
    found = fd.predict(TWO, SPACETIME, 0.05, observable=observable, **options)
    wanted = fd.predict(LOGISTIC, SPACETIME, 0.1, observable=observable, **options)
    for one, other in zip(found.by_order, wanted.by_order, strict=True):
        assert one == pytest.approx(other, rel=1e-10, abs=1e-14)


def test_averages_over_gaussian_weights():
    """Softmax beside the one dimension of logistic regression, least squares beside the end of its Taylor series."""
    back = np.hstack([-np.eye(2), np.eye(2)])  # theta_1 - theta_0
    root = np.array([[0.9, 0.2, 0.1, 0.4], [0.0, 0.5, 0.3, 0.1], [0.2, 0.0, 0.7, 0.0], [0.1, 0.3, 0.0, 0.6]])
    S = root @ root.T / 20
    found, wanted = TWO.local(TWO.theta).averaged(S), LOGISTIC.local(back @ TWO.theta).averaged(back @ S @ back.T)
    assert found.loss == pytest.approx(wanted.loss, rel=1e-9)
    for one, other in ((found.gradient, back.T @ wanted.gradient), (found.hessian, back.T @ wanted.hessian @ back),
                       (found.covariance, back.T @ wanted.covariance @ back)):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)
    local = model("least_squares").local(THETA["least_squares"] * 0.7)
    found, wanted = LinearModelLocal.averaged(local, S), local.averaged(S)
    for part in ("loss", "gradient", "hessian", "covariance"):
        np.testing.assert_allclose(getattr(found, part), getattr(wanted, part), rtol=1e-12, err_msg=part)


def test_averages_over_many_outputs_are_refused():
    land = fd.landscapes.softmax(X, LABELS[:3] + ["d"])
    with pytest.raises(TooLargeError, match="average over 4 outputs takes 16\\^4 places"):
        fd.predict(land, SPACETIME, 0.1, noise=1, closure="gaussian")


def test_saturated_logits_keep_their_digits():
    for u in (30.0, 700.0):
        one = fd.landscapes.softmax([[1.0], [1.0]], [1, 0], [[0.0], [u]], weights=[1.0, 0.0])
        other = fd.landscapes.logistic([[1.0]], [1], [u])
        assert one.loss == pytest.approx(other.loss, rel=1e-14)
        assert one.gradient[1] == pytest.approx(other.gradient[0], rel=1e-14)
        for degree in (2, 3, 4):
            assert one.mean(degree).flat[-1] == pytest.approx(other.mean(degree).flat[0], rel=1e-13)


@pytest.mark.parametrize("name", THETA)
def test_estimates_from_a_sample(name):
    land = model(name).at(THETA[name] / 2)
    even = fd.landscapes.softmax(X, LABELS, THETA[name]) if name == "softmax" else fd.landscapes.least_squares(X, TARGETS)
    dense = fd.landscapes.samples(*(even.local(even.theta).tensor(k) for k in range(4)))
    for method in ("polykay", "disjoint"):
        for text in ("[a a]", "[a[b]]", "[a b[a]]"):
            one, other = (fd.estimate(text, fd.landscapes.estimated(x, method)) for x in (even, dense))
            assert one.value == pytest.approx(other.value, rel=1e-10), (method, text)
    with pytest.raises(InputError, match="unequal weights"):
        fd.landscapes.estimated(land)


def test_least_squares_ends_at_its_normal_equations():
    land = fd.landscapes.least_squares(X, TARGETS, ridge=0.1)
    wanted = np.linalg.solve(X.T @ X / 4 + 0.1 * np.eye(2), X.T @ TARGETS / 4).T.ravel()
    np.testing.assert_allclose(land.at_minimum().theta, wanted, rtol=1e-12)
    one = fd.landscapes.softmax(X, LABELS, ridge=0.1).at_minimum()
    assert abs(one.gradient).max() < 1e-14
    with pytest.raises(InputError, match="unique minimum"):
        fd.landscapes.softmax(X, LABELS).at_minimum()


@pytest.mark.parametrize("name", THETA)
@pytest.mark.parametrize("observable", ["test_loss", "train_loss", "displacement"])
def test_simulated_means_are_predicted(name, observable):
    """A small step, for which order 2 is exact to far below the interval."""
    land, st = model(name), fd.Spacetime(N=3, B=1, E=2)
    p = fd.predict(land, st, 0.02, order=3, observable=observable, resummed=False)
    s = fd.simulate(land, st, 0.02, runs=4000, seed=1, observable=observable)
    assert np.all(np.abs(s.mean - p.total) < 4.5 * s.stderr + 2e-5), (s.mean, p.total, s.stderr)


def test_the_processes_run():
    land, st = model("least_squares"), fd.Spacetime(N=4, T=4)
    for method in ("ode", "sde"):
        update = getattr(fd.updates, method)()
        s = fd.simulate(land, st, 0.05, runs=500, seed=1, method=method)
        p = fd.predict(land, st, 0.05, noise=1, update=update)
        assert abs(s.mean - p.total) < 4 * s.stderr + 1e-3


@pytest.mark.parametrize("labels", [["x", "y", "x", "z"], [True, False, True, True], [3, 1, 1, 2], np.array([0.5, 1, 1, 2])], ids=str)
def test_labels_of_any_kind(labels):
    land = fd.landscapes.softmax(X, labels)
    assert land.classes == tuple(sorted(set(np.asarray(labels).tolist())))
    assert [land.classes[c] for c in land.y] == list(np.asarray(labels).tolist())


def test_labels_and_rows_of_frames():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"p": X[:, 0], "q": X[:, 1], "kind": LABELS})
    one = fd.landscapes.softmax(frame[["p", "q"]], frame["kind"])
    other = fd.landscapes.softmax(frame[["p", "q"]], frame["kind"].astype("category"))
    assert one.classes == other.classes == ("a", "b", "c")
    assert one.loss == other.loss == fd.landscapes.softmax(X, LABELS).loss
    with pytest.raises(InputError, match="labels"):
        fd.landscapes.softmax(X, pandas.Series(["a", None, "b", "a"]))


BAD = [
    (lambda: fd.landscapes.softmax(X, ["a"] * 4), "two classes"),
    (lambda: fd.landscapes.softmax(X, ["a", 1, "b", "a"]), "one kind"),
    (lambda: fd.landscapes.softmax(X, [1, True, 0, 0]), "one kind"),
    (lambda: fd.landscapes.softmax(X, [1, np.nan, 0, 0]), "nan"),
    (lambda: fd.landscapes.softmax(X, [0, 1, 1]), "4 of them"),
    (lambda: fd.landscapes.softmax(X, np.zeros((4, 1))), "labels"),
    (lambda: fd.landscapes.softmax(X, LABELS, np.zeros((2, 3))), r"\(3, 2\)"),
    (lambda: fd.landscapes.softmax(X, LABELS, ridge=-1.0), "ridge must be >= 0"),
    (lambda: fd.landscapes.softmax(np.ma.masked_invalid([[np.nan, 1.0]] * 4), LABELS), "masked"),
    (lambda: fd.landscapes.least_squares(X, TARGETS[:3]), "one row of targets"),
    (lambda: fd.landscapes.least_squares(X, np.zeros((4, 0))), "no column"),
    (lambda: fd.landscapes.least_squares(np.zeros((0, 2)), []), "at least one row"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_models_pickle_and_stay():
    import pickle

    data = X.copy()
    land = fd.landscapes.softmax(data, LABELS)
    data[:] = 0
    again = pickle.loads(pickle.dumps(land))
    assert again.loss == land.loss
    assert again.classes == land.classes
    assert not again.X.flags.writeable
    assert fd.landscapes.softmax(X.astype(np.float32), LABELS).X.dtype == np.float64


@pytest.mark.long
def test_digits_beside_simulation():
    """Order 3 about the start, un-resummed, while eta T lambda_max is below 1; noise 1 about the path further on."""
    land, st = fd.landscapes.digits(), fd.Spacetime(N=10, T=10)
    s = fd.simulate(land, st, [0.01, 0.03, 0.3], runs=20_000, seed=0)
    start = fd.predict(land, st, [0.01, 0.03], order=3, resummed=False)
    path = fd.predict(land, st, [0.01, 0.03, 0.3], noise=1)
    assert np.all(np.abs(start.total - s.mean[:2]) < 3 * s.stderr[:2] + np.abs(start.by_order[3]))
    assert np.all(np.abs(start.total - path.total[:2]) < 2 * np.abs(start.by_order[3]))
    assert np.all(np.abs(path.total - s.mean) < 3 * s.stderr + 0.02 * np.abs(path.by_order[1])), (path.total, s.mean, s.stderr)
