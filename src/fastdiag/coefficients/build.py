"""Making the table of one order: in shards, over any executor, going on where an earlier build ended."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ..diagram import count_diagrams
from ..door import door
from ..errors import DataError
from ..files import cache_folder, folder_of, folders, made, opened
from ..progress import check_progress, track
from ..typing import IntArray, PathLike, Sampling
from .order import OrderTable, check_table
from .schema import KNOWN, OF_ROWS, VERSION, Kind, file_name, heading
from .shard import LABEL, code, origin, shard
from .sizes import check_on_disk
from .store import Chunks, WrongContentsError, read_arrays, write_arrays
from .verification import check_rows, narrow
from .workers import check_executor, computed

SHARD_ROWS = 4096
WINDOW = 16  # shards in flight, which bounds the memory of finished ones
SAMPLE = 8  # rows of each shard from elsewhere that are computed again

ArrayKind: TypeAlias = tuple[np.dtype[Any], tuple[int, ...], str]
"""Dtype, shape, and sha256 of the bytes."""


@door
def build(
    order: int,
    sampling: Sampling = "reshuffle",
    *,
    executor: Executor | None = None,
    directory: PathLike | None = None,
    progress: bool | None = None,
) -> Path:
    """Make the tables of all orders up to `order` that a folder does not hold yet, and say where the last one is.

    A table holds, for each diagram, numbers of patterns, from which `table` computes coefficients (papers: Theorem 3).

    Parameters
    ----------
    order : 0 to 10; a table of order 8 takes half a minute of two cores, order 9 some 20 minutes and 13 GB of disk or more
    sampling : 'cyclic' or 'reshuffle'; 'replacement' is read from the table of 'reshuffle'
    executor : any concurrent.futures.Executor, also Dask's `Client.get_executor()`; by default threads, one to a core
    directory : folder to put the files in; by default the user's cache, which gets the table of the highest order, and of
        lower ones what `table` would not find elsewhere
    progress : draw progress bars; by default where standard error is a terminal

    Returns
    -------
    The file of the highest order. A build that was interrupted continues with the shards that it had finished.

    Raises
    ------
    InputError : order out of range, unknown sampling
    TooLargeError : the disk has no room for it
    DataError : the folder cannot be written; the executor has lost its workers, or finishes nothing for ten minutes

    Examples
    --------
    >>> import fastdiag as fd, tempfile
    >>> fd.build(3, "cyclic", directory=tempfile.mkdtemp()).name
    'cyclic-03.npz'
    """
    order, kind = check_table(order, sampling)
    progress = check_progress(progress)
    executor = check_executor(executor)
    folder = cache_folder() if directory is None else folder_of(directory)
    if not os.path.isfile(folder / file_name(kind, order)):
        check_on_disk(kind, order, folder)
    for d in range(order + 1):
        places = [folder] if directory is not None or d == order else [folder, *folders()]
        if not any(_is_table(kind, d, place / file_name(kind, d)) for place in places):
            make(kind, d, folder, executor, progress)
    return folder / file_name(kind, order)


def _is_table(kind: Kind, order: int, file: Path) -> bool:
    try:
        OrderTable.in_file(kind, order, file)
    except DataError:
        return False
    return True


def make(kind: Kind, order: int, folder: Path, executor: Executor | None = None, progress: bool | None = None) -> None:
    """Make one order's file; shards are kept beside it until it is whole.

    Raises
    ------
    TooLargeError : the disk has no room for it
    DataError : the folder cannot be written, or the executor returned something else than the rows asked for
    """
    check_on_disk(kind, order, folder)
    path = made(folder) / file_name(kind, order)
    if count_diagrams(order) <= SHARD_ROWS:
        write_arrays(path, in_memory(kind, order), _digest_of(path.name))
        return
    shards = folder / f".{path.name}.{VERSION}-{SHARD_ROWS}.shards"  # other versions leave other shards
    work = partial(_make_in_shards, kind, order, path, shards, executor, progress)
    try:
        try:
            work()
        except WrongContentsError:  # some shard is wrong in a way that only the whole tells
            shutil.rmtree(shards, ignore_errors=True)
            work()
    except DataError:
        if not _is_table(kind, order, path):  # else another process was done first, and took the shards away
            raise
    shutil.rmtree(shards, ignore_errors=True)


def _make_in_shards(
    kind: Kind, order: int, path: Path, shards: Path, executor: Executor | None, progress: bool | None
) -> None:
    if shards.is_symlink():
        raise DataError(f"{shards} is a link, and nothing is written through it; delete it, or choose another directory")
    made(shards)
    count = count_diagrams(order)
    rows = list(pairwise([*range(0, count, SHARD_ROWS), count]))
    files = [shards / f"{first:09}.npz" for first, _ in rows]
    kinds = {i: found for i, file in enumerate(files) if (found := _kinds(file, partial(_check, kind, order, *rows[i])))}
    todo = [i for i in range(len(files)) if i not in kinds]
    given = executor is not None
    with ExitStack() as stack:
        if executor is None and todo:
            executor = stack.enter_context(ThreadPoolExecutor(os.cpu_count()))
        asked = {i: (kind, order, *rows[i]) for i in todo}
        work = iter(()) if executor is None else computed(executor, shard, asked, WINDOW)
        for i, arrays in track(work, len(todo), lambda _: 1, f"{kind} table, order {order}", progress):
            if given:
                _check_answer(kind, order, *rows[i], arrays)
            write_arrays(files[i], arrays)
            kinds[i] = _described(arrays)
    joined = _joined(files, [kinds[i] for i in range(len(files))])
    write_arrays(path, {**heading(kind, order), **joined}, _digest_of(path.name))


def _digest_of(name: str) -> str | None:
    """The sha256 that the file of that name must end with, if it is known."""
    return KNOWN[name][1] if name in KNOWN else None


def _check(kind: Kind, order: int, first: int, last: int, arrays: Mapping[str, IntArray]) -> None:
    """DataError unless these are the rows first to last, as this code makes them; see `check_rows`."""
    if set(arrays) != {*OF_ROWS, *LABEL} or not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise DataError("it is no shard of a table")
    if not np.array_equal(arrays["origin"], origin(kind, order, first, last)):
        said = str(arrays["origin"].tolist())[:100]
        raise DataError(f"it says to be {said} (version, kind, order, rows), which was not asked for")
    if not np.array_equal(arrays["code"], code()):
        raise DataError("it was made by other code than this version of fastdiag")
    if not narrow(arrays):
        raise DataError("its arrays are not of the smallest integers that hold them")
    check_rows(kind, order, first, last, arrays, SAMPLE)


def _check_answer(kind: Kind, order: int, first: int, last: int, arrays: object) -> None:
    try:
        if not isinstance(arrays, Mapping):
            raise DataError(f"it is a {type(arrays).__name__}, not arrays by their names")
        _check(kind, order, first, last, arrays)
    except DataError as error:
        raise DataError(
            f"the executor returned something else than the rows {first:,} to {last:,}: {error}; have its workers run "
            "this version of fastdiag, or build without it"
        ) from error


def _kinds(
    file: Path, check: Callable[[Mapping[str, IntArray]], None] = lambda arrays: None
) -> dict[str, ArrayKind] | None:
    """What the arrays of a shard are, if it is there, whole, and passes the check."""
    try:
        arrays = read_arrays(file, links=False)
        check(arrays)
    except DataError:
        return None
    return _described(arrays)


def _described(arrays: Mapping[str, IntArray]) -> dict[str, ArrayKind]:
    return {name: (arrays[name].dtype, arrays[name].shape, _digest(arrays[name])) for name in OF_ROWS if name in arrays}


def _digest(array: IntArray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def _joined(files: Sequence[Path], kinds: Sequence[dict[str, ArrayKind]]) -> dict[str, Chunks]:
    """The shards, one after the other, in the smallest integers that hold all; streamed, each as it was when checked."""

    def piece(i: int, name: str, dtype: np.dtype[Any]) -> IntArray:
        try:
            with opened(files[i], links=False) as file, np.load(file, allow_pickle=False) as arrays:  # this array only
                array = np.asarray(arrays[name])
        except Exception as error:  # taken away by a process that was done first, or overwritten
            raise DataError(f"{files[i]} cannot be read ({error}); start the build again") from error
        if _digest(array) != kinds[i][name][2]:
            raise DataError(f"{files[i]} was changed during the build; start it again")
        return np.asarray(array.astype(dtype, copy=False))

    def joined(name: str) -> Chunks:
        dtype = np.result_type(*(found[name][0] for found in kinds))
        shapes = [found[name][1] for found in kinds]
        pieces = (piece(i, name, dtype) for i in range(len(files)))
        return Chunks(dtype, (sum(shape[0] for shape in shapes), *shapes[0][1:]), pieces)

    return {name: joined(name) for name in OF_ROWS}


def in_memory(kind: Kind, order: int) -> dict[str, IntArray]:
    """The whole table at once, for orders that are soon done."""
    rows = shard(kind, order, 0, count_diagrams(order))
    return heading(kind, order) | {name: rows[name] for name in OF_ROWS}
