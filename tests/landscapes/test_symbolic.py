"""Symbolic landscapes: exact predictions against brute-force SGD in Fractions, means against numerical quadrature."""

import math
import subprocess
import sys
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.landscapes.cumulant import joint_cumulant
from oracles import oracle

F, L = Fraction, fd.landscapes
ETA = sympy.Symbol("eta", positive=True)
W = sympy.symbols("w0:2")
X, Y, C = sympy.symbols("x y c")


def quadrature(function, points=60):
    """E function(x), x ~ N(0, 1), by Gauss and Hermite."""
    at, chances = np.polynomial.hermite_e.hermegauss(points)
    return np.sum(chances * function(at)) / math.sqrt(2 * math.pi)


def polynomial_losses(seed, n, degree, points):
    """The oracle's polynomial losses with small rational coefficients, one for each point."""
    rng = np.random.default_rng(seed)
    exponents = [e for e in product(range(degree + 1), repeat=n) if sum(e) <= degree]
    return [{e: F(int(rng.integers(-4, 5)), int(rng.integers(1, 4))) for e in exponents} for _ in range(points)]


def interpolated(losses, n):
    """A formula in W and x that is losses[i] at x = i."""
    total = 0
    for i, loss in enumerate(losses):
        here = sum(sympy.sympify(c) * math.prod(w**k for w, k in zip(W[:n], e, strict=True)) for e, c in loss.items())
        total += here * math.prod(sympy.Rational(1, i - j) * (X - j) for j in range(len(losses)) if j != i)
    return sympy.expand(total)


def finite_landscape(losses, chances, n):
    return L.symbolic(interpolated(losses, n), W[:n], X, L.finite(dict(enumerate(chances))), at=[0] * n)


@pytest.mark.parametrize("case", [(1, 4, 4, (3, 1, 3, "reshuffle")), (1, 3, 4, (2, 1, 4, "reshuffle")), (1, 4, 4, (2, 2, 3, "cyclic")),
                                  (1, 3, 3, (3, 2, 2, "replacement")), (2, 3, 3, (2, 1, 2, "reshuffle")), (2, 2, 3, (2, 1, 3, "cyclic"))], ids=str)
def test_predictions_are_brute_force_sgd(case):
    n, degree, order, (N, B, T, sampling) = case
    losses, chances = polynomial_losses(n + degree, n, degree, 2), [F(1, 3), F(2, 3)]
    expected = oracle.sgd_test_loss(losses, chances, N, B, T, sampling, order)
    land, spacetime = finite_landscape(losses, chances, n), fd.Spacetime(N, B, T, sampling=sampling)
    p = fd.predict(land, spacetime, F(2, 7), order, resummed=False)
    assert p.by_order == tuple(x * F(2, 7) ** d for d, x in enumerate(expected))
    assert p.total == sum(p.by_order)
    assert all(value.is_Rational for value in p.by_diagram.values())
    assert fd.predict(land, spacetime, ETA, order, resummed=False).by_order == tuple(x * ETA**d for d, x in enumerate(expected))
    assert fd.predict(land, spacetime, 2 / 7, order, resummed=False).total == pytest.approx(float(p.total), rel=1e-13)


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("root_shares", [False, True])
def test_uvalues_are_the_oracles(n, root_shares):
    losses, chances = polynomial_losses(n, n, 4, 3), [F(1, 2), F(1, 3), F(1, 6)]
    exact, land = oracle.Tensors(losses, chances), finite_landscape(losses, chances, n)
    for order in range(5 - n):
        for D in fd.diagrams(order, root_shares=root_shares):
            assert fd.uvalue(D, land) == exact.value(D.parents, D.parts, "cumulant"), D


