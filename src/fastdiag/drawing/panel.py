"""One pair of axes: predictions as curves, a simulation as points with intervals, doubt as a shade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..typing import FloatArray, IntArray
from .picture import logarithmic

INK = ("#9aa5b1", "#5b8fb9", "#2f6690", "#16425b", "#0b2533")
CLOSED = "#3f8f5f"  # of the self-consistent path
MEASURED = "#b5482a"
AXES = {"eta": r"learning rate $\eta$", "T": "updates $T$"}
FEW = 24  # places of a curve, which are marked: between them it is not known
WIDE = 20  # ratio of the ends of an axis from which on it is logarithmic


@dataclass(frozen=True, slots=True)
class Panel:
    """What is drawn over learning rates or numbers of updates."""

    title: str
    over: str
    """'eta' or 'T'."""
    curves: tuple[tuple[str, FloatArray, FloatArray], ...]
    """Names, places (x,), predictions (x,), or (x, components)."""
    judged: str
    """The name of the curve that is to be believed or not."""
    doubted: tuple[FloatArray, IntArray]
    """Places, and whether it is not to be believed there."""
    points: tuple[FloatArray, FloatArray, FloatArray] | None
    """Places, means and half widths of 95 % intervals of a simulation."""
    height: tuple[float, float] | None = None
    """Of the picture; by default what is believed, measured, or of order 0."""

    @property
    def limits(self) -> tuple[float, float] | None:
        """Of the y axis: orders that run away must not hide the rest."""
        if self.height:
            return self.height
        seen = [] if self.points is None else [self.points[1] - self.points[2], self.points[1] + self.points[2]]
        for name, x, y in self.curves:
            where, doubted = self.doubted
            seen.append(y[np.isin(x, where[~doubted])] if name == self.judged else y[: len(x) * name.endswith(" 0")])
        values = np.concatenate([np.ravel(some) for some in seen])
        values = values[np.isfinite(values)]
        if not len(values) or np.ptp(values) == 0:
            return None
        margin = 0.12 * np.ptp(values)
        low = float(values.min())
        return max(low - margin, 0.0) if low >= 0 else low - margin, float(values.max() + margin)


def draw(ax: Any, panel: Panel) -> None:
    """Draw it."""
    measured = [] if panel.points is None else [panel.points[0]]
    places = np.unique(np.concatenate([*measured, *(x for _, x, _ in panel.curves)]))
    is_logarithmic = bool(places[0] > 0 and places[-1] > WIDE * places[0])
    for name, x, y in panel.curves:
        if name == "order 0" and np.all(y == y[0]):
            ax.axhline(np.ravel(y)[0], color=INK[0], lw=0.8, ls=":", label="order 0: at the start")
        else:
            lines = ax.plot(x, y, marker="." if len(x) <= FEW else None, ms=3, **line(name, panel.judged))
            lines[0].set_label(label(name))
    if panel.points is not None:
        x, means, halves = panel.points
        for k, (mean, half) in enumerate(zip(*(np.reshape(a, (len(x), -1)).T for a in (means, halves)), strict=True)):
            ax.errorbar(x, mean, half, fmt="o", ms=3.5, color=MEASURED, capsize=2, lw=1, zorder=5,
                        label=None if k else "simulation, 95 %")
    left, right = _ends(places, is_logarithmic)
    if is_logarithmic:
        logarithmic(ax, left, right)
    ax.set_xlim(left, right)
    if (height := panel.limits) is not None:
        ax.set_ylim(*height)
    _shade(ax, panel, is_logarithmic, left, right)
    ax.set_title(panel.title, fontsize=9, parse_math=False)
    ax.set_xlabel(AXES[panel.over])


def legend(figure: Any, axes: Any) -> None:
    """One for all axes, on the right."""
    named = {text: handle for ax in axes for handle, text in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(named.values(), named.keys(), loc="outside right upper", frameon=False, fontsize=8)


def _shade(ax: Any, panel: Panel, is_logarithmic: bool, left: float, right: float) -> None:
    """From halfway to the places where the judged curve is not to be believed."""
    x, doubted = panel.doubted
    if not doubted.any():
        return
    scale, back = (np.log, np.exp) if is_logarithmic else (np.asarray, np.asarray)
    inner = back((scale(x[1:]) + scale(x[:-1])) / 2)
    edges = np.concatenate([[left], inner, [right]])
    told = f"{label(panel.judged)}: do not trust"
    for i in np.flatnonzero(doubted):
        ax.axvspan(edges[i], edges[i + 1], color="0.5", alpha=0.13, lw=0, label=told)


def _ends(x: FloatArray, is_logarithmic: bool) -> tuple[float, float]:
    if is_logarithmic:
        return float(x[0]) / 1.15, float(x[-1]) * 1.15
    margin = 0.04 * float(np.ptp(x)) or 0.5 * abs(float(x[0])) or 0.5
    return float(x[0]) - margin, float(x[-1]) + margin


def label(name: str) -> str:
    """A curve's name in a legend."""
    kind, _, order = name.partition(" ")
    if kind == "self-consistent":
        return "self-consistent path"
    return {"noise": f"about the path, noise {order}", "resummed": f"about the start, order {order}"}.get(kind, name)


def line(name: str, judged: str) -> dict[str, Any]:
    """How a curve is drawn."""
    kind, _, order = name.partition(" ")
    if kind == "self-consistent":
        return {"color": CLOSED, "lw": 1.2, "ls": (0, (5, 1.5))}
    if kind == "order" or (kind == "resummed" and judged.startswith("noise")):
        return {"color": INK[int(order) % len(INK)] if kind == "order" else "0.45", "lw": 0.9, "ls": (0, (4, 2))}
    return {"color": INK[int(order) % len(INK)], "lw": 1.1 + 0.4 * int(order)}
