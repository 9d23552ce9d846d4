"""GAUSS, whose runs are known: one update of SGD in closed form, the SDE's sixteen steps by quadrature."""

import numpy as np
import pytest

import fastdiag as fd

GAUSS, ONCE, ETA = fd.landscapes.gauss(), fd.Spacetime(N=1, T=1), 0.2


def test_one_update_of_sgd():
    """theta = -eta (1 - x^2)/2 and l = (h + e^-h)/2, so the mean is e^(eta/2) / (2 sqrt(1 + eta))."""
    etas = np.array([0.05, ETA, 1.0])
    found = fd.simulate(GAUSS, ONCE, etas, 100_000)
    exact = np.exp(etas / 2) / (2 * np.sqrt(1 + etas))
    assert (np.abs(found.mean - exact) < 4 * found.stderr).all()
    assert (found.stderr < np.array([0.05, 0.1, 0.2]) * np.abs(exact - 0.5)).all()


def steps_by_quadrature(eta, steps=16):
    """E l after Euler's steps of dh = -eta g dt + eta sqrt(C) dW, g = (1 - e^-h)/2, C = e^-2h / 2, backward in time."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    places, dt = np.polynomial.chebyshev.chebpts1(121) * 1.6, 1 / steps
    values = (places + np.exp(-places)) / 2
    for _ in range(steps):
        fitted = np.polynomial.chebyshev.Chebyshev.fit(places, values, 60, domain=[-1.6, 1.6])
        drift, noise = -eta * dt * (1 - np.exp(-places)) / 2, eta * np.sqrt(dt / 2) * np.exp(-places)
        reached = places[:, None] + drift[:, None] + noise[:, None] * nodes
        values = fitted(np.clip(reached, -1.6, 1.6)) @ weights / weights.sum()
    return float(values[60])  # where h = 0


@pytest.mark.parametrize("runs", [50_000, pytest.param(8_000_000, marks=pytest.mark.long)])
def test_sixteen_steps_of_the_sde(runs):
    assert steps_by_quadrature(ETA) == pytest.approx(0.504738, abs=1e-5)
    found = fd.simulate(GAUSS, ONCE, ETA, runs, method="sde", progress=False)
    assert abs(found.mean - 0.504738) < max(4 * found.stderr, 1e-5)
    assert found.stderr < 0.02 * 0.004738
