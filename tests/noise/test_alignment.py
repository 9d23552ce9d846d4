"""Alignment of noise with curvature (paper [E]) against its definitions and exact Gaussian quadrature."""

import tracemalloc
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator, aslinearoperator

import fastdiag as fd
from fastdiag.errors import TooLargeError
from fastdiag.noise import curvature
from oracles.gaussian_points import gaussian_points

noise = fd.noise
TINY = np.array([[1.0, 0], [0, 2], [1, 1]]), np.array([1.0, -1, 2])


def recipe():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 20))
    return X, X @ rng.standard_normal(20)


def defined(J, r):
    """L, G, Sigma_1, Sigma by their definitions."""
    n = len(r)
    g = J.T @ r / n
    second = sum(r[i] ** 2 * np.outer(J[i], J[i]) for i in range(n)) / n
    return r @ r / (2 * n), J.T @ J / n, second, second - np.outer(g, g)


def test_reference_numbers_of_alignment():
    assert noise.loss_alignment(*TINY) == pytest.approx(29 / 31, rel=1e-14)
    assert noise.loss_alignment(*TINY, centered=True) == pytest.approx(26 / 31, rel=1e-14)
    assert noise.directional_alignment(*TINY, np.eye(2)) == pytest.approx([1.25, 0.8], rel=1e-14)
    assert noise.directional_alignment(*TINY, np.eye(2), centered=True) == pytest.approx([0.5, 0.8], rel=1e-14)
    J, r = recipe()
    assert noise.loss_alignment(J, r) == pytest.approx(1.1888375223378065, rel=1e-12)
    assert noise.loss_alignment(J, r, centered=True) == pytest.approx(1.0673707805066435, rel=1e-12)
    assert noise.directional_alignment(J, r, np.eye(20)[0]) == pytest.approx(1.076571478630554, rel=1e-12)
    assert noise.directional_alignment(J, r, np.eye(20)[0], True) == pytest.approx(1.0327472077337772, rel=1e-12)


@pytest.mark.parametrize("shape", [(12, 5), (5, 12), (7, 7), (1, 3), (9, 1)])
def test_alignments_are_their_definitions(shape, monkeypatch):
    rng = np.random.default_rng(1)
    J, r, V = rng.normal(size=shape), rng.normal(size=shape[0]), rng.normal(size=(shape[1], 4))
    L, G, *sigmas = defined(J, r)
    operator = noise.from_gradients(L, r[:, None] * J, aslinearoperator(G))
    matrix = noise.from_gradients(L, r[:, None] * J, G)
    for size in (curvature.BLOCK_BYTES, 8 * sum(shape)):  # and in blocks of one row
        monkeypatch.setattr(curvature, "BLOCK_BYTES", size)
        for centered, Sigma in enumerate(sigmas):
            mu = np.trace(G @ Sigma) / (2 * L * np.sum(G * G))
            g = np.diag(V.T @ Sigma @ V) / (2 * L * np.diag(V.T @ G @ V))
            for source in ((J, r), (operator, None), (matrix, None), (noise.geometry(J, r), None)):
                atol = 1e-12  # of one point the covariance is 0
                assert noise.loss_alignment(*source, centered=bool(centered)) == pytest.approx(mu, rel=1e-10, abs=atol)
                assert noise.directional_alignment(*source, V, bool(centered)) == pytest.approx(g, rel=1e-10, abs=atol)
                assert noise.noise_covariance(*source, centered=bool(centered)) == pytest.approx(Sigma, rel=1e-10, abs=atol)
                found = noise.noise_operator(*source, centered=bool(centered))
                assert found @ V == pytest.approx(Sigma @ V, rel=1e-10, abs=1e-11)
                assert found @ V[:, 0] == pytest.approx(Sigma @ V[:, 0], rel=1e-10, abs=1e-11)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_bounds_hold_for_all_residuals_and_are_attained(points, weights, seed):
    """Equation 9, N1."""
    rng = np.random.default_rng(seed)
    J = rng.normal(size=(points, weights)) * np.exp(rng.normal(size=(points, 1)))
    low, high = noise.loss_alignment_bounds(J)
    c = ((J @ J.T) ** 2).sum(axis=1)
    assert (low, high) == pytest.approx((points * c.min() / c.sum(), points * c.max() / c.sum()), rel=1e-10)
    r = rng.standard_t(2, size=points)
    mu = noise.loss_alignment(J, r)
    assert mu == pytest.approx(points * (r**2 @ c) / (r @ r * c.sum()), rel=1e-10)
    assert low * (1 - 1e-10) <= mu <= high * (1 + 1e-10)
    assert noise.loss_alignment(J, np.eye(points)[c.argmin()]) == pytest.approx(low, rel=1e-10)
    assert noise.loss_alignment(J, np.eye(points)[c.argmax()]) == pytest.approx(high, rel=1e-10)


