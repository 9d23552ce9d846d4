"""Escape of SGD from a minimum of the square loss: when it happens, and along which directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from ..arguments import array, dimensions, shown, whole
from ..door import silent_door
from ..errors import InputError
from ..stationary.quadratic import batch_size, positive
from ..stationary.units import FURTHEST, exponent, halves, product, shifted, within_floats
from ..typing import Curve, FloatArray


@silent_door
def escape_threshold(lams: ArrayLike, A: ArrayLike | None = 1.0, batch: float = 1) -> float:
    """The learning rate above which SGD's expected loss grows: the eta with sum of eta A lam / (B (2 - eta lam)) = 1.

    Exact for the linearised dynamics with noise 2 A_i L lam_i along eigenvector i ([E] equation 8 and assumption 5.1 with
    equality; sharpens theorem 5.2, by which eta > 1 / |G|_F suffices for A = 1). With A = None for fresh Gaussian inputs,
    where the sum is of eta lam / (B (2 - eta lam (1 + 1/B))). Units of 1 / lam.

    Parameters
    ----------
    lams : (d,) eigenvalues of G, >= 0, in any order
    A : directional alignments (centred), >= 0, a number or (d,); None for Gaussian inputs
    batch : B, a whole number, or math.inf for GD, whose threshold is 2 / lam_1

    Raises
    ------
    InputError : negative or only zero eigenvalues, A < 0, batch < 1

    Examples
    --------
    >>> import fastdiag as fd
    >>> round(fd.noise.escape_threshold([1, 0.5, 0.2, 0.1, 0.05]), 12)
    0.766048903427
    """
    spectrum, share = checked_spectrum(lams), 1 / batch_size("batch", batch)
    noise = share * alignments(A, len(spectrum))
    if not spectrum.any():
        raise InputError("every eigenvalue is zero: nothing moves at any learning rate, so there is no threshold")
    unit = exponent(spectrum)
    spectrum = shifted(spectrum, -unit)
    stiff = spectrum * (1 + (share if A is None else 0))
    felt = noise * spectrum > 0
    found = [2 / spectrum.max()]
    if felt.any():
        stiff, driven = stiff[felt], (noise * spectrum)[felt]
        highest = (2 / (stiff + driven)).min()  # one term alone reaches 1 here
        stiff, driven = highest * stiff, highest * driven  # the root is the share z of it, from 1 / d to 1
        found.append(highest * _root(lambda z: (z * driven / (2 - z * stiff)).sum() - 1))
    return within_floats("the threshold", float(shifted(min(found), -unit)))


@silent_door
def growth_rate(lams: ArrayLike, eta: float, A: ArrayLike | None = 1.0, batch: float = 1) -> float:
    """The factor rho by which the expected loss is multiplied at each update, in the end.

    The largest root of sum of (eta^2 / B) A_i lam_i^2 / (rho - (1 - eta lam_i)^2) = 1; above 1 SGD escapes
    (equal to 1 at `escape_threshold`).

    Parameters
    ----------
    lams, A, batch : as for `escape_threshold`; where A or lam is 0, or for GD, the greater of rho and (1 - eta lam)^2
    eta : learning rate

    Raises
    ------
    InputError : as for `escape_threshold`; eta not positive

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.noise.growth_rate([1.0], 0.5)  # (1 - 1/2)^2 + 1/4
    0.5
    """
    spectrum = checked_spectrum(lams)
    if not spectrum.any():
        raise InputError("every eigenvalue is zero: there is no loss, so none grows")
    x, share, noise = mean_square_recursion(spectrum, eta, A, batch)
    own = kept(x, share, A)
    felt = noise * spectrum > 0
    alone = float(own[(spectrum > 0) & ~felt].max(initial=0.0))
    if not felt.any():
        return within_floats("the growth rate", alone)
    top, above, _ = _leading(x[felt], noise[felt], share if A is None else 0.0)
    return within_floats("the growth rate", max(alone, float(own[felt][top] + product(above, *_unit(x[felt])))))


@silent_door
def flat_ratio_limit(lams: ArrayLike, eta: float, k: int, A: ArrayLike | None = 1.0, batch: float = 1) -> float:
    """The flat/sharp ratio D_k after many updates, whatever the start ([E] theorem 5.2 as an exact limit).

    Losses along the eigenvectors become proportional to A_i lam_i^2 / (rho - (1 - eta lam_i)^2), rho the `growth_rate`.

    Parameters
    ----------
    lams : (d,) eigenvalues of G, descending, >= 0
    eta : learning rate, any positive number: above and below the threshold
    k : how many directions are called sharp, 1 to d - 1
    A : directional alignments, > 0, a number or (d,); None for Gaussian inputs
    batch : B, a whole number

    Raises
    ------
    InputError : k out of range, eigenvalues not descending; no noise (GD, or some A = 0), where the start decides

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.noise.flat_ratio_limit([1.0, 1.0, 1.0], 0.3, k=1)
    2.0
    """
    spectrum = descending(lams)
    k = sharp(k, len(spectrum))
    x, share, noise = mean_square_recursion(spectrum, eta, A, batch)
    if not spectrum.any():
        raise InputError("every eigenvalue is zero: there is no loss along any direction")
    alive = spectrum > 0
    if (noise[alive] == 0).any():
        raise InputError(
            "the limit needs noise along every direction: A > 0 and a finite batch; without it the start decides, see "
            "eigen_dynamics"
        )
    losses = np.zeros(len(spectrum))
    losses[alive] = _leading(x[alive], noise[alive], share if A is None else 0.0)[2]
    return float(_ratio((losses, 0), k, "loss in the end"))


@silent_door
def flat_ratio(lams: ArrayLike, s: ArrayLike, k: int) -> Curve:
    """D_k = sum over i > k of lam_i s_i / sum over i <= k of lam_i s_i ([E] section 5): loss in flat over sharp directions.

    `flat_ratio(lams, lams, k)` is the ratio that theorem 5.2 compares with, sum_{i>k} lam^2 / sum_{i<=k} lam^2.

    Parameters
    ----------
    lams : (d,) eigenvalues of G, descending, >= 0
    s : (d,) or (times, d) mean squares of the weights along the eigenvectors, as from `eigen_dynamics`
    k : how many directions are called sharp, 1 to d - 1

    Returns
    -------
    float, or (times,)

    Raises
    ------
    InputError : k out of range, eigenvalues not descending, negative entries, no loss along the sharp directions

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.noise.flat_ratio([2.0, 1.0, 1.0], [1.0, 1.0, 3.0], k=1)
    2.0
    """
    spectrum = descending(lams)
    return _ratio(halves((spectrum, checked_mean_squares("s", s, len(spectrum)))), sharp(k, len(spectrum)), "loss")


@silent_door
def variance_ratio(s: ArrayLike, k: int) -> Curve:
    """P_k = sum over i > k of s_i / sum over i <= k of s_i; at least (lam_k / lam_{k+1}) D_k ([E] section 5).

    Parameters
    ----------
    s, k : as for `flat_ratio`

    Raises
    ------
    InputError : k out of range, negative entries, no variance along the sharp directions

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.noise.variance_ratio([1.0, 1.0, 3.0], k=1)
    4.0
    """
    values = checked_mean_squares("s", s)
    return _ratio(halves((values,)), sharp(k, values.shape[-1]), "variance")


def mean_square_recursion(
    spectrum: FloatArray, eta: float, A: ArrayLike | None, batch: float
) -> tuple[FloatArray, float, FloatArray]:
    """x = eta lam, 1/B, and A/B: s_i' = kept_i s_i + (A_i/B) eta x_i sum x_j s_j / eta; (d,), a number, (d,)."""
    rate, share = positive("eta", eta), 1 / batch_size("batch", batch)
    x = within_floats("eta lams", product(rate, spectrum))
    return x, share, share * alignments(A, len(spectrum))


