"""Digits of landscapes: points far from zero, saturated logits, any scale."""

import sys
from fractions import Fraction
from itertools import product

import mpmath
import numpy as np
import pytest

import fastdiag as fd
import fastdiag.record
from fastdiag.kernels.logistic_points import logistic_test_loss, logistic_train_loss
from fastdiag.landscapes.softplus import softplus

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 2)), [0, 1, 1, 0, 1, 0]


@pytest.mark.parametrize("nodes", [((0, 1), (0,), (1,)), ((0, 1), (1, 2)), ((0, 1, 2), (2,)), ((0,), (1, 2), (3,))])
def test_means_of_factors_are_those_of_whole_tensors(monkeypatch, nodes):
    def part():
        return fd.landscapes.logistic(X, Y, [0.1, 0.2], 0.1).part(nodes)

    whole = part()
    monkeypatch.setattr(sys.modules["fastdiag.landscapes.logistic"], "DENSE_BYTES", 0)
    assert part() == pytest.approx(whole, rel=1e-12, abs=1e-15)


F = Fraction


LANDSCAPES = fd.landscapes


def points(c, weighted=False):
    """Losses with gradients c, c + 1, c + 3 and c, 2 - c, c; Hessians c + {0, 2, 7}: as arrays and in Fractions."""
    shift = F(c)
    grads = [(shift, shift), (shift + 1, 2 - shift), (shift + 3, shift)]
    hesses = [[[shift + h, F(1)], [F(1), shift - h * h]] for h in (0, 2, 7)]
    losses = [shift + 4, shift - 1, shift]
    weights = [F(1, 2), F(1, 8), F(3, 8)] if weighted else [F(1, 3)] * 3
    return losses, grads, hesses, weights


def landscape(c, weighted=False):
    losses, grads, hesses, weights = points(c, weighted)
    arrays = (np.array(a, dtype=float) for a in (losses, grads, hesses))
    return LANDSCAPES.samples(*arrays, np.zeros((3, 2, 2, 2)), weights=[float(w) for w in weights] if weighted else None)


def cumulant(columns, weights):
    """The joint cumulant of some columns of Fractions, by its definition: a mean of products of deviations, less pairs'."""
    centred = [[x - sum(w * y for w, y in zip(weights, column, strict=True)) for x in column] for column in columns]

    def moment(*some):
        return sum(w * np.prod([centred[i][p] for i in some]) for p, w in enumerate(weights))

    if len(columns) < 4:
        return moment(*range(len(columns)))
    return moment(0, 1, 2, 3) - sum(moment(0, i) * moment(*({1, 2, 3} - {i})) for i in (1, 2, 3))


NODES = [((0,), (1,)), ((0,), (1,), (2,)), ((0,), (1,), (2,), (3,)), ((0, 1), (2,)), ((0, 1), (1,)), ((), (0,)), ((0, 1), (0, 1))]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("c", [0, 10**5, 10**8])
@pytest.mark.parametrize("nodes", NODES, ids=str)
def test_cumulants_of_points_far_from_zero(nodes, c, weighted):
    losses, grads, hesses, weights = points(c, weighted)
    found = landscape(c, weighted).part(nodes)
    tables = {0: losses, 1: grads, 2: hesses}
    wanted = np.empty(found.shape)
    for index in np.ndindex(*found.shape):
        columns = []
        for node in nodes:
            columns.append([np.array(x, dtype=object)[tuple(index[a] for a in node)] if node else x for x in tables[len(node)]])
        wanted[index] = float(cumulant(columns, weights))
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12 * np.abs(wanted).max())


@pytest.mark.parametrize("c", [0.0, 1e5, 1e8])
def test_three_gradients_far_from_zero(c):
    """Gradients c, c + 1, c + 3: variance 14/9, third cumulant 20/27; unbiased, with unit Hessian, 7/3."""
    land = LANDSCAPES.samples([0.0] * 3, [[c], [c + 1], [c + 3]], [[[1.0]]] * 3)
    assert land.gradient_covariance[0, 0] == pytest.approx(14 / 9, rel=1e-14)
    assert land.part(((0,), (0,), (0,))) == pytest.approx(20 / 27, rel=1e-13)
    assert fd.estimate("[a a]", land).value == pytest.approx(7 / 3, rel=1e-14)
    sample = LANDSCAPES.estimated(land)
    assert sample.gradient_covariance[0, 0] == pytest.approx(7 / 3, rel=1e-14)


