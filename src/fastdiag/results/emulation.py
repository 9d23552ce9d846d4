"""How one way of going through the points is made to follow another: the gradients to add, from Proposition 2."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ..arguments import number, real, shown
from ..coefficients.coefficient import coefficient
from ..errors import InputError
from ..numerals import written
from ..spacetime import Spacetime, check_spacetime
from ..typing import Number
from .result import Result


def _rates(eta: object, like_eta: object) -> tuple[Any, Any, bool]:
    """Both rates, floats at their exact values, and whether one of them is a float."""
    found = number("eta", eta), number("like_eta", eta if like_eta is None else like_eta)
    for name, rate in zip(("eta", "like_eta"), found, strict=True):
        if isinstance(rate, int | Fraction | float) and rate <= 0:
            raise InputError(f"{name} must be a positive number, above 0, not {shown(rate)}")
    ours, theirs = (Fraction(rate) if isinstance(rate, float) else rate for rate in found)
    return ours, theirs, any(isinstance(rate, float) for rate in found)


def _added(spacetime: Spacetime, eta: Number, like: Spacetime, like_eta: Number | None = None) -> tuple[Any, Any]:
    rate, wanted, rounded = _rates(eta, like_eta)
    for st in (spacetime, like):
        check_spacetime(st)
        if st.sampling == "replacement" or st.last is not None or st.E.denominator != 1:
            raise InputError(f"Proposition 2 is about whole epochs of shuffled points, not {st!r}; see `derived`")
    _same("N", spacetime.N, like.N, False)
    _same("eta T", rate * spacetime.T, wanted * like.T, rounded)
    quarter = Fraction(1, 4)
    c, b = (wanted * Fraction(1, like.B) - rate * Fraction(1, spacetime.B)) * quarter, (wanted - rate) * 2 * quarter
    return _told("c", c, rounded), _told("b", b, rounded)


def _derived(spacetime: Spacetime, eta: Number, like: Spacetime, like_eta: Number | None = None) -> tuple[Any, Any]:
    """By the coefficients of all diagrams of order 1 and 2, for any sampling and part of an epoch."""
    *rates, rounded = _rates(eta, like_eta)
    (length, noise, steps, meetings), wanted = (_terms(st, rate) for st, rate in zip((spacetime, like), rates, strict=True))
    _same("the coefficient of G.G, -eta T,", length, wanted[0], rounded)
    _same("the coefficient of C.H,", noise, wanted[1], rounded)
    c, b = (wanted[3] - meetings) / (2 * length), (wanted[2] - steps) / length
    return _told("c", c, rounded), _told("b", b, rounded)


def _terms(spacetime: Spacetime, eta: Number) -> tuple[Any, Any, Any, Any]:
    """Coefficients in E l of G.G, C.H, G.H.G and (grad C).G / 2."""
    check_spacetime(spacetime)
    one, *two = (coefficient(diagram, spacetime) for diagram in ("[a]", "[a a]", "[a b]", "[a[b]]", "[a[a]]"))
    return eta * one, eta**2 * two[0], eta**2 * (two[1] + two[2]), eta**2 * two[3]


def _told(name: str, value: Any, rounded: bool) -> Any:
    """As a float where a rate was one."""
    return real(name, value) if rounded and isinstance(value, int | Fraction) else value


def _same(what: str, ours: Any, theirs: Any, rounded: bool) -> None:
    differ = ours != theirs
    if rounded and isinstance(ours, int | Fraction) and isinstance(theirs, int | Fraction):
        apart: Any = abs(ours - theirs)
        differ = apart * 10**9 > abs(theirs)
    if differ:
        raise InputError(
            f"{what} is {written(ours)} here and {written(theirs)} there: a drift makes up for other batches and steps, "
            "not for another length of the way or other noise; give the same N and eta T, in whole epochs"
        )


emulation = Result(
    "Emulation", "[A], [B]",
    "SGD over the epochs of one spacetime, with c grad C + b H G added to every gradient, follows that of another with the "
    "same N and eta T, to o(eta^2) of the test loss: c = (eta'/B' - eta/B)/4, b = (eta' - eta)/2, primes for the other; GD "
    "with c = eta (N - 1)/(4N) follows SGD. Arguments (spacetime, eta, like, like_eta), values (c, b)",
    _added, _derived,
)
