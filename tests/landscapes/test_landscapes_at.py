"""The same loss seen from other weights."""

import copy
import pickle
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import TaylorWarning
from oracles.polynomial_losses import taylor_points

L = fd.landscapes
RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(9, 3)), np.array([0, 1] * 4 + [1])


def loss_of(x, y, theta, ridge):
    return np.log1p(np.exp(x @ theta)) - y * (x @ theta) + ridge * theta @ theta / 2


def value(derivatives, x, theta):
    """The polynomial of point x, term by term."""
    total, n = 0.0, len(theta)
    for k, array in enumerate(derivatives):
        for index in product(range(n), repeat=k):
            total += array[(x, *index)] * np.prod([theta[i] for i in index]) / sympy.factorial(k)
    return float(total)


def test_logistic_moves():
    land, there = L.logistic(X, Y, [0.0, 0.1, 0.2], 0.3), np.array([0.5, -0.4, 1.0])
    moved = land.at(there)
    assert moved.loss == pytest.approx(np.mean([loss_of(x, y, there, 0.3) for x, y in zip(X, Y, strict=True)]), rel=1e-13)
    step = 1e-5 * np.eye(3)
    slopes = [(land.at(there + d).loss - land.at(there - d).loss) / 2e-5 for d in step]
    assert moved.gradient == pytest.approx(slopes, rel=1e-8)
    assert land.at(there).at([0.0, 0.1, 0.2]).loss == land.loss
    there[:] = 9.0  # what was given is copied
    assert moved.theta.tolist() == [0.5, -0.4, 1.0]


def test_samples_move_as_taylor_points():
    given, there = taylor_points(4), np.array([0.3, -0.7])
    land = L.samples(*given)
    with pytest.warns(TaylorWarning, match="Taylor polynomial") as caught:
        moved = land.at(there)
    assert len(caught) == 1
    losses = [value(given, x, there) for x in range(5)]
    assert moved.derivatives[0] == pytest.approx(losses, rel=1e-13)
    assert moved.at([0.1, 0.2]).at([0.0, 0.0]).gradient == pytest.approx(land.gradient, rel=1e-12)  # and no further warning
    assert land.at([0.1, 0.1]).dimension == 2
    up, down = (land.at(there + d).gradient for d in (np.array([1e-6, 0]), np.array([-1e-6, 0])))
    assert moved.hessian[0] == pytest.approx((up - down) / 2e-6, rel=1e-7)


def test_tensors_move_as_the_samples_that_they_are_of():
    given, there = taylor_points(2), np.array([0.3, -0.7])
    points = L.samples(*given)
    nodes = {(1,): ((0,),), (2,): ((0, 1),), (1, 1): ((0,), (1,)), (1, 2): ((0,), (1, 2)), (2, 2): ((0, 1), (2, 3))}
    land = L.tensors({key: points.part(some) for key, some in nodes.items()}, points.loss)
    with pytest.warns(TaylorWarning, match="Taylor polynomial"):
        moved = land.at(there)
    with pytest.warns(TaylorWarning):
        expected = points.at(there)
    assert moved.loss == pytest.approx(expected.loss, rel=1e-13)
    for key, some in nodes.items():
        assert moved.part(some) == pytest.approx(expected.part(some), rel=1e-11, abs=1e-13), key
    assert moved.at([0.0, 0.0]).part(((0,), (1,))) == pytest.approx(points.gradient_covariance, rel=1e-11)


def test_formulas_move_exactly():
    w, x = sympy.symbols("w x")
    land = L.symbolic((w - x) ** 4 / 4, w, x, L.normal(), at=[0])
    assert land.at([Fraction(1, 2)]).exact_part(((0,),)).tolist() == [sympy.Rational(1, 8) + sympy.Rational(3, 2)]
    assert land.at([2]).theta == (2,)
    assert fd.uvalue("[a a]", L.gauss().at([0])) == sympy.Rational(1, 4)
    assert L.archimedes().at([1, 0, 0]).loss == pytest.approx(L.archimedes(1, 0, 0).loss)
    assert L.mean_estimation().at([sympy.Symbol("s")]).exact_part(((0,),)).tolist() == [sympy.Symbol("s")]


def test_samples_of_an_unknown_distribution_move():
    sample = L.estimated(L.logistic(X, Y, [0.0, 0.0, 0.0]))
    moved = sample.at([0.1, 0.2, 0.3])
    assert isinstance(moved, L.Estimated)
    assert moved.theta.tolist() == [0.1, 0.2, 0.3]
    assert moved.gradient == pytest.approx(L.logistic(X, Y, [0.1, 0.2, 0.3]).gradient)


@pytest.mark.parametrize(
    ("theta", "message"),
    [
        ([1.0], r"must have shape \(3,\)"), ("abc", "real numbers"), ([1.0, np.nan, 0.0], "finite"), (None, "theta"),
        (np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0]), "masked"), ([True, False, True], "real numbers"), (1.0, "shape"),
    ],
)
def test_bad_places(theta, message):
    with pytest.raises(fd.errors.InputError, match=message):
        L.logistic(X, Y, [0.0, 0.0, 0.0]).at(theta)


def test_bad_places_of_formulas():
    for theta, message in ([0.5], "exact"), ([1, 2], "one exact value"), ([sympy.Symbol("x", real=True)], "data"), (3, "sequence"):
        with pytest.raises(fd.errors.InputError, match=message):
            L.gauss().at(theta)


def test_a_landscape_that_cannot_move():
    class Fixed(L.Landscape):
        dimension, highest_degree = 1, None

        def part(self, nodes, frame=None):
            return np.zeros((1,) * len({label for node in nodes for label in node}))

    with pytest.raises(fd.errors.UnsupportedError, match="cannot move"):
        Fixed().at([1.0])


def test_moved_landscapes_copy_and_pickle():
    land = L.logistic(X, Y, [0.0, 0.0, 0.0]).at([0.1, 0.2, 0.3])
    for again in (copy.deepcopy(land), pickle.loads(pickle.dumps(land))):
        assert again.loss == land.loss
        assert not again.theta.flags.writeable
