"""SGD on a quadratic from its start: covariances and excess losses after T updates, discrete and continuous."""

from __future__ import annotations

from math import inf

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import real, shown, whole_or_infinite
from ..door import silent_door
from ..errors import InputError, TooLargeError
from ..landscapes import Landscape
from ..typing import FloatArray
from .covariance import approximation_error, stationary_covariance
from .quadratic import hessian_and_noise, positive, quadratic
from .units import exponent, shifted, within_floats


@silent_door
def sigma_T(K: ArrayLike | Landscape, C: ArrayLike, lam: ArrayLike, T: float) -> FloatArray:
    """The covariance of the weights after T updates from a point: lam^2 sum over s < T of (1 - lam K)^s C (1 - lam K)^s.

    It is what `fd.predict` gives for the 'covariance' to order 2 where the Hessian has no noise; with momentum, at any T,
    ask there.

    Parameters
    ----------
    K : (n, n) Hessian, any symmetric one: flat and negative directions too; or a landscape at a point without gradient
    C : (n, n) covariance of a step's gradient; of a landscape the batch size
    lam : learning rate, any positive number or positive definite (n, n) matrix
    T : updates, a whole number >= 0, or math.inf for the stationary state, with its conditions

    Returns
    -------
    (n, n) array

    Raises
    ------
    InputError : T not a whole number >= 0; at T = inf no stationary state; shapes and symmetry

    Examples
    --------
    >>> import fastdiag as fd
    >>> float(fd.stationary.sigma_T([[0.0]], [[2.0]], 0.5, 10)[0, 0])  # lam^2 C T along a flat direction
    5.0

    The diagrams' answer on a landscape, at its minimum, with batches of two:

    >>> land = fd.landscapes.samples([0.0, 0.0], [[1.0], [-1.0]], [[[2.0]], [[2.0]]])
    >>> law = fd.stationary.sigma_T(land.hessian, land.gradient_covariance / 2, 0.1, 10)
    >>> found = fd.predict(land, fd.Spacetime(N=20, B=2, T=10), 0.1, order=2, observable="covariance")
    >>> bool(abs(found.total - law) < 1e-15)
    True
    """
    T = number_of_updates(T)
    if T == inf:
        return stationary_covariance(K, C, lam)
    state = quadratic(K, C, lam)
    x = state.rates
    found = state.covariance(geometric_sums(x[:, None] + x - x[:, None] * x, int(T)))
    check_finite(found, x, T)
    return found


@silent_door
def escape_efficiency(K: ArrayLike | Landscape, C: ArrayLike, lam: ArrayLike, T: float) -> float:
    """The mean excess loss after T updates from the minimum, Tr[K Sigma_T] / 2 ([D] equation 41, exact at any lam).

    It is the resummed value of the diagram [a a], `fd.rvalue`, where noise is additive; at T = inf that of N = T = inf.

    Parameters
    ----------
    K, C, lam, T : as for `sigma_T`

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.stationary.escape_efficiency([[1.0]], [[2.0]], 0.5, 1)
    0.25
    """
    T = number_of_updates(T)
    if T == inf:
        return approximation_error(K, C, lam)
    state = quadratic(K, C, lam)
    x = state.rates
    found = state.excess(geometric_sums(2 * x - x * x, int(T)))
    check_finite(found, x, T)
    return found


