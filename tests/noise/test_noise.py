"""Noise geometry and escape (paper [E]) against definitions, exact Gaussian quadrature, and all sample paths."""

import re
import tracemalloc
from itertools import product
from math import inf, sqrt

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator, aslinearoperator

import fastdiag as fd
from fastdiag.cli import main
from fastdiag.errors import InputError, MissingTensorError, TooLargeError
from fastdiag.noise import curvature

noise = fd.noise
TINY = np.array([[1.0, 0], [0, 2], [1, 1]]), np.array([1.0, -1, 2])
NODES = np.array([-sqrt(3), 0, sqrt(3)]), np.array([1, 4, 1]) / 6  # N(0, 1) exactly, up to fifth moments


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


def gaussian_points(root, label_noise=0.0):
    """Weighted points whose moments to the fourth are those of x ~ N(0, root root^T), with labels' noise."""
    d = len(root)
    picks = list(product(range(3), repeat=d + 1))
    Z = np.array([[NODES[0][i] for i in pick] for pick in picks])
    chances = np.array([np.prod([NODES[1][i] for i in pick]) for pick in picks])
    return Z[:, :d] @ root.T, sqrt(label_noise) * Z[:, d], chances


def spectra(d=200):
    i = np.arange(1, d + 1)
    return [i**-0.5, 1.0 / i, np.r_[1, np.full(d - 1, 0.1)]]


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

    means = [np.mean([net(width, np.random.default_rng(seed)) for seed in range(4)]) for width in (5, 20, 50)]
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


def test_reference_numbers_of_dynamics():
    lams, s0 = (1, 0.5, 0.2, 0.1), (1, 0.25, 0.64, 1.44)
    gaussian = noise.eigen_dynamics(lams, 0.3, s0, 6)
    assert gaussian.shape == (7, 4)
    assert gaussian[-1] == pytest.approx((0.1683817490736449, 0.1474298343750769, 0.3769709457238867, 1.0433306178015744), rel=1e-13)
    modelled = noise.eigen_dynamics(lams, 0.3, s0, 6, A=1)[-1]
    assert modelled == pytest.approx((0.0982968420697934, 0.1187729672739372, 0.3606744808391684, 1.0329634565777124), rel=1e-13)
    assert noise.flat_ratio(lams, gaussian[-1], 1) == pytest.approx(1.505164125606188, rel=1e-13)
    assert noise.variance_ratio(gaussian[-1], 1) == pytest.approx(9.31057793689304, rel=1e-13)
    assert noise.flat_ratio(lams, gaussian, 1)[-1] == noise.flat_ratio(lams, gaussian[-1], 1)
    X = np.random.default_rng(0).standard_normal((4, 3))
    S = noise.second_moment_dynamics(X, [1, 2, -1], 0.2, 5)[-1]
    assert np.trace(X.T @ X / 4 @ S) / 2 == pytest.approx(0.34777795292514124, rel=1e-13)
    assert np.trace(S) == pytest.approx(1.5055060351186287, rel=1e-13)


@pytest.mark.parametrize(("points", "batch", "T"), [(4, 1, 5), (3, 2, 3), (2, 3, 3)])
def test_second_moments_are_the_mean_over_all_sample_paths(points, batch, T):
    X, w = np.random.default_rng(0).standard_normal((points, 3)), np.array([1.0, 2, -1])
    eta, ends = 0.2, [w]
    found = noise.second_moment_dynamics(X, w, eta, T, batch)
    for t in range(T + 1):
        assert found[t] == pytest.approx(np.mean([np.outer(v, v) for v in ends], axis=0), rel=1e-12, abs=1e-13)
        ends = [
            v - eta * np.mean([X[i] * (X[i] @ v) for i in picks], axis=0)
            for v in ends for picks in product(range(points), repeat=batch)
        ] if t < T else ends
    H, S = X.T @ X / points, np.outer(w, w)  # GD, from a matrix
    step = np.linalg.matrix_power(np.eye(3) - eta * H, T)
    assert noise.second_moment_dynamics(X, S, eta, T, inf)[-1] == pytest.approx(step @ S @ step, rel=1e-12)


