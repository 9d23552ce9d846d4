"""Losses that are not smooth, not real or not finite are refused; the smooth side of a kink is answered, against quadrature."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

import fastdiag as fd

F, L, ST = Fraction, fd.landscapes, fd.Spacetime(N=10, T=10)
W, X = sympy.symbols("w x")
HALVES = L.finite({1: F(1, 2), 2: F(1, 2)})
HUBER = sympy.Piecewise(((W - X) ** 2 / 2, abs(W - X) < 1), (abs(W - X) - sympy.Rational(1, 2), True))


def land(loss, law, at):
    return L.symbolic(loss, W, X, law, [at])


def mean(function, low=0.0, high=1.0):
    """Over the uniform distribution, by Gauss and Legendre."""
    nodes, chances = np.polynomial.legendre.leggauss(60)
    return np.sum(chances * function((high - low) / 2 * nodes + (low + high) / 2)) / 2


REFUSED = {
    "a pole at a point": (lambda: fd.predict(land(W / X, L.finite({0: F(1, 2), 1: F(1, 2)}), 0), ST, F(1, 10), 1), "nan at w = 0, x = 0"),
    "complex for some data": (lambda: fd.predict(land(W * sympy.sqrt(X), L.uniform(-1, 1), 0), ST, F(1, 10), 1), "x = -5/7, which is not real"),
    "complex at a point": (lambda: fd.uvalue("[a]", land(W * sympy.log(X), L.finite({-1: 1}), 0)), "I\\*pi at w = 0, x = -1, which is not real"),
    "a hinge at a point": (
        lambda: fd.predict(land(sympy.Max(0, 1 - W * X), HALVES, 1), ST, F(1, 10), 2), "is 0 on one side and -1 on the other at w = 1, x = 1"),
    "a hinge for some data": (lambda: fd.uvalue("[a a]", land(sympy.Max(0, 1 - W * X), L.normal(), 1)), r"DiracDelta\(1 - x\).*has a kink for some data"),
    "an absolute value": (lambda: fd.uvalue("[a]", land(abs(W) * (1 + X), L.normal(), 0)), "x \\+ 1 on one side and -x - 1 on the other at w = 0"),
    "the third derivative of a cube": (lambda: fd.uvalue("[a b c]", land(abs(W) ** 3 + W, L.normal(), 0)), "along w, w, w is 6 on one side"),
    "a jump": (lambda: fd.uvalue("[a]", land(sympy.Heaviside(W) + W, L.normal(), 0)), "the loss is 1 on one side and 0 on the other"),
    "the second derivative of Huber's loss": (lambda: fd.uvalue("[a a]", land(HUBER, L.finite({1: F(1, 2), 3: F(1, 2)}), 0)), "along w, w is"),
    "no derivative": (lambda: fd.uvalue("[a]", land(sympy.floor(W * X), HALVES, 1)), "cannot be differentiated"),
    "a pole inside an interval": (lambda: fd.uvalue("[a]", land(1 / (W + X), L.uniform(-2, 1), 1)), "is infinite"),
    "an exponential": (lambda: land(sympy.exp(W * X**2), L.normal(), 1).loss, r"the mean of exp\(x\*\*2\) over"),
    "points of a loss with a kink": (lambda: land(abs(W - X), HALVES, 1).samples(1), "on one side"),
    "imaginary data": (lambda: L.symbolic(W, W, sympy.Symbol("z", imaginary=True), L.normal(), [0]), "z is declared otherwise"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(case):
    call, words = case
    with pytest.raises(fd.errors.InputError, match=words):
        call()


def test_beside_a_kink():
    """By hand: |w| (1 + x) at 1 has the gradient 1 + x, |w|^3 at 0 two vanishing derivatives, Huber's loss a slope of -1."""
    assert fd.uvalue("[a]", land(abs(W) * (1 + X), L.normal(), 1)) == 1
    assert fd.uvalue("[a a]", land(abs(W) * (1 + X) + W**2, L.normal(), -1)) == 2
    assert fd.uvalue("[a a]", land(abs(W) ** 3 * (1 + X) + X * W + W**2, L.normal(), 0)) == 2
    assert fd.uvalue("[a]", land(HUBER, L.finite({1: F(1, 2), 3: F(1, 2)}), 0)) == 1
    assert fd.uvalue("[a a]", land(sympy.Max(0, 1 - W * X) + W**2, HALVES, F(1, 3))) == F(1, 2)  # 2 var(x)


def test_weights_and_data_are_real():
    """sqrt(w^2) is |w|; a symbol of the same name that is a parameter stays itself."""
    other = sympy.Symbol("w", real=True)
    assert fd.uvalue("[a]", land(sympy.sqrt(W**2) * 3 + X, L.normal(), -1)) == 9
    assert fd.uvalue("[a]", land(W * other + X, L.normal(), 5)) == other**2
    assert fd.uvalue("[a]", land(W**2, L.normal(), W)) == 4 * W**2


UNIFORM = {  # first and second derivative along w, at w = 1, by hand
    "a pole": (1 / (W + X), lambda x: -1 / (1 + x) ** 2, lambda x: 2 / (1 + x) ** 3),
    "an arc tangent": (sympy.atan(W * X), lambda x: x / (1 + x**2), lambda x: -2 * x**3 / (1 + x**2) ** 2),
    "a logarithm": (sympy.log(1 + W * X), lambda x: x / (1 + x), lambda x: -(x**2) / (1 + x) ** 2),
    "a root": (sympy.sqrt(W + X), lambda x: (1 + x) ** -0.5 / 2, lambda x: -((1 + x) ** -1.5) / 4),
    "an exponential": (sympy.exp(-W * X), lambda x: -x * np.exp(-x), lambda x: x**2 * np.exp(-x)),
}


@pytest.mark.parametrize("case", UNIFORM.values(), ids=UNIFORM.keys())
def test_uniform_means(case):
    """Seconds at most each; SymPy's manual integration takes minutes for some."""
    loss, slope, bend = case
    here = land(loss, L.uniform(), 1)
    variance = mean(lambda x: slope(x) ** 2) - mean(slope) ** 2
    assert float(fd.uvalue("[a a]", here)) == pytest.approx(variance * mean(bend), rel=1e-12)
    assert float(fd.uvalue("[a]", here)) == pytest.approx(mean(slope) ** 2, rel=1e-12)


def test_an_antiderivative_on_the_wrong_branch_is_not_believed(monkeypatch):
    monkeypatch.setattr(sympy, "integrate", lambda *_, **__: sympy.pi)
    with pytest.raises(fd.errors.UnsupportedError, match="no closed form was found"):
        fd.uvalue("[]", land(sympy.sqrt(X + W), L.uniform(), 1))


def test_poles_cancel_between_terms():
    """(1 - x^2) / (1 - x) + w: expanded, each term has a pole at 1, which is no pole of the sum; its mean is 3/2."""
    assert land((1 - X**2) / (1 - X) + W, L.uniform(0, 2), 0).loss == 2