def kept(x: FloatArray, share: float, A: ArrayLike | None) -> FloatArray:
    """What an update leaves of s_i, but for what the others feed: Gaussian inputs (A = None) have more noise."""
    return np.asarray((1 - x) ** 2 + (share * x**2 if A is None else 0))


def checked_spectrum(lams: ArrayLike) -> FloatArray:
    """(d,) numbers >= 0, or InputError."""
    spectrum = array("lams", lams, (None,), "eigenvalues of G")
    if not len(spectrum):
        raise InputError("lams is empty; give the eigenvalues of G")
    if (spectrum < 0).any():
        raise InputError(
            f"lams must be >= 0, not {spectrum.min():g}: G = J^T J / n has no negative eigenvalues, and a Hessian's "
            "negative ones are no minimum; leave them out"
        )
    return spectrum


def descending(lams: ArrayLike) -> FloatArray:
    """Eigenvalues in descending order, or InputError."""
    spectrum = checked_spectrum(lams)
    if (np.diff(spectrum) > 0).any():
        raise InputError("lams must be in descending order: the first k directions are the sharp ones; sort lams and s")
    return spectrum


def alignments(A: ArrayLike | None, d: int) -> FloatArray:
    """(d,) numbers >= 0; ones for Gaussian inputs, where the recursion holds the rest."""
    if A is None:
        return np.ones(d)
    values = array("A", A, () if dimensions("A", A) == 0 else (d,), "a number, or one per eigenvalue")
    if (values < 0).any():
        raise InputError(f"A is noise over curvature and must be >= 0, not {values.min():g}")
    return np.broadcast_to(values, (d,)).copy()


