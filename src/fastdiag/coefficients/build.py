"""Making the table of one order: in shards, over any executor, going on where an earlier build ended."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ..diagram.enumeration import Diagrams, on_tree, stream_diagrams
from ..diagram.orbits import coarser
from ..diagram.rerooting import value_class
from ..embedding.batch import nodes_of
from ..embedding.patterns import catalog, pattern_rows
from ..errors import DataError, InputError
from ..files import cache_folder, folder_of, folders
from ..progress import track
from ..typing import IntArray, PathLike, Sampling
from .order import KINDS, VERSION, Kind, OrderTable, check_table, file_catalog, file_index, file_name
from .store import Chunks, read, write
from .workers import at_work, first_done

SHARD_ROWS = 4096
WINDOW = 16  # shards in flight, which bounds the memory of finished ones

ArrayKind: TypeAlias = tuple[np.dtype[Any], tuple[int, ...]]
COARSER = ("coarser_lengths", "coarser", "coarser_times")


def offsets(order: int) -> tuple[int, ...]:
    """Number of diagrams on the trees before each tree, and of all."""
    counts: dict[int, int] = {}
    for shard in stream_diagrams(order, progress=False):
        trees, numbers = np.unique(shard.tree_index, return_counts=True)
        for tree, number in zip(trees.tolist(), numbers.tolist(), strict=True):
            counts[tree] = counts.get(tree, 0) + number
    return (0, *np.cumsum([counts[tree] for tree in sorted(counts)]).tolist())


def shard(kind: Kind, order: int, starts: Sequence[int], first: int, last: int) -> dict[str, IntArray]:
    """The rows first to last of a table; a pure function of small arguments, for any process on any machine."""
    pieces = []
    for tree, (low, high) in enumerate(pairwise(starts)):
        if low < last and high > first:
            rows = slice(max(first - low, 0), min(last, high) - low)
            pieces.append(_on_one_tree(kind, on_tree(order, tree)[rows], tree, starts))
    return {name: _small(np.concatenate([piece[name] for piece in pieces])) for name in pieces[0]}


def _on_one_tree(kind: Kind, ds: Diagrams, tree: int, starts: Sequence[int]) -> dict[str, IntArray]:
    order, parents = ds.order, ds.trees[tree]
    rows = pattern_rows(
        nodes_of(parents), "one order" if kind == "cyclic" else "fresh orders", True, ds.blocks[:, 1:].astype(np.int64) - 1
    )
    found = {
        "parents": ds.parents,
        "blocks": ds.blocks,
        "automorphisms": ds.automorphisms,
        "irreducible": ds.irreducible.astype(np.uint8),
        "value_class": value_class(ds.trees, tree, ds.blocks, starts),
        "lengths": rows.lengths,
        "columns": _numbers(kind, order)[rows.columns],
        "counts": rows.counts,
    }
    sums = coarser(parents, ds.blocks) if kind == "reshuffle" else (np.zeros(0, np.int32),) * 3
    found |= dict(zip(COARSER, (sums[0], sums[1] + starts[tree], sums[2]), strict=True))
    return found


@lru_cache(maxsize=4)
def _numbers(kind: Kind, n: int) -> IntArray:
    """The number in the file of each column of the kernels."""
    index, shapes = file_index(kind, n).astype(np.int64), len(catalog(n).shapes)
    place = index[:, 0] * shapes + index[:, 1]
    if kind == "cyclic":
        place = place * (n + 1) + index[:, 2]
    numbers = np.zeros(int(place.max()) + 1, np.int64)
    numbers[place] = np.arange(len(place))
    return numbers


def _small(array: IntArray) -> IntArray:
    """In the smallest integers that hold it; int8 stays (parents have -1)."""
    if array.dtype == np.int8:
        return array
    return array.astype(np.min_scalar_type(int(array.max(initial=0))))


def heading(kind: Kind, order: int) -> dict[str, IntArray]:
    """The arrays of a file that do not depend on its diagrams."""
    shapes, keys = file_catalog(kind, order)
    schema = np.array([VERSION, KINDS.index(kind), order], np.int64)
    return {"schema": schema, "shapes": shapes, "keys": keys, "index": file_index(kind, order)}


def build(
    order: int,
    sampling: Sampling = "reshuffle",
    *,
    executor: Executor | None = None,
    directory: PathLike | None = None,
    progress: bool | None = None,
) -> Path:
    """Make the tables of all orders up to `order` that a folder does not hold yet, and say where the last one is.

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
    DataError : the folder cannot be written; the executor has lost its workers, or finishes nothing for ten minutes

    Examples
    --------
    >>> import fastdiag as fd, tempfile
    >>> fd.build(3, "cyclic", directory=tempfile.mkdtemp()).name
    'cyclic-03.npz'
    """
    order, kind = check_table(order, sampling)
    if not (executor is None or hasattr(executor, "submit")):
        raise InputError(f"executor must be a concurrent.futures.Executor, not {executor!r}")
    folder = cache_folder() if directory is None else folder_of(directory)
    for d in range(order + 1):
        name = file_name(kind, d)
        places = [folder] if directory is not None or d == order else [folder, *folders()]
        path = next((place / name for place in places if _is_table(kind, d, place / name)), folder / name)
        if path == folder / name and not _is_table(kind, d, path):
            make(kind, d, folder, executor, progress)
    return path


def _is_table(kind: Kind, order: int, file: Path) -> bool:
    try:
        OrderTable.of(kind, order, read(file))
    except DataError:
        return False
    return True


def make(kind: Kind, order: int, folder: Path, executor: Executor | None = None, progress: bool | None = None) -> None:
    """Make one order's file; shards are kept beside it until it is whole.

    Raises
    ------
    DataError : the folder cannot be written
    """
    name, starts = file_name(kind, order), offsets(order)
    bounds = [*range(0, starts[-1], SHARD_ROWS), starts[-1]]
    if len(bounds) == 2:
        _make_folder(folder)
        write(folder / name, in_memory(kind, order))
        return
    shards = folder / f".{name}.{VERSION}-{SHARD_ROWS}.shards"  # other versions leave other shards
    try:
        _make_in_shards(kind, order, folder / name, shards, starts, bounds, executor, progress)
    except DataError:
        if not _is_table(kind, order, folder / name):  # else another process was done first, and took the shards away
            raise
    shutil.rmtree(shards, ignore_errors=True)


def _make_in_shards(
    kind: Kind, order: int, path: Path, shards: Path, starts: Sequence[int], bounds: Sequence[int],
    executor: Executor | None, progress: bool | None,
) -> None:
    _make_folder(shards)
    files = [shards / f"{low:09}.npz" for low in bounds[:-1]]
    kinds = {i: found for i, file in enumerate(files) if (found := _kinds(file)) is not None}
    todo = [i for i in range(len(files)) if i not in kinds]
    title = f"{kind} table, order {order}"
    with ExitStack() as stack:
        if executor is None and todo:
            executor = stack.enter_context(ThreadPoolExecutor(os.cpu_count()))
        work = _computed(executor, kind, order, starts, [(i, bounds[i], bounds[i + 1]) for i in todo])
        for i, arrays in track(work, len(todo), lambda _: 1, title, progress):
            write(files[i], arrays)
            kinds[i] = {key: (array.dtype, array.shape) for key, array in arrays.items()}
    joined = _joined(files, [kinds[i] for i in range(len(files))])
    write(path, {**heading(kind, order), **joined})


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder} cannot be made ({error}); choose another directory") from error


def _kinds(file: Path) -> dict[str, ArrayKind] | None:
    """Dtype and shape of the arrays of a shard, if it is there and whole."""
    try:
        return {name: (array.dtype, array.shape) for name, array in read(file).items()}
    except DataError:
        return None


def _computed(
    executor: Executor | None, kind: Kind, order: int, starts: Sequence[int], todo: Sequence[tuple[int, int, int]]
) -> Iterator[tuple[int, dict[str, IntArray]]]:
    """Shards as they are finished, a window of them in flight."""
    waiting: dict[Future[dict[str, IntArray]], int] = {}
    left, broken = iter(todo), None
    try:
        while True:
            try:
                for i, first, last in islice(left, WINDOW - len(waiting)):
                    assert executor is not None
                    with at_work(executor):
                        waiting[executor.submit(shard, kind, order, starts, first, last)] = i
            except DataError as error:
                broken, left = error, iter(())
            if broken is not None and not any(future.done() for future in waiting):
                raise broken  # what was done before is kept by now
            if not waiting:
                return
            for done in first_done(executor, waiting):
                with at_work(executor):
                    arrays = done.result()
                yield waiting.pop(done), arrays
    finally:
        for future in waiting:
            future.cancel()


def _joined(files: Sequence[Path], kinds: Sequence[dict[str, ArrayKind]]) -> dict[str, Chunks]:
    """The shards, verified before, one after the other, in the smallest integers that hold all; streamed."""

    def piece(file: Path, name: str, dtype: np.dtype[Any]) -> IntArray:
        try:
            with np.load(file, allow_pickle=False) as arrays:  # reads this array only
                return np.asarray(arrays[name].astype(dtype, copy=False))
        except (OSError, ValueError, KeyError) as error:  # taken away by a process that was done first
            raise DataError(f"{file} cannot be read ({error}); start the build again") from error

    def joined(name: str) -> Chunks:
        dtype = np.result_type(*(found[name][0] for found in kinds))
        shapes = [found[name][1] for found in kinds]
        pieces = (piece(file, name, dtype) for file in files)
        return Chunks(dtype, (sum(shape[0] for shape in shapes), *shapes[0][1:]), pieces)

    return {name: joined(name) for name in kinds[0]}


def in_memory(kind: Kind, order: int) -> dict[str, IntArray]:
    """The whole table at once, for orders that are soon done."""
    starts = offsets(order)
    return heading(kind, order) | shard(kind, order, starts, 0, starts[-1])
