"""Noise geometry of a landscape: what is reported, and its picture."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..landscapes import Landscape
from ..noise import (
    directional_alignment,
    eigen_dynamics,
    escape_threshold,
    flat_ratio,
    flat_ratio_limit,
    geometry,
    growth_rate,
    leading_directions,
    loss_alignment,
)
from ..record import Record
from ..typing import FloatArray
from .picture import picture

ALL = 1024  # up to this many weights every eigenvector is used, above it the leading LEADING
LEADING = 64
BEYOND = 1.05  # GD escapes along the sharpest direction at this many times 2 / lam_1


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NoiseReport(Record):
    """Alignments along the eigenvectors of the Hessian with positive curvature, and escape in the linearised model."""

    weights: int
    loss: float
    values: FloatArray
    """Eigenvalues, descending, (d,)."""
    uncentered: FloatArray
    """Directional alignments with the gradients' second moment, (d,)."""
    centered: FloatArray
    """The same with their covariance: the A_i of the model."""
    loss_alignment: tuple[float, float]
    """Uncentred, centred."""
    batch: int
    sharp: int
    eta: float
    threshold: float
    growth: float
    """Factor on the expected loss for each update, in the end."""
    limit: float
    """Flat/sharp ratio in the end."""
    base: float
    """Flat over sharp sum of squared eigenvalues."""
    ratio: FloatArray
    """Flat/sharp ratio at updates 0..T, (T + 1,)."""
    descent: FloatArray
    """The same for GD just above its own threshold, (T + 1,)."""

    @classmethod
    def of(
        cls, landscape: Landscape, batch: int = 1, sharp: int = 1, eta: float | None = None, updates: int = 40
    ) -> NoiseReport:
        """Measure a landscape; SGD at 1.5 times the escape threshold if no eta is given, from equal variances.

        Raises
        ------
        InputError : fewer directions of positive curvature than sharp + 1; see the functions of fastdiag.noise
        """
        around = geometry(landscape)
        count = around.dimension if around.dimension <= ALL else LEADING
        values, vectors = leading_directions(around, count)
        curved = values > 1e-12 * max(values[0], 0)
        values, vectors = values[curved], vectors[:, curved]
        if len(values) <= sharp:
            raise InputError(f"{len(values)} directions have positive curvature: too few for {sharp} sharp and a flat one")
        uncentered, centered = (
            np.asarray(directional_alignment(around, V=vectors, centered=which)) for which in (False, True)
        )
        threshold = escape_threshold(values, centered, batch)
        rate = 1.5 * threshold if eta is None else eta
        start = np.ones(len(values))
        runs = [
            eigen_dynamics(values, step, start, updates, points, centered)
            for step, points in ((rate, float(batch)), (BEYOND * 2 / float(values[0]), inf))
        ]
        ratios = [np.asarray(flat_ratio(values, run, sharp)) for run in runs]
        return cls(
            around.dimension, around.loss, values, uncentered, centered,
            (loss_alignment(around), loss_alignment(around, centered=True)), batch, sharp, rate, threshold,
            growth_rate(values, rate, centered, batch), flat_ratio_limit(values, rate, sharp, centered, batch),
            float(flat_ratio(values, values, sharp)), *ratios,
        )

    def __repr__(self) -> str:
        return f"<noise report: {self.weights} weights, loss {self.loss:.6g}, B = {self.batch}, eta = {self.eta:.6g}>"

    @property
    def whole(self) -> bool:
        """Whether all eigenvalues were used, not only the leading ones."""
        return self.weights <= ALL


def save_noise(report: NoiseReport, path: str | Path, title: str = "") -> None:
    """Write a picture: alignment along the eigenvectors, and the flat/sharp ratio in time.

    Raises
    ------
    InputError : the file's ending is not one that matplotlib writes, or matplotlib is not installed
    """
    with picture(path, 8.6, 3.5, title) as figure:
        left, right = figure.subplots(1, 2)
        _alignments(left, report)
        _escape(right, report)


def _alignments(ax: Any, report: NoiseReport) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    ax.axhline(1, color="0.6", lw=0.8, ls=":")
    uncentered, centered = report.loss_alignment
    ax.axhline(uncentered, color="#16425b", lw=1, ls=(0, (5, 3)), label=rf"loss alignment $\mu$ = {uncentered:.3g}")
    ax.plot(report.values, report.uncentered, "o", ms=4, color="#16425b", label="second moment of the gradients")
    same = np.allclose(report.uncentered, report.centered, rtol=1e-6)
    if not same:
        ax.axhline(centered, color="#b5482a", lw=1, ls=(0, (1, 2)), label=rf"loss alignment $\mu$ = {centered:.3g}")
        ax.plot(report.values, report.centered, "s", ms=4.5, mfc="none", mew=0.9, color="#b5482a",
                label="their covariance")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.invert_xaxis()
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(r"eigenvalue $\lambda_i$ of the Hessian (sharp to flat)")
    ax.set_ylabel(r"alignment $g(u_i) = u_i^\top\Sigma u_i\,/\,2L\lambda_i$")
    ax.set_title("noise along the eigenvectors", fontsize=9)
    ax.legend(frameon=False, fontsize=7.5)


def _escape(ax: Any, report: NoiseReport) -> None:
    times = np.arange(len(report.ratio))
    ax.axhline(report.limit, color="#16425b", lw=0.8, ls=":", label=f"SGD in the end: {report.limit:.3g}")
    ax.axhline(report.base, color="0.45", lw=0.8, ls=(0, (5, 3)),
               label=r"$\sum_\mathrm{flat}\lambda^2/\sum_\mathrm{sharp}\lambda^2$" + f" = {report.base:.3g}")
    every = max(1, len(times) // 10)
    ax.plot(times, report.ratio, "o-", ms=3.5, lw=1.3, markevery=every, color="#16425b",
            label=rf"SGD, B = {report.batch}, $\eta$ = {report.eta:.3g} ({report.eta / report.threshold:.3g} of threshold)")
    ax.plot(times, report.descent, "s--", ms=3.5, lw=1.1, markevery=every, color="#b5482a",
            label=rf"GD, $\eta\lambda_1$ = {2 * BEYOND:g}")
    ax.set_yscale("log")
    ax.set_xlabel("updates")
    ax.set_ylabel(f"flat/sharp loss ratio $D_{{{report.sharp}}}$")
    ax.set_title("escape in the linearised model", fontsize=9)
    ax.legend(frameon=False, fontsize=7.5)
