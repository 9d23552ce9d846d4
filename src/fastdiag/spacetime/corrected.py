"""Descent that is led: gradients of penalties, small as the learning rate, added to those of batches."""

from __future__ import annotations

from dataclasses import dataclass

from ..arguments import number, shown
from ..door import door
from ..errors import InputError
from ..numerals import written
from ..record import Portable
from ..typing import Number
from .formulas import is_formula


@dataclass(frozen=True, slots=True, repr=False)
class Corrected(Portable):
    """theta <- theta - eta (g + eta (noise grad C + slope H G)); see `corrected`."""

    noise: Number
    slope: Number

    def __repr__(self) -> str:
        return f"corrected({written(self.noise)}, {written(self.slope)})"


@door
def corrected(noise: Number = 0, slope: Number = 0) -> Corrected:
    """SGD with eta (noise grad C + slope H G) added to the gradient g of every batch.

    These are the gradients of eta (noise C + slope G.G / 2), G the gradient of the test loss and C the trace of its
    covariance over the points (with a matrix eta, of eta C and eta G.G). Their unbiased estimates come from the run's whole
    training set: |g_x - g_y|^2 / 2 and g_x . g_y, averaged over pairs of points, differentiated by Hessians times vectors.
    Whatever the batches, an update takes 2 N gradients and N such products.

    With the right factors SGD in some batches over some epochs follows that in others, or GD follows SGD (the papers' GDC):
    `fastdiag.results.emulation(spacetime, 1, like, like_eta)` says which, like_eta in units of eta. `fastdiag.simulate`
    runs it; a pair of points is in no diagram, so `predict` knows it not.

    Parameters
    ----------
    noise : factor of grad C, any size or sign
    slope : factor of H G

    Raises
    ------
    InputError : they are no numbers

    Examples
    --------
    Ten points in one batch, four times over, follow the four epochs of a point at a time:

    >>> import fastdiag as fd
    >>> whole, one = fd.Spacetime(N=10, B=10, T=40), fd.Spacetime(N=10, B=1, E=4)
    >>> fd.updates.corrected(*fd.results.emulation(whole, 1, one))
    corrected(Fraction(9, 40), Fraction(0, 1))
    """
    found = number("noise", noise), number("slope", slope)
    for factor in found:
        if is_formula(factor):
            raise InputError(f"{shown(factor)} is a formula; corrected takes numbers")
    return Corrected(*found)
