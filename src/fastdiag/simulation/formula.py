"""SGD where the loss is a formula: fresh data from its distribution, gradients by NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..landscapes import Symbolic
from ..landscapes.exact import Expression, number
from ..typing import FloatArray, IntArray

CHUNK = 1 << 20  # losses of points evaluated at a time


class Source:
    """The training points of some runs, drawn when asked; batches name them by their place in the last draw."""

    def __init__(self, landscape: Symbolic, rng: np.random.Generator, runs: int) -> None:
        self.landscape, self.rng, self.runs = landscape, rng, runs
        self.kept: list[FloatArray] = []

    def points(self, count: int) -> IntArray:
        """Draw that many points for each run; their places, (runs, count)."""
        self.values = self.landscape.draw(self.rng, self.runs * count)
        return np.arange(self.runs * count).reshape(self.runs, count)

    def keep(self, count: int) -> IntArray:
        """The same, and remember their data."""
        places = self.points(count)
        self.kept.append(self.values[:, places])
        return places

    def read(self, batches: Iterator[IntArray]) -> Iterator[FloatArray]:
        """Batches of data (symbols, runs, updates, B) for batches of places (runs, updates, B)."""
        return (self.values[:, batch] for batch in batches)

    def training_set(self, N: int) -> FloatArray:
        """All data that were kept, (symbols, runs, N); rows that no update has visited are drawn now."""
        if missing := N - sum(kept.shape[2] for kept in self.kept):
            self.keep(missing)
        return np.concatenate(self.kept, axis=2)


class FormulaRuns:
    """Runs on a formula; `end` is theta_T, (n, rates, runs). What an observable does not need is not compiled."""

    def __init__(self, landscape: Symbolic, tests: bool, trains: bool) -> None:
        self.start = np.array([number("theta_0", value) for value in landscape.theta])
        coordinates, arguments = list(landscape.coordinates), [*landscape.coordinates, *landscape.data]
        slopes = [landscape.derivative((i,)) for i in range(landscape.dimension)]
        self._gradient = compiled(landscape, arguments, slopes)
        if trains:
            self._loss = compiled(landscape, arguments, [landscape.expression])
        if tests:
            self._mean_loss = compiled(landscape, coordinates, [landscape.mean_loss])

    def descend(self, rates: FloatArray, runs: int, batches: Iterator[FloatArray]) -> FloatArray:
        """Where SGD ends."""
        theta = np.tile(self.start[:, None, None], (1, len(rates), runs))
        with np.errstate(all="ignore"):  # runs that diverge are counted
            for data in batches:
                for t in range(data.shape[2]):
                    steps = self._gradient(*theta[..., None], *data[:, None, :, t])
                    for i, step in enumerate(steps):
                        mean = np.broadcast_to(step, (len(rates), runs, data.shape[3])).mean(axis=2)
                        theta[i] -= rates[:, None] * mean
        return theta

    def displacement(self, end: FloatArray) -> FloatArray:
        """theta_T - theta_0, (rates, runs, n)."""
        return np.moveaxis(end - self.start[:, None, None], 0, -1)

    def test_loss(self, end: FloatArray) -> FloatArray:
        """(rates, runs)"""
        with np.errstate(all="ignore"):
            (final,) = self._mean_loss(*end)
        return np.array(np.broadcast_to(final, end.shape[1:]), dtype=np.float64)

    def train_loss(self, end: FloatArray, training_set: FloatArray) -> FloatArray:
        """(rates, runs)"""
        rows = training_set.shape[2]
        step = max(1, CHUNK // (end.shape[1] * end.shape[2]))
        total = np.zeros(end.shape[1:])
        with np.errstate(all="ignore"):
            for start in range(0, rows, step):
                some = training_set[:, None, :, start : start + step]
                (losses,) = self._loss(*end[..., None], *some)
                total += np.broadcast_to(losses, (*end.shape[1:], some.shape[3])).sum(axis=2)
        return np.asarray(total / rows)


def compiled(landscape: Symbolic, arguments: Sequence[Any], formulas: Sequence[Expression]) -> Callable[..., list[Any]]:
    """The formulas as one NumPy function, or UnsupportedError if they hold free parameters or unknown functions."""
    import sympy

    free = set().union(*(formula.free_symbols for formula in formulas)) - set(arguments)
    if free:
        raise UnsupportedError(
            f"{landscape!r} has the free symbols {sorted(map(str, free))}; simulate needs numbers for them"
        )
    try:
        function: Callable[..., list[Any]] = sympy.lambdify(arguments, list(formulas), "numpy", cse=True)
        with np.errstate(all="ignore"):
            function(*np.ones(len(arguments)))
    except (NameError, TypeError, AttributeError, NotImplementedError, ValueError, OverflowError) as error:
        raise UnsupportedError(
            f"the formulas of {landscape!r} cannot be evaluated by NumPy: {str(error).splitlines()[0]}"
        ) from None
    return function
