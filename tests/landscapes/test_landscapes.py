"""Landscapes: closed-form logistic derivatives against SymPy, cumulants against their definition."""

import os
import sys
from itertools import product

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.landscapes.to_eigenbasis import to_eigenbasis
from oracles import oracle

RNG = np.random.default_rng(7)
S, N = 5, 3
X, Y, THETA, WEIGHTS = RNG.normal(size=(S, N)), np.array([0, 1, 1, 0, 1.0]), RNG.normal(size=N), RNG.random(S)
RIDGE = np.array([0.3, 0.0, 1.1])
NODES = [((),), ((0,),), ((0, 1),), ((0,), (1,)), ((0,), (0, 1)), ((0, 1), (1, 2), (2,)), ((0,), (1,), (2,)),
         ((0, 1, 2), (0,)), ((0, 1), (0, 2), (1, 2)), ((0, 1, 2, 3),), ((0,), (1,), (2,), (3,))]


def logistic_derivatives():
    """Per-point derivative arrays to degree 4, by SymPy."""
    u, y = sympy.symbols("u y")
    slopes = [sympy.lambdify((u, y), sympy.diff(sympy.log(1 + sympy.exp(u)) - y * u, u, k)) for k in range(5)]
    arrays = []
    for k in range(5):
        value = np.array([slopes[k](float(X[s] @ THETA), Y[s]) for s in range(S)])
        tensor = value.reshape((S,) + (1,) * k) * np.ones((S,) + (N,) * k)
        for axis in range(k):
            tensor = tensor * X.reshape((S,) + (1,) * axis + (N,) + (1,) * (k - axis - 1))
        arrays.append(tensor)
    arrays[0] = arrays[0] + 0.5 * np.sum(RIDGE * THETA**2)
    arrays[1] = arrays[1] + RIDGE * THETA
    arrays[2] = arrays[2] + np.diag(RIDGE)
    return arrays


DERIVATIVES = logistic_derivatives()
LOGISTIC = fd.landscapes.logistic(X, Y, THETA, RIDGE, WEIGHTS)
SAMPLES = fd.landscapes.samples(*DERIVATIVES, weights=WEIGHTS)
FRAME = RNG.normal(size=(N, N))


def brute_cumulant(nodes, frame):
    """Joint cumulants entry by entry, by the recursion of the oracle."""
    chances = WEIGHTS / WEIGHTS.sum()
    rotated = []
    for k, tensor in enumerate(DERIVATIVES):
        for axis in range(1, k + 1):
            tensor = np.moveaxis(np.tensordot(tensor, frame, (axis, 0)), -1, axis)
        rotated.append(tensor)
    exact = oracle.Tensors([{(0,): 0}], [1])
    exact.moment = lambda keys: float(np.sum(chances * np.prod([rotated[len(k)][(slice(None), *k)] for k in keys], axis=0)))
    axes = 1 + max((label for node in nodes for label in node), default=-1)
    out = np.zeros((N,) * axes)
    for index in product(range(N), repeat=axes):
        out[index] = exact.cumulant(tuple(tuple(index[label] for label in node) for node in nodes))
    return out


@pytest.mark.parametrize("frame", [None, FRAME], ids=["plain", "frame"])
@pytest.mark.parametrize("nodes", NODES, ids=str)
def test_cumulants(nodes, frame):
    expected = brute_cumulant(nodes, np.eye(N) if frame is None else frame)
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(SAMPLES.part(nodes, frame), expected, atol=1e-12 * scale)
    np.testing.assert_allclose(LOGISTIC.part(nodes, frame), expected, atol=1e-12 * scale)


def test_tensors_give_back_what_they_are_given():
    keys = [(1,), (2,), (1, 1), (1, 2), (2, 2), (1, 1, 1)]

    def separate(key):
        starts = np.cumsum([0, *key])
        return tuple(tuple(range(a, b)) for a, b in zip(starts, starts[1:], strict=False))

    land = fd.landscapes.tensors({key: SAMPLES.part(separate(key)) for key in keys} | {(3,): 0}, loss=2.5)
    assert land.loss == 2.5
    assert not land.part(((0, 1, 2),)).any()
    for nodes in [((0,),), ((0, 1),), ((0, 1), (1,)), ((1,), (0, 1)), ((0, 1), (1, 2)), ((0,), (1,), (1,))]:
        for frame in (None, FRAME):
            np.testing.assert_allclose(land.part(nodes, frame), SAMPLES.part(nodes, frame), atol=1e-12)
    with pytest.raises(fd.errors.MissingTensorError, match=r"the cumulant \(2, 2, 2\) \(joint cumulant of hess l"):
        land.part(((0, 1), (0, 1), (0, 1)))


@pytest.mark.parametrize(
    ("n", "axes", "leading"), [(1, 3, 0), (2, 4, 1), (5, 0, 1), (5, 1, 1), (7, 4, 0), (33, 3, 0), (70, 3, 0), (70, 2, 1), (130, 2, 0)]
)
def test_tensors_are_turned_axis_by_axis(monkeypatch, n, axes, leading):
    """Against tensordot; the blocks at the end are smaller than the others, and threads change no bit."""
    rng = np.random.default_rng(n)
    tensor, frame = rng.normal(size=(6,) * leading + (n,) * axes), rng.normal(size=(n, n))
    given, wanted, scale = tensor.copy(), tensor, np.abs(tensor)
    for axis in range(leading, leading + axes):
        wanted = np.moveaxis(np.tensordot(wanted, frame, (axis, 0)), -1, axis)
        scale = np.moveaxis(np.tensordot(scale, np.abs(frame), (axis, 0)), -1, axis)
    found = []
    for threads in (1, 2, 7):
        monkeypatch.setattr(os, "cpu_count", lambda threads=threads: threads)
        found.append(to_eigenbasis(tensor, frame, leading))
    assert len({array.tobytes() for array in found}) == 1
    assert (np.abs(found[0] - wanted) <= 1e-14 * scale).all()
    assert (tensor == given).all()
    assert not np.shares_memory(found[0], tensor)