@silent_door
def anisotropy_ratio(K: ArrayLike | Landscape, C: ArrayLike, lam: ArrayLike, T: float) -> float:
    """Excess losses after T updates from the minimum: with noise C over that with isotropic noise of the same trace.

    The ratio of second moments Tr[K Sigma_T] ([D] equations 42, 43): after one update Tr[K C] / (Tr K Tr C / n), at T = inf
    at most 2 / (2 - lam k_max), whatever n; [D] claims for long times what holds for one.

    Parameters
    ----------
    K, C, lam, T : as for `sigma_T`, T >= 1

    Raises
    ------
    InputError : as for `sigma_T`; no noise, or none along which isotropic noise costs anything

    Examples
    --------
    >>> import fastdiag as fd, numpy as np
    >>> K = np.diag([1.0, 0.1, 0.1])
    >>> [round(fd.stationary.anisotropy_ratio(K, K, 1.0, T), 4) for T in (1, float("inf"))]
    [2.125, 1.3462]
    """
    hessian, noise = hessian_and_noise(K, C)
    even = np.eye(len(noise)) * (np.trace(noise) / len(noise))
    parts = [escape_efficiency(hessian, some, lam, T) for some in (noise, even)]
    if not parts[1] > 0:
        raise InputError("isotropic noise of this trace has no excess loss here, so there is no ratio; give noise, T >= 1")
    return within_floats("the ratio", parts[0] / parts[1])


@silent_door
def escape_efficiency_continuous(K: ArrayLike | Landscape, C: ArrayLike, lam: float, t: float) -> float:
    """The same in continuous time: (lam / 4) Tr[(1 - exp(-2 lam K t)) C] ([D] equation 40), the papers' Remark 1.

    Never more than `escape_efficiency` at whole t below the stability limit.

    Parameters
    ----------
    K, C : as for `sigma_T`
    lam : learning rate, a positive number
    t : time in updates, >= 0, or math.inf where K is positive semi-definite

    Raises
    ------
    InputError : t < 0; t = inf with a negative direction

    Examples
    --------
    >>> import fastdiag as fd
    >>> round(fd.stationary.escape_efficiency_continuous([[1.0]], [[2.0]], 0.5, 1), 12)
    0.158030139707
    """
    t = real("t", t, infinite=True)
    if t < 0:
        raise InputError(f"t must be >= 0, not {t}")
    lam = positive("lam", lam)
    state = quadratic(K, C, lam)
    x = state.scaled
    if t == inf and x.min() < 0:
        k = shifted(state.hessian.min(), state.size[1])
        raise InputError(f"at t = inf a negative direction of K (eigenvalue {k:.4g}) diverges; give a finite t")
    noise = np.diag(state.noise)
    met = noise != 0
    if t < inf:
        long = exponent(t)
        grown = -np.expm1(shifted(-2 * x[met] * shifted(t, -long), state.unit + long))
    else:
        grown = (x[met] > 0).astype(np.float64)
    found = float(shifted(state.rate * (noise[met] * grown).sum() / 4, state.size[0] + state.size[2]))
    check_finite(found, state.rates, t)
    return found


def check_finite(found: FloatArray | float, rates: FloatArray, T: float) -> None:
    """Raise TooLargeError if something overflowed, and name the direction along which it grows."""
    if not np.isfinite(found).all():
        worst = rates[np.argmax(np.abs(1 - rates))]
        raise TooLargeError(
            f"after {shown(T)} updates the weights exceed float64: along an eigenvector with lam k = {worst:.4g} they grow "
            "at every update; ask for fewer updates, or for a learning rate with 0 <= lam k < 2"
        )


def geometric_sums(loss: FloatArray, times: int) -> FloatArray:
    """1 + q + ... + q^(times - 1) with q = 1 - loss, by doubling: nothing is lost near q = 1, nor for q <= 0."""
    total, power_loss = np.zeros_like(loss), np.zeros_like(loss)
    block, base_loss = np.ones_like(loss), loss.copy()  # the sum of 2^j powers, and 1 - q^(2^j)
    while times:
        if times & 1:
            total = total + (1 - power_loss) * block
            power_loss = power_loss + base_loss - power_loss * base_loss
        block, base_loss = block * (2 - base_loss), base_loss * (2 - base_loss)
        times >>= 1
    return np.asarray(total)


def number_of_updates(T: float) -> float:
    """A whole number >= 0, or inf."""
    number = real("T", T, infinite=True)
    if number < 0 or (number < inf and number != int(number)):
        raise InputError(f"T must be a whole number of updates >= 0, or math.inf, not {shown(T)}")
    return whole_or_infinite("T", T, 0, "updates")
