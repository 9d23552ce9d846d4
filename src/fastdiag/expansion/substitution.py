"""Numbers for the letters of a formula, by name: two symbols of one name cannot be mistaken for each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import Any, TypeAlias

from ..arguments import number, shown
from ..errors import InputError
from ..spacetime import Spacetime
from ..spacetime.formulas import check_fits, check_names, is_formula

TIMES = ("M", "T", "E")
OWN = ("N", "B", *TIMES)
AT_POLES = "fastdiag.coefficient has the value, of a Spacetime of numbers"
Given: TypeAlias = tuple[tuple[str, Any], ...]


def substituted(
    coefficients: Iterable[Any], values: Mapping[str, Any], sampling: str, given: Given = (), at_poles: str = AT_POLES
) -> tuple[list[Any], Given]:
    """Coefficients with numbers, or expressions, in place of the symbols of some names; and all that was given so far.

    Of the times M = T / N, T updates and E epochs one may be given, whichever the formula is written in.

    Raises
    ------
    InputError : a name that the formula does not have, or no longer has; two times; values that are no numbers, or at which
        it has a pole, or with which two symbols have one name; numbers that the formula does not hold for
    """
    import sympy

    from ..letters import Symbol

    before = dict(given)
    coefficients = [sympy.sympify(x) for x in coefficients]
    letters = _letters([*coefficients, *before.values()])
    timed = any(name in TIMES for name in before)
    own = [name for name in OWN if name not in before and not (timed and name in TIMES)]
    _check_known(values, letters, own, [*before, *(TIMES if timed else ())])
    checked = {name: _checked(name, value) for name, value in values.items()}
    if len(times := [name for name in TIMES if name in checked and name in own]) > 1:
        raise InputError(f"{' and '.join(times)} tell one and the same time; give one of them")
    N, B, T, E, M = map(Symbol, "NBTEM")
    written: dict[Any, Any] = {}
    for time in times:  # in terms of N and B what the formula may be written in
        dummy, n, b = sympy.Dummy(time), before.get("N", N), before.get("B", B)
        written = {
            "M": {M: dummy, T: dummy * n, E: dummy / b}, "T": {M: dummy / n, T: dummy, E: dummy * b / n},
            "E": {M: dummy / b, T: dummy * n / b, E: dummy},
        }[time]
        letters[time] = {dummy}
    numbers = {symbol: checked[name] for name in checked for symbol in letters.get(name, _own(name, N, B))}
    now = {name: value.subs(numbers, simultaneous=True) for name, value in before.items()}
    now |= {name: value for name, value in checked.items() if name not in now}
    _check_holds(now, sampling)
    written_in_time = [x.subs(written, simultaneous=True) for x in coefficients]
    return _put_in(written_in_time, numbers, values, at_poles), tuple(now.items())


def substituted_spacetime(
    coefficients: Iterable[Any], values: Mapping[str, Any], spacetime: Spacetime, given: Given
) -> tuple[list[Any], Given, Spacetime]:
    """`substituted` of coefficients on a spacetime, whose letters they have; and that spacetime with what was put in.

    Raises
    ------
    InputError : as for `substituted`; numbers that are those of no spacetime
    """
    import sympy

    coefficients = [sympy.sympify(x) for x in coefficients]
    N, B, T = map(sympy.sympify, (spacetime.N, spacetime.B, spacetime.T))
    letters = _letters([*coefficients, N, B, T])
    _check_known(values, letters, (), dict(given))
    checked = {name: sympy.sympify(number(name, value)) for name, value in values.items()}
    numbers = {symbol: checked[name] for name in checked for symbol in letters[name]}
    N, B, T = (x if x.is_infinite else x.subs(numbers, simultaneous=True) for x in (N, B, T))
    there = Spacetime(inf if N.is_infinite else N, B, T, sampling=spacetime.sampling, last=spacetime.last)
    return _put_in(coefficients, numbers, values), tuple((dict(given) | checked).items()), there


def _put_in(
    coefficients: Iterable[Any], numbers: Mapping[Any, Any], values: Mapping[str, Any], at_poles: str = AT_POLES
) -> list[Any]:
    """Numbers for symbols, which values are called in an error."""
    import sympy

    found = []
    for x in coefficients:
        y = x.subs(numbers, simultaneous=True)
        if y.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
            given = ", ".join(f"{name}={shown(value)}" for name, value in values.items())
            raise InputError(f"a denominator of the formula vanishes at {given}; {at_poles}")
        check_names([y])
        found.append(sympy.factor(y) if y.free_symbols else y)
    return found


def _letters(expressions: Iterable[Any]) -> dict[str, set[Any]]:
    """The symbols by name."""
    found: dict[str, set[Any]] = {}
    for symbol in (s for x in expressions for s in x.free_symbols):
        found.setdefault(symbol.name, set()).add(symbol)
    return found


def _check_known(values: Iterable[str], letters: Mapping[str, set[Any]], own: Iterable[str], gone: Iterable[str]) -> None:
    """InputError unless each name is that of one symbol, or one of the formula's own letters."""
    known = ", ".join(sorted({*letters, *own})) or "none: all are numbers"
    unknown = [name for name in values if name not in letters and name not in own]
    if late := [name for name in unknown if name in gone]:
        raise InputError(
            f"the formula no longer has a letter {', '.join(late)}, for which numbers were given before, and would stay as "
            f"it is; put numbers into the formula without them. Letters it has: {known}"
        )
    if unknown:
        raise InputError(f"the formula has no symbol called {', '.join(unknown)}; it knows {known}")
    if twice := [name for name in values if len(letters.get(name, ())) > 1]:
        raise InputError(f"the formula has two different symbols called {', '.join(twice)}: give the rule's another name")


def _check_holds(given: Mapping[str, Any], sampling: str) -> None:
    """InputError where a formula in its own letters does not hold for all that was put in, as far as that can be told."""
    N, B, time = given.get("N"), given.get("B"), next((name for name in TIMES if name in given), None)
    divides = None if N is None or B is None else (N / B).is_integer
    epochs = None if time is None else given[time]
    if epochs is not None and time != "E":
        epochs = None if B is None or (time == "T" and N is None) else epochs * B / (N if time == "T" else 1)
    if sampling in ("reshuffle", "cyclic") and (divides is False or (epochs is not None and epochs.is_integer is False)):
        raise InputError(
            "the formula is one of whole epochs of N/B batches, and these numbers are not; fastdiag.coefficient and "
            "fastdiag.expand(spacetime=...) know partial epochs, and batches that do not divide N"
        )
    if B is not None and N is not None:
        check_fits(B, N)
    if sampling == "one epoch" and epochs is not None and (epochs - 1).is_positive:
        raise InputError(
            "the formula is one of a single epoch, of at most N/B updates, and these numbers go on; use "
            "fastdiag.expand(sampling='reshuffle'), 'cyclic' or 'replacement', or for partial epochs expand(spacetime=...)"
        )


def _own(name: str, N: Any, B: Any) -> set[Any]:
    """A letter that no coefficient has, but a time may bring in."""
    return {N} if name == "N" else {B} if name == "B" else set()


def _checked(name: str, value: Any) -> Any:
    """A number, or an expression; of the grid's own letters a positive one, whole but for M."""
    import sympy

    value = number(name, value)
    if name in OWN and not is_formula(value):
        if not value > 0 or (name in ("N", "B", "T") and value != int(value)):
            what = "number" if name in ("M", "E") else "whole number"
            raise InputError(f"{name} must be a positive {what}, not {shown(value)}")
    return sympy.sympify(value)
