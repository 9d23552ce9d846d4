"""The generalization gap of gradient descent in closed form, and how it answers to a ridge."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from ..arguments import ndim, shown, whole, whole_or_infinite
from ..door import door
from ..errors import InputError, TooLargeError
from ..landscapes import Landscape, Symbolic
from ..landscapes.exact import arithmetic, exact, is_exact
from ..landscapes.landscape import check_landscape, checked
from ..typing import FloatArray, Rates
from ..values.exact_values import check_letters, exact_learning_rates
from ..values.learning_rates import learning_rates
from .geometric import geometric

LARGEST = 1e75  # number whose fourth power is a float
MOST_EXACT = 10_000  # updates whose powers are multiplied out


@door
def gap(landscape: Landscape, eta: Rates, N: int, T: float = inf, ridge: object = 0) -> Any:
    """Test loss less train loss after T updates of gradient descent on N points, to first order in 1/N and in diagrams.

    tr(C (1 - k^T) H^-1) / N with k = 1 - eta H: the resummed diagram `[a]` whose root shares a part (papers: Corollary 2,
    STIC), C and H where the landscape stands. No minimum is asked for: it is exact at every start, eta and T where the
    noise is in the gradients only and the loss is quadratic, as in MEAN ESTIMATION; elsewhere
    `predict(noise=1, observable="generalization_gap")` follows C and H along the path. T = inf gives Takeuchi's
    tr(C H^-1) / N. Flat directions have eta T C / N.

    Parameters
    ----------
    landscape : the loss and its data
    eta : learning rate: a number, a 1-D array of them, or a positive definite (n, n) matrix; exact on a symbolic landscape
        for an int, a Fraction or a formula
    N : training points
    T : updates, or math.inf
    ridge : of a penalty sum_i ridge_i theta_i^2 / 2 that training adds to the loss, in which it adds to H: a number, or one
        for each weight. `gap_slope` has the derivative; on a symbolic landscape a symbol will do, and `.diff`

    Returns
    -------
    A float, an array of eta's shape, or a SymPy expression

    Raises
    ------
    InputError : T = inf without 0 < eta h < 2 in every direction; a descent that leaves the range of floats
    TooLargeError : exact, and powers of too many digits or terms: give a float eta

    Examples
    --------
    >>> import fastdiag as fd, sympy
    >>> round(fd.criteria.gap(fd.landscapes.gauss(), 0.1, N=10, T=20), 6)
    0.064151
    >>> H, S, eta, ridge = sympy.symbols("H S eta ridge")
    >>> fd.criteria.gap(fd.landscapes.mean_estimation(H, S), eta, 10, 20, ridge)
    S**2*(1 - (-eta*(H + ridge) + 1)**20)/(10*(H + ridge))
    """
    problem = _problem(landscape, N, T)
    exactly = exact_learning_rates(eta) if isinstance(landscape, Symbolic) else None
    penalties = _exact_ridge(ridge, problem.dimension) if exactly is not None else None
    if exactly is not None and penalties is not None:
        rates, shape = exactly
        assert isinstance(landscape, Symbolic)
        check_letters(landscape, None, *rates, *penalties)
        found = [_exact_gap(problem, rate, penalties) for rate in rates]
        return np.array(found, object) if shape else found[0]
    penalty = ridges(ridge, problem.dimension)
    gaps = [shrinking(landscape, metric, penalty, problem.T).gap(problem.N) for metric in metrics(eta, problem.dimension)]
    return np.array(gaps) if ndim(eta) == 1 else gaps[0]


@door
def gap_slope(landscape: Landscape, eta: Rates, N: int, T: float = inf, ridge: object = 0) -> FloatArray:
    """The derivatives of `gap` with respect to the ridge of each weight, (n,); their sum is that of a common ridge.

    Parameters
    ----------
    landscape, eta, N, T, ridge : as for `gap`, in floats; eta a number or a matrix

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.criteria.gap_slope(fd.landscapes.mean_estimation(2, 1), 0.1, N=10).tolist()  # of 1 / (10 (2 + ridge))
    [-0.025]
    """
    problem = _problem(landscape, N, T)
    if ndim(eta) == 1:
        raise InputError(f"eta must be one number or a matrix here, not {shown(eta)}")
    (metric,) = metrics(eta, problem.dimension)
    shrunk = shrinking(landscape, metric, ridges(ridge, problem.dimension), problem.T)
    return np.asarray(shrunk.slope(landscape.gradient_covariance) / problem.N)


@dataclass(frozen=True, slots=True)
class Shrinking:
    """How gradient descent comes down a quadratic loss: S = (1 + k + ... + k^(T-1)) eta, and what it is made of."""

    covariance: FloatArray
    metric: FloatArray
    curvature: FloatArray
    T: int | float
    sums: FloatArray
    """S, (n, n): the weights move by -S times the gradient where they start; H^-1 as T -> inf."""

    def gap(self, N: int) -> float:
        """tr(C S) / N."""
        return float(np.sum(self.covariance * self.sums.T) / N)

    def slope(self, C: FloatArray) -> FloatArray:
        """Derivatives of tr(C S) with respect to the ridge of each weight, (n,)."""
        if self.T == inf:
            return np.asarray(-np.diag(self.sums @ C @ self.sums))
        n, metric = len(C), self.metric
        factor = np.zeros((2 * n, 2 * n))  # powers of [[k, C], [0, k]] hold the sums over k^a C k^b
        factor[:n, :n] = factor[n:, n:] = np.eye(n) - metric @ self.curvature
        factor[:n, n:] = metric @ C
        both = geometric(np.eye(2 * n), factor, int(self.T), np.matmul)[:n, n:]
        return np.asarray(-np.diag(both @ metric))


def shrinking(landscape: Landscape, metric: FloatArray, ridge: FloatArray, T: int | float) -> Shrinking:
    """T steps with the matrix eta and the ridge, or InputError where they have no end, or none in floats."""
    curvature, one = landscape.hessian + np.diag(ridge), np.eye(len(metric))
    with np.errstate(all="ignore"):
        if T == inf:
            check_has_limit(metric, curvature)
            sums: FloatArray = np.asarray(np.linalg.inv(curvature), dtype=np.float64)
        else:
            sums = geometric(one, one - metric @ curvature, int(T), np.matmul) @ metric
    if not np.isfinite(sums).all():
        raise InputError(
            f"gradient descent leaves the range of floats within T = {shown(T)} updates: 1 - eta h has a size above 1 in "
            "some direction; give a smaller eta or T"
        )
    return Shrinking(landscape.gradient_covariance, metric, curvature, T, sums)


def check_has_limit(metric: FloatArray, curvature: FloatArray) -> None:
    """InputError unless 0 < eta h < 2 in every direction: only then is there a limit T = inf."""
    root = np.linalg.cholesky(metric) if metric.any() else metric
    h = np.linalg.eigvalsh(root.T @ curvature @ root)
    if not 0 < h[0] <= h[-1] < 2:
        raise InputError(
            f"the limit T = inf needs 0 < eta h < 2 in every direction, and eta h is from {h[0]:.4g} to {h[-1]:.4g}; give "
            "a smaller eta, a ridge, or a finite T"
        )


def metrics(eta: object, dimension: int) -> list[FloatArray]:
    """The learning rates as matrices."""
    numbers, metric = learning_rates(eta, dimension)
    return [metric] if metric is not None else [rate * np.eye(dimension) for rate in np.atleast_1d(numbers)]


def ridges(ridge: object, dimension: int) -> FloatArray:
    """The ridge of each weight, >= 0, (n,)."""
    shape = () if ndim(ridge) == 0 else (dimension,)
    found = np.broadcast_to(checked("ridge", ridge, shape, "a number, or one per weight"), dimension)
    if (found < 0).any():
        raise InputError(f"ridge must be >= 0, not {found.min()}")
    return found


def points(N: object) -> int:
    """A number of training points."""
    return whole("N", N, 1, int(LARGEST), "training points")


def number_of_updates(T: object) -> int | float:
    """A number of updates, or math.inf."""
    found = whole_or_infinite("T", T, 0, "updates")
    return found if found == inf else whole("T", found, 0, int(LARGEST), "updates, if it is not inf")


@dataclass(frozen=True, slots=True)
class _Problem:
    landscape: Landscape
    N: int
    T: int | float

    @property
    def dimension(self) -> int:
        return self.landscape.dimension


def _problem(landscape: Landscape, N: object, T: object) -> _Problem:
    check_landscape(landscape)
    return _Problem(landscape, points(N), number_of_updates(T))


def _exact_ridge(ridge: object, dimension: int) -> list[Any] | None:
    """One exact ridge for each weight; None if one is a float."""
    several = list(ridge) if isinstance(ridge, list | tuple | np.ndarray) and ndim(ridge) == 1 else [ridge] * dimension
    if not all(map(is_exact, several)):
        return None
    if len(several) != dimension:
        raise InputError(f"ridge must be a number, or one for each of the {dimension} weights, not {len(several)}")
    found = [exact("ridge", value) for value in several]
    for value in found:
        if value.is_negative:
            raise InputError(f"ridge must be >= 0, not {shown(value)}")
    return found


def _exact_gap(problem: _Problem, rate: Any, penalties: list[Any]) -> Any:
    import sympy

    landscape, n, T = problem.landscape, problem.dimension, problem.T
    assert isinstance(landscape, Symbolic)
    H = sympy.Matrix(n, n, landscape.exact_part(((0, 1),)).ravel()) + sympy.diag(*penalties)
    C = sympy.Matrix(n, n, landscape.exact_part(((0,), (1,))).ravel())
    numbers = not (H.free_symbols | rate.free_symbols)
    if T == inf and numbers:
        check_has_limit(float(rate) * np.eye(n), np.array(H.evalf(), dtype=np.float64))
    if T != inf and T > MOST_EXACT and (numbers or not H.is_diagonal()):
        raise TooLargeError(f"exact powers of 1 - eta H to T = {shown(T)} have too many digits; give a float eta")
    if H.is_diagonal():
        parts = [_along(C[i, i], H[i, i], rate, T) for i in range(n)]
        return sympy.Add(*parts) / problem.N
    if T == inf:
        return H.LUsolve(C).trace() / problem.N
    flat, back = arithmetic([rate, *H, *C])
    step = flat[0]
    h, c = (np.array(flat[1 + i * n * n : 1 + (i + 1) * n * n], dtype=object).reshape(n, n) for i in range(2))
    one = np.array(arithmetic([*sympy.eye(n), *H, *C, rate])[0][: n * n], dtype=object).reshape(n, n)
    sums = geometric(one, one - step * h, int(T), np.dot)
    return back(step * np.trace(c.dot(sums))) / problem.N


def _along(c: Any, h: Any, rate: Any, T: Any) -> Any:
    """One direction of the exact gap."""
    if h == 0:
        return c * rate * T
    return c / h if T == inf else c * (1 - (1 - rate * h) ** int(T)) / h
