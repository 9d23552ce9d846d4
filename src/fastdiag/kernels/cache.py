"""Compiled kernels on the disk: numba's cache, believed when its bytes are the ones written and its folder is one's own.

What lies in a cache is machine code: it is run as it is found. Each file begins with the sha256 of the rest; one that is
damaged is thrown away and the kernel compiled. A cache that cannot be read or written costs time, never an answer.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import stat
import warnings
from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from numba.core import caching, config

from ..files import opened

DIGEST = 32  # bytes


class _Files(caching.IndexDataCacheFile):
    """numba's two files to a function, sealed; the code says what it was compiled for, whatever the index says."""

    def load(self, key: Any) -> Any:
        kept = super().load(key)
        return None if kept is None or kept[0] != key else kept[1]

    def save(self, key: Any, data: Any) -> None:
        super().save(key, (key, data))

    def _load_index(self) -> dict[Any, str]:
        kept = _unsealed(self._index_path)
        if kept is None:
            return {}
        version, stamp, overloads = pickle.loads(kept)
        return overloads if (version, stamp) == (self._version, self._source_stamp) else {}

    def _save_index(self, overloads: dict[Any, str]) -> None:
        self._seal(self._index_path, (self._version, self._source_stamp, overloads))

    def _load_data(self, name: str) -> Any:
        kept = _unsealed(self._data_path(name))
        return None if kept is None else pickle.loads(kept)

    def _save_data(self, name: str, data: Any) -> None:
        self._seal(self._data_path(name), data)

    def _seal(self, path: str, data: Any) -> None:
        packed = self._dump(data)
        with self._open_for_write(path) as file:
            file.write(hashlib.sha256(packed).digest() + packed)


def _unsealed(path: str) -> bytes | None:
    """What was written to a file; None if there is none, or if it had to be thrown away."""
    try:
        with opened(path, links=False) as file:
            data = file.read()
    except FileNotFoundError:
        return None
    except OSError:
        data = b""
    if len(data) > DIGEST and hashlib.sha256(data[DIGEST:]).digest() == data[:DIGEST]:
        return data[DIGEST:]
    with suppress(OSError):
        os.unlink(path)
    _tell(f"files of compiled kernels in {os.path.dirname(path)} were damaged; they are thrown away and compiled anew.")
    return None


class _OwnFolder:
    """Of one of numba's ways to find a folder: one where others can write, or that depends on where one stands, is none."""

    get_cache_path: Any

    def ensure_cache_path(self) -> None:
        path = Path(self.get_cache_path())
        if not path.is_absolute() and (not config.CACHE_DIR or path.parts[0] == "~"):
            raise OSError(f"{path} is in no home folder")
        os.makedirs(path, 0o755, exist_ok=True)
        if not owned(path):
            raise OSError(f"{path} can be written by others")
        caching._CacheLocator.ensure_cache_path(self)


def owned(folder: Path) -> bool:
    """Whether a folder is this user's and nobody else can put files, or another folder, in its place."""
    if not hasattr(os, "geteuid"):
        return True
    folder = folder.resolve()
    found = folder.stat()
    others = stat.S_IWOTH | (stat.S_IWGRP if found.st_gid != os.getegid() else 0)
    above = (parent.stat().st_mode for parent in folder.parents)
    return (
        found.st_uid == os.geteuid() and not found.st_mode & others
        and all(not mode & stat.S_IWOTH or mode & stat.S_ISVTX for mode in above)
    )


@functools.cache
def _careful(locator: Hashable) -> type:
    return type("Own" + cast(type, locator).__name__, (_OwnFolder, cast(type, locator)), {})


class _Implementation(caching.CompileResultCacheImpl):
    @property
    def _locator_classes(self) -> list[type]:
        return [_careful(locator) for locator in caching.CacheImpl._locator_classes]


class KernelCache(caching.FunctionCache):
    """A kernel's compiled forms.

    Raises
    ------
    OSError, RuntimeError : there is no folder for them
    """

    _impl_class = _Implementation

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        locator = self._impl.locator
        if not isinstance(locator, _OwnFolder):  # NUMBA_CACHE_LOCATOR_CLASSES names others
            _OwnFolder.ensure_cache_path(locator)
        self._cache_file = _Files(self._cache_path, self._impl.filename_base, locator.get_source_stamp())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a right sha256 on what this numba does not understand
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception as error:
            _tell(f"compiled kernels cannot be kept in {self._cache_path} ({str(error)[:200]}).")


def tell_of_no_cache() -> None:
    """Warn that nothing is kept."""
    _tell("no writable cache directory of one's own: kernels are compiled anew in every process.")


_told: set[str] = set()


def _tell(what: str) -> None:
    """Once to a process, whatever happens how often."""
    if not _told:
        _told.add(what)
        advice = "Set NUMBA_CACHE_DIR to a writable directory, with room, where nobody else can write, to keep them."
        warnings.warn(f"{what} {advice}", RuntimeWarning, stacklevel=2)
