"""About the path of a given training set: its noise is shuffling. Beside every order of the points, in Fractions."""

import math
from fractions import Fraction
from functools import lru_cache, partial

import numpy as np
import pytest

import fastdiag as fd
from fastdiag.errors import TooLargeError, UnsupportedError
from fastdiag.expansion.diagram_sum import diagram_sum
from fastdiag.expansion.observables import OBSERVABLES, observable_named
from fastdiag.path.path_worth import PathWorth
from fastdiag.values.given import given_points
from oracles.given_sets import as_arrays, batches_of, formula, powers_of_noise, random_losses
from oracles.noise_oracle import Descent

F = Fraction
HALF = F(1, 2)
LONG = partial(pytest.param, marks=pytest.mark.long)
START, ETA = [F(1, 3), F(-1, 5)], F(1, 7)
MATRIX = [[F(1, 5), F(1, 20)], [F(1, 20), F(1, 8)]]
pytestmark = pytest.mark.filterwarnings("ignore::fastdiag.errors.TrustWarning")

CASES = [
    (3, 1, 2, "reshuffle"), (3, 1, 5, "reshuffle"), (4, 2, 3, "reshuffle"), (2, 2, 2, "reshuffle"), (1, 1, 2, "reshuffle"),
    (2, 1, 5, "cyclic"), (4, 1, 3, "cyclic"), (4, 2, 5, "cyclic"), (3, 2, 3, "replacement"),
    (3, 2, 4, "reshuffle", "keep"), (3, 2, 3, "reshuffle", "drop"), (3, 2, 5, "cyclic", "keep"), (3, 2, 3, "cyclic", "drop"),
]
RULES = {
    "momentum": (fd.updates.momentum(HALF), partial(Descent, mu=HALF)),
    "nesterov": (fd.updates.nesterov(HALF), partial(Descent, mu=HALF, nesterov=True)),
    "decay": (fd.updates.weight_decay(F(1, 5)), partial(Descent, decay=F(1, 5))),
    "schedule": (fd.updates.schedule([1, HALF, 2, F(1, 3)]), partial(Descent, rates=[1, HALF, 2, F(1, 3)])),
}


@lru_cache
def losses_of(n, N):
    return random_losses(3, n, 5 - n, N), random_losses(12, n, 5 - n, 1)


@lru_cache
def landscapes(n, N):
    return tuple(formula(each, START[:n]) for each in losses_of(n, N))


def expected(n, case, power, eta=ETA, rule=Descent):
    return as_arrays(powers_of_noise(*losses_of(n, case[0]), START[:n], eta, case, power, rule), power)


def grid(case):
    N, B, T, sampling, last = *case, *[None][len(case) - 4 :]
    return fd.Spacetime(N, B, T, sampling=sampling, last=last)


@pytest.mark.parametrize(("n", "case"), [(1, case) for case in CASES] + [(2, CASES[2])] + [LONG(2, case) for case in CASES])
def test_noise_order_1_is_the_second_power(n, case):
    check(n, case)


@pytest.mark.parametrize("rule", ["momentum", *map(LONG, RULES)])
def test_update_rules(rule):
    update, step = RULES[rule]
    for case in ((3, 1, 4, "reshuffle"), (2, 1, 4, "cyclic")):
        check(1, case, update, step)


def check(n, case, update=None, step=Descent):
    wanted, (land, test) = expected(n, case, 2, rule=step), landscapes(n, case[0])
    for name in OBSERVABLES:
        p = fd.predict(
            land, grid(case), ETA, observable=name, noise=1, update=update, training_set="given", test=test
        )
        for order in (0, 1):
            assert (np.asarray(p.by_order[order]) == wanted[2 * order][name]).all(), (name, order)
    if update is None:
        near = fd.predict(land, grid(case), float(ETA), noise=1, training_set="given", test=test)
        np.testing.assert_allclose(near.by_order, [float(wanted[power]["test_loss"]) for power in (0, 2)], rtol=1e-12)


