"""Cyclic learning rates in a valley whose curvature falls along it (after [E], figure 4, on a landscape of our own)."""

from functools import partial
from math import inf

import numpy as np

import fastdiag as fd

from .frame import judged
from .style import BLACK, GREY, legend, measured, theory, titled

TITLE = "cyclic learning rates in a valley whose curvature falls along it"
SIZE = (8.6, 3.5)
SEEDS = "9"
MEAN, PERIOD, T, START = 0.1, 40, 400, 1
SWINGS = {"constant": 0.0, "cyclic": 0.9}
SEEN = tuple(range(40, T + 1, 40))


def landscape():
    """k v^2 / 2 + x v sqrt(k) with the curvature k = 1/(1 + u^2): noise of labels, a valley v = 0 along u."""
    import sympy

    u, v, x = sympy.symbols("u v x", real=True)
    k = 1 / (1 + u**2)
    return fd.landscapes.symbolic(k * v**2 / 2 + x * v * sympy.sqrt(k), (u, v), x, fd.landscapes.normal(), [START, 0])


def factors(swing):
    """What the mean learning rate is multiplied by, at each update."""
    return (1 + swing * np.sin(2 * np.pi * np.arange(T) / PERIOD)).tolist()


def one(name, runs):
    rule = fd.updates.schedule(factors(SWINGS[name])) if SWINGS[name] else None
    land, spacetime = landscape(), fd.Spacetime(inf, 1, T)
    asked = {"observable": "displacement", "T": list(SEEN), "update": rule}
    found = fd.simulate(land, spacetime, MEAN, runs=runs, seed=9, progress=False, **asked)
    kept = along_valley(fd.predict(land, spacetime, MEAN, closure="gaussian", **asked), found)
    noise = fd.predict(land, spacetime, MEAN, noise=1, **asked).total[:, 0]
    gd = fd.simulate(land, spacetime, MEAN, runs=2, method="ode", progress=False, observable="displacement").mean[0]
    return kept | {"gd": gd, "noise": noise}


def along_valley(prediction, simulation):
    """`beside`, of the displacement along the valley alone."""
    trust = prediction.trust
    shape = (len(SEEN),)
    return {
        "prediction": prediction.total[:, 0], "error": np.broadcast_to(trust.error, shape),
        "believable": np.broadcast_to(trust.believable, shape), "mean": simulation.mean[:, 0],
        "stderr": simulation.stderr[:, 0],
    }


def pieces(quick):
    return {name: partial(one, name, 2000 if quick else 20_000) for name in SWINGS}


def rows(found):
    return [
        row for name, each in found.items()
        for row in judged(f"displacement along the valley, {name} rates", [f"T = {t}" for t in SEEN], each)
    ]


def draw(figure, found):
    left, right = figure.subplots(1, 2)
    times = np.arange(T)
    for k, (name, swing) in enumerate(SWINGS.items()):
        theory(left, times, MEAN * np.array(factors(swing)), k, name)
        each = found[name]
        theory(right, SEEN, each["prediction"], k, f"{name}, self-consistent path")
        theory(right, SEEN, each["noise"], k + 2, f"{name}, about the path, noise 1", lw=0.8)
        measured(right, SEEN, each["mean"], each["stderr"], k, f"{name}, simulated, 99 %")
    right.axhline(float(found["constant"]["gd"]), color=GREY, lw=0.8, ls=(0, (1, 2)), label="gradient flow")
    titled(left, "of the same mean", "update", r"learning rate $\eta_t$")
    right.set_ylim(-0.03, 1.05)
    titled(right, rf"from u = {START}, curvature $1/(1+u^2)$", "updates T", "mean displacement along the valley")
    left.axhline(0, color=BLACK, lw=0.5)
    left.set_ylim(0, 0.27)
    legend(left, loc="upper right")
    legend(right, loc="upper left", fontsize=7)
