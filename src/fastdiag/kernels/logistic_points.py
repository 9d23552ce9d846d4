"""Logistic regression for many runs side by side: slopes and curvatures at points, test losses, train losses.

Points come with the sign of their label folded in, z = (1 - 2y) x, so that l_x = softplus(z . theta): no labels.
No sum is reordered by the compiler, so a run gives the same bits whatever runs beside it.
"""

import math
from typing import Any

import numpy as np

from .kernel import inlined, kernel, lean
from .lanes import LANES as BLOCK
from .lanes import chosen, in_blocks, power_of_two

BLOCKS = 2 if BLOCK > 1 else 4
LANES = BLOCKS * BLOCK  # runs side by side: their weights and slopes stay in the first-level cache
FLUSH = 512  # factors of at most 2 multiplied before their logarithm is taken

LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # 33 bits, and the rest of log 2
ROUND = 1.5 * 2.0**52  # adding it rounds to a whole number, which then stands in the lowest bits


@inlined
def exp_negative(x: Any) -> Any:
    """exp(x) for x <= 0, or in lanes, to 2 ulp; 0 to subnormal digits below x = -708; nan for nan."""
    x = chosen(x < -746.0, -746.0, x)
    shift, back = chosen(x < -708.0, 64.0, 0.0), chosen(x < -708.0, 2.0**-64, 1.0)  # the power below is of normal numbers
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
    return p * power_of_two(rounded + shift) * back


@inlined
def sigmoid(u: Any) -> Any:
    """1 / (1 + exp(-u))"""
    below = u < 0.0
    q = exp_negative(chosen(below, u, -u))
    return chosen(below, q, 1.0) / (1.0 + q)


@lean
def add_logistic_slopes(Z: Any, ridge: Any, points: Any, theta: Any, total: Any, gathered: Any) -> None:
    """Add the gradients at the lanes' points, rows of Z (points, n), to the total (n, LANES); theta (n, LANES)."""
    n = Z.shape[1]
    gather_points(Z, points, gathered)
    z, place, slope = in_blocks(gathered), in_blocks(theta), in_blocks(total)
    for k in range(BLOCKS):
        u = sigmoid(margin(z, place, k))
        for i in range(n):
            slope[i, k] = slope[i, k] + u * z[i, k]
    add_ridge(ridge, theta, total)


@lean
def add_ridge(ridge: Any, vectors: Any, total: Any) -> None:
    """total (n, LANES) <- it and ridge (n,) times the vectors (n, LANES)."""
    vector, slope = in_blocks(vectors), in_blocks(total)
    for i in range(len(ridge)):
        if ridge[i] != 0.0:
            for k in range(BLOCKS):
                slope[i, k] = slope[i, k] + ridge[i] * vector[i, k]


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


@inlined
def margin(z: Any, place: Any, k: int) -> Any:
    """z . theta of the k-th block of lanes."""
    u = z[0, k] * place[0, k]
    for i in range(1, z.shape[0]):
        u = u + z[i, k] * place[i, k]
    return u


@lean
def margins(gathered: Any, theta: Any, u: Any) -> None:
    """z . theta in every lane."""
    z, place, total = in_blocks(gathered), in_blocks(theta), in_blocks(u)
    for k in range(BLOCKS):
        total[k] = margin(z, place, k)


@kernel
def logistic_test_loss(Z: Any, weights: Any, uniform: bool, ridge: Any, theta: Any, out: Any) -> None:
    """Mean over the weighted points Z (points, n) of the loss at theta (rates, runs, n), into out (rates, runs)."""
    lane = np.empty((Z.shape[1], LANES))
    total, excess = np.empty(LANES), np.empty(LANES)
    for e in range(theta.shape[0]):
        for first in range(0, theta.shape[1], LANES):
            place_lanes(theta[e], first, lane)
            if uniform:
                total_loss(Z, lane, total, excess)
            else:
                weighted_loss(Z, weights, lane, total, excess)
            for r in range(min(LANES, theta.shape[1] - first)):
                penalty = 0.0
                for i in range(Z.shape[1]):
                    penalty += ridge[i] * lane[i, r] ** 2
                out[e, first + r] = (total[r] * weights[0] if uniform else total[r]) + penalty / 2