@given(st.integers(2, 12), st.integers(1, 8), st.booleans(), st.integers(0, 2**32 - 1))
def test_loss_alignment_is_a_mean_of_directional_ones(points, weights, centered, seed):
    """N2: over the eigenvectors of G with weights lam^2."""
    rng = np.random.default_rng(seed)
    J, r = rng.normal(size=(points, weights)), rng.normal(size=points)
    rank = min(points, weights)
    lams, vectors = noise.leading_directions(J, rank)
    g = noise.directional_alignment(J, r, vectors, centered)
    assert noise.loss_alignment(J, r, centered) == pytest.approx(lams**2 @ g / (lams @ lams), rel=1e-9)
    assert lams == pytest.approx(np.linalg.eigvalsh(J.T @ J / points)[::-1][:rank], rel=1e-9, abs=1e-12)


def test_leading_directions_by_lanczos():
    X = np.random.default_rng(2).normal(size=(60, 3000)) * np.arange(1, 61)[:, None]
    lams, vectors = noise.leading_directions(X, 4)
    assert lams == pytest.approx(np.linalg.svd(X, compute_uv=False)[:4] ** 2 / 60, rel=1e-10)
    assert X.T @ (X @ vectors) / 60 == pytest.approx(lams * vectors, abs=1e-8 * lams[0])
    assert (vectors[np.abs(vectors).argmax(axis=0), range(4)] > 0).all()


def test_silence_is_aligned_by_convention():
    J = TINY[0]
    assert noise.loss_alignment(J, [0, 0, 0]) == 1.0
    assert noise.directional_alignment(J, [0, 0, 0], [1, 2]) == 1.0
    assert noise.directional_alignment(J, [0, 0, 0], np.eye(2)).tolist() == [1.0, 1.0]


def test_gaussian_inputs_reference_numbers():
    around = noise.gaussian_inputs(np.diag([2, 1, 0.5]), [1, -1, 2])
    assert noise.directional_alignment(around, np.eye(3)) == pytest.approx([1.8, 1.4, 1.8], rel=1e-13)
    assert noise.directional_alignment(around, np.eye(3), centered=True) == pytest.approx([1.4, 1.2, 1.4], rel=1e-13)
    assert noise.loss_alignment(around) == pytest.approx(1.723809523809524, rel=1e-13)
    assert noise.loss_alignment(around, centered=True) == pytest.approx(1.361904761904762, rel=1e-13)
    assert noise.directional_alignment(around, [1, -1, 2]) == pytest.approx(3, rel=1e-13)  # the supremum
    assert noise.directional_alignment(around, [1, -1, 2], centered=True) == pytest.approx(2, rel=1e-13)


@pytest.mark.parametrize("label_noise", [0.0, 0.7])
@pytest.mark.parametrize("deep", [False, True])
def test_gaussian_inputs_against_exact_quadrature(label_noise, deep):
    """N3 from the equation of Sigma alone: three nodes a dimension integrate fourth moments exactly."""
    rng = np.random.default_rng(3)
    root, u = rng.normal(size=(3, 3)), rng.normal(size=3)
    chain = rng.normal(size=(3, 5)) if deep else np.eye(3)
    X, labels, chances = gaussian_points(root, label_noise)
    residuals, J = X @ u - labels, X @ chain
    around = noise.gaussian_inputs(root @ root.T, u, label_noise, chain if deep else None)
    finite = noise.from_gradients(
        chances @ residuals**2 / 2, residuals[:, None] * J, (J.T * chances) @ J, weights=chances
    )
    assert around.loss == pytest.approx(finite.loss, rel=1e-12)
    V = chain.T @ rng.normal(size=(3, 4))
    for centered in (False, True):
        right = noise.noise_covariance(finite, centered=centered)
        assert noise.noise_covariance(around, centered=centered) == pytest.approx(right, rel=1e-10, abs=1e-11)
        assert noise.loss_alignment(around, centered=centered) == pytest.approx(noise.loss_alignment(finite, centered=centered), rel=1e-11)
        g = noise.directional_alignment(around, V, centered=centered)
        assert g == pytest.approx(noise.directional_alignment(finite, V, centered=centered), rel=1e-10)
        assert ((g >= 1 - 1e-12) & (g <= 3 - centered + 1e-12)).all()


