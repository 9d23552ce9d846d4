"""SGD where the loss is a formula: fresh data from its distribution, gradients by NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..landscapes import Symbolic
from ..landscapes.exact import Expression, number
from ..typing import FloatArray, IntArray


class Source:
    """The training points of some runs, drawn when asked; batches name them by their place in the last draw."""

    def __init__(self, landscape: Symbolic, rng: np.random.Generator, runs: int) -> None:
        self.landscape, self.rng, self.runs = landscape, rng, runs

    def points(self, count: int) -> IntArray:
        """Draw that many points for each run; their places, (runs, count)."""
        self.values = self.landscape.draw(self.rng, self.runs * count)
        return np.arange(self.runs * count).reshape(self.runs, count)

    def read(self, batches: Iterator[IntArray]) -> Iterator[FloatArray]:
        """Batches of data (symbols, runs, updates, B) for batches of places (runs, updates, B)."""
        return (self.values[:, batch] for batch in batches)


def symbolic_losses(landscape: Symbolic) -> Callable[[FloatArray, int, Iterator[FloatArray]], FloatArray]:
    """(learning rates, runs, batches in turn) -> final test losses (rates, runs)."""
    start = [number("theta_0", value) for value in landscape.at]
    coordinates = list(landscape.coordinates)
    slopes = [landscape.derivative((i,)) for i in range(landscape.dimension)]
    gradient = compiled(landscape, [*coordinates, *landscape.data], slopes)
    test_loss = compiled(landscape, coordinates, [landscape.mean_loss])

    def losses(rates: FloatArray, runs: int, batches: Iterator[FloatArray]) -> FloatArray:
        theta = np.tile(np.array(start)[:, None, None], (1, len(rates), runs))
        with np.errstate(all="ignore"):  # runs that diverge are counted
            for data in batches:
                for t in range(data.shape[2]):
                    steps = gradient(*theta[..., None], *data[:, None, :, t])
                    for i, step in enumerate(steps):
                        mean = np.broadcast_to(step, (len(rates), runs, data.shape[3])).mean(axis=2)
                        theta[i] -= rates[:, None] * mean
            (final,) = test_loss(*theta)
        return np.array(np.broadcast_to(final, (len(rates), runs)), dtype=np.float64)

    return losses


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
    except (NameError, TypeError, AttributeError, NotImplementedError) as error:
        raise UnsupportedError(
            f"the formulas of {landscape!r} cannot be evaluated by NumPy: {str(error).splitlines()[0]}"
        ) from None
    return function
