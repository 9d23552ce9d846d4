"""Mean squares of the weights, update by update, for SGD on the square loss near a minimum that fits the data."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import array, dimensions
from ..door import silent_door
from ..errors import InputError
from ..landscapes import Landscape
from ..stationary.moments import check_fits, check_moments, rates, step_count, trajectory
from ..stationary.point_hessians import Points, point_hessians, regression
from ..stationary.quadratic import batch_size, check_covariance, positive, symmetric
from ..stationary.units import exponent, product, shifted, within_floats
from ..typing import FloatArray
from .escape import checked_mean_squares, checked_spectrum, escape_threshold, kept, mean_square_recursion
from .geometry import checked_label_noise, jacobian


@silent_door
def eigen_dynamics(
    lams: ArrayLike,
    eta: ArrayLike,
    s0: ArrayLike,
    T: int,
    batch: float = 1,
    A: ArrayLike | None = None,
    *,
    label_noise: float = 0.0,
) -> FloatArray:
    """E w_i(t)^2 along the eigenvectors of G, for t = 0..T ([E] equation 8).

    s_i' = (1 - eta lam_i)^2 s_i + (eta^2 / B) noise_i. With A, noise_i = A_i lam_i sum_j lam_j s_j, which is 2 A_i L lam_i.
    With A = None the noise of fresh Gaussian inputs, lam_i^2 s_i + lam_i sum_j lam_j s_j, exactly, whatever the
    correlations between directions. With batch = math.inf or A = 0 it is GD ([E] proposition 5.3).

    Parameters
    ----------
    lams : (d,) eigenvalues of G, >= 0
    eta : learning rate, in units of 1 / lam: a number, or (T,) one for each update (cyclical rates)
    s0 : (d,) mean squares at the start
    T : updates
    batch : B, points drawn independently for an update, or math.inf
    A : directional alignments (centred), >= 0: a number or (d,); None for Gaussian inputs
    label_noise : variance of independent noise on the labels, which adds lam_i label_noise to noise_i

    Returns
    -------
    (T + 1, d)

    Raises
    ------
    InputError : eta <= 0, batch < 1, negative lams, s0, A, label_noise; T not a whole number; numbers that overflow
    TooLargeError : more than 1 GB, or than 1,000,000 updates

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.noise.eigen_dynamics([1.0, 0.5], 0.5, [1.0, 2.0], T=1).tolist()
    [[1.0, 2.0], [1.0, 1.5]]
    """
    spectrum = checked_spectrum(lams)
    start = checked_mean_squares("s0", s0, len(spectrum))
    if start.ndim != 1:
        raise InputError(f"s0 must have shape ({len(spectrum)},), one per eigenvalue, not {start.shape}")
    times, extra = step_count("T", T), checked_label_noise(label_noise)
    check_fits(8 * (times + 1) * len(spectrum))
    result = np.empty((times + 1, len(spectrum)))
    result[0], last = start, None
    for t, rate in enumerate(rates("eta", eta, times)):
        if rate != last:
            x, share, noise = mean_square_recursion(spectrum, last := rate, A, batch)
            own, drive, fresh = kept(x, share, A), noise * x, product(share, rate, x, extra)
        result[t + 1] = own * result[t] + drive * (x @ result[t]) + fresh
    check_moments(result)
    return result


@silent_door
def second_moment_dynamics(X: Points, S0: ArrayLike, eta: ArrayLike, T: int, batch: float = 1) -> FloatArray:
    """E w w^T at t = 0..T for SGD on finitely many points that the model fits, exactly: loss mean of (x_i.w)^2 / 2.

    S' = S - eta (H S + S H) + eta^2 [mean of x_i x_i^T S x_i x_i^T / B + (1 - 1/B) H S H], H = X^T X / n: no assumption on
    the inputs ([E] equation 8 with its noise written out). About a landscape's minimum the points' own Hessians stand for
    x_i x_i^T, and what they do not fit adds its noise; see `fastdiag.stationary.minibatch_transient`, also for momentum.

    Parameters
    ----------
    X : (points, d) inputs, or the Jacobian of a linearised model; or a landscape seen from a minimum
    S0 : (d,) weights at the start, from the minimum, or (d, d) their second moments, of mean 0 where points are not fitted
    eta : learning rate: a number, or (T,) one for each update
    T : updates
    batch : B, points drawn with replacement for an update, or math.inf for GD

    Returns
    -------
    (T + 1, d, d)

    Raises
    ------
    InputError : wrong shapes, S0 no second moment, eta <= 0, batch < 1, numbers that overflow
    TooLargeError : more than 1 GB, or than 1,000,000 updates

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.noise.second_moment_dynamics([[1.0], [2.0]], [1.0], 0.5, 1).tolist()  # ((1/2)^2 + (-1)^2) / 2
    [[[1.0]], [[0.625]]]
    """
    unit = 0
    if isinstance(X, Landscape):
        points = point_hessians(X)
    else:
        rows = jacobian(X, "X")
        unit = exponent(rows)
        points = regression(shifted(rows, -unit), np.zeros(len(rows)))
    d = len(points.hessian)
    mean = np.zeros(d)
    if dimensions("S0", S0) == 1:
        mean = array("S0", S0, (d,), "weights at the start")
        start = np.outer(mean, mean)
    else:
        start = symmetric("S0", S0)
        if len(start) != d:
            raise InputError(f"S0 must have shape ({d},) or ({d}, {d}), like the columns of X, not {start.shape}")
        check_covariance("S0", start)
    times = step_count("T", T)
    steps = within_floats("eta times the curvature", shifted(rates("eta", eta, times), 2 * unit))
    return trajectory(points, steps, times, batch_size("batch", batch), mean, start)


@silent_door
def label_noise_stationary(lams: ArrayLike, eta: float, label_noise: float, batch: float = 1) -> FloatArray:
    """Stationary E w_i^2 of online SGD on Gaussian inputs with noisy labels, exactly; between [E] and [D].

    s_i = c_i label_noise / (1 - sum lam_j c_j), c_i = (eta / B) / (2 - eta lam_i (1 + 1/B)). With noise of constant
    covariance (`fd.stationary`) it would be (eta / B) label_noise / (2 - eta lam_i): the noise from the weights' own
    fluctuation is left out there.

    Parameters
    ----------
    lams : (d,) eigenvalues of the inputs' covariance, > 0
    eta : learning rate below `escape_threshold(lams, None, batch)`
    label_noise : variance of the labels' noise, >= 0
    batch : B

    Raises
    ------
    InputError : eta at or above the threshold (the message gives it); a flat direction, lam = 0; signs

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.noise.label_noise_stationary([1.0, 0.3], 0.4, 1.0, batch=2).round(7).tolist()
    [0.1733333, 0.1333333]
    """
    spectrum, rate, extra = checked_spectrum(lams), positive("eta", eta), checked_label_noise(label_noise)
    share = 1 / batch_size("batch", batch)
    if not spectrum.all():
        raise InputError("along a direction with lam = 0 nothing holds the weights; leave it out")
    limit = escape_threshold(spectrum, None, batch)
    x = product(rate, spectrum)
    below = 2 - x * (1 + share)
    if rate >= limit or (left := 1 - float((share * x / below).sum())) <= 0:
        raise InputError(f"no stationary state: eta must be below the escape threshold {limit:.6g}, not {rate:.6g}")
    return within_floats("a mean square", product(rate, share, extra, over=(below, left)))
