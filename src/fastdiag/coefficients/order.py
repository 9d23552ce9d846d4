"""The integer tables of all diagrams of one order, and their reading at given N, B, T."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import perm
from pathlib import Path

import numpy as np

from ..arguments import shown
from ..diagram.number_of_diagrams import check_order
from ..diagram.orbits import LARGEST_ORDER
from ..embedding.pattern_weights import slots as slots_in
from ..embedding.patterns import Patterns, catalog
from ..embedding.reading import Reading
from ..errors import InputError
from ..locks import cached_property
from ..spacetime import Spacetime, check_sampling
from ..typing import FloatArray, IntArray
from .schema import KINDS, NAMES, Kind, file_name, kernel_columns, most_bytes, row_starts
from .store import read_arrays
from .verification import check

__all__ = ["KINDS", "NAMES", "Kind", "OrderTable", "check_table", "file_name", "verify"]

SINGLE_THREAD = 1 << 18  # multiplications that OpenBLAS does alone
CHUNK_ENTRIES = 1 << 22  # that are turned into floats at a time


@dataclass(frozen=True, eq=False)
class OrderTable:
    """Arrays of one NPZ file, one row for each diagram of an order; docs/tables.md explains them field by field."""

    kind: Kind
    order: int
    arrays: Mapping[str, IntArray]

    def __len__(self) -> int:
        return len(self.arrays["parents"])

    @classmethod
    def of(cls, kind: Kind, order: int, arrays: Mapping[str, IntArray]) -> OrderTable:
        """Checked arrays: a file that is known by its sha256 is the table, all others are looked through.

        Raises
        ------
        DataError : they are not the table of this kind and order, in this version
        """
        check(kind, order, arrays)
        return cls(kind, order, arrays)

    @classmethod
    def in_file(cls, kind: Kind, order: int, path: Path) -> OrderTable:
        """Checked arrays of a file.

        Raises
        ------
        DataError : it cannot be read, is too large for this order, or holds something else
        """
        return cls.of(kind, order, read_arrays(path, most=most_bytes(kind, order)))

    @cached_property
    def starts(self) -> IntArray:
        """Entries of row i run from starts[i] to starts[i + 1]."""
        return row_starts(self.arrays["lengths"])

    @cached_property
    def coarser_starts(self) -> IntArray:
        """The coarser diagrams of row i run from coarser_starts[i] to coarser_starts[i + 1]."""
        return row_starts(self.arrays["coarser_lengths"])

    @cached_property
    def parts(self) -> IntArray:
        """Number of parts but the root's, of each diagram."""
        return np.asarray(self.arrays["blocks"].max(axis=1), np.int64)

    def patterns(self, row: int, basis: str) -> Patterns:
        """The pattern table of one diagram, as `embedding` reads it."""
        index, columns, counts = self.arrays["index"], self.arrays["columns"], self.arrays["counts"]

        def entries(row: int) -> slice:
            return slice(int(self.starts[row]), int(self.starts[row + 1]))

        if self.kind == "cyclic":
            here = entries(row)
            return Patterns("one order", self.order, index[columns[here]].astype(np.int64), tuple(counts[here].tolist()))
        rows, times = [row], [1]
        if basis == "cumulant":
            coarser = slice(int(self.coarser_starts[row]), int(self.coarser_starts[row + 1]))
            rows, times = self.arrays["coarser"][coarser].tolist(), self.arrays["coarser_times"][coarser].tolist()
        found: list[tuple[int, int, int]] = []
        numbers: list[int] = []
        for other, many in zip(rows, times, strict=True):
            found += [(int(self.parts[other]), key, last) for key, last in index[columns[entries(other)]].tolist()]
            numbers += [many * number for number in counts[entries(other)].tolist()]
        return Patterns("fresh orders", self.order, np.array(found).reshape(-1, 3), tuple(numbers))

    def floats(self, spacetime: Spacetime, basis: str, updates: IntArray, rows: IntArray) -> FloatArray:
        """Counts of the maps over B^order of some rows after each number of updates, float64 (rows, times); N finite.

        Every term counts something, so nothing is subtracted: the relative error is a few units of the last place. Powers
        of N and B are divided before they are floats, so that none exceeds them.
        """
        n, L, known = self.order, spacetime.updates_per_epoch, catalog(self.order)
        index = self.arrays["index"].astype(np.int64)
        whole, rest = (_binomials(x.astype(np.float64), n) for x in (updates // L, updates % L))
        if self.kind == "cyclic":
            slots_of = [slots_in(shape, spacetime.B, basis) / int(spacetime.B) ** n for shape in known.shapes]
            worth = np.array(slots_of)[index[:, 1]]
            after = _binomials((L - updates % L).astype(np.float64), n)
            slots = np.stack([index[:, 0], index[:, 2], known.levels[index[:, 1]] - index[:, 2]])
        else:
            worth = self._fresh_worth(spacetime)
            after = np.ones((1, len(updates)))
            epochs = np.array([len(key) for key in known.keys])
            slots = np.stack([epochs[index[:, 0]], known.levels[index[:, 1]], 0 * index[:, 0]])
        code, slot = np.unique((slots[0] * (n + 1) + slots[1]) * (n + 1) + slots[2], return_inverse=True)
        choose = whole[code // (n + 1) ** 2] * rest[code // (n + 1) % (n + 1)] * after[code % (n + 1)]
        return _product(self._apart_from_updates(worth, slot, len(code), spacetime, basis)[rows], choose)

    def _apart_from_updates(
        self, worth: FloatArray, slot: IntArray, slots: int, spacetime: Spacetime, basis: str
    ) -> FloatArray:
        """What each product of binomials of T is multiplied by, (all rows, slots)."""
        lengths, columns, counts = (self.arrays[name] for name in ("lengths", "columns", "counts"))
        starts = self.starts
        values = np.empty((len(self), slots))
        for low, high in _chunks(starts):
            here = slice(starts[low], starts[high])
            where = np.repeat(np.arange(high - low) * slots, lengths[low:high]) + slot[columns[here]]
            summed = np.bincount(where, counts[here] * worth[columns[here]], (high - low) * slots)
            values[low:high] = summed.reshape(high - low, slots)
        if self.kind == "reshuffle":
            N = int(spacetime.N)
            values *= np.array([perm(N, P) / N**self.order for P in range(self.order + 1)])[self.parts, None]
            if basis == "cumulant":
                moments, starts = values, self.coarser_starts
                values = np.empty_like(moments)
                for low, high in _chunks(starts):
                    here = slice(starts[low], starts[high])
                    terms = moments[self.arrays["coarser"][here]] * self.arrays["coarser_times"][here, None]
                    np.add.reduceat(terms, starts[low:high] - starts[low], axis=0, out=values[low:high])
        return values

    def _fresh_worth(self, spacetime: Spacetime) -> FloatArray:
        """Of the columns (key, last): expected placements for given rows, apart from T, times (N / B)^order."""
        known, N, B = catalog(self.order), int(spacetime.finite("N")), int(spacetime.B)
        placed = np.array([
            slots_in(s, B, "moment") * N ** sum(s) / (perm(N, sum(s)) * B ** sum(s)) if sum(s) <= N else 0.0
            for s in known.shapes
        ])
        inside = placed * _binomials(np.array([float(spacetime.updates_per_epoch)]), self.order)[known.levels, 0]
        ways = np.ones(len(known.keys))
        for epoch in self.arrays["keys"].T:  # shape numbers; 0, for no epoch more, is worth 1
            ways *= inside[epoch]
        keys, lasts = self.arrays["index"].T
        sizes = np.array([sum(map(sum, key)) for key in known.keys])[keys] + np.array([sum(s) for s in known.shapes])[lasts]
        left = (N / B) ** (self.order - np.minimum(sizes, self.order)).astype(np.float64)
        return np.asarray(ways[keys] * placed[lasts] * left)

    def limbs(self, spacetime: Spacetime, basis: str, updates: list[int]) -> tuple[IntArray, Reading]:
        """The exact counts of all rows as limbs (rows, limbs, times), and how to read them."""
        from ..embedding.batch import read_rows
        from ..embedding.patterns import Rows

        reading = Reading.of(spacetime, updates, self.order, basis, stored=True)
        columns = kernel_columns(self.kind, self.order)[self.arrays["columns"]]
        rows = Rows(self.arrays["lengths"], columns, self.arrays["counts"])
        cumulant = self.kind == "reshuffle" and basis == "cumulant"
        up = (self.coarser_starts, self.arrays["coarser"], self.arrays["coarser_times"]) if cumulant else None
        return read_rows(rows, self.parts, reading, up), reading


def verify(path: Path) -> None:
    """DataError unless a file is the table that its name says, or, under another name, has its own sha256."""
    names = {file_name(kind, order): (kind, order) for kind in KINDS for order in range(LARGEST_ORDER + 1)}
    if path.name in names:
        OrderTable.in_file(*names[path.name], path)
    else:
        read_arrays(path)


def check_table(order: object, sampling: object) -> tuple[int, Kind]:
    """The order as an int, and the kind of file that a sampling is read from.

    Raises
    ------
    InputError : order not from 0 to 10, unknown sampling
    """
    kind, edges = check_sampling(sampling), check_order(order)
    if edges > LARGEST_ORDER:
        raise InputError(f"tables go to order {LARGEST_ORDER}, not {shown(edges)}; fastdiag.maps counts single diagrams")
    return edges, "cyclic" if kind == "cyclic" else "reshuffle"


def _chunks(starts: IntArray) -> list[tuple[int, int]]:
    """Ranges of rows of at most CHUNK_ENTRIES entries, or of one row."""
    ends, low = [], 0
    while low < len(starts) - 1:
        high = max(low + 1, int(np.searchsorted(starts, starts[low] + CHUNK_ENTRIES, "right")) - 1)
        ends.append((low, high))
        low = high
    return ends


def _product(left: FloatArray, right: FloatArray) -> FloatArray:
    """left @ right, in blocks too small for BLAS to use threads, which wait for one another longer than they work."""
    out = np.empty((len(left), right.shape[1]))
    step = max(1, SINGLE_THREAD // max(1, right.size))
    for low in range(0, len(left), step):
        np.matmul(left[low : low + step], right, out=out[low : low + step])
    return out


def _binomials(x: FloatArray, n: int) -> FloatArray:
    """C(x, k) for k = 0..n, (n + 1, len(x)); x whole and not negative."""
    out = np.ones((n + 1, len(x)))
    for k in range(n):
        out[k + 1] = out[k] * np.maximum(x - k, 0.0) / (k + 1)
    return out
