"""The worst alignments over all weights and directions, of which [E]'s theorems 3.2 to 4.3 speak, and one step's bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigh
from scipy.optimize import brentq

from ..arguments import array, real, whole
from ..door import silent_door
from ..errors import InputError
from ..landscapes import Landscape
from ..record import Record
from ..stationary.quadratic import batch_size, positive
from ..stationary.units import exponent, product, shifted
from ..typing import FloatArray
from .escape import checked_mean_squares, descending, flat_ratio, kept, sharp
from .geometry import any_residuals

CLOSE, MOST_TURNS = 1e-13, 500


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Worst(Record):
    """The least and the greatest alignment, and where; see `worst_loss_alignment` and `worst_directional_alignment`."""

    least: float
    greatest: float
    at_least: FloatArray
    """Errors F(theta) - F(theta*) of the linear model's weights, (d,)."""
    at_greatest: FloatArray
    along_least: FloatArray | None
    """Directions, (d,); None for the loss alignment."""
    along_greatest: FloatArray | None
    eps: float
    """The least eps with (1 - eps)/(1 + eps)^2 <= alignment <= (3 + eps)/(1 - eps)^2, as in theorems 3.2 and 4.2."""

    def __repr__(self) -> str:
        return f"<alignments from {self.least:.6g} to {self.greatest:.6g}: the theorems' bounds with eps = {self.eps:.4g}>"


@silent_door
def worst_loss_alignment(X: ArrayLike | Landscape) -> Worst:
    """The range of the loss alignment mu(w) of linear regression over all its weights w; exactly.

    For residuals X u, mu = u^T M u / (u^T G u |G|_F^2) with M the mean of (x^T G x) x x^T: its range is that of the
    eigenvalues of M to G. Labels are fitted. Of a model that is linear in
    F(theta) this is the alignment in F, [E] theorem 3.3; its own, in theta (theorem 3.2), has the Jacobian of F besides and
    may lie outside.

    Parameters
    ----------
    X : (points, d) inputs of full column rank; with less, only directions in which there are inputs count; or a landscape,
        as for `loss_alignment_bounds`

    Returns
    -------
    Worst, without directions

    Raises
    ------
    InputError : X zero or no matrix

    Examples
    --------
    >>> import fastdiag as fd
    >>> worst = fd.noise.worst_loss_alignment([[1.0, 0.0], [0.0, 2.0]])
    >>> round(worst.least, 12), round(worst.greatest, 12)  # the bounds of equation 9: residuals can be anything here
    (0.117647058824, 1.882352941176)
    """
    white, back = _whitened(X)
    rows = white @ np.linalg.pinv(back)
    G = rows.T @ rows / len(rows)
    c = np.einsum("xi,ij,xj->x", rows, G, rows) / (G**2).sum()
    values, vectors = np.linalg.eigh(white.T @ (c[:, None] * white) / len(white))
    least, greatest = float(values[0]), float(values[-1])
    return Worst(least, greatest, back @ vectors[:, 0], back @ vectors[:, -1], None, None, least_eps(least, greatest))


@silent_door
def worst_directional_alignment(
    X: ArrayLike | Landscape, V: ArrayLike | None = None, starts: int = 20, seed: int = 0
) -> Worst:
    """The range of the directional alignment g(theta; v) of a model linear in F(theta), over all theta, all v or some.

    g = mean of (x.u)^2 (x.v)^2 / (u^T G u v^T G v) for residuals X u. For a given v the extremes over u are eigenvalues,
    found exactly ([E] theorem 4.3); over u and v together they are found by turns of these, from several starts: the
    greatest, which lies at u = v, and the least are those found, not proven ([E] theorem 4.2).

    Parameters
    ----------
    X : (points, d) inputs, as for `worst_loss_alignment`
    V : (d, m) directions, one in each column; None for all
    starts : random starts, beside the axes
    seed : whole number >= 0

    Returns
    -------
    Worst

    Raises
    ------
    InputError : X zero or no matrix; a direction without inputs along it

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.noise.worst_directional_alignment([[1.0, 0.0], [0.0, 1.0]])
    <alignments from 0 to 2: the theorems' bounds with eps = 1>
    """
    white, back = _whitened(X)
    d = white.shape[1]
    starts, seed = whole("starts", starts, 1, 10_000), whole("seed", seed, 0)

    def form(v: FloatArray) -> FloatArray:
        weighted = (white @ v)[:, None] ** 2 * white
        return np.asarray(white.T @ weighted / len(white) / (v @ v))

    ends = {}
    if V is not None:
        columns = array("V", V, (len(back), None), "weights, directions")
        along = np.linalg.pinv(back) @ columns
        if not columns.size or (np.abs(along).max(axis=0) <= 1e-12 * np.abs(columns).max(axis=0)).any():
            raise InputError("V needs directions along which there are inputs: else g is noise over no curvature")
        fixed = [(v / np.linalg.norm(v), *np.linalg.eigh(form(v))) for v in along.T]
        for which, pick in ((0, np.argmin), (-1, np.argmax)):
            v, values, vectors = fixed[int(pick([values[which] for _, values, _ in fixed]))]
            ends[which] = float(values[which]), vectors[:, which], v
    else:
        rng = np.random.default_rng(seed)
        begin = [*np.eye(d)[:100], *rng.standard_normal((starts, d))]
        for which, sign in ((0, 1.0), (-1, -1.0)):
            found = [_turned(form, v / np.linalg.norm(v), which) for v in begin]
            ends[which] = found[int(np.argmin([sign * value for value, _, _ in found]))]
    (least, u, v), (greatest, w, z) = ends[0], ends[-1]
    least = max(least, 0.0)
    return Worst(least, greatest, back @ u, back @ w, back @ v, back @ z, least_eps(least, greatest))


