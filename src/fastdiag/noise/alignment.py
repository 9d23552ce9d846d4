"""How far gradient noise follows the curvature: Sigma, loss alignment mu, directional alignment g."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from ..arguments import array, dimensions, flag, real, sequence, shown, whole
from ..door import door, silent_door
from ..errors import InputError, TooLargeError
from ..landscapes import Landscape
from ..stationary.units import exponent, shifted, within_floats
from ..typing import Curve, FloatArray
from .curvature import blocks
from .geometry import Geometry, Source, any_residuals, curvature_of, geometry
from .gradient_noise import Noise

DENSE_EIGENVECTORS = 1024  # up to this dimension all eigenvectors are computed
MOST_DENSE = 8192


@silent_door
def noise_covariance(J: Source, r: ArrayLike | None = None, centered: bool = True) -> FloatArray:
    """The covariance of the gradients' noise, Sigma = mean of r_i^2 J_i J_i^T - gL gL^T ([E] equation 7).

    Parameters
    ----------
    J : (points, n) Jacobian of a model under the square loss; or a landscape; or a Geometry
    r : (points,) residuals, for a Jacobian
    centered : whether gL gL^T is subtracted; what [E] calls Sigma after equation 7 is the uncentred Sigma_1

    Returns
    -------
    (n, n) array, in units of gradient squared; of one point drawn at random: a batch of B has 1/B of it

    Raises
    ------
    InputError : shapes that do not fit, no residuals
    TooLargeError : an array above 1 GB; see `noise_operator`

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.noise.noise_covariance([[1, 0], [0, 2]], [2, 1], centered=False).tolist()
    [[2.0, 0.0], [0.0, 2.0]]
    """
    return geometry(J, r).noise.matrix(flag("centered", centered))


@door
def noise_operator(J: Source, r: ArrayLike | None = None, centered: bool = True) -> Any:
    """The same covariance as a scipy.sparse.linalg.LinearOperator: products, without an (n, n) array.

    Parameters
    ----------
    J, r, centered : as for `noise_covariance`

    Examples
    --------
    >>> import fastdiag as fd
    >>> Sigma = fd.noise.noise_operator([[1, 0], [0, 2]], [2, 1], centered=False)
    >>> (Sigma @ [1.0, 1.0]).tolist()
    [2.0, 2.0]
    """
    noise, centered = geometry(J, r).noise, flag("centered", centered)
    return _operator(partial(_covariance_times, noise, centered), len(noise.mean))


@np.errstate(all="ignore")
def _covariance_times(noise: Noise, centered: bool, V: FloatArray) -> FloatArray:
    return shifted(noise.times(V, centered), 2 * noise.unit)


@silent_door
def loss_alignment(J: Source, r: ArrayLike | None = None, centered: bool = False) -> float:
    """mu = Tr(G Sigma) / (2 L |G|_F^2) ([E] definition 3.1): 1 where the noise is 2 L G, as in equation 4.

    For a Jacobian by the dual form, mu = n sum r_i^2 c_i / (sum r_i^2 sum c_i) with c_i = sum over j of (J_i.J_j)^2, where
    points are fewer than weights. For a landscape the Hessian stands for G and the test loss for L. No unit.

    Parameters
    ----------
    J, r : as for `noise_covariance`
    centered : whether Sigma is the covariance, or, as in [E], the second moment

    Returns
    -------
    float; 1 by convention where loss and noise are zero

    Raises
    ------
    InputError : no curvature at all; a loss that is negative, or zero beside noise; shapes

    Examples
    --------
    >>> import fastdiag as fd
    >>> round(fd.noise.loss_alignment([[1, 0], [0, 2], [1, 1]], [1, -1, 2]), 12)  # 29/31
    0.935483870968
    >>> round(fd.noise.loss_alignment(fd.landscapes.breast_cancer()), 4)
    0.6726
    """
    around, centered = geometry(J, r), flag("centered", centered)
    if around.silent:
        return 1.0
    squared = around.curvature.squared_norm()
    if squared == 0:
        raise InputError("the curvature is zero, so the noise has nothing to align with; mu is not defined here")
    return float(_ratio(around, around.noise.trace_with(around.curvature, centered) / (2 * around.level * squared)))


@silent_door
def loss_alignment_bounds(J: ArrayLike | Landscape, slopes: tuple[float, float] = (1.0, 1.0)) -> tuple[float, float]:
    """The least and the greatest loss alignment that any residuals can have on a Jacobian ([E] equation 9).

    n min c / sum c <= mu <= n max c / sum c with c_i = sum over j of (J_i.J_j)^2; uncentred. Both are attained.
    With slopes from a to b the bounds of theorem 3.5: of sum over k of a_k s(W_k.x) with a <= s' <= b, whose first layer
    is trained, and any W. Its c_i lie between a^4 and b^4 times |a|^4 those of the inputs, so that mu has the bounds
    n c_i / (c_i + (b/a)^4 sum of the others) for the least c_i and n c_i / (c_i + (a/b)^4 sum of the others) for the
    greatest: within (a/b)^4 and (b/a)^4 times those of the inputs.

    Parameters
    ----------
    J : (points, n); or a least squares landscape of one output, with equal weights and no ridge; with slopes the inputs
    slopes : least and greatest derivative of an activation, 0 <= a <= b; (0.5, 1) for leaky_relu of slope 0.5

    Raises
    ------
    InputError : J zero or not a matrix; other landscapes, whose gradients are not residuals times rows; other slopes

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.noise.loss_alignment_bounds([[1, 0], [0, 2]])  # c = 1, 16
    (0.11764705882352941, 1.8823529411764706)
    """
    rows = any_residuals(J)
    ends = [real("slopes", slope, least=0) for slope in sequence("slopes", slopes, "two numbers, 0 <= least <= greatest")]
    if len(ends) != 2 or ends[0] > ends[1] or not ends[1]:
        raise InputError(f"slopes must be the least and the greatest, 0 <= least <= greatest > 0, not {shown(slopes)}")
    share = (ends[0] / ends[1]) ** 4
    rows = shifted(rows, -exponent(rows))
    points = len(rows)
    G = rows.T @ rows if rows.shape[1] <= points else None
    c = np.empty(points)
    for some in blocks(points, points + rows.shape[1]):
        block = rows[some]
        c[some] = ((block @ rows.T) ** 2).sum(axis=1) if G is None else np.einsum("ij,ij->i", block @ G, block)
    if not c.any():
        raise InputError("J is zero, so the noise has nothing to align with; mu is not defined")
    low, high, total = c.min(), c.max(), c.sum()
    if share == 1:
        return float(points * low / total), float(points * high / total)
    least = points * share * low / (share * low + (total - low)) if low else 0.0
    return float(least), float(points * high / (high + share * (total - high)))


@silent_door
def directional_alignment(
    J: Source, r: ArrayLike | None = None, V: ArrayLike | None = None, centered: bool = False
) -> Curve:
    """g(v) = v^T Sigma v / (2 L v^T G v) ([E] definition 4.1): noise along v, relative to the curvature along v.

    The mean of g over the eigenvectors of G, with weights lam_i^2, is the loss alignment. For a landscape the Hessian
    stands for G and the test loss for L: `directional_alignment(landscape, V)`. No unit.

    Parameters
    ----------
    J, r : as for `noise_covariance`; a landscape takes no r
    V : (n,) direction, of any length, or (n, m) one in each column
    centered : whether Sigma is the covariance, or, as in [E], the second moment

    Returns
    -------
    float, or (m,); 1 by convention where loss and noise are zero

    Raises
    ------
    InputError : a direction without positive curvature; a loss that is negative, or zero beside noise; shapes

    Examples
    --------
    >>> import fastdiag as fd, numpy as np
    >>> fd.noise.directional_alignment([[1, 0], [0, 2], [1, 1]], [1, -1, 2], np.eye(2)).round(12).tolist()
    [1.25, 0.8]
    """
    if isinstance(J, Landscape | Geometry) and V is None:
        r, V = None, r
    around, centered = geometry(J, r), flag("centered", centered)
    if V is None:
        raise InputError("give the directions V, an array of shape (weights,) or (weights, directions)")
    single = dimensions("V", V) == 1
    columns = array("V", V, (around.dimension,) if single else (around.dimension, None), "weights, directions")
    columns = columns.reshape(around.dimension, -1)
    sizes = np.frexp(np.abs(columns).max(axis=0))[1]
    columns = np.ldexp(columns, -sizes)  # g does not depend on lengths
    if around.silent:
        return 1.0 if single else np.ones(columns.shape[1])
    curvatures = around.curvature.forms(columns)
    lengths = np.einsum("im,im->m", columns, columns)
    flat = np.flatnonzero(curvatures <= 1e-14 * around.curvature.scale * lengths)
    if len(flat):
        bent = shifted(curvatures[flat[0]], around.curvature.unit + 2 * int(sizes[flat[0]]))
        raise InputError(
            f"direction {flat[0]} has curvature v^T G v = {bent:.4g}: g is noise over curvature and needs "
            "it positive; leave such directions out, or see leading_directions"
        )
    result = _ratio(around, around.noise.forms(columns, centered) / (2 * around.level * curvatures))
    return float(result[0]) if single else result


@silent_door
def leading_directions(J: Source, k: int = 5) -> tuple[FloatArray, FloatArray]:
    """The k largest eigenvalues of G (for a landscape, of the Hessian) with their eigenvectors.

    Above 1024 weights by Lanczos' method (scipy.sparse.linalg.eigsh), which only multiplies.

    Parameters
    ----------
    J : (points, n) Jacobian; or a landscape; or a Geometry
    k : how many, 1 to n

    Returns
    -------
    (k,) eigenvalues, descending, and (n, k) unit eigenvectors, the largest entry of each positive

    Raises
    ------
    InputError : k out of range; no convergence
    TooLargeError : so many that a dense matrix would be needed, and too large

    Examples
    --------
    >>> import fastdiag as fd
    >>> values, vectors = fd.noise.leading_directions([[3.0, 0.0], [0.0, 1.0]], 1)
    >>> values.tolist(), vectors.T.tolist()
    ([4.5], [[1.0, 0.0]])
    """
    curvature = curvature_of(J)
    n = curvature.dimension
    k = whole("k", k, 1, n, f"directions, 1 to {n}")
    if n <= DENSE_EIGENVECTORS or 4 * k > n:
        if n > MOST_DENSE:
            raise TooLargeError(f"{k} of {n} eigenvectors need a dense matrix; ask for k <= {n // 4}")
        values, vectors = np.linalg.eigh(curvature.times(np.eye(n)))
    else:
        start = np.random.default_rng(0).standard_normal(n)
        try:
            values, vectors = eigsh(_operator(curvature.times, n), k=k, which="LA", v0=start)
        except ArpackError as error:
            raise InputError(f"the {k} largest eigenvalues do not converge ({error}); ask for fewer") from None
    order = np.argsort(values)[::-1][:k]
    chosen = vectors[:, order]
    signs = np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(k)])
    found = within_floats("an eigenvalue", shifted(values[order], curvature.unit))
    return found, np.asarray(chosen * signs)


def _ratio(around: Geometry, ratio: float | FloatArray) -> FloatArray:
    """An alignment, from what it is in the units of noise, loss and curvature."""
    unit = 2 * around.noise.unit - around.unit - around.curvature.unit
    return within_floats("the alignment", shifted(ratio, unit))


def _one(times: Any, v: Any) -> Any:
    return times(np.asarray(v).reshape(-1, 1))[:, 0]


def _operator(times: Any, n: int) -> Any:
    product = partial(_one, times)
    return LinearOperator(  # symmetric
        (n, n), matvec=product, rmatvec=product, matmat=times, rmatmat=times, dtype=np.float64
    )
