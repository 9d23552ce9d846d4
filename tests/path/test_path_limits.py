"""The path at a minimum and without end, in continuous time, and where it cannot go."""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from scipy.linalg import expm

import fastdiag as fd
from fastdiag.errors import InputError, TaylorWarning, TooLargeError, UnsupportedError
from fastdiag.path import predicted_about_path
from fastdiag.path.settled import Swings
from oracles.polynomial_losses import taylor_points

L = fd.landscapes
FOREVER = fd.Spacetime(N=math.inf, T=math.inf)


def orders(land, st, eta, noise, name="test_loss", **options):
    return [order[0, 0] for order in predicted_about_path(land, [st], [eta], noise, name, **options).by_order]


def test_gauss_for_ever():
    """Published: excess loss 0.0263 with noise 1, 0.0291 with noise 2, simulated 0.0300; 0.0263 is 1/38."""
    found = np.cumsum(orders(L.gauss(), FOREVER, 0.2, 2)) - 0.5
    assert found == pytest.approx([0, 1 / 38, 0.0291], abs=3e-5)
    assert orders(L.gauss(), FOREVER, 0.2, 0, closure="gaussian")[0] - 0.5 == pytest.approx(0.0300, abs=5e-4)


@pytest.mark.parametrize("name", ["test_loss", "displacement", "covariance", "test_loss_variance"])
def test_for_ever_is_after_many_updates(name):
    late = fd.Spacetime(N=math.inf, T=400)
    for land in (L.gauss(), L.samples([0.0, 0.0], [[1.0, 0.5], [-1.0, 0.5]], [[[2.0, 0.3], [0.3, 1.0]]] * 2)):
        if isinstance(land, L.Samples):
            with pytest.warns(TaylorWarning):
                land.at([0.0, 0.0])
        for end, near in zip(orders(land, FOREVER, 0.2, 2, name), orders(land, late, 0.2, 2, name), strict=True):
            assert end == pytest.approx(near, rel=1e-9, abs=1e-13)


def test_a_parabola_has_its_stationary_law():
    """Excess loss and covariance of a quadratic loss at any learning rate, in closed form; noise 1 is all there is."""
    H, S, eta = Fraction(3, 2), Fraction(1, 2), 0.3
    found = orders(L.mean_estimation(H, S), FOREVER, eta, 2, "covariance")
    assert found[1][0, 0] == pytest.approx(eta * 0.25 / (1.5 * (2 - eta * 1.5)), rel=1e-12)
    assert found[2][0, 0] == 0


def test_the_drift_of_archimedes():
    """From a minimum, noise pushes along the flat direction z: -(eta^3/2) C_mn J_mnz / (1 - k_m k_n) an update."""
    land, eta, T = L.archimedes(), 0.1, 300
    rates, vectors = np.linalg.eigh(land.hessian)
    k = 1 - eta * rates
    C, J = (vectors.T @ matrix @ vectors for matrix in (land.gradient_covariance, land.part(((0, 1, 2),))[:, :, 2]))
    curved = np.outer(rates > 0.5, rates > 0.5)
    expected = -(eta**3) / 2 * (C * J)[curved] @ (1 / (1 - np.outer(k, k)[curved]))
    moved = [orders(land, fd.Spacetime(N=math.inf, T=t), eta, 1, "displacement")[1][2] for t in (T - 1, T)]
    assert moved[1] - moved[0] == pytest.approx(expected, rel=1e-9)
    assert expected == pytest.approx(eta**2 / 6, rel=0.1)  # to leading order, as published


def test_overfitting_of_full_batches():
    """GD on N = 10 points of MEAN ESTIMATION: noise order 1 is all of the gap, 0.0878 (theory, Corollary 2)."""
    H, S, N, T, eta = Fraction(1), Fraction(1), 10, 20, Fraction(1, 10)
    gap = orders(L.mean_estimation(H, S), fd.Spacetime(N, N, T), eta, 1, "generalization_gap")[1]
    assert gap == (1 - (1 - eta * H) ** T) * S**2 / (N * H)  # C / (N H) (1 - k^T)


def test_exact_answers_of_normal_data():
    """Nodes at whole numbers have the moments of a normal distribution exactly; so has brute force by a finite one."""
    w, x = sympy.symbols("w x")
    loss = w**2 / 2 + w**3 / 3 + x * w + x**2 * w**2 / 2
    normal = L.symbolic(loss, w, x, L.normal(), at=[Fraction(1, 2)])
    third = sympy.sqrt(3)  # Gauss-Hermite nodes: right to degree 9
    a, b = 5 - sympy.sqrt(10), 5 + sympy.sqrt(10)
    points = {0: sympy.Rational(8, 15)}
    for square in (a, b):
        for sign in (1, -1):
            points[sign * sympy.sqrt(square)] = (7 + (1 if square == a else -1) * 2 * sympy.sqrt(10)) / 60
    finite = L.symbolic(loss, w, x, L.finite(points), at=[Fraction(1, 2)])
    st = fd.Spacetime(4, 1, 6)
    exact = orders(normal, st, Fraction(1, 7), 1)
    assert all(isinstance(value, Fraction) for value in exact)
    assert [float(v) for v in exact] == pytest.approx(orders(finite, st, 1 / 7, 1), rel=1e-12)
    assert [float(v) for v in exact] == pytest.approx(orders(normal, st, 1 / 7, 1), rel=1e-12)
    assert third**2 == 3


