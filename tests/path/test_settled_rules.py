"""T = infinity about the path: rules with memory, data met again and again, and the stationary laws that they join."""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from numpy.linalg import inv

import fastdiag as fd
from fastdiag.errors import InputError, UnsupportedError
from fastdiag.path import predicted_about_path
from oracles.recursions import LAMBDA, C, K

L, U, inf = fd.landscapes, fd.updates, math.inf
NAMES = ("test_loss", "train_loss", "generalization_gap", "displacement", "covariance", "test_loss_variance")
FRESH = ("test_loss", "displacement", "covariance", "test_loss_variance")


def orders(land, st, eta, noise=1, name="test_loss", **options):
    return [order[0, 0] for order in predicted_about_path(land, [st], [eta], noise, name, **options).by_order]


def parabola(start=(0.0, 0.0)):
    """Hessian K, gradient noise of covariance C, from anywhere."""
    root, start = np.linalg.cholesky(C), np.array(start)
    gradients = K @ start + np.array([sign * math.sqrt(2) * column for column in root.T for sign in (1, -1)])
    return L.samples([start @ K @ start / 2] * 4, gradients, [K] * 4)


JOINED = {
    "sgd": (None, {}),
    "heavy ball": (U.momentum(0.6), {"mu": 0.6}),
    "negative momentum": (U.momentum(-0.4), {"mu": -0.4}),
    "quasi-hyperbolic": (U.quasi_hyperbolic(0.5, 0.7), {"mu": 0.5, "nu": 0.7}),
    "clipped": (U.clipped(3.0, U.momentum(0.6)), {"mu": 0.6}),
}


@pytest.mark.filterwarnings("ignore::fastdiag.errors.TaylorWarning")
@pytest.mark.parametrize("share", [0.05, 0.5, 0.97])
@pytest.mark.parametrize("rule", JOINED)
@pytest.mark.parametrize("start", [(0.0, 0.0), (1.0, -2.0)])
def test_a_parabola_has_its_stationary_law(rule, share, start):
    """`fastdiag.stationary` is the special case: noise 1 is all that a parabola has, from any start, at any rate."""
    update, memory = JOINED[rule]
    lam = share * fd.stationary.stability_limit(float(np.linalg.eigvalsh(K)[-1]), **memory)
    land, st, B = parabola(start), fd.Spacetime(inf, 3, inf), 3
    found = orders(land, st, lam, 1, "covariance", update=update)
    assert found[1] == pytest.approx(fd.stationary.stationary_covariance(K, C / B, lam, **memory), rel=1e-11)
    found = orders(land, st, lam, update=update)
    assert found == pytest.approx([0, fd.stationary.approximation_error(K, C / B, lam, **memory)], rel=1e-11, abs=1e-14)
    end = orders(land, st, lam, 1, "displacement", update=update)
    assert end[0] == pytest.approx(-np.array(start), abs=1e-12)
    assert end[1] == pytest.approx([0, 0], abs=1e-13)


@pytest.mark.filterwarnings("ignore::fastdiag.errors.TaylorWarning")
def test_nesterov_is_read_where_no_gradient_is_taken():
    """Its point is quasi-hyperbolic momentum of nu = mu; theta itself is another linear reading of the same state."""
    mu, lam, n = 0.5, 0.3, 2
    found = orders(parabola(), fd.Spacetime(inf, 1, inf), lam, 1, "covariance", update=U.nesterov(mu))[1]
    one, pull = np.eye(n), lam * K
    push = np.vstack([-lam * one, -lam * one])  # theta' = theta + m', m' = mu m - lam (K (theta + mu m) + noise)
    step = np.block([[one - pull, mu * one - mu * pull], [-pull, mu * one - mu * pull]])
    S = np.zeros((2 * n, 2 * n))
    for _ in range(400):
        S = step @ S @ step.T + push @ C @ push.T
    assert found == pytest.approx(S[:n, :n], rel=1e-11)


@pytest.mark.filterwarnings("ignore::fastdiag.errors.TaylorWarning")
@pytest.mark.parametrize("mu", [0.0, 0.6])
def test_a_preconditioner(mu):
    found = orders(parabola(), fd.Spacetime(inf, 1, inf), 1.0, 1, "covariance", metric=LAMBDA, update=U.momentum(mu))
    assert found[1] == pytest.approx(fd.stationary.stationary_covariance(K, C, LAMBDA, mu), rel=1e-11)


@pytest.mark.filterwarnings("ignore::fastdiag.errors.TaylorWarning")
@pytest.mark.parametrize("rule", ["sgd", "heavy ball", "quasi-hyperbolic"])
def test_the_stability_limit_is_where_the_laws_end(rule):
    update, memory = JOINED[rule]
    limit = fd.stationary.stability_limit(float(np.linalg.eigvalsh(K)[-1]), **memory)
    orders(parabola(), fd.Spacetime(inf, 1, inf), limit * (1 - 1e-6), update=update)
    with pytest.raises(InputError, match="shrinks every deviation"):
        orders(parabola(), fd.Spacetime(inf, 1, inf), limit * (1 + 1e-6), update=update)


