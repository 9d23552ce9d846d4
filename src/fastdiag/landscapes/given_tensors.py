"""Tensors that are given: their shapes, zeros, and symmetry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import arguments
from ..errors import InputError
from ..typing import FloatArray
from .landscape import checked


def checked_axes(name: str, value: Any) -> tuple[int, ...]:
    """The shape of what is to be an array, or InputError if it has none."""
    arguments.refuse_mask(name, value)
    try:
        return tuple(np.shape(value))
    except Exception as error:  # whatever another library's container raises as it is read
        raise InputError(f"{name} must be an array of real numbers: {arguments.shown(error)}") from None


def tensor_or_zero(name: str, array: object, shape: tuple[int, ...], meaning: str) -> FloatArray:
    """The same; the number 0 stands for a tensor that vanishes, and takes no memory."""
    if checked_axes(name, array) == () and not checked(name, array, (), "0, for a tensor that vanishes"):
        return np.broadcast_to(np.zeros(()), shape)
    return checked(name, array, shape, meaning)


def check_symmetric(
    name: str, array: FloatArray, groups: Sequence[Sequence[int]], why: str = "as derivatives commute"
) -> None:
    """Raise InputError unless the array is unchanged by swapping neighbouring axes within each group."""
    for group in groups:
        for i, j in zip(group, group[1:], strict=False):
            if not equal_when_rounded(array, array.swapaxes(i, j)):
                raise InputError(f"{name} must be symmetric in axes {i} and {j}, {why}; symmetrise it first")


def equal_when_rounded(first: FloatArray, second: FloatArray) -> bool:
    """Whether two arrays of the same entries, in another order, are equal up to rounding."""
    if not any(first.strides):  # one number in all places, as where a tensor vanishes, of which there may be 3^16
        return True
    scale = float(np.abs(first).max(initial=0.0))
    with np.errstate(over="ignore", under="ignore"):  # beyond the range, a difference is not small
        return bool(np.allclose(first, second, rtol=1e-10, atol=1e-10 * scale))
