"""Numbers for the letters of a formula, by name: two symbols of one name cannot be mistaken for each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..arguments import number, shown
from ..errors import InputError
from ..spacetime.formulas import check_names, is_formula

TIMES = ("M", "T", "E")
OWN = ("N", "B", *TIMES)


AT_POLES = "fastdiag.coefficient has the value, of a Spacetime of numbers"


def substituted(
    coefficients: Iterable[Any], values: Mapping[str, Any], sampling: str, at_poles: str = AT_POLES
) -> list[Any]:
    """Coefficients with numbers, or expressions, in place of the symbols of some names.

    Of the times M = T / N, T updates and E epochs one may be given, whichever the formula is written in.

    Raises
    ------
    InputError : a name that the formula does not have; two times; values that are no numbers, or at which it has a pole,
        or with which two symbols have one name; of whole epochs, numbers that are not of such
    """
    import sympy

    from ..letters import Symbol

    coefficients = [sympy.sympify(x) for x in coefficients]
    letters: dict[str, set[Any]] = {}
    for symbol in (s for x in coefficients for s in x.free_symbols):
        letters.setdefault(symbol.name, set()).add(symbol)
    if unknown := [name for name in values if name not in letters and name not in OWN]:
        known = ", ".join(sorted({*letters, *OWN}))
        raise InputError(f"the formula has no symbol called {', '.join(unknown)}; it knows {known}")
    if twice := [name for name in values if len(letters.get(name, ())) > 1]:
        raise InputError(f"the formula has two different symbols called {', '.join(twice)}: give the rule's another name")
    checked = {name: _checked(name, value) for name, value in values.items()}
    if len(times := [name for name in TIMES if name in checked]) > 1:
        raise InputError(f"{' and '.join(times)} tell one and the same time; give one of them")
    if sampling in ("reshuffle", "cyclic"):
        _check_whole(checked)
    N, B, T, E, M = map(Symbol, "NBTEM")
    written: dict[Any, Any] = {}
    for time in times:  # in terms of N and B what the formula may be written in
        dummy = sympy.Dummy(time)
        written = {
            "M": {M: dummy, T: dummy * N, E: dummy / B}, "T": {M: dummy / N, T: dummy, E: dummy * B / N},
            "E": {M: dummy / B, T: dummy * N / B, E: dummy},
        }[time]
        letters[time] = {dummy}
    numbers = {symbol: checked[name] for name in checked for symbol in letters.get(name, _own(name, N, B))}
    found = []
    for x in coefficients:
        y = x.subs(written, simultaneous=True).subs(numbers, simultaneous=True)
        if y.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
            given = ", ".join(f"{name}={shown(value)}" for name, value in values.items())
            raise InputError(f"a denominator of the formula vanishes at {given}; {at_poles}")
        check_names([y])
        found.append(sympy.factor(y) if y.free_symbols else y)
    return found


def _check_whole(given: Mapping[str, Any]) -> None:
    N, B, time = given.get("N"), given.get("B"), next((name for name in TIMES if name in given), None)
    divides = None if N is None or B is None else (N / B).is_integer
    epochs = None if time is None else given[time]
    if epochs is not None and time != "E":
        epochs = None if B is None or (time == "T" and N is None) else epochs * B / (N if time == "T" else 1)
    if divides is False or (epochs is not None and epochs.is_integer is False):
        raise InputError(
            "the formula is one of whole epochs of N/B batches, and these numbers are not; fastdiag.coefficient and "
            "fastdiag.expand(spacetime=...) know partial epochs, and batches that do not divide N"
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