def checked_mean_squares(name: str, s: ArrayLike, d: int | None = None) -> FloatArray:
    """(d,) or (times, d) numbers >= 0, or InputError."""
    shape = (d,) if dimensions(name, s) < 2 else (None, d)
    values = array(name, s, shape, "mean squares along the eigenvectors, times first")
    if (values < 0).any():
        raise InputError(f"{name} are mean squares and must be >= 0, not {values.min():g}")
    return values


def sharp(k: object, d: int) -> int:
    """A number of sharp directions, or InputError."""
    try:
        return whole("k", k, 1, d - 1)
    except InputError:
        raise InputError(
            f"k sharp directions of {d}: k must be a whole number from 1 to {d - 1}, not {shown(k)}"
        ) from None


def _unit(x: FloatArray) -> tuple[float, float]:
    """Two factors of the unit in which losses and noise at rates x are near 1: x_max, or its square if above 1."""
    most = float(x.max())
    return most, max(1.0, most)


def _leading(x: FloatArray, noise: FloatArray, extra: float) -> tuple[int, float, FloatArray]:
    """The greatest root rho = kept_top + above of sum of noise x^2 / (rho - kept) = 1, `above` in the unit of `_unit`.

    Returns top, above, and noise x^2 / (rho - kept), which the losses become proportional to.
    """
    most, _ = _unit(x)
    if most == 0:
        raise InputError("eta lams is 0 to rounding: nothing moves; give a larger eta")
    y = x / most
    first, second = (1.0, most) if most < 1 else (1 / most, 1.0)  # of 1 - kept = 2 x - (1 + extra) x^2, in the unit
    lost = y * (2 * first - (1 + extra) * second * y)
    top = int(lost.argmin())
    gaps = np.maximum((y - y[top]) * (2 * first - (1 + extra) * second * (y + y[top])), 0.0)  # without cancellation
    drive = second * noise * y**2
    low, high = float((drive - gaps).max()), float(drive.sum())
    driven = drive > 0  # the rest has vanished beside it

    def met(a: float) -> float:
        return float((drive[driven] / (a + gaps[driven])).sum())

    if len(x) == 1 or low >= high:
        above = high
    elif met(low) <= 1:  # one direction outweighs the others beyond rounding
        above = low
    else:
        above = float(brentq(lambda a: met(a) - 1, low, high, xtol=1e-300, rtol=1e-15))
    losses = np.where(driven, drive / (above + gaps), 0.0)
    if not driven[top]:  # its share is what is left of 1
        losses[top] = 1 - losses.sum()
    return top, above, losses


def _root(function: Callable[[float], float]) -> float:
    """The root in (0, 1] of an increasing function that is negative at 0."""
    if function(1.0) <= 0:  # to rounding
        return 1.0
    return float(brentq(function, 0, 1, xtol=1e-300, rtol=1e-15))


def _ratio(parts: tuple[Any, Any], k: int, what: str) -> Curve:
    """The sum of the parts m 2^e beyond the first k over the sum of these."""
    (below, down), (above, up) = (_summed(*(part[..., some] for part in np.broadcast_arrays(*parts)))
                                  for some in (slice(k), slice(k, None)))
    if (below == 0).any():
        where = f" at time {int(np.argmin(below))}" if below.ndim else ""
        raise InputError(f"there is no {what} along the {k} sharp directions{where}, so the ratio is infinite; raise k")
    ratio = within_floats("the ratio", np.asarray(np.ldexp(above / below, up - down)))
    return ratio if ratio.ndim else float(ratio)


def _summed(m: Any, e: Any) -> tuple[Any, Any]:
    """The sum of m 2^e over the last axis, in the unit 2^(the greatest e)."""
    e = np.where(m == 0, -FURTHEST, e)
    most = e.max(axis=-1)
    return np.ldexp(m, e - most[..., None]).sum(axis=-1), most
