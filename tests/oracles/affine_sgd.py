"""Oracle of minibatch laws: affine updates of single batches, their second moments as one matrix, and all their paths."""

from fractions import Fraction
from itertools import product

import numpy as np


def updates_of_batches(hessians, gradients, lam, batch, mu=0, nu=None):
    """(A, b) with z' = A z + b for z = (w, m), for every batch of independently drawn points; all are equally likely."""
    n, points = len(gradients[0]), len(gradients)
    fresh, direct, carried = (1, 1, mu) if nu is None else (1 - mu, 1 - mu * nu, mu * nu)
    one = np.eye(n, dtype=int) * (lam * 0 + 1)
    found = []
    for picks in product(range(points), repeat=batch):
        h, g = sum(hessians[i] for i in picks) / batch, sum(gradients[i] for i in picks) / batch
        A = np.block([[one - direct * lam * h, -carried * lam * one], [fresh * h, mu * one]])
        found.append((A, np.concatenate([-direct * lam * g, fresh * g])))
    return found


def all_paths(updates, start, T):
    """The mean of z z^T over every path of T updates."""
    ends = [start]
    for _ in range(T):
        ends = [A @ z + b for z in ends for A, b in updates]
    return sum(np.outer(z, z) for z in ends) / len(ends)


def settled(updates):
    """The fixed point of E z z^T, a linear system in the entries."""
    matrix = sum(np.kron(A, A) for A, _ in updates) / len(updates)
    push = sum(np.outer(b, b) for _, b in updates).ravel() / len(updates)
    size = len(updates[0][1])
    return np.linalg.solve(np.eye(size**2) - matrix, push).reshape(size, size)


def leading(updates):
    """The radius of the matrix that takes second moments to the next ones, and what they become proportional to."""
    values, vectors = np.linalg.eig(sum(np.kron(A, A) for A, _ in updates) / len(updates))
    top, size = values.real.argmax(), len(updates[0][1])
    return values[top].real, vectors[:, top].real.reshape(size, size)


def exact(array):
    """The same in Fractions."""
    return np.vectorize(Fraction, otypes=[object])(np.asarray(array))
