"""`fastdiag bench`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from ..errors import DataError


@click.command()
@click.option("-k", "pattern", help="Only benchmarks whose name matches (as in pytest -k).")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="The repository's bench/ folder.")
def bench(pattern: str | None, folder: Path | None) -> None:
    """Run the benchmarks and print a table.

    Every benchmark asserts its answers first. What counts is the ratio to the baseline of its group, in one run.
    """
    from rich.console import Console
    from rich.table import Table

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
            click.echo(done.stdout[-4000:] + done.stderr[-2000:], err=True)
            raise click.ClickException("the benchmarks did not pass; the output above says which, and why")
        results = json.loads(report.read_text())["benchmarks"]
    table = Table(title="benchmarks (median of warm runs)")
    for column in ("benchmark", "median", "notes"):
        table.add_column(column, justify="right" if column == "median" else "left", overflow="fold")
    for result in sorted(results, key=lambda r: (r["group"] or "", r["stats"]["median"])):
        notes = ", ".join(f"{key}: {value}" for key, value in result["extra_info"].items())
        table.add_row(result["name"], _readable(result["stats"]["median"]), notes)
    Console().print(table)


def _readable(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
