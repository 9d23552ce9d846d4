"""Several epochs at a smaller learning rate less one epoch, ten points of breast cancer, on common training sets."""

from functools import partial

import numpy as np

import fastdiag as fd

from .frame import difference, judged
from .style import BLACK, legend, measured, theory, titled

TITLE = "E epochs at eta/E less one epoch at eta, breast cancer, ten points"
SIZE = (8.6, 3.5)
SEEDS = "E"
WAYS = {"path": {"noise": 1}, "start": {"order": 3}, "plain": {"order": 3, "resummed": False}}
WORDS = {"path": "about the path, noise 1", "start": "about the start, order 3, resummed", "plain": "plain series, order 3"}
ETAS, EPOCHS, N = (0.003, 0.01), (2, 3, 5, 8), 10


def one(E, quick):
    land, etas = fd.landscapes.breast_cancer(), np.array(ETAS)
    short, long = fd.Spacetime(N, E=1), fd.Spacetime(N, E=E)
    kinds = [("one", short, etas), ("many", long, etas / E)]
    compared = fd.compare(kinds, land, runs=10_000 if quick else 100_000, seed=E, progress=False)
    measured_ = compared.difference("many", "one")
    found = {}
    for name, asked in WAYS.items():
        both = (fd.predict(land, *where, **asked) for where in ((long, etas / E), (short, etas)))
        found |= {f"{name}_{key}": value for key, value in difference(*both, measured_).items()}
    corollary = [
        np.dot(fd.results.corollary_4(land, eta, N, E), land.gradient) for eta in ETAS  # of the weights, along the slope
    ]
    return found | {"corollary": corollary}


def pieces(quick):
    return {f"E{E}": partial(one, E, quick) for E in (EPOCHS[::3] if quick else EPOCHS)}


def rows(found):
    labels = [f"eta = {eta:g}" for eta in ETAS]
    listed = []
    for piece, each in found.items():
        for name, words in WORDS.items():
            columns = {key.removeprefix(f"{name}_"): value for key, value in each.items()}
            listed += judged(f"{piece[1:]} epochs less one, {words}", labels, columns)
    return listed


def draw(figure, found):
    epochs = [int(piece[1:]) for piece in found]
    for k, ax in enumerate(figure.subplots(1, 2)):
        def along(key, k=k):
            return np.array([each[key][k] for each in found.values()])

        theory(ax, epochs, along("corollary"), 3, r"corollary 4, $\eta^2$ alone")
        for kind, (name, words) in enumerate(WORDS.items()):
            theory(ax, epochs, along(f"{name}_prediction"), kind, words)
        measured(ax, epochs, along("path_mean"), along("path_stderr"), label="simulated, paired, 99 %", color=BLACK)
        ax.set_xticks(epochs)
        ax.set_ylim(0, 1.6 * along("corollary").max())
        ax.ticklabel_format(axis="y", scilimits=(0, 0))
        titled(ax, rf"$\eta$ = {ETAS[k]:g}, N = {N}, B = 1", "epochs E", "test loss, E epochs less one")
        legend(ax, loc="upper left")
