"""`fastdiag table`, `formula`, `build` and `cache`."""

from __future__ import annotations

from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import Any

import click

from ..errors import DataError, InputError
from ..spacetime import SAMPLINGS
from ..typing import Basis, Last, Sampling
from . import options
from .shell import FOLDER, NEW_FILE, echo

ROWS = 40
WIDEST_DIAGRAM = 16  # columns that a diagram keeps, however long its coefficient is


@click.command(short_help="Diagrams up to an ORDER, and their exact coefficients.")
@click.argument("order", type=int)
@click.option("-N", "points", type=int, help="Training points: add a column of coefficients.")
@options.batch
@options.updates
@options.epochs
@options.sampling
@options.last
@options.basis
@click.option("--by-value-class", is_flag=True, help="Add up the diagrams of one value.")
@click.option("--irreducible", is_flag=True, help="Irreducible diagrams only.")
@click.option("--at-minimum", is_flag=True, help="Leave out what vanishes at a minimum: leaves alone in their part.")
@click.option("--all", "everything", is_flag=True, help=f"All rows; by default the first {ROWS}.")
@click.option("-o", "--output", type=NEW_FILE, help="Write all rows to a CSV file.")
def table(
    order: int, points: int | None, batch: int, updates: int | None, epochs: int | None, sampling: Sampling,
    last: Last | None, basis: Basis, by_value_class: bool, irreducible: bool, at_minimum: bool, everything: bool,
    output: Path | None,
) -> None:
    """The diagrams up to an ORDER, and their exact coefficients in a spacetime.

    \b
        fastdiag table 2 -N 10 -T 5
        fastdiag table 3 -N 100 -B 10 -E 3 --by-value-class
        fastdiag table 5 -N 100 -o coefficients.csv
    """
    from ..coefficients import table as coefficient_table

    if points is None and (updates is not None or epochs is not None or batch != 1 or last):
        raise InputError("-B, -T, -E and --last belong to a spacetime; give its number of training points with -N")
    if updates is not None and epochs is not None:
        raise InputError("give updates with -T or epochs with -E, not both")
    if points is not None and updates is None and epochs is None:
        updates, epochs = options.one_epoch(points, batch, sampling)
    found = coefficient_table(order, sampling, basis)
    found = found.where(
        irreducible=True if irreducible else None, singleton_leaves=False if at_minimum else None
    )
    if by_value_class:
        found = found.by_value_class()
    names = ["diagram", "order", "parts", "|Aut|"] + ["coefficient"] * (points is not None)
    shown = len(found) if everything or output else min(ROWS, len(found))
    rows = []
    known = iter(())
    if points is not None and shown > ROWS:
        known = iter(found.coefficients(points, batch, updates, epochs, exact=True, last=last))
    for entry in (found[i] for i in range(shown)):
        D = entry.diagram
        row = [" + ".join(map(str, entry.diagrams)), D.order, len(D.parts) - 1]
        row.append("" if len(entry.diagrams) > 1 else D.automorphisms)
        if points is not None:
            number = next(known, None)
            row.append(entry.coefficient(points, batch, updates, epochs, last=last) if number is None else number)
        rows.append([_cell(cell, in_full=output is not None) for cell in row])
    if output:
        _write_csv(output, names, rows)
        echo(f"wrote {len(rows):,} rows to {output}")
        return
    _print(names, rows)
    if shown < len(found):
        echo(f"and {len(found) - shown:,} more; --all shows them, -o file.csv writes them")


def _cell(value: object, in_full: bool) -> str:
    """Text as it is; numbers in decimal, on a terminal abbreviated if they would fill it."""
    from .. import numerals
    from ..arguments import shown

    if not isinstance(value, int | Fraction):
        return str(value)
    long = max(abs(value.numerator), value.denominator).bit_length() > numerals.LONG
    return shown(value) if long and not in_full else numerals.in_full(value)


