"""Escape from a cubic well over a barrier: the exact rate, Kramers' heuristics, and runs (in place of [D], figure 6(b)).

Well, barrier and batch sizes of [D]'s figure are not known here: these are settings of our own, at which escapes can be
simulated, and no copy of it. What it is to show, that at large rates the discrete formula is nearer than the continuous
one, holds at these from lam k_a of about 1.2 on, with (52) corrected.
"""

from functools import partial
from math import sqrt

import numpy as np

from fastdiag import stationary as laws

from .frame import Row
from .runs import leaving
from .style import BLACK, BLUE, legend, measured, theory, titled

TITLE = "escape from a well at large learning rates, exact, by Kramers, and simulated"
SIZE = (9.4, 3.6)
SEEDS = "0"
HEIGHT = 1 / 6
RATES = {"same": (0.1, 0.3, 0.5, 1.0, 1.5, 1.8), "curved": (0.5, 1.0, 1.5, 1.8)}  # smaller ones are too rare to be run
GRID = np.concatenate([np.geomspace(0.03, 0.8, 12), np.linspace(0.85, 1.9, 12)])


def gradient(w):
    """Of w^2/2 on the left of the minimum, w^2/2 - w^3/3 on the right; the barrier, 1/6 high, is at w = 1."""
    return np.where(w < 0, w, w - w**2)


def setting(kind, lam):
    """The batch size that makes the barrier five temperatures high, or two; the noise's deviation; the domain.

    The second noise has variance |L''| / S, at least a fifth of 1 / S, as [D] has it at the bottom and at the top.
    """
    S = (5.0 if kind == "same" else 2.0) * lam / (2 * HEIGHT)
    domain = (-9 * sqrt(lam / (S * (2 - lam))), 1.5)
    if kind == "same":
        return S, sqrt(1 / S), domain

    def noise(w):
        return np.sqrt(np.maximum(np.abs(np.where(w < 0, 1.0, 1 - 2 * w)), 0.2) / S)

    return S, noise, domain


def exact(kind, lam):
    _, noise, domain = setting(kind, lam)
    return laws.escape_rate_1d(gradient, lam, noise, domain, n=600)


def one(kind, lam, runs):
    rate, stderr = leaving(gradient, lam, *setting(kind, lam)[1:], runs=runs)
    return {"lam": lam, "mean": rate, "stderr": stderr, "exact": exact(kind, lam)}


def curves(kind):
    found = {"exact": [exact(kind, lam) / lam for lam in GRID]}
    for discrete in (False, True):
        rates = [laws.kramers_rate(lam, 1.0, -1.0, setting(kind, lam)[0], HEIGHT, discrete=discrete) for lam in GRID]
        found["discrete" if discrete else "continuous"] = rates
    return found


def pieces(quick):
    runs = 4000 if quick else 20_000
    asked = {f"{kind}-curves": partial(curves, kind) for kind in RATES}
    for kind, rates in RATES.items():
        asked |= {f"{kind}-{lam}": partial(one, kind, lam, runs) for lam in (rates[2:] if quick else rates)}
    return {name.replace(".", "_"): piece for name, piece in asked.items()}


def rows(found):
    return [
        Row(f"rate of escape, {piece.partition('-')[0]}, lam = {each['lam']:g}",
            *(float(each[key]) for key in ("exact", "mean", "stderr")))
        for piece, each in found.items() if "lam" in each
    ]


def draw(figure, found):
    titles = {
        "same": "the same noise everywhere, a barrier of five temperatures",
        "curved": "noise that follows the curvature, two temperatures",
    }
    for ax, (kind, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
        lines = found[f"{kind}-curves"]
        theory(ax, GRID, lines["exact"], 0, "exact: transfer operator", lw=1.6, color=BLUE)
        theory(ax, GRID, lines["continuous"], 1, "Kramers, continuous (heuristic)")
        theory(ax, GRID, lines["discrete"], 3, "Kramers, discrete, corrected (heuristic)")
        those = [each for piece, each in found.items() if piece.startswith(kind) and "lam" in each]
        lam, mean, stderr = (np.array([each[key] for each in those]) for key in ("lam", "mean", "stderr"))
        measured(ax, lam, mean / lam, stderr / lam, label="simulated, 99 %", color=BLACK)
        ax.set_xscale("log")
        ax.set_yscale("log")
        titled(ax, title, r"learning rate times curvature $\lambda k_a$", "rate of escape per unit of time")
        legend(ax)
