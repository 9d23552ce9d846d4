"""Information criteria: the train loss and what it hides, estimates of the test loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..door import door
from ..errors import InputError
from ..landscapes import Landscape, Symbolic
from ..landscapes.landscape import check_landscape
from ..typing import Rates
from .gap import gap, points, ridges


@door
def aic(landscape: Landscape, N: int) -> float:
    """Akaike's criterion for one point's loss: l + n / N, n weights; right at a minimum where C = H.

    Parameters
    ----------
    landscape : the training set, seen from the weights it was fitted to
    N : training points

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.criteria.aic(fd.landscapes.gauss(), N=10)
    0.6
    """
    check_landscape(landscape)
    return landscape.loss + landscape.dimension / points(N)


@door
def tic(landscape: Landscape, N: int, ridge: object = 0) -> float:
    """Takeuchi's criterion: l + tr(C H^-1) / N at a strict minimum, whatever C is.

    Parameters
    ----------
    landscape : the training set, seen from the weights it was fitted to
    N : training points
    ridge : as for `gap`

    Raises
    ------
    InputError : a flat direction, in which it is infinite; `stic` is not

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.criteria.tic(fd.landscapes.mean_estimation(2, 1), N=10)
    0.05
    """
    check_landscape(landscape)
    N = points(N)
    H = landscape.hessian + np.diag(ridges(ridge, landscape.dimension))
    least = float(np.linalg.eigvalsh(H)[0])
    if least <= 0:
        raise InputError(
            f"Takeuchi's criterion needs a strict minimum, and the Hessian has the eigenvalue {least:.4g}; "
            "fastdiag.criteria.stic is finite there, or give a ridge"
        )
    return float(landscape.loss + np.trace(np.linalg.solve(H, landscape.gradient_covariance)) / N)


@door
def stic(landscape: Landscape, eta: Rates, N: int, T: float, ridge: object = 0) -> Any:
    """The papers' stabilized Takeuchi criterion: l + `gap`, finite in flat directions, for training that ends at T.

    Parameters
    ----------
    landscape, eta, N, T, ridge : as for `gap`

    Returns
    -------
    As `gap` does: a float, an array of eta's shape, or a SymPy expression

    Examples
    --------
    >>> import fastdiag as fd
    >>> round(fd.criteria.stic(fd.landscapes.mean_estimation(0, 1), 0.1, N=10, T=20), 10)  # a flat loss
    0.2
    """
    found: Any = gap(landscape, eta, N, T, ridge)
    exactly = hasattr(found, "free_symbols") or (isinstance(found, np.ndarray) and found.dtype.kind == "O")
    if exactly and isinstance(landscape, Symbolic):
        return found + landscape.exact_part(((),)).item()
    return found + landscape.loss
