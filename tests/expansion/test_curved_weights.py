"""Conjecture 1 of paper [B], that curvature of the learning rate eta(theta) lowers the generalization gap, in normal coordinates.

The metric is g = 1 - R theta theta / 3 + ..., flat to first order; R is the sphere's, of sectional curvature k. Every training
set is listed, so that its own loss is an observable, and the gap is a polynomial in eta exactly.
"""

from fractions import Fraction
from itertools import combinations_with_replacement, product
from math import factorial, prod

import pytest
import sympy

import fastdiag as fd
from oracles import fields, oracle

F = Fraction
W = u, v = sympy.symbols("u v", real=True)
k, c = sympy.symbols("k c", positive=True)
DATA = sympy.symbols("x0:7")


def sphere(w):
    """g of a surface of curvature k to second order, in normal coordinates."""
    square = sum(x * x for x in w)
    return sympy.Matrix(2, 2, lambda i, j: int(i == j) - k / 3 * (int(i == j) * square - w[i] * w[j]))


def christoffel(w):
    """Gamma^i_ab to first order."""
    g = sphere(w)
    return [[[(g[i, a].diff(w[b]) + g[i, b].diff(w[a]) - g[a, b].diff(w[i])) / 2 for b in range(2)] for a in range(2)] for i in range(2)]


def loss_of(x, w=W):
    """A cubic of the data."""
    a, b = w
    return x[0] * a + x[1] * b + x[2] * a * a + x[3] * a * b + x[4] * b * b + x[5] * a**3 + x[6] * a * b * b


POINTS = [(1, 0, 1, 0, 2, 1, -1), (-1, 1, 0, 1, 1, 0, 1), (2, 2, 1, -1, 0, 1, 0)]


def field(along_geodesics):
    """eta(theta) grad l_x; a step along a geodesic has a term of order eta more."""
    rates, slope = 2 * sympy.eye(2) - sphere(W), [sympy.diff(loss_of(DATA), w) for w in W]  # 1 / g to second order
    step = [sum(rates[i, j] * slope[j] for j in range(2)) for i in range(2)]
    if along_geodesics:
        bent = christoffel(W)
        step = [step[i] + c / 2 * sum(bent[i][a][b] * step[a] * step[b] for a in range(2) for b in range(2)) for i in range(2)]
    return step


def gap(N, points, along_geodesics=False):
    """Test loss less train loss after an epoch, a polynomial in eta = c to order 3."""
    total = 0
    for chosen in combinations_with_replacement(range(len(points)), N):
        often = [chosen.count(i) for i in range(len(points))]
        chance = F(factorial(N), prod(map(factorial, often)) * len(points) ** N)
        law = fd.landscapes.finite({p: F(n, N) for p, n in zip(points, often, strict=True) if n})
        land = fd.landscapes.symbolic_field(field(along_geodesics), W, DATA, law, [0, 0])
        apart = sum((F(1, len(points)) - F(n, N)) * loss_of(p) for p, n in zip(points, often, strict=True))
        found = fd.predict(land, fd.Spacetime(N, T=N), c, 3, fd.observable(apart, W), resummed=False, training_set="given")
        total += sympy.Rational(chance.numerator, chance.denominator) * found.total
    return sympy.series(sympy.expand(total), c, 0, 4).removeO()


def by_hand(N, points, along_geodesics):
    """The same from runs alone: every set and order, in SymPy."""
    total = 0
    for rows in product(range(len(points)), repeat=N):
        theta = [sympy.Integer(0), sympy.Integer(0)]
        for x in rows:
            at = dict(zip((*W, *DATA), (*theta, *points[x]), strict=True))
            step = [entry.subs(at, simultaneous=True) for entry in field(along_geodesics)]
            theta = [sympy.series(sympy.expand(t - c * s), c, 0, 4).removeO() for t, s in zip(theta, step, strict=True)]
        apart = sum(loss_of(p, theta) for p in points) / len(points) - sum(loss_of(points[x], theta) for x in rows) / sympy.Integer(N)
        total += sympy.series(sympy.expand(apart), c, 0, 4).removeO() / len(points) ** N
    return sympy.expand(total)


def covariance(points):
    mean = [F(sum(p[i] for p in points), len(points)) for i in range(2)]
    found = [[sum((p[i] - mean[i]) * (p[j] - mean[j]) for p in points) / len(points) for j in range(2)] for i in range(2)]
    return sympy.Matrix(2, 2, lambda i, j: sympy.Rational(found[i][j].numerator, found[i][j].denominator))


@pytest.mark.long
@pytest.mark.parametrize(("N", "along_geodesics"), [(2, False), (2, True), (3, False)], ids=str)
def test_the_engine_is_every_run(N, along_geodesics):
    assert sympy.expand(gap(N, POINTS, along_geodesics) - by_hand(N, POINTS, along_geodesics)) == 0


