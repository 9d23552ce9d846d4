"""What stands at the root of a diagram in place of a derivative of the test loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from ..spacetime import Spacetime
from ..spacetime.formulas import is_formula
from ..typing import FloatArray

Edges: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Root:
    """One term of the root's tensor: a product of derivatives of the loss, and identities that end in the result's axes.

    The root's edges are named by their place among its children, 0 to k - 1; each occurs once.
    """

    nodes: tuple[Edges, ...] = ()
    """For each factor grad^j l its edges; if the root shares a part, the factor is of that part."""
    open: Edges = ()
    """Edges whose index is the result's, in the order of its axes."""
    sign: int = 1
    per_point: bool = False
    """Whether it is divided by N: the chance that the root's row is a given one."""
    owners: tuple[int, ...] = ()
    """For each factor whose it is: 0, the landscape's that diagrams are of; i, the i-th other function's, held-out data or
    what is observed. Empty: 0 for all."""

    def weight(self, spacetime: Spacetime) -> Any:
        """sign, or sign / N: a Fraction, or an expression in a symbol N."""
        if not self.per_point:
            return Fraction(self.sign)
        if is_formula(spacetime.N):
            return self.sign / spacetime.N
        return Fraction(0) if spacetime.N == float("inf") else Fraction(self.sign, spacetime.finite("N"))


Roots: TypeAlias = Sequence[Root]
"""The terms of a root's tensor, to be added."""
Terms: TypeAlias = tuple[tuple[Root, float], ...]
"""The same with their weights in a spacetime."""


def loss_root(degree: int) -> Root:
    """The root of the test loss: grad^degree l."""
    return Root(nodes=(tuple(range(degree)),))


def axes_of(roots: Roots) -> int:
    """How many axes of the result the terms leave open; all the same."""
    return len(roots[0].open)


def from_eigenbasis(values: FloatArray, directions: FloatArray, axes: int) -> FloatArray:
    """The last axes, from components along directions to the weights' coordinates: x^mu = sum_i V[mu, i] x_i."""
    for axis in range(values.ndim - axes, values.ndim):
        values = np.moveaxis(np.tensordot(values, directions, (axis, 1)), -1, axis)
    return values
