"""All shards of runs, side by side in threads or over an executor, and what they come to."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Generator, Iterator
from concurrent.futures import CancelledError, Executor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..arguments import whole
from ..coefficients.workers import check_executor, computed, packed
from ..expansion.observables import Observable
from ..progress import check_progress, track
from ..typing import FloatArray, IntArray
from .checkpoint import Gathered, check_checkpoint, kept_up, resumed
from .run_statistics import Moments, Spread

PATIENCE = 1.0  # seconds before a progress bar appears unasked
WINDOW = 64  # shards in flight over an executor
KEEPING = 5.0  # seconds from one writing of a checkpoint to the next
LOST = "start workers, and call again; with checkpoint= what was run is kept"


class Runs(Protocol):
    """What is measured: a course of training, or several."""

    @property
    def observable(self) -> Observable:
        """What of the runs."""

    @property
    def runs(self) -> int:
        """How many."""

    @property
    def shards(self) -> int:
        """How many there are."""

    def prepare(self) -> None:
        """Make what threads share."""

    def shard(self, number: int, stop: IntArray) -> FloatArray:
        """As `Course.shard`."""


@dataclass(frozen=True, slots=True)
class Work:
    """Where runs are made, and how one hears of it."""

    threads: int
    executor: Executor | None
    checkpoint: Path | None
    progress: bool | None

    def workers(self, runs: Runs) -> int:
        """How many there are on this machine."""
        return 1 if self.executor is not None else min(self.threads, runs.shards)


def checked_work(threads: object, executor: object, checkpoint: object, progress: object) -> Work:
    """The arguments, or InputError."""
    workers = (os.cpu_count() or 1) if threads is None else whole("threads", threads, 1, what="threads")
    file = None if checkpoint is None else check_checkpoint(checkpoint)
    return Work(workers, check_executor(executor), file, check_progress(progress))


def measure(runs: Runs, work: Work, keeps: bool) -> tuple[Moments | Spread, FloatArray | None]:
    """Moments of what is observed, (rates times, ...), and if asked for every run's values, (rates times, runs, ...).

    An interrupt ends all threads at their next update. Parts are merged in their order, so the workers do not matter.
    """
    sent = None if work.executor is None else packed("these runs", runs)
    runs.prepare()
    gathered = Gathered(runs.runs) if work.checkpoint is None else resumed(work.checkpoint, runs, keeps)
    if gathered.done < runs.shards:
        due = time.monotonic() + KEEPING
        begun = gathered.done, work, keeps
        made = _here(runs, *begun) if sent is None else _elsewhere(sent, runs, *begun)
        with closing(made) as parts:
            try:
                for part, values in _barred(parts, runs.runs - gathered.finished, work.progress):
                    gathered.take(part, values, keeps)
                    if work.checkpoint is not None and time.monotonic() > due:
                        kept_up(work.checkpoint, gathered)
                        due = time.monotonic() + KEEPING
            finally:
                if work.checkpoint is not None:
                    kept_up(work.checkpoint, gathered)
    return gathered.total, np.concatenate(gathered.kept, axis=1) if keeps else None


def one_shard(runs: Runs, number: int, stop: IntArray, keeps: bool) -> tuple[Moments | Spread, FloatArray | None]:
    """Its moments, and its values where they are wanted; those of the first tell a call from others."""
    values = runs.shard(number, stop)
    if stop[0]:
        raise CancelledError
    values = values.reshape(-1, *values.shape[2:])
    spread = runs.observable.mean is not None
    part: Any = Spread.of(values.reshape(*values.shape[:2], -1)) if spread else Moments.of(values)
    return part, values if keeps or number == 0 else None


def _here(runs: Runs, first: int, work: Work, keeps: bool) -> Generator[Any, None, None]:
    stop = np.zeros(1, np.int64)
    pool = ThreadPoolExecutor(work.workers(runs))
    try:
        yield from pool.map(lambda number: one_shard(runs, number, stop, keeps), range(first, runs.shards))
    finally:
        stop[0] = 1
        pool.shutdown(cancel_futures=True)


def _elsewhere(sent: bytes, runs: Runs, first: int, work: Work, keeps: bool) -> Generator[Any, None, None]:
    assert work.executor is not None
    todo = {number: (sent, number, keeps) for number in range(first, runs.shards)}
    early: dict[int, Any] = {}
    for number, found in computed(work.executor, shard_of, todo, WINDOW, LOST):
        early[number] = found
        while first in early:
            yield early.pop(first)
            first += 1


def shard_of(sent: bytes, number: int, keeps: bool) -> tuple[Moments | Spread, FloatArray | None]:
    """What a worker does."""
    return one_shard(_unpacked(sent), number, np.zeros(1, np.int64), keeps)


@lru_cache(maxsize=2)
def _unpacked(sent: bytes) -> Runs:
    """Once to a worker: a formula's tapes take longer than a shard."""
    runs: Runs = pickle.loads(sent)
    runs.prepare()
    return runs


def _barred(parts: Iterator[Any], left: int, progress: bool | None) -> Iterator[Any]:
    """The same; a bar comes up unasked only for what is left after a while."""
    quiet = time.monotonic() + (PATIENCE if progress is None else 0.0)
    while left and time.monotonic() < quiet:
        part = next(parts)
        left -= part[0].runs
        yield part
    yield from track(parts, left, lambda part: int(part[0].runs), "runs", progress if left else False)
