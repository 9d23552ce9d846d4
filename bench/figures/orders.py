"""The test loss against the learning rate, by every order about the start and about the path, beside runs."""

import numpy as np

import fastdiag as fd

from .frame import beside, judged
from .style import BLACK, BLUE, GREY, ORANGE, RED, SKY, doubted, measured, plain_logs, shared_legend, theory, titled

NAMED = {"path": "about the path, noise {}", "start": "about the start, order {}"}


def compared(land, spacetime, etas, runs, seed, order=3, resummed=True, noise=2, between=2):
    """Every order at the simulated learning rates and at some between them, and what judges the highest ones."""
    etas = np.asarray(etas)
    logs = np.log(etas)
    at = np.interp(np.linspace(0, len(etas) - 1, between * (len(etas) - 1) + 1), np.arange(len(etas)), logs)
    grid = np.exp(at)
    grid[::between] = etas
    simulated = fd.simulate(land, spacetime, etas, runs=runs, seed=seed, progress=False)
    found = {"etas": etas, "grid": grid, "start_loss": land.loss}
    plain = fd.predict(land, spacetime, grid, order=order, resummed=False)
    found["plain"] = np.cumsum(plain.by_order, axis=0)
    found |= marked("plain", plain, simulated, slice(None, None, between))
    if resummed:
        found["start"] = np.cumsum(fd.predict(land, spacetime, grid, order=order).by_order, axis=0)
        found |= marked("start", fd.predict(land, spacetime, etas, order=order), simulated)
    if noise is not None:
        path = fd.predict(land, spacetime, grid, noise=noise)
        found["path"] = np.cumsum(path.by_order, axis=0)
        found |= marked("path", path, simulated, slice(None, None, between))
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
        if f"{kind}_mean" in found:
            columns = {name.removeprefix(f"{kind}_"): value for name, value in found.items() if name.startswith(f"{kind}_")}
            listed += judged(f"{case}, {words}", labels, columns)
    return listed


def draw(ax, found, title, top=1.35):
    """One panel: orders as lines, the runs as points, where the highest order is not to be trusted shaded."""
    grid, start = found["grid"], float(found["start_loss"])
    for d, curve in enumerate(found["plain"][1:], 1):
        look = {"lw": 0.7, "color": GREY} if len(NAMED.keys() & found.keys()) else {}
        theory(ax, grid, curve, d, f"plain series, order {d}", **look)
    for d, curve in enumerate(found.get("path", ())):
        theory(ax, grid, curve, d, NAMED["path"].format(d), color=(ORANGE, RED, BLUE)[d])
    if "start" in found:
        theory(ax, grid, found["start"][-1], 5, NAMED["start"].format(len(found["start"]) - 1), color=SKY)
    shown = next(kind for kind in (*NAMED, "plain") if kind in found)
    doubted(ax, found["etas"], found[f"{shown}_believable"])
    measured(ax, found["etas"], found[f"{shown}_mean"], found[f"{shown}_stderr"], label="simulated, 99 %", color=BLACK)
    ax.axhline(start, color=GREY, lw=0.7, ls=(0, (1, 3)), label="at the start")
    ax.set_xscale("log")
    plain_logs(ax.xaxis, (1, 3))
    ax.set_xlim(grid[0] / 1.1, grid[-1] * 1.1)
    high = max(start, float(np.max(found[f"{shown}_mean"])))
    low = float(np.min(found[f"{shown}_mean"]))
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
