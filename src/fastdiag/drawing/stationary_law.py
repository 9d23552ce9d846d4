"""The stationary law of SGD about a minimum: excess losses against the learning rate, variances against the curvature."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..landscapes import Landscape
from ..numerals import counted
from ..record import Record
from ..stationary import (
    MinibatchLaw,
    approximation_error,
    continuous_covariance,
    minibatch_stability_limit,
    minibatch_stationary,
    stability_limit,
)
from ..typing import FloatArray
from .picture import logarithmic, picture

BLUE, RED, GREY = "#16425b", "#b5482a", "0.45"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StationaryReport(Record):
    """What the quadratics at a minimum predict at some learning rates, and what was measured there."""

    landscape: Landscape
    hessian: FloatArray
    noise: FloatArray
    """Covariance of a batch's gradient at the minimum."""
    batch: int
    mu: float
    nu: float | None
    limit: float
    """Stability limit of batches of these points, each with its own Hessian."""
    frozen_limit: float
    """That of noise which does not change with the weights."""
    etas: FloatArray
    measured: FloatArray
    """Excess loss of SGD on the points' quadratics, (2, len(etas)): mean and half of the 95 % interval."""
    itself: FloatArray
    """The same of SGD on the loss itself."""

    @classmethod
    def of(
        cls, landscape: Landscape, batch: int, mu: float, nu: float | None, etas: FloatArray, measured: FloatArray,
        itself: FloatArray,
    ) -> StationaryReport:
        """A landscape at its minimum, with its measurements."""
        hessian, noise = landscape.hessian, landscape.gradient_covariance / batch
        limits = (
            minibatch_stability_limit(landscape, batch=batch, mu=mu, nu=nu),
            stability_limit(float(np.linalg.eigvalsh(hessian)[-1]), mu, nu),
        )
        return cls(landscape, hessian, noise, batch, mu, nu, *limits, etas, measured, itself)

    def __repr__(self) -> str:
        rates = counted(len(self.etas), "learning rate")
        return f"<stationary report: {counted(len(self.hessian), 'weight')}, {rates} up to {self.limit:.6g}>"

    def law(self, eta: float) -> MinibatchLaw:
        """Where SGD settles on the points' quadratics."""
        return minibatch_stationary(self.landscape, None, eta, self.batch, self.mu, self.nu)

    def frozen_excess(self, eta: float) -> float:
        """The stationary excess loss with the minimum's noise everywhere."""
        return approximation_error(self.hessian, self.noise, eta, self.mu, self.nu)

    def slow_excess(self, eta: float) -> float:
        """The same by the theory of small learning rates."""
        return eta / (4 * self._damping) * float(np.trace(self.noise))

    def variances(self, eta: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The Hessian's eigenvalues, and the weights' variances along its eigenvectors: exact, and for small rates."""
        values, vectors = np.linalg.eigh(self.hessian)
        exact = self.law(eta).covariance
        slow = continuous_covariance(self.hessian, self.noise, eta / self._damping)
        return values, *(np.einsum("ia,ij,ja->a", vectors, sigma, vectors) for sigma in (exact, slow))

    @property
    def _damping(self) -> float:
        """1 - mu for heavy ball; quasi-hyperbolic momentum is normalised."""
        return 1 - self.mu if self.nu is None else 1.0


def save_stationary(report: StationaryReport, path: str | Path, title: str = "") -> None:
    """Write a picture: excess losses against the learning rate, and variances along the Hessian's eigenvectors.

    Raises
    ------
    InputError : the file's ending is not one that matplotlib writes, or matplotlib is not installed
    """
    with picture(path, 8.6, 3.5, title) as figure:
        left, right = figure.subplots(1, 2)
        _losses(left, report)
        _variances(right, report)


def plot(law: MinibatchLaw, path: str | Path | None) -> Any:
    """See `MinibatchLaw.plot`."""
    values, vectors = np.linalg.eigh(law.covariance)
    order = np.argsort(-values)
    noise = np.einsum("ik,ij,jk->k", vectors, law.noise, vectors)[order]
    numbers = np.arange(1, len(values) + 1)
    with picture(path, 4.8, 3.4) as figure:
        ax = figure.subplots()
        ax.plot(numbers, values[order], "o", ms=4, color=BLUE, label="variance of the weights")
        ax.plot(numbers, noise, "s", ms=4, mfc="none", color=RED, label="variance of a step's gradient")
        ax.set_yscale("log")
        ax.set_xlabel("principal direction of the weights")
        ax.set_ylabel("variance along it")
        ax.set_title(f"excess loss {law.excess_loss:.4g}", fontsize=9)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend(frameon=False, fontsize=8)
    return figure


def _losses(ax: Any, report: StationaryReport) -> None:
    low = min(float(report.etas.min()), 0.03 * report.limit)
    grid = np.concatenate([np.geomspace(low, 0.8 * report.limit, 16), report.limit * np.linspace(0.83, 0.99, 9)])
    exact = [report.law(eta).excess_loss for eta in grid]
    ax.plot(grid, exact, color=BLUE, lw=1.5, label="exact, on the points' quadratics")
    ax.plot(grid, [report.frozen_excess(eta) for eta in grid], color=BLUE, lw=1, ls=(0, (1, 2)),
            label="the minimum's noise everywhere")
    ax.plot(grid, [report.slow_excess(eta) for eta in grid], color=GREY, lw=1, ls=(0, (4, 2)), label="small learning rates")
    ax.errorbar(report.etas, *report.measured, fmt="o", ms=3.5, capsize=2, lw=1, color=RED,
                label="simulated on these quadratics, 95 %", zorder=5)
    ax.errorbar(report.etas, *report.itself, fmt="D", ms=3.5, mfc="none", capsize=2, lw=1, color="#b08a2a",
                label="simulated on the loss itself, 95 %", zorder=4)
    ax.axvline(report.limit, color="0.6", lw=0.8, ls=":")
    ax.annotate(f"stability limit {report.limit:.3g} ", (report.limit, 0.03), xycoords=("data", "axes fraction"),
                fontsize=7.5, color="0.35", rotation=90, ha="right", va="bottom")
    logarithmic(ax, low, report.limit)
    ax.set_yscale("log")
    ax.set_xlabel(r"learning rate $\eta$")
    ax.set_ylabel(r"excess loss $\frac{1}{2}\mathrm{tr}\,K\Sigma$")
    ax.set_title("stationary excess loss", fontsize=9)
    ax.legend(frameon=False, fontsize=7.5)


def _variances(ax: Any, report: StationaryReport) -> None:
    for share, color in ((0.05, "#9ab8cc"), (0.5, "#5b8fb9"), (0.95, BLUE)):
        values, exact, slow = report.variances(share * report.limit)
        ax.plot(values, exact, "o", ms=3.5, color=color, label=rf"exact, $\eta$ = {share:g} of the limit")
        ax.plot(values, slow, "_", ms=8, mew=0.9, color=color, label="small learning rates" if share == 0.95 else None)
    logarithmic(ax, values.min(), values.max())
    ax.set_yscale("log")
    ax.set_xlabel(r"eigenvalue $k_i$ of the Hessian")
    ax.set_ylabel(r"variance of the weights $u_i^\top\Sigma u_i$")
    ax.set_title("covariance along the eigenvectors", fontsize=9)
    ax.legend(frameon=False, fontsize=7.5)
