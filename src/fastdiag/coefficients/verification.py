"""What is believed of a table: a file whose sha256 is known is right, all else is looked through, number by number.

Whoever can write a file can seal it with a right sha256, so that this tells accidents only. Nothing that is read here
goes to a kernel, or into a sum, before it is bounded; NumPy's sums wrap.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

import numpy as np

from ..diagram.number_of_diagrams import count_diagrams
from ..embedding.foresight import bell
from ..embedding.patterns import fubini
from ..errors import DataError
from ..typing import IntArray
from .schema import KNOWN, NAMES, OF_ROWS, Kind, file_catalog, file_name, row_starts, schema
from .shard import diagrams_of, offsets, shard, width

STEP = 4096  # rows that are looked through at a time
SAMPLE = 2048  # rows of a file, or one of each step, that are computed again, where no sha256 vouches for them


def check(kind: Kind, order: int, arrays: Mapping[str, IntArray]) -> None:
    """DataError unless these are the arrays of the table of this kind and order, in this version.

    Arrays of a file (they carry a digest) that is not known have a sample of their rows computed again.
    """
    if set(arrays) != set(NAMES) or not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise DataError(f"it has the arrays {', '.join(sorted(map(str, arrays)))[:200]} instead of {', '.join(NAMES)}")
    digest, known = getattr(arrays, "digest", None), KNOWN.get(file_name(kind, order))
    if known is not None and digest == known[1]:
        return
    expected = schema(kind, order).tolist()
    found = arrays["schema"]
    if found.shape != (3,) or found.tolist() != expected:
        raise DataError(f"its schema (version, kind, order) is {str(found.tolist())[:100]}, not {expected}")
    _check_whole(kind, order, arrays)  # which says what is wrong, if it can be seen
    if known is not None and digest is not None:
        raise DataError("its sha256 is not the one that is known of this table, so its numbers are not believed")
    rows = count_diagrams(order)
    sample = 0 if digest is None else max(1, SAMPLE * STEP // rows)
    starts, ups = row_starts(arrays["lengths"]), row_starts(arrays["coarser_lengths"])
    for first in range(0, rows, STEP):
        last = min(first + STEP, rows)
        entries = slice(int(starts[first]), int(starts[last]))
        above = slice(int(ups[first]), int(ups[last])) if kind == "reshuffle" else slice(0, 0)
        part = {name: arrays[name][first:last] for name in OF_ROWS}
        part |= {name: arrays[name][entries] for name in ("columns", "counts")}
        part |= {name: arrays[name][above] for name in ("coarser", "coarser_times")}
        check_rows(kind, order, first, last, part, sample)


def _check_whole(kind: Kind, order: int, arrays: Mapping[str, IntArray]) -> None:
    """The sizes, and all that other numbers are looked up by."""
    for name, own in file_catalog(kind, order).items():
        if arrays[name].dtype != own.dtype or not np.array_equal(arrays[name], own):
            raise DataError("its columns are numbered in another way")
    rows = len(arrays["parents"]) if arrays["parents"].ndim else 0
    trees = arrays["parents"].shape == arrays["blocks"].shape == (rows, order + 1)
    if not (narrow(arrays) and trees and _fit(kind, order, rows, arrays)):
        raise DataError("its arrays do not fit together")
    if rows != count_diagrams(order):
        raise DataError(f"it has {rows:,} rows, but there are {count_diagrams(order):,} diagrams of order {order}")


def _fit(kind: Kind, order: int, rows: int, arrays: Mapping[str, IntArray]) -> bool:
    """Whether arrays of integers have the shapes of so many rows, and no length or column is beyond what there is."""
    lengths, above, columns = arrays["lengths"], arrays["coarser_lengths"], len(file_catalog(kind, order)["index"])
    return (
        all(arrays[name].shape == (rows,) for name in ("automorphisms", "irreducible", "value_class", "lengths"))
        and above.shape == ((rows,) if kind == "reshuffle" else (0,))
        and _within(lengths, 1, columns) and _within(above, 1, bell(order))
        and arrays["columns"].shape == arrays["counts"].shape == (_sum(lengths),)
        and arrays["coarser"].shape == arrays["coarser_times"].shape == (_sum(above),)
        and _within(arrays["columns"], 0, columns - 1)
    )


def check_rows(kind: Kind, order: int, first: int, last: int, arrays: Mapping[str, IntArray], sample: int) -> None:
    """DataError unless these arrays, `narrow` ones of all names, can be the rows first to last of a table.

    All bounds and all that follows from the list of diagrams is checked of every row; `sample` rows drawn at random are
    computed again. A wrong count in a row that is not drawn is not seen.
    """
    if not _fit(kind, order, last - first, arrays):
        raise DataError(f"its rows from {first:,} on do not fit together")
    diagrams = [ds for _, ds in diagrams_of(order, first, last)]
    for name in ("parents", "blocks", "automorphisms", "irreducible"):
        if not np.array_equal(arrays[name], np.concatenate([getattr(ds, name) for ds in diagrams])):
            raise DataError(f"its {name} are not those of the diagrams {first:,} to {last:,}")
    columns = len(file_catalog(kind, order)["index"])
    most = 2 * (order + 1) * fubini(order) ** 2  # patterns of a diagram, on which the kernels rely
    good = (
        _within(arrays["value_class"], 0, last - 1)
        and bool((arrays["value_class"].astype(np.int64) <= np.arange(first, last)).all())
        and _within(arrays["counts"], 1, most)
        and _distinct(arrays["lengths"], arrays["columns"].astype(np.int64), columns)
        and bool((_sums(arrays["lengths"], arrays["counts"].astype(np.float64)) < most * (1 + 1e-9)).all())
        and (kind == "cyclic" or _coarsens(order, first, arrays))
    )
    if not good:
        raise DataError(f"its numbers in the rows {first:,} to {last:,} cannot be those of the diagrams")
    for row in random.SystemRandom().sample(range(last - first), min(sample, last - first)):
        _compare(kind, order, first, row, arrays)


def _compare(kind: Kind, order: int, first: int, row: int, arrays: Mapping[str, IntArray]) -> None:
    right = shard(kind, order, first + row, first + row + 1)
    start, up = _sum(arrays["lengths"][:row]), _sum(arrays["coarser_lengths"][:row])
    places = {name: slice(start, start + int(arrays["lengths"][row])) for name in ("columns", "counts")}
    if kind == "reshuffle":
        places |= {name: slice(up, up + int(arrays["coarser_lengths"][row])) for name in ("coarser", "coarser_times")}
    for name in OF_ROWS:
        here = arrays[name][places.get(name, slice(row, row + 1))]
        if not np.array_equal(here, right[name]):
            raise DataError(f"its {name} in row {first + row:,} are not what is computed for that diagram")


def _coarsens(order: int, first: int, arrays: Mapping[str, IntArray]) -> bool:
    """Each row's coarser diagrams ascend, lie on its tree, and stand for all partitions of its parts."""
    starts = np.array(offsets(order))
    rows = np.arange(first, first + len(arrays["blocks"]))
    tree = np.searchsorted(starts, rows, "right") - 1
    lengths, others, times = (arrays[name] for name in ("coarser_lengths", "coarser", "coarser_times"))
    if not (_within(others, 0, int(starts[-1]) - 1) and _within(times, 1, bell(order))):
        return False
    owner, others = np.repeat(np.arange(len(rows)), lengths), others.astype(np.int64)
    on_tree = (starts[tree][owner] <= others) & (others < starts[tree + 1][owner])
    ascending = (np.diff(others) > 0) | (np.diff(owner) > 0)
    itself = np.bincount(owner, others == rows[owner], len(rows)) == 1
    partitions = np.array([bell(k) for k in range(order + 1)])[arrays["blocks"].max(axis=1, initial=0)]
    whole = _sums(lengths, times.astype(np.float64)) == partitions  # far below 2^53
    return bool(on_tree.all() and ascending.all() and itself.all() and whole.all())


def narrow(arrays: Mapping[str, IntArray]) -> bool:
    """Whether all are of the smallest integers that hold them; NumPy mixes uint64 with nothing else."""
    kinds = ((name, arrays[name]) for name in OF_ROWS)
    return all(array.dtype.kind in "iu" and array.dtype == width(name, array) for name, array in kinds)


def _within(array: IntArray, low: int, high: int) -> bool:
    return array.size == 0 or (low <= int(array.min()) and int(array.max()) <= high)


def _distinct(lengths: IntArray, columns: IntArray, many: int) -> bool:
    """Whether no row has a column twice."""
    seen = np.zeros(len(lengths) * many, np.bool_)
    seen[np.repeat(np.arange(len(lengths)) * many, lengths) + columns] = True
    return int(np.count_nonzero(seen)) == len(columns)


def _sum(lengths: IntArray) -> int:
    """Of lengths that are bounded by a catalogue: no sum of them reaches 2^63."""
    return int(lengths.sum(dtype=np.int64))


def _sums(lengths: IntArray, numbers: IntArray) -> IntArray:
    """Of each row, none of which is empty."""
    return np.add.reduceat(numbers, row_starts(lengths)[:-1]) if len(lengths) else numbers
