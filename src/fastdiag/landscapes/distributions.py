"""Distributions of the data, with exact expectations: normal, uniform, finite."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from ..arguments import shown
from ..door import door
from ..errors import InputError
from ..numerals import written
from ..record import Record
from ..typing import FloatArray
from .exact import Expression, exact, nearest_float
from .integrals import mean_by_integration


class Distribution(Record, ABC):
    """The law of one data symbol, or of several together."""

    size: int = 1
    """Data symbols that it is the law of."""

    @abstractmethod
    def moment(self, powers: tuple[int, ...]) -> Expression:
        """The mean of a monomial in the symbols, exactly."""

    @abstractmethod
    def mean(self, expression: Expression, symbols: Sequence[Any]) -> Expression:
        """The mean of an expression in the symbols, exactly, or UnsupportedError where no closed form is found."""

    @abstractmethod
    def trial(self, level: Expression) -> tuple[Expression, ...]:
        """A value that can occur, one for each rational level in (0, 1)."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, count: int) -> FloatArray:
        """Independent draws, (size, count)."""


class Normal(Distribution):
    """A normal distribution; see `normal`."""

    def __init__(self, mean: Expression, variance: Expression) -> None:
        self.center, self.variance = mean, variance

    def moment(self, powers: tuple[int, ...]) -> Expression:
        return normal_moments(self.center, self.variance, powers[0])[-1]

    def mean(self, expression: Expression, symbols: Sequence[Any]) -> Expression:
        import sympy

        (x,) = symbols
        total = sympy.Integer(0)
        for term in sympy.Add.make_args(sympy.expand(_in_exponentials(expression, x))):
            parts = _gaussian(term, x)
            total += self._integral(term, x) if parts is None else self._closed(*parts)
        return _real(total)

    def _closed(self, factor: Expression, power: int, quadratic: Expression, linear: Expression) -> Expression:
        """Mean of factor x^power exp(quadratic x^2 + linear x): the square is completed, the rest is a moment."""
        import sympy

        m, v = self.center, self.variance
        shrink = sympy.expand(1 - 2 * v * quadratic)
        if sympy.re(shrink).is_nonpositive:
            what = shown(sympy.exp(quadratic * sympy.Symbol("x") ** 2))
            raise InputError(f"the mean of {what} over {self!r} is infinite")
        middle = sympy.expand(m + v * linear) / shrink
        weight = sympy.exp(sympy.expand((middle**2 * shrink - m**2) / (2 * v))) / sympy.sqrt(shrink)
        return factor * weight * normal_moments(middle, v / shrink, power)[-1]

    def _integral(self, term: Expression, x: Any) -> Expression:
        import sympy

        density = sympy.exp(-((x - self.center) ** 2) / (2 * self.variance)) / sympy.sqrt(2 * sympy.pi * self.variance)
        return mean_by_integration(term, density, (x, -sympy.oo, sympy.oo), self)

    def trial(self, level: Expression) -> tuple[Expression, ...]:
        return (self.center + (6 * level - 3) * self.variance,)

    def draw(self, rng: np.random.Generator, count: int) -> FloatArray:
        return rng.normal(nearest_float("mean", self.center), nearest_float("variance", self.variance) ** 0.5, (1, count))

    def __repr__(self) -> str:
        return f"normal({written(self.center)}, {written(self.variance)})"


class Uniform(Distribution):
    """A uniform distribution on an interval; see `uniform`."""

    def __init__(self, low: Expression, high: Expression) -> None:
        self.low, self.high = low, high

    def moment(self, powers: tuple[int, ...]) -> Expression:
        (k,) = powers  # (high^(k+1) - low^(k+1)) / ((k+1) (high - low)), divided out
        return sum(self.low**i * self.high ** (k - i) for i in range(k + 1)) / (k + 1)

    def mean(self, expression: Expression, symbols: Sequence[Any]) -> Expression:
        import sympy

        x = symbols[0]
        terms = sympy.Add.make_args(sympy.expand(expression))
        rational = sympy.Add(*(term for term in terms if term.is_rational_function(x)))  # poles may cancel in the sum
        others = [term for term in terms if not term.is_rational_function(x)]
        where = (x, self.low, self.high)
        total = sum(mean_by_integration(term, sympy.Integer(1), where, self) for term in (rational, *others) if term != 0)
        return sympy.expand(total / (self.high - self.low))

    def trial(self, level: Expression) -> tuple[Expression, ...]:
        return (self.low + (self.high - self.low) * level,)

    def draw(self, rng: np.random.Generator, count: int) -> FloatArray:
        return rng.uniform(nearest_float("low", self.low), nearest_float("high", self.high), (1, count))

    def __repr__(self) -> str:
        return f"uniform({written(self.low)}, {written(self.high)})"


class Finite(Distribution):
    """Finitely many values, each a tuple with one entry for each symbol; see `finite`."""

    def __init__(self, points: Sequence[tuple[Expression, ...]], chances: Sequence[Expression]) -> None:
        self.points, self.chances = tuple(points), tuple(chances)
        self.size = len(self.points[0])

    def moment(self, powers: tuple[int, ...]) -> Expression:
        return sum(
            chance * prod(value**power for value, power in zip(point, powers, strict=True))
            for point, chance in zip(self.points, self.chances, strict=True)
        )

    def mean(self, expression: Expression, symbols: Sequence[Any]) -> Expression:
        return sum(
            chance * expression.xreplace(dict(zip(symbols, point, strict=True)))
            for point, chance in zip(self.points, self.chances, strict=True)
        )

    def trial(self, level: Expression) -> tuple[Expression, ...]:
        return self.points[int(level * len(self.points))]

    def draw(self, rng: np.random.Generator, count: int) -> FloatArray:
        chances = np.array([nearest_float("a probability", chance) for chance in self.chances])
        values = np.array([[nearest_float("a value", entry) for entry in point] for point in self.points])
        return np.asarray(values[rng.choice(len(values), count, p=chances / chances.sum())].T)

    def __repr__(self) -> str:
        points = (written(point if self.size > 1 else point[0]) for point in self.points)
        pairs = (f"{point}: {written(chance)}" for point, chance in zip(points, self.chances, strict=True))
        return f"finite({{{', '.join(pairs)}}})"


