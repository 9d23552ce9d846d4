"""What an update leaves as it is, where it takes something away and adds something."""

from __future__ import annotations

import numpy as np

from ..errors import InputError, UnsupportedError
from ..landscapes.local import Numbers
from .motion import Motion

DOUBLINGS, NOTHING = 64, 1e-20
NEAR, NEWTON = 1e-6, 3  # how small a step from which Newton's are sure, and their number


def is_near(step: Numbers, slope: Numbers) -> bool:
    """Whether a step is small beside its slope: Newton's method is sure from here."""
    return bool(np.abs(step).max() <= NEAR * np.abs(slope).max())


def summed(matrix: Numbers, kicks: Numbers) -> Numbers:
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
