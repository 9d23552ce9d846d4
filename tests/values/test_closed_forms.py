"""Resummed values against closed forms: the papers' examples in their discrete form, quadratic losses, Remark 1."""

import math
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from mpmath import mp, mpf

import fastdiag as fd
from oracles.weighted_sums import kernel_sum

INF = math.inf
ONCE = [fd.Spacetime(INF, B, T) for B, T in [(1, 1), (1, 7), (3, 100), (2, 10**6)]]


def spread(seed, n, low=0.2, high=1.8):
    """A random symmetric matrix with eigenvalues from low to high."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(n, n)))[0]
    return (turn * np.linspace(low, high, n)) @ turn.T


def symmetric(rng, n, degree):
    tensor = rng.normal(size=(n,) * degree)
    orders = list(permutations(range(degree)))
    return sum(tensor.transpose(order) for order in orders) / len(orders)


def cumulants(seed, n, H):
    """Random G, J and cumulants C and S that do not commute with H."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, n))
    return {(1,): rng.normal(size=n), (2,): H, (3,): symmetric(rng, n, 3), (1, 1): root @ root.T, (1, 1, 1): symmetric(rng, n, 3)}


def along(tensor, directions):
    for axis in range(tensor.ndim):
        tensor = np.moveaxis(np.tensordot(tensor, directions, (axis, 0)), -1, axis)
    return tensor


def metrics(n, seed):
    """A number, and a matrix that does not commute with the Hessian; each with V such that V V^T = eta, eta H diagonal."""
    return [0.6, 0.5 * spread(seed + 50, n, 0.3, 1.1)]


def eigen(eta, H):
    """Columns V with V V^T = eta and V^T H V diagonal; its diagonal: from the square root of eta, not from Cholesky."""
    n = len(H)
    values, vectors = np.linalg.eigh(eta * np.eye(n) if np.ndim(eta) == 0 else eta)
    root = (vectors * np.sqrt(values)) @ vectors.T
    rates, turn = np.linalg.eigh(root @ H @ root)
    return root @ turn, rates


def sums(k, T):
    """1 + k + ... + k^(T-1) for |k| < 1."""
    return (1 - k**T) / (1 - k)


@pytest.mark.parametrize("spacetime", [*ONCE, fd.Spacetime(INF, 2, INF)], ids=repr)
@pytest.mark.parametrize("matrix", [0, 1])
def test_example_one(matrix, spacetime):
    """-(eta^3/6) S J (1 - k^T)/(1 - k), k the product of the three edges' factors; over B^2."""
    H = spread(1, 3)
    tensors, eta = cumulants(1, 3, H), metrics(3, 1)[matrix]
    V, rates = eigen(eta, H)
    k = 1 - rates
    product = np.einsum("a,b,c->abc", k, k, k)
    terms = along(tensors[1, 1, 1], V) * along(tensors[3,], V) * sums(product, spacetime.T) / spacetime.B**2 / 6
    value = fd.rvalue("[a a a]", fd.landscapes.tensors(tensors), spacetime, eta)
    assert value == pytest.approx(-terms.sum(), rel=0, abs=1e-13 * np.abs(terms).sum())


@pytest.mark.parametrize("matrix", [0, 1])
def test_corollary_one_drift(matrix):
    """The displacement of [a[b b]] contracted with the gradient: -(1/2) eta^3 C J / [(1 - k_m k_n)(1 - k_l)] for ever."""
    H = spread(2, 3)
    tensors, eta = cumulants(2, 3, H), metrics(3, 2)[matrix]
    V, rates = eigen(eta, H)
    k, land = 1 - rates, fd.landscapes.tensors(tensors)
    pair, third = np.multiply.outer(k, k)[:, :, None], k[None, None, :]
    terms = along(tensors[1, 1], V)[:, :, None] * along(tensors[3,], V) * (tensors[1,] @ V)
    for T in (2, 9, 200):
        within = (sums(third, T) - (pair**T - third**T) / (pair - third)) / (1 - pair)
        value = fd.rvalue("[a[b b]]", land, fd.Spacetime(INF, 1, T), eta)
        assert value == pytest.approx(-(terms * within).sum() / 2, rel=1e-11)
    forever = -(terms / ((1 - pair) * (1 - third))).sum() / 2
    assert fd.rvalue("[a[b b]]", land, fd.Spacetime(INF, 1, INF), eta) == pytest.approx(forever, rel=1e-10)


