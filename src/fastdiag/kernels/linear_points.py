"""Softmax regression and least squares for many runs side by side: slopes and curvatures at points.

A row of the table is (x, target): the d columns of X, then the number of its class, or the m targets. Weights stand output
by output, n = m d.
"""

from typing import Any

from .kernel import lean
from .logistic_points import LANES, exp_negative, gather_points


@lean
def add_linear_slopes(
    softmax: bool, m: int, table: Any, ridge: Any, points: Any, theta: Any, total: Any, gathered: Any, outputs: Any
) -> None:
    """Add the gradients at the lanes' points to the total (n, LANES); theta (n, LANES), outputs has room (m, LANES)."""
    n = theta.shape[0]
    d = n // m
    output_slopes(softmax, m, table, points, theta, gathered, outputs, True)
    for c in range(m):
        for j in range(d):
            for r in range(LANES):
                total[c * d + j, r] += outputs[c, r] * gathered[j, r]
    for i in range(n):
        for r in range(LANES):
            total[i, r] += ridge[i] * theta[i, r]


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
    for c in range(m):
        for j in range(d):
            for r in range(LANES):
                total[c * d + j, r] += moved[c, r] * gathered[j, r]
    for i in range(n):
        for r in range(LANES):
            total[i, r] += ridge[i] * along[i, r]


@lean
def of_outputs(m: int, d: int, gathered: Any, weights: Any, outputs: Any) -> None:
    """outputs (m, LANES) <- weights times x."""
    for c in range(m):
        for r in range(LANES):
            outputs[c, r] = 0.0
        for j in range(d):
            for r in range(LANES):
                outputs[c, r] += weights[c * d + j, r] * gathered[j, r]


@lean
def output_slopes(
    softmax: bool, m: int, table: Any, points: Any, theta: Any, gathered: Any, outputs: Any, less_target: bool
) -> None:
    """What the loss's slopes by the outputs are in every lane; without the target, the chances of the classes."""
    d = theta.shape[0] // m
    gather_points(table, points, gathered)
    of_outputs(m, d, gathered, theta, outputs)
    if softmax:
        for r in range(LANES):
            top, whole = outputs[0, r], 0.0
            for c in range(1, m):
                top = max(top, outputs[c, r])
            for c in range(m):
                outputs[c, r] = exp_negative(outputs[c, r] - top)
                whole += outputs[c, r]
            for c in range(m):
                outputs[c, r] /= whole
            if less_target:
                outputs[int(gathered[d, r]), r] -= 1.0
    elif less_target:
        for c in range(m):
            for r in range(LANES):
                outputs[c, r] -= gathered[d + c, r]
