"""Junk to every public function of noise, stationary and drawing; and good inputs in every layout, before and after changes."""

import dataclasses
import random
import time
from fractions import Fraction
from math import inf, nan
from types import SimpleNamespace

import numpy as np
import pytest

import fastdiag as fd

N, S, D = fd.noise, fd.stationary, fd.drawing
J, R, K = np.array([[1.0, 0], [0, 2], [1, 1]]), np.array([1.0, -1, 2]), np.array([[2.0, 0.5], [0.5, 1.0]])
C, L, ONES = np.array([[1.0, -0.3], [-0.3, 0.7]]), np.array([2.0, 1.0, 0.5]), np.ones(3)
ST = fd.Spacetime(2, 1, 2)
LAID = SimpleNamespace(cells=[(0, 0)], diagram="[a]")

GOOD = {  # arguments in order; None where one is optional
    N.noise_covariance: (J, R, True), N.noise_operator: (J, R, True), N.loss_alignment: (J, R, False),
    N.loss_alignment_bounds: (J,), N.directional_alignment: (J, R, K, False), N.leading_directions: (J, 1),
    N.eigen_dynamics: (L, 0.1, ONES, 3, 2, ONES), N.second_moment_dynamics: (J, K, 0.1, 3, 2),
    N.label_noise_stationary: (L, 0.1, 1.0, 2), N.escape_threshold: (L, ONES, 2), N.growth_rate: (L, 0.1, ONES, 2),
    N.flat_ratio_limit: (L, 0.1, 1, ONES, 2), N.flat_ratio: (L, ONES, 1), N.variance_ratio: (ONES, 1), N.geometry: (J, R),
    N.from_gradients: (1.0, J, K, ONES), N.gaussian_inputs: (K, [1.0, 2.0], 0.5, K),
    S.approximation_error: (K, C, 0.1, 0.5, 0.3), S.stationary_covariance: (K, C, K / 20, 0.5, 0.3), S.sigma_T: (K, C, 0.1, 5),
    S.continuous_covariance: (K, C, 0.1, 0.5), S.ngd_covariance: (K, C, 0.1, 0.5), S.stability_limit: (1.0, 0.5, 0.3),
    S.escape_efficiency: (K, C, K / 20, 5), S.escape_efficiency_continuous: (K, C, 0.1, 5.0),
    S.bayes_learning_rate: (L, 100, 10), S.bayes_kl: (K, 100, 10, 0.01), S.kramers_rate: (0.1, 1.0, -1.0, 4, 0.3, 0.5, True),
    S.escape_rate_1d: (np.asarray, 0.5, 1.0, (-1.0, 1.0), 32),
    N.flat_ratio_bounds: (L, 0.1, ONES, 1, 0.5, 2.0, 2), N.worst_loss_alignment: (J,), N.worst_directional_alignment: (J, K, 2, 0),
    N.leading_shares: ([J], 1, [R], 2, 0), N.two_layer_network: (J, K, [1.0, 2.0], "tanh", 0.5, True), N.linear_model: (J, [1.0, 2.0]),
    N.deep_linear_network: (J, [K, [[1.0, 2.0]]]), N.diagonal_network: (J, [1.0, 2.0], [0.5, 1.0]), N.random_features: (J, K, [1.0, 2.0], "tanh"),
    S.minibatch_stationary: (J, R, 0.1, 2, 0.5, 0.3), S.minibatch_stability_limit: (J, R, 2, 0.5, 0.3), S.minibatch_growth: (J, R, 0.1, 2, 0.5),
    S.minibatch_transient: (J, R, 0.1, 2, 3, [1.0, 0.5], 0.5), S.minibatch_bayes_rate: (J, R, 2, 0.5), S.joint_covariance: (K, C, 0.1, 0.5, 0.3, 2),
    S.anisotropy_ratio: (K, C, 0.1, 5), S.well_probability: (0.1, 1.0, 0.5, 0.3, 1.0), S.barrier_flux: (0.1, 1.0, -1.0, 4, 0.3, 0.5, True, 1.0),
    S.mean_exit_time_1d: (np.asarray, 0.5, 1.0, (-1.0, 1.0), 0.2, 32),
    D.diagram_svg: ("[a]", 1.0), D.diagram_text: ("[a]",), D.diagrams_html: (fd.diagrams(2), 2, 1.0),
    D.spacetime_svg: (ST, LAID, "[a]", [[0], [1]], 1.0), D.spacetime_text: (ST, LAID, "[a]", [[0], [1]]),
    D.table_html: (fd.table(2), 2, 1.0),
}


class Broken:
    def __getattr__(self, name):
        raise RuntimeError(name)


