"""Escape from a minimum over a barrier: Kramers' rate, a heuristic, and the exact rate in one dimension."""

from __future__ import annotations

from collections.abc import Callable
from math import erf, exp, inf, pi, sqrt

import numpy as np
from scipy.sparse.linalg import ArpackError, eigs
from scipy.special import roots_legendre

from ..arguments import array, digits, flag, real, sequence, shown, whole
from ..door import silent_door
from ..errors import InputError, TooLargeError
from ..typing import FloatArray
from .quadratic import positive
from .units import halves, product, within_floats

MOST_NODES = 5000


@silent_door
def kramers_rate(
    lam: float, k_a: float, k_b: float, S: float, dL: float, l: float = 0.5, discrete: bool = True
) -> float:
    """A heuristic for the rate of escape over a barrier, per unit of time (times lam: per update).

    [D] equation 51 (continuous) and 52 (discrete; printed with its prefactor inverted, corrected here). Neither is exact:
    the true correction starts at lam^2, and the corrected (52) lies within a factor of about two of the exact rate up to
    lam k_a = 1.5, further off beyond; see `escape_rate_1d`.

    Parameters
    ----------
    lam : learning rate
    k_a : curvature at the minimum, > 0
    k_b : curvature at the barrier, < 0
    S : batch size; the noise is |Hessian| / S
    dL : height of the barrier, > 0
    l : share of the path that lies in the minimum's curvature, in [0, 1]
    discrete : (52), else (51)

    Raises
    ------
    InputError : signs as above; lam k_a >= 2; a rate beyond floats

    Examples
    --------
    >>> import fastdiag as fd
    >>> round(fd.stationary.kramers_rate(0.5, 2.0, -1.0, S=4, dL=0.3, l=0.4, discrete=False), 12)
    0.003420812899
    """
    lam, k_a, S, dL = (positive(name, x) for name, x in (("lam", lam), ("k_a", k_a), ("S", S), ("dL", dL)))
    k_b, l, discrete = real("k_b", k_b), real("l", l), flag("discrete", discrete)
    if k_b >= 0:
        raise InputError(f"k_b is the curvature at the barrier's top and must be negative, not {k_b}")
    if not 0 <= l <= 1:
        raise InputError(f"l is a share of the path, in [0, 1], not {l}")
    x = lam * k_a
    if x >= 2:
        raise InputError(
            f"no stationary state to escape from: lam must be below 2 / k_a = {product(2, over=(k_a,)):.6g}, not {lam:.6g}"
        )
    # barriers over temperatures: S dL / (lam k), and its root
    near, far = float(product(S, dL, over=(lam, k_a))), float(product(S, dL, over=(lam, -k_b)))
    exponent = sum(share * barrier for share, barrier in ((l * (1 - x / 2 * discrete), near), (1 - l, far)) if share)
    factors, divisors = [-k_b, exp(-2 * exponent)], [2 * pi]
    if discrete:
        mantissa, e = halves((S, dL, 2 - x), (lam, k_a))
        z = float(np.ldexp(sqrt(mantissa * (1 + e % 2)), e // 2))
        factors, divisors = [*factors, sqrt((2 - x) / 2)], [*divisors, erf(z)]
    return within_floats("the rate", float(product(*factors, over=divisors)))


@silent_door
def escape_rate_1d(
    grad: Callable[[FloatArray], FloatArray], lam: float, noise_std: float, domain: tuple[float, float], n: int = 1600
) -> float:
    """The exact rate, per update, at which w <- w - lam (grad(w) + noise) leaves an interval; Gaussian noise.

    -log of the leading eigenvalue of the transfer operator, killed outside, on Gauss-Legendre nodes. The eigenvalue is
    found to about 1e-14, so rates far below 1e-12 are rounding.

    Parameters
    ----------
    grad : the gradient of the loss, vectorised: (m,) weights -> (m,)
    lam : learning rate
    noise_std : standard deviation of the gradient's noise, > 0
    domain : (left end, right end)
    n : nodes

    Returns
    -------
    float

    Raises
    ------
    InputError : an empty domain, too few nodes for the width of a step's noise, a gradient that fails, of another shape or
        not finite
    TooLargeError : more than 5,000 nodes

    Examples
    --------
    >>> import fastdiag as fd
    >>> rate = fd.stationary.escape_rate_1d(lambda w: 0 * w, 1.0, 1.0, (-0.5, 0.5), n=64)  # a random walk
    >>> round(rate, 3)
    0.996
    """
    lam, noise_std = positive("lam", lam), positive("noise_std", noise_std)
    ends = sequence("domain", domain, "two numbers, left < right")
    if len(ends) != 2:
        raise InputError(f"domain must be a pair (left, right), not {shown(domain)}")
    left, right = (real("domain", end) for end in ends)
    if left >= right:
        raise InputError(f"domain must be a pair (left, right) with left < right, not {shown(domain)}")
    n = whole("n", n, 8, what="nodes")
    half, width = right / 2 - left / 2, float(product(lam, noise_std))  # width of a step's noise
    needed = 2 * pi * half / width if width else inf
    if n < needed:
        raise InputError(
            f"a step's noise has standard deviation {width:.4g}, too little for {digits(n)} nodes on this domain; use n >= "
            f"{needed + 1:.0f}{'' if needed < MOST_NODES else ', too many here: take a narrower domain, or more noise'}"
        )
    if n > MOST_NODES:
        raise TooLargeError(f"{digits(n)} nodes, and a matrix over all their pairs, are too many; take n <= {MOST_NODES:,}")
    nodes, weights = roots_legendre(n)
    w, weights = left + half * (nodes + 1), half / width * weights
    slopes = _slopes(grad, w)
    means = w - lam * slopes
    # written symmetrically in the weights: density of landing at w_i from w_j
    kernel = np.exp(-(((w[:, None] - means) / width) ** 2) / 2) / sqrt(2 * pi)
    operator = np.sqrt(weights)[:, None] * kernel * np.sqrt(weights)
    if not operator.max() > 0:
        raise InputError("from every node the next update leaves the domain, so there is no rate: take a wider domain")
    try:
        leading = eigs(operator, k=1, which="LM", return_eigenvectors=False, v0=np.ones(n))[0]  # real: Perron, Frobenius
    except ArpackError as error:
        raise InputError(f"the leading eigenvalue does not converge ({error}); take a wider domain") from None
    return within_floats("the rate", max(0.0, float(-np.log(leading.real))))  # below 1e-13 it is rounding


def _slopes(grad: object, w: FloatArray) -> FloatArray:
    """The gradient at the weights, or InputError."""
    if not callable(grad):
        raise InputError(f"grad must be a function of weights, not {shown(grad)}")
    try:
        slopes = grad(w.copy())
    except Exception as error:  # whatever it raises
        raise InputError(
            f"grad must take an array of weights and return an array of real slopes: {type(error).__name__}: {error}"
        ) from error
    try:
        return array("slopes", slopes, w.shape, "one slope per weight")
    except InputError as error:
        raise InputError(
            f"grad must return an array of real slopes, finite and of the shape of its argument, {w.shape}: {error}"
        ) from None
