"""Linear models of more weights than points, beside the same of a few weights that were turned among many by a rotation."""

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.landscapes.span import span_of

N, FEW, OTHERS = 130, 6, 3
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(30, FEW + OTHERS)), np.arange(30) % 3
START = RNG.normal(size=(3, FEW + OTHERS)) / 3
INTO = np.zeros((FEW + OTHERS, N))  # rows are orthonormal: 6 of the first 100 weights, 3 of the others, with another ridge
INTO[:FEW, :100] = np.linalg.qr(RNG.normal(size=(100, FEW)))[0].T
INTO[FEW:, 100:] = np.linalg.qr(RNG.normal(size=(30, OTHERS)))[0].T
RIDGES = np.array([0.3] * FEW + [0.0] * OTHERS), np.array([0.3] * 100 + [0.0] * 30)
MAKERS = {
    "logistic": lambda X, start, ridge, y=Y: fd.landscapes.logistic(X, y > 0, start[0], ridge),
    "softmax": lambda X, start, ridge, y=Y: fd.landscapes.softmax(X, y, start, np.tile(ridge, 3)),
    "least squares": lambda X, start, ridge, y=Y: fd.landscapes.least_squares(
        X, START[:2, y].T, start[:2], np.tile(ridge, 2)
    ),
}
OBSERVABLES = ["test_loss", "generalization_gap", "test_loss_variance", "displacement", "covariance"]
ST, ONE_EPOCH, GIVEN = fd.Spacetime(N=6, B=2, E=2), fd.Spacetime(N=9, T=9), fd.Spacetime(N=5, B=1, T=4)
QUIET = pytest.mark.filterwarnings("ignore::fastdiag.errors.TrustWarning", "ignore::RuntimeWarning")


def pair(name, rows=5):  # fewer than 6: the start has more directions
    """The same loss of few weights, and of many, and what turns the one's into the other's."""
    make, some = MAKERS[name], Y[:rows]
    few = make(X[:rows], START, RIDGES[0], some)
    return few, make(X[:rows] @ INTO, START @ INTO, RIDGES[1], some), np.kron(np.eye(few.dimension // len(INTO)), INTO)


def turned(value, turn, axes):
    return value if axes == 0 else value @ turn if axes == 1 else turn.T @ value @ turn


@QUIET
@pytest.mark.parametrize("observable", OBSERVABLES)
@pytest.mark.parametrize("name", MAKERS)
def test_as_of_few_weights(name, observable):
    few, many, turn = pair(name)
    axes = {"displacement": 1, "covariance": 2}.get(observable, 0)
    for st, asked in [
        (ST, {"order": 2}),
        (ST, {"order": 2, "resummed": False}),
        (ST, {"noise": 1}),
        (ONE_EPOCH, {"order": 1, "continuous": True}),
        (ST, {"order": 1, "update": fd.updates.momentum(0.5)}),
        (GIVEN, {"order": 1, "training_set": "given"}),
    ]:
        ours = fd.predict(many, st, 0.1, observable=observable, **asked)
        theirs = fd.predict(few, st, 0.1, observable=observable, **asked)
        assert ours.question.landscape is many
        assert ours.by_diagram.keys() == theirs.by_diagram.keys()
        pairs = zip(
            [ours.total, *ours.by_order, *ours.by_diagram.values()],
            [theirs.total, *theirs.by_order, *theirs.by_diagram.values()],
            strict=True,
        )
        for found, wanted in pairs:
            np.testing.assert_allclose(found, turned(wanted, turn, axes), rtol=1e-10, atol=1e-13, err_msg=str(asked))


@QUIET
@pytest.mark.parametrize("name", MAKERS)
def test_what_is_asked_is_answered_by_few(name, monkeypatch):
    """And where weights are not alike, by all of them: with the matrix eta 1, which is the number eta."""
    few, many, _ = pair(name)
    assert span_of(few) is None
    span = span_of(many)
    assert 2 * span.landscape.dimension <= many.dimension
    assert span.landscape.loss == pytest.approx(few.loss, rel=1e-14)
    np.testing.assert_allclose(span.lifted(span.landscape.gradient, 1), many.gradient, atol=1e-14)
    asked, eigh = [], np.linalg.eigh
    monkeypatch.setattr(np.linalg, "eigh", lambda array: asked.append(len(array)) or eigh(array))
    ours = fd.predict(many, ST, 0.1, order=2)
    assert asked == [span.landscape.dimension]
    n = many.dimension
    whole = fd.predict(many, ST, 0.1 * np.eye(n), order=2)
    assert asked[-1] == n
    assert ours.total == pytest.approx(whole.total, rel=1e-12)
    p = fd.predict(many, ST, 0.1, noise=1)
    theirs = fd.predict(few, ST, 0.1, noise=1).trust
    assert float(p.trust.error) == pytest.approx(float(theirs.error), rel=1e-6)
    assert ours.trust.step == pytest.approx(fd.predict(few, ST, 0.1, order=2).trust.step, rel=1e-12)
    assert fd.rvalue("[a a]", many, ST, 0.1) == pytest.approx(fd.rvalue("[a a]", few, ST, 0.1), rel=1e-12)
    assert max(asked[2:]) < n / 2


def test_rules_that_take_weights_apart():
    """RMSprop is no rotation's: without noise it is descent with a rate for each weight."""
    _, many, _ = pair("logistic")
    theta, squares = many.theta, 0.0
    for _ in range(4):
        slope = many.at(theta).gradient
        squares = 0.9 * squares + 0.1 * slope**2
        theta = theta - 0.05 * slope / (np.sqrt(squares) + 0.5)
    p = fd.predict(many, fd.Spacetime(N=4, T=4), 0.05, noise=0, update=fd.updates.rmsprop(0.9, epsilon=0.5))
    assert p.total == pytest.approx(many.at(theta).loss, rel=1e-12)


def test_other_losses_keep_their_weights():
    """Held-out points and functions may look elsewhere."""
    few, many, _ = pair("logistic")
    test = MAKERS["logistic"](X @ INTO, START @ INTO, RIDGES[1])
    small = MAKERS["logistic"](X, START, RIDGES[0])
    given = [
        fd.predict(each, GIVEN, 0.1, order=2, training_set="given", test=held).total
        for each, held in ((many, test), (few, small))
    ]
    assert given[0] == pytest.approx(given[1], rel=1e-12)


def test_what_overflows_names_its_weights():
    X = np.zeros((5, 200))
    X[:, 150] = [1.0, -2.0, 1.5, 0.3, -1.0]
    land = fd.landscapes.least_squares(X, np.ones(5))
    with pytest.warns(RuntimeWarning, match="in weight 150"):
        fd.predict(land, fd.Spacetime(N=10**6, T=10**6), 9.0, order=1)