def test_alignment_does_not_hang_on_width():
    """N4: means over seeds near 1 for linear and leaky ReLU nets of any width; Theorem 3.5."""
    def net(width, rng):
        X, W, a = rng.normal(size=(100, 50)), rng.normal(size=(width, 50)), rng.normal(size=width)
        slopes = np.where(X @ W.T > 0, 1.0, 0.5)
        J = ((slopes * a)[:, :, None] * X[:, None, :]).reshape(100, -1)
        alike = (X @ X.T) * ((slopes * a) @ (slopes * a).T)
        assert J @ J.T == pytest.approx(alike, rel=1e-9, abs=1e-9)
        return noise.loss_alignment(J, (slopes * (X @ W.T)) @ a)

    means = [np.mean([net(width, np.random.default_rng(seed)) for seed in range(3)]) for width in (5, 20)]
    assert all(0.9 < mean < 1.3 for mean in means), means
    rng = np.random.default_rng(4)
    for n, d, widest in ((100, 500, 2), (200, 50, 2)):
        J, r = rng.normal(size=(n, d)), rng.normal(size=n)
        _, vectors = noise.leading_directions(J, min(n, d))
        g = noise.directional_alignment(J, r, vectors)
        assert 0.9 < noise.loss_alignment(J, r) < 1.12
        assert g.min() > 0.45
        assert g.max() < widest


def test_landscapes_agree_with_their_tensors():
    """Every kind of landscape, by its gradient, covariance and Hessian."""
    rng = np.random.default_rng(5)
    X, y, theta = rng.normal(size=(30, 4)), rng.integers(0, 2, 30), rng.normal(size=4)
    chances = rng.random(30)
    hess = rng.normal(size=(30, 4, 4)) + 4 * np.eye(4)
    hess = hess + hess.swapaxes(1, 2)
    logistic = fd.landscapes.logistic
    lands = [
        logistic(X, y, theta), logistic(X, y, theta, 0.3), logistic(X, y, theta, [0.1, 0, 0.2, 0.4], chances),
        logistic(X[:3], y[:3], theta), logistic(X[:3], y[:3], theta, 0.3),
        fd.landscapes.samples(rng.random(30), X, hess), fd.landscapes.samples(rng.random(30), X, hess, weights=chances),
        fd.landscapes.tensors({(1,): theta, (2,): hess[0], (1, 1): X.T @ X}, loss=1.5), fd.landscapes.gauss(1),
    ]
    for land in lands:
        g, H, C, L = land.gradient, land.hessian, land.gradient_covariance, land.loss
        V = rng.normal(size=(land.dimension, 3))
        for centered, Sigma in ((True, C), (False, C + np.outer(g, g))):
            assert noise.noise_covariance(land, centered=centered) == pytest.approx(Sigma, rel=1e-9, abs=1e-12)
            right = np.trace(H @ Sigma) / (2 * L * np.sum(H * H))
            assert noise.loss_alignment(land, centered=centered) == pytest.approx(right, rel=1e-9), land
            right = np.diag(V.T @ Sigma @ V) / (2 * L * np.diag(V.T @ H @ V))
            assert noise.directional_alignment(land, V, centered=centered) == pytest.approx(right, rel=1e-9)
            assert noise.directional_alignment(land, V=V[:, 0], centered=centered) == pytest.approx(right[0], rel=1e-9)
        assert noise.leading_directions(land, 1)[0] == pytest.approx(np.linalg.eigvalsh(H)[-1:], rel=1e-10)
    sample = fd.landscapes.estimated(lands[0])
    assert noise.noise_covariance(sample, centered=False) == pytest.approx(noise.noise_covariance(lands[0], centered=False), rel=1e-10)
    assert noise.noise_covariance(sample) == pytest.approx(30 / 29 * noise.noise_covariance(lands[0]), rel=1e-10)


