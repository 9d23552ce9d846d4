"""Runs on losses known by their gradients alone, many points and weights in one call."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..kernels.logistic_points import LANES
from ..kernels.update_steps import apply_rule
from ..landscapes import Directional
from ..typing import FloatArray, IntArray
from .model import PointModel

NUMBERS = 1 << 22  # of points' vectors at a time


class DirectionalRuns(PointModel):
    """A loss that gives gradients of many points at many weights in one call; a row is a point's number."""

    ridge = np.zeros(0)

    def __init__(self, landscape: Directional) -> None:
        self.derivatives, self.every, self.degree = landscape.derivatives, landscape.every, landscape.highest_degree
        self.origin = self.start = np.array(landscape.theta)
        self.listed = np.zeros((len(landscape.weights), 0)), np.array(landscape.weights)

    def packed(self, table: FloatArray) -> tuple[Any, ...]:
        raise AssertionError("its gradients come from elsewhere")

    def with_curves(self) -> None:
        if self.degree is not None and self.degree < 2:
            raise UnsupportedError("steps with Hessians need derivatives of degree 2, and this landscape's end at 1")

    with_products = with_curves

    def train(self, table: FloatArray, rule: Any, *course: Any) -> None:
        rates, rows, begins, done, state, stop, curve, correction, (*_, of_rules) = course
        runs = len(rows)
        for e, t in product(range(len(rates)), range(len(begins) - 1)):
            if stop[0]:
                return
            cells = rows[:, begins[t] : begins[t + 1]]
            theta = self._places(rule[3], state[e])[:runs]
            slopes = self._slopes(theta, cells, np.full(cells.shape, 1 / cells.shape[1]))
            if correction is not None:
                slopes += rates[e] * self._corrector(theta, rule[5], *correction[:3])
            curves = None if curve is None else _in_lanes(self._curves(theta, cells).reshape(runs, -1), state.shape[1])
            for block, slope in enumerate(_in_lanes(slopes, state.shape[1])):
                if curves is not None:
                    curve[:] = curves[block].reshape(curve.shape)
                apply_rule(rule, rates[e], done + t, slope, curve, self.origin, state[e, block], of_rules)

    def _corrector(
        self, theta: FloatArray, metric: FloatArray, sets: IntArray, own: float, common: float
    ) -> FloatArray:
        """As `kernels.training_runs.correct`: the mean over each run's points of h (own g + common G), (runs, n)."""
        found = np.empty(theta.shape)
        for some in _pieces(len(sets), sets.shape[1], theta.shape[1]):
            points = sets[some].reshape(-1)
            places = np.repeat(theta[some], sets.shape[1], axis=0)
            with np.errstate(all="ignore"):
                g = self.derivatives.each(places, points).reshape(-1, *sets.shape[1:], theta.shape[1])
                along = (own * g + common * g.mean(axis=1, keepdims=True)).reshape(places.shape)
                h = self.derivatives.each(places, points, (along @ metric if metric.size else along,))
                found[some] = h.reshape(g.shape).mean(axis=1)
        return found

    def _curves(self, theta: FloatArray, cells: IntArray) -> FloatArray:
        """The mean Hessian of each run's batch (runs, B), column by column: (runs, n, n)."""
        runs, n = theta.shape
        found = np.empty((runs, n, n))
        for some in _pieces(runs, cells.shape[1], n):
            places = np.repeat(theta[some], cells.shape[1], axis=0)
            for j, direction in enumerate(np.eye(n)):
                with np.errstate(all="ignore"):
                    columns = self.derivatives.each(places, cells[some].reshape(-1), (direction,))
                    found[some, :, j] = columns.reshape(-1, cells.shape[1], n).mean(axis=1)
        return found

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


def _pieces(runs: int, points: int, n: int) -> Iterator[slice]:
    """Runs whose points' vectors (n,) are held at a time."""
    step = max(1, NUMBERS // (points * n))
    return (slice(start, start + step) for start in range(0, runs, step))


def _in_lanes(slopes: FloatArray, blocks: int) -> FloatArray:
    """(runs, n) as (blocks, n, LANES); idle lanes repeat the last run."""
    rows = np.minimum(np.arange(blocks * LANES), len(slopes) - 1)
    return np.ascontiguousarray(np.moveaxis(slopes[rows].reshape(blocks, LANES, -1), 2, 1))
