"""Ends of a curvature's spectrum by Lanczos' method: from products with vectors alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import InputError
from ..typing import FloatArray

DENSE = 48  # weights up to which all eigenvalues take less
NEAR = 1e-3  # of the largest: to which ends are wanted

Multiply = Callable[[FloatArray], FloatArray]
"""A symmetric matrix times many vectors, (r, n)."""


def ends(multiply: Multiply, n: int) -> tuple[float, float]:
    """The least and the largest eigenvalue of a symmetric matrix (n, n), to a thousandth of the largest."""
    if n <= DENSE:
        found = np.linalg.eigvalsh(_whole(multiply, n))
        return float(found[0]), float(found[-1])
    values, _ = _lanczos(multiply, n, 2, "BE", NEAR)
    return float(values.min()), float(values.max())


def top(multiply: Multiply, n: int, count: int) -> tuple[FloatArray, FloatArray]:
    """The eigenvalues of largest size and their eigenvectors as columns, (n, count).

    Raises
    ------
    InputError : Lanczos' method does not converge
    """
    if n <= max(DENSE, count + 1):
        values, vectors = np.linalg.eigh(_whole(multiply, n))
        kept = np.sort(np.argsort(-np.abs(values), kind="stable")[:count])
        return values[kept], np.ascontiguousarray(vectors[:, kept])
    return _lanczos(multiply, n, count, "LM", 0.0)


def _whole(multiply: Multiply, n: int) -> FloatArray:
    found = multiply(np.eye(n))
    return np.asarray((found + found.T) / 2)


def _lanczos(multiply: Multiply, n: int, count: int, which: str, near: float) -> tuple[FloatArray, FloatArray]:
    from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

    def product(vector: FloatArray) -> FloatArray:
        return np.asarray(multiply(np.ascontiguousarray(vector, dtype=np.float64).reshape(1, n))[0])

    matrix = LinearOperator((n, n), matvec=product, dtype=np.float64)
    start = np.random.default_rng(0).normal(size=n)  # the same in every run, and along no direction in particular
    if not product(start).any():  # of zeros Lanczos' method gives up
        return np.zeros(count), np.eye(n, count)
    try:
        values, vectors = eigsh(matrix, count, which=which, v0=start, tol=near)
    except ArpackError as error:
        raise InputError(
            f"Lanczos' method has not found {count} eigenvalues of the Hessian ({error}); ask for more or fewer of them"
        ) from error
    return np.asarray(values), np.asarray(vectors)
