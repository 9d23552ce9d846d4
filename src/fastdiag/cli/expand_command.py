"""`fastdiag expand`."""

from __future__ import annotations

from typing import Any

import click

from ..spacetime import SAMPLINGS
from ..typing import Basis
from . import options
from .shell import echo


@click.command(short_help="The formula of an OBSERVABLE, as papers print it.")
@click.argument("observable", default="test_loss")
@click.option("--order", type=int, default=2, show_default=True, help="Most edges to a diagram: the highest power of eta.")
@click.option("--sampling", type=click.Choice([*SAMPLINGS, "one epoch"]), default="reshuffle", show_default=True)
@options.basis
@click.option("--time", type=click.Choice(["M", "T", "E"]), help="The time's symbol: M = T/N, T updates or E epochs.")
@click.option("--at-minimum", is_flag=True, help="Leave out what vanishes at a minimum of the test loss.")
@click.option("--resummed", is_flag=True, help="Theorem 1's formula, in k = 1 - eta h.")
@click.option("--double", is_flag=True, help="Arrange as the double series (eta T)^d T^(P-d-1).")
@click.option("--latex", is_flag=True, help="As LaTeX.")
def expand(
    observable: str, order: int, sampling: Any, basis: Basis, time: Any, at_minimum: bool, resummed: bool, double: bool,
    latex: bool,
) -> None:
    """The formula of an OBSERVABLE, as a paper would print it.

    Observables: test_loss, train_loss, generalization_gap, displacement, covariance, test_loss_variance. G, H, J are
    derivatives of the test loss, C and S cumulants of the gradient; eta raises indices.

    \b
        fastdiag expand
        fastdiag expand generalization_gap --order 3 --at-minimum
        fastdiag expand displacement --order 3 --resummed --sampling 'one epoch' --latex
    """
    from ..expansion import expand as formula_of

    formula = formula_of(
        observable, order, sampling=sampling, basis=basis, time=time, at_minimum=at_minimum, resummed=resummed,
        arrange="double" if double else "order",
    )
    echo(formula.latex(aligned=True) if latex else formula.text())
