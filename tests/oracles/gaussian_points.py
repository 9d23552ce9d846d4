"""A few weighted points with the moments of Gaussian inputs."""

from itertools import product
from math import sqrt

import numpy as np

NODES = np.array([-sqrt(3), 0, sqrt(3)]), np.array([1, 4, 1]) / 6  # N(0, 1) exactly, up to fifth moments


def gaussian_points(root, label_noise=0.0):
    """Weighted points whose moments to the fourth are those of x ~ N(0, root root^T), with labels' noise."""
    d = len(root)
    picks = list(product(range(3), repeat=d + 1))
    Z = np.array([[NODES[0][i] for i in pick] for pick in picks])
    chances = np.array([np.prod([NODES[1][i] for i in pick]) for pick in picks])
    return Z[:, :d] @ root.T, sqrt(label_noise) * Z[:, d], chances
