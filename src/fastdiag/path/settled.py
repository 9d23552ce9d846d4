"""What an update leaves as it is, where it takes something away and adds something."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from ..errors import InputError, UnsupportedError
from ..landscapes.local import Numbers
from .motion import Motion

DOUBLINGS, NOTHING = 64, 1e-20
NEAR, NEWTON = 1e-6, 3  # how small a step from which Newton's are sure, and their number
ALIKE = 1e-9  # sizes of moves that do not shrink


def is_near(step: Numbers, slope: Numbers) -> bool:
    """Whether a step is small beside its slope: Newton's method is sure from here."""
    return bool(np.abs(step).max() <= NEAR * np.abs(slope).max())


class Swings:
    """Whether a path swings to and fro beyond the limit of stability, where it has no end.

    Below the limit, moves that turn back at every update shrink. Where they do not over two blocks of updates, in each of
    which at least every other one turns back, they go on. What is pushed off a saddle point grows, but does not turn back.
    """

    BLOCK = 512

    def __init__(self) -> None:
        self.last: Any = None
        self.before, self.largest, self.turns, self.count, self.blocks = inf, 0.0, 0, 0, 0

    def go_on(self, move: Numbers) -> bool:
        """Take one more move in."""
        if self.last is not None:
            self.turns += bool((move * self.last).sum() < 0)
        self.last, self.count, self.largest = move, self.count + 1, max(self.largest, float(np.abs(move).max()))
        if self.count < self.BLOCK:
            return False
        swings = 2 * self.turns >= self.BLOCK and self.largest >= self.before * (1 - ALIKE)
        self.blocks = self.blocks + 1 if swings else 0
        self.before, self.largest, self.turns, self.count = self.largest, 0.0, 0, 0
        return self.blocks == 2


def summed_powers(matrix: Numbers, kicks: Numbers) -> Numbers:
    """The sum over k of matrix^k kicks, the matrix applied to every axis, by doubling.

    Parameters
    ----------
    matrix : (n, n)
    kicks : (n,) * any

    Raises
    ------
    InputError : it does not converge
    """
    total = kicks
    for _ in range(DOUBLINGS):
        more = total
        for axis in range(total.ndim):
            more = np.moveaxis(np.tensordot(matrix, more, ((1,), (axis,))), 0, axis)
        total = total + more
        matrix = matrix @ matrix
        if not np.isfinite(matrix).all():
            break
        if np.abs(matrix).max() < NOTHING:
            return np.asarray(total)
    raise no_end()


def fixed(matrix: Numbers, vectors: Numbers) -> Numbers:
    """The z that matrix z + vector leaves as it is, for vectors (..., n).

    Raises
    ------
    InputError : there is none
    """
    try:
        return np.asarray(np.linalg.solve(np.eye(len(matrix)) - matrix, vectors.T).T)
    except np.linalg.LinAlgError:
        raise no_end() from None


def check_settles(motion: Motion) -> None:
    """Raise UnsupportedError if a rule has no law at T = infinity that is found here."""
    why = motion.never_settles
    if motion.is_exact:
        why = "no exact learning rate: give a float"
    if motion.rates is not None:
        why = "a rule without a schedule"
    if why:
        raise UnsupportedError(f"T = inf about a path takes {why}; or give a finite T")


def no_end() -> InputError:
    """The error of a path without an end."""
    return InputError(
        "T = inf needs a path with an end where an update shrinks every deviation: for plain SGD 0 < eta h < 2 for every "
        "eigenvalue h of the Hessian there; take a smaller eta, or a finite T"
    )
