"""How much memory and disk tables and their coefficients take, foreseen."""

from __future__ import annotations

from math import inf
from pathlib import Path

from ..diagram import count_diagrams
from ..memory import check_room, require
from .schema import Kind, file_name
from .spacetimes import Spacetimes

OF_FRACTION = 240  # bytes of one, with its integers and those on the way to it
IN_MEMORY = {"reshuffle": (15_000, 2.0), "cyclic": (4_500, 1.4)}  # bytes to a diagram of order 8; growth with the order
ON_DISK, LARGE = 1_900, 8  # bytes to a diagram while a file is built, from which order on they are counted
ADVICE = "free some room, take a lower order, or run fastdiag.build with another directory and give that as `path`"


def check_in_memory(kind: str, order: int) -> None:
    """Raise TooLargeError if a table cannot be built without files."""
    each, growth = IN_MEMORY[kind]
    need = int(count_diagrams(order) * each * growth ** (order - 8))
    require(need, f"the diagrams of order {order}, whose {kind} table cannot be kept in a folder,", ADVICE)


def check_on_disk(kind: Kind, order: int, folder: Path) -> None:
    """Raise TooLargeError if what is left to be built of a table does not fit into a folder."""
    if order >= LARGE:
        done = sum(file.lstat().st_size for file in folder.glob(f".{file_name(kind, order)}.*.shards/*"))
        check_room(count_diagrams(order) * ON_DISK - done, folder, f"the {kind} table of order {order}", ADVICE)


def of_coefficients(asked: Spacetimes, rows: int, every: int, order: int, exact: bool) -> int:
    """About the bytes that the coefficients of some rows, of `every` in the table, take while they are computed."""
    if not exact:
        return 24 * rows * asked.size  # the answer, that of one order, and its product by the group
    longest = max((int(max(N if N < inf else 0, *updates)) for (N, _), (_, updates) in asked.groups.items()), default=1)
    batch = max((int(B) for _, B in asked.groups), default=1)
    digits = 2 * (order + 1) * (longest * batch).bit_length() // 8  # of numerator and denominator, in bytes
    times = max((len(updates) for _, updates in asked.groups.values()), default=0)
    return rows * asked.size * (OF_FRACTION + digits) + every * times * 4 * digits  # limbs are of all rows
