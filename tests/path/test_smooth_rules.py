"""Adam, RMSprop and clipping about the path at noise order 1, beside brute force by series in the size of the noise."""

import copy
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
import sympy

import fastdiag as fd
from fastdiag.errors import InputError, UnsupportedError
from fastdiag.path import predicted_about_path
from oracles.noise_oracle import Descent, centred, landscape, observables
from oracles.oracle import series_product

F = Fraction
NAMES = ("test_loss", "train_loss", "generalization_gap", "displacement", "covariance", "test_loss_variance")
U = fd.updates

LINE = {(1,): F(1), (2,): F(3, 2), (3,): F(-1, 2), (4,): F(1, 4)}
LINE_NOISE = centred([{(1,): F(1), (2,): F(1, 2)}, {(1,): F(-1), (2,): F(1), (3,): F(1, 3)}], [F(1, 3), F(2, 3)])
PLANE = {(1, 0): F(1), (2, 0): F(1), (0, 2): F(2), (1, 1): F(1, 2), (3, 0): F(1, 3), (1, 2): F(-1, 2), (0, 1): F(-1)}
PLANE_NOISE = centred([{(1, 0): F(1), (1, 1): F(1)}, {(0, 1): F(2), (2, 0): F(-1), (0, 3): F(1, 2)}], [F(1, 2), F(1, 2)])
PROBLEMS = {
    "line": (LINE, LINE_NOISE, [F(1, 3), F(2, 3)], [F(1, 2)]),
    "plane": (PLANE, PLANE_NOISE, [F(1, 2), F(1, 2)], [F(1, 2), F(-1)]),
}
MATRIX = [[0.2, 0.05], [0.05, 0.25]]


def inverse(series):
    """1 / series to eps^2."""
    a, b, c = series
    return [1 / a, -b / a**2, b**2 / a**3 - c / a**2]


def root(series):
    a, b, c = map(float, series)
    r = math.sqrt(a)
    return [r, b / (2 * r), c / (2 * r) - b**2 / (8 * r**3)]


def plus(first, second, scale=1.0):
    return [x + scale * y for x, y in zip(first, second, strict=True)]


class Adaptive(Descent):
    """Written from the definition, for series."""

    def __init__(self, theta, eta, beta1, beta2, epsilon, corrected, rates=None):
        super().__init__(theta, eta)
        self.mean, self.square = ([[0.0] * 3 for _ in theta] for _ in range(2))
        self.betas, self.epsilon, self.corrected, self.factors = (beta1, beta2), epsilon, corrected, rates

    def step(self, t, gradient):
        a, b = self.betas
        self.mean = [plus([a * x for x in m], g, 1 - a) for m, g in zip(self.mean, gradient, strict=True)]
        self.square = [plus([b * x for x in v], series_product(g, g), 1 - b) for v, g in zip(self.square, gradient, strict=True)]
        first, second = (1 - a ** (t + 1), 1 - b ** (t + 1)) if self.corrected else (1, 1)
        steps = []
        for m, v in zip(self.mean, self.square, strict=True):
            below = plus(root([x / second for x in v]), [self.epsilon, 0, 0])
            steps.append(series_product([x / first for x in m], inverse(below)))
        self.theta = self.moved(-1 if self.factors is None else -self.factors[t], steps)


class Clipped(Descent):
    def __init__(self, theta, eta, norm, **options):
        super().__init__(theta, eta, **options)
        self.norm = norm

    def step(self, t, gradient):
        length = [1.0, 0.0, 0.0]
        for g in gradient:
            length = plus(length, series_product(g, g), 1 / self.norm**2)
        super().step(t, [series_product(g, inverse(root(length))) for g in gradient])


RATES = [1.0, 2.0, 0.5, 1.0, 3.0]
RULES = {
    "adam": (U.adam(0.6, 0.8, 0.1), lambda theta, eta: Adaptive(theta, eta, 0.6, 0.8, 0.1, True)),
    "adam with a schedule": (
        U.adam(0.9, 0.999, 0.5).with_schedule(RATES), lambda theta, eta: Adaptive(theta, eta, 0.9, 0.999, 0.5, True, RATES)
    ),
    "rmsprop": (U.rmsprop(0.7, 0.2), lambda theta, eta: Adaptive(theta, eta, 0.0, 0.7, 0.2, False)),
    "clipped": (U.clipped(0.8), lambda theta, eta: Clipped(theta, eta, 0.8)),
    "clipped nesterov": (
        U.clipped(1.2, U.nesterov(0.5).with_schedule(RATES)),
        lambda theta, eta: Clipped(theta, eta, 1.2, mu=0.5, nesterov=True, rates=RATES),
    ),
}
# N, B, T, sampling: one epoch and several, partial ones, full batches
CASES = [
    (3, 1, 3, "reshuffle"), (4, 2, 2, "reshuffle"), (3, 1, 5, "reshuffle"), (4, 2, 4, "reshuffle"), (2, 2, 3, "reshuffle"),
    (2, 1, 4, "cyclic"), (3, 3, 3, "cyclic"), (2, 1, 4, "replacement"), (3, 2, 3, "replacement"),
]


