"""Alignment of gradient noise against width, and escape from a minimum by SGD and GD (paper [E]).

    python bench/figures/noise_geometry.py [picture.png]

Left: loss alignment of two-layer nets (linear; leaky ReLU of slope 1/2) at random weights against their width, n = 100
points in 50 dimensions, beside the bounds of equation 9, which hold for any residuals. Middle: the factor by which the
expected loss grows at each update, SGD on fixed data (exact second moments) beside fresh Gaussian inputs (closed form)
and GD. Right: loss in flat over sharp directions as it escapes; the simulated ratio of means is asserted to agree with
the exact one.
"""

import sys
from math import inf

import numpy as np

import fastdiag as fd

POINTS, INPUTS, SEEDS = 100, 50, 20
WIDTHS = (5, 10, 20, 50, 100, 200)
NETS = ("linear", "leaky ReLU")
RUNS, UPDATES, BATCH = 40_000, 16, 4
SIMULATED = 6  # updates: the loss's distribution soon has tails too heavy for means


def jacobian(net, width, rng):
    """Jacobian in the first layer's weights of f(x) = a.s(W x), and residuals against a linear teacher, at random W, a."""
    X = rng.standard_normal((POINTS, INPUTS))
    W, a = rng.standard_normal((width, INPUTS)) / INPUTS**0.5, rng.standard_normal(width) / width**0.5
    hidden = X @ W.T
    slopes = np.where(hidden > 0, 1.0, 1.0 if net == "linear" else 0.5)
    J = ((slopes * a)[:, :, None] * X[:, None, :]).reshape(POINTS, -1)
    return J, (slopes * hidden) @ a - X @ rng.standard_normal(INPUTS) / INPUTS**0.5


def alignments(net, width):
    """mu, and its least and greatest value for any residuals, at some random weights, (SEEDS, 3)."""
    rows = []
    for seed in range(SEEDS):
        J, r = jacobian(net, width, np.random.default_rng(seed))
        mu, (low, high) = fd.noise.loss_alignment(J, r), fd.noise.loss_alignment_bounds(J)
        assert low <= mu <= high
        rows.append((mu, low, high))
    return np.array(rows)


def data(points=500, d=50, decay=1.0):
    """Inputs along the eigenvectors of their H, lam_i about i^-decay: columns exactly uncorrelated."""
    X = np.random.default_rng(1).standard_normal((points, d)) * np.arange(1, d + 1) ** (-decay / 2)
    values, vectors = np.linalg.eigh(X.T @ X / points)
    return X @ vectors[:, ::-1], values[::-1]


def growth(X, eta):
    """Growth of the expected loss on fixed data: power iteration on the second moments."""
    S, factor = np.eye(X.shape[1]), 0.0
    for _ in range(60):
        S = fd.noise.second_moment_dynamics(X, S, eta, 5, BATCH)[-1]
        factor = np.trace(S) ** (1 / 5)
        S /= np.trace(S)
    return factor


def simulated(X, lams, eta):
    """D_1 of the mean squares over runs, its standard error, and the median of the runs' own D_1, (SIMULATED + 1,) each."""
    rng = np.random.default_rng(2)
    w = rng.standard_normal((RUNS, len(lams)))
    ratios, errors, medians = [], [], []
    for t in range(SIMULATED + 1):
        losses = lams * w**2
        flat, sharp = losses[:, 1:].sum(axis=1), losses[:, 0]
        ratio = flat.mean() / sharp.mean()
        ratios.append(ratio)
        errors.append(np.std(flat - ratio * sharp) / sharp.mean() / RUNS**0.5)  # delta method
        medians.append(np.median(flat / sharp))
        if t < SIMULATED:
            pull = np.zeros_like(w)
            for _ in range(BATCH):
                x = X[rng.integers(0, len(X), RUNS)]
                pull += x * np.einsum("ij,ij->i", x, w)[:, None]
            w = w - eta / BATCH * pull
    return np.array(ratios), np.array(errors), np.array(medians)


