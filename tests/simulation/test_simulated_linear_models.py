"""Softmax regression and least squares simulated, against all runs enumerated with gradients written out in NumPy."""

from itertools import product

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.simulation.model import model_of
from oracles import plain_optimizers as plain

X = np.array([[1.0, 0.5], [-0.7, 1.2], [0.4, -1.5]])
RIDGE, UNEVEN = np.arange(6) / 10, np.array([0.5, 0.2, 0.3])
START = np.arange(6).reshape(3, 2) / 7 - 0.3
TARGETS = np.array([[1.0, 0.0, -1.0], [0.5, 2.0, 0.0], [0.0, -1.0, 1.0]])
LANDSCAPES = {
    "softmax": fd.landscapes.softmax(X, [0, 1, 2], START, RIDGE, UNEVEN),
    "squares": fd.landscapes.least_squares(X, TARGETS, START, RIDGE, UNEVEN),
}


def chances(u):
    return np.exp(u) / np.exp(u).sum()


def loss(kind, x, theta):
    u = theta.reshape(3, 2) @ X[x]
    fit = np.log(np.exp(u).sum()) - u[x] if kind == "softmax" else ((u - TARGETS[x]) ** 2).sum() / 2
    return fit + RIDGE @ theta**2 / 2


def gradient(kind, x, theta):
    u = theta.reshape(3, 2) @ X[x]
    slope = chances(u) - np.eye(3)[x] if kind == "softmax" else u - TARGETS[x]
    return np.outer(slope, X[x]).ravel() + RIDGE * theta


def hessian(kind, x, theta):
    p = chances(theta.reshape(3, 2) @ X[x])
    bend = np.diag(p) - np.outer(p, p) if kind == "softmax" else np.eye(3)
    return np.kron(bend, np.outer(X[x], X[x])) + np.diag(RIDGE)


@pytest.mark.parametrize("kind", LANDSCAPES)
@pytest.mark.parametrize(("update", "optimizer"), [
    (fd.updates.momentum(0.6), plain.heavy_ball(0.6)), (fd.updates.regularized_newton(0.7), plain.regularized_newton(0.7))
])
def test_linear_models_meet_their_enumeration(kind, update, optimizer):
    runs, eta, grid = 20_000, 0.4, fd.Spacetime(N=3, T=4, sampling="cyclic")
    rows = []
    for points in product(range(3), repeat=3):
        batches = [[points[0]], [points[1]], [points[2]], [points[0]]]
        theta = optimizer(
            lambda theta, batch: gradient(kind, batch[0], theta), lambda theta, batch: hessian(kind, batch[0], theta),
            START.ravel(), eta, batches,
        )
        test = sum(weight * loss(kind, x, theta) for x, weight in enumerate(UNEVEN))
        rows.append((np.prod(UNEVEN[list(points)]), test, np.mean([loss(kind, x, theta) for x in points])))
    weight, *columns = np.array(rows).T
    for name, found in zip(("test_loss", "train_loss"), columns, strict=True):
        mean = weight @ found
        deviation = np.sqrt(weight @ (found - mean) ** 2)
        measured = fd.simulate(LANDSCAPES[kind], grid, eta, runs, update=update, observable=name)
        assert abs(measured.mean - mean) < 4 * deviation / np.sqrt(runs), name
        assert measured.stderr == pytest.approx(deviation / np.sqrt(runs), rel=0.1)


@pytest.mark.parametrize(("kind", "m"), [("softmax", 2), ("softmax", 5), ("squares", 1), ("squares", 3)])
@pytest.mark.parametrize("weights", [None, "uneven"])
def test_losses_of_many_runs(kind, weights, m):
    """More runs than stand side by side, more points than one logarithm takes, outputs from nearly equal to far apart."""
    rng, S, runs = np.random.default_rng(m), 1100, 70
    points, ridge = rng.normal(size=(S, 3)), rng.uniform(size=3 * m)
    y = rng.integers(m, size=S) if kind == "softmax" else rng.normal(size=(S, m))
    weight = np.full(S, 1 / S) if weights is None else rng.dirichlet(np.ones(S))
    make = fd.landscapes.softmax if kind == "softmax" else fd.landscapes.least_squares
    start = np.zeros((m, 3))
    if kind == "softmax":
        y[:m] = range(m)
    model = model_of(make(points, y, start, ridge, weight))
    theta = rng.normal(size=(2, runs, 3 * m)) * np.logspace(-3, 2, runs)[:, None]
    u = np.einsum("ermd,sd->ersm", theta.reshape(2, runs, m, 3), points)
    if kind == "softmax":
        top = u.max(axis=-1)
        each = top + np.log(np.exp(u - top[..., None]).sum(axis=-1)) - np.take_along_axis(u, y[None, None, :, None], 3)[..., 0]
    else:
        each = ((u - y) ** 2).sum(axis=-1) / 2
    penalty = theta**2 @ ridge / 2
    np.testing.assert_allclose(model.test_loss(theta), each @ weight + penalty, rtol=1e-12)
    sets = rng.integers(S, size=(runs, 600))
    mine = np.take_along_axis(each, sets[None], 2).mean(axis=2) + penalty
    np.testing.assert_allclose(model.train_loss(theta, model.table, sets), mine, rtol=1e-12)


def test_small_losses_keep_their_digits():
    """log(1 + q) = q to 26 digits where another class has e^-60 of the chance; and the same of ties."""
    model = model_of(fd.landscapes.softmax([[1.0], [1.0], [1.0]], [0, 1, 2], np.zeros((3, 1))))
    theta, sets = np.array([[[60.0, 0.0, -800.0], [5.0, 5.0, -800.0]]]), np.array([[0, 0], [0, 0]])
    found = model.train_loss(theta, model.table, sets)
    np.testing.assert_allclose(found, [[np.exp(-60.0), np.log(2.0)]], rtol=1e-13)
