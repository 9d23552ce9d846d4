"""Numbers as text: in full for files, abbreviated in reprs where they would fill a page."""

from __future__ import annotations

from fractions import Fraction
from math import log10

from .arguments import shown

LONG = 1 << 9  # bits of an integer that a repr abbreviates: 155 digits
SURE = 1 << 11  # bits; 617 digits, which no setting of Python's limit forbids


def written(value: object) -> str:
    """The repr of a number, a formula or a tuple of them, in full unless its integers fill a page.

    Examples
    --------
    >>> written(Fraction(1, 3)), written((1, 10**5000))
    ('Fraction(1, 3)', '(1, 1000000000...(5,001 digits))')
    """
    if type(value) is tuple:
        return f"({', '.join(map(written, value))}{',' * (len(value) == 1)})"
    if isinstance(value, int | Fraction) and max(abs(value.numerator), value.denominator).bit_length() > LONG:
        return shown(value)
    try:
        return repr(value)
    except ValueError:
        return shown(value)


def in_full(value: int | Fraction) -> str:
    """An integer or a Fraction in decimal, however long.

    Examples
    --------
    >>> len(in_full(10**5000)), in_full(Fraction(-1, 3))
    (5001, '-1/3')
    """
    if isinstance(value, Fraction):
        bottom = "" if value.denominator == 1 else f"/{in_full(value.denominator)}"
        return in_full(value.numerator) + bottom
    if value < 0:
        return "-" + in_full(-value)
    if value.bit_length() <= SURE:
        return str(value)
    half = int(value.bit_length() * log10(2)) // 2
    high, low = divmod(value, 10**half)
    return in_full(high) + in_full(low).zfill(half)
