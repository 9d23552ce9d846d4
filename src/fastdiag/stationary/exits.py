"""How long SGD in one dimension stays in an interval: the rate of escape and the mean time of exit, exactly."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, pi, sqrt
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse.linalg import ArpackError, eigs
from scipy.special import roots_legendre

from ..arguments import array, decimal, dimensions, real, sequence, shown, whole
from ..door import silent_door
from ..errors import InputError, TooLargeError
from ..typing import Curve, FloatArray
from .quadratic import positive
from .units import product, within_floats

MOST_NODES = 5000

Slopes: TypeAlias = Callable[[FloatArray], ArrayLike]


@silent_door
def escape_rate_1d(
    grad: Slopes, lam: float, noise_std: float | Slopes, domain: tuple[float, float], n: int = 1600
) -> float:
    """The exact rate, per update, at which w <- w - lam (grad(w) + noise) leaves an interval; Gaussian noise.

    -log of the leading eigenvalue of the transfer operator, killed outside, on Gauss-Legendre nodes. The eigenvalue is
    found to about 1e-14, so rates far below 1e-12 are rounding.

    Parameters
    ----------
    grad : the gradient of the loss, vectorised: (m,) weights -> (m,), or one number for all
    lam : learning rate
    noise_std : standard deviation of the gradient's noise, > 0: a number, or a function of the weights like grad
    domain : (left end, right end)
    n : nodes

    Returns
    -------
    float

    Raises
    ------
    InputError : an empty domain, too few nodes for the least width of a step's noise, functions that fail, of another shape
        or not finite
    TooLargeError : more than 5,000 nodes

    Examples
    --------
    >>> import fastdiag as fd
    >>> rate = fd.stationary.escape_rate_1d(lambda w: 0 * w, 1.0, 1.0, (-0.5, 0.5), n=64)  # a random walk
    >>> round(rate, 3)
    0.996
    """
    _, _, operator, _ = _transfer(grad, lam, noise_std, domain, n)
    try:
        found = eigs(operator, k=1, which="LM", return_eigenvectors=False, v0=np.ones(len(operator)))[0]
    except ArpackError as error:
        raise InputError(f"the leading eigenvalue does not converge ({error}); take a wider domain") from None
    return within_floats("the rate", max(0.0, float(-np.log(found.real))))  # real: Perron, Frobenius; 1e-13 is rounding


@silent_door
def mean_exit_time_1d(
    grad: Slopes, lam: float, noise_std: float | Slopes, domain: tuple[float, float], start: ArrayLike, n: int = 1600
) -> Curve:
    """The mean number of updates until w <- w - lam (grad(w) + noise) first lies outside an interval; Gaussian noise.

    t(w) = 1 + mean of t(w'), w' in the interval, on the nodes of `escape_rate_1d`; where escapes are rare it is about the
    inverse of that rate.

    Parameters
    ----------
    grad, lam, noise_std, domain, n : as for `escape_rate_1d`, whose errors it raises
    start : weights at the start, within the interval: a number, or (m,)

    Returns
    -------
    float, or (m,)

    Raises
    ------
    InputError : a start outside the interval; escapes so rare that the mean is rounding

    Examples
    --------
    >>> import fastdiag as fd
    >>> round(fd.stationary.mean_exit_time_1d(lambda w: 0 * w, 1.0, 1.0, (-0.5, 0.5), 0.0, n=64), 3)
    1.607
    """
    single = dimensions("start", start) == 0
    begin = array("start", start, () if single else (None,), "weights at the start").reshape(-1)
    rule, nodes, operator, roots = _transfer(grad, lam, noise_std, domain, n)
    if (begin <= rule.left).any() or (begin >= rule.right).any():
        raise InputError(f"start must lie within the domain ({rule.left:g}, {rule.right:g})")
    times = np.linalg.solve(np.eye(len(nodes)) - operator.T, roots) / roots
    if not (times >= 1).all() or times.max() > 1e13:
        raise InputError("escapes are so rare that the mean time is rounding; take a narrower domain, or more noise")
    found = 1 + (rule.density(nodes, begin) * roots[:, None] ** 2).T @ times
    found = within_floats("the mean time", found)
    return float(found[0]) if single else found


class _Rule(NamedTuple):
    """Where one update lands."""

    grad: Slopes
    lam: float
    noise_std: float | Slopes
    left: float
    right: float

    def widths(self, w: FloatArray) -> FloatArray:
        """Standard deviations of a step from w."""
        if not callable(self.noise_std):
            return np.full(len(w), float(product(self.lam, positive("noise_std", self.noise_std))))
        found = _values("noise_std", "deviations", self.noise_std, w)
        if not (found > 0).all():
            raise InputError(f"noise_std must be positive, not {found.min():g} at w = {w[int(found.argmin())]:.4g}")
        return self.lam * found

    def density(self, to: FloatArray, start: FloatArray) -> FloatArray:
        """Of landing at some weights from others, (to, start)."""
        width = self.widths(start)
        means = start - self.lam * _values("grad", "slopes", self.grad, start)
        return np.asarray(np.exp(-(((to[:, None] - means) / width) ** 2) / 2) / (sqrt(2 * pi) * width))


def _transfer(
    grad: Slopes, lam: float, noise_std: float | Slopes, domain: tuple[float, float], n: int
) -> tuple[_Rule, FloatArray, FloatArray, FloatArray]:
    """The rule, nodes, the transfer operator between them written symmetrically in their weights, and roots of these."""
    lam = positive("lam", lam)
    ends = sequence("domain", domain, "two numbers, left < right")
    if len(ends) != 2:
        raise InputError(f"domain must be a pair (left, right), not {shown(domain)}")
    left, right = (real("domain", end) for end in ends)
    if left >= right:
        raise InputError(f"domain must be a pair (left, right) with left < right, not {shown(domain)}")
    n = whole("n", n, 8, what="nodes")
    if n > MOST_NODES:
        raise TooLargeError(f"{decimal(n)} nodes, and a matrix over all pairs, are too many; take n <= {MOST_NODES:,}")
    rule, half = _Rule(grad, lam, noise_std, left, right), right / 2 - left / 2
    nodes, weights = roots_legendre(n)
    w = left + half * (nodes + 1)
    width = float(rule.widths(w).min())
    needed = 2 * pi * half / width if width else inf
    if n < needed:
        raise InputError(
            f"a step's noise has standard deviation {width:.4g}, too little for {decimal(n)} nodes here; use n >= "
            f"{needed + 1:.0f}{'' if needed < MOST_NODES else ', too many here: take a narrower domain, or more noise'}"
        )
    roots = np.sqrt(half * weights)
    operator = roots[:, None] * rule.density(w, w) * roots
    if not operator.max() > 0:
        raise InputError("from every node the next update leaves the domain, so there is no rate: take a wider domain")
    return rule, w, operator, roots


def _values(name: str, of: str, function: object, w: FloatArray) -> FloatArray:
    """What a function of weights returns, one number for each of them or one for all; or InputError."""
    if not callable(function):
        raise InputError(f"{name} must be a function of weights, not {shown(function)}")
    try:
        found = function(w.copy())
    except Exception as error:  # whatever it raises
        raise InputError(
            f"{name} must take an array of weights and return an array of real {of}: {type(error).__name__}: {error}"
        ) from error
    try:
        if dimensions(of, found) == 0:
            return np.full(w.shape, real(of, found))
        return array(of, found, w.shape, "one for each weight")
    except InputError as error:
        raise InputError(
            f"{name} must return an array of real {of}, finite and of the shape of its argument, {w.shape}, or "
            f"one number: {error}"
        ) from None
