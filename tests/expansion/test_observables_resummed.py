"""Resummed observables: exact series and exact runs, closed forms, arrays, matrices of learning rates, samples."""

from fractions import Fraction
from functools import lru_cache
from itertools import product

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.errors import InputError, MissingTensorError, UnsupportedError
from fastdiag.expansion import OBSERVABLES
from fastdiag.values.eigenbasis import eigenbasis_of
from fastdiag.values.root import Root
from fastdiag.values.rvalue import resummed
from fastdiag.values.uvalue import contraction
from oracles import oracle
from oracles.observed_losses import floats, grid, symbolic, wanted
from oracles.random_points import turned


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


@pytest.mark.every(5)
@pytest.mark.parametrize("name", OBSERVABLES)
@pytest.mark.parametrize("case", [(4, 2, 2, "reshuffle"), (2, 1, 4, "reshuffle"), (2, 1, 3, "cyclic"), (3, 2, 2, "replacement")], ids=str)
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
             for a, b, c in [(1, -2, 0), (-1, 1, 3)]]
CHANCES = [Fraction(2, 3), Fraction(1, 3)]


@lru_cache
def quadratic():
    import sympy

    u, v, a, b, c = sympy.symbols("u v a b c")
    law = {(p[1, 0], p[0, 1], p[0, 0]): w for p, w in zip(QUADRATIC, CHANCES, strict=True)}
    formula = a * u + b * v + u**2 / 2 + sympy.Rational(3, 4) * v**2 + c
    return fd.landscapes.symbolic(formula, (u, v), (a, b, c), fd.landscapes.finite(law), at=[0, 0])


@pytest.mark.every(5)
@pytest.mark.parametrize("name", OBSERVABLES)
@pytest.mark.parametrize("case", [(2, 1, 4, "reshuffle"), (2, 1, 3, "cyclic"), (3, 1, 2, "reshuffle"), (2, 2, 2, "cyclic"), (3, 2, 2, "replacement")],
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


ETAS = np.array([4e-3, 2e-3])


@pytest.mark.parametrize("name", OBSERVABLES)
def test_resummed_parts_from_the_series_one_order_later(name):
    """The Hessian is not diagonal: errors fall as eta^(d+1)."""
    case, order = (2, 1, 4, "reshuffle"), 2
    series = [c.astype(float) for c in wanted(name, 1, case)]
    p = fd.predict(floats(1), grid(case), ETAS, order, observable=name)
    gaps = np.array([
        np.abs(p.total[i] - sum(c * eta**d for d, c in enumerate(series))).max() for i, eta in enumerate(ETAS)
    ])
    slope = np.log2(gaps[0] / gaps[1])
    assert order + 0.8 < slope < order + 1.3


SETTINGS = [{"resummed": False}, {}, {"continuous": True}]


@pytest.mark.parametrize("name", OBSERVABLES)
def test_arrays_are_many_predictions(name):
    land, spacetime = floats(1), fd.Spacetime(6, 1, 6)
    tail = (2,) * (np.ndim(fd.predict(land, spacetime, 0.1, 0, observable=name).total))
    for settings in SETTINGS:
        p = fd.predict(land, spacetime, [0.01, 0.02, 0.05], 3, name, T=[2, 6], **settings)
        assert p.total.shape == (3, 2, *tail)
        assert all(term.shape == p.total.shape for term in [*p.by_order, *p.by_diagram.values()])
        for (i, eta), (j, T) in product(enumerate([0.01, 0.02, 0.05]), enumerate([2, 6])):
            alone = fd.predict(land, fd.Spacetime(6, 1, T), eta, 3, name, **settings)
            np.testing.assert_allclose(p.total[i, j], alone.total, rtol=1e-12, atol=1e-15)
            for d in range(4):
                np.testing.assert_allclose(p.by_order[d][i, j], alone.by_order[d], rtol=1e-11, atol=1e-15)
        if name not in ("covariance", "test_loss_variance"):
            for d in range(4):
                terms = [value for D, value in p.by_diagram.items() if D.order == d]
                np.testing.assert_allclose(sum(terms), p.by_order[d] if terms else 0, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", OBSERVABLES)
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_matrix_eta_is_a_change_of_coordinates(name, settings):
    land, spacetime = floats(1), fd.Spacetime(6, 1, 5)
    number = fd.predict(land, spacetime, 0.02, 3, name, **settings)
    matrix = fd.predict(land, spacetime, 0.02 * np.eye(2), 3, name, **settings)
    np.testing.assert_allclose(matrix.total, number.total, rtol=1e-11, atol=1e-15)
    metric = np.array([[0.02, 0.005], [0.005, 0.01]])
    root = np.linalg.cholesky(metric) @ np.array([[0.6, -0.8], [0.8, 0.6]])  # any V with V V^T = eta: theta = V phi
    flat = turned(land, root)
    a = fd.predict(land, spacetime, metric, 3, name, **settings)
    b = fd.predict(flat, spacetime, 1.0, 3, name, **settings)
    for ours, theirs in zip(a.by_order, b.by_order, strict=True):
        for axis in range(np.ndim(theirs)):
            theirs = np.moveaxis(np.tensordot(theirs, root, (axis, 1)), -1, axis)
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-14)


def means(points=3, n=3, seed=0):
    """Mean estimation: l_x = theta.H.theta / 2 + s_x.theta, the Hessian the same for all points."""
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(n, n))
    hessian = half @ half.T / n
    slopes = rng.normal(size=(points, n))
    return fd.landscapes.samples(rng.normal(size=points), slopes, np.tile(hessian, (points, 1, 1)), np.zeros((points, n, n, n)))


