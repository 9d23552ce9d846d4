"""A landscape: its loss along two ways from the start, and how curved and how noisy it is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FastdiagError, UnsupportedError
from ..landscapes import Landscape
from ..landscapes.landscape import check_landscape, start_in_floats
from ..landscapes.taylor import TaylorLocal
from ..typing import FloatArray
from .panel import INK, MEASURED
from .picture import picture

STEPS = np.linspace(-1.0, 2.0, 31)  # in lengths of the quadratic model's way to its minimum
MOST_WEIGHTS = 1024  # whose curvatures are drawn


def plot(landscape: Landscape, path: str | Path | None) -> Any:
    """See `Landscape.plot`."""
    check_landscape(landscape)
    gradient = np.array(landscape.gradient, dtype=float)
    hessian = np.array(landscape.hessian, dtype=float) if landscape.dimension <= MOST_WEIGHTS else None
    values, vectors = (np.zeros(0), np.zeros((0, 0))) if hessian is None else np.linalg.eigh(hessian)
    ways = {"against the gradient": -gradient} if np.any(gradient) else {}
    if hessian is not None and (landscape.dimension > 1 or not ways):
        sharp = vectors[:, -1]
        ways["along the largest curvature"] = sharp if sharp @ gradient <= 0 else -sharp
    with picture(path, 8.0 if len(values) > 1 else 4.4, 3.4) as figure:
        axes = np.atleast_1d(figure.subplots(1, 2 if len(values) > 1 else 1))
        for (name, way), colour, style in zip(ways.items(), (INK[3], MEASURED), ("-", "--"), strict=False):
            unit = way / np.linalg.norm(way)
            length = _length(unit, gradient, hessian)
            losses, model = _losses(landscape, unit, length * STEPS, gradient, hessian)
            axes[0].plot(length * STEPS, losses, color=colour, ls=style, lw=1.4, label=name + model)
        axes[0].plot(0, landscape.loss, "o", ms=5, color="0.2", label="the start")
        axes[0].set_xlabel("distance from the start")
        axes[0].set_ylabel("expected loss")
        axes[0].legend(frameon=False, fontsize=8)
        if len(values) > 1:
            _spectrum(axes[1], landscape, values, vectors)
    return figure


def _length(unit: FloatArray, gradient: FloatArray, hessian: FloatArray | None) -> float:
    """To the minimum of the quadratic model, or as far as the loss falls by its gradient's size."""
    slope, curvature = abs(float(unit @ gradient)), 0.0 if hessian is None else float(unit @ hessian @ unit)
    if curvature > 0:
        return slope / curvature if slope > 1e-6 * curvature else 1.0
    return 1.0


def _losses(
    landscape: Landscape, unit: FloatArray, steps: FloatArray, gradient: FloatArray, hessian: FloatArray | None
) -> tuple[FloatArray, str]:
    """Losses that far along the way, and what they are where they are not the loss itself."""
    start = start_in_floats(landscape)
    try:
        seen = [landscape.local(start + step * unit) for step in steps]
        return np.array([float(local.loss) for local in seen]), ", Taylor polynomial" * isinstance(seen[0], TaylorLocal)
    except UnsupportedError:
        bend = 0.0 if hessian is None else unit @ hessian @ unit
        return np.asarray(landscape.loss + steps * (unit @ gradient) + steps**2 / 2 * bend), ", to second order"


def _spectrum(ax: Any, landscape: Landscape, values: FloatArray, vectors: FloatArray) -> None:
    """Curvatures and the gradients' variances along the Hessian's eigenvectors, sharp to flat."""
    order = np.argsort(-values)
    numbers, curvatures = np.arange(1, len(values) + 1), values[order]
    below = curvatures < 0
    ax.plot(numbers[~below], curvatures[~below], "o", ms=3.5, color=INK[3], label="curvature")
    if below.any():
        ax.plot(numbers[below], -curvatures[below], "o", ms=3.5, mfc="none", color=INK[3], label="curvature below 0")
    try:
        noise = np.einsum("ik,ij,jk->k", vectors, np.array(landscape.gradient_covariance, dtype=float), vectors)[order]
    except FastdiagError:  # not known
        noise = np.zeros(0)
    if len(noise):
        ax.plot(numbers, noise, "s", ms=3.5, mfc="none", color=MEASURED, label="variance of the gradients")
    ax.set_yscale("log")
    ax.set_xlabel("eigenvector of the Hessian, sharp to flat")
    ax.set_ylabel("size along it")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend(frameon=False, fontsize=8)
