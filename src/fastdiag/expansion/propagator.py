"""What edges are resummed with in place of the Hessian."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arguments import array, own, shown
from ..embedding import PathRule
from ..errors import InputError, UnsupportedError
from ..landscapes import Directional, Landscape, Symbolic
from ..landscapes.exact import exact
from ..landscapes.given_tensors import check_symmetric, checked_axes
from ..landscapes.lanczos import top
from ..record import frozen
from ..spacetime.regularized_newton import RegularizedNewton
from ..typing import FloatArray
from ..values.exact_values import exact_learning_rates


def checked_propagator(given: Any, landscape: Landscape, eta: Any, elsewhere: bool, update: PathRule) -> Any:
    """H0 as a matrix of floats; of SymPy's, immutable, where the answer is exact. None for None.

    Parameters
    ----------
    given : an (n, n) matrix, the number 0, a pair (V, h) for V diag(h) V^T, or how many of the Hessian's eigenvalues
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
    if isinstance(number := own(given), int) and not isinstance(number, bool) and number > 0:
        given = _top(number, landscape, eta)
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


def _top(count: int, landscape: Landscape, eta: Any) -> tuple[FloatArray, FloatArray]:
    """The Hessian's eigenvectors of largest eigenvalues, as columns, and these."""
    if isinstance(landscape, Symbolic) and exact_learning_rates(eta) is not None:
        raise InputError(f"propagator={shown(count)} takes eigenvectors, which are floats; give a float eta, or a matrix")
    if count > landscape.dimension:
        raise InputError(
            f"propagator={shown(count)} is more eigenvalues than the Hessian of {landscape.dimension:,} weights has"
        )
    if isinstance(landscape, Directional):
        values, vectors = top(landscape.local(landscape.theta).curved, landscape.dimension, count)
    else:
        hessian = landscape.hessian
        values, vectors = top(lambda rows: rows @ hessian, landscape.dimension, count)
    return vectors, values


def _of_numbers(given: Any, n: int) -> Any:
    import sympy

    if isinstance(given, tuple) and len(given) == 2:
        vectors, values = (np.asarray(each, object) for each in given)
        if vectors.ndim != 2 or values.shape != vectors.shape[1:]:
            raise InputError(f"propagator must be a matrix, a pair (V, h), 0, or an int, not {shown(given)}")
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
