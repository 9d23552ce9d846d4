"""`fastdiag figures`."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from ..errors import DataError, InputError
from ..files import to_install, write
from ..progress import track
from .shell import FOLDER, echo

PACKAGE = "fastdiag_figures"  # what the folder of scripts is imported as
MOST_WORKERS = 4  # each may take a GB or two of memory
PAGE = click.Path(exists=True, dir_okay=False, path_type=Path)
KEPT = "what was computed is kept: call again to go on, with --workers 1 if memory ran out"


def collection(folder: Path | None = None) -> ModuleType:
    """The frame of the experiments in the repository's bench/figures/, or in another folder.

    Raises
    ------
    DataError : it is not there
    """
    folder = (folder or Path(__file__).resolve().parents[3] / "bench" / "figures").resolve()
    start = folder / "__init__.py"
    if not (folder / "frame.py").is_file():
        what = f"{folder} has no experiments in it" if folder.is_dir() else f"{folder} is not there"
        raise DataError(f"{what}: they come with the source repository; give its bench/figures/ as --folder")
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
@click.option("--workers", type=click.IntRange(1, 64), help="Processes.  [default: as many as processors, 4 at most]")
@click.option("--page", type=PAGE, help="Write the numbers into this page, between its marks: all figures, not quick.")
def figures(
    names: tuple[str, ...], quick: bool, out: Path, fresh: bool, listing: bool, folder: Path | None, workers: int | None,
    page: Path | None,
) -> None:
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
    missing = {name: needed for name, experiment in wanted if (needed := frame.missing(experiment))}
    if page and (quick or len(wanted) < len(frame.NAMES) or missing):
        lacks = "".join(f"; {name} needs {needed}: {to_install(needed)}" for name, needed in missing.items())
        raise InputError(f"--page takes all figures, without --quick{lacks}")
    from ..drawing.picture import check_picture

    out.mkdir(parents=True, exist_ok=True)
    check_picture(out / "figure.png")
    rows: dict[str, list[Any]] = {}
    times: dict[str, float] = {}
    for name, experiment, found, seconds, kept in _computed(frame, wanted, out / "kept", quick, fresh, workers):
        _draw(experiment, found, out / f"{name}.png")
        rows[name], times[name] = judged, _ = experiment.rows(found), seconds
        record = {"quick": quick, "seconds": round(seconds, 2), "rows": [row.record() for row in judged]}
        write(out / f"{name}.json", json.dumps(record, indent=1).encode())
        inside = sum(row.inside for row in judged)
        echo(f"{name}: {seconds:.1f} s{', kept' if kept else ''}; {inside} of {len(judged)} predictions inside; "
             f"{out / name}.png")
    _tell(frame, rows)
    if page:
        found_ = {name: (rows[name], times[name]) for name in rows}
        write(page, importlib.import_module(f"{PACKAGE}.page").written(page.read_text("utf-8"), found_).encode())


def _computed(
    frame: ModuleType, wanted: list[tuple[str, ModuleType]], kept: Path, quick: bool, fresh: bool, workers: int | None
) -> Iterator[tuple[str, ModuleType, dict[str, Any], float, bool]]:
    """Each experiment in its turn, once its pieces are there: what they found, their seconds, whether all were kept.

    Pieces are computed by processes, each of which keeps what it has finished.
    """
    ready = []
    for name, experiment in wanted:
        if needed := frame.missing(experiment):
            echo(f"{name}: left out, it needs {needed}: {to_install(needed)}")
        else:
            ready.append((name, experiment))
    asked = {name: frame.unkept(experiment, kept, quick, fresh) for name, experiment in ready}
    left = {name: set(pieces) for name, pieces in asked.items()}
    tasks = [(name, piece) for name, pieces in asked.items() for piece in pieces]
    folder = Path(str(frame.__file__)).parent
    computing = track(_finished(folder, tasks, kept, quick, workers), len(tasks), lambda _: 1, "figures", None)
    for name, experiment in ready:
        while left[name]:
            done, piece = next(computing)
            left[done].remove(piece)
        found, seconds = {}, 0.0
        for piece, arrays, took, _ in frame.results(experiment, kept, quick):
            found[piece], seconds = arrays, seconds + took
        yield name, experiment, found, seconds, not asked[name]


def _finished(
    folder: Path, tasks: list[tuple[str, str]], kept: Path, quick: bool, workers: int | None
) -> Iterator[tuple[str, str]]:
    """The tasks as they are done."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from ..coefficients.workers import computed

    count = min(len(tasks), workers or min(MOST_WORKERS, os.cpu_count() or 1))
    if count <= 1:
        yield from (_compute(folder, name, piece, kept, quick) for name, piece in tasks)
        return
    stopped = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # without a word
    with ProcessPoolExecutor(count, get_context("spawn"), stopped) as pool:
        todo = {number: (folder, *task, kept, quick) for number, task in enumerate(tasks)}
        for _, task in computed(pool, _compute, todo, count, KEPT):
            yield task


def _compute(folder: Path, name: str, piece: str, kept: Path, quick: bool) -> tuple[str, str]:
    """Compute a piece and keep it."""
    frame = collection(folder)
    experiment = frame.script(name)
    for _ in frame.results(experiment, kept, quick, fresh=True, only={piece: experiment.pieces(quick)[piece]}):
        pass
    return name, piece


def _draw(experiment: ModuleType, found: dict[str, Any], path: Path) -> None:
    from ..drawing.picture import picture

    with picture(path, *experiment.SIZE) as figure:
        experiment.draw(figure, found)


def _tell(frame: ModuleType, rows: dict[str, list[Any]]) -> None:
    """How many predictions the simulations bear out, by what they say of themselves."""
    from rich.table import Table

    from .console import PlainConsole

    table = Table(title="predictions in the simulation's 99 % interval / outside / within it and their own error; curves")
    header, lines = frame.counts(rows)
    table.add_column("")
    for kind in header:
        table.add_column(kind, justify="right")
    for cells in lines:
        if cells[0] == "all":
            table.add_section()
        table.add_row(*cells)
    PlainConsole(120).print(table)
