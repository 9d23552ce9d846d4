"""Landscapes given by a formula: differentiated and averaged exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import log, prod
from typing import Any

import numpy as np

from ..arguments import decimal, instance, sequence, shown, whole
from ..door import door
from ..errors import InputError, TooLargeError
from ..locks import cached_property
from ..memory import require
from ..numerals import written
from ..typing import FloatArray, IntArray
from .contraction import contract
from .cumulant import joint_cumulant
from .distributions import Distribution, Finite
from .exact import Expression, multiplied_out, nearest_float
from .formula_arguments import MOST_DERIVATIVES, Indices, checked_indices, checked_start
from .formula_points import FormulaLocal, FormulaPoints
from .formulas_given import formula_of
from .landscape import Landscape, Nodes, labels_of
from .samples import Samples, samples
from .smoothness import check_derivative, value_at

MOST_ENTRIES = 1_000_000  # of an array of formulas


class Symbolic(Landscape):
    """A loss that is a formula; see `symbolic`. It has every cumulant of derivatives of every degree."""

    highest_degree, called = None, "the loss"

    def __init__(
        self,
        expression: Expression,
        coordinates: tuple[Any, ...],
        data: tuple[Any, ...],
        distributions: tuple[Distribution, ...],
        at: tuple[Expression, ...],
    ) -> None:
        self.expression = expression
        """l_x(theta), in the symbols of `coordinates` and `data`."""
        self.coordinates, self.data, self.distributions = coordinates, data, distributions
        self.theta = at
        """theta_0, one exact value for each coordinate."""
        self.dimension = len(coordinates)
        self._derivatives: dict[Indices, Expression] = {(): expression}
        self._places: dict[bool, FormulaPoints] = {}
        self._variables: dict[Indices, Any] = {}
        self._parts: dict[Nodes, FloatArray] = {}
        self._cumulants: dict[tuple[Indices, ...], Expression] = {}

    @door
    def exact_part(self, nodes: Nodes) -> IntArray:
        """Joint cumulant of the nodes' tensors as SymPy expressions; `part` gives the same as floats.

        Parameters
        ----------
        nodes : as for `part`

        Returns
        -------
        object array of shape (n,) * m
        """
        nodes = self._nodes(nodes)
        labels = labels_of(nodes)
        if labels != list(range(axes := len(labels))):
            raise InputError(f"the labels of nodes must be 0, 1, ... without gaps, not {shown(labels)}")
        if self.dimension > 1 and axes > log(MOST_ENTRIES, self.dimension):
            raise TooLargeError(f"{self.dimension}^{axes} cumulants are too many; ask `cumulant` for single ones")
        result = np.empty((self.dimension,) * axes, dtype=object)
        for index in np.ndindex(*result.shape):
            result[index] = self._cumulant(tuple(tuple(index[label] for label in node) for node in nodes))
        return result

    @np.errstate(all="ignore")
    def part(self, nodes: Nodes, frame: FloatArray | None = None) -> FloatArray:
        if frame is None:
            if nodes not in self._parts:
                exactly = self.exact_part(nodes)
                self._parts[nodes] = np.array([self._float(x) for x in exactly.flat]).reshape(exactly.shape)
            return self._parts[nodes].copy()
        ends = np.cumsum([0, *map(len, nodes)]).tolist()
        tensor = self.part(tuple(tuple(range(a, b)) for a, b in zip(ends, ends[1:], strict=False)))
        labels = [label for node in nodes for label in node]
        turned = [(self.turning(frame, axis in ends), [axis, len(labels) + label]) for axis, label in enumerate(labels)]
        return contract([(tensor, range(len(labels))), *turned], [len(labels) + label for label in labels_of(nodes)])

    def turning(self, frame: FloatArray, first: bool) -> FloatArray:
        """What turns an axis of a tensor; first: of all of its node's."""
        return frame

    @door
    def cumulant(self, nodes: Sequence[Indices]) -> Expression:
        """Joint cumulant of entries of derivative tensors: ((0, 1), (1,)) is cov(d_0 d_1 l_x, d_1 l_x), exactly."""
        return self._cumulant(self._nodes(nodes, self.dimension))

    def _cumulant(self, nodes: Nodes) -> Expression:
        key = tuple(sorted(map(self.ordered, nodes)))
        if key not in self._cumulants:
            self._cumulants[key] = multiplied_out(
                joint_cumulant(key, self._moment, lambda moments: prod(moment for _, moment in moments))
            )
        return self._cumulants[key]

    def ordered(self, indices: Indices) -> Indices:
        """The same entry of a derivative, its indices in the order that stands for all."""
        return tuple(sorted(indices))

    @door
    def derivative(self, indices: Indices) -> Expression:
        """The derivative of l_x along these coordinates, before theta_0 is put in."""
        return self._derivative(checked_indices("indices", indices, self.dimension))

    def _derivative(self, indices: Indices) -> Expression:
        if indices not in self._derivatives:
            lower = self._derivative(indices[:-1])
            self._derivatives[indices] = lower.diff(self.coordinates[indices[-1]])
        return self._derivatives[indices]

    @door
    def samples(self, degree: int = 4) -> Samples:
        """The same landscape as points with derivatives up to a degree, for a finite distribution.

        `simulate` runs on the Taylor polynomial that they define.

        Raises
        ------
        InputError : the distribution is not finite; another degree
        UnsupportedError : derivatives or probabilities with free symbols
        """
        chances, (loss, grad, *more) = self._told(degree)
        hess, third, fourth, fifth = (*more, None, None, None, None)[:4]
        return samples(loss, grad, hess, third, fourth, chances, fifth, more[4:])

    def _told(self, degree: int, lowest: int = 0) -> tuple[list[float], list[FloatArray]]:
        """The points' probabilities, and their tensors from one degree to another."""
        degree, points = whole("degree", degree, 1, MOST_DERIVATIVES), self._points
        if len(points) * self.dimension**degree > MOST_ENTRIES:
            raise TooLargeError(f"{len(points)} points have too many derivatives of degree {degree}; take a lower one")
        chances = [nearest_float("a probability", chance) for _, chance in points]
        arrays: list[FloatArray] = []
        for k in range(lowest, degree + 1):
            shape = (self.dimension,) * k
            entries = [self._entry(self.ordered(index)) for index in np.ndindex(*shape)]
            values = [self._float(values[i]) for i in range(len(points)) for values in entries]
            arrays.append(np.array(values).reshape(len(points), *shape))
        return chances, arrays

    @property
    def formulas(self) -> tuple[Expression, ...]:
        """What derivatives are of: the loss."""
        return (self.expression,)

    @cached_property
    def mean_loss(self) -> Expression:
        """The test loss l(theta) as a formula in the coordinates."""
        if self._is_finite:
            values = [self.expression.xreplace(point) for point, _ in self._points]
        else:
            values = [self.expression]
        return self._mean([self._variable(values)])

    @door
    def draw(self, rng: np.random.Generator, count: int) -> FloatArray:
        """Independent data, (symbols, count)."""
        instance("rng", rng, np.random.Generator, "give np.random.default_rng()")
        count = whole("count", count, 0, what="points")
        require(24 * count * len(self.data), f"{decimal(count)} points", "draw fewer at a time")
        return np.concatenate([distribution.draw(rng, count) for distribution in self.distributions])

    def _nodes(self, nodes: object, size: int | None = None) -> Nodes:
        """Nodes with labels, or with coordinates of which there are `size`."""
        if found := sequence("nodes", nodes, "tuples of whole numbers"):
            return tuple(checked_indices("a node", node, size) for node in found)
        raise InputError("nodes is empty; give at least one")

    def _moment(self, nodes: tuple[Indices, ...]) -> Expression:
        return self._mean([self._entry(node) for node in nodes])

    def _entry(self, indices: Indices) -> Any:
        """The derivative along these coordinates at theta_0, as a random variable."""
        if indices not in self._variables:
            if indices[not self.is_gradient :]:
                self._entry(indices[:-1])  # without a lower derivative there is none, whatever the formula says
            derivative, name = self._derivative(indices), self.named(indices)
            check_derivative(derivative, self.called)
            start = dict(zip(self.coordinates, self.theta, strict=True))
            places: list[dict[Any, Expression]] = [point for point, _ in self._points] if self._is_finite else [{}]
            values = [value_at(derivative, start | place, self.coordinates, name, self.called) for place in places]
            if not self._is_finite and not values[0].is_polynomial(*self.data):
                for place in self._trials():
                    value_at(values[0], place, (), name, self.called)
            self._variables[indices] = self._variable(values)
        return self._variables[indices]

    def named(self, indices: Indices) -> str:
        """A derivative in words."""
        along = ", ".join(str(self.coordinates[i]) for i in indices)
        return f"the derivative of {self.called} along {along}" if indices else self.called

    def _trials(self) -> Iterator[dict[Any, Expression]]:
        """Some points of the data: where a formula is not real, or has no value, these will tell."""
        import sympy

        for level in (1, 3, 6):
            values = sum((distribution.trial(sympy.Rational(level, 7)) for distribution in self.distributions), ())
            yield dict(zip(self.data, values, strict=True))

    def _variable(self, values: Sequence[Expression]) -> Any:
        """A random variable, given by its value at each point or by a formula, as it is multiplied and averaged fastest."""
        import sympy

        if self._is_finite:
            return [multiplied_out(sympy.expand(value)) for value in values]
        (expression,) = values
        if expression.is_polynomial(*self.data):
            return sympy.Poly(expression, *self.data, extension=True)
        return expression

    def _mean(self, variables: Sequence[Any]) -> Expression:
        """The mean of a product of random variables."""
        import sympy

        if self._is_finite:
            chances = [chance for _, chance in self._points]
            terms = [chance * prod(values) for chance, *values in zip(chances, *variables, strict=True)]
            return multiplied_out(sympy.Add(*terms))
        if all(isinstance(variable, sympy.Poly) for variable in variables):
            whole = prod(variables[1:], start=variables[0])
            terms = [coefficient * self._monomial(powers) for powers, coefficient in whole.terms()]
            return multiplied_out(sympy.Add(*terms))
        whole = sympy.Mul(*(v.as_expr() if isinstance(v, sympy.Poly) else v for v in variables))
        for distribution, symbols in self._groups():
            whole = distribution.mean(whole, symbols)
        return multiplied_out(whole)

    def _monomial(self, powers: tuple[int, ...]) -> Expression:
        at, result = 0, 1
        for distribution in self.distributions:
            result = result * distribution.moment(powers[at : at + distribution.size])
            at += distribution.size
        return result

    def _groups(self) -> Iterator[tuple[Distribution, tuple[Any, ...]]]:
        at = 0
        for distribution in self.distributions:
            yield distribution, self.data[at : at + distribution.size]
            at += distribution.size

    @cached_property
    def _is_finite(self) -> bool:
        return all(isinstance(distribution, Finite) for distribution in self.distributions)

    @cached_property
    def _points(self) -> list[tuple[dict[Any, Expression], Expression]]:
        """All values of the data with their probabilities."""
        finite = [d for d in self.distributions if isinstance(d, Finite)]
        if not self._is_finite:
            raise InputError(f"the data of {self!r} are not finitely many points")
        choices = [list(zip(d.points, d.chances, strict=True)) for d in finite]
        return [
            (dict(zip(self.data, sum((p for p, _ in chosen), ()), strict=True)), prod(chance for _, chance in chosen))
            for chosen in product(*choices)
        ]

    def _float(self, value: Expression) -> float:
        return nearest_float(f"a cumulant of {self!r}", value)

    @door
    def at(self, theta: object) -> Symbolic:
        """The same loss seen from other weights, exact ones, as in `symbolic`."""
        return self.moved(checked_start("theta", theta, self.coordinates, self.data))

    def moved(self, theta: Any) -> Symbolic:
        here = type(self)(self.expression, self.coordinates, self.data, self.distributions, tuple(theta))
        here._derivatives = self._derivatives
        return here

    def local(self, theta: Any) -> FormulaLocal:
        exactly = theta.dtype == object
        if exactly not in self._places:
            self._places[exactly] = FormulaPoints(self, exactly)
        return self._places[exactly].local(theta)

    def scaled(self, exponent: int) -> Symbolic:
        import sympy

        unit = sympy.Integer(2) ** exponent
        expression = self.expression.xreplace({weight: unit * weight for weight in self.coordinates})
        start = tuple(multiplied_out(value / unit) for value in self.theta)
        return type(self)(expression, self.coordinates, self.data, self.distributions, start)

    def _start(self) -> str:
        return ", ".join(f"{w} = {written(value)}" for w, value in zip(self.coordinates, self.theta, strict=True))

    def __repr__(self) -> str:
        laws = ", ".join(map(repr, self.distributions))
        kind = "symbolic landscape" if self.is_gradient else "vector field"
        return f"<{kind}: {written(self.expression)}, {self._start()}, data {laws}>"


