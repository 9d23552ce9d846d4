"""Gradient flow and its noisy companion: what SGD is often replaced by, as processes in continuous time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..door import door
from ..errors import InputError
from ..record import Portable

if TYPE_CHECKING:
    from ..diagram import Diagram


@dataclass(frozen=True, slots=True)
class Process(Portable):
    """A process in continuous time, T in units of updates; see `ode` and `sde`."""

    name: str
    largest_part: int
    """Nodes that one part of a diagram may have: drift is felt by one node at a time, noise by two."""

    def keeps(self, diagram: Diagram) -> bool:
        """Whether the diagram occurs: its parts are small enough. InputError if the root shares a part."""
        if diagram.root_shares:
            raise InputError(
                f"the root of {diagram} shares a part, so it sits at a training point, and {self} has none: it follows the "
                "gradient of the whole distribution; ask for the test loss"
            )
        return all(len(part) <= self.largest_part for part in diagram.parts)

    def __repr__(self) -> str:
        return f"{self.name}()"


@door
def ode() -> Process:
    """Gradient flow d theta = -eta grad l dt.

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.coefficient("[a b]", fd.Spacetime(N=10, T=10), update=fd.updates.ode())
    Fraction(50, 1)
    """
    return Process("ode", 1)


@door
def sde() -> Process:
    """Ito's d theta = -eta grad l dt + eta sqrt(C / B) dW, C(theta) the covariance of grad l_x(theta) over x.

    Examples
    --------
    >>> import fastdiag as fd
    >>> st, sde = fd.Spacetime(N=10, T=10), fd.updates.sde()
    >>> [fd.coefficient(D, st) - fd.coefficient(D, st, update=sde) for D in ("[a a]", "[a a a]")]
    [Fraction(0, 1), Fraction(-5, 3)]
    """
    return Process("sde", 2)
