"""Gradient descent beside SGD, ten updates: what SGD's noise is worth, and GDC, which has it as a penalty."""

from functools import partial

import numpy as np

import fastdiag as fd

from .frame import QUANTILE, difference, judged
from .style import COLOURS, GREY, MARKS, legend, titled

TITLE = "GD and GDC against SGD, ten updates, several starts and learning rates"
SIZE = (8.6, 3.7)
SEEDS = "7"
ETAS = {"cancer": (0.002, 0.005, 0.01, 0.02, 0.05), "gauss": (0.02, 0.05, 0.1, 0.2)}
STARTS = {"cancer": (0, 1, 2, 3), "gauss": (-1, 0, 1, 2)}
# at a minimum, as GAUSS's, what differs are orders 3 and 4
WAYS = {"cancer": {"noise": 1}, "gauss": {"order": 4, "resummed": False}}
N = 10


def landscape(data, start):
    if data == "gauss":
        return fd.landscapes.gauss(start)
    theta = 0.2 * np.random.default_rng(start).standard_normal(31) if start else None
    return fd.landscapes.breast_cancer(theta=theta)


def one(data, start, quick):
    land, spacetime, whole = landscape(data, start), fd.Spacetime(N, T=N), fd.Spacetime(N, N, N)
    etas = np.array(ETAS[data])
    kinds = [("SGD", spacetime, etas), ("GD", spacetime, etas, "gd"), ("GDC", spacetime, etas, "gdc")]
    compared = fd.compare(kinds, land, runs=2000 if quick else 40_000, seed=7, progress=False)
    predictions = [fd.predict(land, each, etas, **WAYS[data]) for each in (whole, spacetime)]
    found = difference(*predictions, compared.difference("GD", "SGD"))
    led = compared.difference("GDC", "SGD")
    own = compared.difference("GD", "GDC")
    return found | {"etas": etas, "led": led[0], "led_stderr": led[1], "own": own[0], "own_stderr": own[1]}


def pieces(quick):
    starts = {data: each[:1] if quick else each for data, each in STARTS.items()}
    cases = [(data, start) for data, each in starts.items() for start in each]
    return {f"{data}-{start}".replace(".", "_"): partial(one, data, start, quick) for data, start in cases}


def rows(found):
    listed = []
    for piece, each in found.items():
        listed += judged(f"GD less SGD, {piece.replace('-', ', start ', 1)}", [f"eta = {e:g}" for e in each["etas"]], each)
    return listed


def draw(figure, found):
    left, right = figure.subplots(1, 2)
    for k, data in enumerate(("cancer", "gauss")):
        those = [each for piece, each in found.items() if piece.startswith(data)]
        x, xe, y, ye, p, trusted = (np.concatenate([each[key] for each in those]) for key in
                                    ("mean", "stderr", "own", "own_stderr", "prediction", "believable"))
        seen = (np.abs(x) > QUANTILE * xe) & (np.abs(y) > QUANTILE * ye)
        name = {"cancer": "breast cancer (noise 1)", "gauss": "GAUSS (order 4)"}[data]
        options = {"fmt": MARKS[k], "color": COLOURS[k], "ms": 4, "lw": 0.8, "capsize": 1.5}
        errors = QUANTILE * ye[seen], QUANTILE * xe[seen]
        left.errorbar(np.abs(x[seen]), np.abs(y[seen]), *errors, label=name, mfc="white", **options)
        for which, words, look in ((trusted, ", trusted", {}), (~trusted, "", {"mfc": "white"})):
            these = seen & which
            label = name + words if these.any() else None
            right.errorbar(np.abs(p[these]), np.abs(x[these]), QUANTILE * xe[these], label=label, **options | look)
    for ax in (left, right):
        ax.set_xscale("log")
        ax.set_yscale("log")
        ends = np.array(left.get_xlim())
        ax.set_ylim(ends)
        ax.set_xlim(ends[0], max(ends[1], ax.get_xlim()[1]))
        ax.plot(ends, ends, color=GREY, lw=0.8, ls=(0, (4, 2)), label="equal", zorder=0)
        legend(ax)
    titled(left, "GDC in place of SGD", "|GD less SGD|, simulated, 99 %", "|GD less GDC|, simulated, 99 %")
    titled(right, "SGD's noise, predicted", "|GD less SGD|, predicted", "|GD less SGD|, simulated, 99 %")
