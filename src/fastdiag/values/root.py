"""What stands at the root of a diagram in place of a derivative of the test loss."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ..spacetime import Spacetime

Edges = tuple[int, ...]


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

    def weight(self, spacetime: Spacetime) -> Fraction:
        """sign, or sign / N."""
        if not self.per_point:
            return Fraction(self.sign)
        return Fraction(0) if spacetime.N == float("inf") else Fraction(self.sign, spacetime.finite("N"))


def loss_root(degree: int) -> Root:
    """The root of the test loss: grad^degree l."""
    return Root(nodes=(tuple(range(degree)),))
