"""Exact numbers and formulas as elements that add and multiply fast."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from math import inf
from typing import Any

from ..arguments import own, shown
from ..errors import InputError
from ..spacetime.number import check_exact
from ..spacetime.updates import Update, check_update
from ..typing import Number

MOST_ROOTS = 3  # that are adjoined to the rationals; the degrees multiply

def elements(
    name: str, values: Sequence[object], divides: bool = False
) -> tuple[tuple[Number, ...], Callable[[Number], Any]]:
    """ints, Fractions, or elements of a ring of polynomials (`divides`: of a field) in place of the values; the way back.

    Algebraic numbers are coefficients, other numbers that are not rational (exp(1/3), pi) stand like symbols.

    Raises
    ------
    InputError : a value is a float, or no number and no SymPy expression; `name` says what they are
    """
    values = [own(value) for value in values]
    if divides:
        values = [Fraction(v) if isinstance(v, int) else v for v in values]
    if {int, Fraction}.issuperset(map(type, values)):
        return tuple(values), lambda total: total
    if any(isinstance(value, float) for value in values):
        raise InputError(f"{name} must be exact; write Fraction(1, 2) or sympy.Rational(1, 2) instead of 0.5")
    import sympy
    from sympy.polys.polyerrors import CoercionFailed, PolynomialError

    expressions: list[Any] = [sympy.sympify(value) if isinstance(value, int | Fraction) else value for value in values]
    for e in expressions:
        if not isinstance(e, sympy.Expr) or not e.is_commutative:
            raise InputError(f"{name} must be an int, a Fraction or a SymPy expression, not {shown(e)}")
        if e.has(sympy.Float, sympy.nan, sympy.oo, -sympy.oo, sympy.zoo):
            raise InputError(f"{name} must be exact and finite, not {shown(e)}; write Fraction(1, 2) instead of 0.5")
    if all(e.is_Rational for e in expressions):
        return tuple(Fraction(int(e.p), int(e.q)) for e in expressions), lambda total: total
    expressions = [sympy.expand(e if e.free_symbols else sympy.radsimp(e)) for e in expressions]
    for domain in _domains(expressions, divides):
        try:
            found = tuple(domain.from_expr(e) for e in expressions)
        except (PolynomialError, CoercionFailed, ValueError):
            continue
        return found, partial(_back, domain, divides)
    tidy = sympy.expand if not divides else sympy.cancel if any(e.free_symbols for e in expressions) else sympy.radsimp
    return tuple(expressions), lambda total: tidy(sympy.sympify(total))  # none holds them: work with expressions


def _domains(expressions: Sequence[Any], divides: bool) -> Iterator[Any]:
    """Polynomials, then quotients of them, in what the expressions are made of; algebraic numbers are coefficients."""
    from sympy import QQ
    from sympy.polys.fields import field
    from sympy.polys.polyutils import parallel_dict_from_basic
    from sympy.polys.rings import ring

    made_of = parallel_dict_from_basic([part for e in expressions for part in e.as_numer_denom()])[1]
    roots = [x for x in made_of if x.is_number and x.is_algebraic]
    if len(roots) > MOST_ROOTS:
        return
    others = [x for x in made_of if x not in roots]
    coefficients = QQ.algebraic_field(*roots) if roots else QQ
    if not divides or not others:  # numbers alone divide as they are
        yield ring(others, coefficients)[0]
    if others:
        yield field(others, coefficients)[0]


def _back(domain: Any, divides: bool, total: Number) -> Any:
    import sympy

    expression = domain(total).as_expr()
    return expression if divides else sympy.expand(expression)


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
