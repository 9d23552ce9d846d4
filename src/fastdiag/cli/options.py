"""Options that several commands have, in the same words."""

from __future__ import annotations

import click

from ..spacetime import SAMPLINGS
from ..spacetime.spacetime import LASTS
from .shell import DATA_FILE, NEW_FILE

data = click.option(
    "--data", type=DATA_FILE,
    help="An NPZ file with X (points, measurements) and y (two labels). Default: the breast cancer data.",
)
ridge = click.option("--ridge", type=float, default=0.1, show_default=True, help="Coefficient of |theta|^2 / 2.")
seed = click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
plot = click.option("--plot", type=NEW_FILE, help="Save a picture (PNG, SVG or PDF) of the same.")

batch = click.option("-B", "batch", type=int, default=1, show_default=True, help="Batch size.")
updates = click.option("-T", "updates", type=int, help="Updates; one epoch by default.")
epochs = click.option("-E", "epochs", type=int, help="Epochs instead of updates.")
sampling = click.option(
    "--sampling", type=click.Choice(SAMPLINGS), default="reshuffle", show_default=True, help="How batches are drawn."
)
last = click.option(
    "--last", type=click.Choice(LASTS),
    help="Where B does not divide N: keep the smaller last batch of an epoch, or drop it.",
)
basis = click.option(
    "--basis", type=click.Choice(["cumulant", "moment"]), default="cumulant", show_default=True,
    help="Outlines (cumulant) or ties (moment).",
)


def numbers(context: click.Context, option: click.Parameter, text: str | None) -> list[float] | None:
    """A list with commas, for click."""
    if text is None:
        return None
    try:
        values = [float(item) for item in text.split(",") if item.strip()]
    except ValueError:
        raise click.BadParameter(f"a comma-separated list of numbers is expected, not {text!r}") from None
    if not values:
        raise click.BadParameter("at least one number is needed")
    return values


def one_epoch(points: int, batch: int, sampling: str) -> tuple[int | None, int | None]:
    """Its T and E, one of them; with replacement no epoch need be a whole number of batches, so its whole batches."""
    return (max(1, points // batch), None) if sampling == "replacement" and batch > 0 else (None, 1)
