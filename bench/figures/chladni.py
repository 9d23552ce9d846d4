"""SGD in a valley whose noise varies along it: like sand on a vibrating plate it ends where little moves."""

from functools import partial
from math import inf, pi

import numpy as np

import fastdiag as fd

from .frame import Row, judged
from .style import BLACK, GREY, legend, measured, theory, titled

TITLE = "the Chladni drift: SGD in a valley of varying noise"
SIZE = (8.6, 3.5)
SEEDS = "4 on the left, 6 on the right"
N, ETA, DEPTH = 10, 0.1, 0.6
STARTS = tuple(round(k * pi / 4, 6) for k in range(-3, 5))
BINS = 24


def sigma(v):
    """Standard deviation of the gradient along the valley."""
    return 1 + DEPTH * np.cos(v)


def landscape(v):
    """u^2 / 2 + x (u + S(v)), S' = sigma: a flat valley u = 0 with noise across and along it."""
    import sympy

    u, w, x = sympy.symbols("u v x", real=True)
    loss = u**2 / 2 + x * (u + w + sympy.Rational(str(DEPTH)) * sympy.sin(w))
    return fd.landscapes.symbolic(loss, (u, w), x, fd.landscapes.normal(), [0, sympy.Rational(str(v))])


def drift(v, quick):
    """Of SGD less GD on the same points, over an epoch, in v."""
    land, spacetime = landscape(v), fd.Spacetime(N, T=N)
    kinds = [("SGD", spacetime, ETA), ("GD", spacetime, ETA, "gd")]
    runs = 20_000 if quick else 60_000
    compared = fd.compare(kinds, land, runs=runs, seed=4, observable="displacement", progress=False)
    mean, stderr = (part[1] for part in compared.difference("SGD", "GD"))
    asked = [fd.predict(land, each, ETA, noise=1, observable="displacement") for each in (spacetime, fd.Spacetime(N, N, N))]
    one, other = (each.total[1] for each in asked)
    return {
        "v": v, "mean": mean, "stderr": stderr, "corollary": -fd.results.corollary_3(land, ETA, N)[1],
        "prediction": one - other, "error": sum(float(each.trust.error) for each in asked),
        "believable": all(bool(each.trust) for each in asked),
    }


def settled(quick):
    """Where SGD on fresh points is after a long time, and the law of its updates v' = v - eta x sigma(v) on the circle."""
    T = 4000 if quick else 20_000
    found = fd.simulate(landscape(0), fd.Spacetime(inf, 1, T), ETA, runs=1000 if quick else 6000, seed=6,
                        observable="displacement", keep_runs=True, progress=False)
    v = np.mod(np.asarray(found.values)[:, 1] + pi, 2 * pi) - pi
    counts, edges = np.histogram(v, np.linspace(-pi, pi, BINS + 1))
    grid = np.linspace(-pi, pi, 800, endpoint=False)
    step = np.mod(grid[:, None] - grid[None, :] + pi, 2 * pi) - pi
    spread = ETA * sigma(grid)[None, :]
    kernel = np.exp(-(step**2) / (2 * spread**2)) / spread
    kernel /= kernel.sum(axis=0)
    even = np.full(len(grid), 1 / len(grid))
    law = np.linalg.solve(kernel - np.eye(len(grid)) + even[:, None], even)  # what an update leaves as it is, of sum 1
    return {"counts": counts, "edges": edges, "grid": grid, "law": law / (law.sum() * (grid[1] - grid[0]))}


def pieces(quick):
    starts = {k: v for k, v in enumerate(STARTS) if not quick or k % 4 == 2}
    return {f"start{k}": partial(drift, v, quick) for k, v in starts.items()} | {"settled": partial(settled, quick)}


def rows(found):
    listed = []
    for piece, each in found.items():
        if piece != "settled":
            listed += judged("SGD less GD along the valley", [f"v = {each['v']:.3g}"], each)
            continue
        middle, runs = (each["edges"][1:] + each["edges"][:-1]) / 2, each["counts"].sum()
        quiet = np.abs(middle) > pi / 2
        share = each["counts"][quiet].sum() / runs
        expected = each["law"][np.abs(each["grid"]) > pi / 2].sum() * (each["grid"][1] - each["grid"][0])
        stderr = (share * (1 - share) / runs) ** 0.5
        listed.append(Row("share of runs in the quiet half", float(expected), float(share), float(stderr)))
    return listed


def draw(figure, found):
    left, right = figure.subplots(1, 2)
    starts = [each for piece, each in found.items() if piece != "settled"]
    v, mean, stderr, path = (np.array([each[key] for each in starts]) for key in ("v", "mean", "stderr", "prediction"))
    grid = np.linspace(-pi, pi, 200)
    slope = -2 * DEPTH * np.sin(grid) * sigma(grid)
    theory(left, grid, -(ETA**2) * (N - 1) / 4 * slope, 3, "corollary 3: $-\\eta^2 (N-1)/4\\ \\nabla C$")
    theory(left, v, path, 0, "about the path, noise 1", ls="none", marker="x", ms=7)
    measured(left, v, mean, stderr, label="simulated, paired, 99 %", color=BLACK)
    titled(left, f"one epoch, N = {N}, $\\eta$ = {ETA:g}", "start v", "SGD less GD, mean displacement in v")
    each = found["settled"]
    width, runs = each["edges"][1] - each["edges"][0], each["counts"].sum()
    middle = (each["edges"][1:] + each["edges"][:-1]) / 2
    heights, errors = each["counts"] / (runs * width), np.sqrt(each["counts"]) / (runs * width)
    theory(right, each["grid"], each["law"], 0, "law of the updates")
    inverse = 1 / sigma(grid) ** 2
    theory(right, grid, inverse / (inverse[:-1].sum() * (grid[1] - grid[0])), 1, "small rates: proportional to 1/C")
    measured(right, middle, heights, errors, label="simulated, 99 %", color=BLACK)
    right.axhline(1 / (2 * pi), color=GREY, lw=0.8, ls=(0, (1, 2)), label="even")
    titled(right, "fresh points, after a long time", "v", "density")
    for ax in (left, right):
        ax.axvline(pi, color=GREY, lw=0.6, ls=":")
        ax.axvline(-pi, color=GREY, lw=0.6, ls=":")
        legend(ax)
