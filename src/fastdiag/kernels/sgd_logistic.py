"""SGD on logistic regression and its test loss. The lanes of every inner loop are independent runs.

Points come with the sign of their label folded in, z = (1 - 2y) x, so that l_x = softplus(z . theta): no labels here.
"""

import math
from typing import Any

import numpy as np

from .kernel import kernel

LANES = 32  # runs side by side: their weights stay in the first-level cache
FLUSH = 512  # factors of at most 2 multiplied before their logarithm is taken

LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # 33 bits, and the rest of log 2
ROUND = 1.5 * 2.0**52  # adding it rounds to a whole number, which then stands in the lowest bits


@kernel
def exp_negative(x: float) -> float:
    """exp(x) for x <= 0 to 2 ulp, without branches; exp(-708) below x = -708; nan for nan."""
    x = -708.0 if x < -708.0 else x
    rounded = x * LOG2_E + ROUND
    whole = rounded - ROUND
    r = (x - whole * LN2_HIGH) - whole * LN2_LOW
    p = 1 / 479001600.0
    p = p * r + 1 / 39916800.0
    p = p * r + 1 / 3628800.0
    p = p * r + 1 / 362880.0
    p = p * r + 1 / 40320.0
    p = p * r + 1 / 5040.0
    p = p * r + 1 / 720.0
    p = p * r + 1 / 120.0
    p = p * r + 1 / 24.0
    p = p * r + 1 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    power = np.int64((np.float64(rounded).view(np.int64) << 52) + (1023 << 52))
    return p * np.int64(power).view(np.float64)


@kernel
def logistic_descend(Z: Any, ridge: Any, rates: Any, batches: Any, theta: Any) -> None:
    """Update theta (rates, n, runs) once for each batch; batches (updates, B, runs) hold row numbers of Z (points, n)."""
    updates, B, runs = batches.shape
    n = Z.shape[1]
    points = np.empty((n, LANES))
    weights = np.empty((len(rates), n, LANES))
    slopes = np.empty((len(rates), n, LANES))
    u = np.empty(LANES)
    for first in range(0, runs, LANES):
        lanes = min(LANES, runs - first)
        weights[:, :, :lanes] = theta[:, :, first : first + lanes]
        for t in range(updates):
            slopes[:] = 0.0
            for b in range(B):
                for r in range(lanes):
                    row = batches[t, b, first + r]
                    for i in range(n):
                        points[i, r] = Z[row, i]
                for e in range(len(rates)):
                    u[:lanes] = 0.0
                    for i in range(n):
                        for r in range(lanes):
                            u[r] += points[i, r] * weights[e, i, r]
                    for r in range(lanes):
                        q = exp_negative(-abs(u[r]))
                        u[r] = (q if u[r] < 0.0 else 1.0) / (1.0 + q)
                    for i in range(n):
                        for r in range(lanes):
                            slopes[e, i, r] += points[i, r] * u[r]
            for e in range(len(rates)):
                for i in range(n):
                    for r in range(lanes):
                        weights[e, i, r] -= rates[e] * (slopes[e, i, r] / B + ridge[i] * weights[e, i, r])
        theta[:, :, first : first + lanes] = weights[:, :, :lanes]


@kernel
def logistic_test_loss(Z: Any, ridge: Any, theta: Any, out: Any) -> None:
    """Mean over all points of the loss at theta (rates, n, runs) into out (rates, runs); the points weigh the same.

    The sum of log(1 + q) is the logarithm of a product, taken once for many points: q = exp(-|u|) <= 1.
    """
    count, n = Z.shape
    runs = theta.shape[2]
    weights = np.empty((n, LANES))
    u = np.empty(LANES)
    total = np.empty(LANES)
    product = np.empty(LANES)
    for e in range(theta.shape[0]):
        for first in range(0, runs, LANES):
            lanes = min(LANES, runs - first)
            weights[:, :lanes] = theta[e, :, first : first + lanes]
            total[:] = 0.0
            product[:] = 1.0
            for s in range(count):
                u[:lanes] = 0.0
                for i in range(n):
                    for r in range(lanes):
                        u[r] += Z[s, i] * weights[i, r]
                for r in range(lanes):
                    total[r] += 0.0 if u[r] < 0.0 else u[r]
                    product[r] *= 1.0 + exp_negative(-abs(u[r]))
                if s % FLUSH == FLUSH - 1 or s == count - 1:
                    for r in range(lanes):
                        total[r] += math.log(product[r])
                        product[r] = 1.0
            for r in range(lanes):
                penalty = 0.0
                for i in range(n):
                    penalty += ridge[i] * weights[i, r] ** 2
                out[e, first + r] = total[r] / count + penalty / 2
