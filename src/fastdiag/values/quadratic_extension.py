"""Arrays of numbers with square roots adjoined: sums of x_S times the product of e_v over v in S, where e_v^2 = z_v.

Two roots c +- sqrt(z) of one equation that nearly meet, or do, are the one number c + e: what is computed with it is as
accurate as with c, whatever the sign of z, and nothing is divided by sqrt(z). A factor keeps its complement, 1 - k, which
has the digits of a k near 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

Parts: TypeAlias = dict[int, Any]
"""S as a mask -> x_S, an array or a float; those that are not there are zero."""


class Extension:
    """Arithmetic with e_v^2 = roots[v] for the bits v of `adjoined`."""

    __slots__ = ("common",)

    def __init__(self, adjoined: int, roots: Sequence[Any]) -> None:
        self.common: Parts = {0: np.ones(())}
        """The square of the product of e_v over each set of v."""
        for v, z in enumerate(roots):
            if adjoined >> v & 1:
                self.common |= {mask | 1 << v: known * z for mask, known in self.common.items()}

    def factor(self, k: Parts, complement: Parts) -> Element:
        """A factor k, and 1 - k."""
        return Element(self, k, complement)

    def times(self, a: Parts, b: Parts) -> Parts:
        """The product."""
        total: Parts = {}
        for i, x in a.items():
            for j, y in b.items():
                term = x * y
                if i & j:
                    term = term * self.common[i & j]
                total[i ^ j] = total[i ^ j] + term if i ^ j in total else term
        return total

    def quotient(self, a: Parts, b: Parts) -> Parts:
        """a / b, by solving b x = a."""
        masks = list(self.common)
        if len(masks) == 1:
            return {mask: x / b[0] for mask, x in a.items()}
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


class Element:
    """A number of the extension; sums forget their complement, products keep it."""

    __slots__ = ("extension", "lost", "parts")

    def __init__(self, extension: Extension, parts: Parts, lost: Parts | None = None) -> None:
        self.extension, self.parts, self.lost = extension, parts, lost

    @property
    def complement(self) -> Element:
        """1 - x."""
        return Element(self.extension, _plus({0: 1.0}, self.parts, -1.0) if self.lost is None else self.lost)

    def __mul__(self, other: Any) -> Element:
        if not isinstance(other, Element):
            scale = float(other)
            parts = self.parts if scale == 1 else {mask: x * scale for mask, x in self.parts.items()}
            return Element(self.extension, parts)
        ring = self.extension
        product = ring.times(self.parts, other.parts)
        if self.lost is None or other.lost is None:
            return Element(ring, product)
        if other is self:  # y (2 - y) does not amplify rounding
            return Element(ring, *_settled(product, ring.times(self.lost, _plus({0: 2.0}, self.lost, -1.0))))
        lost = _plus(_plus(self.lost, other.lost), ring.times(self.lost, other.lost), -1.0)
        return Element(ring, *_settled(product, lost))

    __rmul__ = __mul__

    def __add__(self, other: Any) -> Element:
        if isinstance(other, Element):
            return Element(self.extension, _plus(self.parts, other.parts))
        return self if other == 0 else Element(self.extension, _plus(self.parts, {0: float(other)}))

    __radd__ = __add__

    def __truediv__(self, other: Element) -> Element:
        return Element(self.extension, self.extension.quotient(self.parts, other.parts))

    def __rtruediv__(self, other: Any) -> Element:
        return Element(self.extension, self.extension.quotient({0: float(other)}, self.parts))


def _plus(a: Parts, b: Parts, sign: float = 1.0) -> Parts:
    """a + sign x b."""
    total = dict(a)
    for i, x in b.items():
        term = x if sign == 1.0 else sign * x
        total[i] = total[i] + term if i in total else term
    return total


def _settled(k: Parts, lost: Parts) -> tuple[Parts, Parts]:
    """Where k is near 1, take its digits from its complement."""
    y = lost.get(0, 0.0)
    near = (y.real * y.real + y.imag * y.imag if np.iscomplexobj(y) else y * y) < 0.25
    k[0] = np.where(near, 1.0 - y, k.get(0, 0.0))
    return k, lost