def test_finitely_many_points_are_samples():
    loss = sympy.exp(W[0] * X) * sympy.cos(W[1] + Y) + W[0] ** 3 * W[1] * X * Y
    chances = {(0, 1): F(1, 4), (F(1, 2), -1): F(1, 4), (-1, 2): F(1, 2)}
    land = L.symbolic(loss, W, (X, Y), L.finite(chances), {W[1]: F(1, 3), W[0]: F(1, 2)})
    points, spacetime = land.samples(), fd.Spacetime(N=6, B=2, T=3)
    for resummed in (False, True):
        mine, theirs = (fd.predict(which, spacetime, 0.2, 3, resummed=resummed) for which in (land, points))
        assert mine.total == pytest.approx(theirs.total, rel=1e-12)
    frame = np.random.default_rng(1).normal(size=(2, 2))
    for nodes in [((),), ((0,),), ((0, 1), (1,)), ((0, 1, 2), (0,), (2,)), ((0,), (0,), (1,))]:
        for along in (None, frame):
            np.testing.assert_allclose(land.part(nodes, along), points.part(nodes, along), rtol=1e-12, atol=1e-13)
    eta = np.array([[0.3, 0.1], [0.1, 0.2]])
    assert fd.predict(land, spacetime, eta, 3, resummed=False).total == pytest.approx(
        fd.predict(points, spacetime, eta, 3, resummed=False).total, rel=1e-12
    )
    measured = fd.simulate(points, spacetime, 0.05, runs=4000, seed=3)
    assert abs(measured.mean - fd.predict(land, spacetime, 0.05, 3).total) < 5 * measured.stderr + 1e-3


def test_independent_symbols_are_the_product_of_their_distributions():
    loss = W[0] ** 2 * X + W[0] * Y + X * Y**2 * W[0] ** 3
    first, second = {0: F(1, 3), 1: F(2, 3)}, {-1: F(1, 2), 2: F(1, 2)}
    both = {(a, b): p * q for (a, p), (b, q) in product(first.items(), second.items())}
    apart = L.symbolic(loss, W[0], (X, Y), [L.finite(first), L.finite(second)], [1])
    together = L.symbolic(loss, W[0], (X, Y), L.finite(both), [1])
    mixed = L.symbolic(loss, W[0], (X, Y), [L.finite(first), L.normal(F(1, 2), F(9, 4))], [1])  # the same two moments
    for nodes in [((0,),), ((0,), (0, 0)), ((0,), (0,), (0, 0, 0))]:
        assert apart.cumulant(nodes) == together.cumulant(nodes)
    assert mixed.cumulant(((0, 0, 0),)) == together.cumulant(((0, 0, 0),))


def gauss_entry(k, h):
    """The k-th derivative of (h + x^2 exp(-h)) / 2 as a function of x."""
    return lambda x: (h if k == 0 else 1.0 if k == 1 else 0.0) / 2 + (-1) ** k * x**2 * math.exp(-h) / 2


@pytest.mark.parametrize("h", [0, F(3, 4)])
def test_gauss_against_quadrature(h):
    land = L.gauss(h)
    for degrees in [(0,), (1,), (2,), (5,), (1, 1), (1, 2), (3, 4), (1, 1, 1), (1, 2, 3), (1, 1, 2, 2)]:
        means = [quadrature(gauss_entry(k, float(h))) for k in degrees]
        centred = [lambda x, k=k, m=m: gauss_entry(k, float(h))(x) - m for k, m in zip(degrees, means, strict=True)]

        def moment(*which, centred=centred):
            return quadrature(lambda x: math.prod(centred[i](x) for i in which))

        expected = means[0] if len(degrees) == 1 else moment(*range(len(degrees)))
        if len(degrees) == 4:
            expected -= sum(moment(0, i) * moment(*({1, 2, 3} - {i})) for i in (1, 2, 3))
        assert land.part(tuple((0,) * k for k in degrees)) == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_gauss_at_its_minimum():
    """x^2 has the cumulants 1, 2, 8, 48, ...: 2^(m-1) (m-1)!; each derivative is -+ x^2 / 2 up to a constant."""
    land = L.gauss()
    for degrees in product(range(1, 4), repeat=3):
        assert land.cumulant(tuple((0,) * k for k in degrees)) == F((-1) ** sum(degrees), 8) * 8
    assert [land.cumulant(((0,),) * m) for m in range(1, 6)] == [0] + [
        F((-1) ** m * 2 ** (m - 1) * math.factorial(m - 1), 2**m) for m in range(2, 6)
    ]


