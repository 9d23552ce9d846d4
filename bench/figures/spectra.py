"""Escape of SGD from a minimum into flat directions, for three spectra of the Hessian (paper [E], figure 3)."""

from functools import partial
from math import inf

import numpy as np

import fastdiag as fd

from .frame import Row
from .style import BLACK, GREY, legend, measured, theory, titled

TITLE = "escape from a minimum for three spectra: the flat/sharp ratio of SGD and of GD"
SIZE = (11.4, 3.4)
SEEDS = "3"
D, BATCH, UPDATES, SEEN, BEYOND = 50, 4, 24, 5, 2.1  # means are seen for some updates: then the tails are too heavy
SPECTRA = {
    "half": (r"$\lambda_i = i^{-1/2}$", np.arange(1, D + 1) ** -0.5),
    "one": (r"$\lambda_i = 1/i$", 1.0 / np.arange(1, D + 1)),
    "spike": ("a spike: 1, and 49 of 0.1", np.r_[1.0, np.full(D - 1, 0.1)]),
}


def one(name, runs):
    """The ratio of expected losses, exactly for fresh Gaussian inputs, and over runs; and that of GD."""
    lams = SPECTRA[name][1]
    eta = 1.2 * fd.noise.escape_threshold(lams, None, BATCH)
    start = np.ones(D)
    exact = fd.noise.flat_ratio(lams, fd.noise.eigen_dynamics(lams, eta, start, UPDATES, BATCH), 1)
    gd = fd.noise.flat_ratio(lams, fd.noise.eigen_dynamics(lams, BEYOND / lams[0], start, UPDATES, inf), 1)
    rng = np.random.default_rng(3)
    w = rng.standard_normal((runs, D))
    ratios, errors = [], []
    for _ in range(SEEN):
        pull = np.zeros_like(w)
        for _ in range(BATCH):
            x = rng.standard_normal((runs, D)) * np.sqrt(lams)
            pull += x * np.einsum("ij,ij->i", x, w)[:, None]
        w -= eta / BATCH * pull
        losses = lams * w**2
        flat, sharp = losses[:, 1:].sum(axis=1), losses[:, 0]
        ratios.append(flat.mean() / sharp.mean())
        errors.append(np.std(flat - ratios[-1] * sharp) / sharp.mean() / runs**0.5)  # delta method
    limit = fd.noise.flat_ratio_limit(lams, eta, 1, None, BATCH)
    return {"eta": eta, "exact": exact, "gd": gd, "mean": ratios, "stderr": errors, "limit": limit}


def pieces(quick):
    return {name: partial(one, name, 4000 if quick else 40_000) for name in SPECTRA}


def rows(found):
    return [
        Row(f"flat/sharp ratio, spectrum {name}, t = {t + 1}",
            *(float(column[t]) for column in (each["exact"][1:], each["mean"], each["stderr"])))
        for name, each in found.items() for t in range(SEEN)
    ]


def draw(figure, found):
    times = np.arange(UPDATES + 1)
    for ax, (name, each) in zip(figure.subplots(1, 3, sharey=True), found.items(), strict=True):
        lams = SPECTRA[name][1]
        theory(ax, times, each["exact"], 0, f"SGD, B = {BATCH}, exact")
        theory(ax, times, each["gd"], 1, rf"GD, $\eta\lambda_1$ = {BEYOND}")
        measured(ax, times[1 : SEEN + 1], each["mean"], each["stderr"], label="SGD, simulated, 99 %", color=BLACK)
        ax.axhline(float(each["limit"]), color=GREY, lw=0.8, ls=(0, (1, 1.5)), label="SGD in the end")
        ax.axhline(fd.noise.flat_ratio(lams, lams, 1), color=GREY, lw=0.8, ls=(0, (5, 2)),
                   label=r"$\sum_{i>1}\lambda_i^2/\lambda_1^2$")
        ax.set_yscale("log")
        ax.set_ylim(1e-3, 1e4)
        titled(ax, f"{SPECTRA[name][0]}, $\\eta$ = {each['eta']:.2f}", "updates", "flat/sharp loss ratio $D_1$")
        legend(ax, loc="upper right")