def test_the_square_loss_as_a_landscape():
    """H = G for a linear model (equation 6): the landscape and its Jacobian agree."""
    J, r = recipe()
    land = fd.landscapes.samples(r**2 / 2, r[:, None] * J, J[:, :, None] * J[:, None, :])
    assert noise.loss_alignment(land) == pytest.approx(noise.loss_alignment(J, r), rel=1e-12)
    assert noise.directional_alignment(land, np.eye(20)) == pytest.approx(noise.directional_alignment(J, r, np.eye(20)), rel=1e-12)


@pytest.mark.parametrize("ridge", [0.0, 0.01])
def test_many_weights_without_square_arrays(ridge):
    n, points = 30_000, 20  # a square array would take 7.2 GB
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(points, n)) / sqrt(n), rng.integers(0, 2, points)
    X *= 1.2 ** np.arange(points)[:, None]
    land = fd.landscapes.logistic(X, y, np.full(n, 0.1), ridge)
    residuals = rng.normal(size=points)
    tracemalloc.start()
    try:
        mu = noise.loss_alignment(land)
        lams, vectors = noise.leading_directions(land, 3)
        g = noise.directional_alignment(land, vectors)
        product = noise.noise_operator(land) @ vectors[:, 0]
        same = noise.loss_alignment(X, residuals)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.2e9, peak
    slopes = land.slopes(1)
    gradients = slopes[:, None] * X + ridge * land.theta
    L, c, gram = land.loss, land.slopes(2) / points, X @ X.T
    squared = c @ gram**2 @ c + 2 * ridge * c @ np.diag(gram) + n * ridge**2  # |X^T c X + ridge|^2
    trace = np.mean((gradients @ X.T) ** 2 @ c + ridge * (gradients**2).sum(axis=1))
    assert mu == pytest.approx(trace / (2 * L * squared), rel=1e-9)
    top = np.linalg.eigvalsh(np.sqrt(c[:, None] * c) * gram)[::-1][:3] + ridge
    assert lams == pytest.approx(top, rel=1e-9)
    assert g == pytest.approx(((gradients @ vectors) ** 2).mean(axis=0) / (2 * L * lams), rel=1e-8)
    centred = gradients - gradients.mean(axis=0)
    assert product == pytest.approx(centred.T @ (centred @ vectors[:, 0]) / points, rel=1e-8, abs=1e-12)
    weight = (gram**2).sum(axis=1)
    assert same == pytest.approx(points * (residuals**2 @ weight) / (residuals @ residuals * weight.sum()), rel=1e-10)
    with pytest.raises(TooLargeError, match="noise_operator"):
        noise.noise_covariance(land)
    with pytest.raises(TooLargeError, match="ask for k <="):
        noise.leading_directions(land, 20_000)


def test_a_hessian_that_only_multiplies():
    """A LinearOperator of 1e4 weights, Hessian and all."""
    n, points = 10_000, 30
    rng = np.random.default_rng(7)
    rows, diagonal = rng.normal(size=(points, n)), np.linspace(1, 2, n)
    calls = []

    def times(V):
        calls.append(V.shape)
        return diagonal.reshape((n,) + (1,) * (np.ndim(V) - 1)) * V

    around = noise.from_gradients(0.5, rows, LinearOperator((n, n), matvec=times, matmat=times, dtype=float))
    assert noise.loss_alignment(around) == pytest.approx(np.mean(rows**2 @ diagonal) / (diagonal @ diagonal), rel=1e-10)
    assert max(shape[-1] for shape in calls if len(shape) > 1) < n / 5
    assert noise.directional_alignment(around, np.eye(1, n, 5)[0]) == pytest.approx(np.mean(rows[:, 5] ** 2) / diagonal[5])
