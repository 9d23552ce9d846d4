"""Excess losses at any stable learning rate: regression on minibatches, damped Newton, natural gradient ([D], 4 and 5)."""

from functools import partial

import numpy as np

import fastdiag as fd
from fastdiag import stationary as laws

from .frame import Row
from .runs import regressed, settled
from .style import BLACK, GREY, legend, measured, theory, titled

TITLE = "stationary excess loss: regression on minibatches, damped Newton, natural gradient"
SIZE = (11.4, 3.5)
SEEDS = "0"
K = np.array([[1.0, 0.2], [0.2, 0.5]])
C = np.array([[1.0, -0.3], [-0.3, 2.0]])
MU, BATCH, SHARES = 0.5, 4, (0.1, 0.3, 0.5, 0.7, 0.85)
INVERSE = np.linalg.inv(K)
LAWS = {
    "exact": "exact: the points' own Hessians", "frozen": "the minimum's noise everywhere", "slow": "small learning rates",
}
EXACT = {
    "newton": lambda lam: laws.approximation_error(K, C, lam * INVERSE, MU),
    "natural": lambda lam: np.trace(K @ laws.ngd_covariance(K, C, lam, MU)) / 2,
}
NEWTON, NATURAL = (0.2, 0.8, 1.4, 2.0, 2.6), (0.2, 0.8, 1.6, 3.0)


def data():
    """Inputs and labels of a regression, 200 points, and the landscape seen from its minimum."""
    rng = np.random.default_rng(8)
    X = rng.standard_normal((200, 3)) * [1.0, 0.7, 0.4]
    y = X @ [1.0, -1.0, 0.5] + rng.standard_normal(200)
    return X, y, fd.landscapes.least_squares(X, y, np.linalg.lstsq(X, y, rcond=None)[0])


def regression(share, runs):
    X, y, land = data()
    eta = share * laws.minibatch_stability_limit(X, y, BATCH)
    H, noise = land.hessian, land.gradient_covariance / BATCH
    w = regressed(X, y, np.array(land.theta), eta, BATCH, int(12 / (eta * np.linalg.eigvalsh(H)[0])), runs=runs)
    mean, stderr = excess(w, H)
    return {
        "eta": eta, "mean": mean, "stderr": stderr, "exact": laws.minibatch_stationary(X, y, eta, BATCH).excess_loss,
        "frozen": laws.approximation_error(H, noise, eta), "slow": eta / 4 * np.trace(noise),
    }


def newton(lam, runs):
    """Steps lam K^-1, with momentum."""
    mean, stderr = excess(settled(K, C, lam * INVERSE, MU, runs=runs))
    return {"eta": lam, "mean": mean, "stderr": stderr, "exact": EXACT["newton"](lam)}


def natural(lam, runs):
    """Steps lam (K Sigma K)^-1, Sigma the covariance that they lead to, with momentum."""
    sigma = laws.ngd_covariance(K, C, lam, MU)
    mean, stderr = excess(settled(K, C, lam * np.linalg.inv(K @ sigma @ K), MU, runs=runs))
    return {"eta": lam, "mean": mean, "stderr": stderr, "exact": EXACT["natural"](lam)}


def excess(w, H=K):
    """The mean of w H w / 2, and its standard error."""
    losses = np.einsum("ri,ij,rj->r", w, H, w) / 2
    return losses.mean(), losses.std() / len(w) ** 0.5


def pieces(quick):
    runs = 3000 if quick else 20_000
    asked = {f"regression{share}": partial(regression, share, runs // 2) for share in (SHARES[::3] if quick else SHARES)}
    asked |= {f"newton{lam}": partial(newton, lam, runs) for lam in NEWTON}
    asked |= {f"natural{lam}": partial(natural, lam, runs) for lam in NATURAL}
    return {name.replace(".", "_"): piece for name, piece in asked.items()}


def rows(found):
    return [
        Row(f"excess loss, {piece.rstrip('0123456789_')}, lam = {each['eta']:.4g}",
            *(float(each[key]) for key in ("exact", "mean", "stderr")))
        for piece, each in found.items()
    ]


def draw(figure, found):
    names = {
        "regression": f"linear regression, B = {BATCH} of 200 points", "newton": f"damped Newton, $\\mu$ = {MU}",
        "natural": f"natural gradient, $\\mu$ = {MU}",
    }
    for ax, (name, title) in zip(figure.subplots(1, 3), names.items(), strict=True):
        those = [each for piece, each in found.items() if piece.startswith(name)]
        eta, mean, stderr = (np.array([each[key] for each in those]) for key in ("eta", "mean", "stderr"))
        if name == "regression":
            for k, (key, label) in enumerate(LAWS.items()):
                theory(ax, eta, [each[key] for each in those], k, label)
            ax.set_yscale("log")
        else:
            grid = np.linspace(0.1, eta[-1] * 1.05, 60)
            theory(ax, grid, [EXACT[name](lam) for lam in grid], 0, "exact")
            if name == "newton":
                theory(ax, grid, grid / (4 * (1 - MU)) * np.trace(INVERSE @ C), 2, "small learning rates", color=GREY)
                ax.axvline(2 * (1 + MU), color=GREY, lw=0.8, ls=":", label="stability limit")
            ax.set_ylim(0, 1.4 * mean.max())
        measured(ax, eta, mean, stderr, label="simulated, 99 %", color=BLACK)
        titled(ax, title, r"learning rate $\lambda$", "stationary excess loss" if name == "regression" else None)
        legend(ax, loc="upper left")
