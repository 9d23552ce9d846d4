"""What is put into a vector field: metrics and charts, clipping, sharpness-aware steps, games; each beside what is known."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

import fastdiag as fd

F = Fraction
w, u, v, x, rho = sympy.symbols("w u v x rho", real=True)
T, ETA = sympy.Symbol("T", positive=True, integer=True), sympy.Symbol("eta", positive=True)
FRESH = fd.Spacetime(N=float("inf"), T=T)
SIGNS = fd.landscapes.finite({-1: F(1, 2), 1: F(1, 2)})
pytestmark = pytest.mark.filterwarnings("ignore::fastdiag.errors.TrustWarning", "ignore::fastdiag.errors.TaylorWarning")


def test_two_charts_of_one_curved_line():
    """Natural gradient, v = g^-1 l', in theta with g = 1 and in phi with theta = phi + phi^2.

    A flow knows no charts, a step does: what is of the highest power of T agrees at each order, the rest does not. The
    charts' difference per update is the second derivative of the map, (theta''/2) (d phi)^2.
    """
    loss, chart = w**2 / 2 + w**3 + x * w, u + u**2
    straight = fd.landscapes.symbolic_field([sympy.diff(loss, w)], w, x, fd.landscapes.finite({0: 1}), [2])
    bent = sympy.diff(loss, w).subs(w, chart) / sympy.diff(chart, u)
    curved = fd.landscapes.symbolic_field([bent], u, x, fd.landscapes.finite({0: 1}), [1])
    s = w**2 + w
    ours = fd.predict(straight, FRESH, ETA, 3, fd.observable(s, w), resummed=False).by_order
    theirs = fd.predict(curved, FRESH, ETA, 3, fd.observable(s.subs(w, chart), u), resummed=False).by_order
    assert ours[:2] == theirs[:2]
    for d in (2, 3):
        powers = [sympy.Poly(sympy.expand_func(each[d] / ETA**d), T).all_coeffs() for each in (ours, theirs)]
        assert powers[0][0] == powers[1][0] != 0
        assert powers[0][1] != powers[1][1]
    slope = bent.subs({u: 1, x: 0})
    apart = sympy.expand(sympy.expand_func(theirs[2] - ours[2]) / ETA**2)
    assert apart.coeff(T, 1) == sympy.diff(s, w).subs(w, 2) * sympy.diff(chart, u, 2) / 2 * slope**2


def test_a_metric_that_depends_on_the_weights_has_a_drift_of_its_own():
    """Noise and a metric: theta' = -eta (1 + theta) x drifts by eta^2 (dg^-1/dtheta) g^-1 C ... in its modified equation."""
    h = 1 + u
    land = fd.landscapes.symbolic_field([h**2 * x], u, x, SIGNS, [0])
    equation = fd.modified_equation(3)
    drift, diffusion = equation.at(land, 1, B=1), equation.at(land, 1, "diffusion", B=1)
    assert [d[0] for d in drift[:3]] == [0, 0, 0]  # Ito's: a noise alone has no drift to order 2
    assert diffusion[2][0, 0] == 1
    assert drift[3][0] == 0


@pytest.mark.parametrize("c", [1, 3])
def test_smooth_clipping(c):
    """g / sqrt(1 + |g|^2 / c^2) of one point as a field is the rule `clipped`; of several, clipping before the mean."""
    g = [u + v**2 + x, 2 * v - u]
    size = sympy.sqrt(1 + (g[0] ** 2 + g[1] ** 2) / c**2)
    loss = u**2 / 2 + u * v**2 + x * u + v**2
    g = [sympy.diff(loss, each) for each in (u, v)]
    size = sympy.sqrt(1 + (g[0] ** 2 + g[1] ** 2) / c**2)
    one = fd.landscapes.finite({1: 1})
    field = fd.landscapes.symbolic_field([each / size for each in g], (u, v), x, one, [1, 1])
    rule = fd.predict(
        fd.landscapes.symbolic(loss, (u, v), x, one, [1, 1]), fd.Spacetime(6, T=6), 0.2, noise=1, observable="displacement",
        update=fd.updates.clipped(c),
    )
    found = fd.predict(field, fd.Spacetime(6, T=6), 0.2, noise=1, observable="displacement")
    np.testing.assert_allclose(found.total, rule.total, rtol=1e-12)


def test_sharpness_aware_steps():
    """v_x = grad l_x(theta + rho grad l_x): to first order in rho the drift of l + (rho/2) E |grad l_x|^2."""
    loss = w**2 / 2 + w**4 / 4 + x * w + x * w**2
    g = sympy.diff(loss, w)
    land = fd.landscapes.symbolic_field([g.subs(w, w + rho * g)], w, x, SIGNS, [1])
    drift = fd.modified_equation(1).at(land, 1)[1][0]
    mean = sum(loss.subs(x, sign) for sign in (-1, 1)) / 2
    sharp = sum(g.subs(x, sign) ** 2 for sign in (-1, 1)) / 2
    wanted = -sympy.diff(mean + rho / 2 * sharp, w).subs(w, 1)
    assert sympy.series(drift - wanted, rho, 0, 2).removeO() == 0


def test_a_game_of_two():
    """Both go down their own loss, u v and -u v: |theta|^2 grows by 1 + eta^2 an update, and with noise; all of it exact."""
    noise = [sympy.Symbol(name) for name in "xy"]
    land = fd.landscapes.symbolic_field([v + noise[0], -u + noise[1]], (u, v), noise, (SIGNS, SIGNS), [1, 0])
    away, eta, steps = fd.observable(u**2 + v**2, (u, v)), F(1, 10), 7
    wanted = (1 + eta**2) ** steps + 2 * eta**2 * sum((1 + eta**2) ** k for k in range(steps))
    st = fd.Spacetime(steps, T=steps)
    assert fd.predict(land, st, eta, 2, away).total == wanted  # no third derivatives, so order 2 resummed is all
    assert fd.predict(land, st, eta, noise=1, observable=away).total == wanted
    assert fd.predict(land, st, 0.1, 2, away).total == pytest.approx(float(wanted), rel=1e-13)  # complex eigenvalues
    equation = fd.modified_equation(2).at(land, 1, B=1)
    assert [list(each) for each in equation] == [[0, 0], [0, 1], [HALF, 0]]  # outwards, at u = 1


HALF = sympy.Rational(1, 2)
