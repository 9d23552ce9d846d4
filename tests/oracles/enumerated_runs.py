"""All runs of tiny problems, enumerated in floats: every observable of every rule, landscape by landscape."""

import math
from functools import lru_cache
from itertools import product

import numpy as np

import fastdiag as fd

from .plain_sgd import UNEVEN, Plain, logistic, samples

KINDS = "logistic", "samples", "symbolic"


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
    return symbolic() if kind == "symbolic" else plain(kind)


def plain(kind):
    if kind == "symbolic":
        land = samples(UNEVEN, 3)
        return fd.landscapes.samples(np.zeros(3), *land.derivatives[1:], weights=UNEVEN)
    return logistic(UNEVEN) if kind == "logistic" else samples(UNEVEN)


def point_loss(oracle, point, theta):
    land = oracle.land
    if not oracle.polynomial:
        u = land.X[point] @ theta
        return np.logaddexp(0, u) - land.y[point] * u + np.sum(land.ridge * theta**2) / 2
    return sum(oracle.contracted(d[point], theta, k) / math.factorial(k) for k, d in enumerate(land.derivatives))


def enumerated(kind, spacetime, eta, descend=Plain.descended, rows=False):
    """(chances, test losses, train losses, displacements) of all runs; descend(oracle, batches of points, eta) is theta_T.

    rows: descend takes (oracle, training points, batches of their rows, eta).
    """
    oracle = Plain(plain(kind))
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
