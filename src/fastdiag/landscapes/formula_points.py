"""A formula's loss at weights anywhere: its data as weighted points, its derivatives as functions of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..errors import TooLargeError, UnsupportedError
from ..numerals import shown
from .averaged import Averaged, by_hermite, by_wick
from .distributions import Distribution, Finite, Normal, Uniform
from .exact import Expression, nearest_float
from .local import Numbers, PointTensors

if TYPE_CHECKING:
    from .symbolic import Symbolic

Indices: TypeAlias = tuple[int, ...]
Nodes: TypeAlias = list[tuple[tuple[Any, ...], Any]]
"""Values of some data symbols, and their weight."""

AT_ONCE = 3  # points' tensors that stand in one mean, if nothing else is said, or more where they are constants
PLAIN = 64  # nodes for what is no polynomial in a data symbol
MOST_POINTS = 1 << 16
MOST_SPREAD = 1 << 22  # points at all places: half a second an update


class FormulaPoints:
    """The data of a symbolic landscape as points; nodes of quadrature where they are infinitely many.

    For a loss that is a polynomial in the data, means of up to `at_once` tensors of a point are exact; with Fractions the
    nodes are whole numbers, and weights may be negative.
    """

    def __init__(self, landscape: Symbolic, exact: bool, at_once: int = AT_ONCE) -> None:
        import sympy

        self.landscape, self.exact, self.at_once = landscape, exact, at_once
        self._finer: dict[int, FormulaPoints] = {at_once: self}
        formulas = landscape.formulas
        free = set().union(*(each.free_symbols for each in formulas)) - {*landscape.coordinates, *landscape.data}
        if free:
            raise UnsupportedError(
                f"{landscape!r} has the free symbols {sorted(map(str, free))}; a path needs numbers for them"
            )
        choices = list(self._choices())
        if prod(map(len, choices)) > MOST_POINTS:
            raise TooLargeError(
                f"the data of {landscape!r} make {prod(map(len, choices)):,} points (limit {MOST_POINTS:,}); take fewer "
                "data symbols, or finite distributions of fewer values"
            )
        chosen = list(product(*choices))
        kind: Any = object if exact else np.float64
        values = [sum((point for point, _ in nodes), ()) for nodes in chosen]
        self.data = np.array(values, dtype=kind).T
        self.weights = np.array([prod(weight for _, weight in nodes) for nodes in chosen], dtype=kind)
        weights = landscape.coordinates
        smooth = all(formula.is_polynomial(*weights) for formula in formulas)
        degrees = [int(sympy.Poly(formula, *weights).total_degree()) for formula in formulas if smooth]
        self.degree = max(degrees) + (not landscape.is_gradient) if smooth else None
        """Of the loss in the weights; None for what is no polynomial."""
        self._known: dict[Indices, Callable[..., Any]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_known": {}}  # functions made on the way do not pickle

    def local(self, theta: Numbers) -> FormulaLocal:
        """Seen from theta, (n,)."""
        return FormulaLocal(self, theta, self.data, self.weights)

    def spread(self, places: Numbers, weights: Numbers) -> FormulaLocal:
        """Seen from many places (P, n), weighted (P,): every point at every place is a point of its own."""
        if len(places) * len(self.weights) > MOST_SPREAD:
            raise TooLargeError(
                f"averages over {len(places):,} places of {len(self.weights):,} points are too many (limit {MOST_SPREAD:,} "
                "in all); give noise=2, which needs none"
            )
        theta, data = np.repeat(places.T, len(self.weights), axis=1), np.tile(self.data, len(places))
        return FormulaLocal(self, theta, data, np.multiply.outer(weights, self.weights).ravel())

    def averaging(self, tensors: int) -> FormulaPoints:
        """Points for means of so many tensors of a point, these or finer ones."""
        tensors = max(tensors, self.at_once)
        if tensors not in self._finer:
            self._finer[tensors] = FormulaPoints(self.landscape, self.exact, tensors)
        return self._finer[tensors]

    def derivative(self, indices: Indices, theta: Numbers, data: Numbers) -> Numbers:
        """One entry of every point's tensor, for its data (symbols, S): (S,)."""
        if indices not in self._known:
            land = self.landscape
            make = _exactly if self.exact else _in_floats
            self._known[indices] = make(land, land.derivative(indices), [*land.coordinates, *land.data])
        return np.broadcast_to(self._known[indices](*theta, *data), data.shape[1:])

    def _choices(self) -> Iterable[Nodes]:
        """The points of each distribution."""
        at = 0
        for law in self.landscape.distributions:
            symbols = self.landscape.data[at : at + law.size]
            at += law.size
            if isinstance(law, Finite):
                convert = _fraction if self.exact else _float
                yield [
                    (tuple(map(convert, point)), convert(chance))
                    for point, chance in zip(law.points, law.chances, strict=True)
                ]
            else:
                yield _nodes(law, _degree(self.landscape.formulas, symbols[0]), self.exact, self.at_once)


