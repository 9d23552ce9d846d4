"""Training runs: the one loop over learning rates, runs, updates and the points of their batches.

Runs stand side by side in blocks of LANES, idle lanes repeat the last run. Their states are (rates, blocks, p, n, LANES),
the first part the place, the others as in `update_steps`; the origin is where all begin. No sum is reordered by the
compiler, so a run gives the same bits whatever runs beside it.
"""

from typing import Any

from .kernel import lean
from .lanes import in_blocks
from .logistic_points import BLOCKS, LANES
from .point_slopes import add_curves, add_products, add_slopes
from .update_steps import apply_rule, raised


@lean
def set_to_zero(array: Any) -> None:
    """array (n, LANES) <- 0"""
    vectors = in_blocks(array)
    for i in range(array.shape[0]):
        for k in range(BLOCKS):
            vectors[i, k] = 0.0


@lean
def divide(array: Any, count: int) -> None:
    """array (n, LANES) <- array / count"""
    if count > 1:
        for i in range(array.shape[0]):
            for r in range(LANES):
                array[i, r] /= count


@lean
def stands_at_point(point: Any) -> bool:
    """Whether gradients are taken at the place itself."""
    for p in range(1, len(point)):
        if point[p] != 0.0:
            return False
    return bool(point[0] == 1.0)


@lean
def read_point(origin: Any, point: Any, state: Any, theta: Any) -> None:
    """theta (n, LANES) <- where the gradient is taken: the origin and point . state, the first part counted from there."""
    parts, n, _ = state.shape
    for i in range(n):
        for r in range(LANES):
            theta[i, r] = origin[i] + point[0] * (state[0, i, r] - origin[i])
        for p in range(1, parts):
            for r in range(LANES):
                theta[i, r] += point[p] * state[p, i, r]


@lean
def correct(
    model: Any, correction: Any, metric: Any, rate: float, first: int, whole: bool, theta: Any, slope: Any, points: Any,
    of_points: Any
) -> None:
    """slope (n, LANES) <- it and rate times the mean over each run's training set of h (own g + common G).

    h and g are a point's Hessian and gradient at theta, G the set's gradient. correction: (sets (runs, N), own, common,
    three arrays (n, LANES)). whole: whether the slope is G.
    """
    sets, own, common, mean, along, spare = correction
    runs, N = sets.shape
    n = theta.shape[0]
    set_to_zero(mean)
    if whole:
        for i in range(n):
            for r in range(LANES):
                mean[i, r] = slope[i, r]
    else:
        for row in range(N):
            for r in range(LANES):
                points[r] = sets[min(first + r, runs - 1), row]
            add_slopes(model, points, theta, mean, of_points)
        divide(mean, N)
    for row in range(N):
        for r in range(LANES):
            points[r] = sets[min(first + r, runs - 1), row]
        set_to_zero(along)
        add_slopes(model, points, theta, along, of_points)
        for i in range(n):
            for r in range(LANES):
                along[i, r] = rate / N * (own * along[i, r] + common * mean[i, r])
        raised(metric, along, spare)
        add_products(model, points, theta, along, slope, of_points)


@lean
def train(
    model: Any, rule: Any, origin: Any, rates: Any, rows: Any, begins: Any, done: int, state: Any, stop: Any, curve: Any,
    correction: Any, scratch: Any
) -> None:
    """Make the updates done, done + 1, ...: batch t of a run is rows[run, begins[t] : begins[t + 1]].

    rows: (runs, cells), points of the model. stop: whoever makes it other than 0 ends the work. curve: room (n, n, LANES)
    for the batch's Hessian, correction as for `correct`; None where a rule has no use for them. scratch: (points (LANES,),
    theta, slope (n, LANES), that of points, that of rules).
    """
    points, elsewhere, slope, of_points, of_rules = scratch
    runs, n, stands = rows.shape[0], len(origin), stands_at_point(rule[3])
    for e in range(len(rates)):
        for block in range(state.shape[1]):
            first, here = block * LANES, state[e, block]
            theta = here[0] if stands else elsewhere
            for t in range(len(begins) - 1):
                if stop[0] != 0:
                    return
                size = begins[t + 1] - begins[t]
                if not stands:
                    read_point(origin, rule[3], here, theta)
                set_to_zero(slope)
                if curve is not None:
                    set_to_zero(curve.reshape(n * n, -1))
                for cell in range(begins[t], begins[t + 1]):
                    for r in range(LANES):
                        points[r] = rows[min(first + r, runs - 1), cell]
                    add_slopes(model, points, theta, slope, of_points)
                    if curve is not None:
                        add_curves(model, points, theta, curve, of_points)
                divide(slope, size)
                if curve is not None:
                    divide(curve.reshape(n * n, -1), size)
                if correction is not None:
                    whole = size == correction[0].shape[1]
                    correct(model, correction, rule[5], rates[e], first, whole, theta, slope, points, of_points)
                apply_rule(rule, rates[e], done + t, slope, curve, origin, here, of_rules)


