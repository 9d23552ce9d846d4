"""Loss, gradient noise and curvature at a point of weight space: what the alignments are ratios of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import array, real, shown
from ..door import silent_door
from ..errors import InputError
from ..landscapes import Estimated, Landscape, SampledLandscape
from ..landscapes.landscape import checked_weights
from ..landscapes.least_squares import LeastSquares
from ..markup import cell, html_table
from ..numerals import counted
from ..record import Record
from ..stationary.quadratic import check_covariance, symmetric
from ..stationary.units import common, exponent, shifted, within_floats
from ..typing import FloatArray
from .curvature import Curvature, Dense, Operator, factored
from .gradient_noise import MatrixNoise, Noise, PointNoise


@dataclass(frozen=True, slots=True, eq=False)
class PointGradients(Record):
    """The gradients of points: rows, each times its factor."""

    rows: FloatArray
    factors: FloatArray | None = None

    def __call__(self, some: slice) -> FloatArray:
        return self.rows[some] if self.factors is None else self.factors[some, None] * self.rows[some]


@dataclass(frozen=True, slots=True, eq=False)
class LandscapeGradients(Record):
    """The gradients grad l_x of a landscape's points."""

    landscape: SampledLandscape

    def __call__(self, some: slice) -> FloatArray:
        product: Any = 1.0
        for values, axes in self.landscape.per_point(1, some):
            product = product * (values if axes else values[:, None])
        return np.asarray(product)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Geometry(Record):
    """What the noise functions need to know; see `geometry`, `from_gradients` and `gaussian_inputs`."""

    level: float
    """The loss, in units of 2^unit."""
    unit: int
    noise: Noise
    curvature: Curvature

    @property
    def loss(self) -> float:
        """The mean loss; inf beyond floats."""
        with np.errstate(all="ignore"):
            return float(shifted(self.level, self.unit))

    @property
    def dimension(self) -> int:
        """Number of weights."""
        return self.curvature.dimension

    @property
    def silent(self) -> bool:
        """Whether loss and noise are both zero, where alignments are 1 by convention.

        Raises
        ------
        InputError : a loss that is negative, or zero beside noise that is not
        """
        if self.level > 0:
            return False
        if self.level == 0 and self.noise.vanishes:
            return True
        raise InputError(
            f"the loss is {self.loss:g} and gradients are not zero: alignment compares noise with a loss >= 0 that is "
            "measured from its infimum; add a constant to the loss"
        )

    def __repr__(self) -> str:
        return f"<noise geometry: {counted(self.dimension, 'weight')}, loss {self.loss:.6g}>"

    def _repr_html_(self) -> str:
        with np.errstate(all="ignore"):
            slope = shifted(np.linalg.norm(self.noise.mean), self.noise.unit)
            trace = shifted(self.noise.trace(), 2 * self.noise.unit)
        told = {"weights": self.dimension, "loss": self.loss, "size of the gradient": float(slope),
                "trace of the gradients' second moment": float(trace)}
        return html_table("noise geometry", (), [(name, cell(value)) for name, value in told.items()])


Source: TypeAlias = ArrayLike | Landscape | Geometry
"""A Jacobian, a landscape, or a geometry."""


