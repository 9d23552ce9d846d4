"""`fastdiag stationary`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from ..errors import InputError
from ..typing import FloatArray
from . import options
from .shell import BATCH, echo

if TYPE_CHECKING:
    from rich.table import Table

    from ..drawing.stationary_law import StationaryReport

SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7)
ORDER = ("of limit", "tr Sigma", "excess", "frozen\nnoise", "small\nrates")
COLUMNS = ("tr Sigma", "of limit", "small\nrates", "frozen\nnoise", "excess")  # where there is no room the first go first
TAILS = 0.6  # of the limit: from here on means of squares are of runs that are not there
MULTIPLIED = 0.99  # of the frozen limit: nearer to it noise hardly grows with the weights, and has no such tails


@click.command(short_help="Where SGD settles about a minimum.")
@options.data
@options.ridge
@click.option("--eta", "etas", callback=options.numbers,
              help="Learning rates.  [default: shares of the stability limit, 0.05 to 0.7]")
@click.option("--mu", type=float, default=0.0, show_default=True, help="Momentum, heavy ball.")
@click.option("--nu", type=float, help="Quasi-hyperbolic momentum instead, 0 to 1.")
@click.option("--batch", type=BATCH, default=16, show_default=True, help="Batch size B.")
@click.option("--updates", type=click.IntRange(1), default=300, show_default=True, help="Simulated updates T.")
@click.option("--runs", type=click.IntRange(2), default=400, show_default=True, help="Simulated runs.")
@options.seed
@options.plot
def stationary(
    data: Path | None, ridge: float, etas: list[float] | None, mu: float, nu: float | None, batch: int, updates: int,
    runs: int, seed: int, plot: Path | None,
) -> None:
    """Where SGD settles about a minimum, at any learning rate.

    Logistic regression with a ridge, at its minimum: two stability limits, of batches of these points, each with its own
    Hessian, and of noise that is everywhere the minimum's; the covariance of the weights and the excess loss of the points'
    quadratics there, exact, with frozen noise and by the theory of small learning rates; the learning rates at which the
    weights are the best sample of the posterior. Beside it SGD after T updates from the minimum, simulated on the
    quadratics and, with the same batches, on the loss itself; the last column has how far the loss itself is from its
    quadratics, as these runs show it, in per cent of the exact value. Intervals are of 95 %.
    """
    from .. import stationary as laws
    from ..drawing.picture import check_picture
    from ..drawing.stationary_law import StationaryReport, save_stationary
    from ..simulation.excess_losses import excess_losses
    from .console import PlainConsole
    from .points import landscape_of

    landscape, name = landscape_of(data, ridge)
    if plot:
        check_picture(plot)
    if nu is not None and mu == 0:
        raise InputError("--nu mixes momentum in; give --mu too")
    landscape = landscape.at_minimum()
    rates = np.linalg.eigvalsh(landscape.hessian)
    limit = laws.minibatch_stability_limit(landscape, None, batch, mu, nu)
    numbers = limit * np.array(SHARES) if etas is None else np.unique(etas)
    K, C = landscape.hessian, landscape.gradient_covariance / batch
    if not (np.isfinite(numbers).all() and numbers[0] > 0 and numbers[-1] < limit):
        raise InputError(
            f"the points' quadratics have no stationary state: --eta must be positive and below the stability limit "
            f"{limit:.6g}, not {numbers[0]:g} .. {numbers[-1]:g}"
        )
    console = PlainConsole(132)
    console.print(
        f"{name}: {landscape!r} at its minimum, loss {landscape.loss:.4f}; eigenvalues of the Hessian {rates[0]:.4g} to "
        f"{rates[-1]:.4g}; trace of the gradient's covariance at B = {batch}: {np.trace(C):.4g}."
    )
    with console.status("simulating"):
        losses = excess_losses(landscape, numbers, mu, nu, batch, updates, runs, seed)
    means, halves = losses.mean(axis=2), 1.96 * losses.std(axis=2, ddof=1) / np.sqrt(runs)
    measured, itself, apart = np.stack([means, halves], axis=1)
    report = StationaryReport.of(landscape, batch, mu, nu, numbers, measured, itself)
    finite = np.array([
        (K * laws.minibatch_transient(landscape, None, eta, batch, updates, None, mu, nu)[-1]).sum() / 2 for eta in numbers
    ])
    console.print_fitting(_tables(report, updates, finite, apart))
    kind = "SGD" if mu == 0 else f"heavy ball, mu = {mu:g}" if nu is None else f"mu = {mu:g}, nu = {nu:g}"
    console.print(
        f"stability limit ({kind}): eta = {limit:.5g} on batches of these points' quadratics, {report.frozen_limit:.5g} "
        "with the minimum's noise everywhere. Neither is one of the loss itself, which is no parabola far from its minimum."
    )
    console.print(_of_the_simulation(report, finite, updates))
    if numbers[-1] > TAILS * limit and limit < MULTIPLIED * report.frozen_limit:
        console.print(
            f"Near the limit the mean is made by runs so rare that {runs} may hold none, or one: simulated means and "
            "intervals say little there."
        )
    N = len(landscape.weights)
    best, kl = laws.minibatch_bayes_rate(landscape, None, batch, mu, nu)
    line = (
        f"best Bayesian learning rate ({kind}, N = {N}, B = {batch}), of the quadratics' law to the posterior about the "
        f"minimum: eta = {best:.5g}, divergence {kl:.3g}"
    )
    if batch < N:
        model = laws.bayes_learning_rate(rates, N, batch, mu, nu)
        line += f"; were the noise (N - B)/(NB) times the Hessian: eta = {model:.5g}"
        if mu == 0:
            line += f", by the theory of small rates {2 * batch * len(rates) / (N * rates.sum()):.5g}"
    console.print(f"{line}.")
    if plot:
        save_stationary(report, plot, title=f"{name}, {kind}, B = {batch}")
        echo(f"picture: {plot}")


def _tables(report: StationaryReport, updates: int, finite: FloatArray, apart: FloatArray) -> Iterator[Table]:
    """All of it; in short; without the columns that matter least."""
    yield _table(report, updates, finite, apart, False, 0)
    for skipped in range(len(COLUMNS) + 1):
        yield _table(report, updates, finite, apart, True, skipped)


def _table(
    report: StationaryReport, updates: int, finite: FloatArray, apart: FloatArray, narrow: bool, skipped: int
) -> Table:
    from rich import box
    from rich.table import Table

    title = "about the minimum: covariance Sigma of the weights, excess loss"
    table = Table(
        title="about the minimum: excess loss" if skipped else title, header_style="bold",
        box=box.SIMPLE_HEAD if narrow else box.HEAVY_HEAD, padding=(0, 0) if narrow else (0, 1), pad_edge=not narrow,
    )
    laws = [report.law(eta) for eta in report.etas]
    numbers: dict[str, Any] = dict(zip(COLUMNS, (
        [np.trace(law.covariance) for law in laws], report.etas / report.limit,
        [report.slow_excess(eta) for eta in report.etas], [report.frozen_excess(eta) for eta in report.etas],
        [law.excess_loss for law in laws],
    ), strict=True))
    kept = [name for name in ORDER if name not in COLUMNS[:skipped]]
    names = [*kept, f"T = {updates}", "simulated on\nquadratics", "simulated on\nthe loss itself", "apart\nin %"]
    if narrow:
        names = [name.replace(" on\nthe", "\n").replace(" on", "").replace(" ", "\n") for name in names]
        names = [name.replace("loss\nitself", "loss itself").replace("\n\n", "\n").replace("T\n=", "T =") for name in names]
    for column in ["eta", *names]:
        table.add_column(column, justify="right", no_wrap=True)
    for i, eta in enumerate(report.etas):
        pairs, (share, within) = [pair[:, i] for pair in (report.measured, report.itself)], 100 * apart[:, i] / finite[i]
        table.add_row(
            f"{eta:.3g}" if narrow else f"{eta:.4g}", *(f"{numbers[name][i]:.3g}" for name in kept), f"{finite[i]:.3g}",
            *(_measured(mean, half, narrow) for mean, half in pairs),
            f"{share:+.2g} ± {within:.2g}" if not narrow else f"{share:+.2g}±{float(f'{within:.1g}'):g}",
        )
    return table


def _measured(mean: float, half: float, narrow: bool) -> str:
    return f"{mean:.3g}±{half:.0e}".replace("e-0", "e-") if narrow else f"{mean:.3g} ± {half:.1g}"


def _of_the_simulation(report: StationaryReport, finite: FloatArray, updates: int) -> str:
    """How far runs on the quadratics are from what is exact there."""
    mean, half = report.measured
    told = ", ".join(f"{z:+.1f}" for z in 1.96 * (mean - finite) / half)
    return f"Simulated means on the quadratics lie {told} standard errors from the exact values after T = {updates}."
