"""Resummed values against closed forms: the papers' examples in their discrete form, quadratic losses, Remark 1."""

import math
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from mpmath import mp, mpf

import fastdiag as fd

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


def test_corollary_one_velocity_along_a_flat_direction():
    """ARCHIMEDES at u = v = z = 0: +eta^2/6 per update as eta falls, and exactly -(eta^3/2) C_mn J_mnz / (1 - k_m k_n)."""
    H, C = np.diag([3.0, 1.0, 0.0]), np.zeros((3, 3))
    H[:2, :2] = [[3, 0], [0, 2]]  # u^2 + v^2 + (u + z v + ...)^2 at z = 0, doubled
    H[:2, :2] = [[4, 0], [0, 2]]
    s = np.sqrt(0.5)
    C[:2, :2] = [[0.5, -0.5], [-0.5, 0.5]]  # of the slope (cos, sin)(-pi/4) = (s, -s)
    assert np.allclose(np.outer([s, -s], [s, -s]), C[:2, :2])
    land = fd.landscapes.archimedes()
    np.testing.assert_allclose(np.array(land.gradient_covariance, float), C, atol=1e-15)
    hessian = np.array(land.hessian, float)
    J = np.array(land.part(((0, 1, 2),)), float)
    flat = fd.landscapes.tensors({(1,): [0.0, 0.0, 1.0], (2,): hessian, (3,): J, (1, 1): C})  # G picks the direction
    V, h = np.linalg.eigh(hessian)[::-1]
    for eta in (0.1, 0.01, 1e-4):
        k = 1 - eta * h
        terms = (along(C, V)[:, :, None] * along(J, V))[:, :, :] * (V[2])[None, None, :]
        live = np.abs(terms) > 1e-15
        with np.errstate(all="ignore"):
            speed = -(eta**3 / 2) * np.where(live, terms / (1 - np.multiply.outer(k, k))[:, :, None], 0).sum()
        long = [fd.rvalue("[a[b b]]", flat, fd.Spacetime(INF, 1, T), eta) for T in (10**7, 10**7 + 10**6)]
        assert (long[1] - long[0]) / 10**6 == pytest.approx(speed, rel=1e-8)
    assert speed == pytest.approx(eta**2 / 6, rel=1e-3)