@silent_door
def geometry(J: Source, r: ArrayLike | None = None) -> Geometry:
    """Loss, noise and curvature from a Jacobian and residuals, or from a landscape.

    For a Jacobian the loss is the square loss sum r^2 / (2n), the curvature is G = J^T J / n, and Sigma is that of the
    gradients r_i J_i ([E] equation 7). For a landscape they are the test loss, the Hessian H of the test loss in place of
    G (for the square loss H = G + mean of r_i grad^2 f_i, [E] equation 6), and the second moments of the points'
    gradients. No (n, n) array is formed where there are fewer points than weights and the landscape's Hessian has
    factors (Jacobians, logistic regression).

    Parameters
    ----------
    J : (points, n) rows grad f_i, or a landscape with gradients and a Hessian, or a Geometry, which is returned
    r : (points,) residuals f_i - y_i, for a Jacobian only

    Raises
    ------
    InputError : wrong shapes, no residuals, or residuals with a landscape
    MissingTensorError : a landscape without a Hessian

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.noise.geometry([[1, 0], [0, 2], [1, 1]], [1, -1, 2])
    <noise geometry: 2 weights, loss 1>
    """
    if isinstance(J, Landscape | Geometry):
        if r is not None:
            raise InputError(f"residuals r belong to a Jacobian; {J!r} has its own gradients")
        return J if isinstance(J, Geometry) else _of_landscape(J)
    rows = jacobian(J)
    if r is None:
        raise InputError("a Jacobian needs its residuals: give r, one for each of its rows")
    points, n = rows.shape
    residuals = array("r", r, (points,), "one residual per row of J")
    weights = np.full(points, 1 / points)
    a, b = exponent(rows), exponent(residuals)
    rows, residuals = shifted(rows, -a), shifted(residuals, -b)
    return Geometry(
        float(residuals @ residuals) / (2 * points), 2 * b,
        PointNoise(weights, n, PointGradients(rows, residuals), a + b),
        factored(weights, rows, np.zeros(n), 2 * a),
    )


@silent_door
def from_gradients(loss: float, gradients: ArrayLike, hessian: Any, weights: ArrayLike | None = None) -> Geometry:
    """Loss, noise and curvature from the gradients of points, and a Hessian that may be an operator.

    Parameters
    ----------
    loss : the mean loss
    gradients : (points, n)
    hessian : (n, n), or a scipy.sparse.linalg.LinearOperator of that shape; the loss alignment takes n products with it
    weights : (points,) probabilities of the points; uniform by default

    Raises
    ------
    InputError : wrong shapes, not finite, not symmetric

    Examples
    --------
    >>> import fastdiag as fd, numpy as np
    >>> from scipy.sparse.linalg import aslinearoperator
    >>> around = fd.noise.from_gradients(0.5, [[1.0, 0.0], [-1.0, 0.0]], aslinearoperator(np.diag([1.0, 2.0])))
    >>> fd.noise.directional_alignment(around, [1.0, 0.0])
    1.0
    """
    rows = jacobian(gradients, "gradients")
    n = rows.shape[1]
    curvature: Curvature
    if hasattr(type(hessian), "matmat"):
        shape = getattr(hessian, "shape", None)
        if shape != (n, n):
            raise InputError(f"hessian must have shape ({n}, {n}), like the gradients, not {shown(shape)}")
        curvature = Operator(hessian)
    else:
        matrix = symmetric("hessian", hessian)
        if len(matrix) != n:
            raise InputError(f"hessian must have shape ({n}, {n}), like the gradients, not {matrix.shape}")
        curvature = Dense(matrix)
    if weights is not None:
        weights = array("weights", weights, (len(rows),), "one probability per point")
    chances = checked_weights(weights, len(rows))
    level = real("loss", loss)
    unit = exponent(level)
    return Geometry(float(shifted(level, -unit)), unit, PointNoise(chances, n, PointGradients(rows)), curvature)


