"""Values without dense cumulants: the same numbers as with them, and sizes at which they would not fit."""

import sys

import numpy as np
import pytest

import fastdiag as fd

RNG = np.random.default_rng(11)


def symmetric(rng, points, n, degree):
    v = rng.normal(size=(3, points, n))
    out = 0
    for part in v:
        tensor = np.ones(points)
        for k in range(degree):
            tensor = tensor[..., None] * part.reshape((points,) + (1,) * k + (n,))
        out = out + tensor
    return out


LANDS = {
    "logistic": fd.landscapes.logistic(RNG.normal(size=(5, 3)), [0, 1, 1, 0, 1], RNG.normal(size=3), [0.3, 0.0, 1.1], RNG.random(5)),
    "samples": fd.landscapes.samples(*(symmetric(RNG, 4, 2, k) for k in range(5)), weights=RNG.random(4)),
}


@pytest.mark.parametrize("slice_bytes", [1 << 28, 80], ids=["whole", "slices"])
@pytest.mark.parametrize("name", LANDS)
def test_nothing_changes_without_dense_cumulants(name, slice_bytes, monkeypatch):
    land = LANDS[name]
    cases = [D for order in range(4) for shares in (False, True) for D in fd.diagrams(order, root_shares=shares)]
    cases += [fd.Diagram.parse(text) for text in ("[a a a a]", "[a[b] a[b]]", "[a b[a b]]", "[a b c d]")]
    dense = [fd.uvalue(D, land) for D in cases]
    monkeypatch.setattr(sys.modules["fastdiag.values.uvalue"], "DENSE_BYTES", 0)
    monkeypatch.setattr(sys.modules["fastdiag.values.factored"], "SLICE_BYTES", slice_bytes)
    for D, expected in zip(cases, dense, strict=True):
        assert fd.uvalue(D, land) == pytest.approx(expected, rel=1e-10, abs=1e-11), D


@pytest.fixture(scope="module")
def wide():
    """300 weights: a dense third cumulant takes 216 MB, a fourth one 65 GB."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(120, 300)) / 17, rng.integers(0, 2, 120)
    return X, y, fd.landscapes.logistic(X, y, rng.normal(size=300), ridge=0.2)


def test_many_weights(wide, monkeypatch):
    """Values by hand from Gram matrices; the dense cumulants are out of the question."""
    X, _, land = wide
    monkeypatch.setattr(type(land), "moment", refusing(type(land).moment))
    S, s1, s3, s4 = len(X), *(land.slopes(k) for k in (1, 3, 4))
    g = X.T @ s1 / S + 0.2 * land.theta
    assert fd.uvalue("[a b c]", land) == pytest.approx(np.mean(s3 * (X @ g) ** 3), rel=1e-11)
    assert fd.uvalue("[a b c d]", land) == pytest.approx(np.mean(s4 * (X @ g) ** 4), rel=1e-11)
    gram = X @ X.T
    # third cumulant of a = s1 x along the root's points: the third central moment of s1 (x . x_s), for every s
    along = gram * s1
    centred = along - along.mean(axis=1, keepdims=True)
    assert fd.uvalue("[a a a]", land) == pytest.approx(np.mean(s3 * np.mean(centred**3, axis=1)), rel=1e-9)
    m2, m4 = np.mean(centred**2, axis=1), np.mean(centred**4, axis=1)
    assert fd.uvalue("[a a a a]", land) == pytest.approx(np.mean(s4 * (m4 - 3 * m2**2)), rel=1e-9)
    monkeypatch.setattr(sys.modules["fastdiag.values.factored"], "SLICE_BYTES", 1 << 12)
    assert fd.uvalue("[a b c d]", land) == pytest.approx(np.mean(s4 * (X @ g) ** 4), rel=1e-11)


def refusing(moment):
    def checked(self, nodes, frame):
        assert len({label for node in nodes for label in node}) <= 2, "a dense cumulant of high rank was asked for"
        return moment(self, nodes, frame)

    return checked


def test_a_prediction_over_many_weights(wide):
    """One point per training set and full batches of one: SGD on one drawn point, run for every point, order by order."""
    X, y, land = wide
    spacetime, eta = fd.Spacetime(N=1, T=2), 1e-2
    p = fd.predict(land, spacetime, eta, order=3, resummed=False)

    def mean_loss(theta):
        u = X @ theta
        return np.mean(np.logaddexp(0, u) - y * u) + 0.1 * theta @ theta

    def gradient(s, theta):
        return (1 / (1 + np.exp(-X[s] @ theta)) - y[s]) * X[s] + 0.2 * theta

    def run(rate):
        losses = []
        for s in range(len(X)):
            theta = land.theta
            for _ in range(2):
                theta = theta - rate * gradient(s, theta)
            losses.append(mean_loss(theta))
        return np.mean(losses)

    # the error of the third order series falls with eta^4
    errors = [run(rate) - fd.predict(land, spacetime, rate, order=3, resummed=False).total for rate in (0.4, 0.2)]
    assert errors[0] / errors[1] == pytest.approx(16, rel=0.15)
    assert p.total == pytest.approx(run(eta), rel=1e-9)


def test_what_does_not_fit_is_an_error(monkeypatch):
    monkeypatch.setattr(sys.modules["fastdiag.values.uvalue"], "DENSE_BYTES", 0)
    monkeypatch.setattr(sys.modules["fastdiag.values.factored"], "SLICE_BYTES", 1)
    with pytest.raises(fd.errors.TooLargeError, match="a contraction needs an array of"):
        fd.uvalue("[a b c]", LANDS["logistic"])