def _print(names: list[str], rows: list[list[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from .console import PlainConsole

    grid = Table(box=SIMPLE_HEAD)
    longest = max((len(row[0]) for row in rows), default=0)
    grid.add_column(names[0], min_width=min(longest, WIDEST_DIAGRAM), overflow="fold")
    for name in names[1:]:  # numbers go on in the next line where there is no room
        grid.add_column(name, justify="right", min_width=len(name), no_wrap=name != "coefficient", overflow="fold")
    for row in rows:
        grid.add_row(*row)
    PlainConsole(highlight=False).print(grid)


def _write_csv(path: Path, names: list[str], rows: list[list[str]]) -> None:
    import csv

    from ..files import write

    file = StringIO(newline="")
    csv.writer(file).writerows([names, *rows])
    write(path, file.getvalue().encode())


@click.command(short_help="How many maps a DIAGRAM has, as a formula.")
@click.argument("diagram")
@click.option("--sampling", type=click.Choice([*SAMPLINGS, "one epoch"]), default="reshuffle", show_default=True)
@options.basis
@click.option("--coefficient", is_flag=True, help="The coefficient (-1/B)^d maps / |Aut| instead of the maps.")
@click.option("--latex", is_flag=True, help="As LaTeX.")
def formula(diagram: str, sampling: Any, basis: Basis, coefficient: bool, latex: bool) -> None:
    """How many maps a DIAGRAM has, as a formula in N, B, E (replacement: N, B, T; 'one epoch': B, T).

    \b
        fastdiag formula '[a b]'
        fastdiag formula '[a[b]]' --sampling 'one epoch' --latex
    """
    import sympy

    from ..diagram import Diagram
    from ..embedding import maps_formula

    parsed = Diagram.parse(diagram)
    found = maps_formula(parsed, sampling, basis)
    if coefficient:
        from ..coefficients.coefficient import prefactor

        found = sympy.factor(found * prefactor(parsed, sympy.Symbol("B")))
    echo(sympy.latex(found) if latex else str(found))


@click.command(short_help="Build coefficient tables that are not there yet.")
@click.option("--order", type=int, required=True, help="Build the tables of all orders up to this one.")
@options.sampling
@click.option("--directory", type=FOLDER, help="Where; by default the user's cache.")
@click.option("--scheduler", metavar="ADDRESS", help="A Dask scheduler, such as tcp://host:8786; by default threads here.")
def build(order: int, sampling: Sampling, directory: Path | None, scheduler: str | None) -> None:
    """Build the coefficient tables up to an order that are not there yet.

    An interrupted build continues when it is started again.

    \b
        fastdiag build --order 8
        fastdiag build --order 9 --scheduler tcp://host:8786
    """
    from ..coefficients.build import build as build_tables
    from ..files import to_install

    if scheduler is None:
        path = build_tables(order, sampling, directory=directory)
    else:
        try:
            from distributed import Client
        except ImportError:
            raise InputError(f"--scheduler needs Dask: {to_install('dask')}") from None
        try:
            client = Client(scheduler)
        except ValueError as error:
            raise InputError(f"--scheduler {scheduler} is no address such as tcp://host:8786: {error}") from error
        with client:
            path = build_tables(order, sampling, directory=directory, executor=client.get_executor())
    echo(f"ready: {path}")


@click.group()
def cache() -> None:
    """The tables that were built on this machine."""


@cache.command("list")
def list_files() -> None:
    """The files of the cache, with their sizes."""
    from ..files import cache_folder

    folder = cache_folder()
    files = _files(folder)
    echo(f"{folder}" if files else f"{folder} is empty")
    for file in files:
        echo(f"{_size(file) / 1e6:10.2f} MB  {file.name}")


@cache.command()
def verify() -> None:
    """Check that every table of the cache is the one that its name says."""
    from ..coefficients.order import verify as verify_table
    from ..files import cache_folder

    bad = 0
    files = sorted(cache_folder().glob("*.npz"))
    for file in files:
        try:
            if not file.is_file():
                raise DataError(f"{file} is no plain file; delete it, so that the table is built again")
            verify_table(file)
            echo(f"ok       {file.name}")
        except DataError as error:
            bad += 1
            echo(f"CORRUPT  {error}")
    echo(f"{len(files) - bad} of {len(files)} are right")
    if bad:
        raise DataError(f"{bad} corrupt; they are never used, and `fastdiag build` replaces them")


@cache.command()
@click.confirmation_option(prompt="Delete all built tables, and what unfinished builds left?")
def clear() -> None:
    """Delete the built tables, and what unfinished or killed builds left."""
    import shutil

    from ..files import cache_folder

    folder = cache_folder()
    files, kept = _files(folder), []
    for file in files:
        try:
            shutil.rmtree(file) if _is_folder(file) else file.unlink(missing_ok=True)
        except OSError as error:
            kept.append(f"{file}: {error.strerror or error}")
    echo(f"deleted {len(files) - len(kept)} from {folder}")
    if kept:
        raise DataError("; ".join([f"{len(kept)} could not be deleted", *kept]))


def _files(folder: Path) -> list[Path]:
    """Tables, shards of unfinished ones, and what killed writers left."""
    from ..files import leftovers

    return sorted({*folder.glob("*.npz"), *folder.glob(".*.shards"), *leftovers(folder)})


def _size(file: Path) -> int:
    """Bytes; a link counts as itself, wherever it leads."""
    return sum(part.lstat().st_size for part in file.rglob("*")) if _is_folder(file) else file.lstat().st_size


def _is_folder(file: Path) -> bool:
    return file.is_dir() and not file.is_symlink()
