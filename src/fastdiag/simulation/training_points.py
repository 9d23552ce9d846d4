"""The training points of some runs, and the batches that they are visited in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from typing import Any, Protocol

import numpy as np

from ..kernels.shuffle import draw_batches
from ..landscapes import Symbolic
from ..spacetime import Spacetime
from ..typing import FloatArray, IntArray
from .model import PointModel, is_uniform

FRESH = 64  # updates drawn at a time if the data never repeat


class TrainingPoints(Protocol):
    """Points for each run, named by rows of a table."""

    table: FloatArray

    def points(self, count: int) -> IntArray:
        """So many more for each run, (runs, count); they are exchangeable."""


class DrawnPoints:
    """Drawn from a landscape's points, with replacement."""

    def __init__(self, model: PointModel, rng: np.random.Generator, runs: int) -> None:
        self.table, self.weights, self.rng, self.runs = model.table, model.weights, rng, runs

    def points(self, count: int) -> IntArray:
        if is_uniform(self.weights):
            return self.rng.integers(len(self.weights), size=(self.runs, count))
        return self.rng.choice(len(self.weights), size=(self.runs, count), p=self.weights)


class OfFormula:
    """Drawn from the distributions of a formula's data; the table grows."""

    def __init__(self, landscape: Symbolic, rng: np.random.Generator, runs: int, remembers: bool) -> None:
        self.landscape, self.rng, self.runs, self.remembers = landscape, rng, runs, remembers
        self.table = np.zeros((0, len(landscape.data)))

    def points(self, count: int) -> IntArray:
        fresh = np.ascontiguousarray(self.landscape.draw(self.rng, self.runs * count).T)
        before = len(self.table) if self.remembers else 0
        self.table = np.concatenate([self.table, fresh]) if before else fresh
        return before + np.arange(self.runs * count).reshape(self.runs, count)


class OfGiven:
    """The given points themselves, in an order of its own for each run."""

    def __init__(self, table: FloatArray, rows: IntArray, rng: np.random.Generator, runs: int) -> None:
        self.table, self.rows, self.rng, self.runs = table, rows, rng, runs

    def points(self, count: int) -> IntArray:
        return shuffled(np.tile(self.rows, (self.runs, 1)), 1, count, self.rng)


def shuffled(rows: IntArray, batches: int, B: int, rng: np.random.Generator) -> IntArray:
    """Batches of B distinct points out of each run's rows (runs, N), which it shuffles: (runs, batches B)."""
    shape = len(rows), batches, B
    drawn = np.empty(shape, rows.dtype)
    draw_batches(rows, rng.random(shape), drawn)
    return drawn.reshape(len(rows), -1)


def batches(
    points: Callable[[int], IntArray], spacetime: Spacetime, rng: np.random.Generator, at_once: bool
) -> Iterator[tuple[IntArray, IntArray]]:
    """Rows (runs, cells) and where their batches begin, (updates + 1,), about an epoch at a time.

    Points are exchangeable, so the first epoch takes them as they come. at_once: all N of a run are drawn before the first.
    """
    N, B, left = spacetime.N, spacetime.B, spacetime.finite("T")

    def begins(first: int, last: int) -> IntArray:
        cells = np.arange(first, last + 1) * B
        return np.asarray(cells - cells[0] if N == inf else np.minimum(cells, int(N)) - cells[0])

    if spacetime.is_one_epoch and not at_once:  # no row is met twice
        for first in range(0, left, FRESH):
            places = begins(first, min(left, first + FRESH))
            yield points(int(places[-1])), places
        return
    rows = points(spacetime.finite("N"))
    replacement = spacetime.sampling == "replacement"
    epoch = max(1, int(N) // B) if replacement else spacetime.updates_per_epoch
    order, T = rows.copy(), left
    while left > 0:
        if replacement:
            order = shuffled(rows, epoch, B, rng)
        elif spacetime.sampling == "reshuffle" and left < T:
            order = shuffled(rows, 1, rows.shape[1], rng)
        places = begins(0, min(epoch, left))
        yield np.ascontiguousarray(order[:, : places[-1]]), places
        left -= len(places) - 1


def training_points(
    landscape: Any, model: PointModel, rng: np.random.Generator, runs: int, given: IntArray | None, remembers: bool
) -> TrainingPoints:
    """Where a shard's runs have their points from."""
    if given is not None:
        return OfGiven(model.table, given, rng, runs)
    if isinstance(landscape, Symbolic):
        return OfFormula(landscape, rng, runs, remembers)
    return DrawnPoints(model, rng, runs)
