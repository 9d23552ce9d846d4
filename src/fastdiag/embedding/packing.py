"""Sums of products of exact numbers or polynomials, whose size is foreseen.

A polynomial becomes an integer: x a power of 2 so large that no coefficients meet (Kronecker's substitution). The sum is
one of ints then, which are far faster, and its coefficients are read off its digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import comb, lcm, prod
from typing import Any, TypeAlias

from ..errors import TooLargeError
from ..numerals import decimal
from ..typing import Number
from .foresight import check_bits
from .powers import STEPWISE, denominator

Group: TypeAlias = tuple[Sequence[Number], int]
"""Numbers, and how many factors of a product may come from among them."""
Polynomial: TypeAlias = dict[tuple[int, ...], Fraction]

MOST_TERMS = 100_000  # of a formula
MOST_PACKED = 20_000_000  # bits of a formula as an integer


def summed(
    groups: Sequence[Group], total: Callable[[Sequence[Number]], Number], divisor: Callable[[], int], longest: int
) -> Number:
    """total(all the numbers), a sum of products times ints >= 0, over `divisor()`; `longest`: the number of updates.

    Raises
    ------
    TooLargeError : it would have too many digits or terms
    """
    numbers = [x for group, _ in groups for x in group]
    ring: Any = None
    if not set(map(type, numbers)) <= {int, Fraction}:
        ring = next((x.ring for x in numbers if hasattr(x, "ring") and x.ring.domain.is_QQ), None)
    if ring is None:
        check_bits([(_size(group), count) for group, count in groups], longest)
        return total(numbers)
    plain = [[_polynomial(ring, x) for x in group] for group, _ in groups]
    counts = [count for _, count in groups]
    degrees, kinds = [0] * ring.ngens, 1
    for some, count in zip(plain, counts, strict=True):
        monomials = [monomial for one in some for monomial in one]
        used = [i for i in range(ring.ngens) if any(monomial[i] for monomial in monomials)]
        for i in used:
            degrees[i] += count * max(monomial[i] for monomial in monomials)
        kinds *= comb(count * max(map(sum, monomials), default=0) + len(used), len(used))
    places = [prod(degree + 1 for degree in degrees[:i]) for i in range(ring.ngens + 1)]
    if min(kinds, places[-1]) > MOST_TERMS:
        raise TooLargeError(
            f"the formula may have {decimal(min(kinds, places[-1]))} terms in {', '.join(map(str, ring.symbols))} (limit "
            f"{MOST_TERMS:,}); give numbers, or a smaller T"
        )
    below = divisor()
    for some, count in zip(plain, counts, strict=True):
        below *= lcm(*(c.denominator for one in some for c in one.values())) ** count
    largest = Fraction(total([sum(map(abs, one.values()), Fraction(0)) for some in plain for one in some])) * below
    width = int(largest).bit_length() // 8 + 1  # bytes, a sign among them
    if 8 * width * places[-1] > MOST_PACKED:
        if longest <= STEPWISE:
            return total(numbers)
        raise TooLargeError(
            f"the formula may have {decimal(places[-1])} terms in {', '.join(map(str, ring.symbols))} with coefficients of "
            f"{8 * width:,} bits; give numbers, or a smaller T"
        )

    def packed(one: Polynomial) -> Number:
        at = (8 * width * sum(n * place for n, place in zip(monomial, places, strict=False)) for monomial in one)
        value = sum((c * (1 << bits) for c, bits in zip(one.values(), at, strict=True)), Fraction(0))
        return int(value) if value.denominator == 1 else value

    found = int(Fraction(total([packed(one) for some in plain for one in some])) * below)
    coefficients: dict[tuple[int, ...], Any] = {}
    for at, digit in enumerate(_digits(found, width, places[-1])):
        if digit:
            monomial = tuple(at // place % (degree + 1) for place, degree in zip(places, degrees, strict=False))
            coefficients[monomial] = ring.domain(digit) / ring.domain(below)
    return ring.from_dict(coefficients)


def _polynomial(ring: Any, x: Number) -> Polynomial:
    domain = ring.domain
    return {monomial: Fraction(int(domain.numer(c)), int(domain.denom(c))) for monomial, c in ring(x).terms() if c}


def _size(group: Sequence[Number]) -> int:
    """By how much a factor can lengthen a product, all put over one denominator; formulas are not foreseen."""
    below = denominator(group)
    sizes = [abs(x.numerator) * (below // x.denominator) for x in group if type(x) in (int, Fraction)]
    return int(max([below, *sizes]))


def _digits(value: int, width: int, count: int) -> list[int]:
    """The signed digits of a number to the base 256^width, lowest first."""
    half = 1 << 8 * width - 1
    shift = half * (((1 << 8 * width * count) - 1) // ((1 << 8 * width) - 1))
    stored = (value + shift).to_bytes(width * count, "little")
    return [int.from_bytes(stored[i : i + width], "little") - half for i in range(0, len(stored), width)]
