"""Every observable against SGD run in Fractions, un-resummed and resummed."""

from fractions import Fraction
from functools import lru_cache

import numpy as np
import pytest

import fastdiag as fd
import oracle
from fastdiag.errors import InputError, MissingTensorError, UnsupportedError
from fastdiag.expansion import OBSERVABLES

ORDERS = {"test_loss": 4, "train_loss": 4, "generalization_gap": 3, "displacement": 4, "covariance": 3,
          "test_loss_variance": 3}
AXES = {"displacement": 1, "covariance": 2}
CASES = [(3, 1, 2, "reshuffle"), (4, 2, 2, "reshuffle"), (2, 1, 4, "reshuffle"), (2, 1, 5, "cyclic"),
         (4, 2, 3, "reshuffle"), (3, 2, 2, "replacement"), (2, 1, 3, "replacement")]


def random_losses(seed, n, degree=5, points=2, diagonal=False):
    """Polynomial losses with small coefficients, and unequal weights of the points."""
    rng = np.random.default_rng(seed)
    exponents = [e for e in np.ndindex(*(degree + 1,) * n) if sum(e) <= degree]
    losses = [{e: Fraction(int(rng.integers(-3, 4)), 2) for e in exponents} for _ in range(points)]
    raw = [int(x) for x in rng.integers(1, 4, points)]
    weights = [Fraction(w, sum(raw)) for w in raw]
    if diagonal:  # the mean Hessian, not the points'
        mixed = oracle.mean_loss(losses, weights)[1, 1]
        for loss in losses:
            loss[1, 1] -= mixed
    return losses, weights


@lru_cache
def problem(seed, diagonal=False):
    return random_losses(seed, 2, diagonal=diagonal)


@lru_cache
def exact(seed, case, diagonal=False):
    return oracle.sgd_observables(*problem(seed, diagonal), *case, order=4)


def wanted(name, seed, case, diagonal=False):
    """Coefficients of eta^0, eta^1, ...: object arrays (n,) * axes."""
    series, axes = exact(seed, case, diagonal)[name], AXES.get(name, 0)
    found = []
    for d in range(ORDERS[name] + 1):
        array = np.empty((2,) * axes, dtype=object)
        for index in np.ndindex(*array.shape):
            array[index] = (series[index] if axes else series)[d]
        found.append(array)
    return found


@lru_cache
def symbolic(seed, diagonal=False):
    import sympy

    losses, weights = problem(seed, diagonal)
    u, v, *coefficients = sympy.symbols(f"u v c:{len(losses[0])}")
    powers = list(losses[0])
    formula = sum(c * u**a * v**b for c, (a, b) in zip(coefficients, powers, strict=True))
    values = [tuple(loss[e] for e in powers) for loss in losses]
    law = fd.landscapes.finite(dict(zip(values, weights, strict=True)))
    return fd.landscapes.symbolic(formula, (u, v), coefficients, law, at=[0, 0])


@lru_cache
def floats(seed, diagonal=False):
    return symbolic(seed, diagonal).samples()


def grid(case):
    N, B, T, sampling = case
    return fd.Spacetime(N, B, T, sampling=sampling)


@pytest.mark.parametrize("name", OBSERVABLES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_unresummed_is_sgd(case, name):
    eta = np.array([0.01, 0.3])
    p = fd.predict(floats(1), grid(case), eta, ORDERS[name], observable=name, resummed=False)
    for d, coefficient in enumerate(wanted(name, 1, case)):
        coefficient = coefficient.astype(float)
        np.testing.assert_allclose(
            p.by_order[d], np.multiply.outer(eta**d, coefficient), rtol=1e-11, atol=1e-12
        )


@pytest.mark.parametrize("name", OBSERVABLES)
@pytest.mark.parametrize("case", CASES[1:4], ids=str)
def test_unresummed_is_sgd_exactly(case, name):
    p = fd.predict(symbolic(1), grid(case), 1, 3, observable=name, resummed=False)
    for d, coefficient in enumerate(wanted(name, 1, case)[:4]):
        assert (np.asarray(p.by_order[d]) == coefficient).all(), d


def coefficients(polynomials, order):
    """Coefficients of eta^0..eta^order of an object array of polynomials."""
    import sympy

    eta = sympy.Symbol("eta")
    array = np.asarray(polynomials, dtype=object)
    whole = {index: sympy.Poly(array[index], eta) for index in np.ndindex(*array.shape)}
    return [
        np.array([whole[index].coeff_monomial(eta**d) for index in whole], dtype=object).reshape(array.shape)
        for d in range(order + 1)
    ]


@pytest.mark.parametrize("name", OBSERVABLES)
@pytest.mark.parametrize("case", [CASES[i] for i in (1, 2, 3, 5)], ids=str)
def test_resummed_is_sgd_to_its_order(case, name):
    """With a diagonal Hessian, exactly: the resummed sum to order d has the exact series to eta^d."""
    import sympy

    order = 3
    p = fd.predict(symbolic(2, True), grid(case), sympy.Symbol("eta"), order, observable=name)
    for d in range(order + 1):
        found = coefficients(p.up_to(d), d)
        for power, coefficient in enumerate(wanted(name, 2, case, True)[: d + 1]):
            assert (found[power] == coefficient).all(), (d, power)


QUADRATIC = [{(1, 0): Fraction(a), (0, 1): Fraction(b), (2, 0): Fraction(1, 2), (0, 2): Fraction(3, 4), (0, 0): Fraction(c)}
             for a, b, c in [(1, -2, 0), (-1, 1, 3), (2, 1, -1)]]
CHANCES = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]


@lru_cache
def quadratic():
    import sympy

    u, v, a, b, c = sympy.symbols("u v a b c")
    law = {(p[1, 0], p[0, 1], p[0, 0]): w for p, w in zip(QUADRATIC, CHANCES, strict=True)}
    formula = a * u + b * v + u**2 / 2 + sympy.Rational(3, 4) * v**2 + c
    return fd.landscapes.symbolic(formula, (u, v), (a, b, c), fd.landscapes.finite(law), at=[0, 0])


@pytest.mark.parametrize("name", OBSERVABLES)
@pytest.mark.parametrize("case", [(2, 1, 4, "reshuffle"), (2, 1, 3, "cyclic"), (2, 2, 3, "cyclic"), (3, 2, 2, "replacement")],
                         ids=str)
def test_resummed_is_exact_where_hessians_are_equal(case, name):
    """Quadratic losses that differ by their gradients: few diagrams are all there are, at any learning rate."""
    eta, T = Fraction(2, 5), case[2]
    order = 4 if name == "test_loss_variance" else 2
    p = fd.predict(quadratic(), grid(case), eta, order, observable=name)
    found = np.asarray(p.total, dtype=object)
    for index in np.ndindex(*found.shape):
        series = whole_series(case)[name]
        assert len(series[index] if index else series) == 4 * T + 1
        assert found[index] == sum(c * eta**d for d, c in enumerate(series[index] if index else series))
    decimal = fd.predict(quadratic().samples(2) if order == 2 else quadratic(), grid(case), float(eta), order, observable=name)
    np.testing.assert_allclose(decimal.total, found.astype(float), rtol=1e-12)


@lru_cache
def whole_series(case):
    """theta_T is a polynomial of degree T in eta here, so the series end: those of squares of losses at 4 T."""
    return oracle.sgd_observables(QUADRATIC, CHANCES, *case, order=4 * case[2])
