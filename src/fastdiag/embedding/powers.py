"""Powers of sparse triangular matrices whose entries are anything that adds and multiplies."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import lcm
from typing import Any, TypeAlias

Number: TypeAlias = Any
"""int, Fraction, float, an element of a polynomial ring."""
Row: TypeAlias = dict[int, Number]
Matrix: TypeAlias = dict[int, Row]
STEPWISE = 48  # runs up to this long are walked step by step; longer ones by repeated squaring


def power(matrix: Matrix, row: Row, times: int) -> Row:
    """row @ matrix^times. Fractions are put over one denominator first: a gcd for each product costs far more."""
    below = denominator(x for entries in matrix.values() for x in entries.values())
    if below > 1:
        matrix = {i: {j: cleared(x, below) for j, x in entries.items()} for i, entries in matrix.items()}
    under = denominator(row.values())
    if under > 1:
        row = {i: cleared(x, under) for i, x in row.items()}
    row = _power(matrix, row, times)
    return over(row, below**times * under)


def denominator(numbers: Iterable[Number]) -> int:
    """The least common one of ints and Fractions; 1 if there are other numbers among them."""
    found = 1
    for x in numbers:
        if isinstance(x, Fraction):
            found = lcm(found, x.denominator)
        elif not isinstance(x, int):
            return 1
    return found


def cleared(x: Number, below: int) -> int:
    """x times a multiple of its denominator."""
    return int(x.numerator * (below // x.denominator))


def over(row: Row, below: int) -> Row:
    """The row, its numbers divided."""
    return {i: Fraction(x, below) for i, x in row.items()} if below > 1 else row


def _power(matrix: Matrix, row: Row, times: int) -> Row:
    if times <= STEPWISE:
        for _ in range(times):
            row = _times(row, matrix)
        return row
    while times:
        if times & 1:
            row = _times(row, matrix)
        times >>= 1
        if times:
            matrix = {i: _times(entries, matrix) for i, entries in matrix.items()}
    return row


def _times(row: Row, matrix: Matrix) -> Row:
    result: Row = {}
    for i, x in row.items():
        for j, y in matrix.get(i, {}).items():
            result[j] = result[j] + x * y if j in result else x * y
    return result
