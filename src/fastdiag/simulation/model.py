"""Landscapes as the kernels of simulation read them: slopes of single points, losses of many places."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from ..arguments import shown
from ..errors import InputError, UnsupportedError
from ..kernels.formula_tape import formula_losses
from ..kernels.linear_points import linear_losses
from ..kernels.logistic_points import LANES, logistic_test_loss, logistic_train_loss
from ..kernels.polynomial_points import polynomial_test_loss, polynomial_train_loss
from ..kernels.training_runs import diffuse, flow, train
from ..landscapes import Directional, Estimated, Landscape, LinearModel, Logistic, Samples, Symbolic
from ..landscapes.exact import nearest_float
from ..landscapes.formula_points import FormulaPoints
from ..landscapes.softmax import Softmax
from ..locks import cached_property
from ..typing import FloatArray, IntArray
from .tape import NOTHING, registers, tape

NONE = np.zeros((0, 0))


class PointModel(ABC):
    """A landscape's points, each a row of a table, and the losses of weights theta (rates, runs, n)."""

    start: FloatArray
    """theta_0."""
    origin: FloatArray
    """The same as slopes count it: where derivatives were given, from their place."""
    listed: tuple[FloatArray, FloatArray]
    """`table` and `weights`, of points that are there from the beginning."""
    ridge: FloatArray
    width: tuple[int, int] = (0, 0)
    """Of the scratch of slopes and curvatures: numbers for a tensor, registers."""

    @property
    def table(self) -> FloatArray:
        """A row for each point."""
        return self.listed[0]

    @property
    def weights(self) -> FloatArray:
        """Probability of each row."""
        return self.listed[1]

    @abstractmethod
    def packed(self, table: FloatArray) -> tuple[Any, ...]:
        """As `kernels.point_slopes` takes it, with the data of these points."""

    def scratch(self) -> tuple[Any, ...]:
        """Room for `kernels.point_slopes`."""
        n = len(self.start)
        work, registers = np.empty(self.width[0]), np.empty((self.width[1], LANES))
        return np.empty((n, LANES)), np.empty((2, LANES)), np.empty(n), work, registers

    def with_curves(self) -> None:  # noqa: B027
        """Make Hessians too, where they are made at all."""

    def with_products(self) -> None:  # noqa: B027
        """Make Hessians times vectors too."""

    def train(self, table: FloatArray, rule: Any, *course: Any) -> None:
        """Updates of all runs with the data of these points; see `kernels.training_runs`."""
        train(self.packed(table), rule, self.origin, *course)

    def diffuse(self, roots: FloatArray, *course: Any) -> None:
        """Steps of the SDE of all runs, likewise."""
        diffuse(self.packed(self.table), self.weights, roots, *course)

    def flow(self, *course: Any) -> None:
        """Steps of the ODE, likewise."""
        flow(self.packed(self.table), self.weights, *course)

    @abstractmethod
    def test_loss(self, theta: FloatArray) -> FloatArray:
        """The mean loss over the distribution, (rates, runs)."""

    @abstractmethod
    def train_loss(self, theta: FloatArray, table: FloatArray, sets: IntArray) -> FloatArray:
        """The mean loss over each run's points (runs, N), rows of the table: (rates, runs)."""


class LogisticModel(PointModel):
    """Logistic regression: the rows z = (1 - 2y) x."""

    def __init__(self, landscape: Logistic) -> None:
        table = np.ascontiguousarray(landscape.X * (1.0 - 2.0 * landscape.y)[:, None])
        weights, self.ridge, self.start = map(np.array, (landscape.weights, landscape.ridge, landscape.theta))
        self.listed = table, weights
        self.origin = self.start

    def packed(self, table: FloatArray) -> tuple[Any, ...]:
        return (table, self.ridge), None, None, None

    def test_loss(self, theta: FloatArray) -> FloatArray:
        out = np.empty(theta.shape[:2])
        logistic_test_loss(self.table, self.weights, is_uniform(self.weights), self.ridge, theta, out)
        return out

    def train_loss(self, theta: FloatArray, table: FloatArray, sets: IntArray) -> FloatArray:
        out = np.empty(theta.shape[:2])
        logistic_train_loss(table, self.ridge, sets, theta, out)
        return out


