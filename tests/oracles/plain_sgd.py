"""SGD in plain NumPy on three points, a run at a time, and its expectation over every run."""

import math
from itertools import permutations, product

import numpy as np

import fastdiag as fd

X = np.array([[1.0, 0.5], [-0.7, 1.2], [0.4, -1.5]])
START = np.array([0.3, -0.2])
UNEVEN = np.array([0.5, 0.2, 0.3])


def logistic(weights=None):
    return fd.landscapes.logistic(X, [1, 0, 1], START, ridge=[0.1, 0.4], weights=weights)


def samples(weights=None, degree=4):
    rng = np.random.default_rng(5)
    tensors = []
    for k in range(degree + 1):
        tensor = rng.normal(size=(3,) + (2,) * k)
        orders = list(permutations(range(1, k + 1)))
        tensors.append(sum(tensor.transpose(0, *order) for order in orders) / len(orders))
    return fd.landscapes.samples(*tensors, weights=weights)


class Plain:
    """Per-point gradients and the test loss, written out from the definitions."""

    def __init__(self, landscape):
        self.land = landscape
        self.polynomial = isinstance(landscape, fd.landscapes.Samples)
        self.start = np.zeros(landscape.dimension) if self.polynomial else landscape.theta

    def contracted(self, tensor, delta, times):
        for _ in range(times):
            tensor = tensor @ delta
        return tensor

    def gradient(self, point, theta):
        land = self.land
        if not self.polynomial:
            residual = 1 / (1 + np.exp(-land.X[point] @ theta)) - land.y[point]
            return residual * land.X[point] + land.ridge * theta
        terms = enumerate(land.derivatives[1:])
        return sum(self.contracted(d[point], theta, k) / math.factorial(k) for k, d in terms)

    def hessian(self, point, theta):
        land = self.land
        if not self.polynomial:
            q = 1 / (1 + np.exp(-land.X[point] @ theta))
            return q * (1 - q) * np.outer(land.X[point], land.X[point]) + np.diag(land.ridge)
        terms = enumerate(land.derivatives[2:])
        return sum((self.contracted(d[point], theta, k) / math.factorial(k) for k, d in terms), np.zeros((2, 2)))

    def test_loss(self, theta):
        land = self.land
        if not self.polynomial:
            u = land.X @ theta
            return land.weights @ (np.logaddexp(0, u) - land.y * u) + np.sum(land.ridge * theta**2) / 2
        terms = enumerate(land.derivatives)
        return land.weights @ sum(self.contracted(d, theta, k) / math.factorial(k) for k, d in terms)

    def moved_by(self, optimizer, batches, eta):
        """Where one of `plain_optimizers` ends."""
        return optimizer(
            lambda theta, batch: np.mean([self.gradient(point, theta) for point in batch], axis=0),
            lambda theta, batch: np.mean([self.hessian(point, theta) for point in batch], axis=0),
            self.start, eta, batches,
        )

    def descended(self, batches, eta):
        theta = self.start
        for batch in batches:
            theta = theta - eta * np.mean([self.gradient(point, theta) for point in batch], axis=0)
        return theta

    def expectation(self, spacetime, eta):
        """Mean and deviation of the test loss over all training sets and all equally likely batch sequences."""
        sequences = list(spacetime.realisations())
        total, squares = 0.0, 0.0
        for points in product(range(3), repeat=spacetime.N):
            for rows in sequences:
                theta = self.descended([[points[row] for row in batch] for batch in rows], eta)
                chance, loss = np.prod(self.land.weights[list(points)]) / len(sequences), self.test_loss(theta)
                total, squares = total + chance * loss, squares + chance * loss**2
        return total, math.sqrt(squares - total**2)


class PlainOutputs(Plain):
    """The same of softmax regression and least squares, weights (m, d) in a line."""

    def outputs(self, point, theta):
        """u, and what the loss's slope by u is, and its curvature."""
        land = self.land
        u = theta.reshape(land.outputs, -1) @ land.X[point]
        if not isinstance(land, fd.landscapes.Softmax):
            return u, u - land.y[point], np.eye(len(u))
        p = np.exp(u) / np.exp(u).sum()
        return u, p - np.eye(len(u))[land.y[point]], np.diag(p) - np.outer(p, p)

    def loss(self, point, theta):
        land, (u, slope, _) = self.land, self.outputs(point, theta)
        of_output = np.log(np.exp(u).sum()) - u[land.y[point]] if isinstance(land, fd.landscapes.Softmax) else slope @ slope / 2
        return of_output + land.ridge @ theta**2 / 2

    def gradient(self, point, theta):
        return np.outer(self.outputs(point, theta)[1], self.land.X[point]).ravel() + self.land.ridge * theta

    def hessian(self, point, theta):
        x = self.land.X[point]
        return np.kron(self.outputs(point, theta)[2], np.outer(x, x)) + np.diag(self.land.ridge)

    def test_loss(self, theta):
        return sum(weight * self.loss(x, theta) for x, weight in enumerate(self.land.weights))