@pytest.mark.parametrize(("batch", "T", "label_noise"), [(1, 3, 0.0), (2, 2, 0.0), (1, 2, 0.5)])
def test_gaussian_dynamics_are_the_mean_over_all_sample_paths(batch, T, label_noise):
    """Fresh Gaussian inputs by exact quadrature: the diagonal closes, for a start with correlations too."""
    lams, eta, w = np.array([1.0, 0.4]), 0.3, np.array([0.7, -1.1])
    X, labels, chances = gaussian_points(np.diag(np.sqrt(lams)), label_noise)
    if not label_noise:
        X, where = np.unique(X.round(14), axis=0, return_inverse=True)
        chances, labels = np.bincount(where.ravel(), chances), np.zeros(len(X))
    ends, weights = w[None], np.ones(1)
    found = noise.eigen_dynamics(lams, eta, w**2, T, batch, label_noise=label_noise)
    for t in range(T + 1):
        assert found[t] == pytest.approx(weights @ ends**2, rel=1e-11)
        if t < T:
            pull = np.zeros((len(ends), *(len(X),) * batch, 2))
            scale = weights.reshape(-1, *(1,) * batch)
            for b in range(batch):
                shape = [1] * (batch + 1)
                shape[0], shape[b + 1] = len(ends), len(X)
                residual = ends @ X.T - labels
                pull += (residual[:, :, None] * X).reshape(*shape, 2) / batch
                scale = scale * chances.reshape([1, *shape[1:]])
            ends = (ends.reshape(-1, *(1,) * batch, 2) - eta * pull).reshape(-1, 2)
            weights = np.broadcast_to(scale, pull.shape[:-1]).ravel()


def test_thresholds_and_limits_reference_numbers():
    lams = (1, 0.5, 0.2, 0.1, 0.05)
    assert noise.escape_threshold(lams) == pytest.approx(0.7660489034272191, rel=1e-13)
    assert noise.escape_threshold(lams) < 1 / np.linalg.norm(lams)
    assert noise.escape_threshold(lams, None) == pytest.approx(0.5782910514320724, rel=1e-13)
    assert noise.escape_threshold(lams, batch=inf) == 2
    spectrum = np.r_[1, np.full(19, 0.2)]
    eta = 1.5 / np.linalg.norm(spectrum)
    assert eta == pytest.approx(1.1306675421666135, rel=1e-14)
    s = noise.eigen_dynamics(spectrum, eta, np.ones(20), 30, A=1)
    assert noise.flat_ratio(spectrum, s[-1], 1) == pytest.approx(0.9859350758119795, rel=1e-12)
    assert noise.flat_ratio_limit(spectrum, eta, 1) == pytest.approx(0.9859350758119795, rel=1e-12)
    assert noise.growth_rate(spectrum, eta) == pytest.approx(2.5559114614491323, rel=1e-13)
    assert noise.flat_ratio(spectrum, spectrum, 1) == pytest.approx(0.76, rel=1e-14)  # the base ratio
    descent = noise.eigen_dynamics(spectrum, 2.1, np.ones(20), 10, inf)
    assert noise.flat_ratio(spectrum, descent[-1], 1) == pytest.approx(1.0483100871121608e-05, rel=1e-12)
    assert (noise.eigen_dynamics(spectrum, 2.1, np.ones(20), 10, A=0) == descent).all()


positive = st.floats(0.01, 3)


@given(st.lists(positive, min_size=2, max_size=6), positive, st.integers(1, 4), st.one_of(st.none(), positive), st.data())
def test_growth_is_the_largest_eigenvalue_of_the_recursion(values, eta, batch, A, data):
    """The recursion's own matrix, its columns from eigen_dynamics; the limit is its eigenvector, the threshold where it is 1."""
    lams = np.sort(values)[::-1]
    d = len(lams)
    if A is not None:
        A = np.array(data.draw(st.lists(positive, min_size=d, max_size=d)))
    matrix = np.array([noise.eigen_dynamics(lams, eta, unit, 1, batch, A)[1] for unit in np.eye(d)]).T
    values, vectors = np.linalg.eig(matrix)
    top = values.real.argmax()
    rho = noise.growth_rate(lams, eta, A, batch)
    assert rho == pytest.approx(values[top].real, rel=1e-9)
    if np.partition(values.real, -2)[-2] < 0.99 * values[top].real:
        assert noise.flat_ratio_limit(lams, eta, 1, A, batch) == pytest.approx(noise.flat_ratio(lams, np.abs(vectors[:, top].real), 1), rel=1e-6)
    threshold = noise.escape_threshold(lams, A, batch)
    assert noise.growth_rate(lams, threshold, A, batch) == pytest.approx(1, abs=1e-10)
    assert noise.growth_rate(lams, 1.01 * threshold, A, batch) > 1 > noise.growth_rate(lams, 0.99 * threshold, A, batch)
    assert threshold <= noise.escape_threshold(lams, batch=inf) == 2 / lams[0]


