"""The generalization gap on breast cancer against eta T, over several epochs: about the start and about the path."""

from functools import partial

import numpy as np

import fastdiag as fd

from .frame import beside, judged
from .style import BLACK, GREY, legend, measured, plain_logs, theory, titled

TITLE = "generalization gap against eta T on breast cancer, order 2 about the start and about the path"
SIZE = (9.0, 3.4)
SEEDS = "N"
SIZES = {20: (1, 20), 100: (5, 20)}  # N: batch, updates to an epoch
ETAS = (0.003, 0.01, 0.03)
SHARES = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)  # epochs


def one(N, quick):
    land, (batch, length) = fd.landscapes.breast_cancer(), SIZES[N]
    spacetime = fd.Spacetime(N, batch, E=4)
    times = [max(1, round(share * length)) for share in (SHARES[1::2] if quick else SHARES)]
    etas = np.array(ETAS)
    asked = {"observable": "generalization_gap", "T": times}
    simulated = fd.simulate(land, spacetime, etas, runs=1000 if quick else 20_000, seed=N, progress=False, **asked)
    found = {"times": times, "etas": etas}
    for name, options in (("path", {"noise": 1}), ("start", {"order": 2})):
        kept = beside(fd.predict(land, spacetime, etas, **options, **asked), simulated)
        found |= {f"{name}_{key}": value for key, value in kept.items()}
    return found


def pieces(quick):
    return {f"N{N}": partial(one, N, quick) for N in ([20] if quick else SIZES)}


def rows(found):
    listed = []
    for piece, each in found.items():
        for kind in ("path", "start"):
            columns = {key.removeprefix(f"{kind}_"): value for key, value in each.items() if key.startswith(f"{kind}_")}
            for k, eta in enumerate(each["etas"]):
                case = f"gap, breast cancer, N = {piece[1:]}, about the {kind}, eta = {eta:g}"
                along = {key: value[k] for key, value in columns.items()}
                listed += judged(case, [f"T = {T}" for T in each["times"]], along)
    return listed


def draw(figure, found):
    axes = figure.subplots(1, len(found), squeeze=False)[0]
    for ax, (piece, each) in zip(axes, found.items(), strict=True):
        N = int(piece[1:])
        for k, eta in enumerate(each["etas"]):
            x = eta * each["times"]
            theory(ax, x, each["path_prediction"][k], k, rf"about the path, noise 1, $\eta$ = {eta:g}")
            theory(ax, x, each["start_prediction"][k], k, None if k else "about the start, order 2", color=GREY, lw=0.8)
            measured(ax, x, each["path_mean"][k], each["path_stderr"][k], k, "simulated, 99 %" if k == 0 else None,
                     color=BLACK)
        ax.set_xscale("log")
        plain_logs(ax.xaxis, (1, 3))
        ax.set_ylim(0, 1.3 * each["path_mean"].max())
        titled(ax, f"N = {N}, B = {SIZES[N][0]}, up to four epochs", r"$\eta T$", "test loss less train loss")
    legend(axes[0], loc="upper left")
