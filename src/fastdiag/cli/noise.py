"""`fastdiag noise`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from . import options
from .shell import BATCH, echo

if TYPE_CHECKING:
    from ..drawing.noise_geometry import Escape, NoiseReport
    from ..typing import FloatArray


@click.command(short_help="How gradient noise follows the curvature; escape.")
@options.data
@options.ridge
@click.option("--at", type=click.Choice(["minimum", "start"]), default="minimum", show_default=True,
              help="Weights: those of least loss, or zero.")
@click.option("--directions", type=click.IntRange(1), default=10, show_default=True, help="Eigenvectors to list.")
@click.option("--sharp", type=click.IntRange(1), default=1, show_default=True,
              help="How many leading directions count as sharp (the k of D_k).")
@click.option("--eta", type=float, help="Learning rate.  [default: 1.5 times the escape threshold]")
@click.option("--batch", type=BATCH, default=1, show_default=True, help="Batch size B.")
@click.option("--updates", type=click.IntRange(1), default=40, show_default=True, help="Updates T.")
@click.option("--runs", type=click.IntRange(2), default=1000, show_default=True, help="Simulated runs.")
@options.seed
@options.plot
def noise(
    data: Path | None, ridge: float, at: str, directions: int, sharp: int, eta: float | None, batch: int, updates: int,
    runs: int, seed: int, plot: Path | None,
) -> None:
    """How gradient noise follows the curvature, and how SGD escapes.

    Logistic regression with a ridge: the alignment of the noise with the loss along the leading eigenvectors of the
    Hessian, and over all of them. At the minimum, the learning rate above which SGD's second moments grow there, with the
    Hessians of the points themselves; beyond it the excess loss and the loss in flat over that in sharp directions, from
    the minimum, linearised and, simulated, on the loss itself; and GD above its own threshold.
    """
    from ..drawing.noise_geometry import NoiseReport, save_noise
    from ..drawing.picture import check_picture
    from ..simulation.excess_losses import excess_losses
    from .console import PlainConsole
    from .points import landscape_of

    landscape, name = landscape_of(data, ridge)
    if plot:
        check_picture(plot)
    if at == "minimum":
        landscape = landscape.at_minimum()
    report = NoiseReport.of(landscape, batch, sharp, eta, updates)
    console = PlainConsole(100)
    where = "at the minimum" if at == "minimum" else "at zero weights"
    console.print(f"{name}: {landscape!r}, {where}; loss {report.loss:.4f}.")
    console.print(_table(report, directions))
    if report.escape is None:
        console.print("Escape is from a minimum with all its eigenvectors: ask --at minimum, with at most 1024 weights.")
    else:
        with console.status("simulating"):
            itself = excess_losses(landscape, np.array([report.escape.eta]), 0.0, None, batch, updates, runs, seed)[1, 0]
        for line in _sentences(report, report.escape, itself):
            console.print(line)
    if plot:
        save_noise(report, plot, title=f"{name}, {where}")
        echo(f"picture: {plot}")


def _table(report: NoiseReport, directions: int) -> object:
    from rich.table import Table

    table = Table(title="alignment of noise and curvature, u'Su / (2 L lambda)", header_style="bold")
    for column in ("direction", "curvature lambda", "uncentred g", "centred g"):
        table.add_column(column, justify="right")
    rows = list(zip(report.values, report.uncentered, report.centered, strict=True))
    for i, (value, plain, centered) in enumerate(rows[:directions], 1):
        table.add_row(str(i), f"{value:.4g}", f"{plain:.4f}", f"{centered:.4f}")
    table.add_section()
    table.add_row("all (mu)", "", *(f"{value:.4f}" for value in report.loss_alignment))
    return table


def _sentences(report: NoiseReport, escape: Escape, itself: FloatArray) -> list[str]:
    last, verb = len(escape.ratio), "grow" if escape.growth > 1 else "fall"
    return [
        f"Linearised about the minimum, with the points' own Hessians: second moments of SGD, B = {report.batch}, grow "
        f"from eta = {escape.threshold:.4g} on; GD's weights from {2 / report.values[0]:.4g}.",
        f"SGD at eta = {escape.eta:.4g}, linearised: they {verb} {escape.growth:.4g} times an update in the end; excess "
        f"loss {escape.excess[-1]:.4g} after {last} updates from the minimum; flat/sharp ratio D_{report.sharp} "
        f"{escape.ratio[0]:.4g} after one, {escape.ratio[-1]:.4g} after {last}, {escape.limit:.4g} in the end (sums of "
        f"squared eigenvalues: {report.base:.4g}).",
        f"The loss itself, which is no parabola, after the same updates ({len(itself)} simulated runs, 95 %): "
        f"{_beside(itself, float(escape.excess[-1]))}.",
        f"GD just above its threshold, linearised, from equal variances: D_{report.sharp} = {escape.descent[-1]:.3g} after "
        f"{last} updates.",
    ]


def _beside(itself: FloatArray, linearised: float) -> str:
    """How far the loss itself is from the linearised value."""
    mean, half = itself.mean(), 1.96 * itself.std(ddof=1) / np.sqrt(len(itself))
    share, within = 100 * mean / linearised, 100 * half / linearised
    return f"excess {mean:.4g} ± {half:.1g}, {share:.3g} ± {within:.2g} % of the linearised value"