@given(st.integers(2, 8), st.integers(0, 2**32 - 1), st.floats(0.05, 4))
def test_one_step_and_variance_bounds(d, seed, beta):
    """(a) E L' >= A_1 beta^2 E L, (c) the bound on D_k after a step, P_k >= (lam_k / lam_{k+1}) D_k; any A in [A_1, A_2]."""
    rng = np.random.default_rng(seed)
    lams, s = np.sort(rng.random(d) + 1e-3)[::-1], rng.random(d) + 1e-6
    eta = beta / np.linalg.norm(lams)
    A = rng.uniform(0.2, 2.5, d)
    new = noise.eigen_dynamics(lams, eta, s, 1, A=A)[1]
    assert lams @ new >= A.min() * beta**2 * (lams @ s) * (1 - 1e-12)
    online = noise.eigen_dynamics(lams, eta, s, 1)[1]
    for k in range(1, d):
        before = noise.flat_ratio(lams, s, k)
        a, b = lams[:k] @ lams[:k], lams[k:] @ lams[k:]
        own = ((1 - eta * lams[:k]) ** 2).max() / (1 + before)
        for after, lowest, highest in ((new, A.min(), A.max()), (online, 1, 2)):
            bound = lowest * eta**2 * b / (own + highest * eta**2 * a)
            assert noise.flat_ratio(lams, after, k) >= bound * (1 - 1e-12)
        assert noise.variance_ratio(s, k) >= lams[k - 1] / lams[k] * before * (1 - 1e-12)


def test_sgd_escapes_to_the_base_ratio_and_gd_does_not():
    """Theorem 5.2 as scanned: D_k over its base ratio in [0.67, 10.7]. Proposition 5.3: GD falls below its bound."""
    ratios = []
    for lams, beta in product(spectra(), (1.05, 1.5, 2, 3, 5, 10)):
        eta = beta / np.linalg.norm(lams)
        s = noise.eigen_dynamics(lams, eta, np.ones(200), 40, A=1)
        assert noise.growth_rate(lams, eta) > 1
        sharp_start = noise.eigen_dynamics(lams, eta, np.eye(200)[0], 2, A=1)[2]
        for k in (1, 5, 20):
            base = noise.flat_ratio(lams, lams, k)
            ratios.append(noise.flat_ratio(lams, s, k)[1:] / base)
            assert noise.flat_ratio(lams, sharp_start, k) > 0.6 * base
        fast = 1.3 * 2 / lams[0]
        D = noise.flat_ratio(lams, noise.eigen_dynamics(lams, fast, np.ones(200), 40, inf), 1)
        step = (np.abs(1 - fast * lams[1:]).max() / abs(1 - fast * lams[0])) ** 2
        assert (D <= D[0] * step ** np.arange(41) * (1 + 1e-11)).all()
    assert np.min(ratios) == pytest.approx(0.67, abs=0.01)
    assert np.max(ratios) == pytest.approx(10.7, abs=0.05)


def test_flat_and_silent_directions():
    assert noise.escape_threshold([1, 0.5, 0]) == pytest.approx(noise.escape_threshold([1, 0.5]), rel=1e-14)
    assert noise.flat_ratio_limit([1, 0.5, 0], 0.4, 1) == pytest.approx(noise.flat_ratio_limit([1, 0.5], 0.4, 1), rel=1e-14)
    assert noise.escape_threshold([1, 0.5], A=[0, 1e-9]) == 2  # GD's own limit, along the silent direction
    assert noise.escape_threshold([1, 0.01, 0.01], A=[0, 1, 1]) == 2
    assert noise.growth_rate([1, 0.5], 3.0, A=[0, 1]) == 4
    assert noise.growth_rate([2.0], 0.5, 3.0) == pytest.approx(3, rel=1e-14)
    assert noise.growth_rate([1.0, 1e-12], 0.5) == pytest.approx(0.9999999999990, rel=1e-14)
    assert noise.flat_ratio_limit([1, 1, 1, 1], 0.7, 1, None, 3) == pytest.approx(3, rel=1e-14)