class FormulaLocal(PointTensors):
    """A formula's loss seen from one set of weights, or of one for each point; tensors are computed when asked for."""

    def __init__(self, points: FormulaPoints, theta: Numbers, data: Numbers, weights: Numbers) -> None:
        super().__init__(weights, len(theta))
        self.points, self.theta, self.data = points, theta, data
        self._tensors: dict[int, Numbers] = {}

    def tensor(self, degree: int) -> Numbers:
        if degree not in self._tensors:
            result = np.empty((self.dimension,) * degree + self.weights.shape, dtype=self.weights.dtype)
            ordered = self.points.landscape.ordered
            for indices in np.ndindex(result.shape[:-1]):  # in an order in which what stands for others comes before them
                first = ordered(indices)
                known = result[first] if first != indices else self.points.derivative(indices, self.theta, self.data)
                result[indices] = known
            self._tensors[degree] = np.moveaxis(result, -1, 0)
        return self._tensors[degree]

    def averaging(self, tensors: int) -> FormulaLocal:
        return self.points.averaging(tensors).local(self.theta)

    def averaged(self, S: Numbers) -> Averaged:
        degree, has_loss = self.points.degree, self.points.landscape.is_gradient
        if degree is None:
            return by_hermite(self.points.spread, self.theta, S, has_loss)
        return by_wick(self, degree, S, has_loss)


def _degree(formulas: Iterable[Expression], symbol: Any) -> int | None:
    """The highest in the data symbol; None if they are no polynomials in it."""
    import sympy

    if not all(formula.is_polynomial(symbol) for formula in formulas):
        return None
    return max(int(sympy.degree(formula, symbol)) if formula != 0 else 0 for formula in formulas)


def _nodes(law: Distribution, degree: int | None, exact: bool, at_once: int) -> Nodes:
    """Points and weights with the distribution's means of all polynomials that occur."""
    if exact:
        if degree is None:
            raise UnsupportedError(f"over {law!r} exact means are had of polynomials in the data only; give a float eta")
        return _whole_nodes(law, at_once * degree)
    count = PLAIN if degree is None else at_once * degree // 2 + 1
    if isinstance(law, Normal):
        places, weights = np.polynomial.hermite_e.hermegauss(count)
        places = _float(law.center) + _float(law.variance) ** 0.5 * places
    elif isinstance(law, Uniform):
        places, weights = np.polynomial.legendre.leggauss(count)
        low, high = _float(law.low), _float(law.high)
        places = (low + high) / 2 + (high - low) / 2 * places
    else:
        raise UnsupportedError(f"no path about data of {law!r}; the distributions are normal, uniform and finite")
    return [((x,), weight) for x, weight in zip(places.tolist(), (weights / weights.sum()).tolist(), strict=True)]


def _whole_nodes(law: Distribution, highest: int) -> Nodes:
    """Whole numbers weighted so that all powers up to the highest have the distribution's means."""
    moments = [_fraction(law.moment((power,))) for power in range(highest + 1)]
    places = [Fraction((i + 1) // 2 * (-1) ** i) for i in range(highest + 1)]
    result: Nodes = []
    for x in places:
        basis = [Fraction(1)]  # the polynomial that is 1 here and 0 at the other places, lowest power first
        for y in places:
            if y != x:
                raised, kept = [Fraction(0), *basis], [*basis, Fraction(0)]
                basis = [(a - y * b) / (x - y) for a, b in zip(raised, kept, strict=True)]
        result.append(((x,), sum(a * m for a, m in zip(basis, moments, strict=True))))
    return result


def _fraction(value: Expression) -> Fraction:
    if not value.is_Rational:
        raise UnsupportedError(f"an exact path needs rational numbers, and {shown(value)} is none; give a float eta")
    return Fraction(int(value.p), int(value.q))


def _float(value: Expression) -> float:
    return nearest_float("a number of the data", value)


def _in_floats(landscape: Symbolic, formula: Expression, arguments: list[Any]) -> Callable[..., Any]:
    import sympy

    try:
        function: Callable[..., Any] = sympy.lambdify(arguments, formula, "numpy", cse=True)
        with np.errstate(all="ignore"):
            function(*np.ones(len(arguments)))
    except (NameError, TypeError, AttributeError, NotImplementedError, ValueError, OverflowError) as error:
        if formula.has(sympy.DiracDelta):
            raise UnsupportedError(
                f"{landscape!r} has a kink, as Abs, Max or sign have, and about the path its derivatives are needed "
                "wherever the path may go; write a smooth loss, such as sqrt(u**2 + c**2) for Abs(u), or expand about the "
                "start, with order= in place of noise="
            ) from None
        raise UnsupportedError(
            f"the formulas of {landscape!r} cannot be evaluated by NumPy: {str(error).splitlines()[0]}"
        ) from None
    return function


def _exactly(landscape: Symbolic, formula: Expression, arguments: list[Any]) -> Callable[..., Any]:
    import sympy

    if not formula.is_polynomial(*arguments):
        raise UnsupportedError(
            f"an exact path needs a loss that is a polynomial, and {landscape!r} is none; give a float eta"
        )
    terms = [(powers, _fraction(coefficient)) for powers, coefficient in sympy.Poly(formula, *arguments).terms()]

    def value(*places: Any) -> Any:
        total: Any = Fraction(0)
        for powers, coefficient in terms:
            total = total + prod((x**p for x, p in zip(places, powers, strict=True) if p), start=coefficient)
        return total

    return value
