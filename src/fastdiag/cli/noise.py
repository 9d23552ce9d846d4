"""`fastdiag noise`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .shell import DATA_FILE, NEW_FILE, echo

if TYPE_CHECKING:
    from ..drawing.noise_geometry import NoiseReport


@click.command()
@click.option("--data", type=DATA_FILE,
              help="An NPZ file with X (points, measurements) and y (two labels). Default: the breast cancer data.")
@click.option("--ridge", type=float, default=0.1, show_default=True, help="Coefficient of |theta|^2 / 2.")
@click.option("--at", type=click.Choice(["minimum", "start"]), default="minimum", show_default=True,
              help="Weights: those of least loss, or zero.")
@click.option("--directions", type=click.IntRange(1), default=10, show_default=True, help="Eigenvectors to list.")
@click.option("--sharp", type=click.IntRange(1), default=1, show_default=True,
              help="How many leading directions count as sharp (the k of D_k).")
@click.option("--eta", type=float, help="Learning rate.  [default: 1.5 times the escape threshold]")
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True, help="Batch size B.")
@click.option("--updates", type=click.IntRange(1), default=40, show_default=True, help="Updates T.")
@click.option("--plot", type=NEW_FILE,
              help="Save a picture (PNG, SVG or PDF) of the same.")
def noise(
    data: Path | None, ridge: float, at: str, directions: int, sharp: int, eta: float | None, batch: int, updates: int,
    plot: Path | None,
) -> None:
    """How gradient noise follows the curvature, and how SGD escapes.

    Logistic regression with a ridge: the alignment of the noise with the loss along the leading eigenvectors of the
    Hessian, and over all of them; the learning rate above which the linearised SGD with this noise escapes; the loss in
    flat over that in sharp directions as it does, from equal variances, beside GD above its own threshold.
    """
    from ..drawing.noise_geometry import NoiseReport, save_noise
    from ..drawing.picture import check_picture
    from ..landscapes import Logistic
    from .console import PlainConsole
    from .points import landscape_of

    landscape, name = landscape_of(data, ridge)
    if plot:
        check_picture(plot)
    if at == "minimum" and isinstance(landscape, Logistic):
        landscape = landscape.at_minimum()
    report = NoiseReport.of(landscape, batch, sharp, eta, updates)
    console = PlainConsole(100)
    where = "at the minimum" if at == "minimum" else "at zero weights"
    console.print(f"{name}: {landscape!r}, {where}; loss {report.loss:.4f}.")
    console.print(_table(report, directions))
    for line in _sentences(report):
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


def _sentences(report: NoiseReport) -> list[str]:
    bound = "" if report.whole else f" at most (from the leading {len(report.values)} eigenvalues)"
    last, verb = len(report.ratio) - 1, "grows" if report.growth > 1 else "falls"
    return [
        f"escape threshold of SGD, B = {report.batch}: eta ={bound} {report.threshold:.4g}; of GD: "
        f"{2 / report.values[0]:.4g}.",
        f"SGD at eta = {report.eta:.4g}: the expected loss {verb} {report.growth:.4g} times an update in the end; "
        f"flat/sharp ratio D_{report.sharp} from {report.ratio[0]:.4g} to {report.ratio[-1]:.4g} after {last} updates, "
        f"{report.limit:.4g} in the end (sums of squared eigenvalues: {report.base:.4g}).",
        f"GD just above its threshold: D_{report.sharp} = {report.descent[-1]:.3g} after {last} updates.",
    ]
