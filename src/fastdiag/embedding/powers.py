"""Powers of sparse matrices whose entries are anything that adds and multiplies; rows are multiplied from the left.

Entries are ints, Fractions, floats, arrays of floats, elements of a ring of polynomials, or numbers that keep their
`complement`, their distance from 1 (see `values.quadratic_extension`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain
from math import comb, inf, lcm, log2
from typing import Any, TypeAlias

from ..errors import InputError
from ..numerals import shown
from ..typing import Number
from .poset import bits

Row: TypeAlias = dict[int, Number]
Matrix: TypeAlias = dict[int, Row]
PLAIN = {int, Fraction, float}  # whose truth tells, at once, whether they are 0
MOST_FREE = 200  # rows of a matrix, and bits of its powers, that take no time worth foreseeing
FEW = 8  # steps that lose no digits of a number that knows its complement
STEPWISE = 48  # runs of plain numbers up to this long are walked step by step; longer ones by repeated squaring


class Powers:
    """The powers of a matrix, its squares kept. Of numbers that know their complement only those that stay keep it."""

    def __init__(self, matrix: Matrix) -> None:
        """No row of the matrix is empty."""
        kinds = set(map(type, chain.from_iterable(map(dict.values, matrix.values()))))
        self.whole, self.stepwise, keys = kinds <= {int}, STEPWISE, matrix.keys()
        if not self.whole and any(hasattr(kind, "complement") for kind in kinds):
            self.stepwise = FEW
            matrix = {i: {j: x if i == j else x * 1 for j, x in entries.items()} for i, entries in matrix.items()}
        self.squares = [matrix]
        self.length = sum(map(len, matrix.values())) / (len(matrix) or 1)  # of a row
        self.counts = self.whole and all(
            entries.get(i) == 1 and min(entries) == i and entries.keys() <= keys for i, entries in matrix.items()
        )
        """Whether it is 1 + U of ints, U strictly triangular."""

    def after(self, row: Row, times: int) -> Row:
        """row @ matrix^times."""
        if self.counts and times:
            return _binomial(row, self.squares[0], times)
        levels = 0
        if not self.whole:
            levels = times.bit_length() - 1 if times > self.stepwise else 0
        else:  # a square costs as much as some rows, by which it must shorten the walk
            while times >> levels + 1 > self.length:
                levels += 1
        for level in range(levels + 1):
            if level == len(self.squares):
                self.squares.append((_products if self.whole else _squared)(self.squares[-1]))
            for _ in range(times >> level & 1 if level < levels else times >> levels):
                row = row_times(row, self.squares[level])
        return row

    def seconds(self, rows: int, times: int | float) -> float:
        """About how long `after` takes for so many rows of ints; 0 with other numbers."""
        return seconds(self.squares[0], rows, int(times)) if self.whole and 0 < times < inf else 0.0

    def forever(self, row: Row, blocks: Iterable[Sequence[int]]) -> Row:
        """The limit of infinitely many steps from a row, where steps stay for ever.

        Steps lead from there to the blocks, and from a block to itself or to a later one; in it y = came + y @ (the block).

        Raises
        ------
        InputError : a block of one key that does not shrink
        """
        met, matrix = dict(row), self.squares[0]
        came = row_times(row, matrix)
        for block in blocks:
            found = {j: came.pop(j) for j in block if j in came}
            if len(block) == 1 and found:
                stay = matrix.get(block[0], {}).get(block[0], 0)
                _check_shrinks(stay)
                found = {block[0]: _quotient(found[block[0]], complement(stay))}
            else:
                found = _geometric(matrix, block, found)
            met |= found
            for i, x in found.items():
                for j, y in matrix.get(i, {}).items():
                    if j not in block:
                        came[j] = came[j] + x * y if j in came else x * y
        return met


def _binomial(row: Row, matrix: Matrix, times: int) -> Row:
    """row @ (1 + U)^times, the sum over j of C(times, j) row @ U^j, where some power of U is 0."""
    step = {i: x for i, x in row.items() if i in matrix}
    result = dict(step)
    for j in range(1, times + 1):
        after: Row = {}
        for i, x in step.items():
            for k, y in matrix.get(i, {}).items():
                if k != i:
                    after[k] = after[k] + x * y if k in after else x * y
        if not after:
            break
        step, ways = after, comb(times, j)
        for k, x in step.items():
            result[k] = result[k] + ways * x if k in result else ways * x
    return result


def row_times(row: Row, matrix: Matrix) -> Row:
    """row @ matrix."""
    result: Row = {}
    for i, x in row.items():
        if i in matrix:
            for j, y in matrix[i].items():
                result[j] = result[j] + x * y if j in result else x * y
    return result


def denominator(numbers: Iterable[Number]) -> int:
    """The least common one of ints and Fractions; 1 if there are other numbers among them."""
    found = 1
    for x in numbers:
        if type(x) is Fraction:
            found = lcm(found, x.denominator)
        elif type(x) is not int:
            return 1
    return found


def scaled(x: Number, number: int | Fraction) -> Number:
    """The product; of floats, and arrays of them, with the nearest float."""
    if number == 1:
        return x
    return x * (number if isinstance(x, int | Fraction) or not is_approximate(x) else float(number))


def is_approximate(x: Number) -> bool:
    """Whether it is a float, an array of floats, or made of such."""
    return isinstance(x, float) or hasattr(x, "complement") or (hasattr(x, "dtype") and x.dtype != object)


def complement(x: Number) -> Number:
    """1 - x, to all digits where x knows them."""
    return x.complement if hasattr(x, "complement") else 1 - x


def cleared(numbers: Iterable[Number], below: int) -> Iterator[Number]:
    """Ints and Fractions multiplied by a common denominator; others as they are, which have the denominator 1."""
    return (int(x.numerator * (below // x.denominator)) if below > 1 else x for x in numbers)


def seconds(matrix: Matrix, rows: int, times: int) -> float:
    """About how long so many rows take, by the longest ints that occur and the number of products."""
    widest = max(map(int.bit_length, chain.from_iterable(map(dict.values, matrix.values()))), default=0)
    if len(matrix) <= MOST_FREE and times * widest <= MOST_FREE:
        return 0.0
    inside = {i: sum(1 << j for j in entries) for i, entries in matrix.items()}
    triangular = all(j >= i for i, entries in matrix.items() for j in entries)
    if triangular:
        largest = max((abs(entries.get(i, 0)) for i, entries in matrix.items()), default=0)
    else:
        largest = max((sum(map(abs, entries.values())) for entries in matrix.values()), default=0)
    digits = times * log2(largest) if largest > 1 else 0.0
    if times <= STEPWISE:
        return rows * times * sum(map(len, matrix.values())) * product_seconds(digits / 2)
    for i in sorted(inside, reverse=True) if triangular else ():  # all that can be reached
        for j in matrix[i]:
            inside[i] |= inside.get(j, 0)
    reached = {i: mask.bit_count() for i, mask in inside.items()}
    products = sum(reached.get(j, 0) for i, mask in inside.items() for j in bits(mask))
    return (products + rows * len(matrix)) * (times.bit_length() * 1e-6 + 1.5 * product_seconds(digits / 2))


def product_seconds(bits: float) -> float:
    """About how long a product of two ints of so many bits takes (measured; Karatsuba)."""
    return float(1e-6 + 2.5e-3 * (bits / 1e5) ** 1.585)


def _products(matrix: Matrix) -> Matrix:
    return {i: row_times(entries, matrix) for i, entries in matrix.items()}


def _squared(matrix: Matrix) -> Matrix:
    """An entry between two diagonal ones is multiplied by their sum, which loses no digits where they nearly cancel."""
    square: Matrix = {}
    for i, entries in matrix.items():
        found: Row = {}
        for k, x in entries.items():
            if k == i:
                found[i] = found[i] + x * x if i in found else x * x
                continue
            own = [matrix[v][v] for v in (i, k) if v in matrix and v in matrix[v]]
            if own:
                term = x * (own[0] if len(own) == 1 else own[0] + own[1])
                found[k] = found[k] + term if k in found else term
            for j, y in matrix.get(k, {}).items():
                if j != k:
                    found[j] = found[j] + x * y if j in found else x * y
        square[i] = found
    return square


def _geometric(matrix: Matrix, block: Sequence[int], came: Row) -> Row:
    """came @ (1 + D + D^2 + ...), D the block: the y with y @ (1 - D) = came, by elimination."""
    if not came:
        return {}

    def entry(i: int, j: int) -> Number:
        x = matrix.get(i, {}).get(j, 0)
        return complement(x) if i == j else -1 * x

    lines = [({i: entry(i, j) for i in block}, came.get(j, 0)) for j in block]
    solved: list[tuple[int, Row, Number]] = []
    for i in block:
        place = next(n for n, (line, _) in enumerate(lines) if not is_zero(line[i]))
        line, value = lines.pop(place)
        solved.append((i, line, value))
        for n, (other, x) in enumerate(lines):
            if not is_zero(other[i]):
                ratio = _quotient(other[i], line[i])
                lines[n] = {k: other[k] - ratio * line[k] for k in block}, x - ratio * value
    found: Row = {}
    for i, line, value in reversed(solved):
        for k, y in found.items():
            value = value - line[k] * y
        found[i] = _quotient(value, line[i])
    return found


def _check_shrinks(q: Number) -> None:
    """Raise InputError if what is open together does not shrink; of formulas and of many numbers it is believed."""
    if type(q) is Fraction and abs(q.numerator) < q.denominator:
        return
    q = q.as_expr() if hasattr(q, "as_expr") else q
    size: Any = abs(q) if isinstance(q, int | Fraction) or hasattr(q, "free_symbols") else 0
    if str(size >= 1) == "True":  # a relation of symbols is neither true nor false
        raise InputError(
            f"T = inf has no limit here: edges that are open together shrink by {shown(q)} at every update, which must be "
            "below 1 in absolute value (0 < eta h < 2 for k = 1 - eta h); give a finite T"
        )


def _quotient(x: Number, y: Number) -> Number:
    """x / y; of ints no float."""
    return Fraction(x, y) if isinstance(x, int) and isinstance(y, int) else x / y


def is_zero(x: Number) -> bool:
    """Whether it is known to be 0; of many numbers side by side it never is."""
    return not x if type(x) in PLAIN else not hasattr(x, "shape") and bool(x == 0)
