"""fd.predict about the path: the public face of what tests/test_path_*.py hold against brute force."""

import copy
import math
import pickle
import sys
from fractions import Fraction

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import FastdiagError, InputError, UnsupportedError

LAND = fd.landscapes.breast_cancer()
w, x = sympy.symbols("w x")
COIN = fd.landscapes.finite({-1: Fraction(1, 2), 1: Fraction(1, 2)})


def quadratic(at=Fraction(1, 2)):
    """l_x = 3/2 w^2 + x w: SGD about it is linear, and noise order 1 is all there is."""
    return fd.landscapes.symbolic(3 * w**2 / 2 + x * w, w, x, COIN, at=[at])


@pytest.mark.parametrize(
    ("N", "eta", "noise0", "noise1", "noise2"),
    [(10, 0.05, 0.33755, 0.35082, 0.35196), (50, 0.01, 0.34246, 0.34501, 0.34505), (50, 0.05, 0.22186, 0.23352, 0.23876)],
)
def test_breast_cancer(N, eta, noise0, noise1, noise2):
    """Digits of an independent draft; see `test_trust` for what is said of them."""
    p = fd.predict(LAND, fd.Spacetime(N=N, T=N), eta, noise=2)
    assert [p.up_to(order) for order in range(3)] == pytest.approx([noise0, noise1, noise2], abs=5.1e-6)
    assert p.total == p.up_to(2)
    assert repr(p).startswith(f"<test_loss about the path, noise order 2: {p.total:.6g}")


@pytest.mark.long
@pytest.mark.parametrize(("eta", "digits"), [(0.01, (0.23115, 0.23362, 0.23375)), (0.05, (0.20480, 0.21218, 0.21388))])
def test_breast_cancer_for_long(eta, digits):
    p = fd.predict(LAND, fd.Spacetime(N=200, T=200), eta, noise=2)
    assert [p.up_to(order) for order in range(3)] == pytest.approx(digits, abs=5.1e-6)


def test_the_self_consistent_path():
    p = fd.predict(LAND, fd.Spacetime(N=50, T=50), [0.05, 0.1, 0.2], closure="gaussian")
    assert p.total == pytest.approx([0.23631, 0.23858, 0.28217], abs=5.1e-6)
    assert p.by_order[0] == pytest.approx(fd.predict(LAND, fd.Spacetime(N=50, T=50), [0.05, 0.1, 0.2], noise=0).total)
    assert (p.order, p.closure, p.expansion, p.noise) == (1, "gaussian", "path", 1)
    assert repr(p) == "<test_loss along the self-consistent path: array of shape (3,)>"


@pytest.mark.parametrize("T", [1, 4])
def test_exact(T):
    """In closed form: w_T = k^T w_0 - eta sum of k^(T-1-t) x_t, k = 1 - 3 eta."""
    eta, start = Fraction(1, 5), Fraction(1, 2)
    k = 1 - 3 * eta
    spread = sum((eta * k**t) ** 2 for t in range(T))
    p = fd.predict(quadratic(), fd.Spacetime(N=4, T=T), eta, noise=2)
    assert p.by_order == (Fraction(3, 2) * (k**T * start) ** 2, Fraction(3, 2) * spread, 0)
    assert all(isinstance(value, sympy.Expr) for value in (p.total, *p.by_order, *p.by_diagram.values()))
    assert p.by_diagram[fd.Diagram.parse("[a a]")] == Fraction(3, 2) * spread
    move = fd.predict(quadratic(), fd.Spacetime(N=4, T=T), eta, noise=1, observable="displacement")
    assert move.total.tolist() == [(k**T - 1) * start]
    near = fd.predict(quadratic(), fd.Spacetime(N=4, T=T), float(eta), noise=2)
    assert [float(value) for value in p.by_order] == pytest.approx(near.by_order, rel=1e-13)


@pytest.mark.parametrize("name", ["test_loss", "train_loss", "generalization_gap", "displacement", "covariance", "test_loss_variance"])
@pytest.mark.parametrize("noise", [0, 1, 2])
def test_shapes(name, noise):
    axes = {"displacement": 1, "covariance": 2}.get(name, 0)
    land, etas, T = fd.landscapes.logistic([[1.0, 0.5], [-2.0, 1.0], [0.3, 0.2]], [1, 0, 1], [0.0, 0.0], 0.1), [0.1, 0.2], [1, 3, 5]
    many = fd.predict(land, fd.Spacetime(N=6, T=6), etas, noise=noise, observable=name, T=T)
    assert many.total.shape == (2, 3) + (2,) * axes
    assert all(np.shape(value) == many.total.shape for value in (*many.by_order, *many.by_diagram.values()))
    assert (many.order, many.noise, many.expansion, many.T) == (noise, noise, "path", (1, 3, 5))
    one = fd.predict(land, fd.Spacetime(N=6, T=6), 0.2, noise=noise, observable=name, T=3)
    assert np.shape(one.total) == (2,) * axes
    assert one.total == pytest.approx(many.total[1, 1], rel=1e-12)
    matrix = fd.predict(land, fd.Spacetime(N=6, T=6), 0.2 * np.eye(2), noise=noise, observable=name, T=T)
    assert matrix.total == pytest.approx(many.total[1], rel=1e-12)


@pytest.mark.parametrize(
    ("N", "T", "sampling"),
    [(1, 2, "reshuffle"), (1, 2, "cyclic"), (2, 2, "replacement"),
     *(pytest.param(2, 3, name, marks=pytest.mark.long) for name in ("reshuffle", "cyclic", "replacement"))],
)
def test_several_epochs_go_to_noise_two_where_problems_are_small(N, T, sampling):
    """A parabola: its weights are sums over the rows drawn, so noise order 1 is all, and all orders in eta add up to it."""
    land, st = quadratic(), fd.Spacetime(N=N, T=T, sampling=sampling)
    p = fd.predict(land, st, Fraction(1, 7), noise=2)
    assert p.by_order[2] == 0
    assert len(p.by_diagram) > 4
    assert p.total == fd.predict(land, st, Fraction(1, 7), order=2 * T, resummed=False).total


