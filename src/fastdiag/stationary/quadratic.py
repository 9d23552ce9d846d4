"""Checked inputs, and the eigenbasis in which everything about a quadratic minimum is elementwise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import array, dimensions, real, shown, whole_or_infinite
from ..errors import InputError
from ..landscapes import Landscape
from ..landscapes.given_tensors import check_symmetric
from ..typing import FloatArray
from .point_hessians import check_still
from .units import exponent, shifted, within_floats

LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True)
class Quadratic:
    """A quadratic loss w^T K w / 2 and gradient noise of covariance C, in coordinates that make the steps diagonal.

    Numbers are near 1, in units that are powers of two: lam = rate 2^e, K = (.) 2^a, C = (.) 2^c.
    """

    unit: int
    """e + a."""
    scaled: FloatArray
    """Eigenvalues of lam K / 2^unit, (n,)."""
    hessian: FloatArray
    """K along these directions, (n,)."""
    noise: FloatArray
    """Covariance of a step's noise along them, less two factors `rate`, (n, n)."""
    rate: float
    back: FloatArray
    """Columns that take covariances back: Sigma = back (.) back^T."""
    size: tuple[int, int, int]
    """e, a, c."""

    @property
    def rates(self) -> FloatArray:
        """Eigenvalues of lam K, (n,); the greatest float where they are beyond floats."""
        return np.clip(shifted(self.scaled, self.unit), -LARGEST, LARGEST)

    def excess(self, factors: FloatArray, unit: int = 0) -> float:
        """Tr[K Sigma] / 2, from the diagonal of the factors times 2^unit."""
        e, a, c = self.size
        found = (self.hessian * np.diag(self.noise) * (self.rate**2 * factors)).sum() / 2
        return float(shifted(found, a + 2 * e + c + unit))

    def covariance(self, factors: FloatArray, unit: int = 0) -> FloatArray:
        """back (factors x noise) back^T 2^unit, symmetric to the last bit."""
        e, _, c = self.size
        full = self.back @ (self.rate**2 * factors * self.noise) @ self.back.T
        return shifted((full + full.T) / 2, 2 * e + c + unit)


def quadratic(K: ArrayLike | Landscape, C: ArrayLike, lam: ArrayLike) -> Quadratic:
    """Check K, C and the learning rate lam (a number, or a positive definite matrix), and diagonalise lam K.

    K may be a landscape seen from its minimum, and C is its batch size then.

    Raises
    ------
    InputError : K or C not square, of different sizes, not finite or not symmetric; C not positive semi-definite; lam not
        positive
    """
    hessian, noise = hessian_and_noise(K, C)
    if hessian.shape != noise.shape:
        raise InputError(f"K and C must have one shape, not {hessian.shape} and {noise.shape}")
    check_covariance("C", noise)
    a, c = exponent(hessian), exponent(noise)
    hessian, noise = shifted(hessian, -a), shifted(noise, -c)
    if dimensions("lam", lam) == 0:
        rate = positive("lam", lam)
        e = exponent(rate)
        rate = float(shifted(rate, -e))
        values, vectors = np.linalg.eigh(hessian)
        return Quadratic(e + a, rate * values, values, vectors.T @ noise @ vectors, rate, vectors, (e, a, c))
    root, e = positive_definite(lam, len(hessian))
    values, vectors = np.linalg.eigh(root.T @ hessian @ root)
    back = root @ vectors  # in units of 2^(e/2), e even: factors 2^e in all of Tr[K Sigma] and Sigma below
    return Quadratic(e + a, values, values, back.T @ noise @ back, 1.0, back, (e, a, c))


def hessian_and_noise(K: ArrayLike | Landscape, C: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """(n, n) arrays: as given, or of a landscape at its minimum with batches of C points."""
    if not isinstance(K, Landscape):
        return symmetric("K", K), symmetric("C", C)
    size = batch_size("C, of a landscape the batch size,", C)
    hessian = hessian_of(K)
    return hessian, within_floats("the gradients' covariance", K.gradient_covariance) / size


def hessian_of(K: ArrayLike | Landscape) -> FloatArray:
    """A symmetric (n, n) array: as given, or a landscape's at its minimum."""
    if not isinstance(K, Landscape):
        return symmetric("K", K)
    K.require_degree(2, "the Hessian of a landscape")
    check_still(K)
    return symmetric("the Hessian", within_floats("the Hessian", K.hessian))


def batch_size(name: str, batch: object) -> float:
    """A whole number >= 1, or inf for gradient descent."""
    try:
        return float(whole_or_infinite(name, batch, 1, "points"))
    except (InputError, OverflowError):
        raise InputError(f"{name} must be a whole number of points >= 1, or math.inf for GD, not {shown(batch)}") from None


def symmetric(name: str, matrix: ArrayLike) -> FloatArray:
    """A symmetric (n, n) float array, or InputError."""
    found = array(name, matrix, (None, None), "a square matrix over the weights")
    if found.shape[0] != found.shape[1] or not found.size:
        raise InputError(f"{name} must be a square matrix over the weights, not of shape {found.shape}")
    e = exponent(found)
    found = shifted(found, -e)
    check_symmetric(name, found, [(0, 1)])
    return shifted((found + found.T) / 2, e)


def check_covariance(name: str, matrix: FloatArray) -> None:
    """Raise InputError unless the matrix is positive semi-definite."""
    e = exponent(matrix)
    values = np.linalg.eigvalsh(shifted(matrix, -e))
    if values[0] < -1e-10 * max(abs(values[-1]), abs(values[0])):
        raise InputError(
            f"{name} is a covariance and must be positive semi-definite; its least eigenvalue is "
            f"{shifted(values[0], e):.4g}"
        )


def check_definite(name: str, values: FloatArray, unit: int = 0) -> None:
    """Raise InputError unless all eigenvalues are positive, by more than their rounding; they are in units of 2^unit."""
    if values.min() <= len(values) * np.finfo(np.float64).eps * np.abs(values).max():
        raise InputError(
            f"a stationary state needs a strict minimum, but the least eigenvalue of {name} is "
            f"{shifted(values.min(), unit):.4g}, to "
            "rounding not positive; leave out flat directions, add a ridge, or ask for finite times with sigma_T"
        )


def positive_definite(lam: ArrayLike, dimension: int) -> tuple[FloatArray, int]:
    """R and e with 2^e R R^T = lam, a positive definite (n, n) matrix."""
    matrix = symmetric("lam", lam)
    if len(matrix) != dimension:
        raise InputError(f"lam must be a number or have the shape of K, ({dimension}, {dimension}), not {matrix.shape}")
    e = exponent(matrix)
    matrix = shifted(matrix, -e)
    try:
        if np.linalg.eigvalsh(matrix)[0] > 0:
            return np.asarray(np.linalg.cholesky(matrix)), e
    except np.linalg.LinAlgError:  # positive, but only by rounding
        pass
    raise InputError("a matrix lam must be positive definite; its least eigenvalue is not positive")


def positive(name: str, value: object) -> float:
    """A positive finite number, or InputError."""
    number = real(name, value)
    if number <= 0:
        raise InputError(f"{name} must be positive, not {shown(value)}")
    return number
