"""Powers of sparse triangular matrices whose entries are anything that adds and multiplies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import lcm, log2
from typing import Any, TypeAlias

Number: TypeAlias = Any
"""int, Fraction, float, an element of a field, a SymPy expression."""
Row: TypeAlias = dict[int, Number]
Matrix: TypeAlias = dict[int, Row]
STEPWISE = 48  # runs up to this long are walked step by step; longer ones by repeated squaring


def power(matrix: Matrix, row: Row, times: int) -> Row:
    """row @ matrix^times."""
    return powers(matrix, [row], times)[0]


def powers(matrix: Matrix, rows: Sequence[Row], times: int) -> list[Row]:
    """`power` for several rows, which share the squares of the matrix."""
    if times <= STEPWISE:
        for _ in range(times):
            rows = [_times(row, matrix) for row in rows]
        return list(rows)
    while times:
        if times & 1:
            rows = [_times(row, matrix) for row in rows]
        times >>= 1
        if times:
            matrix = {i: _times(entries, matrix) for i, entries in matrix.items()}
    return list(rows)


def denominator(numbers: Iterable[Number]) -> int:
    """The least common one of ints and Fractions; 1 if there are other numbers among them."""
    found = 1
    for x in numbers:
        if isinstance(x, Fraction):
            found = lcm(found, x.denominator)
        elif not isinstance(x, int):
            return 1
    return found


def cleared(x: Number, below: int) -> Number:
    """x times a multiple of its denominator; other numbers than Fractions have none."""
    return int(x.numerator * (below // x.denominator)) if below > 1 or isinstance(x, Fraction) else x


def seconds(matrix: Matrix, rows: int, times: int) -> float:
    """About how long `powers` takes with ints (0 with others), by the longest that occur and the number of products."""
    if times == 0 or not all(isinstance(x, int) for entries in matrix.values() for x in entries.values()):
        return 0.0
    inside = {i: sum(1 << j for j in entries) for i, entries in matrix.items()}
    triangular = all(j >= i for i, entries in matrix.items() for j in entries)
    if triangular:
        largest = max((abs(entries.get(i, 0)) for i, entries in matrix.items()), default=0)
    else:
        largest = max((sum(map(abs, entries.values())) for entries in matrix.values()), default=0)
    bits = times * log2(largest) if largest > 1 else 0.0
    if times <= STEPWISE:
        return rows * times * sum(map(len, matrix.values())) * product_seconds(bits / 2)
    for i in sorted(inside, reverse=True) if triangular else ():  # all that can be reached
        for j in matrix[i]:
            inside[i] |= inside.get(j, 0)
    reached = {i: mask.bit_count() for i, mask in inside.items()}
    products = sum(reached.get(j, 0) for i, mask in inside.items() for j in _bits(mask))
    return (products + rows * len(matrix)) * (times.bit_length() * 1e-6 + 1.5 * product_seconds(bits / 2))


def product_seconds(bits: float) -> float:
    """About how long a product of two ints of so many bits takes (measured; Karatsuba)."""
    return float(1e-6 + 2.5e-3 * (bits / 1e5) ** 1.585)


def _bits(mask: int) -> Iterable[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _times(row: Row, matrix: Matrix) -> Row:
    result: Row = {}
    for i, x in row.items():
        for j, y in matrix.get(i, {}).items():
            result[j] = result[j] + x * y if j in result else x * y
    return result
