"""A landscape of a few random points, as derivatives of each; and of given ones in other coordinates."""

import math
from itertools import permutations

import numpy as np

import fastdiag as fd


def landscape(seed, n, points=4, degree=4):
    """Random symmetric per-point derivatives."""
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=points)]
    for k in range(1, degree + 1):
        tensor = rng.normal(size=(points,) + (n,) * k)
        for _ in range(k):  # averaging over rotations and one swap of the axes is enough to symmetrise
            tensor = sum(tensor.transpose(0, *(1 + (i + s) % k for i in range(k))) for s in range(k)) / k
            tensor = (tensor + tensor.swapaxes(1, min(2, k))) / 2
        arrays.append(symmetric(tensor))
    return fd.landscapes.samples(*arrays, weights=rng.random(points))


def symmetric(tensor):
    k = tensor.ndim - 1
    return sum(tensor.transpose(0, *(1 + p for p in order)) for order in permutations(range(k))) / math.factorial(k)


def turned(land, root):
    """The same losses in coordinates phi, theta = root phi."""
    tensors = list(land.derivatives)
    for degree in range(1, 5):
        for axis in range(1, degree + 1):
            tensors[degree] = np.moveaxis(np.tensordot(tensors[degree], root, (axis, 0)), -1, axis)
    return fd.landscapes.samples(*tensors, weights=land.weights)