def test_a_matrix_of_learning_rates():
    case = (3, 1, 4, "reshuffle")
    wanted, (land, test) = expected(2, case, 2, MATRIX), landscapes(2, 3)
    p = fd.predict(land, grid(case), np.array(MATRIX, float), noise=1, training_set="given", test=test, T=[2, 4])
    assert p.total[1] == pytest.approx(float(wanted[0]["test_loss"] + wanted[2]["test_loss"]), rel=1e-12)


TINY = [  # up to three epochs
    (2, 1, 2, "reshuffle"), (2, 1, 4, "reshuffle"), (2, 1, 4, "cyclic"), (2, 2, 3, "reshuffle"), (3, 1, 3, "cyclic"), (3, 2, 4, "reshuffle", "keep"),
    (3, 2, 4, "cyclic", "keep"), (3, 2, 3, "reshuffle", "drop"),
]


@pytest.mark.parametrize(
    ("n", "case", "power"),
    [(1, (3, 1, 4, "reshuffle"), 3), (1, (4, 2, 3, "cyclic"), 3), (1, (3, 2, 3, "replacement"), 3), (2, (3, 1, 2, "reshuffle"), 3),
     LONG(1, (3, 1, 3, "reshuffle"), 4), LONG(1, (2, 1, 3, "reshuffle"), 4), LONG(1, (4, 2, 3, "cyclic"), 4),
     LONG(1, (3, 2, 3, "replacement"), 4), LONG(2, (3, 1, 4, "reshuffle"), 3), LONG(1, (4, 2, 5, "reshuffle"), 3),
     *(LONG(1, case, 4) for case in TINY)],
)
def test_skeletons_are_the_higher_powers(n, case, power):
    """Those with so many tied nodes; noise order 2 is all of the third power, and of the fourth those with two pairs."""
    wanted, (land, test) = expected(n, case, power), landscapes(n, case[0])
    worth = PathWorth(land, [grid(case)], [ETA], None, power - 1, None, given_points(land, grid(case), test).points, (test,))
    for name in ("test_loss", "train_loss", "generalization_gap", "covariance"):
        sums, _ = diagram_sum(observable_named(name, True), power, _tying, worth, False)
        assert (sums[power][0, 0] == wanted[power][name]).all(), name


@lru_cache
def _tying(power, shares):
    """By the power of the noise, so that of a covariance the squares of means go off at their power."""
    every = (D for noise in range(max(power, 1)) for D in fd.skeletons(noise))
    return [D for D in every if sum(len(part) for part in D.parts if len(part) > 1) == power]


def test_noise_order_2_is_asked_of_skeletons():
    case, (land, test) = (3, 1, 3, "reshuffle"), landscapes(1, 3)
    p = fd.predict(land, grid(case), float(ETA), noise=2, training_set="given", test=test)
    assert len(p.by_diagram) == 1 + 3 + 78
    first = fd.predict(land, grid(case), float(ETA), noise=1, training_set="given", test=test)
    np.testing.assert_allclose(p.by_order[:2], first.by_order, rtol=1e-12)


def runs_of_logistic(X, y, ridge, eta, case, scale, step):
    """E of the logistic loss over all orders, each point's deviation from the mean gradient scaled."""
    total = 0.0

    def gradients(theta):
        return X * (1 / (1 + np.exp(-X @ theta)) - y)[:, None] + ridge * theta

    for chance, batches in batches_of(*case):
        theta, memory = np.array([0.2, -0.1]), None
        for batch in batches:
            g = gradients(theta)
            mean = g.mean(axis=0)
            theta, memory = step(theta, eta, mean + scale * (g[list(batch)].mean(axis=0) - mean), memory)
        u = X @ theta
        total += float(chance) * (np.mean(np.logaddexp(0, u) - y * u) + ridge * theta @ theta / 2)
    return total


def adam(theta, eta, g, memory, beta1=0.8, beta2=0.9, epsilon=0.1):
    t, m, v = memory or (0, 0.0, 0.0)
    t, m, v = t + 1, beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    move = m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
    return theta - eta * move, (t, m, v)


def clipped(theta, eta, g, memory):
    return theta - eta * g / np.sqrt(1 + g @ g / 0.5**2), None


