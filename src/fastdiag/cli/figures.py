"""`fastdiag figures`."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from ..errors import DataError
from ..files import to_install, write
from ..progress import track
from .shell import FOLDER, echo

PACKAGE = "fastdiag_figures"  # what the folder of scripts is imported as
KINDS = ("inside the 99 % interval", "outside", "within the interval and its own error")


def collection(folder: Path | None = None) -> ModuleType:
    """The frame of the experiments in the repository's bench/figures/, or in another folder.

    Raises
    ------
    DataError : it is not there
    """
    folder = (folder or Path(__file__).resolve().parents[3] / "bench" / "figures").resolve()
    start = folder / "__init__.py"
    if not (folder / "frame.py").is_file():
        raise DataError(f"{folder} is not there: experiments come with the source repository; give --folder")
    loaded = sys.modules.get(PACKAGE)
    if loaded is None or loaded.__file__ != str(start):
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]
        spec = importlib.util.spec_from_file_location(PACKAGE, start, submodule_search_locations=[str(folder)])
        assert spec is not None
        assert spec.loader is not None
        package = importlib.util.module_from_spec(spec)
        sys.modules[PACKAGE] = package
        spec.loader.exec_module(package)
    return importlib.import_module(f"{PACKAGE}.frame")


@click.command(short_help="The papers' experiments, theory beside simulation.")
@click.argument("names", nargs=-1)
@click.option("--quick", is_flag=True, help="Fewer runs and points: all figures in two minutes.")
@click.option("--out", type=FOLDER, default=Path("out/figures"), show_default=True, help="Where pictures and numbers go.")
@click.option("--fresh", is_flag=True, help="Compute again what an earlier call has kept.")
@click.option("--list", "listing", is_flag=True, help="Say which figures there are.")
@click.option("--folder", type=FOLDER, help="The repository's bench/figures/ folder.")
def figures(names: tuple[str, ...], quick: bool, out: Path, fresh: bool, listing: bool, folder: Path | None) -> None:
    """Compute the papers' experiments twice, by theory and by simulation, and draw them: all, or those of some NAMES.

    What is computed is kept in OUT/kept, piece by piece: a call that was stopped goes on from there. OUT has a picture of
    each figure and a JSON file with every prediction beside what the simulation says of it.
    """
    frame = collection(folder)
    wanted = [(name, frame.script(name)) for name in frame.chosen(names)]
    if listing:
        for name, experiment in wanted:
            echo(f"{name:20} {experiment.TITLE}")
        return
    from ..drawing.picture import check_picture

    out.mkdir(parents=True, exist_ok=True)
    check_picture(out / "figure.png")
    rows: list[Any] = []
    for name, experiment in wanted:
        if needed := frame.missing(experiment):
            echo(f"{name}: left out, it needs {needed}: {to_install(needed)}")
            continue
        found, seconds, kept = _computed(frame, experiment, name, out / "kept", quick, fresh)
        _draw(experiment, found, out / f"{name}.png")
        judged = experiment.rows(found)
        rows += judged
        record = {"quick": quick, "seconds": round(seconds, 2), "rows": [row.record() for row in judged]}
        write(out / f"{name}.json", json.dumps(record, indent=1).encode())
        inside = sum(row.inside for row in judged)
        echo(f"{name}: {seconds:.1f} s{', kept' if kept else ''}; {inside} of {len(judged)} predictions inside; "
             f"{out / name}.png")
    _tell(frame, rows)


def _computed(
    frame: ModuleType, experiment: ModuleType, name: str, folder: Path, quick: bool, fresh: bool
) -> tuple[dict[str, Any], float, bool]:
    """All pieces, the seconds that they took, and whether every one was kept from an earlier call."""
    pieces = frame.results(experiment, folder, quick, fresh)
    found, seconds, kept = {}, 0.0, True
    for piece, arrays, took, old in track(pieces, len(experiment.pieces(quick)), lambda _: 1, name, None):
        found[piece], seconds, kept = arrays, seconds + took, kept and old
    return found, seconds, kept


def _draw(experiment: ModuleType, found: dict[str, Any], path: Path) -> None:
    from ..drawing.picture import picture

    with picture(path, *experiment.SIZE) as figure:
        experiment.draw(figure, found)


def _tell(frame: ModuleType, rows: list[Any]) -> None:
    """How many predictions the simulations bear out, by whether they are to be trusted."""
    from rich.table import Table

    from .console import PlainConsole

    table = Table(title="predictions beside simulations")
    for column in ("", *KINDS):
        table.add_column(column, justify="right" if column else "left")
    for kind, counts in frame.counted(rows).items():
        table.add_row(kind, *map(str, counts))
    PlainConsole().print(table)
