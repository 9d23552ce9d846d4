"""Models by finite differences, worst cases by search, one update's bounds by corners, shares beside dense matrices."""

from itertools import product

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

import fastdiag as fd
from fastdiag.errors import InputError

N = fd.noise
RNG = np.random.default_rng(0)
X = RNG.standard_normal((7, 3))


def of(name, theta):
    """A model from its flat weights."""
    if name == "linear":
        return N.linear_model(X, theta)
    if name == "diagonal":
        return N.diagonal_network(X, theta[:3], theta[3:])
    if name == "deep":
        return N.deep_linear_network(X, [theta[:12].reshape(4, 3), theta[12:20].reshape(2, 4), theta[20:].reshape(1, 2)])
    if name == "features":
        return N.random_features(X, np.arange(12.0).reshape(4, 3) - 5, theta, "tanh")
    return N.two_layer_network(X, theta[:12].reshape(4, 3), theta[12:], name, 0.3)


@pytest.mark.parametrize(("name", "n"), [("linear", 3), ("diagonal", 6), ("deep", 22), ("features", 4), ("identity", 16), ("leaky_relu", 16), ("tanh", 16), ("quadratic", 16)])
def test_jacobians_are_finite_differences(name, n):
    theta = np.random.default_rng(n).standard_normal(n)
    model = of(name, theta)
    h = 1e-5
    for i, unit in enumerate(np.eye(n)):
        slope = (of(name, theta + h * unit).outputs - of(name, theta - h * unit).outputs) / (2 * h)
        assert model.jacobian[:, i] == pytest.approx(slope, abs=1e-8 * (1 + np.abs(slope).max()))
    assert model.jacobian.shape == (7, n)
    if name in ("identity", "tanh"):
        first = N.two_layer_network(X, theta[:12].reshape(4, 3), theta[12:], name, both=False)
        assert (first.jacobian == model.jacobian[:, :12]).all()


@pytest.mark.parametrize(("name", "n"), [("linear", 3), ("diagonal", 6), ("deep", 22), ("features", 4), ("identity", 16), ("leaky_relu", 16), ("tanh", 16), ("quadratic", 16)])
def test_second_derivatives_are_differences_of_jacobians(name, n):
    rng = np.random.default_rng(n)
    theta, Q, h = rng.standard_normal(n), rng.standard_normal((7, n)), 1e-5
    wanted = [((of(name, theta + h * unit).jacobian - of(name, theta - h * unit).jacobian) * Q).sum() / (2 * h) for unit in np.eye(n)]
    model = of(name, theta)
    assert model.second.along(Q) == pytest.approx(np.array(wanted), abs=1e-7)
    assert model.second.kinked == (name == "leaky_relu")
    if name == "tanh":
        first = N.two_layer_network(X, theta[:12].reshape(4, 3), theta[12:], name, both=False)
        assert first.second.along(Q[:, :12]) == pytest.approx(model.second.along(np.hstack([Q[:, :12], np.zeros((7, 4))]))[:12])


def test_outputs_of_models():
    W, a = RNG.standard_normal((4, 3)), RNG.standard_normal(4)
    hidden = X @ W.T
    assert N.two_layer_network(X, W, a, slope=0.2).outputs == pytest.approx(np.where(hidden > 0, hidden, 0.2 * hidden) @ a)
    assert N.deep_linear_network(X, [W, a[None]]).outputs == pytest.approx(hidden @ a)
    assert N.diagonal_network(X, W[0], W[1]).outputs == pytest.approx(X @ (W[0] ** 2 - W[1] ** 2))
    assert N.random_features(X, W, a, "quadratic").outputs == pytest.approx(hidden**2 @ a / 2)


