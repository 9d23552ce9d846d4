"""Predicted curves beside simulated points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..expansion import Prediction
from ..record import Record
from ..simulation import Simulation
from ..spacetime import Spacetime
from ..typing import FloatArray, IntArray
from .panel import Panel, draw, legend
from .picture import picture


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparison(Record):
    """Predictions over a fine range of learning rates, and a simulation at some of them."""

    points: int | float
    updates: int
    grid: FloatArray
    """Learning rates of the predictions."""
    curves: tuple[tuple[str, FloatArray], ...]
    """Names and predictions on the grid."""
    judged: str
    """Which of them the simulation judges."""
    trusted: IntArray
    """Whether that one is believable by itself, at each learning rate of the simulation, bool."""
    etas: FloatArray
    """Learning rates of the simulation, all on the grid."""
    mean: FloatArray
    halfwidth: FloatArray
    """Of the simulation's 95 % interval."""

    @classmethod
    def of(
        cls, grid: FloatArray, judged: Prediction, shown: Iterable[tuple[Prediction, int]], measured: Simulation,
        spacetime: Spacetime,
    ) -> Comparison:
        """Collect predictions on a grid of learning rates, each to an order, and a simulation at some of the rates."""
        etas = np.asarray(measured.eta)
        return cls(
            spacetime.N,
            spacetime.finite("T"),
            grid,
            tuple((name_of(prediction, order), np.asarray(prediction.up_to(order))) for prediction, order in shown),
            name_of(judged, judged.order),
            np.broadcast_to(judged.trust.believable, grid.shape)[np.searchsorted(grid, etas)],
            etas,
            np.asarray(measured.mean),
            1.96 * np.asarray(measured.stderr),
        )

    def at_simulated(self, curve: FloatArray) -> FloatArray:
        """A predicted curve at the simulated learning rates only."""
        return np.asarray(curve[np.searchsorted(self.grid, self.etas)])

    @property
    def spacetime(self) -> str:
        """N and T, in words."""
        return f"N = T = {self.updates}" if self.points == self.updates else f"N = {self.points}, T = {self.updates}"

    def __repr__(self) -> str:
        names = ", ".join(name for name, _ in self.curves)
        return f"<prediction beside simulation, T = {self.updates}: {names}, {len(self.etas)} learning rates>"

    @property
    def best(self) -> FloatArray:
        """What the simulation judges, at its learning rates."""
        return self.at_simulated(dict(self.curves)[self.judged])

    @property
    def agrees(self) -> FloatArray:
        """Where that lies in the simulation's interval, bool."""
        return np.asarray(np.abs(self.best - self.mean) <= self.halfwidth)

    @property
    def parting(self) -> float | None:
        """The least learning rate from which on theory and simulation differ; None if they agree at the last."""
        differ = np.flatnonzero(self.agrees)
        first = int(differ[-1]) + 1 if len(differ) else 0
        return float(self.etas[first]) if first < len(self.etas) else None

    def verdict(self) -> str:
        """Where theory and simulation part, in words."""
        where = f"{self.spacetime}: {self.judged}"
        if self.parting is None:
            return f"{where} agrees with the simulation up to eta = {self.etas[-1]:g}."
        worst = int(np.searchsorted(self.etas, self.parting))
        gap = float(self.best[worst] - self.mean[worst])
        return (
            f"{where} and the simulation part at eta = {self.parting:g} "
            f"(prediction off by {gap:{'+.4f' if 1e-4 <= abs(gap) < 1e4 else '+.2g'}})."
        )


def name_of(prediction: Prediction, order: int) -> str:
    """What a curve to some order is called."""
    if prediction.closure:
        return "self-consistent"
    if prediction.expansion == "path":
        return f"noise {order}"
    return f"resummed {order}" if prediction.resummed else f"order {order}"


def save(
    comparisons: Sequence[Comparison], path: str | Path, title: str = "", what: str = "expected test loss"
) -> None:
    """Write a picture of predictions as curves and simulations as error bars, one panel for each number of updates.

    Raises
    ------
    InputError : the file's ending is not one that matplotlib writes, or matplotlib is not installed
    """
    tops = np.concatenate([c.mean + c.halfwidth for c in comparisons])
    height = 1.25 * float(tops.max(initial=0.0, where=np.isfinite(tops)) or 1.0)
    with picture(path, 3.6 * len(comparisons) + 1.2, 3.6, title) as figure:
        axes = np.atleast_1d(figure.subplots(1, len(comparisons), sharey=True))
        for ax, comparison in zip(axes, comparisons, strict=True):
            draw(ax, _panel(comparison, height))
        axes[0].set_ylabel(what)
        legend(figure, axes)


def _panel(comparison: Comparison, height: float) -> Panel:
    curves = dict(comparison.curves)
    start = float(curves["order 0"][0]) if "order 0" in curves else 0.0
    return Panel(
        comparison.spacetime, "eta", tuple((name, comparison.grid, curve) for name, curve in comparison.curves),
        comparison.judged, (comparison.etas, ~comparison.trusted), (comparison.etas, comparison.mean, comparison.halfwidth),
        (0.0, 1.25 * start if start else height),
    )
