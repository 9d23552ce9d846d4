"""Dynamics of second moments and escape (paper [E]) against the mean over all sample paths."""

from itertools import product
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastdiag as fd
from fastdiag.errors import InputError
from oracles.gaussian_points import gaussian_points

noise = fd.noise


def spectra(d=200):
    i = np.arange(1, d + 1)
    return [i**-0.5, 1.0 / i, np.r_[1, np.full(d - 1, 0.1)]]


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
