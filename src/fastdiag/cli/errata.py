"""`fastdiag errata`."""

from __future__ import annotations

import click


@click.command()
def errata() -> None:
    """What the papers print wrong, what is right, and the numbers that tell, as a Markdown page.

    \b
        fastdiag errata > errata.md
    """
    from .. import results

    click.echo(results.errata_page(results.errata()), nl=False)
