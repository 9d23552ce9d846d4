"""Exact numbers and formulas as elements that add and multiply fast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import inf
from typing import Any

from ..arguments import own, shown
from ..errors import InputError
from ..spacetime.number import check_exact
from ..spacetime.updates import Update, check_update
from ..typing import Number


def elements(
    name: str, values: Sequence[object], divides: bool = False
) -> tuple[tuple[Number, ...], Callable[[Number], Any]]:
    """ints, Fractions, or elements of a ring of polynomials (`divides`: of a field) in place of the values; the way back.

    Raises
    ------
    InputError : a value is a float, or no number and no SymPy expression; `name` says what they are
    """
    values = [own(value) for value in values]
    if divides:
        values = [Fraction(v) if isinstance(v, int) else v for v in values]
    if all(isinstance(value, int | Fraction) and not isinstance(value, bool) for value in values):
        return tuple(values), lambda total: total
    if any(isinstance(value, float) for value in values):
        raise InputError(f"{name} must be exact; write Fraction(1, 2) or sympy.Rational(1, 2) instead of 0.5")
    import sympy
    from sympy.polys.fields import field
    from sympy.polys.polyerrors import PolynomialError
    from sympy.polys.rings import ring

    expressions: list[Any] = [sympy.sympify(value) if isinstance(value, int | Fraction) else value for value in values]
    for e in expressions:
        if not isinstance(e, sympy.Expr) or not e.is_commutative:
            raise InputError(f"{name} must be an int, a Fraction or a SymPy expression, not {shown(e)}")
        if e.has(sympy.Float, sympy.nan, sympy.oo, -sympy.oo, sympy.zoo):
            raise InputError(f"{name} must be exact and finite, not {shown(e)}; write Fraction(1, 2) instead of 0.5")
    symbols = sorted(set().union(*(e.free_symbols for e in expressions)), key=str)
    if not symbols and all(e.is_Rational for e in expressions):
        return tuple(Fraction(int(e.p), int(e.q)) for e in expressions), lambda total: total
    try:
        polynomials = (field if divides else ring)(symbols, sympy.QQ)[0]
        found = tuple(polynomials.from_expr(e) for e in expressions)
    except (PolynomialError, ValueError):  # no polynomials in their symbols: work with expressions
        tidy = sympy.expand if not divides else sympy.cancel if symbols else sympy.radsimp
        return tuple(expressions), lambda total: tidy(sympy.sympify(total))
    return found, lambda total: polynomials(total).as_expr() if not hasattr(total, "as_expr") else total.as_expr()


def exact_rule(
    update: Update, T: int | float, forces: Sequence[object] = ()
) -> tuple[Update, tuple[Number, ...], Callable[[Number], Any]]:
    """The rule with its numbers, and its schedule of T updates, as elements; some more numbers; and the way back.

    Raises
    ------
    InputError : it is no update rule; it holds a float; its schedule is too short, or T is infinite
    """
    check_update(update)
    if T == inf and update.schedule is not None:
        raise InputError("T = inf has no limit with a schedule; give a finite T")
    numbers = update.numbers(0 if T == inf else int(T))
    check_exact(update, numbers)
    found, back = elements(f"the numbers of {update!r}", [*numbers, *forces], T == inf)
    return with_numbers(update, found[: len(numbers)]), found[len(numbers) :], back


def with_numbers(update: Update, numbers: Sequence[Number]) -> Update:
    """The rule with other numbers, in the order of `Update.numbers`."""
    size = len(update.push)
    lines = [tuple(numbers[i * size : (i + 1) * size]) for i in range(size + 3)]
    return replace(
        update, step=tuple(lines[:size]), push=lines[size], point=lines[size + 1], seen=lines[size + 2],
        schedule=None if update.schedule is None else tuple(numbers[size * (size + 3) :]),
    )
