"""Stationary laws at large learning rates, beside simulations; and escape over a barrier.

    python bench/figures/stationary_laws.py [folder]

stationary_laws.png: one weight (density, three learning rates), two weights (ellipses), momentum (variance).
escape.png: the rate of escape from a cubic well, exact by the transfer operator, beside Kramers' heuristics. It is in place
of [D] figure 6(b), whose well, barrier and batch sizes are not known here: these are settings of our own, chosen so that
escapes can be simulated, and no copy of that figure; what it is to show, that at large rates the discrete formula is nearer
than the continuous one, holds from lam k_a of about 1.2 on only, with (52) corrected. The barrier is five temperatures high
at every learning rate, so that Kramers' continuous rate is one line.
Right: noise that follows the curvature, as [D] has it at the bottom and at the top, and a barrier of two temperatures;
where the slope is steepest the curvature is small, which the heuristics leave out. Rings are inverse mean times of exit.
Simulated values are asserted to lie within four standard errors of the exact ones.
"""

import sys
from math import sqrt
from pathlib import Path

import numpy as np

from fastdiag import stationary as laws

BLUE, MIDDLE, LIGHT, RED, GREY = "#16425b", "#5b8fb9", "#9ab8cc", "#b5482a", "0.45"
K = np.array([[1.0, 0.2], [0.2, 0.5]])
C = np.array([[1.0, -0.3], [-0.3, 2.0]])
RUNS = 20_000


def run(hessian, noise, lam, mu=0.0, nu=None, updates=200, law="normal", seed=0):
    """Weights after some updates, (runs, n)."""
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(noise)
    w = np.zeros((RUNS, len(hessian)))
    m = np.zeros_like(w)
    for _ in range(updates):
        drawn = rng.standard_normal(w.shape) if law == "normal" else rng.choice([-1.0, 1.0], w.shape)
        g = w @ hessian + drawn @ root.T
        m = mu * m + (1.0 if nu is None else 1 - mu) * g
        w = w - lam * (m if nu is None else (1 - nu) * g + nu * m)
    return w


def agree(w, sigma):
    """Assert that the second moments are those of the law; return the variances' 95 % intervals."""
    products = np.einsum("ri,rj->rij", w, w)
    error = products.std(axis=0) / sqrt(len(w))
    assert (np.abs(products.mean(axis=0) - sigma) < 4 * error).all(), (products.mean(axis=0), sigma, error)
    return np.diag(products.mean(axis=0)), 1.96 * np.diag(error)


def one_weight(ax):
    for lam, color in ((0.2, LIGHT), (1.0, MIDDLE), (1.7, BLUE)):
        exact, slow = (law([[1.0]], [[1.0]], lam)[0, 0] for law in (laws.stationary_covariance, laws.continuous_covariance))
        w = run(np.eye(1), np.eye(1), lam)
        agree(w, exact)
        heights, edges = np.histogram(w, np.linspace(-6, 6, 49), density=True)
        middles = (edges[1:] + edges[:-1]) / 2
        ax.plot(middles[heights > 0], heights[heights > 0], "o", ms=2.6, color=color)
        grid = np.linspace(-6, 6, 400)
        ax.plot(grid, _density(grid, exact), color=color, lw=1.4, label=rf"$\lambda k$ = {lam:g}")
        ax.plot(grid, _density(grid, slow), color=color, lw=0.9, ls=(0, (4, 2)))
    ax.set_yscale("log")
    ax.set_ylim(1e-4, 1.5)
    ax.set_xlabel("weight w")
    ax.set_ylabel("density")
    ax.set_title("one weight: exact (lines), simulated (dots),\nsmall learning rates (dashed)", fontsize=9)
    ax.legend(frameon=False, fontsize=7.5)


def _density(w, variance):
    return np.exp(-(w**2) / (2 * variance)) / sqrt(2 * np.pi * variance)