@lean
def diffuse(
    model: Any, weights: Any, roots: Any, metric: Any, rates: Any, kicks: Any, dt: float, root_dt: float, state: Any,
    stop: Any, scratch: Any
) -> None:
    """Steps of d theta = -eta grad l dt + eta sqrt(C) dW, C the gradients' covariance: Euler's and Maruyama's rule.

    kicks: normal variates z (steps, runs, points). sum_x a_x grad l_x has covariance C, where a_x is sqrt(w_x) z_x less w_x
    sum sqrt(w) z. roots: sqrt(w). root_dt: of dt over the batch size.
    """
    points, slope, drift, noise, common, of_points, spare = scratch
    runs, n = kicks.shape[1], state.shape[3]
    for e in range(len(rates)):
        for block in range(state.shape[1]):
            first, here = block * LANES, state[e, block, 0]
            for t in range(kicks.shape[0]):
                if stop[0] != 0:
                    return
                set_to_zero(drift)
                set_to_zero(noise)
                for r in range(LANES):
                    common[r] = 0.0
                    for x in range(len(weights)):
                        common[r] += roots[x] * kicks[t, min(first + r, runs - 1), x]
                for x in range(len(weights)):
                    for r in range(LANES):
                        points[r] = x
                    set_to_zero(slope)
                    add_slopes(model, points, here, slope, of_points)
                    for r in range(LANES):
                        kick = roots[x] * kicks[t, min(first + r, runs - 1), x] - weights[x] * common[r]
                        for i in range(n):
                            noise[i, r] += kick * slope[i, r]
                    for i in range(n):
                        for r in range(LANES):
                            drift[i, r] += weights[x] * slope[i, r]
                for i in range(n):
                    for r in range(LANES):
                        drift[i, r] = dt * drift[i, r] + root_dt * noise[i, r]
                raised(metric, drift, spare)
                for i in range(n):
                    for r in range(LANES):
                        here[i, r] -= rates[e] * drift[i, r]


@lean
def mean_slope(model: Any, weights: Any, place: Any, scratch: Any, total: Any) -> None:
    """grad l at one place (n,); here the lanes are points."""
    points, theta, slope, of_points = scratch
    n, count = len(place), len(weights)
    for i in range(n):
        total[i] = 0.0
        for r in range(LANES):
            theta[i, r] = place[i]
    for x in range(0, count, LANES):
        for r in range(LANES):
            points[r] = min(x + r, count - 1)
        set_to_zero(slope)
        add_slopes(model, points, theta, slope, of_points)
        for r in range(min(LANES, count - x)):
            for i in range(n):
                total[i] += weights[x + r] * slope[i, r]


@lean
def flow(
    model: Any, weights: Any, metric: Any, rates: Any, dt: float, steps: int, theta: Any, stop: Any, scratch: Any,
    spare: Any
) -> None:
    """Steps of theta' = -eta grad l for theta (rates, n): Runge's and Kutta's rule of fourth order. spare: (4, n)."""
    n = theta.shape[1]
    for e in range(len(rates)):
        for _ in range(steps):
            if stop[0] != 0:
                return
            for i in range(n):
                spare[1, i] = 0.0
                spare[2, i] = 0.0
            for stage in range(4):
                reach = 0.0 if stage == 0 else (1.0 if stage == 3 else 0.5)
                weight = 1.0 if stage == 0 or stage == 3 else 2.0
                for i in range(n):
                    spare[0, i] = theta[e, i] - reach * dt * spare[1, i]
                mean_slope(model, weights, spare[0], scratch, spare[3])
                for i in range(n):
                    spare[1, i] = spare[3, i]
                    if metric.shape[0] > 0:
                        spare[1, i] = 0.0
                        for j in range(n):
                            spare[1, i] += metric[i, j] * spare[3, j]
                    spare[1, i] *= rates[e]
                    spare[2, i] += weight / 6.0 * spare[1, i]
            for i in range(n):
                theta[e, i] -= dt * spare[2, i]