@pytest.mark.parametrize("groups", [None, 3])
@pytest.mark.parametrize("text", ["[a]", "[a a]", "[a b]", "[a[a]]", "[a a a]", "a[a b]"])
def test_the_jackknife_of_points_far_from_zero(text, groups):
    """Estimates and errors from all samples less a group, in Fractions."""
    c, rng = 10**8, np.random.default_rng(5)
    grads, hesses = rng.integers(-4, 5, 6), rng.integers(-2, 3, 6)
    thirds = rng.integers(-2, 3, 6)

    def table(exact):
        kind = (lambda x: F(int(x))) if exact else float
        rows = [[kind(3)] * 6, [[kind(c + g)] for g in grads.tolist()], [[[kind(h)]] for h in hesses.tolist()],
                [[[[kind(j)]]] for j in thirds.tolist()]]
        return [np.array(row, dtype=object if exact else float) for row in rows]

    found = fd.estimate(text, LANDSCAPES.estimated(LANDSCAPES.samples(*table(False)), groups=groups))
    from fastdiag.landscapes import Samples
    from fastdiag.values.estimate import replicates

    exact = LANDSCAPES.estimated(Samples(tuple(table(True)), np.full(6, 1 / 6)), groups=groups)
    value, left_out = replicates(fd.Diagram.parse(text), exact)
    spread = [x - sum(left_out) / len(left_out) for x in left_out]
    count = len(spread)
    assert found.value == pytest.approx(float(value[()]), rel=1e-12)
    assert found.stderr == pytest.approx(float(sum(x * x for x in spread) * F(count - 1, count)) ** 0.5, rel=1e-9)


@pytest.mark.parametrize("c", [0.0, 1e5, 1e8])
def test_logistic_points_far_from_zero(c, monkeypatch):
    """With theta = 0 and one label a point's gradient is x / 2, its Hessian x x / 4."""
    X = np.array([[c, 1.0], [c + 1, 0.0], [c + 3, 5.0]])
    land = LANDSCAPES.logistic(X, [0, 0, 0], [0.0, 0.0])
    rows = [[F(x) for x in row] for row in X.tolist()]
    third = [F(1, 3)] * 3
    wanted = np.array([[float(cumulant([[r[i] / 2 for r in rows], [r[j] / 2 for r in rows]], third)) for j in (0, 1)] for i in (0, 1)])
    np.testing.assert_allclose(land.gradient_covariance, wanted, rtol=1e-13)
    mixed = [[[float(cumulant([[r[i] / 2 for r in rows], [r[j] * r[k] / 4 for r in rows]], third)) for k in (0, 1)]
              for j in (0, 1)] for i in (0, 1)]
    np.testing.assert_allclose(land.part(((0,), (1, 2))), mixed, rtol=1e-12)
    dense = {text: fd.uvalue(text, land) for text in ("[a a]", "[a a b]", "[a[a]]", "[a[a b]]", "[a a a]")}
    monkeypatch.setattr(sys.modules["fastdiag.values.uvalue"], "DENSE_BYTES", 0)
    for text, value in dense.items():
        assert fd.uvalue(text, land) == pytest.approx(value, rel=1e-7), text


@pytest.mark.parametrize("resummed", [False, True])
def test_variances_far_from_zero(resummed):
    """SGD on quadratics whose gradients are 1e8 + noise: the variance of theta_T is the noise's, without the mean's digits."""
    c, eta, T = 1e8, 0.25, 3
    land = LANDSCAPES.samples([0.0] * 3, [[c], [c + 1], [c + 3]], [[[0.0]]] * 3)
    p = fd.predict(land, fd.Spacetime(T, 1, T), eta, 2, "covariance", resummed=resummed)
    assert p.total[0, 0] == pytest.approx(eta**2 * T * 14 / 9, rel=1e-13)
    loss = fd.predict(land, fd.Spacetime(T, 1, T), eta, 2, "test_loss_variance", resummed=resummed)
    assert loss.total == pytest.approx(eta**2 * T * 14 / 9 * (c + 4 / 3) ** 2, rel=1e-13)
    gap = fd.predict(land, fd.Spacetime(T, 1, T), eta, 1, "generalization_gap", resummed=resummed)
    assert gap.total == pytest.approx(eta * 14 / 9, rel=1e-13)


