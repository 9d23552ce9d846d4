"""MEAN ESTIMATION: the gap of gradient descent against curvature beside AIC and TIC, and a ridge that STIC tunes."""

from fractions import Fraction
from functools import partial

import numpy as np

import fastdiag as fd

from .frame import Row
from .style import BLACK, GREY, RED, legend, measured, plain_logs, theory, titled

TITLE = "MEAN ESTIMATION: overfitting against curvature, AIC, TIC and the gap formula; the ridge that STIC tunes"
SIZE = (8.8, 3.5)
SEEDS = "1 on the left, (2, 1000 H) on the right"
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


def excess(slope, H, penalty=0.0):
    """Excess test loss after T steps from 0 on training sets with such mean slopes there."""
    h = H + penalty
    return H * (-slope * (1 - (1 - ETA * h) ** T) / h - DISTANCE) ** 2 / 2


def ridge(H, quick):
    """Excess test loss with no ridge and with STIC's, which each training set tunes for itself: means over sets."""
    rng = np.random.default_rng([2, round(1000 * H)])
    # slopes of l_x = H (theta - distance)^2 / 2 + x theta at theta = 0
    plain = excess(rng.standard_normal((100_000, N)).mean(axis=1) - H * DISTANCE, H)
    apart = []
    for _ in range(30 if quick else 150):
        slopes = rng.standard_normal(N) - H * DISTANCE
        train = fd.landscapes.samples(np.zeros(N), slopes[:, None], np.full((N, 1, 1), H))
        tuned = fd.criteria.tuned_ridge(train, ETA, N, T)
        apart.append(excess(slopes.mean(), H, tuned) - excess(slopes.mean(), H))
    k = (1 - ETA * H) ** T
    return {
        "H": H, "mean": [plain.mean(), plain.mean() + np.mean(apart)],  # the second by what a ridge adds, set by set
        "stderr": [plain.std() / len(plain) ** 0.5, np.std(apart, ddof=1) / len(apart) ** 0.5],
        "exact": H / 2 * ((1 - k) ** 2 / (N * H**2) + k**2 * DISTANCE**2),
    }


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
