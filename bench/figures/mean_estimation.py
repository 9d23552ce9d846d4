"""MEAN ESTIMATION: the gap of gradient descent against curvature beside AIC and TIC, and a ridge that STIC tunes."""

from fractions import Fraction
from functools import partial

import numpy as np

import fastdiag as fd

from .frame import Row
from .style import BLACK, GREY, RED, legend, measured, plain_logs, theory, titled

TITLE = "MEAN ESTIMATION: overfitting against curvature, AIC, TIC and the gap formula; the ridge that STIC tunes"
SIZE = (8.8, 3.5)
N, T, ETA = 10, 100, 0.1
CURVATURES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
DISTANCE = 1.0  # from the start to the minimum, on the right


def gap(H, quick):
    """Test loss less train loss after T steps on N points from the true minimum, and its formula."""
    land, whole = fd.landscapes.mean_estimation(Fraction(str(H)), 1), fd.Spacetime(N, N, T)
    runs = 4000 if quick else 100_000
    found = fd.simulate(land, whole, ETA, runs=runs, seed=1, observable="generalization_gap", progress=False)
    formula = float(fd.criteria.gap(land, ETA, N, T))
    return {"H": H, "mean": found.mean, "stderr": found.stderr, "formula": formula}


def ridge(H, quick):
    """Excess test loss with no ridge and with STIC's, each training set tuning its own: means over training sets."""
    rng = np.random.default_rng(2)
    excess = []
    for _ in range(30 if quick else 150):
        noise = rng.standard_normal(N)
        slopes = noise - H * DISTANCE  # of l_x = H (theta - distance)^2 / 2 + x theta, at theta = 0
        train = fd.landscapes.samples(np.zeros(N), slopes[:, None], np.full((N, 1, 1), H))
        tuned = fd.criteria.tuned_ridge(train, ETA, N, T)
        for penalty in (0.0, tuned):
            h = H + penalty
            theta = -slopes.mean() * (1 - (1 - ETA * h) ** T) / h
            excess.append(H * (theta - DISTANCE) ** 2 / 2)
    excess = np.reshape(excess, (-1, 2))
    k = (1 - ETA * H) ** T
    exact = H / 2 * ((1 - k) ** 2 / (N * H**2) + k**2 * DISTANCE**2)
    return {"H": H, "mean": excess.mean(axis=0), "stderr": excess.std(axis=0, ddof=1) / len(excess) ** 0.5, "exact": exact}


def pieces(quick):
    curvatures = CURVATURES[1::3] if quick else CURVATURES
    steep = [H for H in curvatures if ETA * H < 1]
    return {f"{name}{H}".replace(".", "_"): partial(piece, H, quick)
            for name, piece, those in (("gap", gap, steep), ("ridge", ridge, steep)) for H in those}


def rows(found):
    listed = []
    for piece, each in found.items():
        at = f"H = {each['H']:g}"
        if piece.startswith("gap"):
            listed.append(Row(f"gap, MEAN ESTIMATION, {at}", *(float(each[key]) for key in ("formula", "mean", "stderr"))))
        else:
            numbers = float(each["exact"]), float(each["mean"][0]), float(each["stderr"][0])
            listed.append(Row(f"excess loss without ridge, MEAN ESTIMATION, {at}", *numbers))
    return listed


def draw(figure, found):
    left, right = figure.subplots(1, 2)
    gaps = [each for piece, each in found.items() if piece.startswith("gap")]
    H, mean, stderr = (np.array([each[key] for each in gaps]) for key in ("H", "mean", "stderr"))
    grid = np.geomspace(H[0], H[-1], 60)
    theory(left, grid, (1 - (1 - ETA * grid) ** T) / (N * grid), 0, "gap formula (STIC)")
    theory(left, grid, 1 / (N * grid), 1, "TIC: tr C/(N H)")
    theory(left, grid, np.full(60, 1 / N), 2, "AIC: n/N")
    measured(left, H, mean, stderr, label="GD, simulated, 99 %", color=BLACK)
    left.set_yscale("log")
    left.set_ylim(0.5 * min(1 / N, mean.min()), 8 * mean.max())
    title = f"N = {N}, T = {T}, $\\eta$ = {ETA:g}, C = 1, from the minimum"
    titled(left, title, "curvature H", "test loss less train loss")
    tuned = [each for piece, each in found.items() if piece.startswith("ridge")]
    H = np.array([each["H"] for each in tuned])
    mean, stderr = (np.array([each[key] for each in tuned]).T for key in ("mean", "stderr"))
    k = (1 - ETA * grid) ** T
    theory(right, grid, grid / 2 * ((1 - k) ** 2 / (N * grid**2) + k**2 * DISTANCE**2), 0, "no ridge, exact")
    measured(right, H / 1.04, mean[0], stderr[0], 6, "no ridge, simulated, 99 %", color=BLACK)
    measured(right, H * 1.04, mean[1], stderr[1], 1, "ridge of least STIC, simulated", color=RED)
    theory(right, grid, grid / 2 * DISTANCE**2, 3, "at the start", color=GREY, lw=0.8)
    right.set_yscale("log")
    right.set_ylim(1e-3, None)
    titled(right, "minimum at distance 1 from the start", "curvature H", "excess test loss")
    for ax in (left, right):
        ax.set_xscale("log")
        plain_logs(ax.xaxis, (1, 3))
        legend(ax)