@pytest.mark.filterwarnings("ignore::fastdiag.errors.TaylorWarning")
@pytest.mark.parametrize("start", [(0.0, 0.0), (1.0, -2.0)])
def test_continuous_time_has_its_law_too(start):
    """`fastdiag.stationary.continuous_covariance`, with a preconditioner as well."""
    st, B, update = fd.Spacetime(inf, 3, inf), 3, U.sde()
    found = orders(parabola(start), st, 0.4, 1, "covariance", update=update)
    expected = fd.stationary.continuous_covariance(K, C / B, 0.4)
    assert found[1] == pytest.approx(expected, rel=1e-11)
    loss = orders(parabola(start), st, 0.4, update=update)
    assert loss == pytest.approx([0, np.trace(K @ expected) / 2], rel=1e-11, abs=1e-14)
    S = orders(parabola(start), st, 1.0, 1, "covariance", metric=LAMBDA, update=update)[1]
    assert LAMBDA @ K @ S + S @ K @ LAMBDA == pytest.approx(LAMBDA @ C @ LAMBDA / B, rel=1e-11)


def test_a_flow_ends_as_after_a_long_time():
    for update in (U.sde(), U.ode()):
        for name in FRESH:
            end = orders(LOGISTIC, fd.Spacetime(inf, 2, inf), 0.4, 1, name, update=update)
            late = orders(LOGISTIC, fd.Spacetime(inf, 2, 400), 0.4, 1, name, update=update)
            for one, other in zip(end, late, strict=True):
                assert one == pytest.approx(other, rel=1e-7, abs=1e-11), name


w, x = sympy.symbols("w x")
HILL = L.symbolic(x * w - w**2 / 2, w, x, L.normal(), [0])  # the path stands on the hill
LOGISTIC = L.logistic([[1.0, 0.5], [-0.7, 1.2], [0.4, -1.5], [0.3, 0.8]], [1, 0, 1, 0], [0.3, -0.2], ridge=[0.2, 0.4])
RULES = {
    "sgd": None, "momentum": U.momentum(0.5), "nesterov": U.nesterov(0.4), "decay": U.weight_decay(0.05, 0.3),
    "clipped": U.clipped(0.7, U.nesterov(0.4)),
}


@pytest.mark.parametrize("rule", ["nesterov", *(pytest.param(name, marks=pytest.mark.long) for name in RULES if name != "nesterov")])
def test_for_ever_is_after_many_updates(rule):
    for name in FRESH:
        noise = 1 if rule == "clipped" else 2
        end = orders(LOGISTIC, fd.Spacetime(inf, 2, inf), 0.4, noise, name, update=RULES[rule])
        late = orders(LOGISTIC, fd.Spacetime(inf, 2, 240), 0.4, noise, name, update=RULES[rule])
        for one, other in zip(end, late, strict=True):
            assert one == pytest.approx(other, rel=1e-9, abs=1e-13), name


@pytest.mark.parametrize("rule", ["sgd", "nesterov"])
def test_the_self_consistent_law_of_rules_with_memory(rule):
    (end,) = orders(LOGISTIC, fd.Spacetime(inf, 1, inf), 0.4, closure="gaussian", update=RULES[rule])
    (late,) = orders(LOGISTIC, fd.Spacetime(inf, 1, 400), 0.4, closure="gaussian", update=RULES[rule])
    assert end == pytest.approx(late, rel=1e-10)


EPOCHS = [(rule, sampling, B) for rule in RULES for sampling in ("reshuffle", "cyclic", "replacement") for B in (1, 2, 6)]


@pytest.mark.parametrize(
    ("rule", "sampling", "B"),
    [pytest.param(*case, marks=() if i in (13, 28, 41) else pytest.mark.long) for i, case in enumerate(EPOCHS)],
)
def test_epochs_without_end(rule, sampling, B):
    """What an epoch of six points leaves as it is, beside very many."""
    for name in NAMES:
        end = orders(LOGISTIC, fd.Spacetime(6, B, inf, sampling=sampling), 0.3, 1, name, update=RULES[rule])
        late = orders(LOGISTIC, fd.Spacetime(6, B, 360, sampling=sampling), 0.3, 1, name, update=RULES[rule])
        for one, other in zip(end, late, strict=True):
            assert one == pytest.approx(other, rel=1e-9, abs=1e-13), name


def test_what_n_points_teach_in_the_end():
    """Full batches reach the minimum of N points: H^-1 C H^-1 / N about that of all, and tr(H^-1 C) / N the gap."""
    N = 8
    end = orders(LOGISTIC, fd.Spacetime(inf, 1, inf), 0.3, 0, "displacement")[0]
    land = LOGISTIC.at(LOGISTIC.theta + end)
    H, G = land.hessian, land.gradient_covariance
    for sampling in ("reshuffle", "replacement"):
        st = fd.Spacetime(N, N, inf, sampling=sampling)
        covariance = orders(LOGISTIC, st, 0.3, 1, "covariance")[1]
        assert covariance == pytest.approx(inv(H) @ G @ inv(H) / N, rel=1e-9)
        assert orders(LOGISTIC, st, 0.3, 1, "generalization_gap")[1] == pytest.approx(np.trace(inv(H) @ G) / N, rel=1e-9)


