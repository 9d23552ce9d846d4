"""Progress bars over shards of work."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from .arguments import flag
from .terminal import is_terminal

Shard = TypeVar("Shard")


def check_progress(progress: object) -> bool | None:
    """True, False, or None for a bar where standard error is a terminal; InputError for anything else."""
    return None if progress is None else flag("progress", progress)


def track(
    shards: Iterable[Shard], total: int, size: Callable[[Shard], int], what: str, show: bool | None
) -> Iterator[Shard]:
    """Pass the shards on and advance a bar by the size of each; `show=None` asks whether stderr is a terminal."""
    if not (is_terminal(sys.stderr) if show is None else show and sys.stderr is not None):
        yield from shards
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what, markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total)
        for shard in shards:
            bar.advance(task, size(shard))
            yield shard
