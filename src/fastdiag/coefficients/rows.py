"""The rows of a coefficient table, and what is known of their diagrams."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..locks import cached_property
from ..record import Record, frozen
from ..typing import IntArray
from .order import OrderTable


@dataclass(frozen=True, eq=False)
class TableRows(Record):
    """Diagrams of orders 0, 1, ..., one to a row or several; arrays have one entry for each row, of its first diagram."""

    orders: tuple[OrderTable, ...]
    """The tables of orders 0, 1, ..., order."""
    diagram_rows: IntArray
    """Which diagrams are kept, numbered through all orders, (diagrams,) int64."""
    row_of: IntArray | None
    """The row of each diagram kept, where several make up one row."""

    @property
    def order(self) -> int:
        """The highest order of a diagram."""
        return len(self.orders) - 1

    def __len__(self) -> int:
        return len(self.diagram_rows) if self.row_of is None else int(self.row_of.max(initial=-1)) + 1

    @cached_property
    def edges(self) -> IntArray:
        """Order of each row, (rows,) int64."""
        return frozen(self._orders_of(self._first))

    @cached_property
    def parents(self) -> IntArray:
        """Parent of each node, -1 at the root and where there is no node, (rows, order + 1) int8."""
        return self._column("parents", -1)

    @cached_property
    def blocks(self) -> IntArray:
        """Part of each node, -1 where there is no node, (rows, order + 1) int8."""
        return self._column("blocks", -1)

    @cached_property
    def automorphisms(self) -> IntArray:
        """|Aut|, (rows,) int64."""
        return frozen(self._column("automorphisms").astype(np.int64))

    @cached_property
    def irreducible(self) -> IntArray:
        """Whether no node but the root has degree 2 and is alone in its part, (rows,) bool."""
        return frozen(self._column("irreducible").astype(np.bool_))

    @cached_property
    def value_class(self) -> IntArray:
        """The least diagram with the same unrooted form, numbered through all orders, (rows,) int64."""
        return frozen(self._column("value_class").astype(np.int64) + self._offsets[self.edges])

    @cached_property
    def parts(self) -> IntArray:
        """Number of parts, the root's not counted, (rows,) int64."""
        return frozen(self.blocks.max(axis=1, initial=0).astype(np.int64))

    @cached_property
    def part_sizes(self) -> IntArray:
        """Nodes in each part, the root's first, 0 where there is no part, (rows, order + 1) int64."""
        return frozen(np.stack([(self.blocks == part).sum(axis=1) for part in range(self.order + 1)], axis=1))

    @cached_property
    def singleton_leaves(self) -> IntArray:
        """Whether some node of degree 1, the root too, is alone in its part, a factor G of the value, (rows,) bool."""
        degrees = np.stack([(self.parents == node).sum(axis=1) + (node > 0) for node in range(self.order + 1)], axis=1)
        alone = np.take_along_axis(self.part_sizes, np.maximum(self.blocks, 0).astype(np.int64), axis=1) == 1
        return frozen((alone & (degrees == 1) & (self.blocks >= 0)).any(axis=1))

    def _column(self, name: str, missing: int | None = None) -> IntArray:
        columns = []
        for table in self.orders:
            array = table.arrays[name]
            if missing is not None:
                array = np.pad(array, ((0, 0), (0, self.order - table.order)), constant_values=missing)
            columns.append(array)
        return frozen(np.concatenate(columns)[self._first])

    def _orders_of(self, numbers: IntArray) -> IntArray:
        """The order of each of some diagrams numbered through all orders."""
        return np.asarray(np.searchsorted(self._offsets, numbers, "right") - 1)

    @cached_property
    def _offsets(self) -> IntArray:
        return np.asarray(np.cumsum([0, *map(len, self.orders)]))

    @cached_property
    def _first(self) -> IntArray:
        """The first diagram of each row."""
        if self.row_of is None:
            return self.diagram_rows
        return self.diagram_rows[np.unique(self.row_of, return_index=True)[1]]