@pytest.mark.long
def test_small_steps_end_there_with_any_batches():
    N, eta = 8, 1e-3
    full, small = (orders(LOGISTIC, fd.Spacetime(N, B, inf), eta, 1, "covariance")[1] for B in (N, 1))
    assert small == pytest.approx(full, rel=1e-2)


def test_mean_estimation_in_closed_form():
    """l = H theta^2 / 2 + x S theta: with batches drawn anew, two sources in one linear recursion."""
    H, S, eta, N, B = 1.5, 0.5, 0.3, 10, 2
    land, x = L.mean_estimation(Fraction(3, 2), Fraction(1, 2), 3), eta * H
    fresh = eta * S**2 / (B * H * (2 - x))
    assert orders(land, fd.Spacetime(inf, B, inf), eta) == pytest.approx([0, H * fresh / 2], rel=1e-12, abs=1e-14)
    again = fresh + 2 * eta * S**2 * (1 - x) / (N * H) / (1 - (1 - x) ** 2)  # K E[o xi] of o = -xi / H
    found = orders(land, fd.Spacetime(N, B, inf, sampling="replacement"), eta)
    assert found == pytest.approx([0, H * again * (H / H) / 2], rel=1e-12, abs=1e-14)
    late = orders(land, fd.Spacetime(N, B, inf), eta, 1, "generalization_gap")[1]
    assert late == pytest.approx(S**2 / (H * N), rel=1e-12)


def gauss_at_its_minimum(eta):
    """Covariance and mean of h to noise 1: H = C = 1/2, J = -1/2, so S = eta / (2 - eta / 2), m = S / 2."""
    S = eta / (2 - eta / 2)
    return S, S / 2


@pytest.mark.parametrize(
    ("start", "eta"), [(0, 0.2), (Fraction(-1, 2), 0.2), (1, 0.2), (1, 1.0), *(pytest.param(x, 0.01, marks=pytest.mark.long) for x in (0, 1))]
)
def test_gauss_in_closed_form(start, eta):
    """From its minimum and from elsewhere: excess loss H S / 2, mean m."""
    S, m = gauss_at_its_minimum(eta)
    land, st = L.gauss(start), fd.Spacetime(inf, 1, inf)
    assert orders(land, st, eta, 1, "covariance")[1][0, 0] == pytest.approx(S, rel=1e-11)
    assert np.array(orders(land, st, eta, 1, "displacement")) == pytest.approx(np.array([[-float(start)], [m]]), rel=1e-9, abs=1e-12)
    assert orders(land, st, eta) == pytest.approx([0.5, S / 4], rel=1e-11)


def test_noise_orders_are_powers_of_the_learning_rate_for_ever():
    """At a minimum noise 1 is O(eta) and noise 2 O(eta^2), with momentum too, which is a rate of eta / (1 - mu)."""
    st = fd.Spacetime(inf, 1, inf)
    for update, rate in ((None, 1.0), (U.momentum(0.5), 2.0)):
        found = [orders(L.gauss(), st, eta, 2, update=update) for eta in (1e-3, 2e-3)]
        for p in (1, 2):
            assert found[1][p] / found[0][p] == pytest.approx(2**p, rel=0.01)
        assert found[0][1] == pytest.approx(rate * 1e-3 / 8, rel=0.01)


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (UnsupportedError, "without a schedule", lambda: orders(LOGISTIC, fd.Spacetime(inf, 1, inf), 0.1, update=U.schedule(lambda t: 1))),
        (UnsupportedError, "give a float", lambda: orders(L.mean_estimation(), fd.Spacetime(inf, 1, inf), Fraction(1, 5))),
        (InputError, "strict minimum", lambda: orders(L.archimedes(), fd.Spacetime(inf, 1, inf), 0.1, update=U.sde())),
        (InputError, "strict minimum", lambda: orders(HILL, fd.Spacetime(inf, 1, inf), 0.1, update=U.ode())),
        (UnsupportedError, "more than one epoch", lambda: orders(LOGISTIC, fd.Spacetime(4, 1, inf), 0.1, 2)),
        (InputError, "shrinks every deviation", lambda: orders(L.archimedes(), fd.Spacetime(4, 1, inf), 0.1)),
        (UnsupportedError, "steps vanish", lambda: orders(LOGISTIC, fd.Spacetime(inf, 1, inf), 0.1, update=U.rmsprop())),
    ],
)
def test_what_cannot_be_had_says_why(error, message, call):
    with pytest.raises(error, match=message):
        call()
