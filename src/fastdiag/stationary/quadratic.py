"""Checked inputs, and the eigenbasis in which everything about a quadratic minimum is elementwise."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..landscapes.landscape import check_symmetric, checked
from ..typing import FloatArray


@dataclass(frozen=True, slots=True)
class Quadratic:
    """A quadratic loss w^T K w / 2 and gradient noise of covariance C, in coordinates that make the steps diagonal."""

    rates: FloatArray
    """Eigenvalues of lam K, (n,)."""
    hessian: FloatArray
    """K along these directions, (n,)."""
    noise: FloatArray
    """Covariance of a step's noise along them, less a factor `scale`, (n, n)."""
    scale: float
    back: FloatArray
    """Columns that take covariances back: Sigma = back (.) back^T."""

    def excess(self, factors: FloatArray) -> float:
        """Tr[K Sigma] / 2, from the diagonal of the factors."""
        return float((self.hessian * np.diag(self.noise) * (self.scale * factors)).sum() / 2)

    def covariance(self, factors: FloatArray) -> FloatArray:
        """back (factors x noise) back^T, symmetric to the last bit."""
        full = self.back @ (self.scale * factors * self.noise) @ self.back.T
        return np.asarray((full + full.T) / 2)


def quadratic(K: ArrayLike, C: ArrayLike, lam: ArrayLike) -> Quadratic:
    """Check K, C and the learning rate lam (a number, or a positive definite matrix), and diagonalise lam K.

    Raises
    ------
    InputError : K or C not square, of different sizes, not finite or not symmetric; C not positive semi-definite; lam not
        positive
    """
    hessian, noise = symmetric("K", K), symmetric("C", C)
    if hessian.shape != noise.shape:
        raise InputError(f"K and C must have one shape, not {hessian.shape} and {noise.shape}")
    check_covariance("C", noise)
    if np.ndim(lam) == 0:
        rate = positive("lam", lam)
        values, vectors = np.linalg.eigh(hessian)
        return Quadratic(rate * values, values, rate * (vectors.T @ noise @ vectors), rate, vectors)
    root = _root(lam, len(hessian))
    values, vectors = np.linalg.eigh(root.T @ hessian @ root)
    back = root @ vectors
    return Quadratic(values, values, back.T @ noise @ back, 1.0, back)


def symmetric(name: str, matrix: ArrayLike) -> FloatArray:
    """A symmetric (n, n) float array, or InputError."""
    array = checked(name, matrix, (None, None), "a square matrix over the weights")
    if array.shape[0] != array.shape[1] or not array.size:
        raise InputError(f"{name} must be a square matrix over the weights, not of shape {array.shape}")
    check_symmetric(name, array, [(0, 1)])
    return np.asarray((array + array.T) / 2)


def check_covariance(name: str, matrix: FloatArray) -> None:
    """Raise InputError unless the matrix is positive semi-definite."""
    values = np.linalg.eigvalsh(matrix)
    if values[0] < -1e-10 * max(abs(values[-1]), abs(values[0])):
        raise InputError(
            f"{name} is a covariance and must be positive semi-definite; its least eigenvalue is {values[0]:.4g}"
        )


def check_definite(name: str, values: FloatArray) -> None:
    """Raise InputError unless all eigenvalues are positive, by more than their rounding."""
    if values.min() <= len(values) * np.finfo(np.float64).eps * np.abs(values).max():
        raise InputError(
            f"a stationary state needs a strict minimum, but the least eigenvalue of {name} is {values.min():.4g}, to "
            "rounding not positive; leave out flat directions, add a ridge, or ask for finite times with sigma_T"
        )


def _root(lam: ArrayLike, dimension: int) -> FloatArray:
    """R with R R^T = lam, a positive definite (n, n) matrix."""
    matrix = symmetric("lam", lam)
    if len(matrix) != dimension:
        raise InputError(f"lam must be a number or have the shape of K, ({dimension}, {dimension}), not {matrix.shape}")
    if np.linalg.eigvalsh(matrix)[0] <= 0:
        raise InputError("a matrix lam must be positive definite; its least eigenvalue is not positive")
    return np.asarray(np.linalg.cholesky(matrix))


def positive(name: str, value: Any) -> float:
    """A positive finite number, or InputError."""
    number = real(name, value)
    if number <= 0:
        raise InputError(f"{name} must be positive, not {value!r}")
    return number


def real(name: str, value: Any) -> float:
    """A finite number, or InputError."""
    try:
        number = float(value)
        if isinstance(value, str | bool | np.bool_) or not isfinite(number):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name} must be a finite number, not {value!r}") from None
    return number