@pytest.mark.parametrize("eta", [0.3, 0.01, 1e-4])
def test_corollary_one_velocity_along_a_flat_direction(eta):
    """ARCHIMEDES at u = v = z = 0: H = diag(2, 1, 0), C_uv = -1/2, J_uvz = 1; the speed is eta^2/6 + o(eta^2)."""
    toy = fd.landscapes.archimedes()
    H, C, J = (np.array(x, float) for x in (toy.hessian, toy.gradient_covariance, toy.part(((0, 1, 2),))))
    assert np.allclose(H, np.diag([2, 1, 0]))
    assert np.isclose(C[0, 1], -0.5)
    assert J[0, 1, 2] == 1
    land = fd.landscapes.tensors({(1,): [0, 0, 1], (2,): H, (3,): J, (1, 1): C})  # the gradient picks z
    after = [fd.rvalue("[a[b b]]", land, fd.Spacetime(INF, 1, T), eta) for T in (2 * 10**6, 3 * 10**6)]
    # -(eta^3/2) (C_uv J_uvz + C_vu J_vuz) / (1 - k_u k_v), k_u k_v = (1 - 2 eta)(1 - eta)
    assert (after[1] - after[0]) / 10**6 == pytest.approx(eta**2 / (6 - 4 * eta), rel=1e-10)


def test_corollary_two():
    """GD from a minimum: overfitting (C/2NH)(1 - k^T)^2 and gap (C/NH)(1 - k^T); for ever C.H^-1/2N and C.H^-1/N."""
    n, N, eta = 4, 7, 0.4
    H = spread(3, n)
    tensors = cumulants(3, n, H)
    tensors[1,] = 0
    land = fd.landscapes.tensors({**tensors, (1, 2): 0})
    V, h = np.linalg.eigh(H)[::-1]
    C = np.diag(along(tensors[1, 1], V))
    for T in (1, 2, 5, 40, 10**5):
        spacetime, over = fd.Spacetime(N, N, T), 1 - (1 - eta * h) ** T
        excess = (C / (2 * N * h) * over**2).sum()
        assert fd.predict(land, spacetime, eta, 2).total == pytest.approx(excess, rel=1e-12)
        gap = -fd.rvalue("a[a]", land, spacetime, eta) / N
        assert gap == pytest.approx((C / (N * h) * over).sum(), rel=1e-12)
    inverse = np.linalg.inv(H)
    assert excess == pytest.approx(np.sum(tensors[1, 1] * inverse) / (2 * N), rel=1e-10)
    assert gap == pytest.approx(np.sum(tensors[1, 1] * inverse) / N, rel=1e-10)
    tic = fd.landscapes.tensors({**tensors, (1, 1): H})  # C = H: AIC, the number of weights over N
    assert -fd.rvalue("a[a]", tic, spacetime, eta) / N == pytest.approx(n / N, rel=1e-10)


def quadratic(seed, n, H, points=5):
    """Loss with one Hessian for all points, and gradients with a mean and a covariance of any direction."""
    rng = np.random.default_rng(seed)
    g, zeros = rng.normal(size=(points, n)) @ rng.normal(size=(n, n)), np.zeros
    land = fd.landscapes.samples(
        zeros(points), g, np.broadcast_to(H, (points, n, n)), zeros((points, n, n, n)), zeros((points, n, n, n, n)),
        weights=rng.uniform(1, 2, points),
    )
    G = land.weights @ g
    return land, G, (g - G).T @ ((g - G) * land.weights[:, None])


