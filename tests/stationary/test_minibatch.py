"""Laws of real minibatches: all paths, the matrix of second moments, simulations, published numbers, and other rooms."""

from fractions import Fraction
from math import inf

import numpy as np
import pytest
import sympy
from scipy.sparse.linalg import eigsh

import fastdiag as fd
from fastdiag.errors import InputError, TooLargeError
from oracles.affine_sgd import all_paths, exact, leading, settled, updates_of_batches
from oracles.recursions import close

S = fd.stationary
RULES = [(0.0, None), (0.6, None), (0.6, 0.3), (-0.4, None), (0.5, 1.0)]


def regression(points, n, seed=0):
    """Inputs and labels, and what each point's gradient is about the least squares."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((points, n)), rng.standard_normal(points)
    residuals = X @ np.linalg.lstsq(X, y, rcond=None)[0] - y
    return X, y, [np.outer(x, x) for x in X], [r * x for r, x in zip(residuals, X, strict=True)]


def general(points=3, n=2, seed=1):
    """Points with any Hessians, at the minimum of their mean."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(points, n, n))
    hessians = root @ root.swapaxes(1, 2) - 0.3 * np.eye(n)
    gradients = rng.normal(size=(points, n))
    gradients -= gradients.mean(axis=0)
    return fd.landscapes.samples(np.zeros(points), gradients, hessians), hessians, gradients


@pytest.mark.parametrize(("mu", "nu"), RULES)
@pytest.mark.parametrize("batch", [1, 2])
def test_the_law_is_the_fixed_point_over_all_batches(mu, nu, batch):
    X, y, *regressed = regression(3, 2)
    land, *points = general()
    for given, (hessians, gradients), lam in (((X, y), regressed, 0.15), ((land, None), points, 0.1)):
        law = S.minibatch_stationary(*given, lam, batch, mu, nu)
        updates = updates_of_batches(hessians, gradients, lam, batch, mu, nu)
        state = settled(updates)
        close(law.joint, state, atol=1e-12)
        close(law.covariance, state[:2, :2])
        H = np.mean(hessians, axis=0)
        close(law.excess_loss, np.trace(H @ law.covariance) / 2)
        growth, moments = S.minibatch_growth(*given, lam, batch, mu, nu)
        wanted, vector = leading(updates)
        close(growth, wanted)
        close(moments, vector[:2, :2] / np.trace(vector[:2, :2]), atol=1e-10)
        spread = np.mean([h @ law.covariance @ h for h in hessians], axis=0) - H @ law.covariance @ H
        close(law.noise, (spread + np.mean([np.outer(g, g) for g in gradients], axis=0)) / batch)
        close(S.stationary_covariance(H, law.noise, lam, mu, nu), law.covariance)  # frozen at its own noise
        limit = S.minibatch_stability_limit(*given, batch, mu, nu)
        assert leading(updates_of_batches(hessians, gradients, limit, batch, mu, nu))[0] == pytest.approx(1, abs=1e-9)
        assert limit < S.stability_limit(np.linalg.eigvalsh(H)[-1], mu, nu)
        with pytest.raises(InputError, match=f"must be below {limit:.6g}, not"):
            S.minibatch_stationary(*given, 1.0001 * limit, batch, mu, nu)


@pytest.mark.parametrize(("mu", "nu"), RULES[:3])
def test_transients_are_the_mean_over_all_paths(mu, nu):
    """In Fractions: three points, from away, points' gradients and Hessians going together."""
    X, y, hessians, gradients = regression(3, 2)
    land, *points = general()
    for given, (h, g), batch, T in (((X, y), (hessians, gradients), 1, 4), ((land, None), points, 2, 2), ((land, None), points, 1, 4)):
        start = np.array([1.0, -2.0])
        rule = [None if x is None else Fraction(x) for x in (mu, nu)]
        updates = updates_of_batches([exact(one) for one in h], [exact(one) for one in g], Fraction(0.2), batch, *rule)
        found = S.minibatch_transient(*given, 0.2, batch, T, start, mu, nu)
        for t in range(T + 1):
            wanted = all_paths(updates, exact([*start, 0.0, 0.0]), t)[:2, :2].astype(float)
            close(found[t], wanted, atol=1e-13)
        if mu == 0 and batch == 1 and given[1] is None:
            matrix = S.minibatch_transient(*given, 0.2 * np.eye(2), batch, T, start)
            close(matrix, found)
            close(fd.noise.second_moment_dynamics(land, start, [0.2] * 4, 4), found)
            cyclic = S.minibatch_transient(*given, [0.2, 0.1, 0.2, 0.1], batch, T, start)
            steps = [updates_of_batches([exact(one) for one in h], [exact(one) for one in g], Fraction(lam), 1) for lam in (0.2, 0.1)]
            ends = [exact([*start, 0.0, 0.0])]
            for t in range(4):
                ends = [A @ z + b for z in ends for A, b in steps[t % 2]]
            close(cyclic[-1], (sum(np.outer(z, z) for z in ends) / len(ends))[:2, :2].astype(float))


