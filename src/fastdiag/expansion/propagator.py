"""What edges are resummed with in place of the Hessian."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arguments import array, shown
from ..embedding import PathRule
from ..errors import InputError, UnsupportedError
from ..landscapes import Landscape, Symbolic
from ..landscapes.exact import exact
from ..landscapes.given_tensors import check_symmetric, checked_axes
from ..record import frozen
from ..spacetime.regularized_newton import RegularizedNewton
from ..values.exact_values import exact_learning_rates


def checked_propagator(given: Any, landscape: Landscape, eta: Any, elsewhere: bool, update: PathRule) -> Any:
    """H0 as a matrix of floats; of SymPy's, immutable, where the answer is exact. None for None.

    Parameters
    ----------
    given : an (n, n) matrix, the number 0, or a pair (V, h) for V diag(h) V^T
    elsewhere : whether nothing is resummed about the start

    Raises
    ------
    InputError : other shapes, not symmetric; nothing is resummed
    UnsupportedError : a rule that divides by the Hessian; a vector field
    """
    if given is None:
        return None
    if elsewhere:
        raise InputError(
            "propagator is of resummed edges about the start; leave it out, or ask for resummed=True and an order"
        )
    if isinstance(update, RegularizedNewton):
        raise UnsupportedError(f"{update!r} has the Hessian itself in its steps; leave out the propagator")
    if not landscape.is_gradient:
        raise UnsupportedError(
            f"the derivative of {shown(landscape)} need not be symmetric, and a propagator is; leave it out, or give "
            "resummed=False"
        )
    n = landscape.dimension
    if isinstance(landscape, Symbolic) and exact_learning_rates(eta) is not None:
        return _of_numbers(given, n)
    if isinstance(given, tuple) and len(given) == 2:
        vectors = array("propagator[0]", given[0], (n, None), "one row per weight, a column for each direction")
        values = array("propagator[1]", given[1], (vectors.shape[1],), "one number for each direction")
        return frozen((vectors * values) @ vectors.T)
    if checked_axes("propagator", given) == () and array("propagator", given, (), "0, or a matrix") == 0:
        return frozen(np.zeros((n, n)))
    matrix = array("propagator", given, (n, n), "a symmetric matrix over the weights, or 0")
    check_symmetric("propagator", matrix, [(0, 1)], "as a Hessian is")
    return frozen(matrix)


def _of_numbers(given: Any, n: int) -> Any:
    import sympy

    if isinstance(given, tuple) and len(given) == 2:
        vectors, values = (np.asarray(each, object) for each in given)
        if vectors.ndim != 2 or values.shape != vectors.shape[1:]:
            raise InputError(f"propagator must be a matrix, 0, or a pair (V, h), not {shown(given)}")
        given = (vectors * values) @ vectors.T
    entries = np.asarray(given, object)
    if entries.shape == () and exact("propagator", entries.item()) == 0:
        entries = np.zeros((n, n), int).astype(object)
    if entries.shape != (n, n):
        raise InputError(f"propagator must be a symmetric matrix ({n}, {n}), or 0, not {shown(given)}")
    found = sympy.ImmutableMatrix(n, n, [exact("propagator", x) for x in entries.flat])
    if found != found.T:
        raise InputError("propagator must be symmetric, as a Hessian is; symmetrise it first")
    return found
