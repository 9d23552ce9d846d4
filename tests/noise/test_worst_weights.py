"""Worst weights beside what is known exactly: eigenvalues, sign patterns one by one, grids; and below the theorems' bounds."""

from itertools import product

import numpy as np
import pytest
from scipy.linalg import eigh

import fastdiag as fd
from fastdiag.errors import InputError
from fastdiag.noise.worst_weights import _Search

N = fd.noise
X = np.random.default_rng(0).standard_normal((12, 2)) @ np.diag([2, 0.7])
A = np.array([1.0, -0.6])
SLOPE = 0.5


def deep(w):
    return N.deep_linear_network(X, [w[:4].reshape(2, 2), w[4:].reshape(1, 2)])


def diagonal(w):
    return N.diagonal_network(X, w[:2], w[2:])


def leaky(w):
    return N.two_layer_network(X, w.reshape(2, 2), A, "leaky_relu", SLOPE, both=False)


def ends(worst):
    return worst.least, worst.greatest


def attained(worst, family):
    """The alignments at the weights, labels and directions of the answer, by the functions for one point."""
    found = []
    for theta, labels, v in ((worst.at_least, worst.labels_least, worst.along_least), (worst.at_greatest, worst.labels_greatest, worst.along_greatest)):
        model = family(theta)
        r = model.outputs - labels
        found.append(N.loss_alignment(model.jacobian, r) if v is None else N.directional_alignment(model.jacobian, r, v))
    return found


def search(family, theta, **options):
    worst = N.worst_over_weights(family, theta, **options)
    assert attained(worst, family) == pytest.approx(ends(worst), rel=1e-6, abs=1e-9)
    assert min(worst.agreed) >= 1
    eps = worst.eps
    assert (1 - eps) / (1 + eps) ** 2 <= worst.least * (1 + 1e-9) + 1e-12
    assert eps == 1 or worst.greatest <= (3 + eps) / (1 - eps) ** 2 * (1 + 1e-9)
    return worst


def of_squares(weights, space):
    """Range of points * sum w r^2 / (sum w sum r^2) over r in a space of columns."""
    values = eigh(space.T @ (weights[:, None] * space), space.T @ space, eigvals_only=True)
    return np.array([values[0], values[-1]]) * len(space) / weights.sum()


@pytest.mark.parametrize(("y", "V"), [("fitted", None), ("fitted", "any"), ("any", None), ("any", "any"), (np.arange(12.0), None), (np.arange(12.0), np.ones(6))])
@pytest.mark.parametrize("both", [True, False])
def test_gradients_are_differences(y, V, both):
    """Of the search's function, more weights than points and fewer, with the second derivatives and by differences."""
    family = deep if both else lambda w: N.two_layer_network(X, w[:4].reshape(2, 2), w[4:], "tanh")
    given = None if isinstance(y, str) else y
    search = _Search(family, 6, isinstance(y, str) and y == "fitted", given, isinstance(V, str))
    v, point = (None if V is None or isinstance(V, str) else V), (3 if isinstance(y, str) and y == "any" else None)
    z = np.random.default_rng(5).standard_normal(6 * (1 + search.fitted + search.turns))
    _, gradient = search.at(1.0, z, v, point, slopes=True)
    h = 1e-6
    slopes = [(search.at(1.0, z + h * e, v, point)[0] - search.at(1.0, z - h * e, v, point)[0]) / (2 * h) for e in np.eye(len(z))]
    assert gradient == pytest.approx(np.array(slopes), abs=1e-7)
    few = _Search(lambda w: N.deep_linear_network(X[:3], [w[:4].reshape(2, 2), w[4:].reshape(1, 2)]), 6, False, np.ones(3), False)
    _, gradient = few.at(1.0, z[:6], None, None, slopes=True)
    slopes = [(few.at(1.0, z[:6] + h * e, None, None)[0] - few.at(1.0, z[:6] - h * e, None, None)[0]) / (2 * h) for e in np.eye(6)]
    assert gradient == pytest.approx(np.array(slopes), abs=1e-7)