def mean_loss(G, H, mean, covariance):
    return G @ mean + mean @ H @ mean / 2 + np.trace(H @ covariance) / 2


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("matrix", [0, 1])
def test_additive_noise_on_a_quadratic_loss(matrix, order):
    """Sigma <- K Sigma K + eta^2 C / B, step by step; C, H and eta do not commute."""
    n, B = 3, 2
    H = spread(4, n)
    land, G, C = quadratic(4, n, H)
    eta = metrics(n, 4)[matrix]
    step = eta * np.eye(n) if matrix == 0 else eta
    assert np.abs(C @ H - H @ C).max() > 0.1
    K, mean, sigma = np.eye(n) - step @ H, np.zeros(n), np.zeros((n, n))
    for T in range(1, 301):
        mean, sigma = K @ mean - step @ G, K @ sigma @ K.T + step @ C @ step / B
        if T in (1, 2, 3, 10, 50, 300):
            wanted = mean_loss(G, H, mean, sigma)
            assert fd.predict(land, fd.Spacetime(INF, B, T), eta, order).total == pytest.approx(wanted, rel=1e-12)
            spread_out = fd.rvalue("[a a]", land, fd.Spacetime(INF, B, T), eta)
            assert spread_out == pytest.approx(np.trace(H @ sigma) / 2, rel=1e-12)
    forever = np.linalg.solve(np.eye(n * n) - np.kron(K, K), (step @ C @ step / B).ravel()).reshape(n, n)
    assert fd.rvalue("[a a]", land, fd.Spacetime(INF, B, INF), eta) == pytest.approx(np.trace(H @ forever) / 2, rel=1e-10)
    lowest = mean_loss(G, H, -np.linalg.solve(H, G), forever)
    assert fd.predict(land, fd.Spacetime(INF, B, INF), eta, order).total == pytest.approx(lowest, rel=1e-10)


@pytest.mark.parametrize("B", [1, 2])
@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
def test_a_quadratic_loss_over_several_epochs(sampling, B):
    """theta_T is linear in the points: row r enters with the sum of K^(T-1-t) over its batches. Averaged over all orders."""
    n, eta = 2, np.array([[0.5, 0.1], [0.1, 0.3]])
    H = spread(5, n, -0.1, 2.5)
    land, G, C = quadratic(5, n, H)
    K = np.eye(n) - eta @ H
    for T in (2, 4, 5, 6) if B == 1 else (3, 4, 5):
        spacetime = fd.Spacetime(2 if B == 1 else 4, B, T, sampling=sampling)
        powers = [np.linalg.matrix_power(K, T - 1 - t) @ eta / B for t in range(T)]
        mean, sigma, realisations = -B * sum(powers) @ G, np.zeros((n, n)), 0
        for batches in spacetime.realisations():
            realisations += 1
            for row in range(spacetime.N):
                enters = sum((powers[t] for t, batch in enumerate(batches) if row in batch), np.zeros((n, n)))
                sigma += enters @ C @ enters.T
        wanted = mean_loss(G, H, mean, sigma / realisations)
        for order in (2, 3):
            assert fd.predict(land, spacetime, eta, order).total == pytest.approx(wanted, rel=1e-12)


def test_a_quadratic_loss_over_many_cyclic_epochs():
    """Row at position p enters with K^(L-1-p) (1 - K^(LE)) / (1 - K^L), and the batch is of two rows."""
    L, E, eta, h, C = 25, 16, 0.02, np.array([0.0, 1e-9, 0.5, 1.0, 60.0, 99.0, 100.0]), np.arange(1.0, 8.0)
    land = fd.landscapes.tensors({(1,): 0 * h, (2,): np.diag(h), (1, 1): np.diag(C), (1, 2): 0})
    exact = Fraction(0)
    for rate, variance in zip(h, C, strict=True):
        k = 1 - Fraction(float(eta * rate))
        epochs = sum(k ** (L * e) for e in range(E)) ** 2
        exact += Fraction(rate) * Fraction(variance) / 2 * epochs * sum(k ** (2 * p) for p in range(L))
    value = fd.rvalue("[a a]", land, fd.Spacetime(2 * L, 2, L * E, sampling="cyclic"), eta)
    assert value == pytest.approx(float(exact * Fraction(eta) ** 2 / 2), rel=1e-12)