def test_archimedes_against_finite_differences_of_its_definition():
    def loss(theta, x):
        u, v, z = theta
        H = u**2 + v**2 + (sympy.cos(z) * u + sympy.sin(z) * v) ** 2
        S = sympy.cos(z - sympy.pi / 4) * u + sympy.sin(z - sympy.pi / 4) * v
        return H / 2 + x * S

    start, step = [F(1, 2), F(-1, 3), F(1, 5)], F(1, 10**12)
    land = L.archimedes(*start)
    e = np.eye(3, dtype=int)

    def differences(x):
        def at(*directions):
            shifted = [sympy.Rational(s) + sympy.Rational(step) * int(d) for s, d in zip(start, sum(directions, 0 * e[0]), strict=True)]
            return sympy.N(loss(shifted, x), 60)

        g = [(at(e[i]) - at(-e[i])) / (2 * step) for i in range(3)]
        h = [[(at(e[i], e[j]) - at(e[i], -e[j]) - at(-e[i], e[j]) + at(-e[i], -e[j])) / (4 * step**2) for j in range(3)] for i in range(3)]
        return np.array(g, float), np.array(h, float)

    (g0, h0), (g1, h1) = differences(0), differences(1)  # l_x is linear in x
    np.testing.assert_allclose(land.gradient, g0, atol=1e-12)
    np.testing.assert_allclose(land.hessian, h0, atol=1e-12)
    np.testing.assert_allclose(land.gradient_covariance, np.outer(g1 - g0, g1 - g0), atol=1e-12)
    np.testing.assert_allclose(land.part(((0,), (1, 2))), np.multiply.outer(g1 - g0, h1 - h0), atol=1e-12)
    assert not land.part(((0,), (1,), (2,))).any()
    third = L.archimedes().exact_part(((0, 1, 2),))
    assert {i: third[i] for i in np.ndindex(3, 3, 3) if third[i] != 0} == dict.fromkeys(
        [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)], 1
    )


def test_mean_estimation_is_solved_by_hand():
    """theta_(t+1) = k theta_t - eta x S: E l = h/2 (k^2T theta^2 + eta^2 S^2 (1 + k^2 + ... + k^2(T-1))), all formulas."""
    H, S, ridge, theta = sympy.symbols("H S lambda theta", positive=True)
    land, T = L.mean_estimation(H, S, theta, ridge), 3
    h = H + ridge
    k = 1 - ETA * h
    exact = h / 2 * (k ** (2 * T) * theta**2 + ETA**2 * S**2 * sum(k ** (2 * t) for t in range(T)))
    resummed = fd.predict(land, fd.Spacetime(T, 1, T), ETA, order=2)  # exact from order 2 on
    assert sympy.expand(resummed.total - exact) == 0
    series = fd.predict(land, fd.Spacetime(T, 1, T), ETA, order=4, resummed=False)
    for d, term in enumerate(series.by_order):
        assert sympy.expand(term - sympy.expand(exact).coeff(ETA, d) * ETA**d) == 0
    values = {H: F(2), S: F(1, 2), ridge: F(1, 4), theta: F(3)}
    numbers = L.mean_estimation(*(values[s] for s in (H, S, theta, ridge)))
    assert fd.predict(numbers, fd.Spacetime(T, 1, T), F(1, 5), order=2).total == exact.xreplace(
        {s: sympy.Rational(v) for s, v in (values | {ETA: F(1, 5)}).items()}
    )


def own_formula(h):
    return L.symbolic(sympy.exp(W[0] * X) + C * W[0] ** 2 / W[1] + h, W, X, L.normal(C, C**2), [h, C + 1])