class LinearRuns(PointModel):
    """Softmax regression and least squares; a row is (x, target)."""

    def __init__(self, landscape: LinearModel) -> None:
        self.landscape, self.outputs = landscape, landscape.outputs
        points = len(landscape.weights)
        table = np.concatenate([landscape.X, landscape.y.reshape(points, -1)], axis=1)
        weights, self.ridge, self.start = map(np.array, (landscape.weights, landscape.ridge, landscape.theta))
        self.listed = table, weights
        self.origin, self.width = self.start, (0, 2 * self.outputs)

    def packed(self, table: FloatArray) -> tuple[Any, ...]:
        return None, None, None, (table, self.ridge, self.outputs, isinstance(self.landscape, Softmax))

    def scratch(self) -> tuple[Any, ...]:
        _, *others = super().scratch()
        return np.empty((self.table.shape[1], LANES)), *others

    def test_loss(self, theta: FloatArray) -> FloatArray:
        return self._losses(theta, self.table, np.arange(len(self.weights))[None], self.weights)

    def train_loss(self, theta: FloatArray, table: FloatArray, sets: IntArray) -> FloatArray:
        return self._losses(theta, table, sets, np.full(sets.shape[1], 1 / sets.shape[1]))

    def _losses(self, theta: FloatArray, table: FloatArray, sets: IntArray, weights: FloatArray) -> FloatArray:
        out, n = np.empty(theta.shape[:2]), theta.shape[2]
        room = [np.empty((size, LANES)) for size in (n, table.shape[1], self.outputs)]
        work = np.empty(LANES, np.int64), *room, np.empty(LANES), np.empty(LANES)
        table, ridge, outputs, softmax = self.packed(table)[3]
        linear_losses(softmax, outputs, table, ridge, sets, weights, is_uniform(weights), theta, out, work)
        return out


class TaylorModel(PointModel):
    """Taylor polynomials; a row is a place in the tensors."""

    def __init__(self, landscape: Samples) -> None:
        points = len(landscape.weights)
        self.degree = len(landscape.derivatives) - 1
        self.listed, self.start = (np.zeros((points, 0)), np.array(landscape.weights)), np.array(landscape.theta)
        self.ridge, self.origin = np.zeros(0), np.zeros(len(self.start))
        tensors = landscape.derivatives
        if not landscape.is_gradient:  # the kernel contracts axes from the first, and the field's entries are left
            tensors = tuple(np.moveaxis(d, 1, -1) if d.ndim > 2 else d for d in tensors)
        known = [np.require(d.reshape(points, -1), requirements=["C", "W"]) for d in tensors]
        absent = [NONE] * (4 - self.degree)
        self.tensors = (*known, *absent)
        self.means = (*(np.ascontiguousarray((self.weights @ d)[None]) for d in known), *absent)
        self.width = len(self.start) ** max(self.degree, 1), 0

    def packed(self, table: FloatArray) -> tuple[Any, ...]:
        return None, (self.tensors, self.degree), None, None

    def test_loss(self, theta: FloatArray) -> FloatArray:
        out = np.empty(theta.shape[:2])
        polynomial_test_loss(self.means, self.degree, theta - self.start, out)
        return out

    def train_loss(self, theta: FloatArray, table: FloatArray, sets: IntArray) -> FloatArray:
        out = np.empty(theta.shape[:2])
        polynomial_train_loss(self.tensors, self.degree, sets, theta - self.start, out)
        return out


