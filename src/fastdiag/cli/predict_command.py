"""`fastdiag predict`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click
import numpy as np

from ..errors import InputError, TrustWarning
from ..typing import Last, Sampling
from . import options
from .shell import echo

if TYPE_CHECKING:
    from rich.table import Table

    from ..drawing.curves import Comparison
    from ..expansion import Prediction

    Shown: TypeAlias = list[tuple[Prediction, int]]

SHORT = {"self-consistent": "self-\ncons."}  # what a narrow table calls a curve
KEY = "0.5437(12) is 0.5437 ± 0.0012; ok: agrees; tru: trust"  # to a narrow table

WIDE = 140  # columns of the whole table
FINE, COARSE = 60, 20  # learning rates of a curve; of one that goes through every update
SCALARS = ("test_loss", "train_loss", "generalization_gap", "test_loss_variance")
ETAS = "0.0005,0.001,0.002,0.005,0.01,0.02,0.05,0.1"


@click.command(short_help="Predict the test loss of SGD, and simulate it.")
@options.data
@options.ridge
@click.option("--eta", "etas", default=ETAS, show_default=True, callback=options.numbers, help="Learning rates.")
@click.option("--updates", default="10,50,200", show_default=True, callback=options.numbers,
              help="Numbers T of updates; one epoch unless --points or --given say otherwise.")
@click.option("--batch", type=int, default=1, show_default=True, help="Batch size B.")
@click.option("--points", type=int, help="Training points N; T B by default, which is one epoch.")
@click.option("--given", is_flag=True,
              help="Train on the data's own points: N is how many they are, and shuffles alone are random.")
@options.sampling
@options.last
@click.option("--observable", type=click.Choice(SCALARS), default="test_loss", show_default=True,
              help="What is predicted and measured.")
@click.option("--about", type=click.Choice(["path", "start"]), default="path", show_default=True,
              help="Expand about the noiseless path, or about the start alone: every order, plain and resummed.")
@click.option("--noise", type=click.IntRange(0, 2), show_default="2; 1 where points are met again, or given",
              help="Highest noise order about the path.")
@click.option("--order", type=click.IntRange(0, 4), default=3, show_default=True,
              help="Most edges to a diagram, about the start.")
@click.option("--runs", type=click.IntRange(2), default=10_000, show_default=True, help="Simulated runs.")
@options.seed
@options.plot
def predict(
    data: Path | None, ridge: float, etas: list[float], updates: list[float], batch: int, points: int | None, given: bool,
    sampling: Sampling, last: Last | None, observable: str, about: str, noise: int | None, order: int, runs: int, seed: int,
    plot: Path | None,
) -> None:
    """Predict the test loss of SGD by diagrams, and simulate it; or another observable.

    Logistic regression with a ridge, from zero weights: the expected test loss (or --observable) after one epoch over
    N = T B points drawn from the data, at each learning rate. --points makes it several epochs over fewer points, and
    --given trains on the data themselves. About the noiseless path by noise order, along the
    self-consistent path, and beside them about the start, to the highest order, resummed. `agree` says whether the highest
    noise order lies in the simulation's 95 % interval, `trust` whether it says of itself that it is to be believed.

    With --about start: each order about the start, un-resummed (Taylor series in eta) and resummed.
    """
    from .. import simulate
    from ..drawing.curves import Comparison, save
    from ..drawing.picture import check_picture
    from ..spacetime import Spacetime
    from .console import PlainConsole
    from .points import landscape_of

    landscape, name = landscape_of(data, ridge)
    for T in updates:
        if not np.isfinite(T) or int(T) != T:
            raise InputError(f"--updates must be whole numbers, not {T}")
    if given and points is not None:
        raise InputError("--given trains on the data's own points, so their number is N; leave out --points")
    points = len(landscape.weights) if given else points
    grids = [(int(T) * batch if points is None else points, batch, int(T)) for T in updates]
    spacetimes = [Spacetime(*numbers, sampling=sampling, last=last) for numbers in grids]
    training: dict[str, Any] = {"training_set": "given"} if given else {}
    if noise is None:
        noise = 2 if not given and all(spacetime.is_one_epoch for spacetime in spacetimes) else 1
    if plot:
        check_picture(plot)
    numbers = np.unique(etas)
    if not (np.isfinite(numbers).all() and numbers[0] > 0):
        raise InputError(f"--eta must be positive numbers, not {numbers[0]:g} .. {numbers[-1]:g}")
    grid = numbers
    if plot and len(numbers) > 1:
        grid = np.union1d(numbers, np.geomspace(numbers[0], numbers[-1], FINE if about == "start" else COARSE))
    console = PlainConsole(WIDE)  # a file or a pipe has no width to keep to
    console.print(
        f"{name}: {landscape!r}; test loss at the start {landscape.loss:.4f}. "
        f"B = {batch}, {_training(points, given, sampling, last)}, {runs} simulated runs, seed {seed}."
    )
    comparisons: list[Comparison] = []
    with console.status("predicting and simulating") as status, warnings.catch_warnings():
        warnings.simplefilter("ignore", TrustWarning)  # the last column says it
        for spacetime in spacetimes:
            status.update(f"predicting and simulating T = {spacetime.T}")
            asked = partial(predicted, landscape, spacetime, grid, observable=observable, **training)
            judged, shown = _about_path(asked, noise, order) if about == "path" else _about_start(asked, order)
            measured = simulate(
                landscape, spacetime, numbers, runs=runs, seed=seed, observable=observable, progress=False, **training
            )
            comparisons.append(Comparison.of(grid, judged, shown, measured, spacetime))
    title = _title(observable)
    console.print_fitting(_tables(comparisons, title))
    for comparison in comparisons:
        console.print(comparison.verdict())
    if plot:
        save(comparisons, plot, title=name, what=title)
        echo(f"picture: {plot}")


def _training(points: int | None, given: bool, sampling: str, last: str | None) -> str:
    """What is trained on how, in words."""
    words = ["one epoch" if points is None else f"N = {points}{' given points' if given else ''}"]
    words += [] if sampling == "reshuffle" else [sampling]
    words += [] if last is None else [f"last batches {'kept' if last == 'keep' else 'dropped'}"]
    return ", ".join(words)


def predicted(*args: Any, **options: Any) -> Prediction:
    """`fastdiag.predict`, loaded when it is called."""
    from ..expansion import predict

    return predict(*args, **options)


def _about_path(asked: Callable[..., Prediction], noise: int, order: int) -> tuple[Prediction, Shown]:
    """What is judged, and all that is shown, each to an order."""
    judged, resummed = asked(noise=noise), asked(order=order)
    shown = [(judged, p) for p in range(noise + 1)]
    if judged.observable == "test_loss" and judged.question.is_fresh:
        shown.append((asked(closure="gaussian"), 1))
    return judged, [*shown, (resummed, order)]


def _about_start(asked: Callable[..., Prediction], order: int) -> tuple[Prediction, Shown]:
    plain, resummed = asked(order=order, resummed=False), asked(order=order)
    shown = [(plain, d) for d in range(order + 1)]
    return resummed, shown + [(resummed, d) for d in range(min(1, order), order + 1)]


def _title(observable: str) -> str:
    words = observable.replace("_", " ")
    return words if observable.endswith("variance") else f"expected {words}"


def _tables(comparisons: list[Comparison], title: str) -> Iterator[Table]:
    """All of it; in short; without the lowest orders."""
    yield _table(comparisons, title, False, 0)
    for skipped in range(len(comparisons[0].curves)):
        yield _table(comparisons, title, True, skipped)


def _table(comparisons: list[Comparison], title: str, narrow: bool, skipped: int) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(
        title=title, header_style="bold", box=box.SIMPLE_HEAD if narrow else box.HEAVY_HEAD,
        padding=(0, 0) if narrow else (0, 1), pad_edge=not narrow, caption=KEY if narrow else None,
    )
    names = [name for name, _ in comparisons[0].curves[skipped:]]
    if narrow:
        names = [SHORT.get(name, name.replace(" ", "\n")).replace("resummed", "resum.") for name in names]
    same = all(comparison.points == comparison.updates for comparison in comparisons)
    grid = "N = T" if same else "N, T"
    for column in [grid.replace(" ", "") if narrow else grid, "eta", *names, "simulated, 95 %"]:
        table.add_column(column, justify="right", max_width=12 if narrow else None)
    table.add_column("ok" if narrow else "agree")
    table.add_column("tru" if narrow else "trust")
    for comparison in comparisons:
        curves = [comparison.at_simulated(curve) for _, curve in comparison.curves[skipped:]]
        for i, eta in enumerate(comparison.etas):
            table.add_row(
                (f"{comparison.updates}" if same else f"{comparison.points}, {comparison.updates}") if i == 0 else "",
                f"{eta:g}",
                *(_cell(curve[i]) for curve in curves),
                _measured(comparison.mean[i], comparison.halfwidth[i], narrow),
                "yes" if comparison.agrees[i] else "no",
                "yes" if comparison.trusted[i] else "no",
            )
        table.add_section()
    return table


def _measured(mean: float, half: float, narrow: bool) -> str:
    if abs(mean) < 0.01:
        return f"{mean:.2g}±{half:.1g}" if narrow else f"{mean:.4g} ± {half:.2g}"
    if abs(mean) >= 1e4:
        return f"{mean:.2g}±{half:.0e}".replace("e+", "e") if narrow else f"{mean:.5g} ± {half:.2g}"
    return f"{mean:.4f}({1e4 * half:.0f})" if narrow else f"{mean:.5f} ± {half:.5f}"


def _cell(value: float) -> str:
    return f"{value:#.4g}".rstrip(".") if abs(value) < 1e6 else f"{value:.2g}"
