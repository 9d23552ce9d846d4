"""The modes of a linear update rule: what an edge carries, in each eigen-direction of eta H, after resummation.

With the linear force put in, the rule's recursion is A = step - x push point^T, x = eta h, and an edge of duration dt
carries point A^(dt-1) push, at the root seen A^(dt-1) push: a sum of exponentials, whose factors k are the roots of A's
characteristic polynomial. Two roots that meet (critical damping) are left whole, as one number c + e with e^2 = z.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import copysign, inf, sqrt
from numbers import Rational
from typing import Any

import numpy as np

from ..errors import InputError, UnsupportedError
from ..numerals import shown
from ..spacetime.updates import Update
from ..typing import FloatArray, IntArray, Number

REAL, COMPLEX, WHOLE = 0, 1, 2
APART = 0.7
"""From which |sqrt(z)| on roots are told apart, in units of R = max(1 - |c|, 1 / T).

Then an exponential's weight is at most (1 + 1 / (0.7 R)) / 2 for momentum, while critically damped edges themselves weigh
up to about 1 / (e R): rounding grows by a factor of about 2 for each edge, at any T. Below it c + e is as good as c, since
|sqrt(z)| < 0.7 (1 - |c|) leaves 1 - k its digits.
"""

Line = tuple[Fraction, Fraction]
"""a + b x, as (a, b)."""


@dataclass(frozen=True, slots=True)
class Modes:
    """The roots k of each direction, and the weights of their exponentials.

    Rows of k, complement, inner, outer: of a REAL or COMPLEX direction its roots, conjugates if complex. Of a WHOLE one
    k[0] = c and z, for c +- sqrt(z), and rows of inner and outer are the weights of 1 and e.
    """

    kinds: IntArray
    """(n,): REAL, COMPLEX or WHOLE."""
    k: Any
    """(r, n), r the size of the rule's state, complex."""
    complement: Any
    """1 - k."""
    inner: Any
    """Weights on edges between nodes."""
    outer: Any
    """Weights on edges to the root."""
    z: FloatArray
    """(n,)."""


@dataclass(frozen=True, slots=True)
class Recursion:
    """A rule's numbers, as exact functions of x = eta h: of the matrix A, which is scalar or 2 x 2."""

    size: int
    trace: Line
    determinant: Line
    missing: Line
    """det(1 - A)."""
    inner: tuple[Fraction, Line]
    """point push, and point A push."""
    outer: tuple[Fraction, Line]
    """seen push, and seen A push."""

    @classmethod
    def of(cls, update: Update) -> Recursion:
        """The recursion of a rule; floats are taken at their exact values."""
        given = update.step, update.push, update.point, update.seen
        step, push, point, seen = (np.frompyfunc(_rational, 1, 1)(np.array(numbers, object)) for numbers in given)
        size = len(step)
        if size > 2:
            raise UnsupportedError(
                f"resummed values are for update rules with a state of 1 or 2 numbers, and {update.name} has {size}; "
                "use resummed=False"
            )
        pushed, observed = point @ push, seen @ push
        rest = np.identity(size, int) - step
        return cls(
            size, trace=(step.trace(), -pushed),
            determinant=(_determinant(step), -(point @ _adjugate(step) @ push)),  # matrix determinant lemma
            missing=(_determinant(rest), point @ _adjugate(rest) @ push),
            inner=(pushed, (point @ step @ push, -pushed * pushed)),
            outer=(observed, (seen @ step @ push, -observed * pushed)),
        )

    def stable(self) -> tuple[Fraction | float, Fraction | float]:
        """The open interval of x in which the recursion forgets its past: |k| < 1."""
        (m, m1), (t, t1), (d, d1) = self.missing, self.trace, self.determinant
        if self.size == 1:
            lines = [(m, m1), (1 + t, t1)]
        else:  # Jury: 1 - trace + det, 1 + trace + det and 1 - det are positive
            lines = [(m, m1), (1 + t + d, t1 + d1), (1 - d, -d1), (1 + d, d1)]
        low: Fraction | float = -inf
        high: Fraction | float = inf
        for at, slope in lines:
            if slope > 0:
                low = max(low, -at / slope)
            elif slope < 0:
                high = min(high, -at / slope)
            elif at <= 0:
                return 0, 0
        return low, high

    def modes(self, rates: FloatArray, updates: float) -> Modes:
        """The modes for x = each of `rates`, to be used for at most so many updates."""
        n, r = len(rates), self.size
        kinds, z = np.zeros(n, np.int64), np.zeros(n)
        k, complement, inner, outer = (np.zeros((r, n), np.complex128) for _ in range(4))
        for i, rate in enumerate(rates.tolist()):
            if not np.isfinite(rate):
                k[:, i] = complement[:, i] = inner[:, i] = outer[:, i] = np.nan
                continue
            x = Fraction(rate)
            missing, det = _at(self.missing, x), _at(self.determinant, x)
            if r == 1:
                k[0, i], complement[0, i] = _float(det), _float(missing)
                inner[0, i], outer[0, i] = _float(self.inner[0]), _float(self.outer[0])
                continue
            centre = _at(self.trace, x) / 2
            exact = centre * centre - det
            z[i] = _float(exact)
            weights = [(_float(at), _float(_at(line, x) - centre * at)) for at, line in (self.inner, self.outer)]
            if abs(z[i]) < (APART * max(1 - abs(_float(centre)), 1 / updates)) ** 2:
                kinds[i] = WHOLE
                k[0, i], complement[0, i] = _float(centre), _float(1 - centre)
                inner[:, i], outer[:, i] = weights
                continue
            gap = sqrt(z[i]) if exact > 0 else 1j * sqrt(-z[i])
            if exact > 0:
                k[:, i] = _real_roots(_float(centre), z[i], _float(det))
                complement[::-1, i] = _real_roots(_float(1 - centre), z[i], _float(missing))
            else:
                kinds[i] = COMPLEX
                k[:, i] = _float(centre) + gap, _float(centre) - gap
                complement[:, i] = _float(1 - centre) - gap, _float(1 - centre) + gap
            for (at, beside), table in zip(weights, (inner, outer), strict=True):
                table[:, i] = (at + beside / gap) / 2, (at - beside / gap) / 2
        return Modes(kinds, k, complement, inner, outer, z)


