"""A covariance of low rank along the path, beside all of it."""

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.errors import InputError, UnsupportedError
from fastdiag.landscapes import lanczos
from fastdiag.path.low_rank import LowRank
from oracles.directions import twins

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 5)), RNG.integers(0, 3, 40)
LANDSCAPES = {
    "directions": twins(1, points=9, n=4)[1],
    "logistic": fd.landscapes.logistic(X, (Y > 0) * 1, np.full(5, 0.1), ridge=0.1),
    "softmax": fd.landscapes.softmax(X, Y, np.arange(15) / 20, ridge=np.arange(15) / 50),
}
OBSERVABLES = ["test_loss", "train_loss", "displacement", "covariance", "test_loss_variance"]
QUIET = pytest.mark.filterwarnings("ignore::fastdiag.errors.TrustWarning", "ignore::fastdiag.errors.TaylorWarning")
ST = fd.Spacetime(N=8, B=2, T=10, last="keep")


def both(land, st, eta, tolerance, observable="test_loss", **asked):
    return (fd.predict(land, st, eta, noise=1, observable=observable, tolerance=x, **asked) for x in (tolerance, 0))


@QUIET
@pytest.mark.parametrize("sampling", ["reshuffle", "replacement"])
@pytest.mark.parametrize("name", LANDSCAPES)
def test_all_of_it(name, sampling):
    st = fd.Spacetime(N=8, B=2, T=10, sampling=sampling)
    for observable in OBSERVABLES:
        ours, theirs = both(LANDSCAPES[name], st, [0.05, 0.1], 1e-13, observable, T=[3, 10])
        np.testing.assert_allclose(ours.by_order, theirs.by_order, rtol=1e-9, atol=1e-10 * np.abs(theirs.by_order[1]).max())
        assert ours.discarded.shape == (2, 2)
        assert theirs.discarded is None
        assert ours.by_diagram.keys() == theirs.by_diagram.keys()


@QUIET
@pytest.mark.parametrize("update", [fd.updates.weight_decay(0.1), fd.updates.schedule([1.0, 0.5, 0.25] * 4)])
def test_rules_that_remember_the_weights_alone(update):
    ours, theirs = both(LANDSCAPES["softmax"], ST, 0.1, 1e-13, update=update)
    assert ours.total == pytest.approx(theirs.total, rel=1e-11)


@QUIET
def test_a_given_training_set():
    points = LANDSCAPES["logistic"]
    ours, theirs = both(points, fd.Spacetime(N=40, B=4, T=15), 0.1, 1e-13, training_set="given")
    assert ours.total == pytest.approx(theirs.total, rel=1e-11)


@QUIET
@pytest.mark.parametrize("tolerance", [0.1, 0.5])
@pytest.mark.parametrize("eta", [0.1, 1.0])
@pytest.mark.parametrize("name", LANDSCAPES)
def test_what_is_left_out_is_within_its_bound(name, eta, tolerance):
    """In trace norm; also where curvature is negative and deviations grow (directions)."""
    ours, theirs = both(LANDSCAPES[name], fd.Spacetime(N=8, B=2, T=6), eta, tolerance, "covariance")
    error = np.abs(np.linalg.eigvalsh(ours.total - theirs.total)).sum()
    assert error <= ours.discarded * np.trace(ours.total) * (1 + 1e-9)
    assert error > 0.02 * tolerance * np.trace(ours.total)  # something was
    assert f"at most {ours.discarded:.2g} is left out" in str(ours.trust)
    assert (ours.trust.error >= ours.discarded * ours.trust.sizes[-1]).all()


def test_the_bound_grows_with_the_noise():
    """l = sum of h_i theta_i^2 / 2 with h = -3 and 1: along the first a deviation is multiplied with 1.3, with 0.9 along
    the other. Of noise with variances 1 and 1/5, a third may be left out: the second is."""
    def derivative(theta, x, directions):
        ends = np.array([[1.0, 0.2**0.5], [-1.0, 0.2**0.5], [1.0, -(0.2**0.5)], [-1.0, -(0.2**0.5)]])[x]
        if not directions:
            return np.array([-3.0, 1.0]) * theta + ends
        return np.broadcast_to(np.array([-3.0, 1.0]) * directions[0] * (len(directions) < 2), (len(x), 2))

    land = fd.landscapes.directional(lambda theta, x: np.zeros(len(x)), derivative, np.zeros(2), 4)
    p = fd.predict(land, fd.Spacetime(N=3, T=3), 0.1, noise=1, observable="covariance", tolerance=1 / 3)
    kept = 0.01 * (1 + 1.3**2 + 1.3**4)
    np.testing.assert_allclose(p.total, [[kept, 0], [0, 0]], atol=1e-15)
    assert p.discarded == pytest.approx(0.2, rel=1e-12)  # as if it had grown like the first


