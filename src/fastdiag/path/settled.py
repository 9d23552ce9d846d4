"""What an update leaves as it is, where it takes something away and adds something."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..landscapes.local import Numbers

DOUBLINGS, NOTHING = 64, 1e-20


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
    raise _no_end()


def solved(matrix: Numbers, vector: Numbers) -> Numbers:
    """matrix^-1 vector.

    Raises
    ------
    InputError : the matrix is singular
    """
    try:
        return np.asarray(np.linalg.solve(matrix, vector))
    except np.linalg.LinAlgError:
        raise _no_end() from None


def _no_end() -> InputError:
    return InputError(
        "T = inf needs 0 < eta h < 2 for every eigenvalue h of the Hessian at the path's end; take a smaller eta, or a "
        "finite T"
    )
