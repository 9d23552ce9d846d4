"""Where answers are exact, numbers must be."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from ..errors import InputError
from ..typing import Number


def check_exact(what: object, numbers: Iterable[Number]) -> None:
    """Raise InputError if one of the numbers of `what` is a float, or a formula that holds one."""
    for x in numbers:
        if isinstance(x, float):
            near = Fraction(x).limit_denominator(1000)
            advice = repr(near if float(near) == x else Fraction(str(x)))
        elif hasattr(x, "free_symbols") and _has_floats(x):
            advice = "Fraction(1, 2) instead of 0.5"
        else:
            continue
        raise InputError(
            f"exact results need exact numbers, but {what!r} has floats; write {advice} or a SymPy symbol for them, "
            "or ask fastdiag.predict with a float eta"
        )


def _has_floats(value: Any) -> bool:
    import sympy

    return bool(value.has(sympy.Float))
