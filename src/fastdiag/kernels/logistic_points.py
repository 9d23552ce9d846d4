"""Logistic regression for many runs side by side: slopes and curvatures at points, test losses, train losses.

Points come with the sign of their label folded in, z = (1 - 2y) x, so that l_x = softplus(z . theta): no labels.
No sum is reordered by the compiler, so a run gives the same bits whatever runs beside it.
"""

import math
from typing import Any

import numpy as np

from .kernel import kernel, lean

LANES = 64  # runs side by side: their weights stay in the first-level cache
FLUSH = 512  # factors of at most 2 multiplied before their logarithm is taken

LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # 33 bits, and the rest of log 2
ROUND = 1.5 * 2.0**52  # adding it rounds to a whole number, which then stands in the lowest bits


@kernel
def exp_negative(x: float) -> float:
    """exp(x) for x <= 0 to 2 ulp, in a form that vectorises; 0 to subnormal digits below x = -708; nan for nan."""
    x = -746.0 if x < -746.0 else x
    shift, back = (64.0, 2.0**-64) if x < -708.0 else (0.0, 1.0)  # the power of 2 below is of normal numbers
    rounded = x * LOG2_E + ROUND
    whole = rounded - ROUND
    r = (x - whole * LN2_HIGH) - whole * LN2_LOW
    # the Taylor polynomial on |r| <= log(2) / 2, its terms paired to shorten the chain
    r2 = r * r
    r4 = r2 * r2
    low = (1 / 6.0 + r * (1 / 24.0)) + r2 * (1 / 120.0 + r * (1 / 720.0))
    high = (1 / 5040.0 + r * (1 / 40320.0)) + r2 * (1 / 362880.0 + r * (1 / 3628800.0))
    top = 1 / 39916800.0 + r * (1 / 479001600.0)
    p = 1.0 + (r + (0.5 * r2 + (r2 * r) * (low + r4 * (high + r4 * top))))
    power = np.int64((np.float64(rounded + shift).view(np.int64) << 52) + (1023 << 52))
    return p * np.int64(power).view(np.float64) * back


@lean
def add_logistic_slopes(Z: Any, ridge: Any, points: Any, theta: Any, total: Any, gathered: Any, u: Any) -> None:
    """Add the gradients at the lanes' points, rows of Z (points, n), to the total (n, LANES); theta (n, LANES)."""
    n = Z.shape[1]
    gather_points(Z, points, gathered)
    margins(gathered, theta, u)
    for r in range(LANES):
        q = exp_negative(-abs(u[r]))
        u[r] = (q if u[r] < 0.0 else 1.0) / (1.0 + q)
    for i in range(n):
        for r in range(LANES):
            total[i, r] += u[r] * gathered[i, r] + ridge[i] * theta[i, r]


@lean
def add_logistic_curves(Z: Any, ridge: Any, points: Any, theta: Any, total: Any, gathered: Any, u: Any) -> None:
    """Add the Hessians at the lanes' points to the total (n, n, LANES)."""
    n = Z.shape[1]
    gather_points(Z, points, gathered)
    margins(gathered, theta, u)
    for r in range(LANES):
        q = exp_negative(-abs(u[r]))
        u[r] = q / ((1.0 + q) * (1.0 + q))
    for i in range(n):
        for j in range(n):
            for r in range(LANES):
                total[i, j, r] += u[r] * gathered[i, r] * gathered[j, r]
        for r in range(LANES):
            total[i, i, r] += ridge[i]


@lean
def add_logistic_products(
    Z: Any, ridge: Any, points: Any, theta: Any, along: Any, total: Any, gathered: Any, u: Any
) -> None:
    """Add the Hessians at the lanes' points times the vectors `along` (n, LANES) to the total (n, LANES); u (2, LANES)."""
    gather_points(Z, points, gathered)
    margins(gathered, theta, u[0])
    margins(gathered, along, u[1])
    for r in range(LANES):
        q = exp_negative(-abs(u[0, r]))
        u[1, r] *= q / ((1.0 + q) * (1.0 + q))
    for i in range(Z.shape[1]):
        for r in range(LANES):
            total[i, r] += u[1, r] * gathered[i, r] + ridge[i] * along[i, r]


