"""The one way in for arguments: what comes from outside becomes Python's own numbers and arrays of our own, or an error.

Every public function passes what it is given through here before anything else, caches included: `Fraction(np.int64(1), 3)`
equals `Fraction(1, 3)` and wraps at 64 bits; an array kept without a copy changes under its owner's hands; a mask that is
dropped lets hidden numbers in.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import inf, isfinite
from numbers import Integral, Rational, Real
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from .errors import InputError
from .numerals import MOST_SHOWN, has
from .numerals import decimal as decimal
from .numerals import shown as shown
from .typing import FloatArray, Number

_Kind = TypeVar("_Kind")
PLAIN = frozenset((int, float))  # Python's own numbers at first sight


def own(value: object) -> Any:
    """Python's own int, Fraction or float where the value is one (NumPy's too, 0-d arrays too); anything else as it is.

    Examples
    --------
    >>> own(np.int8(3)), own(Fraction(np.int64(1), np.int64(3))), own(np.float32(0.5)), own(np.array(2))
    (3, Fraction(1, 3), 0.5, 2)
    """
    if type(value) in (int, float, str, bool, type(None)):
        return value
    if type(value) is Fraction and type(value.numerator) is type(value.denominator) is int:
        return value
    refuse_mask("a number", value)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, np.timedelta64):  # which NumPy counts among the integers
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Rational):
        whole = int(value.numerator), int(value.denominator)
        return whole[0] if whole[1] == 1 and not isinstance(value, Fraction) else Fraction(*whole)
    if isinstance(value, Real) and not has(value, "free_symbols"):  # SymPy's Floats carry a precision
        return float(value)
    return value


def whole(name: str, value: object, least: int | None = None, most: int | None = None, what: str = "") -> int:
    """The value as an int, or InputError unless it is whole (2.0 is) and lies from `least` to `most`.

    Examples
    --------
    >>> whole("T", np.uint8(200), 1, what="updates")
    200
    """
    number = own(value)
    if type(number) in (float, Fraction) and isfinite_exactly(number) and number == int(number):
        number = int(number)
    if type(number) is not int:
        raise InputError(f"{name} must be a whole number{f' of {what}' if what else ''}, not {shown(value)}")
    if least is not None and number < least:
        raise InputError(f"{name} must be at least {least}{f' ({what})' if what else ''}, not {shown(number)}")
    if most is not None and number > most:
        raise InputError(f"{name} must be at most {decimal(most)}{f' ({what})' if what else ''}, not {shown(number)}")
    return number


def whole_or_infinite(name: str, value: object, least: int, what: str) -> int | float:
    """`whole`, or math.inf."""
    number = own(value)
    return inf if isinstance(number, float) and number == inf else whole(name, number, least, what=what)


def real(
    name: str, value: object, *, above: float | None = None, least: float | None = None, below: float | None = None,
    most: float | None = None, infinite: bool = False,
) -> float:
    """The value as a float, or InputError unless it is one real number in the range; infinities only if asked for.

    Examples
    --------
    >>> real("mu", Fraction(1, 2), above=-1, below=1)
    0.5
    """
    number = own(value)
    try:
        if has(number, "free_symbols"):
            number = _expression(name, number)
            number = number if isinstance(number, int | Fraction) else float(number)
        if isinstance(number, bool) or not isinstance(number, int | Fraction | float):
            raise TypeError
        found = float(number)
    except OverflowError:
        raise InputError(f"{name} = {shown(number)} is beyond the range of floats") from None
    except (TypeError, ValueError):
        raise InputError(f"{name} must be a finite number, not {shown(value)}") from None
    if found != found or (not infinite and not isfinite(found)):
        raise InputError(f"{name} must be a finite number, not {found}")
    ranges = [
        (above, "a positive number, above" if above == 0 else "greater than", above is None or found > above),
        (least, "at least", least is None or found >= least),
        (below, "less than", below is None or found < below),
        (most, "at most", most is None or found <= most),
    ]
    for bound, words, holds in ranges:
        if not holds:
            raise InputError(f"{name} must be {words} {bound:g}, not {found}")
    return found


def number(name: str, value: object) -> Number:
    """An int, Fraction or float where the value is one (NumPy's too), a real SymPy expression else.

    Raises
    ------
    InputError : anything else, a bool, nan, an infinity, a formula that is not real

    Examples
    --------
    >>> number("mu", np.int64(1)), number("mu", np.float32(0.5))
    (1, 0.5)
    """
    found = own(value)
    if has(found, "free_symbols"):  # of SymPy, which need not be loaded to say no
        return _expression(name, found)
    if isinstance(found, bool) or not isinstance(found, int | Fraction | float) or not isfinite_exactly(found):
        raise InputError(
            f"{name} must be a finite number (0.9), exact where exact results are asked for (Fraction(9, 10)), "
            f"or a SymPy expression, not {shown(value)}"
        )
    return found


def isfinite_exactly(value: int | Fraction | float) -> bool:
    """Whether it is no nan and no infinity; exact numbers of any size are finite."""
    return not isinstance(value, float) or isfinite(value)


def _expression(name: str, value: Any) -> Number:
    import sympy

    infinite = sympy.nan, sympy.oo, -sympy.oo, sympy.zoo
    known = isinstance(value, sympy.Expr) and value.is_commutative and not value.has(*infinite)
    if not known or not _may_be_real(value):
        raise InputError(f"{name} must be a finite real number or formula, not {shown(value)}")
    if value.is_Rational:
        return Fraction(int(value.p), int(value.q)) if value.q != 1 else int(value.p)
    if value.is_number and value.has(sympy.Float):
        return float(value)
    return value


def _may_be_real(value: Any) -> bool:
    """Real, or unknown though no part of it is known not to be."""
    if value.is_real is not None or value.is_number:
        return bool(value.is_real)
    return not any(part.is_real is False for part in value.atoms())


def flag(name: str, value: object) -> bool:
    """True or False (NumPy's too), or InputError: 'no' and 0 are no flags."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise InputError(f"{name} must be True or False, not {shown(value)}")


def choice(name: str, value: object, options: Iterable[str]) -> str:
    """One of some texts, or InputError that lists them."""
    known = list(options)
    if isinstance(value, str) and value in known:
        return str(value)
    raise InputError(f"unknown {name} {shown(value)}; known: {', '.join(known)}")


def text(name: str, value: object) -> str:
    """A str, or InputError."""
    if isinstance(value, str):
        return str(value)
    raise InputError(f"{name} must be a text, not {shown(value)}")


def path(name: str, value: object) -> Path:
    """A file or folder as a Path, with ~ for the home folder; InputError if it is none."""
    try:
        try:
            found = os.fspath(cast(Any, value))
            os.fsencode(found)
        except Exception:  # no path, one that fails, or a text that is no name of a file
            raise TypeError from None
        if not isinstance(found, str) or not found or "\0" in found:
            raise TypeError
    except TypeError:
        raise InputError(f"{name} must be a text or a Path, not {shown(value)}") from None
    found = os.path.expanduser(found)
    if found == "~" or found.startswith("~/"):
        raise InputError(f"{name} = {shown(value)} has no home folder to start from; set HOME")
    return Path(found)


def instance(name: str, value: object, kind: type[_Kind], advice: str) -> _Kind:
    """The value if it is of this kind, or InputError with advice on how to get one."""
    if isinstance(value, kind):
        return value
    raise InputError(f"{name} must be a {kind.__name__}, not {shown(value)}; {advice}")


def refuse_mask(name: str, value: object) -> None:
    """InputError if entries are masked: NumPy would take the hidden numbers for data."""
    masked = sys.modules.get("numpy.ma")
    if masked is None:
        return
    if isinstance(value, masked.MaskedArray):
        if masked.is_masked(value):
            raise InputError(
                f"{name} has {int(masked.count_masked(value)):,} masked entries; drop them (x.compressed(), or the rows "
                "they stand in) or fill them (x.filled(value))"
            )
    elif isinstance(value, list | tuple):
        for entry in value:
            if isinstance(entry, (list, tuple, masked.MaskedArray)):
                refuse_mask(name, entry)


def ndim(value: object) -> int:
    """How many axes an array, a nested list or a DataFrame has; 0 of anything else."""
    try:
        return int(np.ndim(cast(Any, value)))
    except Exception:  # rows of unequal lengths, or what another library raises
        return 1 if isinstance(value, list | tuple) else 0


def array(
    name: str, value: object, shape: Sequence[int | None], meaning: str, *, finite: bool = True
) -> FloatArray:
    """A float64 array of our own, of the given shape (None: any length), or an error that says which was expected.

    Taken are arrays of real numbers of every type and layout, nested sequences, DataFrames and their columns (nullable and
    Arrow ones too); refused are masks, texts, bools, complex numbers, missing values.

    Examples
    --------
    >>> array("X", [[1, 2], [3, 4]], (None, 2), "points, weights").tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    result = _floats(name, value)
    if result.ndim != len(shape) or any(s is not None and s != r for s, r in zip(shape, result.shape, strict=True)):
        expected = ", ".join("any" if s is None else str(s) for s in shape) + ("," if len(shape) == 1 else "")
        raise InputError(f"{name} must have shape ({expected}) ({meaning}), not {result.shape}")
    if finite and not np.isfinite(result).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(result))[0])
        raise InputError(f"{name} must be finite; entry {where} is {result[where]}")
    return result


def dimensions(name: str, value: object) -> int:
    """How many axes an array has, 0 for a number; InputError if it is no array of real numbers."""
    return int(_floats(name, value).ndim)


def _floats(name: str, value: object) -> FloatArray:
    """A float64 copy in C order."""
    refuse_mask(name, value)
    if isinstance(value, list | tuple) and _holds_bool(value):
        raise InputError(f"{name} must be an array of real numbers: True and False are none")
    try:
        if has(value, "tocsr") or has(value, "todense"):
            raise InputError(f"{name} is a sparse {type(value).__name__}; give value.toarray()")
        raw = np.asarray(value)
        if raw.dtype.kind == "O":
            return _from_objects(name, raw)
        if raw.dtype.kind not in "iuf":
            raise TypeError(f"not {shown(value)}" if raw.size < 10 else f"not entries of type {raw.dtype}")
        with np.errstate(over="ignore"):
            return np.array(raw, dtype=np.float64, order="C", subok=False)
    except InputError:
        raise
    except Exception as error:  # whatever another library's container raises as it is read
        raise InputError(f"{name} must be an array of real numbers: {str(error)[:MOST_SHOWN]}") from None


def _holds_bool(value: list[Any] | tuple[Any, ...]) -> bool:
    """Whether a bool hides among numbers, of which NumPy makes 0 or 1."""
    return any(_holds_bool(x) if isinstance(x, list | tuple) else isinstance(x, bool | np.bool_) for x in value)


def _from_objects(name: str, raw: Any) -> FloatArray:
    result = np.empty(raw.shape, dtype=np.float64)
    for place, entry in zip(np.ndindex(raw.shape), raw.flat, strict=True):
        found = real(name, entry) if has(entry, "free_symbols") else own(entry)
        if isinstance(found, bool) or not isinstance(found, int | Fraction | float):
            missing = entry is None or type(entry).__name__ in ("NAType", "NaTType")
            why = f"entry {place} is missing" if missing else f"entry {place} is {shown(entry)}"
            raise InputError(f"{name} must be an array of real numbers: {why}")
        result[place] = float(found)
    return result


def sequence(name: str, value: object, meaning: str, *, also: str = "") -> list[Any]:
    """The entries of a list, a tuple or a 1-D array, numbers as Python's own; InputError for anything else.

    `also`: what else it may be, for the message.
    """
    if type(value) in (list, tuple) and PLAIN.issuperset(map(type, cast(Any, value))):
        return list(cast(Any, value))
    refuse_mask(name, value)
    if has(value, "__array__") and not isinstance(value, type | np.ndarray | np.generic):  # a column of a DataFrame
        try:
            value = np.asarray(value)
        except Exception as error:  # whatever another library raises
            raise InputError(f"{name} must be {also}a sequence of {meaning}: {str(error)[:MOST_SHOWN]}") from None
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = list(value) if value.dtype.kind in "mM" else value.tolist()  # of durations it would make integers
    if isinstance(value, str | bytes | bytearray | memoryview) or not isinstance(value, Sequence):
        raise InputError(f"{name} must be {also}a sequence of {meaning}, not {shown(value)}")
    return [own(entry) for entry in value]


def one_or_many(name: str, value: object, meaning: str, *, one: str = "a number") -> tuple[list[Any], tuple[int, ...]]:
    """One value in a list and (); or the entries of a `sequence`, at least one, and its shape. `one` is for the message.

    Examples
    --------
    >>> one_or_many("T", 5, "times"), one_or_many("T", np.array([5, 6], np.uint8), "times")
    (([5], ()), ([5, 6], (2,)))
    """
    found = value
    if type(value) not in (list, tuple):
        found = own(value)
        if isinstance(found, int | Fraction | float) or has(found, "free_symbols"):
            return [found], ()
    entries = sequence(name, found, meaning, also=f"{one} or ")
    if any(isinstance(entry, (list, tuple, np.ndarray)) for entry in entries):
        raise InputError(f"{name} must be {one} or a 1-D sequence of {meaning}, not {shown(value)}")
    if not entries:
        raise InputError(f"{name} is empty; give at least one of the {meaning}")
    return entries, (len(entries),)
