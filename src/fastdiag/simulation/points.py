"""SGD where the loss is given point by point: regressions, and Taylor polynomials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np

from ..kernels.sgd_logistic import logistic_descend, logistic_test_loss, logistic_train_loss
from ..kernels.sgd_polynomial import polynomial_descend, polynomial_test_loss, polynomial_train_loss
from ..landscapes import LinearModel, Logistic, Samples
from ..typing import FloatArray, IntArray

NUMBERS = 1 << 22  # of points' rows gathered at a time


class Drawn:
    """The training points of some runs, drawn from a landscape's points when asked."""

    def __init__(self, weights: FloatArray, rng: np.random.Generator, runs: int) -> None:
        self.weights, self.rng, self.runs = weights, rng, runs
        self.kept: list[IntArray] = []

    def points(self, count: int) -> IntArray:
        """Draw that many points for each run, (runs, count)."""
        if is_uniform(self.weights):
            return self.rng.integers(len(self.weights), size=(self.runs, count))
        return self.rng.choice(len(self.weights), size=(self.runs, count), p=self.weights)

    def keep(self, count: int) -> IntArray:
        """The same, and remember them."""
        self.kept.append(self.points(count))
        return self.kept[-1]

    def read(self, batches: Iterator[IntArray]) -> Iterator[IntArray]:
        """Batches of data for batches of points."""
        return batches

    def training_set(self, N: int) -> IntArray:
        """All that was kept, (runs, N); rows that no update has visited are drawn now."""
        if missing := N - sum(kept.shape[1] for kept in self.kept):
            self.keep(missing)
        return np.ascontiguousarray(np.concatenate(self.kept, axis=1))


def is_uniform(weights: FloatArray) -> bool:
    """Whether all points have one weight."""
    return bool((weights == weights[0]).all())


class LogisticRuns:
    """Runs on logistic regression; `end` is theta_T, (rates, runs, n)."""

    def __init__(self, landscape: Logistic) -> None:
        signs = 1.0 - 2.0 * landscape.y
        self.Z = np.ascontiguousarray(landscape.X * signs[:, None])
        self.weights, self.ridge, self.start = map(np.array, (landscape.weights, landscape.ridge, landscape.theta))
        # the dispatchers are made here, once, and not by racing threads
        self._kernels = logistic_descend.dispatcher, logistic_test_loss.dispatcher, logistic_train_loss.dispatcher

    def descend(self, rates: FloatArray, runs: int, batches: Iterator[IntArray]) -> FloatArray:
        """Where SGD ends."""
        theta = np.tile(self.start, (len(rates), runs, 1))
        for some in batches:
            self._kernels[0](self.Z, self.ridge, rates, some, theta)
        return theta

    def displacement(self, end: FloatArray) -> FloatArray:
        """theta_T - theta_0, (rates, runs, n)."""
        return end - self.start

    def test_loss(self, end: FloatArray) -> FloatArray:
        """(rates, runs)"""
        out = np.empty(end.shape[:2])
        self._kernels[1](self.Z, self.weights, is_uniform(self.weights), self.ridge, end, out)
        return out

    def train_loss(self, end: FloatArray, training_set: IntArray) -> FloatArray:
        """(rates, runs)"""
        out = np.empty(end.shape[:2])
        self._kernels[2](self.Z, self.ridge, training_set, end, out)
        return out


