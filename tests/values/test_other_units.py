"""Numbers of any size, and near the edge: right to their digits, or refused."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy

import fastdiag as fd
import fastdiag.record

F = Fraction
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 2)), [0, 1, 1, 0, 1, 0]


# un-resummed and resummed: l = mean of log(1 + e^u) - y u, u = x w; one weight, points x 10^60, eta of 1e-123
def fit(scale):
    return fd.landscapes.logistic([[scale], [-2 * scale], [scale / 2]], [1, 0, 0], [0.0])


def expected(x, y, eta, order, updates):
    """The mean of the loss after updates on fresh points, as a series in eta: by all data sets, in mpmath."""
    with mpmath.workdps(60):
        def loss(w):
            return sum(mpmath.log(1 + mpmath.exp(a * w)) - b * a * w for a, b in zip(x, y, strict=True)) / 3

        def after(rate):
            ends = [mpmath.mpf(0)]
            for _ in range(updates):
                ends = [w - rate * a * (1 / (1 + mpmath.exp(-a * w)) - b) for w in ends for a, b in zip(x, y, strict=True)]
            return sum(map(loss, ends)) / len(ends)

        return [float(c * mpmath.mpf(eta) ** d) for d, c in enumerate(mpmath.taylor(after, 0, order))]


@pytest.mark.parametrize(("scale", "eta"), [(1e60, 1e-123), (1e-60, 1e117), (1e100, 1e-203), (1.0, 1e-3), (1e-100, 1e198)])
def test_order_three_in_other_units(scale, eta):
    land, st = fit(scale), fd.Spacetime(N=float("inf"), T=3)
    ratio = eta * scale**2
    right = expected([mpmath.mpf(1), mpmath.mpf(-2), mpmath.mpf("0.5")], [1, 0, 0], ratio, 3, 3)
    found = fd.predict(land, st, eta, 3, resummed=False).by_order
    assert found == pytest.approx(right, rel=1e-10, abs=0)
    plain = fd.predict(fit(1.0), st, ratio, 3).by_order
    assert fd.predict(land, st, eta, 3).by_order == pytest.approx(plain, rel=1e-10, abs=0)


@pytest.mark.parametrize("resummed", [True, False])
def test_many_sizes_of_learning_rates_at_once(resummed):
    st, etas = fd.Spacetime(N=4, T=4), [1e-3, 1e-123, 0.0, 1e-20, 1e-300, 1e-60]
    sample = fd.landscapes.estimated(fd.landscapes.logistic(X, Y, [0.1, 0.2]))
    for land in (fit(1.0), fit(1e-2), *([] if resummed else [sample])):
        for T in (None, [2, 4]):
            together = fd.predict(land, st, etas, 3, resummed=resummed, T=T)
            for i, eta in enumerate(etas):
                alone = fd.predict(land, st, eta, 3, resummed=resummed, T=T)
                assert np.array_equal(together.total[i], alone.total)
                assert np.array_equal([x[i] for x in together.by_order], alone.by_order)
                for diagram, value in alone.by_diagram.items():
                    assert np.array_equal(together.by_diagram[diagram][i], value)
                assert alone.stderr is None or np.array_equal(together.stderr[i], alone.stderr)
        if resummed:
            curve = fd.rvalue("[a b]", land, st, etas)
            assert curve.tolist() == [fd.rvalue("[a b]", land, st, eta) for eta in etas]


@pytest.mark.parametrize("power", [-60, 60, 100])
def test_a_formula_in_other_units(power):
    w, x = sympy.symbols("w x")
    st = fd.Spacetime(N=3, T=3)

    def land(unit):
        u = x * w * unit
        return fd.landscapes.symbolic((u - 1) ** 2 / 2 + u**3 / 7, w, x, fd.landscapes.normal(), at=[1 / unit])

    for resummed in (False, True):
        plain = fd.predict(land(sympy.Integer(1)), st, 1e-3, 3, resummed=resummed).by_order
        found = fd.predict(land(sympy.Integer(10) ** power), st, float(f"1e{-3 - 2 * power}"), 3, resummed=resummed).by_order
        assert found == pytest.approx(plain, rel=1e-10, abs=0)


def product_of(text, g, h):
    """The value of a chain with a gradient at both ends and Hessians between."""
    return F(g) ** 2 * F(h) ** (text.count("[") - 1)


PRODUCTS = [
    (text, g, h)
    for text in ("[a]", "[a[b]]", "[a[b[c]]]", "[a[b[c[d]]]]")
    for g, h in ((1e-250, 1e150), (1e300, 1e-150), (1e250, 1e-170), (1e-200, 1e120), (1e-300, 1e290))
    if F(10) ** -305 < product_of(text, g, h) < F(10) ** 305
]


@pytest.mark.parametrize(("text", "g", "h"), PRODUCTS)
def test_products_in_any_order(text, g, h):
    """Some products on the way are beyond the range, the value is not."""
    land = fd.landscapes.tensors({(1,): [g], (2,): [[h]]})
    assert fd.uvalue(text, land) == pytest.approx(float(product_of(text, g, h)), rel=1e-13, abs=0)


def test_digits_at_the_edge_of_stability():
    flat = np.zeros((2, 1, 1, 1))
    land = fd.landscapes.samples([0, 0], [[1.0], [-0.5]], [[[0.5]], [[1.5]]], flat)
    for sampling in ("cyclic", "reshuffle", "replacement"):  # N = 1: the same
        found = fd.predict(land, fd.Spacetime(1, 1, 10**9, sampling=sampling), 2 - 2.0**-20, 3)
        assert found.by_order[3] == pytest.approx(0.171875, rel=1e-12)
    plain = fd.landscapes.tensors({(1,): [1.0], (2,): [[1.0]], (1, 1): [[1.0]]})
    with mpmath.workdps(50):
        for eta in (2 - 1e-12, 2 - 1e-9, 2 - 2.0**-30, 2 - 2.0**-52):
            for updates in (10, 11, 10**6, 10**9 + 1):
                moved = 1 - (1 - mpmath.mpf(eta)) ** updates
                st = fd.Spacetime(float("inf"), 1, updates)
                found = fd.predict(plain, st, eta, 2, "covariance").by_diagram
                # the one diagram whose parts are single nodes is the square of the mean displacement
                assert found[fd.Diagram.parse("[a b]")].item() == pytest.approx(float(moved**2), rel=1e-12, abs=0)
                assert fd.rvalue("[a]", plain, st, eta) == pytest.approx(float(-moved), rel=1e-12, abs=0)


w, x = sympy.symbols("w x")