@pytest.mark.parametrize("degree", range(7))
def test_slopes_at_any_logit(degree):
    """Against mpmath with digits enough; -log(2 + sqrt(3)) and others are roots, so no logit is near one."""
    for z in (-800.0, -740.0, -700.0, -40.0, -36.0, -5.0, -0.5, 0.0, 0.5, 5.0, 36.0, 40.0, 700.0, 800.0):
        with mpmath.workdps(1500):
            wanted = mpmath.log1p(mpmath.exp(z)) if degree == 0 else _slope(degree, mpmath.mpf(z))
            wanted = float(wanted)
        assert float(softplus(degree, np.array([z]))[0]) == pytest.approx(wanted, rel=1e-14, abs=1e-322)


def _slope(degree, z):
    s = 1 / (1 + mpmath.exp(-z))
    row = [0, 1]  # a polynomial in s
    for _ in range(degree - 1):
        slope = [k * a for k, a in enumerate(row)]
        row = [a - b for a, b in zip([*slope, 0], [0, *slope], strict=True)]
    return mpmath.polyval(row[::-1], s)


def test_saturated_losses_are_their_mirrors():
    for u in (36.0, 40.0, 600.0):
        one, other = LANDSCAPES.logistic([[1.0]], [1], [u]), LANDSCAPES.logistic([[1.0]], [0], [-u])
        assert one.loss == other.loss == pytest.approx(np.exp(-u), rel=1e-14)
        slopes = [-one.gradient[0], other.gradient[0], one.hessian[0, 0], other.hessian[0, 0]]
        assert slopes == pytest.approx([np.exp(-u)] * 4, rel=1e-14)
        simulated = fd.simulate(one, fd.Spacetime(N=1, T=1), 1e-9, runs=2)
        assert simulated.mean == pytest.approx(np.exp(-u), rel=1e-8)


def test_kernels_of_saturated_losses():
    Z, ridge = np.array([[1.0], [2.0]]), np.zeros(1)
    theta = -np.array([0.5, 30.0, 40.0, 300.0, 360.0]).reshape(1, -1, 1)
    wanted = np.array([[np.log1p(np.exp(t)) / 2 + np.log1p(np.exp(2 * t)) / 2 for t in theta[0, :, 0]]])
    for weights, uniform in product([np.full(2, 0.5)], [True, False]):
        out = np.empty((1, 5))
        logistic_test_loss(Z, weights, uniform, ridge, theta, out)
        np.testing.assert_allclose(out, wanted, rtol=1e-14)
    logistic_train_loss(Z, ridge, np.array([[0, 1]] * 5), theta, out)
    np.testing.assert_allclose(out, wanted, rtol=1e-14)


@pytest.mark.parametrize("scale", [1e60, 1e-60])
@pytest.mark.parametrize("resummed", [False, True])
@pytest.mark.parametrize("observable", ["test_loss", "train_loss", "displacement"])
def test_scales_of_weights(scale, resummed, observable):
    """x times a scale and eta over its square are the same losses: in powers of 2 to the last bit."""
    scale = 2.0 ** np.round(np.log2(scale))
    X, y, theta = np.array([[1.0, 0.5], [-2.0, 0.25], [0.3, 1.0]]), [1, 0, 1], np.array([0.1, 0.2])
    st, eta = fd.Spacetime(3, 1, 6), np.array([2e-3, 1e-3])
    plain = fd.predict(LANDSCAPES.logistic(X, y, theta), st, eta, 3, observable, resummed)
    land = LANDSCAPES.logistic(X * scale, y, theta / scale)
    found = fd.predict(land, st, eta / scale**2, 3, observable, resummed)
    unit = scale if observable == "displacement" else 1
    for one, other in zip(found.by_order, plain.by_order, strict=True):
        np.testing.assert_allclose(one * unit, other, rtol=1e-12)