def test_models_that_are_linear_in_their_weights():
    """Fitted and given labels: eigenvalues."""
    exact = N.worst_loss_alignment(X)
    worst = search(lambda w: N.linear_model(X, w), [1.0, 1.0], y="fitted", starts=3)
    assert ends(worst) == pytest.approx((exact.least, exact.greatest), rel=1e-6)
    features = np.random.default_rng(1).standard_normal((3, 2))
    values = np.tanh(X @ features.T)
    exact = N.worst_loss_alignment(values)
    worst = search(lambda w: N.random_features(X, features, w, "tanh"), np.ones(3), y="fitted", starts=3)
    assert ends(worst) == pytest.approx((exact.least, exact.greatest), rel=1e-6)
    y = np.sin(5 * X[:, 0])  # residuals of given labels: all of a space of one dimension more, but where it has no labels
    c = np.einsum("xi,ij,xj->x", X, X.T @ X, X)
    worst = search(lambda w: N.linear_model(X, w), [1.0, 1.0], y=y, starts=5)
    assert ends(worst) == pytest.approx(of_squares(c, np.c_[X, y]), rel=1e-5)
    v = np.array([[1.0, 0.0], [1.0, 2.0]])
    worst = search(lambda w: N.linear_model(X, w), [1.0, 1.0], y=y, V=v, starts=5)
    each = np.array([of_squares((X @ column) ** 2, np.c_[X, y]) for column in v.T])
    assert ends(worst) == pytest.approx((each[:, 0].min(), each[:, 1].max()), rel=1e-5)


@pytest.mark.parametrize("V", [None, "any"])
def test_deep_linear_networks_reach_the_bound_of_models_linear_in_F(V):
    """The Jacobian of F can be of rank one along any direction, so that mu is any g: theorem 3.2's bound is attained."""
    exact = N.worst_directional_alignment(X)
    worst = search(deep, np.ones(6), y="fitted", V=V, starts=3)
    assert ends(worst) == pytest.approx((exact.least, exact.greatest), rel=1e-5)
    assert exact.least * (1 - 1e-9) <= worst.least
    assert worst.greatest <= exact.greatest * (1 + 1e-9)


def test_diagonal_networks_beside_a_grid():
    """grad F grad F^T = 4 diag(u^2 + v^2) is any positive diagonal, whatever F: one angle, and eigenvalues over residuals."""
    found = []
    for angle in np.linspace(0, np.pi / 2, 501):
        rows = X * np.sqrt([np.cos(angle), np.sin(angle)])
        found.append(of_squares(np.einsum("xi,ij,xj->x", rows, rows.T @ rows, rows), X))
    least, greatest = np.array(found)[:, 0].min(), np.array(found)[:, 1].max()
    worst = search(diagonal, [1.0, 0.5, 0.3, 0.8], y="fitted", starts=2)
    assert ends(worst) == pytest.approx((least, greatest), rel=2e-4)
    assert worst.least <= least * (1 + 1e-9)
    assert worst.greatest >= greatest * (1 - 1e-9)
    bound = N.worst_directional_alignment(X)
    assert bound.least < worst.least < worst.greatest < bound.greatest

    def bare(w):  # a model that does not know its second derivatives
        model = diagonal(w)
        return N.Model(model.outputs, model.jacobian)

    again = search(bare, [1.0, 0.5, 0.3, 0.8], y="fitted", starts=1, seed=1)
    assert ends(again) == pytest.approx(ends(worst), rel=1e-4)


def patterns():
    """Slopes of a unit at all points, for every direction of its weights: a cell of the circle each."""
    angles = np.arctan2(X[:, 1], X[:, 0]) + np.pi / 2
    edges = np.sort(np.concatenate([angles, angles + np.pi]) % (2 * np.pi))
    middles = (edges + np.roll(edges, -1) + 2 * np.pi * (np.arange(len(edges)) == len(edges) - 1)) / 2
    return np.where(X @ [np.cos(middles), np.sin(middles)] > 0, 1.0, SLOPE).T


