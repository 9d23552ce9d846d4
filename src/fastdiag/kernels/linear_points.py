"""Softmax regression and least squares for many runs side by side: slopes and curvatures at points.

A row of the table is (x, target): the d columns of X, then the number of its class, or the m targets. Weights stand output
by output, n = m d.
"""

import math
from typing import Any

from .kernel import inlined, lean
from .lanes import chosen, in_blocks
from .logistic_points import BLOCKS, LANES, add_ridge, exp_negative, gather_points, place_lanes


@lean
def add_linear_slopes(
    softmax: bool, m: int, table: Any, ridge: Any, points: Any, theta: Any, total: Any, gathered: Any, outputs: Any
) -> None:
    """Add the gradients at the lanes' points to the total (n, LANES); theta (n, LANES), outputs has room (m, LANES)."""
    n = theta.shape[0]
    d = n // m
    output_slopes(softmax, m, table, points, theta, gathered, outputs, True)
    add_outer(m, d, outputs, gathered, total)
    add_ridge(ridge, theta, total)


@lean
def add_linear_curves(
    softmax: bool, m: int, table: Any, ridge: Any, points: Any, theta: Any, total: Any, gathered: Any, outputs: Any
) -> None:
    """Add the Hessians at the lanes' points to the total (n, n, LANES)."""
    n = theta.shape[0]
    d = n // m
    output_slopes(softmax, m, table, points, theta, gathered, outputs, False)
    for b in range(m):
        for c in range(m):
            for r in range(LANES):
                bend = 1.0 if b == c else 0.0
                if softmax:
                    bend = outputs[b, r] * (bend - outputs[c, r])
                for i in range(d):
                    for j in range(d):
                        total[b * d + i, c * d + j, r] += bend * gathered[i, r] * gathered[j, r]
    for i in range(n):
        for r in range(LANES):
            total[i, i, r] += ridge[i]


@lean
def add_linear_products(
    softmax: bool, m: int, table: Any, ridge: Any, points: Any, theta: Any, along: Any, total: Any, gathered: Any,
    outputs: Any
) -> None:
    """Add the Hessians at the lanes' points times the vectors `along` (n, LANES) to the total; outputs (2 m, LANES)."""
    n = theta.shape[0]
    d = n // m
    chances, moved = outputs[:m], outputs[m:]
    output_slopes(softmax, m, table, points, theta, gathered, chances, False)
    of_outputs(m, d, gathered, along, moved)
    if softmax:
        for r in range(LANES):
            mean = 0.0
            for c in range(m):
                mean += chances[c, r] * moved[c, r]
            for c in range(m):
                moved[c, r] = chances[c, r] * (moved[c, r] - mean)
    add_outer(m, d, moved, gathered, total)
    add_ridge(ridge, along, total)


@lean
def add_outer(m: int, d: int, outputs: Any, gathered: Any, total: Any) -> None:
    """total (m d, LANES) <- it and the products of outputs (m, LANES) and x (d, LANES)."""
    u, x, slope = in_blocks(outputs), in_blocks(gathered), in_blocks(total)
    for k in range(BLOCKS):
        for c in range(m):
            share = u[c, k]
            for j in range(d):
                slope[c * d + j, k] = slope[c * d + j, k] + share * x[j, k]


@lean
def of_outputs(m: int, d: int, gathered: Any, weights: Any, outputs: Any) -> None:
    """outputs (m, LANES) <- weights times x."""
    u, x, weight = in_blocks(outputs), in_blocks(gathered), in_blocks(weights)
    for k in range(BLOCKS):
        for c in range(m):
            total = weight[c * d, k] * x[0, k]
            for j in range(1, d):
                total = total + weight[c * d + j, k] * x[j, k]
            u[c, k] = total


@inlined
def largest(m: int, u: Any, k: int) -> Any:
    """Of the outputs, in the k-th block of lanes."""
    top = u[0, k]
    for c in range(1, m):
        top = chosen(u[c, k] > top, u[c, k], top)
    return 1.0 * top  # without the compiler what is read is a view, of numbers that will change


