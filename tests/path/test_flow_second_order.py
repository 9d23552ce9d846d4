"""Noise order 2 of the SDE: beside closed moments, many small updates, and its own later times."""

from fractions import Fraction
from math import exp, inf

import numpy as np
import pytest
import sympy

import fastdiag as fd

L, SDE = fd.landscapes, fd.updates.sde()
FRESH = ("test_loss", "displacement", "covariance", "test_loss_variance")
u, v, x = sympy.symbols("u v x")
COIN = L.finite({-1: Fraction(1, 2), 1: Fraction(1, 2)})  # no third cumulants: of these updates have some, and the SDE none
ONE = (u**2 + u**3 / 3 + u**4 / 8 + x * (u + u**2 / 3 + u**3 / 5), u, x)
TWO = (u**2 + u * v / 2 + v**2 + u**2 * v / 3 + u**4 / 9 + sympy.cos(v) / 2 + x * (u - 2 * v + u * v + v**3 / 4), (u, v), x)


def orders(land, T, eta, observable="test_loss", B=1, update=SDE, noise=2):
    return fd.predict(land, fd.Spacetime(inf, B, T), eta, noise=noise, observable=observable, update=update).by_order


@pytest.mark.parametrize("law", [COIN, L.finite({-1: Fraction(2, 3), 2: Fraction(1, 3)})])
def test_noise_that_grows_with_the_weight(law):
    """On h u^2 / 2 + x (a u^2 / 2 + b u) the moments obey closed equations: their expansion in the noise, term by term."""
    a, b, h, eta, T, B, start = 0.7, 0.4, 1.5, 0.3, 6, 2, 0.8
    numbers = [sympy.Rational(str(y)) for y in (a, b, h, start)]
    loss = numbers[2] * u**2 / 2 + x * (numbers[0] * u**2 / 2 + numbers[1] * u)
    land = L.symbolic(loss, u, x, law, at=[numbers[3]])
    c = eta**2 * float(law.moment((2,))) / B
    found = orders(land, T, eta, B=B)
    # M' = -2 eta h M + c (a^2 M + 2 a b m + b^2), m = start exp(-eta h t); in powers of c
    r, t = sympy.symbols("r t", positive=True)
    m = start * sympy.exp(-r * t)
    first = sympy.integrate(sympy.expand(sympy.exp(2 * r * t) * (a**2 * m**2 + 2 * a * b * m + b**2)), (t, 0, t)) * sympy.exp(-2 * r * t)
    second = sympy.integrate(sympy.expand(sympy.exp(2 * r * t) * a**2 * first), (t, 0, t)) * sympy.exp(-2 * r * t)
    wanted = [h / 2 * start**2 * exp(-2 * eta * h * T), *(h / 2 * c**k * each.subs({r: eta * h, t: T}) for k, each in ((1, first), (2, second)))]
    assert found == pytest.approx([float(each) for each in wanted], rel=1e-8)


@pytest.mark.parametrize("loss", [pytest.param(ONE, id="one"), pytest.param(TWO, id="two")])
def test_it_is_the_limit_of_many_small_updates(loss):
    """Noise order p of eta / k and k T updates is k^-p times that of the flow; extrapolated in 1 / k."""
    land, eta, T = L.symbolic(*loss, COIN, at=[Fraction(1, 2), -1][: 1 if loss is ONE else 2]), 0.1, 5
    for name in FRESH:
        steps = [np.asarray(orders(land, T * k, eta / k, name, update=None)[2]) * k**2 for k in (8, 16, 32)]
        halves = [2 * steps[1] - steps[0], 2 * steps[2] - steps[1]]
        found = np.asarray(orders(land, T, eta, name)[2])
        np.testing.assert_allclose(found, (4 * halves[1] - halves[0]) / 3, rtol=2e-3, atol=1e-3 * np.abs(found).max())


@pytest.mark.parametrize("name", ["test_loss", *(pytest.param(name, marks=pytest.mark.long) for name in FRESH[1:])])
def test_it_ends_as_after_a_long_time_and_is_read_on_the_way(name):
    land = L.logistic([[1.0, 0.5], [-0.7, 1.2], [0.4, -1.5], [0.3, 0.8]], [1, 0, 1, 0], [0.3, -0.2], ridge=[0.2, 0.4])
    metric = np.array([[0.5, 0.1], [0.1, 0.3]])
    for eta, T in ((0.8, 200), (metric, 300)):
        for one, other in zip(orders(land, inf, eta, name), orders(land, T, eta, name), strict=True):
            assert one == pytest.approx(other, rel=1e-6, abs=1e-10)
    curve = fd.predict(land, fd.Spacetime(inf, 1, 1), 0.4, noise=2, observable=name, update=SDE, T=[20, 3]).by_order[2]
    assert curve == pytest.approx(np.array([orders(land, T, 0.4, name)[2] for T in (20, 3)]), rel=1e-9)


def test_skeletons_and_what_has_no_noise():
    land = L.symbolic(*ONE, COIN, at=[Fraction(1, 2)])
    p = fd.predict(land, fd.Spacetime(9, 1, 5), 0.1, noise=2, update=SDE)
    assert sum(p.by_diagram.values()) == pytest.approx(p.total)
    assert all(value == 0 for D, value in p.by_diagram.items() if max(map(len, D.parts)) > 2)
    assert orders(land, 5, 0.1, update=fd.updates.ode())[1:] == (0, 0)


def test_of_a_given_training_set_held_out_data_are_at_the_root():
    X, y = np.array([[1.0, 0.5], [-0.7, 1.2], [0.4, -1.5]]), [1, 0, 1]
    land, other = L.logistic(X, y, [0.3, -0.2], 0.2), L.logistic(X[::-1] / 2, y, [0.3, -0.2], 0.1)
    how = {"noise": 2, "update": SDE, "training_set": "given"}
    st = fd.Spacetime(3, 1, E=4)
    test, train, gap = (fd.predict(land, st, 0.3, observable=name, test=other, **how).by_order for name in ("test_loss", "train_loss", "generalization_gap"))
    assert train == pytest.approx(orders(land, 12, 0.3), rel=1e-9)
    assert np.array(test) - train == pytest.approx(np.array(gap), rel=1e-9)
    own = fd.predict(land, fd.Spacetime(inf, 1, 12), 0.3, noise=2, observable=fd.observable(other), update=SDE).by_order
    assert test == pytest.approx(own, rel=1e-9)
