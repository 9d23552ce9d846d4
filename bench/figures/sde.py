"""SGD less SDE at the minimum of GAUSS: what the skewness of gradients, and the order after it, put between them."""

from functools import partial
from math import inf

import numpy as np

import fastdiag as fd

from .frame import judged
from .style import BLACK, GREY, doubted, legend, measured, theory, titled

TITLE = "SGD less SDE on GAUSS: without and with the skew term, and with higher orders"
SIZE = (8.6, 3.5)
SEEDS = "T"
RATES, T = (0.05, 0.1, 0.15, 0.2), 3  # beyond, the SDE's losses have no variance
TIMES, ETA = (1, 2, 4, 8), 0.12
RULES, RUNS = (None, fd.updates.sde()), 200_000


def predicted(etas, times):
    """SGD less SDE by orders of the plain series, to order 6: (7, cases), and the order-3 diagram that the SDE has not."""
    both = [fd.predict(fd.landscapes.gauss(), fd.Spacetime(inf, 1, T), etas, 6, resummed=False, update=rule, T=times)
            for rule in RULES]
    skew = both[0].by_diagram[fd.Diagram.parse("[a a a]")]
    return np.array([both[0].up_to(d) - both[1].up_to(d) for d in range(7)], dtype=float), np.array(skew, dtype=float)


def simulated(etas, T, runs):
    spacetime = fd.Spacetime(T, T=T)
    kinds = [("SGD", spacetime, etas), ("SDE", spacetime, etas, "sde")]
    compared = fd.compare(kinds, fd.landscapes.gauss(), runs=runs, seed=T, refinement=64, progress=False)
    return compared.difference("SGD", "SDE")


def one(along, quick):
    x = np.array((RATES if along == "eta" else TIMES)[1 if quick else 0 :: 2 if quick else 1])
    runs = RUNS // 15 if quick else RUNS
    orders, skew = predicted(x if along == "eta" else ETA, None if along == "eta" else x)
    if along == "eta":
        mean, stderr = simulated(x, T, runs)
    else:
        mean, stderr = np.transpose([simulated(ETA, int(t), runs) for t in x])
    error = np.abs(orders[6] - orders[5])
    return {
        "x": x, "orders": orders, "without": orders[3] - skew, "mean": mean, "stderr": stderr, "prediction": orders[6],
        "error": error, "believable": error <= 0.1 * np.abs(orders[6]),
    }


def pieces(quick):
    return {along: partial(one, along, quick) for along in ("eta", "T")}


def rows(found):
    listed = []
    for along, each in found.items():
        labels = [f"T = {T}, eta = {x:g}" if along == "eta" else f"T = {x}, eta = {ETA}" for x in each["x"]]
        listed += judged("SGD less SDE, GAUSS, order 6", labels, each)
    return listed


def draw(figure, found):
    for ax, (along, each) in zip(figure.subplots(1, 2), found.items(), strict=True):
        x, orders = each["x"], each["orders"]
        ax.axhline(0, color=GREY, lw=0.6)
        theory(ax, x, each["without"], 2, "order 3 without the skew term")
        theory(ax, x, orders[3], 1, r"order 3, with $-\eta^3 T\,S{\cdot}J/6$")
        theory(ax, x, orders[4], 3, "order 4")
        theory(ax, x, orders[6], 0, "order 6")
        measured(ax, x, each["mean"], each["stderr"], label="simulated, 99 %", color=BLACK)
        doubted(ax, x, each["believable"], "order 6 is above a tenth")
        ax.set_xscale("log")
        ax.set_xticks(x, [f"{value:g}" for value in x])
        ax.minorticks_off()
        ax.set_xlim(x[0] / 1.15, x[-1] * 1.15)
        spread = 1.3 * np.abs(np.concatenate([each["mean"], each["without"], orders[3]])).max()
        ax.set_ylim(-0.8 * spread, spread)
        ax.ticklabel_format(axis="y", scilimits=(0, 0))
        fixed = f"T = {T}" if along == "eta" else rf"$\eta$ = {ETA}"
        words = r"learning rate $\eta$" if along == "eta" else "updates T = N"
        titled(ax, f"GAUSS at its minimum, one epoch, {fixed}", words, "test loss, SGD less SDE")
        legend(ax, loc="lower left" if along == "eta" else "upper left", fontsize=7)