@pytest.mark.parametrize("step", [adam, clipped])
@pytest.mark.parametrize("case", [(3, 1, 5, "reshuffle"), (4, 2, 3, "cyclic")])
def test_rules_that_are_not_linear(step, case):
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(case[0], 2)) + 0.5, (np.arange(case[0]) % 2).astype(float)
    update = fd.updates.adam(0.8, 0.9, 0.1) if step is adam else fd.updates.clipped(0.5)
    land = fd.landscapes.logistic(X, y, [0.2, -0.1], ridge=0.1)
    p = fd.predict(land, grid(case), 0.3, noise=1, update=update, training_set="given")
    at = [runs_of_logistic(X, y, 0.1, 0.3, case, scale, step) for scale in (-0.004, -0.002, 0.0, 0.002, 0.004)]
    second = (-at[0] + 16 * at[1] - 30 * at[2] + 16 * at[3] - at[4]) / (24 * 0.002**2)
    assert p.by_order == pytest.approx((at[2], second), rel=1e-6)


@pytest.mark.parametrize("sampling", ["reshuffle", "cyclic", "replacement"])
def test_the_law_that_an_epoch_leaves_as_it_is(sampling):
    rng = np.random.default_rng(1)
    land = fd.landscapes.logistic(rng.normal(size=(6, 2)), [0, 1, 1, 0, 1, 0], [0.0, 0.0], ridge=0.5)
    for name in ("test_loss", "covariance", "displacement"):
        ask = partial(fd.predict, land, eta=0.5, noise=1, observable=name, training_set="given")
        late, last = (ask(fd.Spacetime(6, 2, T, sampling=sampling)).total for T in (600, math.inf))
        np.testing.assert_allclose(last, late, rtol=1e-9, atol=1e-14)


def test_runs_on_real_data():
    """Breast cancer's first 60 points trained on, the others held out; 4,000 runs in NumPy, 4 standard errors."""
    whole = fd.landscapes.breast_cancer()
    ours, held = slice(0, 60), slice(60, None)
    land, test = (fd.landscapes.logistic(whole.X[s], whole.y[s], whole.theta, whole.ridge) for s in (ours, held))
    N, B, E, eta, runs = 60, 3, 4, 0.02, 4000
    p = fd.predict(land, fd.Spacetime(N, B, E=E), eta, noise=1, observable="generalization_gap", training_set="given", test=test)
    loss = fd.predict(land, fd.Spacetime(N, B, E=E), eta, noise=1, training_set="given", test=test)
    rng, theta = np.random.default_rng(0), np.zeros((runs, len(whole.theta)))
    for _ in range(E):
        orders = rng.permuted(np.tile(np.arange(N), (runs, 1)), axis=1)
        for batch in np.split(orders, N // B, axis=1):
            x = land.X[batch]
            slopes = 1 / (1 + np.exp(-np.einsum("rbn,rn->rb", x, theta))) - land.y[batch]
            theta = theta - eta * (np.einsum("rbn,rb->rn", x, slopes) / B + whole.ridge * theta)

    def losses(data):
        u = theta @ data.X.T
        return np.mean(np.logaddexp(0, u) - data.y * u, axis=1) + (whole.ridge * theta**2).sum(axis=1) / 2

    for found, simulated in ((loss.total, losses(test)), (p.total, losses(test) - losses(land))):
        assert abs(found - simulated.mean()) < 4 * simulated.std() / math.sqrt(runs)
    drawn = fd.predict(land, fd.Spacetime(N, B, E=E), eta, noise=1)
    assert abs(drawn.by_order[1]) > 3 * abs(loss.by_order[1])  # shuffling is the lesser noise


def test_what_cannot_be_had_says_why():
    land = fd.landscapes.breast_cancer()
    ask = partial(fd.predict, land, fd.Spacetime(569, 1, 569), 0.01, training_set="given")
    with pytest.raises(UnsupportedError, match="what one batch has the others lack"):
        ask(closure="gaussian")
    with pytest.raises(TooLargeError, match=r"take a lower noise order, take fewer updates"):
        ask(noise=2)
    with pytest.raises(UnsupportedError, match="is no linear rule"):
        ask(noise=2, update=fd.updates.adam())