def two_weights(ax):
    lam = 1.5
    exact, slow = laws.stationary_covariance(K, C, lam), laws.continuous_covariance(K, C, lam)
    w = run(K, C, lam)
    agree(w, exact)
    ax.plot(*w[:1200].T, ".", ms=1.5, color="0.75", rasterized=True)
    for sigma, style, label in (
        (np.cov(w.T), {"color": RED, "lw": 2.4, "alpha": 0.55}, "simulated"), (exact, {"color": BLUE, "lw": 1.1}, "exact"),
        (slow, {"color": GREY, "lw": 1, "ls": (0, (4, 2))}, "small learning rates"),
    ):
        turn = np.linspace(0, 2 * np.pi, 200)
        ellipse = 2 * np.linalg.cholesky(sigma) @ [np.cos(turn), np.sin(turn)]
        ax.plot(*ellipse, label=label, **style)
    ax.set_aspect("equal")
    ax.set_xlim(-7.5, 7.5)
    ax.set_ylim(-7, 11)
    ax.set_xlabel("$w_1$")
    ax.set_ylabel("$w_2$")
    limit = laws.stability_limit(np.linalg.eigvalsh(K)[-1])
    ax.set_title(rf"two weights, $\lambda$ = {lam} (limit {limit:.3g}):" + "\ntwo standard deviations", fontsize=9)
    ax.legend(frameon=False, fontsize=7.5, loc="upper left")


def momentum(ax):
    lam, grid = 1.2, np.linspace(-0.25, 0.9, 120)
    for nu, color, label in ((None, BLUE, "heavy ball"), (0.7, MIDDLE, r"quasi-hyperbolic, $\nu$ = 0.7")):
        ax.plot(grid, [laws.stationary_covariance([[1.0]], [[1.0]], lam, mu, nu)[0, 0] for mu in grid], color=color, lw=1.4,
                label=label)
        for law, shape in (("normal", {"fmt": "o", "ms": 3}), ("signs", {"fmt": "s", "ms": 6, "mfc": "none"})):
            for mu in (-0.2, 0.0, 0.3, 0.6, 0.8):
                w = run(np.eye(1), np.eye(1), lam, mu, nu, law=law)
                sigma = laws.stationary_covariance([[1.0]], [[1.0]], lam, mu, nu)
                mean, half = agree(w, sigma)
                ax.errorbar(mu, mean, half, color=color, capsize=2, **shape)
    ax.plot(grid, lam / (2 * (1 - grid)), color=GREY, lw=1, ls=(0, (4, 2)), label="heavy ball, small learning rates")
    ax.plot([], [], "o", ms=3, color=GREY, label="simulated, Gaussian noise, 95 %")
    ax.plot([], [], "s", ms=6, color=GREY, mfc="none", label=r"simulated, noise $\pm 1$, 95 %")
    ax.set_yscale("log")
    ax.set_xlabel(r"momentum $\mu$")
    ax.set_ylabel("variance")
    ax.set_title(rf"momentum, one weight, $\lambda k$ = {lam}", fontsize=9)
    ax.legend(frameon=False, fontsize=7)


def gradient(w):
    """Of w^2/2 on the left of the minimum, w^2/2 - w^3/3 on the right; the barrier, 1/6 high, is at w = 1."""
    return np.where(w < 0, w, w - w**2)


def leave(lam, noise, domain, seed=0):
    """The simulated rate per update, and half of its 95 % interval."""
    rng = np.random.default_rng(seed)
    w, settle, updates = np.zeros(RUNS), int(20 / lam), int(200 / lam)
    for t in range(settle + updates):
        if t == settle:
            start = len(w)
        std = noise(w) if callable(noise) else noise
        w = w - lam * (gradient(w) + std * rng.standard_normal(len(w)))
        w = w[(w > domain[0]) & (w < domain[1])]
    return np.log(start / len(w)) / updates, 1.96 * sqrt(1 / len(w) - 1 / start) / updates