# Remark 1: integrals, with exp(-eta H dt) on an edge.


@pytest.mark.parametrize("T", [1, 10, 300, 10**6, INF])
@pytest.mark.parametrize("matrix", [0, 1])
def test_the_papers_exponentials(matrix, T):
    n, B = 3, 2
    H = spread(6, n)
    tensors, eta = cumulants(6, n, H), metrics(n, 6)[matrix]
    V, rates = eigen(eta, H)
    G, C, S, J = (along(tensors[key], V) for key in [(1,), (1, 1), (1, 1, 1), (3,)])
    land, spacetime = fd.landscapes.tensors(tensors), fd.Spacetime(INF, B, T)

    def decay(rate):
        return -np.expm1(-rate * T) / rate

    def value(text):
        return fd.rvalue(text, land, spacetime, eta, continuous=True)

    two, three = np.add.outer(rates, rates), np.add.outer(np.add.outer(rates, rates), rates)
    assert value("[a]") == pytest.approx(-(G**2 * decay(rates)).sum(), rel=1e-12)
    assert value("[a a]") == pytest.approx((np.diag(rates) * C * decay(two)).sum() / (2 * B), rel=1e-12)
    terms = S * J * decay(three) / (6 * B**2)
    assert value("[a a a]") == pytest.approx(-terms.sum(), rel=0, abs=1e-13 * np.abs(terms).sum())
    if T == INF:  # Corollary 1 as printed
        drift = -(C[:, :, None] * J * G / two[:, :, None] / rates).sum() / (2 * B)
        assert value("[a[b b]]") == pytest.approx(drift, rel=1e-10)


def decay_of_chain(rates, span):
    """The integral over 0 < t_1 < ... < t_m < span with decay Q_j between t_j and t_(j+1): a divided difference."""
    nodes = [mpf(0), *rates]
    nodes = [x + mpf(10) ** -30 * i for i, x in enumerate(nodes)]  # equal ones drawn apart, in 200 digits
    total = mpf(0)
    for i, x in enumerate(nodes):
        total += mp.exp(-x * span) / math.prod((y - x for j, y in enumerate(nodes) if j != i), start=mpf(1))
    return total


@pytest.mark.parametrize("text", ["[a[b b]]", "[a b]", "[a[b c]]", "[a[a[b]]]", "[a b[b]]", "[a b[a]]", "[a a b]", "[a[b b] c]", "[a a b b]", "[a b[a] b]", "[a[b b] b]"])
@pytest.mark.parametrize("rates", [(0.3, 0.2, 0.5, 0.7), (0.0, 0.0, 0.0, 0.0), (0.4, 0.4, 0.4, 0.4), (-0.1, 0.2, -0.1, 1.5)], ids=str)
def test_integrals_over_times(text, rates):
    """Every order of the parts is a chain; an edge is one direction, since the tensors pick it."""
    D = fd.Diagram.parse(text)
    T, B, d = 6, 2, D.order
    part = [sorted(set(D.blocks[1:])).index(b) for b in D.blocks[1:]]
    with mp.workdps(200):
        total = mpf(0)
        for order in permutations(range(max(part) + 1)):  # time of each part
            ends = [(order[part[v]], order[part[D.parents[v + 1] - 1]] if D.parents[v + 1] else len(order)) for v in range(d)]
            if all(a < b for a, b in ends):
                crossed = [sum(mpf(rates[v]) for v, (a, b) in enumerate(ends) if a < j <= b) for j in range(1, len(order) + 1)]
                total += decay_of_chain(crossed, T)
        wanted = float(total * mpf(B) ** (max(part) + 1))
    assert kernel_sum(D, fd.Spacetime(INF, B, T), rates[:d], continuous=True) == pytest.approx(wanted, rel=1e-12)