def test_label_noise_joins_the_two_papers():
    """Stationary states: the fixed point of the recursion, and beside it additive noise of constant covariance ([D])."""
    lams, eta = np.array([1, 0.3]), 0.4
    s = noise.label_noise_stationary(lams, eta, 1.0, 2)
    assert s == pytest.approx([0.17333333333333334, 0.13333333333333333], rel=1e-13)
    assert noise.eigen_dynamics(lams, eta, s, 1, 2, label_noise=1)[1] == pytest.approx(s, rel=1e-13)
    assert noise.eigen_dynamics(lams, eta, [0, 0], 400, 2, label_noise=1)[-1] == pytest.approx(s, rel=1e-10)
    constant = fd.stationary.stationary_covariance(np.diag(lams), np.diag(lams) / 2, eta)
    assert np.diag(constant) == pytest.approx([0.125, 0.10638297872340426], rel=1e-12)
    assert (s > np.diag(constant)).all()
    limit = noise.escape_threshold(lams, None, 2)
    assert noise.label_noise_stationary(lams, 0.999999 * limit, 1.0, 2).min() > 1e4
    with pytest.raises(InputError, match=f"below the escape threshold {limit:.6g}"):
        noise.label_noise_stationary(lams, limit * (1 + 1e-12), 1.0, 2)