@lru_cache(maxsize=64)
def recursion(update: Update) -> Recursion:
    """The recursion of an update rule, kept for the next call."""
    return Recursion.of(update)


def rounding(weights: int) -> float:
    """By how much an eigenvalue of so many weights may be off, relative to the largest."""
    return (4 + weights) * 2.0**-52


def check_rule_forgets(update: Update, lowest: Number, highest: Number, near: float = 0.0) -> None:
    """Raise InputError unless the rule forgets its past in every direction, lowest <= eta h <= highest.

    near: rounding, by which eta h must lie inside, relative to the largest number.
    """
    low, high = recursion(update).stable()
    gap = near * max(1.0, abs(lowest), abs(highest))
    if low < lowest - (gap if low else 0.0) and highest + gap < high:
        return
    if not low < high:
        raise InputError(f"T = inf has no limit: {update.name} never forgets its past; give a finite T")
    bounds = f"{float(low):.6g} < eta h" + ("" if high == inf else f" < {float(high):.6g}")
    raise InputError(
        f"T = inf needs {bounds} in every direction with {update.name}, and here eta h is from {float(lowest):.4g} to "
        f"{float(highest):.4g}; use another eta, or a finite T"
    )


def _rational(value: Any) -> Fraction:
    if isinstance(value, Rational):
        return Fraction(value)
    if getattr(value, "is_Rational", False):
        return Fraction(int(value.p), int(value.q))
    if getattr(value, "free_symbols", None):
        raise InputError(f"{shown(value)} has no value; give numbers, or an exact eta on a symbolic landscape for formulas")
    return Fraction(float(value))


def _float(value: Fraction) -> float:
    """The nearest float, or an infinity."""
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf


def _at(line: Line, x: Fraction) -> Fraction:
    return line[0] + line[1] * x


def _real_roots(centre: float, z: float, product: float) -> tuple[float, float]:
    """centre +- sqrt(z), of which the product is known: no digits are lost."""
    gap = sqrt(z)
    larger = centre + copysign(gap, centre)
    other = product / larger
    return (larger, other) if centre >= 0 else (other, larger)


def _determinant(matrix: Any) -> Any:
    """Of an array of Fractions, 1 x 1 or 2 x 2."""
    return matrix[0, 0] if len(matrix) == 1 else matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]


def _adjugate(matrix: Any) -> Any:
    """The matrix of cofactors, transposed."""
    return matrix**0 if len(matrix) == 1 else np.identity(2, int) * matrix.trace() - matrix
