"""Predicted curves beside simulated points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..expansion import Prediction
from ..record import Record
from ..simulation import Simulation
from ..spacetime import Spacetime
from ..typing import FloatArray, IntArray
from .picture import picture

INK = ("#9aa5b1", "#5b8fb9", "#2f6690", "#16425b", "#0b2533")
CLOSED = "#3f8f5f"  # of the self-consistent path


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
    with picture(path, 3.6 * len(comparisons) + 1.2, 3.6, title) as figure:
        axes = np.atleast_1d(figure.subplots(1, len(comparisons), sharey=True))
        tops = np.concatenate([c.mean + c.halfwidth for c in comparisons])
        height = 1.25 * float(tops.max(initial=0.0, where=np.isfinite(tops)) or 1.0)
        for ax, comparison in zip(axes, comparisons, strict=True):
            _panel(ax, comparison, height)
        axes[0].set_ylabel(what)
        named = {label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
        figure.legend(named.values(), named.keys(), loc="outside right upper", frameon=False, fontsize=8)


def _panel(ax: Any, comparison: Comparison, height: float) -> None:
    grid, etas, start = comparison.grid, comparison.etas, None
    for name, curve in comparison.curves:
        if name == "order 0":
            start = curve[0]
        else:
            ax.plot(grid, curve, label=_label(name), **_line(name, comparison.judged))
    if start:
        ax.axhline(start, color=INK[0], lw=0.8, ls=":", label="order 0: the starting loss")
    ax.errorbar(etas, comparison.mean, comparison.halfwidth, fmt="o", ms=3.5, color="#b5482a", capsize=2,
                lw=1, label="simulation, 95 %", zorder=5)
    ax.set_xscale("log")
    ax.set_xlim(etas[0] / 1.15, etas[-1] * 1.15)
    ax.set_ylim(0, 1.25 * start if start else height)
    if not comparison.trusted.all():
        edge = float(etas[~comparison.trusted][0])
        before = etas[etas < edge]
        left = float(np.sqrt(before[-1] * edge)) if len(before) else etas[0] / 1.15
        ax.axvspan(left, etas[-1] * 1.15, color="0.5", alpha=0.13, lw=0, label=f"{_label(comparison.judged)}: do not trust")
    ax.set_title(comparison.spacetime, fontsize=9)
    ax.set_xlabel(r"learning rate $\eta$")


def _label(name: str) -> str:
    """A curve's name in a legend."""
    kind, _, order = name.partition(" ")
    if kind == "self-consistent":
        return "self-consistent path"
    return {"noise": f"about the path, noise {order}", "resummed": f"about the start, order {order}"}.get(kind, name)


def _line(name: str, judged: str) -> dict[str, Any]:
    """How a curve is drawn."""
    kind, _, order = name.partition(" ")
    if kind == "self-consistent":
        return {"color": CLOSED, "lw": 1.2, "ls": (0, (5, 1.5))}
    if kind == "order" or (kind == "resummed" and judged.startswith("noise")):
        return {"color": INK[int(order) % len(INK)] if kind == "order" else "0.45", "lw": 0.9, "ls": (0, (4, 2))}
    return {"color": INK[int(order) % len(INK)], "lw": 1.1 + 0.4 * int(order)}