def test_rules_and_processes():
    st = fd.Spacetime(N=20, T=20)
    plain = fd.predict(LAND, st, 0.01, noise=1)
    assert fd.predict(LAND, st, 0.01, noise=1, update=fd.updates.sgd()).total == plain.total
    heavy = fd.predict(LAND, st, 0.005, noise=1, update=fd.updates.momentum(0.5))
    assert heavy.total == pytest.approx(plain.total, rel=0.05)
    assert heavy.update == fd.updates.momentum(0.5)
    flow, sde = (fd.predict(LAND, st, 0.001, noise=1, update=rule()) for rule in (fd.updates.ode, fd.updates.sde))
    assert flow.total < sde.total
    assert sde.total == pytest.approx(fd.predict(LAND, st, 0.001, noise=1).total, rel=1e-3)


def test_what_nobody_may_ask():
    st = fd.Spacetime(N=4, T=4)
    for options, words in (
        ({"order": 3, "noise": 2}, "give one of them"), ({"noise": 1, "resummed": False}, "goes with order"),
        ({"noise": 1, "continuous": True}, "ode"), ({"closure": "gaussian", "order": 2}, "leave order out"),
        ({"closure": "gaussian", "noise": 2}, "give noise=1"), ({"closure": "normal"}, "unknown closure"),
        ({"noise": -1}, "at least 0"), ({"noise": 1.5}, "whole number"), ({"noise": True}, "whole number"),
    ):
        with pytest.raises(InputError, match=words):
            fd.predict(LAND, st, 0.1, **options)
    for landscape, eta, options, words in (
        (LAND, 0.1, {"noise": 1, "device": "cuda"}, "one by one"), (fd.landscapes.estimated(LAND), 0.1, {"noise": 1}, "sample"),
        (LAND, 0.1, {"closure": "gaussian", "T": 9}, "one epoch"), (quadratic(), sympy.Symbol("eta"), {"noise": 1}, "formula"),
        (fd.landscapes.gauss(1), Fraction(1, 3), {"noise": 1}, "polynomial"),
    ):
        with pytest.raises(UnsupportedError, match=words):
            fd.predict(landscape, st, eta, **options)
    with pytest.raises(FastdiagError, match="noise"):
        fd.predict(LAND, st, 0.1, noise=9)


def test_paths_that_blow_up_say_where():
    """w grows 29-fold at each update: 10^308 is passed after some 210, by its square after half as many."""
    last = math.ceil((math.log(2) + math.log(sys.float_info.max)) / math.log(29))
    for noise, near in ((0, (last, last + 1)), (1, (last // 2, last // 2 + 1))):
        with pytest.raises(InputError, match="|".join(f"range of floats at update {t}:" for t in near)):
            fd.predict(quadratic(), fd.Spacetime(N=math.inf, T=400), 10.0, noise=noise)
    with pytest.raises(InputError, match=r"at eta\[1\] = 10\.0: noise about the path leaves the range of floats at update"):
        fd.predict(quadratic(), fd.Spacetime(N=math.inf, T=400), [0.1, 10.0], noise=1)
    with pytest.raises(InputError, match=r"at eta\[2\] = 1e\+40: the test loss leaves the range of floats after update 5"):
        fd.predict(quadratic(), fd.Spacetime(N=math.inf, T=5), [0.1, 0.2, 1e40], noise=0)
    with pytest.raises(InputError, match="sums over skeletons to 5 updates leave the range of floats"):
        fd.predict(quadratic(), fd.Spacetime(N=2, T=5), 1e40, noise=2)


def test_a_landscape_that_cannot_move():
    class Fixed(fd.landscapes.Landscape):
        dimension, highest_degree, theta = 1, None, np.zeros(1)

        def part(self, nodes, frame=None):
            return np.zeros((1,) * len({label for node in nodes for label in node}))

    with pytest.raises(UnsupportedError, match="cannot move"):
        fd.predict(Fixed(), fd.Spacetime(N=4, T=4), 0.1, noise=1)


@pytest.mark.parametrize("options", [{"noise": 1}, {"noise": 2, "T": [1, 2]}, {"closure": "gaussian"}, {"noise": 1, "observable": "covariance"}])
def test_predictions_compare_pickle_and_copy(options):
    eta = np.array([0.01, 0.02])
    p = fd.predict(LAND, fd.Spacetime(N=4, T=4), eta, **options)
    told = p.trust.error.tolist()
    for other in (pickle.loads(pickle.dumps(p)), copy.copy(p), copy.deepcopy(p), fd.predict(LAND, fd.Spacetime(N=4, T=4), eta, **options)):
        assert other == p
        assert repr(other) == repr(p)
        assert other.trust.error.tolist() == told
    eta[0] = 5
    assert p.eta.tolist() == [0.01, 0.02]
    assert p != fd.predict(LAND, fd.Spacetime(N=4, T=4), eta, **options)
    assert p.spacetime == fd.Spacetime(N=4, T=4)


def test_neither_order_nor_noise_is_order_three():
    st = fd.Spacetime(N=4, T=4)
    assert fd.predict(LAND, st, 0.01) == fd.predict(LAND, st, 0.01, order=3) == fd.predict(LAND, st, 0.01, 3)
    assert fd.predict(LAND, st, 0.01).noise is None
    assert fd.predict(LAND, st, 0.01).T == 4
