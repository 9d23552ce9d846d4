"""Smooth rules on breast cancer beside simulations in plain NumPy, whose intervals hold what noise order 1 adds."""

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.path import predicted_about_path

U = fd.updates
LAND = fd.landscapes.breast_cancer()
X, Y, RIDGE = np.asarray(LAND.X), np.asarray(LAND.y), np.asarray(LAND.ridge)


class Adaptive:
    def __init__(self, beta1, beta2, epsilon, corrected):
        self.betas, self.epsilon, self.corrected = (beta1, beta2), epsilon, corrected
        self.m = self.v = 0

    def step(self, t, g):
        a, b = self.betas
        self.m, self.v = a * self.m + (1 - a) * g, b * self.v + (1 - b) * g**2
        first, second = (1 - a ** (t + 1), 1 - b ** (t + 1)) if self.corrected else (1, 1)
        return self.m / first / (np.sqrt(self.v / second) + self.epsilon)


class Clipped:
    def __init__(self, norm, mu=0.0):
        self.norm, self.mu, self.m = norm, mu, 0

    def step(self, t, g):
        self.m = self.mu * self.m + g / np.sqrt(1 + (g**2).sum(axis=1, keepdims=True) / self.norm**2)
        return self.m


def simulated(rule, N, B, T, eta, runs, seed):
    """Test losses and generalization gaps, (runs,) each: fresh training sets, reshuffled at every epoch."""
    rng, points = np.random.default_rng(seed), len(X)
    rows = rng.integers(points, size=(runs, N))
    theta, of_run = np.zeros((runs, X.shape[1])), np.arange(runs)[:, None] * points

    def counted(some):
        return np.bincount((of_run + some).ravel(), minlength=runs * points).reshape(runs, points)

    for t in range(T):
        place = t % (N // B)
        if not place:
            rows = rng.permuted(rows, axis=1)
        share = counted(rows[:, place * B : (place + 1) * B]) / B
        g = (share * (1 / (1 + np.exp(-theta @ X.T)) - Y)) @ X + RIDGE * theta
        theta = theta - eta * rule.step(t, g)
    u = theta @ X.T
    losses = np.logaddexp(0, u) - Y * u
    gap = losses.mean(axis=1) - (counted(rows) * losses).sum(axis=1) / N
    return losses.mean(axis=1) + (RIDGE * theta**2).sum(axis=1) / 2, gap


SETTINGS = {
    "adam": (U.adam(epsilon=0.1), lambda: Adaptive(0.9, 0.999, 0.1, True), 1000, 500, 12, 0.02),
    "adam that forgets": (U.adam(0.5, 0.9, 0.1), lambda: Adaptive(0.5, 0.9, 0.1, True), 2000, 500, 12, 0.02),
    "rmsprop": (U.rmsprop(0.9, 0.1), lambda: Adaptive(0.0, 0.9, 0.1, False), 1000, 500, 12, 0.02),
    "clipped": (U.clipped(1.0), lambda: Clipped(1.0), 200, 50, 20, 0.2),
    "clipped momentum": (U.clipped(2.0, U.momentum(0.8)), lambda: Clipped(2.0, 0.8), 200, 50, 20, 0.02),
}


QUICK = ("adam", "clipped momentum")


@pytest.mark.parametrize("setting", [pytest.param(name, marks=() if name in QUICK else pytest.mark.long) for name in SETTINGS])
def test_simulations_hold_the_prediction(setting):
    update, rule, N, B, T, eta = SETTINGS[setting]
    for name, runs in zip(("test_loss", "generalization_gap"), simulated(rule(), N, B, T, eta, 2000, 1), strict=True):
        series = predicted_about_path(LAND, [fd.Spacetime(N, B, T)], [eta], 1, name, update=update)
        alone, noise = (float(order[0, 0]) for order in series.by_order)
        error = runs.std() / len(runs) ** 0.5
        assert abs(runs.mean() - alone - noise) < 2.6 * error, name
        assert abs(runs.mean() - alone) > 4 * error, name  # the path alone would not do