@silent_door
def gaussian_inputs(
    S: ArrayLike, u: ArrayLike, label_noise: float = 0.0, jacobian: ArrayLike | None = None
) -> Geometry:
    """A linear model, or an over-parametrised one F(theta), at infinitely many Gaussian inputs x ~ N(0, S), exactly.

    The residual is x.u + noise: L = (u^T S u + label_noise) / 2, and by Isserlis' theorem
    Sigma_1 = 2 L G + 2 gL gL^T, Sigma = 2 L G + gL gL^T: the correction to [E] equation 4. So uncentred alignments lie
    in [1, 3], centred ones in [1, 2].

    Parameters
    ----------
    S : (d, d) covariance of the inputs
    u : (d,) F(theta) - F(theta*), the error of the linear model's weights
    label_noise : variance of the labels' noise, >= 0
    jacobian : (d, n) dF/dtheta; the identity (a linear model) by default

    Raises
    ------
    InputError : wrong shapes, S not a covariance, label_noise < 0

    Examples
    --------
    >>> import fastdiag as fd, numpy as np
    >>> around = fd.noise.gaussian_inputs(np.diag([2.0, 1.0, 0.5]), [1.0, -1.0, 2.0])
    >>> fd.noise.directional_alignment(around, np.eye(3)).round(12).tolist()
    [1.8, 1.4, 1.8]
    """
    inputs = symmetric("S", S)
    check_covariance("S", inputs)
    d = len(inputs)
    error = array("u", u, (d,), "one per input")
    extra = checked_label_noise(label_noise)
    chain = np.eye(d) if jacobian is None else array("jacobian", jacobian, (d, None), "inputs, weights")
    if not chain.size:
        raise InputError(f"jacobian must have at least one column, not shape {chain.shape}")
    s, a, f = exponent(inputs), exponent(error), exponent(chain)
    inputs, error, chain = shifted(inputs, -s), shifted(error, -a), shifted(chain, -f)
    G, gradient = chain.T @ inputs @ chain, chain.T @ (inputs @ error)
    own = max(0.0, float(error @ inputs @ error))
    unit = common((own, s + 2 * a), (extra, 0))  # of the loss
    doubled = float(shifted(own, s + 2 * a - unit) + shifted(extra, -unit))
    gradient = shifted(gradient, (s + 2 * a - unit) // 2)
    outer = np.outer(gradient, gradient)
    noise = MatrixNoise(doubled * G + outer, doubled * G + 2 * outer, gradient, (unit + s) // 2 + f)
    return Geometry(doubled / 2, unit, noise, Dense(G, s + 2 * f))


def checked_label_noise(label_noise: object) -> float:
    """A variance, or InputError."""
    extra = real("label_noise", label_noise)
    if extra < 0:
        raise InputError(f"label_noise is a variance and must be >= 0, not {extra:g}")
    return extra


def jacobian(J: object, name: str = "J") -> FloatArray:
    """A non-empty (points, n) float array, or InputError."""
    rows = array(name, J, (None, None), "points, weights")
    if not rows.size:
        raise InputError(f"{name} must have at least one row and one column, not shape {rows.shape}")
    return rows


def any_residuals(J: object, name: str = "J") -> FloatArray:
    """The Jacobian to which all residuals are thinkable: rows, or the inputs of a least squares landscape."""
    if not isinstance(J, Landscape):
        return jacobian(J, name)
    if isinstance(J, LeastSquares) and J.outputs == 1 and not J.ridge.any() and np.ptp(J.weights) == 0:
        return J.X
    raise InputError(
        f"worst cases and bounds are over all residuals of the square loss, and the gradients of {J!r} are not such ones: "
        "give a Jacobian, or least squares of one output with equal weights and no ridge"
    )


def curvature_of(J: Source) -> Curvature:
    """G of a Jacobian, the Hessian of a landscape."""
    if isinstance(J, Geometry):
        return J.curvature
    if not isinstance(J, Landscape):
        rows = jacobian(J)
        return factored(np.full(len(rows), 1 / len(rows)), rows, np.zeros(rows.shape[1]))
    J.require_degree(2, "the curvature of a landscape")
    factors = J.hessian_factors()
    if factors is None:
        return Dense(within_floats("the Hessian", J.hessian))
    c, A, d = (within_floats("the Hessian", factor) for factor in factors)
    return factored(c, A, d)


def _of_landscape(landscape: Landscape) -> Geometry:
    curvature = curvature_of(landscape)
    loss = within_floats("the loss", landscape.loss)
    level = exponent(loss)
    noise: Noise
    if isinstance(landscape, SampledLandscape):
        noise = PointNoise(landscape.weights, landscape.dimension, LandscapeGradients(landscape))
    else:
        mean = within_floats("the gradient", landscape.gradient)
        covariance = within_floats("the gradients' covariance", landscape.gradient_covariance)
        # of a sample, (1 - 1/S) times the unbiased covariance makes the second moment the points' own, which is unbiased
        share = 1 - 1 / landscape.size if isinstance(landscape, Estimated) else 1.0
        half = exponent(covariance) // 2
        unit = common((mean, 0), (shifted(covariance, -2 * half), half))
        mean, covariance = shifted(mean, -unit), shifted(covariance, -2 * unit)
        noise = MatrixNoise(covariance, share * covariance + np.outer(mean, mean), mean, unit)
    return Geometry(float(shifted(loss, -level)), level, noise, curvature)