@pytest.mark.parametrize(("make", "order"), [
    (L.gauss, 2), (lambda h: L.archimedes(z=h, u=2), 2), (own_formula, 1), pytest.param(own_formula, 2, marks=pytest.mark.long),
], ids=["gauss", "archimedes", "own-1", "own-2"])
def test_formulas_evaluate_to_numbers(make, order):
    h, spacetime = sympy.Symbol("h0", positive=True), fd.Spacetime(4, 2, 4)
    formula = fd.predict(make(h), spacetime, ETA, order=order, resummed=False).total
    at = {h: sympy.Rational(1, 3), ETA: sympy.Rational(1, 10), C: sympy.Rational(1, 2)}
    assert formula.free_symbols <= set(at)
    land = make(sympy.Rational(1, 3))
    land = L.Symbolic(
        land.expression.xreplace(at), land.coordinates, land.data,
        tuple(L.normal(d.center.xreplace(at), d.variance.xreplace(at)) for d in land.distributions), tuple(a.xreplace(at) for a in land.theta),
    )
    expected = fd.predict(land, spacetime, 0.1, order=order, resummed=False).total
    assert float(formula.xreplace(at)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "function",
    [sympy.exp(X / 3 - X**2), X**3 * sympy.exp(X**2 / 5), sympy.cos(2 * X + 1), X * sympy.sin(X) * sympy.exp(-(X**2)),
     sympy.cosh(X) ** 2, 2**X * X**2, X**6 + X, sympy.exp((X - 1) ** 2 / 8)],
    ids=str,
)
@pytest.mark.parametrize("law", [(0, 1), (F(1, 2), F(3, 4))], ids=str)
def test_means_over_a_normal(function, law):
    land = L.symbolic(function + W[0], W[0], X, L.normal(*law), [0])
    numeric = sympy.lambdify(X, function, "numpy")
    mean, spread = float(law[0]), math.sqrt(law[1])
    assert land.loss == pytest.approx(quadrature(lambda x: numeric(mean + spread * x), 120), rel=1e-10)


def test_means_over_a_normal_by_integration():
    """No closed form of our own: SymPy integrates. E|x| = sd sqrt(2/pi), and the median of the density."""
    for variance in (1, F(9, 4)):
        land = L.symbolic(sympy.Abs(X) + W[0] * sympy.Heaviside(X), W[0], X, L.normal(0, variance), [0])
        assert land.loss == pytest.approx(math.sqrt(2 * variance / math.pi), rel=1e-14)
        assert land.gradient == pytest.approx(0.5, rel=1e-14)


@pytest.mark.parametrize("function", [X**5 - X**2, sympy.exp(X) * X, sympy.sin(3 * X), sympy.sqrt(X + 2), sympy.log(X + 2), sympy.Abs(X)], ids=str)
def test_means_over_a_uniform(function):
    land = L.symbolic(function + W[0], W[0], X, L.uniform(-1, F(3, 2)), [0])
    at, chances = np.polynomial.legendre.leggauss(60)
    numeric = sympy.lambdify(X, function, "numpy")
    pieces = [(-1.0, 0.0), (0.0, 1.5)]  # Abs has a corner
    expected = sum(np.sum(chances * numeric((b - a) / 2 * at + (a + b) / 2)) * (b - a) / 2 for a, b in pieces) / 2.5
    assert land.loss == pytest.approx(expected, rel=1e-12)


def test_means_over_two_symbols_that_meet_in_an_exponent():
    land = L.symbolic(sympy.exp(W[0] * X * Y) * X * Y, W[0], (X, Y), [L.normal(), L.normal(0, F(1, 4))], [F(1, 2)])
    expected = quadrature(lambda x: np.array([quadrature(lambda y, a=a: np.exp(a * y / 4) * a * y / 2) for a in x]))
    assert land.loss == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("grid", [(3, 1, 3, "reshuffle"), (2, 1, 4, "reshuffle"), (4, 2, 3, "cyclic")], ids=str)
