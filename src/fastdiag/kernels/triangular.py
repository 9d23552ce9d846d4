"""Powers of triangular matrices whose diagonal entries are products of k, which may be close to 1.

A product of k is kept twice: itself, and its loss 1 - |k|. Squaring a loss, y -> y (2 - y), does not amplify rounding, so
neither k = 1 nor equal k nor large powers cost accuracy; a small k is squared itself, so it stays accurate to its last
digit. Arrays of them have a first axis of length 2.
"""

from typing import Any, NamedTuple, TypeAlias

from .kernel import inlined
from .lanes import chosen

Pair: TypeAlias = tuple[float, float]


class Workspace(NamedTuple):
    """A row and an upper triangular matrix, and room for what follows them."""

    row: Any
    """(states,)"""
    diagonal: Any
    """(2, states): the numbers on the diagonal, and their losses."""
    upper: Any
    """(states, states): what stands above the diagonal; the rest is not looked at."""
    next_row: Any
    next_upper: Any


@inlined
def sharper(k: float, loss: float) -> Pair:
    """k, recomputed from its loss if that says more, and its loss."""
    return chosen(loss > 0.5, k, chosen(k < 0.0, loss - 1.0, 1.0 - loss)), loss


@inlined
def multiplied(k: float, loss: float, other: float, other_loss: float) -> Any:
    """k x other, and its loss."""
    return sharper(k * other, loss + other_loss - loss * other_loss)


@inlined
def squared(k: float, loss: float) -> Any:
    """k^2, and its loss."""
    return sharper(k * k, loss * (2.0 - loss))


@inlined
def power(k: float, loss: float, times: int) -> Pair:
    """k^times, and its loss."""
    result, lost = 1.0, 0.0
    left = times
    while left > 0:
        if left & 1:
            result, lost = multiplied(result, lost, k, loss)
        k, loss = squared(k, loss)
        left >>= 1
    return result, lost


@inlined
def start_row(row: Any, size: int) -> None:
    """row <- all of it in the first state."""
    for i in range(size):
        row[i] = 1.0 if i == 0 else 0.0


@inlined
def row_times_matrix(work: Workspace, size: int) -> None:
    """row <- row @ matrix."""
    row, next_row = work.row, work.next_row
    for j in range(size):
        total = row[j] * work.diagonal[0, j]
        for i in range(j):
            total += row[i] * work.upper[i, j]
        next_row[j] = total
    for j in range(size):
        row[j] = next_row[j]


@inlined
def matrix_squared(work: Workspace, size: int) -> None:
    """matrix <- matrix @ matrix."""
    diagonal, upper = work.diagonal, work.upper
    for i in range(size):
        for j in range(i + 1, size):
            entry = upper[i, j] * (diagonal[0, i] + diagonal[0, j])
            for k in range(i + 1, j):
                entry += upper[i, k] * upper[k, j]
            work.next_upper[i, j] = entry
    for i in range(size):
        diagonal[0, i], diagonal[1, i] = squared(diagonal[0, i], diagonal[1, i])
        for j in range(i + 1, size):
            upper[i, j] = work.next_upper[i, j]


@inlined
def row_times_power(work: Workspace, size: int, times: int, forever: bool) -> None:
    """row <- row @ matrix^times; the matrix is overwritten.

    With `forever`, the limit of infinitely many steps from the first state, which is stayed in for ever; all other
    entries of the diagonal are below 1 in size.
    """
    row, diagonal, upper = work.row, work.diagonal, work.upper
    if forever:
        for j in range(1, size):
            total = 0.0
            for i in range(j):
                total += row[i] * upper[i, j]
            row[j] = total / chosen(diagonal[0, j] < 0.0, 1.0 - diagonal[0, j], diagonal[1, j])
        return
    left = times
    if size == 2:  # in registers
        first, second, u = row[0], row[1], upper[0, 1]
        p, p_loss, q, q_loss = diagonal[0, 0], diagonal[1, 0], diagonal[0, 1], diagonal[1, 1]
        while left > 0:
            if left & 1:
                second = second * q + first * u
                first = first * p
            u = u * (p + q)
            p, p_loss = squared(p, p_loss)
            q, q_loss = squared(q, q_loss)
            left >>= 1
        row[0], row[1] = first, second
        return
    while left > 0:
        if left & 1:
            row_times_matrix(work, size)
        left >>= 1
        if left > 0:
            matrix_squared(work, size)


@inlined
def matrix_power(work: Workspace, square: Workspace, size: int, times: int) -> None:
    """matrix of `work` <- (matrix of `square`)^times; the latter is overwritten."""
    diagonal, upper = work.diagonal, work.upper
    for i in range(size):
        diagonal[0, i], diagonal[1, i] = 1.0, 0.0
        for j in range(i + 1, size):
            upper[i, j] = 0.0
    left = times
    while left > 0:
        if left & 1:
            for i in range(size):
                for j in range(i + 1, size):
                    entry = upper[i, j] * square.diagonal[0, j] + diagonal[0, i] * square.upper[i, j]
                    for k in range(i + 1, j):
                        entry += upper[i, k] * square.upper[k, j]
                    work.next_upper[i, j] = entry
            for i in range(size):
                diagonal[0, i], diagonal[1, i] = multiplied(
                    diagonal[0, i], diagonal[1, i], square.diagonal[0, i], square.diagonal[1, i]
                )
                for j in range(i + 1, size):
                    upper[i, j] = work.next_upper[i, j]
        left >>= 1
        matrix_squared(square, size)
