"""Excess losses of SGD from a minimum: on the points' quadratics and, with the same batches, on the loss itself."""

from __future__ import annotations

import numpy as np

from ..landscapes import Logistic
from ..landscapes.softplus import softplus
from ..typing import FloatArray

ROOM = 1 << 22  # numbers in the largest array of a block of runs
FEW = 4  # from a batch of a fourth of the points on, how often each point is in it costs less than their list


def excess_losses(
    landscape: Logistic, etas: FloatArray, mu: float, nu: float | None, batch: int, updates: int, runs: int, seed: int
) -> FloatArray:
    """Excess losses on the points' quadratics, on the loss itself, and the one less the other, run by run.

    Batches are drawn independently, the same for all rates and for both. (3, len(etas), runs).
    """
    rng, points, n = np.random.default_rng(seed), len(landscape.weights), landscape.dimension
    whole = FEW * batch >= points
    looked_at = points if whole else batch
    of_run = max(2 * len(etas) * max(looked_at, n), 0 if whole else batch * n)
    block = max(1, ROOM // of_run)
    parts = (min(block, runs - first) for first in range(0, runs, block))
    with np.errstate(all="ignore"):  # beyond the limits of stability runs may leave the floats
        ends = [_ends(landscape, etas, mu, nu, batch, whole, updates, part, rng) for part in parts]
        w = np.concatenate(ends).transpose(1, 2, 0, 3)  # (2, rates, runs, n)
        parabola = ((w[0] @ landscape.hessian) * w[0]).sum(axis=-1) / 2
        places = landscape.theta + w[1]
        itself = np.array([[landscape.local(place).loss for place in some] for some in places]) - landscape.loss
        return np.stack([parabola, itself, itself - parabola])


def _ends(
    landscape: Logistic, etas: FloatArray, mu: float, nu: float | None, batch: int, whole: bool, updates: int,
    runs: int, rng: np.random.Generator,
) -> FloatArray:
    """Weights less the minimum after the updates, on the quadratics and on the loss, (runs, 2, rates, n).

    whole: every update looks at all points, as often as they are in the batch
    """
    X, points, chances = landscape.X, len(landscape.weights), landscape.weights / landscape.weights.sum()
    known = np.stack([X @ landscape.theta, 1 - 2 * landscape.y, landscape.slopes(1), landscape.slopes(2)])
    fresh = 1.0 if nu is None else 1 - mu
    w = np.zeros((runs, 2, len(etas), landscape.dimension))
    m = np.zeros_like(w)
    for _ in range(updates):
        if whole:
            shares = rng.multinomial(batch, chances, runs)[:, None, None, :] / batch
            g = (_pulls(w @ X.T, *known) * shares) @ X
        else:
            rows = rng.choice(points, (runs, batch), p=chances)
            x = X[rows][:, None]
            g = _pulls(w @ x.swapaxes(-1, -2), *known[:, rows][:, :, None]) @ x / batch
        g += landscape.ridge * (landscape.theta + w)
        m = mu * m + fresh * g
        w -= etas[:, None] * (m if nu is None else (1 - nu) * g + nu * m)
    return w


def _pulls(moved: FloatArray, margin: FloatArray, signs: FloatArray, slope: FloatArray, bend: FloatArray) -> FloatArray:
    """Slopes of points' losses in their margins, which have moved by (runs, 2, rates, points), on quadratics and losses."""
    lines = slope + bend * moved[:, 0]
    curves = signs * softplus(1, signs * (margin + moved[:, 1]))
    return np.stack([lines, curves], axis=1)