def test_worst_loss_alignment_is_attained_and_not_exceeded():
    rows = np.random.default_rng(2).standard_normal((9, 3)) @ np.diag([3, 1, 0.3])
    worst = N.worst_loss_alignment(rows)
    for u, value in ((worst.at_least, worst.least), (worst.at_greatest, worst.greatest)):
        assert N.loss_alignment(rows, rows @ u) == pytest.approx(value, rel=1e-10)
    G = rows.T @ rows / 9
    squares = (RNG.standard_normal((3000, 3)) @ rows.T) ** 2  # of residuals
    found = squares @ np.einsum("xi,ij,xj->x", rows, G, rows) / squares.sum(axis=1) / (G**2).sum()
    assert worst.least <= found.min() < worst.least * 1.05 + 1e-3
    assert worst.greatest >= found.max() > worst.greatest * 0.97
    low, high = N.loss_alignment_bounds(rows)
    assert low <= worst.least <= worst.greatest <= high
    eps = worst.eps
    assert (1 - eps) / (1 + eps) ** 2 <= worst.least * (1 + 1e-9)
    assert worst.greatest <= (3 + eps) / (1 - eps) ** 2 * (1 + 1e-9)


def test_worst_directional_alignment_beside_a_fine_grid():
    rows = np.random.default_rng(3).standard_normal((6, 2))
    worst = N.worst_directional_alignment(rows)
    for u, v, value in ((worst.at_least, worst.along_least, worst.least), (worst.at_greatest, worst.along_greatest, worst.greatest)):
        assert N.directional_alignment(rows, rows @ u, v) == pytest.approx(value, rel=1e-9)
    angles = np.linspace(0, np.pi, 721)
    circle = np.array([np.cos(angles), np.sin(angles)])
    squares = (rows @ circle) ** 2
    found = squares.T @ squares / 6 / np.outer(squares.mean(axis=0), squares.mean(axis=0))
    assert worst.least == pytest.approx(found.min(), rel=5e-3)
    assert worst.greatest == pytest.approx(found.max(), rel=1e-4)
    assert worst.greatest >= found.max()
    assert worst.least <= found.min()
    fixed = N.worst_directional_alignment(rows, circle[:, [100]])
    column = found[:, 100]
    assert fixed.least == pytest.approx(column.min(), rel=1e-4)
    assert fixed.greatest == pytest.approx(column.max(), rel=1e-4)
    many = np.random.default_rng(4).standard_normal((10000, 3))  # the theorems' limit: from 1 to 3
    wide = N.worst_directional_alignment(many, starts=2)
    assert wide.least == pytest.approx(1, abs=0.1)
    assert wide.greatest == pytest.approx(3, abs=0.2)
    assert wide.eps < 0.1


def test_a_bound_of_one_update_and_no_more():
    """Corners of A for one update; for three with A constant in time; and an A changing in time goes below that corner."""
    beaten = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        d = 3
        lams, s = np.sort(rng.random(d) + 1e-2)[::-1], rng.random(d)
        eta, k = rng.uniform(0.2, 2) / np.linalg.norm(lams), 1
        corners = [np.array(A) for A in product((0.5, 2.0), repeat=d)]
        low, high = N.flat_ratio_bounds(lams, eta, s, k, 0.5, 2.0)
        step = lambda s, A: (1 - eta * lams) ** 2 * s + eta**2 * A * lams * (lams @ s)
        ratio = lambda s: (lams[k:] @ s[k:]) / (lams[:k] @ s[:k])
        once = [ratio(step(s, A)) for A in corners]
        assert (low, high) == pytest.approx((min(once), max(once)), rel=1e-12)
        constant = [ratio(step(step(step(s, A), A), A)) for A in corners]
        worst = np.where(np.arange(d) < k, 2.0, 0.5)
        assert min(constant) == pytest.approx(ratio(step(step(step(s, worst), worst), worst)), rel=1e-12)
        for first in corners:
            two = [step(step(s, first), second) for second in corners]
            changing = min(N.flat_ratio_bounds(lams, eta, w, k, 0.5, 2.0)[0] for w in two)
            if changing < min(constant) * (1 - 1e-9):
                beaten += 1
                break
        if seed >= 25 and beaten:
            break
    assert beaten
    with pytest.raises(InputError, match="must be at most A2"):
        N.flat_ratio_bounds([2.0, 1.0], 0.1, [1.0, 1.0], 1, 2.0, 1.0)


