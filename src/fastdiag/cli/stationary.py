"""`fastdiag stationary`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from ..errors import InputError
from ..typing import FloatArray
from .predict import _numbers
from .shell import DATA_FILE, NEW_FILE, echo

if TYPE_CHECKING:
    from ..drawing.stationary_law import StationaryReport
    from ..landscapes import Logistic

SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)


def _optional_numbers(context: click.Context, option: click.Parameter, text: str | None) -> list[float] | None:
    return None if text is None else _numbers(context, option, text)


@click.command()
@click.option("--data", type=DATA_FILE,
              help="An NPZ file with X (points, measurements) and y (two labels). Default: the breast cancer data.")
@click.option("--ridge", type=float, default=0.1, show_default=True, help="Coefficient of |theta|^2 / 2.")
@click.option("--eta", "etas", callback=_optional_numbers,
              help="Learning rates.  [default: shares of the stability limit, 0.05 to 0.9]")
@click.option("--mu", type=float, default=0.0, show_default=True, help="Momentum, heavy ball.")
@click.option("--nu", type=float, help="Quasi-hyperbolic momentum instead, 0 to 1.")
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True, help="Batch size B.")
@click.option("--updates", type=click.IntRange(1), default=300, show_default=True, help="Simulated updates T.")
@click.option("--runs", type=click.IntRange(2), default=400, show_default=True, help="Simulated runs.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--plot", type=NEW_FILE,
              help="Save a picture (PNG, SVG or PDF) of the same.")
def stationary(
    data: Path | None, ridge: float, etas: list[float] | None, mu: float, nu: float | None, batch: int, updates: int,
    runs: int, seed: int, plot: Path | None,
) -> None:
    """Where SGD settles about a minimum, at any learning rate.

    Logistic regression with a ridge, at its minimum: the stability limit, the covariance of the weights and the excess
    loss of the quadratic there, exact and by the theory of small learning rates; the learning rate at which the weights
    are the best sample of the posterior. Beside it SGD after T updates from the minimum, on the quadratic and, without
    momentum, on the loss itself. The last column says whether the value that diagrams predict after T updates, [a a]
    resummed, lies in the 95 % interval of the simulation on the quadratic.
    """
    from .. import simulate
    from .. import stationary as laws
    from ..drawing.picture import check_picture
    from ..drawing.stationary_law import StationaryReport, save_stationary
    from ..landscapes import Logistic
    from ..spacetime import Spacetime
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
    limit = laws.stability_limit(rates[-1], mu, nu)
    numbers = limit * np.array(SHARES) if etas is None else np.unique(etas)
    K, C = landscape.hessian, landscape.gradient_covariance / batch
    if not (np.isfinite(numbers).all() and numbers[0] > 0 and numbers[-1] < limit):
        raise InputError(
            f"no stationary state: --eta must be positive and below the stability limit {limit:.6g}, not {numbers[0]:g} .. "
            f"{numbers[-1]:g}"
        )
    console = PlainConsole(128)
    console.print(
        f"{name}: {landscape!r} at its minimum, loss {landscape.loss:.4f}; eigenvalues of the Hessian {rates[0]:.4g} to "
        f"{rates[-1]:.4g}; trace of the gradient's covariance at B = {batch}: {np.trace(C):.4g}."
    )
    with console.status("simulating"):
        measured = _settled(landscape, numbers, mu, nu, batch, updates, runs, seed)
        itself = None
        if mu == 0:
            found = simulate(landscape, Spacetime(updates * batch, batch, updates), numbers, runs, seed, progress=False)
            itself = np.array([found.mean - landscape.loss, 1.96 * np.asarray(found.stderr)])
    report = StationaryReport.of(landscape, batch, mu, nu, numbers, measured, itself)
    console.print(_table(report, updates))
    kind = "SGD" if mu == 0 else f"heavy ball, mu = {mu:g}" if nu is None else f"mu = {mu:g}, nu = {nu:g}"
    console.print(f"stability limit ({kind}): eta = {limit:.5g}.")
    N = len(landscape.weights)
    if batch < N:
        best, mandt = laws.bayes_learning_rate(rates, N, batch), 2 * batch * len(rates) / (N * rates.sum())
        console.print(
            f"best Bayesian learning rate (SGD, noise proportional to the Hessian, N = {N}, S = {batch}): eta = {best:.5g}"
            f", divergence {laws.bayes_kl(K, N, batch, best):.3g}; by the theory of small rates eta = {mandt:.5g}."
        )
    if plot:
        save_stationary(report, plot, title=f"{name}, {kind}, B = {batch}")
        echo(f"picture: {plot}")


def _settled(
    landscape: Logistic, etas: FloatArray, mu: float, nu: float | None, batch: int, updates: int, runs: int, seed: int
) -> FloatArray:
    """Excess losses on the quadratic whose gradients' noise is that of the data, (2, len(etas)): mean and half interval."""
    rng = np.random.default_rng(seed)
    gradients = landscape.slopes(1)[:, None] * landscape.X + landscape.ridge * landscape.theta
    w = np.zeros((len(etas), runs, landscape.dimension))
    m, fresh = np.zeros_like(w), 1.0 if nu is None else 1 - mu
    for _ in range(updates):
        rows = rng.choice(len(gradients), (runs, batch), p=landscape.weights)
        g = w @ landscape.hessian + gradients[rows].mean(axis=1)
        m = mu * m + fresh * g
        w -= etas[:, None, None] * (m if nu is None else (1 - nu) * g + nu * m)
    losses = ((w @ landscape.hessian) * w).sum(axis=2) / 2
    return np.array([losses.mean(axis=1), 1.96 * losses.std(axis=1, ddof=1) / np.sqrt(runs)])


