"""What would take for ever is refused before it is begun, and several epochs of one order have noise order 2."""

import math
from fractions import Fraction

import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import InputError, MissingTensorError, TooLargeError

w, x = sympy.symbols("w x")
BENT = fd.landscapes.symbolic(w**2 / 2 + w**3 / 3 + w * x, w, x, fd.landscapes.finite({-1: Fraction(1, 2), 1: Fraction(1, 2)}), at=[0])
FORK = fd.landscapes.logistic([[1.0], [-2.0], [0.5]], [1, 0, 0], [0.1])


@pytest.mark.parametrize("closure", [None, "gaussian"])
def test_an_exact_path_whose_digits_double_at_every_update_is_refused(closure):
    land = BENT.at([Fraction(1, 3)])
    with pytest.raises(TooLargeError, match=r"digits after update .* give a float eta"):
        fd.predict(land, fd.Spacetime(N=math.inf, T=60), Fraction(1, 10), noise=1, closure=closure)


@pytest.mark.parametrize("update", [None, fd.updates.adam(), fd.updates.ode(), fd.updates.momentum(0.5)], ids=str)
def test_more_updates_than_can_be_walked_are_refused(update):
    for T in (10**9, 10**40):
        with pytest.raises(TooLargeError, match=r"goes through all .* updates"):
            fd.predict(FORK, fd.Spacetime(N=math.inf, T=T), 0.1, noise=1, update=update)
    with pytest.raises(TooLargeError, match="goes through all"):
        fd.predict(FORK, fd.Spacetime(N=math.inf, T=10**40), 0.1, closure="gaussian")


def test_a_noise_order_that_is_not_listed_is_refused_at_once():
    for noise in (5, 10**40):
        with pytest.raises(TooLargeError, match="to noise order 4"):
            fd.predict(FORK, fd.Spacetime(N=3, T=3), 0.1, noise=noise)


def test_patience_is_the_callers():
    several = fd.Spacetime(N=2, T=3, sampling="cyclic")
    for patience, error in ((1e-6, TooLargeError), (0, InputError), (math.nan, InputError), ("long", InputError)):
        with pytest.raises(error, match="patience"):
            fd.predict(BENT, several, 0.1, noise=2, patience=patience)
    assert fd.predict(BENT, several, 0.1, noise=2, patience=math.inf).total == fd.predict(BENT, several, 0.1, noise=2).total


def test_a_bar_shows_what_takes_over_a_second(monkeypatch):
    shown = []

    def track(shards, total, size, what, show):
        shown.append((what, show))
        return shards

    monkeypatch.setattr("fastdiag.expansion.about_path.track", track)
    fd.predict(BENT, fd.Spacetime(N=2, T=3, sampling="cyclic"), 0.1, noise=2)
    assert shown == [(f"skeletons of noise {order}", False) for order in (0, 1, 2)]
    shown.clear()
    monkeypatch.setattr("fastdiag.expansion.about_path.SHOWN", 0.0)
    fd.predict(BENT, fd.Spacetime(N=2, T=3, sampling="cyclic"), 0.1, noise=2)
    assert shown[2] == ("skeletons of noise 2", None)


def test_rows_met_in_one_order_at_noise_order_2_beside_brute_force():
    """Loss w^2/2 + w^3/3 + w x, x = a or b of the two rows, both +-1, so x^4 has 3 from pairs (noise order 2) and -2 besides."""
    eta, T, a, b, theta = Fraction(1, 7), 3, *sympy.symbols("a b"), sympy.Integer(0)
    for row in (a, b, a):
        theta = sympy.expand(theta - eta * (theta + theta**2 + row))
    of = sympy.Poly(theta, a, b).coeff_monomial
    p = fd.predict(BENT, fd.Spacetime(N=2, T=T, sampling="cyclic"), eta, noise=2, observable="displacement")
    assert [order[0] for order in p.by_order] == [
        0, of(a**2) + of(b**2), 3 * of(a**4) + 3 * of(b**4) + of(a**2 * b**2)
    ]
    assert all(order[0] for order in p.by_order[1:])


def test_what_is_not_given_is_not_0():
    land = fd.landscapes.tensors({(1,): [1.0], (2,): [[2.0]]}, loss=3.0)
    with pytest.raises(MissingTensorError, match=r"cumulant \(1, 1\)"):
        fd.predict(land, fd.Spacetime(N=5, T=5), 0.1, noise=1)
    symbolic = fd.landscapes.gauss(sympy.Symbol("v"))
    with pytest.raises(InputError, match="starts from numbers"):
        fd.predict(symbolic, fd.Spacetime(N=5, T=5), 0.1, noise=1)
