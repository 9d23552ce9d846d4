"""Stationary laws at large learning rates : one weight, two weights, momentum (cf. paper [D], figures 1 to 3)."""

from functools import partial
from math import pi, sqrt

import numpy as np

from fastdiag import stationary as laws

from .frame import Row
from .runs import moments, settled
from .style import BLACK, BLUE, GREY, ORANGE, RED, legend, measured, theory, titled

TITLE = "stationary laws at large learning rates: one weight, two weights, momentum"
SIZE = (11.4, 3.7)
SEEDS = "0"
K = np.array([[1.0, 0.2], [0.2, 0.5]])
C = np.array([[1.0, -0.3], [-0.3, 2.0]])
RATES, LARGE, MOMENTUM = (0.2, 1.0, 1.7), 1.5, 1.2
LOOKS = {
    "mean": {"color": ORANGE, "lw": 3, "label": "simulated"}, "exact": {"color": BLUE, "lw": 1.1, "label": "exact"},
    "slow": {"color": RED, "lw": 1, "ls": (0, (4, 2)), "label": "small learning rates"},
}
KINDS = {"heavy": (None, (-0.2, 0.0, 0.3, 0.6, 0.8)), "quasi": (0.7, (-0.2, 0.0, 0.3, 0.6, 0.8))}


def one_weight(lam, runs):
    w = settled(np.eye(1), np.eye(1), lam, runs=runs)
    heights, edges = np.histogram(w, np.linspace(-6, 6, 49))
    mean, error = moments(w)
    exact, slow = (law([[1.0]], [[1.0]], lam)[0, 0] for law in (laws.stationary_covariance, laws.continuous_covariance))
    return {"counts": heights, "edges": edges, "mean": mean, "error": error, "exact": [[exact]], "slow": slow, "lam": lam}


def two_weights(runs):
    w = settled(K, C, LARGE, runs=runs)
    mean, error = moments(w)
    exact, slow = laws.stationary_covariance(K, C, LARGE), laws.continuous_covariance(K, C, LARGE)
    return {"cloud": w[:800].astype("f4"), "mean": mean, "error": error, "exact": exact, "slow": slow}


def momentum(kind, law, runs):
    nu, mus = KINDS[kind]
    found = [moments(settled(np.eye(1), np.eye(1), MOMENTUM, mu, nu, law=law, runs=runs)) for mu in mus]
    mean, error = np.array(found)[:, :, 0, 0].T
    exact = [laws.stationary_covariance([[1.0]], [[1.0]], MOMENTUM, mu, nu)[0, 0] for mu in mus]
    return {"mu": mus, "mean": mean, "error": error, "exact": exact}


def pieces(quick):
    runs = 3000 if quick else 20_000
    asked = {f"one{lam}".replace(".", "_"): partial(one_weight, lam, runs) for lam in RATES}
    asked["two"] = partial(two_weights, runs)
    return asked | {f"{kind}-{law}": partial(momentum, kind, law, runs) for kind in KINDS for law in ("normal", "signs")}


def rows(found):
    listed = []
    for piece, each in found.items():
        columns = (np.ravel(each[key]).tolist() for key in ("exact", "mean", "error"))
        for i, (exact, mean, error) in enumerate(zip(*columns, strict=True)):
            if piece != "two" or i != 2:  # of a symmetric matrix one of two equal entries
                listed.append(Row(f"stationary second moment, {piece}, {i}", exact, mean, error))
    return listed


def density(w, variance):
    return np.exp(-(w**2) / (2 * variance)) / sqrt(2 * pi * variance)


def draw(figure, found):
    left, middle, right = figure.subplots(1, 3)
    grid = np.linspace(-6, 6, 400)
    for k, lam in enumerate(RATES):
        each = found[f"one{lam}".replace(".", "_")]
        edges, counts = each["edges"], each["counts"]
        theory(left, grid, density(grid, each["exact"][0, 0]), k, rf"$\lambda k$ = {lam:g}", ls="-")
        theory(left, grid, density(grid, each["slow"]), k, None, ls=(0, (4, 2)), lw=0.8)
        scale, seen = counts.sum() * (edges[1] - edges[0]), counts > 0
        middles = ((edges[1:] + edges[:-1]) / 2)[seen]
        measured(left, middles, counts[seen] / scale, np.sqrt(counts[seen]) / scale, k, ms=2.6, capsize=0)
    left.set_yscale("log")
    left.set_ylim(2e-5, 1.5)
    titled(left, "one weight: exact (lines), simulated, 99 % (marks),\nsmall learning rates (dashed)", "w", "density")
    each = found["two"]
    middle.plot(*each["cloud"].T, ".", ms=1.5, color="0.75", rasterized=True)
    turn = np.linspace(0, 2 * pi, 200)
    for key, look in LOOKS.items():
        middle.plot(*(2 * np.linalg.cholesky(each[key]) @ [np.cos(turn), np.sin(turn)]), **look)
    middle.set_aspect("equal")
    middle.set_xlim(-7.5, 7.5)
    middle.set_ylim(-7, 11)
    limit = laws.stability_limit(float(np.linalg.eigvalsh(K)[-1]))
    titled(middle, rf"two weights, $\lambda$ = {LARGE} (limit {limit:.3g}):" "\ntwo standard deviations", "$w_1$", "$w_2$")
    grid = np.linspace(-0.25, 0.9, 120)
    for k, (kind, label) in enumerate((("heavy", "heavy ball"), ("quasi", r"quasi-hyperbolic, $\nu$ = 0.7"))):
        nu = KINDS[kind][0]
        theory(right, grid, [laws.stationary_covariance([[1.0]], [[1.0]], MOMENTUM, mu, nu)[0, 0] for mu in grid], k, label)
        for law, mark in (("normal", "o"), ("signs", "s")):
            each = found[f"{kind}-{law}"]
            ms = 3 if law == "normal" else 6.5
            measured(right, each["mu"], each["mean"], each["error"], k, fmt=mark, ms=ms, mfc="none")
    theory(right, grid, MOMENTUM / (2 * (1 - grid)), 3, "heavy ball, small learning rates", color=GREY, lw=0.9)
    for mark, ms, law in (("o", 3, "Gaussian noise"), ("s", 6.5, r"noise $\pm 1$")):
        right.plot([], [], mark, ms=ms, mfc="none", color=BLACK, label=f"simulated, {law}, 99 %")
    right.set_yscale("log")
    right.set_ylim(top=40)
    titled(right, rf"momentum, one weight, $\lambda k$ = {MOMENTUM}", r"momentum $\mu$", "variance")
    for ax, place in ((left, "upper right"), (middle, "upper left"), (right, "upper left")):
        legend(ax, loc=place, fontsize=7)
