"""Learning rates: checked, and brought to size 1 by a power of two."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..arguments import array, ndim, real
from ..errors import InputError
from ..landscapes.given_tensors import check_symmetric
from ..landscapes.landscape import Landscape
from ..typing import FloatArray, IntArray

COMFORTABLE = 32  # powers of 2 of the square root of a learning rate


def learning_rates(eta: object, dimension: int) -> tuple[FloatArray, FloatArray | None]:
    """Check eta: a number or a 1-D array (many learning rates), or an (n, n) matrix. Returns (numbers, matrix)."""
    if ndim(eta) == 2:
        metric = array("eta", eta, (dimension, dimension), "a matrix eta^{mu nu} over the weights")
        check_symmetric("eta", metric, [(0, 1)], "as eta^{mu nu} = eta^{nu mu}")
        if np.linalg.eigvalsh(metric)[0] <= 0:
            raise InputError("a matrix eta must be positive definite; its least eigenvalue is not positive")
        return np.ones(()), metric
    return scalar_rates(eta, ", or an (n, n) matrix"), None


def scalar_rates(eta: Any, otherwise: str = "") -> FloatArray:
    """A learning rate, or a 1-D array of them, as float64 of shape () or (rates,); `otherwise`: what it may be too."""
    what = f"eta must be a number or a 1-D array of numbers{otherwise}"
    if ndim(eta) > 1:
        raise InputError(f"{what}, not of shape {np.shape(eta)}")
    try:
        if ndim(eta) == 0:
            numbers = np.array(real("eta", eta))
        else:
            numbers = array("eta", eta, (None,), "learning rates")
    except InputError as error:
        raise InputError(f"{what}, and eta must be finite: {error}") from None
    if numbers.size == 0:
        raise InputError("eta is empty; give at least one learning rate")
    if (numbers < 0).any():
        raise InputError(f"eta must be >= 0, not {numbers.min()}")
    return numbers


def of_one_size(numbers: FloatArray) -> list[IntArray]:
    """The places of the learning rates, taken apart where they are so far from each other that no weights suit all."""
    if len(numbers) == 1:
        return [np.zeros(1, np.int64)]
    powers = np.where(numbers > 0, np.frexp(numbers)[1], np.frexp(numbers.max(initial=0.0))[1])
    groups: list[list[int]] = []
    for place in np.argsort(powers, kind="stable").tolist():
        if not groups or powers[place] - powers[groups[-1][0]] > 2 * COMFORTABLE:
            groups.append([])
        groups[-1].append(place)
    return [np.array(sorted(group)) for group in groups]


def at_scale(landscape: Landscape, numbers: FloatArray) -> tuple[Landscape, FloatArray, int]:
    """The landscape and the learning rates in weights in which the rates are of size 1, and the power of 2 between them.

    Where the rates are very large or small, eta^d and products of tensors leave the range of floats though their products
    do not. A power of 2 changes no bit of them.
    """
    powers = np.frexp(numbers[numbers > 0])[1]
    exponent = int(np.rint(powers.mean() / 2)) if len(powers) else 0
    if abs(exponent) <= COMFORTABLE:
        return landscape, numbers, 0
    scaled = in_units(landscape, exponent)
    return (landscape, numbers, 0) if scaled is landscape else (scaled, np.ldexp(numbers, -2 * exponent), exponent)


@lru_cache(maxsize=8)
def in_units(landscape: Landscape, exponent: int) -> Landscape:
    """`Landscape.scaled`, kept for the next call."""
    return landscape.scaled(exponent)
