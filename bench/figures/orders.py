"""The test loss against the learning rate, by every order about the start and about the path, beside runs."""

import numpy as np

import fastdiag as fd

from .frame import beside, judged
from .style import BLACK, BLUE, GREY, ORANGE, RED, SKY, doubted, measured, plain_logs, shared_legend, theory, titled

NAMED = {"path": "about the path, noise {}", "start": "about the start, order {}"}


def compared(land, spacetime, etas, runs, seed, plain=3, start=3, noise=2, between=2, **options):
    """Every order at the simulated learning rates and at some between them, and what judges the highest ones.

    plain, start, noise: these; options: a propagator of the resummed orders, the tolerance of the path's
    """
    etas = np.asarray(etas)
    logs = np.log(etas)
    at = np.interp(np.linspace(0, len(etas) - 1, between * (len(etas) - 1) + 1), np.arange(len(etas)), logs)
    grid = np.exp(at)
    grid[::between] = etas
    simulated = fd.simulate(land, spacetime, etas, runs=runs, seed=seed, progress=False)
    found = {"etas": etas, "grid": grid, "start_loss": land.loss}
    asked = {
        "plain": {"order": plain, "resummed": False},
        "start": {"order": start, "propagator": options.get("propagator")},
        "path": {"noise": noise, "tolerance": options.get("tolerance")},
    }
    for kind, each in asked.items():
        on_grid = fd.predict(land, spacetime, grid, **each)
        found[kind] = np.cumsum(on_grid.by_order, axis=0)
        if kind == "start" and between > 1:  # what it says of itself takes long
            found |= marked(kind, fd.predict(land, spacetime, etas, **each), simulated)
        else:
            found |= marked(kind, on_grid, simulated, slice(None, None, between))
    return found


def marked(kind, prediction, simulation, at=slice(None)):
    """`beside`, with the kind in front of every name."""
    return {f"{kind}_{name}": value for name, value in beside(prediction, simulation, at).items()}


def rows(case, found):
    """What the runs judge: about the path, about the start, and the plain series."""
    labels = [f"eta = {eta:g}" for eta in found["etas"]]
    told = {"path": "about the path", "start": "about the start", "plain": "plain series"}
    listed = []
    for kind, words in told.items():
        columns = {name.removeprefix(f"{kind}_"): value for name, value in found.items() if name.startswith(f"{kind}_")}
        listed += judged(f"{case}, {words}", labels, columns)
    return listed


def draw(ax, found, title, top=1.35):
    """One panel: orders as lines, the runs as points, where the highest order is not to be trusted shaded."""
    grid, start = found["grid"], float(found["start_loss"])
    for d, curve in enumerate(found["plain"][1:], 1):
        theory(ax, grid, curve, d, f"plain series, order {d}", lw=0.7, color=GREY)
    for d, curve in enumerate(found["start"][1:], 1):
        theory(ax, grid, curve, d, NAMED["start"].format(d), lw=1.6, color=SKY)
    for d, curve in enumerate(found["path"]):
        theory(ax, grid, curve, d, NAMED["path"].format(d), color=(ORANGE, RED, BLUE)[d])
    doubted(ax, found["etas"], found["path_believable"], "path not to be trusted")
    measured(ax, found["etas"], found["path_mean"], found["path_stderr"], label="simulated, 99 %", color=BLACK)
    ax.axhline(start, color=GREY, lw=0.7, ls=(0, (1, 3)), label="at the start")
    ax.set_xscale("log")
    plain_logs(ax.xaxis, (1, 3))
    ax.set_xlim(grid[0] / 1.1, grid[-1] * 1.1)
    high = max(start, float(np.max(found["path_mean"])))
    low = float(np.min(found["path_mean"]))
    ax.set_ylim(low - 0.35 * (high - low), high + (top - 1) * (high - low))
    titled(ax, title, r"learning rate $\eta$")


def panels(figure, found, title, rows=1):
    """A panel for each piece, with what its title is made of, and one legend."""
    axes = figure.subplots(rows, -(-len(found) // rows), squeeze=False)
    for ax, (piece, each) in zip(axes.flat, found.items(), strict=True):
        draw(ax, each, title(piece))
    for row in axes:
        row[0].set_ylabel("expected test loss")
    shared_legend(figure, axes)
