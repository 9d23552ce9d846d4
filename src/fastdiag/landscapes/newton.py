"""The weights of least loss, by Newton's method."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from ..errors import InputError

Kind = TypeVar("Kind", bound=Any)


def newton_minimum(landscape: Kind) -> Kind:
    """The same landscape there, by Newton's method with backtracking.

    Raises
    ------
    InputError : there is no minimum, or no unique one: separable data or dependent columns without a ridge
    """
    here: Any = landscape
    settled = 0
    for _ in range(100):
        gradient, hessian = here.gradient, here.hessian
        if not np.isfinite(hessian).all() or np.linalg.cond(hessian) > 1e13:
            break
        step, size = np.asarray(np.linalg.solve(hessian, gradient), dtype=np.float64), 1.0
        fall = 1e-4 * float(gradient @ step)
        if np.abs(step).max() <= 1e-6 * (1 + np.abs(here.theta).max()):  # errors are squared from here on
            settled += 1
        while not settled and here.moved(here.theta - size * step).loss > here.loss - size * fall:
            size /= 2
        here = here.moved(here.theta - size * step)
        if settled == 2:
            found: Kind = here
            return found
    raise InputError(
        f"{landscape!r} has no unique minimum to go to: the data are separable, or columns of X depend on one another; "
        "give a ridge > 0"
    )