@lean
def place_lanes(theta: Any, first: int, lane: Any) -> None:
    """lane (n, LANES) <- theta (runs, n) of the runs from `first`; idle lanes repeat the last one."""
    for r in range(LANES):
        run = min(first + r, theta.shape[0] - 1)
        for i in range(theta.shape[1]):
            lane[i, r] = theta[run, i]


@lean
def total_loss(Z: Any, lane: Any, total: Any, excess: Any) -> None:
    """total (LANES,) <- the sum of the losses of the points Z at the lanes' weights (n, LANES).

    The sum of log(1 + q), q = exp(-|u|) <= 1, is one logarithm of a long product, less 1: all q may be small.
    """
    place, sums, products = in_blocks(lane), in_blocks(total), in_blocks(excess)
    total[:] = 0.0
    for start in range(0, Z.shape[0], FLUSH):
        excess[:] = 0.0
        for k in range(0, BLOCKS, 2):  # two blocks at once: independent chains of sums
            above0, above1, product0, product1 = sums[k], sums[k + 1], products[k], products[k + 1]
            for s in range(start, min(start + FLUSH, Z.shape[0])):
                u0, u1 = Z[s, 0] * place[0, k], Z[s, 0] * place[0, k + 1]
                for i in range(1, Z.shape[1]):
                    u0 = u0 + Z[s, i] * place[i, k]
                    u1 = u1 + Z[s, i] * place[i, k + 1]
                below0, below1 = u0 < 0.0, u1 < 0.0
                above0 = above0 + chosen(below0, 0.0, u0)
                above1 = above1 + chosen(below1, 0.0, u1)
                product0 = product0 + exp_negative(chosen(below0, u0, -u0)) * (1.0 + product0)
                product1 = product1 + exp_negative(chosen(below1, u1, -u1)) * (1.0 + product1)
            sums[k], sums[k + 1], products[k], products[k + 1] = above0, above1, product0, product1
        for r in range(LANES):
            total[r] += math.log1p(excess[r])


@lean
def weighted_loss(Z: Any, weights: Any, lane: Any, total: Any, excess: Any) -> None:
    """The same of losses times weights."""
    place, sums, q = in_blocks(lane), in_blocks(total), in_blocks(excess)
    total[:] = 0.0
    for s in range(Z.shape[0]):
        for k in range(BLOCKS):
            u = Z[s, 0] * place[0, k]
            for i in range(1, Z.shape[1]):
                u = u + Z[s, i] * place[i, k]
            below = u < 0.0
            sums[k] = sums[k] + weights[s] * chosen(below, 0.0, u)
            q[k] = exp_negative(chosen(below, u, -u))
        for r in range(LANES):
            total[r] += weights[s] * math.log1p(excess[r])


@kernel
def logistic_train_loss(Z: Any, ridge: Any, sets: Any, theta: Any, out: Any) -> None:
    """The mean loss of each run's points (runs, N), rows of Z, at theta (rates, runs, n), into (rates, runs)."""
    n, (runs, N) = Z.shape[1], sets.shape
    lane, gathered, points = np.empty((n, LANES)), np.empty((n, LANES)), np.empty(LANES, np.int64)
    total, excess = np.empty(LANES), np.empty(LANES)
    for e in range(theta.shape[0]):
        for first in range(0, runs, LANES):
            place_lanes(theta[e], first, lane)
            total[:] = 0.0
            excess[:] = 0.0
            for row in range(N):
                for r in range(LANES):
                    points[r] = sets[min(first + r, runs - 1), row]
                gather_points(Z, points, gathered)
                add_losses(gathered, lane, total, excess)
                if row % FLUSH == FLUSH - 1 or row == N - 1:
                    for r in range(LANES):
                        total[r] += math.log1p(excess[r])
                        excess[r] = 0.0
            for r in range(min(LANES, runs - first)):
                penalty = 0.0
                for i in range(n):
                    penalty += ridge[i] * lane[i, r] ** 2
                out[e, first + r] = total[r] / N + penalty / 2


@lean
def add_losses(gathered: Any, lane: Any, total: Any, excess: Any) -> None:
    """Take each lane's point z (n, LANES) into the total and the product."""
    z, place, sums, products = in_blocks(gathered), in_blocks(lane), in_blocks(total), in_blocks(excess)
    for k in range(BLOCKS):
        u = margin(z, place, k)
        below = u < 0.0
        sums[k] = sums[k] + chosen(below, 0.0, u)
        products[k] = products[k] + exp_negative(chosen(below, u, -u)) * (1.0 + products[k])
