"""What resummed values refuse, and what the message tells to do."""

import math
import warnings

import numpy as np
import pytest

import fastdiag as fd

INF = math.inf
ST, FOREVER, EPOCHS = fd.Spacetime(6, T=6), fd.Spacetime(INF, T=INF), fd.Spacetime(3, T=6)
H, C = np.diag([1.0, 2.0]), np.eye(2)
LAND = fd.landscapes.tensors({(1,): [1.0, 0.5], (2,): H, (3,): np.zeros((2, 2, 2)), (1, 1): C, (1, 2): 0})
SKEW = np.arange(8.0).reshape(2, 2, 2)


def bowl(low, high):
    return fd.landscapes.tensors({(1,): [1.0, 1.0], (2,): np.diag([low, high]), (1, 1): C, (1, 2): 0})


CASES = {
    "an asymmetric Hessian": (
        lambda: fd.landscapes.tensors({(1,): [1, 1], (2,): [[1, 2], [3, 4]]}), "InputError", r"\(2,\) must be symmetric.*symmetrise"),
    "an asymmetric covariance": (
        lambda: fd.landscapes.tensors({(1,): [1, 1], (1, 1): [[1, 2], [3, 4]]}), "InputError", r"\(1, 1\) must not change when its nodes"),
    "an indefinite covariance": (
        lambda: fd.landscapes.tensors({(1,): [1, 1], (1, 1): [[-1, 0], [0, 1]]}), "InputError", r"\(1, 1\) is the covariance.*least one is -1"),
    "an asymmetric third derivative": (
        lambda: fd.landscapes.tensors({(1,): [1, 1], (3,): SKEW}), "InputError", r"\(3,\) must be symmetric.*symmetrise"),
    "an asymmetric mixed cumulant": (
        lambda: fd.landscapes.tensors({(1,): [1, 1], (1, 2): SKEW}), "InputError", r"\(1, 2\) must be symmetric in axes 1 and 2"),
    "an asymmetric Hessian at a point": (
        lambda: fd.landscapes.samples([0.0], [[1.0, 1.0]], [[[1, 2], [3, 4]]]), "InputError", "hess must be symmetric"),
    "tensors of different dimensions": (
        lambda: fd.landscapes.tensors({(1,): [1, 1], (2,): np.eye(3)}), "InputError", r"\(2,\) must have shape \(2, 2\)"),
    "points of different dimensions": (
        lambda: fd.landscapes.samples([0.0], [[1.0, 1.0]], [np.eye(3)]), "InputError", r"hess must have shape \(1, 2, 2\)"),
    "a missing cumulant": (lambda: fd.rvalue("[a a a]", LAND, ST, 0.1), "MissingTensorError", r"\(1, 1, 1\).*Give an array of shape \(2, 2, 2\), or 0"),
    "a missing cumulant of a prediction": (lambda: fd.predict(LAND, ST, 0.1, 3), "MissingTensorError", "was not given; known"),
    "a missing derivative": (
        lambda: fd.rvalue("[a b c]", fd.landscapes.samples([0.0], [[1.0]], [[[1.0]]]), ST, 0.1), "MissingTensorError", "supply `third`"),
    "a fifth derivative": (
        lambda: fd.predict(fd.landscapes.samples([0.0], [[1.0]], [[[1.0]]], [[[[1.0]]]], [[[[[1.0]]]]]), ST, 0.1, 5), "MissingTensorError",
        "of degree 5, but this landscape has them only up to degree 4; supply `fifth`"),
    "runs on an estimate": (
        lambda: fd.simulate(fd.landscapes.estimated(fd.landscapes.samples([0.0, 1.0], [[1.0], [2.0]])), ST, 0.1), "UnsupportedError", "simulate on its `.points`"),
    "no strict minimum": (lambda: fd.rvalue("[a]", bowl(-0.5, 1), FOREVER, 0.1), "InputError", r"strict minimum.*-0\.5.*finite T"),
    "a flat direction for ever": (lambda: fd.predict(bowl(0, 1), FOREVER, 0.1, 2), "InputError", "strict minimum"),
    "no learning for ever": (lambda: fd.predict(LAND, FOREVER, [0.1, 0.0], 2), "InputError", "eta is 0"),
    "eta h = 2 for ever": (lambda: fd.rvalue("[a a]", LAND, FOREVER, 1.0), "InputError", r"eta h is 2; use eta < 1, or a finite T"),
    "eta h > 2 for ever": (lambda: fd.predict(LAND, FOREVER, [0.1, 1.25], 2), "InputError", r"eta h is 2\.5; use eta < 1"),
    "eta h > 2 for ever, a matrix": (lambda: fd.predict(LAND, FOREVER, 2 * np.eye(2), 2), "InputError", "eta h < 2 in every direction"),
    "infinitely many long epochs": (lambda: fd.rvalue("[a]", LAND, fd.Spacetime(10**30, T=INF), 0.1), "TooLargeError", "N / B must be below"),
    "integrals over several epochs": (
        lambda: fd.rvalue("[a]", LAND, EPOCHS, 0.1, continuous=True), "UnsupportedError", "one epoch, T <= N/B = 3.*leave it out"),
    "integrals over several epochs, predicted": (
        lambda: fd.predict(LAND, ST, 0.1, 2, T=[2, 7], continuous=True), "UnsupportedError", "here T = 7"),
    "integrals of the plain series": (
        lambda: fd.predict(LAND, ST, 0.1, 2, resummed=False, continuous=True), "InputError", "needs resummed=True"),
    "a reducible diagram": (lambda: fd.rvalue("[a b[c]]", LAND, ST, 0.1), "InputError", r"is reducible.*coefficient and uvalue"),
    "a reducible diagram, exactly": (
        lambda: fd.rvalue("[a[b]]", fd.landscapes.gauss(), ST, 1), "InputError", "is reducible"),
    "T too large": (lambda: fd.rvalue("[a]", LAND, fd.Spacetime(INF, T=2**62), 0.1), "TooLargeError", r"below 2\^62.*use T = math.inf"),
    "B too large": (lambda: fd.rvalue("[a]", LAND, fd.Spacetime(2**62, 2**62, 1), 0.1), "TooLargeError", r"below 2\^62"),
    "a curve in fractions of updates": (lambda: fd.predict(LAND, ST, 0.1, 2, T=[1.5]), "InputError", "whole number of updates"),
    "a curve from no update": (lambda: fd.predict(LAND, ST, 0.1, 2, T=[0, 1]), "InputError", "at least 1"),
    "a matrix of another dimension": (lambda: fd.rvalue("[a]", LAND, ST, np.eye(3)), "InputError", r"eta must have shape \(2, 2\)"),
    "an asymmetric learning rate": (lambda: fd.rvalue("[a]", LAND, ST, [[1.0, 0.5], [0.0, 1.0]]), "InputError", "eta must be symmetric in axes 0 and 1, as eta\\^"),
    "an indefinite learning rate": (lambda: fd.rvalue("[a]", LAND, ST, [[1.0, 2.0], [2.0, 1.0]]), "InputError", "positive definite"),
    "a negative learning rate": (lambda: fd.rvalue("[a]", LAND, ST, [0.1, -0.1]), "InputError", "eta must be >= 0, not -0.1"),
    "no learning rate": (lambda: fd.rvalue("[a]", LAND, ST, []), "InputError", "eta is empty"),
    "three axes of learning rates": (lambda: fd.rvalue("[a]", LAND, ST, np.ones((1, 1, 1))), "InputError", "eta must be a number"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_is_refused(case):
    call, error, words = case
    with pytest.raises(getattr(fd.errors, error), match=words):
        call()


def test_what_is_just_allowed():
    assert fd.rvalue("[a]", bowl(1.0, 2.0), FOREVER, 0.999) < 0
    assert fd.rvalue("[a]", bowl(-0.5, 1), fd.Spacetime(INF, T=50), 0.1) < 0
    assert fd.predict(bowl(0, 1), FOREVER, 0.1, 0).total == 0  # no edge, nothing to converge
    # a billion updates: the second direction diverges slowly, and is finite still
    assert np.isfinite(fd.rvalue("[a a]", bowl(-1e-9, 1), fd.Spacetime(INF, T=10**9), 0.5))
    with pytest.warns(RuntimeWarning, match=r"overflows.*negative curvature: .* eigenvalue -1 along the direction \(1 in weight 0\)"):
        fd.predict(bowl(-1, 1), fd.Spacetime(INF, T=10**9), 0.5, 2)
    with pytest.warns(RuntimeWarning, match=r"overflows.*eta h > 2: .* eigenvalue 3 along the direction \(1 in weight 1\)"):
        fd.predict(bowl(1, 3), fd.Spacetime(INF, T=10**9), [0.1, 0.9], 2)
    rounded = np.outer([1, 1 / 3], [1, 1 / 3]).astype(np.float32).astype(float)  # of rank one, before
    for scale in (1e-30, 1.0, 1e30):
        fd.landscapes.tensors({(1,): [1, 1], (1, 1): scale * (rounded - 1e-8 * np.eye(2))})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fd.rvalue("[a]", LAND, fd.Spacetime(INF, T=2**62 - 1), 0.1)
