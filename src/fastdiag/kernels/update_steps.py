"""What an update rule makes of the batch's gradient, in LANES runs side by side.

A rule is (kind, step (p, p), push (p,), point (p,), factors (T,), metric, numbers): the linear recursion of
`spacetime.updates`, p parts of a state, the first of which is kept as the place, theta_0 and the displacement; relative
learning rates, none for a constant 1; the matrix eta, (0, 0) where it is a number; and norm, beta1, beta2, epsilon,
corrected, lambda. An adaptive rule's parts are the place, m and v. The Hessian is None but for regularized Newton.
"""

import math
from typing import Any

from .kernel import lean
from .lanes import in_blocks
from .logistic_points import BLOCKS, LANES

LINEAR, ADAPTIVE = range(2)


@lean
def raised(metric: Any, vectors: Any, spare: Any) -> None:
    """vectors (n, LANES) <- metric times them; a metric (0, 0) is 1."""
    n = metric.shape[0]
    for i in range(n):
        for r in range(LANES):
            spare[i, r] = 0.0
        for j in range(n):
            for r in range(LANES):
                spare[i, r] += metric[i, j] * vectors[j, r]
    for i in range(n):
        for r in range(LANES):
            vectors[i, r] = spare[i, r]


@lean
def clip(norm: float, slope: Any, u: Any) -> None:
    """slope <- slope / sqrt(1 + |slope|^2 / norm^2)."""
    for r in range(LANES):
        u[r] = 0.0
    for i in range(slope.shape[0]):
        for r in range(LANES):
            u[r] += (slope[i, r] / norm) ** 2
    for r in range(LANES):
        u[r] = 1.0 / math.sqrt(1.0 + u[r])
    for i in range(slope.shape[0]):
        for r in range(LANES):
            slope[i, r] *= u[r]


@lean
def linear_step(step: Any, push: Any, rate: float, slope: Any, origin: Any, state: Any) -> None:
    """state (p, n, LANES) <- step state - push rate slope, the first part from the origin; step is upper triangular."""
    parts, n, _ = state.shape
    now, g = in_blocks(state), in_blocks(slope)
    for p in range(parts):
        keep, kick = step[p, p], rate * push[p]
        for i in range(n):
            if keep == 1.0:
                for k in range(BLOCKS):
                    now[p, i, k] = now[p, i, k] - kick * g[i, k]
            else:
                around = origin[i] if p == 0 else 0.0
                for k in range(BLOCKS):
                    now[p, i, k] = around + keep * (now[p, i, k] - around) - kick * g[i, k]
        for q in range(p + 1, parts):
            for i in range(n):
                for k in range(BLOCKS):
                    now[p, i, k] = now[p, i, k] + step[p, q] * now[q, i, k]


@lean
def adapt(numbers: Any, t: int, slope: Any, state: Any) -> None:
    """Take the slope into the averages m and v; slope <- m / (sqrt(v) + epsilon), both corrected if asked for."""
    beta1, beta2, epsilon, corrected = numbers[1], numbers[2], numbers[3], numbers[4]
    a, b = 1.0, 1.0
    if corrected > 0.0:
        a, b = 1.0 / (1.0 - beta1 ** (t + 1)), 1.0 / (1.0 - beta2 ** (t + 1))
    for i in range(slope.shape[0]):
        for r in range(LANES):
            g = slope[i, r]
            m = beta1 * state[1, i, r] + (1.0 - beta1) * g
            v = beta2 * state[2, i, r] + (1.0 - beta2) * g * g
            state[1, i, r], state[2, i, r] = m, v
            slope[i, r] = a * m / (math.sqrt(b * v) + epsilon)


@lean
def solve(matrix: Any, vector: Any) -> None:
    """vector (n,) <- matrix^-1 vector, by elimination with pivots; a singular matrix gives nan."""
    n = len(vector)
    for k in range(n):
        pivot = k
        for i in range(k + 1, n):
            if abs(matrix[i, k]) > abs(matrix[pivot, k]):
                pivot = i
        if pivot != k:
            for j in range(k, n):
                matrix[k, j], matrix[pivot, j] = matrix[pivot, j], matrix[k, j]
            vector[k], vector[pivot] = vector[pivot], vector[k]
        below = 1.0 / matrix[k, k] if matrix[k, k] != 0.0 else math.nan
        for i in range(k + 1, n):
            share = matrix[i, k] * below
            for j in range(k + 1, n):
                matrix[i, j] -= share * matrix[k, j]
            vector[i] -= share * vector[k]
        matrix[k, k] = below
    for k in range(n - 1, -1, -1):
        total = vector[k]
        for j in range(k + 1, n):
            total -= matrix[k, j] * vector[j]
        vector[k] = total * matrix[k, k]


@lean
def newton_slope(lam: float, rate: float, metric: Any, curve: Any, slope: Any, matrix: Any, vector: Any) -> None:
    """slope <- (1 + lambda eta H)^-1 slope, eta = rate times the metric, which the slope has been raised by already."""
    n = slope.shape[0]
    for r in range(LANES):
        for i in range(n):
            vector[i] = slope[i, r]
            for j in range(n):
                total = curve[i, j, r]
                if metric.shape[0] > 0:
                    total = 0.0
                    for k in range(n):
                        total += metric[i, k] * curve[k, j, r]
                matrix[i, j] = lam * rate * total + (1.0 if i == j else 0.0)
        solve(matrix, vector)
        for i in range(n):
            slope[i, r] = vector[i]


@lean
def apply_rule(
    rule: Any, rate: float, t: int, slope: Any, curve: Any, origin: Any, state: Any, scratch: Any
) -> None:
    """Update t of the state (p, n, LANES), given the batch's gradient (n, LANES), and its Hessian if it is asked for.

    scratch: (spare (n, LANES), u (LANES,), matrix (n, n), vector (n,)). The slope is used up.
    """
    kind, step, push, _, factors, metric, numbers = rule
    spare, u, matrix, vector = scratch
    if len(factors) > 0:
        rate = rate * factors[t]
    if numbers[0] < math.inf:
        clip(numbers[0], slope, u)
    if kind == ADAPTIVE:
        adapt(numbers, t, slope, state)
    raised(metric, slope, spare)
    if curve is not None:
        newton_slope(numbers[5], rate, metric, curve, slope, matrix, vector)
    if kind == ADAPTIVE:
        for i in range(slope.shape[0]):
            for r in range(LANES):
                state[0, i, r] -= rate * slope[i, r]
    else:
        linear_step(step, push, rate, slope, origin, state)
