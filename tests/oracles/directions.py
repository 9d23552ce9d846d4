"""Losses by directional derivatives for tests: of dense tensors, and of a tiny network worked out by hand."""

from itertools import permutations

import numpy as np

import fastdiag as fd


class OfTensors:
    """The Taylor polynomials of `samples`, as the two functions that `directional` takes; they pickle."""

    def __init__(self, tensors):
        self.tensors = [np.array(tensor, float) for tensor in tensors]
        self.dimension = self.tensors[1].shape[1]

    def at(self, theta, points, degree):
        """grad^degree l_x at theta (n,) or (P, n), by Taylor's formula, every point alone."""
        theta = np.broadcast_to(theta, (len(points), self.dimension))
        found = np.zeros((len(points),) + (self.dimension,) * degree)
        for k in range(degree, len(self.tensors)):
            term = self.tensors[k][points]
            for i in range(k - degree):
                term = np.einsum("p...i,pi->p...", term, theta) / (i + 1)
            found += term
        return found

    def loss(self, theta, points):
        return self.at(theta, points, 0)

    def derivative(self, theta, points, directions):
        found = self.at(theta, points, len(directions) + 1)
        for v in directions:
            found = np.einsum("p...i,pi->p...", found, np.broadcast_to(v, (len(points), self.dimension)))
        return found


def symmetric(rng, points, n, degree):
    """Random symmetric tensors (points,) + (n,) * degree."""
    found = rng.normal(size=(points,) + (n,) * degree)
    total = np.zeros_like(found)
    for order in permutations(range(degree)):
        total += found.transpose(0, *(1 + i for i in order))
    return total / (2.0 * degree) ** degree if degree else total


def twins(seed=0, points=4, n=2, degree=4, weights=None):
    """The same quartic losses twice: by dense tensors, and by directions."""
    rng = np.random.default_rng(seed)
    tensors = [symmetric(rng, points, n, k) for k in range(degree + 1)]
    functions = OfTensors(tensors)
    dense = fd.landscapes.samples(*tensors, weights=weights)
    return dense, fd.landscapes.directional(functions.loss, functions.derivative, np.zeros(n), points, weights)
