"""Functions of the weights that are observed in place of the loss, and how they are seen from a landscape's start."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from ..arguments import sequence, shown
from ..errors import InputError, MissingTensorError, UnsupportedError
from ..landscapes import Estimated, Landscape, Samples, Symbolic, finite
from ..landscapes.exact import distinct_symbols, exact
from ..landscapes.formulas_given import formula_of
from ..landscapes.given_tensors import check_symmetric, tensor_or_zero
from ..landscapes.landscape import check_landscape, checked, start_in_floats
from ..landscapes.smoothness import real_symbol
from ..numerals import counted, has, written
from ..record import frozen
from ..typing import FloatArray
from ..values.given import check_place

Function: TypeAlias = Any
"""A tuple of arrays, the derivatives at the start; (expression, symbols of the weights); or a landscape."""

ONE = frozen(np.ones(1))


def function(s: object, weights: object) -> Function:
    """What is given to `observable`, checked."""
    if isinstance(s, Landscape):
        if weights is not None:
            raise InputError("weights goes with an expression; a landscape has its own")
        check_landscape(s)
        if isinstance(s, Estimated):
            raise UnsupportedError(f"{s!r} is of unknown data, its loss no function that is known: give its `.points`")
        return s
    if has(s, "free_symbols"):
        return _expression(s, weights)
    if weights is not None:
        raise InputError(f"weights goes with a SymPy expression, not with {shown(s)}")
    return _derivatives(s)


def _expression(s: object, weights: object) -> Function:
    expression = exact("s", s)
    if weights is None:
        raise InputError("an expression needs weights, the symbols of theta in their order")
    symbols = distinct_symbols("weights", weights)
    real = {symbol: real_symbol(symbol, expression.free_symbols) for symbol in symbols}
    return expression.xreplace(real), tuple(real.values())


def _derivatives(s: object) -> Function:
    given = sequence("s", s, "derivatives s, grad s (n,), hess s (n, n), ..., or a SymPy expression, or a landscape")
    if len(given) < 2:
        raise InputError(f"s must be a sequence of derivatives, s and its gradient at least, not {shown(s)}")
    known = [checked("s[0]", given[0], (), "the value of s")]
    known.append(checked("s[1]", given[1], (None,), "the gradient"))
    n = len(known[1])
    if n == 0:
        raise InputError("s[1] is empty; a gradient has an entry for each weight")
    for degree, each in enumerate(given[2:], 2):
        known.append(tensor_or_zero(f"s[{degree}]", each, (n,) * degree, "an axis for each derivative"))
        check_symmetric(f"s[{degree}]", known[-1], [range(degree)])
    return tuple(known)


def seen_from(of: Function, landscape: Landscape) -> Landscape:
    """The function as a landscape of one point, seen from where another one is.

    Raises
    ------
    InputError : of another number of weights; a landscape that is seen from elsewhere
    """
    if isinstance(of, Landscape):
        check_place("s", of, landscape)
        return of
    n = len(of[1])
    if n != landscape.dimension:
        raise InputError(f"s is of {n} weights, and the landscape has {landscape.dimension}; give one of as many")
    if isinstance(of[0], np.ndarray):
        place = frozen(start_in_floats(landscape))
        return Told(tuple(frozen(array[None].copy()) for array in of), ONE, place)
    import sympy

    expression, symbols = of
    start = [x if isinstance(landscape, Symbolic) else sympy.Rational(float(x)) for x in landscape.theta]
    return formula_of(Watched, "s", expression, symbols, sympy.Dummy("x", real=True), finite({0: 1}), start)


class Watched(Symbolic):
    """A function of the weights, as the loss of a point."""

    called = "s"

    def __repr__(self) -> str:
        return f"<s: {written(self.expression)}, {self._start()}>"


class Told(Samples):
    """Derivatives at one place; whoever gives them knows that they are a Taylor polynomial's."""

    def __init__(
        self, derivatives: tuple[FloatArray, ...], weights: FloatArray, theta: FloatArray | None = None
    ) -> None:
        super().__init__(derivatives, weights, theta)
        self._told = True

    def require_degree(self, degree: int, why: str) -> None:
        if degree > len(self.derivatives) - 1:
            raise MissingTensorError(
                f"{why} needs derivatives of s of degree {degree}, and they were given up to degree "
                f"{self.highest_degree}; give more (0 for one that vanishes), or ask for a lower order"
            )

    def __repr__(self) -> str:
        return f"<function of {counted(self.dimension, 'weight')}, degree {self.highest_degree}>"


def described(of: Function) -> str:
    """In words."""
    if isinstance(of, Landscape):
        return repr(of)
    if isinstance(of[0], np.ndarray):
        many = len(of) - 1
        return f"{counted(many, 'derivative')} of {counted(len(of[1]), 'weight')}"
    return written(of[0])