def main():
    widths = {net: np.array([alignments(net, width) for width in WIDTHS]) for net in NETS}
    for net, found in widths.items():
        for width, rows in zip(WIDTHS, found, strict=True):
            mu = rows[:, 0]
            print(f"{net:>10}, width {width:3}: mu {mu.mean():.3f} in [{mu.min():.3f}, {mu.max():.3f}]")
    X, lams = data()
    threshold = fd.noise.escape_threshold(lams, None, BATCH)
    eta = 1.2 * threshold
    etas = np.linspace(0.2, 2.1, 39) * threshold
    fixed = np.array([growth(X, rate) for rate in etas])
    gaussian = np.array([fd.noise.growth_rate(lams, rate, None, BATCH) for rate in etas])
    descent = np.array([fd.noise.growth_rate(lams, rate, 0.0, inf) for rate in etas])
    crossing = float(np.interp(1, fixed[5:], etas[5:]))
    print(f"escape of SGD, B = {BATCH}: Gaussian inputs {threshold:.4f}, these data {crossing:.4f}; GD {2 / lams[0]:.4f}")
    S = fd.noise.second_moment_dynamics(X, np.eye(len(lams)), eta, UPDATES, BATCH)
    exact = fd.noise.flat_ratio(lams, np.diagonal(S, axis1=1, axis2=2), 1)
    online = fd.noise.flat_ratio(lams, fd.noise.eigen_dynamics(lams, eta, np.ones(len(lams)), UPDATES, BATCH), 1)
    beyond = 2.1 / lams[0]
    gd = fd.noise.flat_ratio(lams, fd.noise.eigen_dynamics(lams, beyond, np.ones(len(lams)), UPDATES, inf), 1)
    bound = gd[0] * (np.abs(1 - beyond * lams[1:]).max() / abs(1 - beyond * lams[0])) ** (2 * np.arange(UPDATES + 1))
    ratio, error, median = simulated(X, lams, eta)
    for t in range(SIMULATED + 1):
        print(f"t = {t:2}: D_1 exact {exact[t]:7.4f}, simulated {ratio[t]:7.4f} +- {1.96 * error[t]:.4f}, "
              f"median of runs {median[t]:7.4f}, GD {gd[t]:.2e}")
    assert (np.abs(ratio - exact[: len(ratio)]) < 4.5 * error).all()
    assert (gd <= bound * (1 + 1e-12)).all()
    if len(sys.argv) > 1:
        draw(sys.argv[1], widths, etas, fixed, gaussian, descent, lams, exact, online, ratio, error, gd, bound)


def draw(path, widths, etas, fixed, gaussian, descent, lams, exact, online, ratio, error, gd, bound):
    import matplotlib
    from matplotlib.figure import Figure

    blue, red, grey = "#16425b", "#b5482a", "0.5"
    with matplotlib.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(11.4, 3.5), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        for net, color, marker, shift in zip(NETS, (blue, red), "os", (0.96, 1.04), strict=True):
            x, mu = np.array(WIDTHS) * shift, widths[net][:, :, 0]
            middle_mu = mu.mean(axis=1)
            left.errorbar(x, middle_mu, [middle_mu - mu.min(axis=1), mu.max(axis=1) - middle_mu], fmt=marker, color=color,
                          ms=4, lw=1.1, capsize=2, label=f"{net}: mean and range, {SEEDS} seeds")
            for column, style in ((1, (0, (4, 2))), (2, (0, (4, 2)))):
                name = f"{net}: bounds (9)" if column == 1 else None
                left.plot(WIDTHS, widths[net][:, :, column].mean(axis=1), ls=style, lw=0.9, color=color, marker=marker,
                          ms=2.5, mfc="none", label=name)
        left.axhline(1, color=grey, lw=0.8, ls=":")
        left.set_xscale("log")
        left.set_xticks(WIDTHS, map(str, WIDTHS))
        left.minorticks_off()
        left.set_ylim(0, 4.7)
        left.set_xlabel("width")
        left.set_ylabel(r"loss alignment $\mu$")
        left.set_title(f"two-layer nets, n = {POINTS}, d = {INPUTS}", fontsize=9)
        left.legend(frameon=False, fontsize=7.5, loc="upper right")

        middle.axhline(1, color=grey, lw=0.8, ls=":")
        middle.plot(etas, gaussian, "-", color=blue, lw=1.3, label=f"SGD, B = {BATCH}: Gaussian inputs")
        middle.plot(etas, fixed, "o", color=blue, ms=3.2, mfc="none", label=f"SGD, B = {BATCH}: 500 fixed points")
        middle.plot(etas, descent, "--", color=red, lw=1.1, label="GD")
        middle.set_xlabel(r"learning rate $\eta$")
        middle.set_ylabel("growth of the loss per update")
        middle.set_title(r"escape, $\lambda_i \approx 1/i$, d = 50", fontsize=9)
        middle.legend(frameon=False, fontsize=7.5)

        times = np.arange(UPDATES + 1)
        base = fd.noise.flat_ratio(lams, lams, 1)
        right.axhline(base, color=grey, lw=0.8, ls=":", label=r"$\sum_{i>1}\lambda_i^2/\lambda_1^2$")
        right.plot(times, online, "-", color=blue, lw=1.3, label="SGD, Gaussian inputs")
        right.plot(times, exact, "D", color="#5b8fb9", ms=5, mfc="none", label="SGD, 500 fixed points, exact")
        right.errorbar(times[: len(ratio)], ratio, 1.96 * error, fmt=".", color="k", ms=4, lw=1, capsize=2,
                       label="SGD, 500 fixed points, simulated, 95 %", zorder=5)
        right.plot(times, gd, "s", color=red, ms=4, label=r"GD, $\eta\lambda_1 = 2.1$")
        right.plot(times, bound, "--", color=red, lw=1, label="bound of proposition 5.3")
        right.set_yscale("log")
        right.set_xlabel("updates")
        right.set_ylabel("flat/sharp loss ratio $D_1$")
        right.set_title("where it escapes to", fontsize=9)
        right.set_ylim(3e-4, 6)
        right.set_xticks(times[::4])
        right.legend(frameon=False, fontsize=7.5, loc="lower left")
        figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
