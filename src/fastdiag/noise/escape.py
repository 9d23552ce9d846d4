"""Escape of SGD from a minimum of the square loss: when it happens, and along which directions."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from ..errors import InputError
from ..floats import by_our_rules
from ..landscapes.landscape import checked
from ..stationary.quadratic import positive, real
from ..typing import FloatArray


@by_our_rules
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
    spectrum, share = eigenvalues(lams), 1 / checked_batch(batch)
    noise = share * alignments(A, len(spectrum))
    if not spectrum.any():
        raise InputError("every eigenvalue is zero: nothing moves at any learning rate, so there is no threshold")
    limit = 2 / spectrum.max()
    stiff = spectrum * (1 + (share if A is None else 0))
    felt = noise * spectrum > 0
    if not felt.any():
        return float(limit)
    x, stiff, weight = spectrum[felt], stiff[felt], noise[felt]
    highest = float((2 / (stiff + weight * x)).min())  # one term alone reaches 1 here
    if len(x) == 1:
        return min(highest, float(limit))
    root = brentq(lambda eta: (eta * weight * x / (2 - eta * stiff)).sum() - 1, 0, highest, xtol=1e-300, rtol=1e-15)
    return min(float(root), float(limit))


@by_our_rules
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
    spectrum = eigenvalues(lams)
    if not spectrum.any():
        raise InputError("every eigenvalue is zero: there is no loss, so none grows")
    own, drive = recursion(spectrum, eta, A, batch)
    felt = drive > 0
    alone = float(own[(spectrum > 0) & ~felt].max(initial=0.0))
    if not felt.any():
        return alone
    top, above = _leading(own[felt], drive[felt])
    return max(alone, top + above)


@by_our_rules
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
    own, drive = recursion(spectrum, eta, A, batch)
    if not spectrum.any():
        raise InputError("every eigenvalue is zero: there is no loss along any direction")
    alive = spectrum > 0
    if (drive[alive] == 0).any():
        raise InputError(
            "the limit needs noise along every direction: A > 0 and a finite batch; without it the start decides, see "
            "eigen_dynamics"
        )
    top, above = _leading(own[alive], drive[alive])
    losses = np.zeros(len(spectrum))
    losses[alive] = drive[alive] / (above + (top - own[alive]))
    return float(losses[k:].sum() / losses[:k].sum())


@by_our_rules
def flat_ratio(lams: ArrayLike, s: ArrayLike, k: int) -> float | FloatArray:
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
    return _ratio(spectrum * squares("s", s, len(spectrum)), sharp(k, len(spectrum)), "loss")


@by_our_rules
def variance_ratio(s: ArrayLike, k: int) -> float | FloatArray:
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
    values = squares("s", s, np.shape(s)[-1] if np.ndim(s) else 0)
    return _ratio(values, sharp(k, values.shape[-1]), "variance")


def recursion(
    spectrum: FloatArray, eta: float, A: ArrayLike | None, batch: float
) -> tuple[FloatArray, FloatArray]:
    """Losses y_i = lam_i s_i obey y_i' = own_i y_i + drive_i sum y; (d,) each."""
    rate, share = positive("eta", eta), 1 / checked_batch(batch)
    x = rate * spectrum
    own = (1 - x) ** 2 + (share * x**2 if A is None else 0)
    return own, share * alignments(A, len(spectrum)) * x**2


def eigenvalues(lams: ArrayLike) -> FloatArray:
    """(d,) numbers >= 0, or InputError."""
    spectrum = checked("lams", lams, (None,), "eigenvalues of G")
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
    spectrum = eigenvalues(lams)
    if (np.diff(spectrum) > 0).any():
        raise InputError("lams must be in descending order: the first k directions are the sharp ones; sort lams and s")
    return spectrum


def alignments(A: ArrayLike | None, d: int) -> FloatArray:
    """(d,) numbers >= 0; ones for Gaussian inputs, where the recursion holds the rest."""
    if A is None:
        return np.ones(d)
    values = checked("A", A, () if np.ndim(A) == 0 else (d,), "a number, or one per eigenvalue")
    if (values < 0).any():
        raise InputError(f"A is noise over curvature and must be >= 0, not {values.min():g}")
    return np.broadcast_to(values, (d,)).copy()


def squares(name: str, s: ArrayLike, d: int) -> FloatArray:
    """(d,) or (times, d) numbers >= 0, or InputError."""
    shape = (d,) if np.ndim(s) < 2 else (None, d)
    values = checked(name, s, shape, "mean squares along the eigenvectors, times first")
    if (values < 0).any():
        raise InputError(f"{name} are mean squares and must be >= 0, not {values.min():g}")
    return values


def sharp(k: Any, d: int) -> int:
    """A number of sharp directions, or InputError."""
    if not isinstance(k, int | np.integer) or isinstance(k, bool) or not 1 <= k < d:
        raise InputError(f"k sharp directions of {d}: k must be a whole number from 1 to {d - 1}, not {k!r}")
    return int(k)


def checked_batch(batch: Any) -> float:
    """A whole number >= 1, or inf."""
    number = inf if batch == inf else real("batch", batch)
    if not (number == inf or int(number) == number >= 1):
        raise InputError(f"batch must be a whole number of points >= 1, or math.inf for GD, not {batch!r}")
    return number


def _leading(own: FloatArray, drive: FloatArray) -> tuple[float, float]:
    """(top, above) with largest root rho = top + above of sum drive / (rho - own) = 1, top the largest `own`."""
    top = float(own.max())
    gaps = top - own  # rho - own = above + gaps without cancellation
    low, high = float((drive - gaps).max()), float(drive.sum())
    if len(own) == 1 or low >= high:
        return top, high
    if (drive / (low + gaps)).sum() <= 1:  # one direction outweighs the others beyond rounding
        return top, low
    return top, float(brentq(lambda x: (drive / (x + gaps)).sum() - 1, low, high, xtol=1e-300, rtol=1e-15))


def _ratio(parts: FloatArray, k: int, what: str) -> float | FloatArray:
    below, above = parts[..., :k].sum(axis=-1), parts[..., k:].sum(axis=-1)
    if (below == 0).any():
        where = f" at time {int(np.argmin(below))}" if parts.ndim == 2 else ""
        raise InputError(f"there is no {what} along the {k} sharp directions{where}, so the ratio is infinite; raise k")
    ratio = above / below
    return float(ratio) if parts.ndim == 1 else ratio
