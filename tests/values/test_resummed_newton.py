"""Resummed Hessian-based steps against steps taken in Fractions: as a series, and at large learning rates."""

import math
from collections import Counter
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import prod

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.expansion import OBSERVABLES
from oracles import oracle
from oracles.hessian_steps import add, step
from oracles.observed_losses import AXES, problem, symbolic

newton, L, F = fd.updates.regularized_newton, fd.landscapes, Fraction
SEED = 4  # the Hessian couples the two weights
ETA, LAMBDA = sympy.symbols("eta lambda", positive=True)
CASES = [  # one epoch and two, whole and partial, B = 1 and 2
    (2, 1, 2, "reshuffle"), (4, 2, 2, "reshuffle"), (2, 1, 4, "reshuffle"), (2, 1, 4, "cyclic"), (4, 2, 3, "cyclic"),
    (2, 1, 3, "replacement"), (3, 2, 2, "replacement"),
]


def descents(losses, weights, N, B, T, sampling, order, lam):
    """As `oracle.descents`, by Hessian-based steps."""
    sequences = Counter(tuple(tuple(sorted(b)) for b in s) for s in oracle.renamed_sequences(N, B, T, sampling))
    for training_set in product(range(len(losses)), repeat=N):
        for batches, often in sequences.items():
            theta = [[F(0)] * (order + 1) for _ in next(iter(losses[0]))]
            for batch in batches:
                moved = step(losses, [training_set[row] for row in batch], theta, lam)
                theta = [add(x, u) for x, u in zip(theta, moved, strict=True)]
            yield prod(weights[x] for x in training_set) * F(often, sequences.total()), training_set, theta


@lru_cache
def wanted(seed, case, order, lam):
    losses, weights = problem(seed)
    return oracle.sgd_observables(losses, weights, *case, order, runs=descents(losses, weights, *case, order, lam))


TINY = F(1, 10**9)


def has_series(value, series):
    """Whether an exact value at eta = 10^-9 is the series, all but higher powers: nothing is rounded."""
    rest = F(int(value.p), int(value.q)) - sum(x * TINY**d for d, x in enumerate(series))
    return abs(rest) < 10**5 * TINY ** len(series)


