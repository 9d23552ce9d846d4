"""Labels of any kind: numbers, bools or texts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arguments import sequence, shown
from ..errors import InputError
from ..typing import IntArray


def classes_of(y: object, points: int) -> tuple[tuple[Any, ...], IntArray]:
    """The classes in ascending order, and the place of each label among them, (points,).

    Raises
    ------
    InputError : another number of labels, labels of several kinds, missing ones

    Examples
    --------
    >>> classes_of(["no", "yes", "no"], 3)
    (('no', 'yes'), array([0, 1, 0]))
    """
    labels = sequence("y", y, "labels, one per row of X")
    if len(labels) != points:
        raise InputError(f"y must have one label per row of X, {points} of them, not {len(labels)}")
    kinds = {_kind(label) for label in labels}
    if len(kinds) > 1:
        examples = ", ".join(shown(next(x for x in labels if _kind(x) == kind)) for kind in sorted(kinds))
        raise InputError(f"y must hold labels of one kind, all numbers, all bools or all texts; found {examples}")
    classes = tuple(sorted(set(labels)))
    places = {label: place for place, label in enumerate(classes)}
    return classes, np.array([places[label] for label in labels], np.int64)


def _kind(label: Any) -> str:
    if isinstance(label, bool | str):
        return type(label).__name__
    if isinstance(label, int | float) and label == label:
        return "number"
    raise InputError(f"y must hold labels: numbers, bools or texts; found {shown(label)}")