@door
def normal(mean: object = 0, variance: object = 1) -> Normal:
    """A normal distribution with exact mean and variance (numbers, or formulas in free symbols).

    Means of polynomials times exponentials of quadratic polynomials, sines and cosines have closed forms; where their
    convergence hangs on a free symbol, it is assumed.

    Raises
    ------
    InputError : a float, or a variance that is not positive

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.landscapes.normal(0, 2).moment((4,))
    12
    """
    center, spread = exact("mean", mean), exact("variance", variance)
    if spread.is_nonpositive:
        raise InputError(f"the variance must be positive, not {shown(spread)}; finite({{{shown(center)}: 1}}) has none")
    return Normal(center, spread)


@door
def uniform(low: object = 0, high: object = 1) -> Uniform:
    """A uniform distribution on [low, high], both exact.

    Raises
    ------
    InputError : a float, or low not below high

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.landscapes.uniform(-1, 1).moment((2,))
    1/3
    """
    start, end = exact("low", low), exact("high", high)
    if (end - start).is_nonpositive:
        raise InputError(f"low must be below high, not {shown(start)} and {shown(end)}")
    return Uniform(start, end)


@door
def finite(chances: Mapping[Any, object]) -> Finite:
    """Finitely many values with exact probabilities, {value: probability}.

    Parameters
    ----------
    chances : a value is a number for one data symbol, a tuple of numbers for several data symbols that are drawn together

    Raises
    ------
    InputError : floats, negative probabilities or ones that do not add up to 1, tuples of different lengths

    Examples
    --------
    >>> import fastdiag as fd
    >>> from fractions import Fraction
    >>> fd.landscapes.finite({-1: Fraction(1, 4), 1: Fraction(3, 4)}).moment((1,))
    1/2
    """
    import sympy

    if not isinstance(chances, Mapping) or not chances:
        raise InputError(f"finite takes a dict {{value: probability}}, {{1: Fraction(1, 2), ...}}, not {shown(chances)}")
    points = [
        tuple(exact("a value of the data", entry) for entry in (value if isinstance(value, tuple) else (value,)))
        for value in chances
    ]
    if not points[0] or any(len(point) != len(points[0]) for point in points):
        raise InputError("the values must be numbers, or tuples of one length: one entry for each data symbol")
    weights = [exact("a probability", chance) for chance in chances.values()]
    if any(weight.is_negative for weight in weights):
        raise InputError(f"probabilities must be >= 0, not {shown(next(w for w in weights if w.is_negative))}")
    if sympy.simplify(sum(weights) - 1) != 0:
        raise InputError(f"the probabilities must add up to 1, not to {shown(sympy.simplify(sum(weights)))}")
    return Finite(points, weights)


def normal_moments(mean: Expression, variance: Expression, highest: int) -> list[Expression]:
    """E x^k of a normal x for k = 0..highest, by Stein's recursion E x^(k+1) = m E x^k + k v E x^(k-1)."""
    import sympy

    moments = [sympy.Integer(1), sympy.expand(mean)]
    for k in range(1, highest):
        moments.append(sympy.expand(mean * moments[k] + k * variance * moments[k - 1]))
    return moments[: highest + 1]


def _in_exponentials(expression: Expression, x: Any) -> Expression:
    """Sines, cosines and powers in x as exponentials."""
    import sympy
    from sympy.functions.elementary.hyperbolic import HyperbolicFunction
    from sympy.functions.elementary.trigonometric import TrigonometricFunction

    circular = [f for f in expression.atoms(TrigonometricFunction, HyperbolicFunction) if f.has(x)]
    expression = expression.xreplace({f: f.rewrite(sympy.exp) for f in circular})
    powers = [p for p in expression.atoms(sympy.Pow) if p.exp.has(x) and p.base.is_positive]
    return expression.xreplace({p: sympy.exp(p.exp * sympy.log(p.base)) for p in powers})


def _gaussian(term: Expression, x: Any) -> tuple[Expression, int, Expression, Expression] | None:
    """(c, k, a, b) where the term is c x^k exp(a x^2 + b x), or None."""
    import sympy

    factor, rest = term.as_independent(x, as_Add=False)
    power, exponent = 0, sympy.Integer(0)
    for item in sympy.Mul.make_args(rest):
        base, degree = item.as_base_exp()
        if base == x and degree.is_Integer and degree > 0:
            power += int(degree)
        elif isinstance(item, sympy.exp):
            exponent += item.exp
        elif item != 1:
            return None
    if not exponent.is_polynomial(x) or sympy.degree(exponent, x) > 2:
        return None
    constant, linear, quadratic = (sympy.expand(exponent).coeff(x, k) for k in range(3))
    return factor * sympy.exp(constant), power, quadratic, linear


def _real(total: Expression) -> Expression:
    """exp(a + i b) written back as exp(a) (cos b + i sin b), so that the imaginary parts cancel."""
    import sympy

    def circular(exponent: Expression) -> Expression:
        angle = sympy.expand(exponent).coeff(sympy.I)
        return sympy.exp(exponent - sympy.I * angle) * (sympy.cos(angle) + sympy.I * sympy.sin(angle))

    total = sympy.expand(total)
    return sympy.expand(total.replace(sympy.exp, circular)) if total.has(sympy.I) else total