JUNK = [
    None, True, np.bool_(False), 0, -1, 3, 10**400, 2**62, -0.0, 1.5, 1e-320, 1e300, -1e300, inf, -inf, nan, 1j, Fraction(1, 3),
    np.int8(5), np.uint64(2**63), np.float32(0.1), np.float64(nan), np.array(2), np.datetime64("2020"), np.timedelta64(3), "", "x",
    "[a]", "1", b"1", object(), Broken(), SimpleNamespace(), int, len, lambda *a: 1 / 0, lambda w: "a", [], [[]], [None], [[1], [1, 2]],
    ["1", "2"], (), (1.0,), (2.0, 1.0), {}, {1, 2}, range(3), iter([1, 2]), np.array([]), np.zeros((0, 2)), np.zeros((2, 0)),
    np.zeros((2, 2)), np.zeros(3), -np.ones(3), np.ones((2, 2, 2)), np.full((2, 2), nan), np.full(3, inf), np.array(["a", "b"]),
    np.array([1, None, 2]), np.array([1 + 1j]), np.ma.array([1.0, 2, 3], mask=[0, 1, 0]), np.ma.masked, K * 1e300, K * 1e-300,
    K.astype(np.float16), K > 0, np.array([[1.0, 2], [3, 4]]), L * 1e-310, L * 1e300, fd.landscapes.gauss(), ST, fd.diagrams(2),
    fd.landscapes.tensors({(2,): K}), fd.landscapes.samples([0.0, 1.0], [[1e200], [-1e200]], [[[1.0]], [[2.0]]]), fd, slice(None), ...,
]


def attack(count, seed):
    draw, functions = random.Random(seed), list(GOOD)
    plan = [(f, i, x) for f in functions for i in range(len(GOOD[f])) for x in range(len(JUNK))]
    draw.shuffle(plan)
    tried = 0
    while tried < count:
        for f, i, x in plan:
            arguments = list(GOOD[f])
            arguments[i] = JUNK[x]
            if draw.random() < 0.3 or tried >= len(plan):
                arguments[draw.randrange(len(arguments))] = draw.choice(JUNK)
            start, message = time.monotonic(), "x" * 100
            try:
                with np.errstate(all=draw.choice(["raise", "warn"])):
                    f(*arguments)
            except fd.FastdiagError as error:
                message = str(error)
            except Exception as error:
                raise AssertionError(f"{f.__name__}{tuple(arguments)!r:.500}: {type(error).__name__}: {error}") from error
            assert 15 < len(message) < 2000, (f.__name__, message)
            assert time.monotonic() - start < 15, (f.__name__, arguments)
            tried += 1
            if tried == count:
                break


def test_junk():
    attack(4000, seed=0)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_junk_for_longer(seed):
    attack(20_000, seed)


def layouts(x):
    """The same numbers as other arrays."""
    x = np.asarray(x, np.float64)
    wide = np.zeros(tuple(2 * n for n in x.shape))
    some = tuple(slice(None, None, 2) for _ in x.shape)
    wide[some] = x
    frozen = x.copy()
    frozen.flags.writeable = False
    yield from (np.asfortranarray(x), wide[some], x[..., ::-1].copy()[..., ::-1], frozen, x.tolist(), x.astype(object))
    yield np.ma.array(x)
    if (x == x.astype(np.float32)).all():
        yield x.astype(np.float32)
    pandas = pytest.importorskip("pandas") if x.ndim <= 2 else None
    if pandas is not None:
        yield pandas.DataFrame(x) if x.ndim == 2 else pandas.Series(x)
        yield (pandas.DataFrame(x) if x.ndim == 2 else pandas.Series(x)).astype("Float64")


def flat(found):
    if dataclasses.is_dataclass(found) and not isinstance(found, N.Geometry):
        found = tuple(getattr(found, field.name) for field in dataclasses.fields(found) if getattr(found, field.name) is not None)
    if isinstance(found, N.Geometry):
        found = N.noise_covariance(found), N.loss_alignment(found), found.loss
    if hasattr(found, "matmat"):
        found = found @ np.eye(2)
    return np.concatenate([np.ravel(part) for part in (found if isinstance(found, tuple) else (found,))])


@pytest.mark.parametrize("f", [f for f in GOOD if f.__module__.startswith(("fastdiag.noise", "fastdiag.stationary"))],
                         ids=lambda f: f.__name__)
def test_layouts_agree_and_nothing_is_aliased(f):
    good = [x.copy() if isinstance(x, np.ndarray) else x for x in GOOD[f]]
    plain = flat(f(*good))
    for i, x in enumerate(good):
        if isinstance(x, np.ndarray):
            for other in layouts(x):
                assert np.array_equal(flat(f(*good[:i], other, *good[i + 1 :])), plain), (i, type(other))
    kept = f(*good)
    before = [x.copy() if isinstance(x, np.ndarray) else x for x in good]
    assert all(np.array_equal(x, y) for x, y in zip(good, before, strict=True) if isinstance(x, np.ndarray)), "inputs stay"
    for x in good:
        if isinstance(x, np.ndarray):
            x += 100.0
    assert np.array_equal(flat(kept), plain)
    whole = [np.int8(x) if type(x) is int else np.float64(x) if type(x) is float else x for x in GOOD[f]]
    assert np.array_equal(flat(f(*whole)), plain)
