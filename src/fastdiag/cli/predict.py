"""`fastdiag predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from ..errors import InputError
from .shell import DATA_FILE, NEW_FILE, echo

if TYPE_CHECKING:
    from ..drawing.curves import Comparison

WIDE = 128  # columns of the whole table
SCALARS = ("test_loss", "train_loss", "generalization_gap", "test_loss_variance")
ETAS = "0.0005,0.001,0.002,0.005,0.01,0.02,0.05,0.1"


def _numbers(context: click.Context, option: click.Parameter, text: str) -> list[float]:
    try:
        values = [float(item) for item in text.split(",") if item.strip()]
    except ValueError:
        raise click.BadParameter(f"a comma-separated list of numbers is expected, not {text!r}") from None
    if not values:
        raise click.BadParameter("at least one number is needed")
    return values


@click.command()
@click.option("--data", type=DATA_FILE,
              help="An NPZ file with X (points, measurements) and y (two labels). Default: the breast cancer data.")
@click.option("--ridge", type=float, default=0.1, show_default=True, help="Coefficient of |theta|^2 / 2.")
@click.option("--eta", "etas", default=ETAS, show_default=True, callback=_numbers, help="Learning rates.")
@click.option("--updates", default="10,20,50", show_default=True, callback=_numbers,
              help="Numbers of training points, each visited once: N = T B.")
@click.option("--batch", type=int, default=1, show_default=True, help="Batch size B.")
@click.option("--observable", type=click.Choice(SCALARS), default="test_loss", show_default=True,
              help="What is predicted and measured.")
@click.option("--order", type=click.IntRange(0, 4), default=3, show_default=True, help="Most edges to a diagram.")
@click.option("--runs", type=click.IntRange(2), default=10_000, show_default=True, help="Simulated runs.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--plot", type=NEW_FILE,
              help="Save a picture (PNG, SVG or PDF) of the same.")
def predict(
    data: Path | None, ridge: float, etas: list[float], updates: list[float], batch: int, observable: str,
    order: int, runs: int, seed: int, plot: Path | None,
) -> None:
    """Predict the test loss of SGD by diagrams, and simulate it; or another observable.

    Logistic regression with a ridge, from zero weights: the expected test loss (or --observable) after one epoch over
    N = T B points drawn from the data, at each learning rate, to each order: un-resummed (Taylor series in eta) and
    resummed. The last column says whether the highest resummed order lies in the simulation's 95 % interval.
    """
    from .. import simulate
    from ..drawing.curves import Comparison, save
    from ..drawing.picture import check_picture
    from ..expansion import predict as prediction
    from ..spacetime import Spacetime
    from .console import PlainConsole
    from .points import landscape_of

    landscape, name = landscape_of(data, ridge)
    for T in updates:
        if not np.isfinite(T) or int(T) != T:
            raise InputError(f"--updates must be whole numbers, not {T}")
    if plot:
        check_picture(plot)
    numbers = np.unique(etas)
    if not (np.isfinite(numbers).all() and numbers[0] > 0):
        raise InputError(f"--eta must be positive numbers, not {numbers[0]:g} .. {numbers[-1]:g}")
    grid = np.union1d(numbers, np.geomspace(numbers[0], numbers[-1], 60)) if plot and len(numbers) > 1 else numbers
    console = PlainConsole(WIDE)  # a file or a pipe has no width to keep to
    console.print(
        f"{name}: {landscape!r}; test loss at the start {landscape.loss:.4f}. "
        f"B = {batch}, one epoch, {runs} simulated runs, seed {seed}."
    )
    comparisons: list[Comparison] = []
    with console.status("predicting and simulating") as status:
        for T in updates:
            spacetime = Spacetime(int(T) * batch, batch, int(T))
            status.update(f"predicting and simulating T = {int(T)}")
            plain = prediction(landscape, spacetime, grid, order, observable, resummed=False)
            summed = prediction(landscape, spacetime, grid, order, observable)
            measured = simulate(
                landscape, spacetime, numbers, runs=runs, seed=seed, observable=observable, progress=False
            )
            comparisons.append(Comparison.of(grid, plain, summed, measured, spacetime))
    title = _title(observable)
    console.print(_table(comparisons, order, title, console.width < WIDE))
    for comparison in comparisons:
        console.print(comparison.verdict())
    if plot:
        save(comparisons, plot, title=name, what=title)
        echo(f"picture: {plot}")


def _title(observable: str) -> str:
    words = observable.replace("_", " ")
    return words if observable.endswith("variance") else f"expected {words}"


def _table(comparisons: list[Comparison], order: int, title: str, narrow: bool) -> object:
    from rich import box
    from rich.table import Table

    plain = [f"order\n{d}" if narrow else f"order {d}" for d in range(order + 1)]
    summed = [f"resum.\n{d}" if narrow else f"resummed {d}" for d in range(1, order + 1)]
    table = Table(
        title=title, header_style="bold", box=box.SIMPLE_HEAD if narrow else box.HEAVY_HEAD,
        padding=(0, 0) if narrow else (0, 1), pad_edge=not narrow,
    )
    for column in ["N=T" if narrow else "N = T", "eta", *plain, *summed, "simulated, 95 %"]:
        table.add_column(column, justify="right", max_width=10 if narrow else None)
    table.add_column("ok" if narrow else "agree")
    for comparison in comparisons:
        curves = [comparison.at_simulated(curve) for curve in (*comparison.plain, *comparison.resummed[1:])]
        for i, eta in enumerate(comparison.etas):
            mean, half = comparison.mean[i], comparison.halfwidth[i]
            table.add_row(
                str(comparison.updates) if i == 0 else "",
                f"{eta:g}",
                *(_cell(curve[i]) for curve in curves),
                _measured(mean, half, narrow),
                "yes" if comparison.agrees[i] else "no",
            )
        table.add_section()
    return table


def _measured(mean: float, half: float, narrow: bool) -> str:
    if abs(mean) < 0.01:
        return f"{mean:.2g}±{half:.1g}" if narrow else f"{mean:.4g} ± {half:.2g}"
    return f"{mean:.4f}({1e4 * half:.0f})" if narrow else f"{mean:.5f} ± {half:.5f}"


def _cell(value: float) -> str:
    return f"{value:#.4g}".rstrip(".")