def test_a_preconditioner_is_another_choice_of_weights():
    X, y, *_ = regression(6, 3)
    root = np.array([[0.5, 0, 0], [0.1, 0.4, 0], [-0.1, 0.2, 0.6]])
    law = S.minibatch_stationary(X, y, root @ root.T, 4, 0.3)
    other = S.minibatch_stationary(X @ root, y, 1.0, 4, 0.3)
    close(law.covariance, root @ other.covariance @ root.T)
    close(law.joint[:3, 3:], root @ other.joint[:3, 3:] @ np.linalg.inv(root))
    close(law.excess_loss, other.excess_loss)


def test_published_numbers_of_one_weight():
    """Standard normal inputs and labels, N = 1000, batches of 100, lam = 1.6; and its Gaussian limit."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(1000), rng.standard_normal(1000)
    k = np.mean(x * x)
    law = S.minibatch_stationary(x[:, None], y, 1.6, 100)
    assert law.covariance[0, 0] == pytest.approx(0.03795, abs=5e-6)
    product = S.stationary_covariance([[k]], [[k / 100]], 1.6)[0, 0]  # labels' variance times the Hessian
    assert product == pytest.approx(0.03405, abs=5e-6)
    heavy = S.minibatch_stationary(x[:, None], y, 1.0, 100, mu=0.9)
    assert heavy.covariance[0, 0] == pytest.approx(0.0808, abs=5e-5)
    assert S.stationary_covariance([[k]], [[k / 100]], 1.0, 0.9)[0, 0] == pytest.approx(0.0668, abs=5e-5)
    limit = fd.noise.label_noise_stationary([1], 1.6, 1, 100)[0]
    assert limit == pytest.approx(0.0434783, abs=5e-8)
    w, a, b = sympy.symbols("w a b")
    online = fd.landscapes.symbolic((a * w - b) ** 2 / 2, w, (a, b), [fd.landscapes.normal()] * 2, at=[0])
    close(S.minibatch_stationary(online, lam=1.6, batch=100).covariance, [[limit]])


@pytest.mark.parametrize("name", ["softmax", "logistic", "least_squares", "outputs"])
def test_linear_models_without_the_points_hessians(name):
    """Hessians in their factors, one and several outputs, unequal ridges and weights, beside those of every point."""
    rng = np.random.default_rng(6)
    X, labels = rng.standard_normal((40, 4)) + 1, np.arange(40) % (2 if name == "logistic" else 3)
    n = {"softmax": 12, "outputs": 8}.get(name, 4)
    if name == "outputs":
        name, labels = "least_squares", rng.standard_normal((40, 2))
    start = np.zeros(4) if name == "logistic" else None
    land = getattr(fd.landscapes, name)(X, labels, start, rng.uniform(0.1, 0.3, n), rng.random(40))
    land = land.at_minimum()
    hessians = land.deviations(2) + land.hessian
    dense = fd.landscapes.samples(np.zeros(40), land.deviations(1), hessians, weights=land.weights)
    limit = S.minibatch_stability_limit(dense, batch=3)
    close(S.minibatch_stability_limit(land, batch=3), limit)
    matrix = np.diag(rng.uniform(0.1, 0.4, n)) * limit
    for lam, mu in ((0.5 * limit, 0.0), (0.3 * limit, 0.4), (matrix, 0.0)):
        close(S.minibatch_stationary(land, lam=lam, batch=3, mu=mu).joint, S.minibatch_stationary(dense, lam=lam, batch=3, mu=mu).joint, atol=1e-13)
    found = S.minibatch_transient(land, lam=0.5 * limit, T=3, start=np.ones(n))
    close(found, S.minibatch_transient(dense, lam=0.5 * limit, T=3, start=np.ones(n)), atol=1e-13)


@pytest.mark.long
def test_softmax_on_all_digits():
    """650 weights: the points' Hessians would take 6 GB. The law solves its equation, with the noise by single points."""
    land = fd.landscapes.digits(ridge=0.1).at_minimum()
    law = S.minibatch_stationary(land, lam=0.3, batch=16)
    noise, H = np.zeros((650, 650)), land.hessian
    for i in range(len(land.weights)):
        h = land.deviations(2, slice(i, i + 1))[0]
        noise += h @ law.covariance @ h / (16 * len(land.weights))
    step = np.eye(650) - 0.3 * H
    wanted = step @ law.covariance @ step + 0.09 * (noise + land.gradient_covariance / 16)
    close(law.covariance, wanted, rtol=1e-7, atol=1e-9 * np.abs(wanted).max())