def about_path(land, N, B, T, sampling, eta, name, **options):
    series = predicted_about_path(land, [fd.Spacetime(N, B, T, sampling=sampling)], [eta], 1, name, **options)
    return [order[0, 0] for order in series.by_order]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("problem", "N", "B", "T", "sampling"),
    [
        pytest.param(problem, *case, marks=() if i in quick else pytest.mark.long)
        for problem, quick in (("line", (0, 1, 4, 5, 7)), ("plane", (1, 5))) for i, case in enumerate(CASES)
    ],
)
def test_every_observable_equals_brute_force(rule, problem, N, B, T, sampling):
    loss, noises, chances, start = PROBLEMS[problem]
    if problem == "plane" and N * T > 12:
        T = max(2, 12 // N)
    update, by_hand = RULES[rule]
    expected = observables(loss, noises, chances, start, 0.2, N, B, T, sampling, 2, by_hand)
    land = landscape(loss, noises, chances, start)
    for name in NAMES:
        found = about_path(land, N, B, T, sampling, 0.2, name, update=update)
        for k, order in enumerate(found):
            assert order == pytest.approx(np.array(expected[name][2 * k], float), rel=1e-9, abs=1e-12), (name, k)


@pytest.mark.parametrize("rule", ["adam", "rmsprop", "clipped", "clipped nesterov"])
def test_a_matrix_of_learning_rates(rule):
    loss, noises, chances, start = PROBLEMS["plane"]
    update, by_hand = RULES[rule]
    expected = observables(loss, noises, chances, start, MATRIX, 2, 1, 4, "reshuffle", 2, by_hand)
    for name in NAMES:
        land = landscape(loss, noises, chances, start)
        found = about_path(land, 2, 1, 4, "reshuffle", 1.0, name, update=update, metric=np.array(MATRIX))
        for k, order in enumerate(found):
            assert order == pytest.approx(np.array(expected[name][2 * k], float), rel=1e-9, abs=1e-12), (name, k)


def test_a_long_norm_clips_nothing():
    X, y = [[1.0, 0.3], [-0.5, 1.0], [0.2, -1.0]], [1, 0, 1]
    land, rule = fd.landscapes.logistic(X, y, [0.4, -0.3], 0.1), U.momentum(0.5)
    for name in NAMES:
        clipped = about_path(land, 3, 1, 7, "reshuffle", 0.3, name, update=U.clipped(1e6, rule))
        for near, plain in zip(clipped, about_path(land, 3, 1, 7, "reshuffle", 0.3, name, update=rule), strict=True):
            assert near == pytest.approx(plain, rel=1e-9, abs=1e-14)


def test_times_in_one_pass_and_skeletons():
    loss, noises, chances, start = PROBLEMS["plane"]
    land, update = landscape(loss, noises, chances, start), U.adam(0.5, 0.9, 0.1)
    times = [fd.Spacetime(3, 1, T) for T in (5, 2)]
    series = predicted_about_path(land, times, [0.1, 0.2], 1, update=update)
    alone = predicted_about_path(land, times[:1], [0.2], 1, update=update)
    assert [order[1, 0] for order in series.by_order] == [order[0, 0] for order in alone.by_order]
    assert set(series.by_skeleton) == {"[]", "[a a]", "[b[a a]]", "[a[a]]"}
    assert sum(series.by_skeleton.values()) == pytest.approx(sum(series.by_order))


@pytest.mark.parametrize("rule", RULES)
def test_predict_takes_them(rule):
    loss, noises, chances, start = PROBLEMS["plane"]
    land, update, st = landscape(loss, noises, chances, start), RULES[rule][0], fd.Spacetime(4, 2, 3)
    series = predicted_about_path(land, [st], [0.2], 1, update=update)
    found = fd.predict(land, st, 0.2, noise=1, update=update)
    assert found.by_order == pytest.approx([order[0, 0] for order in series.by_order])
    assert found.update == update
    assert pickle.loads(pickle.dumps(found)) == found


ALL = [U.adam(), U.adam(0.5, 0.9, 1e-3), U.rmsprop(), U.rmsprop(0.5).with_schedule([1, F(1, 2)]), U.clipped(2), U.clipped(2, U.momentum(0.9))]


@pytest.mark.parametrize("rule", ALL, ids=repr)
def test_rules_are_values(rule):
    assert eval(repr(rule), {**vars(U), "Fraction": F}) == rule
    assert len({*ALL, rule}) == len(ALL)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(rule, protocol)) == rule
    assert copy.deepcopy(rule) == rule
    with pytest.raises(AttributeError):
        setattr(rule, next(iter(rule.__dataclass_fields__)), 1)


