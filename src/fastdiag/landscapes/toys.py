"""The landscapes of the papers that are formulas: GAUSS, ARCHIMEDES, MEAN ESTIMATION."""

from __future__ import annotations

from ..door import door
from .distributions import normal
from .exact import exact
from .symbolic import Symbolic, symbolic


@door
def gauss(h: object = 0) -> Symbolic:
    """GAUSS: l_x(h) = (h + x^2 exp(-h)) / 2, x ~ N(0, 1): fitting a variance exp(h). The minimum is at h = 0.

    Parameters
    ----------
    h : exact starting weight, a number or a formula

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.uvalue("[a a]", fd.landscapes.gauss())  # C.H, C = H = 1/2
    1/4
    """
    import sympy

    w, x = sympy.symbols("h x", real=True)
    return symbolic((w + x**2 * sympy.exp(-w)) / 2, w, x, normal(), [h])


@door
def archimedes(u: object = 0, v: object = 0, z: object = 0) -> Symbolic:
    """ARCHIMEDES: weights (u, v, z), l_x = H/2 + x S, x ~ N(0, 1): noise that pushes along a valley, like a screw.

    H = u^2 + v^2 + (cos(z) u + sin(z) v)^2 and S = cos(z - pi/4) u + sin(z - pi/4) v.

    Parameters
    ----------
    u, v, z : exact starting weights

    Examples
    --------
    >>> import fastdiag as fd
    >>> fd.landscapes.archimedes().hessian.diagonal().tolist()
    [2.0, 1.0, 0.0]
    """
    import sympy

    a, b, c, x = sympy.symbols("u v z x", real=True)
    H = a**2 + b**2 + (sympy.cos(c) * a + sympy.sin(c) * b) ** 2
    S = sympy.cos(c - sympy.pi / 4) * a + sympy.sin(c - sympy.pi / 4) * b
    return symbolic(H / 2 + x * S, (a, b, c), x, normal(), [u, v, z])


@door
def mean_estimation(H: object = 1, S: object = 1, theta: object = 0, ridge: object = 0) -> Symbolic:
    """MEAN ESTIMATION: l_x = (H + ridge) theta^2 / 2 + x S theta, x ~ N(0, 1).

    Parameters
    ----------
    H, S, ridge : exact numbers or formulas; the gradient's variance is S^2
    theta : exact starting weight

    Examples
    --------
    >>> import fastdiag as fd, sympy
    >>> H, S = sympy.symbols("H S")
    >>> fd.uvalue("[a a]", fd.landscapes.mean_estimation(H, S))
    H*S**2
    """
    import sympy

    w, x = sympy.Dummy("theta", real=True), sympy.Dummy("x", real=True)
    curvature = exact("H", H) + exact("ridge", ridge)
    return symbolic(curvature * w**2 / 2 + x * exact("S", S) * w, w, x, normal(), [theta])
