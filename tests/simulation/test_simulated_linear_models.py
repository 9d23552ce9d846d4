"""Softmax regression and least squares simulated, against all runs enumerated with gradients written out in NumPy."""

from itertools import product

import numpy as np
import pytest

import fastdiag as fd
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
