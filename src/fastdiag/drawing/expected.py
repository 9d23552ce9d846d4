"""Pictures of predictions and simulations: curves over learning rates or numbers of updates, or sums order by order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import shown
from ..errors import InputError
from ..expansion import Prediction
from ..markup import cell
from ..numerals import written
from ..simulation import Simulation
from ..spacetime import Spacetime
from ..typing import FloatArray
from .curves import name_of
from .panel import INK, MEASURED, Panel, draw, legend
from .picture import picture

MOST_PANELS = 4
MOST_LINES = 8  # components of a vector


def plot(path: str | Path | None, prediction: Prediction | None, simulation: Simulation | None) -> Any:
    """A prediction, a simulation, or both, as a Figure; see `Prediction.plot`."""
    if prediction is None:
        assert simulation is not None
        return _curves(path, None, simulation)
    if simulation is not None:
        _check_beside(prediction, simulation)
    if np.ndim(prediction.eta) != 1 and not isinstance(prediction.T, tuple):
        return _orders(path, prediction, simulation)
    return _curves(path, prediction, simulation)


def _check_beside(prediction: Prediction, simulation: object) -> None:
    if not isinstance(simulation, Simulation):
        raise InputError(f"beside takes what fastdiag.simulate gives, not {shown(simulation)}")
    if str(prediction.observable) != str(simulation.observable):
        raise InputError(f"the prediction is of the {prediction.observable}, the simulation of the {simulation.observable}")
    kinds = [(s.N, s.B, s.sampling, s.last) for s in (prediction.spacetime, simulation.spacetime)]
    if kinds[0] != kinds[1] or prediction.training_set != simulation.training_set:
        raise InputError(
            f"the prediction is of {prediction.spacetime}, {prediction.training_set} training sets, the simulation of "
            f"{simulation.spacetime}, {simulation.training_set} ones"
        )
    if prediction.update != simulation.update:
        rules = ["SGD" if rule is None else shown(rule) for rule in (prediction.update, simulation.update)]
        raise InputError(f"the prediction is of {rules[0]}, the simulation of {rules[1]}")


def _curves(path: str | Path | None, prediction: Prediction | None, simulation: Simulation | None) -> Any:
    first: Any = simulation if prediction is None else prediction
    rates, times = _rates(first.eta), _times(first.T)
    over = "T" if len(times) > 1 and len(rates) <= MOST_PANELS else "eta"
    kept = rates if over == "T" else times
    if len(kept) > MOST_PANELS:
        raise InputError(
            f"{len(rates)} learning rates by {len(times)} numbers of updates are too many to draw; "
            f"give at most {MOST_PANELS} of one of them"
        )
    panels = [_panel(over, place, first.spacetime, prediction, simulation) for place in kept]
    with picture(path, 3.6 * len(panels) + 1.6, 3.6) as figure:
        axes = np.atleast_1d(figure.subplots(1, len(panels), sharey=len(panels) == 1))
        for ax, panel in zip(axes, panels, strict=True):
            draw(ax, panel)
        axes[0].set_ylabel(_name(first))
        legend(figure, axes)
    return figure


def _panel(
    over: str, place: Any, spacetime: Spacetime, prediction: Prediction | None, simulation: Simulation | None
) -> Panel:
    """At one learning rate over numbers of updates, or at one number of updates over learning rates."""
    curves, doubted, judged = [], (np.zeros(0), np.zeros(0, bool)), ""
    if prediction is not None:
        judged = name_of(prediction, prediction.order)
        x, total = _along(over, place, prediction, prediction.total)
        orders = range(prediction.order + 1) if total.ndim == 1 else [prediction.order]
        curves = [(name_of(prediction, d), *_along(over, place, prediction, prediction.up_to(d))) for d in orders]
        believable = np.broadcast_to(prediction.trust.believable, np.shape(prediction.trust.size))
        doubted = x, _along(over, place, prediction, believable)[1] == 0
    points = None
    if simulation is not None:
        x, means = _along(over, place, simulation, simulation.mean)
        points = x, means, 1.96 * _along(over, place, simulation, simulation.stderr)[1]
    at = f"eta = {cell(place)}" if over == "T" else f"T = {written(place)}"
    title = f"N = {written(spacetime.N)}, B = {written(spacetime.B)}, {at}"
    return Panel(title, over, tuple(curves), judged, doubted, points)


def _along(over: str, place: Any, found: Any, values: Any) -> tuple[FloatArray, FloatArray]:
    """Places along the axis, and values there: (x,), or (x, components), the largest of them; of a matrix its diagonal."""
    rates, times = _rates(found.eta), _times(found.T)
    grid = _numbers(values)
    if found.observable == "covariance" and grid.ndim > 1 and grid.shape[-1] == grid.shape[-2]:
        grid = np.diagonal(grid, axis1=-2, axis2=-1)
    grid = grid.reshape(len(rates), len(times), -1)
    fixed, along = (rates, times) if over == "T" else (times, rates)
    if place not in fixed:
        raise InputError(f"prediction and simulation have no {'eta' if over == 'T' else 'T'} = {cell(place)} in common")
    chosen = grid[fixed.index(place)] if over == "T" else grid[:, fixed.index(place)]
    if chosen.shape[1] > MOST_LINES:
        chosen = chosen[:, np.sort(np.argsort(-np.abs(chosen[-1]))[:MOST_LINES])]
    order = np.argsort(along)
    return np.array(along, float)[order], chosen[order, 0] if chosen.shape[1] == 1 else chosen[order]


def _orders(path: str | Path | None, prediction: Prediction, simulation: Simulation | None) -> Any:
    """At one learning rate and number of updates: what the sum comes to, order by order."""
    sums = np.array([np.ravel(_numbers(prediction.up_to(d))) for d in range(prediction.order + 1)])
    if sums.shape[1] > 1:
        raise InputError(f"a picture of one {prediction.observable} has {sums.shape[1]} numbers; give eta or T as an array")
    at = f"{prediction.spacetime}, eta = {'a matrix' if np.ndim(prediction.eta) == 2 else cell(prediction.eta)}"
    with picture(path, 4.6, 3.4) as figure:
        ax = figure.subplots()
        ax.plot(range(len(sums)), sums[:, 0], "o-", ms=4, lw=1.1, color=INK[3], label="sum to this order")
        error = float(prediction.trust.error)
        if np.isfinite(error):
            ax.fill_between(range(len(sums)), sums[-1, 0] - error, sums[-1, 0] + error, color=INK[2], alpha=0.18, lw=0,
                            label="what is left out, as far as can be told")
        if simulation is not None:
            mean, half = float(simulation.mean), 1.96 * float(simulation.stderr)
            ax.axhline(mean, color=MEASURED, lw=1, label="simulation, 95 %")
            ax.axhspan(mean - half, mean + half, color=MEASURED, alpha=0.15, lw=0)
        ax.set_xticks(range(len(sums)))
        ax.set_xlabel("order kept" if prediction.noise is None else "noise order kept")
        ax.set_ylabel(_name(prediction))
        ax.set_title(at, fontsize=8, parse_math=False)
        ax.legend(frameon=False, fontsize=8)
    return figure


def _rates(eta: Any) -> list[float]:
    return [float("nan")] if np.ndim(eta) == 2 else [float(rate) for rate in np.atleast_1d(eta).tolist()]


def _times(T: Any) -> list[Any]:
    times = list(T) if isinstance(T, tuple) else [T]
    if len(times) > 1 and not all(np.isfinite(float(t)) for t in times):
        raise InputError("T = inf has no place on an axis; leave it out")
    return times


def _numbers(values: Any) -> FloatArray:
    try:
        return np.asarray(values, dtype=float)
    except TypeError:
        raise InputError(f"a picture needs numbers, and {shown(values)} is a formula; put numbers in its place") from None


def _name(found: Any) -> str:
    return f"expected {str(found.observable).replace('_', ' ')}"
