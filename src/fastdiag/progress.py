"""Progress bars over shards of work."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from time import monotonic
from typing import TypeVar

from .arguments import flag
from .terminal import is_terminal

Shard = TypeVar("Shard")
ONE = threading.Lock()  # held while a bar is up
PATIENCE = 1.0  # seconds before a bar appears


def check_progress(progress: object) -> bool | None:
    """True, False, or None for a bar where standard error is a terminal; InputError for anything else."""
    return None if progress is None else flag("progress", progress)


def track(
    shards: Iterable[Shard], total: int, size: Callable[[Shard], int], what: str, show: bool | None
) -> Iterator[Shard]:
    """Pass the shards on and advance a bar by the size of each; `show=None` asks whether stderr is a terminal.

    There is one bar at a time: within another's shards nothing is shown.
    """
    wanted = is_terminal(sys.stderr) if show is None else show and sys.stderr is not None
    if not wanted or not ONE.acquire(blocking=False):
        yield from shards
        return
    try:
        yield from _shown(shards, total, size, what)
    finally:
        ONE.release()


def patiently(items: Iterable[Shard], total: int, what: str) -> Iterator[Shard]:
    """Pass the items on, with a bar on a terminal for what is left of them after a second."""
    left, quiet = iter(items), monotonic() + PATIENCE
    for done, item in enumerate(left):
        if monotonic() > quiet:
            yield from track(chain([item], left), total - done, lambda _: 1, what, None)
            return
        yield item


def _shown(shards: Iterable[Shard], total: int, size: Callable[[Shard], int], what: str) -> Iterator[Shard]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what, markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total)
        for shard in shards:
            bar.advance(task, size(shard))
            yield shard