@door
def symbolic(
    loss: Expression,
    weights: Any,
    data: Any,
    distribution: Distribution | Sequence[Distribution],
    at: Mapping[Any, object] | Sequence[object],
) -> Symbolic:
    """A landscape from a formula for the loss l_x(theta), differentiated and averaged over x exactly.

    `fd.predict` and `fd.rvalue` with an exact learning rate (an int, a Fraction, a SymPy symbol), and `fd.uvalue`, give
    SymPy numbers on it, or formulas if there are free symbols; a float eta gives floats.

    Parameters
    ----------
    loss : SymPy expression without floats, in the weights, the data and any free parameters
    weights : the symbols of theta, a symbol or a sequence of n; they and the data are taken as real, declared so or not
    data : the symbols of x, a symbol or a sequence
    distribution : of the data: `normal`, `uniform`, `finite`; one for each data symbol, independent, or one `finite`
        whose values are tuples
    at : theta_0: exact values (numbers or formulas), a mapping from the weights or a sequence in their order

    Returns
    -------
    Symbolic, with cumulants of any order of derivatives of any degree; `exact_part(nodes)` holds SymPy expressions

    Raises
    ------
    InputError : floats, symbols that are no symbols or used twice, weights without a value, distributions that do not match
        the data; later, a loss that is not smooth or not real at theta_0 for some of the data, a mean that is infinite
    UnsupportedError : later, a mean without a closed form; a number asked of a formula

    Examples
    --------
    >>> import fastdiag as fd, sympy
    >>> w, x, c = sympy.symbols("w x c")
    >>> land = fd.landscapes.symbolic((w - c * x) ** 2 / 2, w, x, fd.landscapes.normal(), at=[1])
    >>> fd.uvalue("[a a]", land)  # C.H
    c**2
    >>> fd.predict(land, fd.Spacetime(N=2, T=2), sympy.Symbol("eta"), order=2, resummed=False).by_order[1:]
    (-2*eta, c**2*eta**2 + 3*eta**2)
    """
    return formula_of(Symbolic, "loss", loss, weights, data, distribution, at)
