"""The command line, `fastdiag predict | expand | stationary | noise | table | ...`; see `fastdiag --help`."""

from __future__ import annotations

import click

from .. import __version__
from .bench import bench
from .draw import draw
from .errata import errata
from .expand_command import expand
from .figures import figures
from .noise import noise
from .predict_command import predict
from .shell import Commands, echo
from .stationary import stationary
from .tables import build, cache, formula, table


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="fastdiag")
def main() -> None:
    """Exact combinatorics of stochastic gradient descent.

    Diagrams are rooted trees with outlines round tied nodes; a text such as '[a b[a]]' names one. Start with

    \b
        fastdiag predict                    a prediction on real data, beside a simulation
        fastdiag expand test_loss           the formula that a paper would print
        fastdiag stationary                 where SGD settles about a minimum, at any learning rate
        fastdiag noise                      how gradient noise follows the curvature there
        fastdiag figures                    the papers' experiments, theory beside simulation
        fastdiag draw '[a b[a]]'            a diagram, as text; -o file.svg for a picture
        fastdiag table 2 -N 10 -T 5         all diagrams to order 2, and their coefficients
        fastdiag formula '[a b]'            how many maps a diagram has, in N, B, E
    """


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a SHELL.

    For bash: fastdiag completion bash > ~/.fastdiag-complete.sh, and source that file in ~/.bashrc.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    echo(kind(main, {}, "fastdiag", "_FASTDIAG_COMPLETE").source())


for command in (predict, expand, stationary, noise, table, formula, draw, errata, build, bench, figures, cache):
    main.add_command(command)
