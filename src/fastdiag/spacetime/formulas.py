"""Symbols for the numbers of a spacetime: which stand for positive integers, and in which formulas are given."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import inf
from typing import Any

from ..arguments import own, shown, whole, whole_or_infinite
from ..errors import InputError
from ..numerals import has
from ..typing import Last


def is_formula(value: Any) -> bool:
    """Whether symbols stand in it."""
    if type(value) is int or isinstance(value, float):
        return False
    return not isinstance(value, int) and has(value, "free_symbols") and bool(value.free_symbols)


def formulas(N: Any, B: Any, T: Any, E: Any, sampling: str, last: Last | None) -> tuple[Any, Any, Any, Last | None]:
    """N, B, T and what becomes of the last batch, of numbers and SymPy expressions.

    Raises
    ------
    InputError : what is no number of points, batches or updates; T and E both, or none; different symbols of one name
    """
    N = _checked("N", N, "training points", infinite=True)
    B = _checked("B", B, "points per batch")
    if (T is None) == (E is None):
        raise InputError("give either the number of updates T, or of epochs E")
    if E is not None and N == inf:
        raise InputError("with N = inf no epoch ever ends; give the number of updates T instead of E")
    check_fits(B, N)
    if not is_formula(N) and not is_formula(B):
        divides = N == inf or N % B == 0
        if not divides and last is None and sampling != "replacement":
            raise InputError(f"B = {shown(B)} does not divide N = {shown(N)}; give last='keep' or last='drop'")
        last = None if divides else last
    if E is not None:
        E = own(E)
        E = E if isinstance(E, Fraction) else _checked("E", E, "epochs")
        per_epoch = updates_of_an_epoch(N, B, last)
        T = E * per_epoch
        T = int(T) if T.is_Integer else T
    else:
        T = _checked("T", T, "updates", infinite=True)
    if T == inf:
        raise InputError("T = inf with symbols: a limit is asked of numbers N and B, and of symbols in eta")
    check_names((N, B, T))
    return N, B, T, last


def check_fits(B: Any, N: Any) -> None:
    """InputError if a batch of B exceeds N points, for certain where symbols stand in them."""
    if is_formula(N) or is_formula(B):
        import sympy

        exceeds = N != inf and bool((sympy.sympify(B) - N).is_positive)
    else:
        exceeds = bool(B > N)
    if exceeds:
        raise InputError(f"B = {shown(B)} exceeds N = {shown(N)}: a batch holds distinct training points, so B <= N")


def check_names(values: Iterable[Any]) -> None:
    """Raise InputError if two symbols of one name stand in some values, which may be numbers."""
    named: dict[str, Any] = {}
    for symbol in (s for x in values if is_formula(x) for s in x.free_symbols):
        if named.setdefault(str(symbol), symbol) != symbol:
            raise InputError(f"two different symbols are called {symbol}: make one by sympy.symbols, and use it everywhere")


def _checked(name: str, value: Any, what: str, infinite: bool = False) -> Any:
    """A whole number, or an expression that may be a positive integer."""
    value = own(value)
    if not has(value, "free_symbols"):
        return whole_or_infinite(name, value, 1, what) if infinite else whole(name, value, 1, what=what)
    import sympy

    unfit = (sympy.nan, sympy.oo, sympy.zoo, sympy.Float)
    fits = isinstance(value, sympy.Expr) and value.is_commutative and not value.has(*unfit)
    if not fits or value.is_positive is False or value.is_integer is False:
        raise InputError(
            f"{name} must be a positive whole number of {what}, or a formula of symbols for one, not {shown(value)}"
        )
    return value


def in_epochs(N: Any, B: Any, T: Any, last: Last | None) -> Any:
    """T updates in epochs, as an expression; 0 where none ever ends."""
    import sympy

    return sympy.cancel(T / updates_of_an_epoch(N, B, last))


def updates_of_an_epoch(N: Any, B: Any, last: Last | None) -> Any:
    """N/B; its floor or ceiling where a smaller last batch is dropped or kept."""
    import sympy

    exactly = sympy.sympify(N) / B
    return exactly if last is None else sympy.floor(exactly) if last == "drop" else sympy.ceiling(exactly)