@silent_door
def flat_ratio_bounds(
    lams: ArrayLike, eta: float, s: ArrayLike, k: int, A1: float = 1.0, A2: float = 2.0, batch: float = 1
) -> tuple[float, float]:
    """The least and the greatest flat/sharp ratio D_k after one more update, if alignments lie between A1 and A2.

    [E] theorem 5.2 under the inequality of its assumption 5.1. One update's ratio rises in the A of every flat direction
    and falls in that of every sharp one, so that the ends are at its corners, and attained. Over several updates with the
    same A for all of them the least is at that corner too in all that was tried; an A that changes in time can go below it,
    so that the bound is one update's.

    Parameters
    ----------
    lams : (d,) eigenvalues of G, descending, >= 0
    eta : learning rate
    s : (d,) mean squares of the weights before the update
    k : how many directions are called sharp, 1 to d - 1
    A1, A2 : least and greatest directional alignment (centred), 0 <= A1 <= A2; 1 and 2 for Gaussian inputs
    batch : B

    Raises
    ------
    InputError : k out of range, eigenvalues not descending, A1 > A2, negative numbers, no loss along the sharp directions

    Examples
    --------
    >>> import fastdiag as fd
    >>> low, high = fd.noise.flat_ratio_bounds([1.0, 1.0], 1.0, [1.0, 1.0], k=1)
    >>> low, high
    (0.5, 2.0)
    """
    spectrum = descending(lams)
    d, rate, share = len(spectrum), positive("eta", eta), 1 / batch_size("batch", batch)
    k, low, high = sharp(k, d), real("A1", A1, least=0), real("A2", A2, least=0)
    if low > high:
        raise InputError(f"A1 = {low:g} must be at most A2 = {high:g}")
    start = checked_mean_squares("s", s, d)
    if start.ndim != 1:
        raise InputError(f"s must have shape ({d},), one per eigenvalue, not {start.shape}")
    x = np.asarray(product(rate, spectrum))
    fed = product(share, rate) * x * float(spectrum @ start)
    is_sharp = np.arange(d) < k
    ends = []
    for flat_a, sharp_a in ((low, high), (high, low)):
        after = kept(x, share, 1.0) * start + np.where(is_sharp, sharp_a, flat_a) * fed
        ends.append(float(flat_ratio(spectrum, after, k)))
    return ends[0], ends[1]


def _turned(form: Callable[[FloatArray], FloatArray], v: FloatArray, which: int) -> tuple[float, FloatArray, FloatArray]:
    """The extreme over u for v, then over v for u, and so on: it only goes one way."""
    before = np.inf
    for _ in range(MOST_TURNS):
        values, vectors = np.linalg.eigh(form(v))
        u, found = vectors[:, which], float(values[which])
        if abs(found - before) <= CLOSE * abs(found):
            break
        v, before = u, found
    return found, u, v


def _whitened(X: ArrayLike | Landscape) -> tuple[FloatArray, FloatArray]:
    """Rows with mean x x^T = 1, and the matrix that takes their weights to those of X: u = back z."""
    rows = any_residuals(X, "X")
    rows = shifted(rows, -exponent(rows))  # alignments have no unit
    values, vectors = eigh(rows.T @ rows / len(rows))
    met = values > len(values) * np.finfo(np.float64).eps * max(values[-1], 0)
    if not met.any():
        raise InputError("X is zero, so the noise has nothing to align with")
    back = vectors[:, met] / np.sqrt(values[met])
    return rows @ back, back


def least_eps(least: float, greatest: float) -> float:
    """The least eps in [0, 1] with which the theorems' bounds hold."""
    need = [0.0]
    if least < 1:
        need.append(float(brentq(lambda e: (1 - e) / (1 + e) ** 2 - least, 0, 1, xtol=1e-15)) if least > 0 else 1.0)
    if greatest > 3:
        need.append(float(brentq(lambda e: (3 + e) - greatest * (1 - e) ** 2, 0, 1, xtol=1e-15)))
    return max(need)
