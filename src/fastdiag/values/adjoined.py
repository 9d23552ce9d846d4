"""Arrays of numbers with square roots adjoined: sums of x_S times the product of e_v over v in S, where e_v^2 = z_v.

Two roots c +- sqrt(z) of one equation that nearly meet, or do, are the one number c + e: what is computed with it is as
accurate as with c, whatever the sign of z, and nothing is divided by sqrt(z).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

Number: TypeAlias = dict[int, Any]
"""S as a mask -> x_S, an array or a float; those that are not there are zero."""
Pair: TypeAlias = tuple[Number, Number]
"""A number k and its loss 1 - k, which keeps the digits of a k near 1."""
ONE: Pair = ({0: 1.0}, {})


class Ring:
    """Arithmetic with e_v^2 = roots[v] for the bits v of `adjoined`."""

    __slots__ = ("adjoined", "common")

    def __init__(self, adjoined: int, roots: Sequence[Any]) -> None:
        self.adjoined = adjoined
        self.common = {0: np.ones(())}
        """The square of the product of e_v over each set of v."""
        for v, z in enumerate(roots):
            if adjoined >> v & 1:
                self.common |= {mask | 1 << v: known * z for mask, known in self.common.items()}

    def times(self, a: Number, b: Number) -> Number:
        """The product."""
        if a is ONE[0]:
            return b
        if b is ONE[0]:
            return a
        total: Number = {}
        for i, x in a.items():
            for j, y in b.items():
                term = x * y
                if i & j:
                    term = term * self.common[i & j]
                total[i ^ j] = total[i ^ j] + term if i ^ j in total else term
        return total

    def multiplied(self, a: Pair, b: Pair) -> Pair:
        """k x other, and its loss."""
        if a is ONE:
            return b
        if b is ONE:
            return a
        loss = plus(plus(a[1], b[1]), self.times(a[1], b[1]), -1.0)
        return _settled(self.times(a[0], b[0]), loss)

    def squared(self, a: Pair) -> Pair:
        """k^2, and its loss y (2 - y), which does not amplify rounding."""
        if a is ONE:
            return a
        return _settled(self.times(a[0], a[0]), self.times(a[1], plus({0: 2.0}, a[1], -1.0)))

    def power(self, a: Pair, times: int) -> Pair:
        """k^times, and its loss."""
        result = ONE
        while times:
            if times & 1:
                result = self.multiplied(result, a)
            times >>= 1
            if times:
                a = self.squared(a)
        return result

    def product(self, pairs: Sequence[Pair]) -> Pair:
        """The product of several, and its loss."""
        return reduce(self.multiplied, pairs, ONE)

    def quotient(self, a: Number, b: Number) -> Number:
        """a / b, by solving b x = a."""
        masks = list(self.common)
        shape = np.broadcast_shapes(*(np.shape(x) for x in (*a.values(), *b.values())))
        kind = np.result_type(*a.values(), *b.values())
        matrix = np.zeros((*shape, len(masks), len(masks)), kind)
        right = np.zeros((*shape, len(masks), 1), kind)
        for column, mask in enumerate(masks):
            for i, x in self.times(b, {mask: 1.0}).items():
                matrix[..., masks.index(i), column] = x
            right[..., column, 0] = a.get(mask, 0.0)
        solved = np.linalg.solve(matrix, right)[..., 0]
        return {mask: solved[..., column] for column, mask in enumerate(masks)}


def plus(a: Number, b: Number, sign: float = 1.0) -> Number:
    """a + sign x b."""
    total = dict(a)
    for i, x in b.items():
        term = x if sign == 1.0 else sign * x
        total[i] = total[i] + term if i in total else term
    return total


def _settled(k: Number, loss: Number) -> Pair:
    """Where k is near 1, take its digits from the loss."""
    y = loss.get(0, 0.0)
    near = (y.real * y.real + y.imag * y.imag if np.iscomplexobj(y) else y * y) < 0.25
    k[0] = np.where(near, 1.0 - y, k.get(0, 0.0))
    return k, loss