@lean
def gather_points(Z: Any, points: Any, gathered: Any) -> None:
    """The rows of the lanes' points, (n, LANES)."""
    for r in range(0, LANES, 4):  # four rows at a time, and unsigned: half the time of one by one
        row0, row1 = np.uint64(points[r]), np.uint64(points[r + 1])
        row2, row3 = np.uint64(points[r + 2]), np.uint64(points[r + 3])
        for i in range(Z.shape[1]):
            gathered[i, r] = Z[row0, i]
            gathered[i, r + 1] = Z[row1, i]
            gathered[i, r + 2] = Z[row2, i]
            gathered[i, r + 3] = Z[row3, i]


@lean
def margins(gathered: Any, theta: Any, u: Any) -> None:
    """z . theta in every lane."""
    for r in range(LANES):
        u[r] = 0.0
    for i in range(gathered.shape[0]):
        for r in range(LANES):
            u[r] += gathered[i, r] * theta[i, r]


@kernel
def logistic_test_loss(Z: Any, weights: Any, uniform: bool, ridge: Any, theta: Any, out: Any) -> None:
    """Mean over the weighted points Z (points, n) of the loss at theta (rates, runs, n), into out (rates, runs).

    If the weights are uniform, the sum of log(1 + q), q = exp(-|u|) <= 1, is one logarithm of a long product, less 1: all q
    may be small.
    """
    count, n = Z.shape
    runs = theta.shape[1]
    lane = np.empty((n, LANES))
    u = np.empty(LANES)
    total = np.empty(LANES)
    excess = np.empty(LANES)
    for e in range(theta.shape[0]):
        for first in range(0, runs, LANES):
            for r in range(LANES):
                total[r] = 0.0
                excess[r] = 0.0
                for i in range(n):
                    lane[i, r] = theta[e, min(first + r, runs - 1), i]
            for s in range(count):
                for r in range(LANES):
                    u[r] = 0.0
                for i in range(n):
                    for r in range(LANES):
                        u[r] += Z[s, i] * lane[i, r]
                if not uniform:
                    for r in range(LANES):
                        q = exp_negative(-abs(u[r]))
                        total[r] += weights[s] * ((0.0 if u[r] < 0.0 else u[r]) + math.log1p(q))
                    continue
                for r in range(LANES):
                    total[r] += 0.0 if u[r] < 0.0 else u[r]
                    excess[r] += exp_negative(-abs(u[r])) * (1.0 + excess[r])
                if s % FLUSH == FLUSH - 1 or s == count - 1:
                    for r in range(LANES):
                        total[r] += math.log1p(excess[r])
                        excess[r] = 0.0
            for r in range(min(LANES, runs - first)):
                penalty = 0.0
                for i in range(n):
                    penalty += ridge[i] * lane[i, r] ** 2
                out[e, first + r] = (total[r] * weights[0] if uniform else total[r]) + penalty / 2


@kernel
def logistic_train_loss(Z: Any, ridge: Any, points: Any, theta: Any, out: Any) -> None:
    """The mean loss of each run's points (runs, N), rows of Z, at theta (rates, runs, n), into (rates, runs)."""
    rates, runs, n = theta.shape
    for e in range(rates):
        for r in range(runs):
            penalty = 0.0
            for i in range(n):
                penalty += ridge[i] * theta[e, r, i] ** 2
            total = 0.0
            for row in range(points.shape[1]):
                u = 0.0
                for i in range(n):
                    u += Z[points[r, row], i] * theta[e, r, i]
                total += (0.0 if u < 0.0 else u) + math.log1p(exp_negative(-abs(u)))
            out[e, r] = total / points.shape[1] + penalty / 2
