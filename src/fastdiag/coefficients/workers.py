"""Waiting for an executor whose workers may be gone: not for ever, and not without a word."""

from __future__ import annotations

import asyncio
import pickle
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from itertools import islice
from typing import Any

from ..arguments import shown
from ..errors import DataError, FastdiagError, InputError
from ..numerals import has

LOOK = 5.0  # seconds from one look at the workers to the next
WITHOUT_WORKERS = 30.0  # that an executor may be without any; Dask starts new ones within some
SILENT = 600.0  # that an executor which tells neither of its workers nor of their end may go without an answer

KEPT = "the shards that were finished are kept: start workers, and call fastdiag.build again to go on from there"


def check_executor(executor: Any) -> Executor | None:
    """The executor, or None; InputError for anything else."""
    if executor is None or (has(executor, "submit") and not isinstance(executor, type)):
        return executor
    raise InputError(f"executor must be a concurrent.futures.Executor, not {shown(executor)}")


def packed(what: str, value: object) -> bytes:
    """The value pickled, as it goes to workers.

    Raises
    ------
    InputError : something in it does not pickle
    """
    try:
        return pickle.dumps(value)
    except Exception as error:  # PicklingError, AttributeError or TypeError, and whatever a caller's objects raise
        raise InputError(
            f"{what} cannot be sent to the workers of an executor ({type(error).__name__}: {error}): functions are sent by "
            "their names; define them with def in a module that workers can import, or leave out executor="
        ) from error


def computed(
    executor: Executor, work: Callable[..., Any], todo: Mapping[int, tuple[Any, ...]], window: int,
    kept: str = KEPT,
) -> Iterator[tuple[int, Any]]:
    """Numbers and work(*arguments) of them, as they are finished, a window of them in flight.

    Raises
    ------
    DataError : the executor broke down, which `kept` says what to do about; what was done before comes first
    """
    waiting: dict[Future[Any], int] = {}
    left, broken = iter(todo.items()), None
    try:
        while True:
            try:
                for i, arguments in islice(left, window - len(waiting)):
                    with at_work(executor, kept):
                        waiting[executor.submit(work, *arguments)] = i
            except DataError as error:
                broken, left = error, iter(())
            if broken is not None and not any(future.done() for future in waiting):
                raise broken  # what was done before is kept by now
            if not waiting:
                return
            for done in first_done(executor, waiting, kept):
                with at_work(executor, kept):
                    found = done.result()
                yield waiting.pop(done), found
    finally:
        for future in waiting:
            future.cancel()


def first_done(executor: Executor, waiting: Collection[Future[Any]], kept: str = KEPT) -> list[Future[Any]]:
    """Those that are done, once some are; those with a result first, so that it is kept if others break.

    Raises
    ------
    DataError : the executor has no workers left, or nothing has been done for long
    """
    begun = there = time.monotonic()
    while True:
        done = {future for future in waiting if future.done()} or wait(waiting, LOOK, FIRST_COMPLETED).done
        if done:
            return sorted(done, key=lambda future: future.cancelled() or future.exception() is not None)
        now, number = time.monotonic(), _workers(executor)
        there = now if number != 0 else there
        if now - there > WITHOUT_WORKERS:
            raise DataError(f"the executor has had no workers for {now - there:.0f} s; {kept}")
        if number is None and now - begun > SILENT and not isinstance(executor, ThreadPoolExecutor | ProcessPoolExecutor):
            raise DataError(f"the executor has finished nothing for {now - begun:.0f} s; {kept}")


def _workers(executor: Executor) -> int | None:
    """How many workers a Dask executor has; None where nobody can tell."""
    client = getattr(executor, "_client", None)
    try:
        return len(client.scheduler_info()["workers"]) if client is not None else None
    except Exception:  # whatever another library raises when its scheduler is gone
        return 0


@contextmanager
def at_work(executor: Executor, kept: str) -> Iterator[None]:
    """What an executor raises when it breaks is a DataError here; what the work itself raises stays as it is."""
    try:
        yield
    except FastdiagError:
        raise
    except (Exception, asyncio.CancelledError) as error:
        of_dask = type(error).__module__.startswith("distributed")
        if of_dask or isinstance(error, BrokenExecutor | CancelledError | asyncio.CancelledError | ConnectionError):
            why = f"{type(error).__name__}{f': {error}' if str(error) else ''}"
            raise DataError(f"the executor {type(executor).__name__} broke down ({why}); {kept}") from error
        raise
