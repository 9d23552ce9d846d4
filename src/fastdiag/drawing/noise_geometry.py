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
    flat_ratio,
    geometry,
    leading_directions,
    loss_alignment,
)
from ..numerals import counted
from ..record import Record
from ..stationary import minibatch_growth, minibatch_stability_limit, minibatch_stationary, minibatch_transient
from ..stationary.point_hessians import is_still
from ..stationary.quadratic import positive
from ..typing import FloatArray
from .picture import logarithmic, picture

ALL = 1024  # up to this many weights every eigenvector is used, above it the leading LEADING
LEADING = 64
BEYOND = 1.05  # GD escapes along the sharpest direction at this many times 2 / lam_1


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Escape(Record):
    """SGD linearised about a minimum, with the points' own Hessians, from the minimum itself."""

    eta: float
    threshold: float
    """Learning rate from which on second moments grow."""
    growth: float
    """Factor on them for each update, in the end."""
    excess: FloatArray
    """Excess losses at updates 0..T, (T + 1,)."""
    ratio: FloatArray
    """Flat/sharp loss ratio at updates 1..T, (T,)."""
    limit: float
    """The same in the end."""
    descent: FloatArray
    """The same for GD just above its own threshold, from equal variances, at updates 1..T."""

    @classmethod
    def of(
        cls, landscape: Landscape, values: FloatArray, vectors: FloatArray, batch: int, sharp: int, eta: float | None,
        updates: int,
    ) -> Escape:
        """At 1.5 times the threshold if no eta is given."""
        threshold = minibatch_stability_limit(landscape, batch=batch)
        rate = 1.5 * threshold if eta is None else positive("eta", eta)
        growth, end = minibatch_growth(landscape, lam=rate, batch=batch)
        if growth < 1:
            end = minibatch_stationary(landscape, lam=rate, batch=batch).covariance
        moments = minibatch_transient(landscape, lam=rate, batch=batch, T=updates)
        along = np.maximum(np.einsum("ik,tij,jk->tk", vectors, moments, vectors), 0.0)
        last = np.maximum(np.einsum("ik,ij,jk->k", vectors, end, vectors), 0.0)
        fast = eigen_dynamics(values, BEYOND * 2 / float(values[0]), np.ones(len(values)), updates, inf)
        ratios = [np.asarray(flat_ratio(values, run[1:], sharp)) for run in (along, fast)]
        limit = float(flat_ratio(values, last, sharp))
        return cls(rate, threshold, growth, along @ values / 2, ratios[0], limit, ratios[1])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NoiseReport(Record):
    """Alignments along the eigenvectors of the Hessian with positive curvature, and escape from a minimum."""

    weights: int
    loss: float
    values: FloatArray
    """Eigenvalues, descending, (d,)."""
    uncentered: FloatArray
    """Directional alignments with the gradients' second moment, (d,)."""
    centered: FloatArray
    """The same with their covariance."""
    loss_alignment: tuple[float, float]
    """Uncentred, centred."""
    batch: int
    sharp: int
    base: float
    """Flat over sharp sum of squared eigenvalues."""
    escape: Escape | None
    """None away from a minimum, and for more weights than are diagonalised whole."""

    @classmethod
    def of(
        cls, landscape: Landscape, batch: int = 1, sharp: int = 1, eta: float | None = None, updates: int = 40
    ) -> NoiseReport:
        """Measure a landscape; escape with the points' own Hessians, whether or not its loss vanishes.

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
        escape = None
        if around.dimension <= ALL and is_still(landscape):
            escape = Escape.of(landscape, values, vectors, batch, sharp, eta, updates)
        return cls(
            around.dimension, around.loss, values, uncentered, centered,
            (loss_alignment(around), loss_alignment(around, centered=True)), batch, sharp,
            float(flat_ratio(values, values, sharp)), escape,
        )

    def __repr__(self) -> str:
        return f"<noise report: {counted(self.weights, 'weight')}, loss {self.loss:.6g}, B = {self.batch}>"


def save_noise(report: NoiseReport, path: str | Path, title: str = "") -> None:
    """Write a picture: alignment along the eigenvectors, and the flat/sharp ratio in time.

    Raises
    ------
    InputError : the file's ending is not one that matplotlib writes, or matplotlib is not installed
    """
    with picture(path, 8.6 if report.escape else 4.6, 3.5, title) as figure:
        if report.escape is None:
            _alignments(figure.subplots(), report)
        else:
            left, right = figure.subplots(1, 2)
            _alignments(left, report)
            _escape(right, report, report.escape)


def _alignments(ax: Any, report: NoiseReport) -> None:
    ax.axhline(1, color="0.6", lw=0.8, ls=":")
    uncentered, centered = report.loss_alignment
    ax.axhline(uncentered, color="#16425b", lw=1, ls=(0, (5, 3)), label=rf"loss alignment $\mu$ = {uncentered:.3g}")
    ax.plot(report.values, report.uncentered, "o", ms=4, color="#16425b", label="second moment of the gradients")
    same = np.allclose(report.uncentered, report.centered, rtol=1e-6)
    if not same:
        ax.axhline(centered, color="#b5482a", lw=1, ls=(0, (1, 2)), label=rf"loss alignment $\mu$ = {centered:.3g}")
        ax.plot(report.values, report.centered, "s", ms=4.5, mfc="none", mew=0.9, color="#b5482a",
                label="their covariance")
    logarithmic(ax, report.values.min(), report.values.max())
    ax.set_yscale("log")
    ax.invert_xaxis()
    ax.set_xlabel(r"eigenvalue $\lambda_i$ of the Hessian (sharp to flat)")
    ax.set_ylabel(r"alignment $g(u_i) = u_i^\top\Sigma u_i\,/\,2L\lambda_i$")
    ax.set_title("noise along the eigenvectors", fontsize=9)
    ax.legend(frameon=False, fontsize=7.5)


def _escape(ax: Any, report: NoiseReport, escape: Escape) -> None:
    times = np.arange(1, len(escape.ratio) + 1)
    ax.axhline(escape.limit, color="#16425b", lw=0.8, ls=":", label=f"SGD in the end: {escape.limit:.3g}")
    ax.axhline(report.base, color="0.45", lw=0.8, ls=(0, (5, 3)),
               label=r"$\sum_\mathrm{flat}\lambda^2/\sum_\mathrm{sharp}\lambda^2$" + f" = {report.base:.3g}")
    every = max(1, len(times) // 10)
    ax.plot(times, escape.ratio, "o-", ms=3.5, lw=1.3, markevery=every, color="#16425b",
            label=rf"SGD, B = {report.batch}, $\eta$ = {escape.eta:.3g} ({escape.eta / escape.threshold:.3g} of threshold)")
    ax.plot(times, escape.descent, "s--", ms=3.5, lw=1.1, markevery=every, color="#b5482a",
            label=rf"GD, $\eta\lambda_1$ = {2 * BEYOND:g}")
    ax.set_yscale("log")
    ax.set_xlabel("updates")
    ax.set_ylabel(f"flat/sharp loss ratio $D_{{{report.sharp}}}$")
    ax.set_title("linearised about the minimum", fontsize=9)
    ax.legend(frameon=False, fontsize=7.5)
