"""All runs of tiny problems, enumerated in floats: every observable of every rule, landscape by landscape."""

import math
from functools import lru_cache
from itertools import product

import numpy as np

import fastdiag as fd

from .directions import OfTensors
from .plain_sgd import UNEVEN, Plain, PlainOutputs, X, logistic, samples

KINDS = "logistic", "samples", "symbolic"
EVERY_KIND = *KINDS, "softmax", "squares", "directional", "field"
FIELDS = "displacement", "covariance"  # what is observed of a field, which has no loss


@lru_cache
def symbolic():
    """The cubic polynomials of `samples`, their coefficients as data that are drawn together."""
    import sympy
    from sympy import Rational, nsimplify

    land = samples(UNEVEN, 3)
    u, v, *data = sympy.symbols("u v a:9")
    powers = [(i, j) for i in range(4) for j in range(4 - i)][1:]
    formula = sum(c * u**i * v**j for c, (i, j) in zip(data, powers, strict=True))
    points = {}
    for x, weight in enumerate(UNEVEN):
        entries = [
            float(land.derivatives[i + j][(x, *(0,) * i, *(1,) * j)]) / math.factorial(i) / math.factorial(j)
            for i, j in powers
        ]
        points[tuple(Rational(entry) for entry in entries)] = nsimplify(weight)
    return fd.landscapes.symbolic(formula, (u, v), data, fd.landscapes.finite(points), at=[0, 0])


def landscape(kind):
    """The three weighted points of a kind of landscape."""
    if kind == "directional":
        functions = OfTensors(samples().derivatives)
        return fd.landscapes.directional(functions.loss, functions.derivative, np.zeros(2), 3, UNEVEN)
    return symbolic() if kind == "symbolic" else plain(kind)


def plain(kind):
    """The same landscape, where the oracle reads its numbers."""
    if kind in ("softmax", "squares"):
        start, ridge = np.array([[0.3, -0.2], [0.1, 0.4]]), [0.1, 0.4, 0.0, 0.2]
        if kind == "softmax":
            return fd.landscapes.softmax(X, [1, 0, 1], start, ridge, UNEVEN)
        return fd.landscapes.least_squares(X, [[1.0, 0.0], [-0.5, 1.0], [0.3, -1.0]], start, ridge, UNEVEN)
    if kind == "field":
        v, dv, ddv = (np.random.default_rng(7).normal(size=(3, 2) + (2,) * k) for k in range(3))
        return fd.landscapes.field(v, dv, ddv + ddv.swapaxes(2, 3), weights=UNEVEN)
    if kind == "symbolic":
        land = samples(UNEVEN, 3)
        return fd.landscapes.samples(np.zeros(3), *land.derivatives[1:], weights=UNEVEN)
    return logistic(UNEVEN) if kind == "logistic" else samples(UNEVEN)


def oracle_of(kind):
    """What says a point's gradient and its Hessian."""
    return (PlainOutputs if kind in ("softmax", "squares") else Plain)(plain(kind))


def point_loss(oracle, point, theta):
    land = oracle.land
    if isinstance(oracle, PlainOutputs):
        return oracle.loss(point, theta)
    if not oracle.polynomial:
        u = land.X[point] @ theta
        return np.logaddexp(0, u) - land.y[point] * u + np.sum(land.ridge * theta**2) / 2
    return sum(oracle.contracted(d[point], theta, k) / math.factorial(k) for k, d in enumerate(land.derivatives))


def enumerated(kind, spacetime, eta, descend=Plain.descended, rows=False):
    """(chances, test losses, train losses, displacements) of all runs; descend(oracle, batches of points, eta) is theta_T.

    rows: descend takes (oracle, training points, batches of their rows, eta).
    """
    oracle = oracle_of(kind)
    sequences = list(spacetime.realisations())
    found = []
    for points in product(range(3), repeat=spacetime.N):
        chance = np.prod(UNEVEN[list(points)]) / len(sequences)
        for batches in sequences:
            met = [[points[row] for row in batch] for batch in batches]
            theta = descend(oracle, points, batches, eta) if rows else descend(oracle, met, eta)
            train = np.mean([point_loss(oracle, point, theta) for point in points])
            found.append((chance, oracle.test_loss(theta), train, theta - oracle.start))
    return [np.array(column) for column in zip(*found, strict=True)]


def expected(name, chances, test, train, moved):
    """The observable, and the standard deviation of what a run adds to its estimate, both in full."""
    if name in ("covariance", "test_loss_variance"):
        x = moved if name == "covariance" else test[:, None]
        x = x - chances @ x
        second = np.einsum("r,ri,rj->ij", chances, x, x)
        fourth = np.einsum("r,ri,rj->ij", chances, x**2, x**2)
        deviation = np.sqrt(fourth - second**2)
        return (second, deviation) if name == "covariance" else (second[0, 0], deviation[0, 0])
    x = {"test_loss": test, "train_loss": train, "generalization_gap": test - train, "displacement": moved}[name]
    mean = chances @ x
    return mean, np.sqrt(chances @ (x - mean) ** 2)