def test_a_rate_for_each_update():
    lams, s0, rates = [1.0, 0.5, 0.2], [1.0, 0.4, 2.0], [0.3, 0.9, 0.3, 0.9]
    for A in (None, 1.3):
        found = N.eigen_dynamics(lams, rates, s0, 4, 2, A, label_noise=0.1)
        s = np.array(s0)
        for t, eta in enumerate(rates):
            s = N.eigen_dynamics(lams, eta, s, 1, 2, A, label_noise=0.1)[1]
            assert found[t + 1] == pytest.approx(s, rel=1e-13)
    S = np.outer(s0, s0)
    found = N.second_moment_dynamics(X, S, rates, 4, 2)
    for t, eta in enumerate(rates):
        S = N.second_moment_dynamics(X, S, eta, 1, 2)[1]
        assert found[t + 1] == pytest.approx(S, rel=1e-12)
    with pytest.raises(InputError, match="one learning rate for each update"):
        N.eigen_dynamics(lams, rates, s0, 5)
    with pytest.raises(InputError, match="at update 1"):
        N.eigen_dynamics(lams, [0.1, 0], s0, 2)


def test_landscapes_stand_for_jacobians():
    rng = np.random.default_rng(8)
    rows, labels = rng.standard_normal((20, 3)), rng.standard_normal(20)
    land = fd.landscapes.least_squares(rows, labels, rng.standard_normal(3))
    residuals = rows @ land.theta - labels
    for function in (N.loss_alignment, N.noise_covariance, lambda *J: N.leading_directions(J[0], 2)[0], lambda *J: N.noise_operator(*J) @ np.ones(3),
                     lambda *J: N.directional_alignment(*J, V=np.eye(3))):
        assert function(land) == pytest.approx(function(rows, residuals), rel=1e-11)
    assert N.loss_alignment_bounds(land) == N.loss_alignment_bounds(rows)
    assert N.worst_loss_alignment(land) == N.worst_loss_alignment(rows)
    assert N.worst_directional_alignment(land, starts=2) == N.worst_directional_alignment(rows, starts=2)
    assert np.array([*N.leading_shares(land, 2)]) == pytest.approx(np.array([*N.leading_shares([rows], 2, [residuals], tol=1e-11)]), rel=1e-9)
    assert np.array([*N.leading_shares(N.geometry(rows, residuals), 2)]) == pytest.approx(np.array([*N.leading_shares(land, 2)]), rel=1e-11)
    softmax = fd.landscapes.softmax(rows, np.arange(20) % 3)
    values, vectors = np.linalg.eigh(softmax.hessian)
    second = softmax.gradient_covariance + np.outer(softmax.gradient, softmax.gradient)
    p, r = N.leading_shares(softmax, 2)
    assert p == pytest.approx([v @ second @ v / np.trace(second) for v in vectors.T[:-3:-1]], rel=1e-9)
    assert r == pytest.approx(values[:-3:-1] / values.sum(), rel=1e-11)
    wide, some = rng.standard_normal((5, 8)), rng.standard_normal(5)  # factors, and an operator: their traces
    matrix = wide.T @ wide / 5
    operator = N.from_gradients(some @ some / 10, some[:, None] * wide, aslinearoperator(matrix))
    for around in (N.geometry(wide, some), operator):
        assert np.array([*N.leading_shares(around, 3)]) == pytest.approx(np.array([*N.leading_shares([wide], 3, [some], tol=1e-11)]), rel=1e-9)
    for call in (N.loss_alignment_bounds, N.worst_loss_alignment, N.worst_directional_alignment):
        for other in (softmax, fd.landscapes.least_squares(rows, labels, ridge=0.1)):
            with pytest.raises(InputError, match="over all residuals of the square loss"):
                call(other)
    with pytest.raises(InputError, match="residuals r belong to a Jacobian"):
        N.leading_shares(land, 2, [residuals])
    flat = fd.landscapes.samples([1.0, 1.0], [[1.0], [-1.0]], [[[0.0]], [[0.0]]])
    with pytest.raises(InputError, match="no noise or no positive curvature"):
        N.leading_shares(flat, 1)


