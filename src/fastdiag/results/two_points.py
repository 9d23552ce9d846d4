"""SGD itself on two-point distributions in one dimension, exactly: what a printed formula is held against.

A loss is a polynomial in theta, its coefficients in ascending order, one for each of the two equally likely points. All
training sets and all orders are averaged over; weights are power series in eta. No diagram is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import permutations, product
from typing import TypeAlias

Series: TypeAlias = list[Fraction]
Polynomial: TypeAlias = Sequence[Fraction | int]


def exact_sgd(
    losses: tuple[Polynomial, Polynomial], N: int, T: int, order: int, B: int = 1, reshuffle: bool = False
) -> tuple[Series, Series, Series]:
    """E of the test loss, the generalization gap and the displacement after T updates from theta = 0, as series in eta.

    With batches of B taken in one order of the rows, or, with `reshuffle`, in a fresh order every epoch.
    """
    totals = [[Fraction(0)] * (order + 1) for _ in range(3)]
    sequences = list(_batches(N, B, T, reshuffle))
    chance = Fraction(1, 2**N * len(sequences))
    mean = [Fraction(1, 2) * (a + b) for a, b in zip(*_padded(losses), strict=True)]
    for rows in product(losses, repeat=N):
        for batches in sequences:
            theta = [Fraction(0)] * (order + 1)
            for batch in batches:
                slopes = [_at(_slope(rows[row]), theta) for row in batch]
                step = [sum(terms, Fraction(0)) / B for terms in zip(*slopes, strict=True)]
                theta = [theta[0], *(x - y for x, y in zip(theta[1:], step, strict=False))]
            test = _at(mean, theta)
            train = [sum(terms, Fraction(0)) / N for terms in zip(*(_at(row, theta) for row in rows), strict=True)]
            gap = [x - y for x, y in zip(test, train, strict=True)]
            for total, found in zip(totals, (test, gap, theta), strict=True):
                total[:] = [x + chance * y for x, y in zip(total, found, strict=True)]
    return totals[0], totals[1], totals[2]


def _batches(N: int, B: int, T: int, reshuffle: bool) -> Iterator[tuple[tuple[int, ...], ...]]:
    """All equally likely sequences of batches; the rows are exchangeable, so the first order may be any."""
    epoch, rows = N // B, tuple(range(N))
    orders = list(permutations(rows)) if reshuffle else [rows]
    epochs = -(-T // epoch)
    for later in product(orders, repeat=epochs - 1):
        order = (rows, *later) if reshuffle else (rows,) * epochs
        yield tuple(rows[i * B : (i + 1) * B] for rows in order for i in range(epoch))[:T]


def _padded(losses: tuple[Polynomial, Polynomial]) -> list[list[Fraction]]:
    size = max(map(len, losses))
    return [[Fraction(c) for c in loss] + [Fraction(0)] * (size - len(loss)) for loss in losses]


def _slope(loss: Polynomial) -> Polynomial:
    return [power * c for power, c in enumerate(loss)][1:]


def _at(polynomial: Polynomial, theta: Series) -> Series:
    total = [Fraction(0)] * len(theta)
    for coefficient in reversed(polynomial):
        total = _product(total, theta)
        total[0] += coefficient
    return total


def _product(a: Series, b: Series) -> Series:
    total = [Fraction(0)] * len(a)
    for i, x in enumerate(a):
        if x:
            for j in range(len(a) - i):
                total[i + j] += x * b[j]
    return total