def test_the_engine_is_every_run_in_fractions():
    """The same at curvature 2, by runs that know no SymPy."""
    def polynomial(expression):
        return {e: F(int(x.p), int(x.q)) for e, x in sympy.Poly(expression.subs(k, 2), *W).terms()}

    points = [[polynomial(entry.subs(dict(zip(DATA, p, strict=True)))) for entry in field(False)] for p in POINTS]
    losses, total = [polynomial(loss_of(p)) for p in POINTS], [F(0)] * 4
    for (chance, theta), rows in zip(fields.runs(points, [F(1, 3)] * 3, (2, 1, 2, "reshuffle"), 3), product(range(3), repeat=2), strict=True):
        values = [oracle.evaluate(loss, theta) for loss in losses]
        for d in range(4):
            total[d] += chance * (sum(x[d] for x in values) / 3 - sum(values[x][d] for x in rows) / 2)
    found = gap(2, POINTS).subs(k, 2)
    assert [found.coeff(c, d) for d in range(4)] == [sympy.Rational(x.numerator, x.denominator) for x in total]


@pytest.mark.parametrize("N", [2, pytest.param(3, marks=pytest.mark.long)])
def test_curvature_raises_the_gap_where_steps_are_straight_in_the_chart(N):
    """By (N - 1)/6 R_manb C^mn C^ab eta^3, whatever the loss: positive curvature makes eta grow away from the start."""
    C = covariance(POINTS)
    found = gap(N, POINTS)
    assert found.coeff(c, 1) == C.trace()  # eta (T/N) tr C knows no curvature
    assert sympy.diff(found, k).coeff(c, 2) == 0
    assert sympy.diff(found, k).coeff(c, 3) == sympy.Rational(N - 1, 6) * (C.trace() ** 2 - (C * C).trace()) > 0


@pytest.mark.long
@pytest.mark.parametrize("N", [2, 3])
def test_curvature_does_nothing_to_order_3_where_steps_are_geodesics(N):
    """What a chart adds is gone: the gap feels curvature at eta^4 at the earliest."""
    assert sympy.expand(sympy.diff(gap(N, POINTS, True), k)) == 0


def on_the_sphere(c, along_geodesics):
    """The gap of two points a u + b v on the sphere of radius 1 itself, u and v its normal coordinates at the start."""
    from mpmath import acos, cos, hypot, sin

    signs, total = [(1, 0), (-1, 0), (0, 1), (0, -1)], 0
    for pair in product(signs, repeat=2):
        at = (0, 0)
        for slope in pair:
            r = hypot(*at)
            out = (at[0] / r, at[1] / r) if r else (1, 0)
            along = -c * (slope[0] * out[0] + slope[1] * out[1])  # outwards and across, in units of length
            across = -c * (slope[1] * out[0] - slope[0] * out[1]) * (r / sin(r) if r else 1)
            if not along_geodesics:
                across *= r / sin(r) if r else 1
                at = (at[0] + along * out[0] - across * out[1], at[1] + along * out[1] + across * out[0])
                continue
            n = hypot(along, across)  # on the great circle in this direction, in the frame outwards, across and up
            there = [
                sin(r) * cos(n) + cos(r) * sin(n) * along / n, sin(n) * across / n, cos(r) * cos(n) - sin(r) * sin(n) * along / n,
            ]
            flat, length = acos(there[2]), hypot(*there[:2])
            x, y = (flat * z / length if length else 0 for z in there[:2])
            at = (x * out[0] - y * out[1], x * out[1] + y * out[0])
        total -= sum((pair[0][i] + pair[1][i]) * at[i] for i in range(2)) / 32
    return total


def test_on_the_sphere_itself():
    """Every run, with its sines: (1/6) (k/2) c^3 in the chart, and nothing up to c^4 along geodesics."""
    from mpmath import mp, mpf

    with mp.workdps(40):
        for c in (mpf("1e-3"), mpf("1e-4")):
            assert abs((on_the_sphere(c, False) - c) / c**3 - mpf(1) / 12) < c**2
            bent = (on_the_sphere(c, True) - c) / c**5
            assert abs(bent + mpf(7) / 180) < c


def test_as_worded_a_metric_that_is_larger_at_the_start_refutes_it():
    """eta(tau) = (1 + tau) / g with k = tau: curvature grows, and so does the leading gap, (1 + tau) c tr C."""
    tau = sympy.Symbol("tau", positive=True)
    larger = gap(2, POINTS).subs(c, (1 + tau) * c).subs(k, tau)
    assert sympy.diff(sympy.expand(larger).coeff(c, 1), tau) == covariance(POINTS).trace() > 0
