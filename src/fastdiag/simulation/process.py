"""Runs of the ODE and the SDE that stand in for SGD: fine steps in continuous time, gradients by NumPy."""

from __future__ import annotations

from math import sqrt
from typing import Protocol

import numpy as np

from ..errors import UnsupportedError
from ..landscapes import Landscape, LinearModel, Logistic, Samples
from ..landscapes.softplus import softplus
from ..spacetime import Spacetime
from ..typing import FloatArray

PROCESSES = ("ode", "sde")
REFINED = 16  # steps to an update
SHARD = 256  # runs with one random generator of their own


class Slopes(Protocol):
    """A landscape's points: gradients and losses away from theta_0."""

    start: FloatArray
    chances: FloatArray
    """Weight of each point, (1, S)."""

    def combined(self, theta: FloatArray, weights: FloatArray, means: bool) -> FloatArray:
        """sum_x a_x grad l_x, (m, n), at theta (m, n); weights a (m or 1, S); `means`: they add up to 1, not to 0."""

    def loss(self, theta: FloatArray) -> FloatArray:
        """Mean loss, (m,)."""


def process_losses(
    landscape: Landscape, spacetime: Spacetime, rates: FloatArray, runs: int, seed: int, method: str
) -> FloatArray:
    """Final test losses (rates, runs) of d theta = -eta grad l dt, and for 'sde' + eta sqrt(C / B) dW.

    The ODE is solved by Runge and Kutta's rule of fourth order, the SDE by Euler's and Maruyama's, its noise of the
    covariance of the gradient at theta, 16 steps to an update. All learning rates see the same noise.

    Raises
    ------
    UnsupportedError : a landscape without a finite list of points
    """
    points = _slopes(landscape)
    chances = points.chances
    steps, dt = REFINED * spacetime.finite("T"), 1 / REFINED
    out = np.empty((len(rates), runs))
    with np.errstate(all="ignore"):  # runs that diverge are counted
        if method == "ode":
            theta = np.tile(points.start, (len(rates), 1))
            for _ in range(steps):
                theta = theta - dt * _runge_kutta(points, theta, chances, rates[:, None], dt)
            out[:] = points.loss(theta)[:, None]
            return out
        for shard, first in enumerate(range(0, runs, SHARD)):
            size = min(SHARD, runs - first)
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(shard,)))
            moving = np.tile(points.start, (len(rates), size, 1))
            for _ in range(steps):
                kicks = np.sqrt(chances) * rng.standard_normal((size, chances.shape[1]))
                noise = kicks - chances * kicks.sum(axis=1, keepdims=True)  # sum a_x g_x has covariance C
                for theta, eta in zip(moving, rates, strict=True):
                    drift = points.combined(theta, chances, True)
                    theta -= eta * (dt * drift + sqrt(dt / spacetime.B) * points.combined(theta, noise, False))
            for e, theta in enumerate(moving):
                out[e, first : first + size] = points.loss(theta)
    return out


def _runge_kutta(points: Slopes, theta: FloatArray, chances: FloatArray, eta: FloatArray, dt: float) -> FloatArray:
    """The mean velocity -theta' over a step."""
    total, slope = np.zeros_like(theta), np.zeros_like(theta)
    for reach, weight in ((0, 1), (0.5, 2), (0.5, 2), (1, 1)):
        slope = eta * points.combined(theta - reach * dt * slope, chances, True)
        total = total + weight / 6 * slope
    return total


class _Taylor:
    """Points whose losses are Taylor polynomials in theta - theta_0."""

    def __init__(self, landscape: Samples) -> None:
        self.start = np.zeros(landscape.dimension)
        self.tensors = [tensor.reshape(len(tensor), -1) for tensor in landscape.derivatives]
        self.chances = landscape.weights[None]

    def combined(self, theta: FloatArray, weights: FloatArray, means: bool) -> FloatArray:
        return self._contracted(theta, weights, 1)

    def loss(self, theta: FloatArray) -> FloatArray:
        return self._contracted(theta, self.chances, 0)[:, 0]

    def _contracted(self, theta: FloatArray, weights: FloatArray, order: int) -> FloatArray:
        """sum_k D_k theta^(k - order) / (k - order)! by Horner's rule, D the combined tensors."""
        m, n = theta.shape
        total = np.zeros((1, n ** len(self.tensors)))
        for k in range(len(self.tensors) - 1, order - 1, -1):
            lower = np.einsum("mij,mi->mj", np.broadcast_to(total, (m, total.shape[1])).reshape(m, n, -1), theta)
            total = weights @ self.tensors[k] + lower / (k + 1 - order)
        return total


class _Logistic:
    """Points of a logistic regression."""

    def __init__(self, landscape: Logistic) -> None:
        self.landscape, self.start, self.chances = landscape, landscape.theta, landscape.weights[None]
        self.signs = 1.0 - 2.0 * landscape.y

    def combined(self, theta: FloatArray, weights: FloatArray, means: bool) -> FloatArray:
        land = self.landscape
        residual = self.signs * softplus(1, self.signs * (theta @ land.X.T))
        return np.asarray((weights * residual) @ land.X + means * land.ridge * theta)

    def loss(self, theta: FloatArray) -> FloatArray:
        land = self.landscape
        losses = softplus(0, self.signs * (theta @ land.X.T))
        return np.asarray(losses @ land.weights + (land.ridge * theta**2).sum(axis=1) / 2)


class _LinearModel:
    """Points of another linear model."""

    def __init__(self, landscape: LinearModel) -> None:
        self.landscape, self.start, self.chances = landscape, landscape.theta, landscape.weights[None]

    def combined(self, theta: FloatArray, weights: FloatArray, means: bool) -> FloatArray:
        weighted = self._slopes(theta, 1) * weights[..., None]
        pull = np.asarray(weighted.swapaxes(1, 2) @ self.landscape.X).reshape(theta.shape)
        return np.asarray(pull + means * self.landscape.ridge * theta)

    def loss(self, theta: FloatArray) -> FloatArray:
        land = self.landscape
        return np.asarray(self._slopes(theta, 0) @ land.weights + theta**2 @ land.ridge / 2)

    def _slopes(self, theta: FloatArray, degree: int) -> FloatArray:
        """(m, S) + (outputs,) * degree."""
        land = self.landscape
        return np.stack([land.loss_slopes(degree, land.outputs_at(one), land.y) for one in theta])


def _slopes(landscape: Landscape) -> Slopes:
    if isinstance(landscape, Samples):
        return _Taylor(landscape)
    if isinstance(landscape, Logistic):
        return _Logistic(landscape)
    if isinstance(landscape, LinearModel):
        return _LinearModel(landscape)
    raise UnsupportedError(
        f"{landscape!r} has no list of points, of which the noise is made; the ODE and the SDE run on "
        "landscapes.samples, logistic, softmax and least_squares"
    )
