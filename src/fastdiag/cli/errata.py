"""`fastdiag errata`."""

from __future__ import annotations

import click

from .shell import echo


@click.command(short_help="What the papers print wrong, and what is right.")
def errata() -> None:
    """What the papers print wrong, what is right, and the numbers that tell, as a Markdown page.

    \b
        fastdiag errata > errata.md
    """
    from .. import results

    echo(results.errata_page(results.errata()), end="")