@pytest.mark.parametrize("unit", [2.0**-330, 2.0**200])
def test_inputs_of_any_size(unit):
    """Weights as they are, losses and Hessians in other units: rates in their inverse."""
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((7, 2)), rng.standard_normal(7)
    close(S.minibatch_stability_limit(unit * X, unit * y, 2) * unit**2, S.minibatch_stability_limit(X, y, 2), rtol=1e-13)
    several = np.c_[y, X[:, 0] - y]
    near, far = (fd.landscapes.least_squares(size * X, size * several).at_minimum() for size in (1.0, 2.0**-60))
    close(S.minibatch_stability_limit(far) / 2.0**120, S.minibatch_stability_limit(near), rtol=1e-10)
    close(S.minibatch_stationary(unit * X, unit * y, 0.1 / unit**2, 2).covariance, S.minibatch_stationary(X, y, 0.1, 2).covariance, rtol=1e-12)


def test_too_many_weights_are_refused_before_anything_is_formed():
    for call in (lambda X: S.minibatch_stability_limit(X, [0.0]), lambda X: fd.noise.second_moment_dynamics(X, [0.0], 0.1, 1)):
        with pytest.raises(TooLargeError, match=r"second moments of 200,000 weights take arrays of 320\.0 GB"):
            call(np.ones((1, 200_000)))


def simulated(X, y, lam, batch, mu, runs, updates, seed, nu=None):
    """Mean of w^2 over runs, and its standard error, for one weight about the least squares."""
    rng = np.random.default_rng(seed)
    x = X[:, 0]
    best = x @ y / (x @ x)
    w, m = np.zeros(runs), np.zeros(runs)
    for _ in range(updates):
        picks = rng.integers(len(x), size=(runs, batch))
        g = (x[picks] * (x[picks] * (w[:, None] + best) - y[picks])).mean(axis=1)
        m = mu * m + g
        w = w - lam * m
    return np.mean(w * w), np.std(w * w) / np.sqrt(runs)


@pytest.mark.parametrize(("lam", "mu"), [(1.6, 0.0), pytest.param(1.0, 0.9, marks=pytest.mark.long)])
def test_a_simulation_settles_there(lam, mu):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((1000, 1)), rng.standard_normal(1000)
    mean, error = simulated(X, y, lam, 100, mu, 6000 if mu == 0 else 20000, 20 if mu == 0 else 150, 5)
    assert abs(S.minibatch_stationary(X, y, lam, 100, mu).covariance[0, 0] - mean) < 3 * error
    frozen = S.stationary_covariance([[np.mean(X**2)]], [[np.mean(X**2) / 100]], lam, mu)[0, 0]
    assert abs(frozen - mean) > 4 * error