J, R = TINY
BAD = [
    (lambda: noise.loss_alignment(J), "give r"),
    (lambda: noise.loss_alignment(J, R[:2]), r"r must have shape \(3,\)"),
    (lambda: noise.loss_alignment(J[0], R), r"J must have shape \(any, any\)"),
    (lambda: noise.loss_alignment(np.zeros((0, 2)), []), "at least one row"),
    (lambda: noise.loss_alignment(J * np.nan, R), "J must be finite"),
    (lambda: noise.loss_alignment(0 * J, R), "curvature is zero"),
    (lambda: noise.loss_alignment_bounds(0 * J), "J is zero"),
    (lambda: noise.loss_alignment(fd.landscapes.breast_cancer(), R), "belong to a Jacobian"),
    (lambda: noise.directional_alignment(J, R), "give the directions V"),
    (lambda: noise.directional_alignment(J, R, [1, 2, 3]), r"V must have shape \(2,\)"),
    (lambda: noise.directional_alignment(J, R, np.ones((3, 2))), r"V must have shape \(2, any\)"),
    (lambda: noise.directional_alignment([[1, 0], [2, 0]], [1, 1], np.eye(2)), "direction 1 has curvature"),
    (lambda: noise.directional_alignment([[1, 1, 0]], [1], [1, -1, 0]), "direction 0 has curvature"),
    (lambda: noise.directional_alignment(J, R, [0, 0]), "direction 0 has curvature"),
    (lambda: noise.directional_alignment(noise.from_gradients(1, J, np.diag([1, -1])), [0, 1]), "= -1"),
    (lambda: noise.loss_alignment(noise.from_gradients(-1, J, np.eye(2))), "measured from its infimum"),
    (lambda: noise.loss_alignment(noise.from_gradients(0, J, np.eye(2))), "measured from its infimum"),
    (lambda: noise.loss_alignment(fd.landscapes.tensors({(1,): [1], (2,): [[1]], (1, 1): [[1]]})), "measured from its infimum"),
    (lambda: noise.from_gradients(1, J, np.eye(3)), r"hessian must have shape \(2, 2\)"),
    (lambda: noise.from_gradients(1, J, aslinearoperator(np.eye(3))), r"hessian must have shape \(2, 2\)"),
    (lambda: noise.from_gradients(1, J, [[1, 2], [0, 1]]), "symmetric"),
    (lambda: noise.gaussian_inputs([[1, 0], [0, -1]], [1, 1]), "positive semi-definite"),
    (lambda: noise.gaussian_inputs(np.eye(2), [1, 1, 1]), r"u must have shape \(2,\)"),
    (lambda: noise.gaussian_inputs(np.eye(2), [1, 1], -1), "label_noise is a variance"),
    (lambda: noise.leading_directions(J, 3), "1 to 2"),
    (lambda: noise.leading_directions(J, 0), "at least 1"),
    (lambda: noise.eigen_dynamics([1, -1], 0.1, [1, 1], 1), "lams must be >= 0"),
    (lambda: noise.eigen_dynamics([1, 1], 0.1, [1, -1], 1), "s0 are mean squares"),
    (lambda: noise.eigen_dynamics([1, 1], 0.1, [1], 1), r"s0 must have shape \(2,\)"),
    (lambda: noise.eigen_dynamics([1, 1], 0.1, np.ones((2, 2)), 1), r"s0 must have shape \(2,\)"),
    (lambda: noise.eigen_dynamics([], 0.1, [], 1), "lams is empty"),
    (lambda: noise.eigen_dynamics([1], 0, [1], 1), "eta must be positive"),
    (lambda: noise.eigen_dynamics([1], 0.1, [1], 1, batch=0), "batch must be a whole number"),
    (lambda: noise.eigen_dynamics([1], 0.1, [1], 1, batch=1.5), "batch must be a whole number"),
    (lambda: noise.eigen_dynamics([1], 0.1, [1], 1, A=-1), "A is noise over curvature"),
    (lambda: noise.eigen_dynamics([1], 0.1, [1], 1, A=[1, 1]), r"A must have shape \(1,\)"),
    (lambda: noise.eigen_dynamics([1], 0.1, [1], -1), "T must be a whole number"),
    (lambda: noise.eigen_dynamics([1], 0.1, [1], 1.5), "T must be a whole number"),
    (lambda: noise.eigen_dynamics([1], 9, [1], 1000), "diverges"),
    (lambda: noise.eigen_dynamics([1], 0.1, [1], 1, label_noise=-1), "label_noise"),
    (lambda: noise.second_moment_dynamics(J, [1, 1], 9, 1000), "diverges"),
    (lambda: noise.second_moment_dynamics(J, [1, 1, 1], 0.1, 1), r"S0 must have shape \(2,\)"),
    (lambda: noise.second_moment_dynamics(J, np.eye(3), 0.1, 1), "like the columns of X"),
    (lambda: noise.second_moment_dynamics(J, -np.eye(2), 0.1, 1), "positive semi-definite"),
    (lambda: noise.flat_ratio([1, 2], [1, 1], 1), "descending"),
    (lambda: noise.flat_ratio([2, 1], [1, 1], 2), "from 1 to 1"),
    (lambda: noise.flat_ratio([2, 1], [1, 1], 0), "from 1 to 1"),
    (lambda: noise.flat_ratio([2, 1], [1, -1], 1), "mean squares"),
    (lambda: noise.flat_ratio([2, 1], [[1, 1], [0, 1]], 1), "at time 1"),
    (lambda: noise.variance_ratio([0, 1], 1), "no variance"),
    (lambda: noise.variance_ratio(3.0, 1), "s must have shape"),
    (lambda: noise.variance_ratio([3.0], 1), "k must be"),
    (lambda: noise.flat_ratio_limit([2, 1], 0.1, 1, batch=inf), "start decides"),
    (lambda: noise.flat_ratio_limit([2, 1], 0.1, 1, A=[1, 0]), "start decides"),
    (lambda: noise.flat_ratio_limit([0, 0], 0.1, 1), "every eigenvalue is zero"),
    (lambda: noise.escape_threshold([0, 0]), "every eigenvalue is zero"),
    (lambda: noise.growth_rate([0], 1), "every eigenvalue is zero"),
    (lambda: noise.label_noise_stationary([1, 0], 0.1, 1), "lam = 0"),
]


@pytest.mark.parametrize(("call", "words"), BAD)
def test_what_has_no_answer_is_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()