LAND = fd.landscapes.logistic([[1.0], [-0.5]], [1, 0], [0.4], 0.1)
ZERO = fd.landscapes.logistic([[1.0, 0.0], [1.0, 1.0], [1.0, -1.0]], [1, 1, 1], [0.0, 0.0])  # no pull on the second weight
ST = fd.Spacetime(4, T=4)
WRONG = [
    (InputError, "beta1 must be less than 1", lambda: U.adam(1)),
    (InputError, "beta2 must be at least 0", lambda: U.adam(0.9, -0.1)),
    (InputError, "epsilon must be a positive", lambda: U.adam(epsilon=0)),
    (InputError, "decay must be less", lambda: U.rmsprop(1.5)),
    (InputError, "norm must be a positive", lambda: U.clipped(0)),
    (InputError, "norm must be a finite", lambda: U.clipped("long")),
    (InputError, "update must be", lambda: U.clipped(1, 0.9)),
    (UnsupportedError, "no linear rule", lambda: U.clipped(1, U.adam())),
    (InputError, "has a schedule already", lambda: U.adam().with_schedule([1]).with_schedule([1])),
    (InputError, "has 1 learning rates", lambda: about_path(LAND, 4, 1, 4, "reshuffle", 0.1, "test_loss", update=U.adam().with_schedule([1]))),
    (UnsupportedError, "about the path only", lambda: fd.coefficient("[a]", ST, update=U.adam())),
    (UnsupportedError, "about the path only", lambda: fd.weighted_maps("[a]", ST, update=U.clipped(1))),
    (UnsupportedError, "about the path only", lambda: fd.expand(order=2, update=U.rmsprop())),
    (UnsupportedError, "about the path only", lambda: fd.predict(LAND, ST, 0.1, update=U.adam())),
    (UnsupportedError, "noise order 3", lambda: fd.predict(LAND, ST, 0.1, noise=3, update=U.adam())),
    (UnsupportedError, "noise order 2 of rmsprop", lambda: fd.predict(LAND, fd.Spacetime(4, T=8), 0.1, noise=2, update=U.rmsprop())),
    (InputError, "is a formula", lambda: fd.predict(LAND, ST, 0.1, noise=1, update=U.momentum(sympy.Symbol("mu")))),
    (InputError, "is a formula", lambda: fd.predict(fd.landscapes.mean_estimation(), ST, F(1, 9), noise=1, update=U.momentum(sympy.Symbol("mu")))),
    (UnsupportedError, "about the path only", lambda: fd.rvalue("[a a]", LAND, ST, 0.1, update=U.adam())),
    (UnsupportedError, "square roots", lambda: predicted_about_path(fd.landscapes.gauss(), [ST], [F(1, 9)], 1, update=U.adam())),
    (UnsupportedError, "square roots", lambda: predicted_about_path(fd.landscapes.gauss(), [ST], [F(1, 9)], 1, update=U.clipped(1))),
    (UnsupportedError, "noise order 2 of adam", lambda: predicted_about_path(LAND, [ST], [0.1], 2, update=U.adam())),
    (UnsupportedError, "closure='gaussian' with clipped", lambda: predicted_about_path(LAND, [ST], [0.1], 1, update=U.clipped(1), closure="gaussian")),
    (UnsupportedError, "steps vanish with the noise", lambda: about_path(LAND, math.inf, 1, math.inf, "reshuffle", 0.1, "test_loss", update=U.adam())),
    (InputError, "at weight 1", lambda: predicted_about_path(ZERO, [ST], [0.1], 1, update=U.adam())),
]


@pytest.mark.parametrize(("error", "message", "call"), WRONG)
def test_what_cannot_be_had_says_why(error, message, call):
    with pytest.raises(error, match=message):
        call()


def test_a_weight_that_nothing_moves_is_left_alone():
    """A column of zeros: v is 0 for ever, and no noise is divided by it."""
    X, y = np.array([[1.0], [-0.5], [0.3]]), [1, 0, 1]
    alone = fd.landscapes.logistic(X, y, [0.4], 0.1)
    wide = fd.landscapes.logistic(np.hstack([X, 0 * X]), y, [0.4, 0.0], 0.1)
    for name in ("test_loss", "train_loss", "test_loss_variance"):
        found = about_path(wide, 3, 1, 5, "reshuffle", 0.05, name, update=U.adam(epsilon=0.01))
        assert found == pytest.approx(about_path(alone, 3, 1, 5, "reshuffle", 0.05, name, update=U.adam(epsilon=0.01)), rel=1e-12)
