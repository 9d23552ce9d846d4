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
from .shell import echo

if TYPE_CHECKING:
    from rich.table import Table

    from ..drawing.stationary_law import StationaryReport
    from ..landscapes import Logistic

SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7)
ORDER = ("of limit", "tr Sigma", "excess", "frozen\nnoise", "small\nrates")
COLUMNS = ("tr Sigma", "of limit", "small\nrates", "frozen\nnoise", "excess")  # where there is no room the first go first
TAILS = 0.6  # of the limit: from here on means of squares are of runs that are not there


@click.command(short_help="Where SGD settles about a minimum.")
@options.data
@options.ridge
@click.option("--eta", "etas", callback=options.numbers,
              help="Learning rates.  [default: shares of the stability limit, 0.05 to 0.7]")
@click.option("--mu", type=float, default=0.0, show_default=True, help="Momentum, heavy ball.")
@click.option("--nu", type=float, help="Quasi-hyperbolic momentum instead, 0 to 1.")
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True, help="Batch size B.")
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
    quadratics and, with the same batches, on the loss itself. The last column says whether the exact value after T updates
    lies in the 95 % intervals of the two; how far the loss itself is from its quadratics is told as runs with the same
    batches show it.
    """
    from .. import stationary as laws
    from ..drawing.picture import check_picture
    from ..drawing.stationary_law import StationaryReport, save_stationary
    from ..landscapes import Logistic
    from .console import PlainConsole
    from .points import landscape_of

    landscape, name = landscape_of(data, ridge)
    assert isinstance(landscape, Logistic)
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
    console = PlainConsole(128)
    console.print(
        f"{name}: {landscape!r} at its minimum, loss {landscape.loss:.4f}; eigenvalues of the Hessian {rates[0]:.4g} to "
        f"{rates[-1]:.4g}; trace of the gradient's covariance at B = {batch}: {np.trace(C):.4g}."
    )
    with console.status("simulating"):
        measured, itself, apart = _settled(landscape, numbers, mu, nu, batch, updates, runs, seed)
    report = StationaryReport.of(landscape, batch, mu, nu, numbers, measured, itself)
    finite = np.array([
        (K * laws.minibatch_transient(landscape, None, eta, batch, updates, None, mu, nu)[-1]).sum() / 2 for eta in numbers
    ])
    console.print_fitting(_tables(report, updates, finite))
    kind = "SGD" if mu == 0 else f"heavy ball, mu = {mu:g}" if nu is None else f"mu = {mu:g}, nu = {nu:g}"
    console.print(
        f"stability limit ({kind}): eta = {limit:.5g} on batches of these points' quadratics, {report.frozen_limit:.5g} "
        "with the minimum's noise everywhere. Neither is one of the loss itself, which is no parabola far from its minimum."
    )
    console.print(_of_the_loss(report, apart, updates))
    if numbers[-1] > TAILS * limit:
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


def _settled(
    landscape: Logistic, etas: FloatArray, mu: float, nu: float | None, batch: int, updates: int, runs: int, seed: int
) -> FloatArray:
    """Excess losses on the points' quadratics, on the loss itself, and the one less the other, run by run.

    (3, 2, len(etas)): mean and half interval of each.
    """
    rng = np.random.default_rng(seed)
    X, signs, size = landscape.X, 1 - 2 * landscape.y, len(etas) * runs
    margin, slope, bend = X @ landscape.theta, landscape.slopes(1), landscape.slopes(2)
    w = np.zeros((2, size, landscape.dimension))
    m, fresh = np.zeros_like(w), 1.0 if nu is None else 1 - mu
    eta = np.repeat(etas, runs)[:, None]
    for _ in range(updates):
        rows = np.tile(rng.choice(len(X), (runs, batch), p=landscape.weights), (len(etas), 1))
        x = X[rows]  # (size, batch, n)
        moved = np.matmul(x, w[..., None])[..., 0]
        pulls = np.stack([slope[rows] + bend[rows] * moved[0], _pull(signs[rows], margin[rows] + moved[1])])
        g = np.matmul(pulls[:, :, None, :], x)[:, :, 0, :] / batch + landscape.ridge * (landscape.theta + w)
        m = mu * m + fresh * g
        w -= eta * (m if nu is None else (1 - nu) * g + nu * m)
    losses = np.empty((3, size))
    losses[0] = ((w[0] @ landscape.hessian) * w[0]).sum(axis=1) / 2
    ends = landscape.theta + w[1]
    losses[1] = np.logaddexp(0, (ends @ X.T) * signs) @ landscape.weights + ends**2 @ landscape.ridge / 2 - landscape.loss
    losses[2] = losses[1] - losses[0]
    each = losses.reshape(3, len(etas), runs)
    return np.stack([each.mean(axis=2), 1.96 * each.std(axis=2, ddof=1) / np.sqrt(runs)], axis=1)


def _pull(signs: FloatArray, margin: FloatArray) -> FloatArray:
    """The slope of log(1 + exp(sign u)) in u."""
    return np.asarray(signs / (1 + np.exp(np.clip(-signs * margin, -700, 700))))


def _tables(report: StationaryReport, updates: int, finite: FloatArray) -> Iterator[Table]:
    """All of it; in short; without the columns that matter least."""
    yield _table(report, updates, finite, False, 0)
    for skipped in range(len(COLUMNS) + 1):
        yield _table(report, updates, finite, True, skipped)


def _table(report: StationaryReport, updates: int, finite: FloatArray, narrow: bool, skipped: int) -> Table:
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
    names = [*kept, f"T = {updates}", "simulated on\nquadratics", "simulated on\nthe loss itself"]
    if narrow:
        names = [name.replace(" on\nthe", "\n").replace(" on", "").replace(" ", "\n") for name in names]
        names = [name.replace("loss\nitself", "loss itself").replace("\n\n", "\n").replace("T\n=", "T =") for name in names]
    for column in ["eta", *names]:
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("agree\nboth?", no_wrap=True)
    for i, eta in enumerate(report.etas):
        pairs = [pair[:, i] for pair in (report.measured, report.itself)]
        verdicts = ["yes" if abs(finite[i] - mean) <= half else "no" for mean, half in pairs]
        table.add_row(
            f"{eta:.3g}" if narrow else f"{eta:.4g}", *(f"{numbers[name][i]:.3g}" for name in kept), f"{finite[i]:.3g}",
            *(_measured(mean, half, narrow) for mean, half in pairs),
            ", ".join(verdicts),
        )
    return table


def _measured(mean: float, half: float, narrow: bool) -> str:
    return f"{mean:.3g}±{half:.0e}".replace("e-0", "e-") if narrow else f"{mean:.3g} ± {half:.1g}"


def _of_the_loss(report: StationaryReport, apart: FloatArray, updates: int) -> str:
    """How far the quadratics hold for the loss: both were run with the same batches."""
    shares = 100 * apart / report.measured[0]
    told = ", ".join(f"{mean:+.2g} ± {half:.2g}" for mean, half in shares.T)
    return (
        f"The loss itself beside its quadratics, with the same batches, after {updates} updates: its excess lies {told} % "
        "from theirs at these rates (95 %)."
    )