def test_resummed_values_are_sums_over_maps(grid):
    """Every map enumerated, edges (1 - eta H)^(dt - 1) eta by hand; two directions, several epochs."""
    N, B, T, sampling = grid
    losses = polynomial_losses(5, 2, 3, 2)
    losses[0][(1, 1)], losses[1][(1, 1)] = F(3, 2), F(-1, 2)  # the mean Hessian is diagonal
    chances, eta = [F(1, 4), F(3, 4)], F(1, 3)
    land, exact = finite_landscape(losses, chances, 2), oracle.Tensors(losses, chances)
    rates = [exact.moment(((i, i),)) for i in range(2)]
    spacetime = fd.Spacetime(N, B, T, sampling=sampling)
    for order in range(3):
        for D in fd.diagrams(order, irreducible=True):
            realisations, total = list(spacetime.realisations()), F(0)
            for batches in realisations:
                for f in oracle.all_maps(D.parents, D.blocks, batches, injective=False):
                    times = [T, *(t for t, _ in f)]
                    dts = [times[D.parents[v]] - times[v] for v in range(1, order + 1)]
                    ends = [lambda a, b, dt=dt: eta * (1 - eta * rates[a]) ** (dt - 1) if a == b else 0 for dt in dts]
                    total += exact.value(D.parents, D.parts, "cumulant", ends)
            expected = total * F(-1, B) ** order / D.automorphisms / len(realisations)
            assert fd.rvalue(D, land, spacetime, eta) == expected, D
    p = fd.predict(land, spacetime, eta, order=2, T=[1, T])
    assert p.total[1] == sum(fd.rvalue(D, land, spacetime, eta) for d in range(3) for D in fd.diagrams(d, irreducible=True))


def test_resummed_values_are_the_float_ones():
    """Two directions, to order 4; the kernels of the float values know nothing of weighted_maps."""
    losses = polynomial_losses(8, 2, 4, 2)
    losses[0][(1, 1)], losses[1][(1, 1)] = F(3, 2), F(-1, 2)  # the mean Hessian is diagonal
    land, spacetime = finite_landscape(losses, [F(1, 4), F(3, 4)], 2), fd.Spacetime(5, 1, 5)
    for order in range(5):
        for D in fd.diagrams(order, irreducible=True):
            exactly = fd.rvalue(D, land, spacetime, F(1, 3))
            assert exactly.is_Rational
            assert fd.rvalue(D, land, spacetime, 1 / 3) == pytest.approx(float(exactly), rel=1e-11, abs=1e-11), D


@pytest.mark.parametrize("grid", [(6, 2, 3, "reshuffle"), (4, 1, 8, "reshuffle"), (4, 2, 6, "replacement"), (2, 1, 6, "cyclic")], ids=str)
def test_simulation_of_a_quadratic(grid):
    """MEAN ESTIMATION is quadratic: the un-resummed series ends, so order 2 in eta S and all orders of k are exact."""
    spacetime = fd.Spacetime(*grid[:3], sampling=grid[3])
    land = L.symbolic((W[0] - X) ** 2 * F(1, 2) + Y * W[0] * F(1, 3), W[0], (X, Y), [L.uniform(0, 2), L.finite({-1: F(1, 2), 1: F(1, 2)})], [2])
    result = fd.simulate(land, spacetime, [0.1, 0.3], runs=20_000, seed=5)
    for eta, mean, stderr in zip((F(1, 10), F(3, 10)), result.mean, result.stderr, strict=True):
        expected = float(fd.predict(land, spacetime, eta, order=2).total)
        assert abs(mean - expected) < 4.5 * stderr
        assert stderr < 0.01