def test_flow_on_a_parabola_has_a_closed_form():
    """theta = exp(-eta H T) theta_0 and S' = -eta (H S + S H) + eta^2 C / B, by matrix exponentials."""
    H = np.array([[2.0, 0.5], [0.5, 1.0]])
    g = np.array([[1.0, 0.2], [-1.0, 0.6]])
    land = L.samples([0.0, 0.0], g, [H, H])
    C, eta, T, B = land.gradient_covariance, 0.1, 12, 2
    start = np.linalg.solve(H, land.gradient)  # of theta, from the minimum
    end = expm(-eta * T * H) @ start - start
    rates, vectors = np.linalg.eigh(H)
    inside = vectors.T @ C @ vectors / (rates[:, None] + rates) * (1 - np.exp(-eta * T * (rates[:, None] + rates)))
    S = eta / B * vectors @ inside @ vectors.T
    with pytest.warns(TaylorWarning):
        moved = orders(land, fd.Spacetime(98, B, T), eta, 1, "displacement", update=fd.updates.sde())
    assert moved[0] == pytest.approx(end, rel=1e-9)
    assert orders(land, fd.Spacetime(98, B, T), eta, 1, "covariance", update=fd.updates.sde())[1] == pytest.approx(S, rel=1e-8)
    loss = orders(land, fd.Spacetime(98, B, T), eta, 1, update=fd.updates.ode())
    assert loss == pytest.approx([(start + end) @ H @ (start + end) / 2 - start @ H @ start / 2, 0.0], abs=1e-9)


def test_flow_is_the_limit_of_many_small_updates():
    """With eta / k, k T updates and B / k points, extrapolated in 1/k."""
    land, eta, T = L.breast_cancer(), 0.05, 20
    flow = orders(land, fd.Spacetime(99, 1, T), eta, 1, update=fd.updates.sde())
    steps = [orders(land, fd.Spacetime(math.inf, 1, T * k), eta / k, 1) for k in (8, 16)]
    noise = 2 * 16 * steps[1][1] - 8 * steps[0][1]
    assert flow[0] == pytest.approx(2 * steps[1][0] - steps[0][0], rel=1e-4)
    assert flow[1] == pytest.approx(noise, rel=1e-3)


def test_a_flow_is_the_same_wherever_else_it_is_read():
    land, update = L.logistic([[1.0, 0.5], [-0.7, 1.2], [0.4, -1.5]], [1, 0, 1], [0.3, -0.2], 0.2), fd.updates.sde()
    for T in ([3, 8, 40], [8, 40, math.inf]):
        together = fd.predict(land, fd.Spacetime(math.inf, 2, 3), 0.3, noise=1, update=update, T=T).by_order
        for i, time in enumerate(T):
            alone = fd.predict(land, fd.Spacetime(math.inf, 2, time), 0.3, noise=1, update=update).by_order
            assert [order[i] for order in together] == list(alone)


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_averages_are_means_over_gaussian_weights(degree):
    """By Gauss-Hermite sums over delta, exact for polynomials."""
    land = L.samples(*taylor_points(degree))
    with pytest.warns(TaylorWarning):
        local = land.local(np.array([0.3, -0.2]))
    S = np.array([[0.5, 0.2], [0.2, 0.3]])
    places, weights = np.polynomial.hermite_e.hermegauss(8)
    root, total = np.linalg.cholesky(S), weights.sum() ** 2
    G, H, both, loss = 0, 0, 0, 0
    for a, p in zip(places, weights, strict=True):
        for b, q in zip(places, weights, strict=True):
            there, weight = land.local(np.array([0.3, -0.2]) + root @ [a, b]), p * q / total
            g = there.tensor(1)
            loss, G, H = loss + weight * there.loss, G + weight * there.gradient, H + weight * there.hessian
            both = both + weight * np.mean(g[:, :, None] * g[:, None, :], axis=0)
    found = local.averaged(S)
    assert found.loss == pytest.approx(loss)
    assert found.gradient == pytest.approx(G)
    assert found.hessian == pytest.approx(H)
    assert found.covariance == pytest.approx(both - np.outer(G, G) - H @ S @ H)


def test_the_self_consistent_path_begins_as_noise_one_does():
    """With noise scaled by eps, they part at eps^4 or eps^3."""
    X, y = np.array([[1.0, 0.3], [-0.5, 1.0], [0.2, -1.0], [1.0, 1.0]]), [1, 0, 1, 0]
    land, missed = L.logistic(X, y, [0.4, -0.3], 0.1), []
    for scale in (1, 2):
        st = fd.Spacetime(math.inf, 100 * scale, 30)  # B divides the covariance
        (whole,), parts = orders(land, st, 0.3, 1, closure="gaussian"), orders(land, st, 0.3, 1)
        missed.append(whole - sum(parts))
    assert missed[0] / missed[1] == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("land", [L.gauss(1), L.logistic([[1.0], [-0.5]], [1, 0], [0.4])], ids=["formula", "logistic"])
