"""Runs of the ODE and the SDE against laws known in full, and against the predictions for them."""

import numpy as np
import pytest

import fastdiag as fd
from oracles.plain_sgd import UNEVEN, logistic, samples

RUNS = 8000


def near(simulation, wanted, slack=0.0):
    return abs(simulation.mean - wanted) < 4 * simulation.stderr + slack


def test_ornstein_uhlenbeck():
    """l_x = h theta^2 / 2 + x s theta: mean and noise of the linear process, weights of the points unequal."""
    h, g, eta, T, B = 1.0, 0.6, 0.1, 10, 2
    chances, slopes = np.array([0.7, 0.3]), np.array([0.4, -1.1])
    slopes = slopes - chances @ slopes + g
    C = chances @ (slopes - g) ** 2
    land = fd.landscapes.samples([0.0, 0.0], slopes[:, None], [[[h]], [[h]]], weights=chances)
    k = np.exp(-eta * h * T)
    drift = -(g**2) / (2 * h) + (g * k) ** 2 / (2 * h)
    noise = eta * C / (4 * B) * (1 - k**2)
    spacetime = fd.Spacetime(4, B, T)
    ode = fd.simulate(land, spacetime, eta, 2, method="ode")
    assert ode.mean == pytest.approx(drift, rel=1e-9)
    assert ode.stderr == 0
    sde = fd.simulate(land, spacetime, eta, RUNS, method="sde", seed=3)
    # Euler's bias: 16 T steps of relative error (eta h / 16)^2 / 2 each
    bias = 2 * 16 * T * (eta * h / 16) ** 2 / 2 * g**2 / (2 * h) + noise * eta * h / 16
    assert near(sde, drift + noise, bias)
    assert not near(sde, drift, bias)
    assert not near(sde, drift + B * noise, bias)


@pytest.mark.parametrize("weights", [None, UNEVEN], ids=["equal", "unequal"])
@pytest.mark.parametrize("land", [logistic, samples])
def test_predictions(land, weights):
    """Order 4 against runs; the terms that are left out are smaller than what is tested."""
    land, spacetime = land(weights), fd.Spacetime(4, 1, 4)
    etas = np.array([0.02, 0.05])
    for method, update in (("ode", fd.updates.ode()), ("sde", fd.updates.sde())):
        measured = fd.simulate(land, spacetime, etas, RUNS, method=method, seed=1)
        p = fd.predict(land, spacetime, etas, 4, resummed=False, update=update)
        euler = np.abs(p.by_order[2]) / (4 * 16) if method == "sde" else 1e-9  # the bias of 16 steps to an update
        left_out = 5 * np.abs(p.by_order[4])
        assert (np.abs(measured.mean - p.total) < 4 * measured.stderr + euler + left_out).all()
        if method == "ode":
            assert (np.abs(measured.mean - p.up_to(1)) > 10 * (euler + left_out)).all()


def test_noise_has_the_covariance_of_the_gradient():
    """One fine step from theta_0: E l - l = -eta G.G/16 + eta^2 C.H / (2 * 16 B) + ..., the noise made large."""
    rng = np.random.default_rng(2)
    grads, H = rng.normal(size=(3, 2)), np.array([[1.0, 0.3], [0.3, 2.0]])
    grads -= UNEVEN @ grads
    land = fd.landscapes.samples(np.zeros(3), grads, np.broadcast_to(H, (3, 2, 2)), weights=UNEVEN)
    C = (grads.T * UNEVEN) @ grads
    eta, B, T = 0.01, 3, 2
    measured = fd.simulate(land, fd.Spacetime(3, B, T), eta, RUNS, method="sde", seed=4)
    assert near(measured, eta**2 * T / (2 * B) * np.sum(C * H), slack=eta**3 * T**2 * np.sum(C * (H @ H)))
    assert measured.mean > 20 * measured.stderr


def test_gradient_descent_is_sgd_with_all_points():
    land = samples()
    gd = fd.simulate(land, fd.Spacetime(4, 1, 6), 0.05, 500, method="gd", seed=7)
    same = fd.simulate(land, fd.Spacetime(4, 4, 6, sampling="cyclic"), 0.05, 500, seed=7)
    assert (gd.mean, gd.stderr) == (same.mean, same.stderr)


def test_errors_and_seeds():
    spacetime = fd.Spacetime(4, 1, 4)
    with pytest.raises(fd.FastdiagError, match="no training points and no train_loss"):
        fd.simulate(samples(), spacetime, 0.1, 10, method="sde", observable="train_loss")
    with pytest.raises(fd.FastdiagError, match="unknown method 'sed'; known: sgd, gd, gdc, ode, sde"):
        fd.simulate(samples(), spacetime, 0.1, 10, method="sed")
    means = [fd.simulate(logistic(), spacetime, 0.1, 300, method="sde", seed=s).mean for s in (0, 0, 1)]
    assert means[0] == means[1] != means[2]


def test_no_noise_where_all_points_agree():
    """C = 0 with a slope that is not: Euler's steps, the same in every run."""
    land = fd.landscapes.samples([0.0] * 3, [[1.0]] * 3, [[[0.5]]] * 3, weights=UNEVEN)
    sde = fd.simulate(land, fd.Spacetime(3, 1, 2), 0.1, 100, method="sde")
    theta = 2 * ((1 - 0.05 / 16) ** 32 - 1)
    assert sde.mean == pytest.approx(theta + theta**2 / 4, rel=1e-12)
    assert sde.stderr < 1e-15