class LinearModelRuns:
    """Runs on other linear models, by NumPy; `end` is theta_T, (rates, runs, n)."""

    def __init__(self, landscape: LinearModel) -> None:
        self.landscape, self.shape = landscape, (landscape.outputs, landscape.X.shape[1])

    def descend(self, rates: FloatArray, runs: int, batches: Iterator[IntArray]) -> FloatArray:
        """Where SGD ends."""
        land = self.landscape
        theta = np.tile(land.theta.reshape(self.shape), (len(rates), runs, 1, 1))
        ridge = land.ridge.reshape(self.shape)
        with np.errstate(all="ignore"):  # runs that diverge are counted
            for some in batches:
                for batch in np.moveaxis(some, 1, 0):
                    X, y = land.X[batch], land.y[batch]
                    for e, eta in enumerate(rates):
                        pull = self._slopes(1, X @ theta[e].swapaxes(1, 2), y).swapaxes(1, 2) @ X
                        theta[e] -= eta * (pull / batch.shape[1] + ridge * theta[e])
        return theta.reshape(len(rates), runs, -1)

    def _slopes(self, degree: int, outputs: FloatArray, y: Any) -> FloatArray:
        """Of outputs (runs, points, m): (runs, points) + (m,) * degree."""
        runs, points = outputs.shape[:2]
        rows = outputs.reshape(runs * points, -1), y.reshape(runs * points, *y.shape[2:])
        found = self.landscape.loss_slopes(degree, *rows)
        return found.reshape(runs, points, *found.shape[1:])

    def _penalty(self, theta: FloatArray) -> FloatArray:
        return np.asarray(theta.reshape(len(theta), -1) ** 2 @ self.landscape.ridge / 2)

    def _losses(self, end: FloatArray, points: Callable[[slice], IntArray], weights: FloatArray) -> FloatArray:
        land, (rates, runs) = self.landscape, end.shape[:2]
        out, step = np.empty((rates, runs)), max(1, NUMBERS // (len(weights) * sum(self.shape)))
        with np.errstate(all="ignore"):
            for e, start in product(range(rates), range(0, runs, step)):
                some = slice(start, start + step)
                theta = end[e, some].reshape(-1, *self.shape)
                chosen = points(some)
                X, y = land.X[chosen], land.y[chosen]
                out[e, some] = self._slopes(0, X @ theta.swapaxes(1, 2), y) @ weights + self._penalty(theta)
        return out

    def displacement(self, end: FloatArray) -> FloatArray:
        """theta_T - theta_0, (rates, runs, n)."""
        return end - self.landscape.theta

    def test_loss(self, end: FloatArray) -> FloatArray:
        """(rates, runs)"""
        every = np.arange(len(self.landscape.weights))
        return self._losses(end, lambda some: np.tile(every, (len(end[0, some]), 1)), self.landscape.weights)

    def train_loss(self, end: FloatArray, training_set: IntArray) -> FloatArray:
        """(rates, runs)"""
        N = training_set.shape[1]
        return self._losses(end, lambda some: training_set[some], np.full(N, 1 / N))


class TaylorRuns:
    """Runs on Taylor polynomials; `end` is theta_T - theta_0, (rates, runs, n)."""

    def __init__(self, landscape: Samples) -> None:
        self.dimension, self.degree = landscape.dimension, len(landscape.derivatives) - 1
        points, weights = len(landscape.weights), landscape.weights
        known = [np.require(d.reshape(points, -1), requirements=["C", "W"]) for d in landscape.derivatives]
        absent = [np.empty((0, 0))] * (4 - self.degree)
        self.tensors = (*known, *absent)
        self.means = (*(np.ascontiguousarray((weights @ d)[None]) for d in known), *absent)
        self._kernels = polynomial_descend.dispatcher, polynomial_test_loss.dispatcher, polynomial_train_loss.dispatcher

    def descend(self, rates: FloatArray, runs: int, batches: Iterator[IntArray]) -> FloatArray:
        """Where SGD ends."""
        delta = np.zeros((len(rates), runs, self.dimension))
        for some in batches:
            self._kernels[0](self.tensors, self.degree, rates, some, delta)
        return delta

    def displacement(self, end: FloatArray) -> FloatArray:
        """theta_T - theta_0, (rates, runs, n)."""
        return end

    def test_loss(self, end: FloatArray) -> FloatArray:
        """(rates, runs)"""
        out = np.empty(end.shape[:2])
        self._kernels[1](self.means, self.degree, end, out)
        return out

    def train_loss(self, end: FloatArray, training_set: IntArray) -> FloatArray:
        """(rates, runs)"""
        out = np.empty(end.shape[:2])
        self._kernels[2](self.tensors, self.degree, training_set, end, out)
        return out