def test_simulation_of_points_is_that_of_the_formula():
    """SGD on a cubic with two points: every training set enumerated by the oracle, all orders of eta."""
    losses, chances = [{(1,): F(1), (2,): F(1, 2), (3,): F(1, 3)}, {(1,): F(-1, 2), (2,): F(1)}], [F(1, 3), F(2, 3)]
    series = oracle.sgd_test_loss(losses, chances, 2, 1, 2, "reshuffle", 9)  # cubic: the series ends at eta^(1 + 2 + 6)
    eta = 0.5
    result = fd.simulate(finite_landscape(losses, chances, 1), fd.Spacetime(2, 1, 2), eta, runs=20_000, seed=2)
    assert abs(result.mean - sum(float(x) * eta**d for d, x in enumerate(series))) < 4.5 * result.stderr
    same = fd.simulate(finite_landscape(losses, chances, 1), fd.Spacetime(2, 1, 2), eta, runs=20_000, seed=2, threads=1)
    assert same.mean == result.mean


def test_gauss_runs_and_diverges():
    with pytest.warns(RuntimeWarning, match="the simulation overflows"):
        result = fd.simulate(L.gauss(), fd.Spacetime(10, 1, 10), [0.1, 1e4], runs=2000, seed=1)
    assert abs(result.mean[0] - fd.predict(L.gauss(), fd.Spacetime(10, 1, 10), 0.1, 4).total) < 4.5 * result.stderr[0] + 1e-4
    assert result.diverged[0] == 0
    assert result.diverged[1] > 0


def test_archimedes_resummed_is_the_float_one():
    land, spacetime = L.archimedes(), fd.Spacetime(8, 1, 8)
    assert float(fd.predict(land, spacetime, F(1, 5), order=3).total) == pytest.approx(
        fd.predict(land, spacetime, 0.2, order=3).total, rel=1e-12
    )


def test_one_sum_over_partitions():
    """Cumulants of a Poisson variable are all equal to its rate; of a normal one they vanish from the third on."""
    rate = F(2, 3)
    touchard = [F(1)]
    for n in range(6):
        touchard.append(rate * sum(math.comb(n, k) * touchard[k] for k in range(n + 1)))
    for m in range(1, 7):
        assert joint_cumulant(range(m), lambda block: touchard[len(block)], lambda ms: math.prod(v for _, v in ms)) == rate
    land = L.symbolic(W[0] * X, W[0], X, L.normal(5, 7), [0])
    assert [land.cumulant(((0,),) * m) for m in range(1, 6)] == [5, 7, 0, 0, 0]


def test_what_a_landscape_knows():
    points = L.samples([1.0], [[1.0]], [[[1.0]]])
    dense = L.tensors({(1,): [1.0], (1, 2): 0})
    assert L.gauss().knows((7, 9))
    assert points.knows((1, 2, 2))
    assert not points.knows((1, 3))
    assert dense.knows((2, 1))
    assert dense.knows((0,))
    assert not dense.knows((2,))