def _after(report: StationaryReport, updates: int) -> FloatArray:
    """The excess losses after T updates, by the diagrams of the quadratic."""
    from .. import landscapes
    from .. import updates as rules
    from ..expansion import predict
    from ..spacetime import Spacetime

    zeros = np.zeros(len(report.hessian))
    quadratic = landscapes.tensors({(1,): zeros, (2,): report.hessian, (1, 1): report.noise, (1, 2): 0})
    rule = None
    if report.mu:
        rule = rules.momentum(report.mu) if report.nu is None else rules.quasi_hyperbolic(report.mu, report.nu)
    return np.asarray(predict(quadratic, Spacetime(updates, 1, updates), report.etas, 2, update=rule, device="cpu").total)


def _table(report: StationaryReport, updates: int) -> object:
    from rich.table import Table

    from ..stationary import stationary_covariance

    table = Table(title="about the minimum: covariance Sigma of the weights, excess loss", header_style="bold")
    names = ["eta", "of limit", "tr Sigma", "largest\nvariance", "excess,\nexact", "small\nrates", f"T = {updates}"]
    for column in [*names, "simulated", *(["the loss itself"] if report.itself is not None else [])]:
        table.add_column(column, justify="right")
    table.add_column("agree")
    finite = _after(report, updates)
    for i, eta in enumerate(report.etas):
        sigma = stationary_covariance(report.hessian, report.noise, eta, report.mu, report.nu)
        measured = [report.measured, *([report.itself] if report.itself is not None else [])]
        numbers = (np.trace(sigma), np.linalg.eigvalsh(sigma)[-1], report.excess(eta), report.slow_excess(eta), finite[i])
        table.add_row(
            f"{eta:.4g}", f"{eta / report.limit:.3g}", *(f"{number:.4g}" for number in numbers),
            *(f"{mean:.4g} ± {half:.1g}" for mean, half in (pair[:, i] for pair in measured)),
            "yes" if abs(finite[i] - report.measured[0, i]) <= report.measured[1, i] else "no",
        )
    return table