@lean
def output_slopes(
    softmax: bool, m: int, table: Any, points: Any, theta: Any, gathered: Any, outputs: Any, less_target: bool
) -> None:
    """What the loss's slopes by the outputs are in every lane; without the target, the chances of the classes."""
    d = theta.shape[0] // m
    gather_points(table, points, gathered)
    of_outputs(m, d, gathered, theta, outputs)
    u, x = in_blocks(outputs), in_blocks(gathered)
    for k in range(BLOCKS):
        if softmax:
            top = largest(m, u, k)
            whole = exp_negative(u[0, k] - top)
            u[0, k] = whole
            for c in range(1, m):
                q = exp_negative(u[c, k] - top)
                u[c, k] = q
                whole = whole + q
            share = 1.0 / whole
            for c in range(m):
                u[c, k] = share * u[c, k]
                if less_target:
                    u[c, k] = u[c, k] - chosen(x[d, k] == float(c), 1.0, 0.0)
        elif less_target:
            for c in range(m):
                u[c, k] = u[c, k] - x[d + c, k]


@lean
def linear_losses(
    softmax: bool, m: int, table: Any, ridge: Any, sets: Any, weights: Any, uniform: bool, theta: Any, out: Any, work: Any
) -> None:
    """The weighted mean of the losses at each run's points, into out (rates, runs).

    sets: (runs, N) rows of the table, (1, N) where all runs have the same. weights: (N,), theta: (rates, runs, n). work:
    points (LANES,), theta (n, LANES), x (columns, LANES), outputs (m, LANES), sum and excess (LANES,). Uniform: logarithms
    are of products, of as many sums of exponentials as stay in range.
    """
    points, lane, gathered, outputs, total, excess = work
    rates, runs, n = theta.shape
    flush = flush_of(m) if uniform else 1
    N = sets.shape[1]
    for e in range(rates):
        for first in range(0, runs, LANES):
            place_lanes(theta[e], first, lane)
            total[:] = 0.0
            excess[:] = 0.0
            for row in range(N):
                put_points(table, sets, row, first, points, gathered)
                of_outputs(m, n // m, gathered, lane, outputs)
                if not softmax:
                    add_squares(m, n // m, 1.0 if uniform else weights[row], gathered, outputs, total)
                    continue
                add_logits(m, n // m, 1.0 if uniform else weights[row], gathered, outputs, total, excess)
                if row % flush == flush - 1 or row == N - 1:
                    for r in range(LANES):
                        total[r] += (1.0 if uniform else weights[row]) * math.log1p(excess[r])
                        excess[r] = 0.0
            for r in range(min(LANES, runs - first)):
                penalty = 0.0
                for i in range(n):
                    penalty += ridge[i] * lane[i, r] ** 2
                out[e, first + r] = (total[r] * weights[0] if uniform else total[r]) + penalty / 2


@lean
def flush_of(m: int) -> int:
    """How many numbers of at most m have a product below 2^1000."""
    bits = 1
    while 2**bits < m:
        bits += 1
    return 1000 // bits


@lean
def put_points(table: Any, sets: Any, row: int, first: int, points: Any, gathered: Any) -> None:
    """The lanes' points of this row of their sets, (columns, LANES); of one set the same in all lanes."""
    if sets.shape[0] > 1:
        for r in range(LANES):
            points[r] = sets[min(first + r, sets.shape[0] - 1), row]
        gather_points(table, points, gathered)
        return
    x = in_blocks(gathered)
    for j in range(table.shape[1]):
        for k in range(BLOCKS):
            x[j, k] = table[sets[0, row], j]


@lean
def add_logits(m: int, d: int, weight: float, gathered: Any, outputs: Any, total: Any, excess: Any) -> None:
    """total <- it and the weighted top - target of the outputs; product <- it times sum exp(outputs - top), less 1 each."""
    u, x, sums, products = in_blocks(outputs), in_blocks(gathered), in_blocks(total), in_blocks(excess)
    for k in range(BLOCKS):
        top = largest(m, u, k)
        target, ties, more = 0.0 * top, 0.0 * top - 1.0, 0.0 * top
        for c in range(m):
            target = target + chosen(x[d, k] == float(c), u[c, k], 0.0)
            ties = ties + chosen(u[c, k] == top, 1.0, 0.0)
            more = more + chosen(u[c, k] == top, 0.0, exp_negative(u[c, k] - top))
        more = ties + more
        sums[k] = sums[k] + weight * (top - target)
        products[k] = products[k] + more * (1.0 + products[k])


@lean
def add_squares(m: int, d: int, weight: float, gathered: Any, outputs: Any, total: Any) -> None:
    """total <- it and half the weighted squares of the outputs less their targets."""
    u, x, sums = in_blocks(outputs), in_blocks(gathered), in_blocks(total)
    for k in range(BLOCKS):
        for c in range(m):
            away = u[c, k] - x[d + c, k]
            sums[k] = sums[k] + (weight / 2) * (away * away)