def test_two_layers_beside_every_pattern_of_signs_and_below_theorem_3_5():
    cells = patterns()
    found = []
    for pair in product(cells, repeat=2):
        c = ((X @ X.T * sum(a**2 * np.outer(s, s) for a, s in zip(A, pair, strict=True))) ** 2).sum(axis=1)
        found.append((12 * c.min() / c.sum(), 12 * c.max() / c.sum()))
    least, greatest = np.array(found)[:, 0].min(), np.array(found)[:, 1].max()
    worst = search(leaky, np.ones(4), starts=2)
    assert ends(worst) == pytest.approx((least, greatest), rel=1e-9)
    low, high = N.loss_alignment_bounds(X, slopes=(SLOPE, 1.0))
    assert low <= worst.least < worst.greatest <= high
    assert high < 12
    flat, steep = N.loss_alignment_bounds(X)
    assert low < flat < steep < high  # of the inputs alone: the network does go beyond these
    assert worst.least < flat
    assert worst.greatest > steep
    assert low >= flat * SLOPE**4
    assert high <= steep / SLOPE**4


def test_bounds_by_slopes_are_attained_where_slopes_are_free():
    """n c_i / sum c over all c_j between a^4 and b^4 times those of the inputs: at a corner."""
    rows = X[:5]
    c = ((rows @ rows.T) ** 2).sum(axis=1)
    corners = np.array(list(product((0.3**4, 2.0**4), repeat=5))) * c
    found = 5 * corners / corners.sum(axis=1, keepdims=True)
    assert N.loss_alignment_bounds(rows, (0.3, 2.0)) == pytest.approx((found.min(), found.max()), rel=1e-12)
    assert N.loss_alignment_bounds(rows, (0.0, 1.0)) == pytest.approx((0.0, 5.0))
    assert N.loss_alignment_bounds(rows, (2.0, 2.0)) == N.loss_alignment_bounds(rows)
    for slopes in ((1.0, 0.5), (-1.0, 1.0), (0.0, 0.0), (1.0,), 1.0, "ab"):
        with pytest.raises(InputError, match="slopes"):
            N.loss_alignment_bounds(rows, slopes)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_bounds_hold_for_random_data(seed):
    rng = np.random.default_rng(seed)
    rows, slope, a = rng.standard_normal((rng.integers(4, 15), 3)) * rng.uniform(0.2, 2, 3), rng.uniform(0.2, 0.9), rng.standard_normal(3)
    low, high = N.loss_alignment_bounds(rows, (slope, 1.0))
    for y in ("any", "fitted", rng.standard_normal(len(rows))):
        worst = search(lambda w: N.two_layer_network(rows, w.reshape(3, 3), a, slope=slope, both=False), np.ones(9), y=y, starts=3, seed=seed)
        assert low <= worst.least <= worst.greatest <= high
    bound = N.worst_directional_alignment(rows)
    for family, n in (
        (lambda w: N.diagonal_network(rows, w[:3], w[3:]), 6),
        (lambda w: N.deep_linear_network(rows, [w[:6].reshape(2, 3), w[6:10].reshape(2, 2), w[10:].reshape(1, 2)]), 12),
    ):
        for V in (None, "any"):
            worst = search(family, np.ones(n), y="fitted", V=V, starts=3, seed=seed)
            assert bound.least * (1 - 1e-6) <= worst.least <= worst.greatest <= bound.greatest * (1 + 1e-6)


def test_what_cannot_be_searched_says_why():
    line = lambda w: N.linear_model(X, w)
    for arguments, words in (
        ((line, []), "at least one weight"), ((line, [1.0, 1.0, 1.0]), "w must have shape"), ((3, [1.0]), "must be a function of the weights"),
        ((lambda w: 3, [1.0]), "must return a Model"), ((lambda w: w[7], [1.0]), "the model fails"),
        ((lambda w: N.linear_model(X, [1.0, 1.0]), [1.0]), "points and weights like theta"),
        ((line, [1.0, 1.0], "some"), "'fitted' or 'any'"), ((line, [1.0, 1.0], [1.0]), "y must have shape"),
        ((line, [1.0, 1.0], "any", "all"), "V must be"), ((line, [1.0, 1.0], "any", [[0.0], [0.0]]), "none that is zero"),
        ((lambda w: N.linear_model(0 * X, w), [1.0, 1.0], "fitted"), "from no start"),
        ((line, [1.0, 1.0], "any", None, 0), "starts must be"),
    ):
        with pytest.raises(InputError, match=words):
            N.worst_over_weights(*arguments)
