"""Values as text: short in messages, abbreviated in reprs where they would fill a page, in full for files."""

from __future__ import annotations

from fractions import Fraction
from math import log10
from typing import Any

import numpy as np

MOST_SHOWN = 160  # characters of a value that a message quotes
MOST_DIGITS = 40  # of an integer that is printed in full
HUGE = 1 << 13  # bits; Python refuses to print integers of more than some 14,000
LONG = 1 << 9  # bits of an integer that a repr abbreviates: 155 digits
SURE = 1 << 11  # bits; 617 digits, which no setting of Python's limit forbids


def has(value: object, name: str) -> bool:
    """`hasattr`, and False where asking raises another error."""
    try:
        return hasattr(value, name)
    except Exception:
        return False


def counted(number: int, noun: str) -> str:
    """So many of something.

    Examples
    --------
    >>> counted(1, "weight"), counted(2, "weight")
    ('1 weight', '2 weights')
    """
    return f"{number} {noun}{'s' * (number != 1)}"


def shown(value: object) -> str:
    """A short repr of any value: it never fails, and no number or text makes it long.

    Examples
    --------
    >>> shown([1, 2]), shown(10**5000), len(shown("a" * 10**6))
    ('[1, 2]', '1000000000...(5,001 digits)', 160)
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return decimal(value)
    if type(value) is Fraction:
        top, bottom = decimal(int(value.numerator)), decimal(int(value.denominator))  # the parts may be NumPy's
        return top if bottom == "1" else f"{top}/{bottom}"
    if isinstance(value, str | bytes) and len(value) > MOST_SHOWN:
        value = value[:MOST_SHOWN]  # before repr, which copies
    try:
        value = _abbreviated(value)
        if isinstance(value, np.ndarray) and value.size > 20:
            text = f"an array of shape {value.shape} and type {value.dtype}"
        elif isinstance(value, list | tuple | set | frozenset | dict) and len(value) > 20:
            text = f"a {type(value).__name__} of {len(value):,} entries"
        else:
            text = repr(value)
    except Exception:
        text = f"a {type(value).__name__}"
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 3] + "..."


def _abbreviated(value: Any) -> Any:
    """A formula with its long integers replaced by symbols that say how long they are; anything else as it is."""
    if not has(value, "atoms") or not has(value, "xreplace"):
        return value
    import sympy

    def long(number: Any) -> bool:
        return max(abs(int(number.p)), int(number.q)).bit_length() > HUGE

    return value.xreplace({
        number: sympy.Symbol(shown(Fraction(int(number.p), int(number.q))))
        for number in value.atoms(sympy.Rational) if long(number)
    })


def decimal(value: int) -> str:
    """An integer in decimal, in full to MOST_DIGITS digits, else its first ten and how many there are."""
    value = int(value)  # a Fraction's parts may be NumPy's
    if value.bit_length() <= 4 * MOST_DIGITS and len(text := str(value)) <= MOST_DIGITS + 1:
        return text
    size = abs(value)
    count = int((size.bit_length() - 1) * log10(2)) + 1  # right, or one too few
    if count > 1_000_000:  # powers of ten of that size take seconds
        return f"{'-' if value < 0 else ''}...(about {count:,} digits)"
    lead = size // 10 ** (count - 10)
    if lead >= 10**10:
        count, lead = count + 1, lead // 10
    return f"{'-' if value < 0 else ''}{lead}...({count:,} digits)"


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