def test_few_directions_of_many():
    """150 weights, told apart by their ridge, in 40 points' noise: few directions have it, and Lanczos' method finds the ends."""
    rng = np.random.default_rng(3)
    land = fd.landscapes.logistic(rng.normal(size=(40, 150)) / 5, rng.integers(0, 2, 40), np.zeros(150), ridge=np.linspace(0.19, 0.21, 150))
    st = fd.Spacetime(N=30, B=2, T=12)
    ours, theirs = both(land, st, 0.5, 1e-12)
    assert ours.total == pytest.approx(theirs.total, rel=1e-11)
    rough, _ = both(land, st, 0.5, 0.2)
    assert 0.1 < rough.discarded < 0.35
    assert abs(rough.by_order[1] / theirs.by_order[1] - 1) < rough.discarded


def test_a_sum_of_squares():
    rows, sizes = RNG.normal(size=(6, 4)), np.array([1.0, -2.0, 0.1, 3.0, 1e-9, -1e-9])
    whole = (rows.T * sizes) @ rows
    found, lost = LowRank.of(rows, np.diag(sizes), 0.0)
    np.testing.assert_allclose(found.dense(), whole, atol=1e-13)
    assert (len(found.sizes), lost) == (4, 0.0)
    values = np.sort(np.abs(np.linalg.eigvalsh(whole)))
    found, lost = LowRank.of(rows, np.diag(sizes), values[0] + values[1] + 1e-9)
    assert len(found.sizes) == 2
    assert lost == pytest.approx(np.abs(np.linalg.eigvalsh(whole - found.dense())).sum(), rel=1e-12)
    np.testing.assert_allclose(found.rows @ found.rows.T, np.eye(2), atol=1e-14)


@pytest.mark.parametrize("n", [3, 200])
def test_ends_and_tops_of_a_spectrum(n):
    turned = np.linalg.qr(np.random.default_rng(n).normal(size=(n, n)))[0]
    values = np.linspace(-0.5, 1.0, n)
    values[-1], values[0] = 3.0, -2.0
    matrix = (turned * values) @ turned.T
    assert lanczos.ends(lambda rows: rows @ matrix, n) == pytest.approx((-2.0, 3.0), abs=3e-3)
    found, vectors = lanczos.top(lambda rows: rows @ matrix, n, 2)
    np.testing.assert_allclose(found, [-2.0, 3.0], rtol=1e-12)
    np.testing.assert_allclose(np.abs(vectors.T @ turned[:, [0, -1]]), np.eye(2), atol=1e-9)


def test_what_is_refused():
    land, st = LANDSCAPES["logistic"], fd.Spacetime(N=8, B=2, T=10)
    for asked, words in [
        ({"update": fd.updates.momentum(0.5)}, "SGD, with weight decay"), ({"update": fd.updates.adam()}, "SGD, with weight"),
        ({"update": fd.updates.sde()}, "carried for noise=1"), ({"noise": 2}, "carried for noise=1"),
        ({"closure": "gaussian"}, "carried for noise=1"), ({"T": float("inf")}, "to a finite T"),
    ]:
        with pytest.raises(UnsupportedError, match=words):
            fd.predict(land, st, 0.1, **({"noise": 1, "tolerance": 0.1} | asked))
    with pytest.raises(UnsupportedError, match="over several epochs"):
        fd.predict(land, fd.Spacetime(N=8, B=2, T=10, sampling="cyclic"), 0.1, noise=1, tolerance=0.1)
    with pytest.raises(UnsupportedError, match="carried for noise=1"):
        fd.predict(land, st, np.eye(5) / 10, noise=1, tolerance=0.1)
    for wrong in (-1, 1, "much", float("nan")):
        with pytest.raises(InputError, match="tolerance"):
            fd.predict(land, st, 0.1, noise=1, tolerance=wrong)
    with pytest.raises(InputError, match="goes with noise=1"):
        fd.predict(land, st, 0.1, order=1, tolerance=0.1)