def test_closed_forms_of_mean_estimation():
    """theta_T = -eta sum_t K^(T-1-t) s_t, and its limits; with a Hessian that is not diagonal."""
    land, eta, T = means(), 0.2, 9
    H, G, C = land.hessian, land.gradient, land.gradient_covariance
    K = np.eye(3) - eta * H
    powers = [np.linalg.matrix_power(K, t) for t in range(T)]
    spacetime = fd.Spacetime(12, 1, T)
    mean = -eta * sum(powers) @ G
    spread = eta**2 * sum(k @ C @ k for k in powers)
    np.testing.assert_allclose(fd.predict(land, spacetime, eta, 2, "displacement").total, mean, rtol=1e-12)
    covariance = fd.predict(land, spacetime, eta, 2, "covariance").total
    np.testing.assert_allclose(covariance, spread, rtol=1e-11)
    gap = fd.predict(land, spacetime, eta, 2, "generalization_gap").total  # -(1/N) sum over rows of cov(s_r, theta_T)
    assert gap == pytest.approx(eta / 12 * np.sum(sum(powers) * C), rel=1e-12)
    still = fd.predict(means(), fd.Spacetime(np.inf, 1, np.inf), eta, 2, "covariance").total
    values, vectors = np.linalg.eigh(H)
    k = 1 - eta * values
    limit = vectors @ (eta**2 * (vectors.T @ C @ vectors) / (1 - np.outer(k, k))) @ vectors.T
    np.testing.assert_allclose(still, limit, rtol=1e-11)
    smooth = fd.predict(land, spacetime, eta, 2, "covariance", continuous=True).total
    sums = values[:, None] + values
    limit = vectors @ (eta * (vectors.T @ C @ vectors) * -np.expm1(-eta * sums * T) / sums) @ vectors.T
    np.testing.assert_allclose(smooth, limit, rtol=1e-10)
    smooth = fd.predict(land, spacetime, eta, 1, "displacement", continuous=True).total
    np.testing.assert_allclose(smooth, vectors @ (np.expm1(-eta * values * T) / values * (vectors.T @ G)), rtol=1e-10)


