"""What a picture of a spacetime is made of, checked: its size, its batches, the cells of an embedding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..arguments import decimal, refuse_mask, sequence, shown, text, whole, whole_or_infinite
from ..diagram import Diagram
from ..errors import FastdiagError, InputError, TooLargeError
from ..spacetime.formulas import check_fits

MOST_LISTED = 100_000  # rows in all batches

Batches = Sequence[Sequence[int]]
Cell = tuple[int, int]  # (row, time)


class DrawnGrid(Protocol):
    """What is drawn of a spacetime: N training points, T updates with batches of B."""

    @property
    def N(self) -> int | float: ...
    @property
    def B(self) -> int: ...
    @property
    def T(self) -> int | float: ...
    @property
    def sampling(self) -> str: ...
    def batches(self) -> Batches: ...


class Placed(Protocol):
    """What is drawn of an embedding; its `diagram` and `batches` are used where it has them."""

    @property
    def cells(self) -> Sequence[Cell]: ...


@dataclass(frozen=True)
class CheckedGrid:
    """A Grid of Python's own numbers."""

    N: int | float
    B: int
    T: int
    sampling: str
    last: str | None
    made_by: Any

    def batches(self) -> Batches:
        # what lies beyond the picture is listed too: batches are checked as a whole, nodes may lie anywhere
        listed = self.T * self.B
        if listed > MOST_LISTED:
            raise TooLargeError(
                f"{shown(self.made_by)} has {decimal(listed)} rows in its batches, too many to list for a picture (limit "
                f"{MOST_LISTED:,}); draw fewer updates, st.with_updates(60), or a smaller spacetime"
            )
        try:
            found: Batches = self.made_by.batches()
        except FastdiagError:
            raise
        except Exception as error:  # of another's class
            raise InputError(f"batches() of {shown(self.made_by)} failed ({type(error).__name__}: {error})") from None
        return found


def checked_grid(st: Any) -> CheckedGrid:
    found = {name: attribute(st, name) for name in ("N", "B", "T", "sampling")}
    for name, value in found.items():
        if value is None:
            raise InputError(f"expected a Spacetime, not {shown(st)}: it has no {name}")
    N, T = (whole_or_infinite(name, found[name], 1, "of a spacetime") for name in ("N", "T"))
    if T == math.inf:
        raise InputError("T = inf: infinitely many cells cannot be listed; draw fewer updates, st.with_updates(60)")
    B = whole("B", found["B"], 1)
    check_fits(B, N)
    last = attribute(st, "last")
    return CheckedGrid(N, B, int(T), text("sampling", found["sampling"]), None if last is None else text("last", last), st)


def attribute(thing: object, name: str) -> Any:
    """None where there is none, or it cannot be read."""
    try:
        return getattr(thing, name, None)
    except Exception:  # a property of another's class
        return None


def _listed(name: str, value: Any) -> list[Any]:
    """The entries of a list, a tuple, a set or an array of any dimension."""
    refuse_mask(name, value)
    if isinstance(value, np.ndarray) and value.ndim:
        return list(value.tolist())
    return list(value) if isinstance(value, set | frozenset) else sequence(name, value, "rows")


def shaded_cells(st: DrawnGrid, batches: Batches) -> tuple[frozenset[int], ...]:
    try:
        shaded = tuple(frozenset(whole("a row", row) for row in _listed("a batch", b)) for b in _listed("batches", batches))
    except InputError as error:
        raise InputError(f"batches must be {st.T} sequences of rows, not {shown(batches)} ({error})") from None
    if len(shaded) != st.T:
        raise InputError(f"batches must hold the rows of all T = {decimal(int(st.T))} updates, not of {len(shaded)}")
    for time, batch in enumerate(shaded):
        for row in sorted(batch):
            if not 0 <= row < st.N:
                raise InputError(f"the batch at time {time} has row {shown(row)}; rows go from 0 to {shown(st.N - 1)}")
    return shaded


def embedded_cells(
    st: DrawnGrid, embedding: Placed, diagram: Any, shaded: tuple[frozenset[int], ...]
) -> tuple[Diagram, tuple[Cell, ...]]:
    if diagram is None:
        diagram = attribute(embedding, "diagram")
    if diagram is None:
        raise InputError("this embedding does not say which diagram it embeds; give the diagram too")
    D = Diagram.of(diagram)
    try:
        pairs = [_listed("a cell", cell) for cell in _listed("cells", attribute(embedding, "cells"))]
        cells = tuple((whole("a row", row), whole("a time", time)) for row, time in pairs)
    except ValueError as error:  # and InputError, which is one
        raise InputError(f"an embedding has cells, one (row, time) a node, not {shown(embedding)} ({error})") from None
    if len(cells) != D.order:
        raise InputError(f"{D} has {D.order} nodes besides the root, the embedding has {len(cells)} cells")
    for node, (row, time) in enumerate(cells, 1):
        if not 0 <= time < st.T or not 0 <= row < st.N:
            raise InputError(f"node {node} of {D} lies at {shown((row, time))}, outside {st.N} rows x {st.T} times")
        if row not in shaded[time]:
            raise InputError(f"node {node} of {D} lies at {row, time}, and row {row} is not in that batch")
    return D, cells
