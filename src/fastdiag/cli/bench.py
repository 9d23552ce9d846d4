"""`fastdiag bench`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from ..errors import DataError
from ..terminal import spelled_out
from .shell import FOLDER


@click.command()
@click.option("-k", "pattern", help="Only benchmarks whose name matches (as in pytest -k).")
@click.option("--folder", type=FOLDER, help="The repository's bench/ folder.")
def bench(pattern: str | None, folder: Path | None) -> None:
    """Run the benchmarks and print a table.

    Every benchmark asserts its answers first. What counts is the ratio within a group, in one run: the last column is the
    median over the fastest of the group.
    """
    from rich.table import Table
    from rich.text import Text

    from .console import PlainConsole

    folder = folder or Path(__file__).resolve().parents[3] / "bench"
    if not folder.is_dir():
        raise DataError(f"{folder} is not there: benchmarks come with the source repository; give --folder")
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "bench.json"
        command = [
            sys.executable, "-m", "pytest", str(folder), "-q", "--benchmark-enable", "--benchmark-only",
            "--benchmark-disable-gc", f"--benchmark-json={report}", *(["-k", pattern] if pattern else []),
        ]
        done = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not report.is_file():
            sys.stderr.write(spelled_out(done.stdout[-4000:] + done.stderr[-2000:]) + "\n")
            raise click.ClickException("the benchmarks did not pass; the output above says which, and why")
        results = json.loads(report.read_text())["benchmarks"]
    table = Table(title="benchmarks (median of warm runs)")
    for column in ("group", "benchmark", "median", "ratio"):
        table.add_column(column, justify="right" if column in ("median", "ratio") else "left", overflow="fold")
    groups: dict[str, list[tuple[float, str, str]]] = {}
    for result in results:
        notes = ", ".join(f"{key} {value}" for key, value in result["extra_info"].items())
        name = result["name"].removeprefix("test_").replace("_", " ")
        group = result["group"] or result["fullname"].split("/")[-1].split("::")[0].removesuffix(".py")
        groups.setdefault(group, []).append((result["stats"]["median"], name, notes))
    for group, rows in sorted(groups.items()):
        for i, (median, name, notes) in enumerate(sorted(rows)):
            title = Text.assemble(spelled_out(name), (f"\n{spelled_out(notes)}" if notes else "", "dim"))
            table.add_row(group if i == 0 else "", title, _readable(median), f"{median / min(rows)[0]:.3g}")
        table.add_section()
    PlainConsole().print(table)


def _readable(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
