"""Runs on losses known by their gradients alone, many points and weights in one call."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..kernels.logistic_points import LANES
from ..kernels.update_steps import apply_rule
from ..landscapes import Directional
from ..typing import FloatArray, IntArray
from .model import Model


class DirectionalRuns(Model):
    """A loss that gives gradients of many points at many weights in one call; a row is a point's number."""

    ridge = np.zeros(0)

    def __init__(self, landscape: Directional) -> None:
        self.derivatives, self.every = landscape.derivatives, landscape.every
        self.weights, self.start = np.array(landscape.weights), np.array(landscape.theta)
        self.origin, self.table = self.start, np.zeros((len(self.weights), 0))

    def packed(self, table: FloatArray) -> tuple[Any, ...]:
        raise AssertionError("its gradients come from elsewhere")

    def train(self, table: FloatArray, rule: Any, *course: Any) -> None:
        rates, rows, begins, done, state, stop, curve, correction, (*_, of_rules) = course
        if curve is not None or correction is not None:
            raise UnsupportedError("steps with Hessians need these of every point, and this landscape has gradients alone")
        runs = len(rows)
        for e, t in product(range(len(rates)), range(len(begins) - 1)):
            if stop[0]:
                return
            cells = rows[:, begins[t] : begins[t + 1]]
            slopes = self._slopes(self._places(rule[3], state[e])[:runs], cells, np.full(cells.shape, 1 / cells.shape[1]))
            for block, slope in enumerate(_in_lanes(slopes, state.shape[1])):
                apply_rule(rule, rates[e], done + t, slope, curve, self.origin, state[e, block], of_rules)

    def diffuse(self, roots: FloatArray, *course: Any) -> None:
        metric, rates, kicks, dt, root_dt, state, stop, _ = course
        everyone = np.broadcast_to(self.every, kicks.shape[1:])
        for e, t in product(range(len(rates)), range(len(kicks))):
            if stop[0]:
                return
            noise = roots * kicks[t] - self.weights * (kicks[t] @ roots)[:, None]
            theta = self._places(np.ones(1), state[e])[: kicks.shape[1]]
            slopes = self._slopes(theta, everyone, dt * self.weights + root_dt * noise)
            state[e, :, 0] -= rates[e] * _in_lanes(slopes @ metric if metric.size else slopes, state.shape[1])

    def flow(self, *course: Any) -> None:
        metric, rates, dt, steps, theta, stop, *_ = course
        everyone, weights = (np.broadcast_to(each, (len(theta), len(self.every))) for each in (self.every, self.weights))

        def slope(place: FloatArray) -> FloatArray:
            found = self._slopes(place, everyone, weights)
            return np.asarray(-dt * rates[:, None] * (found @ metric if metric.size else found))

        for _ in range(steps):
            if stop[0]:
                return
            first = slope(theta)
            second = slope(theta + first / 2)
            third = slope(theta + second / 2)
            theta += (first + 2 * second + 2 * third + slope(theta + third)) / 6

    def _slopes(self, theta: FloatArray, rows: IntArray, weights: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):  # runs that diverge are counted
            return self.derivatives.batch_slopes(theta, rows, weights)

    def _places(self, point: FloatArray, state: FloatArray) -> FloatArray:
        """Where gradients are taken of states (blocks, p, n, LANES): (runs, n)."""
        origin = self.origin[:, None]
        place = origin + point[0] * (state[:, 0] - origin)
        for weight, part in zip(point[1:], np.moveaxis(state, 1, 0)[1:], strict=True):
            place = place + weight * part
        return np.ascontiguousarray(np.moveaxis(place, 2, 1)).reshape(-1, place.shape[1])

    def test_loss(self, theta: FloatArray) -> FloatArray:
        return self._losses(theta, self.every, self.weights)

    def train_loss(self, theta: FloatArray, table: FloatArray, sets: IntArray) -> FloatArray:
        return self._losses(theta, sets, np.full(sets.shape[1], 1 / sets.shape[1]))

    def _losses(self, theta: FloatArray, rows: IntArray, weights: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            return np.array([self.derivatives.batch_losses(some, rows, weights) for some in theta])


def _in_lanes(slopes: FloatArray, blocks: int) -> FloatArray:
    """(runs, n) as (blocks, n, LANES); idle lanes repeat the last run."""
    rows = np.minimum(np.arange(blocks * LANES), len(slopes) - 1)
    return np.ascontiguousarray(np.moveaxis(slopes[rows].reshape(blocks, LANES, -1), 2, 1))
