"""What is believed of a table: a file whose sha256 is known is right, all else is looked through, number by number.

Whoever can write a file can seal it with a right sha256, so that this tells accidents only. Nothing that is read here
goes to a kernel, or into a sum, before it is bounded; NumPy's sums wrap.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from math import comb

import numpy as np

from ..diagram.counting import count_diagrams
from ..embedding.patterns import fubini
from ..errors import DataError
from ..typing import IntArray
from .schema import KNOWN, NAMES, OF_ROWS, Kind, file_catalog, file_index, file_name, schema
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
    if known is not None and digest is not None:
        _check_whole(kind, order, arrays)  # which says what is wrong, if it can be seen
        raise DataError("its sha256 is not the one that is known of this table, so its numbers are not believed")
    _check_whole(kind, order, arrays)
    rows = count_diagrams(order)
    sample = 0 if digest is None else max(1, SAMPLE * STEP // rows)
    starts, ups = _starts(arrays["lengths"]), _starts(arrays["coarser_lengths"])
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
    shapes, keys = file_catalog(kind, order)
    index = file_index(kind, order)
    same = (np.array_equal(arrays[name], own) for name, own in (("shapes", shapes), ("keys", keys), ("index", index)))
    if not all(same):
        raise DataError("its columns are numbered in another way")
    rows, n = len(arrays["parents"]) if arrays["parents"].ndim else 0, order
    fits = (
        all(array.dtype.kind in "iu" for array in arrays.values())
        and narrow(arrays)
        and arrays["parents"].shape == arrays["blocks"].shape == (rows, n + 1)
        and all(arrays[name].shape == (rows,) for name in ("automorphisms", "irreducible", "value_class", "lengths"))
        and arrays["coarser_lengths"].shape == ((rows,) if kind == "reshuffle" else (0,))
        and _within(arrays["lengths"], 1, len(index))
        and _within(arrays["coarser_lengths"], 1, _bell(n))
        and arrays["columns"].shape == arrays["counts"].shape == (_sum(arrays["lengths"]),)
        and arrays["coarser"].shape == arrays["coarser_times"].shape == (_sum(arrays["coarser_lengths"]),)
        and _within(arrays["columns"], 0, len(index) - 1)
    )
    if not fits:
        raise DataError("its arrays do not fit together")
    if rows != count_diagrams(n):
        raise DataError(f"it has {rows:,} rows, but there are {count_diagrams(n):,} diagrams of order {n}")


def check_rows(
    kind: Kind, order: int, first: int, last: int, arrays: Mapping[str, IntArray], sample: int
) -> None:
    """DataError unless these can be the rows first to last of a table.

    All bounds and all that follows from the list of diagrams is checked of every row; `sample` rows drawn at random are
    computed again. A wrong count in a row that is not drawn is not seen.
    """
    if not all(isinstance(arrays.get(name), np.ndarray) and arrays[name].dtype.kind in "iu" for name in OF_ROWS):
        raise DataError(f"it has not the arrays {', '.join(OF_ROWS)} of integers")
    rows, n, columns = last - first, order, len(file_index(kind, order))
    lengths, above = (arrays[name] for name in ("lengths", "coarser_lengths"))
    fits = (
        all(arrays[name].shape == (rows,) for name in ("automorphisms", "irreducible", "value_class", "lengths"))
        and above.shape == ((rows,) if kind == "reshuffle" else (0,))
        and _within(lengths, 1, columns) and _within(above, 1, _bell(n))
        and arrays["columns"].shape == arrays["counts"].shape == (_sum(lengths),)
        and arrays["coarser"].shape == arrays["coarser_times"].shape == (_sum(above),)
    )
    if not fits:
        raise DataError(f"its rows from {first:,} on do not fit together")
    diagrams = [ds for _, ds in diagrams_of(n, first, last)]
    for name in ("parents", "blocks", "automorphisms", "irreducible"):
        if not np.array_equal(arrays[name], np.concatenate([getattr(ds, name) for ds in diagrams])):
            raise DataError(f"its {name} are not those of the diagrams {first:,} to {last:,}")
    most = 2 * (n + 1) * fubini(n) ** 2  # patterns of a diagram, on which the kernels rely
    good = (
        _within(arrays["value_class"], 0, last - 1)
        and bool((arrays["value_class"].astype(np.int64) <= np.arange(first, last)).all())
        and _within(arrays["columns"], 0, columns - 1) and _within(arrays["counts"], 1, most)
        and _distinct(lengths, arrays["columns"].astype(np.int64), columns)
        and bool((_sums(lengths, arrays["counts"].astype(np.float64)) < most * (1 + 1e-9)).all())
        and (kind == "cyclic" or _coarsens(order, first, arrays))
    )
    if not good:
        raise DataError(f"its numbers in the rows {first:,} to {last:,} cannot be those of the diagrams")
    for row in random.SystemRandom().sample(range(rows), min(sample, rows)):
        _compare(kind, order, first, row, arrays)


def _compare(kind: Kind, order: int, first: int, row: int, arrays: Mapping[str, IntArray]) -> None:
    right = shard(kind, order, offsets(order), first + row, first + row + 1)
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
    if not (_within(others, 0, int(starts[-1]) - 1) and _within(times, 1, _bell(order))):
        return False
    owner, others = np.repeat(np.arange(len(rows)), lengths), others.astype(np.int64)
    on_tree = (starts[tree][owner] <= others) & (others < starts[tree + 1][owner])
    ascending = (np.diff(others) > 0) | (np.diff(owner) > 0)
    itself = np.bincount(owner, others == rows[owner], len(rows)) == 1
    partitions = np.array([_bell(k) for k in range(order + 1)])[arrays["blocks"].max(axis=1, initial=0)]
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


def _starts(lengths: IntArray) -> IntArray:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def _sums(lengths: IntArray, numbers: IntArray) -> IntArray:
    """Of each row, none of which is empty."""
    return np.add.reduceat(numbers, _starts(lengths)[:-1]) if len(lengths) else numbers


def _bell(n: int) -> int:
    """Partitions of a set of n."""
    numbers = [1]
    for m in range(n):
        numbers.append(sum(comb(m, k) * numbers[k] for k in range(m + 1)))
    return numbers[n]