@pytest.mark.parametrize("shape", [(3, 7), (9, 7)])
def test_curvature_that_is_only_rounding_is_refused(shape):
    rng = np.random.default_rng(10)
    rows = rng.normal(size=shape) @ np.diag([1, 1, 1, 0, 0, 0, 0]) @ np.linalg.qr(rng.normal(size=(7, 7)))[0]
    null = np.linalg.svd(rows)[2][-1]
    operator = noise.from_gradients(1.0, rows, aslinearoperator(rows.T @ rows / len(rows)))
    for call in (lambda v: noise.directional_alignment(rows, np.ones(len(rows)), v), lambda v: noise.directional_alignment(operator, v)):
        call(null + 1e-3 * rows[0])
        for v in (null, -1e8 * null):
            with pytest.raises(InputError, match="direction 0 has curvature"):
                call(v)


def test_a_landscape_needs_a_hessian_and_room():
    with pytest.raises(MissingTensorError, match="supply `hess`"):
        noise.loss_alignment(fd.landscapes.samples([1, 2], J[:2]))
    with pytest.raises(TooLargeError, match="fewer updates"):
        noise.eigen_dynamics(np.ones(10**5), 0.1, np.ones(10**5), 10**5)


def test_logistic_minimum():
    rng = np.random.default_rng(8)
    X, y = rng.normal(size=(40, 3)), rng.integers(0, 2, 40)
    land = fd.landscapes.logistic(X, y, 30 * rng.normal(size=3), [0.1, 0, 0])
    low = land.at_minimum()
    assert np.abs(low.gradient).max() < 1e-12
    for _ in range(20):
        assert fd.landscapes.logistic(X, y, low.theta + 0.1 * rng.normal(size=3), [0.1, 0, 0]).loss > low.loss
    with pytest.raises(InputError, match="give a ridge"):
        fd.landscapes.logistic([[1.0], [-1.0]], [1, 0], [0.0]).at_minimum()
    with pytest.raises(InputError, match="give a ridge"):
        fd.landscapes.logistic([[1.0, 1.0], [-1.0, -1.0], [2.0, 2.0]], [1, 1, 0], [0.0, 0.0]).at_minimum()


def run(*arguments):
    return CliRunner().invoke(main, ["noise", *arguments], env={"COLUMNS": "200"})


def test_command_line(tmp_path):
    done = run("--directions", "3", "--updates", "5", "--plot", str(tmp_path / "a.png"))
    assert done.exit_code == 0, done.output
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    land = fd.landscapes.breast_cancer().at_minimum()
    lams, vectors = np.linalg.eigh(land.hessian)
    g = [v @ land.gradient_covariance @ v / (2 * land.loss * lam) for lam, v in zip(lams, vectors.T, strict=True)]
    for lam, align in zip(lams[:-4:-1], g[:-4:-1], strict=True):
        assert f"{lam:.4g} │      {align:.4f}" in done.output
    lowest = next(
        eta for eta in np.linspace(0.5, 2, 15001) if sum(eta * a * lam / (2 - eta * lam) for a, lam in zip(g, lams, strict=True)) > 1
    )
    words = " ".join(done.output.split())
    assert float(re.search(r"threshold of SGD, B = 1: eta = ([\d.]+);", words)[1]) == pytest.approx(lowest, abs=6e-4)
    assert "D_1 from" in words
    away = run("--at", "start", "--sharp", "2", "--eta", "0.1", "--batch", "4")
    assert "falls" in away.output
    assert "D_2" in away.output


def test_command_line_with_many_weights_and_errors(tmp_path):
    rng = np.random.default_rng(9)
    file = tmp_path / "wide.npz"
    np.savez(file, X=rng.normal(size=(30, 2000)), y=rng.integers(0, 2, 30))
    done = run("--data", str(file), "--at", "start", "--updates", "3")
    assert done.exit_code == 0, done.output
    assert "at most (from the leading 64 eigenvalues)" in " ".join(done.output.split())
    for arguments, words in (
        (["--sharp", "31"], "too few for 31 sharp"), (["--eta", "-1"], "eta must be positive"), (["--plot", "no/such.png"], "no such folder"),
        (["--data", str(file), "--ridge", "-1"], "ridge must be >= 0"), (["--ridge", "nan"], "finite"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2
        assert words in " ".join(done.output.split()), done.output
        assert "Traceback" not in done.output