@pytest.mark.every(7)
@pytest.mark.parametrize("name", OBSERVABLES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_observable_as_a_series(case, name):
    """Two weights, coupled by the Hessian: what is kept to order 3 (2 of the gap) has the exact series."""
    lam, order, n = F(-2, 3), 2 if name == "generalization_gap" else 3, 2
    N, B, T, sampling = case
    p = fd.predict(symbolic(SEED), fd.Spacetime(N, B, T, sampling=sampling), TINY, order, name, update=newton(lam))
    total, series = np.asarray(p.total, dtype=object), wanted(SEED, case, 3, lam)[name]
    for index in np.ndindex(*(n,) * AXES.get(name, 0)):
        assert has_series(total[index], (series[index] if index else series)[: order + 1])


@pytest.mark.parametrize("case", [(2, 1, 3, "reshuffle"), (2, 2, 2, "cyclic")], ids=str)
def test_order_four(case):
    """One weight, all irreducible diagrams with four edges."""
    w, *c = sympy.symbols("w c:5")
    values = {(1, -1, 2, 1, F(1, 2)): F(1, 3), (0, 2, 1, -2, 1): F(2, 3)}
    law = L.finite(values)
    land = L.symbolic(sum(x * w**k for k, x in enumerate(c)), w, c, law, [0])
    losses = [{(k,): F(x) for k, x in enumerate(point)} for point in values]
    N, B, T, sampling = case
    p = fd.predict(land, fd.Spacetime(N, B, T, sampling=sampling), TINY, 4, update=newton(F(1, 2)))
    runs = descents(losses, list(values.values()), *case, 4, F(1, 2))
    test = oracle.mean_loss(losses, list(values.values()))
    series = [F(0)] * 5
    for chance, _, theta in runs:
        series = add(series, [chance * x for x in oracle.evaluate(test, theta)])
    assert has_series(p.total, series)


@pytest.mark.every(5)
@pytest.mark.parametrize("name", OBSERVABLES)
@pytest.mark.parametrize("case", [*CASES, (2, 1, 6, "reshuffle"), (5, 1, 5, "reshuffle")], ids=str)
def test_floats_are_the_exact_numbers(case, name):
    """Of one time, of a curve, and of several learning rates; a negative lambda, and curvature of both signs."""
    N, B, T, sampling = case
    st, rule = fd.Spacetime(N, B, T, sampling=sampling), newton(F(-1, 8))
    land = symbolic(3)
    exact = fd.predict(land, st, [F(1, 4), F(1, 16)], 2, name, update=rule, T=[1, T]).total.astype(float)
    found = fd.predict(land, st, [0.25, 0.0625], 2, name, update=newton(-0.125), T=[1, T]).total
    np.testing.assert_allclose(found, exact, rtol=1e-12, atol=1e-12)
    one = fd.predict(land, st, 0.0625, 2, name, update=newton(-0.125)).total
    np.testing.assert_allclose(one, exact[1, 1], rtol=1e-12, atol=1e-12)


H = [[F(2), F(1)], [F(1), F(3)]]  # the same for all points: only gradients are random
GRADIENTS = {(1, -2): F(1, 3), (-3, 1): F(2, 3)}


@lru_cache
def quadratic():
    """One formula for all points: theta H theta / 2 + g theta, from theta_0 = 0."""
    u, v, g, h = sympy.symbols("u v g h")
    loss = (H[0][0] * u**2 + 2 * H[0][1] * u * v + H[1][1] * v**2) / sympy.Integer(2) + g * u + h * v
    return L.symbolic(loss, (u, v), (g, h), L.finite(GRADIENTS), [0, 0])


def descended(case, eta, lam):
    """Every run at a finite eta: (chance, theta_T)."""
    N, B, T, sampling = case
    matrix = sympy.Matrix([[1 / sympy.Rational(eta) + lam * sympy.Rational(x) if i == j else lam * x for j, x in enumerate(line)]
                           for i, line in enumerate(H)]).inv()
    inverse = [[F(int(matrix[i, j].p), int(matrix[i, j].q)) for j in range(2)] for i in range(2)]
    points, sequences = list(GRADIENTS), oracle.renamed_sequences(N, B, T, sampling)
    for training_set in product(points, repeat=N):
        for batches in sequences:
            x = [F(0), F(0)]
            for batch in batches:
                mean = [sum(F(training_set[row][i]) for row in batch) / B for i in range(2)]
                slope = [mean[i] + sum(H[i][j] * x[j] for j in range(2)) for i in range(2)]
                x = [x[i] - sum(inverse[i][j] * slope[j] for j in range(2)) for i in range(2)]
            yield prod(GRADIENTS[point] for point in training_set) / len(sequences), x


@pytest.mark.parametrize("eta", [F(1, 5), F(7)])
@pytest.mark.parametrize("case", [*CASES, (2, 1, 5, "cyclic")], ids=str)
def test_a_quadratic_is_exact_at_any_learning_rate(case, eta):
    """eta H = 7 * 3.6: SGD explodes there, the regularized steps do not, and order 2 is the whole answer."""
    N, B, T, sampling = case
    lam = F(3, 4)
    st, rule = fd.Spacetime(N, B, T, sampling=sampling), newton(lam)
    mean, second = [F(0)] * 2, {}
    for chance, x in descended(case, eta, lam):
        mean = [m + chance * a for m, a in zip(mean, x, strict=True)]
        for i, j in np.ndindex(2, 2):
            second[i, j] = second.get((i, j), 0) + chance * x[i] * x[j]
    slope = [sum(weight * g[i] for g, weight in GRADIENTS.items()) for i in range(2)]
    loss = sum(H[i][j] * second[i, j] for i, j in second) / 2 + sum(a * b for a, b in zip(slope, mean, strict=True))
    assert fd.predict(quadratic(), st, eta, 2, update=rule).total == loss
    assert fd.predict(quadratic(), st, eta, 1, "displacement", update=rule).total.tolist() == mean
    covariance = fd.predict(quadratic(), st, eta, 2, "covariance", update=rule).total
    assert all(covariance[i, j] == second[i, j] - mean[i] * mean[j] for i, j in second)
    assert fd.predict(quadratic(), st, float(eta), 2, update=rule).total == pytest.approx(float(loss), rel=1e-12)


@pytest.mark.parametrize("B", [1, 3])
def test_for_ever(B):
    """theta' = k theta - p s x, p = eta / (1 + lam eta h), k = 1 - p h: h p^2 s^2 / (2 B (1 - k^2)); any eta if lam >= 1/2."""
    forever = fd.Spacetime(math.inf, B, math.inf)
    for h, s, eta, lam in [(F(3), F(2), F(10), F(1)), (F(1, 2), F(1), F(1, 5), F(1, 3)), (F(4), F(1), F(100), F(1, 2))]:
        p = eta / (1 + lam * eta * h)
        limit = h * p**2 * s**2 / (2 * B * (1 - (1 - p * h) ** 2))
        land = L.mean_estimation(h, s, 5)
        assert fd.predict(land, forever, eta, 2, update=newton(lam)).total == limit
        assert fd.predict(land, forever, float(eta), 2, update=newton(lam)).total == pytest.approx(float(limit), rel=1e-12)
    formula = fd.predict(L.mean_estimation(), forever, ETA, 2, update=newton(LAMBDA)).total
    p = ETA / (1 + LAMBDA * ETA)
    assert sympy.simplify(formula - p**2 / (2 * B * (1 - (1 - p) ** 2))) == 0


def test_for_ever_over_epochs():
    """The limit of ever more epochs of few points, coupled weights."""
    rule, land = newton(1), quadratic()
    for sampling in ("reshuffle", "cyclic"):
        far = fd.predict(land, fd.Spacetime(2, 1, 400, sampling=sampling), 0.5, 2, update=rule).total
        limit = fd.predict(land, fd.Spacetime(2, 1, math.inf, sampling=sampling), F(1, 2), 2, update=rule).total
        assert limit.is_Rational
        assert float(limit) == pytest.approx(far, rel=1e-12)
        floats = fd.predict(land, fd.Spacetime(2, 1, math.inf, sampling=sampling), 0.5, 2, update=rule).total
        assert floats == pytest.approx(far, rel=1e-12)


def test_values_of_diagrams():
    """They add up to the prediction, with a number and with a matrix for eta; lambda = 0 is SGD."""
    st, land = fd.Spacetime(4, 2, 5), symbolic(SEED)
    p = fd.predict(land, st, F(1, 7), 2, update=newton(F(1, 3)))
    for D, value in p.by_diagram.items():
        assert fd.rvalue(D, land, st, F(1, 7), update=newton(F(1, 3))) == value
        assert fd.rvalue(D, land, st, 1 / 7, update=newton(1 / 3)) == pytest.approx(float(value), rel=1e-12, abs=1e-14)
        matrix = fd.rvalue(D, land, st, np.eye(2) / 7, update=newton(1 / 3))
        assert matrix == pytest.approx(float(value), rel=1e-12, abs=1e-14)
        assert fd.rvalue(D, land, st, F(1, 7), update=newton(0)) == fd.rvalue(D, land, st, F(1, 7))


def test_a_matrix_for_eta():
    """theta <- theta - (eta^-1 + lam H)^-1 g: in weights in which the matrix is 1."""
    root = np.array([[0.3, 0.0], [0.1, 0.2]])
    rng = np.random.default_rng(5)
    S, n = 4, 2
    arrays = [rng.normal(size=(S,) + (n,) * k) for k in range(4)]
    arrays[2] = arrays[2] + arrays[2].swapaxes(1, 2)
    arrays[3] = sum(arrays[3].transpose(0, *p) for p in [(1, 2, 3), (1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 1, 2), (3, 2, 1)])
    turned = [arrays[0], arrays[1] @ root, np.einsum("sij,ia,jb->sab", arrays[2], root, root),
              np.einsum("sijk,ia,jb,kc->sabc", arrays[3], root, root, root)]
    st = fd.Spacetime(6, 2, 5)
    found = fd.predict(L.samples(*arrays), st, root @ root.T, 3, update=newton(0.4)).total
    assert found == pytest.approx(fd.predict(L.samples(*turned), st, 1.0, 3, update=newton(0.4)).total, rel=1e-11)


def test_a_formula_in_eta():
    """Coupled weights: quotients of polynomials, against numbers."""
    st = fd.Spacetime(2, 1, 3, sampling="cyclic")
    formula = fd.predict(symbolic(SEED), st, ETA, 2, update=newton(F(1, 3))).total
    for eta in (F(1, 4), F(2)):
        assert formula.subs(ETA, sympy.Rational(eta)) == fd.predict(symbolic(SEED), st, eta, 2, update=newton(F(1, 3))).total


def test_long_formulas_are_foreseen():
    with pytest.raises(fd.errors.TooLargeError, match="quotient of polynomials of degree 48 in eta"):
        fd.predict(symbolic(SEED), fd.Spacetime(2, 1, 12), ETA, 2, update=newton(F(1, 3)))
    with pytest.raises(fd.errors.TooLargeError, match="degree 18 in eta, lambda"):
        fd.predict(L.gauss(), fd.Spacetime(2, 1, 9), ETA, 2, update=newton(LAMBDA))


def test_what_is_refused():
    forever, st = fd.Spacetime(math.inf, 1, math.inf), fd.Spacetime(4, 1, 4)
    saddle = L.tensors({(1,): [1.0], (2,): [[-2.0]], (1, 1): [[1.0]], (1, 2): 0}, loss=0.0)
    with pytest.raises(fd.errors.InputError, match="T = inf needs"):
        fd.predict(saddle, forever, 0.1, 1, update=newton(1))
    with pytest.raises(fd.errors.InputError, match="T = inf needs 0 < eta h < 2"):
        fd.predict(L.mean_estimation(2), forever, F(10), 2, update=newton(F(1, 5)))
    with pytest.raises(fd.errors.InputError, match="has no inverse"):
        fd.predict(saddle, st, 0.5, 1, update=newton(1))
    with pytest.raises(fd.errors.InputError, match="has no inverse"):
        fd.predict(L.mean_estimation(-2), st, F(1, 2), 1, update=newton(1))
    with pytest.raises(fd.errors.InputError, match="must be exact"):
        fd.predict(L.gauss(), st, F(1, 2), 1, update=newton(0.5))
    with pytest.raises(fd.errors.UnsupportedError, match="continuous=True is for plain SGD"):
        fd.predict(L.gauss(), st, 0.5, 1, update=newton(1), continuous=True)