def test_shares_beside_dense_matrices():
    rng = np.random.default_rng(5)
    J, r = rng.standard_normal((40, 30)) * np.arange(1, 31) ** -1.0, rng.standard_normal(40)
    blocks = np.array_split(J, [5, 17, 18])
    p, q = N.leading_shares(lambda: iter(blocks), 4, np.array_split(r, [5, 17, 18]), tol=1e-11)
    values, vectors = np.linalg.eigh(J.T @ J / 40)
    top = vectors[:, ::-1][:, :4]
    Sigma = J.T @ ((r**2)[:, None] * J) / 40
    assert q == pytest.approx(values[::-1][:4] / values.sum(), rel=1e-9)
    assert p == pytest.approx(np.einsum("ik,ij,jk->k", top, Sigma, top) / np.trace(Sigma), rel=1e-7)
    g = N.directional_alignment(J, r, top)
    assert p / q == pytest.approx(g * (2 * N.geometry(J, r).loss * values.sum() / np.trace(Sigma)), rel=1e-7)
    same, also = N.leading_shares(blocks, 2)
    assert same == pytest.approx(also, rel=1e-9)
    for batches, residuals, words in ((iter(blocks), None, "read once only"), ([], None, "are empty"), (blocks, [r[:2]], "must come as the rows do"),
                                      ([np.zeros((2, 3))], None, "every gradient is zero"), (3, None, "list of blocks")):
        with pytest.raises(InputError, match=words):
            N.leading_shares(batches, 1, residuals)


SPECTRA = {"flat": np.ones(200), "half power": np.arange(1, 201) ** -0.5, "spikes": np.r_[5, 4, 3, np.ones(197)], "two alike": np.r_[3, 3, 2, np.ones(197)]}


@pytest.mark.parametrize("name", SPECTRA)
def test_shares_lie_within_their_errors_converged_or_not(name):
    """Beside dense eigenvectors, and where some are alike beside what they have together."""
    rng = np.random.default_rng(6)
    J, r = np.linalg.qr(rng.standard_normal((300, 200)))[0] if name == "two alike" else rng.standard_normal((900, 200)), rng.standard_normal(900)
    J, r = J * SPECTRA[name], r[: len(J)]
    values, vectors = np.linalg.eigh(J.T @ J)
    Sigma = J.T @ ((r**2)[:, None] * J)
    of_noise = (np.einsum("ik,ij,jk->k", vectors, Sigma, vectors) / np.trace(Sigma))[:-4:-1]
    of_curvature = values[:-4:-1] / values.sum()
    for turns, tol in ((2, 1e-9), (4, 1e-9), (50, 1e-2), (60, 1e-4)):
        if turns < 10 and name != "two alike":
            with pytest.warns(fd.errors.TrustWarning, match=f"not converged in {turns + 1} passes"):
                found = N.leading_shares([J[:100], J[100:]], 3, [r[:100], r[100:]], turns, turns, tol)
        else:
            tol = max(tol, 1e-8)
            found = N.leading_shares([J[:100], J[100:]], 3, [r[:100], r[100:]], 60, turns, tol)
            assert (found.r_error <= tol * found.r).all()
        assert found.converged == ("not converged" not in repr(found)) == (turns > 9 or name == "two alike")
        assert (np.abs(found.r - of_curvature) <= found.r_error).all()
        if name == "two alike":
            pairs, wanted = (np.array([x[:2].sum(), x[2]]) for x in (found.p, of_noise))
            assert (np.abs(pairs - wanted) <= [found.p_error[:2].sum(), found.p_error[2]]).all()
        else:
            assert (np.abs(found.p - of_noise) <= found.p_error).all()
        assert turns < 60 or (found.p_error <= 0.05 * found.p).all()  # and they say something
    exact = N.leading_shares(N.geometry(J, r), 3)
    assert exact.converged
    assert (np.abs(exact.r - of_curvature) <= exact.r_error).all()
    assert exact.r_error.max() < 1e-10
