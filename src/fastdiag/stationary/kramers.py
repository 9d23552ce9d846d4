"""Escape from a minimum over a barrier: Kramers' rate, a heuristic, with its flux and its well."""

from __future__ import annotations

from math import erf, exp, pi, sqrt

import numpy as np

from ..arguments import flag, real
from ..door import silent_door
from ..errors import InputError
from .quadratic import positive
from .units import halves, product, within_floats


@silent_door
def kramers_rate(
    lam: float, k_a: float, k_b: float, S: float, dL: float, l: float = 0.5, discrete: bool = True
) -> float:
    """A heuristic for the rate of escape over a barrier, per unit of time (times lam: per update).

    [D] equation 51 (continuous) and 52 (discrete; printed with its prefactor inverted, corrected here). Neither is exact:
    the true correction starts at lam^2, and the corrected (52) lies within a factor of about two of the exact rate up to
    lam k_a = 1.5, further off beyond; see `escape_rate_1d`.

    Parameters
    ----------
    lam : learning rate
    k_a : curvature at the minimum, > 0
    k_b : curvature at the barrier, < 0
    S : batch size; the noise is |Hessian| / S
    dL : height of the barrier, > 0
    l : share of the path that lies in the minimum's curvature, in [0, 1]
    discrete : (52), else (51)

    Raises
    ------
    InputError : signs as above; lam k_a >= 2; a rate beyond floats

    Examples
    --------
    >>> import fastdiag as fd
    >>> round(fd.stationary.kramers_rate(0.5, 2.0, -1.0, S=4, dL=0.3, l=0.4, discrete=False), 12)
    0.003420812899
    """
    lam, k_a, S, dL = (positive(name, x) for name, x in (("lam", lam), ("k_a", k_a), ("S", S), ("dL", dL)))
    discrete = flag("discrete", discrete)
    k_b, exponent = _barrier(lam, k_a, k_b, S, dL, l, discrete)
    x = lam * k_a
    factors, divisors = [k_b, exp(-2 * exponent)], [2 * pi]
    if discrete:
        mantissa, e = halves((S, dL, 2 - x), (lam, k_a))
        z = float(np.ldexp(sqrt(mantissa * (1 + e % 2)), e // 2))
        factors, divisors = [*factors, sqrt((2 - x) / 2)], [*divisors, erf(z)]
    return within_floats("the rate", float(product(*factors, over=divisors)))


@silent_door
def well_probability(lam: float, k: float, C: float, dL: float, density: float = 1.0) -> float:
    """The probability of a well, from the density at its bottom ([D] equation 47, corrected).

    density sqrt(2 pi s) erf(sqrt(dL / (k s))) with SGD's stationary variance s = lam C / (k (2 - lam k)): the mass of the
    Gaussian within sqrt(2 dL / k), where the parabola has the barrier's height.

    Parameters
    ----------
    lam : learning rate
    k : curvature at the minimum, > 0
    C : variance of the gradient's noise there, > 0; k / S for [D]'s batches of S
    dL : height of the barrier, > 0
    density : probability density at the minimum, > 0

    Raises
    ------
    InputError : signs as above; lam k >= 2

    Examples
    --------
    >>> import fastdiag as fd
    >>> round(fd.stationary.well_probability(0.5, 1.0, 0.2, 0.1), 6)
    0.593319
    """
    lam, k, C, dL, density = (
        positive(name, x) for name, x in (("lam", lam), ("k", k), ("C", C), ("dL", dL), ("density", density))
    )
    x = _below_two(lam, k, "k")
    mantissa, e = halves((lam, C), (k, 2 - x))
    spread = float(np.ldexp(sqrt(mantissa * (1 + e % 2)), e // 2))
    z = float(product(sqrt(dL), over=(sqrt(k), spread)))
    return within_floats("the probability", float(product(density, sqrt(2 * pi), spread, erf(z))))


@silent_door
def barrier_flux(
    lam: float, k_a: float, k_b: float, S: float, dL: float, l: float = 0.5, discrete: bool = True, density: float = 1.0
) -> float:
    """The probability that crosses a barrier per unit of time, from the density at the well's bottom ([D] section 6).

    J = -D exp(-L/T) d/dw (exp(L/T) P), D = T = lam C / 2 where the drift is -grad L ([D] (45), sign and factor mended),
    constant from the bottom to behind the top: density |k_b| sqrt(lam / (4 pi S)) exp(-...), the exponent that of
    `kramers_rate`, which is this over `well_probability` ([D] (46), which prints the reciprocal).

    Parameters
    ----------
    lam, k_a, k_b, S, dL, l, discrete : as for `kramers_rate`, whose errors it raises
    density : probability density at the minimum, > 0

    Examples
    --------
    >>> import fastdiag as fd
    >>> flux, mass = fd.stationary.barrier_flux(0.5, 2, -1, 4, 0.3, 0.4), fd.stationary.well_probability(0.5, 2, 2 / 4, 0.3)
    >>> abs(flux / mass / fd.stationary.kramers_rate(0.5, 2, -1, 4, 0.3, 0.4) - 1) < 1e-14
    True
    """
    lam, k_a, S, dL = (positive(name, x) for name, x in (("lam", lam), ("k_a", k_a), ("S", S), ("dL", dL)))
    density = positive("density", density)
    k_b, exponent = _barrier(lam, k_a, k_b, S, dL, l, flag("discrete", discrete))
    crossing = product(density, k_b, sqrt(lam), exp(-2 * exponent), over=(2 * sqrt(pi), sqrt(S)))
    return within_floats("the flux", float(crossing))


def _below_two(lam: float, k: float, name: str) -> float:
    x = lam * k
    if x >= 2:
        raise InputError(
            f"no stationary state to escape from: lam must be below 2 / {name} = {product(2, over=(k,)):.6g}, "
            f"not {lam:.6g}"
        )
    return x


def _barrier(lam: float, k_a: float, k_b: float, S: float, dL: float, l: float, discrete: bool) -> tuple[float, float]:
    """-k_b, and half the exponent: barriers over temperatures S dL / (lam k)."""
    k_b, l = real("k_b", k_b), real("l", l)
    if k_b >= 0:
        raise InputError(f"k_b is the curvature at the barrier's top and must be negative, not {k_b}")
    if not 0 <= l <= 1:
        raise InputError(f"l is a share of the path, in [0, 1], not {l}")
    x = _below_two(lam, k_a, "k_a")
    near, far = float(product(S, dL, over=(lam, k_a))), float(product(S, dL, over=(lam, -k_b)))
    shares = ((l * (1 - x / 2 * discrete), near), (1 - l, far))
    return -k_b, sum(share * barrier for share, barrier in shares if share)
