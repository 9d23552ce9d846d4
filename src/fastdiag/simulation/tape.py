"""Formulas of SymPy as tapes that a kernel reads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from ..errors import UnsupportedError
from ..kernels.formula_tape import CODES
from ..landscapes import Symbolic
from ..landscapes.exact import Expression, nearest_float
from ..typing import FloatArray, IntArray

Tape: TypeAlias = tuple[IntArray, FloatArray, IntArray]
"""Operations (K, 4), constants (C,), outputs (O,); see `kernels.formula_tape`."""

NOTHING: Tape = (np.zeros((0, 4), np.int64), np.zeros(0), np.zeros(0, np.int64))
ONE_BY_ONE = (
    "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf",
    "sign",
)
UPSIDE_DOWN = {"cot": "tan", "sec": "cos", "csc": "sin", "coth": "tanh", "sech": "cosh", "csch": "sinh"}


def registers(tape: Tape, first: int) -> int:
    """How many numbers it needs, `first` of them weights and data."""
    return first + len(tape[0]) + len(tape[1])


def tape(landscape: Symbolic, arguments: Sequence[Any], formulas: Sequence[Expression]) -> Tape:
    """The formulas as one tape of these arguments.

    Raises
    ------
    UnsupportedError : free parameters, or functions that no kernel knows
    """
    import sympy

    free = set().union(*(formula.free_symbols for formula in formulas)) - set(arguments)
    if free:
        raise UnsupportedError(
            f"{landscape!r} has the free symbols {sorted(map(str, free))}; simulate needs numbers for them"
        )
    shared, reduced = sympy.cse(list(formulas))
    writer = _TapeWriter(arguments)
    try:
        for symbol, expression in shared:
            writer.known[symbol] = writer.written(expression)
        return writer.finished([writer.written(expression) for expression in reduced])
    except UnsupportedError as error:
        raise UnsupportedError(f"the formulas of {landscape!r} cannot be evaluated: {error}") from None


class _TapeWriter:
    """Names are (kind, place): kind 0 arguments, 1 constants, 2 results."""

    def __init__(self, arguments: Sequence[Any]) -> None:
        self.known: dict[Any, tuple[int, int]] = {symbol: (0, place) for place, symbol in enumerate(arguments)}
        self.arguments = len(arguments)
        self.constants: dict[float, int] = {}
        self.operations: list[tuple[int, tuple[int, int], tuple[int, int]]] = []

    def finished(self, outputs: Sequence[tuple[int, int]]) -> Tape:
        """The tape, with places of registers for names."""
        begins = (0, self.arguments, self.arguments + len(self.constants))

        def place(name: tuple[int, int]) -> int:
            return begins[name[0]] + name[1]

        rows = [(code, place(a), place(b), begins[2] + k) for k, (code, a, b) in enumerate(self.operations)]
        operations = np.array(rows, np.int64).reshape(-1, 4)
        return operations, np.array(list(self.constants), np.float64), np.array([*map(place, outputs)], np.int64)

    def constant(self, value: float) -> tuple[int, int]:
        return 1, self.constants.setdefault(value, len(self.constants))

    def done(self, code: str, a: tuple[int, int], b: tuple[int, int] | None = None) -> tuple[int, int]:
        self.operations.append((CODES.index(code), a, a if b is None else b))
        return 2, len(self.operations) - 1

    def written(self, expression: Any) -> tuple[int, int]:
        """Where the expression's value will stand."""
        if expression not in self.known:
            self.known[expression] = self._written(expression)
        return self.known[expression]

    def _written(self, expression: Any) -> tuple[int, int]:
        import sympy

        if expression in (sympy.true, sympy.false):
            return self.constant(float(bool(expression)))
        if expression.is_number:
            return self.constant(nearest_float("a number in them", expression))
        name, parts = type(expression).__name__, expression.args
        folded = {sympy.Add: "add", sympy.Mul: "multiply", sympy.Min: "minimum", sympy.Max: "maximum",
                  sympy.And: "multiply", sympy.Or: "maximum"}
        if type(expression) in folded:
            code = folded[type(expression)]
            return reduce(lambda a, b: self.done(code, a, b), map(self.written, parts))
        if isinstance(expression, sympy.Pow):
            return self._power(*parts)
        if name in ONE_BY_ONE:
            return self.done(name, self.written(parts[0]))
        if name in UPSIDE_DOWN:
            return self.done("reciprocal", self.done(UPSIDE_DOWN[name], self.written(parts[0])))
        if isinstance(expression, sympy.Abs):
            return self.done("abs", self.written(parts[0]))
        if isinstance(expression, sympy.Piecewise):
            return self._chosen(parts)
        if isinstance(expression, sympy.core.relational.Relational):
            return self._compared(expression)
        if isinstance(expression, sympy.Not):
            return self._less_than_one(self.written(parts[0]))
        if isinstance(expression, sympy.Heaviside):
            return self.written(expression.rewrite(sympy.Piecewise))
        raise UnsupportedError(f"no kernel knows the function {name}")

    def _power(self, base: Any, exponent: Any) -> tuple[int, int]:
        place = self.written(base)
        twice = 2 * exponent
        if not (exponent.is_number and twice.is_Integer) or abs(twice) > 64:
            return self.done("power", place, self.written(exponent))
        place, count = (place, abs(int(exponent))) if exponent.is_Integer else (self.done("sqrt", place), abs(int(twice)))
        found = None
        while count:  # by squaring
            if count & 1:
                found = place if found is None else self.done("multiply", found, place)
            count >>= 1
            if count:
                place = self.done("multiply", place, place)
        assert found is not None
        return found if exponent.is_positive else self.done("reciprocal", found)

    def _chosen(self, branches: Sequence[tuple[Any, Any]]) -> tuple[int, int]:
        """Of a Piecewise; nan where no condition holds."""
        found = self.constant(float("nan"))
        for value, condition in reversed(branches):
            holds = self.written(condition)
            this = self.done("product_or_zero", holds, self.written(value))
            found = self.done("add", this, self.done("product_or_zero", self._less_than_one(holds), found))
        return found

    def _compared(self, relation: Any) -> tuple[int, int]:
        import sympy

        left, right = map(self.written, relation.args)
        kind = type(relation)
        if kind in (sympy.Gt, sympy.Ge):
            left, right = right, left
        if kind in (sympy.Eq, sympy.Ne):
            equal = self.done("equal", left, right)
            return equal if kind is sympy.Eq else self._less_than_one(equal)
        return self.done("less" if kind in (sympy.Lt, sympy.Gt) else "at_most", left, right)

    def _less_than_one(self, place: tuple[int, int]) -> tuple[int, int]:
        """1 less it: what does not hold."""
        return self.done("add", self.constant(1.0), self.done("multiply", self.constant(-1.0), place))
