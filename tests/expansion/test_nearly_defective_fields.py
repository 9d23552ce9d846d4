"""Resummed sums where eigenvectors of K nearly meet, or do meet, beside moments of series in Fractions."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import InputError, TooLargeError, UnsupportedError
from fastdiag.expansion import answer_about_start
from fastdiag.values.eigenbasis import lost
from oracles import fields
from oracles.resummed_moments import by_edges

F = Fraction
S = {(2, 0): F(1), (1, 1): F(2), (1, 0): F(1), (0, 1): -F(1, 2), (3, 0): F(1), (0, 3): F(2)}
MOVED = [{(1, 0): F(1)}, {(0, 1): F(1)}]
ETA = F(1, 16)
FOREVER = float("inf")
pytestmark = pytest.mark.filterwarnings("ignore::fastdiag.errors.TrustWarning", "ignore::fastdiag.errors.TaylorWarning")


def problem(slopes):
    """A random field of two points with this mean derivative at 0; all its numbers are floats."""
    drawn, _ = fields.problem(11, degree=3)
    points, weights = [[dict(p) for p in each] for each in drawn], [F(1, 4), F(3, 4)]
    for v in range(2):
        for e, wanted in (((1, 0), slopes[v][0]), ((0, 1), slopes[v][1])):
            points[1][v][e] = (wanted - weights[0] * points[0][v][e]) / weights[1]
    return points, weights


def landscape(points, weights):
    tensors = [np.array([[fields.tensor(v, k) for v in each] for each in points]) for k in range(4)]
    return fd.landscapes.field(*tensors, weights=[float(w) for w in weights])


def apart(distance):
    return [[F(1), F(1)], [F(0), 1 + F(float(distance))]]


DISTANCES = [F(0), *(F(1, 10**k) for k in range(13))]


@pytest.mark.parametrize("T", [4, pytest.param(50, marks=pytest.mark.long)])
@pytest.mark.parametrize("distance", [pytest.param(d, marks=() if i % 3 == 0 else pytest.mark.long) for i, d in enumerate(DISTANCES)], ids=float)
def test_eigenvalues_that_meet(distance, T):
    points, weights = problem(apart(distance))
    wanted = by_edges(points, weights, ETA, T, 3, [S, *MOVED])
    land, st = landscape(points, weights), fd.Spacetime(FOREVER, T=T)
    s = fd.observable([fields.tensor(S, k) for k in range(4)])
    for order in (1, 2, 3):
        found = fd.predict(land, st, float(ETA), order, s).by_order
        moved = fd.predict(land, st, float(ETA), order, "displacement").by_order
        for d in range(1, order + 1):
            np.testing.assert_allclose(found[d], float(wanted[0][d]), rtol=1e-9)
            np.testing.assert_allclose(moved[d], [float(each[d]) for each in wanted[1:]], rtol=1e-9, atol=1e-12)


NEAR = [sign * F(1, 10**k) for k in (2, 4, 6, 8, 10, 12, 15) for sign in (1, -1)]


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("near", [pytest.param(d, marks=() if i in (2, 8, 9, 12) else pytest.mark.long) for i, d in enumerate(NEAR)], ids=float)
def test_eigenvectors_that_meet_in_the_weights_own_units(near, lower):
    """In units that balance the matrix its eigenvectors are orthogonal, and the other tensors are not of a size."""
    slopes = [[F(1), F(1)], [F(float(near)), F(1)]]
    points, weights = problem([line[::-1] for line in slopes[::-1]] if lower else slopes)
    wanted = by_edges(points, weights, ETA, 4, 3, [S, *MOVED])
    land, st = landscape(points, weights), fd.Spacetime(FOREVER, T=4)
    moved = fd.predict(land, st, float(ETA), 3, "displacement").by_order
    for d in range(1, 4):
        np.testing.assert_allclose(moved[d], [float(each[d]) for each in wanted[1:]], rtol=1e-9, atol=1e-12)


def test_directions_of_small_rates_lose_digits_too():
    """Eigenvalues +-1e-5 of [[0, 1], [1e-10, 0]]: beside 1 they nearly meet."""
    land = landscape(*problem([[F(0), F(1)], [F(1e-10), F(0)]]))
    assert lost(land, None, 3, 1 / 16) > 1e-6


@pytest.mark.parametrize("slopes", [apart(0), apart(F(1, 10**9)), [[F(0), F(-1)], [F(1), F(0)]]], ids=str)
def test_exactly(slopes):
    points, weights = problem(slopes)
    u, v = weigh = sympy.symbols("u v")
    x = sympy.Symbol("x")
    first, second = ([fields.expression(p, weigh) for p in each] for each in points)
    formulas = [a + (b - a) * x for a, b in zip(first, second, strict=True)]
    land = fd.landscapes.symbolic_field(formulas, weigh, x, fd.landscapes.finite({0: weights[0], 1: weights[1]}), [0, 0])
    found = fd.predict(land, fd.Spacetime(FOREVER, T=4), ETA, 3, fd.observable(fields.expression(S, (u, v)), weigh)).by_order
    wanted = by_edges(points, weights, ETA, 4, 3, [S])[0]
    assert [sympy.Rational(y.numerator, y.denominator) for y in wanted] == list(found)


def test_units_of_the_weights_do_not_matter():
    """A matrix whose eigenvectors are good in its own units is not walked in others."""
    turned = np.array([[2.0, 1.0], [0.5, 1.0]])
    units = np.diag([2.0**40, 1.0])

    def field(slopes):
        return fd.landscapes.field(np.ones((1, 2)), slopes[None], 0)

    assert np.linalg.cond(np.linalg.eig(units @ turned @ np.linalg.inv(units))[1]) > 1e10
    assert 1e-16 < lost(field(units @ turned @ np.linalg.inv(units)), None, 3) < 4 * lost(field(turned), None, 3) < 1e-13
    assert lost(field(np.diag([1.0, 2.0]) + np.tri(2).T * 1e-3), None, 2) < 1e-15
    assert lost(field(np.array([[0.0, -1.0], [1.0, 0.0]])), None, 1) == float("inf")
    assert lost(field(np.array([[1.0, 1.0], [0.0, 1.0]])), None, 1) > 1e-10


def test_where_updates_are_too_many(monkeypatch):
    """Six digits of directions are enough there; less is an error, and so is a limit that no walk reaches."""
    near = {distance: landscape(*problem(apart(distance))) for distance in (F(1, 100), F(1, 10**6))}
    far = fd.Spacetime(FOREVER, T=10**5)
    walked = fd.predict(near[F(1, 100)], fd.Spacetime(FOREVER, T=20), 1 / 16, 3, "displacement")
    with monkeypatch.context() as patch:
        patch.setattr(answer_about_start, "KEPT", 1e-6)
        turned = fd.predict(near[F(1, 100)], fd.Spacetime(FOREVER, T=20), 1 / 16, 3, "displacement")
    assert (turned.total != walked.total).any()
    np.testing.assert_allclose(turned.total, walked.total, rtol=1e-7)
    near_limit = fd.predict(near[F(1, 100)], fd.Spacetime(FOREVER, T=FOREVER), 1 / 16, 3, "displacement").total
    np.testing.assert_allclose(fd.predict(near[F(1, 100)], far, 1 / 16, 3, "displacement").total, near_limit, rtol=1e-6)
    with pytest.raises(TooLargeError, match="nearly"):
        fd.predict(near[F(1, 10**6)], far, 1 / 16, 3, "displacement", patience=0.1)
    with pytest.raises(InputError, match="finite"):
        fd.predict(near[F(1, 10**6)], fd.Spacetime(FOREVER, T=FOREVER), 1 / 16, 3, "displacement")
    with pytest.raises(UnsupportedError, match="nearly"):
        fd.predict(near[F(1, 10**6)], fd.Spacetime(FOREVER, T=9), 1 / 16, 3, "displacement", update=fd.updates.sde())
