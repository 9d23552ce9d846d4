"""Hessian-based steps: Newton's, regularized by the learning rate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from ..arguments import number
from ..door import door
from ..numerals import written
from ..record import Portable
from ..typing import Number


@dataclass(frozen=True, slots=True)
class RegularizedNewton(Portable):
    """theta <- theta - (1/eta + lam hess l_t)^-1 grad l_t, l_t the loss of the batch; see `regularized_newton`."""

    lam: Number
    """How much of the Hessian: an int, a Fraction or a SymPy expression; a float for predictions only."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "lam", number("lam", self.lam))

    def __repr__(self) -> str:
        return f"regularized_newton({written(self.lam)})"

    def exactly(self) -> RegularizedNewton:
        """The same with a float as the fraction that it is."""
        return replace(self, lam=Fraction(self.lam)) if isinstance(self.lam, float) else self


@door
def regularized_newton(lam: Number) -> RegularizedNewton:
    """theta <- theta - (1/eta + lam hess l_t)^-1 grad l_t, l_t the loss of the batch.

    lam = 1 is Newton's step with 1/eta added to the Hessian, which optimization calls regularized; lam = 0 is SGD. (A
    damped Newton step is a shortened one, alpha hess^-1 grad; Levenberg and Marquardt regularize the Gauss-Newton matrix.)
    In powers of eta it is -eta sum_k (-eta lam hess l_t)^k grad l_t: a chain of k + 1 nodes at one update.

    Parameters
    ----------
    lam : a number or a SymPy expression; exact where exact results are asked for

    Raises
    ------
    InputError : not a finite real number or formula

    Examples
    --------
    >>> import fastdiag as fd, sympy
    >>> newton = fd.updates.regularized_newton(sympy.Symbol("lambda"))
    >>> fd.coefficient("[a[b]]", fd.Spacetime(N=10, T=10), update=newton)
    10*lambda + 45
    """
    return RegularizedNewton(lam)