@pytest.mark.parametrize("text", ["[a a]", "[a b]", "[a a[b a]]", "[a b[b b]]"])
def test_edges_that_end_in_axes_are_not_exchanged(text):
    """Each order of the axes by itself; un-resummed is the resummed value where the Hessian vanishes."""
    D, spacetime = fd.Diagram.parse(text), fd.Spacetime(4, 2, 5, sampling="replacement")
    rng = np.random.default_rng(2)
    hess = rng.normal(size=(3, 2, 2))
    hess = hess + hess.transpose(0, 2, 1)
    third = np.einsum("s,i,j,k->sijk", rng.normal(size=3), *[rng.normal(size=2)] * 3)
    land = fd.landscapes.samples(np.zeros(3), rng.normal(size=(3, 2)), hess - hess.mean(axis=0), third)
    for kept in ((0, 1), (1, 0)):
        root = Root(open=kept)
        summed = resummed(D, eigenbasis_of(land), [spacetime], np.array([0.3]), roots=[root])[0, 0]
        plain = contraction(D, land, root) * float(fd.coefficient(D, spacetime)) * 0.3**D.order
        assert np.abs(plain).max() > 1e-9
        np.testing.assert_allclose(summed, plain, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("name", ["displacement", "covariance", "generalization_gap", "test_loss_variance"])
def test_large_cumulants_are_not_formed(name, monkeypatch):
    import importlib

    land, spacetime = fd.landscapes.logistic(
        np.random.default_rng(0).normal(size=(7, 3)), [0, 1, 1, 0, 1, 0, 1], [0.1, 0.2, -0.3], 0.1
    ), fd.Spacetime(4, 2, 4)
    dense = fd.predict(land, spacetime, 0.1, 3, name, resummed=False)
    monkeypatch.setattr(importlib.import_module("fastdiag.values.uvalue"), "DENSE_BYTES", 0)
    factored = fd.predict(land, spacetime, 0.1, 3, name, resummed=False)
    for D, value in dense.by_diagram.items():
        np.testing.assert_allclose(factored.by_diagram[D], value, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", ["train_loss", "generalization_gap"])
@pytest.mark.parametrize("method", ["polykay", "disjoint"])
def test_estimates_are_unbiased(name, method):
    """The mean over all samples of 4 points is the prediction on the distribution that they are drawn from."""
    rng = np.random.default_rng(3)
    hess = rng.normal(size=(2, 2, 2))
    arrays = [rng.normal(size=2), rng.normal(size=(2, 2)), hess + hess.transpose(0, 2, 1)]
    spacetime, eta = fd.Spacetime(2, 1, 4), 0.3
    total = 0.0
    for chosen in product(range(2), repeat=4):
        sample = fd.landscapes.estimated(fd.landscapes.samples(*(a[list(chosen)] for a in arrays)), method=method)
        p = fd.predict(sample, spacetime, eta, 2, name, resummed=False)
        total += p.total / 2**4
        if method == "polykay":
            assert p.stderr >= 0
    assert total == pytest.approx(fd.predict(fd.landscapes.samples(*arrays), spacetime, eta, 2, name, resummed=False).total)


def test_fresh_data_leave_no_gap():
    assert fd.predict(floats(1), fd.Spacetime(np.inf, 1, 4), 0.1, 3, "generalization_gap").total == 0
    assert fd.predict(symbolic(1), fd.Spacetime(np.inf, 1, 4), 1, 2, "generalization_gap", resummed=False).total == 0


def test_less_than_the_whole_order_of_derivatives_is_needed():
    land = fd.landscapes.samples([0.0, 1.0], [[1.0, 0.5], [0.0, 2.0]], [np.eye(2)] * 2)
    for summed in (True, False):
        p = fd.predict(land, fd.Spacetime(4, 1, 4), 0.1, 3, "covariance", resummed=summed)
        assert p.total.shape == (2, 2)
        assert np.isfinite(fd.predict(land, fd.Spacetime(4, 1, 4), 0.1, 3, "test_loss_variance", resummed=summed).total)
    with pytest.raises(MissingTensorError, match="generalization_gap to order 3"):
        fd.predict(land, fd.Spacetime(4, 1, 4), 0.1, 3, "generalization_gap")


def test_what_is_refused():
    land, spacetime = floats(1), fd.Spacetime(4, 1, 4)
    with pytest.raises(InputError, match="known: test_loss, train_loss, generalization_gap, displacement, covariance"):
        fd.predict(land, spacetime, 0.1, 2, "gap")
    for name in ("displacement", "covariance", "test_loss_variance"):
        sample = fd.landscapes.estimated(fd.landscapes.samples([0.0] * 9, np.ones((9, 1)), np.ones((9, 1, 1))))
        with pytest.raises(UnsupportedError, match=f"the {name} is not estimated"):
            fd.predict(sample, spacetime, 0.1, 1, name, resummed=False)
    with pytest.raises(UnsupportedError, match="has axes"):
        fd.predict(land, spacetime, 0.1, 2, "displacement", device="cuda")