def test_sympy_waits_for_the_first_formula():
    code = "import sys, fastdiag as fd; fd.landscapes.gauss; fd.predict(fd.landscapes.tensors({(1,): [1.0]}), fd.Spacetime(2, T=2), 0.1, 1, resummed=False)"
    done = subprocess.run([sys.executable, "-c", f"{code}; print('sympy' in sys.modules)"], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


N1 = L.normal()
BARE = L.symbolic(C * W[0] ** 2, W[0], X, N1, [1])
ST = fd.Spacetime(2, T=2)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [(lambda: L.symbolic(0.5 * W[0], W[0], X, N1, [0]), "InputError", r"loss must be exact.*sympy.Rational\(1, 2\) instead of 0.5"),
     (lambda: L.symbolic(W[0], W[0], X, N1, [0.5]), "InputError", "at must be exact"),
     (lambda: L.symbolic(W[0], W[0], X, N1, [0, 1]), "InputError", "one exact value for each of the weights"),
     (lambda: L.symbolic(W[0], W[0], X, N1, {W[1]: 0}), "InputError", "a value to each of the weights"),
     (lambda: L.symbolic(W[0], W[0], X, N1, [X]), "InputError", "must not depend on the data"),
     (lambda: L.symbolic(W[0], W[0], W[0], N1, [0]), "InputError", "cannot be both"),
     (lambda: L.symbolic(W[0], (W[0], W[0]), X, N1, [0, 0]), "InputError", "different symbols"),
     (lambda: L.symbolic(W[0], "w", X, N1, [0]), "InputError", "weights must be a SymPy symbol"),
     (lambda: L.symbolic(W[0], W[0], (X, Y), N1, [0]), "InputError", "of 1 data symbols, but there are 2"),
     (lambda: L.symbolic(W[0], W[0], X, {1: 1}, [0]), "InputError", "distribution must be"),
     (lambda: L.symbolic(sympy.Function("f")(W[0]), W[0], X, N1, [0]), "InputError", "undefined functions"),
     (lambda: L.symbolic("w**2", W[0], X, N1, [0]), "InputError", "loss must be exact"),
     (lambda: L.symbolic(sympy.log(W[0]), W[0], X, N1, [0]).gradient, "InputError", "not smooth there"),
     (lambda: L.symbolic(sympy.exp(W[0] * X**2), W[0], X, N1, [1]).loss, "InputError", "is infinite"),
     (lambda: L.symbolic(1 / (W[0] * X) ** 2, W[0], X, L.uniform(-1, 1), [1]).loss, "InputError", "is infinite"),
     (lambda: L.symbolic(sympy.log(1 + sympy.exp(W[0] * X)), W[0], X, N1, [1]).loss, "UnsupportedError", "no closed form was found for the mean of"),
     (lambda: BARE.gradient, "UnsupportedError", "is the formula 2\\*c in c, not a number"),
     (lambda: fd.predict(BARE, ST, 0.1, resummed=False), "UnsupportedError", "is the formula c in c"),
     (lambda: fd.predict(L.gauss(), ST, -1), "InputError", "eta must be >= 0, not -1"),
     (lambda: fd.rvalue("[a[b]]", L.gauss(), ST, 1), "InputError", "reducible"),
     (lambda: fd.predict(L.gauss(), fd.Spacetime(math.inf, T=math.inf), 1, resummed=False), "InputError", "give a finite T"),
     (lambda: fd.simulate(L.mean_estimation(S=C), ST, 0.1), "UnsupportedError", "has the free symbols"),
     (lambda: fd.simulate(L.gauss(C), ST, 0.1), "UnsupportedError", "theta_0 is the formula c"),
     (lambda: fd.simulate(L.symbolic(X * W[0], W[0], X, L.normal(C), [0]), ST, 0.1), "UnsupportedError", "has the free symbols"),
     (lambda: fd.simulate(L.symbolic(sympy.zeta(W[0] + 3) + X, W[0], X, N1, [0]), ST, 0.1), "UnsupportedError", "no kernel knows the function"),
     (lambda: L.gauss().samples(), "InputError", "not finitely many points"),
     (lambda: L.symbolic(W[0], W[0], X, L.finite({0: 1}), [0]).samples(0), "InputError", "degree must be"),
     (lambda: L.normal(0, -1), "InputError", "variance must be positive"),
     (lambda: L.normal(sympy.oo), "InputError", "finite real"),
     (lambda: L.uniform(1, 1), "InputError", "low must be below high"),
     (lambda: L.finite({}), "InputError", "takes a dict"),
     (lambda: L.finite({0: F(1, 2)}), "InputError", "add up to 1, not to 1/2"),
     (lambda: L.finite({0: F(3, 2), 1: F(-1, 2)}), "InputError", ">= 0, not -1/2"),
     (lambda: L.finite({0: 0.5, 1: 0.5}), "InputError", "must be exact"),
     (lambda: L.finite({(0, 1): F(1, 2), 1: F(1, 2)}), "InputError", "tuples of one length")],
)
def test_bad_input(call, error, words):
    with pytest.raises(getattr(fd.errors, error), match=words):
        call()
