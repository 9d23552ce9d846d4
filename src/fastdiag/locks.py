"""What threads must not do at once, and what a fork must wait for.

A forked child gets the locks as they stand, but not the threads that would open them: one that is closed then stays closed.
So a fork first waits until no thread loads a room, compiles a kernel or imports a module, and holds them off meanwhile.

The facade's names (`fd.predict`, `from fastdiag import predict`) may be touched by any threads together. Modules imported
by their full names (`import fastdiag.values.rvalue`) take Python's own locks first, which two threads can take in opposite
order: import those before the threads begin.
"""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401 it has locks at a fork too: those imported before are taken after ours
import logging  # noqa: F401
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

LOADING = threading.RLock()
"""Held while a room is imported: two threads that import it from different ends would each wait for the other."""
COMPILING = threading.RLock()
"""Held while a kernel is made ready; taken after LOADING where both are."""

PATIENCE = 60.0  # seconds that a fork waits for other threads' imports
_Value = TypeVar("_Value")
_held: list[Any] = []


class cached_property(Generic[_Value]):  # noqa: N801
    """functools.cached_property without its lock (before Python 3.12), which a forked child can find closed for good."""

    def __init__(self, function: Callable[[Any], _Value]) -> None:
        self.function, self.name, self.__doc__ = function, function.__name__, function.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> cached_property[_Value]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> _Value: ...
    def __get__(self, instance: object | None, owner: type) -> Any:
        if instance is None:
            return self
        found = vars(instance).get(self.name, self)
        return vars(instance).setdefault(self.name, self.function(instance)) if found is self else found


def _before_fork() -> None:
    _take(LOADING)
    _take(COMPILING)
    _wait_for_imports(PATIENCE)
    compilers = sys.modules.get("numba.core.compiler_lock")
    if compilers is not None:
        _take(compilers.global_compiler_lock)
        _wait_for_imports(PATIENCE / 10)  # short: what is imported now may want to compile


def _take(lock: Any) -> None:
    lock.acquire()
    _held.append(lock)


def _wait_for_imports(patience: float) -> None:
    last = time.monotonic() + patience
    while _others_import() and time.monotonic() < last:
        time.sleep(0.001)


def _others_import() -> bool:
    """Whether another thread is in the middle of an import."""
    known = getattr(sys.modules.get("_frozen_importlib"), "_module_locks", {})
    locks = [reference() for reference in list(known.values())]
    return any(getattr(lock, "owner", None) not in (None, threading.get_ident()) for lock in locks)


def _after_fork() -> None:
    while _held:
        _held.pop().release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
