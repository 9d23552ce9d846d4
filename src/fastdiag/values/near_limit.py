"""Sums over maps where k = 1 - eta h is close to -1: the exact walk with numbers of more digits.

Terms of both signs cancel there, even where 1 + k is known: two updates of [a b] are worth 1 + k + k' + k k'. In floats the
relative error is about 1e-16 / |1 + k|^edges; here the numbers have as many digits as that takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf, log2

import numpy as np

from ..diagram import Diagram
from ..embedding.weighted import powered_maps
from ..spacetime import Spacetime
from ..typing import FloatArray, IntArray
from .mode_sums import index_tuples

NEAR = 2.0**-7  # |1 + k| below which digits would be missed
MOST_EDGES = 4
MOST_SUMS = 2000  # that are done with more digits, some milliseconds each; more are left to floats


def near_limit(diagram: Diagram, rates: FloatArray, numbers: FloatArray) -> IntArray:
    """For each learning rate, the directions in which k is close to -1, (numbers, n)."""
    close = np.abs(2.0 - np.multiply.outer(numbers, rates)) < NEAR
    return close if 1 <= diagram.order <= MOST_EDGES else np.zeros_like(close)


def near_sums(
    diagram: Diagram, times: Sequence[Spacetime], values: FloatArray, start: int, rates: FloatArray, eta: float,
    alike: IntArray, close: IntArray,
) -> tuple[FloatArray, FloatArray]:
    """The contraction over the tuples with a direction that is close, at each time; and the values of all the others."""
    n = len(rates)
    found = [
        (index[:, at], weights[at]) for index, weights in index_tuples(values, start, n, alike)
        for at in np.flatnonzero(close[index].any(axis=0)).tolist()
    ]
    totals = np.zeros(len(times))
    if len(found) * len(times) > MOST_SUMS:
        return totals, values
    known: dict[tuple[float, ...], list[float]] = {}
    for index, weight in found:
        chosen = tuple(rates[index].tolist())
        if chosen not in known:
            known[chosen] = [_precise(diagram, spacetime, eta, chosen) for spacetime in times]
        totals += weight * np.array(known[chosen])
    rest = values.copy()
    inner = close
    for _ in range(diagram.order - 2):  # of the last edges together
        inner = (inner[:, None] | close).ravel()
    rest[close[start : start + len(values)]] = 0.0
    if diagram.order > 1:
        rest[:, inner] = 0.0
    return totals, rest


def _precise(diagram: Diagram, spacetime: Spacetime, eta: float, rates: Sequence[float]) -> float:
    from mpmath import mp, mpf

    gap = min(abs(2.0 - eta * rate) for rate in rates)
    lost = log2(1 / max(gap, 2.0**-53)) + (0 if isinf(spacetime.T) else log2(spacetime.T))
    with mp.workprec(128 + int(2 * diagram.order * lost)):
        k = [1 - mpf(eta) * mpf(rate) for rate in rates]
        return float(powered_maps(diagram, spacetime, k, "cumulant", averages=True))
