"""The letters of formulas: `sympy.symbols("N B T E M eta")`, without assumptions, so that a user's own are the same ones.

Inside, N, B, T, E are positive integers, which SymPy needs to put powers together. What is handed out has `Symbol`s in
their place. SymPy takes two symbols of one name for different ones if their assumptions differ, and puts nothing in for the
wrong one, silently; these tell it.
"""

from __future__ import annotations

from functools import cmp_to_key, lru_cache
from typing import Any

import sympy
from sympy.core.basic import Basic

from .errors import InputError

_OURS: set[Any] = set()


class Symbol(sympy.Symbol):
    """SymPy's own without assumptions, and equal to it, but for one thing: a namesake is not passed over.

    Its name is SymPy's too, so that the two have one hash and one place in sums.

    Examples
    --------
    >>> import sympy
    >>> N = Symbol("N")
    >>> N == sympy.Symbol("N"), (N + 1).subs(sympy.Symbol("N"), 4), (N + 1).subs("N", 4)
    (True, 5, 5)
    >>> (N + 1).subs(sympy.Symbol("N", positive=True), 4)
    Traceback (most recent call last):
    fastdiag.errors.InputError: N of this formula is sympy.Symbol('N'), and Symbol('N', positive=True) is another symbol \
that would be passed over; put in for sympy.Symbol('N'), or for 'N'
    """

    __slots__ = ()

    def __new__(cls, name: str) -> Symbol:
        made: Symbol = sympy.Symbol.__new__(cls, name)
        return made

    def __eq__(self, other: Any) -> Any:
        if type(other) is sympy.Symbol:
            return self._hashable_content() == other._hashable_content()
        return super().__eq__(other)

    __hash__ = sympy.Symbol.__hash__

    def _eval_subs(self, old: Any, new: Any) -> Any:
        if old == self:
            return new
        if isinstance(old, sympy.Symbol) and not isinstance(old, sympy.Dummy) and old.name == self.name:
            raise InputError(
                f"{self} of this formula is sympy.Symbol({self.name!r}), and {sympy.srepr(old)} is another symbol that "
                f"would be passed over; put in for sympy.Symbol({self.name!r}), or for {self.name!r}"
            )
        return super()._eval_subs(old, new)


def grid_symbols() -> tuple[Any, ...]:
    """N, B, T, E as positive integers: what formulas are worked out in."""
    return tuple(own_symbol(name, positive=True, integer=True) for name in "NBTE")


@lru_cache(maxsize=1024)
def own_symbol(name: str, **assumptions: bool) -> Any:
    """One of our own, which `in_letters` knows."""
    symbol = sympy.Symbol(name, **assumptions)
    _OURS.add(symbol)
    return symbol


def in_letters(expression: Any) -> Any:
    """An expression with letters in place of our own symbols, as it is written; others stay."""
    return _written(sympy.sympify(expression))


def _written(expression: Any) -> Any:
    """Node by node, nothing evaluated: what SymPy remembers of an equal sum may have its own symbols in it."""
    if expression in _OURS:
        return Symbol(expression.name)
    if not expression.free_symbols & _OURS:
        return expression
    args = [_written(x) for x in expression.args]
    if expression.is_Add or expression.is_Mul:  # in SymPy's order, a number first
        args.sort(key=lambda x: (not x.is_Number, cmp_to_key(Basic.compare)(x)))
        return expression.func._from_args(args, expression.is_commutative)
    return expression.func(*args, evaluate=False) if expression.is_Pow else expression.func(*args)
