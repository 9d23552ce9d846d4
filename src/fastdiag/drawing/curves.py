"""Predicted curves beside simulated points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..expansion import Prediction
from ..record import Record
from ..simulation import Simulation
from ..spacetime import Spacetime
from ..typing import FloatArray
from .picture import picture

INK = ("#9aa5b1", "#5b8fb9", "#2f6690", "#16425b", "#0b2533")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparison(Record):
    """Predictions at every order over a fine range of learning rates, and a simulation at some of them."""

    updates: int
    grid: FloatArray
    """Learning rates of the predictions."""
    plain: tuple[FloatArray, ...]
    """Un-resummed predictions to each order, on the grid."""
    resummed: tuple[FloatArray, ...]
    etas: FloatArray
    """Learning rates of the simulation, all on the grid."""
    mean: FloatArray
    halfwidth: FloatArray
    """Of the simulation's 95 % interval."""

    @classmethod
    def of(
        cls, grid: FloatArray, plain: Prediction, resummed: Prediction, measured: Simulation, spacetime: Spacetime
    ) -> Comparison:
        """Collect two predictions on a grid of learning rates and a simulation at some of them."""
        return cls(
            spacetime.finite("T"),
            grid,
            tuple(np.asarray(plain.up_to(d)) for d in range(plain.order + 1)),
            tuple(np.asarray(resummed.up_to(d)) for d in range(resummed.order + 1)),
            np.asarray(measured.eta),
            np.asarray(measured.mean),
            1.96 * np.asarray(measured.stderr),
        )

    def at_simulated(self, curve: FloatArray) -> FloatArray:
        """A predicted curve at the simulated learning rates only."""
        return np.asarray(curve[np.searchsorted(self.grid, self.etas)])

    def __repr__(self) -> str:
        orders = f"orders 0 to {len(self.plain) - 1}"
        return f"<prediction beside simulation, T = {self.updates}: {orders}, {len(self.etas)} learning rates>"

    @property
    def agrees(self) -> FloatArray:
        """Where the highest resummed order lies in the simulation's interval, bool."""
        return np.asarray(np.abs(self.at_simulated(self.resummed[-1]) - self.mean) <= self.halfwidth)

    @property
    def parting(self) -> float | None:
        """The least learning rate from which on theory and simulation differ; None if they agree at the last."""
        differ = np.flatnonzero(self.agrees)
        first = int(differ[-1]) + 1 if len(differ) else 0
        return float(self.etas[first]) if first < len(self.etas) else None

    def verdict(self) -> str:
        """Where theory and simulation part, in words."""
        order, where = len(self.resummed) - 1, f"N = T = {self.updates}"
        if self.parting is None:
            return f"{where}: order {order}, resummed, agrees with the simulation up to eta = {self.etas[-1]:g}."
        worst = int(np.searchsorted(self.etas, self.parting))
        gap = float(self.at_simulated(self.resummed[-1])[worst] - self.mean[worst])
        return (
            f"{where}: order {order}, resummed, and the simulation part at eta = {self.parting:g} "
            f"(prediction off by {gap:{'+.4f' if abs(gap) >= 1e-4 else '+.2g'}})."
        )


def save(
    comparisons: Sequence[Comparison], path: str | Path, title: str = "", what: str = "expected test loss"
) -> None:
    """Write a picture of predictions as curves and simulations as error bars, one panel for each number of updates.

    Raises
    ------
    InputError : the file's ending is not one that matplotlib writes, or matplotlib is not installed
    """
    with picture(path, 3.6 * len(comparisons) + 1.2, 3.6, title) as figure:
        axes = np.atleast_1d(figure.subplots(1, len(comparisons), sharey=True))
        tops = np.concatenate([c.mean + c.halfwidth for c in comparisons])
        height = 1.25 * float(tops.max(initial=0.0, where=np.isfinite(tops)) or 1.0)
        for ax, comparison in zip(axes, comparisons, strict=True):
            _panel(ax, comparison, height)
        axes[0].set_ylabel(what)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper", frameon=False, fontsize=8)


def _panel(ax: Any, comparison: Comparison, height: float) -> None:
    grid, etas, top = comparison.grid, comparison.etas, comparison.plain[0][0]
    for d, curve in enumerate(comparison.plain):
        if d:
            ax.plot(grid, curve, color=INK[d % len(INK)], lw=0.9, ls=(0, (4, 2)), label=f"order {d}")
    for d, curve in enumerate(comparison.resummed):
        if d:
            ax.plot(grid, curve, color=INK[d % len(INK)], lw=1.1 + 0.4 * d, label=f"order {d}, resummed")
    if top:
        ax.axhline(top, color=INK[0], lw=0.8, ls=":", label="order 0: the starting loss")
    ax.errorbar(etas, comparison.mean, comparison.halfwidth, fmt="o", ms=3.5, color="#b5482a", capsize=2,
                lw=1, label="simulation, 95 %", zorder=5)
    ax.set_xscale("log")
    ax.set_xlim(etas[0] / 1.15, etas[-1] * 1.15)
    ax.set_ylim(0, 1.25 * top if top else height)
    if comparison.parting is not None:
        edge = comparison.parting
        before = etas[etas < edge]
        start = float(np.sqrt(before[-1] * edge)) if len(before) else etas[0] / 1.15
        ax.axvspan(start, etas[-1] * 1.15, color="0.5", alpha=0.13, lw=0, label="theory and simulation differ")
    ax.set_title(f"N = T = {comparison.updates}", fontsize=9)
    ax.set_xlabel(r"learning rate $\eta$")
