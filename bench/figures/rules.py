"""Momentum, Adam and a step through the batch's Hessian on breast cancer, against their predictions."""

from functools import partial

import numpy as np

import fastdiag as fd

from .frame import beside, judged
from .style import BLACK, doubted, legend, measured, plain_logs, theory, titled

TITLE = "momentum, Adam and Hessian-based steps on breast cancer against their predictions"
SIZE = (11.4, 3.5)
SEEDS = "5"
LARGER = (0.002, 0.005, 0.01, 0.02, 0.05)
RULES = {  # words, rule, learning rates, batch and updates, how far it is predicted
    "momentum": ("heavy ball, $\\mu$ = 0.9", fd.updates.momentum(0.9), (0.0002, 0.0005, 0.001, 0.002, 0.005), (1, 50),
                 {"noise": 1}),
    "newton": ("Hessian step, $\\lambda$ = 1", fd.updates.regularized_newton(1.0), LARGER, (1, 10), {"order": 3}),
    "adam": ("Adam", fd.updates.adam(), LARGER, (10, 50), {"noise": 1}),
}


def one(name, quick):
    _, rule, rates, (batch, updates), asked = RULES[name]
    land, etas = fd.landscapes.breast_cancer(), np.array(rates[::2] if quick else rates)
    spacetime, runs = fd.Spacetime(batch * updates, batch, updates), 500 if quick else 10_000
    simulated = fd.simulate(land, spacetime, etas, runs=runs, seed=5, update=rule, progress=False)
    plain = fd.simulate(land, spacetime, etas, runs=runs, seed=5, progress=False)
    prediction = fd.predict(land, spacetime, etas, update=rule, **asked)
    return beside(prediction, simulated) | {
        "etas": etas, "orders": np.cumsum(prediction.by_order, axis=0), "sgd": plain.mean,
    }


def pieces(quick):
    return {name: partial(one, name, quick) for name in RULES}


def rows(found):
    listed = []
    for name, each in found.items():
        batch, updates = RULES[name][3]
        case = f"{name}, breast cancer, B = {batch}, T = {updates}"
        listed += judged(case, [f"eta = {eta:g}" for eta in each["etas"]], each)
    return listed


def draw(figure, found):
    for ax, (name, each) in zip(figure.subplots(1, len(found)), found.items(), strict=True):
        words, _, _, (batch, updates), asked = RULES[name]
        etas, kind = each["etas"], "noise" if "noise" in asked else "order"
        for d in range(0 if kind == "noise" else 1, len(each["orders"])):
            about = "about the path, noise" if kind == "noise" else "about the start, order"
            theory(ax, etas, each["orders"][d], {0: 4, 1: 0, 2: 1, 3: 2}[d], f"{about} {d}")
        theory(ax, etas, each["sgd"], 3, "plain SGD, simulated", lw=0.9)
        measured(ax, etas, each["mean"], each["stderr"], label="simulated, 99 %", color=BLACK)
        doubted(ax, etas, each["believable"])
        ax.set_xscale("log")
        plain_logs(ax.xaxis)
        ax.set_xlim(etas[0] / 1.15, etas[-1] * 1.15)
        high, low = max(0.72, each["mean"].max()), each["mean"].min()
        ax.set_ylim(low - 0.25 * (high - low), high + 0.2 * (high - low))
        titled(ax, f"{words}, B = {batch}, T = {updates}, one epoch", r"learning rate $\eta$", "expected test loss")
        legend(ax)
