"""All shards of runs, side by side in threads, and what they come to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any

import numpy as np

from ..progress import track
from ..typing import FloatArray
from .course import Course
from .moments import Moments, Spread

PATIENCE = 1.0  # seconds before a progress bar appears unasked


def measure(
    course: Course, workers: int, progress: bool | None, keeps: bool
) -> tuple[Moments | Spread, FloatArray | None]:
    """Moments of what is observed, (rates times, ...), and if asked for every run's values, (rates times, runs, ...).

    An interrupt ends all threads at their next update.
    """
    stop = np.zeros(1, np.int64)
    spread = course.observable.mean is not None
    kept: list[FloatArray] = []
    course.prepare()

    def made(number: int) -> tuple[Moments | Spread, FloatArray | None]:
        values = course.shard(number, stop)
        if stop[0]:
            raise CancelledError
        values = values.reshape(-1, *values.shape[2:])
        part: Any = Spread.of(values.reshape(*values.shape[:2], -1)) if spread else Moments.of(values)
        return part, values if keeps else None

    def parts(found: Iterator[Any]) -> Iterator[Any]:
        for part, values in found:
            if keeps:
                kept.append(values)
            yield part

    pool = ThreadPoolExecutor(workers)
    try:
        total = merged(parts(pool.map(made, range(course.shards))), course.runs, progress)
    finally:
        stop[0] = 1
        pool.shutdown(cancel_futures=True)
    return total, np.concatenate(kept, axis=1) if keeps else None


def merged(parts: Iterator[Any], runs: int, progress: bool | None) -> Any:
    """All parts merged in their order; a bar comes up unasked only for what is left after a while."""
    quiet = time.monotonic() + (PATIENCE if progress is None else 0.0)
    total = next(parts)
    while total.runs < runs and time.monotonic() < quiet:
        total = total.merged(next(parts))
    left = runs - total.runs
    for part in track(parts, left, lambda part: part.runs, "runs", progress if left else False):
        total = total.merged(part)
    return total
