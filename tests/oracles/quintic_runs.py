"""SGD itself on random quintic losses in two dimensions, averaged over every training set and every order of the points."""

from functools import lru_cache
from itertools import product
from math import factorial

import numpy as np

import fastdiag as fd


@lru_cache
def losses(seed, points, degree=5):
    """Random quintic losses in two dimensions, {exponents: (points,) coefficients}, zero at the start; probabilities."""
    rng = np.random.default_rng(seed)
    exponents = [e for e in np.ndindex(degree + 1, degree + 1) if 0 < sum(e) <= degree]
    coefficients = {e: rng.uniform(-1, 1, points) / (factorial(e[0]) * factorial(e[1])) for e in exponents}
    weights = rng.uniform(1, 2, points)
    return coefficients, weights / weights.sum()


def landscape(seed, points):
    """Its derivatives at the start, up to the fourth: all that order 4 needs."""
    coefficients, weights = losses(seed, points)
    arrays = [np.zeros(points)]
    for degree in range(1, 5):
        array = np.zeros((points, *(2,) * degree))
        for index in np.ndindex(*(2,) * degree):
            e = (index.count(0), index.count(1))
            array[:, *index] = coefficients[e] * factorial(e[0]) * factorial(e[1])
        arrays.append(array)
    return fd.landscapes.samples(*arrays, weights=weights)


def descended(gradient, theta, steps, T):
    """Plain SGD: where T steps lead from theta, gradient(t, at) being that of the batch at t."""
    for t in range(T):
        theta = theta - steps * gradient(t, theta)
    return theta


def trained(seed, points, spacetime, etas, optimizer=descended):
    """E[l(theta_T)] for each learning rate, in long double: all training sets, all batch sequences."""
    coefficients, weights = losses(seed, points)
    table = np.zeros((6, 6, points), np.longdouble)
    for e, values in coefficients.items():
        table[e] = values
    down = np.arange(1, 6, dtype=np.longdouble)
    slopes = [table[1:] * down[:, None, None], table[:, 1:] * down[:, None]]
    rows = np.array(list(product(range(points), repeat=spacetime.N)))  # (training sets, N)
    chances = np.prod(weights.astype(np.longdouble)[rows], axis=1)
    steps = np.asarray(etas, np.longdouble)[:, None]
    test = (table * weights).sum(axis=-1)
    total, realisations = np.zeros(len(etas), np.longdouble), 0
    for batches in spacetime.realisations():
        def gradient(t, at, batches=batches):
            return sum(np.array([polynomial(slope, *at, rows[:, row]) for slope in slopes]) for row in batches[t]) / spacetime.B

        theta = optimizer(gradient, np.zeros((2, len(etas), len(rows)), np.longdouble), steps, spacetime.T)
        total += (polynomial(test[:, :, None], *theta, np.zeros(len(rows), int)) * chances).sum(axis=-1)
        realisations += 1
    return total / realisations


def polynomial(table, x, y, point):
    """sum_ij table[i, j, point] x^i y^j."""
    total = np.zeros_like(x)
    for i in reversed(range(table.shape[0])):
        inner = np.zeros_like(x)
        for j in reversed(range(table.shape[1])):
            inner = inner * y + table[i, j][point]
        total = total * x + inner
    return total


WINDOWS = {1: (14, 18), 2: (11, 15), 3: (9, 12), 4: (7, 10)}
"""-log2 of the learning rates for each order: small enough for the first term to lead, large enough for float64."""


def slope(errors, etas):
    return np.polyfit(np.log(etas), np.log(np.abs(np.asarray(errors, np.float64))), 1)[0]