def test_the_self_consistent_path_has_an_end(land):
    (end,) = orders(land, FOREVER, 0.2, 1, closure="gaussian") if isinstance(land, L.Symbolic) else [None]
    if end is not None:
        (late,) = orders(land, fd.Spacetime(math.inf, 1, 500), 0.2, 1, closure="gaussian")
        assert end == pytest.approx(late, rel=1e-9)
    else:
        with pytest.raises(InputError, match=r"0 < eta h < 2"):
            orders(land, FOREVER, 50.0, 1, closure="gaussian")


SKEW = L.logistic([[1.0], [-0.5]], [1, 0], [0.4], 0.1)
CUBE = L.symbolic(sympy.Symbol("w") ** 3 - sympy.Symbol("w") * sympy.Symbol("x"), sympy.Symbol("w"), sympy.Symbol("x"), L.normal(), [1])


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (InputError, "at update [0-9]+", lambda: orders(CUBE, fd.Spacetime(99, 1, 99), 5.0, 1)),
        (UnsupportedError, "not estimated", lambda: orders(L.estimated(SKEW), fd.Spacetime(9, 1, 9), 0.1, 1)),
        (UnsupportedError, "noise order 3", lambda: orders(SKEW, fd.Spacetime(9, 1, 9), 0.1, 3)),
        (UnsupportedError, "more than one epoch", lambda: orders(SKEW, fd.Spacetime(9, 1, 10), 0.1, 2)),
        (UnsupportedError, "no linear rule", lambda: orders(SKEW, fd.Spacetime(9, 1, 9), 0.1, 1, update=fd.updates.regularized_newton(0.5))),
        (UnsupportedError, "one epoch or fresh", lambda: orders(SKEW, fd.Spacetime(9, 1, 10), 0.1, 1, closure="gaussian")),
        (UnsupportedError, "not the train_loss", lambda: orders(SKEW, fd.Spacetime(9, 1, 9), 0.1, 1, "train_loss", closure="gaussian")),
        (UnsupportedError, "for updates", lambda: orders(SKEW, fd.Spacetime(9, 1, 9), 0.1, 1, closure="gaussian", update=fd.updates.ode())),
        (InputError, "no training points", lambda: orders(SKEW, fd.Spacetime(9, 1, 9), 0.1, 1, "train_loss", update=fd.updates.sde())),
        (UnsupportedError, "without a schedule", lambda: orders(SKEW, FOREVER, 0.1, 1, update=fd.updates.schedule([1]))),
        (InputError, "0 < eta h < 2", lambda: orders(L.archimedes(), FOREVER, 0.1, 1)),
        (UnsupportedError, "is a formula", lambda: orders(L.gauss(), fd.Spacetime(9, 1, 9), sympy.Symbol("eta"), 1)),
        (UnsupportedError, "free symbols", lambda: orders(L.mean_estimation(sympy.Symbol("H")), fd.Spacetime(9, 1, 9), 0.1, 1)),
        (UnsupportedError, "is a polynomial", lambda: orders(L.gauss(), fd.Spacetime(9, 1, 9), Fraction(1, 9), 1)),
        (TooLargeError, "third cumulants of 4000", lambda: orders(L.tensors({(1,): np.ones(4000)}), fd.Spacetime(9, 1, 9), 0.1, 2)),
    ],
)
def test_what_cannot_be_had_says_why(error, message, call):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(("move", "goes_on"), [
    (lambda t: (-1.0) ** t, True), (lambda t: (-1.001) ** t, True), (lambda t: (-1.0) ** t * (1 + 1 / (t + 1)), False),
    (lambda t: (-1.0) ** t * 0.999**t, False), (lambda t: 1.001**t, False), (lambda t: 1 / (t + 1), False), (lambda t: math.sin(2.2 * t), True),
])
def test_swings_that_do_not_shrink_are_noticed(move, goes_on):
    swings = Swings()
    assert any(swings.go_on(np.array([move(t) / 1e6, 0.0])) for t in range(6000)) is goes_on


def test_a_rate_beyond_stability_is_noticed_early(monkeypatch):
    """At the minimum of sqrt(1 + u^2) h = 1; beyond eta = 2 gradient descent ends in a cycle of two."""
    u, x = sympy.symbols("u x")
    land = L.symbolic(sympy.sqrt(1 + u**2) + x * u, u, x, L.finite({-1: Fraction(1, 2), 1: Fraction(1, 2)}), at=[Fraction(1, 2)])
    taken = []
    monkeypatch.setattr(Swings, "go_on", lambda self, move, old=Swings.go_on: taken.append(1) or old(self, move))
    with pytest.raises(InputError, match="needs a path with an end"):
        fd.predict(land, fd.Spacetime(N=math.inf, T=math.inf), 3.0, noise=1)
    assert len(taken) < 3000
    assert fd.predict(land, fd.Spacetime(N=math.inf, T=math.inf), 1.9, noise=1).by_order[0] == pytest.approx(1)