def test_chunks_do_not_change_moments(monkeypatch):
    whole = [(land.part(nodes), land, nodes) for land in (SAMPLES, LOGISTIC) for nodes in NODES]
    for module in ("sampled", "samples"):
        monkeypatch.setattr(sys.modules[f"fastdiag.landscapes.{module}"], "CHUNK_BYTES", 300)
    for expected, land, nodes in whole:
        np.testing.assert_allclose(land.part(nodes), expected, atol=1e-13)


def test_tensors_kept_along_a_frame_do_not_serve_another(monkeypatch):
    """Two frames in turn, and one that is changed in place; each against fresh points and against points never kept."""
    nodes, other = ((0, 1, 2), (1,), (2,)), FRAME[:, ::-1] + 1.0
    land = fd.landscapes.samples(*DERIVATIVES, weights=WEIGHTS)
    for frame in (FRAME, other, FRAME):
        np.testing.assert_allclose(land.part(nodes, frame), brute_cumulant(nodes, frame), rtol=1e-11, atol=1e-11)
        (some, _), = land.per_point(2, np.array([3, 1]), frame)
        np.testing.assert_allclose(some, frame.T @ DERIVATIVES[2][[3, 1]] @ frame, atol=1e-12)
    changed = other.copy()
    land.part(nodes, changed)
    changed[0, 0] += 1.0
    np.testing.assert_allclose(land.part(nodes, changed), brute_cumulant(nodes, changed), rtol=1e-11, atol=1e-11)
    monkeypatch.setattr(sys.modules["fastdiag.landscapes.sampled"], "KEPT_BYTES", 0)
    np.testing.assert_allclose(land.part(nodes, FRAME), brute_cumulant(nodes, FRAME), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("labels", [Y == 1, np.where(Y == 1, "yes", "no").tolist(), 2 * Y - 1, Y.astype(int).tolist()])
def test_logistic_labels_of_any_kind(labels):
    """Two classes are 0 and 1 in their order, whatever they are called; weights start at 0."""
    land, plain = fd.landscapes.logistic(X, labels), fd.landscapes.logistic(X, Y, np.zeros(X.shape[1]))
    assert np.array_equal(land.y, plain.y)
    assert set(land.y) == {0.0, 1.0}
    assert land.loss == plain.loss
    assert np.array_equal(land.gradient, plain.gradient)


SYM = np.array([[[2.0, 1.0], [1.0, 3.0]]])


@pytest.mark.parametrize(
    ("call", "words"),
    [(lambda: fd.landscapes.logistic(X, Y, THETA[:2]), r"theta must have shape \(3,\) \(one per column of X\), not \(2,\)"),
     (lambda: fd.landscapes.logistic(X, Y + 1, THETA), "y must hold the labels"),
     (lambda: fd.landscapes.logistic(X, [10**400, *Y[1:]]), "y must hold the labels 0 and 1"),
     (lambda: fd.landscapes.logistic(X, ["a"] * len(Y)), "found 'a'|found .'a'"),
     (lambda: fd.landscapes.logistic(X, list("abc" + "a" * (len(Y) - 3))), "landscapes.softmax takes more classes"),
     (lambda: fd.landscapes.logistic(X, Y, THETA, ridge=-1), "ridge must be >= 0"),
     (lambda: fd.landscapes.logistic(X, Y, THETA, weights=-WEIGHTS), "weights must be non-negative"),
     (lambda: fd.landscapes.logistic(X[0], Y, THETA), r"X must have shape \(any, any\)"),
     (lambda: fd.landscapes.logistic(X * np.nan, Y, THETA), r"X must be finite; entry \(0, 0\) is nan"),
     (lambda: fd.landscapes.logistic("data", Y, THETA), "X must be an array of real numbers"),
     (lambda: fd.landscapes.samples([1.0], [[1.0, 2.0]], [[[1.0, 2.0], [3.0, 4.0]]]), "hess must be symmetric in axes 1 and 2"),
     (lambda: fd.landscapes.samples([1.0], [[1.0, 2.0]], SYM[:, :, :1]), r"hess must have shape \(1, 2, 2\)"),
     (lambda: fd.landscapes.samples([1.0], [[1.0]], None, [[[[1.0]]]]), "a lower derivative is missing"),
     (lambda: fd.landscapes.samples([], []), "at least one point"),
     (lambda: fd.landscapes.tensors({(2, 1): 0}), "write (1, 2)".replace("(", r"\(").replace(")", r"\)")),
     (lambda: fd.landscapes.tensors({(2,): 0}), "number of weights is unknown"),
     (lambda: fd.landscapes.tensors({"G": [1.0]}), "tuple of node degrees"),
     (lambda: fd.landscapes.tensors({(1,): [1.0, 2.0], (1, 1): [[1.0, 2.0], [0.0, 1.0]]}), "must not change when its nodes 0 and 1"),
     (lambda: fd.landscapes.standardised(np.ones((3, 2))), "column 0 of X is constant")],
)
def test_bad_input(call, words):
    with pytest.raises(fd.errors.InputError, match=words):
        call()


def test_logistic_starts_at_zero():
    assert fd.landscapes.logistic(X, Y, ridge=RIDGE).theta.tolist() == [0.0, 0.0, 0.0]