def test_the_breast_cancer_limits():
    """Radius 1 of E[(1 - eta h) x (1 - eta h)] with the data's own Hessians, as a matrix over pairs of weights."""
    land = fd.landscapes.breast_cancer().at_minimum()
    c, X, H = land.slopes(2), land.X, land.hessian
    pairs = np.einsum("xi,xj->xij", X, X).reshape(len(X), -1)
    raw = X.T @ (c[:, None] * X) / len(X)  # without the ridge, which all points share
    varied = pairs.T @ ((c**2)[:, None] * pairs) / len(X) - np.kron(raw, raw)
    limits = [S.minibatch_stability_limit(land, batch=batch) for batch in (1, 16)]
    assert limits == pytest.approx([0.1340, 1.462], abs=1e-4)
    for limit, batch in zip(limits, (1, 16), strict=True):
        step = np.eye(31) - limit * H
        matrix = np.kron(step, step) + limit**2 / batch * varied
        assert eigsh(matrix, k=1, which="LA", return_eigenvectors=False)[0] == pytest.approx(1, abs=1e-10)
    assert S.minibatch_growth(land, lam=0.13405)[0] == pytest.approx(1.000004, abs=5e-7)
    assert S.minibatch_stability_limit(land, batch=inf) == pytest.approx(S.stability_limit(np.linalg.eigvalsh(H)[-1]), rel=1e-12)


def test_fitted_points_and_flat_directions():
    """More weights than points: only the directions in which points lie count; the threshold of one point is 2 / x^2."""
    rng = np.random.default_rng(2)
    X = rng.standard_normal((3, 5))
    small, turn = np.linalg.qr(X.T)[1].T, np.linalg.qr(X.T)[0]
    limit = S.minibatch_stability_limit(X, np.zeros(3))
    assert limit == pytest.approx(S.minibatch_stability_limit(small, np.zeros(3)), rel=1e-9)
    labels = rng.standard_normal(3)  # fitted exactly: nothing moves
    assert np.abs(S.minibatch_stationary(X, labels, 0.9 * limit).covariance).max() < 1e-25
    assert S.minibatch_stability_limit([[2.0]], [1.0]) == pytest.approx(0.5, rel=1e-8)
    updates = updates_of_batches([np.outer(x, x) for x in X @ turn], [np.zeros(3)] * 3, limit, 1)
    assert leading(updates)[0] == pytest.approx(1, abs=1e-8)


@pytest.mark.filterwarnings("ignore::fastdiag.errors.TaylorWarning")
def test_the_joins_with_predictions_about_the_path():
    """Frozen noise is noise order 1 at T = inf; the next order adds one return of its spread; the closure has them all."""
    X, y, hessians, gradients = regression(8, 2, seed=4)
    H, lam, batch = np.mean(hessians, axis=0), 0.1, 2
    land = fd.landscapes.samples(np.zeros(8), gradients, hessians)
    frozen = S.stationary_covariance(land, batch, lam)
    forever = fd.Spacetime(N=inf, B=batch, T=inf)
    close(fd.predict(land, forever, lam, noise=1, observable="covariance").total, frozen)
    close(frozen, S.stationary_covariance(H, np.mean([np.outer(g, g) for g in gradients], axis=0) / batch, lam))
    long = fd.Spacetime(N=inf, B=batch, T=400)
    spread = np.mean([h @ frozen @ h for h in hessians], axis=0) - H @ frozen @ H
    again = S.stationary_covariance(H, spread / batch, lam)
    second = fd.predict(land, long, lam, noise=2, observable="covariance").total
    close(second, frozen + again, rtol=1e-9)
    law = S.minibatch_stationary(X, y, lam, batch)
    closed = fd.predict(land, long, lam, closure="gaussian", observable="covariance").total
    close(closed, law.covariance, rtol=1e-9)


@pytest.mark.parametrize(("mu", "share"), [(0.0, 0.3), (0.0, 1.0), (0.7, 1.0)])
def test_growth_where_curvatures_are_of_many_sizes(mu, share):
    """At the limit the radius is 1, below it less; eigenvalues lie close together there."""
    inputs = np.random.default_rng(0).standard_normal((20, 8)) * 10.0 ** -np.arange(8)
    limit = fd.stationary.minibatch_stability_limit(inputs, np.zeros(20), 4, mu)
    found = fd.stationary.minibatch_growth(inputs, np.zeros(20), share * limit, 4, mu)[0]
    assert abs(found - 1) < 1e-9 if share == 1 else found < 1