def escape(ax):
    height, temperatures = 1 / 6, 5.0

    def setting(lam):
        S = temperatures * lam / (2 * height)
        spread = sqrt(lam / (S * (2 - lam)))
        return S, sqrt(1 / S), (-9 * spread, 1.5)

    def exact(lam):
        _, noise, domain = setting(lam)
        return laws.escape_rate_1d(gradient, lam, noise, domain, n=800)

    assert abs(exact(0.5) / 0.00051996773 - 1) < 1e-6
    grid = np.concatenate([np.geomspace(0.03, 0.8, 12), np.linspace(0.85, 1.9, 25)])
    ax.plot(grid, [exact(lam) / lam for lam in grid], color=BLUE, lw=1.6, label="exact: transfer operator")
    for discrete, color, label in ((False, GREY, "Kramers, continuous (heuristic)"),
                                   (True, MIDDLE, "Kramers, discrete, corrected (heuristic)")):
        rates = [laws.kramers_rate(lam, 1.0, -1.0, setting(lam)[0], height, discrete=discrete) for lam in grid]
        ax.plot(grid, rates, color=color, lw=1.1, ls=(0, (4, 2)), label=label)
    for lam in (0.1, 0.3, 0.5, 1.0, 1.5, 1.8):
        rate, half = leave(lam, *setting(lam)[1:])
        assert abs(rate - exact(lam)) < 2.1 * half, (lam, rate, half, exact(lam))
        ax.errorbar(lam, rate / lam, half / lam, fmt="o", ms=3.5, color=RED, capsize=2, lw=1, zorder=5,
                    label="simulated, 95 %" if lam == 0.1 else None)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel(r"learning rate times curvature $\lambda k_a$")
    ax.set_ylabel("rate of escape per unit of time")
    ax.set_title("escape from a cubic well, barrier of five temperatures", fontsize=9)
    ax.legend(frameon=False, fontsize=7.5)


def escape_by_curvature(ax):
    """Noise of variance |L''| / S, at least a fifth of 1 / S, which neither bottom nor top know of."""
    height, temperatures = 1 / 6, 2.0

    def setting(lam):
        S = temperatures * lam / (2 * height)

        def noise(w):
            bend = np.where(w < 0, 1.0, 1 - 2 * w)
            return np.sqrt(np.maximum(np.abs(bend), 0.2) / S)

        return S, noise, (-9 * sqrt(lam / (S * (2 - lam))), 1.5)

    def exact(lam):
        _, noise, domain = setting(lam)
        return laws.escape_rate_1d(gradient, lam, noise, domain, n=800)

    grid = np.concatenate([np.geomspace(0.03, 0.8, 12), np.linspace(0.85, 1.9, 25)])
    ax.plot(grid, [exact(lam) / lam for lam in grid], color=BLUE, lw=1.6, label="exact: transfer operator")
    for discrete, color, label in ((False, GREY, "Kramers, continuous (heuristic)"),
                                   (True, MIDDLE, "Kramers, discrete, corrected (heuristic)")):
        rates = [laws.kramers_rate(lam, 1.0, -1.0, setting(lam)[0], height, discrete=discrete) for lam in grid]
        ax.plot(grid, rates, color=color, lw=1.1, ls=(0, (4, 2)), label=label)
    for lam in (0.1, 0.3, 0.5, 1.0, 1.5, 1.8):
        _, noise, domain = setting(lam)
        time = laws.mean_exit_time_1d(gradient, lam, noise, domain, 0.0, n=800)
        ax.plot(lam, 1 / (lam * time), "o", ms=5, mfc="none", color=BLUE,
                label="inverse mean time of exit" if lam == 0.1 else None)
        if lam < 0.4:
            continue  # too rare to be simulated
        rate, half = leave(lam, noise, domain)
        assert abs(rate - exact(lam)) < 2.1 * half, (lam, rate, half, exact(lam))
        ax.errorbar(lam, rate / lam, half / lam, fmt="o", ms=3.5, color=RED, capsize=2, lw=1, zorder=5,
                    label="simulated, 95 %" if lam == 0.5 else None)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel(r"learning rate times curvature $\lambda k_a$")
    ax.set_title("noise that follows the curvature, two temperatures", fontsize=9)
    ax.legend(frameon=False, fontsize=7.5)


def draw(panels, path, width):
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(width, 3.6), layout="constrained")
        for ax, panel in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True):
            panel(ax)
        figure.savefig(path, dpi=140)


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    folder.mkdir(parents=True, exist_ok=True)
    draw([one_weight, two_weights, momentum], folder / "stationary_laws.png", 11.5)
    draw([escape, escape_by_curvature], folder / "escape.png", 9.6)


if __name__ == "__main__":
    main()
