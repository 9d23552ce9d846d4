"""Which rows of a list an index chooses."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arguments import own, refuse_mask, shown
from ..errors import DiagramIndexError
from ..typing import IntArray


def selection(index: object, length: int, what: str) -> int | slice | IntArray:
    """An int from 0 on, a slice, or the row numbers that a mask or a list of integers chooses, negative ones from the end.

    Raises
    ------
    DiagramIndexError : no such row, or no index

    Examples
    --------
    >>> selection(np.int8(-1), 4, "row"), selection([True, False, False, True], 4, "row").tolist()
    (3, [0, 3])
    """
    one = None if isinstance(index, np.ndarray) else own(index)
    if isinstance(one, int) and not isinstance(one, bool):
        if not -length <= one < length:
            raise DiagramIndexError(f"there is no {what} {shown(one)}: there are {length:,}")
        return one % length
    try:
        if index is Ellipsis:
            return slice(None)
        if isinstance(index, slice):
            index.indices(length)
            return index
        refuse_mask("an index", index)
        chosen: Any = np.asarray(index)
        if chosen.size == 0 and chosen.ndim == 1:
            chosen = np.zeros(0, np.int64)
        mixed = isinstance(index, list) and len({isinstance(x, bool | np.bool_) for x in index}) > 1
        if isinstance(index, tuple) or chosen.ndim != 1 or chosen.dtype.kind not in "iub" or mixed:
            raise TypeError(f"not by {shown(index)}")
        rows: IntArray = np.arange(length)[chosen]
        return rows
    except DiagramIndexError:
        raise
    except Exception as error:  # NumPy's, for what is out of range, or another library's for its containers
        raise DiagramIndexError(
            f"a list of {what}s is indexed by an int, a slice, a 1-D mask or 1-D integers: {error}; there are {length:,}"
        ) from None