class FormulaModel(PointModel):
    """A formula: a row holds the data of a point. What nobody asks for is not made."""

    ridge = np.zeros(0)

    def __init__(self, landscape: Symbolic) -> None:
        self.landscape = landscape
        self.start = np.array([nearest_float("theta_0", value) for value in landscape.theta])
        self.origin = self.start
        self.arguments = [*landscape.coordinates, *landscape.data]
        n = landscape.dimension
        self.slopes = tape(landscape, self.arguments, [landscape.derivative((i,)) for i in range(n)])
        self.curves = self.products = NOTHING
        self.width = 0, registers(self.slopes, len(self.arguments))

    def with_curves(self) -> None:
        self.curves = tape(self.landscape, self.arguments, self._seconds())
        self.width = 0, max(self.width[1], registers(self.curves, len(self.arguments)))

    def with_products(self) -> None:
        """The vectors' entries are further arguments."""
        import sympy

        n = self.landscape.dimension
        along = sympy.symbols(f"along:{n}", cls=sympy.Dummy)
        seconds, arguments = self._seconds(), [*self.arguments, *along]
        products = [sympy.Add(*(seconds[i * n + j] * along[j] for j in range(n))) for i in range(n)]
        self.products = tape(self.landscape, arguments, products)
        self.width = 0, max(self.width[1], registers(self.products, len(arguments)))

    def _seconds(self) -> list[Any]:
        """The entries of the Hessian, row by row; of a field, the slopes of each of its entries."""
        n, alike = self.landscape.dimension, self.landscape.is_gradient
        return [self.landscape.derivative((min(i, j), max(i, j)) if alike else (i, j)) for i in range(n) for j in range(n)]

    @cached_property
    def points(self) -> FormulaPoints:
        """The data as weighted points; nodes of quadrature where they are infinitely many."""
        return FormulaPoints(self.landscape, exact=False)

    @property
    def table(self) -> FloatArray:
        return np.ascontiguousarray(self.points.data.T)

    @property
    def weights(self) -> FloatArray:
        return np.array(self.points.weights)

    @cached_property
    def mean_loss(self) -> Any:
        """The tape of the test loss."""
        return tape(self.landscape, self.landscape.coordinates, [self.landscape.mean_loss])

    @cached_property
    def loss(self) -> Any:
        """The tape of a point's loss."""
        return tape(self.landscape, self.arguments, [self.landscape.expression])

    def packed(self, table: FloatArray) -> tuple[Any, ...]:
        return None, None, (table, self.slopes, self.curves, self.products), None

    def test_loss(self, theta: FloatArray) -> FloatArray:
        return self._losses(self.mean_loss, np.zeros((1, 0)), np.zeros((1, 1), np.int64), theta)

    def train_loss(self, theta: FloatArray, table: FloatArray, sets: IntArray) -> FloatArray:
        return self._losses(self.loss, table, sets, theta)

    def _losses(self, formula: Any, table: FloatArray, sets: IntArray, theta: FloatArray) -> FloatArray:
        out, n = np.empty(theta.shape[:2]), theta.shape[2]
        room = np.empty((registers(formula, n + table.shape[1]), LANES)), np.empty(LANES, np.int64), np.empty((n, LANES))
        formula_losses(formula, table, sets, theta, out, (*room, np.empty((1, LANES))))
        return out


def is_uniform(weights: FloatArray) -> bool:
    """Whether all points have one weight."""
    return bool((weights == weights[0]).all())


def model_of(landscape: object) -> PointModel:
    """How runs are made on this landscape.

    Raises
    ------
    InputError : it is none
    UnsupportedError : it has no points; a formula with free symbols or unknown functions
    """
    if isinstance(landscape, Logistic):
        return LogisticModel(landscape)
    if isinstance(landscape, LinearModel):
        return LinearRuns(landscape)
    if isinstance(landscape, Samples):
        return TaylorModel(landscape)
    if isinstance(landscape, Symbolic):
        return FormulaModel(landscape)
    if isinstance(landscape, Directional):
        from .directional_runs import DirectionalRuns

        return DirectionalRuns(landscape)
    if isinstance(landscape, Estimated):
        raise UnsupportedError(
            f"{landscape!r} stands for an unknown distribution, from which nothing can be drawn; simulate on its `.points`"
        )
    if isinstance(landscape, Landscape):
        raise UnsupportedError(
            f"{landscape!r} has no data points to train on; simulate runs on landscapes.logistic, softmax, "
            "least_squares, samples, symbolic, directional and autodiff (predict needs no points)"
        )
    raise InputError(f"landscape must be one of fastdiag.landscapes, not {shown(landscape)}")
